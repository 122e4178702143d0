//! The use-cases: load, inspect, quantize, train, evaluate, compare.
//!
//! Names no browser API, no file and no thread: a shell sends [`Request`](protocol::Request)s and
//! hears [`Event`](protocol::Event)s.

#[cfg(feature = "core")]
mod hand;
#[cfg(feature = "core")]
mod handle;
pub mod protocol;

#[cfg(feature = "core")]
pub use hand::Hand;
#[cfg(feature = "core")]
pub use handle::{Emit, Lab};
