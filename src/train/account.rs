//! What frames came to, in sums that are taken in order.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::network::Network;
use crate::vocabulary::training::{Figures, Score};

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) frames: usize,
    pub(super) loss: f64,
    /// Right classes, over all outputs of classes.
    pub(super) hits: usize,
    /// Absolute errors of all values.
    pub(super) errors: f64,
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Self) {
        self.frames += other.frames;
        self.loss += other.loss;
        self.hits += other.hits;
        self.errors += other.errors;
    }
}

impl Account {
    /// Averages over frames, outputs and values.
    pub(super) fn figures(&self, network: &Network) -> Figures {
        let frames = self.frames as f64;
        let [classes, values] = network.counts();
        let top1 = (classes > 0).then(|| self.hits as f64 / (frames * classes as f64));
        let mae = self.errors / (frames * values as f64);
        let score = match network.score() {
            Score::Top1 => top1.unwrap_or(0.0),
            Score::Mae => mae,
        };
        Figures { loss: self.loss / frames, top1, score }
    }
}
