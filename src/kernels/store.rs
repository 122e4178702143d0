//! What becomes of sums: a bias, an activation's bounds, and 8 bits again where they are integers.

use super::dense::Store;
use super::requantize::{Requantize, by_lanes};

/// Sums of integers to 8-bit integers.
#[derive(Debug)]
pub struct ToCodes<'a> {
    bias: &'a [i32],
    requantize: &'a Requantize,
    /// Rows of as many codes as there are biases.
    out: &'a mut [u8],
    selected: [usize; 2],
}

impl<'a> ToCodes<'a> {
    /// `requantize` has a multiplier for each bias.
    pub fn new(bias: &'a [i32], requantize: &'a Requantize, out: &'a mut [u8]) -> Self {
        Self { bias, requantize, out, selected: [0, bias.len()] }
    }
}

impl Store<i32> for ToCodes<'_> {
    fn select(&mut self, first: usize, columns: usize) {
        self.selected = [first, columns];
    }

    #[inline(always)]
    fn store<const ROWS: usize>(&mut self, row: usize, column: usize, sums: [&[i32]; ROWS]) {
        let [first, columns] = self.selected;
        let (at, rest) = (first + column, columns - column);
        // A constant where the block is whole, which lets the loops be vectors.
        let len = sums[0].len();
        let width = self.bias.len();
        if len <= rest {
            let bias = &self.bias[at..][..len];
            self.requantize.sums(at, sums, bias, &mut self.out[row * width + at..], width);
        } else {
            let bias = &self.bias[at..][..rest];
            let sums = sums.map(|sums| &sums[..rest]);
            self.requantize.sums(at, sums, bias, &mut self.out[row * width + at..], width);
        }
    }
}

/// Sums of floats, with bounds.
#[derive(Debug)]
pub struct ToFloats<'a> {
    bias: &'a [f32],
    bounds: [f32; 2],
    /// Rows of as many elements as there are biases.
    out: &'a mut [f32],
    selected: [usize; 2],
}

impl<'a> ToFloats<'a> {
    pub fn new(bias: &'a [f32], bounds: [f32; 2], out: &'a mut [f32]) -> Self {
        Self { bias, bounds, out, selected: [0, bias.len()] }
    }
}

impl Store<f32> for ToFloats<'_> {
    fn select(&mut self, first: usize, columns: usize) {
        self.selected = [first, columns];
    }

    #[inline(always)]
    fn store<const ROWS: usize>(&mut self, row: usize, column: usize, sums: [&[f32]; ROWS]) {
        let [first, columns] = self.selected;
        let (at, rest) = (first + column, columns - column);
        let len = sums[0].len();
        let width = self.bias.len();
        if len <= rest {
            let out = &mut self.out[row * width + at..];
            bounded(sums, &self.bias[at..][..len], self.bounds, out, width);
        } else {
            let out = &mut self.out[row * width + at..];
            let sums = sums.map(|sums| &sums[..rest]);
            bounded(sums, &self.bias[at..][..rest], self.bounds, out, width);
        }
    }
}

/// To rows of `width` elements, the first of them at the start of `out`.
#[inline(always)]
fn bounded<const ROWS: usize>(
    sums: [&[f32]; ROWS],
    bias: &[f32],
    bounds: [f32; 2],
    out: &mut [f32],
    width: usize,
) {
    for (r, sums) in sums.into_iter().enumerate() {
        let out = &mut out[r * width..][..bias.len()];
        by_lanes!(sums.len(), in_lanes(sums, bias, bounds, out));
    }
}

#[inline(always)]
fn in_lanes<const LANES: usize>(sums: &[f32], bias: &[f32], bounds: [f32; 2], out: &mut [f32]) {
    let (sums, bias) = (sums.as_chunks::<LANES>().0, bias.as_chunks::<LANES>().0);
    for ((out, sums), bias) in out.as_chunks_mut::<LANES>().0.iter_mut().zip(sums).zip(bias) {
        // Made apart from where it goes, which the compiler cannot tell from what it reads.
        let mut made = [0.0; LANES];
        for i in 0..LANES {
            made[i] = clip(sums[i] + bias[i], bounds);
        }
        *out = made;
    }
}

/// What is no number stays so.
#[inline(always)]
pub fn clip(x: f32, [low, high]: [f32; 2]) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}
