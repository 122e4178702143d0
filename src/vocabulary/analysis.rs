//! The account of what quantizing does to a network, tensor by tensor and layer by layer.

use serde::{Deserialize, Serialize};

use super::driving::Losses;

/// The account of one recipe on one network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Every tensor with a scale, in the order in which the network makes them.
    pub tensors: Vec<TensorDamage>,
    /// Every node on integers that rounds, in the network's order.
    pub layers: Vec<LayerDamage>,
    /// The float network's own top-1 and mean absolute error; `None` without such labels.
    pub float_top1: Option<f64>,
    /// Its mean absolute error.
    pub float_mae: Option<f64>,
    /// The whole network quantized.
    pub quantized: Damage,
    /// The same on a machine whose integer unit adds u8 x i8 products in pairs that saturate at 16
    /// bits (x86 without VNNI); `None` where that cannot happen.
    pub saturating: Option<Damage>,
    /// The whole network, calibrated on fewer frames.
    pub by_calibration_frames: Vec<FramesDamage>,
    /// Frames on which effects were measured.
    pub frames: usize,
    /// What looks wrong, in words.
    pub warnings: Vec<String>,
    /// What it drives; `None` where nobody asked.
    pub driving: Option<Losses>,
}

/// What a change does to the network's answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Damage {
    /// Share of right classes; `None` without any, and without labels.
    pub top1: Option<f64>,
    /// Share of classes that are the float network's; `None` where the outputs are no classes.
    pub agreement: Option<f64>,
    /// Mean squared difference of the outputs' numbers from the float network's.
    pub logit_mse: f64,
    /// Mean absolute error of all values; `None` without any, and without labels.
    pub mae: Option<f64>,
    /// The same less the float network's.
    pub mae_change: Option<f64>,
    /// The largest distance of a number from the float network's.
    pub max_abs_from_float: f64,
}

/// The effect of calibrating on so many of the calibration frames, chosen by the recipe's seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FramesDamage {
    /// So many.
    pub calibration_frames: usize,
    /// What that does to the answers.
    #[serde(flatten)]
    pub effect: Damage,
}

/// How well a tensor's integers keep its values, over the calibration frames or the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TensorDamage {
    /// Of the tensor.
    pub name: String,
    /// The node that makes it, or that has it as its weights; `None` for the network's input.
    pub node: Option<String>,
    /// Else an activation.
    pub is_weight: bool,
    /// ONNX element type in lower case.
    #[serde(rename = "type")]
    pub element_type: String,
    /// How wide its integers are.
    pub bits: u32,
    /// The smallest and largest value seen.
    pub observed: [f32; 2],
    /// The smallest and largest value that an integer stands for; the widest of the channels'.
    pub represented: [f32; 2],
    /// Signal to quantization noise in dB: `10 log10(sum x^2 / sum (x - q(x))^2)`; `None` if
    /// nothing is lost.
    pub sqnr_db: Option<f64>,
    /// Cosine of the angle between the values and what is left of them.
    pub cosine: f64,
    /// Share of the integers that occur.
    pub range_used: f64,
    /// Share of the values beyond the smallest or largest integer.
    pub clipped: f64,
    /// Scale and zero point of the first channel, for drawing the grid.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero_point: i32,
    /// Of its values.
    pub histogram: Bars,
}

/// A histogram for a small picture: counts in equal bins from `low` to `high`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bars {
    /// Where the first bin begins.
    pub low: f32,
    /// Where the last one ends.
    pub high: f32,
    /// Of each bin.
    pub counts: Vec<u64>,
}

/// What quantizing one node does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerDamage {
    /// Its name.
    pub node: String,
    /// Its operator.
    pub op: String,
    /// `None` for a node without weights.
    pub weight_bits: Option<u32>,
    /// Of the tensor it makes.
    pub activation_bits: u32,
    /// Multiply-accumulates of one frame.
    pub macs: u64,
    /// Signal to quantization noise of its output in dB, its inputs being float; `None` if nothing
    /// is lost.
    pub sqnr_db: Option<f64>,
    /// The rest of the network is float.
    pub only_this_quantized: Damage,
    /// The rest of the network is quantized.
    pub only_this_float: Damage,
    /// Output channels that are the same on every calibration frame.
    pub dead_channels: Vec<usize>,
    /// The largest int32 bias or accumulator bound over 2^31: 1 would overflow.
    pub accumulator_used: f64,
    /// Whether a weight scale was raised so that the bias fits int32.
    pub scale_raised: bool,
}
