//! One network on labelled frames.

use super::{Emit, Lab, Model, report, sha256, timed};
use crate::data::Dataset;
use crate::error::{Context, Error, Result};
use crate::lab::protocol::{Event, Layer, Role, Stage, TensorShape};
use crate::measure::{operations, size};
use crate::progress::Progress;
use crate::quantize::recipe_of;
use crate::runtime::Session;
use crate::score::judge::{Comparison, Judge, Output};
use crate::vocabulary::report::Report;
use crate::vocabulary::task::Judging;

impl Lab {
    /// One network's report and logits, timed; in interleaved blocks with `float` if it is given.
    pub(super) fn evaluate(
        &self,
        id: &str,
        float: Option<&str>,
        judging: &Judging,
        emit: &mut Emit<'_>,
    ) -> Result<Event> {
        let ids: Vec<&str> = float.into_iter().chain([id]).collect();
        let data = self.data(Role::Validation)?;
        let on = (data, judging);
        let mut measured = self.measure_all(&ids, float.map(|_| 0), on, emit)?;
        let Measured { report, answers, judge, .. } = measured.swap_remove(ids.len() - 1);
        let frames = data.names().map(str::to_owned).collect();
        Ok(Event::Evaluated { report, logits: answers, numbers: judge.number_names(), frames })
    }
}

/// A report and the answers behind it.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) report: Report,
    pub(super) layers: Vec<Layer>,
    /// For each frame the numbers of all outputs, side by side.
    pub(super) answers: Vec<Vec<f32>>,
    pub(super) judge: Judge,
}

/// Everything but the latency, which only an interleaved run can tell.
pub(super) fn measure(
    id: &str,
    model: &Model,
    (data, judging): (&Dataset, &Judging),
    emit: &mut Emit<'_>,
) -> Result<Measured> {
    let data = &*model.frames(data)?;
    let inspected = model.inspected_for(data)?;
    let (session_bytes, cold_ms) = cold_start(model, data)?;
    let kernels = crate::kernels::Machine::best().name().into();
    let indices: Vec<usize> = (0..data.len()).collect();
    let mut rows = Vec::with_capacity(indices.len());
    let mut progress = |done, total| report(emit, Stage::Evaluate, Some(id), done, total);
    let mut keep = |_, row: &[f32]| rows.push(row.to_vec());
    let lens = answers(model, data, &indices, &mut progress, &mut keep)?;
    if let Some(frame) = rows.iter().position(|row| row.iter().any(|x| x.is_nan())) {
        return Err(Error::new(format!("the network's answer to frame {frame} is not a number"))
            .in_file(&model.file)
            .way_out("Look for weights, or values of the frames, that are not finite."));
    }
    let inspection = inspected.inspection;
    let judge = judge_of(&inspection.outputs, data, &lens, judging)?;
    let scores = judge.score(&rows);
    // The frames close every dimension.
    let macs = inspection.macs.unwrap_or(0);
    let report = Report {
        model: model.file.clone(),
        variant: inspection.variant,
        sha256: sha256(&model.bytes),
        file_bytes: model.file_bytes(),
        weight_bytes: inspected.weight_bytes,
        gzip_bytes: model.contents().map(size::gzip_bytes).sum(),
        params: inspection.params,
        macs,
        flops: operations::flops(macs),
        bops: inspected.bops,
        latency_ms: None,
        task: judge.task(),
        accuracy: scores.accuracy,
        more_classes: scores.more_classes,
        values: scores.values,
        from_float: None,
        mae_change: None,
        agreement_with_float: None,
        mcnemar_p: None,
        speedup_over_float: None,
        session_bytes,
        cold_ms,
        kernels,
        profile: Vec::new(),
        recipe: recipe_of(&model.graph),
        left_in_float: inspection.left_in_float,
        driving: None,
        notes: judge.misfits(&rows),
    };
    Ok(Measured { report, layers: inspection.layers, answers: rows, judge })
}

/// Who judges what the network says of these frames, `lens` numbers of each output.
pub(super) fn judge(
    model: &Model,
    data: &Dataset,
    lens: &[usize],
    judging: &Judging,
) -> Result<Judge> {
    judge_of(&model.inspected.inspection.outputs, data, lens, judging)
}

fn judge_of(
    shapes: &[TensorShape],
    data: &Dataset,
    lens: &[usize],
    judging: &Judging,
) -> Result<Judge> {
    let outputs = outputs(shapes, lens);
    data.of_file(Judge::of(&outputs, data.labels(), judging, data.class_names()))
}

