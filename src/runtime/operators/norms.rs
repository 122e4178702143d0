//! LpPool and GlobalLpPool in deterministic float: the p-norm of each window.
//!
//! <https://onnx.ai/onnx/operators/onnx__LpPool.html>,
//! <https://onnx.ai/onnx/operators/onnx__GlobalLpPool.html>.

use super::pooling::{floats, global, pooled, whole_planes, window};
use super::{Kind, Operator, Orders, Prepared, Scratch, TensorType, View, ViewMut, input};
use crate::error::{Error, Result};
use crate::graph::{Element, Node};
use crate::kernels::geometry::Window;
use crate::kernels::pool;

pub(super) const LP_POOL: Kind = Kind {
    op: "LpPool",
    output: |node, inputs| pooled(node, input(node, inputs, 0)?, Element::F32),
    orders: floats,
    prepare: |node, operands, _| {
        let shape = &operands[0].ty.shape;
        let window = window(node, shape)?;
        Ok(Prepared::new(Norm { window, channels: shape[1], p: p(node)? }, [0]))
    },
};

pub(super) const GLOBAL_LP_POOL: Kind = Kind {
    op: "GlobalLpPool",
    output: |node, inputs| global(node, input(node, inputs, 0)?, Element::F32),
    orders: |_, operands| {
        let TensorType { element, shape } = &operands.first()?.ty;
        (*element == Element::F32 && shape.len() >= 3).then_some(Orders::ChannelsLast)
    },
    prepare: |node, operands, _| {
        let shape = &operands[0].ty.shape;
        let window = whole_planes(shape);
        Ok(Prepared::new(Norm { window, channels: shape[1], p: p(node)? }, [0]))
    },
};

fn p(node: &Node) -> Result<f32> {
    match node.int("p", 2) {
        p if p > 0 => Ok(p as f32),
        p => Err(Error::new(format!("there is no norm for p = {p}")).at_node(&node.name)),
    }
}

#[derive(Debug)]
struct Norm {
    window: Window,
    channels: usize,
    p: f32,
}

impl Operator for Norm {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, scratch: &mut Scratch) {
        let Self { window, channels, p } = self;
        let frames = inputs[0].f32().chunks_exact(window.input_len() * channels);
        let power = |x: f32| if *p == 2.0 { x * x } else { libm::powf(x.abs(), *p) };
        let root = |x: f32| if *p == 2.0 { x.sqrt() } else { libm::powf(x, 1.0 / p) };
        for (x, out) in frames.zip(output.f32().chunks_exact_mut(window.output_len() * channels)) {
            let sums = &mut scratch.floats.padded;
            pool::sums(window, *channels, x, sums, power, |at, sums, _| {
                for (out, &sum) in out[at * channels..].iter_mut().zip(sums) {
                    *out = root(sum);
                }
            });
        }
    }
}
