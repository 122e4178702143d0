//! From figures to coordinates.

/// A linear scale onto `0..width`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
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
    pub fn at(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low).max(f64::MIN_POSITIVE);
        share.clamp(0.0, 1.0) * self.width
    }
}
