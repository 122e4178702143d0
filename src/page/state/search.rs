//! The search for a recipe that meets a target.

use std::rc::Rc;

use super::frames_choices::FRAMES;
use super::{Effect, State, run};
use crate::error::{Error, Result};
use crate::lab::protocol::Inspection;
use crate::vocabulary::driving::{RoadSearch, RoadTest};
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::search::{Found, Heldout, Target, Trial};

/// What is asked of the recipe that is searched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Goal {
    /// Lose at most so many points of top-1, with the fewest BOPs.
    #[default]
    Drop,
    /// Let the mean absolute error rise by at most so many per cent, with the fewest BOPs.
    Rise,
    /// Keep at least so many per cent of the float network's return, with the fewest BOPs.
    Return,
    /// A file of at most so many kB, with the least damage.
    Bytes,
    /// At most so many million BOPs, with the least damage.
    Bops,
}

impl Goal {
    const ALL: [Self; 5] = [Self::Drop, Self::Rise, Self::Return, Self::Bytes, Self::Bops];

    fn at(self) -> usize {
        self as usize
    }
}

/// What a person typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchForm {
    pub goal: Goal,
    /// The limit of each goal; empty: what suits the network.
    limits: [String; Goal::ALL.len()],
    /// The fewest bits that weights may get.
    pub weight_bits: u32,
    /// Validation frames of a trial; `None`: all.
    pub frames: Option<usize>,
}

impl Default for SearchForm {
    fn default() -> Self {
        let limits = Default::default();
        Self { goal: Goal::default(), limits, weight_bits: 3, frames: Some(FRAMES) }
    }
}

impl SearchForm {
    /// Asks for what the labels can tell: points of classes, or the error of values.
    pub(super) fn suit(&mut self, of_values: bool) {
        self.goal = match self.goal {
            Goal::Drop if of_values => Goal::Rise,
            Goal::Rise if !of_values => Goal::Drop,
            other => other,
        };
    }

    pub fn set_limit(&mut self, limit: String) {
        self.limits[self.goal.at()] = limit;
    }

    /// The limit as typed, or one that suits the network.
    pub fn limit(&self, network: &Inspection) -> String {
        let typed = &self.limits[self.goal.at()];
        if !typed.is_empty() {
            return typed.clone();
        }
        match self.goal {
            Goal::Drop => "0.5".to_owned(),
            Goal::Rise => "2".to_owned(),
            Goal::Return => "90".to_owned(),
            // Between the sizes at 8 and at 4 bits.
            Goal::Bytes => (network.file_bytes * 3 / 16 / 1000).max(1).to_string(),
            // 4-bit weights with 8-bit activations.
            Goal::Bops => (network.macs.unwrap_or(0) * 4 * 8 / 1_000_000).max(1).to_string(),
        }
    }

    /// Where the search starts: a search raises widths, so the recipe has the lowest.
    fn start(&self, recipe: &Recipe) -> Recipe {
        Recipe { weight_bits: recipe.weight_bits.min(self.weight_bits), ..recipe.clone() }
    }

    /// # Errors
    /// A limit that is no number, or below 0.
    pub fn target(&self, network: &Inspection) -> Result<Target> {
        let text = self.limit(network);
        let limit = text.trim().replace(',', ".").parse::<f64>().ok();
        // To keep nothing of a return is no target.
        let least = if self.goal == Goal::Return { f64::MIN_POSITIVE } else { 0.0 };
        let Some(limit) = limit.filter(|limit| limit.is_finite() && *limit >= least) else {
            return Err(Error::new(format!("`{text}` is no limit"))
                .way_out("Give a number such as 0.5, or none at all."));
        };
        let mut target = Target::default();
        match self.goal {
            Goal::Drop => target.max_drop = Some(limit),
            Goal::Rise => target.max_rise = Some(limit),
            Goal::Return => target.min_return = Some(limit / 100.0),
            Goal::Bytes => target.max_bytes = Some((limit * 1e3).round() as u64),
            Goal::Bops => target.max_bops = Some((limit * 1e6).round() as u64),
        }
        Ok(target)
    }
}

