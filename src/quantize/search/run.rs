//! The search itself: uniform widths, then methods and corrections, then widths layer by layer, then
//! learned rounding.
//!
//! Guided, not exhaustive: what a layer does at each width is measured by itself on a few frames,
//! which orders the raises (`widths.rs`); bisecting that order finds the first recipe that meets
//! the target in a few trials on all frames.

use super::super::Step;
use super::super::effects::Bench;
use super::space::Space;
use super::widths::{Raise, Sensitivity, widths};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::quantize::step::StepProgress;
use crate::vocabulary::analysis::Effect;
use crate::vocabulary::recipe::{Method, Recipe, Rounding, WeightRange};
use crate::vocabulary::search::{Found, Target, Trial};

/// Frames on which layers are measured by themselves: the error of the logits needs few.
const QUICK_FRAMES: usize = 128;
/// Lowerings that may fail before the search is content.
const PATIENCE: usize = 8;
/// A correction must take this share of the logits' squared error away to be kept.
const WORTH_KEEPING: f64 = 0.05;

/// Where a search tells what it does.
pub struct Listener<'a, 'b> {
    pub progress: &'a mut StepProgress<'b>,
    pub tried: &'a mut dyn FnMut(&Trial),
}

/// Searches from `recipe`, whose widths are the lowest that it goes to, on `frames` frames of
/// `validation` (`None`: all). Cancelled once something was tried, it ends with the best so far.
///
/// `macs` are those of a node, by its name, for one frame.
///
/// # Errors
/// As [`quantize`](crate::quantize::quantize); a target that asks for nothing.
pub fn search(
    graph: &Graph,
    recipe: &Recipe,
    target: Target,
    [calibration, validation]: [&Dataset; 2],
    frames: Option<usize>,
    macs: &dyn Fn(&str) -> u64,
    listener: Listener<'_, '_>,
) -> Result<Found> {
    if target == Target::default() {
        return Err(Error::new("the search has no target").way_out(
            "Say how many points of top-1 may be lost, or give a budget of bytes or BOPs.",
        ));
    }
    recipe.check()?;
    let mut search = Search {
        space: Space::new(graph, recipe, calibration, macs),
        bench: Bench::new(graph, validation, frames, recipe.seed)?,
        quick: Bench::new(graph, validation, Some(QUICK_FRAMES), recipe.seed)?,
        target,
        float_top1: None,
        trials: Vec::new(),
        listener,
    };
    let stopped = match search.run(recipe) {
        Ok(()) => false,
        Err(error) if error.cancelled && !search.trials.is_empty() => true,
        Err(error) => return Err(error),
    };
    let frames = search.bench.indices.len();
    match search.best().cloned() {
        Some(best) => Ok(Found { best, trials: search.trials, frames, stopped }),
        None => Err(Error::cancelled()),
    }
}

struct Search<'a, 'b, 'c> {
    space: Space<'a>,
    bench: Bench<'a>,
    quick: Bench<'a>,
    target: Target,
    float_top1: Option<f64>,
    trials: Vec<Trial>,
    listener: Listener<'b, 'c>,
}

