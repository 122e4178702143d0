//! The lab and the terminal: requests out, progress shown, the answer handed back.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::crew::{Threads, threads};
use super::{bundled, files, interrupt, table};
use crate::crew::{Alone, Crew};
use crate::error::{Error, Result};
use crate::lab::Lab;
use crate::lab::protocol::{
    BesideFloat, Event, Inspection, ModelId, Progress, QuantizationSummary, Replay, Request, Role,
    Stage, TensorShape, TrainingSummary,
};
use crate::progress::ready;
use crate::report::overrides::Tensors;
use crate::vocabulary::analysis::Analysis;
use crate::vocabulary::driving::{Drives, RoadTest};
use crate::vocabulary::entering::Doubt;
use crate::vocabulary::file::File;
use crate::vocabulary::frames::{Axes, DataSummary};
use crate::vocabulary::reading::Reading;
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::report::{Report, Series};
use crate::vocabulary::search::{Found, Trial};
use crate::vocabulary::task::Judging;

/// Where a data set comes from, and how it enters.
pub(super) struct Source<'a> {
    pub(super) role: Role,
    /// As given; without it the bundled frames serve.
    pub(super) path: Option<&'a PathBuf>,
    /// Labels that lie elsewhere; the bundled frames have their own.
    pub(super) table: Option<&'a PathBuf>,
    pub(super) reading: Reading,
}

/// For each frame the numbers of all outputs.
pub(super) struct Answers {
    pub(super) rows: Vec<Vec<f32>>,
    /// How those are called.
    pub(super) numbers: Vec<String>,
    /// The frames' files, where they have some of their own.
    pub(super) frames: Vec<String>,
}

pub(super) struct Shell {
    lab: Lab,
    bar: ProgressBar,
    /// Where the files of the set lie that is read.
    disk: files::Disk,
    /// Say nothing besides results and errors.
    quiet: bool,
    /// Notes on stderr.
    told: BTreeSet<String>,
}

