//! What a network gets of the frames, and what looks wrong about that: scaled twice or not at all, or far
//! from what it was trained on.

use super::evaluate::repeated_frame;
use super::{Lab, Model};
use crate::data::Dataset;
use crate::error::{Context, Result};
use crate::graph::entry::Entry;
use crate::graph::{Graph, Node};
use crate::lab::protocol::{Event, ModelId, Role};
use crate::runtime::{Arithmetic, Options, Session};
use crate::vocabulary::entering::{Doubt, Entering, Numbers};

/// Frames that are looked at, spread over the set.
const PROBES: usize = 32;

/// A network that divides by more than this itself is made for pixels from 0 to 255.
const DIVIDES: f64 = 32.0;
/// What enters then goes over less than this where it should go over some hundreds.
const UNIT: f64 = 2.0;

/// Means that are this many standard deviations from those of training, or variances this many times
/// larger or smaller, in most channels: BatchNormalization has learned both from other frames.
const FAR: f64 = 4.0;
const WIDE: f64 = 100.0;

/// Parts of the range that numbers are counted in.
const PARTS: usize = 64;

impl Lab {
    pub(super) fn entering(&self, id: ModelId, role: Role) -> Result<Event> {
        let model = self.model(&id)?;
        let data = model.frames(self.data(role)?)?;
        let calibration = self.data.get(&Role::Calibration).filter(|_| role != Role::Calibration);
        let calibration = calibration.and_then(|data| model.frames(data).ok());
        let calibration = calibration.map(|data| (range(&data), data));
        let range = range(&data);
        let whole = calibration
            .as_ref()
            .map_or(range, |(other, _)| [range[0].min(other[0]), range[1].max(other[1])]);
        let doubts = [scaled_twice(model, &data, range), unlike_training(model, &data)?];
        let entering = Box::new(Entering {
            steps: data.steps()?,
            shape: data.frame_shape().to_vec(),
            values: numbers(&data, range, whole),
            calibration: calibration.map(|(range, data)| numbers(&data, range, whole)),
            doubts: doubts.into_iter().flatten().collect(),
        });
        Ok(Event::Entering { model: id, role, entering })
    }
}

/// The smallest and the largest that enters.
fn range(data: &Dataset) -> [f32; 2] {
    let mut range = [f32::INFINITY, f32::NEG_INFINITY];
    visit(data, |values| {
        range = values.iter().fold(range, |[low, high], &x| [low.min(x), high.max(x)]);
    });
    range
}

/// What enters, from where to where it goes, counted in equal parts of `low` to `high`.
fn numbers(data: &Dataset, range: [f32; 2], [low, high]: [f32; 2]) -> Numbers {
    let per_part = PARTS as f32 / (high - low).max(f32::MIN_POSITIVE);
    let mut counts = vec![0_u32; PARTS];
    let (mut count, mut sums) = (0_u64, [0.0_f64; 2]);
    visit(data, |values| {
        count += values.len() as u64;
        for &value in values {
            let part = (((value - low) * per_part) as usize).min(PARTS - 1);
            counts[part] = counts[part].saturating_add(1);
            let value = f64::from(value);
            sums = [sums[0] + value, sums[1] + value * value];
        }
    });
    let [mean, square] = sums.map(|sum| sum / count.max(1) as f64);
    let std = (square - mean * mean).max(0.0).sqrt();
    Numbers { frames: probes(data).count(), range, mean, std, counts }
}

/// Hands some frames of the set to `hear`, as they enter.
fn visit(data: &Dataset, mut hear: impl FnMut(&[f32])) {
    let mut frame = vec![0.0; data.frame_shape().iter().product()];
    for index in probes(data) {
        data.input(index, &mut frame);
        hear(&frame);
    }
}

/// Some frames of the set, as indices.
fn probes(data: &Dataset) -> impl Iterator<Item = usize> {
    (0..data.len()).step_by(data.len().div_ceil(PROBES).max(1))
}

fn scaled_twice(model: &Model, data: &Dataset, range: [f32; 2]) -> Option<Doubt> {
    if !model.graph.packed.is_empty() {
        return None;
    }
    let Entry { node, gain, .. } = Entry::of(&model.graph)?;
    let [low, high] = range.map(f64::from);
    let divides = 1.0 / gain.abs();
    (divides > DIVIDES && high - low < UNIT && high > low).then(|| Doubt {
        what: format!(
            "the network scales by itself (`{node}` and what follows divide by {divides:.4}), and what \
             enters goes from {low:.3} to {high:.3} only: it may be scaled twice"
        ),
        way_out: match data.is_pixels() {
            true => "Give it pixels as they are: --divide 1.".to_owned(),
            false => "Save the frames as they were before they were divided.".to_owned(),
        },
    })
}

/// Compares what reaches the first BatchNormalization with its own figures of training.
fn unlike_training(model: &Model, data: &Dataset) -> Result<Option<Doubt>> {
    let graph = &model.graph;
    let Some((node, [mean, variance])) = first_normalization(graph) else { return Ok(None) };
    let tensor = node.inputs[0].clone();
    let options = Options::new(Arithmetic::Fast);
    let shape = Some(data.frame_shape());
    let session = Session::observing(graph, std::slice::from_ref(&tensor), shape, options);
    // Who measures the network will say what is wrong with it.
    let Ok(mut session) = session else { return Ok(None) };
    let channels = mean.len();
    let mut sums = vec![[0.0_f64; 2]; channels];
    let mut count = 0_usize;
    let mut input = repeated_frame(&session, data);
    let (batch, len) = (session.batch(), session.frame_len());
    for index in probes(data) {
        data.input(index, &mut input[..len]);
        let visit = |_, values: &[f32]| {
            let of_frame = values.len() / batch;
            let of_channel = of_frame / channels;
            let planes = values[..of_frame].chunks_exact(of_channel.max(1));
            for (sums, plane) in sums.iter_mut().zip(planes) {
                for &value in plane {
                    let value = f64::from(value);
                    *sums = [sums[0] + value, sums[1] + value * value];
                }
            }
            count += of_channel;
        };
        session.run(&input, visit).in_file(&model.file)?;
    }
    let strange = sums.iter().zip(mean.iter().zip(variance)).filter(|(sums, (mean, variance))| {
        let [mean, variance] = [**mean, **variance].map(f64::from);
        let found = sums[0] / count as f64;
        let spread = (sums[1] / count as f64 - found * found).max(0.0);
        let ratio = (spread + f64::EPSILON) / (variance + f64::EPSILON);
        let far = (found - mean).abs() > FAR * (variance + f64::EPSILON).sqrt();
        far || !(1.0 / WIDE..=WIDE).contains(&ratio)
    });
    let strange = strange.count();
    Ok((count > 0 && 2 * strange > channels).then(|| Doubt {
        what: format!(
            "in {strange} of {channels} channels what reaches `{}` is far from what it was trained on",
            node.name
        ),
        way_out: match data.is_pixels() {
            true => "Frames may enter otherwise than in training: look at --divide, --mean, --std and \
                     --color."
                .to_owned(),
            false => "Frames may have been prepared otherwise than for training.".to_owned(),
        },
    }))
}

/// The first BatchNormalization behind whose channels stand, with its mean and variance.
fn first_normalization(graph: &Graph) -> Option<(&Node, [&[f32]; 2])> {
    let node = graph.nodes.iter().find(|node| node.is("BatchNormalization"))?;
    let statistic = |index| graph.constant(node, index)?.as_f32();
    let [mean, variance] = [statistic(3)?, statistic(4)?];
    (!mean.is_empty() && mean.len() == variance.len()).then_some((node, [mean, variance]))
}