impl Search<'_, '_, '_> {
    fn run(&mut self, first: &Recipe) -> Result<()> {
        let progress = &mut self.listener.progress;
        let mut measuring = |done, total| progress(Step::Analyze, done, total);
        self.float_top1 = self.bench.float(&mut measuring)?.effect.top1;
        let start = Recipe { rounding: Rounding::Nearest, ..first.clone() };
        self.try_out("the recipe as it is", &start)?;
        if start.layers.is_empty() {
            for width in widths(start.weight_bits).skip(1) {
                let recipe = Recipe { weight_bits: width, ..start.clone() };
                self.try_out(&format!("all weights {width}-bit"), &recipe)?;
            }
            let wider = Recipe { weight_bits: 8, ..start.clone() };
            for width in widths(start.activation_bits).skip(1) {
                let recipe = Recipe { activation_bits: width, ..wider.clone() };
                self.try_out(&format!("all weights 8-bit, activations {width}-bit"), &recipe)?;
            }
        }
        let corrected = self.corrections(&start)?;
        let sensitivity = {
            let progress = &mut *self.listener.progress;
            Sensitivity::measure(&mut self.space, &mut self.quick, &corrected, progress)?
        };
        let raises = self.raises(&corrected, &sensitivity)?;
        self.lower(&corrected, &sensitivity)?;
        self.learned_rounding(&corrected, &raises)
    }

    /// Corrections and methods one after the other: keeps what helps. Judged where the network still
    /// answers something: at the first recipe's widths, or else at the lowest uniform one.
    fn corrections(&mut self, start: &Recipe) -> Result<Recipe> {
        let sane = |trial: &&Trial| trial.effect.agreement > 0.5;
        let by_width = |trial: &&Trial| (trial.recipe.weight_bits, trial.recipe.activation_bits);
        let judged = self.trials.iter().filter(sane).min_by_key(by_width).or(self.trials.first());
        let Some(judged) = judged.cloned() else { return Ok(start.clone()) };
        type Option = (&'static str, fn(&mut Recipe));
        let options: [Option; 6] = [
            ("ranges of weights by least error", |r| r.weight_range = WeightRange::Mse),
            ("channels equalized", |r| r.equalize = true),
            ("biases corrected", |r| r.bias_correction = true),
            ("ranges by least error", |r| r.method = Method::Mse),
            ("ranges by percentile", |r| r.method = Method::Percentile),
            ("ranges by entropy", |r| r.method = Method::Entropy),
        ];
        let mut kept = judged.recipe;
        let mut error = judged.effect.logit_mse;
        for (what, option) in options {
            let mut changed = kept.clone();
            option(&mut changed);
            let trial = self.try_out(what, &changed)?;
            if trial.effect.logit_mse < error * (1.0 - WORTH_KEEPING) {
                (kept, error) = (changed, trial.effect.logit_mse);
            }
        }
        let (weight_bits, activation_bits) = (start.weight_bits, start.activation_bits);
        Ok(Recipe { weight_bits, activation_bits, ..kept })
    }

    /// With a target for the accuracy, the first raises of the path that meet it; else the most
    /// that fit the budget. Found by bisecting.
    fn raises(&mut self, start: &Recipe, sensitivity: &Sensitivity) -> Result<Vec<Raise>> {
        let path = {
            let progress = &mut *self.listener.progress;
            let bill = self.space.bill(start, progress)?;
            sensitivity.path(start, &|recipe| bill.bops(recipe))
        };
        let (mut few, mut many) = (0, path.len());
        let unraised = self.try_out("no layer raised", start)?;
        if !self.wants_more(&unraised) {
            return Ok(Vec::new());
        }
        while many - few > 1 {
            let middle = few.midpoint(many);
            let what = format!("{middle} raises, the last {}", path[middle - 1].in_words());
            let trial = self.try_out(&what, &raised(start, &path[..middle]))?;
            if self.wants_more(&trial) { few = middle } else { many = middle }
        }
        if self.target.max_drop.is_none() {
            return Ok(path[..few].to_vec());
        }
        // With the last raise nothing would be left to quantize.
        let chosen = many.min(path.len().saturating_sub(1));
        if chosen > few && chosen < many {
            let what = format!("{chosen} raises, the last {}", path[chosen - 1].in_words());
            self.try_out(&what, &raised(start, &path[..chosen]))?;
        }
        Ok(path[..chosen].to_vec())
    }

    /// Takes bits away again from the best recipe so far, layer by layer, the ones that hurt least
    /// for what they save first, as long as the target is met.
    fn lower(&mut self, floor: &Recipe, sensitivity: &Sensitivity) -> Result<()> {
        let Some(mut present) = self.best().filter(|best| best.meets).cloned() else {
            return Ok(());
        };
        if self.target.max_drop.is_none() {
            return Ok(());
        }
        let mut refused: Vec<Raise> = Vec::new();
        while refused.len() < PATIENCE {
            let bill = self.space.bill(&present.recipe, self.listener.progress)?;
            let cost = |recipe: &Recipe| bill.bops(recipe);
            let next = sensitivity.lowering(&present.recipe, floor, &refused, &cost);
            let Some((lowered, recipe)) = next else { break };
            let what = format!("{}, lowered", lowered.in_words());
            let trial = self.try_out(&what, &recipe)?;
            if trial.meets && trial.bops <= present.bops {
                present = trial;
            } else {
                refused.push(lowered);
            }
        }
        Ok(())
    }

    /// Learned rounding in place of raises: of all, then of half of them.
    fn learned_rounding(&mut self, start: &Recipe, raises: &[Raise]) -> Result<()> {
        let keeps = match self.target.max_drop {
            Some(_) => vec![0, raises.len() / 2],
            None => vec![raises.len()],
        };
        for keep in keeps {
            let recipe = raised(start, &raises[..keep]);
            let recipe = Recipe { rounding: Rounding::Adaround, ..recipe };
            let what = format!("rounding learned, {keep} of {} raises", raises.len());
            if self.try_out(&what, &recipe)?.meets {
                break;
            }
        }
        Ok(())
    }

    /// Measures a recipe, unless that was done before.
    fn try_out(&mut self, what: &str, recipe: &Recipe) -> Result<Trial> {
        if let Some(known) = self.trials.iter().find(|trial| trial.recipe == *recipe) {
            return Ok(known.clone());
        }
        let progress = &mut *self.listener.progress;
        let (variant, cost) = self.space.quantized(recipe, progress)?;
        let mut measuring = |done, total| progress(Step::Analyze, done, total);
        let effect = self.bench.measure(None, &[variant], &mut measuring)?[0].effect;
        let drop = drop(self.float_top1, &effect);
        let mut trial = Trial {
            what: what.into(),
            recipe: recipe.clone(),
            effect,
            drop,
            bops: cost.bops,
            file_bytes: cost.file_bytes,
            meets: false,
            best: false,
        };
        trial.meets = self.target.is_met_by(&trial);
        trial.best = self.best().is_none_or(|best| self.target.prefers(&trial, best));
        (self.listener.tried)(&trial);
        self.trials.push(trial.clone());
        Ok(trial)
    }

    fn best(&self) -> Option<&Trial> {
        self.trials.iter().rev().find(|trial| trial.best)
    }

    /// Whether the next recipe to try should have more bits.
    fn wants_more(&self, trial: &Trial) -> bool {
        match self.target.max_drop {
            Some(max_drop) => trial.drop > max_drop,
            None => self.target.is_met_by(trial),
        }
    }
}

