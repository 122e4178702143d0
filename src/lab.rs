//! The use-cases: load, inspect, quantize, evaluate, compare.
//!
//! Names no browser API, no file and no thread: a shell sends [`Request`](protocol::Request)s and
//! hears [`Event`](protocol::Event)s.

#[cfg(feature = "core")]
mod analyze;
#[cfg(feature = "core")]
mod compare;
#[cfg(feature = "core")]
mod evaluate;
#[cfg(feature = "core")]
mod handle;
#[cfg(feature = "core")]
mod inspect;
#[cfg(feature = "core")]
mod profile;
pub mod protocol;

#[cfg(feature = "core")]
pub use handle::{Emit, Lab};
