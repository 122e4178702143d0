//! QuantizeLinear and DequantizeLinear.
//!
//! <https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html>: `saturate(round_half_even(x /
//! scale) + zero_point)`, true division. <https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html>:
//! `(q - zero_point) * scale`.

use super::{
    Coding, Kind, Operand, Operator, Orders, Prepared, Scratch, TensorType, View, ViewMut, input,
    per_tensor_only, scales, signed, zero_points,
};
use crate::error::{Error, Result};
use crate::graph::{Element, Node};
use crate::kernels::elementwise::map;
use crate::kernels::requantize::{Requantize, quantize};

pub(super) const QUANTIZE: Kind = Kind {
    op: "QuantizeLinear",
    output: |node, inputs| {
        let element = match inputs.get(2) {
            Some(zero_point) => zero_point.element,
            None => Element(node.int("output_dtype", Element::U8.0.into()) as i32),
        };
        signed(node, element)?;
        Ok(TensorType { element, shape: input(node, inputs, 0)?.shape.clone() })
    },
    // Other numbers than floats are the engine's.
    orders: |node, operands| {
        (operands.first()?.ty.element == Element::F32).then(|| orders(node, operands))?
    },
    prepare: |node, operands, _| {
        let element = match operands.get(2) {
            Some(zero_point) => zero_point.ty.element,
            None => Element(node.int("output_dtype", Element::U8.0.into()) as i32),
        };
        if is_computed(operands) {
            let coding = Coding { signed: signed(node, element)?, scale: 1.0, zero_point: 0 };
            return computed(node, operands, |inputs| {
                let bounds = coding.clamped_bounds(node);
                Prepared::new(QuantizeComputed { coding, bounds }, inputs)
            });
        }
        let axis = Axis::of(node, operands)?;
        let scale = scales(node, operands, 1)?.to_vec();
        let zero_points = zero_points(node, operands, 2)?;
        let coding = Coding { signed: signed(node, element)?, scale: 1.0, zero_point: 0 };
        let bounds = coding.clamped_bounds(node);
        let outputs = (0..scale.len())
            .map(|i| {
                let zero_point = zero_points.get(i).copied().unwrap_or(0);
                Requantize::new(vec![1.0], zero_point, bounds)
            })
            .collect();
        Ok(Prepared::new(Quantize { axis, scale, outputs }, [0]))
    },
};

pub(super) const DEQUANTIZE: Kind = Kind {
    op: "DequantizeLinear",
    output: |node, inputs| {
        let x = input(node, inputs, 0)?;
        Ok(TensorType { element: Element::F32, shape: x.shape.clone() })
    },
    orders,
    prepare: |node, operands, _| {
        let element = operands[0].ty.element;
        // int32 is how biases are stored.
        let signed = element != Element::I32 && signed(node, element)?;
        if is_computed(operands) {
            return computed(node, operands, |inputs| {
                Prepared::new(DequantizeComputed { signed }, inputs)
            });
        }
        let axis = Axis::of(node, operands)?;
        let scale = scales(node, operands, 1)?.to_vec();
        let zero_points = zero_points(node, operands, 2)?;
        let codings = scale.iter().enumerate().map(|(i, &scale)| {
            let zero_point = zero_points.get(i).copied().unwrap_or(0);
            Coding { signed, scale, zero_point }
        });
        Ok(Prepared::new(Dequantize { axis, codings: codings.collect() }, [0]))
    },
};

/// Element by element, unless scales differ along an axis.
fn orders(_: &Node, operands: &[Operand]) -> Option<Orders> {
    let one = |operand: &Operand| operand.ty.shape.iter().product::<usize>() == 1;
    Some(if operands[1..].iter().all(one) { Orders::Any } else { Orders::Plain })
}

/// Whether scale or zero point are known only when the network runs.
fn is_computed(operands: &[Operand]) -> bool {
    operands[1..].iter().any(|o| o.constant.is_none() && o.ty != TensorType::default())
}

/// The operator on a computed scale and zero point, of the whole tensor.
fn computed(
    node: &Node,
    operands: &[Operand],
    prepared: impl FnOnce(Vec<usize>) -> Prepared,
) -> Result<Prepared> {
    let given: Vec<usize> = (0..operands.len()).filter(|&i| node.input(i).is_some()).collect();
    let expected = match node.op.as_str() {
        "QuantizeLinear" => [Element::U8, Element::I8],
        _ => [operands[0].ty.element; 2],
    };
    let wrong = |&&i: &&usize| match i {
        0 => false,
        1 => operands[i].ty.element != Element::F32,
        _ => !expected.contains(&operands[i].ty.element),
    };
    if let Some(&i) = given.iter().find(wrong) {
        let name = operands[i].ty.element.name();
        return Err(Error::new(format!("its input {i} is {name}")).at_node(&node.name));
    }
    match (1..operands.len()).find(|&i| operands[i].ty.shape.iter().product::<usize>() != 1) {
        Some(index) => Err(per_tensor_only(node, index)),
        None => Ok(prepared(given)),
    }
}

