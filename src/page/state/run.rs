//! The main job: calibrate, quantize, and compare.

use std::rc::Rc;

use super::networks::{Fit, Network};
use super::queue::{Purpose, TaskId};
use super::{Effect, State};
use crate::lab::protocol::{
    File, Inspection, ModelId, Progress, QuantizationSummary, Request, Role, Stage,
};
use crate::measure::Report;
use crate::quantize::Recipe;

#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The network that was chosen when the button was pressed.
    pub network: ModelId,
    pub step: Step,
    /// Milliseconds since the page was opened.
    pub started: f64,
    /// The data set of the present step.
    data: String,
    /// The networks to be put side by side.
    contestants: Vec<ModelId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    AwaitCalibration,
    Quantize(TaskId),
    AwaitValidation,
    Compare(TaskId),
}

/// An int8 network made here.
#[derive(Debug, Clone, PartialEq)]
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
    /// The data set it was measured on.
    pub validation: String,
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
            network.inspection().is_some() && roles.iter().all(fits)
        };
        self.job.is_none() && self.selected().is_some_and(ready)
    }

    /// What the main job is at, and how far: the worker's own words when it has said some.
    pub fn working(&self) -> Option<Progress> {
        let job = self.job.as_ref()?;
        let (task, stage) = match job.step {
            Step::AwaitCalibration | Step::AwaitValidation => (None, Stage::ReadData),
            Step::Quantize(task) => (Some(task), Stage::Calibrate),
            Step::Compare(task) => (Some(task), Stage::Evaluate),
        };
        let heard = task.and_then(|task| self.progress(task)).cloned();
        let model = Some(job.network.clone());
        Some(heard.unwrap_or(Progress { stage, model, done: 0, total: 0 }))
    }

    pub(super) fn start_run(&mut self, now: f64, effects: &mut Vec<Effect>) {
        if !self.can_run() {
            return;
        }
        let Some(network) = self.selected() else { return };
        let (network, is_float) = (network.id.clone(), network.is_float());
        let step = if is_float {
            self.fetch_missing_data(Role::Calibration, effects);
            Step::AwaitCalibration
        } else {
            Step::AwaitValidation
        };
        self.fetch_missing_data(Role::Validation, effects);
        self.job =
            Some(Job { network, step, started: now, data: String::new(), contestants: Vec::new() });
    }

    /// Sends the next step as soon as the data for it are here.
    pub(super) fn continue_run(&mut self, effects: &mut Vec<Effect>) {
        let Some(job) = &self.job else { return };
        let network = job.network.clone();
        let role = match job.step {
            Step::AwaitCalibration => Role::Calibration,
            Step::AwaitValidation => Role::Validation,
            Step::Quantize(_) | Step::Compare(_) => return,
        };
        let data = self.data(role);
        if data.loading.is_some() {
            return;
        }
        let Some(name) = data.loaded.as_ref().map(|loaded| loaded.name.clone()) else {
            // Why there are none was said when it happened.
            self.job = None;
            return;
        };
        let contestants = self.contestants(&network);
        let step = match role {
            Role::Calibration => {
                let into = int8_id(&network);
                let request = Request::Quantize { model: network, recipe: Recipe::default(), into };
                Step::Quantize(self.send(Purpose::Run, request, effects))
            }
            Role::Validation => {
                let request = Request::Compare { models: contestants.clone() };
                Step::Compare(self.send(Purpose::Run, request, effects))
            }
        };
        if let Some(job) = &mut self.job {
            job.step = step;
            job.data = name;
            job.contestants = contestants;
        }
    }

    /// The networks to put side by side, the reference first.
    fn contestants(&self, id: &str) -> Vec<ModelId> {
        let reference = self.network(id).and_then(|network| network.reference.clone());
        let reference = reference.filter(|reference| {
            let ready = |network: &Network| self.fit(network, Role::Validation) == Fit::Fits;
            reference != id && self.network(reference).is_some_and(ready)
        });
        let made = self.made.get(id).map(|made| made.id.clone());
        reference.into_iter().chain([id.to_owned()]).chain(made).collect()
    }

    pub(super) fn quantized(
        &mut self,
        id: ModelId,
        file: File,
        summary: QuantizationSummary,
        inspection: Inspection,
    ) {
        let Some(job) = &mut self.job else { return };
        job.step = Step::AwaitValidation;
        let calibration = std::mem::take(&mut job.data);
        let network = job.network.clone();
        let load = Request::LoadModel { model: id.clone(), file: file.clone() };
        self.remember_load(Rc::new(load));
        // Answers of an int8 network that this one replaces.
        self.asked.remove(&id);
        self.predictions.remove(&id);
        let file = Rc::new(file);
        let made = Made { id, file, summary, inspection: inspection.into(), calibration };
        self.made.insert(network, Rc::new(made));
    }

    pub(super) fn compared(&mut self, reports: Vec<Report>, verdict: String, now: f64) {
        let Some(job) = self.job.take() else { return };
        let Job { network, data, contestants, started, .. } = job;
        let seconds = (now - started) / 1e3;
        let comparison =
            Comparison { models: contestants, reports, verdict, validation: data, seconds };
        self.comparisons.insert(network, Rc::new(comparison));
    }

    pub(super) fn cancel_run(&mut self, effects: &mut Vec<Effect>) {
        if let Some(Job { step: Step::Quantize(task) | Step::Compare(task), .. }) = self.job.take()
        {
            self.cancel_task(task, effects);
        }
    }
}

fn int8_id(network: &str) -> ModelId {
    format!("{network}-int8")
}
