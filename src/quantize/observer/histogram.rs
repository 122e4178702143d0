//! A histogram of all values of a tensor.

use super::extremes;

/// Counts in bins of width 2^k, aligned to zero.
///
/// When a value falls outside, neighbouring bins are merged until it fits: a bin of width 2^(k+1)
/// is exactly two of width 2^k, so the counts are those of one pass with the last width. Where the
/// values reach to zero, between 4,096 and 8,192 bins span their range and the frames' order does not
/// count; a narrow range far from zero has fewer bins, down to a quarter, in some orders. Exact zeros,
/// which every integer grid represents and a Relu makes many of, are counted apart.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// log2 of the bin width; meaningful once there are counts.
    exponent: i32,
    /// Bin `i` of `counts` holds `[(first + i) w, (first + i + 1) w)`.
    first: i64,
    counts: Vec<u64>,
    zeros: u64,
    range: Option<[f32; 2]>,
}

impl Histogram {
    const CAPACITY: i64 = 8192;

    pub fn add(&mut self, values: &[f32]) {
        let Some([low, high]) = extremes(values) else { return };
        let [seen_low, seen_high] = self.range.unwrap_or([low, high]);
        let [low, high] = [seen_low.min(low), seen_high.max(high)];
        self.range = Some([low, high]);
        if !low.is_finite() || !high.is_finite() {
            return;
        }
        self.cover(low, high);
        let per_bin = 1.0 / self.width();
        let first = self.first;
        for &value in values {
            if value == 0.0 {
                self.zeros += 1;
            } else if value.is_finite() {
                let bin = (f64::from(value) * per_bin).floor() as i64;
                self.counts[(bin - first) as usize] += 1;
            }
        }
    }

    /// The smallest and largest value.
    pub fn range(&self) -> Option<[f32; 2]> {
        self.range
    }

    /// Whether all values were finite, and there were some.
    pub fn is_finite(&self) -> bool {
        self.range.is_some_and(|range| range.iter().all(|v| v.is_finite()))
    }

    /// Width of a bin; a power of two.
    pub fn width(&self) -> f64 {
        2f64.powi(self.exponent)
    }

    /// The values counted, zeros included.
    pub fn total(&self) -> u64 {
        self.zeros + self.counts.iter().sum::<u64>()
    }

    pub fn zeros(&self) -> u64 {
        self.zeros
    }

    /// The bins in ascending order: index (`[index w, (index + 1) w)`) and count.
    pub fn bins(&self) -> impl DoubleEndedIterator<Item = (i64, u64)> + Clone {
        self.counts.iter().enumerate().map(|(i, &count)| (self.first + i as i64, count))
    }

    /// Merges and adds bins until `low..=high` lies inside.
    fn cover(&mut self, low: f32, high: f32) {
        if low == 0.0 && high == 0.0 {
            return;
        }
        if self.counts.is_empty() {
            // The width of the least exponent that can hold the range, found by the loop below.
            let magnitude = f64::from(low).abs().max(f64::from(high).abs());
            self.exponent = (magnitude / Self::CAPACITY as f64).log2().floor() as i32 - 2;
            self.exponent = self.exponent.max(-160);
            self.first = self.bin(low);
        }
        let full = (f64::from(high) - f64::from(low)).log2() - (Self::CAPACITY as f64).log2();
        // Far from there, in reals: bin numbers might not fit their type.
        while f64::from(self.exponent) < full - 2.0 {
            self.merge();
        }
        while self.bin(high).max(self.last()) - self.bin(low).min(self.first) >= Self::CAPACITY {
            self.merge();
        }
        let first = self.bin(low).min(self.first);
        let last = self.bin(high).max(self.last());
        let before = (self.first - first) as usize;
        self.counts.splice(0..0, std::iter::repeat_n(0, before));
        self.first = first;
        self.counts.resize((last - first + 1) as usize, 0);
    }

    fn bin(&self, value: f32) -> i64 {
        (f64::from(value) / self.width()).floor() as i64
    }

    /// The last bin in use, or the first one where there is none.
    fn last(&self) -> i64 {
        self.first + (self.counts.len() as i64 - 1).max(0)
    }

    fn merge(&mut self) {
        let first = self.first.div_euclid(2);
        let mut counts = vec![0; (self.last().div_euclid(2) - first + 1) as usize];
        for (bin, count) in self.bins() {
            counts[(bin.div_euclid(2) - first) as usize] += count;
        }
        if !self.counts.is_empty() {
            self.counts = counts;
        }
        self.first = first;
        self.exponent += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix64;

    fn values(count: usize, seed: u64) -> Vec<f32> {
        let mut random = SplitMix64::new(seed);
        let unit = |bits: u64| (bits >> 40) as f32 / (1 << 24) as f32;
        // Long-tailed, both signs, some zeros.
        let value = |x: f32| if x < 0.1 { 0.0 } else { (x - 0.3) / (1.001 - x) };
        (0..count).map(|_| value(unit(random.next_u64()))).collect()
    }

    fn counts(histogram: &Histogram) -> Vec<(i64, u64)> {
        histogram.bins().filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn the_order_of_the_frames_does_not_count() {
        let all = values(10_000, 3);
        let mut whole = Histogram::default();
        whole.add(&all);
        let mut forwards = Histogram::default();
        let mut backwards = Histogram::default();
        all.chunks(7).for_each(|frame| forwards.add(frame));
        all.chunks(7).rev().for_each(|frame| backwards.add(frame));
        for other in [&forwards, &backwards] {
            assert_eq!(counts(other), counts(&whole));
            assert_eq!(other.width(), whole.width());
        }
        assert_eq!(whole.total(), 10_000);
    }

    #[test]
    fn every_value_is_in_its_bin() {
        let all = values(5_000, 4);
        let mut histogram = Histogram::default();
        all.chunks(100).for_each(|frame| histogram.add(frame));
        let w = histogram.width();
        for (bin, count) in counts(&histogram) {
            let inside = |&&x: &&f32| x != 0.0 && (f64::from(x) / w).floor() as i64 == bin;
            assert_eq!(all.iter().filter(inside).count() as u64, count);
        }
        let used = histogram.bins().count();
        assert!((4096..=8192).contains(&used), "{used} bins");
        assert_eq!(histogram.zeros(), all.iter().filter(|&&x| x == 0.0).count() as u64);
    }

    #[test]
    fn strange_values_break_nothing() {
        let mut histogram = Histogram::default();
        histogram.add(&[0.0, 0.0]);
        assert_eq!((histogram.total(), histogram.range()), (2, Some([0.0, 0.0])));
        histogram.add(&[1e-42, -1e-45]);
        histogram.add(&[f32::MAX, f32::NAN]);
        assert!(histogram.is_finite());
        assert_eq!(histogram.total(), 5);
        histogram.add(&[f32::INFINITY]);
        assert!(!histogram.is_finite());
    }
}
