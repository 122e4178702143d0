//! Add, Sub, Mul and Div of floats, and QLinearAdd and QLinearMul (`com.microsoft`), with ONNX's
//! broadcasting.
//!
//! Integers as ONNX Runtime computes them: both, less their zero points, times a ratio of scales.

use super::{
    Coding, Kind, Operand, Operator, Orders, Prepared, Scratch, Setting, TensorType, View, ViewMut,
    float_bounds, input,
};
use crate::error::{Error, Result};
use crate::graph::{Element, Node};
use crate::kernels::elementwise::{zip, zip_to_codes};
use crate::kernels::requantize::Requantize;
use crate::kernels::store::clip;

pub(super) const ADD: Kind = float("Add");
pub(super) const SUB: Kind = float("Sub");
pub(super) const MUL: Kind = float("Mul");
pub(super) const DIV: Kind = float("Div");

const fn float(op: &'static str) -> Kind {
    Kind {
        op,
        output: |node, inputs| {
            let (a, b) = (&input(node, inputs, 0)?.shape, &input(node, inputs, 1)?.shape);
            Ok(TensorType { element: Element::F32, shape: broadcast(node, a, b)? })
        },
        orders: |_, operands| {
            let floats = operands.iter().all(|operand| operand.ty.element == Element::F32);
            floats.then(|| orders(operands.first()?, operands.get(1)?))?
        },
        prepare: |node, operands, setting| {
            let operation = match node.op.as_str() {
                "Add" => Operation::Add,
                "Sub" => Operation::Sub,
                "Mul" => Operation::Mul,
                _ => Operation::Div,
            };
            let pairing = Pairing::of(node, [&operands[0], &operands[1]], setting)?;
            let bounds = float_bounds(node);
            Ok(Prepared::new(FloatBinary { operation, pairing, bounds }, [0, 1]))
        },
    }
}

pub(super) const QUANTIZED_ADD: Kind = Kind {
    op: "QLinearAdd",
    output,
    orders: |_, operands| orders(operands.first()?, operands.get(3)?),
    prepare: |node, operands, setting| {
        let (a, b, y) = codings(node, operands)?;
        let sum = Add { a: a.scale / y.scale, b: b.scale / y.scale };
        binary(node, operands, setting, [a, b, y], sum)
    },
};

pub(super) const QUANTIZED_MUL: Kind = Kind {
    op: "QLinearMul",
    output,
    orders: |_, operands| orders(operands.first()?, operands.get(3)?),
    prepare: |node, operands, setting| {
        let (a, b, y) = codings(node, operands)?;
        let product = Mul { ratio: a.scale * b.scale / y.scale };
        binary(node, operands, setting, [a, b, y], product)
    },
};

/// Any order, where no operand has to be brought into it: a constant lies in ONNX's.
fn orders(a: &Operand, b: &Operand) -> Option<Orders> {
    let single = |operand: &Operand| operand.ty.shape.iter().product::<usize>() == 1;
    let fits = |x: &Operand, other: &Operand| {
        single(x) || x.constant.is_none() && x.ty.shape.len() >= other.ty.shape.len()
    };
    Some(if fits(a, b) && fits(b, a) { Orders::Any } else { Orders::Plain })
}

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
    setting: &Setting,
    [a, b, y]: [Coding; 3],
    combine: C,
) -> Result<Prepared> {
    let pairing = Pairing::of(node, [&operands[0], &operands[3]], setting)?;
    let requantize = Requantize::new(vec![1.0], y.zero_point, y.clamped_bounds(node));
    Ok(Prepared::new(Binary { combine, a, b, requantize, pairing }, [0, 3]))
}

/// Which elements of two inputs meet.
#[derive(Debug)]
enum Pairing {
    /// Those at the same places.
    Alike,
    Broadcast(Walk),
}

impl Pairing {
    fn of(node: &Node, operands: [&Operand; 2], setting: &Setting) -> Result<Self> {
        let [a, b] = operands.map(|operand| setting.laid_out(&operand.ty.shape));
        if a == b {
            return Ok(Self::Alike);
        }
        Ok(Self::Broadcast(Walk::new(&broadcast(node, &a, &b)?, [&a, &b])))
    }

    #[inline(always)]
    fn each<T: Copy, U: Copy + Default>(
        &self,
        a: &[T],
        b: &[T],
        out: &mut [U],
        combine: impl Fn(T, T) -> U,
    ) {
        match self {
            Self::Alike => zip(a, b, out, combine),
            Self::Broadcast(walk) => walk.visit(|at, i, j| out[at] = combine(a[i], b[j])),
        }
    }
}

#[derive(Debug)]
struct Binary<C> {
    combine: C,
    a: Coding,
    b: Coding,
    requantize: Requantize,
    pairing: Pairing,
}

impl<C: Combine> Operator for Binary<C> {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let Self { combine, a, b, requantize, pairing } = self;
        let (x, y, out) = (inputs[0].codes(), inputs[1].codes(), output.codes());
        let real = |x, y| combine.combine(a.centred(x), b.centred(y));
        match pairing {
            Pairing::Alike => zip_to_codes(requantize, x, y, out, real),
            Pairing::Broadcast(walk) => {
                walk.visit(|at, i, j| out[at] = requantize.real(real(x[i], y[j])) as u8);
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Add,
    Sub,
    Mul,
    Div,
}

#[derive(Debug)]
struct FloatBinary {
    operation: Operation,
    pairing: Pairing,
    bounds: [f32; 2],
}

impl Operator for FloatBinary {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let Self { operation, pairing, bounds } = self;
        let (a, b, out) = (inputs[0].f32(), inputs[1].f32(), output.f32());
        match operation {
            Operation::Add => pairing.each(a, b, out, |a, b| clip(a + b, *bounds)),
            Operation::Sub => pairing.each(a, b, out, |a, b| clip(a - b, *bounds)),
            Operation::Mul => pairing.each(a, b, out, |a, b| clip(a * b, *bounds)),
            Operation::Div => pairing.each(a, b, out, |a, b| clip(a / b, *bounds)),
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
