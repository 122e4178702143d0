//! Samples of several series in bins of one scale.

/// Bins; each some pixels wide.
const BINS: usize = 64;
/// Samples beyond this share are drawn at the edge: one that took ten times as long would squeeze all others.
const EDGE: f64 = 0.99;
/// Room to the right of the edge.
const AIR: f64 = 1.1;

/// Counts of each series from 0 to `high`.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    pub high: f64,
    pub counts: Vec<Vec<u32>>,
}

impl Histogram {
    /// Of samples in their order.
    pub fn of(series: &[Vec<f32>]) -> Self {
        let edges = series.iter().filter_map(|own| quantile(own, EDGE));
        let high = AIR * f64::from(edges.fold(0.0, f32::max)).max(f64::MIN_POSITIVE);
        let bin = |value: f32| {
            let place = f64::from(value) / high * BINS as f64;
            (place.max(0.0) as usize).min(BINS - 1)
        };
        let count = |own: &Vec<f32>| {
            let mut counts = vec![0; BINS];
            own.iter().for_each(|&value| counts[bin(value)] += 1);
            counts
        };
        Self { high, counts: series.iter().map(count).collect() }
    }

    /// Where a bin begins.
    pub fn start(&self, bin: usize) -> f64 {
        self.high * bin as f64 / BINS as f64
    }
}

pub fn sorted(samples: &[f32]) -> Vec<f32> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    sorted
}

/// The sample below which such a share of all lies, which are in their order; `None` without any.
pub fn quantile(sorted: &[f32], share: f64) -> Option<f32> {
    let at = (share * (sorted.len() as f64 - 1.0)).round();
    sorted.get(at as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_samples_are_counted_and_one_that_is_far_off_squeezes_none() {
        let slow: Vec<f32> = (0..200).map(|i| 2.0 + 0.001 * i as f32).chain([90.0]).collect();
        let fast = vec![1.0_f32; 50];
        let histogram = Histogram::of(&[slow, fast.clone(), Vec::new()]);
        let counted: Vec<u32> = histogram.counts.iter().map(|own| own.iter().sum()).collect();
        assert_eq!(counted, [201, 50, 0]);
        assert!(histogram.high < 2.5, "{}", histogram.high);
        assert_eq!(histogram.counts[0][BINS - 1], 1);
        assert_eq!((quantile(&fast, 0.5), quantile(&[], 0.5)), (Some(1.0), None));
    }
}
