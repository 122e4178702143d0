//! What is tidied up before operators are fused: dynamic quantization in parts, 4-bit types as 8-bit
//! ones, weights that are quantized in the graph, Clips on integers, and what is written twice.

use std::collections::{HashMap, HashSet};

use super::super::operators::{CLAMP_HIGH, CLAMP_LOW};
use super::about::is_quantization;
use super::params::{Params, output_type};
use crate::graph::operator::{DYNAMIC_SCALE, DYNAMIC_ZERO_POINT};
use crate::graph::{Attribute, Data, Element, Graph, Node, Tensor, fresh_name};
use crate::kernels::requantize::quantize;

/// DynamicQuantizeLinear becomes a scale, a zero point and a QuantizeLinear, one output each.
pub(super) fn split_dynamic(graph: &mut Graph) {
    let mut taken = graph.names();
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for node in std::mem::take(&mut graph.nodes) {
        if !node.is("DynamicQuantizeLinear") {
            nodes.push(node);
            continue;
        }
        let mut output = |index: usize| match node.outputs.get(index) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => fresh_name(&format!("{}_{index}", node.name), &mut taken),
        };
        let (x, [y, scale, zero_point]) = (&node.inputs[0], [0, 1, 2].map(&mut output));
        let mut name = |what| fresh_name(&format!("{}_{what}", node.name), &mut taken);
        nodes.extend([
            Node::new(DYNAMIC_SCALE, name("scale"), [x], [&scale]),
            Node::new(DYNAMIC_ZERO_POINT, name("zero_point"), [x, &scale], [&zero_point]),
            Node::new("QuantizeLinear", &node.name, [x, &scale, &zero_point], [&y]),
        ]);
    }
    graph.nodes = nodes;
}

/// 4-bit integers become 8-bit ones, which is what the operators compute on, and what makes them
/// keeps their bounds.
pub(super) fn widen_small_types(graph: &mut Graph) {
    let small = |node: &Node| match graph.constant(node, 2) {
        Some(zero_point) => zero_point.element(),
        None => output_type(node),
    };
    let elements: Vec<Element> = graph.nodes.iter().map(small).collect();
    for (node, element) in graph.nodes.iter_mut().zip(elements) {
        let bounds = match element {
            Element::I4 => [-8, 7],
            Element::U4 => [0, 15],
            _ => continue,
        };
        if node.is("QuantizeLinear") {
            for (name, bound) in [CLAMP_LOW, CLAMP_HIGH].into_iter().zip(bounds) {
                node.attributes.insert(name.into(), Attribute::Int(bound));
            }
            if node.attributes.contains_key("output_dtype") {
                let wide = element.widened().0.into();
                node.attributes.insert("output_dtype".into(), Attribute::Int(wide));
            }
        }
    }
    graph.input.element = graph.input.element.widened();
    let small = |(_, tensor): &(&String, &Tensor)| tensor.element() != tensor.element().widened();
    let widened = graph.initializers.iter().filter(small);
    let widened: Vec<_> =
        widened.map(|(name, tensor)| (name.clone(), tensor.clone().widened())).collect();
    graph.initializers.extend(widened);
}

