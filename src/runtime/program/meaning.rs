//! What a name of the graph stands for while it is read: a result of a step, or a constant.

use std::sync::Arc;

use super::super::operators::{self, MOST_CONSTANT_BYTES, Operand, Order, Orders, TensorType};
use super::constant::Constant;
use crate::error::{Error, Result};
use crate::graph::{Data, Element, Node, Tensor};

/// An output of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::runtime) struct ResultId {
    pub(super) step: usize,
    pub(super) output: usize,
}

/// A result, and what its elements are.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: ResultId,
    pub(super) ty: TensorType,
    pub(super) order: Order,
}

/// What a name of the graph stands for while it is read.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    Result(Known),
    Constant(Constant),
}

/// A constant of that content.
pub(super) fn constant(tensor: impl Into<Arc<Tensor>>) -> Meaning {
    Meaning::Constant(Constant::new(tensor.into()))
}

pub(in crate::runtime) fn type_of(tensor: &Tensor) -> TensorType {
    TensorType { element: tensor.element(), shape: tensor.shape.clone() }
}

/// A tensor to try operators on, ones where they are floats, else zeros: scales are no zero, and places
/// and axes are there.
///
/// # Errors
/// More than can be tried on, and what is no number.
pub(in crate::runtime) fn ones(ty: &TensorType) -> Result<Tensor> {
    ty.check_size_within(MOST_CONSTANT_BYTES)?;
    let len: usize = ty.shape.iter().product();
    let data = match ty.element {
        Element::F32 => Data::F32(vec![1.0; len]),
        Element::U8 => Data::U8(vec![0; len]),
        Element::I8 => Data::I8(vec![0; len]),
        Element::I32 => Data::I32(vec![0; len]),
        Element::I64 => Data::I64(vec![0; len]),
        other => {
            let bytes = other.bytes(len).ok_or_else(|| Error::new("it reads no numbers"))?;
            Data::Other(other, vec![0; bytes])
        }
    };
    Ok(Tensor::new(ty.shape.clone(), data))
}

pub(super) fn result(input: Option<&Meaning>) -> Option<&Known> {
    match input {
        Some(Meaning::Result(known)) => Some(known),
        _ => None,
    }
}

pub(super) fn operands<'a>(inputs: &[Option<&'a Meaning>]) -> Vec<Operand<'a>> {
    let operand = |input: &Option<&'a Meaning>| match input {
        None => Operand::default(),
        Some(Meaning::Result(known)) => Operand { ty: known.ty.clone(), constant: None },
        Some(Meaning::Constant(constant)) => {
            Operand { ty: type_of(constant), constant: Some(constant) }
        }
    };
    inputs.iter().map(operand).collect()
}

pub(super) fn ty(meaning: &Meaning) -> TensorType {
    match meaning {
        Meaning::Result(known) => known.ty.clone(),
        Meaning::Constant(tensor) => type_of(tensor),
    }
}

pub(super) fn element(meaning: &Meaning) -> Element {
    match meaning {
        Meaning::Result(known) => known.ty.element,
        Meaning::Constant(tensor) => tensor.element(),
    }
}

pub(super) fn shape(meaning: &Meaning) -> &[usize] {
    match meaning {
        Meaning::Result(known) => &known.ty.shape,
        Meaning::Constant(tensor) => &tensor.shape,
    }
}

/// Of the input with the most axes.
pub(super) fn rank(inputs: &[Option<&Meaning>]) -> usize {
    inputs.iter().flatten().map(|x| shape(x).len()).max().unwrap_or(0)
}

/// Which of the orders that an operator takes suits its inputs.
pub(super) fn order(orders: Orders, inputs: &[Option<&Meaning>]) -> Order {
    match orders {
        Orders::Plain => Order::Plain,
        Orders::ChannelsLast => Order::ChannelsLast,
        Orders::Any => {
            let last = |known: &Known| {
                known.order == Order::ChannelsLast && !Order::is_moot(&known.ty.shape)
            };
            let any = inputs.iter().any(|input| result(*input).is_some_and(last));
            if any { Order::ChannelsLast } else { Order::Plain }
        }
    }
}

