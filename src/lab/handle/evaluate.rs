//! One network on labelled frames.

use super::{Emit, Lab, Model, report, timed};
use crate::data::Dataset;
use crate::error::{Context, Error, Result};
use crate::lab::protocol::{Event, Layer, Role, Stage};
use crate::measure::{operations, size};
use crate::progress::Progress;
use crate::quantize::recipe_of;
use crate::runtime::Session;
use crate::score::{self, top1};
use crate::vocabulary::report::Report;

impl Lab {
    /// One network's report and logits, timed; in interleaved blocks with `float` if it is given.
    pub(super) fn evaluate(
        &self,
        id: &str,
        float: Option<&str>,
        emit: &mut Emit<'_>,
    ) -> Result<Event> {
        let ids: Vec<&str> = float.into_iter().chain([id]).collect();
        let mut measured =
            self.measure_all(&ids, float.map(|_| 0), self.data(Role::Validation)?, emit)?;
        let Measured { report, logits, .. } = measured.swap_remove(ids.len() - 1);
        Ok(Event::Evaluated { report, logits })
    }
}

/// A report and the answers behind it.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) report: Report,
    pub(super) layers: Vec<Layer>,
    /// One row of logits for each frame.
    pub(super) logits: Vec<Vec<f32>>,
    /// The top-1 class of each frame.
    pub(super) classes: Vec<usize>,
}

/// Everything but the latency, which only an interleaved run can tell.
pub(super) fn measure(
    id: &str,
    model: &Model,
    data: &Dataset,
    emit: &mut Emit<'_>,
) -> Result<Measured> {
    let data = &*model.frames(data)?;
    let inspected = model.inspected_for(data)?;
    let (session_bytes, cold_ms) = cold_start(model, data)?;
    let kernels = crate::kernels::Machine::best().name().into();
    let indices: Vec<usize> = (0..data.len()).collect();
    let mut rows = Vec::with_capacity(indices.len());
    let mut progress = |done, total| report(emit, Stage::Evaluate, Some(id), done, total);
    logits(model, data, &indices, &mut progress, &mut |_, row| rows.push(row.to_vec()))?;
    if let Some(frame) = rows.iter().position(|row| row.iter().any(|x| x.is_nan())) {
        return Err(Error::new(format!("the network's answer to frame {frame} is not a number"))
            .in_file(&model.file)
            .way_out("Look for weights, or values of the frames, that are not finite."));
    }
    let classes: Vec<usize> = rows.iter().map(|row| top1(row)).collect();
    let accuracy = match data.labels() {
        None => None,
        Some(_) => {
            let count = rows.first().map_or(0, Vec::len);
            let labels = data.check_labels(count)?;
            Some(score::accuracy(&classes, labels, count))
        }
    };
    let inspection = inspected.inspection;
    // The frames close every dimension.
    let macs = inspection.macs.unwrap_or(0);
    let report = Report {
        model: model.file.clone(),
        variant: inspection.variant,
        file_bytes: model.file_bytes(),
        weight_bytes: inspected.weight_bytes,
        gzip_bytes: model.contents().map(size::gzip_bytes).sum(),
        params: inspection.params,
        macs,
        flops: operations::flops(macs),
        bops: inspected.bops,
        latency_ms: None,
        accuracy,
        agreement_with_float: None,
        mcnemar_p: None,
        speedup_over_float: None,
        session_bytes,
        cold_ms,
        kernels,
        profile: Vec::new(),
        recipe: recipe_of(&model.graph),
        left_in_float: inspection.left_in_float,
    };
    Ok(Measured { report, layers: inspection.layers, logits: rows, classes })
}

/// Session memory, and the time from the file's bytes to the first answer.
fn cold_start(model: &Model, data: &Dataset) -> Result<(usize, f64)> {
    timed(|| {
        let graph = model.read_again()?;
        let shape = Some(data.frame_shape());
        let mut session =
            Session::new(&graph, shape, crate::runtime::Arithmetic::Fast).in_file(&model.file)?;
        let frame = repeated_frame(&session, data);
        session.run(&frame, |_, _| {}).in_file(&model.file)?;
        session.bytes()
    })
}

/// The first frame, as often as the network wants it at once.
pub(super) fn repeated_frame(session: &Session, data: &Dataset) -> Vec<f32> {
    let mut input = vec![0.0; session.batch() * session.frame_len()];
    for slot in input.chunks_exact_mut(session.frame_len().max(1)) {
        data.input(0, slot);
    }
    input
}

/// Runs the frames `indices` and hands each one's logits to `visit`.
///
/// # Errors
/// Data without frames, a network whose first output is no float32 row for each frame, cancelling.
pub(super) fn logits(
    model: &Model,
    data: &Dataset,
    indices: &[usize],
    progress: &mut Progress<'_>,
    visit: &mut dyn FnMut(usize, &[f32]),
) -> Result<()> {
    if data.is_empty() {
        return Err(Error::new("the set has no frames"));
    }
    let mut session = model.session(data)?;
    let (batch, len) = (session.batch(), session.frame_len());
    let mut input = vec![0.0; batch * len];
    for (i, frames) in indices.chunks(batch).enumerate() {
        // A network of fixed batch gets its last frames repeated; those answers are left out.
        for (slot, input) in input.chunks_exact_mut(len.max(1)).enumerate() {
            data.input(frames[slot % frames.len()], input);
        }
        let mut answered = false;
        session
            .run(&input, |output, values| {
                if output == 0 && !values.is_empty() && values.len().is_multiple_of(batch) {
                    answered = true;
                    let rows = values.chunks_exact(values.len() / batch);
                    frames.iter().zip(rows).for_each(|(&frame, row)| visit(frame, row));
                }
            })
            .in_file(&model.file)?;
        if !answered {
            return Err(Error::new("its first output is no row of float32 scores for each frame")
                .in_file(&model.file)
                .way_out("Export the network so that its first output is the logits."));
        }
        progress(i * batch + frames.len(), indices.len())?;
    }
    Ok(())
}

/// Adds to `report` how its network's answers compare with the float network's.
pub(super) fn compare_answers(
    report: &mut Report,
    classes: &[usize],
    float: &[usize],
    data: &Dataset,
) {
    report.agreement_with_float = Some(score::agreement(classes, float));
    report.mcnemar_p = data.labels().map(|labels| score::mcnemar(classes, float, labels));
}
