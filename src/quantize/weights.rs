//! Quantizing weights and biases.

use super::{QParams, range::weight_scale};
use crate::graph::weights::{Places, has_own_channels};
use crate::graph::{Element, Node, Tensor};
use crate::kernels::requantize::quantize;
use crate::vocabulary::recipe::{Format, Granularity, Recipe, WeightRange};

/// How the weights of one node are quantized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WeightScheme {
    /// What the file stores them in: QDQ files have INT4 for 4 bits and fewer.
    pub element: Element,
    pub bits: u32,
    pub granularity: Granularity,
    pub range: WeightRange,
    /// With a zero point; for a whole tensor only.
    pub asymmetric: bool,
    pub reduce_range: bool,
}

impl WeightScheme {
    pub(crate) fn of(recipe: &Recipe, node: &Node) -> Self {
        let bits = recipe.weight_bits_of(&node.name);
        let small = bits <= 4 && recipe.format == Format::Qdq;
        let one = !has_own_channels(node);
        Self {
            element: if small { Element::I4 } else { Element::I8 },
            bits,
            granularity: if one { Granularity::PerTensor } else { recipe.weights },
            range: recipe.weight_range,
            asymmetric: recipe.asymmetric_weights,
            reduce_range: recipe.reduce_range,
        }
    }

    /// The smallest and largest integer. Symmetric: `+-(2^(bits-1) - 1)`; a reduced range, which
    /// only 8 bits need, is `+-64`.
    fn bounds(self) -> [i32; 2] {
        let half = 1 << (self.bits - 1);
        match (self.asymmetric, self.reduce_range && self.bits == 8) {
            (true, false) => [-half, half - 1],
            (true, true) => [-64, 63],
            (false, false) => [1 - half, half - 1],
            (false, true) => [-64, 64],
        }
    }
}

/// Which of the scales serves each weight.
pub(super) struct Channels {
    count: usize,
    inner: usize,
}

impl Channels {
    pub(super) fn of(weights: &Tensor, axis: Option<usize>) -> Self {
        match axis {
            None => Self { count: 1, inner: weights.len().max(1) },
            Some(axis) => Self {
                count: weights.shape[axis].max(1),
                inner: weights.shape[axis + 1..].iter().product::<usize>().max(1),
            },
        }
    }

    pub(super) fn of_weight(&self, i: usize) -> usize {
        i / self.inner % self.count
    }
}

/// Scales, zero points and bounds for weights of `values`, with scales along `axis` where each
/// channel has its own.
///
/// `given` ranges are taken instead of the values' own: one for each scale, or none. `least` gives a lower bound for the scale of each channel, for the sake of its bias; see
/// [`least_scales`].
pub(super) fn weight_params(
    weights: &Tensor,
    values: &[f32],
    axis: usize,
    scheme: WeightScheme,
    (given, least): (&[[f64; 2]], &[f32]),
) -> QParams {
    let axis = (scheme.granularity == Granularity::PerChannel).then_some(axis);
    let channels = Channels::of(weights, axis);
    let bounds = scheme.bounds();
    let mut members = vec![Vec::with_capacity(values.len() / channels.count); channels.count];
    for (i, &w) in values.iter().enumerate() {
        members[channels.of_weight(i)].push(w);
    }
    let own = |(channel, members): (usize, &Vec<f32>)| match given.get(channel) {
        Some(range) => scheme.of_range(*range, bounds),
        None => scheme.scale_and_zero_point(members, bounds),
    };
    let (mut scale, zero_point): (Vec<f32>, Vec<i32>) = members.iter().enumerate().map(own).unzip();
    for (scale, least) in scale.iter_mut().zip(least_per_scale(least, channels.count)) {
        *scale = scale.max(least);
    }
    QParams { element: scheme.element, bits: scheme.bits, bounds, scale, zero_point, axis }
}

impl WeightScheme {
    /// Scale and zero point of weights that share them.
    pub(crate) fn scale_and_zero_point(self, members: &[f32], bounds: [i32; 2]) -> (f32, i32) {
        let [low, high] =
            members.iter().fold([0f32; 2], |[low, high], &w| [low.min(w), high.max(w)]);
        let at = |share: f32| self.of_range([low, high].map(|end| f64::from(end * share)), bounds);
        match self.range {
            WeightRange::Minmax => at(1.0),
            WeightRange::Mse => least_error(members, bounds, at),
        }
    }
}

