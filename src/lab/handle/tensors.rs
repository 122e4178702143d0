//! The names in a network's file, as overrides want them.

use std::collections::BTreeMap;

use crate::graph::Graph;
use crate::graph::operator::operator;
use crate::report::overrides::Tensors;

pub(super) fn of(graph: &Graph) -> Tensors {
    let mut weights: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in graph.nodes.iter().filter(|node| operator(&node.op).weights.is_some()) {
        if let Some(name) = node.input(1).filter(|name| graph.initializers.contains_key(name)) {
            weights.entry(name.to_owned()).or_default().push(node.name.clone());
        }
    }
    let constants = graph.initializers.keys().cloned().collect();
    Tensors { names: graph.names().into_iter().collect(), constants, weights }
}
