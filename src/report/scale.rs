//! From figures to coordinates.

/// A linear scale onto `0..width`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The figure at 0.
    pub low: f64,
    /// The figure at `width`.
    pub high: f64,
    /// How long the axis is.
    pub width: f64,
}

/// The smallest and the largest, apart even where all are the same.
pub fn span(values: impl Iterator<Item = f32>) -> [f64; 2] {
    let [low, high] = values.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    });
    match low < high {
        true => [low.into(), high.into()],
        false if low.is_finite() => [f64::from(low) - 0.5, f64::from(low) + 0.5],
        false => [0.0, 1.0],
    }
}

impl Scale {
    /// Where a figure lies; what is beyond an end, at that end.
    pub fn at(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE);
        share.clamp(0.0, 1.0) * self.width
    }
}

/// The points of a line, few enough to be drawn; spikes stay.
pub fn thinned(line: &[f32], stretches: usize) -> Vec<(usize, f32)> {
    if line.len() <= 2 * stretches {
        return line.iter().copied().enumerate().collect();
    }
    let len = line.len().div_ceil(stretches);
    let ends = |(at, stretch): (usize, &[f32])| {
        let by = |a: &usize, b: &usize| stretch[*a].total_cmp(&stretch[*b]);
        let least = (0..stretch.len()).min_by(by).unwrap_or(0);
        let most = (0..stretch.len()).max_by(by).unwrap_or(0);
        let place = move |i: usize| (at * len + i, stretch[i]);
        [place(least.min(most)), place(least.max(most))]
    };
    line.chunks(len).enumerate().flat_map(ends).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_keeps_its_spikes() {
        let mut line = vec![0.0; 10_000];
        line[4321] = 9.0;
        line[777] = -3.0;
        let points = thinned(&line, 400);
        assert!(points.len() <= 800);
        assert!(points.contains(&(4321, 9.0)) && points.contains(&(777, -3.0)));
        assert!(points.is_sorted_by_key(|point| point.0));
        assert_eq!(thinned(&[1.0, 2.0], 400), [(0, 1.0), (1, 2.0)]);
    }
}
