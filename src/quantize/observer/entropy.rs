//! The range whose integers keep most of the distribution.

use super::super::range::Grid;
use super::Histogram;

/// Candidates tried; the first keeps one bin per integer, the last everything.
const CANDIDATES: usize = 512;

/// The clipping range with the least Kullback-Leibler divergence between the clipped distribution
/// and its quantized version.
///
/// Migacz, "8-bit inference with TensorRT" (GTC 2017), on the full histogram: at least 4,096 bins
/// into the `levels + 1` integers of the grid (TensorRT: 2,048 into 128). A candidate `t` keeps
/// `max(min, -t)..=min(max, t)`. Exact zeros are represented by every candidate and stay out.
pub(super) fn range(histogram: &Histogram, grid: Grid) -> Option<[f32; 2]> {
    let [min, max] = histogram.range()?;
    let bins: Vec<(i64, u64)> = histogram.bins().collect();
    let (Some(&(first, _)), Some(&(last, _)), true) =
        (bins.first(), bins.last(), histogram.is_finite())
    else {
        return Some([min, max]);
    };
    let counts: Vec<u64> = bins.iter().map(|(_, count)| *count).collect();
    // In bins away from zero, on the longer side.
    let reach = (last + 1).max(-first);
    let least = (i64::from(grid.levels) + 1).min(reach);
    let step = ((reach - least) as usize).div_ceil(CANDIDATES).max(1);
    let candidates = (least..reach).step_by(step).chain([reach]);
    let divergence = |t: i64| {
        let from = (-t).max(first);
        let to = t.min(last + 1);
        (t, divergence(&counts, (from - first) as usize, (to - first) as usize, grid))
    };
    // Of equals the widest: nothing is clipped without need.
    let best = candidates
        .map(divergence)
        .fold((reach, f64::INFINITY), |best, next| if next.1 <= best.1 { next } else { best });
    let t = (best.0 as f64 * histogram.width()) as f32;
    Some([min.max(-t), max.min(t)])
}

/// The divergence of the bins `from..to`, what lies outside counted in the outermost ones, from
/// the same bins when each integer's share is spread evenly over those that are not empty.
fn divergence(counts: &[u64], from: usize, to: usize, grid: Grid) -> f64 {
    let kept = &counts[from..to];
    let below: u64 = counts[..from].iter().sum();
    let above: u64 = counts[to..].iter().sum();
    let total = kept.iter().sum::<u64>() + below + above;
    let inside = kept.iter().sum::<u64>();
    if inside == 0 {
        return f64::INFINITY;
    }
    let integers = grid.levels as usize + 1;
    let last = kept.len() - 1;
    let mut sum = 0.0;
    for integer in 0..integers {
        let group = kept.len() * integer / integers..kept.len() * (integer + 1) / integers;
        let filled = kept[group.clone()].iter().filter(|count| **count > 0).count();
        let share = kept[group.clone()].iter().sum::<u64>() as f64 / filled.max(1) as f64;
        for bin in group {
            let outliers = if bin == 0 { below } else { 0 } + if bin == last { above } else { 0 };
            let p = (kept[bin] + outliers) as f64 / total as f64;
            if p > 0.0 {
                // An empty bin that outliers fall on has no share: a small one, as TensorRT's
                // followers smooth it.
                let q = if kept[bin] > 0 { share / inside as f64 } else { 1e-9 };
                sum += p * libm::log(p / q);
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl IntoIterator<Item = f32>) -> Histogram {
        let mut histogram = Histogram::default();
        histogram.add(&values.into_iter().collect::<Vec<_>>());
        histogram
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

    #[test]
    fn a_distribution_on_the_grid_itself_loses_nothing_at_any_range_and_keeps_all() {
        // One value in the middle of each of 256 equal parts, the same number of times.
        let values = (0..256).flat_map(|i| std::iter::repeat_n((i as f32 + 0.5) / 256.0, 9));
        let [_, high] = range(&histogram(values), Grid { levels: 255, symmetric: false }).unwrap();
        assert_eq!(high, 255.5 / 256.0);
    }
}
