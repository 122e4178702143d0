//! How well integers keep the values of each tensor.

use super::super::QParams;
use super::super::calibrate::watch;
use super::super::observer::Histogram;
use super::super::placement::weight_axis;
use super::super::post_training::Calibrated;
use super::super::weights::Channels;
use crate::data::Dataset;
use crate::error::Result;
use crate::graph::operator::operator;
use crate::graph::{Graph, Tensor};
use crate::kernels::requantize::quantize;
use crate::progress::Progress;
use crate::score::noise::Noise;
use crate::vocabulary::analysis::{Bars, TensorDamage};

/// Bins of a small picture.
const BARS: usize = 64;

/// What is counted of one tensor.
struct Count<'a> {
    params: &'a QParams,
    histogram: Histogram,
    noise: Noise,
    /// By integer, from the smallest on.
    used: Vec<bool>,
    clipped: u64,
    total: u64,
}

impl<'a> Count<'a> {
    fn new(params: &'a QParams) -> Self {
        let [low, high] = params.bounds;
        Self {
            params,
            histogram: Histogram::default(),
            noise: Noise::default(),
            used: vec![false; (high - low) as usize + 1],
            clipped: 0,
            total: 0,
        }
    }

    /// `channel` is the place of a value's scale, by the value's own.
    fn add(&mut self, values: &[f32], channel: impl Fn(usize) -> usize) {
        self.histogram.add(values);
        self.total += values.len() as u64;
        let [low, high] = self.params.bounds;
        for (i, &value) in values.iter().enumerate() {
            let c = channel(i);
            let (scale, zero_point) = (self.params.scale[c], self.params.zero_point[c]);
            let code = quantize(value, scale, zero_point, [low, high]);
            self.used[(code - low) as usize] = true;
            let left = (code - zero_point) as f32 * scale;
            self.noise.add(value, left);
            // Rounding moves a value by half a step at most.
            if (value - left).abs() > 0.501 * scale && (code == low || code == high) {
                self.clipped += 1;
            }
        }
    }

    fn damage(&self, name: &str, node: Option<&str>, is_weight: bool) -> TensorDamage {
        let QParams { bounds, scale, zero_point, .. } = self.params;
        let end = |bound: i32, fold: fn(f32, f32) -> f32| {
            let ends = scale.iter().zip(zero_point).map(|(s, z)| (bound - z) as f32 * s);
            ends.fold(0.0, fold)
        };
        let used = self.used.iter().filter(|used| **used).count();
        TensorDamage {
            name: name.into(),
            node: node.map(Into::into),
            is_weight,
            element_type: self.params.element.name().into(),
            bits: self.params.bits,
            observed: self.histogram.range().unwrap_or_default(),
            represented: [end(bounds[0], f32::min), end(bounds[1], f32::max)],
            sqnr_db: self.noise.sqnr_db(),
            cosine: self.noise.cosine(),
            range_used: used as f64 / self.used.len() as f64,
            clipped: self.clipped as f64 / self.total.max(1) as f64,
            scale: scale[0],
            zero_point: zero_point[0],
            histogram: bars(&self.histogram),
        }
    }
}

/// A histogram of few bins, zeros among them.
fn bars(histogram: &Histogram) -> Bars {
    let [low, high] = histogram.range().unwrap_or_default();
    let mut counts = vec![0; BARS];
    let width = (f64::from(high) - f64::from(low)) / BARS as f64;
    let mut add = |value: f64, count: u64| {
        let bar = if width > 0.0 { (value - f64::from(low)) / width } else { 0.0 };
        counts[(bar.max(0.0) as usize).min(BARS - 1)] += count;
    };
    for (bin, count) in histogram.bins().filter(|(_, count)| *count > 0) {
        add((bin as f64 + 0.5) * histogram.width(), count);
    }
    if histogram.zeros() > 0 {
        add(0.0, histogram.zeros());
    }
    Bars { low, high, counts }
}

/// The smallest and largest value of each channel.
#[derive(Debug, Clone, Default)]
struct Spans(Vec<[f32; 2]>);

impl Spans {
    fn add(&mut self, values: &[f32], channels: usize) {
        self.0.resize(channels, [f32::INFINITY, f32::NEG_INFINITY]);
        let inner = (values.len() / channels.max(1)).max(1);
        for (c, plane) in values.chunks_exact(inner).enumerate() {
            let span = &mut self.0[c % channels];
            for &x in plane {
                *span = [span[0].min(x), span[1].max(x)];
            }
        }
    }
}

/// What was seen of the network's tensors over the calibration frames.
pub(super) struct Seen {
    pub(super) damage: Vec<TensorDamage>,
    /// By tensor, the channels (axis 1) that are the same on every frame and everywhere.
    pub(super) dead: Vec<(String, Vec<usize>)>,
}

