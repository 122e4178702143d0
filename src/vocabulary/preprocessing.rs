//! How frames enter a network.

use serde::{Deserialize, Serialize};

/// The most frames that enter as one.
pub const MOST_STACKED: usize = 64;

/// How frames enter: uint8 and images per channel as `(x / divide - mean) / std`.
///
/// An empty `mean` is all 0, an empty `std` all 1; without `divide` it is 255.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divide: Option<f32>,
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
    /// How many frames in a row enter as one, whatever they are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<usize>,
}

impl Preprocessing {
    /// Whether it says what becomes of pixels.
    pub fn scales(&self) -> bool {
        self.divide.is_some() || !self.mean.is_empty() || !self.std.is_empty()
    }
}
