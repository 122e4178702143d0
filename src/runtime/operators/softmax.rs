//! Softmax in deterministic float.
//!
//! <https://onnx.ai/onnx/operators/onnx__Softmax.html> (opset 13: along one axis).

use super::{Kind, Operator, Prepared, TensorType, View, ViewMut, input};
use crate::error::Error;
use crate::graph::Element;

pub(super) const FLOAT: Kind = Kind {
    op: "Softmax",
    output: |node, inputs| {
        let shape = input(node, inputs, 0)?.shape.clone();
        Ok(TensorType { element: Element::F32, shape })
    },
    prepare: |node, operands| {
        let shape = &operands[0].ty.shape;
        let axis = node.int("axis", -1);
        let axis = if axis < 0 { axis + shape.len() as i64 } else { axis };
        match usize::try_from(axis).ok().filter(|&a| a < shape.len()) {
            Some(axis) => {
                let inner = shape[axis + 1..].iter().product();
                Ok(Prepared::new(Softmax { len: shape[axis], inner }, [0]))
            }
            None => Err(Error::new("its axis does not fit its input").at_node(&node.name)),
        }
    },
};

#[derive(Debug)]
struct Softmax {
    len: usize,
    /// Elements between two neighbours along the axis.
    inner: usize,
}

impl Operator for Softmax {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>) {
        let block = (self.len * self.inner).max(1);
        let blocks = inputs[0].f32().chunks_exact(block);
        for (x, out) in blocks.zip(output.f32().chunks_exact_mut(block)) {
            for lane in 0..self.inner {
                let at = || (lane..block).step_by(self.inner);
                let max = at().map(|i| x[i]).fold(f32::NEG_INFINITY, f32::max);
                let mut sum = 0.0;
                for i in at() {
                    out[i] = libm::expf(x[i] - max);
                    sum += out[i];
                }
                at().for_each(|i| out[i] /= sum);
            }
        }
    }
}
