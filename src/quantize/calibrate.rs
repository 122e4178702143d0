//! Running calibration frames through the float network and watching its tensors.

use std::collections::BTreeMap;

use super::{Method, observer::Observer};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::progress::Progress;
use crate::runtime::{Arithmetic, Session};

/// The range of each of `tensors` over the frames `indices` of `data`.
///
/// Runs on the deterministic float path: the ranges are the same bits on every machine.
///
/// # Errors
/// Frames that do not fit the network, tensors that are not finite, and cancelling.
pub fn calibrate(
    graph: &Graph,
    tensors: &[String],
    method: Method,
    data: &Dataset,
    indices: &[usize],
    progress: &mut Progress,
) -> Result<BTreeMap<String, [f32; 2]>> {
    let frame = Some(data.frame_shape());
    let mut session = Session::observing(graph, tensors, frame, Arithmetic::Deterministic)?;
    let mut observers: Vec<Box<dyn Observer>> = tensors.iter().map(|_| method.observer()).collect();
    let len = session.frame_len();
    let mut input = vec![0.0; session.batch() * len];
    for (i, frames) in indices.chunks(session.batch()).enumerate() {
        // A network of fixed batch gets its last frames repeated, which no range can tell.
        for (slot, input) in input.chunks_exact_mut(len.max(1)).enumerate() {
            data.input(frames[slot % frames.len()], input);
        }
        session.run(&input, |tensor, values| observers[tensor].observe(values))?;
        progress((i * session.batch() + frames.len()).min(indices.len()), indices.len())?;
    }
    tensors
        .iter()
        .zip(&observers)
        .map(|(tensor, observer)| match observer.range() {
            Some(range) if range.iter().all(|v| v.is_finite()) => Ok((tensor.clone(), range)),
            _ => Err(Error::new(format!(
                "the tensor `{tensor}` has no finite range over the calibration frames"
            ))
            .way_out("Check the network and the frames: it gives infinite or undefined values.")),
        })
        .collect()
}
