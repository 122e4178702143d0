//! From the float network to what training starts with: the network as post-training quantization
//! leaves it, compiled for training.

use super::builder::Source;
use super::head::Head;
use super::loss::{Kind, Mix};
use super::mirror::{Sides, Turn};
use super::network::{Exit, Network};
use super::state::State;
use super::trainer::{Hear, Phase};
use super::worker::Engine;
use crate::data::Dataset;
use crate::error::Result;
use crate::graph::Graph;
use crate::graph::fold_batch_norm::normalized_layers;
use crate::quantize::{ActivationScheme, Calibrated, Layers, Params, Placement, Prepared, plain};
use crate::vocabulary::plan::{Plan, Scales};
use crate::vocabulary::recipe::{LayerBits, Method, Recipe, WeightRange};

#[derive(Debug)]
pub(super) struct Start {
    /// The network as without training.
    pub(super) calibrated: Calibrated,
    pub(super) engine: Engine,
    pub(super) state: State,
}

impl Start {
    /// `data`: calibration frames, then training frames, of which the shape and what they are count.
    ///
    /// # Errors
    /// As [`train`](super::train).
    pub(super) fn new(
        graph: &Graph,
        recipe: &Recipe,
        plan: &Plan,
        heads: &[Head],
        [calibration, data]: [&Dataset; 2],
        progress: &mut Hear<'_>,
    ) -> Result<Self> {
        // What cannot be trained is told before calibration starts.
        let float = float_network(&Prepared::new(graph, recipe)?, (recipe, heads), data)?;
        let mut setup = |step, done, total| progress(Phase::Start(step), done, total);
        let mut calibrated =
            Calibrated::new(graph, &starting_recipe(recipe, plan), calibration, &mut setup)?;
        for (head, exit) in heads.iter().zip(&float.0.exits) {
            make_room_for_scores(&mut calibrated, recipe, plan, (head, exit));
        }
        let normalized = normalized_layers(&plain(graph)?);
        let (network, state) = Network::new(Source {
            prepared: &calibrated.prepared,
            normalized: &normalized,
            params: &calibrated.params,
            layers: &calibrated.layers,
            recipe,
            scales: plan.scales,
            frame: data.frame_shape(),
            heads,
        })?;
        let turns = Sides::of(&plan.mirror, data, heads)?.is_some();
        let turn = turns.then(|| Turn::of(data)).transpose()?;
        let mix = Mix {
            smoothing: plan.label_smoothing,
            distillation: plan.distillation,
            temperature: plan.temperature,
        };
        let teacher = (plan.distillation > 0.0).then_some(float);
        let engine = Engine { network, teacher, mix, turn };
        Ok(Self { calibrated, engine, state })
    }
}

/// The recipe that training starts from. A learned scale of few bits starts from the range with the
/// least squared error. From the full range most weights round to zero, and learn nothing; and a
/// scale of activations moves too slowly to leave behind what a rare value made of it.
fn starting_recipe(recipe: &Recipe, plan: &Plan) -> Recipe {
    let mut start = recipe.clone();
    if plan.scales != Scales::Learned {
        return start;
    }
    let few = |all: u32, own: fn(&LayerBits) -> Option<u32>| {
        all < 8 || recipe.layers.values().any(|layer| own(layer).is_some_and(|bits| bits < 8))
    };
    if few(recipe.weight_bits, |layer| layer.weight_bits) {
        start.weight_range = WeightRange::Mse;
    }
    if few(recipe.activation_bits, |layer| layer.activation_bits) && recipe.method == Method::Minmax
    {
        start.method = Method::Mse;
    }
    start
}

/// Widens the range of an output's scores where it ends before what the loss asks for, as that of a
/// network does whose last layer has not learned yet: scores beyond their range have no gradient.
///
/// The loss of classes is least where the right score stands `ln((1 - s + s / classes) / (s /
/// classes))` above the others, `s` the label smoothing; a range twice as wide is enough. That of
/// values asks for their labels.
fn make_room_for_scores(
    calibrated: &mut Calibrated,
    recipe: &Recipe,
    plan: &Plan,
    (head, exit): (&Head, &Exit),
) {
    let Calibrated { prepared: Prepared { placement, .. }, params, .. } = calibrated;
    let root = placement.tensors.get(&exit.scores.tensor);
    let Some(params) = root.and_then(|root| params.get_mut(root)) else { return };
    let scheme = ActivationScheme { bits: params.bits, ..ActivationScheme::of(recipe) };
    let [low, high] = scheme.range(params);
    let classes = match exit.loss {
        Kind::Softmax => head.len,
        Kind::Sigmoids | Kind::Shares => 2,
        Kind::Mse | Kind::Huber | Kind::L1 => {
            let [least, most] = head.range.map(|label| label as f32);
            if least < low || most > high {
                *params = scheme.params([low.min(least), high.max(most)]);
            }
            return;
        }
    };
    let smoothing = f64::from(plan.label_smoothing.max(LEAST_SMOOTHING));
    let rest = smoothing / classes as f64;
    let right = 1.0 - smoothing + rest;
    let wanted = 2.0 * libm::log(right / rest) as f32;
    let lacks = (wanted - (high - low)) / 2.0;
    if lacks > 0.0 {
        *params = scheme.params([low - lacks, high + lacks]);
    }
}

