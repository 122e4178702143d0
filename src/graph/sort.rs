//! The order of the nodes: each behind those whose results it reads.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::{Graph, Node};
use crate::error::{Error, Result};

/// Puts every node behind those whose results it reads; what is in order stays as it is. Gives the
/// places at which the nodes stood.
///
/// # Errors
/// Nodes in a circle, of which it names one.
pub fn sort(graph: &mut Graph) -> Result<Vec<usize>> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        for output in node.outputs.iter().filter(|name| !name.is_empty()) {
            makers.entry(output).or_insert(i);
        }
    }
    let before = |node: &Node| -> HashSet<usize> {
        node.inputs.iter().filter_map(|name| makers.get(name.as_str()).copied()).collect()
    };
    let befores: Vec<HashSet<usize>> = graph.nodes.iter().map(before).collect();
    let mut waiting: Vec<usize> = befores.iter().map(HashSet::len).collect();
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    for (i, before) in befores.iter().enumerate() {
        before.iter().for_each(|&maker| behind[maker].push(i));
    }
    let first = waiting.iter().enumerate().filter(|(_, count)| **count == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = first.map(|(i, _)| Reverse(i)).collect();
    let mut order = Vec::with_capacity(graph.nodes.len());
    while let Some(Reverse(i)) = ready.pop() {
        order.push(i);
        for &next in &behind[i] {
            waiting[next] -= 1;
            if waiting[next] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    if order.len() < graph.nodes.len() {
        let stuck = |i: &usize| waiting[*i] > 0;
        // Going back from what waits, one comes into the circle after at most all nodes.
        let mut at = (0..graph.nodes.len()).find(stuck).unwrap_or_default();
        for _ in 0..graph.nodes.len() {
            at = befores[at].iter().copied().filter(stuck).min().unwrap_or(at);
        }
        return Err(Error::new("it reads what is made from its own result")
            .at_node(&graph.nodes[at].name)
            .way_out("Export the network again: its nodes stand in a circle."));
    }
    let mut nodes: Vec<Option<Node>> =
        std::mem::take(&mut graph.nodes).into_iter().map(Some).collect();
    graph.nodes = order.iter().filter_map(|&i| nodes[i].take()).collect();
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(nodes: &[(&str, &str, &str)]) -> Result<Vec<String>> {
        let node = |&(name, from, to): &(&str, &str, &str)| {
            Node::new("Op", name, from.split(' ').filter(|n| !n.is_empty()), [to])
        };
        let mut graph = Graph { nodes: nodes.iter().map(node).collect(), ..Graph::default() };
        sort(&mut graph)?;
        Ok(graph.nodes.into_iter().map(|node| node.name).collect())
    }

    #[test]
    fn nodes_follow_what_they_read_and_else_the_file() {
        let order = sorted(&[("d", "b c", "d"), ("b", "x", "b"), ("a", "x", "a"), ("c", "a", "c")]);
        assert_eq!(order.unwrap(), ["b", "a", "c", "d"]);
        let order = sorted(&[("b", "x", "b"), ("a", "b b", "a"), ("c", "x", "c")]);
        assert_eq!(order.unwrap(), ["b", "a", "c"]);
    }

    #[test]
    fn a_circle_is_named_by_one_of_its_nodes() {
        let nodes = [("last", "c", "y"), ("a", "x c", "a"), ("b", "a", "b"), ("c", "b", "c")];
        let node = sorted(&nodes).unwrap_err().node;
        assert!(["a", "b", "c"].map(Some).contains(&node.as_deref()), "{node:?}");
        assert!(sorted(&[("a", "a", "a")]).is_err());
    }
}
