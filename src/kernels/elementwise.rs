//! One element after the other, as loops that the compiler makes vectors of.
//!
//! Blocks are made apart from where they go, because the compiler cannot tell that a slice of bytes
//! is not among the things that it reads.

#![allow(clippy::needless_range_loop)]

use super::machine::{Loop, Machine};
use super::requantize::Requantize;

/// Long enough to stay a loop, which makes better vectors than a line of code does.
const LANES: usize = 64;

/// `out[i] = f(x[i])`.
pub fn map<T: Copy, U: Copy + Default>(
    machine: Machine,
    x: &[T],
    out: &mut [U],
    f: impl Fn(T) -> U,
) {
    machine.vectorized(Map { x, out, f });
}

/// `out[i] = f(a[i], b[i])`.
pub fn zip<T: Copy, U: Copy + Default>(
    machine: Machine,
    [a, b]: [&[T]; 2],
    out: &mut [U],
    f: impl Fn(T, T) -> U,
) {
    machine.vectorized(Zip { a, b, out, f });
}

/// `out[i] = requantize(f(a[i], b[i]))`.
pub fn zip_to_codes(
    machine: Machine,
    requantize: &Requantize,
    [a, b]: [&[u8]; 2],
    out: &mut [u8],
    f: impl Fn(u8, u8) -> f32,
) {
    machine.vectorized(ZipToCodes { requantize, a, b, out, f });
}

struct Map<'a, T, U, F> {
    x: &'a [T],
    out: &'a mut [U],
    f: F,
}

impl<T: Copy, U: Copy + Default, F: Fn(T) -> U> Loop for Map<'_, T, U, F> {
    #[inline(always)]
    fn run(self) {
        let (x, x_rest) = self.x.as_chunks::<LANES>();
        let (out, out_rest) = self.out.as_chunks_mut::<LANES>();
        for (out, x) in out.iter_mut().zip(x) {
            let mut made = [U::default(); LANES];
            for i in 0..LANES {
                made[i] = (self.f)(x[i]);
            }
            *out = made;
        }
        for (out, &x) in out_rest.iter_mut().zip(x_rest) {
            *out = (self.f)(x);
        }
    }
}

struct Zip<'a, T, U, F> {
    a: &'a [T],
    b: &'a [T],
    out: &'a mut [U],
    f: F,
}

impl<T: Copy, U: Copy + Default, F: Fn(T, T) -> U> Loop for Zip<'_, T, U, F> {
    #[inline(always)]
    fn run(self) {
        let [(a, a_rest), (b, b_rest)] = [self.a, self.b].map(|x| x.as_chunks::<LANES>());
        let (out, out_rest) = self.out.as_chunks_mut::<LANES>();
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            let mut made = [U::default(); LANES];
            for i in 0..LANES {
                made[i] = (self.f)(a[i], b[i]);
            }
            *out = made;
        }
        for ((out, &a), &b) in out_rest.iter_mut().zip(a_rest).zip(b_rest) {
            *out = (self.f)(a, b);
        }
    }
}

struct ZipToCodes<'a, F> {
    requantize: &'a Requantize,
    a: &'a [u8],
    b: &'a [u8],
    out: &'a mut [u8],
    f: F,
}

impl<F: Fn(u8, u8) -> f32> Loop for ZipToCodes<'_, F> {
    #[inline(always)]
    fn run(self) {
        let [(a, a_rest), (b, b_rest)] = [self.a, self.b].map(|x| x.as_chunks::<LANES>());
        let (out, out_rest) = self.out.as_chunks_mut::<LANES>();
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            let mut reals = [0.0; LANES];
            for i in 0..LANES {
                reals[i] = (self.f)(a[i], b[i]);
            }
            self.requantize.reals(&reals, out);
        }
        for ((out, &a), &b) in out_rest.iter_mut().zip(a_rest).zip(b_rest) {
            *out = self.requantize.real((self.f)(a, b)) as u8;
        }
    }
}
