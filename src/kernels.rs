//! The inner loops, and how one is chosen.
//!
//! Two arithmetics share one shape, a tile of dot products ([`tile::Arithmetic`]): 8-bit integers
//! (held as i16, products summed in i32: exact, in any order) and deterministic float (one
//! summation order along K, no fused multiply-add, vectorized across outputs: the same bits on
//! every target). This module and those below are the only place for `unsafe`.

pub mod conv;
pub mod channelwise;
pub mod exp;
pub mod gemm;
pub mod geometry;
pub mod patches;
pub mod pool;
pub mod requantize;
pub mod sgemm;
pub mod tile;
pub mod transposed;
pub mod wide;
