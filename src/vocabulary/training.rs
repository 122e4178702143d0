//! How far a training is, and what it takes to go on with it later, elsewhere.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::file::File;
use super::plan::Plan;
use super::recipe::Recipe;

/// All that one training hands to the next, opaque to whoever keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Checkpoint(pub ByteBuf);

/// How to go on where an earlier training of the same network, recipe, plan and frames stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Where it stopped.
    pub checkpoint: Checkpoint,
    /// Train no more: write the best that there is.
    pub finish: bool,
}

/// What a network is judged by while it trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// The share of right classes, over all outputs of classes.
    Top1,
    /// The mean absolute error, over all values.
    Mae,
}

/// What frames came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// The mean over the frames.
    pub loss: f64,
    /// `None` without classes.
    pub top1: Option<f64>,
    /// In terms of [`Epoch::score`].
    pub score: f64,
}

/// What an epoch came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1; the starting point is 0.
    pub epoch: usize,
    /// That of the first output that trains.
    pub score: Score,
    /// On the training frames, averaged over the epoch while the network changed.
    pub loss: f64,
    /// `None` without classes.
    pub train_top1: Option<f64>,
    /// In terms of `score`.
    pub train_score: f64,
    /// On the held-out frames, at the epoch's end, as the int8 network.
    pub heldout_loss: f64,
    /// `None` without classes.
    pub heldout_top1: Option<f64>,
    /// In terms of `score`.
    pub heldout_score: f64,
    /// At the epoch's last step.
    pub learning_rate: f64,
    /// How long it took.
    pub seconds: f64,
}

impl Epoch {
    /// The starting point, from what it does on the held-out frames.
    pub fn start(score: Score, held_out: Figures, seconds: f64) -> Self {
        let none = Figures { loss: held_out.loss, top1: held_out.top1.map(|_| 0.0), score: 0.0 };
        Self::new(0, score, [none, held_out], 0.0, seconds)
    }

    /// From what training frames and held-out frames came to.
    pub fn new(
        epoch: usize,
        score: Score,
        [train, held_out]: [Figures; 2],
        learning_rate: f64,
        seconds: f64,
    ) -> Self {
        Self {
            epoch,
            score,
            loss: train.loss,
            train_top1: train.top1,
            train_score: train.score,
            heldout_loss: held_out.loss,
            heldout_top1: held_out.top1,
            heldout_score: held_out.score,
            learning_rate,
            seconds,
        }
    }

    /// Whether this is the better checkpoint: by its score on the held-out frames, then by their loss.
    pub fn beats(&self, other: &Self) -> bool {
        let worth = |epoch: &Self| match epoch.score {
            Score::Top1 => (epoch.heldout_score, -epoch.heldout_loss),
            Score::Mae => (-epoch.heldout_score, -epoch.heldout_loss),
        };
        worth(self) > worth(other)
    }

    /// What has to fall for a training to go on until it falls no more.
    pub fn falling(&self) -> f64 {
        match self.score {
            Score::Top1 => self.heldout_loss,
            Score::Mae => self.heldout_score,
        }
    }
}

/// A training that can be gone on with, as the browser keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedTraining {
    /// Its name.
    pub network: String,
    /// The network itself, if it was opened from disk.
    pub file: Option<Rc<File>>,
    /// What has its weights beside it; trainings from before that was read have none.
    #[serde(default)]
    pub beside: Vec<Rc<File>>,
    /// What it is trained for.
    pub recipe: Rc<Recipe>,
    /// How it is trained.
    pub plan: Rc<Plan>,
    /// What the frames are called.
    pub frames: String,
    /// Bundled archives among the frames; 0 for a person's own.
    pub archives: usize,
    /// All so far.
    pub epochs: Vec<Epoch>,
    /// Where it goes on.
    pub checkpoint: Rc<Checkpoint>,
}

impl SavedTraining {
    /// A network keeps one training.
    pub fn key(&self) -> &str {
        self.file.as_ref().map_or(&self.network, |file| &file.name)
    }

    /// Epochs that are done.
    pub fn done(&self) -> usize {
        epochs_done(&self.epochs)
    }
}

/// Epochs that are done; the first of `epochs` is the starting point.
pub fn epochs_done(epochs: &[Epoch]) -> usize {
    epochs.len().saturating_sub(1)
}
