//! ReduceMean, ReduceSum, ReduceMax, ReduceMin and ReduceLogSumExp in deterministic float: elements
//! are taken in the order in which they lie.
//!
//! <https://onnx.ai/onnx/operators/onnx__ReduceMean.html> (before opset 18 the axes are an attribute).

use super::{
    Kind, Operand, Operator, Orders, Prepared, Scratch, Setting, TensorType, View, ViewMut, input,
};
use crate::error::{Error, Result};
use crate::graph::{Attribute, Element, Node, Tensor};

pub(super) const MEAN: Kind = Kind { op: "ReduceMean", output, orders, prepare };
pub(super) const SUM: Kind = Kind { op: "ReduceSum", output, orders, prepare };
pub(super) const LOG_SUM_EXP: Kind = Kind { op: "ReduceLogSumExp", output, orders, prepare };
pub(super) const MAX: Kind = Kind { op: "ReduceMax", output, orders, prepare };
pub(super) const MIN: Kind = Kind { op: "ReduceMin", output, orders, prepare };

/// `node` with its constant axes as an attribute, so that its output has a shape before its inputs
/// have values.
pub(super) fn settle(node: &Node, constant: &dyn Fn(usize) -> Option<Tensor>) -> Option<Node> {
    if ![MEAN.op, SUM.op, MAX.op, MIN.op, LOG_SUM_EXP.op].contains(&node.op.as_str()) {
        return None;
    }
    let axes = constant(1)?.as_i64()?.to_vec();
    let mut settled = node.clone();
    settled.attributes.insert("axes".into(), Attribute::Ints(axes));
    settled.inputs.truncate(1);
    Some(settled)
}

fn output(node: &Node, inputs: &[TensorType]) -> Result<TensorType> {
    let x = input(node, inputs, 0)?;
    let reduced = Reduced::of(node, &x.shape)?;
    Ok(TensorType { element: x.element, shape: reduced.shape(node.int("keepdims", 1) != 0) })
}

fn orders(node: &Node, operands: &[Operand]) -> Option<Orders> {
    let settled = node.input(1).is_none();
    (settled && operands.first()?.ty.element == Element::F32).then_some(Orders::Plain)
}

fn prepare(node: &Node, operands: &[Operand], _: &Setting) -> Result<Prepared> {
    let Reduced { dims, reduced } = Reduced::of(node, &operands[0].ty.shape)?;
    let count: usize = dims.iter().zip(&reduced).filter(|(_, r)| **r).map(|(d, _)| d).product();
    let divisor = if node.op == "ReduceMean" { count as f32 } else { 1.0 };
    let mut strides = vec![0; dims.len()];
    let mut stride = 1;
    for axis in (0..dims.len()).rev() {
        if !reduced[axis] {
            strides[axis] = stride;
            stride *= dims[axis];
        }
    }
    let fold = match node.op.as_str() {
        "ReduceMax" | "ReduceLogSumExp" => Fold::Max,
        "ReduceMin" => Fold::Min,
        _ => Fold::Sum,
    };
    let reduce = Reduce { dims, strides, divisor, fold };
    Ok(match node.op == LOG_SUM_EXP.op {
        true => Prepared::new(LogSumExp { largest: reduce }, [0]),
        false => Prepared::new(reduce, [0]),
    })
}

/// Which axes are summed over.
struct Reduced {
    dims: Vec<usize>,
    reduced: Vec<bool>,
}

impl Reduced {
    fn of(node: &Node, dims: &[usize]) -> Result<Self> {
        let rank = dims.len() as i64;
        let axes = node.ints("axes").unwrap_or_default();
        let all = axes.is_empty() && node.int("noop_with_empty_axes", 0) == 0;
        let mut reduced = vec![all; dims.len()];
        for &axis in axes {
            let axis = if axis < 0 { axis + rank } else { axis };
            match usize::try_from(axis).ok().and_then(|axis| reduced.get_mut(axis)) {
                Some(reduced) => *reduced = true,
                None => {
                    return Err(Error::new("its axes do not fit its input").at_node(&node.name));
                }
            }
        }
        Ok(Self { dims: dims.to_vec(), reduced })
    }

    fn shape(&self, keep: bool) -> Vec<usize> {
        let axes = self.dims.iter().zip(&self.reduced);
        axes.filter(|(_, r)| keep || !**r).map(|(&d, &r)| if r { 1 } else { d }).collect()
    }
}

#[derive(Debug)]
struct Reduce {
    dims: Vec<usize>,
    /// Of the output; 0 along the axes that are summed over.
    strides: Vec<usize>,
    divisor: f32,
    fold: Fold,
}

/// What becomes of the elements along the axes.
#[derive(Debug, Clone, Copy)]
enum Fold {
    Sum,
    Max,
    Min,
}

impl Reduce {
    fn reduce(&self, x: &[f32], out: &mut [f32]) {
        let fold: fn(f32, f32) -> f32 = match self.fold {
            Fold::Sum => |sum, x| sum + x,
            Fold::Max => f32::max,
            Fold::Min => f32::min,
        };
        // What has no elements, too, is what the first of them is folded into.
        out.fill(match self.fold {
            Fold::Sum => 0.0,
            Fold::Max => f32::NEG_INFINITY,
            Fold::Min => f32::INFINITY,
        });
        self.visit(x, |x, at| out[at] = fold(out[at], x));
        if self.divisor != 1.0 {
            out.iter_mut().for_each(|sum| *sum /= self.divisor);
        }
    }

    /// Visits every element in order, with its place in the output.
    fn visit(&self, x: &[f32], mut visit: impl FnMut(f32, usize)) {
        let mut index = vec![0; self.dims.len()];
        let mut at = 0;
        for &x in x {
            visit(x, at);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.dims[axis] {
                    break;
                }
                at -= self.strides[axis] * index[axis];
                index[axis] = 0;
            }
        }
    }
}

impl Operator for Reduce {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        self.reduce(inputs[0].f32(), output.f32());
    }
}

#[derive(Debug)]
struct LogSumExp {
    largest: Reduce,
}

impl Operator for LogSumExp {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, scratch: &mut Scratch) {
        let (x, out) = (inputs[0].f32(), output.f32());
        // The largest is taken off, so that nothing overflows.
        self.largest.reduce(x, out);
        let sums = &mut scratch.floats.padded;
        sums.clear();
        sums.resize(out.len(), 0.0);
        // What is infinite leaves nothing that could be taken off.
        out.iter_mut().filter(|x| x.is_infinite()).for_each(|x| *x = 0.0);
        self.largest.visit(x, |x, at| sums[at] += libm::expf(x - out[at]));
        for (out, &sum) in out.iter_mut().zip(&*sums) {
            *out += libm::logf(sum);
        }
    }
}
