//! What variants of a network do to its answers, measured together on the same frames.

use super::noise::Noise;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::progress::Progress;
use crate::runtime::Family;
use crate::score::{hits, top1};
use crate::vocabulary::analysis::Effect;

/// A network, and frames to measure its variants on.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    family: Family,
    float: &'a Graph,
    data: &'a Dataset,
    pub(super) indices: Vec<usize>,
    /// The float network's logits, run by run; known once they were needed.
    reference: Vec<Vec<f32>>,
}

/// A variant to be measured.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) graph: Graph,
    /// A tensor of it, and the place among the base's tensors that it is compared with.
    pub(super) watched: Option<(String, usize)>,
}

/// What was measured of a variant.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    pub(super) effect: Effect,
    /// Of the watched tensor, in dB.
    pub(super) sqnr_db: Option<f64>,
}

#[derive(Debug, Clone, Default)]
struct Tally {
    labelled: usize,
    right: usize,
    agreed: usize,
    squares: f64,
    logits: usize,
    noise: Noise,
}

impl<'a> Bench<'a> {
    /// `frames` of the set (`None`: all), chosen by `seed`.
    ///
    /// # Errors
    /// Frames that do not fit the network, and a set without any.
    pub(super) fn new(
        float: &'a Graph,
        data: &'a Dataset,
        frames: Option<usize>,
        seed: u64,
    ) -> Result<Self> {
        let indices = data.subset(frames, seed);
        if indices.is_empty() {
            return Err(Error::new("there are no validation frames")
                .way_out("The damage is measured on at least one frame."));
        }
        let family = Family::new(float, Some(data.frame_shape()))?;
        Ok(Self { family, float, data, indices, reference: Vec::new() })
    }

    /// The float network's own answers.
    ///
    /// # Errors
    /// A network that cannot be run, and cancelling.
    pub(super) fn float(&mut self, progress: &mut Progress) -> Result<Measured> {
        let variant = Variant { graph: self.float.clone(), watched: None };
        let mut measured = self.measure(None, &[variant], progress)?;
        Ok(measured.swap_remove(0))
    }

    /// Measures each of `variants` against the float network; their watched tensors against those
    /// of `base`: a network and its tensors.
    ///
    /// # Errors
    /// A network that cannot be run, and cancelling.
    pub(super) fn measure(
        &mut self,
        base: Option<(&Graph, &[String])>,
        variants: &[Variant],
        progress: &mut Progress,
    ) -> Result<Vec<Measured>> {
        self.family.clear();
        let logits = |graph: &Graph| graph.outputs[0].name.clone();
        let knows_float = !self.reference.is_empty();
        if !knows_float {
            self.family.add(self.float, &[logits(self.float)])?;
        }
        let base_at = usize::from(!knows_float);
        if let Some((graph, tensors)) = base {
            self.family.add(graph, tensors)?;
        }
        let first = base_at + usize::from(base.is_some());
        let total = variants.len() + self.indices.len();
        for (done, variant) in variants.iter().enumerate() {
            progress(done, total)?;
            let watched = variant.watched.iter().map(|(tensor, _)| tensor.clone());
            let observed: Vec<String> =
                [logits(&variant.graph)].into_iter().chain(watched).collect();
            self.family.add(&variant.graph, &observed)?;
        }
        let mut tallies = vec![Tally::default(); variants.len()];
        let labels = self.data.labels();
        let (batch, len) = (self.family.batch(), self.family.frame_len());
        let mut input = vec![0.0; batch * len];
        let mut reference = std::mem::take(&mut self.reference);
        let mut kept: Vec<Vec<f32>> =
            vec![Vec::new(); base.map_or(0, |(_, tensors)| tensors.len())];
        for (run, frames) in self.indices.chunks(batch).enumerate() {
            for (slot, input) in input.chunks_exact_mut(len.max(1)).enumerate() {
                self.data.input(frames[slot % frames.len()], input);
            }
            self.family.run(&input, |member, at, values| match member.checked_sub(first) {
                None if member == base_at => kept[at] = values.to_vec(),
                None => reference.push(values.to_vec()),
                Some(i) if at == 0 => {
                    let label = |frame| labels.map(|labels| labels[frame]);
                    tallies[i].answers(values, &reference[run], batch, frames, label);
                }
                Some(i) => {
                    if let Some((_, base)) = &variants[i].watched {
                        let pairs = kept[*base].iter().zip(values);
                        pairs.for_each(|(&x, &left)| tallies[i].noise.add(x, left));
                    }
                }
            })?;
            if labels.is_some() && run == 0 {
                self.data.check_labels(reference[0].len() / batch)?;
            }
            progress(variants.len() + run * batch + frames.len(), total)?;
        }
        self.reference = reference;
        Ok(tallies.into_iter().map(|tally| tally.measured(self.indices.len())).collect())
    }
}

impl Tally {
    /// Counts the rows of one run; frames repeated to fill a batch are left out.
    fn answers(
        &mut self,
        values: &[f32],
        reference: &[f32],
        batch: usize,
        frames: &[usize],
        label: impl Fn(usize) -> Option<u32>,
    ) {
        let classes = (values.len() / batch).max(1);
        let rows = values.chunks_exact(classes).zip(reference.chunks_exact(classes));
        for (&frame, (row, float)) in frames.iter().zip(rows) {
            self.agreed += usize::from(top1(row) == top1(float));
            if let Some(label) = label(frame) {
                self.labelled += 1;
                self.right += usize::from(hits(row, label));
            }
            let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
            self.squares += row.iter().zip(float).map(square).sum::<f64>();
            self.logits += classes;
        }
    }

    fn measured(self, frames: usize) -> Measured {
        let share = |count: usize| count as f64 / frames as f64;
        let effect = Effect {
            top1: (self.labelled > 0).then(|| share(self.right)),
            agreement: share(self.agreed),
            logit_mse: self.squares / self.logits.max(1) as f64,
        };
        Measured { effect, sqnr_db: self.noise.sqnr_db() }
    }
}
