//! Operators that only move elements: Flatten, Reshape, Squeeze, Unsqueeze, Transpose, and Identity
//! and Dropout where they round, and what takes one of several inputs of the row of all; and those that
//! copy some of them: Slice, Split, Pad, Resize.

use super::machine::{Kept, Machine};
use super::operator::Operator;

#[derive(Debug, Clone)]
pub(super) struct Rearrange {
    pub(super) x: usize,
    /// Elements of a frame of the input.
    pub(super) len: usize,
    pub(super) y: usize,
    /// By element of the result, the element of the input that it is.
    pub(super) places: Vec<u32>,
    /// Elements of the result that are constants, with what they are; their places say nothing.
    pub(super) fills: Vec<(u32, f32)>,
}

impl Operator for Rearrange {
    fn forward(&self, machine: &mut Machine, _: &mut Kept) {
        let mut y = machine.take_result(self.y);
        let ratio = machine.units[self.x] / machine.units[self.y];
        let frames = machine.values[self.x].chunks_exact(self.len).take(machine.frames);
        for (x, y) in frames.zip(y.chunks_exact_mut(self.places.len())) {
            for (y, &at) in y.iter_mut().zip(&self.places) {
                *y = x[at as usize] * ratio;
            }
            for &(at, constant) in &self.fills {
                y[at as usize] = constant / machine.units[self.y];
            }
        }
        machine.put_result(self.y, y);
    }

    fn backward(&self, machine: &mut Machine, _: &mut Kept) {
        let mut dy = std::mem::take(&mut machine.gradients[self.y]);
        for dy in dy.chunks_exact_mut(self.places.len()) {
            self.fills.iter().for_each(|&(at, _)| dy[at as usize] = 0.0);
        }
        let frames = machine.gradients[self.x].chunks_exact_mut(self.len).take(machine.frames);
        for (dx, dy) in frames.zip(dy.chunks_exact(self.places.len())) {
            for (dy, &at) in dy.iter().zip(&self.places) {
                dx[at as usize] += dy;
            }
        }
        machine.gradients[self.y] = dy;
    }
}
