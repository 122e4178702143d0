//! Where quantization goes: which nodes compute on integers, which tensors get a scale, and which
//! share one. As ONNX Runtime's quantizer places QDQ pairs: one per tensor, shared by its readers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::graph::operator::{Layout, Rank, Scale, operator};
use crate::graph::weights::{Places, channel_axis};
use crate::graph::{Graph, Node, Tensor, clip_range};
use crate::runtime::lower::{pads_with_constant, picks_nearest, pools_over_three_axes};
use crate::vocabulary::quantization::LeftInFloat;
use crate::vocabulary::recipe::Recipe;

/// The axis of the channels of a layer's weights; `None` for what is no layer on floats.
pub(super) fn weight_axis(node: &Node) -> Option<usize> {
    channel_axis(node).filter(|_| operator(&node.op).scale == Scale::OfLayer)
}

/// Whether the node has weights; a MatMul may multiply two computed tensors instead.
pub(super) fn has_weights(graph: &Graph, node: &Node) -> bool {
    let computed = || multiplies_tensors(node) && graph.constant(node, 1).is_none();
    weight_axis(node).is_some() && !computed()
}

/// Whether the node may multiply two computed tensors.
fn multiplies_tensors(node: &Node) -> bool {
    operator(&node.op).weights.is_some_and(|own| own.layout == Layout::Product)
}

/// Whether the node joins several inputs, whose constants are quantized as activations.
pub(super) fn joins(node: &Node) -> bool {
    operator(&node.op).scale == Scale::OfJoin
}

/// Whether the node has no weights, and a result with a scale of its own.
fn has_own_scale(node: &Node) -> bool {
    matches!(operator(&node.op).scale, Scale::Own | Scale::OfJoin)
}

/// Whether the result keeps the scale of the input.
fn keeps_scale(graph: &Graph, node: &Node) -> bool {
    let row = operator(&node.op);
    match row.scale {
        Scale::Kept => row.rank != Rank::OfWindow || has_integer_window(node),
        Scale::KeptByCopies => picks_nearest(node),
        // Zero is on every grid, other values need not be.
        Scale::KeptByPadding if pads_with_constant(node) => match node.input(2) {
            None => true,
            Some(_) => graph.constant(node, 2).and_then(Tensor::as_f32) == Some(&[0.0]),
        },
        Scale::KeptByPadding => true,
        Scale::Float | Scale::OfLayer | Scale::OfJoin | Scale::Own => false,
    }
}

/// Whether the pool has an integer version; of means with dilations ONNX Runtime makes an operator that it
/// does not load.
fn has_integer_window(pool: &Node) -> bool {
    let dilated = pool.is("AveragePool") && pool.attributes.contains_key("dilations");
    !dilated && pool.attributes.contains_key("kernel_shape") && !pools_over_three_axes(pool)
}

/// What will be quantized.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placement {
    /// Indices of the nodes that compute on integers.
    pub nodes: BTreeSet<usize>,
    /// Every tensor with a QDQ pair, and the tensor whose range it has (itself, or the one it only
    /// rearranges).
    pub tensors: BTreeMap<String, String>,
    /// A Relu or Clip that ends a quantized node: by the tensor it makes, the node's index.
    pub activations: BTreeMap<String, usize>,
    /// Nodes that could be quantized but are not, and why.
    pub left_in_float: Vec<LeftInFloat>,
}

impl Placement {
    /// The nodes that round: all but those whose result keeps the scale of their input.
    pub fn rounding_nodes(&self, graph: &Graph) -> Vec<usize> {
        let rounds = |i: &usize| !keeps_scale(graph, &graph.nodes[*i]);
        self.nodes.iter().copied().filter(rounds).collect()
    }

