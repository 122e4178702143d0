//! Moving elements: between the two orders, and from one shape to another.

use super::{
    Kind, MOST_AXES, Operand, Operator, Order, Orders, Prepared, Scratch, TensorType, View, ViewMut,
};
use crate::error::{Error, Result};
use crate::graph::{Attribute, Element, Node, Tensor};
use crate::kernels::order::{channels_first, channels_last};

/// <https://onnx.ai/onnx/operators/onnx__Flatten.html>
pub(super) const FLATTEN: Kind = Kind {
    op: "Flatten",
    output: |node, inputs| {
        let x = super::input(node, inputs, 0)?;
        let rank = x.shape.len() as i64;
        let axis = node.int("axis", 1);
        let axis = if axis < 0 { axis + rank } else { axis };
        let axis = usize::try_from(axis)
            .ok()
            .filter(|&axis| axis <= x.shape.len())
            .ok_or_else(|| Error::new("its axis does not fit its input").at_node(&node.name))?;
        let shape = [&x.shape[..axis], &x.shape[axis..]].map(|axes| axes.iter().product());
        Ok(TensorType { element: x.element, shape: shape.to_vec() })
    },
    orders,
    prepare: |_, _, _| Ok(Prepared::new(Copy, [0])),
};

/// <https://onnx.ai/onnx/operators/onnx__Reshape.html>, its shape settled by [`settle`].
pub(super) const RESHAPE: Kind = Kind {
    op: SETTLED_RESHAPE,
    output: |node, inputs| {
        let x = super::input(node, inputs, 0)?;
        let does_not_fit = || {
            Error::new(format!("its shape does not fit an input of shape {:?}", x.shape))
                .at_node(&node.name)
        };
        let wanted = node.ints("shape").unwrap_or_default();
        let mut shape = Vec::new();
        for (axis, &dim) in wanted.iter().enumerate() {
            shape.push(match dim {
                0 => *x.shape.get(axis).ok_or_else(does_not_fit)?,
                -1 => 1,
                dim => usize::try_from(dim).map_err(|_| does_not_fit())?,
            });
        }
        let elements: usize = x.shape.iter().product();
        let count = |shape: &[usize]| shape.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim));
        let mut free = (0..wanted.len()).filter(|&axis| wanted[axis] == -1);
        if let Some(axis) = free.next() {
            shape[axis] = elements / count(&shape).ok_or_else(does_not_fit)?.max(1);
        }
        if free.next().is_some() || count(&shape) != Some(elements) {
            return Err(does_not_fit());
        }
        Ok(TensorType { element: x.element, shape })
    },
    orders,
    prepare: |_, _, _| Ok(Prepared::new(Copy, [0])),
};

/// <https://onnx.ai/onnx/operators/onnx__Squeeze.html>, its axes an attribute.
pub(super) const SQUEEZE: Kind = Kind {
    op: "Squeeze",
    output: |node, inputs| {
        let x = super::input(node, inputs, 0)?;
        let axes = squeezed(node, node.ints("axes"), &x.shape)?;
        let kept = x.shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
        Ok(TensorType { element: x.element, shape: kept.map(|(_, &dim)| dim).collect() })
    },
    orders: settled,
    prepare: |_, _, _| Ok(Prepared::new(Copy, [0])),
};

/// The axes that a Squeeze of `axes` takes away, ascending: all of one element where it names none.
///
/// # Errors
/// Axes that there are not, that stand twice or have more than one element.
pub fn squeezed(node: &Node, axes: Option<&[i64]>, shape: &[usize]) -> Result<Vec<usize>> {
    let Some(axes) = axes else {
        return Ok((0..shape.len()).filter(|&axis| shape[axis] == 1).collect());
    };
    let mut places = Vec::with_capacity(axes.len());
    for &axis in axes {
        let axis = super::place(axis, shape.len()).filter(|axis| !places.contains(axis));
        let what = match axis.map(|axis| (axis, shape[axis])) {
            Some((axis, 1)) => {
                places.push(axis);
                continue;
            }
            Some((_, len)) => format!("it takes an axis of {len} away from the shape {shape:?}"),
            None => format!("its axes {axes:?} do not fit the shape {shape:?}"),
        };
        return Err(Error::new(what).at_node(&node.name));
    }
    places.sort_unstable();
    Ok(places)
}

