//! Does what is asked, one request at a time.

mod analyze;
mod compare;
mod drive;
mod entering;
mod evaluate;
mod inspect;
mod note;
mod pack;
mod profile;
mod tensors;
mod train;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::rc::Rc;

use sha2::{Digest, Sha256};

use crate::clock::Stopwatch;
use crate::crew::{Alone, Crew};
use crate::data::Dataset;
use crate::drive::Driver;
use crate::error::{Context, Error, Result};
use crate::graph::Graph;
use crate::onnx;
use crate::progress::ready;
use crate::quantize::{self, Quantized, Step};
use crate::runtime::{Arithmetic, Session};
use crate::score::classes::top1;
use crate::shelf::{Bare, Shelf};
use crate::vocabulary::driving::RoadTest;
use crate::vocabulary::file::File;
use crate::vocabulary::labels::MAX_CLASSES;
use crate::vocabulary::preprocessing::Preprocessing;
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::task::Judging;

use self::inspect::{Inspected, inspect};
use self::note::note;
use super::protocol::{
    Event, Inspection, ModelId, Prediction, Progress, QuantizationSummary, Request, Role, Said,
    Stage,
};

/// Networks and data sets in memory, and what can be done with them.
#[derive(Debug, Default)]
pub struct Lab {
    models: BTreeMap<ModelId, Model>,
    data: BTreeMap<Role, Dataset>,
    /// How they enter.
    preprocessing: BTreeMap<Role, Preprocessing>,
    /// Those who drive for somebody who watches, each with what it was made for.
    drivers: BTreeMap<ModelId, (RoadTest, Driver)>,
}

/// Where events go; [`ControlFlow::Break`] cancels the request.
pub type Emit<'a> = dyn FnMut(Event) -> ControlFlow<()> + 'a;

#[derive(Debug)]
pub(super) struct Model {
    pub(super) file: String,
    bytes: Vec<u8>,
    /// The files beside it that have its weights.
    beside: Vec<File>,
    pub(super) graph: Graph,
    pub(super) inspected: Inspected,
}

impl Lab {
    pub fn new() -> Self {
        Self::default()
    }

    /// Does what is asked. Emits progress, then exactly one final event, [`Event::Failed`] if it
    /// went wrong; what was loaded before stays as it was then.
    pub fn handle(&mut self, request: Request, emit: &mut Emit<'_>) {
        ready(self.handle_with(request, emit, &mut Alone, &Bare));
    }

    /// As [`handle`](Self::handle); trainings and drives are shared with `crew`, and files that are not in the
    /// request lie on the `shelf`.
    pub async fn handle_with(
        &mut self,
        request: Request,
        emit: &mut Emit<'_>,
        crew: &mut impl Crew,
        shelf: &dyn Shelf,
    ) {
        let event = self.run(request, emit, crew, shelf).await;
        let event = event.unwrap_or_else(|error| Event::Failed { error });
        // After the final event there is nothing left to cancel.
        let _ = emit(event);
    }

    async fn run(
        &mut self,
        request: Request,
        emit: &mut Emit<'_>,
        crew: &mut impl Crew,
        shelf: &dyn Shelf,
    ) -> Result<Event> {
        match request {
            Request::LoadModel { model, file, beside } => {
                let beside = beside.into_iter().map(Rc::unwrap_or_clone).collect();
                self.load_model(model, Rc::unwrap_or_clone(file), beside)
            }
            Request::Tensors { model } => {
                let tensors = tensors::of(&self.model(&model)?.read_again()?);
                Ok(Event::Tensors { model, tensors })
            }
            Request::Forget { model } => {
                self.models.remove(&model);
                self.drivers.remove(&model);
                Ok(Event::Forgotten { model })
            }
            Request::LoadData { role, files, reading } => {
                let mut progress = |done, total| report(emit, Stage::ReadData, None, done, total);
                let data = Dataset::read_from(&files, shelf, &reading, &mut progress)?;
                let summary = data.summary();
                let mut digest = Sha256::new();
                data.fingerprint(&mut |bytes| digest.update(bytes));
                let fingerprint = hexadecimal(&digest.finalize());
                self.data.insert(role, data);
                self.preprocessing.remove(&role);
                self.preprocessing.extend(reading.preprocessing.map(|own| (role, own)));
                Ok(Event::DataLoaded { role, summary, fingerprint })
            }
            Request::Frames { indices } => {
                let data = self.data(Role::Validation)?;
                check_indices(&indices, data)?;
                let frames = indices.iter().filter_map(|&i| data.picture(i)).collect();
                Ok(Event::Frames { frames })
            }
            Request::Predict { model, indices } => self.predict(model, &indices),
            Request::Quantize { model, recipe, into } => self.quantize(model, &recipe, into, emit),
            Request::Analyze { model, recipe, judging, frames, road } => {
                let on = (&judging, frames, road.as_ref());
                self.analyze(&model, &recipe, on, emit, crew).await
            }
            Request::Search { model, recipe, target, judging, frames, road } => {
                let on = (&judging, frames, &road);
                self.search(&model, &recipe, target, on, emit, crew).await
            }
            Request::Train { model, recipe, plan, into, options } => {
                self.train(&model, (&recipe, &plan), into, &options, emit, crew).await
            }
            Request::Evaluate { model, float, judging } => {
                self.evaluate(&model, float.as_deref(), &judging, emit)
            }
            Request::Compare { models, judging } => self.compare(&models, &judging, emit),
            Request::Drive { models, test } => self.drive(&models, &test, emit, crew).await,
            Request::Ground { seed } => Ok(Event::Ground { ground: crate::drive::ground(seed)? }),
            Request::See { model, seen, speed, test } => self.see(&model, &seen, speed, &test),
            Request::Entering { model, role } => self.entering(model, role),
            Request::Pack { frames, kind } => pack::pack(&frames, kind),
            Request::DriveOn { by, from, decisions, test } => {
                self.drive_on(&by, &from, decisions, &test)
            }
            Request::Replay { actions, seed, every } => drive::replay(&actions, seed, every, emit),
        }
    }