    /// The tensor in which the result of a node ends: behind its Relu or Clip.
    pub fn result<'a>(&'a self, graph: &'a Graph, node: &'a Node) -> &'a str {
        let ends = |activation: &usize| graph.nodes[*activation].inputs[0] == node.output();
        let mut ending = self.activations.iter().filter(|(_, activation)| ends(activation));
        ending.next().map_or(node.output(), |(tensor, _)| tensor)
    }

    /// Bits of the tensors with the range of `root`.
    pub fn bits(&self, graph: &Graph, recipe: &Recipe, root: &str) -> u32 {
        self.width(graph, root).bits(recipe)
    }

    /// What decides the bits of the tensors with the range of `root`.
    pub(super) fn width(&self, graph: &Graph, root: &str) -> Width {
        let is_edge = |tensor: &str| graph.is_input(tensor) || is_logits(graph, tensor);
        if self.tensors.iter().any(|(tensor, own)| own == root && is_edge(tensor)) {
            return Width::Edge;
        }
        let producers = graph.producers();
        let made_by = |tensor: &str| producers.get(tensor).map(|&i| &graph.nodes[i]);
        let layer = match self.activations.get(root) {
            Some(&activation) => made_by(&graph.nodes[activation].inputs[0]),
            None => made_by(root),
        };
        layer.map_or(Width::Uniform, |layer| Width::Layer(layer.name.clone()))
    }
}

/// What decides the bits of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Width {
    /// It is an input of the network or its logits, which keep 8.
    Edge,
    /// The recipe for the node that makes it, called so.
    Layer(String),
    /// The recipe for all.
    Uniform,
}

impl Width {
    pub(super) fn bits(&self, recipe: &Recipe) -> u32 {
        match self {
            Self::Edge => 8,
            Self::Layer(node) => recipe.activation_bits_of(node),
            Self::Uniform => recipe.activation_bits,
        }
    }
}

/// Whether the tensor is an output, or read by nothing but the scoring that makes one.
fn is_logits(graph: &Graph, tensor: &str) -> bool {
    let mut readers =
        graph.nodes.iter().filter(|n| n.inputs.iter().any(|i| i == tensor)).peekable();
    let ends = |node: &Node| operator(&node.op).scores && graph.is_output(node.output());
    graph.is_output(tensor) || (readers.peek().is_some() && readers.all(ends))
}

/// Decides for `graph`; nodes named in `keep_float` stay as they are.
pub fn place(graph: &Graph, keep_float: &[String]) -> Placement {
    let consumers = graph.consumers();
    let mut placement = Placement::default();
    let mut outputs = HashMap::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        let kept = keep_float.contains(&node.name);
        let verdict =
            if kept { Err("kept in float by the recipe") } else { integer_version(graph, node) };
        match verdict {
            Ok(true) => {
                placement.nodes.insert(i);
                let (output, activation) = result(graph, &consumers, node, keep_float);
                outputs.insert(i, output.to_string());
                if let Some(activation) = activation {
                    placement.activations.insert(output.to_string(), activation);
                }
            }
            Ok(false) => {}
            Err(why) => placement.left_in_float.push(LeftInFloat {
                node: node.name.clone(),
                op: node.op.clone(),
                why: why.into(),
            }),
        }
    }
    for &i in &placement.nodes {
        for tensor in activations_read(graph, &graph.nodes[i]).chain([outputs[&i].as_str()]) {
            placement.tensors.insert(tensor.into(), tensor.into());
        }
    }
    spread(graph, keep_float, &mut placement);
    placement
}

/// Whether the node has an integer version in its own right; `Err`: it would, but for that.
fn integer_version(graph: &Graph, node: &Node) -> Result<bool, &'static str> {
    if !matches!(node.domain.as_str(), "") {
        return Ok(false);
    }
    if has_own_scale(node) {
        let inputs = node.inputs.len();
        let known = |i| graph.constant(node, i).map(|t| t.as_f32().is_some());
        return match (0..inputs).filter_map(known).collect::<Vec<_>>()[..] {
            // Arithmetic on shapes and other integers is none of ours.
            [.., false] | [false, ..] => Ok(false),
            ref constants if constants.len() == inputs => Ok(false),
            _ => Ok(is_float(graph, node)),
        };
    }
    if weight_axis(node).is_none() {
        return Ok(false);
    }
    if !has_weights(graph, node) {
        return match graph.constant(node, 0) {
            None => Ok(is_float(graph, node)),
            Some(_) => Err("its first input is constant"),
        };
    }
    let Some(weights) = graph.constant(node, 1) else {
        return Err("its weights are computed, not constant");
    };
    if weights.as_f32().is_none() {
        return Err("its weights are not float32");
    }
    if graph.constant(node, 0).is_some() {
        return Err("its input is constant");
    }
    if multiplies_tensors(node) {
        if weights.shape.len() != 2 {
            return Err("its weights have more than two axes");
        }
    } else if weights.shape.len() > 4 {
        return Err("it slides over three axes or more");
    }
    let channels = Places::of(node, &weights.shape).map_or(0, |places| places.all_outputs());
    if node.input(2).is_some() {
        match graph.constant(node, 2).and_then(|b| b.as_f32().map(|v| (b, v))) {
            None => return Err("its bias is computed, not constant"),
            Some((bias, values)) => {
                let spread = values.len() == 1
                    || (values.len() == channels && bias.shape.last() == Some(&channels));
                if !spread {
                    return Err("its bias differs from row to row");
                }
            }
        }
    }
    Ok(true)
}

