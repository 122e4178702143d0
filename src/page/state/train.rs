//! Quantization-aware training: what is asked for, how far it is, and how to go on later.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::data::{BUNDLED, DataSet, Loaded};
use super::networks::{Fit, Origin};
use super::run::{Job, Step};
use super::variants::Trained;
use super::{Effect, State};
use crate::error::{Error, Result};
use crate::lab::protocol::{
    Inspection, ModelId, Progress, Request, Role, Stage, TrainOptions, TrainingSummary,
};
use crate::vocabulary::file::File;
use crate::vocabulary::plan::{Loss, Mirror, Optimizer, Plan, Scales};
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::training::{Checkpoint, Epoch, Resume, SavedTraining, epochs_done};

/// Epochs that one can choose; `None`: until convergence.
pub const EPOCHS_CHOICES: [Option<usize>; 5] = [Some(3), Some(6), Some(12), Some(24), None];

/// What a person chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainForm {
    pub epochs: Option<usize>,
    /// Bundled archives to train on.
    pub archives: usize,
    pub optimizer: Optimizer,
    pub scales: Scales,
    /// As typed; empty: the optimizer's own.
    pub learning_rate: String,
    /// Half of the loss is the distance from the float network's answers.
    pub distillation: bool,
    pub mirror: bool,
    /// Of outputs, where it is not the usual one; each holds for networks that have such an output.
    pub losses: BTreeMap<String, Loss>,
}

impl Default for TrainForm {
    fn default() -> Self {
        Self {
            epochs: Some(6),
            archives: 1,
            optimizer: Optimizer::default(),
            scales: Scales::default(),
            learning_rate: String::new(),
            distillation: false,
            mirror: true,
            losses: BTreeMap::new(),
        }
    }
}

impl TrainForm {
    /// # Errors
    /// A learning rate that is none.
    pub fn plan(&self, recipe: &Recipe) -> Result<Plan> {
        let typed = self.learning_rate.trim().replace(',', ".");
        let learning_rate = match &*typed {
            "" => None,
            text => Some(text.parse().map_err(|_| {
                Error::new(format!("`{text}` is no learning rate"))
                    .way_out("Give a number such as 0.001, or none at all.")
            })?),
        };
        let plan = Plan {
            epochs: self.epochs,
            optimizer: self.optimizer,
            scales: self.scales,
            learning_rate,
            distillation: if self.distillation { 0.5 } else { 0.0 },
            mirror: if self.mirror { Mirror::Auto } else { Mirror::Off },
            losses: self.losses.clone(),
            seed: recipe.seed,
            ..Plan::default()
        };
        plan.check()?;
        Ok(plan)
    }
}

/// A training and what it has come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    pub recipe: Rc<Recipe>,
    pub plan: Rc<Plan>,
    /// The data set.
    pub frames: String,
    /// The starting point first.
    pub epochs: Vec<Epoch>,
    pub pace: Pace,
    /// Bundled archives, as in [`TrainForm::archives`].
    archives: usize,
    pub end: Option<End>,
    /// Epochs that a reload would not lose.
    pub kept: Option<usize>,
    /// Shared: it is as large as the network, and a training changes with every report of progress.
    checkpoint: Option<Rc<Checkpoint>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Somebody paused it, or it failed: it can go on from its checkpoint, if it has one.
    Paused,
    /// The network is written, with the weights of this epoch.
    Finished { best_epoch: usize, diverged_in: Option<usize> },
}

/// How fast training is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pace {
    pub frames_per_second: Option<f64>,
    /// Of the present epoch: trained frames, and frames in all.
    pub done: usize,
    pub total: usize,
    /// Where measuring began: milliseconds since the page was opened, and frames.
    since: Option<(f64, usize)>,
}

impl Pace {
    fn hear(&mut self, done: usize, total: usize, now: f64) {
        (self.done, self.total) = (done, total);
        let (begin, from) = *self.since.get_or_insert((now, done));
        if now > begin && done > from {
            self.frames_per_second = Some((done - from) as f64 / (now - begin) * 1e3);
        }
    }

    fn end_epoch(&mut self) {
        (self.done, self.since) = (0, None);
    }
}

impl Training {
    /// One that is to begin.
    pub(super) fn new(recipe: Recipe, plan: Plan, archives: usize) -> Self {
        Self {
            recipe: Rc::new(recipe),
            plan: Rc::new(plan),
            frames: String::new(),
            archives,
            epochs: Vec::new(),
            pace: Pace::default(),
            end: None,
            kept: None,
            checkpoint: None,
        }
    }

    /// Epochs that are done.
    pub fn done(&self) -> usize {
        epochs_done(&self.epochs)
    }

    /// The best epoch so far, by held-out frames; 0 is the starting point.
    pub fn best(&self) -> Option<&Epoch> {
        self.epochs.iter().reduce(|best, epoch| if epoch.beats(best) { epoch } else { best })
    }

    pub fn can_go_on(&self) -> bool {
        self.end == Some(End::Paused) && self.checkpoint.is_some()
    }

