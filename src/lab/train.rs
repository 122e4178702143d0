//! Quantization-aware training, and what it came to.

use std::cell::RefCell;
use std::ops::ControlFlow;

use super::handle::{Emit, Lab, name_after, report, stage_of};
use super::protocol::{
    BesideFloat, CALIBRATION_OF_TRAINING, Event, MeasuredOn, ModelId, Role, Stage, TrainOptions,
    TrainingSummary,
};
use crate::error::{Context, Result};
use crate::quantize::Recipe;
use crate::random::choose;
use crate::train::{self, Checkpoint, Crew, Epoch, Listener, Phase, Plan};

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
        let (model, data) = (self.model(id)?, self.data(Role::Training)?);
        let name = name_after(&model.file, &recipe.variant(true));
        let some;
        let calibration = if self.has_data(Role::Calibration) {
            self.data(Role::Calibration)?
        } else {
            // What chooses the epoch is not seen before.
            let [training, _] = train::split(plan, data);
            let chosen = choose(training.len(), CALIBRATION_OF_TRAINING, plan.seed);
            let chosen: Vec<usize> = chosen.into_iter().map(|i| training[i]).collect();
            some = data.select(&chosen);
            &some
        };
        let stopped = RefCell::new(false);
        let emit = RefCell::new(emit);
        // Whoever stopped the training still hears what it came to.
        let mut tell = |event| {
            let going = (emit.borrow_mut())(event);
            if *stopped.borrow() { ControlFlow::Continue(()) } else { going }
        };
        let tell = RefCell::new(&mut tell);
        let mut progress = |phase, done, total| {
            let stage = match phase {
                Phase::Start(step) => stage_of(step),
                Phase::Train => Stage::Train,
                Phase::Check => Stage::Evaluate,
            };
            report(&mut **tell.borrow_mut(), stage, Some(id), done, total)
                .inspect_err(|_| *stopped.borrow_mut() = true)
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
        let (data, resume) = ([calibration, data], options.resume.as_ref());
        let trained = train::train(&model.graph, recipe, plan, data, resume, listener, crew)
            .await
            .in_file(&model.file)?;
        let held_out = (options.measure && !self.has_data(Role::Validation))
            .then(|| data[1].select(&trained.held_out));
        let (file, quantization, inspection) = self.keep(trained.quantized, recipe, name, &into)?;
        let mut measured = None;
        if options.measure {
            let (on, frames) = match &held_out {
                Some(held_out) => (MeasuredOn::HeldOut, held_out),
                None => (MeasuredOn::Validation, self.data(Role::Validation)?),
            };
            let both = self.measure_all(&[id, &into], Some(0), frames, &mut **tell.borrow_mut())?;
            let [float, own] = <[_; 2]>::try_from(both).map_err(|_| nothing_measured())?;
            measured = Some(Box::new(BesideFloat { reports: [float.report, own.report], on }));
        }
        let training = Box::new(TrainingSummary {
            plan: plan.clone(),
            quantization,
            start: trained.start,
            epochs: trained.epochs,
            best_epoch: trained.best.epoch,
        });
        Ok(Event::Trained { model: into, file, inspection, training, measured })
    }
}

/// Cannot happen: two networks were to be measured.
fn nothing_measured() -> crate::error::Error {
    crate::error::Error::new("the networks were not measured")
}
