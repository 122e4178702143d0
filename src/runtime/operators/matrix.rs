//! Gemm and MatMul, in float and in integers; constant weights of two axes are packed.
//!
//! <https://onnx.ai/onnx/operators/onnx__Gemm.html>, <https://onnx.ai/onnx/operators/onnx__MatMul.html>,
//! <https://onnx.ai/onnx/operators/onnx__QLinearMatMul.html>, and `com.microsoft` QGemm of ONNX
//! Runtime's contrib operators.

use super::convolution::centred_weights;
use super::elementwise::{Walk, broadcast};
use super::quantized::{Build, Layer, Parts, Quantized};
use super::{
    Coding, Kind, Operand, Operator, Orders, Prepared, Scratch, Setting, TensorType, View, ViewMut,
    constant, float_bounds, floats, input, integer, integers, plain, requantize, scales,
    zero_points,
};
use crate::error::{Error, Result};
use crate::graph::weights::Places;
use crate::graph::{Element, Node};
use crate::kernels::conv::Buffers;
use crate::kernels::dense::{Packed, Run, padded};
use crate::kernels::requantize::Requantize;
use crate::kernels::store::{ToCodes, ToFloats, clip};
use crate::kernels::{Floats, Multiplier};

pub(super) const FLOAT_GEMM: Kind = Kind {
    op: "Gemm",
    output: |node, inputs| {
        gemm_output(node, input(node, inputs, 0)?, input(node, inputs, 1)?, Element::F32)
    },
    orders: constant_weights,
    prepare: |node, operands, setting| {
        let weights = places(node, &operands[1].ty.shape)?;
        let alpha = node.float("alpha", 1.0);
        let w = floats(node, operands, 1)?;
        let scaled: Vec<f32> = w.iter().map(|w| alpha * w).collect();
        let bias = match node.input(2) {
            Some(_) => {
                let beta = node.float("beta", 1.0);
                spread(node, weights.outputs, &operands[2], floats(node, operands, 2)?, |b| {
                    beta * b
                })?
            }
            None => vec![0.0; weights.outputs],
        };
        let (transpose, bounds) = (transposed(node), float_bounds(node));
        let matrix = FloatMatrix::new(setting, &weights, &scaled, bias, transpose, bounds);
        Ok(Prepared::new(matrix, [0]))
    },
};

pub(super) const FLOAT_MATMUL: Kind = Kind {
    op: "MatMul",
    output: |node, inputs| {
        matmul_output(node, input(node, inputs, 0)?, input(node, inputs, 1)?, Element::F32)
    },
    orders: floats_only,
    prepare: |node, operands, setting| {
        if !is_packable(&operands[1]) {
            let product = Product::of(node, &operands[0].ty, &operands[1].ty)?;
            let bounds = float_bounds(node);
            return Ok(Prepared::new(FloatProduct { product, bounds }, [0, 1]));
        }
        let weights = places(node, &operands[1].ty.shape)?;
        let bias = vec![0.0; weights.outputs];
        let (w, bounds) = (floats(node, operands, 1)?, float_bounds(node));
        let matrix = FloatMatrix::new(setting, &weights, w, bias, false, bounds);
        Ok(Prepared::new(matrix, [0]))
    },
};

pub(super) const QUANTIZED_GEMM: Kind = Kind {
    op: "QGemm",
    output: |node, inputs| {
        let y = input(node, inputs, 8)?.element;
        gemm_output(node, input(node, inputs, 0)?, input(node, inputs, 3)?, y)
    },
    orders: plain,
    prepare: |node, operands, setting| {
        let weights = places(node, &operands[3].ty.shape)?;
        let bias = match node.input(6) {
            Some(_) => {
                spread(node, weights.outputs, &operands[6], &integers(node, operands, 6)?, |b| b)?
            }
            None => vec![0; weights.outputs],
        };
        quantized(node, operands, setting, &weights, bias, 7, transposed(node))
    },
};

