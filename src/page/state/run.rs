//! The jobs: quantize and compare, analyse, search, train.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::networks::{Fit, Network};
use super::queue::{Purpose, TaskId};
use super::search::{Goal, Search};
use super::{Effect, State};
use crate::lab::protocol::{
    Inspection, ModelId, Progress, QuantizationSummary, Request, Role, Stage,
};
use crate::vocabulary::driving::{RoadSearch, RoadTest};
use crate::vocabulary::file::File;
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::report::{FrameClasses, Report, Series};
use crate::vocabulary::search::Target;
use crate::vocabulary::task::Judging;

/// What the page is at: one thing at a time, because there is one worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The network that was chosen when the button was pressed.
    pub network: ModelId,
    pub step: Step,
    /// Milliseconds since the page was opened.
    pub started: f64,
    /// What is carried out, analysed, or where the search starts: as it was when the button was
    /// pressed.
    pub(super) recipe: Rc<Recipe>,
    /// The present step, once its data are here.
    task: Option<TaskId>,
    /// The data sets, each from the step on that needs it.
    pub(super) calibration: String,
    pub(super) validation: String,
    /// What follows on quantizing.
    pub(super) then: Step,
    /// Whether it is part of a training.
    pub trains: bool,
    /// The networks to be put side by side.
    pub(super) contestants: Vec<ModelId>,
    /// All that are shown, if it is about those.
    pub(super) all: Option<Vec<ModelId>>,
    /// By what they are judged, once they are.
    judging: Judging,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Followed by `Compare`, or by `Train`.
    Quantize,
    Compare,
    /// Lets all that are shown drive.
    Drive,
    Analyze {
        frames: Option<usize>,
    },
    Search {
        goal: Goal,
        target: Target,
        frames: Option<usize>,
    },
    /// What is on the network's road in turn; each is quantized, measured and driven.
    Road {
        at: usize,
        part: Part,
    },
    /// What was asked for is done.
    Nothing,
    /// Followed by `Compare`. `finish`: only to write what an earlier one has come to.
    Train {
        finish: bool,
    },
}

/// What becomes of one of those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Quantize,
    Evaluate,
    Drive,
}

impl Part {
    fn roles(self) -> &'static [Role] {
        match self {
            Self::Quantize => &[Role::Calibration],
            Self::Evaluate => &[Role::Validation],
            Self::Drive => &[],
        }
    }
}

impl Step {
    fn roles(self) -> &'static [Role] {
        match self {
            Step::Quantize => &[Role::Calibration],
            Step::Compare => &[Role::Validation],
            Step::Drive | Step::Nothing => &[],
            Step::Analyze { .. } | Step::Search { .. } => &[Role::Calibration, Role::Validation],
            Step::Train { .. } => &[Role::Calibration, Role::Training],
            Step::Road { part, .. } => part.roles(),
        }
    }
}

impl Job {
    /// Its present step is done; the next one may be asked for.
    pub(super) fn set_task_done(&mut self) {
        self.task = None;
    }
}

/// An int8 network made here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    pub id: ModelId,
    pub file: Rc<File>,
    pub summary: QuantizationSummary,
    pub inspection: Rc<Inspection>,
    /// The data set it was calibrated on.
    pub calibration: String,
}

/// Networks side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The networks of the reports, in their order.
    pub models: Vec<ModelId>,
    pub reports: Vec<Report>,
    pub verdict: String,
    /// Values over the frames.
    pub series: Vec<Rc<Series>>,
    /// What the int8 network was made by; `None` if it came so.
    pub recipe: Option<Rc<Recipe>>,
    /// The data set it was measured on.
    pub validation: String,
    /// Whether that has set the ranges of what was made.
    pub judged_by_calibration: bool,
    /// What was said of the outputs.
    pub judging: Judging,
    /// From pressing the button.
    pub seconds: f64,
}

impl State {
    /// Whether the button can be pressed.
    pub fn can_run(&self) -> bool {
        let ready = |network: &Network| {
            let roles: &[Role] = match network.is_float() {
                true => &[Role::Validation, Role::Calibration],
                false => &[Role::Validation],
            };
            let fits = |&role| !matches!(self.fit(network, role), Fit::Misfit { .. });
            let feasible = !network.is_float() || self.recipe_fault().is_none();
            network.inspection().is_some() && roles.iter().all(fits) && feasible
        };
        self.job.is_none() && self.selected().is_some_and(ready)
    }

