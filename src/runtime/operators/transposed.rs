//! ConvTranspose in deterministic float, and in integers as `QLinearConvTranspose`, which has the
//! inputs of QLinearConv; no standard has it, so [`lower`] makes it and no file holds it.
//!
//! <https://onnx.ai/onnx/operators/onnx__ConvTranspose.html>.
//!
//! [`lower`]: crate::runtime::lower

use super::convolution::{centred_weights, not_fitting};
use super::{
    Coding, Kind, Operand, Operator, Orders, Prepared, Scratch, TensorType, View, ViewMut, floats,
    input, integers, plain, requantize,
};
use crate::error::{Error, Result};
use crate::graph::weights::Places;
use crate::graph::{Element, Node};
use crate::kernels::geometry::Window;
use crate::kernels::requantize::Requantize;
use crate::kernels::transposed::spread;

pub(super) const FLOAT: Kind = Kind {
    op: "ConvTranspose",
    output: |node, inputs| output(node, input(node, inputs, 0)?, &input(node, inputs, 1)?.shape),
    orders: constant_weights,
    prepare: |node, operands, _| {
        let shape = Shape::of(node, &operands[0].ty.shape, &operands[1].ty.shape)?;
        let weights = floats(node, operands, 1)?.to_vec();
        let bias = match node.input(2) {
            Some(_) => floats(node, operands, 2)?.to_vec(),
            None => vec![0.0; shape.places.all_outputs()],
        };
        shape.check_bias(node, bias.len())?;
        Ok(Prepared::new(FloatTransposed { shape, weights, bias }, [0]))
    },
};

pub(super) const QUANTIZED: Kind = Kind {
    op: crate::graph::operator::CONV_TRANSPOSE,
    output: |node, inputs| {
        let y = input(node, inputs, 7)?.element;
        let x = output(node, input(node, inputs, 0)?, &input(node, inputs, 3)?.shape)?;
        Ok(TensorType { element: y, ..x })
    },
    orders: plain,
    prepare: |node, operands, _| {
        let shape = Shape::of(node, &operands[0].ty.shape, &operands[3].ty.shape)?;
        let x = Coding::of(node, operands, operands[0].ty.element, 1)?;
        let y = Coding::of(node, operands, operands[7].ty.element, 6)?;
        let places = &shape.places;
        let channels = places.all_outputs();
        let weights = centred_weights(node, operands, 3, 5, |i, zero_points: usize| {
            if zero_points == 1 { 0 } else { places.output(i) % places.outputs }
        })?;
        let bias = match node.input(8) {
            Some(_) => integers(node, operands, 8)?,
            None => vec![0; channels],
        };
        shape.check_bias(node, bias.len())?;
        let requantize = requantize(node, operands, [x, y], channels)?;
        Ok(Prepared::new(QuantizedTransposed { shape, weights, bias, x, requantize }, [0]))
    },
};

#[derive(Debug)]
struct Shape {
    /// Of the convolution that this one transposes: it slides over the output.
    window: Window,
    places: Places,
}

impl Shape {
    fn of(node: &Node, x: &[usize], weights: &[usize]) -> Result<Self> {
        let fits =
            |own: &Places| x.len() >= 3 && weights.len() == x.len() && own.all_inputs() == x[1];
        let places = Places::of(node, weights).filter(fits);
        let places = places.ok_or_else(|| not_fitting(node, x, weights))?;
        let window =
            Window::transposed(node, &x[2..], &weights[2..]).map_err(|e| e.at_node(&node.name))?;
        Ok(Self { window, places })
    }

    fn check_bias(&self, node: &Node, len: usize) -> Result<()> {
        if len == self.places.all_outputs() {
            return Ok(());
        }
        let channels = self.places.all_outputs();
        Err(Error::new(format!("its bias has {len} elements for {channels} channels"))
            .at_node(&node.name))
    }

    /// `store(channel, sums)`: the output planes of one frame, one after the other.
    fn planes<T, S>(&self, x: &[T], weights: &[T], mut store: impl FnMut(usize, &[S]))
    where
        T: Copy,
        S: Copy + Default + From<T> + std::ops::Mul<Output = S> + std::ops::AddAssign,
    {
        // The window slides over the output: its positions are the input's elements.
        let (plane_in, places) = (self.window.output_len(), &self.places);
        let Places { outputs, inputs, taps, .. } = *places;
        let mut sums = vec![S::default(); self.window.input_len()];
        for c in 0..self.places.all_outputs() {
            sums.fill(S::default());
            for j in 0..inputs {
                let filter = &weights[places.weight(c, j * taps)..][..taps];
                let i = c / outputs * inputs + j;
                spread(&self.window, &x[i * plane_in..][..plane_in], filter, &mut sums);
            }
            store(c, &sums);
        }
    }
}

/// Computed weights are the engine's.
fn constant_weights(_: &Node, operands: &[Operand]) -> Option<Orders> {
    let known = operands.first()?.ty.element == Element::F32;
    (known && operands[1..].iter().all(Operand::is_settled)).then_some(Orders::Plain)
}

fn output(node: &Node, x: &TensorType, weights: &[usize]) -> Result<TensorType> {
    let shape = Shape::of(node, &x.shape, weights)?;
    let spatial = &shape.window.input[4 - x.shape.len()..];
    let shape = [&[x.shape[0], shape.places.all_outputs()], spatial].concat();
    Ok(TensorType { element: x.element, shape })
}

#[derive(Debug)]
struct FloatTransposed {
    shape: Shape,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Operator for FloatTransposed {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let plane = self.shape.window.input_len();
        let frame = self.shape.places.all_inputs() * self.shape.window.output_len();
        let frames = output.f32().chunks_exact_mut(self.shape.places.all_outputs() * plane);
        for (x, out) in inputs[0].f32().chunks_exact(frame).zip(frames) {
            self.shape.planes::<f32, f32>(x, &self.weights, |c, sums| {
                for (out, sum) in out[c * plane..].iter_mut().zip(sums) {
                    *out = sum + self.bias[c];
                }
            });
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + size_of_val(&self.bias[..])
    }
}

#[derive(Debug)]
struct QuantizedTransposed {
    shape: Shape,
    weights: Vec<i16>,
    bias: Vec<i32>,
    x: Coding,
    requantize: Requantize,
}

impl Operator for QuantizedTransposed {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let plane = self.shape.window.input_len();
        let frame = self.shape.places.all_inputs() * self.shape.window.output_len();
        let frames = output.codes().chunks_exact_mut(self.shape.places.all_outputs() * plane);
        let mut centred = Vec::with_capacity(frame);
        for (x, out) in inputs[0].codes().chunks_exact(frame).zip(frames) {
            centred.clear();
            centred.extend(x.iter().map(|&q| self.x.centred(q)));
            self.shape.planes::<i16, i32>(&centred, &self.weights, |c, sums| {
                for (out, sum) in out[c * plane..].iter_mut().zip(sums) {
                    *out = self.requantize.sum(c, sum.wrapping_add(self.bias[c])) as u8;
                }
            });
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.weights[..]) + size_of_val(&self.bias[..]) + self.requantize.bytes()
    }
}
