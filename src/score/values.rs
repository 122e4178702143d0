//! What a network's values are worth beside the right ones: errors, and what may be said about them.

use crate::statistics::{blocks, quantile};
use crate::vocabulary::report::{Change, ValueScore, Within};

/// Of the bootstrap, for every network the same.
const SEED: u64 = 0;

/// How far `values` are from `labels`, a frame each, in the order of the frames.
pub fn score(name: String, values: &[f64], labels: &[f64], tolerance: Option<f64>) -> ValueScore {
    let errors: Vec<f64> = values.iter().zip(labels).map(|(value, label)| value - label).collect();
    let distances: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    let n = errors.len() as f64;
    let mean = blocks::mean(&distances, true, SEED);
    let squares: f64 = errors.iter().map(|error| error * error).sum();
    let within = tolerance.map(|tolerance| {
        let hits = distances.iter().filter(|&&distance| distance <= tolerance).count();
        Within { tolerance, share: hits as f64 / n }
    });
    let (p99_abs, max_abs) = upper_end(distances);
    ValueScore {
        name,
        mae: mean.mean,
        mae_ci95: mean.ci95,
        rmse: (squares / n).sqrt(),
        max_abs,
        p99_abs,
        bias: errors.iter().sum::<f64>() / n,
        r2: determination(squares, labels),
        within,
    }
}

/// How much farther from the labels `values` are than `float`'s, in pairs of frames.
pub fn change(name: String, values: &[f64], float: &[f64], labels: &[f64]) -> Change {
    let rise = |((value, float), label): ((&f64, &f64), &f64)| {
        (value - label).abs() - (float - label).abs()
    };
    let rises: Vec<f64> = values.iter().zip(float).zip(labels).map(rise).collect();
    let mean = blocks::mean(&rises, true, SEED);
    Change { name, change: mean.mean, ci95: mean.ci95, p: mean.p }
}

/// The 99th percentile and the largest.
pub fn upper_end(mut distances: Vec<f64>) -> (f64, f64) {
    distances.sort_unstable_by(f64::total_cmp);
    (quantile(&distances, 0.99), distances.last().copied().unwrap_or(0.0))
}

/// R2, the share of the labels' variance that is explained, as `r2_score` of scikit-learn: 0 where
/// labels that are all the same were not met, and nothing for a single frame.
fn determination(squares: f64, labels: &[f64]) -> Option<f64> {
    let n = labels.len();
    let mean = labels.iter().sum::<f64>() / n as f64;
    let total: f64 = labels.iter().map(|label| (label - mean) * (label - mean)).sum();
    (n > 1).then_some(match (squares, total) {
        (0.0, _) => 1.0,
        (_, 0.0) => 0.0,
        _ => 1.0 - squares / total,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy and scikit-learn on the same numbers (`tests/goldens/values.py`).
    #[test]
    fn figures_are_those_of_numpy_and_scikit_learn() {
        let labels = [0.5, -1.0, 2.0, 0.0, 1.5];
        let values = [0.75, -1.5, 2.0, 1.0, 1.25];
        let score = score("angle".into(), &values, &labels, Some(0.25));
        let figures = [score.mae, score.rmse, score.max_abs, score.p99_abs, score.bias];
        let expected = [0.4, 0.524_404_424_085_075_8, 1.0, 0.98, 0.1];
        for (figure, expected) in figures.into_iter().zip(expected) {
            assert!((figure - expected).abs() < 1e-15, "{score:?}");
        }
        assert!((score.r2.unwrap() - 0.758_771_929_824_561_4).abs() < 1e-15, "{score:?}");
        assert_eq!(score.within, Some(Within { tolerance: 0.25, share: 0.6 }));
        let [low, high] = score.mae_ci95;
        assert!((0.0..0.4).contains(&low) && (0.4..1.2).contains(&high));
    }

    #[test]
    fn labels_that_are_all_the_same_explain_nothing() {
        let r2 = |values: &[f64], labels: &[f64]| score(String::new(), values, labels, None).r2;
        assert_eq!(r2(&[1.0, 1.0], &[1.0, 1.0]), Some(1.0));
        assert_eq!(r2(&[1.0, 2.0], &[1.0, 1.0]), Some(0.0));
        assert_eq!(r2(&[1.0], &[2.0]), None);
    }

    #[test]
    fn a_change_is_taken_in_pairs_of_frames() {
        let labels: Vec<f64> = (0..200).map(|i| f64::from(i % 7)).collect();
        let shifted = |by: f64| labels.iter().map(|label| label + by).collect::<Vec<_>>();
        let change = change("angle".into(), &shifted(0.3), &shifted(-0.2), &labels);
        assert!((change.change - 0.1).abs() < 1e-12 && change.p < 0.002, "{change:?}");
        let [low, high] = change.ci95;
        assert!((low - 0.1).abs() < 1e-12 && (high - 0.1).abs() < 1e-12);
    }
}