impl WeightScheme {
    /// Scale and zero point for weights from `low` to `high`.
    fn of_range(self, [low, high]: [f64; 2], bounds: [i32; 2]) -> (f32, i32) {
        let (low, high) = (low.min(0.0), high.max(0.0));
        if !self.asymmetric {
            return (weight_scale(high.max(-low), bounds[1]), 0);
        }
        let scale = (high - low) / f64::from(bounds[1] - bounds[0]);
        if scale < f64::from(f32::MIN_POSITIVE) {
            return (1.0, 0);
        }
        let zero_point = (f64::from(bounds[0]) - low / scale).round_ties_even();
        (scale as f32, (zero_point as i32).clamp(bounds[0], bounds[1]))
    }
}

/// Of the range's hundredths, the scale and zero point with the least summed squared error.
///
/// Nagel et al., "A White Paper on Neural Network Quantization" (2021), section 3.1.
fn least_error(members: &[f32], bounds: [i32; 2], at: impl Fn(f32) -> (f32, i32)) -> (f32, i32) {
    let error = |(scale, zero_point): (f32, i32)| -> f64 {
        let off = |w: f32| {
            let q = quantize(w, scale, zero_point, bounds);
            f64::from(w) - f64::from(q - zero_point) * f64::from(scale)
        };
        members.iter().map(|&w| off(w) * off(w)).sum()
    };
    let mut best = (at(1.0), f64::INFINITY);
    // From the full range down: of equals the widest.
    for hundredth in (1..=100).rev() {
        let candidate = at(hundredth as f32 / 100.0);
        let error = error(candidate);
        if error < best.1 {
            best = (candidate, error);
        }
    }
    best.0
}

/// Each weight's nearest integer.
pub(super) fn round_to_nearest(weights: &Tensor, values: &[f32], params: &QParams) -> Vec<i32> {
    let channels = Channels::of(weights, params.axis);
    let code = |(i, &w): (usize, &f32)| {
        let c = channels.of_weight(i);
        quantize(w, params.scale[c], params.zero_point[c], params.bounds)
    };
    values.iter().enumerate().map(code).collect()
}

/// The reals that integers stand for; `weights` has their shape.
pub(super) fn dequantize(weights: &Tensor, codes: &[i32], params: &QParams) -> Vec<f32> {
    let channels = Channels::of(weights, params.axis);
    let real = |(i, &q): (usize, &i32)| {
        let c = channels.of_weight(i);
        (q - params.zero_point[c]) as f32 * params.scale[c]
    };
    codes.iter().enumerate().map(real).collect()
}

/// Per output channel of `node`, the sum of the magnitudes of its integers less their zero point;
/// `None` for what has no weights of this shape.
pub(super) fn absolute_sums(
    node: &Node,
    weights: &Tensor,
    codes: &[i32],
    params: &QParams,
) -> Option<Vec<f64>> {
    let places = Places::of(node, &weights.shape)?;
    let own = Channels::of(weights, params.axis);
    let mut sums = vec![0.0; places.all_outputs()];
    for (i, &code) in codes.iter().enumerate() {
        let centred = code - params.zero_point[own.of_weight(i)];
        sums[places.output(i)] += f64::from(centred.abs());
    }
    Some(sums)
}

/// The smallest weight scale with which a bias takes no more than half of int32 in units of
/// `input scale x weight scale`: the other half is for the products.
pub(crate) fn least_scale(bias: f32, input_scale: f32) -> f32 {
    const LARGEST: f64 = (1 << 30) as f64;
    (f64::from(bias.abs()) / (f64::from(input_scale) * LARGEST)) as f32
}

/// [`least_scale`] for each of several biases.
pub(crate) fn least_scales(bias: &[f32], input_scale: f32) -> Vec<f32> {
    bias.iter().map(|&b| least_scale(b, input_scale)).collect()
}

