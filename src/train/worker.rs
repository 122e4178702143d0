//! One shard of frames at a time: state in, gradient sums out. Several workers may share the shards of
//! a batch; whoever computes a shard, its sums are the same.

use super::loss::Loss;
use super::machine::{Machine, Mode};
use super::mirror::Mirrored;
use super::network::Network;
use super::state::State;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::score::classes::hits;

/// A frame of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Example {
    pub(super) frame: usize,
    pub(super) mirrored: bool,
}

/// What does not change while a network trains.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) network: Network,
    /// The float network whose answers count, too.
    pub(super) teacher: Option<(Network, State)>,
    pub(super) loss: Loss,
    pub(super) mirrored: Option<Mirrored>,
}

/// Who computes shards: the buffers for it.
#[derive(Debug)]
pub(super) struct Worker {
    machine: Machine,
    teacher: Option<Machine>,
    logits: Vec<f32>,
    wanted: Vec<f32>,
    gradient: Vec<f32>,
    labels: Vec<u32>,
}

/// What a shard comes to.
#[derive(Debug)]
pub(super) struct Sums<'a> {
    /// Of the loss over what the frames met, in the places of [`State::parameters`].
    pub(super) gradients: &'a [f32],
    /// What was observed, in the places of [`State::statistics`].
    pub(super) statistics: &'a [f32],
    pub(super) loss: f64,
    pub(super) hits: usize,
}

impl Worker {
    pub(super) fn new(engine: &Engine, state: &State) -> Self {
        let teacher = engine.teacher.as_ref().map(|(network, state)| {
            let mut machine = network.machine(state);
            machine.set(network, state, Mode::default());
            machine
        });
        Self {
            machine: engine.network.machine(state),
            teacher,
            logits: Vec::new(),
            wanted: Vec::new(),
            gradient: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// Takes over the parameters of a step.
    pub(super) fn set(&mut self, engine: &Engine, state: &State, mode: Mode) {
        self.machine.set(&engine.network, state, mode);
    }

    /// The machine, as it was set last.
    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Loads the frames of `examples`, with their labels.
    ///
    /// # Errors
    /// A frame without a label.
    fn load(&mut self, engine: &Engine, data: &Dataset, examples: &[Example]) -> Result<()> {
        let network = &engine.network;
        let len = network.features[network.input].len();
        let known = data.classes().unwrap_or_default();
        self.machine.frames = examples.len();
        self.labels.clear();
        let frames = self.machine.values[network.input].chunks_exact_mut(len);
        for (example, frame) in examples.iter().zip(frames) {
            data.input_channels_last(example.frame, frame);
            let label = *known.get(example.frame).ok_or_else(|| {
                Error::new(format!("frame {} has no label", example.frame))
                    .way_out("Training needs a label for every frame.")
            })?;
            match &engine.mirrored {
                Some(mirrored) if example.mirrored => {
                    mirrored.turn(frame);
                    self.labels.push(mirrored.label(label));
                }
                _ => self.labels.push(label),
            }
        }
        Ok(())
    }

    /// Loss and gradients of a shard, each frame weighted with `factor`.
    pub(super) fn shard(
        &mut self,
        engine: &Engine,
        data: &Dataset,
        examples: &[Example],
        factor: f64,
    ) -> Result<Sums<'_>> {
        self.load(engine, data, examples)?;
        if let (Some((network, _)), Some(teacher)) = (&engine.teacher, &mut self.teacher) {
            let frames = &self.machine.values[engine.network.input];
            teacher.values[network.input].copy_from_slice(frames);
            teacher.frames = examples.len();
            self.wanted.clear();
            self.wanted.extend_from_slice(teacher.forward(network));
        }
        let network = &engine.network;
        network.reset_observed(&mut self.machine.observed);
        self.logits.clear();
        self.logits.extend_from_slice(self.machine.forward(network));
        self.gradient.resize(self.logits.len(), 0.0);
        let (loss, hits) = self.judge(engine.loss, network.classes, factor);
        self.machine.backward(network, &self.gradient);
        let (gradients, statistics) = (&self.machine.sums, &self.machine.observed);
        Ok(Sums { gradients, statistics, loss, hits })
    }

    /// The loss of the logits and how many frames are right; their gradient goes into `gradient`.
    fn judge(&mut self, loss: Loss, classes: usize, factor: f64) -> (f64, usize) {
        let (mut sum, mut right) = (0.0, 0);
        for (i, logits) in self.logits.chunks_exact(classes).enumerate() {
            let wanted = self.wanted.get(i * classes..(i + 1) * classes);
            let gradient = &mut self.gradient[i * classes..][..classes];
            sum += loss.at(logits, self.labels[i] as usize, wanted, factor, gradient);
            right += usize::from(hits(logits, self.labels[i]));
        }
        (sum, right)
    }

    /// What the network says about frames as they are.
    pub(super) fn logits(
        &mut self,
        engine: &Engine,
        data: &Dataset,
        examples: &[Example],
    ) -> Result<&[f32]> {
        self.load(engine, data, examples)?;
        engine.network.reset_observed(&mut self.machine.observed);
        self.logits.clear();
        self.logits.extend_from_slice(self.machine.forward(&engine.network));
        Ok(&self.logits)
    }

    /// Loss (the plain one) and hits on frames as they are.
    pub(super) fn evaluate(
        &mut self,
        engine: &Engine,
        data: &Dataset,
        examples: &[Example],
    ) -> Result<(f64, usize)> {
        self.logits(engine, data, examples)?;
        self.wanted.clear();
        self.gradient.resize(self.logits.len(), 0.0);
        Ok(self.judge(Loss::PLAIN, engine.network.classes, 1.0))
    }
}
