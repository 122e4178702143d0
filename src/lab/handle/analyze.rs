//! What a recipe does to a network, and which recipe meets a target.

use std::cell::RefCell;

use super::{Emit, Lab, Model, report, stage_of};
use crate::crew::Crew;
use crate::data::Dataset;
use crate::drive::{Entry, Fleet, Listener};
use crate::error::{Context, Result};
use crate::graph::Graph;
use crate::lab::protocol::{Event, Role};
use crate::progress::Progress;
use crate::quantize::{self, LayerVariants, NoRoad, Road, Step, StepProgress, Variants};
use crate::score::driving::{Drive, change, returns};
use crate::vocabulary::driving::{LayerLoss, Losses, RoadSearch, RoadTest};
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::search::{Target, Trial};
use crate::vocabulary::task::Judging;

impl Lab {
    pub(super) async fn analyze(
        &self,
        id: &str,
        recipe: &Recipe,
        (judging, frames, road): (&Judging, Option<usize>, Option<&RoadTest>),
        emit: &mut Emit<'_>,
        crew: &mut impl Crew,
    ) -> Result<Event> {
        road.map_or(Ok(()), RoadTest::check)?;
        let model = self.model(id)?;
        let [calibration, validation] = [Role::Calibration, Role::Validation]
            .map(|role| self.data(role).and_then(|data| model.frames(data)));
        let data = [&*calibration?, &*validation?];
        let mut progress = |step, done, total| report(emit, stage_of(step), Some(id), done, total);
        let macs = macs_by_node(model, data[1])?;
        let graph = &model.graph;
        let mut analysis =
            quantize::analyze(graph, recipe, (data, judging), frames, &macs, &mut progress)
                .in_file(&model.file)?;
        if let Some(test) = road {
            let variants = quantize::layer_variants(graph, recipe, data[0], &mut progress)
                .in_file(&model.file)?;
            analysis.driving = Some(losses(model, &variants, test, &mut progress, crew).await?);
        }
        Ok(Event::Analyzed { model: id.into(), analysis })
    }

    /// Every trial is told as soon as it was measured.
    pub(super) async fn search(
        &self,
        id: &str,
        recipe: &Recipe,
        target: Target,
        (judging, frames, road): (&Judging, Option<usize>, &RoadSearch),
        emit: &mut Emit<'_>,
        crew: &mut impl Crew,
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
        let listener = quantize::Listener { progress: &mut progress, tried: &mut tried };
        let (graph, on) = (&model.graph, (data, judging, frames));
        let found = if target.min_return.is_some() {
            let fleet = Fleet::new(&road.test, road.test.tracks, crew).await?;
            let mut fleet = Searched { fleet, file: &model.file };
            let drives = (road, &mut fleet);
            quantize::search(graph, recipe, target, on, &macs, drives, listener).await
        } else {
            let drives = (road, &mut NoRoad);
            quantize::search(graph, recipe, target, on, &macs, drives, listener).await
        };
        let found = found.in_file(&model.file)?;
        Ok(Event::Searched { model: id.into(), found })
    }
}

/// Lets the float network and its variants drive.
async fn losses(
    model: &Model,
    variants: &Variants,
    test: &RoadTest,
    progress: &mut StepProgress<'_>,
    crew: &mut impl Crew,
) -> Result<Losses> {
    let Variants { quantized, layers } = variants;
    let of_layers = layers.iter().flat_map(|l| [&l.only_this_quantized, &l.only_this_float]);
    let entry = |graph| Entry { file: &model.file, graph };
    let entries: Vec<Entry<'_>> =
        [&model.graph, quantized].into_iter().chain(of_layers).map(entry).collect();
    let mut drives = vec![Vec::new(); entries.len()];
    let mut drove = |at: usize, drive: Drive| drives[at].push(drive);
    let mut driving = |done, total| progress(Step::Drive, done, total);
    let listener = Listener { progress: &mut driving, drove: &mut drove };
    let seeds = test.seeds();
    let mut fleet = Fleet::new(test, entries.len() * seeds.len(), crew).await?;
    fleet.drive(&entries, &seeds, listener).await?;
    drives.iter_mut().for_each(|drives| drives.sort_by_key(|drive| drive.track.seed));
    let all: Vec<Vec<f64>> = drives.iter().map(|drives| returns(drives)).collect();
    let beside_float = |at: usize| change(&all[at], &all[0]);
    let layer = |(at, layer): (usize, &LayerVariants)| LayerLoss {
        node: layer.node.clone(),
        only_this_quantized: beside_float(2 + 2 * at),
        only_this_float: beside_float(3 + 2 * at),
    };
    Ok(Losses {
        tracks: seeds.len(),
        float: beside_float(0).mean,
        quantized: beside_float(1),
        layers: layers.iter().enumerate().map(layer).collect(),
    })
}

/// The road of a search.
struct Searched<'a, C> {
    fleet: Fleet<'a, C>,
    file: &'a str,
}

impl<C: Crew> Road for Searched<'_, C> {
    async fn returns(
        &mut self,
        network: &Graph,
        seeds: &[u64],
        progress: &mut Progress<'_>,
    ) -> Result<Vec<f64>> {
        let mut returns = vec![0.0; seeds.len()];
        let mut drove = |_, drive: Drive| {
            if let Some(at) = seeds.iter().position(|seed| *seed == drive.track.seed) {
                returns[at] = drive.track.total;
            }
        };
        let entry = Entry { file: self.file, graph: network };
        self.fleet.drive(&[entry], seeds, Listener { progress, drove: &mut drove }).await?;
        Ok(returns)
    }
}

/// MACs of a network's nodes by name, for frames of this shape.
fn macs_by_node(model: &Model, data: &Dataset) -> Result<impl Fn(&str) -> u64> {
    let layers = model.inspected_for(data)?.inspection.layers;
    Ok(move |node: &str| layers.iter().find(|l| l.node == node).and_then(|l| l.macs).unwrap_or(0))
}
