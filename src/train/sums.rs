//! ReduceMean, ReduceSum and Resize where it mixes neighbours: each element made is a sum of shares of
//! some elements of the input.

use super::machine::{Kept, Machine};
use super::operator::Operator;

#[derive(Debug, Clone)]
pub(super) struct Sums {
    pub(super) x: usize,
    pub(super) y: usize,
    /// Elements of a frame, before and after.
    pub(super) lens: [usize; 2],
    /// Places in the input and in the result, and what share of the one is added to the other.
    pub(super) taps: Vec<(u32, u32, f32)>,
    /// Of the sums.
    pub(super) divisor: f32,
}

impl Operator for Sums {
    fn forward(&self, machine: &mut Machine, _: &mut Kept) {
        let mut y = machine.take_result(self.y);
        let [unit, of_result] = [machine.units[self.x], machine.units[self.y]];
        let frames = machine.values[self.x].chunks_exact(self.lens[0]).take(machine.frames);
        for (x, y) in frames.zip(y.chunks_exact_mut(self.lens[1])) {
            y.fill(0.0);
            for &(from, to, share) in &self.taps {
                y[to as usize] += x[from as usize] * unit * share;
            }
            y.iter_mut().for_each(|y| *y = *y / self.divisor / of_result);
        }
        machine.put_result(self.y, y);
    }

    fn backward(&self, machine: &mut Machine, _: &mut Kept) {
        let dy = std::mem::take(&mut machine.gradients[self.y]);
        let frames = machine.gradients[self.x].chunks_exact_mut(self.lens[0]).take(machine.frames);
        for (dx, dy) in frames.zip(dy.chunks_exact(self.lens[1])) {
            for &(from, to, share) in &self.taps {
                dx[from as usize] += dy[to as usize] * share / self.divisor;
            }
        }
        machine.gradients[self.y] = dy;
    }
}