/// The outputs that are numbers, `lens` of each for a frame.
fn outputs(shapes: &[TensorShape], lens: &[usize]) -> Vec<Output> {
    let along = |shape: &[Option<usize>]| {
        shape.iter().skip(1).filter(|dimension| **dimension != Some(1)).count()
    };
    let output = |(shape, &len): (&TensorShape, &usize)| Output {
        name: shape.name.clone(),
        len,
        is_row: along(&shape.shape) <= 1,
    };
    shapes.iter().zip(lens).filter(|(_, len)| **len > 0).map(output).collect()
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

/// Hears a frame's place and its numbers.
pub(super) type Visit<'a> = dyn FnMut(usize, &[f32]) + 'a;

/// Runs the frames `indices` and hands each one's numbers to `visit`, those of all outputs side by side;
/// gives how many are whose. Outputs behind the first that are not float32, or an input, have none.
///
/// # Errors
/// Data without frames; a network whose first output is not float32, or some not a row of numbers for
/// each frame, as many for all; cancelling.
pub(super) fn answers(
    model: &Model,
    data: &Dataset,
    indices: &[usize],
    progress: &mut Progress<'_>,
    visit: &mut Visit<'_>,
) -> Result<Vec<usize>> {
    if data.is_empty() {
        return Err(Error::new("the set has no frames"));
    }
    let mut session = model.session(data)?;
    let (batch, len) = (session.batch(), session.frame_len());
    let mut input = vec![0.0; batch * len];
    let mut lens = Vec::new();
    let echoes: Vec<bool> =
        model.graph.outputs.iter().map(|output| model.graph.is_echo(&output.name)).collect();
    for (i, frames) in indices.chunks(batch).enumerate() {
        // A network of fixed batch gets its last frames repeated; those answers are left out.
        for (slot, input) in input.chunks_exact_mut(len.max(1)).enumerate() {
            data.input(frames[slot % frames.len()], input);
        }
        let mut rows = vec![Vec::new(); frames.len()];
        let mut found = vec![0; model.graph.outputs.len()];
        let mut uneven = None;
        session
            .run(&input, |output, values| {
                if output > 0 && echoes[output] {
                    return;
                }
                if !values.len().is_multiple_of(batch) {
                    uneven = Some(output);
                    return;
                }
                found[output] = values.len() / batch;
                let parts = values.chunks_exact(found[output].max(1));
                rows.iter_mut().zip(parts).for_each(|(row, part)| row.extend_from_slice(part));
            })
            .in_file(&model.file)?;
        let changed = (0..found.len()).find(|&at| i > 0 && found[at] != lens[at]);
        if let Some(at) = uneven.or(changed) {
            let name = &model.graph.outputs[at].name;
            return Err(Error::new(format!(
                "its output `{name}` has not as many numbers for each frame"
            ))
            .in_file(&model.file)
            .way_out("Leave that output out of the export: it can't be compared."));
        }
        if found.first().is_none_or(|&len| len == 0) {
            return Err(Error::new("its first output is no row of float32 numbers for each frame")
                .in_file(&model.file)
                .way_out("Export the network so that its first output is what it predicts."));
        }
        lens = found;
        frames.iter().zip(&rows).for_each(|(&frame, row)| visit(frame, row));
        progress(i * batch + frames.len(), indices.len())?;
    }
    Ok(lens)
}

impl Measured {
    /// Adds to the report how the answers compare with those of the float network.
    ///
    /// # Errors
    /// Other outputs than those of `float`.
    pub(super) fn compare_with(&mut self, float: &Report, answers: &[Vec<f32>]) -> Result<()> {
        let numbers = |rows: &[Vec<f32>]| rows.first().map_or(0, Vec::len);
        if numbers(&self.answers) != numbers(answers) {
            return Err(Error::new(format!(
                "it gives {} numbers for a frame, `{}` gives {}",
                numbers(&self.answers),
                float.model,
                numbers(answers)
            ))
            .in_file(&self.report.model)
            .way_out("Compare networks that were made from one another."));
        }
        let Comparison { agreement, mcnemar_p, more, from_float, mae_change } =
            self.judge.compare(&self.answers, answers);
        let report = &mut self.report;
        report.agreement_with_float = agreement;
        report.mcnemar_p = mcnemar_p;
        for (classes, [agreement, p]) in report.more_classes.iter_mut().zip(more) {
            classes.agreement_with_float = agreement;
            classes.mcnemar_p = p;
        }
        report.from_float = Some(from_float);
        report.mae_change = mae_change;
        Ok(())
    }
}
