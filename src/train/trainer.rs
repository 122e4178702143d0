//! The loop: epochs of batches of shards, until the plan says that it is enough.

use std::collections::BTreeMap;

use super::account::Account;
use super::course::{Course, Fingerprint, Partial};
use super::crew::{self, ShardSums};
use super::export;
use super::head::Head;
use super::labels::{Targets, heads};
use super::network::{Network, ScaleSource};
use super::start::Start;
use super::workbench::{Mode, SHARD};
use super::worker::{Engine, Example, Worker};
use crate::clock::Stopwatch;
use crate::crew::Crew;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::quantize::{Calibrated, Quantized, Step};
use crate::random::{SplitMix64, choose, shuffle};
use crate::vocabulary::plan::{Plan, Scales};
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::task::Task;
use crate::vocabulary::training::{Checkpoint, Epoch, Figures, Resume};

/// Key of the training plan's JSON among the file's metadata.
pub const TRAINING_KEY: &str = "steer8.training";

/// Milliseconds of an epoch that are lost at most when a training is broken off.
const CHECKPOINT_MS: f64 = 5000.0;

/// What is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The starting point is made, as without training.
    Start(Step),
    /// Counts the frames of an epoch.
    Train,
    /// Counts held-out frames.
    Check,
}

/// Who hears of a training while it goes on.
pub struct Listener<'a> {
    /// `(phase, done, total)`; an error ends the training. Once an epoch is done,
    /// [`Error::cancelled`] ends it with the best epoch so far.
    pub progress: &'a mut dyn FnMut(Phase, usize, usize) -> Result<()>,
    /// Every epoch, the starting point (0) among them; those of a checkpoint, too.
    pub epoch: &'a mut dyn FnMut(&Epoch),
    /// Everything that is needed to go on from here: after every epoch, and every
    /// five seconds in between. `None`: nobody keeps it.
    pub checkpoint: Option<&'a mut dyn FnMut(Checkpoint)>,
}

/// A trained and quantized network and the account of it.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The network of the best epoch.
    pub quantized: Quantized,
    /// From the first on; the starting point is not among them.
    pub epochs: Vec<Epoch>,
    /// The starting point: quantized, not yet trained.
    pub start: Epoch,
    /// Whose weights the file has; 0 is the starting point.
    pub best: Epoch,
    /// The epoch in which the loss was no number any more, which ended the training.
    pub diverged: Option<usize>,
    /// Of the training frames, those that were not trained on.
    pub held_out: Vec<usize>,
}

/// Trains the network for the recipe's quantization: on the labels of each output's own task, rounded
/// in every pass as the int8 file will round.
///
/// `data`: calibration frames, then labelled training frames. The result depends on the network, the
/// recipe, the plan and the frames alone, on every machine, and not on how often it was broken off
/// and resumed, nor on who helps.
///
/// # Errors
/// As [`quantize`](crate::quantize::quantize); a node that cannot be trained, by name and before
/// anything starts; frames without labels, or with some that fit no output; an impossible plan; a
/// checkpoint of another training.
pub async fn train(
    graph: &Graph,
    recipe: &Recipe,
    plan: &Plan,
    [calibration, data]: [&Dataset; 2],
    resume: Option<&Resume>,
    listener: Listener<'_>,
    crew: &mut impl Crew,
) -> Result<Trained> {
    let Listener { progress, epoch, mut checkpoint } = listener;
    // They start while this one does.
    let finish = resume.is_some_and(|resume| resume.finish);
    plan.check()?;
    let (heads, targets) = heads(graph, plan, data)?;
    let plan = &plan.settled(heads.first().map_or(Task::None, |head| head.task));
    // A batch has no work for more than one at each of its shards.
    let hands = crew.most().min(plan.batch.min(data.len()).div_ceil(SHARD).saturating_sub(1));
    if !finish && hands > 0 {
        let learning = (plan, &heads[..]);
        crew.muster(hands, crew::muster(graph, recipe, learning, [calibration, data])?).await;
    }
    let learning = (&heads[..], targets);
    let mut trainer = Trainer::new(graph, recipe, plan, learning, [calibration, data], progress)?;
    match resume {
        Some(resume) => {
            trainer.resume(&resume.checkpoint)?;
            let Course { start, epochs, .. } = &trainer.course;
            std::iter::once(start).chain(epochs).for_each(&mut *epoch);
        }
        None => epoch(&trainer.check_start(progress)?),
    }
    if !finish {
        trainer.hands = (0..crew.ready().await).collect();
    }
    while !finish && !trainer.is_done() {
        match trainer.epoch(progress, &mut checkpoint, crew).await {
            Ok(Some(done)) => epoch(&done),
            Ok(None) => {
                let diverged = trainer.course.epochs.len() + 1;
                if diverged == 1 {
                    return Err(Error::new("the loss is no number in the first epoch")
                        .way_out("Choose a lower learning rate."));
                }
                return trainer.finish(recipe, Some(diverged));
            }
            Err(error) if error.is_cancelled() && !trainer.course.epochs.is_empty() => break,
            Err(error) => return Err(error),
        }
        if let Some(keep) = &mut checkpoint {
            keep(trainer.checkpoint()?);
        }
    }
    trainer.finish(recipe, None)
}

