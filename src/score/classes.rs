//! What a network's scores are worth where each frame has one right class: top-1 accuracy, and what may
//! be said about it.

use crate::vocabulary::report::Accuracy;

/// The 97.5 % point of the normal distribution: 95 % lie between minus and plus this.
const Z_95: f64 = 1.959_963_984_540_054;

/// The class with the largest logit; the lowest index wins a tie, as numpy's `argmax`.
///
/// NaN never wins; where all are NaN, and without logits, the answer is class 0.
pub fn top1(logits: &[f32]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (class, &logit) in logits.iter().enumerate() {
        if logit > best.1 {
            best = (class, logit);
        }
    }
    best.0
}

/// Whether a frame's scores name its class.
pub fn hits(logits: &[f32], label: u32) -> bool {
    top1(logits) == label as usize
}

/// Accuracy of `predictions` against `labels`, both below `classes`, one of each per frame.
///
/// # Panics
/// If one of them is not below `classes`.
pub fn accuracy(predictions: &[usize], labels: &[u32], classes: usize) -> Accuracy {
    let mut confusion = vec![vec![0; classes]; classes];
    for (&prediction, &label) in predictions.iter().zip(labels) {
        confusion[label as usize][prediction] += 1;
    }
    let n = labels.len();
    let hits = right(predictions, labels).filter(|&hit| hit).count();
    Accuracy { top1: share(hits, n), ci95: wilson(hits, n), n, confusion }
}

/// The share of frames on which two networks say the same class.
pub fn agreement(a: &[usize], b: &[usize]) -> f64 {
    share(a.iter().zip(b).filter(|(a, b)| a == b).count(), a.len())
}

/// McNemar's exact test: the p-value of "both are right equally often", from the frames on which
/// exactly one of the two is right.
///
/// Those are a fair coin's tosses if it holds; the p-value is the two-sided binomial one, as
/// `mcnemar(exact=True)` of statsmodels.
pub fn mcnemar(a: &[usize], b: &[usize], labels: &[u32]) -> f64 {
    let (mut only_a, mut only_b) = (0, 0);
    for pair in right(a, labels).zip(right(b, labels)) {
        match pair {
            (true, false) => only_a += 1,
            (false, true) => only_b += 1,
            _ => {}
        }
    }
    binomial_two_sided(only_a, only_b)
}

fn right(predictions: &[usize], labels: &[u32]) -> impl Iterator<Item = bool> {
    predictions.iter().zip(labels).map(|(&prediction, &label)| prediction == label as usize)
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Wilson's 95 % score interval of a share: "Probable inference, the law of succession, and
/// statistical inference" (1927). Without observations it is 0 to 1.
fn wilson(hits: usize, n: usize) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    let (p, n, z2) = (share(hits, n), n as f64, Z_95 * Z_95);
    let center = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    [(center - half).max(0.0), (center + half).min(1.0)]
}

