//! How sure the mean of a sequence is whose neighbours may resemble one another, as the frames of a
//! drive do.

use crate::random::SplitMix64;

use super::{RESAMPLES, quantile};

/// Moving averages of this many standard errors are taken for no correlation (Politis and White).
const NEGLIGIBLE: f64 = 2.0;

/// A mean, and what the values' scatter says about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    pub mean: f64,
    /// 95 % interval.
    pub ci95: [f64; 2],
    /// Two-sided p-value of "it is 0".
    pub p: f64,
}

/// The mean of `values`, which stand in the order of a drive or, without `in_order`, in no order that means
/// something, with interval and p-value from a circular moving-block bootstrap (Politis and Romano, 1992). The same values and seed give the same.
///
/// Blocks are twice as long as Politis and White (2004, corrected 2009) choose them, which the
/// simulations below ask for, and the interval is as much wider as Student's distribution is for so
/// many blocks. Values without correlation are drawn one by one. Fewer than two have no interval of
/// their own.
///
/// # Panics
/// Without values.
pub fn mean(values: &[f64], in_order: bool, seed: u64) -> Mean {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    if n < 2 {
        return Mean { mean, ci95: [mean; 2], p: 1.0 };
    }
    let block = if in_order { block_length(values, mean) } else { 1 };
    let blocks = n as f64 / block as f64;
    let wider = student(blocks - 1.0) / student(f64::INFINITY) * (blocks / (blocks - 1.0)).sqrt();
    let mut deviations = resampled(values, mean, block, seed);
    deviations.iter_mut().for_each(|deviation| *deviation *= wider);
    let beyond = deviations.iter().filter(|deviation| deviation.abs() >= mean.abs()).count();
    deviations.sort_unstable_by(f64::total_cmp);
    let ci95 = [0.025, 0.975].map(|q| mean + quantile(&deviations, q));
    Mean { mean, ci95, p: (1 + beyond) as f64 / (1 + RESAMPLES) as f64 }
}

/// How far the means of values drawn in blocks, around the end, are from `mean`.
fn resampled(values: &[f64], mean: f64, block: usize, seed: u64) -> Vec<f64> {
    let n = values.len();
    let mut sums = Vec::with_capacity(n + block + 1);
    let mut sum = 0.0;
    sums.push(sum);
    for value in values.iter().cycle().take(n + block) {
        sum += value - mean;
        sums.push(sum);
    }
    let mut random = SplitMix64::new(seed);
    let mut draw = |len: usize| {
        let from = random.below(n);
        sums[from + len] - sums[from]
    };
    let resample = |_| {
        let whole: f64 = (0..n / block).map(|_| draw(block)).sum();
        (whole + draw(n % block)) / n as f64
    };
    (0..RESAMPLES).map(resample).collect()
}

/// The length of blocks for a sequence's mean: "Automatic block-length selection for the dependent
/// bootstrap" (2004) and its correction (Patton, Politis, White, 2009), for the circular bootstrap.
fn block_length(values: &[f64], mean: f64) -> usize {
    let n = values.len();
    let covariance = |lag: usize| {
        let pairs = values.iter().zip(&values[lag..]);
        pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / n as f64
    };
    let variance = covariance(0);
    let digits = libm::log10(n as f64);
    let run = (digits.sqrt().ceil() as usize).max(5);
    let most = ((n as f64).sqrt().ceil() as usize + run).min(n - 1);
    if variance <= 0.0 {
        return 1;
    }
    let negligible = NEGLIGIBLE * (digits / n as f64).sqrt() * variance;
    let covariances: Vec<f64> = (0..=most).map(covariance).collect();
    // The last lag before a run of negligible ones.
    let is_negligible = |lags: &[f64]| lags.iter().all(|c| c.abs() < negligible);
    let lag = covariances[1..].windows(run.min(most)).position(is_negligible).unwrap_or(most);
    if lag == 0 {
        return 1;
    }
    let window = (2 * lag).min(most);
    let (mut slope, mut density) = (0.0, variance);
    for (at, covariance) in covariances.iter().enumerate().take(window + 1).skip(1) {
        let part = at as f64 / window as f64;
        let weight = if part <= 0.5 { 1.0 } else { 2.0 * (1.0 - part) };
        slope += 2.0 * weight * at as f64 * covariance;
        density += 2.0 * weight * covariance;
    }
    if density <= 0.0 {
        return 1;
    }
    let chosen = libm::cbrt(1.5 * (slope / density).powi(2) * n as f64);
    (2.0 * chosen.ceil()).min(n as f64 / 4.0).max(1.0) as usize
}

