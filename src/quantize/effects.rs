//! What variants of a network do to its answers, measured together on the same frames.

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::{Element, Graph};
use crate::progress::Progress;
use crate::runtime::{Family, tensor_types};
use crate::score::judge::{Judge, Output};
use crate::score::noise::Noise;
use crate::score::tally::Tally;
use crate::vocabulary::analysis::Damage;
use crate::vocabulary::task::Judging;

/// A network, and frames to measure its variants on.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    family: Family,
    float: &'a Graph,
    data: &'a Dataset,
    pub(super) indices: Vec<usize>,
    /// The outputs that are measured, all of float32.
    outputs: Vec<String>,
    judge: Judge,
    /// The float network's outputs, run by run; known once they were needed.
    reference: Vec<Vec<Vec<f32>>>,
}

/// A variant to be measured.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) graph: Graph,
    /// A tensor of it, and the place among the base's tensors that it is compared with.
    pub(super) watched: Option<(String, usize)>,
}

/// What was measured of a variant.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) effect: Damage,
    pub(super) tally: Tally,
    /// Of the watched tensor, in dB.
    pub(super) sqnr_db: Option<f64>,
}

impl<'a> Bench<'a> {
    /// The frames `indices` of the set.
    ///
    /// # Errors
    /// Frames that do not fit the network, labels that do not fit its outputs, and no frames.
    pub(super) fn new(
        float: &'a Graph,
        (data, judging): (&'a Dataset, &Judging),
        indices: Vec<usize>,
    ) -> Result<Self> {
        if indices.is_empty() {
            return Err(Error::new("there are no validation frames")
                .way_out("The damage is measured on at least one frame."));
        }
        let family = Family::new(float, Some(data.frame_shape()))?;
        let outputs = outputs(float, data, family.batch())?;
        let judge = Judge::of(&outputs, data.labels(), judging, data.class_names());
        let judge = data.of_file(judge)?;
        let outputs = outputs.into_iter().map(|output| output.name).collect();
        Ok(Self { family, float, data, indices, outputs, judge, reference: Vec::new() })
    }

    /// Whether the frames stand in an order that means something.
    pub(super) fn in_order(&self) -> bool {
        self.data.is_ordered()
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
        let knows_float = !self.reference.is_empty();
        if !knows_float {
            self.family.add(self.float, &self.outputs)?;
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
            let observed: Vec<String> = self.outputs.iter().cloned().chain(watched).collect();
            self.family.add(&variant.graph, &observed)?;
        }
        let mut tallies = vec![(Tally::default(), Noise::default()); variants.len()];
        let count = self.outputs.len();
        let mut answers = vec![vec![Vec::new(); count]; variants.len()];
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
                None if at == 0 => reference.push(vec![values.to_vec()]),
                None => reference[run].push(values.to_vec()),
                Some(i) if at < count => values.clone_into(&mut answers[i][at]),
                Some(i) => {
                    if let Some((_, base)) = &variants[i].watched {
                        let pairs = kept[*base].iter().zip(values);
                        pairs.for_each(|(&x, &left)| tallies[i].1.add(x, left));
                    }
                }
            })?;
            let float = rows(&reference[run], batch);
            for (answers, (tally, _)) in answers.iter().zip(&mut tallies) {
                let own = rows(answers, batch);
                // Frames repeated to fill a batch are left out.
                for (&frame, (own, float)) in frames.iter().zip(own.iter().zip(&float)) {
                    tally.add(&self.judge, frame, own, float);
                }
            }
            progress(variants.len() + run * batch + frames.len(), total)?;
        }
        self.reference = reference;
        let measured = |(tally, noise): (Tally, Noise)| Measured {
            effect: tally.effect(),
            tally,
            sqnr_db: noise.sqnr_db(),
        };
        Ok(tallies.into_iter().map(measured).collect())
    }
}

/// The numbers of each frame, those of all outputs side by side.
fn rows(outputs: &[Vec<f32>], batch: usize) -> Vec<Vec<f32>> {
    let row = |frame: usize| {
        let part = |output: &Vec<f32>| {
            let len = output.len() / batch;
            output[frame * len..][..len].to_vec()
        };
        outputs.iter().flat_map(part).collect()
    };
    (0..batch).map(row).collect()
}

/// The outputs of float32, for frames of this shape, `batch` of which enter at once.
///
/// # Errors
/// Frames that do not fit the network, and a network without such outputs.
pub(crate) fn outputs(graph: &Graph, data: &Dataset, batch: usize) -> Result<Vec<Output>> {
    let types = tensor_types(graph, Some(data.frame_shape()))?;
    let output = |name: &String| {
        let ty = types.get(name).filter(|ty| ty.element == Element::F32)?;
        let numbers: usize = ty.shape.iter().product();
        let is_row = ty.shape.iter().skip(1).filter(|&&n| n != 1).count() <= 1;
        Some(Output { name: name.clone(), len: numbers / batch, is_row })
    };
    let outputs: Vec<Output> = graph
        .outputs
        .iter()
        .enumerate()
        .filter(|(at, value)| *at == 0 || !graph.is_echo(&value.name))
        .filter_map(|(_, value)| output(&value.name))
        .filter(|o| o.len > 0)
        .collect();
    match outputs.is_empty() {
        true => Err(Error::new("it has no output of float32 numbers for each frame")),
        false => Ok(outputs),
    }
}
