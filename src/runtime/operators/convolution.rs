//! Conv in float and QLinearConv in integers.
//!
//! <https://onnx.ai/onnx/operators/onnx__Conv.html>,
//! <https://onnx.ai/onnx/operators/onnx__QLinearConv.html>.

use super::quantized::{Build, Layer, Parts, Quantized};
use super::{
    Coding, Kind, Operand, Operator, Orders, Prepared, Scratch, TensorType, View, ViewMut,
    float_bounds, floats, input, integers, over_pixels, requantize, zero_points,
};
use crate::error::{Error, Result};
use crate::graph::weights::Places;
use crate::graph::{Element, Node};
use crate::kernels::conv::{Buffers, Conv, Shape};
use crate::kernels::geometry::Window;
use crate::kernels::requantize::Requantize;
use crate::kernels::store::{ToCodes, ToFloats};
use crate::kernels::{Floats, Multiplier};

pub(super) const FLOAT: Kind = Kind {
    op: "Conv",
    output: |node, inputs| output(node, input(node, inputs, 0)?, &input(node, inputs, 1)?.shape),
    // Three axes and computed weights are the engine's.
    orders: |_, operands| {
        let x = &operands.first()?.ty;
        let known = x.element == Element::F32 && x.shape.len() <= 4;
        let settled = operands[1..].iter().all(Operand::is_settled);
        (known && settled).then_some(Orders::ChannelsLast)
    },
    prepare: |node, operands, setting| {
        let shape = shape(node, &operands[0].ty.shape, &operands[1].ty.shape)?;
        let weights = floats(node, operands, 1)?;
        let bias = match node.input(2) {
            Some(_) => floats(node, operands, 2)?.to_vec(),
            None => vec![0.0; shape.channels_out],
        };
        check_bias(node, &shape, bias.len())?;
        let conv = Conv::new(setting.floats(), shape, weights);
        Ok(Prepared::new(FloatConv { conv, bias, bounds: float_bounds(node) }, [0]))
    },
};

pub(super) const QUANTIZED: Kind = Kind {
    op: "QLinearConv",
    output: |node, inputs| {
        let y = input(node, inputs, 7)?.element;
        let x = output(node, input(node, inputs, 0)?, &input(node, inputs, 3)?.shape)?;
        Ok(TensorType { element: y, ..x })
    },
    orders: over_pixels,
    prepare: |node, operands, setting| {
        let shape = shape(node, &operands[0].ty.shape, &operands[3].ty.shape)?;
        let x = Coding::of(node, operands, operands[0].ty.element, 1)?;
        let y = Coding::of(node, operands, operands[7].ty.element, 6)?;
        let channels = shape.channels_out;
        let weights = centred_weights(node, operands, 3, 5, |i, zero_points: usize| {
            if zero_points == 1 { 0 } else { i / shape.k() }
        })?;
        let bias = match node.input(8) {
            Some(_) => integers(node, operands, 8)?,
            None => vec![0; channels],
        };
        check_bias(node, &shape, bias.len())?;
        let requantize = requantize(node, operands, [x, y], channels)?;
        let has_zero_points = !zero_points(node, operands, 5)?.iter().all(|&zero| zero == 0);
        // Depthwise kernels of machines with saturating pairs multiply without them.
        let in_pairs = shape.groups == 1 || shape.channels_in > shape.groups;
        let layer = Layer { x, weights, k: shape.k(), bias };
        let convolution = Convolution { shape, requantize };
        Ok(layer.prepare(node, setting, in_pairs && !has_zero_points, convolution))
    },
};

struct Convolution {
    shape: Shape,
    requantize: Requantize,
}

impl Build for Convolution {
    fn build<A: Quantized + 'static>(self, parts: Parts<A>) -> Prepared {
        let Parts { arithmetic, x, zero, weights, bias } = parts;
        let conv = Conv::new(arithmetic, self.shape, &weights);
        let requantize = self.requantize;
        Prepared::new(QuantizedConv { conv, bias, x, zero, requantize }, [0])
    }
}

/// Integer weights less their zero points; `channel(i, zero points)` says which one weight `i` has.
pub(super) fn centred_weights(
    node: &Node,
    operands: &[Operand],
    at: usize,
    zero_point_at: usize,
    channel: impl Fn(usize, usize) -> usize,
) -> Result<Vec<i16>> {
    let weights = integers(node, operands, at)?;
    let zero_points = zero_points(node, operands, zero_point_at)?;
    let zero_point = |i| match zero_points.len() {
        0 => Some(0),
        n => zero_points.get(channel(i, n)).copied(),
    };
    weights
        .iter()
        .enumerate()
        .map(|(i, &w)| zero_point(i).map(|z| (w - z) as i16))
        .collect::<Option<_>>()
        .ok_or_else(|| Error::new("it has too few weight zero points").at_node(&node.name))
}

