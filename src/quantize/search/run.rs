//! The search itself: uniform widths, then methods and corrections, then widths layer by layer, then
//! learned rounding.
//!
//! Guided, not exhaustive: what a layer does at each width is measured by itself on a few frames,
//! which orders the raises (`widths.rs`); bisecting that order finds the first recipe that meets
//! the target in a few trials on all frames.

use super::super::Step;
use super::super::effects::Bench;
use super::road::{Drives, Road};
use super::space::Space;
use super::widths::{Raise, Sensitivity, widths};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::progress::unwatched;
use crate::quantize::step::StepProgress;
use crate::random;
use crate::statistics::blocks::Mean;
use crate::vocabulary::analysis::Damage;
use crate::vocabulary::driving::{Kept, RoadSearch};
use crate::vocabulary::recipe::{Method, Recipe, Rounding, WeightRange};
use crate::vocabulary::search::{Found, Heldout, Target, Trial};
use crate::vocabulary::task::Judging;

/// Frames on which layers are measured by themselves: the error of the logits needs few.
const QUICK_FRAMES: usize = 128;
/// Lowerings that may fail before the search is content.
const PATIENCE: usize = 8;
/// A correction must take this share of the logits' squared error away to be kept.
const WORTH_KEEPING: f64 = 0.05;

/// Where a search tells what it does.
pub struct Listener<'a, 'b> {
    /// Hears which step is how far.
    pub progress: &'a mut StepProgress<'b>,
    /// Hears of every trial as it ends.
    pub tried: &'a mut dyn FnMut(&Trial),
}

/// Stretches that frames in an order are cut into.
const STRETCHES: usize = 20;

/// Searches from `recipe`, whose widths are the lowest that it goes to, on `frames` frames of a seeded
/// half of `validation` (`None`: all of it); what it finds is measured on the other half, too. Cancelled
/// once something was tried, it ends with the best so far. Where a return is wanted, networks drive `road`.
///
/// `macs` are those of a node, by its name, for one frame.
///
/// # Errors
/// As [`quantize`](crate::quantize::quantize); a target that asks for nothing.
pub async fn search<R: Road>(
    graph: &Graph,
    recipe: &Recipe,
    target: Target,
    ([calibration, validation], judging, frames): ([&Dataset; 2], &Judging, Option<usize>),
    macs: &dyn Fn(&str) -> u64,
    (how, road): (&RoadSearch, &mut R),
    listener: Listener<'_, '_>,
) -> Result<Found> {
    if target == Target::default() {
        return Err(Error::new("the search has no target").way_out(
            "Say how many points of top-1 may be lost, by how many per cent errors may rise, what share of \
             the return is to be kept, or give a budget of bytes or BOPs.",
        ));
    }
    recipe.check()?;
    let [seen, unseen] = halves(validation, recipe.seed);
    let some = |count: usize| {
        let chosen = random::choose(seen.len(), count, recipe.seed);
        chosen.into_iter().map(|i| seen[i]).collect::<Vec<_>>()
    };
    let on = (validation, judging);
    let mut search = Search {
        space: Space::new(graph, recipe, calibration, macs),
        bench: Bench::new(graph, on, some(frames.unwrap_or(usize::MAX)))?,
        quick: Bench::new(graph, on, some(QUICK_FRAMES))?,
        target,
        drives: target.min_return.map(|share| Drives::new(road, graph, share, how)).transpose()?,
        trials: Vec::new(),
        listener,
    };
    let stopped = match search.run(recipe).await {
        Ok(()) => false,
        Err(error) if error.is_cancelled() && !search.trials.is_empty() => true,
        Err(error) => return Err(error),
    };
    let frames = search.bench.indices.len();
    let Some(best) = search.best().cloned() else { return Err(Error::cancelled()) };
    let heldout = match unseen.is_empty() {
        true => None,
        false => Some(search.held_out(&best, Bench::new(graph, on, unseen)?, stopped).await?),
    };
    Ok(Found { best, trials: search.trials, frames, heldout, stopped })
}

/// A seeded half of the frames to search on, and the other. Frames in an order are halved in stretches:
/// neighbours are too much alike to tell anything new.
pub fn halves(data: &Dataset, seed: u64) -> [Vec<usize>; 2] {
    let count = data.len();
    let stretches = if data.is_ordered() { STRETCHES.min(count) } else { count };
    let chosen = random::choose(stretches, stretches.div_ceil(2), seed);
    let is_chosen = |i: &usize| chosen.binary_search(&(i * stretches / count)).is_ok();
    let (seen, unseen) = (0..count).partition(is_chosen);
    [seen, unseen]
}

