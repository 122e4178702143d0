//! DynamicQuantizeLinear's scale and zero point, found in the tensor itself.
//!
//! <https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html>: `scale = (max(0, max x) - min(0,
//! min x)) / 255`, `zero point = round(saturate(-min / scale))`. [`lower`] turns the operator into
//! these two and a QuantizeLinear.
//!
//! [`lower`]: crate::runtime::lower

use super::{Kind, Operand, Operator, Orders, Prepared, Scratch, TensorType, View, ViewMut};
use crate::graph::{Element, Node};
use crate::kernels::requantize::quantize;

pub(super) const SCALE: Kind = Kind {
    op: crate::graph::operator::DYNAMIC_SCALE,
    output: |_, _| Ok(TensorType { element: Element::F32, shape: vec![] }),
    orders: floats,
    prepare: |_, _, _| Ok(Prepared::new(Scale, [0])),
};

pub(super) const ZERO_POINT: Kind = Kind {
    op: crate::graph::operator::DYNAMIC_ZERO_POINT,
    output: |_, _| Ok(TensorType { element: Element::U8, shape: vec![] }),
    orders: floats,
    prepare: |_, _, _| Ok(Prepared::new(ZeroPoint, [0, 1])),
};

fn floats(_: &Node, operands: &[Operand]) -> Option<Orders> {
    operands.iter().all(|operand| operand.ty.element == Element::F32).then_some(Orders::Plain)
}

#[derive(Debug)]
struct Scale;

impl Operator for Scale {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let [low, high] = range(inputs[0].f32());
        // Nothing but zeros: ONNX Runtime's scale is 1 then.
        output.f32()[0] = if high > low { (high - low) / 255.0 } else { 1.0 };
    }
}

#[derive(Debug)]
struct ZeroPoint;

impl Operator for ZeroPoint {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let [low, _] = range(inputs[0].f32());
        output.codes()[0] = quantize(-low, inputs[1].f32()[0], 0, [0, 255]) as u8;
    }
}

/// The smallest and largest element, and 0.
fn range(x: &[f32]) -> [f32; 2] {
    x.iter().fold([0.0; 2], |[low, high], &x| [f32::min(low, x), f32::max(high, x)])
}
