//! QLinearAdd and QLinearMul (`com.microsoft`), with ONNX's broadcasting.
//!
//! As ONNX Runtime computes them: both integers, less their zero points, times a ratio of scales.

use super::{Coding, Kind, Operand, Operator, Prepared, TensorType, View, ViewMut, input};
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::kernels::requantize::Requantize;

pub(super) const QUANTIZED_ADD: Kind = Kind {
    op: "QLinearAdd",
    output,
    prepare: |node, operands| {
        let (a, b, y) = codings(node, operands)?;
        let sum = Add { a: a.scale / y.scale, b: b.scale / y.scale };
        binary(node, operands, a, b, y, sum)
    },
};

pub(super) const QUANTIZED_MUL: Kind = Kind {
    op: "QLinearMul",
    output,
    prepare: |node, operands| {
        let (a, b, y) = codings(node, operands)?;
        binary(node, operands, a, b, y, Mul { ratio: a.scale * b.scale / y.scale })
    },
};

/// The output's value, in units of its scale, from two centred integers.
trait Combine: std::fmt::Debug + Send + Sync + 'static {
    fn combine(&self, a: i16, b: i16) -> f32;
}

#[derive(Debug)]
struct Add {
    a: f32,
    b: f32,
}

impl Combine for Add {
    #[inline]
    fn combine(&self, a: i16, b: i16) -> f32 {
        f32::from(a) * self.a + f32::from(b) * self.b
    }
}

#[derive(Debug)]
struct Mul {
    ratio: f32,
}

impl Combine for Mul {
    #[inline]
    fn combine(&self, a: i16, b: i16) -> f32 {
        (i32::from(a) * i32::from(b)) as f32 * self.ratio
    }
}

fn codings(node: &Node, operands: &[Operand]) -> Result<(Coding, Coding, Coding)> {
    Ok((
        Coding::of(node, operands, operands[0].ty.element, 1)?,
        Coding::of(node, operands, operands[3].ty.element, 4)?,
        Coding::of(node, operands, operands[7].ty.element, 6)?,
    ))
}

fn output(node: &Node, inputs: &[TensorType]) -> Result<TensorType> {
    let (a, b) = (&input(node, inputs, 0)?.shape, &input(node, inputs, 3)?.shape);
    Ok(TensorType { element: input(node, inputs, 7)?.element, shape: broadcast(node, a, b)? })
}

pub(super) fn broadcast(node: &Node, a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let dim =
        |shape: &[usize], i: usize| (i + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    (0..rank)
        .map(|i| match (dim(a, i), dim(b, i)) {
            (x, y) if x == y || y == 1 => Ok(x),
            (1, y) => Ok(y),
            _ => {
                Err(Error::new(format!("shapes {a:?} and {b:?} do not broadcast"))
                    .at_node(&node.name))
            }
        })
        .collect()
}

fn binary<C: Combine>(
    node: &Node,
    operands: &[Operand],
    a: Coding,
    b: Coding,
    y: Coding,
    combine: C,
) -> Result<Prepared> {
    let shapes = [&operands[0].ty.shape[..], &operands[3].ty.shape[..]];
    let out = broadcast(node, shapes[0], shapes[1])?;
    let requantize = Requantize::new(vec![1.0], y.zero_point, y.clamped_bounds(node));
    let walk = (shapes[0] != shapes[1]).then(|| Walk::new(&out, shapes));
    Ok(Prepared::new(Binary { combine, a, b, requantize, walk }, [0, 3]))
}

#[derive(Debug)]
struct Binary<C> {
    combine: C,
    a: Coding,
    b: Coding,
    requantize: Requantize,
    /// `None` where both inputs have the output's shape.
    walk: Option<Walk>,
}

impl<C: Combine> Operator for Binary<C> {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>) {
        let (a, b, out) = (inputs[0].codes(), inputs[1].codes(), output.codes());
        let code = |a, b| {
            let x = self.combine.combine(self.a.centred(a), self.b.centred(b));
            self.requantize.real(x) as u8
        };
        match &self.walk {
            None => {
                for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                    *out = code(a, b);
                }
            }
            Some(walk) => walk.visit(|at, i, j| out[at] = code(a[i], b[j])),
        }
    }
}

/// How two broadcast inputs are read in the order of the output's elements.
#[derive(Debug)]
pub(super) struct Walk {
    shape: Vec<usize>,
    /// Per axis, 0 where an input is repeated.
    strides: [Vec<usize>; 2],
}

impl Walk {
    pub(super) fn new(out: &[usize], inputs: [&[usize]; 2]) -> Self {
        let strides = inputs.map(|shape| {
            let mut strides = vec![0; out.len()];
            let mut stride = 1;
            for (axis, &dim) in shape.iter().enumerate().rev() {
                if dim != 1 {
                    strides[axis + out.len() - shape.len()] = stride;
                }
                stride *= dim;
            }
            strides
        });
        Self { shape: out.to_vec(), strides }
    }

    /// `element(output, first input, second input)`, places in each, for every output.
    pub(super) fn visit(&self, mut element: impl FnMut(usize, usize, usize)) {
        let total: usize = self.shape.iter().product();
        let mut index = vec![0; self.shape.len()];
        let mut at = [0, 0];
        for out in 0..total {
            element(out, at[0], at[1]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                for (at, strides) in at.iter_mut().zip(&self.strides) {
                    *at += strides[axis];
                }
                if index[axis] < self.shape[axis] {
                    break;
                }
                for (at, strides) in at.iter_mut().zip(&self.strides) {
                    *at -= strides[axis] * index[axis];
                }
                index[axis] = 0;
            }
        }
    }
}
