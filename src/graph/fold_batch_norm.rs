//! BatchNormalization at inference is `y = (x - mean) g + shift` per channel, with `g = scale /
//! sqrt(var + epsilon)`. It goes into the layer before it (`w' = w g`, `b' = (b - mean) g + shift`),
//! else into the layer behind it, else it becomes a layer of its own that can be quantized.
//!
//! Jacob et al. 2018, section 3.2; <https://onnx.ai/onnx/operators/onnx__BatchNormalization.html>.

use std::collections::HashMap;

use super::affine::{self, Affine, Constants};
use super::axes::Axes;
use super::{Attribute, Data, Graph, Node, Tensor, fresh_name, prune};

/// Does away with every BatchNormalization whose statistics are constant.
///
/// Returns how many. Computed in f64, so that the result is the same on every target.
pub fn fold_batch_norm(graph: &mut Graph) -> usize {
    let mut folded = 0;
    while let Some((at, layer, constants)) = find(graph, before) {
        let normalization = graph.nodes.remove(at);
        graph.nodes[layer].outputs = vec![normalization.outputs[0].clone()];
        give(graph, layer, constants);
        folded += 1;
    }
    while let Some((at, layer, constants)) = find(graph, behind) {
        give(graph, layer, constants);
        graph.nodes[layer].inputs[0] = graph.nodes[at].inputs[0].clone();
        graph.nodes.remove(at);
        folded += 1;
    }
    while let Some((at, (), nodes)) = find(graph, alone) {
        let Layers { nodes, initializers } = nodes;
        graph.nodes.splice(at..=at, nodes);
        graph.initializers.extend(initializers);
        folded += 1;
    }
    prune(graph);
    folded
}

/// A layer with a BatchNormalization behind it, apart and folded.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalized {
    /// The layer's node.
    pub layer: String,
    /// The layer's own weights and bias.
    pub weights: Vec<f32>,
    pub bias: Option<Vec<f32>>,
    /// The normalization, per channel.
    pub gain: Vec<f32>,
    pub shift: Vec<f32>,
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
    pub epsilon: f32,
    /// The weights and the bias that [`fold_batch_norm`] gives the layer.
    pub folded: [Tensor; 2],
}

/// The layers that [`fold_batch_norm`] folds a normalization into from behind.
pub fn normalized_layers(graph: &Graph) -> Vec<Normalized> {
    let context = Context { graph, producers: graph.producers(), consumers: graph.consumers() };
    let of = |node: &Node| {
        let (layer, folded) = before(&context, node, &Affine::normalization(graph, node)?)?;
        let layer = &graph.nodes[layer];
        let vector = |index| Some(graph.constant(node, index)?.as_f32()?.to_vec());
        Some(Normalized {
            layer: layer.name.clone(),
            weights: graph.constant(layer, 1)?.as_f32()?.to_vec(),
            bias: graph.constant(layer, 2).and_then(Tensor::as_f32).map(<[f32]>::to_vec),
            gain: vector(1)?,
            shift: vector(2)?,
            mean: vector(3)?,
            variance: vector(4)?,
            epsilon: node.float("epsilon", 1e-5),
            folded,
        })
    };
    graph.nodes.iter().filter(|n| n.is("BatchNormalization")).filter_map(of).collect()
}

/// The first normalization that `change` knows what to do with.
fn find<L, C>(
    graph: &Graph,
    change: fn(&Context<'_>, &Node, &Affine) -> Option<(L, C)>,
) -> Option<(usize, L, C)> {
    let context = Context { graph, producers: graph.producers(), consumers: graph.consumers() };
    let normalizations = graph.nodes.iter().enumerate().filter(|(_, n)| n.is("BatchNormalization"));
    normalizations.into_iter().find_map(|(at, node)| {
        let (layer, constants) = change(&context, node, &Affine::normalization(graph, node)?)?;
        Some((at, layer, constants))
    })
}

struct Context<'a> {
    graph: &'a Graph,
    producers: HashMap<&'a str, usize>,
    consumers: HashMap<&'a str, Vec<usize>>,
}

impl Context<'_> {
    /// The node that alone reads a tensor.
    fn only_reader(&self, tensor: &str) -> Option<usize> {
        match self.consumers.get(tensor).map(Vec::as_slice) {
            Some(&[reader]) if !self.graph.is_output(tensor) => Some(reader),
            _ => None,
        }
    }
}

fn give(graph: &mut Graph, layer: usize, constants: Constants) {
    let mut taken = graph.names();
    let name = graph.nodes[layer].name.clone();
    graph.nodes[layer].inputs.truncate(1);
    for (what, tensor) in ["weight", "bias"].into_iter().zip(constants) {
        let name = fresh_name(&format!("{name}_{what}"), &mut taken);
        graph.initializers.insert(name.clone(), tensor);
        graph.nodes[layer].inputs.push(name);
    }
}

/// Into the Conv, ConvTranspose or Gemm whose result the normalization alone reads.
fn before(context: &Context<'_>, node: &Node, affine: &Affine) -> Option<(usize, Constants)> {
    let input = node.input(0)?;
    let &layer = context.producers.get(input)?;
    context.only_reader(input)?;
    Some((layer, affine::before(context.graph, &context.graph.nodes[layer], affine)?))
}

/// Into the Conv, ConvTranspose or Gemm that alone reads the normalization's result.
fn behind(context: &Context<'_>, node: &Node, affine: &Affine) -> Option<(usize, Constants)> {
    let at = context.only_reader(node.output())?;
    let layer = &context.graph.nodes[at];
    if layer.inputs[0] != node.outputs[0] {
        return None;
    }
    Some((at, affine::behind(context.graph, layer, affine)?))
}

