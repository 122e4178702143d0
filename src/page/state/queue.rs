//! What the worker was asked and has not finished.
//!
//! The worker takes requests in the order they were sent. It is stopped by terminating it, so the
//! queue keeps what a fresh worker needs: the requests that loaded what is loaded.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use super::data::Loaded;
use super::{Effect, State};
use crate::error::Error;
use crate::lab::protocol::{Event, ModelId, Progress, Request, Role};
use crate::vocabulary::file::{File, Source};

pub type TaskId = u32;

/// Why something was asked, and so where its answer goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Purpose {
    /// Tell a fresh worker what the last one knew.
    Replay,
    OpenModel,
    OpenData {
        name: String,
        bundled: bool,
    },
    /// Fill the strip of frames.
    Look,
    /// Pictures of the grid.
    FillGrid,
    /// What the variants say of one frame.
    LookInto,
    /// Names in a network's file.
    Name(NamesFor),
    /// A step of the job.
    Run,
}

/// What the names in a network's file are wanted for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NamesFor {
    /// To write the overrides of this variant.
    Overrides(ModelId),
    /// To read those in this file.
    Reading(Rc<File>),
}

#[derive(Debug, Clone)]
struct Task {
    id: TaskId,
    purpose: Purpose,
    request: Rc<Request>,
    progress: Option<Progress>,
}

/// What the worker holds; data come first in a replay because networks are checked against them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Data(Role),
    Model(ModelId),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    tasks: VecDeque<Task>,
    /// The request that loaded what each slot holds.
    loads: BTreeMap<Slot, Rc<Request>>,
    tasks_so_far: TaskId,
}

impl Queue {
    fn push(&mut self, purpose: Purpose, request: Rc<Request>) -> TaskId {
        self.tasks_so_far += 1;
        let id = self.tasks_so_far;
        self.tasks.push_back(Task { id, purpose, request, progress: None });
        id
    }

    fn take(&mut self, id: TaskId) -> Option<Task> {
        let position = self.tasks.iter().position(|task| task.id == id)?;
        self.tasks.remove(position)
    }

    /// The file that a network came in, and those beside it.
    pub(super) fn files(&self, model: &str) -> Option<(&Rc<File>, &[Rc<File>])> {
        match &**self.loads.get(&Slot::Model(model.to_owned()))? {
            Request::LoadModel { file, beside, .. } => Some((file, beside)),
            _ => None,
        }
    }

    /// The file of a network that was asked to be loaded, be it read or not.
    pub(super) fn asked_files(&self, model: &str) -> Option<&Rc<File>> {
        let asked = self.tasks.iter().find_map(|task| match &*task.request {
            Request::LoadModel { model: own, file, .. } if own == model => Some(file),
            _ => None,
        });
        asked.or_else(|| self.files(model).map(|(file, _)| file))
    }

    pub(super) fn forget_model(&mut self, model: &str) {
        self.loads.remove(&Slot::Model(model.to_owned()));
    }
}

fn slot(request: &Request) -> Option<Slot> {
    match request {
        Request::LoadModel { model, .. } => Some(Slot::Model(model.clone())),
        Request::LoadData { role, .. } => Some(Slot::Data(*role)),
        _ => None,
    }
}

/// The file that a request is about.
fn file_name(request: &Request) -> Option<&str> {
    match request {
        Request::LoadModel { file, .. } => Some(&file.name),
        Request::LoadData { files, .. } => files.first().map(Source::name),
        _ => None,
    }
}

impl State {
    /// How far the worker is with a task.
    pub fn progress(&self, id: TaskId) -> Option<&Progress> {
        self.queue.tasks.iter().find(|task| task.id == id)?.progress.as_ref()
    }

    pub(super) fn send(
        &mut self,
        purpose: Purpose,
        request: Request,
        effects: &mut Vec<Effect>,
    ) -> TaskId {
        let request = Rc::new(request);
        let task = self.queue.push(purpose, request.clone());
        effects.push(Effect::Send { task, request });
        task
    }

    /// Whether something is asked for this.
    pub(super) fn is_asked(&self, purpose: &Purpose) -> bool {
        self.queue.tasks.iter().any(|task| task.purpose == *purpose)
    }

    /// Remembers that the worker holds what `request` loads.
    pub(super) fn remember_load(&mut self, request: Rc<Request>) {
        if let Some(slot) = slot(&request) {
            self.queue.loads.insert(slot, request);
        }
    }

    /// Stops one task; everything else goes on in a fresh worker.
    pub(super) fn cancel_task(&mut self, id: TaskId, effects: &mut Vec<Effect>) {
        if self.queue.take(id).is_some() {
            self.restart(effects);
        }
    }

    fn restart(&mut self, effects: &mut Vec<Effect>) {
        effects.push(Effect::RestartWorker);
        let mut unfinished = std::mem::take(&mut self.queue.tasks);
        // What an interrupted replay was about is in `loads` still.
        unfinished.retain(|task| task.purpose != Purpose::Replay);
        let loads: Vec<_> = self.queue.loads.values().cloned().collect();
        for request in loads {
            self.queue.push(Purpose::Replay, request);
        }
        for task in &mut unfinished {
            task.progress = None;
            // A training goes on from where it is, not from where it began.
            if let Request::Train { .. } = &*task.request
                && let Some(request) = self.training_again()
            {
                task.request = Rc::new(request);
            }
        }
        self.queue.tasks.append(&mut unfinished);
        let send = |task: &Task| Effect::Send { task: task.id, request: task.request.clone() };
        effects.extend(self.queue.tasks.iter().map(send));
    }

