//! ReduceMean and ReduceSum in deterministic float: elements are summed in the order in which they
//! lie.
//!
//! <https://onnx.ai/onnx/operators/onnx__ReduceMean.html> (before opset 18 the axes are an attribute).

use super::{Kind, Operand, Operator, Prepared, TensorType, View, ViewMut, input};
use crate::error::{Error, Result};
use crate::graph::{Attribute, Graph, Node};

pub(super) const MEAN: Kind = Kind { op: "ReduceMean", output, prepare };
pub(super) const SUM: Kind = Kind { op: "ReduceSum", output, prepare };

/// Moves constant axes from the second input into the attribute, so that a node's output has a shape
/// before its inputs have values.
pub(in crate::runtime) fn settle_axes(graph: &mut Graph) {
    for node in graph.nodes.iter_mut().filter(|n| [MEAN.op, SUM.op].contains(&n.op.as_str())) {
        let axes = node.input(1).and_then(|name| graph.initializers.get(name)?.as_i64());
        if let Some(axes) = axes {
            node.attributes.insert("axes".into(), Attribute::Ints(axes.to_vec()));
            node.inputs.truncate(1);
        }
    }
}

fn output(node: &Node, inputs: &[TensorType]) -> Result<TensorType> {
    let x = input(node, inputs, 0)?;
    if node.input(1).is_some() {
        return Err(Error::new("its axes are computed, not constant").at_node(&node.name));
    }
    let reduced = Reduced::of(node, &x.shape)?;
    Ok(TensorType { element: x.element, shape: reduced.shape(node.int("keepdims", 1) != 0) })
}

fn prepare(node: &Node, operands: &[Operand]) -> Result<Prepared> {
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
    Ok(Prepared::new(Reduce { dims, strides, divisor }, [0]))
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
}

impl Operator for Reduce {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>) {
        let out = output.f32();
        out.fill(0.0);
        let mut index = vec![0; self.dims.len()];
        let mut at = 0;
        for &x in inputs[0].f32() {
            out[at] += x;
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
        out.iter_mut().for_each(|sum| *sum /= self.divisor);
    }
}