    /// Whether the recipe can be analysed on the chosen network, and one be searched for it.
    pub fn can_analyze(&self) -> bool {
        self.can_run() && self.selected().is_some_and(Network::is_float)
    }

    /// What the job is at, and how far: the worker's own words when it has said some.
    pub fn working(&self) -> Option<Progress> {
        let job = self.job.as_ref()?;
        let stage = match (job.task, job.step) {
            (None, _) => Stage::ReadData,
            (Some(_), Step::Quantize | Step::Nothing) => Stage::Calibrate,
            (Some(_), Step::Compare) => Stage::Evaluate,
            (Some(_), Step::Analyze { .. } | Step::Search { .. }) => Stage::Analyze,
            (Some(_), Step::Train { .. }) => Stage::Train,
            (Some(_), Step::Drive | Step::Road { .. }) => Stage::Drive,
        };
        let heard = job.task.and_then(|task| self.progress(task)).cloned();
        let model = Some(job.network.clone());
        Some(heard.unwrap_or(Progress { stage, model, done: 0, total: 0 }))
    }

    pub(super) fn start_run(&mut self, now: f64, effects: &mut Vec<Effect>) {
        let is_float = self.selected().is_some_and(Network::is_float);
        let step = if is_float { Step::Quantize } else { Step::Compare };
        self.start_job(step, self.recipe.clone(), now, effects);
    }

    pub(super) fn start_job(
        &mut self,
        step: Step,
        recipe: Recipe,
        now: f64,
        effects: &mut Vec<Effect>,
    ) {
        let possible = match step {
            Step::Quantize | Step::Compare | Step::Drive | Step::Nothing => self.can_run(),
            Step::Analyze { .. } | Step::Search { .. } | Step::Train { .. } | Step::Road { .. } => {
                self.can_analyze()
            }
        };
        let Some(network) = self.selected.clone().filter(|_| possible) else { return };
        if !matches!(step, Step::Compare | Step::Drive) {
            self.fetch_missing_data(Role::Calibration, effects);
        }
        self.fetch_missing_data(Role::Validation, effects);
        self.job = Some(Job {
            network,
            step,
            started: now,
            recipe: Rc::new(recipe),
            task: None,
            calibration: String::new(),
            validation: String::new(),
            then: Step::Compare,
            trains: false,
            contestants: Vec::new(),
            all: None,
            judging: Judging::default(),
        });
    }

    /// Sends the next step as soon as the data for it are here.
    pub(super) fn continue_run(&mut self, effects: &mut Vec<Effect>) {
        let Some(mut job) = self.job.clone().filter(|job| job.task.is_none()) else { return };
        for &role in job.step.roles() {
            let data = self.data(role);
            if data.loading.is_some() {
                return;
            }
            let Some(loaded) = &data.loaded else {
                // Why there are none was said when it happened.
                return self.end_job();
            };
            match role {
                Role::Calibration => job.calibration.clone_from(&loaded.name),
                Role::Validation => job.validation.clone_from(&loaded.name),
                Role::Training => {}
            }
        }
        if job.step == Step::Compare && self.awaits_reference(&job.network) {
            return;
        }
        let (model, recipe) = (job.network.clone(), Recipe::clone(&job.recipe));
        let judging = self.judging_of(&model);
        let request = match job.step {
            Step::Quantize => {
                let into = self.id_of_made(&model, &recipe);
                Request::Quantize { into, model, recipe }
            }
            Step::Nothing => {
                self.job = None;
                return;
            }
            Step::Compare => {
                let all = job.all.clone();
                job.contestants = all.unwrap_or_else(|| self.contestants(&model, &recipe));
                job.judging.clone_from(&judging);
                Request::Compare { models: job.contestants.clone(), judging }
            }
            Step::Drive => {
                let models = job.all.clone().unwrap_or_default();
                Request::Drive { models, test: RoadTest::default() }
            }
            Step::Analyze { frames } => {
                Request::Analyze { model, recipe, judging, frames, road: None }
            }
            Step::Search { goal, target, frames } => {
                let search = Search::new(goal, target, job.validation.clone());
                self.searches.insert(model.clone(), Rc::new(search));
                let road = match goal {
                    Goal::Return => self.road_of_search(&model),
                    _ => RoadSearch::default(),
                };
                Request::Search { model, recipe, target, judging, frames, road }
            }
            Step::Road { at, part } => match self.road_request(&model, at, part) {
                Some(request) => request,
                None => return self.end_job(),
            },
            Step::Train { finish } => match self.training_request(&job, finish) {
                Some(request) => request,
                None => return self.end_job(),
            },
        };
        job.task = Some(self.send(Purpose::Run, request, effects));
        self.job = Some(job);
    }

