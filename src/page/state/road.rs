//! Driving the chosen network at every width: return beside accuracy.

use std::rc::Rc;

use super::run::{Part, Step};
use super::{Effect, State};
use crate::lab::protocol::{ModelId, Request};
use crate::vocabulary::driving::{Driven, Drives, RoadTest, Track};
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::report::Report;

/// Bits of the weights, the float network first.
pub const WIDTHS: [Option<u32>; 6] = [None, Some(8), Some(6), Some(4), Some(3), Some(2)];

/// How a network does at every width.
#[derive(Debug, Clone, PartialEq)]
pub struct Road {
    /// Of [`WIDTHS`], those that were begun.
    pub points: Vec<Point>,
    /// What the widths were changed of.
    pub recipe: Rc<Recipe>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Point {
    pub bits: Option<u32>,
    /// On the validation frames, with its interval.
    pub top1: Option<(f64, [f64; 2])>,
    /// Those that were driven so far.
    pub tracks: Vec<Track>,
    /// All of them together.
    pub driven: Option<Driven>,
}

impl Point {
    /// The mean return of the tracks so far.
    pub fn mean(&self) -> Option<f64> {
        let total: f64 = self.tracks.iter().map(|track| track.total).sum();
        (!self.tracks.is_empty()).then(|| total / self.tracks.len() as f64)
    }

    pub fn finished(&self) -> usize {
        self.tracks.iter().filter(|track| track.finished).count()
    }
}

impl State {
    pub(super) fn start_road(&mut self, now: f64, effects: &mut Vec<Effect>) {
        let step = Step::Road { point: 0, part: Part::Evaluate };
        self.start_job(step, self.recipe.clone(), now, effects);
        let Some(job) = self.job.as_ref().filter(|job| job.step == step) else { return };
        let (points, recipe) = (vec![Point::default()], job.recipe.clone());
        let road = Road { points, recipe };
        self.roads.insert(job.network.clone(), Rc::new(road));
    }

    /// What is asked for a part of a width of the network.
    pub(super) fn road_request(&self, model: &ModelId, point: usize, part: Part) -> Request {
        let driven = match WIDTHS[point] {
            None => model.clone(),
            Some(_) => format!("{model}-road"),
        };
        match part {
            Part::Quantize => {
                let recipe = self.recipe_of_width(model, WIDTHS[point]);
                Request::Quantize { model: model.clone(), recipe, into: driven }
            }
            Part::Evaluate => {
                Request::Evaluate { model: driven, float: None, judging: self.judging_of(model) }
            }
            Part::Drive => Request::Drive { models: vec![driven], test: RoadTest::default() },
        }
    }

    fn recipe_of_width(&self, model: &ModelId, bits: Option<u32>) -> Recipe {
        let recipe = self.roads.get(model).map(|road| Recipe::clone(&road.recipe));
        let recipe = recipe.unwrap_or_default();
        Recipe { weight_bits: bits.unwrap_or(recipe.weight_bits), ..recipe }
    }

    pub(super) fn road_evaluated(&mut self, report: &Report) {
        let accuracy = report.accuracy.as_ref().map(|a| (a.top1, a.ci95));
        self.road_goes_on(|point| point.top1 = accuracy);
    }

    /// A track was driven; others may follow.
    pub(super) fn drove(&mut self, track: Track) {
        if let Some(point) = self.road_point() {
            point.tracks.push(track);
        }
    }

    pub(super) fn road_driven(&mut self, drives: Drives) {
        let driven = drives.results.into_iter().next();
        self.road_goes_on(|point| point.driven = driven);
    }

    pub(super) fn is_on_the_road(&self) -> bool {
        self.job.as_ref().is_some_and(|job| matches!(job.step, Step::Road { .. }))
    }

    fn road_point(&mut self) -> Option<&mut Point> {
        let network = &self.job.as_ref()?.network;
        Rc::make_mut(self.roads.get_mut(network)?).points.last_mut()
    }

    /// Keeps what a part has come to, and goes on to the next.
    pub(super) fn road_goes_on(&mut self, keep: impl FnOnce(&mut Point)) {
        if let Some(point) = self.road_point() {
            keep(point);
        }
        let Some(job) = &mut self.job else { return };
        let Step::Road { point, part } = job.step else { return };
        job.set_task_done();
        let next = match part {
            Part::Quantize => Step::Road { point, part: Part::Evaluate },
            Part::Evaluate => Step::Road { point, part: Part::Drive },
            Part::Drive if point + 1 == WIDTHS.len() => return self.end_job(),
            Part::Drive => Step::Road { point: point + 1, part: Part::Quantize },
        };
        job.step = next;
        if part == Part::Drive {
            let network = job.network.clone();
            if let Some(road) = self.roads.get_mut(&network) {
                let bits = WIDTHS[point + 1];
                Rc::make_mut(road).points.push(Point { bits, ..Point::default() });
            }
        }
    }
}
