//! Cross-layer equalization and high-bias absorption.
//!
//! Nagel, van Baalen, Blankevoort, Welling, "Data-Free Quantization Through Weight Equalization and
//! Bias Correction" (2019), sections 4.1 and 4.1.3. A channel that one layer divides by `s` and the
//! next multiplies by `s` computes the same wherever what lies between is linear for positive
//! factors; the factors that make both layers' ranges equal are `s = sqrt(r1 r2) / r2`.

use std::collections::{BTreeMap, HashMap};

use super::calibrate::watch;
use super::placement::weight_axis;
use crate::data::Dataset;
use crate::error::Result;
use crate::graph::operator::{Factors, Layout, operator};
use crate::graph::weights::Places;
use crate::graph::{Data, Graph, Node, Tensor, clip_range, fresh_name};
use crate::progress::Progress;
use crate::runtime::{TensorType, tensor_types};

/// Sweeps over all pairs; the factors have settled long before.
const SWEEPS: usize = 20;

/// Two layers, and what lies between them.
#[derive(Debug, Clone, PartialEq)]
struct Pair {
    first: usize,
    /// A Relu or Clip behind the first layer.
    activation: Option<usize>,
    second: usize,
    /// The first layer's channels.
    channels: usize,
    /// How the weights of both lie.
    places: [Places; 2],
}

impl Pair {
    /// The channel that weight `i` of the first layer makes.
    fn made(&self, i: usize) -> usize {
        self.places[0].output(i)
    }

    /// The channel of the first layer that weight `i` of the second multiplies.
    fn read(&self, i: usize) -> usize {
        self.places[1].input(i) / (self.places[1].all_inputs() / self.channels)
    }
}

/// What calibration saw of a layer's output, per channel, before its activation.
#[derive(Debug, Clone, Default)]
struct Moments {
    count: f64,
    sum: Vec<f64>,
    square: Vec<f64>,
    max: Vec<f32>,
}

impl Moments {
    fn add(&mut self, values: &[f32], channels: usize) {
        self.sum.resize(channels, 0.0);
        self.square.resize(channels, 0.0);
        self.max.resize(channels, f32::NEG_INFINITY);
        let inner = (values.len() / channels.max(1)).max(1);
        self.count += inner as f64;
        for (c, plane) in values.chunks_exact(inner).enumerate() {
            let c = c % channels;
            for &x in plane {
                let wide = f64::from(x);
                self.sum[c] += wide;
                self.square[c] += wide * wide;
                self.max[c] = self.max[c].max(x);
            }
        }
    }

    /// Mean less three standard deviations: hardly ever undercut.
    fn low(&self, c: usize) -> f64 {
        let mean = self.sum[c] / self.count;
        mean - 3.0 * (self.square[c] / self.count - mean * mean).max(0.0).sqrt()
    }
}

/// Evens out the channels of every pair of neighbouring layers, then moves what an activation
/// lets through anyway from the first layer's bias into the second's.
///
/// A Clip that no channel reaches on the calibration frames becomes a Relu first (the paper replaces
/// Relu6 always); where some do, those keep their scale and the others stay below the bound, so
/// that the network still answers the same.
///
/// # Errors
/// Frames that do not fit the network, and cancelling.
pub(super) fn equalize(
    graph: &mut Graph,
    data: &Dataset,
    indices: &[usize],
    progress: &mut Progress,
) -> Result<()> {
    let pairs = pairs(graph, &tensor_types(graph, Some(data.frame_shape()))?);
    if pairs.is_empty() {
        return Ok(());
    }
    let tensors: Vec<String> =
        pairs.iter().map(|p| graph.nodes[p.first].output().to_string()).collect();
    let mut moments = vec![Moments::default(); pairs.len()];
    let visit = &mut |i: usize, values: &[f32]| {
        let pair: &Pair = &pairs[i];
        moments[i].add(values, pair.channels);
    };
    watch(graph, &tensors, data, indices, false, visit, progress)?;
    own_constants(graph, &pairs);
    let bounds: Vec<Option<f32>> =
        pairs.iter().zip(&moments).map(|(pair, seen)| open_clip(graph, pair, seen)).collect();
    let mut factors: Vec<Vec<f64>> = pairs.iter().map(|pair| vec![1.0; pair.channels]).collect();
    for _ in 0..SWEEPS {
        for (i, pair) in pairs.iter().enumerate() {
            let step = factors_of(graph, pair, bounds[i], &moments[i], &factors[i]);
            rescale(graph, pair, &step);
            factors[i].iter_mut().zip(&step).for_each(|(all, step)| *all *= step);
        }
    }
    for (i, pair) in pairs.iter().enumerate() {
        absorb(graph, pair, &moments[i], &factors[i]);
    }
    Ok(())
}

