//! Pad: around a tensor, or with negative pads a part of it.
//!
//! <https://onnx.ai/onnx/operators/onnx__Pad.html>.

use super::{
    Kind, Operand, Operator, Order, Orders, Prepared, Scratch, TensorType, View, ViewMut, input,
    place,
};
use crate::error::{Error, Result};
use crate::graph::{Attribute, Data, Element, Node, Tensor};

/// A Pad whose pads stand in its attribute `pads`, for all axes.
pub(super) const PAD: Kind = Kind {
    op: "SettledPad",
    output: |node, inputs| {
        let x = input(node, inputs, 0)?;
        let axes = axes(node, &x.shape)?;
        Ok(TensorType { element: x.element, shape: axes.iter().map(|axis| axis.len).collect() })
    },
    orders: |_, operands| {
        let x = operands.first()?;
        let known = [Element::F32, Element::U8, Element::I8, Element::I32].contains(&x.ty.element);
        let value = operands.get(2).is_none_or(Operand::is_settled);
        (known && value).then_some(Orders::Any)
    },
    prepare: |node, operands, setting| {
        let mut axes = axes(node, &operands[0].ty.shape)?;
        if setting.order == Order::ChannelsLast {
            axes[1..].rotate_left(1);
        }
        let mut stride = 1;
        let mut steps = Vec::with_capacity(axes.len());
        for axis in axes.iter().rev() {
            let from = |i| axis.source(i).map(|at| at * stride);
            steps.push((0..axis.len).map(from).collect());
            stride *= axis.from;
        }
        steps.reverse();
        let value = operands.get(2).and_then(|operand| operand.constant);
        let value = Value::of(value, operands[0].ty.element).ok_or_else(|| {
            Error::new("what it pads with is not of the type of its input").at_node(&node.name)
        })?;
        Ok(Prepared::new(Pad { steps, value }, [0]))
    },
};

/// `node` with its constant pads as an attribute, those of axes that it does not name 0.
pub(super) fn settle(node: &Node, constant: &dyn Fn(usize) -> Option<Tensor>) -> Option<Node> {
    if !node.is("Pad") {
        return None;
    }
    let mut settled = node.clone();
    settled.op = PAD.op.into();
    if node.input(2).is_some() {
        constant(2)?;
    }
    if node.input(1).is_some() {
        let pads = constant(1)?.as_i64()?.to_vec();
        settled.attributes.insert("pads".into(), Attribute::Ints(pads));
        settled.inputs[1].clear();
    }
    if node.input(3).is_some() {
        let axes = constant(3)?;
        let axes = match axes.as_i64() {
            Some(axes) => axes.to_vec(),
            None => axes.to_i32()?.into_iter().map(i64::from).collect(),
        };
        settled.attributes.insert("axes".into(), Attribute::Ints(axes));
    }
    settled.inputs.truncate(3);
    Some(settled)
}

/// Where the elements along an axis come from.
#[derive(Debug, Clone, Copy)]
struct Axis {
    /// Elements of the input.
    from: usize,
    /// The first of them that is kept, and how many are.
    first: usize,
    kept: usize,
    /// Elements before those.
    before: usize,
    /// Elements of the output.
    len: usize,
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Constant,
    Edge,
    Reflect,
    Wrap,
}

impl Axis {
    fn source(&self, i: usize) -> Option<usize> {
        let kept = self.kept as i64;
        let at = i as i64 - self.before as i64;
        let at = match self.mode {
            Mode::Constant => Some(at).filter(|at| (0..kept).contains(at))?,
            Mode::Edge => at.clamp(0, kept - 1),
            Mode::Wrap => at.rem_euclid(kept),
            Mode::Reflect => {
                // There and back, the ends once.
                let period = (2 * (kept - 1)).max(1);
                let at = at.rem_euclid(period);
                at.min(period - at).min(kept - 1)
            }
        };
        Some(self.first + at as usize)
    }
}

