//! ReduceMean over the pixels of a plane is GlobalAveragePool, which has an integer version: PyTorch
//! exports `x.mean([2, 3])` so.

use super::axes::Axes;
use super::{Attribute, Graph, Node, fresh_name};

/// Turns every ReduceMean over all spatial axes of three or four into GlobalAveragePool, with a
/// Flatten behind it where the axes are not kept.
pub fn pool_means(graph: &mut Graph) {
    let known = Axes::of(graph);
    let pools = |node: &Node| {
        let axes = match node.input(1) {
            Some(_) => graph.constant(node, 1)?.as_i64()?,
            None => node.ints("axes")?,
        };
        let rank = known.rank(node.input(0)?)? as i64;
        let mut axes: Vec<i64> = axes.iter().map(|a| a.rem_euclid(rank.max(1))).collect();
        axes.sort_unstable();
        let spatial = (3..=4).contains(&rank) && axes == Vec::from_iter(2..rank);
        (node.is("ReduceMean") && spatial).then_some(node.int("keepdims", 1) != 0)
    };
    let keeps: Vec<Option<bool>> = graph.nodes.iter().map(pools).collect();
    let mut taken = graph.names();
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for (mut node, keeps) in std::mem::take(&mut graph.nodes).into_iter().zip(keeps) {
        if let Some(keeps) = keeps {
            node.op = "GlobalAveragePool".into();
            node.inputs.truncate(1);
            node.attributes.clear();
            if !keeps {
                let pooled = fresh_name(&format!("{}_pooled", node.outputs[0]), &mut taken);
                let name = fresh_name(&format!("{}_Flatten", node.name), &mut taken);
                let output = std::mem::replace(&mut node.outputs[0], pooled.clone());
                nodes.push(node);
                node =
                    Node::new("Flatten", name, [pooled], [output]).with("axis", Attribute::Int(1));
            }
        }
        nodes.push(node);
    }
    graph.nodes = nodes;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Dim, Value};

    fn ops_of(axes: &[i64], keep: i64) -> Vec<String> {
        let mean = Node::new("ReduceMean", "mean", ["x"], ["y"])
            .with("axes", Attribute::Ints(axes.to_vec()))
            .with("keepdims", Attribute::Int(keep));
        let shape = Some([1, 3, 4, 4].map(Dim::Fixed).to_vec());
        let mut graph = Graph {
            input: Value { name: "x".into(), shape, ..Value::default() },
            nodes: vec![mean],
            ..Graph::default()
        };
        pool_means(&mut graph);
        assert_eq!(graph.nodes.last().map(Node::output), Some("y"));
        graph.nodes.into_iter().map(|node| node.op).collect()
    }

    #[test]
    fn a_mean_over_the_plane_is_a_pool() {
        assert_eq!(ops_of(&[2, 3], 1), ["GlobalAveragePool"]);
        assert_eq!(ops_of(&[-1, -2], 0), ["GlobalAveragePool", "Flatten"]);
        assert_eq!(ops_of(&[1], 1), ["ReduceMean"]);
        assert_eq!(ops_of(&[3], 1), ["ReduceMean"]);
    }
}
