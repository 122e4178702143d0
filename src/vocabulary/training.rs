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
    pub checkpoint: Checkpoint,
    /// Train no more: write the best that there is.
    pub finish: bool,
}

/// What an epoch came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1; the starting point is 0.
    pub epoch: usize,
    /// On the training frames, averaged over the epoch while the network changed.
    pub loss: f64,
    pub train_top1: f64,
    /// On the held-out frames, at the epoch's end, as the int8 network.
    pub heldout_loss: f64,
    pub heldout_top1: f64,
    /// At the epoch's last step.
    pub learning_rate: f64,
    pub seconds: f64,
}

impl Epoch {
    /// The starting point, from what it does on the held-out frames.
    pub fn start(heldout_loss: f64, heldout_top1: f64, seconds: f64) -> Self {
        Self {
            epoch: 0,
            loss: heldout_loss,
            train_top1: 0.0,
            heldout_loss,
            heldout_top1,
            learning_rate: 0.0,
            seconds,
        }
    }

    /// Whether this is the better checkpoint: by accuracy on the held-out frames, then by their loss.
    pub fn beats(&self, other: &Self) -> bool {
        (self.heldout_top1, -self.heldout_loss) > (other.heldout_top1, -other.heldout_loss)
    }
}

/// A training that can be gone on with, as the browser keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedTraining {
    pub network: String,
    /// The network itself, if it was opened from disk.
    pub file: Option<File>,
    /// What has its weights beside it; trainings from before that was read have none.
    #[serde(default)]
    pub beside: Vec<File>,
    pub recipe: Rc<Recipe>,
    pub plan: Rc<Plan>,
    pub frames: String,
    pub archives: usize,
    pub epochs: Vec<Epoch>,
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
