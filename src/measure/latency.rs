//! Time per inference, of several variants side by side.
//!
//! The variants take turns in short blocks (A B, B A, …), so that a machine that slows down or
//! speeds up meanwhile does it to all of them; ratios are taken within a turn.

use crate::clock::{self, Stopwatch};
use crate::error::Result;
use crate::progress::Progress;
use crate::statistics::{bootstrap, median, paired_ratio, quantile};
use crate::vocabulary::report::{Latency, Speedup};

/// How long and how carefully to measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Milliseconds of timed runs per variant, warm-up not counted. Slow variants take longer:
    /// there are at least [`MIN_ROUNDS`] turns.
    pub budget_ms: f64,
    /// Of the bootstrap.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { budget_ms: 2000.0, seed: 0 }
    }
}

/// Turns that every variant gets, however slow it is.
pub const MIN_ROUNDS: usize = 7;

/// A sample lasts this many grains of the clock at least, so that a grain is at most 1 % of it.
const GRAINS_PER_SAMPLE: f64 = 100.0;
/// More samples than this per variant tell nothing new and make the bootstrap slow.
const MAX_SAMPLES: f64 = 4000.0;
/// A turn lasts at least this long: its first run finds the caches filled by another variant.
const BLOCK_MS: f64 = 20.0;
/// Two warm-up windows whose times differ by less are stable.
const STABLE: f64 = 0.05;
/// The share of the budget that warm-up may take at most.
const WARM_UP_SHARE: f64 = 0.25;

/// What was measured about one variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// Figures of one frame.
    pub latency: Latency,
    /// The first variant's time over this one's; `None` for the first.
    pub speedup: Option<Speedup>,
}

/// Hears the milliseconds per run of one variant's turn.
pub type Hear<'a> = dyn FnMut(usize, &[f64]) + 'a;

/// Times the variants, each of which runs one inference per call. Progress counts milliseconds; `hear` is
/// told every turn between two others.
///
/// # Errors
/// The first error of a variant or of `progress`.
pub fn measure(
    variants: &mut [&mut dyn FnMut() -> Result<()>],
    options: &Options,
    progress: &mut Progress,
    hear: &mut Hear,
) -> Result<Vec<Timing>> {
    let stopwatch = Stopwatch::start();
    let clock = Clock { now: &|| stopwatch.ms(), grain: clock::grain_ms() };
    measure_by(&clock, variants, options, (progress, hear))
}

/// A source of milliseconds and the smallest step it makes.
struct Clock<'a> {
    now: &'a dyn Fn() -> f64,
    grain: f64,
}

/// Milliseconds per run, a sample at a time, of one turn.
type Block = Vec<f64>;

/// How a variant's turn is divided.
struct Plan {
    runs_per_sample: usize,
    samples_per_block: usize,
}

fn measure_by(
    clock: &Clock,
    variants: &mut [&mut dyn FnMut() -> Result<()>],
    options: &Options,
    (progress, hear): (&mut Progress, &mut Hear),
) -> Result<Vec<Timing>> {
    let budget = options.budget_ms * variants.len() as f64;
    let mut tell = |ms: f64| progress(ms.min(budget) as usize, budget as usize);
    tell(0.0)?;
    let mut plans = Vec::with_capacity(variants.len());
    for variant in variants.iter_mut() {
        let run_ms = warm_up(clock, variant, options.budget_ms * WARM_UP_SHARE)?;
        plans.push(plan(run_ms, clock.grain, options.budget_ms));
    }

    let mut blocks: Vec<Vec<Block>> = vec![Vec::new(); variants.len()];
    let start = (clock.now)();
    for round in 0.. {
        let elapsed = (clock.now)() - start;
        if round >= MIN_ROUNDS && elapsed >= budget {
            break;
        }
        // Everyone is first as often as the others.
        for turn in 0..variants.len() {
            let variant = (round + turn) % variants.len();
            tell((clock.now)() - start)?;
            let block = run_block(clock, variants[variant], &plans[variant])?;
            hear(variant, &block);
            blocks[variant].push(block);
        }
    }
    tell(budget)?;

    let timing = |(variant, own): (usize, &Vec<Block>)| Timing {
        latency: latency(own, plans[variant].runs_per_sample, options.seed),
        speedup: (variant > 0).then(|| speedup(&blocks[0], own, options.seed)),
    };
    Ok(blocks.iter().enumerate().map(timing).collect())
}

