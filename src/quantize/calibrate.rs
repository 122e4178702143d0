//! Running calibration frames through the float network and watching its tensors.

use std::collections::BTreeMap;

use super::observer::{Observer, observer};
use super::range::Grid;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::progress::Progress;
use crate::random;
use crate::runtime::{Arithmetic, Options, Session};
use crate::vocabulary::recipe::{Method, Recipe};

/// What calibration saw of each tensor.
#[derive(Debug, Default)]
pub struct Calibration {
    observers: BTreeMap<String, Box<dyn Observer>>,
}

impl Calibration {
    /// The range of a tensor for integers of `grid`, by the recipe's method.
    ///
    /// # Errors
    /// A tensor that was never seen, or not finite.
    pub fn range(&self, tensor: &str, grid: Grid) -> Result<[f32; 2]> {
        let range = self.observers.get(tensor).and_then(|observer| observer.range(grid));
        range.filter(|range| range.iter().all(|v| v.is_finite())).ok_or_else(|| {
            Error::new(format!(
                "the tensor `{tensor}` has no finite range over the calibration frames"
            ))
            .way_out("Check the network and the frames: it gives infinite or undefined values.")
        })
    }
}

/// Watches `tensors` over the frames `indices` of `data`, as the recipe's method asks.
///
/// # Errors
/// Frames that do not fit the network, and cancelling.
pub fn calibrate(
    graph: &Graph,
    tensors: &[String],
    recipe: &Recipe,
    data: &Dataset,
    indices: &[usize],
    progress: &mut Progress,
) -> Result<Calibration> {
    let mut indices = indices.to_vec();
    if recipe.method == Method::MovingAverage {
        // Sets are often sorted by class, and what comes last weighs most.
        random::shuffle(&mut indices, recipe.seed);
    }
    let mut observers: Vec<_> = tensors.iter().map(|_| observer(recipe)).collect();
    let observe = &mut |tensor: usize, values: &[f32]| observers[tensor].observe(values);
    watch(graph, tensors, data, &indices, true, observe, progress)?;
    Ok(Calibration { observers: tensors.iter().cloned().zip(observers).collect() })
}

/// Runs the frames `indices` of `data` and hands the elements of each of `tensors` to `visit`, by
/// their place in the list, frame by frame; with `any_order`, not in ONNX's order.
///
/// Runs on the deterministic float path: the elements are the same bits on every machine.
///
/// # Errors
/// As [`calibrate`].
pub(super) fn watch(
    graph: &Graph,
    tensors: &[String],
    data: &Dataset,
    indices: &[usize],
    any_order: bool,
    visit: &mut dyn FnMut(usize, &[f32]),
    progress: &mut Progress,
) -> Result<()> {
    let frame = Some(data.frame_shape());
    let options = Options { any_order, ..Options::new(Arithmetic::Deterministic) };
    let mut session = Session::observing(graph, tensors, frame, options)?;
    if let (Err(_), 2..) = (session.bytes(), tensors.len()) {
        // Fewer tensors are held at a time: those of either half.
        let (first, second) = tensors.split_at(tensors.len() / 2);
        watch(graph, first, data, indices, any_order, visit, progress)?;
        let visit = &mut |tensor: usize, values: &[f32]| visit(first.len() + tensor, values);
        return watch(graph, second, data, indices, any_order, visit, progress);
    }
    let len = session.frame_len();
    let mut input = vec![0.0; session.batch() * len];
    for (i, frames) in indices.chunks(session.batch()).enumerate() {
        for (slot, input) in input.chunks_exact_mut(len.max(1)).enumerate() {
            data.input(frames[slot % frames.len()], input);
        }
        let batch = session.batch();
        session.run(&input, &mut |tensor, values: &[f32]| {
            // What fills the last batch of a network of fixed batch is not seen again.
            match (values.len() / batch, values.len() % batch) {
                (len @ 1.., 0) => {
                    values.chunks_exact(len).take(frames.len()).for_each(|one| visit(tensor, one));
                }
                _ => visit(tensor, values),
            }
        })?;
        progress((i * session.batch() + frames.len()).min(indices.len()), indices.len())?;
    }
    Ok(())
}
