//! How far a network's answers are from the float network's, whatever they mean.

use super::noise::Noise;
use super::values::upper_end;
use crate::vocabulary::report::Distance;

/// The distance of what both say, number by number over all frames.
pub fn distance<'a>(
    name: String,
    answers: impl Iterator<Item = (&'a [f32], &'a [f32])>,
) -> Distance {
    let mut noise = Noise::default();
    let mut distances = Vec::new();
    for (own, float) in answers {
        for (&own, &float) in own.iter().zip(float) {
            noise.add(float, own);
            distances.push((f64::from(own) - f64::from(float)).abs());
        }
    }
    let mean_abs = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
    let (p99_abs, max_abs) = upper_end(distances);
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