/// Runs until two windows in a row take about as long, or `limit` milliseconds have passed. Gives
/// the milliseconds of a run.
fn warm_up(clock: &Clock, run: &mut dyn FnMut() -> Result<()>, limit: f64) -> Result<f64> {
    let window = BLOCK_MS.max(GRAINS_PER_SAMPLE / 2.0 * clock.grain);
    let start = (clock.now)();
    let mut before = f64::INFINITY;
    loop {
        let begin = (clock.now)();
        let mut runs = 0.0;
        let run_ms = loop {
            run()?;
            runs += 1.0;
            let elapsed = (clock.now)() - begin;
            if elapsed >= window {
                break elapsed / runs;
            }
        };
        let stable = (run_ms - before).abs() <= STABLE * before.min(run_ms);
        if stable || (clock.now)() - start >= limit {
            return Ok(run_ms);
        }
        before = run_ms;
    }
}

fn plan(run_ms: f64, grain: f64, budget_ms: f64) -> Plan {
    let sample_ms = (GRAINS_PER_SAMPLE * grain).max(budget_ms / MAX_SAMPLES);
    let runs_per_sample = (sample_ms / run_ms).ceil().max(1.0);
    let samples_per_block = (BLOCK_MS / (runs_per_sample * run_ms)).ceil().max(1.0);
    Plan {
        runs_per_sample: runs_per_sample as usize,
        samples_per_block: samples_per_block as usize,
    }
}

fn run_block(clock: &Clock, run: &mut dyn FnMut() -> Result<()>, plan: &Plan) -> Result<Block> {
    let mut samples = Vec::with_capacity(plan.samples_per_block);
    for _ in 0..plan.samples_per_block {
        let begin = (clock.now)();
        for _ in 0..plan.runs_per_sample {
            run()?;
        }
        samples.push(((clock.now)() - begin) / plan.runs_per_sample as f64);
    }
    Ok(samples)
}

fn latency(blocks: &[Block], runs_per_sample: usize, seed: u64) -> Latency {
    let mut samples = blocks.concat();
    samples.sort_unstable_by(f64::total_cmp);
    Latency {
        p50: quantile(&samples, 0.5),
        p90: quantile(&samples, 0.9),
        mean: samples.iter().sum::<f64>() / samples.len() as f64,
        runs: samples.len() * runs_per_sample,
        ci95: bootstrap(blocks, seed),
    }
}