/// A search and what it has tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    pub goal: Goal,
    pub target: Target,
    pub trials: Vec<Trial>,
    pub ending: Option<Ending>,
    /// The data set it was measured on.
    pub validation: String,
    /// What the worker said at the end.
    found: Option<Trial>,
    /// The best on the frames that chose nothing.
    pub heldout: Option<Heldout>,
}

/// How a search is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Finished,
    /// Somebody stopped it, or it failed.
    Stopped,
}

impl Search {
    pub(super) fn new(goal: Goal, target: Target, validation: String) -> Self {
        Self {
            goal,
            target,
            trials: Vec::new(),
            ending: None,
            validation,
            found: None,
            heldout: None,
        }
    }

    /// The best trial so far.
    pub fn best(&self) -> Option<&Trial> {
        let tried = || self.trials.iter().rev().find(|trial| trial.best);
        self.found.as_ref().or_else(tried)
    }
}

impl State {
    /// Has the search ask for what the labels can tell of the chosen network.
    pub(super) fn suit_search(&mut self) {
        let Some(loaded) = &self.validation.loaded else { return };
        let inspection = self.selected().and_then(|network| network.inspection());
        let outputs = inspection.map_or(&[][..], |inspection| &inspection.outputs);
        let of_values = loaded.summary.says_values(outputs.iter().map(|output| &*output.name));
        self.search_form.suit(of_values);
    }

    /// What a search of the chosen network may be asked for.
    pub fn goals(&self) -> Vec<Goal> {
        let chosen = self.search_form.goal;
        let offered = |goal: &Goal| *goal != Goal::Return || *goal == chosen || self.drives_here();
        Goal::ALL.into_iter().filter(offered).collect()
    }

    /// How trials of the chosen network drive: fewer tracks than the command line takes, for somebody waits.
    pub(super) fn road_of_search(&self, id: &str) -> RoadSearch {
        const TRACKS: usize = 16;
        let test = RoadTest { tracks: TRACKS, ..self.road_test(id) };
        RoadSearch { test, unseen: TRACKS }
    }

    /// Why no search can be started.
    pub fn search_fault(&self) -> Option<Error> {
        let network = self.selected()?;
        let inspection = network.inspection()?;
        if self.search_form.goal == Goal::Return && !self.drives_here() {
            let why = format!("{} does not drive the car of this page", network.title);
            return Some(Error::new(why).way_out("Ask for something else than a return."));
        }
        self.search_form.target(inspection).err()
    }

    pub(super) fn start_search(&mut self, now: f64, effects: &mut Vec<Effect>) {
        let inspection = self.selected().and_then(|network| network.inspection());
        let Some(inspection) = inspection else { return };
        let target = match self.search_fault() {
            Some(fault) => Err(fault),
            None => self.search_form.target(inspection),
        };
        match target {
            Ok(target) => {
                let SearchForm { goal, frames, .. } = self.search_form;
                let start = self.search_form.start(&self.recipe);
                self.start_job(run::Step::Search { goal, target, frames }, start, now, effects);
            }
            Err(error) => self.complain(error),
        }
    }

    pub(super) fn tried(&mut self, trial: Trial) {
        let Some(job) = &self.job else { return };
        if let Some(search) = self.searches.get_mut(&job.network) {
            Rc::make_mut(search).trials.push(trial);
        }
    }

    pub(super) fn searched(&mut self, found: Found) {
        let Some(job) = self.job.take() else { return };
        if let Some(search) = self.searches.get_mut(&job.network) {
            let search = Rc::make_mut(search);
            search.trials = found.trials;
            search.found = Some(found.best);
            search.heldout = found.heldout;
            search.ending = Some(if found.stopped { Ending::Stopped } else { Ending::Finished });
        }
    }

    /// A search that ends before its end keeps what it has tried.
    pub(super) fn stop_search(&mut self, network: &str) {
        if let Some(search) = self.searches.get_mut(network)
            && search.ending.is_none()
        {
            Rc::make_mut(search).ending = Some(Ending::Stopped);
        }
    }

    /// Puts a recipe into the panel and carries it out.
    pub(super) fn use_recipe(&mut self, recipe: Recipe, now: f64, effects: &mut Vec<Effect>) {
        self.set_recipe(recipe);
        self.start_run(now, effects);
    }
}