impl Shell {
    pub(super) fn new(quiet: bool) -> Self {
        // indicatif draws nothing when stderr is no terminal.
        let target =
            if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} %") {
            bar.set_style(style);
        }
        Self { lab: Lab::new(), bar, disk: files::Disk::default(), quiet, told: BTreeSet::new() }
    }

    /// Loads a network, with the files beside it that have its weights, under its file's name.
    pub(super) fn load_model(
        &mut self,
        (file, beside): (File, Vec<File>),
    ) -> Result<(ModelId, Inspection)> {
        let (model, beside) = (file.name.clone(), beside.into_iter().map(Rc::new).collect());
        match self.ask(Request::LoadModel { model, file: file.into(), beside })? {
            Event::ModelLoaded { model, inspection, .. } => Ok((model, inspection)),
            other => Err(unexpected(&other)),
        }
    }

    /// Loads frames for networks with these inputs.
    ///
    /// # Errors
    /// Without a path, when the bundled frames do not fit one of the inputs.
    pub(super) fn load_data<'a>(
        &mut self,
        source: Source,
        inputs: impl IntoIterator<Item = (&'a ModelId, &'a TensorShape)>,
    ) -> Result<DataSummary> {
        let Source { role, path, table, reading } = source;
        let inputs: Vec<_> = inputs.into_iter().collect();
        let (files, disk) = match path {
            Some(path) => files::read_data(path, table.map(PathBuf::as_path))?,
            None => {
                let option = match role {
                    Role::Calibration => "--calibration",
                    Role::Validation => "--data",
                    Role::Training => "--training",
                };
                let mut inputs = inputs.iter();
                inputs.try_for_each(|(model, input)| check_fit(option, model, input))?;
                let files = bundled::frames(role).into_iter().map(Into::into).collect();
                (files, files::Disk::default())
            }
        };
        self.disk = disk;
        let summary = match self.ask(Request::LoadData { role, files, reading })? {
            Event::DataLoaded { summary, .. } => summary,
            other => return Err(unexpected(&other)),
        };
        self.warn(&summary.notes);
        if path.is_some() && !self.quiet {
            for (model, _) in inputs {
                self.warn_of_doubts(model, role);
            }
        }
        Ok(summary)
    }

    /// Says what looks wrong about how the frames enter; that they do not fit is told by who runs on them.
    fn warn_of_doubts(&mut self, model: &ModelId, role: Role) {
        let asked = self.ask(Request::Entering { model: model.clone(), role });
        if let Ok(Event::Entering { entering, .. }) = asked {
            let told = |Doubt { what, way_out }| format!("{model}: {what}. {way_out}");
            self.warn(&entering.doubts.into_iter().map(told).collect::<Vec<_>>());
        }
    }

    /// The names in a network's file.
    pub(super) fn tensors(&mut self, model: ModelId) -> Result<Tensors> {
        match self.ask(Request::Tensors { model })? {
            Event::Tensors { tensors, .. } => Ok(tensors),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) fn quantize(
        &mut self,
        model: ModelId,
        recipe: Recipe,
        into: ModelId,
    ) -> Result<(File, QuantizationSummary)> {
        match self.ask(Request::Quantize { model, recipe, into })? {
            Event::Quantized { file, summary, .. } => Ok((file, summary)),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) fn analyze(
        &mut self,
        model: ModelId,
        recipe: Recipe,
        (judging, frames, road): (Judging, Option<usize>, Option<RoadTest>),
    ) -> Result<Analysis> {
        let request = Request::Analyze { model, recipe, judging, frames, road };
        let mut unheard = |_: &Event| ControlFlow::Continue(());
        match self.ask_with(request, &mut unheard, &mut Threads::new(threads(None)))? {
            Event::Analyzed { analysis, .. } => Ok(analysis),
            other => Err(unexpected(&other)),
        }
    }

    /// Every trial goes to `tried`, whose [`ControlFlow::Break`] ends the search with the best so far.
    pub(super) fn search(
        &mut self,
        request: Request,
        threads: usize,
        tried: &mut dyn FnMut(&Trial) -> ControlFlow<()>,
    ) -> Result<Found> {
        let bar = self.bar.clone();
        let mut hear = |event: &Event| match event {
            Event::Tried { trial, .. } => {
                bar.println(table::trial(trial));
                tried(trial)
            }
            _ => ControlFlow::Continue(()),
        };
        match self.ask_with(request, &mut hear, &mut Threads::new(threads))? {
            Event::Searched { found, .. } => Ok(found),
            other => Err(unexpected(&other)),
        }
    }

    /// The file, the account of the training, and how it compares with the float network, or why that
    /// could not be measured. Every epoch is told: on stdout, or with `aside` beside the progress.
    pub(super) fn train(
        &mut self,
        request: Request,
        threads: usize,
        aside: bool,
    ) -> Result<(File, TrainingSummary, Result<BesideFloat>)> {
        let bar = self.bar.clone();
        let mut written = Ok(());
        let mut hear = |event: &Event| {
            if let Event::Epoch { epoch, .. } = event {
                let line = table::epoch(epoch);
                if aside {
                    bar.println(line);
                } else {
                    written = bar.suspend(|| super::print(&(line + "\n")));
                }
            }
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        match self.ask_with(request, &mut hear, &mut Threads::new(threads))? {
            Event::Trained { file, training, measured: Some(measured), .. } => {
                written.map(|()| (file, *training, measured.map(|measured| *measured)))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// A report, and what the network said of each frame.
    pub(super) fn evaluate(
        &mut self,
        model: ModelId,
        float: Option<ModelId>,
        judging: Judging,
    ) -> Result<(Report, Answers)> {
        match self.ask(Request::Evaluate { model, float, judging })? {
            Event::Evaluated { report, logits: rows, numbers, frames } => {
                self.warn(&report.notes);
                Ok((report, Answers { rows, numbers, frames }))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// The reports, in order, the verdict, and values over the frames.
    pub(super) fn compare(
        &mut self,
        models: Vec<ModelId>,
        judging: Judging,
    ) -> Result<(Vec<Report>, String, Vec<Series>)> {
        match self.ask(Request::Compare { models, judging })? {
            Event::Compared { reports, verdict, series, .. } => {
                // The same labels for all of them.
                self.warn(reports.first().map_or(&[], |report| &report.notes[..]));
                Ok((reports, verdict, series))
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Every drive is told beside the progress.
    pub(super) fn drive(
        &mut self,
        models: Vec<ModelId>,
        test: RoadTest,
        threads: usize,
    ) -> Result<Drives> {
        let bar = self.bar.clone();
        let mut hear = |event: &Event| {
            if let Event::Drove { model, track } = event {
                bar.println(table::drove(model, track));
            }
            ControlFlow::Continue(())
        };
        let request = Request::Drive { models, test };
        match self.ask_with(request, &mut hear, &mut Threads::new(threads))? {
            Event::Driven { drives } => Ok(drives),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) fn replay(
        &mut self,
        actions: File,
        seed: u64,
        every: Option<usize>,
    ) -> Result<Replay> {
        match self.ask(Request::Replay { actions, seed, every })? {
            Event::Replayed { replay } => Ok(replay),
            other => Err(unexpected(&other)),
        }
    }

    /// What somebody should know who goes on all the same, each once: several sets may be alike.
    pub(super) fn warn(&mut self, notes: &[String]) {
        let told = &mut self.told;
        for note in notes.iter().filter(|note| !self.quiet && told.insert((*note).clone())) {
            // Where stderr is closed there is nobody to tell.
            self.bar.suspend(|| drop(writeln!(io::stderr(), "note: {note}")));
        }
    }

    fn ask(&mut self, request: Request) -> Result<Event> {
        self.ask_with(request, &mut |_| ControlFlow::Continue(()), &mut Alone)
    }

    /// Everything but progress and the answer goes to `hear`, which may end the request.
    fn ask_with(
        &mut self,
        request: Request,
        hear: &mut dyn FnMut(&Event) -> ControlFlow<()>,
        crew: &mut impl Crew,
    ) -> Result<Event> {
        let mut answer = None;
        let mut going = ControlFlow::Continue(());
        let bar = &self.bar;
        let mut tell = |event: Event| {
            match event {
                Event::Progress(progress) => show(bar, &progress),
                event if event.is_final() => answer = Some(event),
                event => going = hear(&event),
            }
            if interrupt::was_heard() { ControlFlow::Break(()) } else { going }
        };
        ready(self.lab.handle_with(request, &mut tell, crew, &self.disk));
        self.bar.finish_and_clear();
        self.bar.reset();
        match answer {
            Some(Event::Failed { error }) => Err(error),
            Some(event) => Ok(event),
            None => Err(Error::new("the lab gave no answer")),
        }
    }
}

fn show(bar: &ProgressBar, progress: &Progress) {
    let what = match progress.stage {
        Stage::ReadData => "reading frames",
        Stage::Equalize => "equalizing",
        Stage::Calibrate => "calibrating",
        Stage::Round => "learning to round",
        Stage::CorrectBias => "correcting biases",
        Stage::Quantize => "quantizing",
        Stage::Train => "training",
        Stage::Analyze => "analyzing",
        Stage::Evaluate => "evaluating",
        Stage::Time => "timing",
        Stage::Drive => "driving",
    };
    let message = progress.model.iter().fold(what.to_owned(), |what, model| what + " " + model);
    if bar.message() != message {
        bar.set_message(message);
    }
    bar.set_length(progress.total as u64);
    bar.set_position(progress.done as u64);
}

/// A shape that the file does not tell is left to the run; frames enter with their channels last, too.
fn check_fit(option: &str, model: &str, input: &TensorShape) -> Result<()> {
    let frame = input.shape.get(1..).unwrap_or_default();
    let shape = bundled::FRAME_SHAPE;
    let same = |(dimension, size): (&Option<usize>, usize)| dimension.is_none_or(|d| d == size);
    let fits = |(_, shape): (Axes, Vec<usize>)| {
        frame.len() == shape.len() && frame.iter().zip(shape).all(same)
    };
    if input.shape.is_empty() || Axes::of(shape).any(fits) {
        return Ok(());
    }
    let [channels, height, width] = shape;
    let wanted = table::shape(&input.shape);
    Err(Error::new(format!(
        "the bundled frames are {channels}x{height}x{width}, its input is {wanted}"
    ))
    .in_file(model)
    .way_out(format!("Give frames that fit with {option}.")))
}

/// Cannot happen while the lab keeps its word.
fn unexpected(event: &Event) -> Error {
    Error::new(format!("the lab answered with something else: {event:?}"))
}
