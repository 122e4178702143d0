//! Softmax and LogSoftmax along one axis.

use super::builder::Builder;
use super::feature::{axis_in_memory, in_memory};
use super::operator::Operator;
use super::workbench::{Kept, SHARD, Workbench};
use crate::error::{Error, Result};
use crate::graph::Node;

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

impl Builder<'_> {
    pub(super) fn probabilities(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let rank = x.shape.len() as i64 + 1;
        let axis = node.int("axis", -1).rem_euclid(rank) as usize;
        let Some(axis) = axis.checked_sub(1) else {
            return Err(Error::new("its frames do not stay apart"));
        };
        let behind: usize = x.shape[axis + 1..].iter().product();
        if node.int("opset", 13) < 13 && behind > 1 {
            return Err(Error::new("it goes over several axes at once")
                .way_out("Export the network with operator set 13 or later."));
        }
        let in_memory = in_memory(&x.shape);
        let axis = axis_in_memory(x.shape.len(), axis);
        let (name, clip) = self.result(i, node);
        let trains = self.trains(x.feature);
        let y = self.feature(&name, x.shape, trains, clip, None);
        let (len, inner) = (in_memory[axis], in_memory[axis + 1..].iter().product());
        let is_log = node.op == "LogSoftmax";
        self.push(Softmax { x: x.feature, y, len, inner, is_log }, y);
        Ok(())
    }
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
    fn forward(&self, bench: &mut Workbench, kept: &mut Kept) {
        let mut y = bench.take_result(self.y);
        let [unit, of_result] = [bench.units[self.x], bench.units[self.y]];
        let x = &bench.values[self.x];
        let all = x.len() / SHARD * bench.frames;
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
        bench.put_result(self.y, y);
    }

    fn backward(&self, bench: &mut Workbench, kept: &mut Kept) {
        let dy = std::mem::take(&mut bench.gradients[self.y]);
        let dx = &mut bench.gradients[self.x];
        let all = dy.len() / SHARD * bench.frames;
        self.visit(all, |at| {
            let weight = |i: usize| if self.is_log { 1.0 } else { kept.floats[i] };
            let sum: f32 = at.clone().map(|i| dy[i] * weight(i)).sum();
            for i in at {
                let share = kept.floats[i];
                dx[i] += if self.is_log { dy[i] - share * sum } else { share * (dy[i] - sum) };
            }
        });
        bench.gradients[self.y] = dy;
    }
}
