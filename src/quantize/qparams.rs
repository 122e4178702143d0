//! Scale and zero point.

use std::collections::BTreeMap;

use crate::graph::Element;
use crate::kernels::requantize::quantize;
use crate::vocabulary::quantization::TensorInfo;

/// Scale and zero point of a tensor: `real = (q - zero_point) * scale`.
#[derive(Debug, Clone, PartialEq)]
pub struct QParams {
    /// The type that holds the integers.
    pub element: Element,
    /// How wide they are; at most as their type.
    pub bits: u32,
    /// The smallest and largest integer, where `bits` are fewer than the type has, too.
    pub bounds: [i32; 2],
    /// One, or one per channel.
    pub scale: Vec<f32>,
    /// As many as scales.
    pub zero_point: Vec<i32>,
    /// The channel axis; `None` when one scale serves the whole tensor.
    pub axis: Option<usize>,
}

/// Scale and zero point by root tensor.
pub(crate) type Params = BTreeMap<String, QParams>;

impl QParams {
    /// Whether the type saturates at other integers than these.
    pub(super) fn is_narrow(&self) -> bool {
        match self.element {
            Element::U8 => self.bounds != [0, 255],
            Element::I8 => self.bounds != [-128, 127],
            _ => false,
        }
    }

    /// What is left of a real when it was quantized; for one scale.
    pub(super) fn rounded(&self, x: f32) -> f32 {
        let (scale, zero_point) = (self.scale[0], self.zero_point[0]);
        (quantize(x, scale, zero_point, self.bounds) - zero_point) as f32 * scale
    }

    pub(super) fn info(&self, name: &str) -> TensorInfo {
        TensorInfo {
            name: name.into(),
            element_type: self.element.name().into(),
            bits: self.bits,
            scale: self.scale.clone(),
            zero_point: self.zero_point.clone(),
            axis: self.axis,
        }
    }
}
