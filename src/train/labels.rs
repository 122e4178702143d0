//! The labels that each output is held against, those of mirrored frames, too.

use super::head::Head;
use super::mirror::Sides;
use super::worker::Example;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::quantize::outputs;
use crate::runtime::input_shape;
use crate::score::judge::{Judge, Part, Truth};
use crate::vocabulary::plan::Plan;

/// All labels, a row for each frame: those of one output beside those of the next.
#[derive(Debug)]
pub(super) struct Targets {
    width: usize,
    own: Vec<f64>,
    /// Of the mirrored frames; empty where none is mirrored.
    mirrored: Vec<f64>,
}

impl Targets {
    /// Those of the examples, into `rows`.
    pub(super) fn of(&self, examples: &[Example]) -> Vec<f64> {
        let row = |example: &Example| {
            let from = if example.mirrored { &self.mirrored } else { &self.own };
            &from[example.frame * self.width..][..self.width]
        };
        examples.iter().flat_map(row).copied().collect()
    }
}

/// What the outputs of the network learn from these frames, and their labels.
///
/// # Errors
/// Frames without labels, labels that fit no output, losses that fit no task, and sides of a mirror
/// that no output has.
pub(super) fn heads(graph: &Graph, plan: &Plan, data: &Dataset) -> Result<(Vec<Head>, Targets)> {
    let labels = data.known_labels()?;
    let batch = input_shape(graph, Some(data.frame_shape()))?[0];
    let outputs = outputs(graph, data, batch)?;
    let judge = Judge::of(&outputs, Some(labels), &plan.judging, data.class_names());
    let judge = data.of_file(judge)?;
    let named = plan.losses.keys().chain(plan.loss_weights.keys());
    let parts: Vec<&Part> =
        judge.parts().iter().filter(|part| part.truth != Truth::Nothing).collect();
    for name in named {
        if parts.iter().all(|part| part.name != *name) {
            let known: Vec<String> = parts.iter().map(|part| format!("`{}`", part.name)).collect();
            return Err(Error::new(format!("no output `{name}` trains"))
                .way_out(format!("These do: {}.", known.join(", "))));
        }
    }
    let heads = parts.iter().map(|part| Head::of(part, plan)).collect::<Result<Vec<_>>>()?;
    if heads.is_empty() {
        return Err(Error::new("none of its outputs has labels to learn from")
            .way_out("Say with --task what the outputs are: classes or values."));
    }
    let sides = Sides::of(&plan.mirror, data, &heads)?;
    let row = |frame: usize, sides: Option<&Sides>| {
        let labels = parts.iter().enumerate().flat_map(|(head, part)| {
            let of = |i| label(&part.truth, i, frame, &heads[head], sides);
            (0..heads[head].labels()).map(of).collect::<Vec<_>>()
        });
        labels.collect::<Vec<f64>>()
    };
    let all = |sides: Option<&Sides>| (0..data.len()).flat_map(|frame| row(frame, sides)).collect();
    let mirrored = sides.as_ref().map_or_else(Vec::new, |sides| all(Some(sides)));
    let width = heads.iter().map(Head::labels).sum();
    let targets = Targets { width, own: all(None), mirrored };
    Ok((heads, targets))
}

/// Label `i` of a frame, as the mirror's sides have it.
fn label(truth: &Truth, i: usize, frame: usize, head: &Head, sides: Option<&Sides>) -> f64 {
    let sign = sides.map_or(1.0, |sides| sides.sign(head, i));
    match truth {
        Truth::Values(columns) => sign * columns[i][frame],
        Truth::Binned { bins, values, .. } => bins.bin(sign * values[frame]) as f64,
        Truth::Classes(classes) => {
            let class = classes[frame];
            sides.map_or(class, |sides| sides.class(head, class)).into()
        }
        Truth::Nothing => 0.0,
    }
}
