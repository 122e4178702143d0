//! What calibration remembers of a tensor: a range, in memory that does not grow with the frames.

use super::Method;

/// Watches the values of one tensor, frame by frame.
pub trait Observer: std::fmt::Debug {
    fn observe(&mut self, values: &[f32]);

    /// The range to quantize, as `[min, max]`; `None` before anything was seen.
    fn range(&self) -> Option<[f32; 2]>;
}

impl Method {
    pub fn observer(self) -> Box<dyn Observer> {
        match self {
            Self::Minmax => Box::new(MinMax::default()),
        }
    }
}

/// The smallest and largest value seen, as ONNX Runtime's `CalibrationMethod.MinMax`.
#[derive(Debug, Default)]
struct MinMax {
    range: Option<[f32; 2]>,
}

impl Observer for MinMax {
    fn observe(&mut self, values: &[f32]) {
        // Lanes that do not wait for each other.
        const LANES: usize = 8;
        let mut low = [f32::INFINITY; LANES];
        let mut high = [f32::NEG_INFINITY; LANES];
        for chunk in values.chunks(LANES) {
            for (i, &value) in chunk.iter().enumerate() {
                low[i] = if value < low[i] { value } else { low[i] };
                high[i] = if value > high[i] { value } else { high[i] };
            }
        }
        let [seen_low, seen_high] = self.range.unwrap_or([f32::INFINITY, f32::NEG_INFINITY]);
        let low = low.into_iter().fold(seen_low, f32::min);
        let high = high.into_iter().fold(seen_high, f32::max);
        // Nothing but NaN leaves the range as it was.
        if low <= high {
            self.range = Some([low, high]);
        }
    }

    fn range(&self) -> Option<[f32; 2]> {
        self.range
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minmax_spans_all_frames() {
        let mut observer = Method::Minmax.observer();
        assert_eq!(observer.range(), None);
        observer.observe(&[]);
        assert_eq!(observer.range(), None);
        let ramp: Vec<f32> = (0..19).map(|i| i as f32 / 4.0 - 1.0).collect();
        observer.observe(&ramp);
        assert_eq!(observer.range(), Some([-1.0, 3.5]));
        observer.observe(&[f32::NAN, -2.5]);
        assert_eq!(observer.range(), Some([-2.5, 3.5]));
    }
}