struct Search<'a, 'b, 'c, R> {
    space: Space<'a>,
    bench: Bench<'a>,
    quick: Bench<'a>,
    target: Target,
    /// Where a return is wanted.
    drives: Option<Drives<'a, R>>,
    trials: Vec<Trial>,
    listener: Listener<'b, 'c>,
}

impl<R: Road> Search<'_, '_, '_, R> {
    async fn run(&mut self, first: &Recipe) -> Result<()> {
        let progress = &mut self.listener.progress;
        let mut measuring = |done, total| progress(Step::Analyze, done, total);
        self.target.check(&self.bench.float(&mut measuring)?.effect)?;
        let start = Recipe { rounding: Rounding::Nearest, ..first.clone() };
        self.try_out("the recipe as it is", &start).await?;
        if start.layers.is_empty() {
            for width in widths(start.weight_bits).skip(1) {
                let recipe = Recipe { weight_bits: width, ..start.clone() };
                self.try_out(&format!("all weights {width}-bit"), &recipe).await?;
            }
            let wider = Recipe { weight_bits: 8, ..start.clone() };
            for width in widths(start.activation_bits).skip(1) {
                let recipe = Recipe { activation_bits: width, ..wider.clone() };
                let what = format!("all weights 8-bit, activations {width}-bit");
                self.try_out(&what, &recipe).await?;
            }
        }
        let corrected = self.corrections(&start).await?;
        let sensitivity = {
            let progress = &mut *self.listener.progress;
            Sensitivity::measure(&mut self.space, &mut self.quick, &corrected, progress)?
        };
        let raises = self.raises(&corrected, &sensitivity).await?;
        self.lower(&corrected, &sensitivity).await?;
        self.learned_rounding(&corrected, &raises).await
    }

    /// Corrections and methods one after the other: keeps what helps. Judged where the network still
    /// answers something: at the first recipe's widths, or else at the lowest uniform one.
    async fn corrections(&mut self, start: &Recipe) -> Result<Recipe> {
        let sane = |trial: &&Trial| match (trial.effect.agreement, trial.rise) {
            (Some(agreement), _) => agreement > 0.5,
            (None, rise) => rise.is_none_or(|rise| rise < 100.0),
        };
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
            let trial = self.try_out(what, &changed).await?;
            if trial.effect.logit_mse < error * (1.0 - WORTH_KEEPING) {
                (kept, error) = (changed, trial.effect.logit_mse);
            }
        }
        let (weight_bits, activation_bits) = (start.weight_bits, start.activation_bits);
        Ok(Recipe { weight_bits, activation_bits, ..kept })
    }

    /// With a target for the accuracy, the first raises of the path that meet it; else the most
    /// that fit the budget. Found by bisecting.
    async fn raises(&mut self, start: &Recipe, sensitivity: &Sensitivity) -> Result<Vec<Raise>> {
        let path = {
            let progress = &mut *self.listener.progress;
            let bill = self.space.bill(start, progress)?;
            sensitivity.path(start, &|recipe| bill.bops(recipe))
        };
        let (mut few, mut many) = (0, path.len());
        let unraised = self.try_out("no layer raised", start).await?;
        if !self.wants_more(&unraised) {
            return Ok(Vec::new());
        }
        while many - few > 1 {
            let middle = few.midpoint(many);
            let what = format!("{middle} raises, the last {}", path[middle - 1].in_words());
            let trial = self.try_out(&what, &raised(start, &path[..middle])).await?;
            if self.wants_more(&trial) { few = middle } else { many = middle }
        }
        if !self.target.limits_loss() {
            return Ok(path[..few].to_vec());
        }
        // With the last raise nothing would be left to quantize.
        let chosen = many.min(path.len().saturating_sub(1));
        if chosen > few && chosen < many {
            let what = format!("{chosen} raises, the last {}", path[chosen - 1].in_words());
            self.try_out(&what, &raised(start, &path[..chosen])).await?;
        }
        Ok(path[..chosen].to_vec())
    }

    /// Takes bits away again from the best recipe so far, layer by layer, the ones that hurt least
    /// for what they save first, as long as the target is met.
    async fn lower(&mut self, floor: &Recipe, sensitivity: &Sensitivity) -> Result<()> {
        let Some(mut present) = self.best().filter(|best| best.meets).cloned() else {
            return Ok(());
        };
        if !self.target.limits_loss() {
            return Ok(());
        }
        let mut refused: Vec<Raise> = Vec::new();
        while refused.len() < PATIENCE {
            let bill = self.space.bill(&present.recipe, self.listener.progress)?;
            let cost = |recipe: &Recipe| bill.bops(recipe);
            let next = sensitivity.lowering(&present.recipe, floor, &refused, &cost);
            let Some((lowered, recipe)) = next else { break };
            let what = format!("{}, lowered", lowered.in_words());
            let trial = self.try_out(&what, &recipe).await?;
            if trial.meets && trial.bops <= present.bops {
                present = trial;
            } else {
                refused.push(lowered);
            }
        }
        Ok(())
    }

    /// Learned rounding in place of raises: of all, then of half of them.
    async fn learned_rounding(&mut self, start: &Recipe, raises: &[Raise]) -> Result<()> {
        let keeps = match self.target.limits_loss() {
            true => vec![0, raises.len() / 2],
            false => vec![raises.len()],
        };
        for keep in keeps {
            let recipe = raised(start, &raises[..keep]);
            let recipe = Recipe { rounding: Rounding::Adaround, ..recipe };
            let what = format!("rounding learned, {keep} of {} raises", raises.len());
            if self.try_out(&what, &recipe).await?.meets {
                break;
            }
        }
        Ok(())
    }

    /// Measures a recipe, unless that was done before.
    async fn try_out(&mut self, what: &str, recipe: &Recipe) -> Result<Trial> {
        if let Some(known) = self.trials.iter().find(|trial| trial.recipe == *recipe) {
            return Ok(known.clone());
        }
        let progress = &mut *self.listener.progress;
        let (variant, cost) = self.space.quantized(recipe, progress)?;
        let mut measuring = |done, total| progress(Step::Analyze, done, total);
        let variants = [variant];
        let measured = self.bench.measure(None, &variants, &mut measuring)?.swap_remove(0);
        let driving = match &mut self.drives {
            Some(drives) => Some(drives.trial(&variants[0].graph, progress).await?),
            None => None,
        };
        let in_order = self.bench.in_order();
        let [drop, rise] =
            [measured.tally.drop(in_order), measured.tally.rise(in_order)].map(figure);
        let mut trial = Trial {
            what: what.into(),
            recipe: recipe.clone(),
            effect: measured.effect,
            drop,
            rise,
            driving,
            bops: cost.bops,
            file_bytes: cost.file_bytes,
            meets: false,
            best: false,
        };
        trial.meets = self.target.is_met_by(&trial);
        trial.best = self.best().is_none_or(|best| self.target.prefers(&trial, best));
        if let (true, true, Some(drives)) = (trial.meets, trial.best, &mut self.drives) {
            let progress = &mut *self.listener.progress;
            trial.driving = Some(drives.confirmed(&variants[0].graph, progress).await?);
            trial.meets = self.target.is_met_by(&trial);
            trial.best = self.best().is_none_or(|best| self.target.prefers(&trial, best));
        }
        (self.listener.tried)(&trial);
        self.trials.push(trial.clone());
        Ok(trial)
    }

    fn best(&self) -> Option<&Trial> {
        self.trials.iter().rev().find(|trial| trial.best)
    }

    /// Whether the next recipe to try should have more bits.
    fn wants_more(&self, trial: &Trial) -> bool {
        match self.target.limits_loss() {
            true => !self.target.is_kept(trial.drop, trial.rise, trial.driving.as_ref()),
            false => self.target.is_met_by(trial),
        }
    }

    /// Measures the best recipe on frames that chose nothing; whoever stopped the search hears it, too, but for the tracks, which
    /// take long.
    async fn held_out(
        &mut self,
        best: &Trial,
        mut bench: Bench<'_>,
        stopped: bool,
    ) -> Result<Heldout> {
        let (variant, _) = self.space.quantized(&best.recipe, &mut |_, _, _| Ok(()))?;
        let variants = [variant];
        let measured = bench.measure(None, &variants, &mut unwatched)?.swap_remove(0);
        let driving = match &mut self.drives {
            Some(drives) if !stopped => {
                match drives.unseen(&variants[0].graph, self.listener.progress).await {
                    // What was found stays found.
                    Err(error) if error.is_cancelled() => None,
                    kept => kept?,
                }
            }
            _ => None,
        };
        let in_order = bench.in_order();
        let (drop, rise) = (measured.tally.drop(in_order), measured.tally.rise(in_order));
        let answers = Target { min_return: None, ..self.target };
        let holds = answers.is_kept(figure(drop), figure(rise), None);
        Ok(Heldout {
            frames: bench.indices.len(),
            effect: measured.effect,
            drop: figure(drop),
            drop_ci95: drop.map(|drop| drop.ci95),
            rise: figure(rise),
            rise_ci95: rise.map(|rise| rise.ci95),
            return_is_kept: driving.as_ref().map(Kept::verdict),
            driving,
            holds: answers.limits_loss().then_some(holds),
        })
    }
}

