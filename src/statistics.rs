//! Medians, quantiles and how sure they are.

use crate::random::SplitMix64;
use crate::vocabulary::report::Speedup;

pub mod blocks;

/// Of the bootstrap: enough for two digits of an interval's ends.
const RESAMPLES: usize = 1000;

/// How many times as fast as `theirs` ours is, from the quotients `theirs[i] / ours[i]`, each of one
/// round.
///
/// # Panics
/// If they are not as many, or none.
pub fn paired_ratio(theirs: &[f64], ours: &[f64], seed: u64) -> Speedup {
    assert_eq!(theirs.len(), ours.len(), "a round has both");
    let mut quotients: Vec<f64> = theirs.iter().zip(ours).map(|(a, b)| a / b).collect();
    let blocks: Vec<Vec<f64>> = quotients.iter().map(|&quotient| vec![quotient]).collect();
    Speedup { median: median(&mut quotients), ci95: bootstrap(&blocks, seed) }
}

/// The 95 % percentile-bootstrap interval of the samples' median. Whole blocks are drawn: what
/// disturbs a sample disturbs its neighbours, too. The same blocks and seed give the same interval.
pub fn bootstrap(blocks: &[Vec<f64>], seed: u64) -> [f64; 2] {
    let mut random = SplitMix64::new(seed);
    let mut drawn = Vec::new();
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            drawn.clear();
            for _ in blocks {
                drawn.extend_from_slice(&blocks[random.below(blocks.len())]);
            }
            median(&mut drawn)
        })
        .collect();
    medians.sort_unstable_by(f64::total_cmp);
    [quantile(&medians, 0.025), quantile(&medians, 0.975)]
}

/// The middle value, or the mean of the middle two; reorders. `values` is not empty.
pub fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    let odd = !values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if odd {
        return upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (lower + upper) / 2.0
}

/// Of sorted values, with linear interpolation between neighbours (numpy's default).
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let (lower, upper) = (position.floor() as usize, position.ceil() as usize);
    sorted[lower] + (sorted[upper] - sorted[lower]) * position.fract()
}

#[cfg(test)]
mod tests {
    use crate::statistics::*;

    #[test]
    fn a_ratio_is_taken_within_rounds() {
        // The machine grows ten times as slow; within a round theirs is always twice ours.
        let ours = [1.0, 2.0, 5.0, 10.0];
        let theirs = ours.map(|ms| 2.0 * ms);
        assert_eq!(paired_ratio(&theirs, &ours, 0), Speedup { median: 2.0, ci95: [2.0, 2.0] });
        // The median of the quotients 3, 1 and 2, not the quotient of the medians (4 / 2).
        let ratio = paired_ratio(&[3.0, 4.0, 8.0], &[1.0, 4.0, 4.0], 0);
        assert_eq!(ratio.median, 2.0);
        assert_eq!(ratio.ci95, [1.0, 3.0]);
    }

    #[test]
    fn medians_and_quantiles_are_numpys() {
        assert_eq!(median(&mut [3.0]), 3.0);
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&mut [5.0, 1.0, 3.0]), 3.0);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.9), 3.7);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 1.0), 4.0);
        assert_eq!(quantile(&[7.0], 0.9), 7.0);
    }

    /// Of 400 seeded experiments about 95 % of the intervals hold the true median.
    #[test]
    fn the_interval_covers_the_median_as_often_as_it_says() {
        let mut random = SplitMix64::new(11);
        let mut covered = 0;
        for seed in 0..400 {
            let blocks: Vec<Vec<f64>> = (0..60).map(|_| vec![random.below(1000) as f64]).collect();
            let [low, high] = bootstrap(&blocks, seed);
            covered += usize::from((low..=high).contains(&499.5));
        }
        // Standard deviation about 4.4.
        assert!((364..=396).contains(&covered), "{covered} of 400");
    }
}
