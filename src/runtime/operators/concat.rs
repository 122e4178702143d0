//! Concat of floats; QLinearConcat (`com.microsoft`): inputs brought to the output's scale, then
//! joined.
//!
//! <https://onnx.ai/onnx/operators/onnx__Concat.html>.

use super::{
    Coding, Kind, Operand, Operator, Order, Orders, Prepared, Scratch, Setting, TensorType, View,
    ViewMut, input,
};
use crate::error::{Error, Result};
use crate::graph::{Element, Node};
use crate::kernels::requantize::quantize;

pub(super) const FLOAT: Kind = Kind {
    op: "Concat",
    output: |node, inputs| joined(node, &inputs.iter().collect::<Vec<_>>(), Element::F32),
    // Constants among the parts, and other types, are the engine's.
    orders: |node, operands| {
        let computed =
            |operand: &Operand| operand.constant.is_none() && operand.ty.element == Element::F32;
        operands.iter().all(computed).then(|| orders(node, &operands.first()?.ty))?
    },
    prepare: |node, operands, setting| {
        let types = operands.iter().map(|operand| &operand.ty);
        let runs = runs(node, types, setting)?;
        Ok(Prepared::new(FloatConcat { runs }, (0..operands.len()).collect::<Vec<_>>()))
    },
};

pub(super) const QUANTIZED: Kind = Kind {
    op: "QLinearConcat",
    output: |node, inputs| {
        let parts: Vec<&TensorType> = inputs.iter().skip(2).step_by(3).collect();
        joined(node, &parts, input(node, inputs, 1)?.element)
    },
    orders: |node, operands| orders(node, &operands.get(2)?.ty),
    prepare: |node, operands, setting| {
        let y = Coding::of(node, operands, operands[1].ty.element, 0)?;
        let at: Vec<usize> = (2..operands.len()).step_by(3).collect();
        let runs = runs(node, at.iter().map(|&i| &operands[i].ty), setting)?;
        let parts = at
            .iter()
            .zip(runs)
            .map(|(&i, run)| {
                let x = Coding::of(node, operands, operands[i].ty.element, i + 1)?;
                let bounds = y.clamped_bounds(node);
                // Dequantized and quantized again, as ONNX Runtime makes its table.
                let table = std::array::from_fn(|code| {
                    let real = x.scale * f32::from(x.centred(code as u8));
                    quantize(real, y.scale, y.zero_point, bounds) as u8
                });
                Ok(Part { run, table })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Prepared::new(Concat { parts }, at))
    },
};

/// What joining the parts makes.
fn joined(node: &Node, parts: &[&TensorType], element: Element) -> Result<TensorType> {
    let first = parts.first().ok_or_else(|| Error::new("it joins nothing").at_node(&node.name))?;
    let axis = axis(node, first.shape.len())?;
    let mut shape = first.shape.clone();
    for part in &parts[1..] {
        let fits = part.shape.len() == shape.len()
            && (0..shape.len()).all(|i| i == axis || part.shape[i] == shape[i]);
        if !fits {
            let message = format!("shapes {:?} and {shape:?} cannot be joined", part.shape);
            return Err(Error::new(message).at_node(&node.name));
        }
        shape[axis] += part.shape[axis];
    }
    Ok(TensorType { element, shape })
}

/// Channels are joined in either order, other axes in ONNX's.
fn orders(node: &Node, first: &TensorType) -> Option<Orders> {
    let channels = axis(node, first.shape.len()).is_ok_and(|axis| axis == 1);
    Some(if channels { Orders::Any } else { Orders::Plain })
}

/// Elements of each part between two of the output's outer steps.
fn runs<'a>(
    node: &Node,
    parts: impl Iterator<Item = &'a TensorType>,
    setting: &Setting,
) -> Result<Vec<usize>> {
    parts
        .map(|part| {
            let axis = match setting.order {
                Order::Plain => axis(node, part.shape.len())?,
                Order::ChannelsLast => part.shape.len() - 1,
            };
            Ok(setting.laid_out(&part.shape)[axis..].iter().product())
        })
        .collect()
}

fn axis(node: &Node, rank: usize) -> Result<usize> {
    let axis = node.int("axis", 1);
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(axis)
        .ok()
        .filter(|&a| a < rank)
        .ok_or_else(|| Error::new("its axis does not fit its inputs").at_node(&node.name))
}

#[derive(Debug)]
struct Part {
    /// Elements of this input between two of the output's outer steps.
    run: usize,
    /// The output's byte for each of the input's.
    table: [u8; 256],
}

#[derive(Debug)]
struct Concat {
    parts: Vec<Part>,
}

impl Operator for Concat {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let total: usize = self.parts.iter().map(|p| p.run).sum();
        for (outer, mut rest) in output.codes().chunks_exact_mut(total.max(1)).enumerate() {
            for (Part { run, table }, x) in self.parts.iter().zip(inputs) {
                let (to, tail) = rest.split_at_mut(*run);
                for (to, &code) in to.iter_mut().zip(&x.codes()[outer * run..][..*run]) {
                    *to = table[usize::from(code)];
                }
                rest = tail;
            }
        }
    }
}

#[derive(Debug)]
struct FloatConcat {
    /// As [`Part::run`].
    runs: Vec<usize>,
}

impl Operator for FloatConcat {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let total: usize = self.runs.iter().sum();
        for (outer, mut rest) in output.f32().chunks_exact_mut(total.max(1)).enumerate() {
            for (run, x) in self.runs.iter().zip(inputs) {
                let (to, tail) = rest.split_at_mut(*run);
                to.copy_from_slice(&x.f32()[outer * run..][..*run]);
                rest = tail;
            }
        }
    }
}