    fn load_model(&mut self, id: ModelId, file: File, beside: Vec<File>) -> Result<Event> {
        let model = Model::read(file, beside)?;
        let inspection = model.inspected.inspection.clone();
        let sha256 = sha256(&model.bytes);
        self.drivers.remove(&id);
        self.models.insert(id.clone(), model);
        Ok(Event::ModelLoaded { model: id, inspection, sha256 })
    }

    fn predict(&self, id: ModelId, indices: &[usize]) -> Result<Event> {
        let (model, data) = (self.model(&id)?, self.data(Role::Validation)?);
        check_indices(indices, data)?;
        let data = model.frames(data)?;
        let mut rows = Vec::with_capacity(indices.len());
        let mut keep = |index: usize, row: &[f32]| rows.push((index, row.to_vec()));
        let lens = evaluate::answers(model, &data, indices, &mut |_, _| Ok(()), &mut keep)?;
        // Labels that fit no output are told when something is measured on them.
        let judge = evaluate::judge(model, &data, &lens, &Judging::default()).ok();
        // More numbers than classes there may be are not looked at one by one.
        let shown = lens[0].min(MAX_CLASSES as usize);
        let predict = |(index, row): (usize, Vec<f32>)| Prediction {
            index,
            class: top1(&row[..lens[0]]),
            logits: row[..shown].to_vec(),
            probabilities: softmax(&row[..shown]),
            values: judge.as_ref().map_or_else(Vec::new, |judge| {
                judge.values(&row).map(|(name, value)| Said { name, value }).collect()
            }),
        };
        let predictions = rows.into_iter().map(predict).collect();
        Ok(Event::Predictions { model: id, predictions })
    }

    fn quantize(
        &mut self,
        id: ModelId,
        recipe: &Recipe,
        into: ModelId,
        emit: &mut Emit<'_>,
    ) -> Result<Event> {
        let model = self.model(&id)?;
        let data = model.frames(self.data(Role::Calibration)?)?;
        let name = name_after(&model.file, &recipe.variant(false));
        let mut progress = |step, done, total| report(emit, stage_of(step), Some(&id), done, total);
        let mut quantized =
            quantize::quantize(&model.graph, recipe, &data, &mut progress).in_file(&model.file)?;
        note(&mut quantized.graph, self.preprocessing.get(&Role::Calibration))?;
        report(emit, Stage::Quantize, Some(&id), 0, 1)?;
        let (file, summary, inspection) = self.keep(quantized, recipe, name, &into)?;
        Ok(Event::Quantized { model: into, file, summary, inspection })
    }

    /// Writes a quantized network as the file `name` and loads that as `into`.
    pub(super) fn keep(
        &mut self,
        quantized: Quantized,
        recipe: &Recipe,
        name: String,
        into: &ModelId,
    ) -> Result<(File, QuantizationSummary, Inspection)> {
        let bytes = onnx::write(&quantized.graph);
        let summary = QuantizationSummary {
            recipe: recipe.clone(),
            tensors: quantized.tensors,
            left_in_float: quantized.left_in_float,
            file_bytes: bytes.len(),
            sha256: sha256(&bytes),
        };
        // Read back: what is shown and measured is what the file says.
        let file = File { name, bytes: bytes.into() };
        let model = Model::read(file.clone(), Vec::new())?;
        let inspection = model.inspected.inspection.clone();
        self.models.insert(into.clone(), model);
        Ok((file, summary, inspection))
    }

    pub(super) fn model(&self, id: &str) -> Result<&Model> {
        self.models.get(id).ok_or_else(|| Error::new(format!("no network `{id}` is loaded")))
    }

    pub(super) fn has_data(&self, role: Role) -> bool {
        self.data.contains_key(&role)
    }

    pub(super) fn data(&self, role: Role) -> Result<&Dataset> {
        self.data.get(&role).ok_or_else(|| {
            Error::new(format!("there are no {} frames", role.name()))
                .way_out("Give an npz with x and y, or images in class folders.")
        })
    }
}

