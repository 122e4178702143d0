//! How far a network's answers are from the float network's, whatever they mean.

use super::noise::Noise;
use super::values::upper_end;
use crate::vocabulary::report::Distance;

/// The 99th percentile is that of at most so many numbers, evenly taken.
const MOST: usize = 1 << 22;

/// The distance of what both say, number by number over all frames.
pub fn distance<'a>(
    name: String,
    answers: impl Iterator<Item = (&'a [f32], &'a [f32])> + Clone,
) -> Distance {
    let mut noise = Noise::default();
    let (mut sum, mut max_abs) = (0.0, 0.0);
    let count: usize = answers.clone().map(|(own, float)| own.len().min(float.len())).sum();
    let step = count.div_ceil(MOST).max(1);
    let mut taken = Vec::with_capacity(count.div_ceil(step));
    let mut at = 0;
    for (own, float) in answers {
        for (&own, &float) in own.iter().zip(float) {
            noise.add(float, own);
            let distance = (f64::from(own) - f64::from(float)).abs();
            sum += distance;
            max_abs = f64::max(max_abs, distance);
            if usize::is_multiple_of(at, step) {
                taken.push(distance);
            }
            at += 1;
        }
    }
    let mean_abs = sum / count.max(1) as f64;
    let (p99_abs, _) = upper_end(taken);
    Distance { name, mean_abs, p99_abs, max_abs, sqnr_db: noise.sqnr_db() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy: `10 * log10((f ** 2).sum() / ((f - q) ** 2).sum())`.
    #[test]
    fn distances_are_over_all_numbers() {
        let (own, float) = ([[1.0, 2.5], [3.0, -1.0]], [[1.0, 2.0], [4.0, -1.0]]);
        let rows = own.iter().zip(&float).map(|(own, float)| (&own[..], &float[..]));
        let distance = distance("y".into(), rows);
        assert_eq!((distance.mean_abs, distance.max_abs), (0.375, 1.0));
        assert!((distance.p99_abs - 0.985).abs() < 1e-12);
        assert!((distance.sqnr_db.unwrap() - 12.455_126_678_141_5).abs() < 1e-9);
    }
}