/// Points of top-1 lost, or of agreement where there are no labels.
fn drop(float_top1: Option<f64>, effect: &Effect) -> f64 {
    let lost = match (float_top1, effect.top1) {
        (Some(float), Some(own)) => float - own,
        _ => 1.0 - effect.agreement,
    };
    // Frames are counted: what is left of the subtraction's rounding goes.
    (lost * 1e8).round() / 1e6
}

fn raised(start: &Recipe, raises: &[Raise]) -> Recipe {
    let mut recipe = start.clone();
    raises.iter().for_each(|raise| raise.apply(&mut recipe));
    recipe
}

impl Target {
    fn is_met_by(&self, trial: &Trial) -> bool {
        self.max_drop.is_none_or(|most| trial.drop <= most)
            && self.max_bytes.is_none_or(|most| trial.file_bytes <= most)
            && self.max_bops.is_none_or(|most| trial.bops <= most)
    }

    /// Whether `trial` is better than `other`.
    fn prefers(&self, trial: &Trial, other: &Trial) -> bool {
        if trial.meets != other.meets {
            return trial.meets;
        }
        let by_damage = trial.effect.logit_mse.total_cmp(&other.effect.logit_mse);
        let order = match (self.max_drop, trial.meets) {
            (Some(_), true) => trial.bops.cmp(&other.bops).then(by_damage),
            (Some(_), false) => trial.drop.total_cmp(&other.drop).then(trial.bops.cmp(&other.bops)),
            (None, true) => by_damage,
            (None, false) => trial.bops.cmp(&other.bops),
        };
        order.is_lt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(drop: f64, bops: u64, target: Target) -> Trial {
        let effect = Effect { top1: None, agreement: 1.0, logit_mse: drop };
        let recipe = Recipe::default();
        let mut trial = Trial {
            what: String::new(),
            recipe,
            effect,
            drop,
            bops,
            file_bytes: bops,
            meets: false,
            best: false,
        };
        trial.meets = target.is_met_by(&trial);
        trial
    }

    #[test]
    fn the_cheapest_that_meets_the_target_is_best() {
        let target = Target { max_drop: Some(0.5), ..Target::default() };
        let [good, dear, bad] =
            [(0.5, 40), (0.1, 60), (0.6, 10)].map(|(drop, bops)| trial(drop, bops, target));
        assert!(target.prefers(&good, &dear) && target.prefers(&dear, &bad));
        assert!(!target.prefers(&bad, &good) && !target.prefers(&good, &good));
        let budget = Target { max_bops: Some(50), ..Target::default() };
        let [good, dear, bad] =
            [(0.5, 40), (0.1, 60), (0.6, 10)].map(|(drop, bops)| trial(drop, bops, budget));
        assert!(budget.prefers(&good, &bad) && budget.prefers(&bad, &dear));
    }

    #[test]
    fn half_a_point_is_half_a_point() {
        let effect = Effect { top1: Some(0.945), agreement: 0.9, logit_mse: 1.0 };
        assert_eq!(drop(Some(0.95), &effect), 0.5);
        assert_eq!(drop(None, &effect), 10.0);
    }
}
