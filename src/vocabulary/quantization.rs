//! What a quantized network says about itself, tensor by tensor and node by node.

use serde::{Deserialize, Serialize};

/// A node that computes in float although the file is quantized, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftInFloat {
    /// Its name.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// A clause.
    pub why: String,
}

/// How one tensor was quantized.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TensorInfo {
    /// Of the tensor.
    pub name: String,
    /// ONNX element type in lower case: `uint8`, `int8`, `int32`.
    #[serde(rename = "type")]
    pub element_type: String,
    /// How wide its integers are.
    pub bits: u32,
    /// One, or one per channel.
    pub scale: Vec<f32>,
    /// Of each scale, the integer that stands for 0.
    pub zero_point: Vec<i32>,
    /// The channel axis; `None` when one scale serves the whole tensor.
    pub axis: Option<usize>,
}
