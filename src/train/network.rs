//! The network in training form: steps on numbered tensors, and what they share.

use std::ops::Range;

use super::feature::Feature;
use super::layer::Layer;
use super::loss;
use super::operator::Operator;
use super::state::{Slot, State};
use super::workbench::{SHARD, Workbench};
use crate::quantize::{ActivationScheme, QParams};
use crate::vocabulary::task::Task;
use crate::vocabulary::training::Score;

/// A node, as it computes.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) operator: Box<dyn Operator>,
    /// The tensor that it makes.
    pub(super) y: usize,
}

/// A scale that one or several tensors share.
#[derive(Debug)]
pub(super) struct Root {
    /// The tensor whose range it is.
    pub(super) name: String,
    /// What calibration found.
    pub(super) params: QParams,
    pub(super) source: ScaleSource,
    pub(super) features: Vec<usize>,
}

/// Where an activation's scale comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum ScaleSource {
    /// It stays as calibration found it.
    Fixed,
    /// The parameter at this place; its zero point stays.
    Learned(usize),
    /// The range at this place of the statistics.
    Observed(usize, ActivationScheme),
}

impl Root {
    pub(super) fn scale_and_zero_point(&self, state: &State) -> (f32, i32) {
        let (scale, zero_point) = (self.params.scale[0], self.params.zero_point[0]);
        match self.source {
            ScaleSource::Fixed => (scale, zero_point),
            ScaleSource::Learned(at) => (state.parameters[at], zero_point),
            ScaleSource::Observed(at, scheme) => {
                let params = scheme.params([state.statistics[at], state.statistics[at + 1]]);
                (params.scale[0], params.zero_point[0])
            }
        }
    }
}

/// A network in training form.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) features: Vec<Feature>,
    pub(super) steps: Vec<Step>,
    pub(super) layers: Vec<Layer>,
    pub(super) roots: Vec<Root>,
    pub(super) frees: Vec<Free>,
    pub(super) slots: Vec<Slot>,
    pub(super) input: usize,
    /// What trains, in the order of the heads.
    pub(super) exits: Vec<Exit>,
}

/// A constant of a node in float that trains as it is.
#[derive(Debug)]
pub(super) struct Free {
    pub(super) node: String,
    pub(super) input: usize,
    pub(super) feature: usize,
    /// Its parameters, as memory has them.
    pub(super) slot: Range<usize>,
}

/// An output that trains.
#[derive(Debug)]
pub(super) struct Exit {
    /// What the file says.
    pub(super) answer: Port,
    /// What the loss is computed from: the answer, or the scores that it makes probabilities of.
    pub(super) scores: Port,
    pub(super) loss: loss::Kind,
    pub(super) weight: f64,
    pub(super) task: Task,
    /// Labels of a frame.
    pub(super) labels: usize,
}

/// Numbers of a frame that leave the network.
#[derive(Debug, Clone)]
pub(super) struct Port {
    pub(super) tensor: String,
    pub(super) feature: usize,
    /// In ONNX's order, their places in memory.
    pub(super) places: Vec<u32>,
}

impl Network {
    /// Numbers of a frame, of all outputs that train.
    pub(super) fn len(&self) -> usize {
        self.exits.iter().map(|exit| exit.answer.places.len()).sum()
    }

    /// Labels of a frame.
    pub(super) fn labels(&self) -> usize {
        self.exits.iter().map(|exit| exit.labels).sum()
    }

    /// Outputs of classes, and numbers that are values.
    pub(super) fn counts(&self) -> [usize; 2] {
        let of = |task| self.exits.iter().filter(move |exit| exit.task == task);
        [of(Task::Classes).count(), of(Task::Values).map(|exit| exit.labels).sum()]
    }

    pub(super) fn score(&self) -> Score {
        match self.exits.first().map(|exit| exit.task) {
            Some(Task::Values) => Score::Mae,
            _ => Score::Top1,
        }
    }

    /// Rounds the frames in the input's values, where the input is quantized.
    pub(super) fn round_input(&self, bench: &mut Workbench) {
        let Some(round) = &self.features[self.input].round else { return };
        let (unit, len) = (bench.units[self.input], self.features[self.input].len());
        let values = &bench.values[self.input][..bench.frames * len];
        for (to, x) in bench.unrounded[self.input].iter_mut().zip(values) {
            *to = x / unit;
        }
        round.forward(bench, self.input);
    }

    /// A bench for this network, with its constants in place.
    pub(super) fn bench(&self, state: &State) -> Workbench {
        let mut bench = Workbench::new(self, state);
        for (at, feature) in self.features.iter().enumerate() {
            if let Some((constant, unit)) = &feature.constant {
                bench.values[at] = constant.repeat(SHARD);
                bench.units[at] = *unit;
            }
        }
        bench
    }
}
