//! Quantizing weights and biases.

use super::{Granularity, QParams, range::weight_scale};
use crate::graph::{Data, Element, Tensor};
use crate::kernels::requantize::quantize;

/// Symmetric int8 weights: the integers, and their scales along `axis` (or one for all).
///
/// `least` gives a lower bound for the scale of each channel, for the sake of its bias; see
/// [`least_scales`].
pub(super) fn quantize_weights(
    weights: &Tensor,
    values: &[f32],
    axis: usize,
    granularity: Granularity,
    reduce_range: bool,
    least: &[f32],
) -> (Tensor, QParams) {
    let qmax = if reduce_range { 64 } else { 127 };
    let channels = weights.shape[axis];
    let inner: usize = weights.shape[axis + 1..].iter().product();
    let channel = |i: usize| i / inner.max(1) % channels.max(1);
    let per_channel = granularity == Granularity::PerChannel;
    let mut absmax = vec![0f32; if per_channel { channels } else { 1 }];
    for (i, w) in values.iter().enumerate() {
        let absmax = &mut absmax[if per_channel { channel(i) } else { 0 }];
        *absmax = absmax.max(w.abs());
    }
    let mut scale: Vec<f32> = absmax.iter().map(|&m| weight_scale(m, qmax)).collect();
    for (c, &least) in least.iter().enumerate() {
        let scale = &mut scale[if per_channel { c } else { 0 }];
        *scale = scale.max(least);
    }
    let codes = values.iter().enumerate().map(|(i, &w)| {
        quantize(w, scale[if per_channel { channel(i) } else { 0 }], 0, [-qmax, qmax]) as i8
    });
    let tensor = Tensor::new(weights.shape.clone(), Data::I8(codes.collect()));
    let zero_point = vec![0; scale.len()];
    let axis = per_channel.then_some(axis);
    (tensor, QParams { element: Element::I8, scale, zero_point, axis })
}

/// The smallest weight scale with which each channel's bias fits int32 in units of
/// `input scale x weight scale`.
pub(super) fn least_scales(bias: &[f32], input_scale: f32) -> Vec<f32> {
    // A hair less than 2^31 - 1, so that rounding the scale to f32 cannot overflow.
    const LARGEST: f64 = 2_147_483_000.0;
    bias.iter().map(|&b| (f64::from(b.abs()) / (f64::from(input_scale) * LARGEST)) as f32).collect()
}

/// An int32 bias in units of `input scale x weight scale`, and those units.
///
/// A single bias value is spread over all channels where the weights have a scale each.
pub(super) fn quantize_bias(
    bias: &[f32],
    input_scale: f32,
    weights: &QParams,
) -> (Vec<i32>, QParams) {
    let scale: Vec<f32> = weights.scale.iter().map(|w| input_scale * w).collect();
    let len = bias.len().max(scale.len());
    let codes = (0..len).map(|i| {
        let real = f64::from(bias[i % bias.len()]);
        // The cast saturates.
        (real / f64::from(scale[i % scale.len()])).round_ties_even() as i32
    });
    let zero_point = vec![0; scale.len()];
    let axis = (scale.len() > 1).then_some(0);
    (codes.collect(), QParams { element: Element::I32, scale, zero_point, axis })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_its_own_scale() {
        let values = [1.0, -0.5, 0.1, 0.02];
        let weights = Tensor::new([2, 2], Data::F32(values.to_vec()));
        let (codes, q) =
            quantize_weights(&weights, &values, 0, Granularity::PerChannel, false, &[]);
        assert_eq!(codes.data, Data::I8(vec![127, -64, 127, 25]));
        assert_eq!(q.scale, [(1.0f64 / 127.0) as f32, (f64::from(0.1f32) / 127.0) as f32]);
        let (codes, q) = quantize_weights(&weights, &values, 1, Granularity::PerTensor, true, &[]);
        assert_eq!(codes.data, Data::I8(vec![64, -32, 6, 1]));
        assert_eq!((q.scale, q.axis), (vec![1.0 / 64.0], None));
    }

    #[test]
    fn a_bias_too_large_raises_the_weight_scale() {
        let values = [1e-6];
        let weights = Tensor::new([1, 1], Data::F32(values.to_vec()));
        let least = least_scales(&[1e6], 1e-3);
        let (_, q) = quantize_weights(&weights, &values, 0, Granularity::PerChannel, false, &least);
        let (bias, q) = quantize_bias(&[1e6], 1e-3, &q);
        assert!(bias[0] < i32::MAX && f64::from(bias[0]) > 0.999 * f64::from(i32::MAX));
        assert!((f64::from(bias[0]) * f64::from(q.scale[0]) - 1e6).abs() < 1.0);
    }
}