/// One bound for each of `count` scales, from one for each bias; a single bias is spread over all
/// channels.
fn least_per_scale(least: &[f32], count: usize) -> Vec<f32> {
    let mut bounds = vec![0f32; count];
    for i in 0..if least.is_empty() { 0 } else { least.len().max(count) } {
        let bound = &mut bounds[i % count];
        *bound = bound.max(least[i % least.len()]);
    }
    bounds
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
    let bounds = [i32::MIN, i32::MAX];
    (codes.collect(), QParams { element: Element::I32, bits: 32, bounds, scale, zero_point, axis })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Data;

    const BYTES: WeightScheme = WeightScheme {
        element: Element::I8,
        bits: 8,
        granularity: Granularity::PerChannel,
        range: WeightRange::Minmax,
        asymmetric: false,
        reduce_range: false,
    };

    fn quantized(
        values: &[f32],
        shape: [usize; 2],
        axis: usize,
        scheme: WeightScheme,
    ) -> (Vec<i32>, QParams) {
        let weights = Tensor::new(shape, Data::F32(values.to_vec()));
        let params = weight_params(&weights, values, axis, scheme, (&[], &[]));
        (round_to_nearest(&weights, values, &params), params)
    }

    #[test]
    fn each_channel_has_its_own_scale() {
        let values = [1.0, -0.5, 0.1, 0.02];
        let (codes, q) = quantized(&values, [2, 2], 0, BYTES);
        assert_eq!(codes, [127, -64, 127, 25]);
        assert_eq!(q.scale, [(1.0f64 / 127.0) as f32, (f64::from(0.1f32) / 127.0) as f32]);
        let (codes, _) = quantized(&values, [2, 2], 1, BYTES);
        assert_eq!(codes, [127, -127, 13, 5]);
        let whole =
            WeightScheme { granularity: Granularity::PerTensor, reduce_range: true, ..BYTES };
        let (codes, q) = quantized(&values, [2, 2], 1, whole);
        assert_eq!(codes, [64, -32, 6, 1]);
        assert_eq!((q.scale, q.axis), (vec![1.0 / 64.0], None));
    }

    #[test]
    fn few_bits_are_few_integers() {
        let values: Vec<f32> = (-10..=10).map(|i| i as f32 / 10.0).collect();
        let whole = WeightScheme { granularity: Granularity::PerTensor, ..BYTES };
        for (bits, most) in [(2, 1), (3, 3), (4, 7), (6, 31)] {
            let (codes, q) = quantized(&values, [1, 21], 0, WeightScheme { bits, ..whole });
            assert_eq!((codes[0], codes[10], codes[20]), (-most, 0, most));
            assert_eq!(q.scale, [(1.0 / f64::from(most)) as f32]);
        }
        let lopsided: Vec<f32> = (0..=16).map(|i| i as f32 / 16.0 - 0.25).collect();
        let scheme = WeightScheme { bits: 4, asymmetric: true, ..whole };
        let (codes, q) = quantized(&lopsided, [1, 17], 0, scheme);
        // 1 / 15 per step; -0.25 is 3.75 steps below zero.
        assert_eq!((q.zero_point[0], codes[0], codes[16]), (-8 + 4, -8, 7));
    }

    #[test]
    fn the_least_error_clips_an_outlier() {
        // 999 weights of +-0.1 and one of 1: at two bits the grid is {-s, 0, s}.
        let mut values: Vec<f32> = (0..999).map(|i| if i % 2 == 0 { 0.1 } else { -0.1 }).collect();
        values.push(1.0);
        let scheme = WeightScheme { bits: 2, range: WeightRange::Mse, ..BYTES };
        let (_, q) = quantized(&values, [1, 1000], 0, scheme);
        // On the many weights the error is 0, on the one 0.81; at 1 it would be 999 x 0.01.
        assert_eq!(q.scale, [0.1]);
    }

    #[test]
    fn a_bias_too_large_raises_the_weight_scale() {
        let values = [1e-6];
        let weights = Tensor::new([1, 1], Data::F32(values.to_vec()));
        let least = least_scales(&[1e6], 1e-3);
        let q = weight_params(&weights, &values, 0, BYTES, (&[], &least));
        let (bias, q) = quantize_bias(&[1e6], 1e-3, &q);
        assert!((f64::from(bias[0]) / f64::from(1 << 30) - 1.0).abs() < 1e-3, "{bias:?}");
        assert!((f64::from(bias[0]) * f64::from(q.scale[0]) - 1e6).abs() < 1.0);
    }

    #[test]
    fn one_bias_is_the_bias_of_every_channel() {
        let values = [1.0, 1e-9, 1e-9];
        let weights = Tensor::new([3, 1], Data::F32(values.to_vec()));
        let q = weight_params(&weights, &values, 0, BYTES, (&[], &least_scales(&[100.0], 0.1)));
        let (bias, units) = quantize_bias(&[100.0], 0.1, &q);
        for (code, unit) in bias.iter().zip(&units.scale) {
            assert!((f64::from(*code) * f64::from(*unit) - 100.0).abs() < 1e-3, "{code} x {unit}");
        }
        let whole = WeightScheme { granularity: Granularity::PerTensor, ..BYTES };
        let q =
            weight_params(&weights, &[1e-9; 3], 0, whole, (&[], &least_scales(&[1.0, 9.0], 0.1)));
        assert_eq!(q.scale, [least_scale(9.0, 0.1)]);
    }
}