/// Frames are counted: what is left of rounding goes.
fn figure(mean: Option<Mean>) -> Option<f64> {
    mean.map(|mean| (mean.mean * 1e6).round() / 1e6)
}

fn raised(start: &Recipe, raises: &[Raise]) -> Recipe {
    let mut recipe = start.clone();
    raises.iter().for_each(|raise| raise.apply(&mut recipe));
    recipe
}

impl Target {
    /// Checks that what may be lost is something that this network has.
    fn check(&self, float: &Damage) -> Result<()> {
        if self.max_drop.is_some() && float.agreement.is_none() {
            return Err(Error::new("its outputs are no classes, of which points could be lost")
                .way_out("For values say by how many per cent the error may rise: --max-rise 2."));
        }
        if self.max_rise.is_some() && float.mae.is_none_or(|mae| mae <= 0.0) {
            return Err(Error::new("there are no values with labels whose error could rise").way_out(
                "Give labels, say what the outputs are with --task values, or give a budget of bytes or \
                 BOPs.",
            ));
        }
        Ok(())
    }

    /// Whether it says what may be lost.
    fn limits_loss(&self) -> bool {
        self.max_drop.is_some() || self.max_rise.is_some() || self.min_return.is_some()
    }

    /// Whether no more is lost than may be.
    fn is_kept(&self, drop: Option<f64>, rise: Option<f64>, driving: Option<&Kept>) -> bool {
        let within = |most: Option<f64>, lost: Option<f64>| {
            most.is_none_or(|most| lost.is_some_and(|lost| lost <= most))
        };
        let drives = self.min_return.is_none() || driving.is_some_and(|kept| kept.margin >= 0.0);
        within(self.max_drop, drop) && within(self.max_rise, rise) && drives
    }

