//! What is measured about a network.

use serde::{Deserialize, Serialize};

use super::driving::Driving;
use super::quantization::LeftInFloat;
use super::recipe::Recipe;

/// The significance level of every test, as of the 95 % intervals.
pub const LEVEL: f64 = 0.05;

/// Everything measured about one variant of a network: a column of the comparison.
///
/// Its JSON is a contract (`steer8 compare --json`): fields are added, never renamed.
/// What has nothing to be compared with is `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The network's name.
    pub model: String,
    /// Read from the file: `float`, `int8`, or widths such as `w3a8`.
    pub variant: String,
    /// Hexadecimal SHA-256 of the ONNX file.
    pub sha256: String,
    /// Bytes of the ONNX file.
    pub file_bytes: usize,
    /// Bytes of the weights in it.
    pub weight_bytes: usize,
    /// Bytes of the file after gzip.
    pub gzip_bytes: usize,
    /// Numbers that the network has learned.
    pub params: u64,
    /// Multiply-accumulates of Conv, Gemm and MatMul for one frame, no bias (as fvcore counts).
    pub macs: u64,
    /// 2 x MACs.
    pub flops: u64,
    /// MACs x weight bits x activation bits.
    pub bops: u64,
    /// `None` where nobody measured it.
    pub latency_ms: Option<Latency>,
    /// What the outputs say, as `--task` takes it: `classes`, `values`, `none`, or
    /// `angle=classes,throttle=values` where they differ.
    pub task: String,
    /// Of the first output that has classes.
    pub accuracy: Option<Accuracy>,
    /// Of the outputs behind it that have classes, too.
    pub more_classes: Vec<ClassScore>,
    /// Of the outputs that are values; `None` without any, and without labels.
    pub values: Option<Values>,
    /// How far the answers are from the float network's.
    pub from_float: Option<FromFloat>,
    /// How much farther the values are from their labels than the float network's.
    pub mae_change: Option<Vec<Change>>,
    /// Share of frames on which the top-1 class is that of the float network.
    pub agreement_with_float: Option<f64>,
    /// McNemar's exact p-value for "as accurate as the float network", on the same frames.
    pub mcnemar_p: Option<f64>,
    /// The float network's time over this one's, from interleaved blocks.
    pub speedup_over_float: Option<Speedup>,
    /// Bytes a prepared session holds: packed weights and live activations.
    pub session_bytes: usize,
    /// Load, prepare and first run.
    pub cold_ms: f64,
    /// The kernels that computed, by the instructions that they use: `simd128`, `avx2`, ...
    pub kernels: String,
    /// Where the time goes, operator by operator in the order in which they run.
    pub profile: Vec<StepProfile>,
    /// What the file says that it was made by.
    pub recipe: Option<Recipe>,
    /// What computes in float although the file is quantized.
    pub left_in_float: Vec<LeftInFloat>,
    /// What it drives; `None` where nobody asked.
    pub driving: Option<Box<Driving>>,
    /// What looks wrong: labels that do not fit the outputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[cfg(test)]
impl Report {
    /// Of a network of classes, with nothing measured: tests say what they are about.
    pub(crate) fn blank() -> Self {
        Self {
            model: String::new(),
            variant: String::new(),
            sha256: String::new(),
            file_bytes: 1,
            weight_bytes: 1,
            gzip_bytes: 1,
            params: 1,
            macs: 1,
            flops: 2,
            bops: 1,
            latency_ms: None,
            task: "classes".into(),
            accuracy: None,
            more_classes: Vec::new(),
            values: None,
            from_float: None,
            mae_change: None,
            agreement_with_float: None,
            mcnemar_p: None,
            speedup_over_float: None,
            session_bytes: 1,
            cold_ms: 1.0,
            kernels: String::new(),
            profile: Vec::new(),
            recipe: None,
            left_in_float: Vec::new(),
            driving: None,
            notes: Vec::new(),
        }
    }
}

/// The share of an inference that one operator takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepProfile {
    /// The network's node that it runs for.
    pub node: String,
    /// The operator as it runs: `QLinearConv` for a Conv on integers; `tract` for one that is
    /// tract's.
    pub operator: String,
    /// Mean milliseconds per inference.
    pub ms: f64,
    /// Multiply-accumulates of one frame; 0 for what only moves or maps elements.
    pub macs: u64,
}

/// Milliseconds per inference at batch 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// Nine of ten inferences take no longer.
    pub p90: f64,
    /// Over all runs.
    pub mean: f64,
    /// Timed inferences behind these figures.
    pub runs: usize,
    /// Bootstrap 95 % interval of the median.
    pub ci95: [f64; 2],
}

/// A ratio of times with its bootstrap 95 % interval; above 1 is faster than the reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speedup {
    /// Of the ratios of interleaved blocks.
    pub median: f64,
    /// Of the median; it reaches to the ratio of the two median latencies where that is another one.
    pub ci95: [f64; 2],
}

