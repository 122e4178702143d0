//! WebAssembly's 128-bit vectors.

use std::arch::wasm32::{
    f32x4_add, f32x4_mul, f32x4_splat, i16x8_shuffle, i32x4_add, i32x4_dot_i16x8, i32x4_splat,
    v128, v128_load, v128_load32_splat, v128_store,
};

use super::{ChannelLanes, Lanes, MOST_STEP};

/// f32, each product rounded before it is added.
#[derive(Debug, Clone, Copy)]
pub struct Floats;

/// f32, fused where the engine's machine can: not the same bits everywhere.
#[cfg(feature = "relaxed-kernels")]
#[derive(Debug, Clone, Copy)]
pub struct FusedFloats;

/// Pairs of i16 by `i32x4.dot_i16x8_s`.
#[derive(Debug, Clone, Copy)]
pub struct Pairs;

macro_rules! lanes {
    ($lanes:ty, $element:ty, $sum:ty, $step:literal, $zero:expr, $product:expr) => {
        impl Lanes for $lanes {
            type Element = $element;
            type Sum = $sum;
            type Vector = v128;
            const LANES: usize = 4;
            const STEP: usize = $step;

            #[inline(always)]
            unsafe fn zero() -> v128 {
                $zero
            }

            #[inline(always)]
            unsafe fn load(from: *const $element) -> v128 {
                // SAFETY: the caller lets 16 bytes be read; these loads need no alignment.
                unsafe { v128_load(from.cast()) }
            }

            #[inline(always)]
            unsafe fn spread(from: *const $element) -> v128 {
                // SAFETY: the caller lets 4 bytes be read; these loads need no alignment.
                unsafe { v128_load32_splat(from.cast()) }
            }

            #[inline(always)]
            unsafe fn add_product(sums: v128, x: v128, weights: v128) -> v128 {
                $product(sums, x, weights)
            }

            #[inline(always)]
            unsafe fn store(sums: v128, to: *mut $sum) {
                // SAFETY: the caller lets 16 bytes be written.
                unsafe { v128_store(to.cast(), sums) }
            }
        }
    };
}

lanes!(Floats, f32, f32, 1, f32x4_splat(0.0), |sums, x, w| f32x4_add(sums, f32x4_mul(x, w)));
#[cfg(feature = "relaxed-kernels")]
lanes!(FusedFloats, f32, f32, 1, f32x4_splat(0.0), |sums, x, w| {
    std::arch::wasm32::f32x4_relaxed_madd(x, w, sums)
});
lanes!(Pairs, i16, i32, 2, i32x4_splat(0), |sums, x, w| i32x4_add(sums, i32x4_dot_i16x8(x, w)));

macro_rules! float_channels {
    ($lanes:ty) => {
        impl ChannelLanes for $lanes {
            const VECTORS: usize = 2;

            #[inline(always)]
            unsafe fn channels(taps: [*const f32; MOST_STEP]) -> [v128; 2] {
                // SAFETY: the caller lets 8 elements be read.
                unsafe { [Self::load(taps[0]), Self::load(taps[0].add(4))] }
            }

            #[inline(always)]
            unsafe fn store_channels(sums: [v128; 2], to: *mut f32) {
                // SAFETY: the caller lets 8 sums be written.
                unsafe {
                    Self::store(sums[0], to);
                    Self::store(sums[1], to.add(4));
                }
            }
        }
    };
}

float_channels!(Floats);
#[cfg(feature = "relaxed-kernels")]
float_channels!(FusedFloats);

impl ChannelLanes for Pairs {
    const VECTORS: usize = 2;

    #[inline(always)]
    unsafe fn channels(taps: [*const i16; MOST_STEP]) -> [v128; 2] {
        // SAFETY: the caller lets 8 elements be read at both places.
        let [a, b] = [taps[0], taps[1]].map(|tap| unsafe { v128_load(tap.cast()) });
        [
            i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b),
            i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b),
        ]
    }

    #[inline(always)]
    unsafe fn store_channels(sums: [v128; 2], to: *mut i32) {
        // SAFETY: the caller lets 8 sums be written.
        unsafe {
            Self::store(sums[0], to);
            Self::store(sums[1], to.add(4));
        }
    }
}
