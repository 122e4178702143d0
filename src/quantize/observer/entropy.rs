//! The range whose integers keep most of the distribution.

use std::ops::Range;

use super::super::range::Grid;
use super::Histogram;

/// Candidates tried; the first keeps one bin per integer, the last everything.
const CANDIDATES: usize = 512;

/// Bins that a candidate may have; neighbours of a distribution far from zero are merged to so few.
const MOST_BINS: i64 = 1 << 14;

/// The clipping range with the least Kullback-Leibler divergence between the clipped distribution
/// and its quantized version.
///
/// Migacz, "8-bit inference with TensorRT" (GTC 2017), on the full histogram and into the
/// `levels + 1` integers of the grid (TensorRT: 2,048 bins into 128). A candidate `t` keeps
/// `max(min, -t)..=min(max, t)`; its integers lie over what the grid represents then: zero
/// included, and as far to both sides where the grid is symmetric. Exact zeros are represented by
/// every candidate and stay out.
pub(super) fn range(histogram: &Histogram, grid: Grid) -> Option<[f32; 2]> {
    let [min, max] = histogram.range()?;
    let bins = Bins::of(histogram);
    let (false, true) = (bins.counts.is_empty(), histogram.is_finite()) else {
        return Some([min, max]);
    };
    // In bins away from zero, on the longer side.
    let reach = bins.last().max(-bins.first);
    let least = (i64::from(grid.levels) + 1).min(reach);
    let step = ((reach - least) as usize).div_ceil(CANDIDATES).max(1);
    let candidates = (least..reach).step_by(step).chain([reach]);
    // Of equals the widest: nothing is clipped without need.
    let best = candidates
        .map(|t| (t, bins.divergence(bins.represented(t, grid), grid)))
        .fold((reach, f64::INFINITY), |best, next| if next.1 <= best.1 { next } else { best });
    let t = (best.0 as f64 * bins.width) as f32;
    Some([min.clamp(-t, t), max.clamp(-t, t)])
}

/// The counts of bins in a row.
struct Bins {
    /// Bin `i` of `counts` holds `[(first + i) width, (first + i + 1) width)`.
    first: i64,
    counts: Vec<u64>,
    width: f64,
}

impl Bins {
    fn of(histogram: &Histogram) -> Self {
        let all: Vec<(i64, u64)> = histogram.bins().collect();
        let reach = all.iter().map(|(bin, _)| bin.abs() + 1).max().unwrap_or(0);
        let merged = reach.max(1) as u64 / MOST_BINS as u64 + 1;
        let of_merged = |bin: i64| bin.div_euclid(merged as i64);
        let first = all.first().map_or(0, |(bin, _)| of_merged(*bin));
        let len = all.last().map_or(0, |(bin, _)| of_merged(*bin) - first + 1);
        let mut counts = vec![0; len as usize];
        for (bin, count) in all {
            counts[(of_merged(bin) - first) as usize] += count;
        }
        Self { first, counts, width: histogram.width() * merged as f64 }
    }

    /// The first bin after all.
    fn last(&self) -> i64 {
        self.first + self.counts.len() as i64
    }

    /// The bins over which the integers lie when `t` bins to either side of zero are kept.
    fn represented(&self, t: i64, grid: Grid) -> Range<i64> {
        if grid.symmetric { -t..t } else { self.first.clamp(-t, 0)..self.last().clamp(0, t) }
    }

