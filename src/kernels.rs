//! The inner loops, and how one is chosen.
//!
//! The arithmetics share one loop ([`dense`]): 8-bit integers, held as i16 or in bytes and summed in
//! i32, which are exact in any order, and floats, summed along K in order and vectorized across
//! outputs. Where each product is rounded before it is added, floats have the same bits on every
//! machine; fused, they are faster ([`Products`]). Loops are written once, in vectors (`lanes`)
//! that a [`Machine`] has. This module and those below are the only place for `unsafe`.

pub mod channelwise;
pub mod conv;
pub mod dense;
mod depthwise;
pub mod elementwise;
pub mod exp;
pub mod geometry;
mod lanes;
mod machine;
mod number;
pub mod order;
pub mod patches;
pub mod pool;
pub mod requantize;
pub mod sgemm;
pub mod store;
pub mod transposed;
pub mod wide;
pub mod winograd;

#[cfg(all(target_arch = "wasm32", feature = "worker"))]
pub(crate) use machine::relaxed;
pub use machine::{Bytes, Floats, Integers, Machine, Multiplier, Products, SaturatingIntegers};

/// The first `len` elements of a buffer, which only grows; what is there already is to be written
/// over.
fn room<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
    &mut buffer[..len]
}
