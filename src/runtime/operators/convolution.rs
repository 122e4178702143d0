//! Conv in deterministic float and QLinearConv in integers.
//!
//! <https://onnx.ai/onnx/operators/onnx__Conv.html>,
//! <https://onnx.ai/onnx/operators/onnx__QLinearConv.html>.

use std::fmt;
use std::marker::PhantomData;

use super::{
    Coding, Kind, Operand, Operator, Prepared, TensorType, View, ViewMut, floats, input, integers,
    requantize, uncentred, zero_points,
};
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::kernels::conv::{Shape, channels_last, conv, depthwise, pack_weights};
use crate::kernels::geometry::Window;
use crate::kernels::requantize::Requantize;
use crate::kernels::tile::{Arithmetic, Float, Integer, SaturatingPairs};

pub(super) const FLOAT: Kind = Kind {
    op: "Conv",
    output: |node, inputs| output(node, input(node, inputs, 0)?, &input(node, inputs, 1)?.shape),
    prepare: |node, operands| {
        let shape = shape(node, &operands[0].ty.shape, &operands[1].ty.shape)?;
        let weights = floats(node, operands, 1)?;
        let bias = match node.input(2) {
            Some(_) => floats(node, operands, 2)?.to_vec(),
            None => vec![0.0; shape.channels_out],
        };
        check_bias(node, &shape, bias.len())?;
        let packed = if shape.is_depthwise() {
            weights.to_vec()
        } else {
            pack_weights::<Float>(&shape, weights)
        };
        Ok(Prepared::new(FloatConv { shape, packed, bias }, [0]))
    },
};

pub(super) const QUANTIZED: Kind = Kind {
    op: "QLinearConv",
    output: |node, inputs| {
        let y = input(node, inputs, 7)?.element;
        let x = output(node, input(node, inputs, 0)?, &input(node, inputs, 3)?.shape)?;
        Ok(TensorType { element: y, ..x })
    },
    prepare: |node, operands| {
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
        match uncentred(node, x) {
            // Depthwise kernels multiply without pairs.
            Some((raw, zero)) if !shape.is_depthwise() && !has_zero_points => {
                let sums = weights.chunks_exact(shape.k().max(1));
                let sums = sums.map(|own| own.iter().map(|&w| i32::from(w)).sum::<i32>());
                let bias = bias.iter().zip(sums).map(|(b, sum)| b.wrapping_sub(zero * sum));
                let bias = bias.collect();
                let conv = QuantizedConv::<SaturatingPairs> {
                    packed: pack_weights::<SaturatingPairs>(&shape, &weights),
                    shape,
                    bias,
                    x: raw,
                    padding: zero as i16,
                    requantize,
                    arithmetic: PhantomData,
                };
                Ok(Prepared::new(conv, [0]))
            }
            _ => {
                let packed = match shape.is_depthwise() {
                    true => weights,
                    false => pack_weights::<Integer>(&shape, &weights),
                };
                let (padding, arithmetic) = (0, PhantomData);
                let conv = QuantizedConv::<Integer> {
                    shape,
                    packed,
                    bias,
                    x,
                    padding,
                    requantize,
                    arithmetic,
                };
                Ok(Prepared::new(conv, [0]))
            }
        }
    },
};

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
    let groups = node.int("group", 1).max(0) as usize;
    let fits = x.len() >= 3
        && weights.len() == x.len()
        && groups > 0
        && weights[1].checked_mul(groups) == Some(x[1])
        && weights[0] > 0
        && weights[0].is_multiple_of(groups);
    if !fits {
        return Err(Error::new(format!(
            "weights of shape {weights:?} in {groups} groups do not fit an input of shape {x:?}"
        ))
        .at_node(&node.name));
    }
    let window = Window::of(node, &x[2..], &weights[2..]).map_err(|e| e.at_node(&node.name))?;
    Ok(Shape { window, groups, channels_in: x[1], channels_out: weights[0] })
}