/// A training under way: everything that one epoch hands to the next.
pub(super) struct Trainer<'a> {
    /// The network as without training.
    calibrated: Calibrated,
    engine: Engine,
    worker: Worker,
    course: Course,
    /// What a checkpoint has to be of.
    fingerprint: Fingerprint,
    plan: &'a Plan,
    data: &'a Dataset,
    targets: Targets,
    training: Vec<usize>,
    held_out: Vec<usize>,
    /// Those who help, by their numbers.
    hands: Vec<usize>,
    /// Sums over a batch.
    gradients: Vec<f32>,
    observed: Vec<f32>,
}

/// The frames that train, and those that are held out to choose the epoch.
pub(crate) fn split(plan: &Plan, data: &Dataset) -> [Vec<usize>; 2] {
    let chosen = data.subset(plan.frames, plan.seed);
    let count = (f64::from(plan.held_out) * chosen.len() as f64).round().max(1.0) as usize;
    let mut is_held = vec![false; chosen.len()];
    for i in choose(chosen.len(), count, plan.seed ^ 0x4845_4c44) {
        is_held[i] = true;
    }
    let part = |held: bool| {
        let frames = chosen.iter().zip(&is_held).filter(|(_, is_held)| **is_held == held);
        frames.map(|(&frame, _)| frame).collect()
    };
    [part(false), part(true)]
}