/// From the ratio of the medians of each round's two blocks; beside it stand the medians of all samples.
fn speedup(reference: &[Block], own: &[Block], seed: u64) -> Speedup {
    let medians = |blocks: &[Block]| -> Vec<f64> {
        blocks.iter().map(|block| median(&mut block.clone())).collect()
    };
    let of_all = |blocks: &[Block]| median(&mut blocks.concat());
    paired_ratio(&medians(reference), &medians(own), seed).reaching(of_all(reference) / of_all(own))
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::error::Error;
    use crate::progress::unwatched;
    use crate::random::SplitMix64;

    /// A clock that only the variants move, and that shows whole grains.
    struct Fake {
        ms: Cell<f64>,
        grain: f64,
    }

    impl Fake {
        fn new(grain: f64) -> Self {
            Self { ms: Cell::new(0.0), grain }
        }

        fn now(&self) -> f64 {
            (self.ms.get() / self.grain).floor() * self.grain
        }

        fn spend(&self, ms: f64) {
            self.ms.set(self.ms.get() + ms);
        }

        fn measure(
            &self,
            variants: &mut [&mut dyn FnMut() -> Result<()>],
            progress: &mut Progress,
        ) -> Result<Vec<Timing>> {
            let clock = Clock { now: &|| self.now(), grain: self.grain };
            let mut heard = vec![0; variants.len()];
            let mut hear = |variant: usize, block: &[f64]| heard[variant] += block.len();
            let timings = measure_by(&clock, variants, &Options::default(), (progress, &mut hear))?;
            for (timing, samples) in timings.iter().zip(heard) {
                assert_eq!(timing.latency.runs % samples, 0, "every sample was told");
            }
            Ok(timings)
        }
    }

    #[test]
    fn finds_the_times_and_their_ratio_with_any_clock() {
        for grain in [1e-4, 0.1, 1.0] {
            let fake = Fake::new(grain);
            let mut random = SplitMix64::new(5);
            let noise = RefCell::new(move || random.below(1000) as f64 / 1000.0);
            let mut spend = |ms: f64| {
                fake.spend(ms * (0.95 + 0.1 * noise.borrow_mut()()));
                Ok(())
            };
            let spend = RefCell::new(&mut spend);
            let mut float = || (spend.borrow_mut())(3.0);
            let mut int8 = || (spend.borrow_mut())(1.2);
            let timings = fake.measure(&mut [&mut float, &mut int8], &mut unwatched).unwrap();

            for (timing, expected) in timings.iter().zip([3.0, 1.2]) {
                let Latency { p50, p90, mean, ci95, .. } = timing.latency;
                assert!((p50 / expected - 1.0).abs() < 0.02, "{grain}: {timing:?}");
                assert!((mean / expected - 1.0).abs() < 0.02, "{grain}: {timing:?}");
                assert!(p90 >= p50 && p90 < 1.06 * expected, "{grain}: {timing:?}");
                assert!(ci95[0] <= p50 && p50 <= ci95[1], "{grain}: {timing:?}");
                assert!(ci95[1] - ci95[0] < 0.03 * expected, "{grain}: {timing:?}");
            }
            assert_eq!(timings[0].speedup, None);
            let speedup = timings[1].speedup.clone().unwrap();
            assert!((speedup.median - 2.5).abs() < 0.05, "{grain}: {speedup:?}");
            assert!(speedup.is_significant());
        }
    }

    #[test]
    fn a_machine_that_slows_down_does_not_change_the_ratio() {
        let fake = Fake::new(1e-4);
        // Twice as slow every second.
        let pace = || libm::exp2(fake.ms.get() / 1000.0);
        let mut a = || {
            fake.spend(1.0 * pace());
            Ok(())
        };
        let mut b = || {
            fake.spend(1.0 * pace());
            Ok(())
        };
        let timings = fake.measure(&mut [&mut a, &mut b], &mut unwatched).unwrap();
        let speedup = timings[1].speedup.clone().unwrap();
        assert!((speedup.median - 1.0).abs() < 0.02, "{speedup:?}");
        assert!(!speedup.is_significant(), "{speedup:?}");
    }

    #[test]
    fn takes_turns_and_keeps_the_budget() {
        let fake = Fake::new(1e-4);
        let turns = RefCell::new(Vec::new());
        let run = |name: char| {
            fake.spend(10.0);
            let mut turns = turns.borrow_mut();
            if turns.last() != Some(&name) {
                turns.push(name);
            }
            Ok(())
        };
        let (mut a, mut b, mut c) = (|| run('a'), || run('b'), || run('c'));
        let timings = fake.measure(&mut [&mut a, &mut b, &mut c], &mut unwatched).unwrap();
        let turns: String = turns.borrow().iter().collect();
        // Warm-up, then abc, bca, cab.
        assert!(turns.starts_with("abcabcbcacab"), "{turns}");
        assert!((6000.0..7500.0).contains(&fake.ms.get()), "{}", fake.ms.get());
        for timing in timings {
            assert!((190..=210).contains(&timing.latency.runs), "{timing:?}");
        }
    }

    #[test]
    fn slow_variants_get_their_turns_and_fast_ones_few_samples() {
        let fake = Fake::new(1.0);
        let mut slow = || {
            fake.spend(5000.0);
            Ok(())
        };
        let timings = fake.measure(&mut [&mut slow], &mut unwatched).unwrap();
        assert_eq!((timings[0].latency.runs, timings[0].latency.p50), (MIN_ROUNDS, 5000.0));

        let plan = plan(1e-3, 1e-5, 2000.0);
        assert!(plan.runs_per_sample >= 500, "{}", plan.runs_per_sample);
        let plan = super::plan(0.3, 1.0, 2000.0);
        assert_eq!((plan.runs_per_sample, plan.samples_per_block), (334, 1));
    }

    #[test]
    fn an_error_or_cancelling_ends_it() {
        let fake = Fake::new(1e-3);
        let mut broken = || Err(Error::new("broken"));
        let error = fake.measure(&mut [&mut broken], &mut unwatched).unwrap_err();
        assert_eq!(error.what, "broken");

        let mut fine = || {
            fake.spend(1.0);
            Ok(())
        };
        let mut stop_halfway =
            |done, total| if 2 * done > total { Err(Error::cancelled()) } else { Ok(()) };
        let error = fake.measure(&mut [&mut fine], &mut stop_halfway).unwrap_err();
        assert!(error.is_cancelled());
        assert!(fake.ms.get() < 1300.0, "{}", fake.ms.get());
    }

    #[test]
    fn the_real_clock_tells_long_from_short() {
        let spin = |ms: f64| {
            let stopwatch = Stopwatch::start();
            while stopwatch.ms() < ms {}
            Ok(())
        };
        let (mut long, mut short) = (|| spin(0.6), || spin(0.2));
        let options = Options { budget_ms: 150.0, seed: 0 };
        let timings =
            measure(&mut [&mut long, &mut short], &options, &mut unwatched, &mut |_, _| ())
                .unwrap();
        // Other programs may disturb it; the order they cannot change.
        assert!(timings[0].latency.p50 >= 0.6 && timings[1].latency.p50 >= 0.2);
        assert!(timings[1].speedup.as_ref().unwrap().median > 1.5, "{timings:?}");
    }
}
