//! What only moves elements changes places with quantization, so that it moves integers: files whose
//! pixels lay otherwise in the framework that they come from (TFLite) have a Transpose between
//! DequantizeLinear and a layer, of its weights too, or between a layer and QuantizeLinear.

use std::collections::HashMap;

use super::params::Params;
use crate::graph::operator::{Lowering, operator};
use crate::graph::{Attribute, Graph, Node, Tensor, clip_range, fresh_name};

/// Moves what can be moved; what the network computes stays the same to the bit.
pub(super) fn past_quantization(graph: &mut Graph) {
    before_dequantize(graph);
    while let Some((moves, quantizes)) = behind_quantize(graph) {
        let mut taken = graph.names();
        let [x, y] =
            [graph.nodes[moves].inputs[0].clone(), graph.nodes[quantizes].outputs[0].clone()];
        let codes = fresh_name(&format!("{y}_before"), &mut taken);
        graph.nodes[quantizes].inputs[0] = x;
        graph.nodes[quantizes].outputs[0].clone_from(&codes);
        graph.nodes[moves].inputs[0] = codes;
        graph.nodes[moves].outputs[0] = y;
        graph.nodes.swap(moves, quantizes);
    }
}

/// Whether the node moves elements, of any type, and makes nothing else.
fn moves(node: &Node) -> bool {
    operator(&node.op).lowering == Lowering::Moves
        && node.domain.is_empty()
        && !node.is("Dropout")
        && node.outputs.len() == 1
}

/// Whether a layer or another operator with an integer version reads or makes it.
fn has_integers(node: &Node) -> bool {
    operator(&node.op).lowering != Lowering::Float
}

/// A node behind DequantizeLinear which something else than QuantizeLinear reads.
fn before_dequantize(graph: &mut Graph) {
    let mut read: HashMap<String, bool> = HashMap::new();
    for node in graph.nodes.iter().filter(|node| has_integers(node)) {
        read.extend(node.inputs.iter().map(|name| (name.clone(), true)));
    }
    for node in graph.nodes.iter().filter(|node| node.is("QuantizeLinear")) {
        read.insert(node.inputs[0].clone(), false);
    }
    let mut taken = graph.names();
    let mut dequantized: HashMap<String, Node> = HashMap::new();
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes) {
        let source = node.input(0).and_then(|x| dequantized.get(x));
        let wanted = moves(&node) && read.get(node.output()).copied().unwrap_or(false);
        if let Some(before) = source.filter(|_| wanted)
            && let Some((constant, axis)) = moved(graph, before, &node)
        {
            let y = node.output().to_owned();
            let codes = fresh_name(&format!("{y}_codes"), &mut taken);
            let mut behind = before.clone();
            behind.name = fresh_name(&format!("{}_behind", node.name), &mut taken);
            behind.inputs[0].clone_from(&codes);
            behind.outputs = vec![y.clone()];
            behind.attributes.insert("axis".into(), Attribute::Int(axis));
            match constant {
                Some(tensor) => graph.initializers.insert(codes, tensor),
                None => {
                    node.inputs[0].clone_from(&before.inputs[0]);
                    node.outputs = vec![codes];
                    nodes.push(node);
                }
            }
            dequantized.insert(y, behind.clone());
            nodes.push(behind);
            continue;
        }
        if node.is("DequantizeLinear") {
            dequantized.insert(node.output().to_owned(), node.clone());
        }
        nodes.push(node);
    }
    graph.nodes = nodes;
}

/// What `node` makes of the integers before `dequantize`: a constant if they are one, and the axis of
/// the scales then. `None` where that is not known.
fn moved(graph: &Graph, dequantize: &Node, node: &Node) -> Option<(Option<Tensor>, i64)> {
    let params = Params::of(graph, dequantize)?;
    let Some(tensor) = graph.constant(dequantize, 0) else {
        return params.is_per_tensor().then_some((None, 0));
    };
    let moved = match node.op.as_str() {
        "Transpose" => tensor.transposed(node.ints("perm"))?,
        "Reshape" => tensor.reshaped(graph.constant(node, 1)?.as_i64()?)?,
        _ => return None,
    };
    if params.is_per_tensor() {
        return Some((Some(moved), 0));
    }
    let rank = tensor.shape.len();
    let axis = usize::try_from(params.axis.checked_rem_euclid(rank as i64)?).ok()?;
    let axis = match (node.op.as_str(), node.ints("perm")) {
        ("Transpose", None) => rank - 1 - axis,
        ("Transpose", Some(order)) => order.iter().position(|&from| from == axis as i64)?,
        // As many elements, with as many between two of them.
        _ => {
            let place =
                |shape: &[usize], at: usize| (shape[at], shape[at + 1..].iter().product::<usize>());
            let own = place(&tensor.shape, axis);
            (0..moved.shape.len()).find(|&at| place(&moved.shape, at) == own)?
        }
    };
    Some((Some(moved), axis as i64))
}

/// The first node that moves what an operator with an integer version makes, and the QuantizeLinear,
/// or the activation before one, that alone reads it.
fn behind_quantize(graph: &Graph) -> Option<(usize, usize)> {
    let (producers, consumers) = (graph.producers(), graph.consumers());
    let only_reader = |tensor: &str| match consumers.get(tensor).map(Vec::as_slice) {
        Some(&[reader]) if !graph.is_output(tensor) => Some(reader),
        _ => None,
    };
    let quantizes = |node: &Node| {
        let params = || Params::of(graph, node).is_some_and(|params| params.is_per_tensor());
        node.is("QuantizeLinear") && params()
    };
    let is_end = |node: &Node| {
        let clips = || clip_range(graph, node).is_some();
        let ends = |reader: usize| quantizes(&graph.nodes[reader]);
        quantizes(node) || (clips() && only_reader(node.output()).is_some_and(ends))
    };
    graph.nodes.iter().enumerate().filter(|(_, node)| moves(node)).find_map(|(at, node)| {
        let maker = &graph.nodes[*producers.get(node.input(0)?)?];
        let reader = only_reader(node.output())?;
        let end = &graph.nodes[reader];
        let fits = has_integers(maker) || clip_range(graph, maker).is_some();
        (fits && is_end(end) && end.inputs[0] == node.output()).then_some((at, reader))
    })
}
