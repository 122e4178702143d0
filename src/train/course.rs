//! How far a training has come: everything that one step hands to the next.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::account::Account;
use super::optimizer::Moments;
use super::start::Start;
use super::state::State;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::onnx;
use crate::vocabulary::plan::Plan;
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::training::{Checkpoint, Epoch, Figures, Score};

/// Raised when checkpoints change their form.
const VERSION: u32 = 2;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Course {
    /// The starting point, measured.
    pub(super) start: Epoch,
    pub(super) state: State,
    pub(super) moments: Moments,
    pub(super) epochs: Vec<Epoch>,
    pub(super) best: (Epoch, State),
    /// For a training until convergence.
    pub(super) plateau: Plateau,
    /// Of the epoch that is under way.
    pub(super) partial: Partial,
}

/// What is done of an epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Partial {
    pub(super) batches: usize,
    pub(super) account: Account,
    pub(super) seconds: f64,
}

/// How the learning rate falls while training goes on until convergence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Plateau {
    pub(super) least: f64,
    waited: usize,
    pub(super) falls: usize,
}

impl Course {
    /// Before the starting point is measured.
    pub(super) fn new(plan: &Plan, state: State) -> Self {
        let none = Figures { loss: f64::INFINITY, top1: None, score: 0.0 };
        let start = Epoch::start(Score::Top1, none, 0.0);
        Self {
            start,
            moments: Moments::new(plan, state.parameters.len()),
            best: (start, state.clone()),
            state,
            epochs: Vec::new(),
            plateau: Plateau { least: f64::INFINITY, waited: 0, falls: 0 },
            partial: Partial::default(),
        }
    }

    /// The starting point is the best so far.
    pub(super) fn begin(&mut self, start: Epoch) {
        self.start = start;
        self.best.0 = start;
        self.plateau.least = start.falling();
    }

    pub(super) fn end_epoch(&mut self, done: Epoch) {
        self.plateau.hear(done.falling());
        if done.beats(&self.best.0) {
            self.best = (done, self.state.clone());
        }
        self.epochs.push(done);
        self.partial = Partial::default();
    }
}

impl Plateau {
    pub(super) fn factor(self) -> f64 {
        [1.0, 1.0 / 3.0, 1.0 / 9.0, 1.0 / 27.0][self.falls.min(3)]
    }

    fn hear(&mut self, figure: f64) {
        let enough = self.least * (1.0 - Plan::PROGRESS);
        self.least = self.least.min(figure);
        if figure < enough {
            self.waited = 0;
            return;
        }
        self.waited += 1;
        if self.waited >= Plan::PATIENCE {
            (self.falls, self.waited) = (self.falls + 1, 0);
        }
    }
}

/// What tells one training from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    version: u32,
    digest: [u8; 32],
}

impl Fingerprint {
    /// Of the starting point, too.
    ///
    /// # Errors
    /// None that these can cause.
    pub(super) fn of(
        graph: &Graph,
        recipe: &Recipe,
        plan: &Plan,
        data: [&Dataset; 2],
        start: &Start,
    ) -> Result<Self> {
        let mut digest = Sha256::new();
        digest.update(onnx::write(graph));
        digest.update(recipe.to_short_json()?);
        digest.update(plan.to_json()?);
        for data in data {
            data.fingerprint(&mut |bytes| digest.update(bytes));
        }
        // Another version may start elsewhere.
        digest.update(postcard::to_allocvec(&start.state).map_err(|error| unwritten(&error))?);
        for (name, params) in &start.calibrated.params {
            digest.update(name);
            params.zero_point.iter().for_each(|zero_point| digest.update(zero_point.to_le_bytes()));
        }
        Ok(Self { version: VERSION, digest: digest.finalize().into() })
    }
}

impl Checkpoint {
    /// # Errors
    /// None that a course can cause.
    pub(super) fn new(course: &Course, fingerprint: &Fingerprint) -> Result<Self> {
        let bytes =
            postcard::to_allocvec(&(fingerprint, course)).map_err(|error| unwritten(&error))?;
        Ok(Self(bytes.into()))
    }

    /// # Errors
    /// What is no checkpoint, or one of another training than `fingerprint` stands for.
    pub(super) fn open(&self, fingerprint: &Fingerprint) -> Result<Course> {
        let (of, rest) =
            postcard::take_from_bytes::<Fingerprint>(&self.0).map_err(|error| damaged(&error))?;
        if of != *fingerprint {
            return Err(Error::new("the checkpoint is of another training, or of another version")
                .way_out("Go on with the same network, recipe, plan and frames, or start anew."));
        }
        postcard::from_bytes(rest).map_err(|error| damaged(&error))
    }
}

fn unwritten(error: &postcard::Error) -> Error {
    Error::new(format!("a checkpoint cannot be written: {error}"))
}

fn damaged(error: &postcard::Error) -> Error {
    Error::new(format!("the checkpoint is damaged: {error}")).way_out("Start the training anew.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_falls_when_the_loss_does_not() {
        let mut plateau = Plateau { least: 1.0, waited: 0, falls: 0 };
        let mut after = |losses: &[f64]| {
            losses.iter().for_each(|&loss| plateau.hear(loss));
            plateau.falls
        };
        assert_eq!(after(&[0.9, 0.95, 0.8]), 0);
        // Less than a hundredth better is not better.
        assert_eq!(after(&[0.799, 0.798]), 1);
        assert_eq!(after(&[0.7, 0.8]), 1);
        assert_eq!(after(&[0.8]), 2);
    }

    #[test]
    fn a_checkpoint_opens_for_its_own_training_alone() {
        let state = State { parameters: vec![0.25, f32::MIN_POSITIVE], statistics: vec![-1.5] };
        let mut course = Course::new(&Plan::default(), state);
        let figures = Figures { loss: 0.7, top1: None, score: 0.5 };
        course.begin(Epoch::start(Score::Mae, figures, 0.1));
        let account = Account { frames: 9, loss: 1.0 / 3.0, hits: 7, errors: 0.1 };
        course.partial = Partial { batches: 3, account, seconds: 0.5 };
        let own = Fingerprint { version: VERSION, digest: [7; 32] };
        let checkpoint = Checkpoint::new(&course, &own).unwrap();
        assert_eq!(checkpoint.open(&own).unwrap(), course);
        let other = Fingerprint { digest: [8; 32], ..own.clone() };
        let refused = checkpoint.open(&other).unwrap_err().to_string();
        assert!(refused.contains("another training"), "{refused}");
        for cut in [0, 10, checkpoint.0.len() - 1] {
            let cut = Checkpoint(checkpoint.0[..cut].to_vec().into());
            let refused = cut.open(&own).unwrap_err().to_string();
            assert!(refused.contains("damaged"), "{refused}");
        }
    }
}
