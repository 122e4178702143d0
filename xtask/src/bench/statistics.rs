//! Medians, quantiles and how sure they are.

/// Of the bootstrap: enough for two digits of an interval's ends.
const RESAMPLES: usize = 2000;

/// A ratio over many rounds: its median and the median's 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) ci95: [f64; 2],
}

/// Of the quotients `theirs[i] / ours[i]`, each of one round. Both as long, and not empty.
pub(crate) fn paired_ratio(theirs: &[f64], ours: &[f64]) -> Ratio {
    assert_eq!(theirs.len(), ours.len(), "a round has both");
    let quotients: Vec<f64> = theirs.iter().zip(ours).map(|(a, b)| a / b).collect();
    Ratio { median: median(&quotients), ci95: bootstrap(&quotients) }
}

/// The 95 % percentile-bootstrap interval of the median. Seeded: the same values give the same
/// interval.
fn bootstrap(values: &[f64]) -> [f64; 2] {
    let mut random = SplitMix64(0);
    let mut drawn = vec![0.0; values.len()];
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            drawn.fill_with(|| values[random.below(values.len())]);
            median(&drawn)
        })
        .collect();
    medians.sort_unstable_by(f64::total_cmp);
    [quantile(&medians, 0.025), quantile(&medians, 0.975)]
}

/// The middle value, or the mean of the middle two. Not of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// Of sorted values, with linear interpolation between neighbours (numpy's default).
pub(crate) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let (lower, upper) = (position.floor() as usize, position.ceil() as usize);
    sorted[lower] + (sorted[upper] - sorted[lower]) * position.fract()
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quantiles_are_numpys() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&[5.0, 1.0, 3.0]), 3.0);
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.9), 3.7);
        assert_eq!(quantile(&[7.0], 0.9), 7.0);
    }

    #[test]
    fn a_ratio_is_taken_within_rounds() {
        // The machine grows ten times as slow; within a round theirs is always twice ours.
        let ours = [1.0, 2.0, 5.0, 10.0];
        let theirs = ours.map(|ms| 2.0 * ms);
        assert_eq!(paired_ratio(&theirs, &ours), Ratio { median: 2.0, ci95: [2.0, 2.0] });
        // The median of the quotients 3, 1 and 2, not the quotient of the medians (4 / 2).
        let ratio = paired_ratio(&[3.0, 4.0, 8.0], &[1.0, 4.0, 4.0]);
        assert_eq!(ratio.median, 2.0);
        assert_eq!(ratio.ci95, [1.0, 3.0]);
    }

    /// Of 300 seeded experiments about 95 % of the intervals hold the true median.
    #[test]
    fn the_interval_covers_the_median_as_often_as_it_says() {
        let mut random = SplitMix64(7);
        let mut covered = 0;
        for _ in 0..300 {
            let values: Vec<f64> = (0..40).map(|_| random.below(1000) as f64).collect();
            let [low, high] = bootstrap(&values);
            covered += usize::from((low..=high).contains(&499.5));
        }
        // Standard deviation about 3.8.
        assert!((270..=297).contains(&covered), "{covered}");
    }
}