    /// What is said of the outputs that a network has.
    pub fn judging_of(&self, id: &str) -> Judging {
        let mut judging = self.judging.clone();
        judging.outputs.retain(|name, _| self.has_output(id, name));
        judging.bins.retain(|name, _| self.has_output(id, name));
        judging
    }

    pub(super) fn has_output(&self, id: &str, name: &str) -> bool {
        let inspection = self.network(id).and_then(Network::inspection);
        inspection.is_some_and(|own| own.outputs.iter().any(|output| output.name == name))
    }

    /// The networks to put side by side, the reference first; a trained one only if it was trained
    /// for this recipe.
    fn contestants(&self, id: &str, recipe: &Recipe) -> Vec<ModelId> {
        let reference = self.network(id).and_then(|network| network.reference.clone());
        let reference = reference.filter(|reference| {
            let ready = |network: &Network| self.fit(network, Role::Validation) == Fit::Fits;
            reference != id && self.network(reference).is_some_and(ready)
        });
        let trained = self.qat.get(id).filter(|made| made.summary.recipe == *recipe);
        let made = self.made.get(id).into_iter().chain(trained).map(|made| made.id.clone());
        reference.into_iter().chain([id.to_owned()]).chain(made).collect()
    }

    pub(super) fn quantized(
        &mut self,
        id: ModelId,
        file: File,
        summary: QuantizationSummary,
        inspection: Inspection,
        effects: &mut Vec<Effect>,
    ) {
        let Some(network) = self.job.as_ref().map(|job| job.network.clone()) else { return };
        if let Some(made) = self.take_up(id, file, summary, inspection) {
            let made = self.keep_made(&network, made, None, effects);
            self.made.insert(network, made);
        }
    }

    /// A network was made; the job goes on with what follows.
    pub(super) fn take_up(
        &mut self,
        id: ModelId,
        file: File,
        summary: QuantizationSummary,
        inspection: Inspection,
    ) -> Option<Made> {
        let job = self.job.as_mut()?;
        job.task = None;
        job.step = std::mem::replace(&mut job.then, Step::Compare);
        let calibration = job.calibration.clone();
        let file = Rc::new(file);
        let load = Request::LoadModel { model: id.clone(), file: file.clone(), beside: Vec::new() };
        self.remember_load(Rc::new(load));
        self.forget_drive(&id);
        self.forget_made_on_road(&id);
        // Answers of a network that this one replaces.
        self.asked.remove(&id);
        self.predictions.remove(&id);
        Some(Made { id, file, summary, inspection: inspection.into(), calibration })
    }

    pub(super) fn compared(
        &mut self,
        (reports, verdict, series): (Vec<Report>, String, Vec<Series>),
        classes: Option<FrameClasses>,
        now: f64,
        effects: &mut Vec<Effect>,
    ) {
        let Some(job) = self.job.take() else { return };
        let seconds = (now - job.started) / 1e3;
        let is_float = self.network(&job.network).is_some_and(Network::is_float);
        let answers = (&reports[..], &series[..], classes);
        self.keep_compared(&job.network, &job.contestants, answers, effects);
        // What was made by many recipes is of none in question.
        let verdict = match &job.all {
            Some(all) => format!("{} variants, timed in turns.", all.len()),
            None => verdict,
        };
        let recipe = (is_float && job.all.is_none()).then_some(job.recipe);
        let judged_by_calibration = recipe.is_some() && self.judges_by_what_it_calibrated_on();
        let comparison = Comparison {
            models: job.contestants,
            reports,
            verdict,
            series: series.into_iter().map(Rc::new).collect(),
            recipe,
            validation: job.validation,
            judged_by_calibration,
            judging: job.judging,
            seconds,
        };
        self.comparisons.insert(job.network, Rc::new(comparison));
    }

    pub(super) fn cancel_run(&mut self, effects: &mut Vec<Effect>) {
        let task = self.job.as_ref().and_then(|job| job.task);
        self.end_job();
        if let Some(task) = task {
            self.cancel_task(task, effects);
        }
    }

    /// Gives the job up; what it has found stays.
    pub(super) fn end_job(&mut self) {
        self.times = None;
        if let Some(job) = self.job.take() {
            self.stop_search(&job.network);
            if matches!(job.step, Step::Road { .. }) {
                self.stop_road(&job.network);
            }
            self.pause_training(&job.network);
        }
    }
}
