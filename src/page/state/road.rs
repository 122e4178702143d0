//! Driving the chosen network and what is made of it: return beside accuracy.

use std::rc::Rc;

use super::run::{Part, Step};
use super::{Effect, State};
use crate::lab::protocol::{ModelId, Request};
use crate::vocabulary::driving::{Driven, Drives, Track};
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::report::Report;
use crate::vocabulary::search::Trial;

/// Bits of the weights, the most first.
pub const WIDTHS: [u32; 7] = [8, 7, 6, 5, 4, 3, 2];

/// The share of the float network's return with which a network still drives.
pub const STILL: f64 = 0.9;

/// What is driven.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// The float network.
    Float,
    /// A recipe at so many bits of the weights.
    Width { bits: u32, recipe: Rc<Recipe> },
    /// A recipe that a search has tried, in the search's words.
    Tried { what: String, recipe: Rc<Recipe> },
    /// A network made here, as it is.
    Made(ModelId),
}

impl Subject {
    fn first_part(&self) -> Part {
        match self {
            Self::Float | Self::Made(_) => Part::Evaluate,
            Self::Width { .. } | Self::Tried { .. } => Part::Quantize,
        }
    }
}

/// How a network does, and what is made of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Road {
    /// The float network first, then the widths, then others; some may be still to be driven.
    pub points: Vec<Point>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub subject: Subject,
    /// On the validation frames, with its interval.
    pub top1: Option<(f64, [f64; 2])>,
    /// Those that were driven so far.
    pub tracks: Vec<Track>,
    /// All of them together.
    pub driven: Option<Driven>,
}

impl Point {
    fn new(subject: Subject) -> Self {
        Self { subject, top1: None, tracks: Vec::new(), driven: None }
    }

    /// The mean return of the tracks so far.
    pub fn mean(&self) -> Option<f64> {
        let total: f64 = self.tracks.iter().map(|track| track.total).sum();
        (!self.tracks.is_empty()).then(|| total / self.tracks.len() as f64)
    }

    pub fn finished(&self) -> usize {
        self.tracks.iter().filter(|track| track.finished).count()
    }
}

/// What is left of the float network's accuracy and of its return, as shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Left {
    pub accuracy: f64,
    pub returns: f64,
}

impl Road {
    /// What a point has left, none at worst; `None` before it and the float network were measured and have
    /// driven.
    pub fn left(&self, point: &Point) -> Option<Left> {
        let float = self.points.iter().find(|point| point.subject == Subject::Float)?;
        let share = |own: f64, of: f64| (of > 0.0).then(|| (own / of).max(0.0));
        Some(Left {
            accuracy: share(point.top1?.0, float.top1?.0)?,
            returns: share(point.driven.as_ref()?.mean, float.driven.as_ref()?.mean)?,
        })
    }

    /// The point whose return has lost the most beside its accuracy.
    pub fn parting(&self) -> Option<(&Point, Left)> {
        let others = self.points.iter().filter(|point| point.subject != Subject::Float);
        let left = others.filter_map(|point| Some((point, self.left(point)?)));
        let gap = |left: &Left| left.accuracy - left.returns;
        left.max_by(|a, b| gap(&a.1).total_cmp(&gap(&b.1)))
    }

    /// The fewest bits that still drive ([`STILL`]), as do all that are more, and what they have left. `None`
    /// before a width has driven, or if the first does not; a gap in what has driven ends it.
    pub fn fewest(&self) -> Option<(u32, Left)> {
        let widths = self.points.iter().filter_map(|point| match point.subject {
            Subject::Width { bits, .. } => Some((bits, self.left(point))),
            _ => None,
        });
        widths
            .map_while(|(bits, left)| Some((bits, left.filter(|left| left.returns >= STILL)?)))
            .last()
    }

    /// Puts what is to be driven in its place; what was not driven to its end is no more.
    fn plan(&mut self, subjects: Vec<Subject>) {
        self.points.retain(|point| point.driven.is_some());
        let widths = subjects.iter().any(|subject| matches!(subject, Subject::Width { .. }));
        self.points.retain(|point| {
            // Of another recipe they would be no series.
            let is_replaced = widths && matches!(point.subject, Subject::Width { .. });
            !is_replaced && !subjects.contains(&point.subject)
        });
        self.points.extend(subjects.into_iter().map(Point::new));
        self.points.sort_by_key(|point| match point.subject {
            Subject::Float => 0,
            Subject::Width { .. } => 1,
            Subject::Tried { .. } | Subject::Made(_) => 2,
        });
    }

    /// The next one to be driven.
    fn next(&self) -> Option<usize> {
        self.points.iter().position(|point| point.driven.is_none())
    }
}

