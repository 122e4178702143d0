//! ReduceMean, ReduceSum and Resize where it mixes neighbours: each element made is a sum of shares of
//! some elements of the input.

use super::builder::{Builder, Known};
use super::feature::memory_of;
use super::operator::Operator;
use super::workbench::{Kept, Workbench};
use crate::error::{Error, Result};
use crate::graph::{Node, Tensor};

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

impl Builder<'_> {
    /// Neighbours are mixed along each axis of the picture alone.
    pub(super) fn resize(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let (name, clip) = self.result(i, node);
        let shape = self.shape(&name)?;
        if shape.len() != x.shape.len() || shape.first() != x.shape.first() || shape.len() < 2 {
            return Err(Error::new("it changes more than the size of pictures"));
        }
        let strides = |shape: &[usize]| -> Vec<usize> {
            (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
        };
        let (from, to) = (strides(&x.shape), strides(&shape));
        // By place made, the places that it takes and their shares; the channels stay.
        let mut taps: Vec<(usize, usize, f32)> =
            (0..shape[0]).map(|c| (c * from[0], c * to[0], 1.0)).collect();
        for axis in 1..shape.len() {
            let mut along = Vec::new();
            for at in 0..x.shape[axis] {
                let is_there = |place: usize| place / from[axis] % x.shape[axis] == at;
                let line =
                    (0..from[0] * x.shape[0]).map(|place| f32::from(u8::from(is_there(place))));
                let made = self.probe(node, &x, &line.collect::<Vec<_>>())?;
                let share = |to_at: usize| made[0][to_at * to[axis]];
                along.extend((0..shape[axis]).map(|to_at| (at, to_at, share(to_at))));
            }
            along.retain(|(_, _, share)| *share != 0.0);
            taps = taps
                .iter()
                .flat_map(|&(x, y, share)| {
                    let (from, to) = (&from, &to);
                    along.iter().map(move |(at, to_at, own)| {
                        (x + at * from[axis], y + to_at * to[axis], share * own)
                    })
                })
                .collect();
        }
        self.sums(&x, (name, shape, clip), &taps, 1.0);
        Ok(())
    }

    pub(super) fn reduce(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let constant = self.graph.constant(node, 1).and_then(Tensor::as_i64);
        let axes = constant.or(node.ints("axes")).unwrap_or_default();
        if node.input(1).is_some() && constant.is_none() {
            return Err(Error::new("its axes are computed, not constant"));
        }
        let rank = x.shape.len() as i64 + 1;
        let axes: Vec<i64> = axes.iter().map(|axis| axis.rem_euclid(rank)).collect();
        if axes.is_empty() || axes.contains(&0) {
            return Err(Error::new("it joins frames with each other")
                .way_out("Training takes what reduces axes behind the batch."));
        }
        let (name, clip) = self.result(i, node);
        let shape = self.shape(&name)?;
        let reduced = |axis: usize| axes.contains(&(axis as i64 + 1));
        let kept: Vec<usize> = x
            .shape
            .iter()
            .enumerate()
            .map(|(axis, &n)| if reduced(axis) { 1 } else { n })
            .collect();
        let place = |at: usize| {
            let (mut rest, mut place, mut stride) = (at, 0, 1);
            for (axis, &n) in x.shape.iter().enumerate().rev() {
                place += if reduced(axis) { 0 } else { rest % n * stride };
                (rest, stride) = (rest / n, stride * kept[axis]);
            }
            place
        };
        let len: usize = x.shape.iter().product();
        let taps: Vec<_> = (0..len).map(|at| (at, place(at), 1.0)).collect();
        let count = len / kept.iter().product::<usize>().max(1);
        let divisor = if node.op == "ReduceMean" { count as f32 } else { 1.0 };
        self.sums(&x, (name, shape, clip), &taps, divisor);
        Ok(())
    }

    /// `taps`: by ONNX's places in the input and in the result, what the one adds to the other.
    fn sums(
        &mut self,
        x: &Known,
        (name, shape, clip): (String, Vec<usize>, [f32; 2]),
        taps: &[(usize, usize, f32)],
        divisor: f32,
    ) {
        let [from, to] = [&x.shape, &shape].map(|shape| memory_of(shape));
        let lens = [from.len(), to.len()];
        let taps = taps.iter().map(|&(x, y, share)| (from[x], to[y], share)).collect();
        let trains = self.trains(x.feature);
        let y = self.feature(&name, shape, trains, clip, None);
        self.push(Sums { x: x.feature, y, lens, taps, divisor }, y);
    }
}

impl Operator for Sums {
    fn forward(&self, bench: &mut Workbench, _: &mut Kept) {
        let mut y = bench.take_result(self.y);
        let [unit, of_result] = [bench.units[self.x], bench.units[self.y]];
        let frames = bench.values[self.x].chunks_exact(self.lens[0]).take(bench.frames);
        for (x, y) in frames.zip(y.chunks_exact_mut(self.lens[1])) {
            y.fill(0.0);
            for &(from, to, share) in &self.taps {
                y[to as usize] += x[from as usize] * unit * share;
            }
            y.iter_mut().for_each(|y| *y = *y / self.divisor / of_result);
        }
        bench.put_result(self.y, y);
    }

    fn backward(&self, bench: &mut Workbench, _: &mut Kept) {
        let dy = std::mem::take(&mut bench.gradients[self.y]);
        let frames = bench.gradients[self.x].chunks_exact_mut(self.lens[0]).take(bench.frames);
        for (dx, dy) in frames.zip(dy.chunks_exact(self.lens[1])) {
            for &(from, to, share) in &self.taps {
                dx[from as usize] += dy[to as usize] * share / self.divisor;
            }
        }
        bench.gradients[self.y] = dy;
    }
}