/// The 97.5 % point of Student's distribution, by its expansion at the normal's (Abramowitz and
/// Stegun, 26.7.5).
fn student(degrees: f64) -> f64 {
    let z: f64 = 1.959_963_984_540_054;
    let terms = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
    ];
    let degrees = degrees.max(2.0);
    terms.iter().rev().fold(0.0, |sum, term| (sum + term) / degrees) + z
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Normal numbers, each `rho` times the one before and something new.
    fn sequence(random: &mut SplitMix64, n: usize, rho: f64) -> Vec<f64> {
        let mut normal = || {
            let mut uniform = || (random.below(1 << 30) as f64 + 0.5) / f64::from(1 << 30);
            (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()
        };
        let mut x = normal();
        let next = |_| {
            x = rho * x + (1.0 - rho * rho).sqrt() * normal();
            x
        };
        (0..n).map(next).collect()
    }

    /// How many of 300 intervals for the mean distance from 0 hold the true one, of frames in order
    /// whose neighbours are alike to this degree.
    #[test]
    fn intervals_hold_the_mean_of_correlated_values_about_as_often_as_they_say() {
        let mut random = SplitMix64::new(5);
        let truth = (2.0 / std::f64::consts::PI).sqrt();
        for (n, rho, least) in
            [(200, 0.0, 276), (200, 0.9, 252), (1000, 0.5, 273), (1000, 0.9, 270)]
        {
            let held = (0..300).filter(|&seed| {
                let errors: Vec<f64> =
                    sequence(&mut random, n, rho).iter().map(|x| x.abs()).collect();
                let [low, high] = mean(&errors, true, seed).ci95;
                (low..=high).contains(&truth)
            });
            let held = held.count();
            assert!((least..=297).contains(&held), "{n} values, {rho}: {held} of 300");
        }
    }

    /// Of 300 sequences around 0 about one in twenty is said to have another mean.
    #[test]
    fn p_values_are_as_small_as_often_as_they_say() {
        let mut random = SplitMix64::new(6);
        for (rho, most) in [(0.0, 26), (0.8, 36)] {
            let values = |_| mean(&sequence(&mut random, 300, rho), true, 1).p;
            let small = (0..300).map(values).filter(|&p| p < 0.05).count();
            assert!((4..=most).contains(&small), "{rho}: {small} of 300");
        }
        let shifted: Vec<f64> = sequence(&mut random, 300, 0.5).iter().map(|x| x + 1.0).collect();
        assert!(mean(&shifted, true, 1).p < 0.002);
    }

    /// `optimal_block_length` of the package arch chooses blocks of 1.4, 13 and 42 frames on average for
    /// such sequences; ours are twice that.
    #[test]
    fn blocks_grow_with_correlation() {
        let mut random = SplitMix64::new(7);
        let mut length = |rho| {
            let lengths = (0..20).map(|_| block_length(&sequence(&mut random, 1000, rho), 0.0));
            lengths.sum::<usize>() / 20
        };
        let [none, some, much] = [0.0, 0.5, 0.9].map(&mut length);
        assert!(none <= 3 && (8..=30).contains(&some) && (60..=160).contains(&much));
    }

    #[test]
    fn what_does_not_vary_has_no_doubt() {
        assert_eq!(mean(&[2.0; 9], true, 0), Mean { mean: 2.0, ci95: [2.0; 2], p: 1.0 / 1001.0 });
        assert_eq!(mean(&[0.0; 9], true, 0).p, 1.0);
        assert_eq!(mean(&[3.0], true, 0), Mean { mean: 3.0, ci95: [3.0; 2], p: 1.0 });
    }

    /// scipy.stats.t.ppf(0.975, degrees).
    #[test]
    fn student_is_scipys() {
        for (degrees, expected) in [(3.0, 3.182), (5.0, 2.571), (10.0, 2.228), (100.0, 1.984)] {
            assert!((student(degrees) / expected - 1.0).abs() < 0.02, "{degrees}");
        }
    }
}
