//! BatchNormalization at inference is `y = (x - mean) g + shift` per channel, with `g = scale /
//! sqrt(var + epsilon)`. It goes into the layer before it (`w' = w g`, `b' = (b - mean) g + shift`),
//! else into the layer behind it, else it becomes a layer of its own that can be quantized.
//!
//! Jacob et al. 2018, section 3.2; <https://onnx.ai/onnx/operators/onnx__BatchNormalization.html>.

use std::collections::HashMap;

use super::rank::rank;
use super::weights::Places;
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
        let (layer, folded) = before(&context, node, &Affine::of(graph, node)?)?;
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
        let (layer, constants) = change(&context, node, &Affine::of(graph, node)?)?;
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

/// What a normalization does to each channel.
struct Affine {
    gain: Vec<f64>,
    mean: Vec<f64>,
    shift: Vec<f64>,
}

impl Affine {
    /// `None` while training, and where a statistic is computed.
    fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let training = node.int("training_mode", 0) != 0;
        if training || node.outputs[1..].iter().any(|output| !output.is_empty()) {
            return None;
        }
        let vector = |index| -> Option<Vec<f64>> {
            let values = graph.constant(node, index)?.as_f32()?;
            Some(values.iter().map(|&v| v.into()).collect())
        };
        let (scale, shift, mean, variance) = (vector(1)?, vector(2)?, vector(3)?, vector(4)?);
        let channels = scale.len();
        if [&shift, &mean, &variance].iter().any(|v| v.len() != channels) {
            return None;
        }
        let epsilon = f64::from(node.float("epsilon", 1e-5));
        let gain = scale.iter().zip(variance).map(|(s, v)| s / (v + epsilon).sqrt()).collect();
        Some(Self { gain, mean, shift })
    }

    fn channels(&self) -> usize {
        self.gain.len()
    }

    fn apply(&self, channel: usize, x: f64) -> f64 {
        (x - self.mean[channel]) * self.gain[channel] + self.shift[channel]
    }
}

/// New weights and bias for a layer.
type Constants = [Tensor; 2];

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

/// The bias of a layer with so many output channels: zeros where it has none.
fn bias_of(graph: &Graph, layer: &Node, channels: usize) -> Option<Vec<f32>> {
    match layer.input(2) {
        Some(_) => {
            Some(graph.constant(layer, 2)?.as_f32().filter(|b| b.len() == channels)?.to_vec())
        }
        None => Some(vec![0.0; channels]),
    }
}

/// How the weights of a Conv, ConvTranspose or plain Gemm lie.
fn places_of(layer: &Node, weights: &Tensor) -> Option<Places> {
    let plain = layer.float("alpha", 1.0) == 1.0 && layer.float("beta", 1.0) == 1.0;
    let takes_factors = ["Conv", "ConvTranspose", "Gemm"].iter().any(|op| layer.is(op)) && plain;
    Places::of(layer, &weights.shape).filter(|_| takes_factors)
}

/// Into the Conv, ConvTranspose or Gemm whose result the normalization alone reads.
fn before(context: &Context<'_>, node: &Node, affine: &Affine) -> Option<(usize, Constants)> {
    let graph = context.graph;
    let input = node.input(0)?;
    let &layer = context.producers.get(input)?;
    context.only_reader(input)?;
    let at = layer;
    let layer = &graph.nodes[layer];
    let weights = graph.constant(layer, 1)?;
    let values = weights.as_f32()?;
    let channels = affine.channels();
    let places = places_of(layer, weights).filter(|own| own.all_outputs() == channels)?;
    let bias = bias_of(graph, layer, channels)?;
    let scaled = |(i, &w): (usize, &f32)| (f64::from(w) * affine.gain[places.output(i)]) as f32;
    let values = values.iter().enumerate().map(scaled).collect();
    let bias = bias.iter().enumerate().map(|(c, &b)| affine.apply(c, b.into()) as f32).collect();
    Some((
        at,
        [
            Tensor::new(weights.shape.clone(), Data::F32(values)),
            Tensor::new([channels], Data::F32(bias)),
        ],
    ))
}