/// Whether a node without weights computes on floats: something it reads goes back to the input
/// without passing through an operator that makes integers.
fn is_float(graph: &Graph, node: &Node) -> bool {
    let producers = graph.producers();
    let mut pending: Vec<&str> = node.inputs.iter().map(String::as_str).collect();
    let mut seen = BTreeSet::new();
    while let Some(tensor) = pending.pop() {
        if graph.is_input(tensor) {
            return true;
        }
        if !seen.insert(tensor) {
            continue;
        }
        if let Some(&producer) = producers.get(tensor) {
            let producer = &graph.nodes[producer];
            // TopK and MaxPool say where what they found stood.
            let places =
                producer.output() != tensor && matches!(producer.op.as_str(), "TopK" | "MaxPool");
            if !operator(&producer.op).makes_integers && !places {
                pending.extend(producer.inputs.iter().map(String::as_str));
            }
        }
    }
    false
}

/// The computed tensors that a quantized node reads as activations.
pub(super) fn activations_read<'a>(
    graph: &'a Graph,
    node: &'a Node,
) -> impl Iterator<Item = &'a str> {
    let count = if has_weights(graph, node) { 1 } else { node.inputs.len() };
    node.inputs[..count.min(node.inputs.len())]
        .iter()
        .map(String::as_str)
        .filter(|name| !name.is_empty() && !graph.initializers.contains_key(name))
}

/// The tensor in which the node's result ends, and the index of the Relu or Clip that alone reads
/// it before.
fn result<'a>(
    graph: &'a Graph,
    consumers: &HashMap<&str, Vec<usize>>,
    node: &'a Node,
    keep_float: &[String],
) -> (&'a str, Option<usize>) {
    let output = node.output();
    let reader = match consumers.get(output).map(Vec::as_slice) {
        Some(&[reader]) if !graph.is_output(output) => reader,
        _ => return (output, None),
    };
    let activation = &graph.nodes[reader];
    let folds = clip_range(graph, activation).is_some()
        && activation.inputs[0] == output
        && !keep_float.contains(&activation.name);
    if folds { (activation.output(), Some(reader)) } else { (output, None) }
}

/// Carries scales through operators that keep them, in both directions, until nothing changes.
fn spread(graph: &Graph, keep_float: &[String], placement: &mut Placement) {
    loop {
        let before = placement.tensors.len();
        for (i, node) in graph.nodes.iter().enumerate() {
            let (Some(input), true) = (node.input(0), keeps_scale(graph, node)) else {
                continue;
            };
            let output = node.output();
            let touched =
                placement.tensors.contains_key(input) || placement.tensors.contains_key(output);
            let plain = node.domain.is_empty()
                && !keep_float.contains(&node.name)
                && !graph.initializers.contains_key(input)
                && node.outputs.iter().skip(1).all(String::is_empty);
            if touched && plain && is_float(graph, node) {
                placement.nodes.insert(i);
                placement.tensors.entry(input.into()).or_insert_with(|| input.into());
                placement.tensors.entry(output.into()).or_insert_with(|| output.into());
            }
        }
        if placement.tensors.len() == before {
            break;
        }
    }
    // In topological order, so that a chain takes the range of its first tensor.
    for &i in &placement.nodes {
        let node = &graph.nodes[i];
        if keeps_scale(graph, node) {
            let root = placement.tensors[&node.inputs[0]].clone();
            placement.tensors.insert(node.output().into(), root);
        }
    }
}
