//! What training observes besides gradients: statistics of normalizations, ranges of activations,
//! scales of weights that follow them.

use super::layer::Layer;
use super::network::{Network, ScaleSource};
use super::state::State;
use super::weight_grid::WeightScale;
use super::workbench::Mode;

/// Share of a batch in a normalization's running statistics, as PyTorch's `BatchNorm2d`.
const MOMENTUM: f32 = 0.1;
/// Share of a batch in an observed range, as PyTorch's `MovingAverageMinMaxObserver`.
const CONSTANT: f32 = 0.01;

impl Network {
    /// The places of observed ranges.
    fn ranges(&self) -> impl Iterator<Item = usize> {
        self.roots.iter().filter_map(|root| match root.source {
            ScaleSource::Observed(at, _) => Some(at),
            _ => None,
        })
    }

    /// The places of normalizations' means and variances.
    fn moments(&self) -> impl Iterator<Item = usize> {
        let norms = self.layers.iter().filter_map(|layer| layer.norm.as_ref());
        norms.flat_map(|norm| norm.mean.clone().chain(norm.variance.clone()))
    }

    pub(super) fn has_normalizations(&self) -> bool {
        self.layers.iter().any(|layer| layer.norm.is_some())
    }

    /// Nothing observed yet.
    pub(super) fn reset_observed(&self, observed: &mut [f32]) {
        observed.fill(0.0);
        for at in self.ranges() {
            observed[at..at + 2].copy_from_slice(&[f32::INFINITY, f32::NEG_INFINITY]);
        }
    }

    /// Adds what a shard observed, `share` of the batch's frames.
    pub(super) fn add_observed(&self, total: &mut [f32], shard: &[f32], share: f32) {
        for at in self.moments() {
            total[at] += share * shard[at];
        }
        for at in self.ranges() {
            total[at] = total[at].min(shard[at]);
            total[at + 1] = total[at + 1].max(shard[at + 1]);
        }
    }

    /// Lets the statistics follow what a batch observed, and scales of weights the weights.
    pub(super) fn follow(&self, state: &mut State, observed: &[f32], mode: Mode) {
        if mode.batch_statistics {
            for at in self.moments() {
                let own = &mut state.statistics[at];
                *own = (1.0 - MOMENTUM) * *own + MOMENTUM * observed[at];
            }
        }
        if !mode.observe {
            return;
        }
        for at in self.ranges() {
            let own = &mut state.statistics[at..at + 2];
            for (own, seen) in own.iter_mut().zip(&observed[at..at + 2]) {
                if seen.is_finite() {
                    *own += CONSTANT * (seen - *own);
                }
            }
        }
        for layer in &self.layers {
            follow_weights(layer, state);
        }
    }
}

fn follow_weights(layer: &Layer, state: &mut State) {
    let Some(grid) = &layer.grid else { return };
    let WeightScale::Following { at } = grid.scale else { return };
    let width = layer.row_width();
    let mut members = vec![Vec::new(); grid.count];
    let weights = &state.parameters[layer.slots.weight.clone()];
    for (i, weights) in weights.chunks_exact(width).enumerate() {
        for (c, &w) in (layer.first_channel(i)..).zip(weights) {
            let gain = layer.norm.as_ref().map_or(1.0, |norm| norm.gain(state, c));
            let member = if grid.count == 1 { 0 } else { c };
            members[member].push((f64::from(w) * gain) as f32);
        }
    }
    for (i, members) in members.iter().enumerate() {
        let (scale, zero_point) = grid.scheme.scale_and_zero_point(members, grid.codes);
        state.statistics[at + i] = scale;
        state.statistics[at + grid.count + i] = zero_point as f32;
    }
}