    /// Seconds of training that are left, where their number is known.
    pub fn seconds_left(&self) -> Option<f64> {
        let Pace { frames_per_second: Some(speed), done, total, .. } = self.pace else {
            return None;
        };
        let epochs = self.plan.epochs?.saturating_sub(self.done());
        Some((epochs * total).saturating_sub(done) as f64 / speed)
    }
}

impl State {
    /// Why no training can be started.
    pub fn train_fault(&self) -> Option<Error> {
        self.train_form.plan(&self.recipe).err()
    }

    pub fn can_train(&self) -> bool {
        let fits = |network| !matches!(self.fit(network, Role::Training), Fit::Misfit { .. });
        let frames =
            self.training != DataSet::default() || self.bundled_count(Role::Training).is_some();
        frames
            && self.can_analyze()
            && self.train_fault().is_none()
            && self.selected().is_some_and(fits)
    }

    /// Whether a training of the chosen network is under way.
    pub fn is_training(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.trains)
    }

    pub(super) fn start_training(&mut self, now: f64, effects: &mut Vec<Effect>) {
        let (Ok(mut plan), Some(id)) = (self.train_form.plan(&self.recipe), self.selected.clone())
        else {
            return;
        };
        if !self.can_train() {
            return;
        }
        plan.judging = self.judging_of(&id);
        plan.losses.retain(|name, _| self.has_output(&id, name));
        let training = Training::new(self.recipe.clone(), plan, self.train_form.archives);
        self.train(id, training, Step::Train { finish: false }, now, effects);
    }

    /// Goes on where a training was paused; `finish`: only writes the best that it has come to.
    pub(super) fn resume_training(&mut self, finish: bool, now: f64, effects: &mut Vec<Effect>) {
        let Some(id) = self.selected.clone() else { return };
        let Some(training) = self.trainings.get(&id).filter(|training| training.can_go_on()) else {
            return;
        };
        let training = Training { end: None, pace: Pace::default(), ..Training::clone(training) };
        let present = match &self.training {
            DataSet { loading: Some(loading), .. } => &loading.name,
            DataSet { loaded: Some(loaded), .. } => &loaded.name,
            DataSet { .. } => BUNDLED,
        };
        if present != training.frames {
            let error = Error::new(format!("it was trained on {}", training.frames));
            self.complain(error.way_out("Load those as training frames first, then go on."));
        } else if self.can_analyze() {
            self.train_form.archives = training.archives;
            self.set_recipe(Recipe::clone(&training.recipe));
            self.train(id, training, Step::Train { finish }, now, effects);
        }
    }

    /// Ends the training under way with the best so far.
    pub(super) fn finish_training(&mut self, now: f64, effects: &mut Vec<Effect>) {
        if self.is_training() {
            self.cancel_run(effects);
        }
        self.resume_training(true, now, effects);
    }

    pub(super) fn discard_training(&mut self, effects: &mut Vec<Effect>) {
        if let Some(id) = self.selected.clone()
            && !self.is_training()
            && self.trainings.remove(&id).is_some()
        {
            effects.push(Effect::ForgetTraining(self.training_key(&id)));
        }
    }

    /// As [`SavedTraining::key`].
    pub(super) fn training_key(&self, id: &str) -> String {
        self.opened_files(id).map_or_else(|| id.to_owned(), |(file, _)| file.name.clone())
    }

    /// The file of a network that was opened from disk, and those beside it.
    fn opened_files(&self, id: &str) -> Option<(&Rc<File>, &[Rc<File>])> {
        let opened = self.network(id).is_some_and(|network| network.origin == Origin::Opened);
        self.queue.files(id).filter(|_| opened)
    }

    pub(super) fn training_recalled(&mut self, saved: SavedTraining, effects: &mut Vec<Effect>) {
        let id = match saved.file {
            Some(file) => match self.opened_already(&file) {
                Some(id) => id,
                None => self.open_model(file, saved.beside, effects),
            },
            None => saved.network,
        };
        // What was begun in the meantime counts more.
        let kept = Some(epochs_done(&saved.epochs));
        self.trainings.entry(id).or_insert_with(|| {
            Rc::new(Training {
                recipe: saved.recipe,
                plan: saved.plan,
                frames: saved.frames,
                epochs: saved.epochs,
                pace: Pace::default(),
                archives: saved.archives,
                end: Some(End::Paused),
                kept,
                checkpoint: Some(saved.checkpoint),
            })
        });
    }

    pub(super) fn train(
        &mut self,
        id: ModelId,
        training: Training,
        step: Step,
        now: f64,
        effects: &mut Vec<Effect>,
    ) {
        // The static network of the same recipe stands beside the trained one.
        let made = self.take_made(&id, &training.recipe);
        let recipe = Recipe::clone(&training.recipe);
        self.refresh_bundled_training(effects);
        let (first, then) = if made { (step, Step::Compare) } else { (Step::Quantize, step) };
        self.start_job(first, recipe, now, effects);
        if let Some(job) = &mut self.job {
            job.trains = true;
            job.then = then;
            self.trainings.insert(id, Rc::new(training));
        }
        self.fetch_missing_data(Role::Training, effects);
    }

    /// Bundled frames of another number than is wanted now are fetched again.
    fn refresh_bundled_training(&mut self, effects: &mut Vec<Effect>) {
        let wanted = self.bundled_count(Role::Training);
        let other = match &self.training {
            DataSet { loading: Some(loading), .. } if loading.bundled => {
                !loading.brings(self.archives(Role::Training).len())
            }
            DataSet { loaded: Some(loaded), loading: None, .. } if loaded.bundled => {
                Some(loaded.summary.frames) != wanted
            }
            _ => false,
        };
        if other {
            self.cancel_data(Role::Training, effects);
            self.fetch_bundled_data(Role::Training, effects);
        }
    }

    /// The request of a training step.
    pub(super) fn training_request(&mut self, job: &Job, finish: bool) -> Option<Request> {
        let frames = self.training.loaded.as_ref().map(|loaded| loaded.name.clone());
        let (recipe, plan) = {
            let training = self.trainings.get(&job.network)?;
            (training.recipe.clone(), training.plan.clone())
        };
        let into = self.id_of_trained(&job.network, &recipe, &plan);
        let training = Rc::make_mut(self.trainings.get_mut(&job.network)?);
        if training.checkpoint.is_none() {
            training.frames = frames.unwrap_or_default();
        }
        let resume = training.checkpoint.as_deref().cloned();
        let resume = resume.map(|checkpoint| Resume { checkpoint, finish });
        let options = TrainOptions { measure: false, checkpoints: true, resume };
        Some(Request::Train {
            model: job.network.clone(),
            recipe: Recipe::clone(&recipe),
            plan: Plan::clone(&plan),
            into,
            options,
        })
    }

    /// The request of the training under way, from its last checkpoint on.
    pub(super) fn training_again(&mut self) -> Option<Request> {
        let job = self.job.clone()?;
        let Step::Train { finish } = job.step else { return None };
        self.training_request(&job, finish)
    }

    pub(super) fn hear_training(&mut self, progress: &Progress, now: f64) {
        if progress.stage == Stage::Train
            && let Some(training) = self.training_under_way()
        {
            training.pace.hear(progress.done, progress.total, now);
        }
    }

    pub(super) fn epoch_done(&mut self, epoch: Epoch) {
        if let Some(training) = self.training_under_way() {
            // Resumed, it tells those before again.
            training.epochs.truncate(epoch.epoch);
            training.epochs.push(epoch);
            training.pace.end_epoch();
        }
    }

    pub(super) fn keep_checkpoint(&mut self, checkpoint: Checkpoint, effects: &mut Vec<Effect>) {
        let Some(training) = self.training_under_way() else { return };
        let checkpoint = Rc::new(checkpoint);
        training.checkpoint = Some(checkpoint.clone());
        let training = training.clone();
        let Some(network) = self.job.as_ref().map(|job| job.network.clone()) else { return };
        let (file, beside) = self.opened_files(&network).unzip();
        effects.push(Effect::KeepTraining(Box::new(SavedTraining {
            file: file.cloned(),
            beside: beside.unwrap_or_default().to_vec(),
            network,
            recipe: training.recipe,
            plan: training.plan,
            frames: training.frames,
            archives: training.archives,
            epochs: training.epochs,
            checkpoint,
        })));
    }

    pub(super) fn training_kept(&mut self, network: &str, epochs: usize) {
        self.unkept_is_told = false;
        if let Some(training) = self.trainings.get_mut(network) {
            Rc::make_mut(training).kept = Some(epochs);
        }
    }

    fn training_under_way(&mut self) -> Option<&mut Training> {
        let job = self.job.as_ref().filter(|job| job.trains)?;
        self.trainings.get_mut(&job.network).map(Rc::make_mut)
    }

    pub(super) fn trained(
        &mut self,
        id: ModelId,
        file: File,
        inspection: Inspection,
        summary: TrainingSummary,
        effects: &mut Vec<Effect>,
    ) {
        let Some(network) = self.job.as_ref().map(|job| job.network.clone()) else { return };
        if let Some(training) = self.training_under_way() {
            let TrainingSummary { best_epoch, diverged_in, .. } = summary;
            training.end = Some(End::Finished { best_epoch, diverged_in });
            training.checkpoint = None;
        }
        effects.push(Effect::ForgetTraining(self.training_key(&network)));
        let loaded = self.training.loaded.as_ref();
        let trained = self.trainings.get(&network).map(|training| {
            let loaded = loaded.filter(|loaded| loaded.name == training.frames);
            let archives = if training.frames == BUNDLED { training.archives } else { 0 };
            let (plan, frames) = (training.plan.clone(), loaded.and_then(Loaded::named));
            Trained { plan, archives, frames }
        });
        if let Some(made) = self.take_up(id, file, summary.quantization, inspection) {
            let made = self.keep_made(&network, made, trained, effects);
            self.qat.insert(network, made);
        }
    }

    /// A training that ends before its end can go on from its checkpoint.
    pub(super) fn pause_training(&mut self, network: &str) {
        if let Some(training) = self.trainings.get_mut(network)
            && training.end.is_none()
        {
            Rc::make_mut(training).end = Some(End::Paused);
        }
    }
}
