//! Steer8: a quantization lab for driving networks.
//!
//! The modules in dependency order; ARCHITECTURE.md has the map.

pub mod clock;
pub mod data;
pub mod error;
pub mod lab;
pub mod measure;
pub mod progress;
pub mod quantize;
pub mod random;
