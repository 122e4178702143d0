//! LayerNormalization, in float: its gain and shift train.

use super::machine::{Kept, Machine, SHARD};
use super::operator::Operator;

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

impl Operator for LayerNorm {
    fn forward(&self, machine: &mut Machine, kept: &mut Kept) {
        let mut y = machine.take_result(self.y);
        let [unit, of_result] = [machine.units[self.x], machine.units[self.y]];
        let all = self.places.len();
        kept.floats.resize(SHARD * all, 0.0);
        kept.channels.clear();
        let frames = machine.values[self.x].chunks_exact(all).take(machine.frames);
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
            let gain = &machine.values[*gain];
            for (at, y) in y.iter_mut().enumerate() {
                *y = normalized[at] * gain[of_gain[at] as usize];
            }
            if let Some((shift, _, places)) = &self.shift {
                let shift = &machine.values[*shift];
                y.iter_mut().zip(places).for_each(|(y, &at)| *y += shift[at as usize]);
            }
            y.iter_mut().for_each(|y| *y /= of_result);
        }
        machine.put_result(self.y, y);
    }

    fn backward(&self, machine: &mut Machine, kept: &mut Kept) {
        let dy = std::mem::take(&mut machine.gradients[self.y]);
        let mut dx = std::mem::take(&mut machine.gradients[self.x]);
        let all = self.places.len();
        let mut of_normalized = vec![0.0; all];
        let lanes = all / self.len;
        let frames = dy.chunks_exact(all).zip(kept.floats.chunks_exact(all)).take(machine.frames);
        for (frame, (dy, normalized)) in frames.enumerate() {
            let (gain, len, places) = &self.gain;
            for (at, of_normalized) in of_normalized.iter_mut().enumerate() {
                let from = places[at] as usize;
                *of_normalized = dy[at] * machine.values[*gain][from];
                machine.gradients[*gain][frame * len + from] += dy[at] * normalized[at];
            }
            if let Some((shift, len, places)) = &self.shift {
                let gradient = &mut machine.gradients[*shift][frame * len..];
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
        machine.gradients[self.x] = dx;
        machine.gradients[self.y] = dy;
    }
}
