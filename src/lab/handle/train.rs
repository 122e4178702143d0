//! Quantization-aware training, and what it came to.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use super::evaluate::{answers, judge};
use super::note::note;
use super::{Emit, Lab, MOST_REPORTS, Model, name_after, stage_of};
use crate::crew::Crew;
use crate::data::Dataset;
use crate::error::{Context, Error, Result};
use crate::lab::protocol::{
    BesideFloat, CALIBRATION_OF_TRAINING, Event, MeasuredOn, ModelId, Progress, Role, Stage,
    TrainOptions, TrainingSummary,
};
use crate::progress::unwatched;
use crate::random::choose;
use crate::runtime::input_shape;
use crate::train::{self, Listener, Phase};
use crate::vocabulary::plan::Plan;
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::task::Judging;
use crate::vocabulary::training::{Checkpoint, Epoch};

impl Lab {
    /// Every epoch is told as soon as it is done.
    pub(super) async fn train(
        &mut self,
        id: &str,
        (recipe, plan): (&Recipe, &Plan),
        into: ModelId,
        options: &TrainOptions,
        emit: &mut Emit<'_>,
        crew: &mut impl Crew,
    ) -> Result<Event> {
        let model = self.model(id)?;
        let data = &*model.frames(self.data(Role::Training)?)?;
        let name = name_after(&model.file, &recipe.variant(true));
        // Before hours of training.
        check_shape(model, data, "the training frames")?;
        if options.measure && self.has_data(Role::Validation) {
            let frames = model.frames(self.data(Role::Validation)?)?;
            check_measurable(model, &frames, data, &plan.judging)?;
        }
        let calibration = if self.has_data(Role::Calibration) {
            let calibration = model.frames(self.data(Role::Calibration)?)?;
            check_shape(model, &calibration, "the calibration frames")?;
            calibration
        } else {
            // What chooses the epoch is not seen before.
            let [training, _] = train::split(plan, data);
            let chosen = choose(training.len(), CALIBRATION_OF_TRAINING, plan.seed);
            let chosen: Vec<usize> = chosen.into_iter().map(|i| training[i]).collect();
            Cow::Owned(data.select(&chosen))
        };
        let stopped = RefCell::new(false);
        let emit = RefCell::new(emit);
        // Whoever stopped the training still hears what it came to.
        let mut tell = |event| {
            let going = (emit.borrow_mut())(event);
            if *stopped.borrow() { ControlFlow::Continue(()) } else { going }
        };
        let tell = RefCell::new(&mut tell);
        let told = Cell::new(None);
        let mut progress = |phase, done: usize, total: usize| {
            let stage = match phase {
                Phase::Start(step) => stage_of(step),
                Phase::Train => Stage::Train,
                Phase::Check => Stage::Evaluate,
            };
            // Frames come in batches, so not every number of them does.
            let part = Some((stage, done * MOST_REPORTS / total.max(1)));
            if told.replace(part) == part {
                return Ok(());
            }
            let progress = Progress { stage, model: Some(id.into()), done, total };
            if (tell.borrow_mut())(Event::Progress(progress)).is_continue() {
                return Ok(());
            }
            *stopped.borrow_mut() = true;
            Err(Error::cancelled())
        };
        let mut epoch = |epoch: &Epoch| {
            // Whether to stop is asked at the next step.
            let _ = (tell.borrow_mut())(Event::Epoch { model: id.into(), epoch: *epoch });
        };
        let mut checkpoint = |checkpoint: Checkpoint| {
            let _ = (tell.borrow_mut())(Event::Checkpoint { model: id.into(), checkpoint });
        };
        let listener = Listener {
            progress: &mut progress,
            epoch: &mut epoch,
            checkpoint: if options.checkpoints { Some(&mut checkpoint) } else { None },
        };
        let (data, resume) = ([&*calibration, data], options.resume.as_ref());
        let mut trained = train::train(&model.graph, recipe, plan, data, resume, listener, crew)
            .await
            .in_file(&model.file)?;
        let held_out = (options.measure && !self.has_data(Role::Validation))
            .then(|| data[1].select(&trained.held_out));
        note(&mut trained.quantized.graph, self.preprocessing.get(&Role::Training))?;
        let (file, quantization, inspection) = self.keep(trained.quantized, recipe, name, &into)?;
        let measured = options.measure.then(|| -> Result<Box<BesideFloat>> {
            let (frames_are, frames) = match &held_out {
                Some(held_out) => (MeasuredOn::HeldOut, held_out),
                None => (MeasuredOn::Validation, self.data(Role::Validation)?),
            };
            let on = (frames, &plan.judging);
            let both = self.measure_all(&[id, &into], Some(0), on, &mut **tell.borrow_mut())?;
            let [float, own] = <[_; 2]>::try_from(both).map_err(|_| nothing_measured())?;
            Ok(Box::new(BesideFloat { reports: [float.report, own.report], on: frames_are }))
        });
        let training = Box::new(TrainingSummary {
            plan: plan.clone(),
            quantization,
            start: trained.start,
            epochs: trained.epochs,
            best_epoch: trained.best.epoch,
            diverged_in: trained.diverged,
        });
        Ok(Event::Trained { model: into, file, inspection, training, measured })
    }
}

fn check_shape(model: &Model, frames: &Dataset, what: &str) -> Result<()> {
    input_shape(&model.graph, Some(frames.frame_shape()))
        .map(|_| ())
        .in_file(frames.file().unwrap_or(what))
}

/// Whether the result can be measured on `frames` after training on `training`.
fn check_measurable(
    model: &Model,
    frames: &Dataset,
    training: &Dataset,
    judging: &Judging,
) -> Result<()> {
    const WHAT: &str = "the validation frames";
    check_shape(model, frames, WHAT)?;
    let lens = answers(model, frames, &[0], &mut unwatched, &mut |_, _| ())?;
    frames.known_labels().in_file(WHAT)?;
    judge(model, frames, &lens, judging).in_file(WHAT)?;
    let names = [training, frames].map(Dataset::class_names);
    if names[0] != names[1] && names.iter().all(|names| !names.is_empty()) {
        let names = names.map(|names| names.join(", "));
        return Err(Error::new(format!(
            "its classes are not those of the training frames: {} there, {} here",
            names[0], names[1]
        ))
        .in_file(frames.file().unwrap_or(WHAT))
        .way_out(
            "Classes are numbered in the order of their folders: give both sets the same folders, or \
             number them (`0-left`, `1-right`).",
        ));
    }
    Ok(())
}

/// Cannot happen: two networks were to be measured.
fn nothing_measured() -> Error {
    Error::new("the networks were not measured")
}
