//! The grid that a layer's weights are rounded to, and where its scales come from.

use super::builder::Builder;
use super::state::{Slot, State};
use crate::graph::Node;
use crate::quantize::WeightScheme;
use crate::vocabulary::plan::Scales;

/// How a layer's weights are rounded.
#[derive(Debug, Clone)]
pub(super) struct WeightGrid {
    /// The integers that there are.
    pub(super) codes: [i32; 2],
    pub(super) scale: WeightScale,
    /// Scales and zero points that there are: one, or one per output channel.
    pub(super) count: usize,
    /// How a range becomes a scale.
    pub(super) scheme: WeightScheme,
}

#[derive(Debug, Clone)]
pub(super) enum WeightScale {
    /// Parameters from this place on, with a zero point that stays.
    Learned { at: usize, zero_point: i32, factor: f32 },
    /// Statistics from this place on: the scales, then the zero points.
    Following { at: usize },
}

impl Builder<'_> {
    pub(super) fn weight_grid(&mut self, node: &Node) -> WeightGrid {
        let params = self.source.layers.weights[&node.name].params.clone();
        let count = params.scale.len();
        let zero_point = params.zero_point[0];
        let scale = match self.source.scales {
            Scales::Learned => {
                let len = self.source.layers.weights[&node.name].codes.len() / count;
                let reach = params.bounds.map(|b| (b - zero_point).abs());
                let factor = 1.0 / (len as f64 * f64::from(reach[0].max(reach[1]))).sqrt();
                let slot = self.slot(params.scale.clone(), Slot::of_scales(params.scale.clone()));
                WeightScale::Learned { at: slot.start, zero_point, factor: factor as f32 }
            }
            Scales::MovingAverage => {
                let at = self.state.statistics.len();
                self.state.statistics.extend(&params.scale);
                self.state.statistics.extend(params.zero_point.iter().map(|&z| z as f32));
                WeightScale::Following { at }
            }
        };
        let scheme = WeightScheme::of(self.source.recipe, node);
        WeightGrid { codes: params.bounds, scale, count, scheme }
    }
}

impl WeightGrid {
    /// The scale of every output channel, as far as weights decide it.
    pub(super) fn scales(&self, state: &State, scale: &mut [f32]) {
        let own = match self.scale {
            WeightScale::Learned { at, .. } => &state.parameters[at..at + self.count],
            WeightScale::Following { at } => &state.statistics[at..at + self.count],
        };
        for (c, scale) in scale.iter_mut().enumerate() {
            let c = if self.count == 1 { 0 } else { c };
            *scale = own[c];
        }
    }

    /// One zero point serves the whole tensor: weights with a scale per channel are symmetric.
    pub(super) fn zero_point(&self, state: &State) -> i32 {
        match self.scale {
            WeightScale::Learned { zero_point, .. } => zero_point,
            WeightScale::Following { at } => state.statistics[at + self.count] as i32,
        }
    }

    /// The smallest and largest integer less the zero point.
    pub(super) fn bounds(&self, state: &State) -> [f32; 2] {
        self.codes.map(|code| (code - self.zero_point(state)) as f32)
    }

    /// Adds the gradient of the scales, given by output channel.
    pub(super) fn add_gradient(&self, of_scale: &[f32], sums: &mut [f32]) {
        let WeightScale::Learned { at, factor, .. } = self.scale else { return };
        for (c, gradient) in of_scale.iter().enumerate() {
            sums[at + if self.count == 1 { 0 } else { c }] += gradient * factor;
        }
    }
}
