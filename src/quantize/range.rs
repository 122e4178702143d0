//! From a range of real numbers to scale and zero point.

use crate::graph::Element;
use crate::quantize::{ActivationType, QParams};

/// Scale and zero point for activations in `min..=max`.
///
/// The range is widened to include 0. Computed in f64 and rounded half to even, as ONNX Runtime's
/// `quant_utils.compute_scale_zp` does; a scale under f32's smallest normal becomes 1.
///
/// Asymmetric: `scale = (max - min) / (qmax - qmin)`, `zero point = round(qmin - min / scale)`.
/// Symmetric: the zero point is the middle (u8: 128, i8: 0).
pub fn activation(min: f32, max: f32, kind: ActivationType, symmetric: bool) -> QParams {
    let (element, qmin, qmax) = match (kind, symmetric) {
        (ActivationType::U8, _) => (Element::U8, 0.0, 255.0),
        (ActivationType::I8, false) => (Element::I8, -128.0, 127.0),
        (ActivationType::I8, true) => (Element::I8, -127.0, 127.0),
    };
    let (mut min, mut max) = (f64::from(min.min(0.0)), f64::from(max.max(0.0)));
    if symmetric {
        max = max.max(-min);
        min = -max;
    }
    let scale = (max - min) / (qmax - qmin);
    if scale < f64::from(f32::MIN_POSITIVE) {
        return QParams { element, scale: vec![1.0], zero_point: vec![0], axis: None };
    }
    let zero_point = if symmetric {
        ((qmin + qmax) / 2.0).round_ties_even()
    } else {
        (qmin - min / scale).round_ties_even()
    };
    QParams { element, scale: vec![scale as f32], zero_point: vec![zero_point as i32], axis: None }
}

/// The scale of symmetric int8 weights whose largest magnitude is `absmax`: `absmax / qmax`.
///
/// `qmax` is 127, or 64 where the range is reduced.
pub fn weight_scale(absmax: f32, qmax: i32) -> f32 {
    let scale = f64::from(absmax) / f64::from(qmax);
    if scale < f64::from(f32::MIN_POSITIVE) { 1.0 } else { scale as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asymmetric_range_is_widened_to_zero() {
        let q = activation(2.0, 5.1, ActivationType::U8, false);
        assert_eq!((q.scale[0], q.zero_point[0]), ((5.1f32 as f64 / 255.0) as f32, 0));
        let q = activation(-1.0, 3.0, ActivationType::U8, false);
        // -(-1) / (4 / 255) = 63.75.
        assert_eq!(q.zero_point[0], 64);
        let q = activation(-1.0, 3.0, ActivationType::I8, false);
        assert_eq!(q.zero_point[0], 64 - 128);
    }

    #[test]
    fn symmetric_zero_point_is_the_middle() {
        let q = activation(-1.0, 4.0, ActivationType::U8, true);
        assert_eq!((q.scale[0], q.zero_point[0]), ((8.0 / 255.0) as f32, 128));
        let q = activation(-1.0, 4.0, ActivationType::I8, true);
        assert_eq!((q.scale[0], q.zero_point[0]), ((4.0 / 127.0) as f32, 0));
    }

    #[test]
    fn an_empty_range_has_scale_one() {
        let q = activation(0.0, 0.0, ActivationType::U8, false);
        assert_eq!((q.scale[0], q.zero_point[0]), (1.0, 0));
        assert_eq!(weight_scale(1e-40, 127), 1.0);
    }
}
