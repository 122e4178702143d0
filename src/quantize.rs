//! The vocabulary of quantization: scheme, granularity, scale and zero point, recipe.

use serde::{Deserialize, Serialize};

#[cfg(feature = "core")]
mod adaround;
mod analysis;
#[cfg(feature = "core")]
mod calibrate;
#[cfg(feature = "core")]
mod correct;
#[cfg(feature = "core")]
mod effects;
#[cfg(feature = "core")]
mod equalize;
#[cfg(feature = "core")]
mod layer;
#[cfg(feature = "core")]
mod noise;
#[cfg(feature = "core")]
mod observer;
#[cfg(feature = "core")]
mod placement;
#[cfg(feature = "core")]
mod post_training;
#[cfg(feature = "core")]
mod qdq;
#[cfg(feature = "core")]
mod qoperator;
#[cfg(feature = "core")]
mod qparams;
#[cfg(feature = "core")]
mod range;
mod recipe;
mod search;
#[cfg(feature = "core")]
mod walk;
#[cfg(feature = "core")]
mod weights;

#[cfg(feature = "core")]
pub use analysis::analyze;
pub use analysis::{Analysis, Bars, Effect, FramesEffect, LayerDamage, TensorDamage};
#[cfg(feature = "core")]
pub use placement::Placement;
#[cfg(feature = "core")]
pub(crate) use post_training::{Calibrated, Prepared, plain};
#[cfg(feature = "core")]
pub use post_training::{Quantized, RECIPE_KEY, StepProgress, is_quantized, quantize, recipe_of};
#[cfg(feature = "core")]
pub(crate) use qdq::{Layers, Weights, constant_activation};
#[cfg(feature = "core")]
pub(crate) use qparams::Params;
#[cfg(feature = "core")]
pub use qparams::QParams;
#[cfg(feature = "core")]
pub(crate) use range::ActivationScheme;
pub use recipe::{
    ActivationType, Format, Granularity, LayerBits, Method, Recipe, Rounding, WeightRange,
};
pub use search::{Found, Target, Trial};
#[cfg(feature = "core")]
pub use search::{Listener, search};
#[cfg(feature = "core")]
pub(crate) use weights::{WeightScheme, least_scale};

/// What quantizing does, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Equalize,
    Calibrate,
    Round,
    CorrectBias,
    Analyze,
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