/// The probability that `a + b` tosses of a fair coin fall at least as unevenly as `a` to `b`.
pub(super) fn binomial_two_sided(a: usize, b: usize) -> f64 {
    let n = a + b;
    let log_half = -(n as f64) * std::f64::consts::LN_2;
    // C(n, k) / 2^n from C(n, k-1) / 2^n, in logarithms: 2^-n alone would vanish above n = 1074.
    let mut log_term = log_half;
    let mut tail = libm::exp(log_term);
    for k in 1..=a.min(b) {
        log_term += libm::log((n - k + 1) as f64 / k as f64);
        tail += libm::exp(log_term);
    }
    // An even split lies in both tails.
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    #[test]
    fn ties_go_to_the_lowest_index_and_nan_never_wins() {
        assert_eq!(top1(&[0.5, 2.0, 2.0]), 1);
        assert_eq!(top1(&[f32::NAN, -1.0, f32::NAN]), 1);
        assert_eq!(top1(&[f32::NAN, f32::NAN]), 0);
        assert_eq!(top1(&[f32::NEG_INFINITY, f32::NEG_INFINITY]), 0);
        assert_eq!(top1(&[-0.0, 0.0]), 0);
    }

    #[test]
    fn counts_what_was_right_and_what_was_taken_for_what() {
        let accuracy = accuracy(&[0, 1, 1, 2, 0], &[0, 1, 2, 2, 1], 3);
        assert_eq!((accuracy.top1, accuracy.n), (0.6, 5));
        assert_eq!(accuracy.confusion, [[1, 0, 0], [1, 1, 0], [0, 1, 1]]);
    }

    /// statsmodels: `proportion_confint(hits, n, method="wilson")`.
    #[test]
    fn wilson_interval_is_that_of_statsmodels() {
        let cases = [
            (10, 20, [0.299_298_0, 0.700_702_0]),
            (0, 10, [0.0, 0.277_532_8]),
            (1800, 2000, [0.886_075_6, 0.912_390_8]),
        ];
        for (hits, n, expected) in cases {
            let interval = wilson(hits, n);
            for (value, expected) in interval.iter().zip(expected) {
                assert!((value - expected).abs() < 1e-6, "{hits} of {n}: {interval:?}");
            }
        }
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
        assert_eq!(wilson(7, 7)[1], 1.0);
    }

    /// The interval's ends are where the score test of the share just reaches 5 %.
    #[test]
    fn wilson_interval_inverts_the_score_test() {
        for (hits, n) in [(1, 7), (3, 10), (450, 500), (1999, 2000)] {
            for end in wilson(hits, n) {
                let score = (share(hits, n) - end) / (end * (1.0 - end) / n as f64).sqrt();
                assert!((score.abs() - Z_95).abs() < 1e-9, "{hits} of {n}: {end}");
            }
        }
    }

    /// The sums of Pascal's triangle by whole numbers: sum of C(n, k), twice, over 2^n.
    #[test]
    fn binomial_tail_is_the_exact_one() {
        for n in 0..=60_usize {
            let mut row = vec![1_u64];
            for _ in 0..n {
                let inner = row.windows(2).map(|pair| pair[0] + pair[1]);
                row = std::iter::once(1).chain(inner).chain([1]).collect();
            }
            for a in 0..=n {
                let tail: u64 = row[..=a.min(n - a)].iter().sum();
                let expected = (2.0 * tail as f64 / (1_u64 << n) as f64).min(1.0);
                let p = binomial_two_sided(a, n - a);
                assert!((p - expected).abs() <= 1e-12 * expected, "{a} to {}: {p}", n - a);
            }
        }
    }

    /// scipy: `binomtest(min(a, b), a + b).pvalue`.
    #[test]
    fn binomial_tail_is_that_of_scipy() {
        let cases = [
            (1, 9, 0.021_484_375),
            (12, 5, 0.143_463_134_765_625),
            (2, 12, 0.012_939_453_125),
            (700, 800, 0.010_559_255_5),
        ];
        for (a, b, expected) in cases {
            let p = binomial_two_sided(a, b);
            assert!((p - expected).abs() < 1e-6, "{a} to {b}: {p}");
        }
    }

    #[test]
    fn mcnemar_counts_the_frames_where_one_is_right() {
        let labels = [0; 12];
        let mut a = [0; 12];
        let mut b = [0; 12];
        assert_eq!(mcnemar(&a, &b, &labels), 1.0);
        // Both wrong on frame 0; then nine frames only for a, one only for b.
        a[0] = 1;
        b[0] = 2;
        b[1..10].fill(1);
        a[10] = 1;
        assert!((mcnemar(&a, &b, &labels) - 0.021_484_375).abs() < 1e-12);
        assert!((agreement(&a, &b) - 1.0 / 12.0).abs() < 1e-12);
    }

    #[test]
    fn mcnemar_is_symmetric_and_a_probability() {
        let mut random = SplitMix64::new(3);
        for _ in 0..50 {
            let mut column = || (0..200).map(|_| random.below(5)).collect::<Vec<_>>();
            let (a, b) = (column(), column());
            let labels: Vec<u32> = column().iter().map(|&label| label as u32).collect();
            let p = mcnemar(&a, &b, &labels);
            assert!(p > 0.0 && p <= 1.0);
            assert!((p - mcnemar(&b, &a, &labels)).abs() < 1e-12);
        }
    }
}
