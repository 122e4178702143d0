//! What BatchNormalization and arithmetic with constants do to each channel: `y = (x - mean) gain +
//! shift`; and how a layer takes that into its weights and its bias.
//!
//! Computed in f64, so that the result is the same on every target.

use super::weights::Places;
use super::{Data, Graph, Node, Tensor};

/// One element each for all channels, or one for each of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Affine {
    pub(super) gain: Vec<f64>,
    pub(super) mean: Vec<f64>,
    pub(super) shift: Vec<f64>,
}

/// New weights and bias for a layer.
pub(super) type Constants = [Tensor; 2];

impl Affine {
    /// Of a BatchNormalization; `None` while training, and where a statistic is computed.
    pub(super) fn normalization(graph: &Graph, node: &Node) -> Option<Self> {
        let training = node.int("training_mode", 0) != 0;
        if training || node.outputs[1..].iter().any(|output| !output.is_empty()) {
            return None;
        }
        let vector = |index| -> Option<Vec<f64>> {
            let values = graph.constant(node, index)?.as_f32()?;
            Some(values.iter().map(|&v| v.into()).collect())
        };
        let (scale, shift, mean, variance) = (vector(1)?, vector(2)?, vector(3)?, vector(4)?);
        let channels = scale.len();
        if [&shift, &mean, &variance].iter().any(|v| v.len() != channels) {
            return None;
        }
        let epsilon = f64::from(node.float("epsilon", 1e-5));
        let gain = scale.iter().zip(variance).map(|(s, v)| s / (v + epsilon).sqrt()).collect();
        Some(Self { gain, mean, shift })
    }

    /// Of Add, Sub, Mul or Div of a computed tensor and a constant of floats, with the input that is
    /// computed; whether the constant is for the channels is not asked.
    pub(super) fn arithmetic(graph: &Graph, node: &Node) -> Option<(usize, Self)> {
        let &[_, _] = node.inputs.as_slice() else { return None };
        let (computed, constant) = match [0, 1].map(|index| graph.constant(node, index)) {
            [Some(constant), None] => (1, constant),
            [None, Some(constant)] => (0, constant),
            _ => return None,
        };
        let values: Vec<f64> = constant.as_f32()?.iter().map(|&v| v.into()).collect();
        let all = |value: f64| vec![value; values.len()];
        let (gain, shift) = match (node.op.as_str(), computed) {
            ("Add", _) => (all(1.0), values),
            ("Sub", 0) => (all(1.0), values.iter().map(|v| -v).collect()),
            ("Sub", _) => (all(-1.0), values),
            ("Mul", _) => (values.clone(), all(0.0)),
            ("Div", 0) => (values.iter().map(|v| 1.0 / v).collect(), all(0.0)),
            _ => return None,
        };
        let mean = vec![0.0; gain.len()];
        let own = Self { gain, mean, shift };
        (own.channels() > 0 && own.is_finite()).then_some((computed, own))
    }

    /// How many channels it tells apart.
    pub(super) fn channels(&self) -> usize {
        self.gain.len()
    }

    pub(super) fn apply(&self, channel: usize, x: f64) -> f64 {
        (x - self.mean[channel]) * self.gain[channel] + self.shift[channel]
    }

    /// What zero becomes in each channel.
    pub(super) fn of_zero(&self) -> Vec<f64> {
        (0..self.channels()).map(|channel| self.apply(channel, 0.0)).collect()
    }

    pub(super) fn keeps_zero(&self) -> bool {
        self.of_zero().iter().all(|&y| y == 0.0)
    }

    /// Whether all it does can be said in f32.
    pub(super) fn is_finite(&self) -> bool {
        let finite = |&v: &f64| (v as f32).is_finite();
        self.gain.iter().all(finite) && self.of_zero().iter().all(finite)
    }

    /// The same for so many channels; `None` if it is for another number.
    pub(super) fn spread(&self, channels: usize) -> Option<Self> {
        let spread = |values: &[f64]| match values {
            &[all] => Some(vec![all; channels]),
            each => (each.len() == channels).then(|| each.to_vec()),
        };
        Some(Self {
            gain: spread(&self.gain)?,
            mean: spread(&self.mean)?,
            shift: spread(&self.shift)?,
        })
    }