impl Model {
    fn read(file: File, beside: Vec<File>) -> Result<Self> {
        let File { name, bytes } = file;
        let bytes = bytes.into_vec();
        let beside = with_weights(&bytes, beside);
        let read = || {
            let graph = read_graph(&bytes, &beside)?;
            let inspected = inspect(&graph, len(contents(&bytes, &beside)), None)?;
            Ok((graph, inspected))
        };
        let (graph, inspected) = read().in_file(&name)?;
        Ok(Self { file: name, bytes, beside, graph, inspected })
    }

    /// The network as its files have it.
    pub(super) fn read_again(&self) -> Result<Graph> {
        read_graph(&self.bytes, &self.beside).in_file(&self.file)
    }

    /// What each of its files holds.
    pub(super) fn contents(&self) -> impl Iterator<Item = &[u8]> {
        contents(&self.bytes, &self.beside)
    }

    /// Bytes of its files.
    pub(super) fn file_bytes(&self) -> usize {
        len(self.contents())
    }

    /// The frames as this network takes them.
    pub(super) fn frames<'a>(&self, data: &'a Dataset) -> Result<Cow<'a, Dataset>> {
        data.taken_by(&self.graph).in_file(&self.file)
    }

    pub(super) fn session(&self, data: &Dataset) -> Result<Session> {
        Session::new(&self.graph, Some(data.frame_shape()), Arithmetic::Fast).in_file(&self.file)
    }

    /// The figures for frames of this shape, which fix what the file leaves free.
    pub(super) fn inspected_for(&self, data: &Dataset) -> Result<Inspected> {
        inspect(&self.graph, self.file_bytes(), Some(data.frame_shape())).in_file(&self.file)
    }
}

fn contents<'a>(bytes: &'a [u8], beside: &'a [File]) -> impl Iterator<Item = &'a [u8]> {
    std::iter::once(bytes).chain(beside.iter().map(|file| &file.bytes[..]))
}

fn len<'a>(contents: impl Iterator<Item = &'a [u8]>) -> usize {
    contents.map(<[u8]>::len).sum()
}

fn read_graph(bytes: &[u8], beside: &[File]) -> Result<Graph> {
    let mut graph = onnx::read_with(bytes, &|name| Some(&beside[place(beside, name)?].bytes))?;
    graph.see_frames()?;
    Ok(graph)
}

/// Which of the files is meant by the name that a network has for one: the one that lies there, else
/// the only one called so, for what is dropped by the piece has no folder.
fn place(beside: &[File], name: &str) -> Option<usize> {
    let name = name.trim_start_matches("./");
    let last = |path: &str| path.rsplit('/').next() == name.rsplit('/').next();
    beside.iter().position(|file| file.name == name).or_else(|| {
        let mut called = (0..beside.len()).filter(|&i| last(&beside[i].name));
        called.next().filter(|_| called.next().is_none())
    })
}

/// Those files that the network names.
fn with_weights(bytes: &[u8], mut beside: Vec<File>) -> Vec<File> {
    let names = onnx::data_files(bytes);
    let places: HashSet<usize> = names.iter().filter_map(|name| place(&beside, name)).collect();
    let mut at = 0..;
    beside.retain(|_| at.next().is_some_and(|i| places.contains(&i)));
    beside
}

/// How often about a step tells how far it is.
pub(super) const MOST_REPORTS: usize = 200;

/// Tells how far a step is, at most some [`MOST_REPORTS`] times; fails when the shell cancels.
pub(super) fn report(
    emit: &mut Emit<'_>,
    stage: Stage,
    model: Option<&str>,
    done: usize,
    total: usize,
) -> Result<()> {
    if done < total && !done.is_multiple_of((total / MOST_REPORTS).max(1)) {
        return Ok(());
    }
    let progress = Progress { stage, model: model.map(Into::into), done, total };
    match emit(Event::Progress(progress)) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::cancelled()),
    }
}

pub(super) fn stage_of(step: Step) -> Stage {
    match step {
        Step::Equalize => Stage::Equalize,
        Step::Calibrate => Stage::Calibrate,
        Step::Round => Stage::Round,
        Step::CorrectBias => Stage::CorrectBias,
        Step::Analyze => Stage::Analyze,
        Step::Drive => Stage::Drive,
    }
}

fn check_indices(indices: &[usize], data: &Dataset) -> Result<()> {
    match indices.iter().find(|&&i| i >= data.len()) {
        Some(i) => Err(Error::new(format!("there is no frame {i}: the set has {}", data.len()))),
        None => Ok(()),
    }
}

/// The name of a file that is made from another.
pub(super) fn name_after(file: &str, what: &str) -> String {
    format!("{}-{what}.onnx", file.strip_suffix(".onnx").unwrap_or(file))
}

fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f32> = logits.iter().map(|&x| libm::expf(x - max)).collect();
    let sum: f32 = exponentials.iter().sum();
    exponentials.iter().map(|e| e / sum).collect()
}

/// Milliseconds that `work` takes, and what it gives.
pub(super) fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let stopwatch = Stopwatch::start();
    let result = work()?;
    Ok((result, stopwatch.ms()))
}
