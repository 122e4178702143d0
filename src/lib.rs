//! Steer8: a quantization lab for driving networks.
//!
//! The modules in dependency order; ARCHITECTURE.md has the map.

#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod data;
pub mod error;
pub mod figures;
pub mod graph;
pub mod kernels;
pub mod lab;
pub mod measure;
pub mod onnx;
pub mod page;
pub mod progress;
pub mod quantize;
pub mod random;
pub mod runtime;
#[cfg(feature = "web")]
pub mod web;