    pub(super) fn heard(&mut self, id: TaskId, event: Event, now: f64, effects: &mut Vec<Effect>) {
        let Some(task) = self.queue.tasks.iter_mut().find(|task| task.id == id) else { return };
        match event {
            Event::Progress(progress) => {
                task.progress = Some(progress.clone());
                self.hear_training(&progress, now);
            }
            Event::Epoch { epoch, .. } => self.epoch_done(epoch),
            Event::Checkpoint { checkpoint, .. } => self.keep_checkpoint(checkpoint, effects),
            Event::Tried { trial, .. } => self.tried(trial),
            Event::Timed { ms } => self.timed(ms),
            Event::Drove { track, .. } if self.is_on_the_road() => self.drove(track),
            // The account of all is the end of it.
            Event::Drove { .. } => {}
            event => self.ended(id, event, now, effects),
        }
    }

    fn ended(&mut self, id: TaskId, event: Event, now: f64, effects: &mut Vec<Effect>) {
        let Some(task) = self.queue.take(id) else { return };
        match event {
            Event::Failed { error } => self.failed(&task, error),
            event => self.finished(task, event, now, effects),
        }
    }

    fn finished(&mut self, task: Task, event: Event, now: f64, effects: &mut Vec<Effect>) {
        self.remember_load(task.request.clone());
        match (task.purpose, event) {
            (Purpose::Replay, _) => {}
            (Purpose::OpenModel, Event::ModelLoaded { model, inspection, sha256 }) => {
                self.model_loaded(&model, inspection, sha256, effects);
                if !self.own_files.is_recalled(&model) {
                    self.follow_note(&model, effects);
                }
            }
            (
                Purpose::OpenData { name, bundled },
                Event::DataLoaded { role, summary, fingerprint },
            ) => {
                let summary = summary.into();
                let loaded = Loaded { name, bundled, summary, fingerprint };
                self.data_loaded(role, task.id, loaded, effects);
            }
            (Purpose::Look, Event::Frames { frames }) => self.frames_arrived(frames),
            (Purpose::Look, Event::Predictions { model, predictions }) => {
                self.predictions.insert(model, Rc::new(predictions));
            }
            (Purpose::Look, Event::Entering { model, entering, .. }) => {
                self.entering_arrived(model, *entering);
            }
            (Purpose::FillGrid, Event::Frames { frames }) => self.grid_filled(frames),
            (Purpose::Name(wanted), Event::Tensors { model, tensors }) => {
                self.named(wanted, &model, &tensors, effects);
            }
            (Purpose::LookInto, Event::Predictions { model, predictions }) => {
                self.looked_into(model, predictions);
            }
            (Purpose::Run, Event::Quantized { .. }) if self.is_on_the_road() => {
                self.road_goes_on(|_| ());
            }
            (Purpose::Run, Event::Evaluated { report, .. }) => self.road_evaluated(&report),
            (Purpose::Run, Event::Driven { drives }) if self.is_on_the_road() => {
                self.road_driven(drives);
            }
            (Purpose::Run, Event::Driven { drives }) => self.all_driven(drives, effects),
            (Purpose::Run, Event::Quantized { model, file, summary, inspection }) => {
                self.quantized(model, file, summary, inspection, effects);
            }
            (Purpose::Run, Event::Trained { model, file, inspection, training, .. }) => {
                self.trained(model, file, inspection, *training, effects);
            }
            (Purpose::Run, Event::Compared { reports, verdict, series, classes }) => {
                self.compared((reports, verdict, series), classes, now, effects);
            }
            (Purpose::Run, Event::Analyzed { analysis, .. }) => self.analyzed(analysis, now),
            (Purpose::Run, Event::Searched { found, .. }) => self.searched(found),
            _ => self.complain(
                Error::new("the worker answered something else than it was asked")
                    .way_out("Reload the page."),
            ),
        }
    }

    fn failed(&mut self, task: &Task, error: Error) {
        if let Some(slot) = slot(&task.request)
            && task.purpose == Purpose::Replay
        {
            self.queue.loads.remove(&slot);
        }
        match (&task.purpose, &*task.request) {
            (Purpose::OpenModel | Purpose::Replay, Request::LoadModel { model, .. }) => {
                self.model_failed(model);
            }
            (Purpose::OpenData { .. }, Request::LoadData { role, .. }) => {
                self.data_failed(*role, task.id);
            }
            (Purpose::Run, _) => self.end_job(),
            _ => {}
        }
        self.complain(error);
    }

    /// The task it was at is given up; everything else goes on in a fresh worker.
    pub(super) fn worker_lost(&mut self, error: Error, started: bool, effects: &mut Vec<Effect>) {
        match self.queue.tasks.pop_front() {
            Some(task) => {
                let error = match file_name(&task.request) {
                    Some(file) => error.in_file(file),
                    None => error,
                };
                self.failed(&task, error);
            }
            None => self.complain(error),
        }
        // A worker that never came to life would not do so the next time either.
        if started {
            self.restart(effects);
        } else {
            while let Some(task) = self.queue.tasks.pop_front() {
                self.failed(&task, Error::cancelled());
            }
        }
    }
}
