//! What a network's outputs say: classes, values, or what labels can't tell.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an output says about a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A score for each class.
    Classes,
    /// Numbers that mean themselves, such as a steering angle.
    Values,
    /// Anything else, as detectors and segmentations say it: only how far it moves is measured.
    None,
}

impl Task {
    /// As `--task` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classes => "classes",
            Self::Values => "values",
            Self::None => "none",
        }
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let tasks = [Self::Classes, Self::Values, Self::None];
        let known = tasks.into_iter().find(|task| task.name() == text);
        known.ok_or_else(|| format!("`{text}` is no task: `classes`, `values` and `none` are"))
    }
}

/// Values that the classes of an output stand for, evenly from `low` to `high`, as the categorical
/// pilot of Donkeycar has them (its `linear_bin` and `linear_unbin`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    /// The centre of the first bin.
    pub low: f64,
    /// The centre of the last.
    pub high: f64,
    /// At least two.
    pub count: usize,
}

impl Bins {
    /// The bin whose centre is nearest.
    pub fn bin(&self, value: f64) -> usize {
        let last = (self.count - 1) as f64;
        let place = (value - self.low) / (self.high - self.low) * last;
        place.round_ties_even().clamp(0.0, last) as usize
    }

    /// The value that a bin stands for.
    pub fn centre(&self, bin: usize) -> f64 {
        self.low + (self.high - self.low) * bin as f64 / (self.count - 1) as f64
    }
}

/// As they are read.
impl fmt::Display for Bins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { low, high, count } = self;
        write!(f, "{low}:{high}:{count}")
    }
}

impl FromStr for Bins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let bins = || {
            let &[low, high, count] = &parts[..] else { return None };
            let [low, high] = [low.parse::<f64>().ok()?, high.parse::<f64>().ok()?];
            let bins = Self { low, high, count: count.parse().ok()? };
            let spans = bins.low.is_finite() && bins.high.is_finite() && bins.low != bins.high;
            (spans && bins.count >= 2).then_some(bins)
        };
        bins().ok_or_else(|| {
            format!("`{text}` is no bins: the first value, the last and their number, as -1:1:15")
        })
    }
}

/// `VALUE`, or `NAME=VALUE` for the output of that name, which may have a `=`, too.
///
/// # Errors
/// What the value should have been.
pub fn named<T: FromStr<Err = String>>(text: &str) -> Result<(Option<String>, T), String> {
    match text.rsplit_once('=') {
        Some((name, value)) => Ok((Some(name.to_owned()), value.parse()?)),
        None => Ok((None, text.parse()?)),
    }
}

/// A distance, which is finite and not negative.
///
/// # Errors
/// Anything else.
pub fn tolerance(text: &str) -> Result<f64, String> {
    let tolerance = text.parse::<f64>().ok().filter(|t| t.is_finite() && *t >= 0.0);
    tolerance.ok_or_else(|| "not a distance, such as 0.05".into())
}

/// How a network's outputs are judged, as far as somebody said it; labels and outputs tell the rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Judging {
    /// Of every output that is not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// What single outputs say, by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Task>,
    /// Of outputs that have classes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bins: BTreeMap<String, Bins>,
    /// How far from its label a value may be to be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Donkeycar's `linear_bin(angle, N=15, offset=1, R=2.0)`, and `linear_unbin` of what it gives.
    #[test]
    fn bins_are_donkeycars() {
        let bins: Bins = "-1:1:15".parse().unwrap();
        assert_eq!(bins.to_string(), "-1:1:15");
        for (angle, bin) in [(-1.0, 0), (-0.93, 0), (-0.92, 1), (0.0, 7), (0.2, 8), (1.0, 14)] {
            assert_eq!(bins.bin(angle), bin, "{angle}");
        }
        assert_eq!([bins.bin(-7.0), bins.bin(7.0)], [0, 14]);
        assert_eq!([bins.centre(0), bins.centre(7), bins.centre(14)], [-1.0, 0.0, 1.0]);
        assert!((bins.centre(8) - 1.0 / 7.0).abs() < 1e-15);
    }

    #[test]
    fn what_is_no_bins_or_task_is_told() {
        for text in ["", "-1:1", "1:1:3", "0:1:1", "a:1:3", "0:inf:3", "0:1:2:3"] {
            assert!(text.parse::<Bins>().is_err(), "{text}");
        }
        assert_eq!("values".parse(), Ok(Task::Values));
        assert!("value".parse::<Task>().unwrap_err().contains("`values`"));
    }
}
