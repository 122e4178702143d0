//! ConvInteger and MatMulInteger, and QLinearMatMul where the packed kernels do not serve: sums of
//! products of integers less their zero points.
//!
//! <https://onnx.ai/onnx/operators/onnx__ConvInteger.html>,
//! <https://onnx.ai/onnx/operators/onnx__MatMulInteger.html>,
//! <https://onnx.ai/onnx/operators/onnx__QLinearMatMul.html>. Plain loops: exact, and rare.

use super::convolution::centred_weights;
use super::matrix::Product;
use super::{
    Coding, Kind, Operand, Operator, Prepared, Scratch, TensorType, View, ViewMut, input,
    per_tensor_only, plain, scales, signed, zero_points,
};
use crate::error::{Error, Result};
use crate::graph::{Element, Node};
use crate::kernels::conv::Shape;
use crate::kernels::requantize::Requantize;

pub(super) const CONV: Kind = Kind {
    op: "ConvInteger",
    output: |node, inputs| {
        let x = input(node, inputs, 0)?;
        let y = super::convolution::output(node, x, &input(node, inputs, 1)?.shape)?;
        Ok(TensorType { element: Element::I32, ..y })
    },
    orders: plain,
    prepare: |node, operands, _| {
        let shape = super::convolution::shape(node, &operands[0].ty.shape, &operands[1].ty.shape)?;
        let weights = centred_weights(node, operands, 1, 3, |i, zero_points| {
            if zero_points == 1 { 0 } else { i / shape.k() }
        })?;
        let (x, mut inputs) = (Codes::of(node, operands, 0, 2)?, vec![0]);
        inputs.extend(x.read_at(2));
        Ok(Prepared::new(ConvInteger { shape, weights, x }, inputs))
    },
};

pub(super) const MATMUL: Kind = Kind {
    op: "MatMulInteger",
    output: |node, inputs| {
        let shape = Product::of(node, input(node, inputs, 0)?, input(node, inputs, 1)?)?.shape;
        Ok(TensorType { element: Element::I32, shape })
    },
    orders: plain,
    prepare: |node, operands, _| {
        let product = Product::of(node, &operands[0].ty, &operands[1].ty)?;
        let (a, b) = (Codes::of(node, operands, 0, 2)?, Codes::of(node, operands, 1, 3)?);
        let mut inputs = vec![0, 1];
        inputs.extend(a.read_at(2));
        inputs.extend(b.read_at(3));
        a.check(node, product.rows)?;
        b.check(node, product.columns)?;
        Ok(Prepared::new(MatMulInteger { product, a, b }, inputs))
    },
};

/// QLinearMatMul of two computed tensors, of more than two axes, or with scales by row.
pub(super) fn quantized_matmul(node: &Node, operands: &[Operand]) -> Result<Prepared> {
    let product = Product::of(node, &operands[0].ty, &operands[3].ty)?;
    let (a, b) = (Codes::of(node, operands, 0, 2)?, Codes::of(node, operands, 3, 5)?);
    a.check(node, product.rows)?;
    b.check(node, product.columns)?;
    if a.zero_points.is_none() || b.zero_points.is_none() {
        return Err(Error::new("its zero points are computed, not constant").at_node(&node.name));
    }
    let y = Coding::of(node, operands, operands[7].ty.element, 6)?;
    let (a_scales, b_scales) = (scales(node, operands, 1)?, scales(node, operands, 4)?);
    for (scales, count) in [(a_scales, product.rows), (b_scales, product.columns)] {
        if scales.len() != 1 && scales.len() != count {
            let message = format!("it has {} scales for {count} rows or columns", scales.len());
            return Err(Error::new(message).at_node(&node.name));
        }
    }
    let multipliers = (0..product.rows * product.columns).map(|i| {
        let (r, c) = (i / product.columns, i % product.columns);
        a_scales[r % a_scales.len()] * b_scales[c % b_scales.len()] / y.scale
    });
    let requantize = Requantize::new(multipliers.collect(), y.zero_point, y.clamped_bounds(node));
    Ok(Prepared::new(QuantizedProduct { product, a, b, requantize }, [0, 3]))
}

/// The integers of an input, and what is taken off them.
#[derive(Debug)]
struct Codes {
    signed: bool,
    /// One, or one per row or column; `None` where they are an input at run time.
    zero_points: Option<Vec<i32>>,
}

impl Codes {
    fn of(node: &Node, operands: &[Operand], at: usize, zero_point_at: usize) -> Result<Self> {
        let signed = signed(node, operands[at].ty.element)?;
        let given = operands.get(zero_point_at).filter(|_| node.input(zero_point_at).is_some());
        let known = given.is_none_or(|operand| operand.constant.is_some());
        if let Some(Operand { ty, constant: None }) = given
            && (ty.element != operands[at].ty.element || ty.shape.iter().product::<usize>() != 1)
        {
            return Err(per_tensor_only(node, zero_point_at));
        }
        let zero_points = if !known {
            None
        } else {
            let given = zero_points(node, operands, zero_point_at)?;
            Some(if given.is_empty() { vec![0] } else { given })
        };
        Ok(Self { signed, zero_points })
    }