    /// This, then `next`; `None` if they are for different channels.
    pub(super) fn then(&self, next: &Self) -> Option<Self> {
        let channels = self.channels().max(next.channels());
        let (own, next) = (self.spread(channels)?, next.spread(channels)?);
        let gain = own.gain.iter().zip(&next.gain).map(|(a, b)| a * b).collect();
        let shift = (0..channels).map(|c| next.apply(c, own.shift[c])).collect();
        Some(Self { gain, mean: own.mean, shift })
    }
}

/// What a layer becomes that has `affine` behind it.
pub(super) fn before(graph: &Graph, layer: &Node, affine: &Affine) -> Option<Constants> {
    let weights = graph.constant(layer, 1)?;
    let values = weights.as_f32()?;
    let channels = affine.channels();
    let places = places_of(layer, weights).filter(|own| own.all_outputs() == channels)?;
    let bias = bias_of(graph, layer, channels)?;
    let scaled = |(i, &w): (usize, &f32)| (f64::from(w) * affine.gain[places.output(i)]) as f32;
    let values = values.iter().enumerate().map(scaled).collect();
    let bias = bias.iter().enumerate().map(|(c, &b)| affine.apply(c, b.into()) as f32).collect();
    Some([
        Tensor::new(weights.shape.clone(), Data::F32(values)),
        Tensor::new([channels], Data::F32(bias)),
    ])
}

/// What a layer becomes that has `affine` before it. Zeros that pad it would become something else, so
/// that it takes only what keeps them; and so do the edges of a transposed convolution, where fewer
/// products are summed.
pub(super) fn behind(graph: &Graph, layer: &Node, affine: &Affine) -> Option<Constants> {
    let weights = graph.constant(layer, 1)?;
    let values = weights.as_f32()?;
    let edges = layer.ints("pads").is_some_and(|pads| pads.iter().any(|&p| p != 0))
        || layer.text("auto_pad").is_some_and(|mode| mode.starts_with("SAME"))
        || layer.is("ConvTranspose");
    if (edges && !affine.keeps_zero()) || layer.int("transA", 0) != 0 {
        return None;
    }
    let places = places_of(layer, weights).filter(|own| own.all_inputs() == affine.channels())?;
    let outputs = places.all_outputs();
    let bias = bias_of(graph, layer, outputs)?;
    let mut bias: Vec<f64> = bias.into_iter().map(f64::from).collect();
    let mut scaled = Vec::with_capacity(values.len());
    for (i, &w) in values.iter().enumerate() {
        let (input, output) = (places.input(i), places.output(i));
        scaled.push((f64::from(w) * affine.gain[input]) as f32);
        bias[output] += f64::from(w) * affine.apply(input, 0.0);
    }
    let bias = bias.into_iter().map(|b| b as f32).collect();
    Some([
        Tensor::new(weights.shape.clone(), Data::F32(scaled)),
        Tensor::new([outputs], Data::F32(bias)),
    ])
}

/// How the constant weights of a layer lie that takes factors.
pub(super) fn places(graph: &Graph, layer: &Node) -> Option<Places> {
    places_of(layer, graph.constant(layer, 1)?)
}

/// How the weights of a Conv, ConvTranspose or plain Gemm lie.
fn places_of(layer: &Node, weights: &Tensor) -> Option<Places> {
    let plain = layer.float("alpha", 1.0) == 1.0 && layer.float("beta", 1.0) == 1.0;
    let takes_factors = ["Conv", "ConvTranspose", "Gemm"].iter().any(|op| layer.is(op)) && plain;
    Places::of(layer, &weights.shape).filter(|_| takes_factors)
}

/// The bias of a layer with so many output channels: zeros where it has none.
fn bias_of(graph: &Graph, layer: &Node, channels: usize) -> Option<Vec<f32>> {
    if layer.input(2).is_none() {
        return Some(vec![0.0; channels]);
    }
    let bias = graph.constant(layer, 2)?;
    let values = bias.as_f32()?;
    match (values, &bias.shape[..]) {
        (&[all], _) => Some(vec![all; channels]),
        (each, [rows @ .., last]) if *last == channels && rows.iter().all(|&n| n == 1) => {
            Some(each.to_vec())
        }
        _ => None,
    }
}