/// What takes a normalization's place.
struct Layers {
    nodes: Vec<Node>,
    initializers: Vec<(String, Tensor)>,
}

/// A depthwise convolution with a kernel of one element; over two axes, Mul and Add.
fn alone(context: &Context<'_>, node: &Node, affine: &Affine) -> Option<((), Layers)> {
    let rank = Axes::of(context.graph).rank(node.input(0)?)?;
    let channels = affine.channels();
    let mut taken = context.graph.names();
    let name = |what: &str, taken: &mut _| fresh_name(&format!("{}_{what}", node.name), taken);
    let names = ["weight", "bias"].map(|what| name(what, &mut taken));
    let [weight, bias] = names.clone();
    let (x, y) = (node.inputs[0].clone(), node.outputs[0].clone());
    let (shape, nodes) = match rank {
        2 => {
            let (middle, add) = (name("scaled", &mut taken), name("add", &mut taken));
            let mul = Node::new("Mul", &node.name, [x, weight], [middle.clone()]);
            (vec![channels], vec![mul, Node::new("Add", add, [middle, bias], [y])])
        }
        3 | 4 => {
            let ones = vec![1; rank - 2];
            let conv = Node::new("Conv", &node.name, [x, weight, bias], [y])
                .with("group", Attribute::Int(channels as i64))
                .with("kernel_shape", Attribute::Ints(ones));
            let mut shape = vec![1; rank];
            shape[0] = channels;
            (shape, vec![conv])
        }
        _ => return None,
    };
    let gain = affine.gain.iter().map(|&g| g as f32).collect();
    let offset = (0..channels).map(|c| affine.apply(c, 0.0) as f32).collect();
    let tensors = [Tensor::new(shape, Data::F32(gain)), Tensor::new([channels], Data::F32(offset))];
    Some(((), Layers { nodes, initializers: names.into_iter().zip(tensors).collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::trials::{becomes, network};

    /// `x -> nodes -> y`, with statistics of two channels for every normalization.
    fn graph_of(input: &[usize], nodes: Vec<Node>) -> Graph {
        let mut graph = network(input, nodes, &[]);
        for (name, values) in
            [("s", [1.5, -0.5]), ("b", [0.25, 2.0]), ("m", [-1.0, 0.5]), ("v", [4.0, 0.25])]
        {
            graph.initializers.insert(name.into(), Tensor::new([2], Data::F32(values.to_vec())));
        }
        graph
    }

    fn normalization(x: &str, y: &str) -> Node {
        Node::new("BatchNormalization", "bn", [x, "s", "b", "m", "v"], [y])
    }

    fn weights(graph: &mut Graph, shape: &[usize]) {
        let len = shape.iter().product();
        let values = (0..len).map(|i| (i as f32 * 0.7).sin()).collect();
        graph.initializers.insert("w".into(), Tensor::new(shape, Data::F32(values)));
    }

    /// The normalization is gone, the operators are these, and the answers stay.
    fn folds_to(graph: Graph, operators: &[&str]) {
        becomes(graph, |graph| assert_eq!(fold_batch_norm(graph), 1), operators);
    }

    #[test]
    fn it_goes_into_the_layer_before() {
        for (op, shape, group) in [
            ("Conv", [2, 3, 2, 2], 1),
            ("ConvTranspose", [3, 2, 2, 2], 1),
            ("ConvTranspose", [3, 2, 2, 2], 3),
        ] {
            // With three groups of two channels there are six.
            let per = if group == 3 { 1 } else { 2 };
            let layer = Node::new(op, "layer", ["x", "w"], ["c"])
                .with("group", Attribute::Int(if group == 3 { 2 } else { 1 }));
            let input = if group == 3 { 4 } else { 3 };
            let mut graph = graph_of(&[1, input, 4, 4], vec![layer, normalization("c", "y")]);
            let shape = if group == 3 { [4, per, 2, 2] } else { shape };
            weights(&mut graph, &shape);
            folds_to(graph, &[op]);
        }
    }

    #[test]
    fn it_goes_into_the_layer_behind_when_nothing_is_padded() {
        let conv = Node::new("Conv", "conv", ["n", "w"], ["y"]);
        let mut graph = graph_of(&[1, 2, 4, 4], vec![normalization("x", "n"), conv.clone()]);
        weights(&mut graph, &[3, 2, 2, 2]);
        folds_to(graph.clone(), &["Conv"]);
        graph.nodes[1] = conv.with("pads", Attribute::Ints(vec![1, 1, 0, 0]));
        folds_to(graph.clone(), &["Conv", "Conv"]);
        let gemm = Node::new("Gemm", "gemm", ["n", "w"], ["y"]);
        let mut graph = graph_of(&[3, 2], vec![normalization("x", "n"), gemm]);
        weights(&mut graph, &[2, 4]);
        folds_to(graph, &["Gemm"]);
    }

    #[test]
    fn alone_it_becomes_a_layer() {
        folds_to(graph_of(&[1, 2, 3, 3], vec![normalization("x", "y")]), &["Conv"]);
        folds_to(graph_of(&[2, 2, 5], vec![normalization("x", "y")]), &["Conv"]);
        folds_to(graph_of(&[3, 2], vec![normalization("x", "y")]), &["Mul", "Add"]);
    }
}