/// Once its axes are an attribute.
fn settled(node: &Node, operands: &[Operand<'_>]) -> Option<Orders> {
    node.input(1).is_none().then(|| orders(node, operands))?
}

/// <https://onnx.ai/onnx/operators/onnx__Unsqueeze.html>, its axes an attribute.
pub(super) const UNSQUEEZE: Kind = Kind {
    op: "Unsqueeze",
    output: |node, inputs| {
        let x = super::input(node, inputs, 0)?;
        let axes = node.ints("axes").unwrap_or_default();
        let rank = x.shape.len() + axes.len();
        let places = places(node, axes, rank)?;
        let mut own = x.shape.iter();
        let dim = |axis| if places.contains(&axis) { Some(1) } else { own.next().copied() };
        let shape: Option<Vec<usize>> = (0..rank).map(dim).collect();
        let shape = shape.filter(|_| own.next().is_none()).ok_or_else(|| {
            Error::new(format!("its axes {axes:?} stand more than once")).at_node(&node.name)
        })?;
        Ok(TensorType { element: x.element, shape })
    },
    orders: settled,
    prepare: |_, _, _| Ok(Prepared::new(Copy, [0])),
};

/// Where axes are that may be counted from the end.
fn places(node: &Node, axes: &[i64], rank: usize) -> Result<Vec<usize>> {
    let place = |&axis: &i64| super::place(axis, rank).filter(|_| rank <= MOST_AXES);
    axes.iter().map(place).collect::<Option<_>>().ok_or_else(|| {
        Error::new(format!("its axes {axes:?} do not fit {rank} axes")).at_node(&node.name)
    })
}

/// A Reshape to a constant shape, which stands in its attribute `shape`.
const SETTLED_RESHAPE: &str = "SettledReshape";

/// `node` with its constant shape, or axes, as an attribute, so that its output has a shape before
/// its inputs have values.
pub(super) fn settle(node: &Node, constant: &dyn Fn(usize) -> Option<Tensor>) -> Option<Node> {
    if (node.is("Squeeze") || node.is("Unsqueeze")) && node.input(1).is_some() {
        let axes = constant(1)?.as_i64()?.to_vec();
        let mut settled = node.clone().with("axes", Attribute::Ints(axes));
        settled.inputs.truncate(1);
        return Some(settled);
    }
    if !node.is("Reshape") || node.int("allowzero", 0) != 0 {
        return None;
    }
    let shape = constant(1)?.as_i64()?.to_vec();
    let mut settled = node.clone();
    settled.op = SETTLED_RESHAPE.into();
    settled.attributes.insert("shape".into(), Attribute::Ints(shape));
    settled.inputs.truncate(1);
    Some(settled)
}

fn orders(_: &Node, operands: &[Operand]) -> Option<Orders> {
    let known = [Element::F32, Element::U8, Element::I8, Element::I32];
    known.contains(&operands.first()?.ty.element).then_some(Orders::Plain)
}

/// The same elements under another shape.
#[derive(Debug)]
struct Copy;

impl Operator for Copy {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        match (inputs[0], output) {
            (View::F32(x), ViewMut::F32(out)) => out.copy_from_slice(x),
            (View::Codes(x), ViewMut::Codes(out)) => out.copy_from_slice(x),
            (View::I32(x), ViewMut::I32(out)) => out.copy_from_slice(x),
            (x, out) => unreachable!("prepared for one type, run on {x:?} and {out:?}"),
        }
    }
}

/// From one order to the other.
#[derive(Debug)]
pub struct Reorder {
    channels: usize,
    /// Elements of a frame.
    frame: usize,
    to: Order,
}

impl Reorder {
    /// `shape` is ONNX's.
    pub fn new(shape: &[usize], to: Order) -> Self {
        Self { channels: shape[1], frame: shape[1..].iter().product(), to }
    }

    fn frames<T: std::marker::Copy>(&self, x: &[T], out: &mut [T]) {
        let frame = self.frame.max(1);
        for (x, out) in x.chunks_exact(frame).zip(out.chunks_exact_mut(frame)) {
            match self.to {
                Order::ChannelsLast => channels_last(x, self.channels, out),
                Order::Plain => channels_first(x, self.channels, out),
            }
        }
    }
}

impl Operator for Reorder {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        match (inputs[0], output) {
            (View::F32(x), ViewMut::F32(out)) => self.frames(x, out),
            (View::Codes(x), ViewMut::Codes(out)) => self.frames(x, out),
            (View::I32(x), ViewMut::I32(out)) => self.frames(x, out),
            (x, out) => unreachable!("prepared for one type, run on {x:?} and {out:?}"),
        }
    }
}