/// The axis along which scales differ: `len` scales, each for runs of `inner` elements.
#[derive(Debug)]
struct Axis {
    len: usize,
    inner: usize,
    blocks: Option<Blocks>,
}

/// Scales for blocks along the axis, others for each of the `inner` elements behind it.
#[derive(Debug)]
struct Blocks {
    /// Elements along the axis.
    along: usize,
    /// Of those, to a block; the last one may have fewer.
    size: usize,
}

impl Axis {
    fn of(node: &Node, operands: &[Operand]) -> Result<Self> {
        let len = scales(node, operands, 1)?.len();
        if len == 1 {
            return Ok(Self { len, inner: 1, blocks: None });
        }
        let shape = &operands[0].ty.shape;
        let axis = node.int("axis", 1);
        let axis = if axis < 0 { axis + shape.len() as i64 } else { axis };
        let does_not_fit = || {
            let given = &operands[1].ty.shape;
            Error::new(format!("scales of shape {given:?} do not fit the shape {shape:?}"))
                .at_node(&node.name)
                .way_out("Quantize per tensor, per channel, or in blocks along one axis.")
        };
        let axis = usize::try_from(axis).ok().filter(|&axis| axis < shape.len());
        let axis = axis.ok_or_else(does_not_fit)?;
        let (along, inner) = (shape[axis], shape[axis + 1..].iter().product());
        let blocks = match node.int("block_size", 0) {
            0 => None,
            size => {
                let size = usize::try_from(size).map_err(|_| does_not_fit())?;
                let mut blocked = shape.clone();
                blocked[axis] = along.div_ceil(size);
                if blocked != operands[1].ty.shape {
                    return Err(does_not_fit());
                }
                Some(Blocks { along, size })
            }
        };
        if blocks.is_none() && along != len {
            return Err(does_not_fit());
        }
        Ok(Self { len, inner, blocks })
    }

    /// Which scale serves each run of elements, and the run.
    fn runs(&self, elements: usize) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        let run = match &self.blocks {
            Some(_) => 1,
            None if self.len == 1 => elements,
            None => self.inner,
        };
        let scale = |i| match &self.blocks {
            None => i % self.len,
            Some(Blocks { along, size }) => {
                let (outer, at) = (i / self.inner / along, i / self.inner % along);
                (outer * along.div_ceil(*size) + at / size) * self.inner + i % self.inner
            }
        };
        (0..elements).step_by(run.max(1)).enumerate().map(move |(i, at)| (scale(i), at..at + run))
    }
}

#[derive(Debug)]
struct Quantize {
    axis: Axis,
    scale: Vec<f32>,
    outputs: Vec<Requantize>,
}

impl Operator for Quantize {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let (x, out) = (inputs[0].f32(), output.codes());
        for (i, run) in self.axis.runs(x.len()) {
            let (scale, coding) = (self.scale[i], &self.outputs[i]);
            let (x, out) = (&x[run.clone()], &mut out[run]);
            map(x, out, |x| coding.real(x / scale) as u8);
        }
    }
}

/// With a computed scale and zero point.
#[derive(Debug)]
struct QuantizeComputed {
    coding: Coding,
    bounds: [i32; 2],
}

impl Operator for QuantizeComputed {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let scale = inputs[1].f32()[0];
        let zero_point = inputs.get(2).map_or(0, |zero_point| self.coding.whole(*zero_point));
        for (out, &x) in output.codes().iter_mut().zip(inputs[0].f32()) {
            *out = quantize(x, scale, zero_point, self.bounds) as u8;
        }
    }
}

#[derive(Debug)]
struct Dequantize {
    axis: Axis,
    codings: Vec<Coding>,
}

impl Operator for Dequantize {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let out = output.f32();
        for (i, run) in self.axis.runs(out.len()) {
            let coding = self.codings[i];
            let out = out[run.clone()].iter_mut();
            match inputs[0] {
                View::Codes(x) => out.zip(&x[run]).for_each(|(out, &q)| {
                    *out = f32::from(coding.centred(q)) * coding.scale;
                }),
                View::I32(x) => out.zip(&x[run]).for_each(|(out, &q)| {
                    *out = q.wrapping_sub(coding.zero_point) as f32 * coding.scale;
                }),
                View::F32(_) => unreachable!("prepared for integers, run on f32"),
            }
        }
    }
}

/// With a computed scale and zero point.
#[derive(Debug)]
struct DequantizeComputed {
    signed: bool,
}

impl Operator for DequantizeComputed {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let scale = inputs[1].f32()[0];
        let plain = Coding { signed: self.signed, scale, zero_point: 0 };
        let zero_point = inputs.get(2).map_or(0, |zero_point| plain.whole(*zero_point));
        let real = |q: i32| q.wrapping_sub(zero_point) as f32 * scale;
        let out = output.f32().iter_mut();
        match inputs[0] {
            View::Codes(x) => {
                out.zip(x).for_each(|(out, &q)| *out = real(plain.centred(q).into()));
            }
            View::I32(x) => out.zip(x).for_each(|(out, &q)| *out = real(q)),
            View::F32(_) => unreachable!("prepared for integers, run on f32"),
        }
    }
}
