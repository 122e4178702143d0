//! From the float network to what training starts with: the network as post-training quantization
//! leaves it, compiled for training.

use super::loss::Loss;
use super::mirror::Mirrored;
use super::network::{Network, Source};
use super::plan::{Plan, Scales};
use super::state::State;
use super::trainer::{Hear, Phase};
use super::worker::Engine;
use crate::data::Dataset;
use crate::error::Result;
use crate::graph::Graph;
use crate::graph::fold_batch_norm::normalized_layers;
use crate::quantize::{
    Calibrated, Layers, Params, Placement, Prepared, Recipe, WeightRange, plain,
};

#[derive(Debug)]
pub(super) struct Start {
    /// The network as without training.
    pub(super) calibrated: Calibrated,
    pub(super) engine: Engine,
    pub(super) state: State,
}

impl Start {
    /// `data`: calibration frames, then training frames, of which shape, classes and labels count.
    ///
    /// # Errors
    /// As [`train`](super::train).
    pub(super) fn new(
        graph: &Graph,
        recipe: &Recipe,
        plan: &Plan,
        [calibration, data]: [&Dataset; 2],
        progress: &mut Hear<'_>,
    ) -> Result<Self> {
        plan.check()?;
        // What cannot be trained is told before calibration starts.
        let float = float_network(&Prepared::new(graph, recipe)?, recipe, data)?;
        data.check_labels(float.0.classes)?;
        let mut setup = |step, done, total| progress(Phase::Start(step), done, total);
        let calibrated =
            Calibrated::new(graph, &starting_recipe(recipe, plan), calibration, &mut setup)?;
        let normalized = normalized_layers(&plain(graph)?);
        let (network, state) = Network::new(Source {
            prepared: &calibrated.prepared,
            normalized: &normalized,
            params: &calibrated.params,
            layers: &calibrated.layers,
            recipe,
            scales: plan.scales,
            frame: data.frame_shape(),
        })?;
        let mirrored = Mirrored::of(&plan.mirror, data, network.classes)?;
        let loss = Loss {
            smoothing: plan.label_smoothing,
            distillation: plan.distillation,
            temperature: plan.temperature,
        };
        let teacher = (plan.distillation > 0.0).then_some(float);
        let engine = Engine { network, teacher, loss, mirrored };
        Ok(Self { calibrated, engine, state })
    }
}

/// The recipe that training starts from. A learned scale of few bits starts from the range with the
/// least squared error: from the full range most weights round to zero, and learn nothing.
fn starting_recipe(recipe: &Recipe, plan: &Plan) -> Recipe {
    let learned = plan.scales == Scales::Learned && recipe.weight_range == WeightRange::Minmax;
    let few = recipe.weight_bits < 8 || recipe.layers.values().any(|l| l.weight_bits.is_some());
    let weight_range = if learned && few { WeightRange::Mse } else { recipe.weight_range };
    Recipe { weight_range, ..recipe.clone() }
}

/// The network in float, which only computes.
fn float_network(prepared: &Prepared, recipe: &Recipe, data: &Dataset) -> Result<(Network, State)> {
    let prepared = Prepared { graph: prepared.graph.clone(), placement: Placement::default() };
    Network::new(Source {
        prepared: &prepared,
        normalized: &[],
        params: &Params::new(),
        layers: &Layers::default(),
        recipe,
        scales: Scales::Learned,
        frame: data.frame_shape(),
    })
}
