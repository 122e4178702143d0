//! BatchNormalization behind a layer: trained on each shard's own mean and variance, later frozen
//! and folded.
//!
//! While it trains, weights are rounded as they will be folded, and the sums divided by the same
//! factor again (PyTorch's `torch.nn.intrinsic.qat`, after Jacob et al. 2018, section 3.2): the
//! rounding error is that of the final file.

use std::ops::Range;

use super::builder::Builder;
use super::layer::Layer;
use super::state::{Slot, State};
use super::workbench::{Kept, Workbench};
use crate::graph::fold_batch_norm::Normalized;
use crate::kernels::wide::wide;

#[derive(Debug, Clone)]
pub(super) struct Normalization {
    /// Places among the parameters.
    pub(super) gain: Range<usize>,
    pub(super) shift: Range<usize>,
    /// Places among the statistics.
    pub(super) mean: Range<usize>,
    pub(super) variance: Range<usize>,
    pub(super) epsilon: f32,
}

impl Builder<'_> {
    /// `corrected`: the folded bias that training starts with, of which the shift takes what
    /// corrections have changed.
    pub(super) fn normalization(
        &mut self,
        own: &Normalized,
        corrected: Option<&[f32]>,
    ) -> Normalization {
        let gain = self.slot(own.gain.clone(), Slot::PLAIN);
        let mut shift = own.shift.clone();
        if let (Some(corrected), Some(folded)) = (corrected, own.folded[1].as_f32()) {
            for (shift, (corrected, folded)) in shift.iter_mut().zip(corrected.iter().zip(folded)) {
                *shift += corrected - folded;
            }
        }
        let shift = self.slot(shift, Slot::PLAIN);
        let [mean, variance] = [&own.mean, &own.variance].map(|values| {
            let from = self.state.statistics.len();
            self.state.statistics.extend(values);
            from..self.state.statistics.len()
        });
        Normalization { gain, shift, mean, variance, epsilon: own.epsilon }
    }
}

/// The weights of a layer apart from its normalization, given folded ones, both in matrix order;
/// `apart` keeps its own where the normalization multiplies with hardly anything.
pub(super) fn unfold(layer: &Layer, own: &Normalized, folded: &[f32], apart: &mut [f32]) {
    let width = layer.row_width();
    let rows = folded.chunks_exact(width).zip(apart.chunks_exact_mut(width));
    for (row, (folded, apart)) in rows.enumerate() {
        for (c, (&folded, apart)) in (layer.first_channel(row)..).zip(folded.iter().zip(apart)) {
            let deviation = (f64::from(own.variance[c]) + f64::from(own.epsilon)).sqrt();
            let gain = f64::from(own.gain[c]) / deviation;
            if gain.abs() > 1e-12 {
                *apart = (f64::from(folded) / gain) as f32;
            }
        }
    }
}

impl Normalization {
    /// Of the running variance.
    fn deviation(&self, state: &State, c: usize) -> f64 {
        let variance = f64::from(state.statistics[self.variance.start + c]);
        (variance + f64::from(self.epsilon)).sqrt()
    }

    /// The running mean and variance.
    pub(super) fn statistics(&self, state: &State, c: usize) -> [f32; 2] {
        [&self.mean, &self.variance].map(|slot| state.statistics[slot.start + c])
    }

    pub(super) fn gain_and_shift(&self, state: &State, c: usize) -> [f32; 2] {
        [&self.gain, &self.shift].map(|slot| state.parameters[slot.start + c])
    }

    /// What the frozen normalization multiplies channel `c` with, as
    /// [`fold_batch_norm`](crate::graph::fold_batch_norm) has it.
    pub(super) fn gain(&self, state: &State, c: usize) -> f64 {
        f64::from(state.parameters[self.gain.start + c]) / self.deviation(state, c)
    }

