//! What is measured about a network.

use serde::{Deserialize, Serialize};

use super::quantization::LeftInFloat;
use super::recipe::Recipe;

/// Everything measured about one variant of a network: a column of the comparison.
///
/// Its JSON is a contract (`steer8 compare --json`): fields are added, never renamed.
/// What has nothing to be compared with is `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub model: String,
    /// Read from the file: `float`, `int8`, or widths such as `w3a8`.
    pub variant: String,
    /// Bytes of the ONNX file.
    pub file_bytes: usize,
    /// Bytes of the weights in it.
    pub weight_bytes: usize,
    /// Bytes of the file after gzip.
    pub gzip_bytes: usize,
    pub params: u64,
    /// Multiply-accumulates of Conv, Gemm and MatMul for one frame, no bias (as fvcore counts).
    pub macs: u64,
    /// 2 x MACs.
    pub flops: u64,
    /// MACs x weight bits x activation bits.
    pub bops: u64,
    pub latency_ms: Option<Latency>,
    pub accuracy: Option<Accuracy>,
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
    pub recipe: Option<Recipe>,
    pub left_in_float: Vec<LeftInFloat>,
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
    pub p50: f64,
    pub p90: f64,
    pub mean: f64,
    /// Timed inferences behind these figures.
    pub runs: usize,
    /// Bootstrap 95 % interval of the median.
    pub ci95: [f64; 2],
}

/// A ratio of times with its bootstrap 95 % interval; above 1 is faster than the reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speedup {
    pub median: f64,
    pub ci95: [f64; 2],
}

impl Speedup {
    /// Whether the interval leaves out "no difference".
    pub fn is_significant(&self) -> bool {
        self.ci95[0] > 1.0 || self.ci95[1] < 1.0
    }
}

/// Top-1 accuracy on a labelled set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    pub top1: f64,
    /// Wilson 95 % interval.
    pub ci95: [f64; 2],
    pub n: usize,
    /// `confusion[true class][predicted class]`, in frames.
    pub confusion: Vec<Vec<u32>>,
}