/// Whether factors of the channels (axis 1) pass through `node`: its result has the same frames, of
/// the same channels or in one row.
fn passes(node: &Node, types: &BTreeMap<String, TensorType>) -> bool {
    let shape = |tensor: &str| types.get(tensor).map_or(&[][..], |ty| &ty.shape);
    let (from, to) = (shape(&node.inputs[0]), shape(node.output()));
    let keeps = match (from, to) {
        ([frames, from @ ..], [same, row]) if frames == same => {
            from.iter().product::<usize>() == *row
        }
        ([frames, channels, ..], [same, own, ..]) => [frames, channels] == [same, own],
        _ => false,
    };
    let passes = match operator(&node.op).factors {
        Factors::Stop => false,
        Factors::Pass => true,
        Factors::PassWithChannels => keeps,
    };
    node.domain.is_empty() && passes
}

fn pairs(graph: &Graph, types: &BTreeMap<String, TensorType>) -> Vec<Pair> {
    let consumers = graph.consumers();
    let only_reader = |tensor: &str| match consumers.get(tensor).map(Vec::as_slice) {
        Some(&[reader]) if !graph.is_output(tensor) => Some(reader),
        _ => None,
    };
    let pair = |(first, node): (usize, &Node)| {
        let own = places(graph, node)?;
        let channels = own.all_outputs();
        let mut activation = None;
        let mut at = only_reader(node.output())?;
        if clip_range(graph, &graph.nodes[at]).is_some_and(|[low, _]| low == 0.0) {
            activation = Some(at);
            at = only_reader(graph.nodes[at].output())?;
        }
        while passes(&graph.nodes[at], types) {
            at = only_reader(graph.nodes[at].output())?;
        }
        let next = places(graph, &graph.nodes[at])?;
        let pair = Pair { first, activation, second: at, channels, places: [own, next] };
        takes_channels(&graph.nodes[at], &next, channels).then_some(pair)
    };
    graph.nodes.iter().enumerate().filter_map(pair).collect()
}

/// How the weights of a layer lie, if they and its bias are constant; `None` for what is no such
/// layer.
fn places(graph: &Graph, node: &Node) -> Option<Places> {
    weight_axis(node)?;
    let own = operator(&node.op).weights?;
    let plain = own.bias.is_some()
        && matches!(own.layout, Layout::OutputsFirst | Layout::Matrix)
        && node.float("alpha", 1.0) == 1.0
        && node.float("beta", 1.0) == 1.0
        && node.int("transA", 0) == 0;
    let weights = graph.constant(node, 1)?;
    weights.as_f32()?;
    let places = Places::of(node, &weights.shape)?;
    let bias = match node.input(2) {
        Some(_) => graph.constant(node, 2)?.as_f32()?.len() == places.all_outputs(),
        None => true,
    };
    (plain && bias).then_some(places)
}

/// Whether the inputs of a layer belong to `channels` in equal shares, one after the other.
fn takes_channels(node: &Node, places: &Places, channels: usize) -> bool {
    let inputs = places.all_inputs();
    if operator(&node.op).weights.is_some_and(|own| own.layout == Layout::Matrix) {
        return inputs.is_multiple_of(channels);
    }
    inputs == channels && (places.groups == 1 || places.groups == channels)
}