/// Into the Conv without padding, or the Gemm, that alone reads the normalization's result.
fn behind(context: &Context<'_>, node: &Node, affine: &Affine) -> Option<(usize, Constants)> {
    let graph = context.graph;
    let at = context.only_reader(node.output())?;
    let layer = &graph.nodes[at];
    if layer.inputs[0] != node.outputs[0] {
        return None;
    }
    let weights = graph.constant(layer, 1)?;
    let values = weights.as_f32()?;
    let pads = layer.ints("pads").is_some_and(|pads| pads.iter().any(|&p| p != 0))
        || layer.text("auto_pad").is_some_and(|mode| mode.starts_with("SAME"));
    if layer.is("ConvTranspose") || pads || layer.int("transA", 0) != 0 {
        return None;
    }
    let places = places_of(layer, weights).filter(|own| own.all_inputs() == affine.channels())?;
    let outputs = places.all_outputs();
    let bias = bias_of(graph, layer, outputs)?;
    let mut bias: Vec<f64> = bias.into_iter().map(f64::from).collect();
    let mut scaled = Vec::with_capacity(values.len());
    for (i, &w) in values.iter().enumerate() {
        let (input, output) = (places.input(i), places.output(i));
        scaled.push((f64::from(w) * affine.gain[input]) as f32);
        bias[output] += f64::from(w) * affine.apply(input, 0.0);
    }
    let bias = bias.into_iter().map(|b| b as f32).collect();
    Some((
        at,
        [
            Tensor::new(weights.shape.clone(), Data::F32(scaled)),
            Tensor::new([outputs], Data::F32(bias)),
        ],
    ))
}

/// What takes a normalization's place.
struct Layers {
    nodes: Vec<Node>,
    initializers: Vec<(String, Tensor)>,
}

/// A depthwise convolution with a kernel of one element; over two axes, Mul and Add.
fn alone(context: &Context<'_>, node: &Node, affine: &Affine) -> Option<((), Layers)> {
    let rank = rank(context.graph, &context.producers, node.input(0)?)?;
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
    use crate::graph::{Dim, Value};

    /// `x -> nodes -> y`, with statistics of two channels for every normalization.
    fn graph_of(input: &[usize], nodes: Vec<Node>) -> Graph {
        let value = |name: &str, shape| Value { name: name.into(), shape, ..Value::default() };
        let shape = Some(input.iter().map(|&d| Dim::Fixed(d)).collect());
        let mut graph = Graph {
            input: value("x", shape),
            outputs: vec![value("y", None)],
            nodes,
            opsets: [(String::new(), 17)].into(),
            ir_version: 8,
            ..Graph::default()
        };
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

    fn answers(graph: &Graph) -> Vec<f32> {
        use crate::runtime::{Arithmetic, Session};
        let mut session = Session::new(graph, None, Arithmetic::Deterministic).expect("it runs");
        let shape = crate::runtime::input_shape(graph, None).expect("a fixed shape");
        let x: Vec<f32> = (0..shape.iter().product()).map(|i| (i as f32).cos()).collect();
        let mut y = Vec::new();
        session.run(&x, |_, values| y = values.to_vec()).expect("it runs");
        y
    }

    /// The normalization is gone, the operators are these, and the answers stay.
    fn folds_to(mut graph: Graph, operators: &[&str]) {
        let before = answers(&graph);
        assert_eq!(fold_batch_norm(&mut graph), 1);
        let ops: Vec<&str> = graph.nodes.iter().map(|n| n.op.as_str()).collect();
        assert_eq!(ops, operators);
        graph.check().expect("still a graph");
        for (a, b) in answers(&graph).iter().zip(&before) {
            assert!((a - b).abs() < 1e-5 * (1.0 + b.abs()), "{a} is not {b}");
        }
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
