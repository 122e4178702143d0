//! Several networks side by side, interleaved in time.

use std::cell::RefCell;

use super::evaluate::{Measured, measure, repeated_frame};
use super::{Emit, Lab, report};
use crate::clock::Stopwatch;
use crate::data::Dataset;
use crate::error::{Context, Error, Result};
use crate::lab::protocol::{Event, Role, Stage};
use crate::measure::latency;
use crate::quantize::is_quantized;
use crate::report::verdict;
use crate::vocabulary::task::Judging;

impl Lab {
    pub(super) fn compare(
        &self,
        ids: &[String],
        judging: &Judging,
        emit: &mut Emit<'_>,
    ) -> Result<Event> {
        if ids.is_empty() {
            return Err(Error::new("there is nothing to compare"));
        }
        let float = self.first_float(ids)?;
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let on = (self.data(Role::Validation)?, judging);
        let measured = self.measure_all(&ids, float, on, emit)?;
        let answers: Vec<&[Vec<f32>]> = measured.iter().map(|m| &m.answers[..]).collect();
        // Networks whose outputs differ have nothing to be drawn side by side.
        let alike = answers
            .windows(2)
            .all(|pair| pair[0].first().map(Vec::len) == pair[1].first().map(Vec::len));
        let (series, classes) = match measured.first() {
            Some(first) if alike => {
                (first.judge.series(&answers), first.judge.frame_classes(&answers))
            }
            _ => (Vec::new(), None),
        };
        let reports: Vec<_> = measured.into_iter().map(|m| m.report).collect();
        let verdict = verdict::all(&reports);
        Ok(Event::Compared { reports, verdict, series, classes })
    }

    fn first_float(&self, ids: &[String]) -> Result<Option<usize>> {
        for (i, id) in ids.iter().enumerate() {
            if !is_quantized(&self.model(id)?.graph) {
                return Ok(Some(i));
            }
        }
        Ok(None)
    }

    /// Measures the networks on the frames of `data` and times them side by side; `float` is the
    /// place of the one that the others are compared with.
    pub(super) fn measure_all(
        &self,
        ids: &[&str],
        float: Option<usize>,
        (data, judging): (&Dataset, &Judging),
        emit: &mut Emit<'_>,
    ) -> Result<Vec<Measured>> {
        let mut measured = Vec::with_capacity(ids.len());
        for id in ids {
            measured.push(measure(id, self.model(id)?, (data, judging), emit)?);
        }
        if let Some(float) = float {
            let (before, rest) = measured.split_at_mut(float);
            if let Some((reference, after)) = rest.split_first_mut() {
                for other in before.iter_mut().chain(after) {
                    other.compare_with(&reference.report, &reference.answers)?;
                }
            }
        }
        self.time(ids, float, data, &mut measured, emit)?;
        Ok(measured)
    }

    /// Times all networks in interleaved blocks, the float one (or else the first) leading.
    fn time(
        &self,
        ids: &[&str],
        float: Option<usize>,
        data: &Dataset,
        measured: &mut [Measured],
        emit: &mut Emit<'_>,
    ) -> Result<()> {
        let mut order: Vec<usize> = (0..ids.len()).collect();
        order.swap(0, float.unwrap_or(0));
        let mut runs = Vec::with_capacity(ids.len());
        for &i in &order {
            let model = self.model(ids[i])?;
            let data = &*model.frames(data)?;
            let mut session = model.session(data)?;
            let frame = repeated_frame(&session, data);
            runs.push(move || session.run(&frame, |_, _| {}).in_file(&model.file));
        }
        let mut variants: Vec<&mut dyn FnMut() -> Result<()>> = Vec::with_capacity(runs.len());
        for run in &mut runs {
            variants.push(run);
        }
        let told = RefCell::new(Told::new(emit, ids.len()));
        let mut progress =
            |done, total| report(told.borrow_mut().emit, Stage::Time, None, done, total);
        let mut hear = |variant: usize, ms: &[f64]| told.borrow_mut().hear(order[variant], ms);
        let options = latency::Options::default();
        let timings = latency::measure(&mut variants, &options, &mut progress, &mut hear)?;
        told.into_inner().tell();
        for (&i, timing) in order.iter().zip(timings) {
            let Measured { report, layers, .. } = &mut measured[i];
            report.profile = self.model(ids[i])?.profile(data, layers)?;
            report.latency_ms = Some(timing.latency);
            if float.is_some_and(|float| float != i) {
                report.speedup_over_float = timing.speedup;
            }
        }
        Ok(())
    }
}

/// How often the times are told: what draws them takes time itself.
const TELL_MS: f64 = 250.0;

/// The times that were not told yet.
struct Told<'a, 'b> {
    emit: &'a mut Emit<'b>,
    ms: Vec<Vec<f32>>,
    since: Stopwatch,
}

impl<'a, 'b> Told<'a, 'b> {
    fn new(emit: &'a mut Emit<'b>, networks: usize) -> Self {
        Self { emit, ms: vec![Vec::new(); networks], since: Stopwatch::start() }
    }

    fn hear(&mut self, network: usize, ms: &[f64]) {
        self.ms[network].extend(ms.iter().map(|&ms| ms as f32));
        if self.since.ms() >= TELL_MS {
            self.tell();
        }
    }

    /// Whether to go on, progress is asked.
    fn tell(&mut self) {
        let networks = self.ms.len();
        let ms = std::mem::replace(&mut self.ms, vec![Vec::new(); networks]);
        let _ = (self.emit)(Event::Timed { ms });
        self.since = Stopwatch::start();
    }
}
