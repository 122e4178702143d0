//! Steps along the gradient: SGD with momentum, and Adam.

use serde::{Deserialize, Serialize};

use super::state::{Slot, floats};
use crate::kernels::wide::wide;
use crate::vocabulary::plan::{Optimizer, Plan};

/// What an optimizer remembers, parameter by parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Moments {
    /// Adam's first moment, or SGD's velocity.
    #[serde(with = "floats")]
    first: Vec<f32>,
    /// Adam's second moment.
    #[serde(with = "floats")]
    second: Vec<f32>,
    /// Powers of Adam's two constants: `beta^steps`.
    powers: [f64; 2],
}

/// Adam's constants, as its paper proposes them.
const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-8;

impl Moments {
    pub(super) fn new(plan: &Plan, parameters: usize) -> Self {
        let second = if plan.optimizer == Optimizer::Adam { parameters } else { 0 };
        Self { first: vec![0.0; parameters], second: vec![0.0; second], powers: [1.0; 2] }
    }

    /// Moves `parameters` by one step.
    ///
    /// SGD: `v = momentum v + g + decay p; p -= rate v`. Adam: `p -= rate (m / (1 - b1^t)) /
    /// (sqrt(v / (1 - b2^t)) + epsilon)` after `p -= rate decay p`, a scale's step in units of the
    /// scale's starting value. Of weights `p reach` is moved, by the slot's reach.
    pub(super) fn step(
        &mut self,
        plan: &Plan,
        slots: &[Slot],
        rate: f64,
        gradient: &[f32],
        parameters: &mut [f32],
    ) {
        self.powers = [0, 1].map(|i| self.powers[i] * BETAS[i]);
        for slot in slots {
            let range = slot.range.clone();
            let decay = if slot.decays { plan.weight_decay } else { 0.0 };
            let (gradient, first) = (&gradient[range.clone()], &mut self.first[range.clone()]);
            let own = &mut parameters[range.clone()];
            match plan.optimizer {
                Optimizer::Sgd => {
                    let share = 1.0 / (slot.reach * slot.reach);
                    sgd(gradient, [rate as f32, plan.momentum, decay, share], first, own);
                }
                Optimizer::Adam => {
                    let kept = (1.0 - rate * f64::from(decay)) as f32;
                    let size = (rate / (1.0 - self.powers[0])) as f32 / slot.reach;
                    let root = (1.0 - self.powers[1]).sqrt() as f32;
                    let second = &mut self.second[range];
                    adam(gradient, [kept, size, root], &slot.units, first, second, own);
                }
            }
            for (parameter, least) in own.iter_mut().zip(&slot.least) {
                *parameter = parameter.max(*least);
            }
        }
    }
}

wide! {
    fn sgd(gradient: &[f32], factors: [f32; 4], velocity: &mut [f32], parameters: &mut [f32]) {
        let [rate, momentum, decay, share] = factors;
        for ((g, v), p) in gradient.iter().zip(velocity).zip(parameters) {
            *v = momentum * *v + (share * g + decay * *p);
            *p -= rate * *v;
        }
    }
}

wide! {
    /// `factors`: what decay leaves, the rate over the first correction, the root of the second.
    fn adam(
        gradient: &[f32],
        factors: [f32; 3],
        units: &[f32],
        first: &mut [f32],
        second: &mut [f32],
        parameters: &mut [f32],
    ) {
        let [kept, size, root] = factors;
        let [keep_first, keep_second] = BETAS.map(|beta| beta as f32);
        let [add_first, add_second] = BETAS.map(|beta| (1.0 - beta) as f32);
        let moments = first.iter_mut().zip(second);
        for (i, ((g, (m, v)), p)) in gradient.iter().zip(moments).zip(parameters).enumerate() {
            *m = keep_first * *m + add_first * g;
            *v = keep_second * *v + add_second * g * g;
            let step = size * *m / (v.sqrt() / root + EPSILON);
            let unit = if units.is_empty() { 1.0 } else { units[i] };
            *p = *p * kept - step * unit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descend(plan: &Plan, rate: f64, units: Vec<f32>) -> Vec<f32> {
        let slot =
            Slot { range: 0..2, decays: true, units, least: vec![0.25, -9.0], ..Slot::PLAIN };
        walk(plan, rate, slot, vec![1.0, 1.0], &[1.0, -0.5])
    }

    fn walk(
        plan: &Plan,
        rate: f64,
        slot: Slot,
        mut parameters: Vec<f32>,
        gradient: &[f32],
    ) -> Vec<f32> {
        let mut moments = Moments::new(plan, 2);
        for _ in 0..3 {
            moments.step(plan, std::slice::from_ref(&slot), rate, gradient, &mut parameters);
        }
        parameters
    }

    #[test]
    fn weights_of_large_numbers_train_as_their_large_kin() {
        for optimizer in [Optimizer::Adam, Optimizer::Sgd] {
            let plan = Plan { optimizer, weight_decay: 0.1, ..Plan::default() };
            let slot = |reach| Slot {
                range: 0..2,
                decays: true,
                units: Vec::new(),
                reach,
                least: Vec::new(),
            };
            let usual = walk(&plan, 0.1, slot(1.0), vec![1.0, -2.0], &[1.0, -0.5]);
            let small =
                walk(&plan, 0.1, slot(128.0), vec![1.0 / 128.0, -2.0 / 128.0], &[128.0, -64.0]);
            for (small, usual) in small.iter().zip(usual) {
                assert!((small * 128.0 - usual).abs() < 1e-5, "{optimizer:?}");
            }
        }
    }

    #[test]
    fn sgd_gathers_speed() {
        let plan = Plan { optimizer: Optimizer::Sgd, weight_decay: 0.0, ..Plan::default() };
        // Velocities of 1, 1.9 and 2.71.
        let moved = descend(&plan, 0.1, Vec::new());
        assert!((moved[0] - (1.0 - 0.561)).abs() < 1e-6 && (moved[1] - 1.2805).abs() < 1e-6);
    }

    #[test]
    fn adam_steps_do_not_know_the_size_of_a_gradient() {
        let plan = Plan { weight_decay: 0.0, ..Plan::default() };
        let moved = descend(&plan, 0.1, Vec::new());
        assert!((moved[0] - 0.7).abs() < 1e-5 && (moved[1] - 1.3).abs() < 1e-5, "{moved:?}");
        // A unit makes the step its share; the least value stops the first.
        let moved = descend(&plan, 0.1, vec![10.0, 0.5]);
        assert!(moved[0] == 0.25 && (moved[1] - 1.15).abs() < 1e-5, "{moved:?}");
        let plan = Plan { weight_decay: 0.5, ..Plan::default() };
        let moved = descend(&plan, 0.1, vec![0.0, 0.0]);
        assert!((moved[1] - 0.95f32.powi(3)).abs() < 1e-6, "{moved:?}");
    }
}
