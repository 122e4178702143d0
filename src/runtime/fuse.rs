//! Activations that the operator before them applies on the way.

use std::collections::HashSet;

use super::operators::{FLOAT_HIGH, FLOAT_LOW};
use crate::graph::operator::operator;
use crate::graph::{Attribute, Graph, Node, clip_range};

/// A Relu or Clip becomes bounds of the operator whose result it alone reads, if that can bound
/// what it stores.
pub(super) fn activations(graph: &mut Graph) {
    let producers = graph.producers();
    let consumers = graph.consumers();
    let mut folded = Vec::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        let Some(bounds) = clip_range(graph, node) else { continue };
        let Some(&producer) = node.input(0).and_then(|x| producers.get(x)) else { continue };
        let alone =
            consumers[node.inputs[0].as_str()].len() == 1 && !graph.is_output(&node.inputs[0]);
        if alone && operator(&graph.nodes[producer].op).bounds_result {
            folded.push((i, producer, bounds));
        }
    }
    let mut gone = HashSet::new();
    for (activation, producer, bounds) in folded {
        // An activation behind an activation stays.
        if graph.nodes[producer].attributes.contains_key(FLOAT_LOW) || gone.contains(&producer) {
            continue;
        }
        graph.nodes[producer].outputs = graph.nodes[activation].outputs.clone();
        for (name, bound) in [FLOAT_LOW, FLOAT_HIGH].into_iter().zip(bounds) {
            graph.nodes[producer].attributes.insert(name.into(), Attribute::Float(bound));
        }
        gone.insert(activation);
    }
    let mut at = 0..;
    graph.nodes.retain(|_| !at.next().is_some_and(|i| gone.contains(&i)));
}

/// `node` without its bounds, and an activation that has them, if it has any.
pub(super) fn split(node: &Node) -> Option<[Node; 2]> {
    let mut bare = node.clone();
    let bounds = [FLOAT_LOW, FLOAT_HIGH].map(|name| bare.attributes.remove(name));
    let [Some(low), Some(high)] = bounds else { return None };
    let clip = Node::new("Clip", &node.name, [node.output()], [node.output()]);
    Some([bare, clip.with("min", low).with("max", high)])
}
