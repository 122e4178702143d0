//! Steer8 takes a float ONNX network that drives, turns it into an int8 one, and says what that costs:
//! quantized after training or while it trains, run on integers bit for bit as ONNX Runtime's integer
//! kernels do, and judged on labelled frames and on the road. The command line and the page are shells
//! around this library.
//!
//! # From a float network to an int8 file
//!
//! The same stands in `examples/quantize.rs`.
//!
//! ```
#![cfg_attr(feature = "core", doc = include_str!("../examples/quantize.rs"))]
//! ```
//!
//! # The map
//!
//! | what for | where |
//! | --- | --- |
//! | a network as data; its file | [`graph`], [`onnx`] |
//! | frames and labels, as they lie on the disk | [`data`] |
//! | quantizing after training, the account of the damage, the search for a recipe | [`quantize`] |
//! | quantization-aware training | [`train`] |
//! | running a network, float or int8 | [`runtime`] |
//! | what answers are worth; latency, operations, size | [`score`], [`measure`] |
//! | CarRacing without Gymnasium, and networks at the wheel | [`drive`] |
//! | a comparison to be handed on: HTML, Markdown, CSV | [`report`] |
//! | recipes, plans, reports: what is asked for and what comes of it | [`vocabulary`] |
//! | what failed, where, and the way out | [`error`] |
//! | being told how far it is, and stopping it; help from threads | [`progress`], [`crew`] |
//! | numbers from a seed | [`random`] |
//!
//! Nothing here opens a file, starts a thread or looks at a clock for a result: bytes come in, bytes go
//! out, and the same network, recipe and frames give the same bytes everywhere. `ARCHITECTURE.md` says how
//! the modules stand upon each other and what always holds; `CONTRIBUTING.md`, how something is added.
//!
//! What the programs, tests and benchmarks use besides (messages, kernels, the shells) is public, but
//! hidden here: it follows their needs alone.
//!
//! # Features
//!
//! - `core`: all that computes, and all that a program of yours needs: `default-features = false, features =
//!   ["core"]`. Without it there is plain data alone, which is what the page is built from.
//! - `cli` (default): the command line, and `core`.
//! - `page`, `worker`: the page, and its worker; for `wasm32-unknown-unknown`.
//! - `relaxed-simd`: kernels for browsers that have the relaxed instructions.
//!
//! `[patch.crates-io]` of this workspace, two small stand-ins for crates of which tract uses little, does not reach
//! a program that depends on it: that links the originals.

#![warn(missing_docs)]

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod clock;
#[cfg(feature = "core")]
pub mod crew;
#[cfg(feature = "core")]
pub mod data;
#[cfg(feature = "core")]
pub mod drive;
pub mod error;
#[doc(hidden)]
pub mod figures;
#[cfg(feature = "core")]
pub mod graph;
#[cfg(feature = "core")]
#[doc(hidden)]
pub mod kernels;
#[doc(hidden)]
pub mod lab;
#[cfg(feature = "core")]
pub mod measure;
#[cfg(feature = "core")]
pub mod onnx;
// Its state is tested natively.
#[cfg(any(feature = "page", test))]
#[doc(hidden)]
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
#[doc(hidden)]
pub mod shelf;
#[doc(hidden)]
pub mod statistics;
#[cfg(feature = "core")]
pub mod train;
pub mod vocabulary;
#[cfg(feature = "browser")]
#[doc(hidden)]
pub mod web;