fn axes(node: &Node, shape: &[usize]) -> Result<Vec<Axis>> {
    let wrong = || {
        Error::new(format!("its pads do not fit an input of shape {shape:?}")).at_node(&node.name)
    };
    let mode = match node.text("mode").unwrap_or("constant") {
        "constant" => Mode::Constant,
        "edge" => Mode::Edge,
        "reflect" => Mode::Reflect,
        "wrap" => Mode::Wrap,
        other => {
            return Err(Error::new(format!("there is no mode `{other}`")).at_node(&node.name));
        }
    };
    let rank = shape.len();
    let pads = node.ints("pads").unwrap_or_default();
    let named: Vec<i64> = match node.ints("axes") {
        Some(axes) => axes.to_vec(),
        None => (0..rank as i64).collect(),
    };
    if pads.len() != 2 * named.len() {
        return Err(wrong());
    }
    let mut ends = vec![[0i64; 2]; rank];
    let mut seen = vec![false; rank];
    for (i, &axis) in named.iter().enumerate() {
        let at = place(axis, rank).filter(|&at| !seen[at]).ok_or_else(wrong)?;
        seen[at] = true;
        ends[at] = [pads[i], pads[named.len() + i]];
    }
    let axis = |(&from, [begin, end]): (&usize, [i64; 2])| {
        let cut = |pad: i64| usize::try_from(pad.min(0).unsigned_abs()).ok();
        let grown = |pad: i64| usize::try_from(pad.max(0)).ok();
        let kept = from.checked_sub(cut(begin)?)?.checked_sub(cut(end)?)?;
        let len = kept.checked_add(grown(begin)?)?.checked_add(grown(end)?)?;
        // Nothing repeats nothing; a bound that the sizes of results are checked against, too.
        let possible = (kept > 0 || len == 0 || mode == Mode::Constant) && len < 1 << 31;
        let (first, before) = (cut(begin)?, grown(begin)?);
        possible.then_some(Axis { from, first, kept, before, len, mode })
    };
    shape.iter().zip(ends).map(axis).collect::<Option<_>>().ok_or_else(wrong)
}

/// What stands around the input.
#[derive(Debug, Clone, Copy)]
enum Value {
    F32(f32),
    Code(u8),
    I32(i32),
}

impl Value {
    /// 0 where it is left out.
    fn of(tensor: Option<&Tensor>, element: Element) -> Option<Self> {
        let zero = Tensor::zero(element)?;
        Some(match &tensor.unwrap_or(&zero).data {
            Data::F32(v) if element == Element::F32 => Self::F32(*v.first()?),
            Data::U8(v) if element == Element::U8 => Self::Code(*v.first()?),
            Data::I8(v) if element == Element::I8 => Self::Code(*v.first()? as u8),
            Data::I32(v) if element == Element::I32 => Self::I32(*v.first()?),
            _ => return None,
        })
    }
}

#[derive(Debug)]
struct Pad {
    /// For each axis and place of the output, how far into the input it lies; `None` in the padding.
    steps: Vec<Vec<Option<usize>>>,
    value: Value,
}

impl Operator for Pad {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        match (inputs[0], output, self.value) {
            (View::F32(x), ViewMut::F32(out), Value::F32(value)) => {
                fill(&self.steps, x, value, out)
            }
            (View::Codes(x), ViewMut::Codes(out), Value::Code(value)) => {
                fill(&self.steps, x, value, out);
            }
            (View::I32(x), ViewMut::I32(out), Value::I32(value)) => {
                fill(&self.steps, x, value, out)
            }
            (x, out, _) => unreachable!("prepared for one type, run on {x:?} and {out:?}"),
        }
    }

    fn bytes(&self) -> usize {
        self.steps.iter().map(|steps| size_of_val(&steps[..])).sum()
    }
}

fn fill<T: Copy>(steps: &[Vec<Option<usize>>], x: &[T], value: T, out: &mut [T]) {
    let Some((steps, inner)) = steps.split_first() else {
        return out.copy_from_slice(x);
    };
    let part = (out.len() / steps.len().max(1)).max(1);
    for (step, out) in steps.iter().zip(out.chunks_exact_mut(part)) {
        match step {
            Some(at) => match inner {
                [] => out[0] = x[*at],
                _ => fill(inner, &x[*at..], value, out),
            },
            None => out.fill(value),
        }
    }
}
