//! One of several inputs, of a row with the numbers of all: see [`packed`](crate::graph::packed).

use super::{Kind, Operator, Orders, Prepared, Scratch, TensorType, View, ViewMut, input};
use crate::error::{Error, Result};
use crate::graph::operator::UNPACK;
use crate::graph::packed::Part;
use crate::graph::{Element, Node};

pub(super) const PART: Kind = Kind {
    op: UNPACK,
    output: |node, inputs| {
        let (part, [batch, _]) = part(node, input(node, inputs, 0)?)?;
        let shape = [&[batch], &part.shape[..]].concat();
        Ok(TensorType { element: Element::F32, shape })
    },
    orders: |node, _| Part::of(node).map(|_| Orders::Plain),
    prepare: |node, operands, _| {
        let rows = operands.first().map(|operand| operand.ty.clone()).unwrap_or_default();
        let (part, [_, row]) = part(node, &rows)?;
        let len = part.shape.iter().product();
        Ok(Prepared::new(Unpack { row, first: part.first, len }, [0]))
    },
};

/// What the node takes, and how many rows of how many numbers there are.
fn part(node: &Node, rows: &TensorType) -> Result<(Part, [usize; 2])> {
    let part = Part::of(node).zip(<[usize; 2]>::try_from(&rows.shape[..]).ok());
    let fits = |part: &Part, row: usize| {
        let end = part.numbers().and_then(|len| len.checked_add(part.first));
        rows.element == Element::F32 && end.is_some_and(|end| end <= row)
    };
    part.filter(|(part, [_, row])| fits(part, *row)).ok_or_else(|| {
        Error::new(format!("it takes more than there is of rows of shape {:?}", rows.shape))
            .at_node(&node.name)
    })
}

/// A part of each row.
#[derive(Debug)]
struct Unpack {
    /// Numbers of a row.
    row: usize,
    first: usize,
    len: usize,
}

impl Operator for Unpack {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let rows = inputs[0].f32().chunks_exact(self.row.max(1));
        for (row, out) in rows.zip(output.f32().chunks_exact_mut(self.len.max(1))) {
            out.copy_from_slice(&row[self.first..][..self.len]);
        }
    }
}
