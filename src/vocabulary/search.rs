//! What a search is asked for, and what it finds.

use serde::{Deserialize, Serialize};

use super::analysis::Effect;
use super::recipe::Recipe;

/// What the searched recipe has to meet.
///
/// With `max_drop`: the fewest BOPs whose top-1 is at most so far below the float network's. With
/// budgets alone: the least damage within them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Target {
    /// Points of top-1 that may be lost: 0.5 is half a per cent of the frames.
    pub max_drop: Option<f64>,
    /// Bytes of the ONNX file.
    pub max_bytes: Option<u64>,
    /// MACs x weight bits x activation bits.
    pub max_bops: Option<u64>,
}

/// A recipe that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// What is new about it, in words.
    pub what: String,
    pub recipe: Recipe,
    pub effect: Effect,
    /// Points of top-1 below the float network, or of agreement where there are no labels.
    pub drop: f64,
    pub bops: u64,
    /// Bytes of the ONNX file.
    pub file_bytes: u64,
    /// Whether it meets the target.
    pub meets: bool,
    /// Whether it is the best so far.
    pub best: bool,
}

/// How a search ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The best trial.
    pub best: Trial,
    /// All, in the order of trying; the uniform widths among them.
    pub trials: Vec<Trial>,
    /// Frames on which they were measured.
    pub frames: usize,
    /// Somebody stopped it before its end.
    pub stopped: bool,
}