/// What can be said of a speedup: how many times, and whether that is faster or slower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// The interval holds "no difference".
    NoDifference,
    /// The lower number first.
    Between([f64; 2], &'static str),
    /// Known well enough to be one number.
    Times(f64, &'static str),
}

impl Speedup {
    /// Two ratios that are farther apart than this share of one of them are not the same.
    const APART: f64 = 0.1;

    /// With an interval that reaches the ratio of the two medians, where that is another one: the machine
    /// did other work meanwhile, and neither ratio is known better.
    pub fn reaching(self, of_medians: f64) -> Self {
        if self.is_about(of_medians) {
            return self;
        }
        let Self { median, ci95: [low, high] } = self;
        Self { median, ci95: [low.min(of_medians), high.max(of_medians)] }
    }

    fn is_about(&self, ratio: f64) -> bool {
        (ratio / self.median - 1.0).abs() <= Self::APART
    }

    /// Whether the interval leaves out "no difference".
    pub fn is_significant(&self) -> bool {
        self.ci95[0] > 1.0 || self.ci95[1] < 1.0
    }

    /// Whether the median can be given without its interval.
    pub fn is_steady(&self) -> bool {
        self.ci95.iter().all(|end| self.is_about(*end))
    }

    /// What it comes to.
    pub fn pace(&self) -> Pace {
        let [low, high] = self.ci95;
        match (self.is_significant(), self.is_steady()) {
            (false, _) => Pace::NoDifference,
            (true, true) if self.median >= 1.0 => Pace::Times(self.median, "faster"),
            (true, true) => Pace::Times(1.0 / self.median, "slower"),
            (true, false) if low > 1.0 => Pace::Between([low, high], "faster"),
            (true, false) => Pace::Between([1.0 / high, 1.0 / low], "slower"),
        }
    }
}

/// An output's classes, and what they have to do with the float network's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// The output's.
    pub name: String,
    /// `None` without labels.
    pub accuracy: Option<Accuracy>,
    /// Share of frames on which the class is the float network's.
    pub agreement_with_float: Option<f64>,
    /// Of "as accurate as the float network".
    pub mcnemar_p: Option<f64>,
}

/// Errors of all values on a labelled set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// Frames.
    pub n: usize,
    /// One for each value of an output, `NAME[i]` where it has several.
    pub outputs: Vec<ValueScore>,
}

/// The errors of one value, in its own unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueScore {
    /// The value's.
    pub name: String,
    /// Mean absolute error.
    pub mae: f64,
    /// 95 % interval by a moving-block bootstrap over the frames in their order.
    pub mae_ci95: [f64; 2],
    /// Root of the mean squared error.
    pub rmse: f64,
    /// The largest error.
    pub max_abs: f64,
    /// 99 of 100 errors are no larger.
    pub p99_abs: f64,
    /// Mean of value less label.
    pub bias: f64,
    /// Share of the labels' variance that is explained; `None` for a single frame.
    pub r2: Option<f64>,
    /// `None` where no tolerance was given.
    pub within: Option<Within>,
}

/// The share of frames whose error is at most the tolerance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Within {
    /// In the value's unit.
    pub tolerance: f64,
    /// Of all frames.
    pub share: f64,
}

/// How far all answers are from the float network's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FromFloat {
    /// One for each value, and for each output of anything else.
    pub outputs: Vec<Distance>,
}

/// How far one value, or the numbers of one output, are from the float network's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distance {
    /// The value's or the output's.
    pub name: String,
    /// The mean difference, without signs.
    pub mean_abs: f64,
    /// 99 of 100 differences are no larger.
    pub p99_abs: f64,
    /// The largest difference.
    pub max_abs: f64,
    /// Signal to noise in dB; `None` if nothing is lost.
    pub sqnr_db: Option<f64>,
}

/// The mean absolute error less the float network's, on the same frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The value's.
    pub name: String,
    /// In the value's unit; above 0 it is farther.
    pub change: f64,
    /// 95 % interval by a moving-block bootstrap over pairs of frames in their order.
    pub ci95: [f64; 2],
    /// Of "no change", by the same bootstrap.
    pub p: f64,
}

/// A value over all frames, for drawing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The value's.
    pub name: String,
    /// What its labels are called, if otherwise.
    pub column: Option<String>,
    /// Of each frame, where there are any.
    pub labels: Option<Vec<f32>>,
    /// What each network says, in the order of the reports.
    pub answers: Vec<Vec<f32>>,
}

impl Series {
    /// `output_0 (user/angle)`: its name, and its labels' where that says more.
    pub fn title(&self) -> String {
        match &self.column {
            Some(column) => format!("{} ({column})", self.name),
            None => self.name.clone(),
        }
    }
}

/// The first output with classes over all frames: what is right, and what the networks say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FrameClasses {
    /// The right class of each frame, where there are labels.
    pub labels: Option<Vec<u16>>,
    /// The class that each network gives, in the order of the reports.
    pub answers: Vec<Vec<u16>>,
}

/// Top-1 accuracy on a labelled set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Share of the frames whose class is right.
    pub top1: f64,
    /// Wilson 95 % interval.
    pub ci95: [f64; 2],
    /// Frames.
    pub n: usize,
    /// `confusion[true class][predicted class]`, in frames.
    pub confusion: Vec<Vec<u32>>,
}
