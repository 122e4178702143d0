//! One shard of frames at a time: state in, gradient sums out. Several workers may share the shards of
//! a batch; whoever computes a shard, its sums are the same.

use super::account::Account;
use super::loss::Mix;
use super::mirror::Turn;
use super::network::Network;
use super::state::State;
use super::workbench::{Mode, Workbench};
use crate::data::Dataset;
use crate::score::classes::hits;
use crate::vocabulary::task::Task;

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
    pub(super) mix: Mix,
    /// How frames are mirrored, if any is.
    pub(super) turn: Option<Turn>,
}

/// Who computes shards: the buffers for it.
#[derive(Debug)]
pub(super) struct Worker {
    bench: Workbench,
    teacher: Option<Workbench>,
    answers: Vec<f32>,
    scores: Vec<f32>,
    wanted: Vec<f32>,
    gradient: Vec<f32>,
}

/// What a shard comes to.
#[derive(Debug)]
pub(super) struct Sums<'a> {
    /// Of the loss over what the frames met, in the places of [`State::parameters`].
    pub(super) gradients: &'a [f32],
    /// What was observed, in the places of [`State::statistics`].
    pub(super) statistics: &'a [f32],
    pub(super) account: Account,
}

impl Worker {
    pub(super) fn new(engine: &Engine, state: &State) -> Self {
        let teacher = engine.teacher.as_ref().map(|(network, state)| {
            let mut bench = network.bench(state);
            bench.set(network, state, Mode::default());
            bench
        });
        Self {
            bench: engine.network.bench(state),
            teacher,
            answers: Vec::new(),
            scores: Vec::new(),
            wanted: Vec::new(),
            gradient: Vec::new(),
        }
    }

    /// Takes over the parameters of a step.
    pub(super) fn set(&mut self, engine: &Engine, state: &State, mode: Mode) {
        self.bench.set(&engine.network, state, mode);
    }

    /// The bench, as it was set last.
    pub(super) fn bench(&self) -> &Workbench {
        &self.bench
    }

    /// Runs the frames of `examples`.
    fn run(&mut self, engine: &Engine, data: &Dataset, examples: &[Example]) {
        let network = &engine.network;
        let len = network.features[network.input].len();
        self.bench.frames = examples.len();
        let frames = self.bench.values[network.input].chunks_exact_mut(len);
        for (example, frame) in examples.iter().zip(frames) {
            data.input_channels_last(example.frame, frame);
            if let Some(turn) = engine.turn.as_ref().filter(|_| example.mirrored) {
                turn.turn(frame);
            }
        }
        if let (Some((network, _)), Some(teacher)) = (&engine.teacher, &mut self.teacher) {
            let frames = &self.bench.values[engine.network.input];
            teacher.values[network.input].copy_from_slice(frames);
        }
        network.reset_observed(&mut self.bench.observed);
        self.bench.forward(network);
        self.bench.read(network.exits.iter().map(|exit| &exit.answer), &mut self.answers);
        self.bench.read(network.exits.iter().map(|exit| &exit.scores), &mut self.scores);
    }

    /// Loss and gradients of a shard with these labels, a row for each frame, each of which is weighted
    /// with `factor`.
    pub(super) fn shard(
        &mut self,
        engine: &Engine,
        data: &Dataset,
        (examples, labels): (&[Example], &[f64]),
        factor: f64,
    ) -> Sums<'_> {
        self.run(engine, data, examples);
        self.wanted.clear();
        if let (Some((network, _)), Some(teacher)) = (&engine.teacher, &mut self.teacher) {
            teacher.frames = examples.len();
            teacher.forward(network);
            teacher.read(network.exits.iter().map(|exit| &exit.scores), &mut self.wanted);
        }
        let account = self.judge(&engine.network, engine.mix, labels, factor);
        self.bench.backward(&engine.network, &self.gradient);
        let (gradients, statistics) = (&self.bench.sums, &self.bench.observed);
        Sums { gradients, statistics, account }
    }

    /// What the frames came to; the gradient of their scores goes into `gradient`.
    fn judge(&mut self, network: &Network, mix: Mix, labels: &[f64], factor: f64) -> Account {
        self.gradient.resize(self.scores.len(), 0.0);
        let mut account = Account { frames: self.bench.frames, ..Account::default() };
        let mut at = 0;
        for labels in labels.chunks_exact(network.labels()) {
            let mut labels = labels;
            for exit in &network.exits {
                let own = at..at + exit.scores.places.len();
                let (of_exit, rest) = labels.split_at(exit.labels);
                let (scores, wanted) = (&self.scores[own.clone()], self.wanted.get(own.clone()));
                let gradient = &mut self.gradient[own.clone()];
                let factor = factor * exit.weight;
                let loss = mix.at(exit.loss, scores, of_exit, wanted, factor, gradient);
                account.loss += exit.weight * loss;
                let answers = &self.answers[own.clone()];
                if exit.task == Task::Classes {
                    account.hits += usize::from(hits(answers, of_exit[0] as u32));
                } else {
                    let distance =
                        |(&answer, label): (&f32, &f64)| (f64::from(answer) - label).abs();
                    account.errors += answers.iter().zip(of_exit).map(distance).sum::<f64>();
                }
                (at, labels) = (own.end, rest);
            }
        }
        account
    }

    /// What the network says about frames, a row of all outputs for each.
    pub(super) fn answers(
        &mut self,
        engine: &Engine,
        data: &Dataset,
        examples: &[Example],
    ) -> &[f32] {
        self.run(engine, data, examples);
        &self.answers
    }

    /// What frames come to as they are, by the plain loss.
    pub(super) fn evaluate(
        &mut self,
        engine: &Engine,
        data: &Dataset,
        (examples, labels): (&[Example], &[f64]),
    ) -> Account {
        self.run(engine, data, examples);
        self.wanted.clear();
        self.judge(&engine.network, Mix::PLAIN, labels, 1.0)
    }
}
