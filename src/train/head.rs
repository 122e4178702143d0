//! What each output learns: its task, its loss, and the labels that it is held against.

use serde::{Deserialize, Serialize};

use super::mirror::Sides;
use super::worker::Example;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::quantize::outputs;
use crate::runtime::input_shape;
use crate::score::judge::{Judge, Part, Truth};
use crate::vocabulary::plan::{Loss, Plan};
use crate::vocabulary::task::Task;

/// An output that trains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) name: String,
    /// Numbers of a frame.
    pub(super) len: usize,
    /// Classes or values.
    pub(super) task: Task,
    pub(super) loss: Loss,
    pub(super) weight: f32,
    /// The smallest and the largest label of values.
    pub(super) range: [f64; 2],
    /// What a mirror may change: the name of each value, or of the value whose bins the classes are.
    pub(super) values: Vec<String>,
}

impl Head {
    /// Labels of a frame: its class, or a value for each number.
    pub(super) fn labels(&self) -> usize {
        if self.task == Task::Classes { 1 } else { self.len }
    }

    fn of(part: &Part, plan: &Plan) -> Result<Self> {
        let said = plan.losses.get(&part.name).copied().or(plan.loss);
        let usual = if part.task == Task::Classes { Loss::CrossEntropy } else { Loss::Mse };
        let loss = said.unwrap_or(usual);
        if part.task == Task::Classes && loss != Loss::CrossEntropy {
            return Err(Error::new(format!(
                "`{}` has classes, {} is for values",
                part.name,
                loss.name()
            ))
            .way_out("Classes learn by cross-entropy: say --loss for each output, NAME=LOSS."));
        }
        let names = || (0..part.place.len()).map(|i| part.value_name(i)).collect();
        let (range, values) = match &part.truth {
            Truth::Values(columns) => (range(columns), names()),
            Truth::Binned { .. } => ([0.0; 2], vec![part.name.clone()]),
            Truth::Nothing | Truth::Classes(_) => ([0.0; 2], Vec::new()),
        };
        if loss == Loss::CrossEntropy && !(range[0] >= 0.0 && range[1] <= 1.0) {
            return Err(Error::new(format!(
                "the labels of `{}` are from {} to {}, cross-entropy is for shares",
                part.name, range[0], range[1]
            ))
            .way_out("Choose --loss mse, huber or l1, or labels from 0 to 1."));
        }
        let weight = plan.loss_weights.get(&part.name).copied().unwrap_or(1.0);
        let (name, len) = (part.name.clone(), part.place.len());
        Ok(Self { name, len, task: part.task, loss, weight, range, values })
    }
}

fn range(columns: &[Vec<f64>]) -> [f64; 2] {
    let all = || columns.iter().flatten().copied();
    [all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max)]
}

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
