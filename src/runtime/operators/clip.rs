//! Relu and Clip, on float and on 8-bit integers.
//!
//! <https://onnx.ai/onnx/operators/onnx__Relu.html>,
//! <https://onnx.ai/onnx/operators/onnx__Clip.html>. No different from the engine's, but for the
//! time they take.

use super::{Kind, Operand, Operator, Orders, Prepared, Scratch, View, ViewMut, constant, input};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Element, Node, Tensor};
use crate::kernels::store::clip;

pub(super) const RELU: Kind = Kind {
    op: "Relu",
    output: |node, inputs| input(node, inputs, 0).cloned(),
    orders,
    prepare: |node, operands, _| prepare(node, operands, [Some(0.0), None]),
};

pub(super) const CLIP: Kind = Kind {
    op: "Clip",
    output: |node, inputs| input(node, inputs, 0).cloned(),
    orders,
    prepare: |node, operands, _| {
        // Attributes before opset 11.
        let bound = |index, attribute| match node.input(index) {
            None => Ok(node.attributes.contains_key(attribute).then(|| node.float(attribute, 0.0))),
            Some(_) => scalar(node, constant(node, operands, index)?).map(Some),
        };
        let bounds = [bound(1, "min")?, bound(2, "max")?];
        prepare(node, operands, bounds)
    },
};

/// Computed bounds and wide integers are the engine's.
fn orders(_: &Node, operands: &[Operand]) -> Option<Orders> {
    let known = [Element::F32, Element::U8, Element::I8].contains(&operands.first()?.ty.element);
    (known && operands[1..].iter().all(Operand::is_settled)).then_some(Orders::Any)
}

fn scalar(node: &Node, tensor: &Tensor) -> Result<f32> {
    let float = tensor.as_f32().and_then(|v| v.first().copied());
    let integer = || tensor.to_i32().and_then(|v| v.first().map(|&q| q as f32));
    float.or_else(integer).ok_or_else(|| {
        Error::new(format!("a bound of `{}` is {}", node.op, tensor.element().name()))
            .at_node(&node.name)
            .way_out("Export the network with bounds of the type of what they clip.")
    })
}

fn prepare(node: &Node, operands: &[Operand], bounds: [Option<f32>; 2]) -> Result<Prepared> {
    let [low, high] = bounds;
    let low = low.unwrap_or(f32::NEG_INFINITY);
    let high = high.unwrap_or(f32::INFINITY);
    match operands[0].ty.element {
        Element::F32 => Ok(Prepared::new(Float { low, high }, [0])),
        element @ (Element::U8 | Element::I8) => {
            let signed = element == Element::I8;
            let codes = std::array::from_fn(|code| {
                let byte = code as u8;
                let q = if signed { i32::from(byte as i8) } else { i32::from(byte) };
                (q as f32).max(low).min(high) as i32 as u8
            });
            Ok(Prepared::new(Codes { codes }, [0]))
        }
        other => Err(Error::new(format!("`{}` on {} is not supported", node.op, other.name()))
            .of_kind(ErrorKind::Unsupported)
            .at_node(&node.name)
            .way_out("Export the network with float32 activations.")),
    }
}

#[derive(Debug)]
struct Float {
    low: f32,
    high: f32,
}

impl Operator for Float {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let (low, high) = (self.low, self.high);
        for (y, &x) in output.f32().iter_mut().zip(inputs[0].f32()) {
            *y = clip(x, [low, high]);
        }
    }
}

/// What each of the 256 bytes becomes.
#[derive(Debug)]
struct Codes {
    codes: [u8; 256],
}

impl Operator for Codes {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        for (y, &x) in output.codes().iter_mut().zip(inputs[0].codes()) {
            *y = self.codes[usize::from(x)];
        }
    }
}
