//! When to time which variant: warm-up, then rounds in which every variant has its turn.

use crate::Result;

/// Something that times its variants.
pub(crate) trait Timed {
    /// Milliseconds per run, of so many samples of so many runs each.
    fn time(&mut self, variant: usize, runs: usize, samples: usize) -> Result<Vec<f64>>;
}

/// How carefully to measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    /// A turn lasts at least this long: its first runs find the caches filled by another variant.
    pub(crate) turn_ms: f64,
    /// Warm-up ends by then, stable or not.
    pub(crate) warm_up_ms: f64,
}

impl Effort {
    pub(crate) const FULL: Self = Self { rounds: 40, turn_ms: 50.0, warm_up_ms: 3000.0 };
    pub(crate) const QUICK: Self = Self { rounds: 7, turn_ms: 20.0, warm_up_ms: 1000.0 };
}

/// A sample lasts this many grains of the clock at least, so that a grain is at most 1 % of it.
const GRAINS_PER_SAMPLE: f64 = 100.0;
/// Two warm-up windows whose times differ by less are stable.
const STABLE: f64 = 0.03;
/// A browser compiles a second time, better, while the first code already runs: until then a slow
/// time looks stable.
const MIN_RUNS: usize = 16;

/// One variant's turns, one after the other: milliseconds per run, a sample at a time.
pub(crate) type Turns = Vec<Vec<f64>>;

/// Warms every variant up, then times them in turns (A B C, B C A, ...), so that a machine that
/// slows down or speeds up meanwhile does it to all of them. `grain_ms` is the clock's step.
pub(crate) fn interleaved(
    timed: &mut dyn Timed,
    variants: usize,
    grain_ms: f64,
    effort: &Effort,
) -> Result<Vec<Turns>> {
    let plans = (0..variants)
        .map(|variant| Ok(plan(warm_up(timed, variant, grain_ms, effort)?, grain_ms, effort)))
        .collect::<Result<Vec<_>>>()?;
    let mut turns = vec![Turns::new(); variants];
    for round in 0..effort.rounds {
        // Everyone is first as often as the others.
        for turn in 0..variants {
            let variant = (round + turn) % variants;
            let Plan { runs, samples } = plans[variant];
            turns[variant].push(timed.time(variant, runs, samples)?);
        }
    }
    Ok(turns)
}

/// How a turn is divided: runs per sample, and samples.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Plan {
    runs: usize,
    samples: usize,
}

fn plan(run_ms: f64, grain_ms: f64, effort: &Effort) -> Plan {
    // A clock of coarse grain may show no time at all for one run.
    let run_ms = run_ms.max(grain_ms / GRAINS_PER_SAMPLE);
    let runs = (GRAINS_PER_SAMPLE * grain_ms / run_ms).ceil().max(1.0);
    let samples = (effort.turn_ms / (runs * run_ms)).ceil().max(1.0);
    Plan { runs: runs as usize, samples: samples as usize }
}

/// Runs until two windows in a row take about as long. Gives the milliseconds of a run.
fn warm_up(timed: &mut dyn Timed, variant: usize, grain_ms: f64, effort: &Effort) -> Result<f64> {
    let mut run_ms = timed.time(variant, 1, 1)?[0];
    let mut spent = run_ms;
    let mut done = 1;
    loop {
        let before = run_ms;
        let Plan { runs, samples } = plan(run_ms, grain_ms, effort);
        run_ms = timed.time(variant, runs * samples, 1)?[0];
        spent += run_ms * (runs * samples) as f64;
        done += runs * samples;
        let stable = (run_ms - before).abs() <= STABLE * before.min(run_ms);
        if (stable && done >= MIN_RUNS) || spent >= effort.warm_up_ms {
            return Ok(run_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variants of known speed on a clock that only they move.
    struct Fake {
        run_ms: Vec<f64>,
        grain_ms: f64,
        now: f64,
        /// Of each variant so far.
        runs: Vec<usize>,
        /// Whose turn it was.
        turns: Vec<usize>,
    }

    impl Fake {
        fn new(run_ms: &[f64], grain_ms: f64) -> Self {
            let runs = vec![0; run_ms.len()];
            Self { run_ms: run_ms.to_vec(), grain_ms, now: 0.0, runs, turns: Vec::new() }
        }

        fn read(&self) -> f64 {
            (self.now / self.grain_ms).floor() * self.grain_ms
        }
    }

    impl Timed for Fake {
        fn time(&mut self, variant: usize, runs: usize, samples: usize) -> Result<Vec<f64>> {
            self.turns.push(variant);
            let mut times = Vec::new();
            for _ in 0..samples {
                let start = self.read();
                for _ in 0..runs {
                    // Compiled badly at first.
                    let slow = if self.runs[variant] < 10 { 20.0 } else { 1.0 };
                    self.now += slow * self.run_ms[variant];
                    self.runs[variant] += 1;
                }
                times.push((self.read() - start) / runs as f64);
            }
            Ok(times)
        }
    }

    #[test]
    fn finds_warm_times_by_any_clock() {
        for grain in [1e-4, 0.005, 0.1, 1.0] {
            let mut fake = Fake::new(&[3.0, 1.2], grain);
            let turns = interleaved(&mut fake, 2, grain, &Effort::QUICK).unwrap();
            for (turns, expected) in turns.iter().zip([3.0, 1.2]) {
                assert_eq!(turns.len(), Effort::QUICK.rounds);
                for ms in turns.iter().flatten() {
                    assert!((ms / expected - 1.0).abs() < 0.011, "grain {grain}: {ms}");
                }
            }
        }
    }

    #[test]
    fn everyone_has_a_turn_in_every_round() {
        let mut fake = Fake::new(&[1.0, 2.0, 3.0], 1e-3);
        interleaved(&mut fake, 3, 1e-3, &Effort::QUICK).unwrap();
        let measured = &fake.turns[fake.turns.len() - 3 * Effort::QUICK.rounds..];
        assert_eq!(measured[..9], [0, 1, 2, 1, 2, 0, 2, 0, 1]);
    }

    #[test]
    fn a_sample_is_a_hundred_grains_and_a_turn_as_long_as_it_should_be() {
        let effort = Effort { turn_ms: 50.0, ..Effort::FULL };
        assert_eq!(plan(1.0, 0.005, &effort), Plan { runs: 1, samples: 50 });
        assert_eq!(plan(0.2, 0.005, &effort), Plan { runs: 3, samples: 84 });
        assert_eq!(plan(0.5, 1.0, &effort), Plan { runs: 200, samples: 1 });
        assert_eq!(plan(150.0, 1.0, &effort), Plan { runs: 1, samples: 1 });
        assert_eq!(plan(0.0, 1.0, &effort).runs, 10_000);
    }
}
