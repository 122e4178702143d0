//! Frames as people see them.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::error::{Error, Result};

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

/// Width and height of the pictures of so many channels that a network takes which has these inputs, the batch
/// first; `None` is a free dimension.
///
/// # Errors
/// It takes no such pictures, or of any size.
pub fn picture_size<'a>(
    inputs: impl IntoIterator<Item = &'a [Option<usize>]>,
    channels: usize,
) -> Result<[usize; 2]> {
    let mut pictures = Vec::new();
    for input in inputs {
        match *input {
            [_, height, width] if channels == 1 => pictures.push((Some(1), [width, height])),
            [_, a, b, c] => pictures.extend([(a, [c, b]), (c, [b, a])]),
            _ => {}
        }
    }
    let of = |wanted: Option<usize>| pictures.iter().find(|(has, _)| *has == wanted);
    match of(Some(channels)).or_else(|| of(None)) {
        Some((_, [Some(width), Some(height)])) => Ok([*width, *height]),
        Some(_) => Err(Error::new("the network takes pictures of any size")
            .way_out("Say which: --resize WxH, such as 200x66.")),
        None => Err(Error::new(format!("the network takes no pictures of {channels} channels"))
            .way_out("--color gray has one channel; --resize WxH says a size whatever it takes.")),
    }
}

/// The array of frames for a network with one input, however that is called.
pub const FRAMES: &str = "x";

/// What a set holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    /// How many.
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
    /// Where frames and labels were found, in words.
    pub source: String,
    /// What was left out and why, and what looks wrong.
    pub notes: Vec<String>,
    /// The first frames, to see whether the labels are theirs.
    pub samples: Vec<Sample>,
}

impl DataSummary {
    /// Whether what is known is values, for a network with these outputs: of frames that have classes, too, where
    /// one is called as values are.
    pub fn says_values<'a>(&self, mut outputs: impl Iterator<Item = &'a str>) -> bool {
        if self.class_counts.is_empty() {
            return !self.label_columns.is_empty();
        }
        let is_column =
            |name: &str| self.label_columns.iter().any(|c| c.name.as_deref() == Some(name));
        outputs.any(is_column)
    }
}

/// A frame and what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Its file's; that of an array has none.
    pub name: Option<String>,
    /// A label of each column.
    pub labels: Vec<f64>,
}

/// An array that has numbers for each frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArraySummary {
    /// As the file calls it.
    pub name: String,
    /// As [`DataSummary`] has them.
    pub frame_shape: Vec<usize>,
    /// Whether its numbers are pixels.
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
    /// Which frame of its set.
    pub index: usize,
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// RGBA, row by row.
    pub rgba: ByteBuf,
    /// Its class, where the labels are classes.
    pub label: Option<usize>,
    /// The labels that are values.
    pub values: Vec<f32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_s_picture_has_the_size_that_its_channels_leave() {
        let size = |input: &[usize], channels| {
            // 0 is a free dimension.
            let input: Vec<_> = input.iter().map(|&n| (n > 0).then_some(n)).collect();
            picture_size([&[None, Some(7)][..], &input], channels).map_err(|error| error.what)
        };
        for (input, channels) in [
            (&[0, 3, 66, 200][..], 3),
            (&[1, 66, 200, 3], 3),
            (&[0, 66, 200, 12], 12),
            (&[0, 66, 200], 1),
            (&[0, 0, 66, 200], 4),
        ] {
            assert_eq!(size(input, channels), Ok([200, 66]), "{input:?}");
        }
        assert!(size(&[0, 3, 0, 0], 3).is_err_and(|what| what.contains("any size")));
        assert!(size(&[0, 3, 66, 200], 1).is_err_and(|what| what.contains("1 channels")));
    }
}
