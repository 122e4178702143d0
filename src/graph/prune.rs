//! Removing what no output needs.

use std::collections::HashSet;

use super::Graph;

/// Removes nodes and initializers that no output depends on.
pub fn prune(graph: &mut Graph) {
    let mut needed: HashSet<String> = graph.outputs.iter().map(|v| v.name.clone()).collect();
    let mut keep = vec![false; graph.nodes.len()];
    for (i, node) in graph.nodes.iter().enumerate().rev() {
        if node.outputs.iter().any(|o| needed.contains(o)) {
            keep[i] = true;
            needed.extend(node.inputs.iter().cloned());
        }
    }
    let mut keep = keep.iter();
    graph.nodes.retain(|_| keep.next() == Some(&true));
    graph.initializers.retain(|name| needed.contains(name));
}
