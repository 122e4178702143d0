//! The form with integer operators, as a file has it.
//!
//! ONNX's QLinearConv and QLinearMatMul and ONNX Runtime's `com.microsoft` operators (QGemm,
//! QLinearAdd, ...): what the runtime makes of the QDQ form to compute it, without the names that are
//! its own.

use std::collections::HashSet;

use super::super::operators::{CLAMP_HIGH, CLAMP_LOW};
use crate::graph::operator::{INTEGER_MAX_POOL, MICROSOFT, operator};
use crate::graph::{Attribute, Data, Element, Graph, Node, Tensor, fresh_name, prune};

/// Gives the nodes of a lowered network their ONNX names, and folded bounds nodes of their own.
pub(super) fn spell_out(graph: &mut Graph) {
    let mut writer = Writer { taken: graph.names(), initializers: Vec::new() };
    let nodes = graph.nodes.iter().flat_map(|node| writer.node(graph, node)).collect();
    graph.nodes = nodes;
    graph.initializers.extend(writer.initializers);
    if graph.nodes.iter().any(|node| node.domain == MICROSOFT) {
        graph.opsets.insert(MICROSOFT.into(), 1);
    }
    prune(graph);
}

struct Writer {
    taken: HashSet<String>,
    initializers: Vec<(String, Tensor)>,
}

impl Writer {
    /// The node under its ONNX name; bounds that its type does not have become a Clip.
    fn node(&mut self, graph: &Graph, node: &Node) -> Vec<Node> {
        let mut node = node.clone();
        if node.op == INTEGER_MAX_POOL {
            node.op = "MaxPool".into();
        }
        let low = node.attributes.remove(CLAMP_LOW);
        let high = node.attributes.remove(CLAMP_HIGH);
        let (Some(Attribute::Int(low)), Some(Attribute::Int(high))) = (low, high) else {
            return vec![node];
        };
        let element = element_of_output(graph, &node);
        let output = node.outputs[0].clone();
        let inner = fresh_name(&format!("{output}_unclipped"), &mut self.taken);
        node.outputs[0].clone_from(&inner);
        let bounds = [(low, "low"), (high, "high")].map(|(bound, end)| {
            let data = match element {
                Element::I8 => Data::I8(vec![bound as i8]),
                _ => Data::U8(vec![bound as u8]),
            };
            let name = fresh_name(&format!("{output}_{end}"), &mut self.taken);
            self.initializers.push((name.clone(), Tensor::new([], data)));
            name
        });
        let [low, high] = bounds;
        let name = fresh_name(&format!("{}_Clip", node.name), &mut self.taken);
        vec![node, Node::new("Clip", name, [inner, low, high], [output])]
    }
}

/// The type that the zero point of the node's result has.
fn element_of_output(graph: &Graph, node: &Node) -> Element {
    // An operator that the table does not know reads two tensors, as most do.
    let at = operator(&node.op).result_zero_point.unwrap_or(7);
    graph.constant(node, at).map_or(Element::U8, Tensor::element)
}