    /// The input that is read at run time for the zero points.
    fn read_at(&self, index: usize) -> Option<usize> {
        self.zero_points.is_none().then_some(index)
    }

    fn check(&self, node: &Node, count: usize) -> Result<()> {
        match &self.zero_points {
            Some(z) if z.len() != 1 && z.len() != count => {
                let message = format!("it has {} zero points for {count} rows or columns", z.len());
                Err(Error::new(message).at_node(&node.name))
            }
            _ => Ok(()),
        }
    }

    fn code(&self, code: u8) -> i32 {
        if self.signed { i32::from(code as i8) } else { i32::from(code) }
    }

    /// The zero points of this run; `inputs` are those given at run time, in order.
    fn zero_points<'a>(&self, inputs: &mut impl Iterator<Item = View<'a>>) -> Vec<i32> {
        match &self.zero_points {
            Some(zero_points) => zero_points.clone(),
            None => match inputs.next() {
                Some(view) => view.codes().iter().map(|&q| self.code(q)).collect(),
                None => vec![0],
            },
        }
    }
}

#[derive(Debug)]
struct ConvInteger {
    shape: Shape,
    weights: Vec<i16>,
    x: Codes,
}

impl Operator for ConvInteger {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let Shape { window, groups, channels_in, channels_out } = &self.shape;
        let zero_point = self.x.zero_points(&mut inputs[1..].iter().copied())[0];
        let per_group = channels_in / groups;
        let [kh, kw] = window.kernel;
        let (plane_in, plane) = (window.input_len(), window.output_len());
        let frames = inputs[0].codes().chunks_exact(channels_in * plane_in);
        for (x, out) in frames.zip(output.i32().chunks_exact_mut(channels_out * plane)) {
            for (at, out) in out.iter_mut().enumerate() {
                let (c, oy, ox) =
                    (at / plane, at % plane / window.output[1], at % window.output[1]);
                let group = c / (channels_out / groups);
                let mut sum = 0i32;
                for (i, &w) in
                    self.weights[c * self.shape.k()..][..self.shape.k()].iter().enumerate()
                {
                    let (channel, ky, kx) = (i / (kh * kw), i / kw % kh, i % kw);
                    // Padding counts as the zero point, which is 0 when it is taken off.
                    let (Some(iy), Some(ix)) = (window.tap(0, oy, ky), window.tap(1, ox, kx))
                    else {
                        continue;
                    };
                    let from = (group * per_group + channel) * plane_in + iy * window.input[1] + ix;
                    sum = sum.wrapping_add((self.x.code(x[from]) - zero_point) * i32::from(w));
                }
                *out = sum;
            }
        }
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.weights[..])
    }
}

/// `store(element, row x columns + column, sum)` for every element of the product.
fn products(
    product: &Product,
    [a, b]: [&Codes; 2],
    [x, w]: [&[u8]; 2],
    [a_zero, b_zero]: [&[i32]; 2],
    mut store: impl FnMut(usize, usize, i32),
) {
    let (rows, k, columns) = (product.rows, product.k, product.columns);
    for (batch, &[a_at, b_at]) in product.batches.iter().enumerate() {
        for r in 0..rows {
            let az = a_zero[r % a_zero.len()];
            for c in 0..columns {
                let bz = b_zero[c % b_zero.len()];
                let at = |i| (a.code(x[a_at + r * k + i]), b.code(w[b_at + i * columns + c]));
                let sum =
                    (0..k).map(at).fold(0i32, |sum, (p, q)| sum.wrapping_add((p - az) * (q - bz)));
                let place = r * columns + c;
                store(batch * rows * columns + place, place, sum);
            }
        }
    }
}

#[derive(Debug)]
struct MatMulInteger {
    product: Product,
    a: Codes,
    b: Codes,
}

impl Operator for MatMulInteger {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let mut given = inputs[2..].iter().copied();
        let zero = [self.a.zero_points(&mut given), self.b.zero_points(&mut given)];
        let out = output.i32();
        let codes = [inputs[0].codes(), inputs[1].codes()];
        products(&self.product, [&self.a, &self.b], codes, [&zero[0], &zero[1]], |at, _, sum| {
            out[at] = sum;
        });
    }
}

#[derive(Debug)]
struct QuantizedProduct {
    product: Product,
    a: Codes,
    b: Codes,
    requantize: Requantize,
}

impl Operator for QuantizedProduct {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let mut none = std::iter::empty();
        let zero = [self.a.zero_points(&mut none), self.b.zero_points(&mut none)];
        let out = output.codes();
        let codes = [inputs[0].codes(), inputs[1].codes()];
        products(&self.product, [&self.a, &self.b], codes, [&zero[0], &zero[1]], |at, i, sum| {
            out[at] = self.requantize.sum(i, sum) as u8;
        });
    }

    fn bytes(&self) -> usize {
        self.requantize.bytes()
    }
}
