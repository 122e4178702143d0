//! What each output learns: its task and its loss.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::score::judge::{Part, Truth};
use crate::vocabulary::plan::{Loss, Plan};
use crate::vocabulary::task::Task;

/// An output that trains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) name: String,
    /// Numbers of a frame.
    pub(super) len: usize,
    /// Classes or values.
    pub(super) task: Task,
    pub(super) loss: Loss,
    pub(super) weight: f32,
    /// The smallest and the largest label of values.
    pub(super) range: [f64; 2],
    /// What a mirror may change: the name of each value, or of the value whose bins the classes are.
    pub(super) values: Vec<String>,
}

impl Head {
    /// Labels of a frame: its class, or a value for each number.
    pub(super) fn labels(&self) -> usize {
        if self.task == Task::Classes { 1 } else { self.len }
    }

    /// # Errors
    /// A loss that does not fit the task, or the labels.
    pub(super) fn of(part: &Part, plan: &Plan) -> Result<Self> {
        let said = plan.losses.get(&part.name).copied().or(plan.loss);
        let usual = if part.task == Task::Classes { Loss::CrossEntropy } else { Loss::Mse };
        let loss = said.unwrap_or(usual);
        if part.task == Task::Classes && loss != Loss::CrossEntropy {
            return Err(Error::new(format!(
                "`{}` has classes, {} is for values",
                part.name,
                loss.name()
            ))
            .way_out("Classes learn by cross-entropy: say --loss for each output, NAME=LOSS."));
        }
        let names = || (0..part.place.len()).map(|i| part.value_name(i)).collect();
        let (range, values) = match &part.truth {
            Truth::Values(columns) => (range(columns), names()),
            Truth::Binned { .. } => ([0.0; 2], vec![part.name.clone()]),
            Truth::Nothing | Truth::Classes(_) => ([0.0; 2], Vec::new()),
        };
        if loss == Loss::CrossEntropy && !(range[0] >= 0.0 && range[1] <= 1.0) {
            return Err(Error::new(format!(
                "the labels of `{}` are from {} to {}, cross-entropy is for shares",
                part.name, range[0], range[1]
            ))
            .way_out("Choose --loss mse, huber or l1, or labels from 0 to 1."));
        }
        let weight = plan.loss_weights.get(&part.name).copied().unwrap_or(1.0);
        let (name, len) = (part.name.clone(), part.place.len());
        Ok(Self { name, len, task: part.task, loss, weight, range, values })
    }
}

fn range(columns: &[Vec<f64>]) -> [f64; 2] {
    let all = || columns.iter().flatten().copied();
    [all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max)]
}
