//! From the QDQ form to integer operators: what stands between DequantizeLinear and QuantizeLinear
//! becomes one node that computes on the integers.
//!
//! The integer nodes are ONNX's QLinearConv and QLinearMatMul and ONNX Runtime's `com.microsoft`
//! operators (QGemm, QLinearAdd, ...), so that files which already have them run the same way. An
//! activation folded into a node becomes the bounds [`CLAMP_LOW`] and [`CLAMP_HIGH`] of its output.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::operators::{CLAMP_HIGH, CLAMP_LOW};
use crate::graph::byte_input::is_way_back;
use crate::graph::operator::{
    DYNAMIC_SCALE, DYNAMIC_ZERO_POINT, Home, Lowering, Numbers, Rank, operator,
};
use crate::graph::weights::{channel_axis, has_own_channels};
use crate::graph::{
    Attribute, Data, Element, Graph, Node, Tensor, clip_range, fresh_name, prune, simplify,
};
use crate::kernels::requantize::quantize;
use crate::vocabulary::quantization::LeftInFloat;

mod moves;

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

/// Lowers `graph` to the integer operators that ONNX and ONNX Runtime have; the rest keeps the QDQ
/// form.
pub fn lower_to_standard(graph: &Graph) -> Graph {
    lower_to(Operators::Standard, graph).graph
}

/// What a network may be lowered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operators {
    /// Those that ONNX and ONNX Runtime have.
    Standard,
    /// Ours, too.
    All,
}

fn lower_to(operators: Operators, graph: &Graph) -> Lowered {
    let mut graph = graph.clone();
    let quantized = graph.nodes.iter().any(is_quantization);
    if !quantized {
        return Lowered { graph, integer_nodes: 0, left_in_float: Vec::new() };
    }
    simplify(&mut graph);
    split_dynamic(&mut graph);
    widen_small_types(&mut graph);
    quantize_constants(&mut graph);
    fold_clips(&mut graph);
    moves::past_quantization(&mut graph);
    merge_repeated(&mut graph);
    let reasons = fuse(&mut graph, operators);
    prune(&mut graph);
    Lowered {
        integer_nodes: graph.nodes.iter().filter(|n| is_integer(n)).count(),
        left_in_float: left_in_float(&graph, &reasons),
        graph,
    }
}

/// Whether the node belongs to quantization: a QDQ half or an integer operator.
pub fn is_quantization(node: &Node) -> bool {
    operator(&node.op).numbers == Numbers::Between || is_integer(node)
}

/// Whether the node is an integer operator; a file may have some that the table does not.
fn is_integer(node: &Node) -> bool {
    node.op.starts_with("QLinear") || operator(&node.op).numbers == Numbers::Integers
}

/// The scale and zero point of a QuantizeLinear or DequantizeLinear node, by value.
#[derive(Debug, Clone, PartialEq)]
struct Params {
    element: Element,
    scale: Vec<f32>,
    zero_point: Vec<i32>,
    axis: i64,
}

impl Params {
    /// `None` where they are computed, or one for each block.
    fn of(graph: &Graph, node: &Node) -> Option<Self> {
        if node.int("block_size", 0) != 0 {
            return None;
        }
        let scale = graph.constant(node, 1)?.as_f32()?.to_vec();
        let (element, zero_point) = match node.input(2) {
            Some(_) => {
                let tensor = graph.constant(node, 2)?;
                (tensor.element(), tensor.to_i32()?)
            }
            None => (output_type(node).widened(), vec![0; scale.len()]),
        };
        let axis = if scale.len() == 1 { 0 } else { node.int("axis", 1) };
        let whole = !scale.is_empty() && zero_point.len() == scale.len();
        whole.then_some(Self { element, scale, zero_point, axis })
    }

    fn bounds(&self) -> [i32; 2] {
        if self.element == Element::I8 { [-128, 127] } else { [0, 255] }
    }

    /// Those bounds, narrowed by the Clip that was folded into `quantize`.
    fn clamped_bounds(&self, quantize: &Node) -> [i32; 2] {
        let [low, high] = self.bounds();
        let at = |name, bound: i32| quantize.int(name, bound.into()) as i32;
        [at(CLAMP_LOW, low).max(low), at(CLAMP_HIGH, high).min(high)]
    }

