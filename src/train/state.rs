//! What training changes, as flat vectors: what a worker is given, and what it gives back.

use serde::{Deserialize, Serialize};

/// Everything that training changes in a network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// What the optimizer moves: weights, biases, the gain and shift of normalizations, learned
    /// scales.
    pub(super) parameters: Vec<f32>,
    /// What is observed: means and variances of normalizations, ranges of activations, scales of
    /// weights that follow their range.
    pub(super) statistics: Vec<f32>,
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
    /// The least value of each, where there is one.
    pub(super) least: Vec<f32>,
}
