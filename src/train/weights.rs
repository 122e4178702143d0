//! Weights as the frames meet them: BatchNormalization folded in, rounded as the int8 file will have
//! them, packed for the products; and the gradient's way back through rounding and folding.

use super::layer::{Form, Layer};
use super::state::State;
use crate::kernels::requantize::round_small;
use crate::kernels::sgemm;
use crate::kernels::wide::wide;
use crate::quantize::least_scale;

/// A layer's weights for one state, in matrix order: `[group][k][output channel of the group]`.
#[derive(Debug, Default)]
pub(super) struct Effective {
    /// With the normalization behind the layer folded in.
    folded: Vec<f32>,
    /// Integers less their zero point; of a float layer the folded weights.
    pub(super) codes: Vec<f32>,
    /// By output channel; 1 for a float layer.
    pub(super) scale: Vec<f32>,
    /// By output channel, what the normalization multiplies with.
    pub(super) gain: Vec<f64>,
    /// By output channel, the normalization's own gain and shift.
    pub(super) gain_and_shift: Vec<[f32; 2]>,
    /// By output channel, the normalization's running mean and variance.
    pub(super) statistics: Vec<[f32; 2]>,
    /// By output channel, the layer's own bias, before any normalization.
    pub(super) own_bias: Vec<f32>,
    /// By output channel, in units of the products' sums.
    pub(super) bias: Vec<f32>,
    /// The codes, packed group by group; a depthwise layer has none.
    pub(super) packed: Vec<f32>,
    /// The rounded reals with inputs and outputs exchanged, packed; those of a depthwise layer as
    /// they are.
    pub(super) transposed: Vec<f32>,
    reals: Vec<f32>,
}

impl Effective {
    pub(super) fn new(layer: &Layer) -> Self {
        let (len, channels) = (layer.slots.weight.len(), layer.channels());
        let depthwise = matches!(layer.form, Form::Depthwise { .. });
        let [rows, columns] = layer.matrix();
        let [forward, back] = [[rows, columns], [columns, rows]]
            .map(|[k, columns]| layer.groups * sgemm::packed_len(k, columns));
        Self {
            folded: vec![0.0; len],
            codes: vec![0.0; len],
            scale: vec![1.0; channels],
            gain: vec![1.0; channels],
            gain_and_shift: vec![[1.0, 0.0]; channels],
            statistics: vec![[0.0, 1.0]; channels],
            own_bias: vec![0.0; channels],
            bias: vec![0.0; channels],
            packed: vec![0.0; if depthwise { 0 } else { forward }],
            transposed: vec![0.0; if depthwise { len } else { back }],
            reals: vec![0.0; len],
        }
    }

    /// Computes all of it from `state`; `unit` is the scale of the layer's input.
    pub(super) fn set(&mut self, layer: &Layer, state: &State, unit: f32, batch_statistics: bool) {
        self.fold(layer, state);
        if let Some(grid) = &layer.grid {
            grid.scales(state, &mut self.scale);
            self.make_room_for_biases(layer, state, unit, grid.count == 1);
            let bounds = grid.bounds(state);
            let width = layer.row_width();
            quantize(&self.folded, width, &self.scale, bounds, &mut self.codes);
            dequantize(&self.codes, width, &self.scale, &mut self.reals);
        } else {
            self.codes.copy_from_slice(&self.folded);
            self.reals.copy_from_slice(&self.folded);
        }
        if layer.norm.is_some() && batch_statistics {
            self.bias.fill(0.0);
        } else {
            self.set_bias(layer, state, unit);
        }
        self.pack(layer);
    }

    fn fold(&mut self, layer: &Layer, state: &State) {
        let weights = &state.parameters[layer.slots.weight.clone()];
        let Some(norm) = &layer.norm else {
            self.folded.copy_from_slice(weights);
            return;
        };
        for (c, gain) in self.gain.iter_mut().enumerate() {
            *gain = norm.gain(state, c);
            self.gain_and_shift[c] = norm.gain_and_shift(state, c);
            self.statistics[c] = norm.statistics(state, c);
            self.own_bias[c] = layer.bias(state, c);
        }
        let width = layer.row_width();
        let rows = self.folded.chunks_exact_mut(width).zip(weights.chunks_exact(width));
        for (i, (folded, weights)) in rows.enumerate() {
            let first = layer.first_channel(i);
            let gains = &self.gain[first..first + width];
            for ((folded, &w), gain) in folded.iter_mut().zip(weights).zip(gains) {
                *folded = (f64::from(w) * gain) as f32;
            }
        }
    }

    /// The bias of output channel `c`, with the normalization folded in.
    pub(super) fn real_bias(&self, layer: &Layer, state: &State, c: usize) -> f32 {
        let own = layer.bias(state, c);
        match &layer.norm {
            None => own,
            Some(norm) => norm.fold_bias(state, c, own, self.gain[c]),
        }
    }

    /// Raises scales to what the biases need to fit int32, as without training; `one`: all channels
    /// share a scale.
    fn make_room_for_biases(&mut self, layer: &Layer, state: &State, unit: f32, one: bool) {
        let least = |c| least_scale(self.real_bias(layer, state, c), unit);
        let mut least: Vec<f32> = (0..layer.channels()).map(least).collect();
        if one {
            let most = least.iter().copied().fold(0.0, f32::max);
            least.fill(most);
        }
        self.scale.iter_mut().zip(least).for_each(|(scale, least)| *scale = scale.max(least));
    }