    fn is_per_tensor(&self) -> bool {
        self.scale.len() == 1
    }
}

/// The type that a QuantizeLinear without zero point makes.
fn output_type(node: &Node) -> Element {
    match node.int("output_dtype", 0) {
        0 => Element::U8,
        element => Element(element as i32),
    }
}

/// DynamicQuantizeLinear becomes a scale, a zero point and a QuantizeLinear, one output each.
fn split_dynamic(graph: &mut Graph) {
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
fn widen_small_types(graph: &mut Graph) {
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

/// A Clip on the integers that a QuantizeLinear or an integer operator makes becomes its bounds.
fn fold_clips(graph: &mut Graph) {
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

/// Some exporters keep float weights and quantize them in the graph: done here, once.
fn quantize_constants(graph: &mut Graph) {
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

/// Makes one node of QuantizeLinear or DequantizeLinear nodes that compute the same.
fn merge_repeated(graph: &mut Graph) {
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

/// Replaces what it can; says why for what it cannot.
fn fuse(graph: &mut Graph, operators: Operators) -> HashMap<String, String> {
    let mut reasons = HashMap::new();
    let mut replaced = BTreeMap::new();
    let mut gone = HashSet::new();
    let mut constants = Constants { taken: graph.names(), made: Vec::new() };
    let links = Links::of(graph, operators);
    for (i, node) in graph.nodes.iter().enumerate() {
        if is_quantization(node) {
            continue;
        }
        match links.fused(node, &mut constants) {
            Ok(fused) => {
                gone.extend(fused.absorbed);
                replaced.insert(i, fused.node);
            }
            Err(why) => {
                reasons.insert(node.name.clone(), why);
            }
        }
    }
    let made = constants.made;
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for (i, node) in std::mem::take(&mut graph.nodes).into_iter().enumerate() {
        match replaced.remove(&i) {
            Some(fused) => nodes.push(fused),
            None if gone.contains(&i) => {}
            None => nodes.push(node),
        }
    }
    graph.nodes = nodes;
    graph.initializers.extend(made);
    reasons
}

/// Initializers made on the way.
struct Constants {
    taken: HashSet<String>,
    made: Vec<(String, Tensor)>,
}

impl Constants {
    fn add(&mut self, base: &str, tensor: Tensor) -> String {
        let name = fresh_name(base, &mut self.taken);
        self.made.push((name.clone(), tensor));
        name
    }
}

struct Fused {
    node: Node,
    /// Nodes that the fused one stands for, besides the one whose place it takes.
    absorbed: Vec<usize>,
}

/// A tensor that DequantizeLinear makes: the integers behind it, and their scale.
struct Dequantized {
    source: String,
    /// What the integers can be.
    bounds: [i32; 2],
    scale: String,
    zero_point: Option<String>,
    params: Params,
}

/// Where a node's result is quantized again.
struct Sink {
    output: String,
    scale: String,
    zero_point: Option<String>,
    params: Params,
    bounds: [i32; 2],
    absorbed: Vec<usize>,
}

struct Links<'a> {
    graph: &'a Graph,
    producers: HashMap<&'a str, usize>,
    consumers: HashMap<&'a str, Vec<usize>>,
    operators: Operators,
}

type Why<T> = Result<T, String>;

impl<'a> Links<'a> {
    fn of(graph: &'a Graph, operators: Operators) -> Self {
        let (producers, consumers) = (graph.producers(), graph.consumers());
        Self { graph, producers, consumers, operators }
    }

    fn fused(&self, node: &Node, constants: &mut Constants) -> Why<Fused> {
        let (op, row) = (&node.op, operator(&node.op));
        let is_ours = row.integer.is_some_and(|integer| integer.home == Home::Ours);
        if self.operators == Operators::Standard && is_ours {
            return Err(format!("`{op}` has no standard integer version"));
        }
        match row.lowering {
            _ if pools_over_three_axes(node) => {
                Err("a window over three axes has no integer version".into())
            }
            Lowering::Float => Err(format!("`{op}` has no integer version")),
            Lowering::Conv => self.conv(node, constants),
            Lowering::ConvTranspose => self.conv_transpose(node, constants),
            Lowering::Gemm => self.gemm(node, constants),
            Lowering::MatMul => self.matmul(node, constants),
            Lowering::Binary => self.binary(node, constants),
            Lowering::Concat => self.concat(node, constants),
            Lowering::Function => self.function(node, constants),
            Lowering::MaxPool | Lowering::Softmax if self.is_turned_round(node) => {
                Err("the scale of its input is negative".into())
            }
            Lowering::Softmax => self.softmax(node, constants),
            Lowering::Moves | Lowering::MaxPool => self.moved(node),
            Lowering::Pad => self.pad(node, constants),
            Lowering::Resize if picks_nearest(node) => self.moved(node),
            Lowering::Resize => Err("it interpolates, which has no integer version".into()),
        }
    }

    fn conv(&self, node: &Node, constants: &mut Constants) -> Why<Fused> {
        let x = self.activation(node, 0)?;
        let w = self.weights(node)?;
        if self.graph.initializers.get(&w.source).is_some_and(|t| t.shape.len() > 4) {
            return Err("a convolution over three axes has no integer version".into());
        }
        let y = self.sink(node)?;
        let mut fused = assemble(node, &[&x, &w], &y, constants);
        if node.input(2).is_some() {
            let bias = self.bias(node, 2, &x, &w, 1.0, 1.0)?;
            fused.inputs.push(constants.add(&format!("{}_bias", node.name), bias));
        }
        Ok(done(fused, y))
    }

    fn conv_transpose(&self, node: &Node, constants: &mut Constants) -> Why<Fused> {
        let x = self.activation(node, 0)?;
        let w = self.weights(node)?;
        match self.graph.initializers.get(&w.source) {
            Some(tensor) if !(3..=4).contains(&tensor.shape.len()) => {
                return Err("a convolution over three axes has no integer version".into());
            }
            _ if !w.params.is_per_tensor() && !has_own_channels(node) => {
                return Err("its groups share the scales of their channels".into());
            }
            _ => {}
        }
        let y = self.sink(node)?;
        let mut fused = assemble(node, &[&x, &w], &y, constants);
        if node.input(2).is_some() {
            let bias = self.bias(node, 2, &x, &w, 1.0, 1.0)?;
            fused.inputs.push(constants.add(&format!("{}_bias", node.name), bias));
        }
        Ok(done(fused, y))
    }

    fn gemm(&self, node: &Node, constants: &mut Constants) -> Why<Fused> {
        let x = self.activation(node, 0)?;
        let w = self.weights(node)?;
        let y = self.sink(node)?;
        let mut fused = assemble(node, &[&x, &w], &y, constants);
        let bias = match node.input(2) {
            Some(_) => {
                let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
                let bias = self.bias(node, 2, &x, &w, alpha, beta)?;
                constants.add(&format!("{}_bias", node.name), bias)
            }
            None => String::new(),
        };
        fused.inputs.insert(6, bias);
        fused.attributes.remove("beta");
        Ok(done(fused, y))
    }

    fn matmul(&self, node: &Node, constants: &mut Constants) -> Why<Fused> {
        let x = self.activation(node, 0)?;
        let computed = self.dequantized(node, 1).is_some_and(|w| self.is_computed(&w.source));
        let w = if computed { self.activation(node, 1)? } else { self.weights(node)? };
        let axes = |w: &Dequantized| self.graph.initializers.get(&w.source).map(|t| t.shape.len());
        if !w.params.is_per_tensor() && axes(&w) != Some(2) {
            return Err("its weights have more than two axes and a scale per channel".into());
        }
        let y = self.sink(node)?;
        Ok(done(assemble(node, &[&x, &w], &y, constants), y))
    }

    fn binary(&self, node: &Node, constants: &mut Constants) -> Why<Fused> {
        let (a, b) = (self.activation(node, 0)?, self.activation(node, 1)?);
        let y = self.sink(node)?;
        Ok(done(assemble(node, &[&a, &b], &y, constants), y))
    }

    /// An operator on one input, with a scale of its own.
    fn function(&self, node: &Node, constants: &mut Constants) -> Why<Fused> {
        let x = self.activation(node, 0)?;
        let y = self.sink(node)?;
        Ok(done(assemble(node, &[&x], &y, constants), y))
    }

    fn softmax(&self, node: &Node, constants: &mut Constants) -> Why<Fused> {
        let mut fused = self.function(node, constants)?;
        let opset = self.graph.opset();
        let axis = node.int("axis", if opset < 13 { 1 } else { -1 });
        for (name, value) in [("axis", axis), ("opset", opset)] {
            fused.node.attributes.insert(name.into(), Attribute::Int(value));
        }
        Ok(fused)
    }

    /// Padding with a constant: its integer has the type of the others.
    fn pad(&self, node: &Node, constants: &mut Constants) -> Why<Fused> {
        let x = self.activation(node, 0)?;
        let real = match node.input(2) {
            Some(_) => self.graph.constant(node, 2).and_then(|t| t.as_f32()?.first().copied()),
            None => Some(node.float("value", 0.0)),
        };
        let real = real.ok_or("what it pads with is computed, not constant")?;
        let mut fused = self.moved(node)?;
        if pads_with_constant(node) {
            if fused.node.inputs.len() < 2 {
                return Err("before opset 11 it pads floats only".into());
            }
            let code = quantize(real, x.params.scale[0], x.params.zero_point[0], x.bounds);
            let data = match x.params.element {
                Element::I8 => Data::I8(vec![code as i8]),
                _ => Data::U8(vec![code as u8]),
            };
            let value = constants.add(&format!("{}_value", node.name), Tensor::new([], data));
            fused.node.inputs.resize(fused.node.inputs.len().max(3), String::new());
            fused.node.inputs[2] = value;
        }
        Ok(fused)
    }

    fn concat(&self, node: &Node, constants: &mut Constants) -> Why<Fused> {
        let parts: Vec<Dequantized> =
            (0..node.inputs.len()).map(|i| self.activation(node, i)).collect::<Why<_>>()?;
        let y = self.sink(node)?;
        let mut fused = assemble(node, &[], &y, constants);
        for part in &parts {
            fused.inputs.extend(operand(part, &node.name, constants));
        }
        Ok(done(fused, y))
    }

    /// An operator that leaves scale and zero point alone.
    fn moved(&self, node: &Node) -> Why<Fused> {
        let x = self.activation(node, 0)?;
        let y = self.sink(node)?;
        if node.outputs.len() > 1 && node.outputs[1..].iter().any(|o| self.is_read(o)) {
            return Err("its second output is read, too".into());
        }
        if x.params != y.params || y.bounds != x.bounds {
            return Err("its input and output have different scales".into());
        }
        let mut fused = node.clone();
        fused.op = integer_name(node)[0].into();
        fused.inputs[0] = x.source;
        fused.outputs = vec![y.output.clone()];
        Ok(Fused { node: fused, absorbed: y.absorbed })
    }

    /// Whether larger integers stand for smaller numbers.
    fn is_turned_round(&self, node: &Node) -> bool {
        self.dequantized(node, 0).is_some_and(|x| x.params.scale.iter().any(|&scale| scale < 0.0))
    }

    fn is_computed(&self, tensor: &str) -> bool {
        !self.graph.initializers.contains_key(tensor)
    }

    fn is_read(&self, tensor: &str) -> bool {
        self.consumers.contains_key(tensor) || self.graph.is_output(tensor)
    }

    fn dequantized(&self, node: &Node, index: usize) -> Option<Dequantized> {
        let producer = &self.graph.nodes[*self.producers.get(node.input(index)?)?];
        if !producer.is("DequantizeLinear") {
            return None;
        }
        let source = producer.inputs[0].clone();
        let params = Params::of(self.graph, producer)?;
        let bounds = match self.producers.get(source.as_str()) {
            Some(&quantize) => params.clamped_bounds(&self.graph.nodes[quantize]),
            None => params.bounds(),
        };
        Some(Dequantized {
            source,
            bounds,
            scale: producer.inputs[1].clone(),
            zero_point: producer.input(2).map(Into::into),
            params,
        })
    }

    fn activation(&self, node: &Node, index: usize) -> Why<Dequantized> {
        let x = self.dequantized(node, index).ok_or("its input is not quantized")?;
        match x.params.element {
            _ if !x.params.is_per_tensor() => Err("its input has a scale per channel".into()),
            Element::U8 | Element::I8 => Ok(x),
            other => Err(format!("its input is {}, not 8-bit", other.name())),
        }
    }

    fn weights(&self, node: &Node) -> Why<Dequantized> {
        let w = self.dequantized(node, 1).ok_or("its weights are not quantized")?;
        let tensor = self
            .graph
            .initializers
            .get(&w.source)
            .ok_or("its weights are computed, not constant")?;
        if tensor.to_i32().is_none() {
            return Err(format!("its weights are {}", tensor.element().name()));
        }
        let rank = tensor.shape.len() as i64;
        let axis = channel_axis(node).map(|axis| axis as i64);
        if !w.params.is_per_tensor() && Some(w.params.axis.rem_euclid(rank.max(1))) != axis {
            return Err("its weights have scales along another axis than the outputs".into());
        }
        Ok(w)
    }

    /// The bias in units of the accumulator: `alpha x input scale x weight scale`.
    fn bias(
        &self,
        node: &Node,
        index: usize,
        x: &Dequantized,
        w: &Dequantized,
        alpha: f32,
        beta: f32,
    ) -> Why<Tensor> {
        let stored;
        let real = match self.dequantized(node, index) {
            Some(bias) => {
                let tensor = self.graph.initializers.get(&bias.source);
                let codes = tensor.and_then(Tensor::to_i32).ok_or("its bias is not constant")?;
                let scale = &bias.params.scale;
                stored = codes
                    .iter()
                    .enumerate()
                    .map(|(i, &q)| {
                        let zero_point = bias.params.zero_point[i % bias.params.zero_point.len()];
                        f64::from(q.wrapping_sub(zero_point)) * f64::from(scale[i % scale.len()])
                    })
                    .collect::<Vec<f64>>();
                (tensor, stored)
            }
            None => {
                let tensor = self.graph.constant(node, index);
                let values = tensor.and_then(Tensor::as_f32).ok_or("its bias is not constant")?;
                (tensor, values.iter().map(|&b| f64::from(b)).collect())
            }
        };
        let (tensor, real) = real;
        let shape = tensor.map_or_else(Vec::new, |t| t.shape.clone());
        let scales = &w.params.scale;
        let spread = if real.len() == 1 { scales.len() } else { real.len() };
        if scales.len() > 1 && spread != scales.len() {
            return Err(format!("its bias of shape {shape:?} differs from row to row"));
        }
        let codes = (0..spread).map(|i| {
            let unit = f64::from(alpha)
                * f64::from(x.params.scale[0])
                * f64::from(scales[i % scales.len()]);
            // The cast saturates.
            (f64::from(beta) * real[i % real.len()] / unit).round_ties_even() as i32
        });
        let shape = if spread == real.len() { shape } else { vec![spread] };
        Ok(Tensor::new(shape, Data::I32(codes.collect())))
    }

    /// Follows the result through an activation to the QuantizeLinear that alone reads it.
    fn sink(&self, node: &Node) -> Why<Sink> {
        let (mut index, mut tensor) = self.only_reader(node.output())?;
        let mut absorbed = Vec::new();
        let mut clip = [f32::NEG_INFINITY, f32::INFINITY];
        if let Some(range) = clip_range(self.graph, &self.graph.nodes[index]) {
            clip = range;
            absorbed.push(index);
            (index, tensor) = self.only_reader(self.graph.nodes[index].output())?;
        }
        let reader = &self.graph.nodes[index];
        if !reader.is("QuantizeLinear") || reader.inputs[0] != tensor {
            return Err(format!("`{}` reads its result in float", reader.name));
        }
        let params =
            Params::of(self.graph, reader).ok_or("the scale of its result is not constant")?;
        if !params.is_per_tensor() || !matches!(params.element, Element::U8 | Element::I8) {
            return Err("its result is not quantized per tensor to 8 bits".into());
        }
        absorbed.push(index);
        let bounds = params.clamped_bounds(reader);
        // A negative scale turns them round.
        let [low, high] = clip.map(|x| quantize(x, params.scale[0], params.zero_point[0], bounds));
        Ok(Sink {
            output: reader.output().to_string(),
            scale: reader.inputs[1].clone(),
            zero_point: reader.input(2).map(Into::into),
            bounds: [low.min(high), low.max(high)],
            absorbed,
            params,
        })
    }

    fn only_reader(&self, tensor: &'a str) -> Why<(usize, &'a str)>
    where
        Self: 'a,
    {
        if self.graph.is_output(tensor) {
            return Err("its result is an output of the network, in float".into());
        }
        match self.consumers.get(tensor).map(Vec::as_slice) {
            Some(&[one]) => Ok((one, tensor)),
            Some(_) => Err("its result is read in float, too".into()),
            None => Err("nothing reads its result".into()),
        }
    }
}

/// Name and domain of the operator that computes on integers what `node` does on floats.
fn integer_name(node: &Node) -> [&str; 2] {
    match operator(&node.op).integer {
        Some(integer) => [integer.op, integer.domain()],
        None => [&node.op, &node.domain],
    }
}

/// Whether a Resize copies elements.
pub fn picks_nearest(resize: &Node) -> bool {
    let crops = resize.text("coordinate_transformation_mode") == Some("tf_crop_and_resize");
    resize.text("mode").unwrap_or("nearest") == "nearest" && !crops
}

/// Whether a pool's window has more axes than pictures have, for which there is no integer version.
pub fn pools_over_three_axes(node: &Node) -> bool {
    operator(&node.op).rank == Rank::OfWindow
        && node.ints("kernel_shape").is_some_and(|kernel| kernel.len() > 2)
}

pub fn pads_with_constant(pad: &Node) -> bool {
    pad.text("mode").unwrap_or("constant") == "constant"
}

/// The integer version of `node`: `x, x_scale, x_zero_point` for each input, then
/// `y_scale, y_zero_point`.
fn assemble(node: &Node, inputs: &[&Dequantized], y: &Sink, constants: &mut Constants) -> Node {
    let [op, domain] = integer_name(node);
    let mut fused = Node {
        op: op.into(),
        domain: domain.into(),
        name: node.name.clone(),
        inputs: Vec::new(),
        outputs: vec![y.output.clone()],
        attributes: node.attributes.clone(),
    };
    for x in inputs {
        fused.inputs.extend(operand(x, &node.name, constants));
    }
    let zero_point = zero_point(y.zero_point.as_ref(), &y.params, &node.name, constants);
    fused.inputs.extend([y.scale.clone(), zero_point]);
    if y.bounds != y.params.bounds() {
        let bound = |b: i32| Attribute::Int(b.into());
        fused.attributes.insert(CLAMP_LOW.into(), bound(y.bounds[0]));
        fused.attributes.insert(CLAMP_HIGH.into(), bound(y.bounds[1]));
    }
    fused
}

fn operand(x: &Dequantized, node: &str, constants: &mut Constants) -> [String; 3] {
    let zero_point = zero_point(x.zero_point.as_ref(), &x.params, node, constants);
    [x.source.clone(), x.scale.clone(), zero_point]
}

/// QuantizeLinear may leave the zero point out, the integer operators may not.
fn zero_point(
    name: Option<&String>,
    params: &Params,
    node: &str,
    constants: &mut Constants,
) -> String {
    match name {
        Some(name) => name.clone(),
        None => {
            let zeros = Data::U8(vec![0; params.scale.len()]);
            let shape = if params.is_per_tensor() { vec![] } else { vec![params.scale.len()] };
            constants.add(&format!("{node}_zero_point"), Tensor::new(shape, zeros))
        }
    }
}

fn done(node: Node, y: Sink) -> Fused {
    Fused { node, absorbed: y.absorbed }
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