pub(super) const QUANTIZED_MATMUL: Kind = Kind {
    op: "QLinearMatMul",
    output: |node, inputs| {
        let y = input(node, inputs, 7)?.element;
        matmul_output(node, input(node, inputs, 0)?, input(node, inputs, 3)?, y)
    },
    orders: plain,
    prepare: |node, operands, setting| {
        if !is_packable(&operands[3]) || scales(node, operands, 1)?.len() != 1 {
            return integer::quantized_matmul(node, operands);
        }
        let weights = places(node, &operands[3].ty.shape)?;
        let bias = vec![0; weights.outputs];
        quantized(node, operands, setting, &weights, bias, 6, false)
    },
};

/// Gemm with computed weights, or with a bias that is computed or differs from row to row, is the
/// engine's.
fn constant_weights(node: &Node, operands: &[Operand]) -> Option<Orders> {
    let settled = operands[1..].iter().all(Operand::is_settled);
    let columns = &Places::of(node, &operands.get(1)?.ty.shape)?.outputs;
    let bias = &operands.get(2).map(|bias| &bias.ty.shape[..]).unwrap_or_default();
    let of_columns = match bias {
        [] | [1] | [1, 1] => true,
        [len] | [1, len] => len == columns,
        _ => false,
    };
    (settled && of_columns && operands[0].ty.element == Element::F32).then_some(Orders::Plain)
}

fn floats_only(_: &Node, operands: &[Operand]) -> Option<Orders> {
    operands.iter().all(|operand| operand.ty.element == Element::F32).then_some(Orders::Plain)
}

fn is_packable(weights: &Operand) -> bool {
    weights.constant.is_some() && weights.ty.shape.len() == 2
}

fn transposed(node: &Node) -> bool {
    node.int("transA", 0) != 0
}

fn quantized(
    node: &Node,
    operands: &[Operand],
    setting: &Setting,
    weights: &Places,
    bias: Vec<i32>,
    y_at: usize,
    transpose: bool,
) -> Result<Prepared> {
    constant(node, operands, 3)?;
    let x = Coding::of(node, operands, operands[0].ty.element, 1)?;
    let y = Coding::of(node, operands, operands[y_at + 1].ty.element, y_at)?;
    let w = centred_weights(node, operands, 3, 5, |i, zero_points| {
        if zero_points == 1 { 0 } else { weights.output(i) }
    })?;
    let requantize = requantize(node, operands, [x, y], weights.outputs)?;
    let (k, columns) = (weights.inputs, weights.outputs);
    let by_column = (0..columns).flat_map(|c| (0..k).map(move |i| weights.weight(c, i)));
    let layer = Layer { x, weights: by_column.map(|i| w[i]).collect(), k, bias };
    let has_zero_points = !zero_points(node, operands, 5)?.iter().all(|&zero| zero == 0);
    let matrix = Matrix { k, columns, transpose, requantize };
    Ok(layer.prepare(node, setting, !has_zero_points, matrix))
}

struct Matrix {
    k: usize,
    columns: usize,
    transpose: bool,
    requantize: Requantize,
}

impl Build for Matrix {
    fn build<A: Quantized + 'static>(self, parts: Parts<A>) -> Prepared {
        let Self { k, columns, transpose, requantize } = self;
        let Parts { arithmetic, x, weights, bias, .. } = parts;
        let packed = packed(arithmetic, columns, k, |c, i| weights[c * k + i]);
        Prepared::new(QuantizedMatrix { k, transpose, packed, bias, x, requantize }, [0])
    }
}

/// Packs a matrix whose columns are `k` long.
fn packed<A: Multiplier>(
    arithmetic: A,
    columns: usize,
    k: usize,
    weight: impl Fn(usize, usize) -> A::Element,
) -> Packed<A> {
    let run = Run { start: 0, len: padded::<A>(k) };
    Packed::new(arithmetic, columns, vec![run], |column, _, i| {
        if i < k { weight(column, i) } else { A::Element::default() }
    })
}

