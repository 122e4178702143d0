//! How many multiply-accumulates per second one thread of this browser reaches at best: chains of
//! instructions on registers alone, without a load or a store.
//!
//! Every chain's next step needs its last one, so nothing can be taken out of the loop; how many
//! chains hide an instruction's latency without leaving the registers depends on processor and
//! browser, so the caller tries several numbers.

use std::arch::wasm32::{
    f32x4_add, f32x4_mul, f32x4_splat, i16x8_splat, i32x4_add, i32x4_dot_i16x8, i32x4_splat, v128,
};
use std::hint::black_box;

use wasm_bindgen::prelude::wasm_bindgen;

/// What the innermost loop is made of.
#[wasm_bindgen]
#[derive(Clone, Copy)]
pub enum Step {
    /// `f32x4.mul` and `f32x4.add`.
    MulAdd,
    /// `f32x4.relaxed_madd`, of the build with relaxed SIMD alone.
    RelaxedMadd,
    /// `i32x4.dot_i16x8_s` and `i32x4.add`: 8-bit operands held as i16, exact.
    Dot,
}

const UNROLLED: u32 = 4;

/// Does `rounds` rounds on so many chains; gives the multiply-accumulates done. 0 for a step or a
/// number of chains that this build does not have.
#[wasm_bindgen]
pub fn peak(step: Step, chains: u32, rounds: u32) -> f64 {
    let done = match chains {
        6 => run::<6>(step, rounds),
        8 => run::<8>(step, rounds),
        10 => run::<10>(step, rounds),
        12 => run::<12>(step, rounds),
        14 => run::<14>(step, rounds),
        _ => None,
    };
    done.map_or(0.0, |lanes| f64::from(rounds) * f64::from(UNROLLED * chains * lanes))
}

/// Multiply-accumulates of one step.
fn run<const CHAINS: usize>(step: Step, rounds: u32) -> Option<u32> {
    let (x, y) = (f32x4_splat(black_box(0.5)), f32x4_splat(black_box(1.0)));
    let weights = i16x8_splat(black_box(3));
    match step {
        Step::MulAdd => {
            repeat::<CHAINS>(rounds, |sum| f32x4_add(f32x4_mul(sum, x), y));
            Some(4)
        }
        #[cfg(feature = "relaxed-simd")]
        Step::RelaxedMadd => {
            relaxed::<CHAINS>(rounds, x, y);
            Some(4)
        }
        #[cfg(not(feature = "relaxed-simd"))]
        Step::RelaxedMadd => None,
        Step::Dot => {
            repeat::<CHAINS>(rounds, |sum| i32x4_add(sum, i32x4_dot_i16x8(sum, weights)));
            Some(8)
        }
    }
}

#[cfg(feature = "relaxed-simd")]
#[target_feature(enable = "relaxed-simd")]
fn relaxed<const CHAINS: usize>(rounds: u32, x: v128, y: v128) {
    repeat::<CHAINS>(rounds, |sum| std::arch::wasm32::f32x4_relaxed_madd(sum, x, y));
}

#[inline(always)]
fn repeat<const CHAINS: usize>(rounds: u32, step: impl Fn(v128) -> v128) {
    // Different from one another, or the chains would be one.
    let mut sums: [v128; CHAINS] = std::array::from_fn(|i| i32x4_splat(black_box(i as i32)));
    for _ in 0..rounds {
        for _ in 0..UNROLLED {
            for sum in &mut sums {
                *sum = step(*sum);
            }
        }
    }
    black_box(sums);
}
