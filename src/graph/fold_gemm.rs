//! Gemm's `alpha` and `beta` belong into its weights and bias: `alpha A B + beta C = A (alpha B) +
//! (beta C)`. Integer kernels round a bias to their accumulator's units, and know no factors.

use super::{Data, Graph, Node, Tensor, fresh_name};

/// Folds the factors of every Gemm with constant weights and bias.
pub fn fold_gemm(graph: &mut Graph) {
    let mut taken = graph.names();
    for at in 0..graph.nodes.len() {
        let Some(folded) = scaled(graph, &graph.nodes[at]) else { continue };
        for (input, what, tensor) in folded {
            let name = fresh_name(&format!("{}_{what}", graph.nodes[at].name), &mut taken);
            graph.initializers.insert(name.clone(), tensor);
            graph.nodes[at].inputs[input] = name;
        }
        graph.nodes[at].attributes.remove("alpha");
        graph.nodes[at].attributes.remove("beta");
    }
}

/// The scaled constants, by the input that they are for; `None` where there is nothing to do.
fn scaled(graph: &Graph, node: &Node) -> Option<Vec<(usize, &'static str, Tensor)>> {
    let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
    if !node.is("Gemm") || (alpha == 1.0 && beta == 1.0) {
        return None;
    }
    let times = |index, factor: f32| {
        let tensor = graph.constant(node, index)?;
        let values = tensor.as_f32()?.iter().map(|v| v * factor).collect();
        Some(Tensor::new(tensor.shape.clone(), Data::F32(values)))
    };
    let mut folded = vec![(1, "weight", times(1, alpha)?)];
    if node.input(2).is_some() {
        folded.push((2, "bias", times(2, beta)?));
    }
    Some(folded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Attribute;

    #[test]
    fn factors_go_into_the_constants() {
        let gemm = Node::new("Gemm", "gemm", ["x", "w", "b"], ["y"])
            .with("alpha", Attribute::Float(0.5))
            .with("beta", Attribute::Float(3.0));
        let mut graph = Graph { nodes: vec![gemm], ..Graph::default() };
        for name in ["w", "b"] {
            let tensor = Tensor::new([1, 2], Data::F32(vec![1.0, -2.0]));
            graph.initializers.insert(name.into(), tensor);
        }
        fold_gemm(&mut graph);
        let node = &graph.nodes[0];
        assert!(node.attributes.is_empty());
        assert_eq!(graph.constant(node, 1).and_then(Tensor::as_f32), Some(&[0.5, -1.0][..]));
        assert_eq!(graph.constant(node, 2).and_then(Tensor::as_f32), Some(&[3.0, -6.0][..]));
    }
}
