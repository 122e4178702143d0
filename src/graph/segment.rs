//! A part of a network, for running it from tensors that are known already.

use std::collections::{BTreeSet, HashSet};

use super::operator::operator;
use super::{Graph, Node};

/// The nodes that make `outputs` from tensors that are `available`, in order, and which of those
/// tensors they read. The network's input is read like any of them.
pub fn segment(
    graph: &Graph,
    available: &dyn Fn(&str) -> bool,
    outputs: &[String],
) -> (Graph, Vec<String>) {
    let mut needed: HashSet<&str> = outputs.iter().map(String::as_str).collect();
    let mut nodes: Vec<Node> = Vec::new();
    for node in graph.nodes.iter().rev() {
        let makes = |name: &&String| needed.contains(name.as_str()) && !available(name);
        if !node.outputs.iter().any(|name| makes(&name)) {
            continue;
        }
        needed.extend(node.inputs.iter().filter(|name| !name.is_empty()).map(String::as_str));
        nodes.push(node.clone());
    }
    nodes.reverse();
    let made: HashSet<&str> =
        nodes.iter().flat_map(|node| &node.outputs).map(String::as_str).collect();
    let outside = |name: &&str| !made.contains(name) && !graph.initializers.contains_key(name);
    let read: BTreeSet<&str> = needed.iter().copied().filter(outside).collect();
    let inputs = read.into_iter().map(Into::into).collect();
    (Graph { nodes, ..graph.clone() }, inputs)
}

/// Moves every Relu and Clip right behind the node whose result it alone reads, so that no other
/// node stands between a layer and its activation.
pub fn keep_activations_close(graph: &mut Graph) {
    let consumers = graph.consumers();
    let follower = |node: &Node| -> Option<usize> {
        match consumers.get(node.output()).map(Vec::as_slice) {
            Some(&[reader]) if !graph.is_output(node.output()) => {
                let close = operator(&graph.nodes[reader].op).clips;
                (close && graph.nodes[reader].inputs[0] == node.output()).then_some(reader)
            }
            _ => None,
        }
    };
    let followers: Vec<Option<usize>> = graph.nodes.iter().map(follower).collect();
    let moved: HashSet<usize> = followers.iter().flatten().copied().collect();
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for i in (0..graph.nodes.len()).filter(|i| !moved.contains(i)) {
        let mut next = Some(i);
        while let Some(i) = next {
            nodes.push(graph.nodes[i].clone());
            next = followers[i];
        }
    }
    graph.nodes = nodes;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x -> a -> relu -> c, and x -> b -> c.
    fn graph() -> Graph {
        let nodes = vec![
            Node::new("Conv", "a", ["x"], ["a"]),
            Node::new("Conv", "b", ["x"], ["b"]),
            Node::new("Relu", "relu", ["a"], ["r"]),
            Node::new("Add", "c", ["r", "b"], ["c"]),
        ];
        Graph { nodes, ..Graph::default() }
    }

    fn names(graph: &Graph) -> Vec<&str> {
        graph.nodes.iter().map(|n| n.name.as_str()).collect()
    }

    #[test]
    fn a_segment_holds_what_is_needed_and_no_more() {
        let (part, inputs) = segment(&graph(), &|name| name == "a", &["c".into()]);
        assert_eq!(names(&part), ["b", "relu", "c"]);
        assert_eq!(inputs, ["a", "x"]);
        let (part, inputs) = segment(&graph(), &|name| name == "r" || name == "b", &["c".into()]);
        assert_eq!((names(&part), inputs), (vec!["c"], vec!["b".to_string(), "r".into()]));
    }

    #[test]
    fn activations_follow_their_layers() {
        let mut graph = graph();
        keep_activations_close(&mut graph);
        assert_eq!(names(&graph), ["a", "relu", "b", "c"]);
    }
}
