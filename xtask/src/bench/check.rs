//! Whether the engines that race compute the same.

use super::rig::{Engine, Form, Variant};
use crate::Result;

/// Our answers beside another engine's, to the same frames from a file of the same precision.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Check {
    pub(crate) network: &'static str,
    pub(crate) form: Form,
    pub(crate) build: String,
    pub(crate) against: Engine,
    pub(crate) against_form: Form,
    /// The largest difference of two logits, as a share of the largest logit.
    pub(crate) difference: f64,
    /// The share of frames with the same first answer.
    pub(crate) same_top1: f64,
}

/// What rounding and another order of summation explain in float.
const FLOAT_LIMIT: f64 = 1e-3;
/// Some of the output's 256 steps: engines may round a tie, or a layer, their own way.
const INT8_LIMIT: f64 = 0.1;

/// Compares each of our variants with each of the others' of the same precision. `logits` has a
/// list of frames for each variant.
///
/// # Errors
/// Answers that differ by more than rounding explains.
pub(crate) fn compare(
    network: &'static str,
    variants: &[Variant],
    logits: &[Vec<Vec<f64>>],
) -> Result<Vec<Check>> {
    let all = || variants.iter().zip(logits);
    let mut checks = Vec::new();
    for (ours, own) in all().filter(|(variant, _)| variant.engine == Engine::Steer8) {
        for (theirs, other) in all().filter(|(variant, _)| variant.engine != Engine::Steer8) {
            if ours.form.precision() != theirs.form.precision() {
                continue;
            }
            let check = Check {
                network,
                form: ours.form,
                build: ours.build.clone(),
                against: theirs.engine,
                against_form: theirs.form,
                difference: difference(own, other),
                same_top1: same_top1(own, other),
            };
            let limit = if ours.form == Form::Float { FLOAT_LIMIT } else { INT8_LIMIT };
            if check.difference.is_nan() || check.difference > limit {
                return Err(format!(
                    "{network}: our {} logits ({}) differ from {}'s by {:.2} % of the largest: \
                     what computes something else cannot race",
                    ours.form.precision(),
                    ours.build,
                    theirs.engine.name(),
                    100.0 * check.difference
                ));
            }
            checks.push(check);
        }
    }
    Ok(checks)
}

fn difference(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let same_shape = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.len() == b.len());
    if !same_shape {
        return f64::INFINITY;
    }
    let largest = b.iter().flatten().fold(0.0, |largest: f64, v| largest.max(v.abs()));
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    let differences = pairs.map(|(a, b)| (a - b).abs());
    // `max` would pass over what is not a number.
    let most = differences.fold(0.0, |most: f64, d| if d <= most { most } else { d });
    most / largest.max(f64::MIN_POSITIVE)
}

fn same_top1(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let same = a.iter().zip(b).filter(|(a, b)| top1(a) == top1(b)).count();
    same as f64 / a.len() as f64
}

fn top1(logits: &[f64]) -> Option<usize> {
    (0..logits.len()).rev().max_by(|&i, &j| logits[i].total_cmp(&logits[j]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variants() -> [Variant; 3] {
        let variant = |engine, form| Variant { engine, form, build: String::new() };
        [
            variant(Engine::Steer8, Form::Qdq),
            variant(Engine::OnnxRuntime, Form::QOperator),
            variant(Engine::OnnxRuntime, Form::Float),
        ]
    }

    #[test]
    fn compares_what_has_the_same_precision() {
        let ours = vec![vec![1.0, 9.0], vec![3.0, 2.0]];
        let theirs = vec![vec![1.0, 10.0], vec![3.0, 3.5]];
        let nothing_alike = vec![vec![-50.0, 0.0]; 2];
        let checks = compare("n", &variants(), &[ours, theirs, nothing_alike]);
        // 1.5 of 10.
        assert!(checks.unwrap_err().contains("15.00 %"));

        let ours = vec![vec![1.0, 9.5], vec![3.0, 2.9]];
        let theirs = vec![vec![1.0, 10.0], vec![3.0, 3.5]];
        let checks = compare("n", &variants(), &[ours, theirs, vec![]]).unwrap();
        assert_eq!(checks.len(), 1);
        assert!((checks[0].difference - 0.06).abs() < 1e-9);
        assert_eq!(checks[0].same_top1, 0.5);
    }

    #[test]
    fn another_shape_and_what_is_no_number_do_not_agree() {
        for ours in [vec![vec![1.0]], vec![vec![1.0, f64::NAN]; 2], vec![vec![1.0, 2.0]; 3]] {
            let theirs = vec![vec![1.0, 2.0]; 2];
            assert!(compare("n", &variants(), &[ours, theirs, vec![]]).is_err());
        }
    }
}
