//! Several who share the shards of a batch. They share no memory: each is given bytes and gives
//! bytes back, over whatever connects it.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::machine::{Mode, SHARD};
use super::start::Start;
use super::state::State;
use super::state::floats;
use super::worker::{Engine, Example, Worker};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::onnx;
use crate::vocabulary::plan::Plan;
use crate::vocabulary::recipe::Recipe;

/// Those who help whoever trains, each a [`Hand`] somewhere else, numbered from 0. A hand that
/// is lost costs nothing but its help: what it was given is computed again.
#[expect(async_fn_in_trait, reason = "nobody asks for more than one thread")]
pub trait Crew {
    /// How many may help.
    fn most(&self) -> usize;
    /// Calls so many hands at most, and gives each this first: what it needs to know.
    async fn muster(&mut self, hands: usize, muster: Vec<u8>);
    /// How many have answered to that, once all have answered or are lost.
    async fn ready(&mut self) -> usize;
    /// Gives a hand work.
    fn ask(&mut self, hand: usize, work: Vec<u8>);
    /// What it came to. `None`: the hand is lost.
    async fn answer(&mut self, hand: usize) -> Option<Vec<u8>>;
}

/// Nobody.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Crew for Alone {
    fn most(&self) -> usize {
        0
    }

    async fn muster(&mut self, _: usize, _: Vec<u8>) {}

    async fn ready(&mut self) -> usize {
        0
    }

    fn ask(&mut self, _: usize, _: Vec<u8>) {}

    async fn answer(&mut self, _: usize) -> Option<Vec<u8>> {
        None
    }
}

/// What a hand needs to know of a training.
#[derive(Debug, Serialize, Deserialize)]
struct Muster {
    network: ByteBuf,
    /// JSON, like the plan: both leave out what goes without saying.
    recipe: String,
    plan: String,
    calibration: Dataset,
    /// One frame of those that are trained on: their shape and classes.
    sample: Dataset,
}

/// Shards of a batch.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    state: State,
    mode: Mode,
    /// Of each frame.
    factor: f64,
    /// The frames of the examples, in their order.
    frames: Dataset,
    mirrored: Vec<bool>,
}

/// What a shard comes to, as [`Sums`](super::worker::Sums).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ShardSums {
    #[serde(with = "floats")]
    pub(super) gradients: Vec<f32>,
    #[serde(with = "floats")]
    pub(super) statistics: Vec<f32>,
    pub(super) loss: f64,
    pub(super) hits: usize,
}

/// One of a crew.
#[derive(Debug, Default)]
pub struct Hand(Option<(Start, Worker)>);

impl Hand {
    /// To the bytes of [`Crew::muster`] first, with nothing; then to those of [`Crew::ask`], with the
    /// bytes of [`Crew::answer`].
    ///
    /// # Errors
    /// Other bytes, and what keeps the training itself from starting.
    pub fn answer(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        match &mut self.0 {
            Some((start, worker)) => work_on(&start.engine, worker, read(bytes)?),
            None => {
                let Muster { network, recipe, plan, calibration, sample } = read(bytes)?;
                let graph = onnx::read(&network)?;
                let recipe: Recipe = serde_json::from_str(&recipe).map_err(unreadable)?;
                let plan: Plan = serde_json::from_str(&plan).map_err(unreadable)?;
                let data = [&calibration, &sample];
                let start = Start::new(&graph, &recipe, &plan, data, &mut |_, _, _| Ok(()))?;
                let worker = Worker::new(&start.engine, &start.state);
                self.0 = Some((start, worker));
                Ok(Vec::new())
            }
        }
    }
}

fn work_on(engine: &Engine, worker: &mut Worker, work: Work) -> Result<Vec<u8>> {
    let Work { state, mode, factor, frames, mirrored } = work;
    worker.set(engine, &state, mode);
    let example = |(frame, &mirrored): (usize, &bool)| Example { frame, mirrored };
    let examples: Vec<Example> = mirrored.iter().enumerate().map(example).collect();
    let sums = examples.chunks(SHARD).map(|shard| {
        let sums = worker.shard(engine, &frames, shard, factor)?;
        Ok(ShardSums {
            gradients: sums.gradients.to_vec(),
            statistics: sums.statistics.to_vec(),
            loss: sums.loss,
            hits: sums.hits,
        })
    });
    write(&sums.collect::<Result<Vec<_>>>()?)
}

/// For [`Crew::muster`].
pub(super) fn muster(
    graph: &Graph,
    recipe: &Recipe,
    plan: &Plan,
    [calibration, data]: [&Dataset; 2],
) -> Result<Vec<u8>> {
    write(&Muster {
        network: onnx::write(graph).into(),
        recipe: recipe.to_short_json()?,
        plan: plan.to_json()?,
        calibration: calibration.clone(),
        sample: data.select(&[0]),
    })
}

/// For [`Crew::ask`].
pub(super) fn work(
    state: &State,
    mode: Mode,
    factor: f64,
    data: &Dataset,
    examples: &[Example],
) -> Result<Vec<u8>> {
    let frames: Vec<usize> = examples.iter().map(|example| example.frame).collect();
    write(&Work {
        state: state.clone(),
        mode,
        factor,
        frames: data.select(&frames),
        mirrored: examples.iter().map(|example| example.mirrored).collect(),
    })
}

/// From [`Crew::answer`]: of each shard.
pub(super) fn sums(answer: &[u8]) -> Result<Vec<ShardSums>> {
    read(answer)
}

fn write(message: &impl Serialize) -> Result<Vec<u8>> {
    postcard::to_allocvec(message).map_err(unreadable)
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(unreadable)
}

fn unreadable(why: impl std::fmt::Display) -> Error {
    Error::new(format!("a message between those who train cannot be read: {why}"))
}