    /// The divergence of the bins `span`, what lies outside counted in the outermost ones, from the
    /// same bins when each integer's share is spread evenly over those that are not empty.
    fn divergence(&self, span: Range<i64>, grid: Grid) -> f64 {
        let index = |bin: i64| (bin - self.first).clamp(0, self.counts.len() as i64) as usize;
        let (from, to) = (index(span.start), index(span.end));
        let below: u64 = self.counts[..from].iter().sum();
        let above: u64 = self.counts[to..].iter().sum();
        let inside: u64 = self.counts[from..to].iter().sum();
        let total = inside + below + above;
        if inside == 0 {
            return f64::INFINITY;
        }
        let at = |bin: i64| match usize::try_from(bin - self.first) {
            Ok(i) if i < self.counts.len() => self.counts[i],
            _ => 0,
        };
        let len = (span.end - span.start) as u64;
        let integers = u64::from(grid.levels) + 1;
        let mut sum = 0.0;
        for integer in 0..integers {
            let edge = |integer: u64| span.start + (len * integer / integers) as i64;
            let group = edge(integer)..edge(integer + 1);
            let filled = group.clone().filter(|&bin| at(bin) > 0).count();
            let share = group.clone().map(at).sum::<u64>() as f64 / filled.max(1) as f64;
            for bin in group {
                let low = if bin == span.start { below } else { 0 };
                let high = if bin == span.end - 1 { above } else { 0 };
                let own = at(bin);
                let p = (own + low + high) as f64 / total as f64;
                if p > 0.0 {
                    // An empty bin that outliers fall on has no share: a small one, as TensorRT's
                    // followers smooth it.
                    let q = if own > 0 { share / inside as f64 } else { 1e-9 };
                    sum += p * libm::log(p / q);
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl IntoIterator<Item = f32>) -> Histogram {
        let mut histogram = Histogram::default();
        histogram.add(&values.into_iter().collect::<Vec<_>>());
        histogram
    }

    /// 20,000 quantiles of a long-tailed distribution.
    fn quantiles(of: impl Fn(f64) -> f64) -> Histogram {
        histogram((0..20_000).map(|i| of((f64::from(i) + 0.5) / 20_000.0) as f32))
    }

    /// Against a program of its own, in numpy, after the same definition.
    #[test]
    fn the_range_with_the_least_divergence_is_found() {
        let both_sides = |u: f64| (2.0 * u - 1.0) / (1.02 - (2.0 * u - 1.0).abs());
        let one_side = |u: f64| u / (1.01 - u);
        let cases = [
            (quantiles(both_sides), 255, false, [-49.872_818, 49.872_818]),
            (quantiles(both_sides), 15, false, [-19.718_75, 19.718_75]),
            (quantiles(one_side), 255, false, [2.475_308_8e-5, 99.748_13]),
            (quantiles(one_side), 30, true, [2.475_308_8e-5, 42.125]),
            (quantiles(one_side), 14, true, [2.475_308_8e-5, 29.687_5]),
            (quantiles(|u| 1.0 + one_side(u)), 63, false, [1.000_024_8, 98.296_875]),
        ];
        for (histogram, levels, symmetric, expected) in cases {
            let found = range(&histogram, Grid { levels, symmetric }).unwrap();
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
            }
        }
    }

    /// Quantiles of the half-normal distribution, by bisecting the error function.
    fn half_normal(count: usize) -> impl Iterator<Item = f32> {
        (0..count).map(move |i| {
            let p = (i as f64 + 0.5) / count as f64;
            let (mut low, mut high) = (0.0, 8.0);
            for _ in 0..60 {
                let middle: f64 = (low + high) / 2.0;
                if libm::erf(middle / std::f64::consts::SQRT_2) < p {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            low as f32
        })
    }

    #[test]
    fn a_lonely_outlier_is_clipped_away() {
        let values = half_normal(200_000).chain([100.0]);
        let [low, high] =
            range(&histogram(values), Grid { levels: 255, symmetric: false }).unwrap();
        assert_eq!(low, 0.0f32.max(low).min(1e-3), "{low}");
        assert!(high < 20.0, "{high}");
    }

    /// Zero is on every grid, wherever the values are.
    #[test]
    fn values_far_from_zero_have_a_range() {
        let ranges = [[2.0, 5.0], [-5.0, -2.0], [0.5, 0.5], [-1e-30, -1e-30], [1e6, 1e6 + 1.0]];
        for [low, high] in ranges {
            let values = (0..=100).map(|i| low + (high - low) * i as f32 / 100.0);
            let histogram = histogram(values);
            for symmetric in [false, true] {
                for levels in [3, 14, 255] {
                    let [from, to] = range(&histogram, Grid { levels, symmetric }).unwrap();
                    assert!(from <= to, "{from} {to}");
                    assert!(from.abs().max(to.abs()) <= low.abs().max(high.abs()));
                }
            }
        }
    }

    #[test]
    fn a_distribution_on_the_grid_itself_loses_nothing_at_any_range_and_keeps_all() {
        // One value in the middle of each of 256 equal parts, the same number of times.
        let values = (0..256).flat_map(|i| std::iter::repeat_n((i as f32 + 0.5) / 256.0, 9));
        let [_, high] = range(&histogram(values), Grid { levels: 255, symmetric: false }).unwrap();
        assert_eq!(high, 255.5 / 256.0);
    }
}
