//! What a network gets of a frame, and what looks wrong about it.

use serde::{Deserialize, Serialize};

use super::frames::Picture;

/// The way of one frame into a network, and the numbers of many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entering {
    /// The first image as it lies in its file, and after each step that makes another of it; none where frames
    /// come from arrays.
    pub steps: Vec<Step>,
    /// Of a frame as it enters, without the batch.
    pub shape: Vec<usize>,
    /// Over the frames that were looked at.
    pub values: Numbers,
    /// The frames that calibrate, over the same range.
    pub calibration: Option<Numbers>,
    /// What looks wrong about it.
    pub doubts: Vec<Doubt>,
}

/// A step of a picture's way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// In a few words, such as `cropped`.
    pub what: String,
    /// Width and height, which those of the picture are a part of where it is large.
    pub size: [usize; 2],
    /// What it looks like then.
    pub picture: Picture,
}

/// The numbers that enter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numbers {
    /// Frames that were looked at.
    pub frames: usize,
    /// The smallest and the largest.
    pub range: [f32; 2],
    /// Of all that were looked at.
    pub mean: f64,
    /// Standard deviation.
    pub std: f64,
    /// How many lie in each of as many equal parts of what both sets span.
    pub counts: Vec<u32>,
}

/// What looks wrong; nothing is known for sure, for a network may have been trained so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// What was seen, in words.
    pub what: String,
    /// What to try.
    pub way_out: String,
}
