//! What stands between DequantizeLinear and QuantizeLinear becomes one node on integers.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::operators::{CLAMP_HIGH, CLAMP_LOW};
use super::about::{is_quantization, pads_with_constant, picks_nearest, pools_over_three_axes};
use super::params::Params;
use crate::graph::operator::{Home, Lowering, operator};
use crate::graph::weights::{channel_axis, has_own_channels};
use crate::graph::{Attribute, Data, Element, Graph, Node, Tensor, clip_range, fresh_name};
use crate::kernels::requantize::quantize;

/// What a network may be lowered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operators {
    /// Those that ONNX and ONNX Runtime have.
    Standard,
    /// Ours, too.
    All,
}

/// Replaces what it can; says why for what it cannot.
pub(super) fn fuse(graph: &mut Graph, operators: Operators) -> HashMap<String, String> {
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
