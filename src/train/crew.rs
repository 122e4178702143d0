//! What those say to one another who share the shards of a batch.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::account::Account;
use super::head::Head;
use super::start::Start;
use super::state::State;
use super::state::floats;
use super::workbench::{Mode, SHARD};
use super::worker::{Engine, Example, Worker};
use crate::crew::{Calling, call, read, unreadable, write};
use crate::data::Dataset;
use crate::error::Result;
use crate::graph::Graph;
use crate::onnx;
use crate::vocabulary::plan::Plan;
use crate::vocabulary::recipe::Recipe;

/// What a hand needs to know of a training.
#[derive(Debug, Serialize, Deserialize)]
struct Muster {
    network: ByteBuf,
    /// JSON, like the plan: both leave out what goes without saying.
    recipe: String,
    plan: String,
    heads: Vec<Head>,
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
    /// A row for each example.
    labels: Vec<f64>,
}

/// What a shard comes to, as [`Sums`](super::worker::Sums).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ShardSums {
    #[serde(with = "floats")]
    pub(super) gradients: Vec<f32>,
    #[serde(with = "floats")]
    pub(super) statistics: Vec<f32>,
    pub(super) account: Account,
}

/// One of a crew that trains.
#[derive(Debug)]
pub struct Hand {
    start: Start,
    worker: Worker,
}

impl Hand {
    /// From what the trainer calls hands with.
    ///
    /// # Errors
    /// Other bytes, and what keeps the training itself from starting.
    pub fn new(muster: &[u8]) -> Result<Self> {
        let Muster { network, recipe, plan, heads, calibration, sample } = read(muster)?;
        let graph = onnx::read(&network)?;
        let recipe: Recipe = serde_json::from_str(&recipe).map_err(unreadable)?;
        let plan: Plan = serde_json::from_str(&plan).map_err(unreadable)?;
        let data = [&calibration, &sample];
        let start = Start::new(&graph, &recipe, &plan, &heads, data, &mut |_, _, _| Ok(()))?;
        let worker = Worker::new(&start.engine, &start.state);
        Ok(Self { start, worker })
    }

    /// To the bytes of [`Crew::ask`](crate::crew::Crew::ask) with those of
    /// [`Crew::answer`](crate::crew::Crew::answer).
    ///
    /// # Errors
    /// Other bytes.
    pub fn answer(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        work_on(&self.start.engine, &mut self.worker, read(bytes)?)
    }
}

fn work_on(engine: &Engine, worker: &mut Worker, work: Work) -> Result<Vec<u8>> {
    let Work { state, mode, factor, frames, mirrored, labels } = work;
    worker.set(engine, &state, mode);
    let example = |(frame, &mirrored): (usize, &bool)| Example { frame, mirrored };
    let examples: Vec<Example> = mirrored.iter().enumerate().map(example).collect();
    let labels = labels.chunks(SHARD * engine.network.labels());
    let sums = examples.chunks(SHARD).zip(labels).map(|shard| {
        let sums = worker.shard(engine, &frames, shard, factor);
        ShardSums {
            gradients: sums.gradients.to_vec(),
            statistics: sums.statistics.to_vec(),
            account: sums.account,
        }
    });
    write(&sums.collect::<Vec<_>>())
}

/// For [`Crew::muster`](crate::crew::Crew::muster).
pub(super) fn muster(
    graph: &Graph,
    recipe: &Recipe,
    (plan, heads): (&Plan, &[Head]),
    [calibration, data]: [&Dataset; 2],
) -> Result<Vec<u8>> {
    let muster = Muster {
        network: onnx::write(graph).into(),
        recipe: recipe.to_short_json()?,
        plan: plan.to_json()?,
        heads: heads.to_vec(),
        calibration: calibration.clone(),
        sample: data.select(&[0]),
    };
    call(Calling::Training, &muster)
}

/// For [`Crew::ask`](crate::crew::Crew::ask).
pub(super) fn work(
    state: &State,
    mode: Mode,
    factor: f64,
    data: &Dataset,
    (examples, labels): (&[Example], &[f64]),
) -> Result<Vec<u8>> {
    let frames: Vec<usize> = examples.iter().map(|example| example.frame).collect();
    write(&Work {
        state: state.clone(),
        mode,
        factor,
        frames: data.select(&frames),
        mirrored: examples.iter().map(|example| example.mirrored).collect(),
        labels: labels.to_vec(),
    })
}

/// From [`Crew::answer`](crate::crew::Crew::answer): of each shard.
pub(super) fn sums(answer: &[u8]) -> Result<Vec<ShardSums>> {
    read(answer)
}