/// Some exporters keep float weights and quantize them in the graph: done here, once.
pub(super) fn quantize_constants(graph: &mut Graph) {
    let mut made = Vec::new();
    for node in graph.nodes.iter().filter(|n| n.is("QuantizeLinear")) {
        let (Some(x), Some(params)) = (graph.constant(node, 0), Params::of(graph, node)) else {
            continue;
        };
        let Some(values) = x.as_f32() else { continue };
        let rank = x.shape.len() as i64;
        let axis = if params.axis < 0 { params.axis + rank } else { params.axis };
        let channels = params.scale.len();
        if channels > 1 && x.shape.get(axis.max(0) as usize) != Some(&channels) {
            continue;
        }
        let inner: usize = x.shape.iter().skip(axis.max(0) as usize + 1).product();
        let bounds = params.clamped_bounds(node);
        let codes = values.iter().enumerate().map(|(i, &v)| {
            let c = if channels == 1 { 0 } else { i / inner.max(1) % channels };
            quantize(v, params.scale[c], params.zero_point[c], bounds)
        });
        let data = match params.element {
            Element::I8 => Data::I8(codes.map(|q| q as i8).collect()),
            _ => Data::U8(codes.map(|q| q as u8).collect()),
        };
        made.push((node.output().to_string(), Tensor::new(x.shape.clone(), data)));
    }
    let names: HashSet<&String> = made.iter().map(|(name, _)| name).collect();
    graph.nodes.retain(|n| !names.contains(&n.outputs[0]));
    graph.initializers.extend(made);
}

/// A Clip on the integers that a QuantizeLinear or an integer operator makes becomes its bounds.
pub(super) fn fold_clips(graph: &mut Graph) {
    let mut folded = Vec::new();
    let producers = graph.producers();
    let consumers = graph.consumers();
    for (i, clip) in graph.nodes.iter().enumerate().filter(|(_, n)| n.is("Clip")) {
        let Some(&producer) = clip.input(0).and_then(|input| producers.get(input)) else {
            continue;
        };
        let makes_codes = is_quantization(&graph.nodes[producer])
            && !graph.nodes[producer].is("DequantizeLinear");
        let alone = consumers[clip.inputs[0].as_str()].len() == 1
            && !graph.is_output(&clip.inputs[0])
            && !graph.is_output(clip.output());
        let bound = |index| match clip.input(index) {
            None => Some(None),
            Some(_) => Some(Some(*graph.constant(clip, index)?.to_i32()?.first()?)),
        };
        if let (true, true, Some(low), Some(high)) = (makes_codes, alone, bound(1), bound(2)) {
            folded.push((i, producer, low, high, clip.output().to_string()));
        }
    }
    for (_, producer, low, high, output) in &folded {
        let node = &mut graph.nodes[*producer];
        node.outputs[0].clone_from(output);
        for (name, bound) in [(CLAMP_LOW, low), (CLAMP_HIGH, high)] {
            if let Some(bound) = *bound {
                node.attributes.insert(name.into(), Attribute::Int(bound.into()));
            }
        }
    }
    let gone: HashSet<usize> = folded.iter().map(|(i, ..)| *i).collect();
    let mut at = 0..;
    graph.nodes.retain(|_| !at.next().is_some_and(|i| gone.contains(&i)));
}

/// Makes one node of QuantizeLinear or DequantizeLinear nodes that compute the same.
pub(super) fn merge_repeated(graph: &mut Graph) {
    let mut renamed = HashMap::<String, String>::new();
    let mut kept: Vec<(Node, Params)> = Vec::new();
    let mut nodes = std::mem::take(&mut graph.nodes);
    nodes.retain_mut(|node| {
        for input in &mut node.inputs {
            if let Some(name) = renamed.get(input) {
                input.clone_from(name);
            }
        }
        if !matches!(node.op.as_str(), "QuantizeLinear" | "DequantizeLinear")
            || graph.is_output(node.output())
        {
            return true;
        }
        let Some(params) = Params::of(graph, node) else { return true };
        let same = kept.iter().find(|(other, p)| {
            other.op == node.op
                && other.inputs[0] == node.inputs[0]
                && *p == params
                && clamps(other) == clamps(node)
        });
        if let Some((other, _)) = same {
            renamed.insert(node.output().to_string(), other.output().to_string());
            return false;
        }
        kept.push((node.clone(), params));
        true
    });
    graph.nodes = nodes;
}

/// The bounds that a Clip gave to the integers of `node`.
fn clamps(node: &Node) -> [Option<&Attribute>; 2] {
    [CLAMP_LOW, CLAMP_HIGH].map(|name| node.attributes.get(name))
}