/// Without smoothing the best score is infinite.
const LEAST_SMOOTHING: f32 = 0.001;

/// The network in float, which only computes.
fn float_network(
    prepared: &Prepared,
    (recipe, heads): (&Recipe, &[Head]),
    data: &Dataset,
) -> Result<(Network, State)> {
    let prepared = Prepared { graph: prepared.graph.clone(), placement: Placement::default() };
    Network::new(Source {
        prepared: &prepared,
        normalized: &[],
        params: &Params::new(),
        layers: &Layers::default(),
        recipe,
        scales: Scales::Learned,
        frame: data.frame_shape(),
        heads,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Data, Tensor};
    use crate::onnx;
    use crate::progress::unwatched;
    use crate::train::labels::heads;
    use crate::vocabulary::file::File;
    use crate::vocabulary::reading::Reading;

    const NETWORK: &[u8] = include_bytes!("../../tests/goldens/training-small.onnx");
    const FRAMES: &[u8] = include_bytes!("../../tests/goldens/training-small.npz");

    /// How far apart scores can be when training starts, with the last weights times `factor`.
    fn reach_of_scores(factor: f32) -> f32 {
        let mut graph = onnx::read(NETWORK).unwrap();
        for name in &graph.nodes.last().unwrap().inputs[1..] {
            let tensor = graph.initializers.get_mut(name).unwrap();
            let values = tensor.as_f32().unwrap().iter().map(|value| value * factor).collect();
            *tensor = Tensor::new(tensor.shape.clone(), Data::F32(values));
        }
        let file = File { name: "frames.npz".into(), bytes: FRAMES.to_vec().into() };
        let data = Dataset::read(&[file], &Reading::default(), &mut unwatched).unwrap();
        let (recipe, plan) = (Recipe::default(), Plan::default());
        let (heads, _) = heads(&graph, &plan, &data).unwrap();
        let start =
            Start::new(&graph, &recipe, &plan, &heads, [&data; 2], &mut |_, _, _| Ok(())).unwrap();
        let network = &start.engine.network;
        let output = network.exits[0].answer.feature;
        let root = network.features[output].round.as_ref().unwrap().root;
        network.roots[root].params.scale[0] * 255.0
    }

    #[test]
    fn scores_have_room_for_what_the_loss_asks() {
        let learned = reach_of_scores(100.0);
        assert!((learned / reach_of_scores(200.0) - 0.5).abs() < 1e-3, "it is as it was");
        // Between 4.4 and 4.8 for 4 to 6 classes, twice.
        let narrow = reach_of_scores(0.01);
        assert!((8.8..9.6).contains(&narrow), "{narrow}");
    }

    #[test]
    fn learned_scales_of_few_bits_start_from_the_least_squared_error() {
        let start = |recipe: &Recipe, scales| {
            let Recipe { method, weight_range, .. } =
                starting_recipe(recipe, &Plan { scales, ..Plan::default() });
            (method, weight_range)
        };
        let narrow = Recipe { weight_bits: 3, activation_bits: 4, ..Recipe::default() };
        let mut raised = narrow.clone();
        raised
            .layers
            .insert("conv".into(), LayerBits { weight_bits: Some(8), activation_bits: None });
        let chosen = Recipe { method: Method::Percentile, ..narrow.clone() };
        let cases = [
            (Recipe::default(), (Method::Minmax, WeightRange::Minmax)),
            (Recipe { weight_bits: 4, ..Recipe::default() }, (Method::Minmax, WeightRange::Mse)),
            (narrow.clone(), (Method::Mse, WeightRange::Mse)),
            (raised, (Method::Mse, WeightRange::Mse)),
            (chosen, (Method::Percentile, WeightRange::Mse)),
        ];
        for (recipe, expected) in cases {
            assert_eq!(start(&recipe, Scales::Learned), expected, "{recipe:?}");
        }
        let observed = start(&narrow, Scales::MovingAverage);
        assert_eq!(observed, (Method::Minmax, WeightRange::Minmax));
    }
}