/// How the right-hand matrix lies: its inputs are the products of a sum, its outputs the columns.
fn places(node: &Node, shape: &[usize]) -> Result<Places> {
    Places::of(node, shape).ok_or_else(|| {
        Error::new(format!("its weights have the shape {shape:?}, not two axes"))
            .at_node(&node.name)
    })
}

/// A bias that is the same for every row, spread over the columns.
fn spread<T: Copy>(
    node: &Node,
    columns: usize,
    operand: &Operand,
    bias: &[T],
    map: impl Fn(T) -> T,
) -> Result<Vec<T>> {
    let shape = &operand.ty.shape;
    match bias {
        [one] => Ok(vec![map(*one); columns]),
        _ if bias.len() == columns && shape.last() == Some(&columns) => {
            Ok(bias.iter().map(|&b| map(b)).collect())
        }
        _ => Err(Error::new(format!(
            "a bias of shape {shape:?}, different for every row, is not supported"
        ))
        .at_node(&node.name)),
    }
}

fn mismatch(node: &Node, a: &[usize], b: &[usize]) -> Error {
    Error::new(format!("shapes {a:?} and {b:?} cannot be multiplied")).at_node(&node.name)
}

fn gemm_output(node: &Node, a: &TensorType, b: &TensorType, y: Element) -> Result<TensorType> {
    let weights = places(node, &b.shape)?;
    let (rows, k) = match (&a.shape[..], transposed(node)) {
        (&[rows, k], false) | (&[k, rows], true) => (rows, k),
        _ => return Err(mismatch(node, &a.shape, &b.shape)),
    };
    if k != weights.inputs {
        return Err(mismatch(node, &a.shape, &b.shape));
    }
    Ok(TensorType { element: y, shape: vec![rows, weights.outputs] })
}

fn matmul_output(node: &Node, a: &TensorType, b: &TensorType, y: Element) -> Result<TensorType> {
    Ok(TensorType { element: y, shape: Product::of(node, a, b)?.shape })
}

/// A matrix product as numpy has it: the leading axes are broadcast, an operand of one axis is a
/// row or a column.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) rows: usize,
    pub(super) k: usize,
    pub(super) columns: usize,
    /// For each matrix of the result, where the operands' matrices start.
    pub(super) batches: Vec<[usize; 2]>,
    /// Of the result.
    pub(super) shape: Vec<usize>,
}

impl Product {
    pub(super) fn of(node: &Node, a: &TensorType, b: &TensorType) -> Result<Self> {
        let (a, b) = (&a.shape[..], &b.shape[..]);
        let (outer_a, rows, k) = match *a {
            [k] => (&[][..], None, k),
            [ref outer @ .., rows, k] => (outer, Some(rows), k),
            [] => return Err(mismatch(node, a, b)),
        };
        let (outer_b, inner, columns) = match *b {
            [inner] => (&[][..], inner, None),
            [ref outer @ .., inner, columns] => (outer, inner, Some(columns)),
            [] => return Err(mismatch(node, a, b)),
        };
        if k != inner {
            return Err(mismatch(node, a, b));
        }
        let outer = broadcast(node, outer_a, outer_b)?;
        let shape = outer.iter().copied().chain(rows).chain(columns).collect();
        let (rows, columns) = (rows.unwrap_or(1), columns.unwrap_or(1));
        let mut batches = Vec::new();
        Walk::new(&outer, [outer_a, outer_b])
            .visit(|_, i, j| batches.push([i * rows * k, j * k * columns]));
        Ok(Self { rows, k, columns, batches, shape })
    }
}

/// Copies the rows of `x` into `rows`, each padded to whole steps of the arithmetic.
fn gather<T: Copy, U: Copy + Default>(
    x: &[T],
    k: usize,
    padded: usize,
    transpose: bool,
    rows: &mut Vec<U>,
    map: impl Fn(T) -> U,
) {
    let count = x.len() / k.max(1);
    rows.clear();
    rows.resize(count * padded, U::default());
    for (r, row) in rows.chunks_exact_mut(padded.max(1)).enumerate() {
        let row = &mut row[..k];
        if transpose {
            row.iter_mut().enumerate().for_each(|(i, to)| *to = map(x[i * count + r]));
        } else {
            row.iter_mut().zip(&x[r * k..]).for_each(|(to, &from)| *to = map(from));
        }
    }
}