impl State {
    /// What of the chosen network was made here, or tried by a search, and is not on the road yet: each with
    /// its name.
    pub fn to_be_driven(&self) -> Vec<(String, Subject)> {
        let Some(id) = &self.selected else { return Vec::new() };
        let made = self.made.get(id).into_iter().chain(self.qat.get(id));
        let made = made.map(|made| (self.title(&made.id), Subject::Made(made.id.clone())));
        let best = self.searches.get(id).and_then(|search| search.best());
        let best = best.map(|best| (format!("the search's best, {}", best.what), tried(best)));
        let driven = |subject: &Subject| {
            let points = self.roads.get(id).map_or(&[][..], |road| &road.points);
            points.iter().any(|point| point.subject == *subject)
        };
        made.chain(best).filter(|(_, subject)| !driven(subject)).collect()
    }

    pub(super) fn drive_widths(&mut self, now: f64, effects: &mut Vec<Effect>) {
        let width = |bits| {
            let recipe = Recipe { weight_bits: bits, ..self.recipe.clone() };
            Subject::Width { bits, recipe: Rc::new(recipe) }
        };
        let widths = [Subject::Float].into_iter().chain(WIDTHS.map(width));
        self.start_road(widths.collect(), now, effects);
    }

    /// With the float network, if that has not driven.
    pub(super) fn drive_subject(&mut self, subject: Subject, now: f64, effects: &mut Vec<Effect>) {
        let road = self.selected.as_ref().and_then(|id| self.roads.get(id));
        let float = |point: &Point| point.subject == Subject::Float && point.driven.is_some();
        let has_float = road.is_some_and(|road| road.points.iter().any(float));
        let float = (!has_float).then_some(Subject::Float);
        self.start_road(float.into_iter().chain([subject]).collect(), now, effects);
    }

    fn start_road(&mut self, subjects: Vec<Subject>, now: f64, effects: &mut Vec<Effect>) {
        let Some(network) = self.selected.clone().filter(|_| self.can_analyze()) else { return };
        let mut road = self.roads.get(&network).map(|road| Road::clone(road)).unwrap_or_default();
        road.plan(subjects);
        let Some(at) = road.next() else { return };
        let part = road.points[at].subject.first_part();
        self.roads.insert(network, Rc::new(road));
        self.start_job(Step::Road { at, part }, self.recipe.clone(), now, effects);
    }

    /// What is asked for a part of what is driven.
    pub(super) fn road_request(&self, model: &ModelId, at: usize, part: Part) -> Option<Request> {
        let subject = &self.roads.get(model)?.points.get(at)?.subject;
        let driven = match subject {
            Subject::Float => model.clone(),
            Subject::Made(id) => id.clone(),
            Subject::Width { .. } | Subject::Tried { .. } => format!("{model}-road"),
        };
        Some(match (part, subject) {
            (Part::Quantize, Subject::Width { recipe, .. } | Subject::Tried { recipe, .. }) => {
                let recipe = Recipe::clone(recipe);
                Request::Quantize { model: model.clone(), recipe, into: driven }
            }
            (Part::Quantize | Part::Evaluate, _) => {
                Request::Evaluate { model: driven, float: None, judging: self.judging_of(model) }
            }
            (Part::Drive, _) => {
                Request::Drive { models: vec![driven], test: self.road_test(model) }
            }
        })
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
        let job = self.job.as_ref()?;
        let Step::Road { at, .. } = job.step else { return None };
        Rc::make_mut(self.roads.get_mut(&job.network)?).points.get_mut(at)
    }

    /// Keeps what a part has come to, and goes on to the next.
    pub(super) fn road_goes_on(&mut self, keep: impl FnOnce(&mut Point)) {
        if let Some(point) = self.road_point() {
            keep(point);
        }
        let Some(job) = &mut self.job else { return };
        let Step::Road { at, part } = job.step else { return };
        job.set_task_done();
        let road = self.roads.get(&job.network);
        let next = match part {
            Part::Quantize => Some((at, Part::Evaluate)),
            Part::Evaluate => Some((at, Part::Drive)),
            Part::Drive => road.and_then(|road| {
                let at = road.next()?;
                Some((at, road.points[at].subject.first_part()))
            }),
        };
        match next {
            Some((at, part)) => job.step = Step::Road { at, part },
            None => self.end_job(),
        }
    }

    /// A run that ends before its end keeps what was driven, and no more.
    pub(super) fn stop_road(&mut self, network: &str) {
        if let Some(road) = self.roads.get_mut(network) {
            Rc::make_mut(road).points.retain(|point| !point.tracks.is_empty());
        }
    }

    /// A network was made anew: what its last version drove is no drive of it.
    pub(super) fn forget_made_on_road(&mut self, id: &str) {
        for road in self.roads.values_mut() {
            let is_its = |subject: &Subject| matches!(subject, Subject::Made(own) if own == id);
            Rc::make_mut(road).points.retain(|point| !is_its(&point.subject));
        }
    }
}

/// What a search has tried, to be driven.
pub fn tried(trial: &Trial) -> Subject {
    Subject::Tried { what: trial.what.clone(), recipe: Rc::new(trial.recipe.clone()) }
}
