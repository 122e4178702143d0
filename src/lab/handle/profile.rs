//! Where a network's time goes: each operator's share of whole runs.

use super::Model;
use super::evaluate::repeated_frame;
use crate::clock::Stopwatch;
use crate::data::Dataset;
use crate::error::{Context, Result};
use crate::lab::protocol::Layer;
use crate::runtime::StepTime;
use crate::vocabulary::report::StepProfile;

/// Milliseconds that a network is watched for.
const BUDGET_MS: f64 = 400.0;
/// Runs at most; and at least, however slow the network is.
const MOST_RUNS: usize = 2000;
const LEAST_RUNS: usize = 5;

impl Model {
    /// The mean time of each operator in the order in which they run, after a warm-up; `layers` are
    /// the network's. A clock coarser than an operator is made up for by the number of runs.
    ///
    /// # Errors
    /// What goes wrong inside an operator.
    pub(super) fn profile(&self, data: &Dataset, layers: &[Layer]) -> Result<Vec<StepProfile>> {
        let data = &*self.frames(data)?;
        let mut session = self.session(data)?;
        let frame = repeated_frame(&session, data);
        for _ in 0..LEAST_RUNS {
            session.run(&frame, |_, _| {}).in_file(&self.file)?;
        }
        let stopwatch = Stopwatch::start();
        let mut sums: Vec<StepTime> = Vec::new();
        let mut runs = 0;
        while runs < LEAST_RUNS || runs < MOST_RUNS && stopwatch.ms() < BUDGET_MS {
            let times = session.profile(&frame).in_file(&self.file)?;
            if sums.is_empty() {
                sums = times;
            } else {
                sums.iter_mut().zip(times).for_each(|(sum, time)| sum.ms += time.ms);
            }
            runs += 1;
        }
        let macs = |step: &StepTime| {
            // Others may run for the same node: an activation, an element-wise part.
            let multiplies = ["Conv", "Gemm", "MatMul", "tract"];
            let counts = multiplies.iter().any(|op| step.operator.contains(op));
            let layer = layers.iter().find(|layer| counts && layer.node == step.node);
            layer.and_then(|layer| layer.macs).unwrap_or(0)
        };
        let step = |step: StepTime| StepProfile {
            macs: macs(&step),
            ms: step.ms / runs as f64,
            node: step.node,
            operator: step.operator.into(),
        };
        Ok(sums.into_iter().map(step).collect())
    }
}
