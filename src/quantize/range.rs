//! From a range of real numbers to scale and zero point.

use super::QParams;
use crate::graph::Element;
use crate::vocabulary::recipe::{ActivationType, Recipe};

/// An integer grid: so many steps, and where zero may lie on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// The largest integer less the smallest.
    pub levels: u32,
    /// Zero lies in the middle.
    pub symmetric: bool,
}

impl Grid {
    /// The scale, and the integers between the smallest one and zero, for reals in `min..=max`.
    ///
    /// The range is widened to include 0. Computed in f64 and rounded half to even, as ONNX
    /// Runtime's `quant_utils.compute_scale_zp` does. `None` for a scale under f32's smallest normal.
    pub fn scale_and_zero(self, [min, max]: [f64; 2]) -> Option<(f64, f64)> {
        let (mut min, mut max) = (min.min(0.0), max.max(0.0));
        let levels = f64::from(self.levels);
        if self.symmetric {
            max = max.max(-min);
            min = -max;
        }
        let scale = (max - min) / levels;
        let zero = if self.symmetric { levels / 2.0 } else { -min / scale };
        (scale >= f64::from(f32::MIN_POSITIVE)).then_some((scale, zero.round_ties_even()))
    }
}

/// How activations are quantized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivationScheme {
    pub kind: ActivationType,
    pub symmetric: bool,
    pub bits: u32,
}

impl ActivationScheme {
    /// The recipe's, for its own width.
    pub fn of(recipe: &Recipe) -> Self {
        Self { kind: recipe.activations, symmetric: recipe.symmetric, bits: recipe.activation_bits }
    }

    /// What ranges are chosen for. Symmetric i8: as far below zero as above; the smallest integer
    /// is for what lies outside.
    pub fn grid(self) -> Grid {
        let [low, high] = self.bounds();
        let spare = u32::from(self.kind == ActivationType::I8 && self.symmetric);
        Grid { levels: (high - low) as u32 - spare, symmetric: self.symmetric }
    }

    /// The smallest and largest integer: all that the bits have.
    fn bounds(self) -> [i32; 2] {
        let half = 1 << (self.bits - 1);
        match self.kind {
            ActivationType::U8 => [0, 2 * half - 1],
            ActivationType::I8 => [-half, half - 1],
        }
    }

    /// Scale and zero point for activations in `min..=max`.
    ///
    /// Asymmetric: `scale = (max - min) / (qmax - qmin)`, `zero point = round(qmin - min / scale)`.
    /// Symmetric: the zero point is the middle (u8 of 8 bits: 128, i8: 0). A range too narrow for
    /// f32 has scale 1 and zero point 0.
    pub fn params(self, range: [f32; 2]) -> QParams {
        self.params_of(range.map(f64::from))
    }

    /// The same for a range that somebody gives.
    pub(super) fn params_of(self, range: [f64; 2]) -> QParams {
        let element = match self.kind {
            ActivationType::U8 => Element::U8,
            ActivationType::I8 => Element::I8,
        };
        let bounds = self.bounds();
        let (scale, zero_point) = match self.grid().scale_and_zero(range) {
            Some((scale, _)) if self.symmetric && self.kind == ActivationType::I8 => (scale, 0),
            Some((scale, zero)) => (scale, bounds[0] + zero as i32),
            None => (1.0, 0),
        };
        QParams {
            element,
            bits: self.bits,
            bounds,
            scale: vec![scale as f32],
            zero_point: vec![zero_point],
            axis: None,
        }
    }

    /// The range that [`params`](Self::params) gives these for.
    pub fn range(self, params: &QParams) -> [f32; 2] {
        let (scale, zero_point) = (params.scale[0], params.zero_point[0]);
        let grid = self.grid();
        if grid.symmetric {
            let reach = scale * grid.levels as f32 / 2.0;
            return [-reach, reach];
        }
        self.bounds().map(|code| (code - zero_point) as f32 * scale)
    }

    /// Scale and zero point for what lies between 0 and 1 by definition, as ONNX Runtime has them for
    /// Softmax: scale `1 / 2^bits`, and zero is the smallest integer.
    pub fn unit_interval(self) -> QParams {
        let params = self.params([0.0, 1.0]);
        let scale = 1.0 / (1 << self.bits) as f32;
        QParams { scale: vec![scale], zero_point: vec![params.bounds[0]], ..params }
    }
}

/// The scale of symmetric weights whose largest magnitude is `absmax`: `absmax / qmax`.
pub fn weight_scale(absmax: f64, qmax: i32) -> f32 {
    let scale = absmax / f64::from(qmax);
    if scale < f64::from(f32::MIN_POSITIVE) { 1.0 } else { scale as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(range: [f32; 2], kind: ActivationType, symmetric: bool, bits: u32) -> (f32, i32) {
        let q = ActivationScheme { kind, symmetric, bits }.params(range);
        (q.scale[0], q.zero_point[0])
    }

    #[test]
    fn asymmetric_range_is_widened_to_zero() {
        use ActivationType::{I8, U8};
        assert_eq!(params([2.0, 5.1], U8, false, 8), ((5.1f32 as f64 / 255.0) as f32, 0));
        // -(-1) / (4 / 255) = 63.75.
        assert_eq!(params([-1.0, 3.0], U8, false, 8).1, 64);
        assert_eq!(params([-1.0, 3.0], I8, false, 8).1, 64 - 128);
        assert_eq!(params([-1.0, 3.0], U8, false, 4), ((4.0 / 15.0) as f32, 4));
        assert_eq!(params([-1.0, 3.0], I8, false, 3), ((4.0 / 7.0) as f32, -2));
    }

    #[test]
    fn a_range_gives_the_scale_that_it_came_from() {
        for kind in [ActivationType::U8, ActivationType::I8] {
            for (symmetric, bits) in [(false, 8), (false, 3), (true, 8), (true, 4), (true, 2)] {
                let scheme = ActivationScheme { kind, symmetric, bits };
                let params = scheme.params([-0.7, 1.9]);
                let again = scheme.params(scheme.range(&params));
                assert!((again.scale[0] / params.scale[0] - 1.0).abs() < 1e-6, "{scheme:?}");
                assert_eq!(again.zero_point, params.zero_point, "{scheme:?}");
            }
        }
    }

    #[test]
    fn symmetric_zero_point_is_the_middle() {
        use ActivationType::{I8, U8};
        for (bits, middle) in [(8, 128), (7, 64), (6, 32), (5, 16), (4, 8), (3, 4), (2, 2)] {
            let levels = f64::from((1 << bits) - 1);
            let expected = ((8.0 / levels) as f32, middle);
            assert_eq!(params([-1.0, 4.0], U8, true, bits), expected);
        }
        assert_eq!(params([-1.0, 4.0], I8, true, 8), ((4.0 / 127.0) as f32, 0));
        assert_eq!(params([-1.0, 4.0], I8, true, 4), ((4.0 / 7.0) as f32, 0));
        let symmetric = ActivationScheme { kind: I8, symmetric: true, bits: 4 };
        assert_eq!(symmetric.params([-1.0, 4.0]).bounds, [-8, 7]);
    }

    #[test]
    fn an_empty_range_has_scale_one() {
        for symmetric in [false, true] {
            assert_eq!(params([0.0, 0.0], ActivationType::U8, symmetric, 8), (1.0, 0));
        }
        assert_eq!(weight_scale(1e-40, 127), 1.0);
    }
}