    /// A layer's bias with the frozen normalization folded in.
    pub(super) fn fold_bias(&self, state: &State, c: usize, bias: f32, gain: f64) -> f32 {
        let mean = f64::from(state.statistics[self.mean.start + c]);
        let shift = f64::from(state.parameters[self.shift.start + c]);
        ((f64::from(bias) - mean) * gain + shift) as f32
    }

    /// Normalizes the layer's sums by the shard's statistics, which are observed.
    pub(super) fn forward(
        &self,
        layer: &Layer,
        bench: &mut Workbench,
        sums: &mut [f32],
        kept: &mut Kept,
    ) {
        let channels = layer.channels();
        let weights = &bench.weights[layer.index];
        let unit = bench.units[layer.x];
        let factor =
            |c: usize| (f64::from(unit * weights.scale[c]) / divisor(weights.gain[c])) as f32;
        let factors: Vec<f32> = (0..channels).map(factor).collect();
        let [mut mean, mut variance] = [vec![0f64; channels], vec![0f64; channels]];
        scale_and_average(sums, &factors, &mut mean);
        vary(sums, &mean, &mut variance);
        let count = (sums.len() / channels) as f64;
        if count == 1.0 {
            // One value has no variance: the running statistics stand in, and stay.
            for (c, [running_mean, running_variance]) in weights.statistics.iter().enumerate() {
                mean[c] = f64::from(running_mean - weights.own_bias[c]);
                variance[c] = f64::from(*running_variance);
            }
        }
        let (mean_at, variance_at) = (self.mean.start, self.variance.start);
        kept.channels.clear();
        for c in 0..channels {
            // The layer's bias moves the mean and nothing else.
            bench.observed[mean_at + c] = mean[c] as f32 + weights.own_bias[c];
            bench.observed[variance_at + c] = (variance[c] * count / (count - 1.0).max(1.0)) as f32;
            kept.channels.push((1.0 / (variance[c] + f64::from(self.epsilon)).sqrt()) as f32);
        }
        let mean: Vec<f32> = mean.iter().map(|&m| m as f32).collect();
        kept.floats.resize(kept.floats.len().max(sums.len()), 0.0);
        let of_result = bench.units[layer.y];
        normalize(
            sums,
            &mean,
            &kept.channels,
            &weights.gain_and_shift,
            of_result,
            &mut kept.floats,
        );
    }

    /// Turns the gradient of the result into that of the layer's sums, as reals.
    pub(super) fn backward(
        &self,
        layer: &Layer,
        bench: &mut Workbench,
        gradient: &mut [f32],
        kept: &Kept,
    ) {
        let weights = &bench.weights[layer.index];
        let channels = kept.channels.len();
        let [mut sum, mut product] = [vec![0f64; channels], vec![0f64; channels]];
        add_moments(gradient, &kept.floats, &mut sum, &mut product);
        let count = (gradient.len() / channels) as f64;
        let mut factors = Vec::with_capacity(channels);
        for c in 0..channels {
            let deviation = f64::from(kept.channels[c]);
            // The weights' own gradient counts the gain, which is divided out again.
            let of_gain = if count == 1.0 {
                let mean = f64::from(weights.statistics[c][0] - weights.own_bias[c]);
                -deviation * mean * sum[c]
            } else {
                // But for the variance's share of epsilon.
                product[c] * (1.0 - f64::from(self.epsilon) * deviation * deviation)
            };
            bench.sums[self.gain.start + c] += of_gain as f32;
            bench.sums[self.shift.start + c] += sum[c] as f32;
            let gain = f64::from(weights.gain_and_shift[c][0]);
            if let (1.0, Some(bias)) = (count, &layer.slots.bias) {
                let at = bias.start + if bias.len() == 1 { 0 } else { c };
                bench.sums[at] += (gain * deviation * sum[c]) as f32;
            }
            let factor = gain * deviation / divisor(weights.gain[c]);
            // Running statistics do not depend on the values.
            let count = if count == 1.0 { f64::INFINITY } else { count };
            factors.push([factor as f32, (sum[c] / count) as f32, (product[c] / count) as f32]);
        }
        denormalize(gradient, &kept.floats, &factors);
    }

