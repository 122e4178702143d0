//! Frames as people see them.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// Per-channel normalization on the 0..1 scale, `(x - mean) / std`, of uint8 frames and images.
///
/// An empty `mean` is all 0, an empty `std` all 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
}

/// What a set holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    pub frames: usize,
    /// Frames per class, in class order; empty when there are no labels.
    pub class_counts: Vec<usize>,
    /// From the folder names; empty when the labels are bare numbers.
    pub class_names: Vec<String>,
    /// Channels, height, width.
    pub frame_shape: Vec<usize>,
}

/// One frame to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    pub index: usize,
    pub width: usize,
    pub height: usize,
    /// RGBA, row by row.
    pub rgba: ByteBuf,
    pub label: Option<usize>,
}
