//! Steer8: a quantization lab for driving networks.
//!
//! The modules in dependency order; ARCHITECTURE.md has the map.

#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod data;
pub mod error;
pub mod figures;
#[cfg(feature = "core")]
pub mod graph;
#[cfg(feature = "core")]
pub mod kernels;
pub mod lab;
pub mod measure;
#[cfg(feature = "core")]
pub mod onnx;
pub mod page;
pub mod progress;
pub mod quantize;
pub mod random;
#[cfg(feature = "core")]
pub mod runtime;
pub mod train;
#[cfg(feature = "page")]
pub mod web;
