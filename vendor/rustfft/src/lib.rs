//! Fourier transforms for tract, in place of the crate `rustfft` (`[patch.crates-io]`).
//!
//! tract uses that crate for the operators DFT and STFT alone, which hardly any network that drives
//! has; it would be a fourteenth of the worker that every visitor loads. This is what tract names
//! of it, no more. It computes in f64 with libm's sines, so the same on every machine.

use std::marker::PhantomData;

use num_complex::Complex;
pub use num_traits;
use num_traits::{Float, FromPrimitive};

/// A real number that is transformed.
pub trait FftNum: Float + FromPrimitive {}

impl FftNum for f32 {}
impl FftNum for f64 {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FftDirection {
    Forward,
    /// Not divided by the length.
    Inverse,
}

#[derive(Debug)]
pub struct FftPlanner<T>(PhantomData<T>);

impl<T: FftNum> FftPlanner<T> {
    #[expect(clippy::new_without_default, reason = "not asked for")]
    pub fn new() -> Self {
        Self(PhantomData)
    }

    pub fn plan_fft_forward(&mut self, len: usize) -> Fft<T> {
        self.plan_fft(len, FftDirection::Forward)
    }

    pub fn plan_fft(&mut self, len: usize, direction: FftDirection) -> Fft<T> {
        let turn = match direction {
            FftDirection::Forward => -std::f64::consts::TAU,
            FftDirection::Inverse => std::f64::consts::TAU,
        };
        let root = |i| {
            let (im, re) = libm::sincos(turn * (i as f64 / len as f64));
            Complex { re, im }
        };
        Fft { roots: (0..len).map(root).collect(), of: PhantomData }
    }
}

/// The transform of one length.
#[derive(Debug)]
pub struct Fft<T> {
    /// The powers of the root of unity.
    roots: Vec<Complex<f64>>,
    of: PhantomData<T>,
}

impl<T: FftNum> Fft<T> {
    /// Transforms `values` in place, which are as many as was planned.
    pub fn process(&self, values: &mut [Complex<T>]) {
        let wide = |x: T| x.to_f64().unwrap_or(f64::NAN);
        let narrow = |x| T::from_f64(x).unwrap_or_else(T::nan);
        let from: Vec<_> = values.iter().map(|v| Complex::new(wide(v.re), wide(v.im))).collect();
        let mut to = from.clone();
        transform(&from, 1, &self.roots, &mut to, &mut from.clone());
        for (value, sum) in values.iter_mut().zip(to) {
            *value = Complex::new(narrow(sum.re), narrow(sum.im));
        }
    }
}

/// The transform of every `stride`-th of `from`, by the smallest factor `p` of its length `n`: `p`
/// transforms of what is `p` apart, then sums of `p` of their results. `scratch` is as long as `to`.
fn transform(
    from: &[Complex<f64>],
    stride: usize,
    roots: &[Complex<f64>],
    to: &mut [Complex<f64>],
    scratch: &mut [Complex<f64>],
) {
    let n = to.len();
    if n <= 1 {
        to.copy_from_slice(&from[..n]);
        return;
    }
    let p = (2..).take_while(|p| p * p <= n).find(|p| n.is_multiple_of(*p)).unwrap_or(n);
    let part = n / p;
    for (i, to) in to.chunks_exact_mut(part).enumerate() {
        transform(&from[i * stride..], stride * p, roots, to, &mut scratch[..part]);
    }
    let column = &mut scratch[..p];
    for k in 0..part {
        for (i, value) in column.iter_mut().enumerate() {
            *value = to[i * part + k];
        }
        for at in (k..n).step_by(part) {
            let mut power = 0;
            let mut sum = Complex::new(0.0, 0.0);
            for value in &*column {
                sum += value * roots[power * stride];
                power = (power + at) % n;
            }
            to[at] = sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transformed(values: &[Complex<f64>], direction: FftDirection) -> Vec<Complex<f64>> {
        let mut values = values.to_vec();
        FftPlanner::new().plan_fft(values.len(), direction).process(&mut values);
        values
    }

    fn assert_near(a: &[Complex<f64>], b: &[Complex<f64>]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).norm() < 1e-9, "{a} is not {b}");
        }
    }

    /// Nothing regular.
    fn signal(len: usize) -> Vec<Complex<f64>> {
        let at = |i: usize| (i * i % 17) as f64 - 8.0;
        (0..len).map(|i| Complex::new(at(i), at(i + 5))).collect()
    }

    #[test]
    fn a_known_transform() {
        // numpy.fft.fft([1, 2j, -3, 4])
        let values = [(1.0, 0.0), (0.0, 2.0), (-3.0, 0.0), (4.0, 0.0)];
        let sums = [(2.0, 2.0), (6.0, 4.0), (-6.0, -2.0), (2.0, -4.0)];
        let complex = |pairs: &[(f64, f64)]| -> Vec<_> {
            pairs.iter().map(|&(re, im)| Complex::new(re, im)).collect()
        };
        assert_near(&transformed(&complex(&values), FftDirection::Forward), &complex(&sums));
    }

    #[test]
    fn lengths_of_every_kind_are_the_plain_sum() {
        for len in [0, 1, 2, 3, 4, 6, 8, 9, 12, 13, 30, 49, 64, 97, 100, 360] {
            let values = signal(len);
            for direction in [FftDirection::Forward, FftDirection::Inverse] {
                let turn = if direction == FftDirection::Forward { -1.0 } else { 1.0 };
                let angle = |k: usize, i: usize| {
                    turn * std::f64::consts::TAU * ((k * i % len) as f64 / len as f64)
                };
                let sum = |k: usize| -> Complex<f64> {
                    let terms = values.iter().enumerate();
                    terms.map(|(i, value)| value * Complex::from_polar(1.0, angle(k, i))).sum()
                };
                let sums: Vec<_> = (0..len).map(sum).collect();
                assert_near(&transformed(&values, direction), &sums);
            }
        }
    }

    #[test]
    fn there_and_back() {
        for len in [7, 256, 1000] {
            let values = signal(len);
            let mut back = transformed(&values, FftDirection::Forward);
            back = transformed(&back, FftDirection::Inverse);
            back.iter_mut().for_each(|value| *value /= len as f64);
            assert_near(&back, &values);
        }
    }

    #[test]
    fn floats_too() {
        let mut values: Vec<Complex<f32>> = vec![Complex::new(0.5, 0.0); 8];
        FftPlanner::new().plan_fft_forward(8).process(&mut values);
        assert_eq!(values[0], Complex::new(4.0, 0.0));
        assert!(values[1..].iter().all(|value| value.norm() < 1e-6), "{values:?}");
    }
}
