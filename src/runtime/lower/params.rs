//! The scale and zero point of one quantization, by value.

use super::super::operators::{CLAMP_HIGH, CLAMP_LOW};
use crate::graph::{Element, Graph, Node};

/// The scale and zero point of a QuantizeLinear or DequantizeLinear node, by value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Params {
    pub(super) element: Element,
    pub(super) scale: Vec<f32>,
    pub(super) zero_point: Vec<i32>,
    pub(super) axis: i64,
}

impl Params {
    /// `None` where they are computed, or one for each block.
    pub(super) fn of(graph: &Graph, node: &Node) -> Option<Self> {
        if node.int("block_size", 0) != 0 {
            return None;
        }
        let scale = graph.constant(node, 1)?.as_f32()?.to_vec();
        let (element, zero_point) = match node.input(2) {
            Some(_) => {
                let tensor = graph.constant(node, 2)?;
                (tensor.element(), tensor.to_i32()?)
            }
            None => (output_type(node).widened(), vec![0; scale.len()]),
        };
        let axis = if scale.len() == 1 { 0 } else { node.int("axis", 1) };
        let whole = !scale.is_empty() && zero_point.len() == scale.len();
        whole.then_some(Self { element, scale, zero_point, axis })
    }

    pub(super) fn bounds(&self) -> [i32; 2] {
        if self.element == Element::I8 { [-128, 127] } else { [0, 255] }
    }

    /// Those bounds, narrowed by the Clip that was folded into `quantize`.
    pub(super) fn clamped_bounds(&self, quantize: &Node) -> [i32; 2] {
        let [low, high] = self.bounds();
        let at = |name, bound: i32| quantize.int(name, bound.into()) as i32;
        [at(CLAMP_LOW, low).max(low), at(CLAMP_HIGH, high).min(high)]
    }

    pub(super) fn is_per_tensor(&self) -> bool {
        self.scale.len() == 1
    }
}

/// The type that a QuantizeLinear without zero point makes.
pub(super) fn output_type(node: &Node) -> Element {
    match node.int("output_dtype", 0) {
        0 => Element::U8,
        element => Element(element as i32),
    }
}
