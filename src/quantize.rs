//! Post-training quantization: from a float network, a recipe and calibration frames to integers, with
//! the account of the damage and the search of a recipe.

mod adaround;
mod analysis;
mod calibrate;
mod correct;
mod effects;
mod equalize;
mod layer;
mod observer;
mod placement;
mod post_training;
mod qdq;
mod qparams;
mod range;
mod search;
mod step;
mod walk;
mod weights;

pub use analysis::{LayerVariants, Variants, analyze, layer_variants};
pub(crate) use effects::outputs;
pub use placement::Placement;
pub(crate) use post_training::{Calibrated, Prepared, plain};
pub use post_training::{Quantized, RECIPE_KEY, is_quantized, quantize, recipe_of};
pub(crate) use qdq::{Layers, Weights, constant_activation};
pub(crate) use qparams::Params;
pub use qparams::QParams;
pub(crate) use range::ActivationScheme;
pub use search::{Listener, NoRoad, Road, halves, search};
pub use step::{Step, StepProgress};
pub(crate) use weights::{WeightScheme, least_scale};
