//! The memory of a pass: every tensor's values and gradients for one shard of frames, allocated once.

use serde::{Deserialize, Serialize};

use super::network::{Network, Port};
use super::state::State;
use super::weights::Effective;

/// Frames whose gradient is computed together. A batch is cut into such shards, and their gradients
/// are summed in order: the sum does not depend on who computed which.
pub const SHARD: usize = 8;

/// What a pass does besides computing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mode {
    /// BatchNormalization uses the shard's own mean and variance.
    pub(super) batch_statistics: bool,
    /// Ranges of activations are observed.
    pub(super) observe: bool,
}

/// The buffers of one worker.
#[derive(Debug, Default)]
pub(super) struct Workbench {
    /// Frames of this pass.
    pub(super) frames: usize,
    pub(super) mode: Mode,
    /// By tensor, frame after frame, channels last: integers less their zero point where the tensor
    /// is quantized.
    pub(super) values: Vec<Vec<f32>>,
    /// By quantized tensor, the same before rounding.
    pub(super) unrounded: Vec<Vec<f32>>,
    /// By tensor, the gradient of its real values; empty where nothing needs it.
    pub(super) gradients: Vec<Vec<f32>>,
    /// By tensor, what its values are multiples of: the scale of a quantized one, else 1.
    pub(super) units: Vec<f32>,
    /// By root of quantized tensors.
    pub(super) zero_points: Vec<i32>,
    /// By layer.
    pub(super) weights: Vec<Effective>,
    /// By step, what its backward pass needs of its forward pass.
    pub(super) kept: Vec<Kept>,
    /// Gradients of the parameters, as [`State::parameters`] has them; those of weights and biases
    /// are of what the frames met, folded and rounded.
    pub(super) sums: Vec<f32>,
    /// As [`State::statistics`] has them.
    pub(super) observed: Vec<f32>,
    /// Room for a block of patches, and for packed operands.
    pub(super) patches: Vec<f32>,
    pub(super) packed: Vec<f32>,
}

/// What one step keeps for its backward pass.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) floats: Vec<f32>,
    pub(super) places: Vec<u32>,
    pub(super) channels: Vec<f32>,
}

impl Workbench {
    pub(super) fn new(network: &Network, state: &State) -> Self {
        let count = network.features.len();
        let mut bench = Self {
            values: network.features.iter().map(|f| vec![0.0; SHARD * f.len()]).collect(),
            unrounded: vec![Vec::new(); count],
            gradients: vec![Vec::new(); count],
            units: vec![1.0; count],
            zero_points: vec![0; network.roots.len()],
            weights: network.layers.iter().map(Effective::new).collect(),
            sums: vec![0.0; state.parameters.len()],
            observed: vec![0.0; state.statistics.len()],
            ..Self::default()
        };
        for (at, feature) in network.features.iter().enumerate() {
            if feature.needs_gradient {
                bench.gradients[at] = vec![0.0; SHARD * feature.len()];
            }
            if feature.round.is_some() {
                bench.unrounded[at] = vec![0.0; SHARD * feature.len()];
            }
        }
        bench.kept.resize_with(network.steps.len(), Kept::default);
        bench
    }

    /// Takes over `state`: scales, and weights folded, rounded and packed.
    pub(super) fn set(&mut self, network: &Network, state: &State, mode: Mode) {
        self.mode = mode;
        for (at, root) in network.roots.iter().enumerate() {
            let (scale, zero_point) = root.scale_and_zero_point(state);
            self.zero_points[at] = zero_point;
            for feature in root.features.iter() {
                self.units[*feature] = scale;
            }
        }
        for free in &network.frees {
            let own = &state.parameters[free.slot.clone()];
            let frames = self.values[free.feature].chunks_exact_mut(own.len());
            frames.for_each(|frame| frame.copy_from_slice(own));
        }
        for (layer, weights) in network.layers.iter().zip(&mut self.weights) {
            weights.set(layer, state, self.units[layer.x], mode.batch_statistics);
        }
    }

    /// Runs the frames that are in the input's values.
    pub(super) fn forward(&mut self, network: &Network) {
        network.round_input(self);
        for (at, step) in network.steps.iter().enumerate() {
            let mut kept = std::mem::take(&mut self.kept[at]);
            step.operator.forward(self, &mut kept);
            self.kept[at] = kept;
            if let Some(round) = &network.features[step.y].round {
                round.forward(self, step.y);
            }
        }
    }

    /// What left at these ports in the last forward pass, as reals: a row for each frame.
    pub(super) fn read<'a>(
        &self,
        ports: impl Iterator<Item = &'a Port> + Clone,
        rows: &mut Vec<f32>,
    ) {
        rows.clear();
        for frame in 0..self.frames {
            for Port { feature, places, .. } in ports.clone() {
                let own = &self.values[*feature][frame * places.len()..][..places.len()];
                let unit = self.units[*feature];
                rows.extend(places.iter().map(|&place| own[place as usize] * unit));
            }
        }
    }

    /// Goes back from the gradient of the scores' reals, a row for each frame, to those of the
    /// parameters, which stand in `sums` then; after a forward pass.
    pub(super) fn backward(&mut self, network: &Network, gradient: &[f32]) {
        self.sums.fill(0.0);
        self.gradients.iter_mut().for_each(|gradient| gradient.fill(0.0));
        for (frame, row) in gradient.chunks_exact(network.len()).enumerate() {
            let mut row = row.iter();
            for exit in &network.exits {
                let Port { feature, places, .. } = &exit.scores;
                let from = frame * places.len();
                // An output in which nothing trains has no gradient.
                let mut own = self.gradients[*feature].get_mut(from..from + places.len());
                for (&place, gradient) in places.iter().zip(&mut row) {
                    if let Some(own) = &mut own {
                        own[place as usize] += gradient;
                    }
                }
            }
        }
        for (at, step) in network.steps.iter().enumerate().rev() {
            if !network.features[step.y].needs_gradient {
                continue;
            }
            if let Some(round) = &network.features[step.y].round {
                round.backward(self, step.y);
            }
            let mut kept = std::mem::take(&mut self.kept[at]);
            step.operator.backward(self, &mut kept);
            self.kept[at] = kept;
        }
        for free in &network.frees {
            let sums = &mut self.sums[free.slot.clone()];
            for frame in self.gradients[free.feature].chunks_exact(sums.len()).take(self.frames) {
                sums.iter_mut().zip(frame).for_each(|(sum, gradient)| *sum += gradient);
            }
        }
    }

    /// Takes out the buffer that an operator writes tensor `y` into: in units of `units[y]`, before
    /// rounding.
    pub(super) fn take_result(&mut self, y: usize) -> Vec<f32> {
        let rounded = !self.unrounded[y].is_empty();
        std::mem::take(if rounded { &mut self.unrounded[y] } else { &mut self.values[y] })
    }

    /// Puts back what [`Workbench::take_result`] took.
    pub(super) fn put_result(&mut self, y: usize, buffer: Vec<f32>) {
        // Of the two buffers only the one that was taken is empty.
        let rounded = !self.values[y].is_empty();
        *(if rounded { &mut self.unrounded[y] } else { &mut self.values[y] }) = buffer;
    }
}