    fn set_bias(&mut self, layer: &Layer, state: &State, unit: f32) {
        for c in 0..self.bias.len() {
            let real = self.real_bias(layer, state, c);
            self.bias[c] = match layer.grid {
                // As the file's int32 biases are rounded.
                Some(_) => {
                    let step = f64::from(unit * self.scale[c]);
                    (f64::from(real) / step).round_ties_even() as i32 as f32
                }
                None => real / unit,
            };
        }
    }

    fn pack(&mut self, layer: &Layer) {
        let [rows, columns] = layer.matrix();
        if matches!(layer.form, Form::Depthwise { .. }) {
            self.transposed.copy_from_slice(&self.reals);
            return;
        }
        let (forward, back) = (sgemm::packed_len(rows, columns), sgemm::packed_len(columns, rows));
        for group in 0..layer.groups {
            let own = group * rows * columns..(group + 1) * rows * columns;
            let packed = &mut self.packed[group * forward..][..forward];
            sgemm::pack(&self.codes[own.clone()], [rows, columns], [columns, 1], packed);
            let packed = &mut self.transposed[group * back..][..back];
            sgemm::pack(&self.reals[own], [columns, rows], [1, columns], packed);
        }
    }

    /// Turns the gradients in `sums` of what the frames met, rounded weights and folded biases, into
    /// those of the parameters.
    pub(super) fn pull_back(
        &self,
        layer: &Layer,
        state: &State,
        batch_statistics: bool,
        sums: &mut [f32],
    ) {
        let width = layer.row_width();
        let mut of_scale = vec![0.0; layer.channels()];
        if let Some(grid) = &layer.grid {
            let gradient = &mut sums[layer.slots.weight.clone()];
            let (folded, codes) = (&self.folded[..], &self.codes[..]);
            let bounds = grid.bounds(state);
            straight_through(folded, codes, width, &self.scale, bounds, gradient, &mut of_scale);
            grid.add_gradient(&of_scale, sums);
        }
        let Some(norm) = &layer.norm else { return };
        let weights = &state.parameters[layer.slots.weight.clone()];
        let mut of_gain = vec![0f64; layer.channels()];
        let gradient = &mut sums[layer.slots.weight.clone()];
        let rows = gradient.chunks_exact_mut(width).zip(weights.chunks_exact(width));
        for (i, (gradient, weights)) in rows.enumerate() {
            let first = layer.first_channel(i);
            for (c, (gradient, &w)) in (first..).zip(gradient.iter_mut().zip(weights)) {
                of_gain[c] += f64::from(*gradient) * f64::from(w);
                *gradient = (f64::from(*gradient) * self.gain[c]) as f32;
            }
        }
        norm.pull_back(layer, state, &of_gain, &self.gain, batch_statistics, sums);
    }

    pub(super) fn folded(&self) -> &[f32] {
        &self.folded
    }
}

wide! {
    /// Rows of `width` weights, one output channel beside the other.
    fn quantize(
        weights: &[f32],
        width: usize,
        scale: &[f32],
        bounds: [f32; 2],
        codes: &mut [f32],
    ) {
        let [low, high] = bounds;
        let per_group = weights.len() / (scale.len() / width);
        let groups = weights.chunks_exact(per_group).zip(codes.chunks_exact_mut(per_group));
        for ((weights, codes), scale) in groups.zip(scale.chunks_exact(width)) {
            for (weights, codes) in weights.chunks_exact(width).zip(codes.chunks_exact_mut(width)) {
                for ((w, code), scale) in weights.iter().zip(codes).zip(scale) {
                    *code = round_small((w / scale).max(low).min(high));
                }
            }
        }
    }
}

wide! {
    fn dequantize(codes: &[f32], width: usize, scale: &[f32], reals: &mut [f32]) {
        let per_group = codes.len() / (scale.len() / width);
        let groups = codes.chunks_exact(per_group).zip(reals.chunks_exact_mut(per_group));
        for ((codes, reals), scale) in groups.zip(scale.chunks_exact(width)) {
            for (codes, reals) in codes.chunks_exact(width).zip(reals.chunks_exact_mut(width)) {
                for ((code, real), scale) in codes.iter().zip(reals).zip(scale) {
                    *real = code * scale;
                }
            }
        }
    }
}

wide! {
    /// The gradient of rounded weights becomes that of the weights: 0 where they were cut off. Adds
    /// to `of_scale`, by output channel, the gradient of the scale.
    fn straight_through(
        weights: &[f32],
        codes: &[f32],
        width: usize,
        scale: &[f32],
        bounds: [f32; 2],
        gradient: &mut [f32],
        of_scale: &mut [f32],
    ) {
        let [low, high] = bounds;
        let per_group = weights.len() / (scale.len() / width);
        let groups = weights.chunks_exact(per_group).zip(codes.chunks_exact(per_group));
        let gradients = gradient.chunks_exact_mut(per_group);
        let scales = scale.chunks_exact(width).zip(of_scale.chunks_exact_mut(width));
        for (((weights, codes), gradient), (scale, of_scale)) in groups.zip(gradients).zip(scales) {
            let rows = weights.chunks_exact(width).zip(codes.chunks_exact(width));
            for ((weights, codes), gradient) in rows.zip(gradient.chunks_exact_mut(width)) {
                for c in 0..width {
                    let x = weights[c] / scale[c];
                    let within = x >= low - 0.5 && x <= high + 0.5;
                    of_scale[c] += gradient[c] * if within { codes[c] - x } else { codes[c] };
                    gradient[c] = if within { gradient[c] } else { 0.0 };
                }
            }
        }
    }
}
