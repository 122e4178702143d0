//! Removing what no output needs.

use std::collections::HashSet;

use super::{Graph, Value};

/// Removes nodes and initializers that no output depends on.
pub fn prune(graph: &mut Graph) {
    let (keep, needed) = needed_for(graph, &graph.outputs);
    let needed: HashSet<String> = needed.into_iter().map(str::to_owned).collect();
    let mut keep = keep.iter();
    graph.nodes.retain(|_| keep.next() == Some(&true));
    graph.initializers.retain(|name| needed.contains(name));
}

/// Of each node, whether one of these outputs depends on it; and the tensors that they depend on,
/// themselves among them.
pub fn needed_for<'a>(graph: &'a Graph, outputs: &'a [Value]) -> (Vec<bool>, HashSet<&'a str>) {
    let mut needed: HashSet<&str> = outputs.iter().map(|output| &*output.name).collect();
    let mut nodes = vec![false; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        if node.outputs.iter().any(|output| needed.contains(&**output)) {
            nodes[i] = true;
            needed.extend(node.inputs.iter().map(|input| &**input));
        }
    }
    (nodes, needed)
}