/// Gives every layer of a pair weights and a bias that no other node reads.
fn own_constants(graph: &mut Graph, pairs: &[Pair]) {
    let mut taken = graph.names();
    let layers: BTreeMap<usize, Places> =
        pairs.iter().flat_map(|p| [p.first, p.second].into_iter().zip(p.places)).collect();
    for (layer, places) in layers {
        let node = &graph.nodes[layer];
        let (name, channels) = (node.name.clone(), places.all_outputs());
        let weights = graph.constant(node, 1).cloned();
        let zeros = Tensor::new([channels], Data::F32(vec![0.0; channels]));
        let bias = graph.constant(node, 2).cloned().unwrap_or(zeros);
        graph.nodes[layer].inputs.truncate(1);
        for (what, tensor) in [("weight", weights), ("bias", Some(bias))] {
            let Some(tensor) = tensor else { continue };
            let own = fresh_name(&format!("{name}_{what}"), &mut taken);
            graph.initializers.insert(own.clone(), tensor);
            graph.nodes[layer].inputs.push(own);
        }
    }
}

/// The upper bound of the pair's activation, where calibration reached it; a bound that it never
/// reached is taken away.
fn open_clip(graph: &mut Graph, pair: &Pair, seen: &Moments) -> Option<f32> {
    let activation = pair.activation?;
    let [_, high] = clip_range(graph, &graph.nodes[activation])?;
    if !high.is_finite() {
        return None;
    }
    if seen.max.iter().any(|&max| max > high) {
        return Some(high);
    }
    let clip = &mut graph.nodes[activation];
    clip.op = "Relu".into();
    clip.inputs.truncate(1);
    clip.attributes.clear();
    None
}

/// The largest magnitude of each channel's weights, in the first layer and in the second.
fn ranges(graph: &Graph, pair: &Pair) -> [Vec<f64>; 2] {
    let largest = |layer: usize, channel_of: &dyn Fn(usize) -> usize| {
        let mut largest = vec![0f64; pair.channels];
        let weights = graph.constant(&graph.nodes[layer], 1).and_then(Tensor::as_f32);
        for (i, w) in weights.unwrap_or_default().iter().enumerate() {
            let largest = &mut largest[channel_of(i)];
            *largest = largest.max(f64::from(w.abs()));
        }
        largest
    };
    [largest(pair.first, &|i| pair.made(i)), largest(pair.second, &|i| pair.read(i))]
}

/// What each channel of the first layer is divided by now; `factors` is what it was divided by
/// already.
fn factors_of(
    graph: &Graph,
    pair: &Pair,
    bound: Option<f32>,
    seen: &Moments,
    factors: &[f64],
) -> Vec<f64> {
    let [first, second] = ranges(graph, pair);
    (0..pair.channels)
        .map(|c| {
            let (r1, r2) = (first[c], second[c]);
            let factor = (r1 * r2).sqrt() / r2;
            // A dead channel has no range to even out.
            if !factor.is_finite() || factor < 1e-6 {
                return 1.0;
            }
            match bound {
                None => factor,
                Some(bound) if seen.max[c] > bound => 1.0,
                // Never up to the bound.
                Some(bound) => factor.max(f64::from(seen.max[c]) / f64::from(bound) / factors[c]),
            }
        })
        .collect()
}

fn rescale(graph: &mut Graph, pair: &Pair, factors: &[f64]) {
    let scaled = |w: &mut f32, factor: f64| *w = (f64::from(*w) * factor) as f32;
    for (i, w) in floats(graph, pair.first, 1).iter_mut().enumerate() {
        scaled(w, 1.0 / factors[pair.made(i)]);
    }
    for (c, b) in floats(graph, pair.first, 2).iter_mut().enumerate() {
        scaled(b, 1.0 / factors[c]);
    }
    for (i, w) in floats(graph, pair.second, 1).iter_mut().enumerate() {
        scaled(w, factors[pair.read(i)]);
    }
}

