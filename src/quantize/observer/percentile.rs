//! The range that keeps all but the outermost values.

use super::Histogram;

/// Cuts `(100 - percentile) / 2` per cent of the values from either end, to the histogram's bin.
///
/// As ONNX Runtime's `PercentileCalibrater` cuts a two-sided histogram (there the bins are 2,048).
pub(super) fn range(histogram: &Histogram, percentile: f64) -> Option<[f32; 2]> {
    let [min, max] = histogram.range()?;
    if !histogram.is_finite() {
        return Some([min, max]);
    }
    let total = histogram.total();
    let spare = (100.0 - percentile) / 200.0 * total as f64;
    // Zeros stand between the bins below and those from 0 on.
    let below = histogram.bins().filter(|(bin, _)| *bin < 0);
    let from_zero = histogram.bins().filter(|(bin, _)| *bin >= 0);
    let width = histogram.width();
    let edge = |bin: i64| (bin as f64 * width) as f32;
    let zeros = [(0, histogram.zeros())];

    let ascending = below.clone().chain(zeros).chain(from_zero.clone());
    let low = first_beyond(ascending, spare).map_or(min, edge);
    let descending = from_zero.rev().map(|(bin, n)| (bin + 1, n)).chain(zeros);
    let descending = descending.chain(below.rev().map(|(bin, n)| (bin + 1, n)));
    let high = first_beyond(descending, spare).map_or(max, edge);
    Some([low.max(min), high.min(max)])
}

/// The edge up to which more than `spare` values were passed.
fn first_beyond(edges: impl Iterator<Item = (i64, u64)>, spare: f64) -> Option<i64> {
    let mut passed = 0;
    edges.into_iter().find_map(|(edge, count)| {
        passed += count;
        (passed as f64 > spare).then_some(edge)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_the_same_share_from_either_end() {
        // -1000..=1000 in steps of one: one per cent cuts ten values and a hundredth at each end.
        let values: Vec<f32> = (-1000..=1000).map(|i| i as f32).collect();
        let mut histogram = Histogram::default();
        histogram.add(&values);
        let [low, high] = range(&histogram, 99.0).unwrap();
        let bin = histogram.width() as f32;
        assert!((low + 990.0).abs() <= bin && (high - 990.0).abs() <= bin, "{low} {high}");
        assert_eq!(range(&histogram, 100.0), Some([-1000.0, 1000.0]));
    }

    #[test]
    fn mostly_zeros_leave_the_positive_tail_alone() {
        let mut values = vec![0.0; 900];
        values.extend((1..=100).map(|i| i as f32));
        let mut histogram = Histogram::default();
        histogram.add(&values);
        let [low, high] = range(&histogram, 98.0).unwrap();
        assert_eq!(low, 0.0);
        // Ten of the thousand values may go: 91 to 100.
        assert!((high - 90.0).abs() <= 1.0 + histogram.width() as f32, "{high}");
    }
}
