//! LayerNormalization, in float: its gain and shift train.

use super::builder::{Builder, Known};
use super::feature::{broadcast, memory_of};
use super::operator::Operator;
use super::workbench::{Kept, SHARD, Workbench};
use crate::error::{Error, Result};
use crate::graph::Node;

/// A tensor, the elements of a frame of it, and by element of the result which of them is read.
type Spread = (usize, usize, Vec<u32>);

#[derive(Debug, Clone)]
pub(super) struct LayerNorm {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) gain: Spread,
    pub(super) shift: Option<Spread>,
    /// In ONNX's order, places in memory: `len` of them after another are normalized together.
    pub(super) places: Vec<u32>,
    pub(super) len: usize,
    pub(super) epsilon: f32,
}

impl Builder<'_> {
    pub(super) fn layer_normalization(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let rank = x.shape.len() as i64 + 1;
        let axis = node.int("axis", -1).rem_euclid(rank) as usize;
        let Some(axis) = axis.checked_sub(1) else {
            return Err(Error::new("it joins frames with each other"));
        };
        if node.outputs.iter().skip(1).any(|name| !name.is_empty()) {
            return Err(Error::new("its mean or deviation is asked for, too"));
        }
        let (name, clip) = self.result(i, node);
        let mut frees = vec![self.free(node, 1)?];
        if node.input(2).is_some() {
            frees.push(self.free(node, 2)?);
        }
        let mut operands = Vec::new();
        for Known { feature, shape } in frees {
            let places = broadcast(&shape, &x.shape).ok_or_else(|| {
                Error::new(format!("shapes {shape:?} and {:?} do not broadcast", x.shape))
            })?;
            operands.push((feature, shape.iter().product(), places));
        }
        let (places, len) = (memory_of(&x.shape), x.shape[axis..].iter().product());
        let epsilon = node.float("epsilon", 1e-5);
        let y = self.feature(&name, x.shape, true, clip, None);
        let mut operands = operands.into_iter();
        let gain = operands.next().ok_or_else(|| Error::new("it has no weights"))?;
        let shift = operands.next();
        self.push(LayerNorm { x: x.feature, y, gain, shift, places, len, epsilon }, y);
        Ok(())
    }
}

impl Operator for LayerNorm {
    fn forward(&self, bench: &mut Workbench, kept: &mut Kept) {
        let mut y = bench.take_result(self.y);
        let [unit, of_result] = [bench.units[self.x], bench.units[self.y]];
        let all = self.places.len();
        kept.floats.resize(SHARD * all, 0.0);
        kept.channels.clear();
        let frames = bench.values[self.x].chunks_exact(all).take(bench.frames);
        let results = y.chunks_exact_mut(all).zip(kept.floats.chunks_exact_mut(all));
        for (x, (y, normalized)) in frames.zip(results) {
            for places in self.places.chunks_exact(self.len) {
                let values = || places.iter().map(|&at| f64::from(x[at as usize] * unit));
                let count = self.len as f64;
                let mean = values().sum::<f64>() / count;
                let variance = values().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
                let deviation = 1.0 / (variance + f64::from(self.epsilon)).sqrt();
                kept.channels.push(deviation as f32);
                for &at in places {
                    let x = f64::from(x[at as usize] * unit);
                    normalized[at as usize] = ((x - mean) * deviation) as f32;
                }
            }
            // Every frame has the same.
            let (gain, _, of_gain) = &self.gain;
            let gain = &bench.values[*gain];
            for (at, y) in y.iter_mut().enumerate() {
                *y = normalized[at] * gain[of_gain[at] as usize];
            }
            if let Some((shift, _, places)) = &self.shift {
                let shift = &bench.values[*shift];
                y.iter_mut().zip(places).for_each(|(y, &at)| *y += shift[at as usize]);
            }
            y.iter_mut().for_each(|y| *y /= of_result);
        }
        bench.put_result(self.y, y);
    }

    fn backward(&self, bench: &mut Workbench, kept: &mut Kept) {
        let dy = std::mem::take(&mut bench.gradients[self.y]);
        let mut dx = std::mem::take(&mut bench.gradients[self.x]);
        let all = self.places.len();
        let mut of_normalized = vec![0.0; all];
        let lanes = all / self.len;
        let frames = dy.chunks_exact(all).zip(kept.floats.chunks_exact(all)).take(bench.frames);
        for (frame, (dy, normalized)) in frames.enumerate() {
            let (gain, len, places) = &self.gain;
            for (at, of_normalized) in of_normalized.iter_mut().enumerate() {
                let from = places[at] as usize;
                *of_normalized = dy[at] * bench.values[*gain][from];
                bench.gradients[*gain][frame * len + from] += dy[at] * normalized[at];
            }
            if let Some((shift, len, places)) = &self.shift {
                let gradient = &mut bench.gradients[*shift][frame * len..];
                dy.iter().zip(places).for_each(|(dy, &at)| gradient[at as usize] += dy);
            }
            if dx.is_empty() {
                continue;
            }
            let dx = &mut dx[frame * all..][..all];
            let deviations = &kept.channels[frame * lanes..];
            for (places, deviation) in self.places.chunks_exact(self.len).zip(deviations) {
                let (mut sum, mut product) = (0f64, 0f64);
                for &at in places {
                    let own = f64::from(of_normalized[at as usize]);
                    sum += own;
                    product += own * f64::from(normalized[at as usize]);
                }
                let [mean, product] = [sum, product].map(|sum| (sum / self.len as f64) as f32);
                for &at in places {
                    let at = at as usize;
                    dx[at] += deviation * (of_normalized[at] - mean - normalized[at] * product);
                }
            }
        }
        bench.gradients[self.x] = dx;
        bench.gradients[self.y] = dy;
    }
}