/// Looks at every tensor with a scale of its own and at all weights.
///
/// # Errors
/// Frames that do not fit the network, and cancelling.
pub(super) fn look(
    calibrated: &Calibrated,
    data: &Dataset,
    channels: impl Fn(&str) -> usize,
    progress: &mut Progress,
) -> Result<Seen> {
    let Calibrated { prepared, params, layers, indices } = calibrated;
    let graph = &prepared.graph;
    let order = |name: &String| {
        let made = graph.nodes.iter().position(|n| n.outputs.contains(name));
        made.map_or(0, |i| i + 1)
    };
    let mut roots = prepared.roots();
    roots.sort_by_key(order);
    let mut counts: Vec<Count> = roots.iter().map(|root| Count::new(&params[root])).collect();
    let mut spans = vec![Spans::default(); roots.len()];
    let by_root: Vec<usize> = roots.iter().map(|root| channels(root)).collect();
    let mut visit = |i: usize, values: &[f32]| {
        counts[i].add(values, |_| 0);
        spans[i].add(values, by_root[i]);
    };
    watch(graph, &roots, data, indices, false, &mut visit, progress)?;
    let producers = graph.producers();
    let mut damage = Vec::new();
    for (root, count) in roots.iter().zip(&counts) {
        let made = producers.get(root.as_str()).filter(|_| !graph.is_input(root));
        let node = made.map(|&i| layer_of(graph, i));
        damage.push(count.damage(root, node, false));
    }
    for node in &graph.nodes {
        let Some(weights) = layers.weights.get(&node.name) else { continue };
        let Some((tensor, values)) = weights_of(graph, node) else { continue };
        let mut count = Count::new(&weights.params);
        let channels = Channels::of(tensor, weights.params.axis);
        count.add(values, |i| channels.of_weight(i));
        // Learned rounding leaves something else than the nearest integers.
        count.noise = Noise::default();
        for (&value, left) in values.iter().zip(weights.reals(tensor)) {
            count.noise.add(value, left);
        }
        damage.push(count.damage(&node.inputs[1], Some(&node.name), true));
    }
    let dead = |(root, spans): (&String, &Spans)| {
        let same = spans.0.iter().enumerate().filter(|(_, [low, high])| low >= high);
        (root.clone(), same.map(|(c, _)| c).collect())
    };
    Ok(Seen { damage, dead: roots.iter().zip(&spans).map(dead).collect() })
}

/// The node whose result the tensor of node `at` is: the one before a Relu or Clip.
fn layer_of(graph: &Graph, at: usize) -> &str {
    let node = &graph.nodes[at];
    let activation = operator(&node.op).clips;
    let before = graph.nodes.iter().find(|n| n.outputs.first() == node.inputs.first());
    before.filter(|_| activation).map_or(&node.name, |before| &before.name)
}

fn weights_of<'a>(
    graph: &'a Graph,
    node: &'a crate::graph::Node,
) -> Option<(&'a Tensor, &'a [f32])> {
    weight_axis(node)?;
    let tensor = graph.constant(node, 1)?;
    Some((tensor, tensor.as_f32()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Element;

    /// Three bits from 0 to 7, one apart.
    fn params() -> QParams {
        QParams {
            element: Element::U8,
            bits: 3,
            bounds: [0, 7],
            scale: vec![1.0],
            zero_point: vec![0],
            axis: None,
        }
    }

    #[test]
    fn noise_is_what_is_lost() {
        let params = params();
        let mut count = Count::new(&params);
        // 0.25 and 2.25 lose a quarter each, 9 loses 2 and is clipped.
        count.add(&[0.0, 0.25, 2.25, 9.0], |_| 0);
        let damage = count.damage("t", None, false);
        let signal = 0.0625 + 5.0625 + 81.0;
        let expected = 10.0 * f64::log10(signal / (0.0625 + 0.0625 + 4.0));
        assert!((damage.sqnr_db.unwrap() - expected).abs() < 1e-9);
        assert_eq!((damage.clipped, damage.range_used), (0.25, 3.0 / 8.0));
        assert_eq!((damage.observed, damage.represented), ([0.0, 9.0], [0.0, 7.0]));
        assert_eq!(damage.histogram.counts.iter().sum::<u64>(), 4);
        let cosine = (2.25 * 2.0 + 9.0 * 7.0) / (signal * (4.0 + 49.0)).sqrt();
        assert!((damage.cosine - cosine).abs() < 1e-9);
    }

    #[test]
    fn nothing_lost_has_no_ratio() {
        let params = params();
        let mut count = Count::new(&params);
        count.add(&[0.0, 3.0, 7.0], |_| 0);
        let damage = count.damage("t", None, false);
        assert_eq!((damage.sqnr_db, damage.clipped), (None, 0.0));
        assert!((damage.cosine - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_channel_that_never_changes_is_dead() {
        let mut spans = Spans::default();
        spans.add(&[1.0, 1.0, 0.0, 2.0], 2);
        spans.add(&[1.0, 1.0, 0.0, 0.0], 2);
        assert_eq!(spans.0, [[1.0, 1.0], [0.0, 2.0]]);
    }
}
