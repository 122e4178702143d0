//! QLinearConcat (`com.microsoft`): inputs brought to the output's scale, then joined.

use super::{Coding, Kind, Operator, Prepared, TensorType, View, ViewMut, input};
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::kernels::requantize::Requantize;

pub(super) const QUANTIZED: Kind = Kind {
    op: "QLinearConcat",
    output: |node, inputs| {
        let parts: Vec<&TensorType> = inputs.iter().skip(2).step_by(3).collect();
        let first =
            parts.first().ok_or_else(|| Error::new("it joins nothing").at_node(&node.name))?;
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
        Ok(TensorType { element: input(node, inputs, 1)?.element, shape })
    },
    prepare: |node, operands| {
        let y = Coding::of(node, operands, operands[1].ty.element, 0)?;
        let at: Vec<usize> = (2..operands.len()).step_by(3).collect();
        let axis = axis(node, operands[2].ty.shape.len())?;
        let parts = at
            .iter()
            .map(|&i| {
                let x = Coding::of(node, operands, operands[i].ty.element, i + 1)?;
                let requantize =
                    Requantize::new(vec![x.scale / y.scale], y.zero_point, y.clamped_bounds(node));
                let table = std::array::from_fn(|code| {
                    requantize.sum(0, x.centred(code as u8).into()) as u8
                });
                Ok(Part { run: operands[i].ty.shape[axis..].iter().product(), table })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Prepared::new(Concat { parts }, at))
    },
};

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
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>) {
        let total: usize = self.parts.iter().map(|p| p.run).sum();
        for (outer, out) in output.codes().chunks_exact_mut(total.max(1)).enumerate() {
            let mut rest = out;
            for (part, x) in self.parts.iter().zip(inputs) {
                let (to, tail) = rest.split_at_mut(part.run);
                let from = &x.codes()[outer * part.run..][..part.run];
                for (to, &code) in to.iter_mut().zip(from) {
                    *to = part.table[usize::from(code)];
                }
                rest = tail;
            }
        }
    }
}