fn check_bias(node: &Node, shape: &Shape, len: usize) -> Result<()> {
    if len == shape.channels_out {
        return Ok(());
    }
    Err(Error::new(format!("its bias has {len} elements for {} channels", shape.channels_out))
        .at_node(&node.name))
}

/// The convolution that `node` computes on an input and weights of these shapes.
///
/// # Errors
/// Shapes that do not fit together, and three or more spatial axes.
pub(super) fn shape(node: &Node, x: &[usize], weights: &[usize]) -> Result<Shape> {
    let fits = |own: &Places| x.len() >= 3 && weights.len() == x.len() && own.all_inputs() == x[1];
    let own =
        Places::of(node, weights).filter(fits).ok_or_else(|| not_fitting(node, x, weights))?;
    let window = Window::of(node, &x[2..], &weights[2..]).map_err(|e| e.at_node(&node.name))?;
    // The input is held with its padding.
    let reach = |axis: usize| {
        window.input[axis].max(window.output[axis].saturating_mul(window.stride[axis]))
            + window.kernel[axis] * window.dilation[axis]
    };
    let shape = vec![x[1], reach(0), reach(1)];
    TensorType { element: Element::F32, shape }.check_size().map_err(|e| e.at_node(&node.name))?;
    Ok(Shape { window, groups: own.groups, channels_in: x[1], channels_out: own.all_outputs() })
}

pub(super) fn not_fitting(node: &Node, x: &[usize], weights: &[usize]) -> Error {
    let groups = node.int("group", 1);
    Error::new(format!(
        "weights of shape {weights:?} in {groups} groups do not fit an input of shape {x:?}"
    ))
    .at_node(&node.name)
}

pub(super) fn output(node: &Node, x: &TensorType, weights: &[usize]) -> Result<TensorType> {
    let conv = shape(node, &x.shape, weights)?;
    let spatial = conv.window.output_shape(x.shape.len() - 2);
    let shape = [&[x.shape[0], conv.channels_out], spatial].concat();
    Ok(TensorType { element: x.element, shape })
}

#[derive(Debug)]
struct FloatConv {
    conv: Conv<Floats>,
    bias: Vec<f32>,
    bounds: [f32; 2],
}

impl Operator for FloatConv {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, scratch: &mut Scratch) {
        let shape = self.conv.shape();
        let frames = inputs[0].f32().chunks_exact(shape.input_len());
        for (x, out) in frames.zip(output.f32().chunks_exact_mut(shape.output_len())) {
            let mut store = ToFloats::new(&self.bias, self.bounds, out);
            let Buffers { padded, squares } = &mut scratch.floats;
            if self.conv.needs_no_padding() {
                self.conv.run(x, squares, &mut store);
            } else {
                self.conv.pad(x, 0.0, padded, |x| x);
                self.conv.run(padded, squares, &mut store);
            }
        }
    }

    fn bytes(&self) -> usize {
        self.conv.bytes() + size_of_val(&self.bias[..])
    }
}

#[derive(Debug)]
struct QuantizedConv<A: Multiplier> {
    conv: Conv<A>,
    bias: Vec<i32>,
    x: Coding,
    /// What stands for 0 in the input.
    zero: A::Element,
    requantize: Requantize,
}

impl<A: Quantized> Operator for QuantizedConv<A> {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, scratch: &mut Scratch) {
        let shape = self.conv.shape();
        let frames = inputs[0].codes().chunks_exact(shape.input_len());
        for (x, out) in frames.zip(output.codes().chunks_exact_mut(shape.output_len())) {
            let mut store = ToCodes::new(&self.bias, &self.requantize, out);
            let Buffers { padded, squares } = A::buffers(scratch);
            match A::as_they_lie(self.x, x) {
                Some(x) if self.conv.needs_no_padding() => self.conv.run(x, squares, &mut store),
                _ => {
                    self.conv.pad(x, self.zero, padded, |q| A::element(self.x.centred(q)));
                    self.conv.run(padded, squares, &mut store);
                }
            }
        }
    }

    fn bytes(&self) -> usize {
        self.conv.bytes() + size_of_val(&self.bias[..]) + self.requantize.bytes()
    }
}
