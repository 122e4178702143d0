//! The account of the damage that a recipe does.

use std::rc::Rc;

use super::frames_choices::FRAMES;
use super::{Effect, State, run};
use crate::vocabulary::analysis::Analysis;
use crate::vocabulary::recipe::Recipe;

/// Validation frames of an analysis; `None`: all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnalysisFrames(pub Option<usize>);

impl Default for AnalysisFrames {
    fn default() -> Self {
        Self(Some(FRAMES))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    pub analysis: Analysis,
    /// What was analysed.
    pub recipe: Rc<Recipe>,
    /// The data sets.
    pub calibration: String,
    pub validation: String,
    /// From pressing the button.
    pub seconds: f64,
}

impl State {
    pub(super) fn start_analysis(&mut self, now: f64, effects: &mut Vec<Effect>) {
        let AnalysisFrames(frames) = self.analysis_frames;
        self.start_job(run::Step::Analyze { frames }, self.recipe.clone(), now, effects);
    }

    pub(super) fn analyzed(&mut self, analysis: Analysis, now: f64) {
        let Some(job) = self.job.take() else { return };
        let explained = Explained {
            analysis,
            recipe: job.recipe,
            calibration: job.calibration,
            validation: job.validation,
            seconds: (now - job.started) / 1e3,
        };
        self.explained.insert(job.network, Rc::new(explained));
    }
}
