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
        if len <= rest {
            let bias = &self.bias[at..][..len];
            self.requantize.sums(at, sums, bias, rows(self.out, self.bias.len(), row, at, len));
        } else {
            let bias = &self.bias[at..][..rest];
            let sums = sums.map(|sums| &sums[..rest]);
            self.requantize.sums(at, sums, bias, rows(self.out, self.bias.len(), row, at, rest));
        }
    }
}

/// `len` elements of each of `ROWS` rows from `row` on, from column `at` on, of a matrix whose rows
/// have `width` elements.
#[inline(always)]
fn rows<T, const ROWS: usize>(
    out: &mut [T],
    width: usize,
    row: usize,
    at: usize,
    len: usize,
) -> [&mut [T]; ROWS] {
    let mut out = &mut out[row * width + at..];
    std::array::from_fn(|r| {
        let (own, rest) = std::mem::take(&mut out).split_at_mut(len);
        out = if r + 1 < ROWS { &mut rest[width - len..] } else { rest };
        own
    })
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
            let out = rows::<_, ROWS>(self.out, width, row, at, len);
            bounded(sums, &self.bias[at..][..len], self.bounds, out);
        } else {
            let out = rows::<_, ROWS>(self.out, width, row, at, rest);
            let sums = sums.map(|sums| &sums[..rest]);
            bounded(sums, &self.bias[at..][..rest], self.bounds, out);
        }
    }
}

#[inline(always)]
fn bounded<const ROWS: usize>(
    sums: [&[f32]; ROWS],
    bias: &[f32],
    bounds: [f32; 2],
    out: [&mut [f32]; ROWS],
) {
    for (sums, out) in sums.into_iter().zip(out) {
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
