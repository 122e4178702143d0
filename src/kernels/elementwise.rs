//! One element after the other, as loops that the compiler makes vectors of.
//!
//! Blocks are made apart from where they go, because the compiler cannot tell that a slice of bytes
//! is not among the things that it reads.

#![allow(clippy::needless_range_loop)]

use super::requantize::Requantize;
use super::wide::wide;

/// Long enough to stay a loop, which makes better vectors than a line of code does.
const LANES: usize = 64;

wide! {
    /// `out[i] = f(x[i])`.
    pub fn map[T: Copy, U: Copy + Default](x: &[T], out: &mut [U], f: impl Fn(T) -> U) {
        let (x, x_rest) = x.as_chunks::<LANES>();
        let (out, out_rest) = out.as_chunks_mut::<LANES>();
        for (out, x) in out.iter_mut().zip(x) {
            let mut made = [U::default(); LANES];
            for i in 0..LANES {
                made[i] = f(x[i]);
            }
            *out = made;
        }
        for (out, &x) in out_rest.iter_mut().zip(x_rest) {
            *out = f(x);
        }
    }
}

wide! {
    /// `out[i] = f(a[i], b[i])`.
    pub fn zip[T: Copy, U: Copy + Default](
        a: &[T],
        b: &[T],
        out: &mut [U],
        f: impl Fn(T, T) -> U,
    ) {
        let [(a, a_rest), (b, b_rest)] = [a, b].map(|x| x.as_chunks::<LANES>());
        let (out, out_rest) = out.as_chunks_mut::<LANES>();
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            let mut made = [U::default(); LANES];
            for i in 0..LANES {
                made[i] = f(a[i], b[i]);
            }
            *out = made;
        }
        for ((out, &a), &b) in out_rest.iter_mut().zip(a_rest).zip(b_rest) {
            *out = f(a, b);
        }
    }
}

wide! {
    /// `out[i] = requantize(f(a[i], b[i]))`.
    pub fn zip_to_codes(
        requantize: &Requantize,
        a: &[u8],
        b: &[u8],
        out: &mut [u8],
        f: impl Fn(u8, u8) -> f32,
    ) {
        let [(a, a_rest), (b, b_rest)] = [a, b].map(|x| x.as_chunks::<LANES>());
        let (out, out_rest) = out.as_chunks_mut::<LANES>();
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            let mut reals = [0.0; LANES];
            for i in 0..LANES {
                reals[i] = f(a[i], b[i]);
            }
            requantize.reals(&reals, out);
        }
        for ((out, &a), &b) in out_rest.iter_mut().zip(a_rest).zip(b_rest) {
            *out = requantize.real(f(a, b)) as u8;
        }
    }
}

wide! {
    /// The smallest and the largest number; infinite, the wrong way round, if there is none.
    pub fn extremes(values: &[f32]) -> [f32; 2] {
        // Lanes that do not wait for each other.
        let mut low = [f32::INFINITY; LANES];
        let mut high = [f32::NEG_INFINITY; LANES];
        let (chunks, rest) = values.as_chunks::<LANES>();
        for values in chunks {
            for i in 0..LANES {
                low[i] = if values[i] < low[i] { values[i] } else { low[i] };
                high[i] = if values[i] > high[i] { values[i] } else { high[i] };
            }
        }
        let low = low.iter().chain(rest).copied().fold(f32::INFINITY, f32::min);
        let high = high.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
        [low, high]
    }
}
