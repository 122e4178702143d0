//! Scale and zero point.

use crate::graph::Element;

/// Scale and zero point of a tensor: `real = (q - zero_point) * scale`.
#[derive(Debug, Clone, PartialEq)]
pub struct QParams {
    pub element: Element,
    /// One, or one per channel.
    pub scale: Vec<f32>,
    /// As many as scales.
    pub zero_point: Vec<i32>,
    /// The channel axis; `None` when one scale serves the whole tensor.
    pub axis: Option<usize>,
}

impl QParams {
    /// The smallest and largest integer of the type.
    pub(super) fn bounds(&self) -> [i32; 2] {
        match self.element {
            Element::U8 => [0, 255],
            Element::I8 => [-128, 127],
            _ => [i32::MIN, i32::MAX],
        }
    }
}
