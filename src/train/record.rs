//! Steps on given batches with everything about them on record: for comparing with another
//! implementation.

use std::collections::BTreeMap;

use super::labels::heads;
use super::layer::Layer;
use super::network::{Network, ScaleSource};
use super::trainer::Trainer;
use super::weight_grid::WeightScale;
use super::worker::Example;
use crate::crew::Alone;
use crate::data::Dataset;
use crate::error::Result;
use crate::graph::Graph;
use crate::progress::ready;
use crate::vocabulary::plan::Plan;
use crate::vocabulary::recipe::Recipe;

/// One step: what came out, and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    /// Of the batch's frames, one row after another, before the step.
    pub logits: Vec<f32>,
    /// Mean over the batch.
    pub loss: f64,
    /// By parameter, in the order of the ONNX file: `NODE.weight`, `NODE.bias`, `NODE.gain`,
    /// `NODE.shift`, `NODE.scale` (of the weights), and `TENSOR.scale`.
    pub gradients: BTreeMap<String, Vec<f32>>,
    /// The same parameters, after the step.
    pub parameters: BTreeMap<String, Vec<f32>>,
}

/// Takes one step at the plan's peak learning rate for each of `batches` (frames of `data`);
/// BatchNormalization is frozen from step `frozen_from` on. `scales` gives learned scales of
/// activations another start than calibration, by name.
///
/// # Errors
/// As [`train`](super::train).
pub fn record(
    graph: &Graph,
    recipe: &Recipe,
    plan: &Plan,
    [calibration, data]: [&Dataset; 2],
    scales: &BTreeMap<String, f32>,
    batches: &[Vec<usize>],
    frozen_from: usize,
) -> Result<Vec<StepRecord>> {
    let (heads, targets) = heads(graph, plan, data)?;
    let (learning, on) = ((&heads[..], targets), [calibration, data]);
    let mut trainer = Trainer::new(graph, recipe, plan, learning, on, &mut |_, _, _| Ok(()))?;
    trainer.start_from(scales);
    let example = |&frame: &usize| Example { frame, mirrored: false };
    let step = |(i, batch): (usize, &Vec<usize>)| {
        let examples: Vec<Example> = batch.iter().map(example).collect();
        let mode = trainer.mode(i < frozen_from, true);
        let logits = trainer.answers(&examples, mode);
        let account = ready(trainer.batch(&examples, mode, f64::from(plan.peak()), &mut Alone))?;
        let network = trainer.network();
        Ok(StepRecord {
            logits,
            loss: account.loss / examples.len() as f64,
            gradients: named(network, trainer.gradients()),
            parameters: named(network, trainer.parameters()),
        })
    };
    batches.iter().enumerate().map(step).collect()
}

/// The flat vector's parts by name.
fn named(network: &Network, flat: &[f32]) -> BTreeMap<String, Vec<f32>> {
    let mut named = BTreeMap::new();
    for layer in &network.layers {
        let weights = &flat[layer.slots.weight.clone()];
        let ordered = (0..weights.len()).map(|i| weights[layer.place(i)]).collect();
        named.insert(format!("{}.weight", layer.name), ordered);
        for (what, range) in parts(layer) {
            named.insert(format!("{}.{what}", layer.name), flat[range].to_vec());
        }
    }
    for root in &network.roots {
        if let ScaleSource::Learned(at) = root.source {
            named.insert(format!("{}.scale", root.name), vec![flat[at]]);
        }
    }
    named
}

/// A layer's parameters besides its weights.
fn parts(layer: &Layer) -> Vec<(&'static str, std::ops::Range<usize>)> {
    let mut parts = Vec::new();
    parts.extend(layer.slots.bias.clone().map(|range| ("bias", range)));
    if let Some(norm) = &layer.norm {
        parts.extend([("gain", norm.gain.clone()), ("shift", norm.shift.clone())]);
    }
    if let Some(grid) = &layer.grid
        && let WeightScale::Learned { at, .. } = grid.scale
    {
        parts.push(("scale", at..at + grid.count));
    }
    parts
}
