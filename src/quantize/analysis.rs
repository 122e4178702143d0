//! What quantizing does to a network: the account of the damage, tensor by tensor and layer by
//! layer.

mod account;
mod drift;
mod layers;
mod tensors;

pub use account::analyze;
pub use layers::{LayerVariants, Variants, layer_variants};
