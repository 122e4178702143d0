//! Frames as people see them.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The axes in which a network takes a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Axes {
    /// Channels, height, width.
    #[default]
    ChannelsFirst,
    /// Height, width, channels, as TensorFlow has them.
    ChannelsLast,
    /// Height and width, of a single channel.
    Plane,
}

impl Axes {
    /// All in the order in which they are tried, each with the shape of a picture of so many channels,
    /// height and width.
    pub fn of([channels, height, width]: [usize; 3]) -> impl Iterator<Item = (Self, Vec<usize>)> {
        let plane = (channels == 1).then(|| (Self::Plane, vec![height, width]));
        let first = (Self::ChannelsFirst, vec![channels, height, width]);
        let last = (Self::ChannelsLast, vec![height, width, channels]);
        [first, last].into_iter().chain(plane)
    }
}

/// The array of frames for a network with one input, however that is called.
pub const FRAMES: &str = "x";

/// What a set holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    pub frames: usize,
    /// Frames per class, in class order; empty when there are no classes.
    pub class_counts: Vec<usize>,
    /// From the folder names; empty when the labels are bare numbers.
    pub class_names: Vec<String>,
    /// Of pixels channels, height, width, which may enter with the channels last, too.
    pub frame_shape: Vec<usize>,
    /// Whether frames are pixels, else numbers that enter as they are.
    pub pixels: bool,
    /// The frames, and what an npz has beside them for each: inputs of a network by their names.
    pub arrays: Vec<ArraySummary>,
    /// What is known of each frame; empty when there are no labels.
    pub label_columns: Vec<LabelColumn>,
}

/// An array that has numbers for each frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArraySummary {
    pub name: String,
    /// As [`DataSummary`] has them.
    pub frame_shape: Vec<usize>,
    pub pixels: bool,
}

/// Labels of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelColumn {
    /// That of its array, unless that is `y`.
    pub name: Option<String>,
    /// The smallest and the largest.
    pub range: [f64; 2],
}

/// One frame to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    pub index: usize,
    pub width: usize,
    pub height: usize,
    /// RGBA, row by row.
    pub rgba: ByteBuf,
    pub label: Option<usize>,
    /// The labels where they are values.
    pub values: Vec<f32>,
}
