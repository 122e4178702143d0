//! Add, Sub, Mul and Div of floats, and QLinearAdd and QLinearMul (`com.microsoft`), with ONNX's
//! broadcasting.
//!
//! Integers as ONNX Runtime's kernels for x86-64 compute them (`qladd_avx2.cpp`, `qlmul.cpp`), rounding
//! where those round, so that ties fall the same way.

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
        let swapped = first_repeats(&operands[0].ty.shape, &operands[3].ty.shape);
        binary(node, operands, setting, [a, b, y], Add::new([a, b, y], swapped))
    },
};

pub(super) const QUANTIZED_MUL: Kind = Kind {
    op: "QLinearMul",
    output,
    orders: |_, operands| orders(operands.first()?, operands.get(3)?),
    prepare: |node, operands, setting| {
        let (a, b, y) = codings(node, operands)?;
        let ratio = a.scale * b.scale / y.scale;
        let zero_points = [a, b, y].map(|coding| coding.zero_point as f32);
        let product = Mul { ratio, zero_points };
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

/// The output's code before it is rounded and clamped, from two codes.
trait Combine: std::fmt::Debug + Send + Sync + 'static {
    fn combine(&self, a: f32, b: f32) -> f32;
}

/// `fixed + late * the ratio of its scale to the output's + early * its ratio`, the early product added
/// first.
#[derive(Debug)]
struct Add {
    ratios: [f32; 2],
    /// What the three zero points come to.
    fixed: f32,
    /// The second operand is the late one.
    swapped: bool,
}

impl Add {
    fn new([a, b, y]: [Coding; 3], swapped: bool) -> Self {
        let ratios = [a.scale / y.scale, b.scale / y.scale];
        let zero = [a.zero_point as f32, b.zero_point as f32];
        let (late, early) = if swapped { (1, 0) } else { (0, 1) };
        let sum = fused(ratios[late], zero[late], ratios[early] * zero[early]);
        Self { ratios, fixed: y.zero_point as f32 - sum, swapped }
    }
}

impl Combine for Add {
    #[inline(always)]
    fn combine(&self, a: f32, b: f32) -> f32 {
        let [a_ratio, b_ratio] = self.ratios;
        match self.swapped {
            false => fused(a, a_ratio, fused(b, b_ratio, self.fixed)),
            true => fused(b, b_ratio, fused(a, a_ratio, self.fixed)),
        }
    }
}

/// `x * y + z`, rounded once, for an `x` of few bits: the product is exact in f64, and the sum, too,
/// unless the terms are a billion times apart. The same on every target, which a call of the machine's
/// own instruction is not where there is none.
#[inline(always)]
fn fused(x: f32, y: f32, z: f32) -> f32 {
    (f64::from(x) * f64::from(y) + f64::from(z)) as f32
}

#[derive(Debug)]
struct Mul {
    ratio: f32,
    zero_points: [f32; 3],
}

impl Combine for Mul {
    #[inline(always)]
    fn combine(&self, a: f32, b: f32) -> f32 {
        let [a_zero, b_zero, y_zero] = self.zero_points;
        (a - a_zero) * (b - b_zero) * self.ratio + y_zero
    }
}

/// Whether ONNX Runtime takes the first of two broadcast operands for one number that it adds to many:
/// whether that one has a single element along the last axis that is longer in the other.
fn first_repeats(a: &[usize], b: &[usize]) -> bool {
    let mut dims = a.iter().rev().zip(b.iter().rev()).filter(|(a, b)| **a > 1 || **b > 1);
    match dims.next() {
        Some((&a, _)) => a == 1,
        None if b.is_empty() => a.last().is_none_or(|&a| a == 1),
        None => true,
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

pub fn broadcast(node: &Node, a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
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
    // The zero point is in what is rounded.
    let requantize = Requantize::new(vec![1.0], 0, y.clamped_bounds(node));
    let [a, b] = [a, b].map(|coding| Coding { zero_point: 0, ..coding });
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
        let real = |x, y| combine.combine(f32::from(a.centred(x)), f32::from(b.centred(y)));
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
pub struct Walk {
    shape: Vec<usize>,
    /// Per axis, 0 where an input is repeated.
    strides: [Vec<usize>; 2],
}

impl Walk {
    pub fn new(out: &[usize], inputs: [&[usize]; 2]) -> Self {
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
    pub fn visit(&self, mut element: impl FnMut(usize, usize, usize)) {
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