impl<'a> Trainer<'a> {
    /// Makes the starting point.
    pub(super) fn new(
        graph: &Graph,
        recipe: &Recipe,
        plan: &'a Plan,
        (heads, targets): (&[Head], Targets),
        [calibration, data]: [&'a Dataset; 2],
        progress: &mut Hear<'_>,
    ) -> Result<Self> {
        let [training, held_out] = split(plan, data);
        if training.is_empty() || held_out.is_empty() {
            let error = match training.len() + held_out.len() {
                1 => Error::new("one frame is too little to train on"),
                chosen => Error::new(format!("{chosen} frames are too few to train on")),
            };
            let error =
                error.way_out("Training needs frames to learn from and others to hold out.");
            return Err(match data.file() {
                Some(file) => error.in_file(file),
                None => error,
            });
        }
        let start = Start::new(graph, recipe, plan, heads, [calibration, data], progress)?;
        let fingerprint = Fingerprint::of(graph, recipe, plan, [calibration, data], &start)?;
        let Start { calibrated, engine, state } = start;
        let worker = Worker::new(&engine, &state);
        Ok(Self {
            fingerprint,
            gradients: vec![0.0; state.parameters.len()],
            observed: vec![0.0; state.statistics.len()],
            course: Course::new(plan, state),
            calibrated,
            engine,
            worker,
            plan,
            data,
            targets,
            training,
            held_out,
            hands: Vec::new(),
        })
    }

    /// Goes on where an earlier training stopped.
    fn resume(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.course = checkpoint.open(&self.fingerprint)?;
        Ok(())
    }

    fn checkpoint(&self) -> Result<Checkpoint> {
        Checkpoint::new(&self.course, &self.fingerprint)
    }

    fn is_done(&self) -> bool {
        match self.plan.epochs {
            Some(epochs) => self.course.epochs.len() >= epochs,
            None => {
                let Course { epochs, plateau, .. } = &self.course;
                epochs.len() >= Plan::MAX_EPOCHS || plateau.falls > Plan::FALLS
            }
        }
    }

    /// Measures the starting point, which is the best so far.
    fn check_start(&mut self, progress: &mut Hear<'_>) -> Result<Epoch> {
        let stopwatch = Stopwatch::start();
        let held_out = self.check(progress)?;
        let seconds = stopwatch.ms() / 1e3;
        let start = Epoch::start(self.network().score(), held_out, seconds);
        self.course.begin(start);
        Ok(start)
    }

    /// The rest of an epoch, of which [`Course::partial`] is done; `None` if it diverges.
    async fn epoch(
        &mut self,
        progress: &mut Hear<'_>,
        keep: &mut Option<&mut dyn FnMut(Checkpoint)>,
        crew: &mut impl Crew,
    ) -> Result<Option<Epoch>> {
        let stopwatch = Stopwatch::start();
        let epoch = self.course.epochs.len();
        let mode =
            self.mode(epoch < self.plan.freeze_batch_norm, epoch < self.plan.freeze_observers);
        let examples = self.examples(epoch as u64);
        let per_epoch = examples.len().div_ceil(self.plan.batch);
        let steps = per_epoch * self.plan.epochs.unwrap_or(Plan::MAX_EPOCHS);
        let before = self.course.partial.seconds;
        let mut kept = 0.0;
        let (plan, factor) = (self.plan, self.course.plateau.factor());
        let rate = |i| plan.rate(epoch * per_epoch + i, steps, per_epoch) * factor;
        let done = self.course.partial.batches;
        for (i, batch) in examples.chunks(self.plan.batch).enumerate().skip(done) {
            progress(Phase::Train, i * self.plan.batch, examples.len())?;
            let own = self.batch(batch, mode, rate(i), crew).await?;
            if !own.loss.is_finite() {
                return Ok(None);
            }
            let mut account = self.course.partial.account;
            account += own;
            let seconds = before + stopwatch.ms() / 1e3;
            self.course.partial = Partial { batches: i + 1, account, seconds };
            if let Some(keep) = keep
                && stopwatch.ms() - kept >= CHECKPOINT_MS
            {
                keep(self.checkpoint()?);
                kept = stopwatch.ms();
            }
        }
        let held_out = self.check(progress)?;
        if !held_out.loss.is_finite() {
            return Ok(None);
        }
        let figures = [self.course.partial.account.figures(self.network()), held_out];
        let (rate, seconds) = (rate(per_epoch - 1), before + stopwatch.ms() / 1e3);
        let done = Epoch::new(epoch + 1, self.network().score(), figures, rate, seconds);
        self.course.end_epoch(done);
        Ok(Some(done))
    }

    /// How steps go while normalizations train and ranges are observed, where there are any.
    pub(super) fn mode(&self, batch_statistics: bool, observe: bool) -> Mode {
        Mode {
            batch_statistics: batch_statistics && self.engine.network.has_normalizations(),
            observe: observe && self.plan.scales == Scales::MovingAverage,
        }
    }

    pub(super) fn network(&self) -> &Network {
        &self.engine.network
    }

    /// Gives learned scales of activations another start, by `TENSOR.scale`.
    pub(super) fn start_from(&mut self, scales: &BTreeMap<String, f32>) {
        for root in &self.engine.network.roots {
            let scale = scales.get(&format!("{}.scale", root.name));
            if let (ScaleSource::Learned(at), Some(scale)) = (root.source, scale) {
                self.course.state.parameters[at] = *scale;
            }
        }
    }

    pub(super) fn parameters(&self) -> &[f32] {
        &self.course.state.parameters
    }

    /// Those of the last step.
    pub(super) fn gradients(&self) -> &[f32] {
        &self.gradients
    }

    /// What the network says about frames, shard by shard.
    pub(super) fn answers(&mut self, examples: &[Example], mode: Mode) -> Vec<f32> {
        self.worker.set(&self.engine, &self.course.state, mode);
        let mut answers = Vec::new();
        for shard in examples.chunks(SHARD) {
            answers.extend_from_slice(self.worker.answers(&self.engine, self.data, shard));
        }
        answers
    }

    /// Writes the best state.
    fn finish(self, recipe: &Recipe, diverged: Option<usize>) -> Result<Trained> {
        let Self { calibrated, engine, course, .. } = self;
        let Course { start, epochs, best, .. } = course;
        let mut quantized = export::write(calibrated, &engine.network, &best.1, recipe)?;
        quantized.graph.metadata.retain(|(key, _)| key != TRAINING_KEY);
        quantized.graph.metadata.push((TRAINING_KEY.into(), self.plan.to_json()?));
        let best = best.0;
        Ok(Trained { quantized, epochs, start, best, diverged, held_out: self.held_out })
    }

    /// The training frames in the order of an epoch.
    fn examples(&self, epoch: u64) -> Vec<Example> {
        let mut random = SplitMix64::new(self.plan.seed ^ (epoch + 1).wrapping_mul(0x9e37_79b9));
        let mut frames = self.training.clone();
        shuffle(&mut frames, random.next_u64());
        let mirrors = self.engine.turn.is_some();
        let example =
            |frame| Example { frame, mirrored: mirrors && random.next_u64().is_multiple_of(2) };
        frames.into_iter().map(example).collect()
    }

    /// One step; gives what the frames came to before it.
    pub(super) async fn batch(
        &mut self,
        examples: &[Example],
        mode: Mode,
        rate: f64,
        crew: &mut impl Crew,
    ) -> Result<Account> {
        let factor = 1.0 / examples.len() as f64;
        // Whole shards for everybody; the first share stays here, because sums are taken in order.
        let share = examples.len().div_ceil(SHARD).div_ceil(self.hands.len() + 1) * SHARD;
        let mut shares = examples.chunks(share);
        let own = shares.next().unwrap_or_default();
        let shares: Vec<(usize, &[Example])> = self.hands.iter().copied().zip(shares).collect();
        for (hand, share) in &shares {
            let labels = self.targets.of(share);
            let work = crew::work(&self.course.state, mode, factor, self.data, (share, &labels))?;
            crew.ask(*hand, work);
        }
        self.worker.set(&self.engine, &self.course.state, mode);
        self.gradients.fill(0.0);
        self.engine.network.reset_observed(&mut self.observed);
        let mut sums = Account::default();
        self.compute(own, factor, &mut sums);
        for (hand, share) in shares {
            match crew.answer(hand).await {
                Some(answer) => {
                    for (shard, own) in share.chunks(SHARD).zip(crew::sums(&answer)?) {
                        let ShardSums { gradients, statistics, account } = &own;
                        self.add([gradients, statistics], shard.len() as f32 * factor as f32);
                        sums += *account;
                    }
                }
                None => {
                    self.hands.retain(|&other| other != hand);
                    self.compute(share, factor, &mut sums);
                }
            }
        }
        let Self { engine, worker, gradients, observed, course, .. } = self;
        let Course { state, moments, .. } = course;
        let network = &engine.network;
        for (layer, weights) in network.layers.iter().zip(&worker.bench().weights) {
            weights.pull_back(layer, state, mode.batch_statistics, gradients);
        }
        moments.step(self.plan, &network.slots, rate, gradients, &mut state.parameters);
        network.follow(state, observed, mode);
        Ok(sums)
    }

    /// Adds what these shards come to.
    fn compute(&mut self, examples: &[Example], factor: f64, sums: &mut Account) {
        let Self { engine, worker, gradients, observed, data, targets, .. } = self;
        for shard in examples.chunks(SHARD) {
            let own = worker.shard(engine, data, (shard, &targets.of(shard)), factor);
            let share = shard.len() as f32 * factor as f32;
            add(&engine.network, [gradients, observed], [own.gradients, own.statistics], share);
            *sums += own.account;
        }
    }

    fn add(&mut self, sums: [&[f32]; 2], share: f32) {
        let Self { engine, gradients, observed, .. } = self;
        add(&engine.network, [gradients, observed], sums, share);
    }

    /// What the held-out frames come to, as the file will compute.
    fn check(&mut self, progress: &mut Hear<'_>) -> Result<Figures> {
        self.worker.set(&self.engine, &self.course.state, Mode::default());
        let example = |&frame| Example { frame, mirrored: false };
        let examples: Vec<Example> = self.held_out.iter().map(example).collect();
        let mut sums = Account::default();
        for (i, shard) in examples.chunks(SHARD).enumerate() {
            progress(Phase::Check, i * SHARD, examples.len())?;
            let labels = self.targets.of(shard);
            sums += self.worker.evaluate(&self.engine, self.data, (shard, &labels));
        }
        Ok(sums.figures(self.network()))
    }
}

/// Adds gradients and what was observed of a shard that is this share of its batch.
fn add(
    network: &Network,
    [gradients, observed]: [&mut Vec<f32>; 2],
    [own, seen]: [&[f32]; 2],
    share: f32,
) {
    gradients.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
    network.add_observed(observed, seen, share);
}

/// Hears what is going on.
pub(super) type Hear<'a> = dyn FnMut(Phase, usize, usize) -> Result<()> + 'a;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crew::Alone;
    use crate::graph::Tensor;
    use crate::lab::Hand;
    use crate::onnx;
    use crate::progress::{ready, unwatched};
    use crate::vocabulary::file::File;
    use crate::vocabulary::labels::{Column, Labels, Numbers};
    use crate::vocabulary::plan::Mirror;
    use crate::vocabulary::reading::Reading;

