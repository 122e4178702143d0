//! Steer8: a quantization lab for driving networks.
//!
//! ARCHITECTURE.md has the map, and the order in which the rooms stand upon each other.

#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
#[cfg(feature = "core")]
pub mod crew;
#[cfg(feature = "core")]
pub mod data;
#[cfg(feature = "core")]
pub mod drive;
pub mod error;
pub mod figures;
#[cfg(feature = "core")]
pub mod graph;
#[cfg(feature = "core")]
pub mod kernels;
pub mod lab;
#[cfg(feature = "core")]
pub mod measure;
#[cfg(feature = "core")]
pub mod onnx;
pub mod page;
pub mod progress;
#[cfg(feature = "core")]
pub mod quantize;
pub mod random;
pub mod report;
#[cfg(feature = "core")]
pub mod runtime;
#[cfg(feature = "core")]
pub mod score;
#[cfg(feature = "core")]
pub mod shelf;
pub mod statistics;
#[cfg(feature = "core")]
pub mod train;
pub mod vocabulary;
#[cfg(feature = "page")]
pub mod web;
