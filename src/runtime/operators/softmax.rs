//! Softmax and its logarithm in deterministic float, and Softmax in integers (`com.microsoft` QLinearSoftmax).
//!
//! <https://onnx.ai/onnx/operators/onnx__Softmax.html> (from opset 13 on along one axis, before that
//! over everything from the axis on).

use super::{
    Coding, Kind, Operator, Orders, Prepared, Scratch, TensorType, View, ViewMut, input, plain,
};
use crate::error::{Error, Result};
use crate::graph::{Element, Node};
use crate::kernels::requantize::Requantize;

pub(super) const FLOAT: Kind = Kind {
    op: "Softmax",
    output: |node, inputs| {
        let shape = input(node, inputs, 0)?.shape.clone();
        Ok(TensorType { element: Element::F32, shape })
    },
    orders: |_, operands| (operands.first()?.ty.element == Element::F32).then_some(Orders::Plain),
    prepare: |node, operands, _| {
        let lanes = Lanes::of(node, &operands[0].ty.shape)?;
        Ok(Prepared::new(FloatSoftmax { lanes }, [0]))
    },
};

/// <https://onnx.ai/onnx/operators/onnx__LogSoftmax.html>
pub(super) const LOG: Kind = Kind {
    op: "LogSoftmax",
    prepare: |node, operands, _| {
        let lanes = Lanes::of(node, &operands[0].ty.shape)?;
        Ok(Prepared::new(LogSoftmax { lanes }, [0]))
    },
    ..FLOAT
};

pub(super) const QUANTIZED: Kind = Kind {
    op: "QLinearSoftmax",
    output: |node, inputs| {
        let element = input(node, inputs, 4)?.element;
        Ok(TensorType { element, shape: input(node, inputs, 0)?.shape.clone() })
    },
    orders: plain,
    prepare: |node, operands, _| {
        let lanes = Lanes::of(node, &operands[0].ty.shape)?;
        let x = Coding::of(node, operands, operands[0].ty.element, 1)?;
        let y = Coding::of(node, operands, operands[4].ty.element, 3)?;
        let below = std::array::from_fn(|steps| libm::expf(-(steps as f32) * x.scale));
        let requantize = Requantize::new(vec![1.0], y.zero_point, y.clamped_bounds(node));
        let x = Coding { zero_point: 0, ..x };
        let softmax = QuantizedSoftmax { lanes, x, below, scale: y.scale, requantize };
        Ok(Prepared::new(softmax, [0]))
    },
};

/// The groups of elements that sum to 1.
#[derive(Debug)]
struct Lanes {
    len: usize,
    /// Elements between two neighbours of a group.
    inner: usize,
}

impl Lanes {
    fn of(node: &Node, shape: &[usize]) -> Result<Self> {
        let axis = node.int("axis", -1);
        let axis = if axis < 0 { axis + shape.len() as i64 } else { axis };
        let axis = usize::try_from(axis)
            .ok()
            .filter(|&axis| axis < shape.len())
            .ok_or_else(|| Error::new("its axis does not fit its input").at_node(&node.name))?;
        let behind: usize = shape[axis + 1..].iter().product();
        if node.int("opset", 13) < 13 {
            return Ok(Self { len: shape[axis] * behind, inner: 1 });
        }
        Ok(Self { len: shape[axis], inner: behind })
    }

    /// Visits each group by the places of its elements.
    fn visit(
        &self,
        elements: usize,
        mut visit: impl FnMut(std::iter::StepBy<std::ops::Range<usize>>),
    ) {
        let block = (self.len * self.inner).max(1);
        for start in (0..elements).step_by(block) {
            for lane in 0..self.inner {
                visit((start + lane..start + block).step_by(self.inner));
            }
        }
    }
}

#[derive(Debug)]
struct FloatSoftmax {
    lanes: Lanes,
}

impl Operator for FloatSoftmax {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let (x, out) = (inputs[0].f32(), output.f32());
        self.lanes.visit(x.len(), |at| {
            let max = at.clone().map(|i| x[i]).fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for i in at.clone() {
                out[i] = libm::expf(x[i] - max);
                sum += out[i];
            }
            at.for_each(|i| out[i] /= sum);
        });
    }
}

#[derive(Debug)]
struct LogSoftmax {
    lanes: Lanes,
}

impl Operator for LogSoftmax {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let (x, out) = (inputs[0].f32(), output.f32());
        self.lanes.visit(x.len(), |at| {
            let max = at.clone().map(|i| x[i]).fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = at.clone().map(|i| libm::expf(x[i] - max)).sum();
            let log = libm::logf(sum);
            at.for_each(|i| out[i] = x[i] - max - log);
        });
    }
}

#[derive(Debug)]
struct QuantizedSoftmax {
    lanes: Lanes,
    x: Coding,
    /// The exponential of so many steps below the largest integer.
    below: [f32; 256],
    scale: f32,
    requantize: Requantize,
}

impl Operator for QuantizedSoftmax {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let (x, out) = (inputs[0].codes(), output.codes());
        let code = |i: usize| self.x.centred(x[i]);
        self.lanes.visit(x.len(), |at| {
            let max = at.clone().map(code).max().unwrap_or(0);
            let exponential = |i: usize| self.below[(max - code(i)) as usize];
            let sum: f32 = at.clone().map(exponential).sum();
            at.for_each(|i| {
                out[i] = self.requantize.real(exponential(i) / sum / self.scale) as u8;
            });
        });
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.below)
    }
}
