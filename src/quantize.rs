//! The vocabulary of quantization: scheme, granularity, scale and zero point, recipe.

use serde::{Deserialize, Serialize};

#[cfg(feature = "core")]
mod calibrate;
#[cfg(feature = "core")]
mod observer;
#[cfg(feature = "core")]
mod placement;
#[cfg(feature = "core")]
mod post_training;
#[cfg(feature = "core")]
mod qdq;
#[cfg(feature = "core")]
mod qparams;
#[cfg(feature = "core")]
mod range;
#[cfg(feature = "core")]
mod weights;

#[cfg(feature = "core")]
pub use post_training::{Quantized, RECIPE_KEY, is_quantized, quantize, recipe_of};
#[cfg(feature = "core")]
pub use qparams::QParams;

/// How a range is found from what calibration observed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Method {
    /// The smallest and largest value seen.
    #[default]
    Minmax,
}

/// One scale for a whole weight tensor, or one per output channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Granularity {
    #[default]
    PerChannel,
    PerTensor,
}

/// The integer type that holds activations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum ActivationType {
    #[default]
    U8,
    I8,
}

/// Everything that decides the int8 bytes, besides the network and the calibration frames.
///
/// Its JSON is a contract: versioned, the body of `--recipe` and of a share link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    pub version: u32,
    pub method: Method,
    pub weights: Granularity,
    pub activations: ActivationType,
    /// Symmetric activations: the zero point is the middle of the type (u8: 128, i8: 0).
    pub symmetric: bool,
    /// One bit less (u8 0..127, i8 -64..64), for machines whose u8 x i8 pairs saturate.
    pub reduce_range: bool,
    /// Nodes kept in float, by name.
    pub keep_float: Vec<String>,
    /// Calibration frames used; `None`: all.
    pub samples: Option<usize>,
    /// Which frames `samples` picks.
    pub seed: u64,
}

impl Recipe {
    pub const VERSION: u32 = 1;
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            method: Method::default(),
            weights: Granularity::default(),
            activations: ActivationType::default(),
            symmetric: false,
            reduce_range: false,
            keep_float: Vec::new(),
            samples: None,
            seed: 0,
        }
    }
}

/// A node that computes in float although the file is quantized, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftInFloat {
    pub node: String,
    pub op: String,
    pub why: String,
}

/// How one tensor was quantized.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TensorInfo {
    pub name: String,
    /// ONNX element type in lower case: `uint8`, `int8`, `int32`.
    #[serde(rename = "type")]
    pub element_type: String,
    pub bits: u32,
    /// One, or one per channel.
    pub scale: Vec<f32>,
    pub zero_point: Vec<i32>,
    /// The channel axis; `None` when one scale serves the whole tensor.
    pub axis: Option<usize>,
}
