//! Softmax and LogSoftmax along one axis.

use super::machine::{Kept, Machine, SHARD};
use super::operator::Operator;

#[derive(Debug, Clone)]
pub(super) struct Softmax {
    pub(super) x: usize,
    pub(super) y: usize,
    /// Elements of a group.
    pub(super) len: usize,
    /// Elements between two neighbours of a group.
    pub(super) inner: usize,
    pub(super) is_log: bool,
}

impl Softmax {
    /// Visits the places of each group of `all` elements.
    fn visit(&self, all: usize, mut visit: impl FnMut(std::iter::StepBy<std::ops::Range<usize>>)) {
        let block = self.len * self.inner;
        for start in (0..all).step_by(block) {
            for lane in 0..self.inner {
                visit((start + lane..start + block).step_by(self.inner));
            }
        }
    }
}

impl Operator for Softmax {
    /// In the runtime's order, on integers and on reals.
    fn forward(&self, machine: &mut Machine, kept: &mut Kept) {
        let mut y = machine.take_result(self.y);
        let [unit, of_result] = [machine.units[self.x], machine.units[self.y]];
        let x = &machine.values[self.x];
        let all = x.len() / SHARD * machine.frames;
        kept.floats.resize(x.len(), 0.0);
        let shares = &mut kept.floats;
        self.visit(all, |at| {
            let max = at.clone().map(|i| x[i]).fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for i in at.clone() {
                shares[i] = libm::expf((x[i] - max) * unit);
                sum += shares[i];
            }
            let log = libm::logf(sum);
            for i in at {
                shares[i] /= sum;
                let result = if self.is_log { (x[i] - max) * unit - log } else { shares[i] };
                y[i] = result / of_result;
            }
        });
        machine.put_result(self.y, y);
    }

    fn backward(&self, machine: &mut Machine, kept: &mut Kept) {
        let dy = std::mem::take(&mut machine.gradients[self.y]);
        let dx = &mut machine.gradients[self.x];
        let all = dy.len() / SHARD * machine.frames;
        self.visit(all, |at| {
            let weight = |i: usize| if self.is_log { 1.0 } else { kept.floats[i] };
            let sum: f32 = at.clone().map(|i| dy[i] * weight(i)).sum();
            for i in at {
                let share = kept.floats[i];
                dx[i] += if self.is_log { dy[i] - share * sum } else { share * (dy[i] - sum) };
            }
        });
        machine.gradients[self.y] = dy;
    }
}