    /// The gradients of gain, shift and the layer's bias from those of the folded weights' gain and
    /// of the folded bias, which stands in the shift's place.
    pub(super) fn pull_back(
        &self,
        layer: &Layer,
        state: &State,
        of_gain: &[f64],
        gain: &[f64],
        batch_statistics: bool,
        sums: &mut [f32],
    ) {
        for c in 0..of_gain.len() {
            let deviation = self.deviation(state, c);
            let mut of_own_gain = of_gain[c] / deviation;
            if !batch_statistics {
                let of_bias = f64::from(sums[self.shift.start + c]);
                let mean = f64::from(state.statistics[self.mean.start + c]);
                of_own_gain += of_bias * (f64::from(layer.bias(state, c)) - mean) / deviation;
                if let Some(bias) = &layer.slots.bias {
                    let at = bias.start + if bias.len() == 1 { 0 } else { c };
                    sums[at] += (of_bias * gain[c]) as f32;
                }
            }
            sums[self.gain.start + c] += of_own_gain as f32;
        }
    }
}

/// What the sums are divided by: the folded gain, or hardly anything where that is 0.
fn divisor(gain: f64) -> f64 {
    if gain.abs() < 1e-12 { 1e-12 } else { gain }
}

wide! {
    /// Multiplies every channel with its factor; gives the means.
    fn scale_and_average(values: &mut [f32], factors: &[f32], mean: &mut [f64]) {
        let count = (values.len() / factors.len()) as f64;
        for row in values.chunks_exact_mut(factors.len()) {
            for ((x, factor), mean) in row.iter_mut().zip(factors).zip(&mut *mean) {
                *x *= factor;
                *mean += f64::from(*x);
            }
        }
        mean.iter_mut().for_each(|mean| *mean /= count);
    }
}

wide! {
    fn vary(values: &[f32], mean: &[f64], variance: &mut [f64]) {
        let count = (values.len() / mean.len()) as f64;
        for row in values.chunks_exact(mean.len()) {
            for ((&x, mean), variance) in row.iter().zip(mean).zip(&mut *variance) {
                let off = f64::from(x) - mean;
                *variance += off * off;
            }
        }
        variance.iter_mut().for_each(|variance| *variance /= count);
    }
}

wide! {
    /// Keeps the normalized values, and gives the result in units of its scale.
    fn normalize(
        values: &mut [f32],
        mean: &[f32],
        deviation: &[f32],
        gain_and_shift: &[[f32; 2]],
        unit: f32,
        normalized: &mut [f32],
    ) {
        let rows = values.chunks_exact_mut(mean.len()).zip(normalized.chunks_exact_mut(mean.len()));
        for (values, normalized) in rows {
            for c in 0..mean.len() {
                let x = (values[c] - mean[c]) * deviation[c];
                normalized[c] = x;
                values[c] = (x * gain_and_shift[c][0] + gain_and_shift[c][1]) / unit;
            }
        }
    }
}

wide! {
    fn add_moments(gradient: &[f32], normalized: &[f32], sum: &mut [f64], product: &mut [f64]) {
        let channels = sum.len();
        for (dy, x) in gradient.chunks_exact(channels).zip(normalized.chunks_exact(channels)) {
            for c in 0..channels {
                sum[c] += f64::from(dy[c]);
                product[c] += f64::from(dy[c]) * f64::from(x[c]);
            }
        }
    }
}

wide! {
    /// `factors`: the whole factor, the gradient's mean, and the mean of its product with the
    /// normalized values.
    fn denormalize(gradient: &mut [f32], normalized: &[f32], factors: &[[f32; 3]]) {
        let channels = factors.len();
        for (dy, x) in gradient.chunks_exact_mut(channels).zip(normalized.chunks_exact(channels)) {
            for c in 0..channels {
                let [factor, mean, product] = factors[c];
                dy[c] = factor * (dy[c] - mean - x[c] * product);
            }
        }
    }
}
