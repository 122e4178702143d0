//! What training changes, as flat vectors: what a worker is given, and what it gives back.

use serde::{Deserialize, Serialize};

/// Everything that training changes in a network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// What the optimizer moves: weights, biases, the gain and shift of normalizations, learned
    /// scales.
    #[serde(with = "floats")]
    pub(super) parameters: Vec<f32>,
    /// What is observed: means and variances of normalizations, ranges of activations, scales of
    /// weights that follow their range.
    #[serde(with = "floats")]
    pub(super) statistics: Vec<f32>,
}

/// Many floats as the bytes that they are: one by one takes ten times as long.
pub(super) mod floats {
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_bytes::ByteBuf;

    pub(crate) fn serialize<S: Serializer>(floats: &[f32], to: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        to.serialize_bytes(&bytes)
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<f32>, D::Error> {
        let bytes = ByteBuf::deserialize(from)?;
        let float = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
        Ok(bytes.as_chunks().0.iter().map(float).collect())
    }
}

/// What parameters are, for the optimizer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    pub(super) range: std::ops::Range<usize>,
    /// Whether weight decay applies.
    pub(super) decays: bool,
    /// What an adaptive step is a share of: 1, or each scale's starting value, because such a step
    /// does not know the size of what it moves.
    pub(super) units: Vec<f32>,
    /// How large the numbers are that weights multiply, as a multiple of what is usual. They train as if those
    /// were of the usual size and the weights the larger: weights of pixels from 0 to 255 are so small that a
    /// usual step would wipe them out.
    pub(super) reach: f32,
    /// The least value of each, where there is one.
    pub(super) least: Vec<f32>,
}

/// A learned scale stays above this share of where it started.
const LEAST_SHARE: f32 = 1e-3;

impl Slot {
    /// What moves by usual steps wherever it may.
    pub(super) const PLAIN: Self =
        Self { range: 0..0, decays: false, units: Vec::new(), reach: 1.0, least: Vec::new() };

    /// Scales that are learned from here.
    pub(super) fn of_scales(start: Vec<f32>) -> Self {
        let least = start.iter().map(|scale| scale * LEAST_SHARE).collect();
        Self { units: start, least, ..Self::PLAIN }
    }
}
