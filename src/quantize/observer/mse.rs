//! The range with the least squared error.

use super::super::range::Grid;
use super::Histogram;

/// Searches the clipping range with the least expected squared error between the values and what
/// their integers stand for: clipping error outside, rounding error inside.
///
/// As the `MSE` range setting of Nagel et al., "A White Paper on Neural Network Quantization"
/// (2021), section 3.1. Both ends together in hundredths of the full range, then each for itself.
pub(super) fn range(histogram: &Histogram, grid: Grid) -> Option<[f32; 2]> {
    let [min, max] = histogram.range()?;
    if !histogram.is_finite() || histogram.bins().next().is_none() {
        return Some([min, max]);
    }
    // Most bins of a long tail are empty.
    let bins: Vec<Bin> = histogram
        .bins()
        .filter(|(_, count)| *count > 0)
        .map(|(bin, count)| Bin {
            centre: (bin as f64 + 0.5) * histogram.width(),
            count: count as f64,
        })
        .collect();
    let search = Search { bins, width: histogram.width(), grid };
    Some(search.best([f64::from(min), f64::from(max)]))
}

struct Bin {
    centre: f64,
    count: f64,
}

struct Search {
    bins: Vec<Bin>,
    width: f64,
    grid: Grid,
}

impl Search {
    fn best(&self, [min, max]: [f64; 2]) -> [f32; 2] {
        const STEPS: usize = 100;
        let mut best = ([min, max], self.error([min, max]));
        let mut consider = |range: [f64; 2]| {
            let error = self.error(range);
            if error < best.1 {
                best = (range, error);
            }
            best.0
        };
        for step in 1..STEPS {
            let share = step as f64 / STEPS as f64;
            consider([min * share, max * share]);
        }
        let mut range = consider([min, max]);
        // Each end for itself, over its whole length, then close by.
        for fine in [false, true] {
            for end in [0, 1, 0, 1] {
                for step in 0..STEPS {
                    let share = step as f64 / STEPS as f64;
                    let mut moved = range;
                    moved[end] = if fine {
                        range[end] * (0.9 + share / 5.0)
                    } else {
                        [min, max][end] * share
                    };
                    moved = [moved[0].max(min), moved[1].min(max)];
                    if moved[0] < moved[1] {
                        consider(moved);
                    }
                }
                range = consider(range);
            }
        }
        range.map(|v| v as f32)
    }

    /// The summed squared error, but for a constant factor.
    fn error(&self, range: [f64; 2]) -> f64 {
        let Some((scale, zero)) = self.grid.scale_and_zero(range) else { return f64::INFINITY };
        let (low, high) = (-zero, f64::from(self.grid.levels) - zero);
        // Where integers are finer than bins, the values of a bin fall anywhere between integers.
        let fine = scale < 4.0 * self.width;
        self.bins
            .iter()
            .map(|bin| {
                let q = bin.centre / scale;
                let rounded = q.round_ties_even().clamp(low, high);
                let off = (q - rounded) * scale;
                let inside = q >= low - 0.5 && q <= high + 0.5;
                bin.count * if fine && inside { scale * scale / 12.0 } else { off * off }
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(count: usize) -> Histogram {
        let quantile = |i: usize| {
            let p = (i as f64 + 0.5) / count as f64;
            let (mut low, mut high) = (-9.0, 9.0);
            for _ in 0..60 {
                let middle: f64 = (low + high) / 2.0;
                let below = 0.5 * (1.0 + libm::erf(middle / std::f64::consts::SQRT_2));
                if below < p { low = middle } else { high = middle }
            }
            low as f32
        };
        let mut histogram = Histogram::default();
        histogram.add(&(0..count).map(quantile).collect::<Vec<_>>());
        histogram
    }

    /// The best clipping of a normal distribution for 2^b even steps, as published: Banner et al.,
    /// "Post training 4-bit quantization of convolutional networks" (2019), and Max (1960):
    /// 1.71 standard deviations at 2 bits, 2.15 at 3, 2.55 at 4. Those are for midrise steps; ours
    /// are `2^b - 2` steps around zero, so the same search is done here by brute force, on the
    /// values themselves.
    #[test]
    fn finds_the_best_clipping_of_a_normal_distribution() {
        let histogram = normal(20_000);
        let values: Vec<f64> = histogram
            .bins()
            .flat_map(|(bin, n)| {
                let centre = (bin as f64 + 0.5) * histogram.width();
                std::iter::repeat_n(centre, n as usize)
            })
            .collect();
        for (levels, about) in [(6u32, 2.1), (14, 2.6), (62, 3.5)] {
            let grid = Grid { levels, symmetric: true };
            let [_, found] = range(&histogram, grid).unwrap();
            let half = f64::from(levels / 2);
            let error = |t: f64| -> f64 {
                let scale = t / half;
                let off = |x: f64| x - (x / scale).round().clamp(-half, half) * scale;
                values.iter().map(|&x| off(x) * off(x)).sum()
            };
            let least = (100..450).map(|t| error(f64::from(t) / 100.0)).fold(f64::MAX, f64::min);
            assert!(error(f64::from(found)) <= 1.005 * least, "{levels}: {found}");
            assert!((f64::from(found) - about).abs() < 0.35, "{levels}: {found}");
        }
    }

    #[test]
    fn finds_each_end_of_a_lopsided_range() {
        // 50,000 values in 0..1, one at -3. With 15 steps over the whole range rounding costs
        // 50,000 x (4 / 15)^2 / 12 = 296; without the one value 18.5, and the value itself 9.
        let mut values: Vec<f32> = (0..50_000).map(|i| i as f32 / 50_000.0).collect();
        values.push(-3.0);
        let mut histogram = Histogram::default();
        histogram.add(&values);
        let grid = Grid { levels: 15, symmetric: false };
        let [low, high] = range(&histogram, grid).unwrap();
        assert!(low > -0.1 && (0.9..=1.0).contains(&high), "{low} {high}");
    }
}