pub(super) fn output(node: &Node, x: &TensorType, weights: &[usize]) -> Result<TensorType> {
    let conv = shape(node, &x.shape, weights)?;
    let spatial = conv.window.output_shape(x.shape.len() - 2);
    let shape = [&[x.shape[0], conv.channels_out], spatial].concat();
    Ok(TensorType { element: x.element, shape })
}

#[derive(Debug)]
struct FloatConv {
    shape: Shape,
    packed: Vec<f32>,
    bias: Vec<f32>,
}

impl Operator for FloatConv {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>) {
        let shape = &self.shape;
        let (in_plane, plane) = (shape.window.input_len(), shape.window.output_len());
        let (mut frame, mut patches) = (Vec::new(), Vec::new());
        let xs = inputs[0].f32().chunks_exact(shape.channels_in * in_plane);
        for (x, out) in xs.zip(output.f32().chunks_exact_mut(shape.channels_out * plane)) {
            if shape.is_depthwise() {
                let multiplier = shape.channels_out / shape.groups;
                let filters = self.packed.chunks_exact(shape.k());
                for (c, (out, filter)) in out.chunks_exact_mut(plane).zip(filters).enumerate() {
                    let x = &x[c / multiplier * in_plane..][..in_plane];
                    depthwise(&shape.window, x, filter, out);
                    out.iter_mut().for_each(|y| *y += self.bias[c]);
                }
                continue;
            }
            channels_last(x, shape.channels_in, &mut frame, |v| v);
            conv::<Float>(shape, &frame, 0.0, &self.packed, &mut patches, |pixel, first, sums| {
                for (c, sum) in (first..).zip(sums) {
                    out[c * plane + pixel] = sum + self.bias[c];
                }
            });
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.packed[..]) + size_of_val(&self.bias[..])
    }
}

#[derive(Debug)]
struct QuantizedConv<A> {
    shape: Shape,
    packed: Vec<i16>,
    bias: Vec<i32>,
    x: Coding,
    /// Zero, as `x` codes it.
    padding: i16,
    requantize: Requantize,
    arithmetic: PhantomData<A>,
}

impl<A> Operator for QuantizedConv<A>
where
    A: Arithmetic<Input = i16, Sum = i32> + fmt::Debug + Send + Sync,
{
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>) {
        let shape = &self.shape;
        let (in_plane, plane) = (shape.window.input_len(), shape.window.output_len());
        let (mut frame, mut patches) = (Vec::<i16>::new(), Vec::new());
        let mut sums = vec![0i32; if shape.is_depthwise() { plane } else { 0 }];
        let xs = inputs[0].codes().chunks_exact(shape.channels_in * in_plane);
        for (x, out) in xs.zip(output.codes().chunks_exact_mut(shape.channels_out * plane)) {
            if shape.is_depthwise() {
                let multiplier = shape.channels_out / shape.groups;
                let filters = self.packed.chunks_exact(shape.k());
                for (c, (out, filter)) in out.chunks_exact_mut(plane).zip(filters).enumerate() {
                    let x = &x[c / multiplier * in_plane..][..in_plane];
                    frame.clear();
                    frame.extend(x.iter().map(|&q| self.x.centred(q)));
                    depthwise(&shape.window, &frame, filter, &mut sums);
                    for (out, &sum) in out.iter_mut().zip(&sums) {
                        *out = self.requantize.sum(c, sum.wrapping_add(self.bias[c])) as u8;
                    }
                }
                continue;
            }
            channels_last(x, shape.channels_in, &mut frame, |q| self.x.centred(q));
            let store = |pixel: usize, first: usize, sums: &[i32]| {
                for (c, sum) in (first..).zip(sums) {
                    let sum = sum.wrapping_add(self.bias[c]);
                    out[c * plane + pixel] = self.requantize.sum(c, sum) as u8;
                }
            };
            conv::<A>(shape, &frame, self.padding, &self.packed, &mut patches, store);
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.packed[..]) + size_of_val(&self.bias[..]) + self.requantize.bytes()
    }
}