/// Moves `c = max(0, mean - 3 standard deviations)` of each channel behind a Relu into the next
/// layer's bias. Padding would not carry it, so a padded layer is left alone.
fn absorb(graph: &mut Graph, pair: &Pair, seen: &Moments, factors: &[f64]) {
    let relu = pair.activation.is_some_and(|a| graph.nodes[a].op == "Relu");
    let second = &graph.nodes[pair.second];
    let padded = second.ints("pads").is_some_and(|pads| pads.iter().any(|&p| p != 0))
        || second.text("auto_pad").is_some_and(|mode| mode.starts_with("SAME"));
    let between_pads = graph.nodes[pair.first..pair.second].iter().any(|n| {
        n.op.ends_with("Pool") && n.ints("pads").is_some_and(|p| p.iter().any(|&p| p != 0))
    });
    if !relu || padded || between_pads {
        return;
    }
    let shift: Vec<f64> = (0..pair.channels).map(|c| (seen.low(c) / factors[c]).max(0.0)).collect();
    if shift.iter().all(|&c| c == 0.0) {
        return;
    }
    let weights = floats(graph, pair.second, 1).clone();
    let mut added: HashMap<usize, f64> = HashMap::new();
    for (i, &w) in weights.iter().enumerate() {
        *added.entry(pair.places[1].output(i)).or_default() += f64::from(w) * shift[pair.read(i)];
    }
    for (c, b) in floats(graph, pair.second, 2).iter_mut().enumerate() {
        *b = (f64::from(*b) + added.get(&c).copied().unwrap_or(0.0)) as f32;
    }
    for (c, b) in floats(graph, pair.first, 2).iter_mut().enumerate() {
        *b = (f64::from(*b) - shift[c]) as f32;
    }
}

/// The elements of a constant that [`own_constants`] made.
fn floats(graph: &mut Graph, layer: usize, input: usize) -> &mut Vec<f32> {
    let name = graph.nodes[layer].inputs[input].clone();
    match graph.initializers.get_mut(&name).map(|tensor| &mut tensor.data) {
        Some(Data::F32(values)) => values,
        other => unreachable!("a pair's constants are float32, not {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::unwatched;
    use crate::quantize::calibrate::watch;
    use crate::vocabulary::file::File;
    use crate::vocabulary::reading::Reading;

    const MOBILENET: &[u8] = include_bytes!("../../models/networks/mobilenet.onnx");
    const ASSIGNMENT: &[u8] = include_bytes!("../../models/networks/assignment.onnx");
    const FRAMES: &[u8] = include_bytes!("../../models/frames/calibration.zip");

    /// How unlike the two layers' ranges of a pair's channels are, summed: 0 when they are equal.
    fn unevenness(graph: &Graph, pair: &Pair) -> f64 {
        let [first, second] = ranges(graph, pair);
        let alive = first.iter().zip(&second).filter(|(a, b)| **a > 1e-6 && **b > 1e-6);
        alive.map(|(a, b)| (a / b).ln().abs()).sum()
    }

    /// The answers stay; a channel's ranges in both its layers come close together.
    #[test]
    fn networks_answer_the_same_and_neighbours_have_like_ranges() {
        let file = File { name: "calibration.zip".into(), bytes: FRAMES.to_vec().into() };
        let data = Dataset::read(&[file], &Reading::default(), &mut unwatched).unwrap();
        let indices: Vec<usize> = (0..24).collect();
        for bytes in [ASSIGNMENT, MOBILENET] {
            let mut graph = crate::onnx::read(bytes).unwrap();
            crate::graph::fold_batch_norm::fold_batch_norm(&mut graph);
            let outputs = vec![graph.outputs[0].name.clone()];
            let answers = |graph: &Graph| {
                let mut rows = Vec::new();
                let visit = &mut |_: usize, row: &[f32]| rows.extend_from_slice(row);
                watch(graph, &outputs, &data, &indices, false, visit, &mut unwatched).unwrap();
                rows
            };
            let pairs = pairs(&graph, &tensor_types(&graph, Some(data.frame_shape())).unwrap());
            assert!(pairs.len() >= 4, "{} pairs", pairs.len());
            let before = answers(&graph);
            let uneven: f64 = pairs.iter().map(|p| unevenness(&graph, p)).sum();
            equalize(&mut graph, &data, &indices, &mut unwatched).unwrap();
            let even: f64 = pairs.iter().map(|p| unevenness(&graph, p)).sum();
            assert!(even < uneven / 3.0, "{even} is not much less than {uneven}");
            for (a, b) in answers(&graph).iter().zip(&before) {
                assert!((a - b).abs() < 2e-3 * (1.0 + b.abs()), "{a} is not {b}");
            }
        }
    }
}