    const NETWORK: &[u8] = include_bytes!("../../tests/goldens/training-small.onnx");
    const FRAMES: &[u8] = include_bytes!("../../tests/goldens/training-small.npz");

    fn trainer<'a>(
        graph: &Graph,
        recipe: &Recipe,
        plan: &'a Plan,
        data: &'a Dataset,
    ) -> Trainer<'a> {
        let (heads, targets) = heads(graph, plan, data).unwrap();
        let learning = (&heads[..], targets);
        Trainer::new(graph, recipe, plan, learning, [data; 2], &mut |_, _, _| Ok(())).unwrap()
    }

    #[test]
    fn it_does_not_matter_who_computes_a_shard() {
        let graph = onnx::read(NETWORK).unwrap();
        let file = File { name: "frames.npz".into(), bytes: FRAMES.to_vec().into() };
        let data = Dataset::read(&[file], &Reading::default(), &mut unwatched).unwrap();
        let (recipe, plan) = (Recipe::default(), Plan { distillation: 0.5, ..Plan::default() });
        let mut trainer = trainer(&graph, &recipe, &plan, &data);
        let mode = trainer.mode(true, true);
        let Trainer { engine, worker, course, targets, .. } = &mut trainer;
        let state = &course.state;
        let example = |frame| Example { frame, mirrored: false };
        // The last is no full shard.
        let shards: Vec<Vec<Example>> =
            [0..8, 8..16, 3..6].map(|frames| frames.map(example).collect()).into();
        let sums = |worker: &mut Worker, shard: &[Example]| {
            worker.set(engine, state, mode);
            let sums = worker.shard(engine, &data, (shard, &targets.of(shard)), 0.05);
            (sums.gradients.to_vec(), sums.statistics.to_vec(), sums.account)
        };
        let alone: Vec<_> = shards.iter().map(|shard| sums(worker, shard)).collect();
        let mut others = [Worker::new(engine, state), Worker::new(engine, state)];
        for (i, shard) in shards.iter().enumerate().rev() {
            assert_eq!(sums(&mut others[i % 2], shard), alone[i], "shard {i}");
        }
        assert_ne!(alone[0], alone[1]);
    }

    /// The same frames, with a value for each of the network's scores.
    fn valued(graph: &Graph, data: &Dataset) -> Dataset {
        let shape = data.frame_shape().to_vec();
        let mut values = vec![0.0; data.len() * shape.iter().product::<usize>()];
        let frames = values.chunks_exact_mut(shape.iter().product());
        frames.enumerate().for_each(|(i, frame)| data.input(i, frame));
        let outputs = crate::quantize::outputs(graph, data, 1).unwrap();
        let label = |column: usize, frame: usize| ((frame * 7 + column * 3) % 11) as f64 / 11.0;
        let column = |at: usize| Column {
            name: None,
            numbers: Numbers::Values((0..data.len()).map(|frame| label(at, frame)).collect()),
        };
        let labels = Labels::new((0..outputs[0].len).map(column).collect());
        Dataset::from_floats(shape, values, labels)
    }

    #[test]
    fn it_does_not_matter_how_often_it_is_broken_off() {
        let graph = onnx::read(NETWORK).unwrap();
        let file = File { name: "frames.npz".into(), bytes: FRAMES.to_vec().into() };
        let data = Dataset::read(&[file], &Reading::default(), &mut unwatched).unwrap();
        for data in [valued(&graph, &data), data] {
            break_off(&graph, &data);
        }
    }

    fn break_off(graph: &Graph, data: &Dataset) {
        let recipe = Recipe { weight_bits: 4, ..Recipe::default() };
        let plan = Plan { epochs: Some(3), batch: 4, ..Plan::default() };
        let mut unheard = |_, _, _| Ok(());
        let make = |plan| trainer(graph, &recipe, plan, data);
        let write = |trainer: Trainer<'_>| {
            let trained = trainer.finish(&recipe, None).unwrap();
            (onnx::write(&trained.quantized.graph), trained.epochs.len(), trained.best.epoch)
        };
        let mut whole = make(&plan);
        whole.check_start(&mut unheard).unwrap();
        while !whole.is_done() {
            ready(whole.epoch(&mut unheard, &mut None, &mut Alone)).unwrap();
        }
        let mut parts = make(&plan);
        parts.check_start(&mut unheard).unwrap();
        let mut breaks = 0;
        while !parts.is_done() {
            // Two batches at a time.
            let mut steps = 0;
            let mut hear = |phase, _, _| {
                steps += usize::from(phase == Phase::Train);
                if steps > 2 { Err(Error::cancelled()) } else { Ok(()) }
            };
            if let Err(error) = ready(parts.epoch(&mut hear, &mut None, &mut Alone)) {
                assert!(error.is_cancelled());
                let checkpoint = parts.checkpoint().unwrap();
                parts = make(&plan);
                parts.resume(&checkpoint).unwrap();
                breaks += 1;
            }
        }
        assert!(breaks > 2, "{breaks} breaks");
        let checkpoint = parts.checkpoint().unwrap();
        assert_eq!(write(parts), write(whole));
        let other = Plan { seed: 1, ..plan.clone() };
        let refused = make(&other).resume(&checkpoint).unwrap_err().to_string();
        assert!(refused.contains("another training"), "{refused}");
    }

    #[test]
    fn what_was_good_is_kept_when_a_training_diverges() {
        let graph = onnx::read(NETWORK).unwrap();
        let file = File { name: "frames.npz".into(), bytes: FRAMES.to_vec().into() };
        let data = Dataset::read(&[file], &Reading::default(), &mut unwatched).unwrap();
        let (recipe, plan) = (Recipe::default(), Plan { batch: 4, ..Plan::default() });
        let mut unheard = |_, _, _| Ok(());
        let mut trainer = trainer(&graph, &recipe, &plan, &data);
        trainer.check_start(&mut unheard).unwrap();
        let mut epoch = |trainer: &mut Trainer<'_>| {
            ready(trainer.epoch(&mut unheard, &mut None, &mut Alone)).unwrap()
        };
        assert!(epoch(&mut trainer).is_some());
        trainer.course.state.parameters.fill(f32::NAN);
        assert!(epoch(&mut trainer).is_none());
        let trained = trainer.finish(&recipe, Some(2)).unwrap();
        assert_eq!((trained.epochs.len(), trained.diverged), (1, Some(2)));
        let weights = trained.quantized.graph.initializers.values().filter_map(Tensor::as_f32);
        assert!(weights.flatten().all(|weight| weight.is_finite()));
    }

    /// Hands in this thread; the first of them gets lost at its second task.
    struct Hands {
        hands: Vec<Hand>,
        answers: Vec<Option<Vec<u8>>>,
        tasks: [usize; 2],
    }

    impl Crew for Hands {
        fn most(&self) -> usize {
            2
        }

        async fn muster(&mut self, hands: usize, muster: Vec<u8>) {
            self.hands.resize_with(hands, Hand::default);
            self.hands.iter_mut().for_each(|hand| drop(hand.answer(&muster).unwrap()));
            self.answers = vec![None; hands];
        }

        async fn ready(&mut self) -> usize {
            self.hands.len()
        }

        fn ask(&mut self, hand: usize, work: Vec<u8>) {
            self.answers[hand] = Some(self.hands[hand].answer(&work).unwrap());
        }

        async fn answer(&mut self, hand: usize) -> Option<Vec<u8>> {
            self.tasks[hand] += 1;
            let lost = hand == 0 && self.tasks[0] > 1;
            self.answers[hand].take().filter(|_| !lost)
        }
    }

    #[test]
    fn it_does_not_matter_who_helps() {
        let graph = onnx::read(NETWORK).unwrap();
        let file = File { name: "frames.npz".into(), bytes: FRAMES.to_vec().into() };
        let few = Dataset::read(&[file], &Reading::default(), &mut unwatched).unwrap();
        // Enough for three shares of a batch.
        let data = few.select(&(0..40).map(|i| i % few.len()).collect::<Vec<_>>());
        let recipe = Recipe { weight_bits: 4, ..Recipe::default() };
        let plan = Plan {
            epochs: Some(3),
            batch: 36,
            distillation: 0.25,
            mirror: Mirror::Off,
            ..Plan::default()
        };
        let values = valued(&graph, &data);
        let observed = Plan { scales: Scales::MovingAverage, ..plan.clone() };
        for (plan, data) in [(plan.clone(), &data), (observed, &data), (plan, &values)] {
            let (mut progress, mut epoch) = (|_, _, _| Ok(()), |_: &Epoch| ());
            let mut train = |crew: &mut dyn FnMut(Listener<'_>) -> Result<Trained>| {
                let listener =
                    Listener { progress: &mut progress, epoch: &mut epoch, checkpoint: None };
                let trained = crew(listener).unwrap();
                onnx::write(&trained.quantized.graph)
            };
            let alone = train(&mut |listener| {
                ready(super::train(&graph, &recipe, &plan, [data; 2], None, listener, &mut Alone))
            });
            let mut hands = Hands { hands: Vec::new(), answers: Vec::new(), tasks: [0; 2] };
            let together = train(&mut |listener| {
                ready(super::train(&graph, &recipe, &plan, [data; 2], None, listener, &mut hands))
            });
            assert_eq!(hands.tasks[0], 2, "one is lost and not asked again");
            assert!(hands.tasks[1] > 2, "the other helps on");
            assert!(alone == together, "{:?}", plan.scales);
        }
    }
}