    /// How much more a trial lost than may be lost, in points or per cent, the worst of all.
    fn loss(&self, trial: &Trial) -> f64 {
        let part = |most: Option<f64>, lost: Option<f64>| {
            most.zip(lost).map_or(f64::NEG_INFINITY, |(most, lost)| lost - most)
        };
        let of_return = |share: f64| Some(100.0 * (share - trial.driving.as_ref()?.share));
        let of_return = self.min_return.and_then(of_return).unwrap_or(f64::NEG_INFINITY);
        part(self.max_drop, trial.drop).max(part(self.max_rise, trial.rise)).max(of_return)
    }

    fn is_met_by(&self, trial: &Trial) -> bool {
        self.is_kept(trial.drop, trial.rise, trial.driving.as_ref())
            && self.max_bytes.is_none_or(|most| trial.file_bytes <= most)
            && self.max_bops.is_none_or(|most| trial.bops <= most)
    }

    /// Whether `trial` is better than `other`.
    fn prefers(&self, trial: &Trial, other: &Trial) -> bool {
        if trial.meets != other.meets {
            return trial.meets;
        }
        let by_damage = trial.effect.logit_mse.total_cmp(&other.effect.logit_mse);
        let by_cost = trial.bops.cmp(&other.bops);
        let order = match (self.limits_loss(), trial.meets) {
            (true, true) => by_cost.then(by_damage),
            (true, false) => self.loss(trial).total_cmp(&self.loss(other)).then(by_cost),
            (false, true) => by_damage,
            (false, false) => by_cost,
        };
        order.is_lt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::tally::Tally;

    fn trial(drop: f64, bops: u64, target: Target) -> Trial {
        let effect = Damage { logit_mse: drop, ..Tally::default().effect() };
        let recipe = Recipe::default();
        let mut trial = Trial {
            what: String::new(),
            recipe,
            effect,
            drop: Some(drop),
            rise: None,
            driving: None,
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
    fn a_rise_is_no_drop() {
        let target = Target { max_rise: Some(2.0), ..Target::default() };
        let mut one = trial(0.0, 40, target);
        assert!(!one.meets);
        one.rise = Some(2.0);
        assert!(target.is_met_by(&one));
        let effect = Tally::default().effect();
        assert!(target.check(&effect).unwrap_err().what.contains("no values"));
        let drops = Target { max_drop: Some(0.5), ..Target::default() };
        assert!(drops.check(&effect).unwrap_err().to_string().contains("--max-rise"));
    }

    #[test]
    fn halves_are_of_other_frames_and_neighbours_stay_together() {
        let ordered = Dataset::from_floats(vec![1], vec![0.0; 1000], None);
        let [seen, unseen] = halves(&ordered, 0);
        assert_eq!((seen.len(), unseen.len()), (500, 500));
        assert!(seen.iter().all(|i| unseen.binary_search(i).is_err()));
        let breaks = seen.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
        assert!(breaks <= 10, "{breaks}");
        assert_ne!(halves(&ordered, 1)[0], seen);
        let single = Dataset::from_floats(vec![1], vec![0.0], None);
        assert_eq!(halves(&single, 0), [vec![0], vec![]]);
    }
}
