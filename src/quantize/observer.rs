//! What calibration remembers of a tensor, in memory that does not grow with the frames, and the
//! range that each method makes of it.

mod entropy;
mod histogram;
mod mse;
mod percentile;

pub use histogram::Histogram;

use super::range::Grid;
use crate::kernels::elementwise;
use crate::vocabulary::recipe::{Method, Recipe};

/// Watches the values of one tensor, frame by frame.
pub trait Observer: std::fmt::Debug {
    fn observe(&mut self, values: &[f32]);

    /// The range for integers of `grid`, as `[min, max]`; `None` before anything was seen.
    fn range(&self, grid: Grid) -> Option<[f32; 2]>;
}

/// The observer that the recipe's method needs.
pub fn observer(recipe: &Recipe) -> Box<dyn Observer> {
    let of_histogram =
        |range: RangeOf| Box::new(OfHistogram { histogram: Histogram::default(), range });
    match recipe.method {
        Method::Minmax => Box::new(MinMax::default()),
        Method::MovingAverage => Box::new(MovingAverage::default()),
        Method::Percentile => {
            let percentile = recipe.percentile;
            of_histogram(Box::new(move |histogram, _| percentile::range(histogram, percentile)))
        }
        Method::Entropy => of_histogram(Box::new(entropy::range)),
        Method::Mse => of_histogram(Box::new(mse::range)),
    }
}

/// The smallest and largest value seen, as ONNX Runtime's `CalibrationMethod.MinMax`.
#[derive(Debug, Default)]
struct MinMax {
    range: Option<[f32; 2]>,
}

impl Observer for MinMax {
    fn observe(&mut self, values: &[f32]) {
        let Some([low, high]) = extremes(values) else { return };
        let [seen_low, seen_high] = self.range.unwrap_or([low, high]);
        self.range = Some([seen_low.min(low), seen_high.max(high)]);
    }

    fn range(&self, _: Grid) -> Option<[f32; 2]> {
        self.range
    }
}

/// The smallest and largest value of each frame, averaged: `min += 0.01 (frame's min - min)`, from
/// the first frame's on.
///
/// As PyTorch's `MovingAverageMinMaxObserver`. Later frames weigh more, so they come in random
/// order.
#[derive(Debug, Default)]
struct MovingAverage {
    range: Option<[f64; 2]>,
}

impl MovingAverage {
    const CONSTANT: f64 = 0.01;
}

impl Observer for MovingAverage {
    fn observe(&mut self, values: &[f32]) {
        let Some(frame) = extremes(values) else { return };
        let frame = frame.map(f64::from);
        self.range = Some(match self.range {
            None => frame,
            Some(average) => [0, 1].map(|i| average[i] + Self::CONSTANT * (frame[i] - average[i])),
        });
    }

    fn range(&self, _: Grid) -> Option<[f32; 2]> {
        self.range.map(|range| range.map(|v| v as f32))
    }
}

type RangeOf = Box<dyn Fn(&Histogram, Grid) -> Option<[f32; 2]>>;

/// A method that decides by the histogram of all values.
struct OfHistogram {
    histogram: Histogram,
    range: RangeOf,
}

impl std::fmt::Debug for OfHistogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OfHistogram").field("histogram", &self.histogram).finish_non_exhaustive()
    }
}

impl Observer for OfHistogram {
    fn observe(&mut self, values: &[f32]) {
        self.histogram.add(values);
    }

    fn range(&self, grid: Grid) -> Option<[f32; 2]> {
        (self.range)(&self.histogram, grid)
    }
}

/// The smallest and largest of `values`, `None` if none is a number.
pub(super) fn extremes(values: &[f32]) -> Option<[f32; 2]> {
    let [low, high] = elementwise::extremes(values);
    (low <= high).then_some([low, high])
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTE: Grid = Grid { levels: 255, symmetric: false };

    fn of(method: Method) -> Box<dyn Observer> {
        observer(&Recipe { method, ..Recipe::default() })
    }

    #[test]
    fn minmax_spans_all_frames() {
        let mut observer = of(Method::Minmax);
        assert_eq!(observer.range(BYTE), None);
        observer.observe(&[]);
        assert_eq!(observer.range(BYTE), None);
        let ramp: Vec<f32> = (0..19).map(|i| i as f32 / 4.0 - 1.0).collect();
        observer.observe(&ramp);
        assert_eq!(observer.range(BYTE), Some([-1.0, 3.5]));
        observer.observe(&[f32::NAN, -2.5]);
        assert_eq!(observer.range(BYTE), Some([-2.5, 3.5]));
    }

    #[test]
    fn the_moving_average_starts_at_the_first_frame() {
        let mut observer = of(Method::MovingAverage);
        observer.observe(&[-1.0, 10.0]);
        observer.observe(&[-2.0, 20.0]);
        observer.observe(&[0.0, 0.0]);
        // 10 + 0.01 x 10 = 10.1, less one hundredth of it.
        let expected = [(-1.01 * 0.99) as f32, (10.1 * 0.99) as f32];
        assert_eq!(observer.range(BYTE), Some(expected));
    }

    #[test]
    fn no_method_gives_a_range_before_it_saw_a_number() {
        for method in Method::ALL {
            let mut observer = of(method);
            observer.observe(&[f32::NAN]);
            assert_eq!(observer.range(BYTE), None, "{method:?}");
        }
    }

    /// A clean grid has no outliers to clip: every method keeps it (to the histogram's bin).
    #[test]
    fn no_method_clips_an_even_distribution_away() {
        let values: Vec<f32> = (0..=20_000).map(|i| i as f32 / 20_000.0 * 5.0 - 1.0).collect();
        for method in Method::ALL {
            let mut observer = of(method);
            observer.observe(&values);
            let [low, high] = observer.range(BYTE).unwrap();
            assert!(
                (-1.0..=-0.98).contains(&low) && (3.9..=4.0).contains(&high),
                "{method:?}: {low} {high}"
            );
        }
    }
}
