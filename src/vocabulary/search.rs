//! What a search is asked for, and what it finds.

use serde::{Deserialize, Serialize};

use super::analysis::Damage;
use super::driving::{Kept, Verdict};
use super::recipe::Recipe;

/// What the searched recipe has to meet.
///
/// With `max_drop`, `max_rise` or `min_return`: the fewest BOPs whose top-1, mean absolute error or return is
/// at most so far from the float network's. With budgets alone: the least damage within them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Target {
    /// Points of top-1 that may be lost: 0.5 is half a per cent of the frames.
    pub max_drop: Option<f64>,
    /// Per cent by which the mean absolute error of the values may rise.
    pub max_rise: Option<f64>,
    /// Share of the float network's return that is to be kept, on the same tracks.
    pub min_return: Option<f64>,
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
    /// The whole recipe.
    pub recipe: Recipe,
    /// What it does to the answers.
    pub effect: Damage,
    /// Points of top-1 below the float network, or of agreement where there are no labels; `None` where
    /// the outputs are no classes.
    pub drop: Option<f64>,
    /// Per cent by which the mean absolute error is above the float network's; `None` without values.
    pub rise: Option<f64>,
    /// What it drives; `None` where no return is wanted.
    pub driving: Option<Kept>,
    /// MACs x weight bits x activation bits.
    pub bops: u64,
    /// Bytes of the ONNX file.
    pub file_bytes: u64,
    /// Whether it meets the target.
    pub meets: bool,
    /// Whether it is the best so far.
    pub best: bool,
}

impl Trial {
    /// What is lost, in points of top-1 or per cent of error; `None` where neither can be told.
    pub fn loss(&self) -> Option<f64> {
        self.drop.or(self.rise)
    }
}

/// How the best recipe does on frames and tracks that chose nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heldout {
    /// How many there were.
    pub frames: usize,
    /// What it does to the answers.
    pub effect: Damage,
    /// As those of a trial, each with its 95 % interval.
    pub drop: Option<f64>,
    /// Of the drop.
    pub drop_ci95: Option<[f64; 2]>,
    /// As that of a trial.
    pub rise: Option<f64>,
    /// Of the rise.
    pub rise_ci95: Option<[f64; 2]>,
    /// On tracks that chose nothing, and what the interval says of them.
    pub driving: Option<Kept>,
    /// What the interval of that says.
    pub return_is_kept: Option<Verdict>,
    /// Whether what may be lost of the answers is not exceeded here, either; `None` where the target says
    /// nothing of that.
    pub holds: Option<bool>,
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
    /// The best on other frames; `None` where there are no others.
    pub heldout: Option<Heldout>,
    /// Somebody stopped it before its end.
    pub stopped: bool,
}