/// Whether something besides a first tensor is computed, or a list of sizes.
pub(super) fn computes_a_parameter(inputs: &[Option<&Meaning>]) -> bool {
    let computed = |input: &Option<&Meaning>| result(*input).is_some();
    let is_list = |known: &Known| known.ty.element == Element::I64 && known.ty.shape.len() <= 1;
    let first = inputs.first().and_then(|input| result(*input));
    first.is_some_and(is_list) || inputs.iter().skip(1).any(computed)
}

/// Whether an engine takes for a constant what is computed, without a word.
pub(super) fn is_misread(node: &Node, inputs: &[Option<&Meaning>]) -> bool {
    let computed = inputs.iter().skip(1).any(|input| result(*input).is_some());
    ["Pad", "Slice", "Squeeze"].contains(&node.op.as_str()) && computed
}

/// Whether it is a Dropout that drops, as while a network is trained.
pub(super) fn drops(node: &Node, inputs: &[Option<&Meaning>]) -> bool {
    let says =
        |tensor: &Tensor| matches!(&tensor.data, Data::Other(_, bytes) if bytes.contains(&1));
    let trains = match inputs.get(2) {
        Some(Some(Meaning::Constant(tensor))) => says(tensor),
        // A frame may say so.
        Some(Some(Meaning::Result(_))) => true,
        _ => false,
    };
    node.is("Dropout") && trains
}

/// What a node makes that nothing has to run for.
pub(super) fn known_before(node: &Node, inputs: &[Option<&Meaning>]) -> Option<Meaning> {
    match (node.op.as_str(), inputs) {
        ("Identity", [Some(x)]) => Some((*x).clone()),
        // To the type that it has. The engine's way to i64 does not hold the largest, which a Slice
        // ends at.
        ("Cast", [Some(x)]) if i64::from(element(x).0) == node.int("to", 0) => Some((*x).clone()),
        ("CastLike", [Some(x), Some(like)]) if element(x) == element(like) => Some((*x).clone()),
        // As PyTorch writes the bounds of a relu6.
        ("CastLike", [Some(Meaning::Constant(x)), Some(like)]) if element(like) == Element::F32 => {
            let values = x.as_i64()?.iter().map(|&value| value as f32).collect();
            Some(constant(Tensor::new(&x.shape[..], Data::F32(values))))
        }
        // It only drops while a network is trained.
        ("Dropout", [Some(x), ..]) if node.outputs.len() == 1 && !drops(node, inputs) => {
            Some((*x).clone())
        }
        ("Squeeze", [Some(Meaning::Constant(tensor)), axes @ ..]) => {
            let axes = match axes.first() {
                Some(Some(Meaning::Constant(axes))) => Some(axes.as_i64()?),
                Some(Some(Meaning::Result(_))) => return None,
                _ => node.ints("axes"),
            };
            let axes = operators::squeezed(node, axes, &tensor.shape).ok()?;
            let kept = tensor.shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
            let shape: Vec<usize> = kept.map(|(_, &dim)| dim).collect();
            Some(constant(Tensor::new(shape, tensor.data.clone())))
        }
        ("Size", [Some(Meaning::Result(known))]) => {
            let size: usize = known.ty.shape.iter().product();
            Some(constant(Tensor::new([], Data::I64(vec![size as i64]))))
        }
        ("Shape", [Some(Meaning::Result(known))]) => {
            let shape = &known.ty.shape;
            let rank = shape.len() as i64;
            let place = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
            let (from, to) = (place(node.int("start", 0)), place(node.int("end", rank)));
            let axes = shape.get(from..to).unwrap_or_default();
            let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
            Some(constant(Tensor::new([axes.len()], Data::I64(axes))))
        }
        _ => None,
    }
}
