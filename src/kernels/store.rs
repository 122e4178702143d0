//! What becomes of sums: a bias, an activation's bounds, and 8 bits again where they are integers.

use super::dense::Store;
use super::requantize::{Requantize, by_lanes};

/// Sums of integers to 8-bit integers.
#[derive(Debug)]
pub struct ToCodes<'a> {
    pub bias: &'a [i32],
    pub requantize: &'a Requantize,
    /// Rows of as many codes as there are biases.
    pub out: &'a mut [u8],
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
    fn store(&mut self, row: usize, column: usize, sums: &[i32]) {
        let [first, columns] = self.selected;
        let at = first + column;
        // A constant where the block is whole, which lets the loop be vectors.
        if sums.len() <= columns - column {
            let out = &mut self.out[row * self.bias.len() + at..][..sums.len()];
            self.requantize.sums(at, sums, &self.bias[at..][..sums.len()], out);
        } else {
            let rest = columns - column;
            let out = &mut self.out[row * self.bias.len() + at..][..rest];
            self.requantize.sums(at, &sums[..rest], &self.bias[at..][..rest], out);
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
    fn store(&mut self, row: usize, column: usize, sums: &[f32]) {
        let [first, columns] = self.selected;
        let at = first + column;
        let whole = sums.len() <= columns - column;
        if whole {
            let out = &mut self.out[row * self.bias.len() + at..][..sums.len()];
            bounded(sums, &self.bias[at..][..sums.len()], self.bounds, out);
        } else {
            let rest = columns - column;
            let out = &mut self.out[row * self.bias.len() + at..][..rest];
            bounded(&sums[..rest], &self.bias[at..][..rest], self.bounds, out);
        }
    }
}

#[inline(always)]
fn bounded(sums: &[f32], bias: &[f32], bounds: [f32; 2], out: &mut [f32]) {
    by_lanes!(sums.len(), in_lanes(sums, bias, bounds, out));
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