/// Where the rows start.
fn starts(count: usize, len: usize, origins: &mut Vec<usize>) {
    origins.clear();
    origins.extend((0..count).map(|row| row * len));
}

#[derive(Debug)]
struct FloatMatrix {
    k: usize,
    transpose: bool,
    packed: Packed<Floats>,
    bias: Vec<f32>,
    bounds: [f32; 2],
}

impl FloatMatrix {
    fn new(
        setting: &Setting,
        weights: &Places,
        w: &[f32],
        bias: Vec<f32>,
        transpose: bool,
        bounds: [f32; 2],
    ) -> Self {
        let weight = |c, i| w[weights.weight(c, i)];
        let packed = packed(setting.floats(), weights.outputs, weights.inputs, weight);
        Self { k: weights.inputs, transpose, packed, bias, bounds }
    }
}

impl Operator for FloatMatrix {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, scratch: &mut Scratch) {
        let Scratch { floats: Buffers { padded, .. }, origins, .. } = scratch;
        let mut x = inputs[0].f32();
        starts(x.len() / self.k.max(1), self.k, origins);
        if self.transpose {
            gather(x, self.k, self.k, true, padded, |x| x);
            x = padded;
        }
        let mut store = ToFloats::new(&self.bias, self.bounds, output.f32());
        self.packed.multiply(x, origins, &mut store);
    }

    fn bytes(&self) -> usize {
        self.packed.bytes() + size_of_val(&self.bias[..])
    }
}

/// Both operands computed, or more than two axes.
#[derive(Debug)]
struct FloatProduct {
    product: Product,
    bounds: [f32; 2],
}

impl Operator for FloatProduct {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let Product { rows, k, columns, batches, .. } = &self.product;
        let (a, b) = (inputs[0].f32(), inputs[1].f32());
        let matrices = output.f32().chunks_exact_mut((rows * columns).max(1));
        for (out, [a_at, b_at]) in matrices.zip(batches) {
            out.fill(0.0);
            for (r, out) in out.chunks_exact_mut((*columns).max(1)).enumerate() {
                for i in 0..*k {
                    let x = a[a_at + r * k + i];
                    for (out, w) in out.iter_mut().zip(&b[b_at + i * columns..]) {
                        *out += x * w;
                    }
                }
                out.iter_mut().for_each(|x| *x = clip(*x, self.bounds));
            }
        }
    }
}

#[derive(Debug)]
struct QuantizedMatrix<A: Multiplier> {
    k: usize,
    transpose: bool,
    packed: Packed<A>,
    bias: Vec<i32>,
    x: Coding,
    requantize: Requantize,
}

impl<A: Quantized> Operator for QuantizedMatrix<A> {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, scratch: &mut Scratch) {
        let (x, len) = (inputs[0].codes(), padded::<A>(self.k));
        let mut origins = std::mem::take(&mut scratch.origins);
        starts(x.len() / self.k.max(1), len, &mut origins);
        let mut store = ToCodes::new(&self.bias, &self.requantize, output.codes());
        match A::as_they_lie(self.x, x) {
            Some(x) if len == self.k && !self.transpose => {
                self.packed.multiply(x, &origins, &mut store);
            }
            _ => {
                let rows = &mut A::buffers(scratch).padded;
                let element = |q| A::element(self.x.centred(q));
                gather(x, self.k, len, self.transpose, rows, element);
                self.packed.multiply(rows, &origins, &mut store);
            }
        }
        scratch.origins = origins;
    }

    fn bytes(&self) -> usize {
        self.packed.bytes() + size_of_val(&self.bias[..]) + self.requantize.bytes()
    }
}
