//! What is mended after rounding, layer by layer from the input on: rounding itself (AdaRound) and
//! biases.

use super::layer::{Layer, Samples};
use super::placement::has_weights;
use super::qdq::Layers;
use super::qparams::Params;
use super::walk::{Walk, with_weights};
use super::{Prepared, Step, adaround};
use crate::data::Dataset;
use crate::error::Result;
use crate::graph::operator::{Layout, operator};
use crate::graph::{Node, Tensor, clip_range};
use crate::quantize::step::StepProgress;
use crate::vocabulary::recipe::{Recipe, Rounding};

/// The constants of every layer as the recipe asks.
///
/// Each layer is seen with the input that the quantized layers before it give.
///
/// # Errors
/// Frames that do not fit the network, and cancelling.
pub(super) fn correct(
    prepared: &Prepared,
    params: &Params,
    recipe: &Recipe,
    data: &Dataset,
    indices: &[usize],
    progress: &mut StepProgress,
) -> Result<Layers> {
    let graph = &prepared.graph;
    let mut layers = Layers::nearest(graph, &prepared.placement, params, recipe);
    let learn = recipe.rounding == Rounding::Adaround;
    if !learn && !recipe.bias_correction {
        return Ok(layers);
    }
    // A transposed convolution is no sum over patches of its input: it stays as it was rounded.
    let weighted = |&i: &usize| {
        let node = &graph.nodes[i];
        has_weights(graph, node)
            && operator(&node.op).weights.is_some_and(|own| own.layout != Layout::InputsFirst)
    };
    let nodes: Vec<usize> = prepared.placement.nodes.iter().copied().filter(weighted).collect();
    let step = if learn { Step::Round } else { Step::CorrectBias };
    let mut walk = Walk::new(prepared, params, recipe, data, indices)?;
    for (done, &i) in nodes.iter().enumerate() {
        progress(step, done, nodes.len())?;
        walk.advance(i, &layers)?;
        let mut learning = |_: usize, _: usize| progress(step, done, nodes.len());
        correct_layer(prepared, recipe, &walk, i, &mut layers, &mut learning)?;
    }
    progress(step, nodes.len(), nodes.len())?;
    Ok(layers)
}

fn correct_layer(
    prepared: &Prepared,
    recipe: &Recipe,
    walk: &Walk<'_>,
    i: usize,
    layers: &mut Layers,
    progress: &mut crate::progress::Progress,
) -> Result<()> {
    let graph = &prepared.graph;
    let node = &graph.nodes[i];
    let Some(tensor) = graph.constant(node, 1) else { return Ok(()) };
    let (Some(weights), Some(quantized)) = (tensor.as_f32(), layers.weights.get_mut(&node.name))
    else {
        return Ok(());
    };
    let shapes = [node.inputs[0].as_str(), node.output()].map(|tensor| walk.shape(tensor));
    let layer = Layer::of(node, shapes[0], &tensor.shape, shapes[1])?;
    let wanted = walk.output(graph, node.output(), true)?;
    let bias = graph.constant(node, 2).and_then(Tensor::as_f32);
    let plain = node.int("transA", 0) == 0 && node.float("alpha", 1.0) == 1.0;
    if recipe.rounding == Rounding::Adaround && plain {
        let [_, input] = walk.read(&node.inputs[0]);
        let clip = activation(prepared, node);
        let bias = bias.filter(|_| node.float("beta", 1.0) == 1.0);
        let samples = Samples::new(&layer, [input, &wanted], weights, bias, clip);
        let seed = recipe.seed ^ (i as u64).wrapping_mul(0x9e37_79b9);
        quantized.codes = adaround::round(&layer, &samples, quantized, seed, progress)?;
    }
    // A MatMul has no bias to shift.
    let can_shift = operator(&node.op).weights.is_some_and(|own| own.bias.is_some());
    if recipe.bias_correction && can_shift {
        let rounded = with_weights(graph, i, quantized.reals(tensor));
        let got = walk.output(&rounded, node.output(), false)?;
        let shift = mean_difference(&layer, &wanted, &got);
        let beta = f64::from(node.float("beta", 1.0));
        let own = |c: usize| bias.map_or(0.0, |b| f64::from(b[c % b.len()]));
        let corrected = shift.iter().enumerate().map(|(c, shift)| (own(c) + shift / beta) as f32);
        layers.biases.insert(node.name.clone(), corrected.collect());
    }
    Ok(())
}

/// What the activation in which a node's result ends clips to.
fn activation(Prepared { graph, placement }: &Prepared, node: &Node) -> [f32; 2] {
    let activation = placement.activations.get(placement.result(graph, node));
    let range = activation.and_then(|&i| clip_range(graph, &graph.nodes[i]));
    range.unwrap_or([f32::NEG_INFINITY, f32::INFINITY])
}

/// Per output channel, the mean of `wanted - got` over positions and frames.
fn mean_difference(layer: &Layer, wanted: &[Vec<f32>], got: &[Vec<f32>]) -> Vec<f64> {
    let channels = layer.channels();
    let mut sums = vec![0f64; channels];
    let mut positions = 0;
    for (wanted, got) in wanted.iter().zip(got) {
        let count = wanted.len() / channels;
        positions += count;
        for position in 0..count {
            for (channel, sum) in sums.iter_mut().enumerate() {
                let at = layer.output(position, channel);
                *sum += f64::from(wanted[at]) - f64::from(got[at]);
            }
        }
    }
    sums.iter().map(|sum| sum / positions.max(1) as f64).collect()
}
