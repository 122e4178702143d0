//! What two operators have to share to be one: everything that decides what they compute from their
//! results.

use std::sync::Arc;

use super::super::operators::Order;
use super::constant::{Constant, bits};
use super::meaning::Meaning;
use crate::graph::{Attribute, Element, Graph, Node};

/// All that decides what an operator computes from its results.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Identity {
    Node {
        op: String,
        domain: String,
        opset: i64,
        /// How many it makes.
        outputs: usize,
        order: Order,
        attributes: Vec<(String, Fact)>,
        inputs: Vec<Reads>,
    },
    /// A step that puts elements into another order.
    Reorder { element: Element, shape: Vec<usize>, order: Order },
}

/// An attribute, floats by their bits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Fact {
    Float(u32),
    Floats(Vec<u32>),
    Int(i64),
    Ints(Vec<i64>),
    Text(Vec<u8>),
    Texts(Vec<Vec<u8>>),
    Tensor(Constant),
}

/// An input.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Reads {
    Nothing,
    Constant(Constant),
    /// `place`: which of the results that the node names; reading one twice is another operator than
    /// reading two.
    Result {
        place: usize,
        element: Element,
        shape: Vec<usize>,
    },
}

impl Identity {
    pub(super) fn of(
        graph: &Graph,
        node: &Node,
        inputs: &[Option<&Meaning>],
        order: Order,
    ) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let reads = node.inputs.iter().zip(inputs).map(|(name, input)| match input {
            None => Reads::Nothing,
            Some(Meaning::Constant(constant)) => Reads::Constant(constant.clone()),
            Some(Meaning::Result(known)) => {
                let place = names.iter().position(|other| other == name).unwrap_or(names.len());
                names.push(name);
                let (element, shape) = (known.ty.element, known.ty.shape.clone());
                Reads::Result { place, element, shape }
            }
        });
        Self::Node {
            op: node.op.clone(),
            domain: node.domain.clone(),
            opset: graph.opset(),
            outputs: node.outputs.len(),
            order,
            attributes: node.attributes.iter().map(|(name, at)| (name.clone(), fact(at))).collect(),
            inputs: reads.collect(),
        }
    }
}

fn fact(attribute: &Attribute) -> Fact {
    match attribute {
        Attribute::Float(x) => Fact::Float(x.to_bits()),
        Attribute::Floats(v) => Fact::Floats(bits(v).collect()),
        Attribute::Int(x) => Fact::Int(*x),
        Attribute::Ints(v) => Fact::Ints(v.clone()),
        Attribute::Text(v) => Fact::Text(v.clone()),
        Attribute::Texts(v) => Fact::Texts(v.clone()),
        Attribute::Tensor(tensor) => Fact::Tensor(Constant::new(Arc::new(tensor.clone()))),
    }
}
