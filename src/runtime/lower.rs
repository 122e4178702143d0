//! From the QDQ form to integer operators: what stands between DequantizeLinear and QuantizeLinear
//! becomes one node that computes on the integers.
//!
//! The integer nodes are ONNX's QLinearConv and QLinearMatMul and ONNX Runtime's `com.microsoft`
//! operators (QGemm, QLinearAdd, ...), so that files which already have them run the same way. An
//! activation folded into a node becomes the bounds `CLAMP_LOW` and `CLAMP_HIGH` of its output.

use std::collections::{HashMap, HashSet};

use crate::graph::byte_input::is_way_back;
use crate::graph::operator::{Lowering, operator};
use crate::graph::{Graph, prune, simplify};
use crate::vocabulary::quantization::LeftInFloat;
use fusing::{Operators, fuse};

mod about;
mod fusing;
mod moves;
mod params;
mod standard;
mod tidy;

use about::is_integer;
pub use about::{is_quantization, pads_with_constant, picks_nearest, pools_over_three_axes};

/// A network as the runtime computes it.
#[derive(Debug, Clone)]
pub struct Lowered {
    pub graph: Graph,
    /// Nodes on integers.
    pub integer_nodes: usize,
    /// What computes in float although the network is quantized; empty for a float network.
    pub left_in_float: Vec<LeftInFloat>,
}

/// Lowers `graph`; a network without quantization comes back as it is.
pub fn lower(graph: &Graph) -> Lowered {
    lower_to(Operators::All, graph)
}

/// A network in QDQ form as a file has it with the integer operators of ONNX and ONNX Runtime; the rest of
/// it keeps the QDQ form.
pub fn with_standard_operators(qdq: &Graph) -> Graph {
    let mut graph = lower_to(Operators::Standard, qdq).graph;
    standard::spell_out(&mut graph);
    graph
}

fn lower_to(operators: Operators, graph: &Graph) -> Lowered {
    let mut graph = graph.clone();
    let quantized = graph.nodes.iter().any(is_quantization);
    if !quantized {
        return Lowered { graph, integer_nodes: 0, left_in_float: Vec::new() };
    }
    simplify(&mut graph);
    tidy::split_dynamic(&mut graph);
    tidy::widen_small_types(&mut graph);
    tidy::quantize_constants(&mut graph);
    tidy::fold_clips(&mut graph);
    moves::past_quantization(&mut graph);
    tidy::merge_repeated(&mut graph);
    let reasons = fuse(&mut graph, operators);
    prune(&mut graph);
    Lowered {
        integer_nodes: graph.nodes.iter().filter(|n| is_integer(n)).count(),
        left_in_float: left_in_float(&graph, &reasons),
        graph,
    }
}

/// Nodes that still read float, with the reason why.
fn left_in_float(graph: &Graph, reasons: &HashMap<String, String>) -> Vec<LeftInFloat> {
    let mut float: HashSet<&str> = HashSet::from([graph.input.name.as_str()]);
    let mut sums: HashSet<&str> = HashSet::new();
    let mut left = Vec::new();
    for node in &graph.nodes {
        // What is quantized while it runs turns its integer sums into floats.
        let of_sums = node.is("Cast") && sums.contains(node.inputs[0].as_str());
        if node.is("DequantizeLinear") || of_sums {
            float.insert(node.output());
            continue;
        }
        if node.is("ConvInteger") || node.is("MatMulInteger") {
            sums.insert(node.output());
        }
        let reads_float = node.inputs.iter().any(|i| float.contains(i.as_str()));
        if !reads_float || is_quantization(node) || node.is("Shape") {
            continue;
        }
        float.extend(node.outputs.iter().map(String::as_str));
        if operator(&node.op).lowering != Lowering::Moves && !is_way_back(graph, node) {
            let why = reasons.get(&node.name).cloned();
            left.push(LeftInFloat {
                node: node.name.clone(),
                op: node.op.clone(),
                why: why.unwrap_or_else(|| format!("`{}` has no integer version", node.op)),
            });
        }
    }
    left
}
