//! What a recipe does to a network, and which recipe meets a target.

use std::cell::RefCell;

use super::{Emit, Lab, Model, report, stage_of};
use crate::data::Dataset;
use crate::error::{Context, Result};
use crate::lab::protocol::{Event, Role};
use crate::quantize::{self, Listener};
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::search::{Target, Trial};
use crate::vocabulary::task::Judging;

impl Lab {
    pub(super) fn analyze(
        &self,
        id: &str,
        recipe: &Recipe,
        (judging, frames): (&Judging, Option<usize>),
        emit: &mut Emit<'_>,
    ) -> Result<Event> {
        let model = self.model(id)?;
        let [calibration, validation] = [Role::Calibration, Role::Validation]
            .map(|role| self.data(role).and_then(|data| model.frames(data)));
        let data = [&*calibration?, &*validation?];
        let mut progress = |step, done, total| report(emit, stage_of(step), Some(id), done, total);
        let macs = macs_by_node(model, data[1])?;
        let graph = &model.graph;
        let analysis =
            quantize::analyze(graph, recipe, (data, judging), frames, &macs, &mut progress)
                .in_file(&model.file)?;
        Ok(Event::Analyzed { model: id.into(), analysis })
    }

    /// Every trial is told as soon as it was measured.
    pub(super) fn search(
        &self,
        id: &str,
        recipe: &Recipe,
        target: Target,
        (judging, frames): (&Judging, Option<usize>),
        emit: &mut Emit<'_>,
    ) -> Result<Event> {
        let model = self.model(id)?;
        let [calibration, validation] = [Role::Calibration, Role::Validation]
            .map(|role| self.data(role).and_then(|data| model.frames(data)));
        let data = [&*calibration?, &*validation?];
        let macs = macs_by_node(model, data[1])?;
        let emit = RefCell::new(emit);
        let mut progress = |step, done, total| {
            report(&mut **emit.borrow_mut(), stage_of(step), Some(id), done, total)
        };
        let mut tried = |trial: &Trial| {
            let event = Event::Tried { model: id.into(), trial: trial.clone() };
            // Whether to stop is asked at the next step.
            let _ = (emit.borrow_mut())(event);
        };
        let listener = Listener { progress: &mut progress, tried: &mut tried };
        let graph = &model.graph;
        let found =
            quantize::search(graph, recipe, target, (data, judging), frames, &macs, listener)
                .in_file(&model.file)?;
        Ok(Event::Searched { model: id.into(), found })
    }
}

/// MACs of a network's nodes by name, for frames of this shape.
fn macs_by_node(model: &Model, data: &Dataset) -> Result<impl Fn(&str) -> u64> {
    let layers = model.inspected_for(data)?.inspection.layers;
    Ok(move |node: &str| layers.iter().find(|l| l.node == node).and_then(|l| l.macs).unwrap_or(0))
}
