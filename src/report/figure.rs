//! The list of a comparison's figures: what each is called, what it is measured in and so written, which way is
//! better, and what says that a difference is more than noise. The tables of the command line, of a report and of
//! the page have their rows from here.

use crate::figures::{
    bytes, count, grouped, interval, p_value, percent, signed, significant, tenths, three_digits,
};
use crate::vocabulary::driving::{Driven, Track};
use crate::vocabulary::report::{Accuracy, ClassScore, Distance, Report, ValueScore};

/// A variant of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Column<'a> {
    /// By which the page tells it from others.
    pub id: &'a str,
    /// What it is called.
    pub name: String,
    /// `float`, `int8`, …
    pub variant: &'a str,
    /// What measuring has found.
    pub report: Option<&'a Report>,
    /// What driving has found.
    pub driven: Option<&'a Driven>,
    /// Columns of one number were timed in turns.
    pub run: usize,
    /// Columns of one number answered the same frames.
    pub frames: usize,
    /// Whether the tests in the others' reports are against this one.
    pub is_reference: bool,
}

/// What a person would rather have of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// More of it.
    High,
    /// Less of it.
    Low,
    /// It says nothing of better and worse.
    Neither,
}

/// What a figure is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Of 1: written in per cent, differences in points.
    Share,
    /// Of a file, or of memory.
    Bytes,
    /// Of operations and parameters.
    Count,
    /// Of frames and runs, to the last one.
    Number,
    /// Of an inference.
    Milliseconds,
    /// How many times as fast.
    Times,
    /// That of a value that a network gives.
    Value,
    /// The same, of a change.
    Change,
    /// What the environment pays.
    Return,
    /// A test's p.
    Probability,
    /// A ratio of powers.
    Decibels,
    /// None, in four decimals.
    Score,
}

impl Unit {
    /// The figure and its unit.
    pub fn write(self, figure: f64) -> String {
        let unit = match self {
            Self::Share => " %",
            Self::Milliseconds => " ms",
            Self::Times => "x",
            Self::Decibels => " dB",
            _ => "",
        };
        self.bare(figure) + unit
    }

    /// The same where the unit stands beside it already.
    pub fn bare(self, figure: f64) -> String {
        match self {
            Self::Share => percent(figure),
            Self::Bytes => bytes(figure as usize),
            Self::Count => count(figure as u64),
            Self::Number => grouped(figure as usize),
            Self::Milliseconds | Self::Times => three_digits(figure),
            Self::Value => significant(figure),
            Self::Change => signed(figure),
            Self::Return | Self::Decibels => tenths(figure),
            Self::Probability => p_value(figure),
            Self::Score => format!("{figure:.4}"),
        }
    }

    /// How a figure differs from `base`, with its sign; `None` where that cannot be said.
    pub fn difference(self, change: f64, base: f64) -> Option<String> {
        let part = 100.0 * change / base;
        Some(match self {
            Self::Share => format!("{:+.2} points", 100.0 * change),
            Self::Value => signed(change),
            Self::Return => format!("{change:+.1}"),
            _ if base == 0.0 => return None,
            _ if part.abs() < 9.95 => format!("{part:+.1} %"),
            _ => format!("{part:+.0} %"),
        })
    }
}

/// What says whether a difference is more than noise.
#[derive(Clone, Copy)]
pub(super) enum Test {
    /// It is counted, not measured.
    Exact,
    /// This p against the reference, else whether intervals overlap.
    P(fn(&Report, usize) -> Option<f64>),
    /// The ratio of interleaved times, else intervals of one run.
    Time,
    /// Whether intervals overlap.
    Intervals,
}

/// What a figure is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Answers to frames.
    Frames,
    /// Each further output with classes.
    Classes,
    /// Each value.
    Values,
    /// Each output beside the float network's.
    Distances,
    /// Drives.
    Drives,
    /// Times, which depend on what else the machine is at.
    Times,
    /// The network itself.
    Network,
}

impl Of {
    /// The names of the outputs that a report tells of one by one.
    pub(super) fn names(self, report: &Report) -> Vec<String> {
        match self {
            Self::Classes => report.more_classes.iter().map(|own| own.name.clone()).collect(),
            Self::Values => {
                let values = report.values.iter().flat_map(|values| &values.outputs);
                values.map(|own| own.name.clone()).collect()
            }
            Self::Distances => {
                let moved = report.from_float.iter().flat_map(|moved| &moved.outputs);
                moved.map(|own| own.name.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether there is one of it for each of several outputs.
    pub(super) fn is_each(self) -> bool {
        matches!(self, Self::Classes | Self::Values | Self::Distances)
    }
}

/// A figure as it was found.
pub(super) struct Found {
    pub(super) exact: f64,
    pub(super) interval: Option<[f64; 2]>,
    /// Where there is more to say than the figure.
    pub(super) said: Option<String>,
    /// What is said behind it.
    pub(super) aside: &'static str,
}

/// An entry of the list.
pub(super) struct Figure {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) note: &'static str,
    pub(super) of: Of,
    pub(super) unit: Unit,
    pub(super) better: Better,
    pub(super) test: Test,
    /// Whether it belongs to the figure before it.
    pub(super) is_part: bool,
    /// Whether only reports have it, not the page.
    pub(super) is_detail: bool,
    /// Of the output at this place.
    pub(super) find: fn(&Column<'_>, usize) -> Option<Found>,
}

const fn figure(
    id: &'static str,
    name: &'static str,
    (of, unit): (Of, Unit),
    find: fn(&Column<'_>, usize) -> Option<Found>,
) -> Figure {
    let (better, test) = match of {
        Of::Network => (Better::Low, Test::Exact),
        Of::Times | Of::Values | Of::Distances => (Better::Low, Test::Intervals),
        Of::Frames | Of::Classes | Of::Drives => (Better::High, Test::Intervals),
    };
    let (is_part, is_detail) = (false, false);
    Figure { id, name, note: "", of, unit, better, test, is_part, is_detail, find }
}

impl Figure {
    const fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    const fn tested(self, test: Test) -> Self {
        Self { test, ..self }
    }

    const fn better(self, better: Better) -> Self {
        Self { better, ..self }
    }

    const fn part(self) -> Self {
        Self { is_part: true, ..self }
    }

    const fn in_reports(self) -> Self {
        Self { is_detail: true, ..self }
    }

    /// A part of reports alone, by which nothing is compared.
    const fn detail(self) -> Self {
        self.part().in_reports().better(Better::Neither)
    }
}

fn found(exact: f64) -> Option<Found> {
    Some(Found { exact, interval: None, said: None, aside: "" })
}

fn between(exact: f64, interval: [f64; 2]) -> Option<Found> {
    Some(Found { interval: Some(interval), ..found(exact)? })
}

fn said(exact: f64, said: String) -> Option<Found> {
    Some(Found { said: Some(said), ..found(exact)? })
}

fn accuracy<'a>(column: &Column<'a>) -> Option<&'a Accuracy> {
    column.report?.accuracy.as_ref()
}

fn classes<'a>(column: &Column<'a>, at: usize) -> Option<&'a ClassScore> {
    column.report?.more_classes.get(at)
}

fn score<'a>(column: &Column<'a>, at: usize) -> Option<&'a ValueScore> {
    column.report?.values.as_ref()?.outputs.get(at)
}

fn moved<'a>(column: &Column<'a>, at: usize) -> Option<&'a Distance> {
    column.report?.from_float.as_ref()?.outputs.get(at)
}

/// In the order of the tables: what the answers are worth, then what they cost.
pub(super) const FIGURES: [Figure; 39] = [
    figure("accuracy", "top-1 accuracy", (Of::Frames, Unit::Share), |c, _| {
        accuracy(c).and_then(|own| between(own.top1, own.ci95))
    })
    .note("95 % Wilson interval")
    .tested(Test::P(|report, _| report.mcnemar_p)),
    figure("accuracy-frames", "frames", (Of::Frames, Unit::Number), |c, _| {
        found(accuracy(c)?.n as f64)
    })
    .detail(),
    figure("agreement", "agreement with float", (Of::Frames, Unit::Share), |c, _| {
        found(c.report?.agreement_with_float?)
    })
    .note("frames with the same answer"),
    figure("mcnemar", "McNemar p", (Of::Frames, Unit::Probability), |c, _| {
        found(c.report?.mcnemar_p?)
    })
    .note("small: the accuracies really differ")
    .better(Better::Neither),
    figure("further-accuracy", "top-1 accuracy", (Of::Classes, Unit::Share), |c, at| {
        let own = classes(c, at)?.accuracy.as_ref()?;
        between(own.top1, own.ci95)
    })
    .tested(Test::P(|report, at| report.more_classes.get(at)?.mcnemar_p))
    .in_reports(),
    figure("further-frames", "frames", (Of::Classes, Unit::Number), |c, at| {
        found(classes(c, at)?.accuracy.as_ref()?.n as f64)
    })
    .detail(),
    figure("further-agreement", "agreement with float", (Of::Classes, Unit::Share), |c, at| {
        found(classes(c, at)?.agreement_with_float?)
    })
    .detail(),
    figure("further-mcnemar", "McNemar p", (Of::Classes, Unit::Probability), |c, at| {
        found(classes(c, at)?.mcnemar_p?)
    })
    .detail(),
    figure("mae", "MAE", (Of::Values, Unit::Value), |c, at| {
        score(c, at).and_then(|own| between(own.mae, own.mae_ci95))
    })
    .note("mean absolute error, bootstrap 95 % interval")
    .tested(Test::P(|report, at| Some(report.mae_change.as_ref()?.get(at)?.p))),
    figure("mae-change", "against float", (Of::Values, Unit::Change), |c, at| {
        let own = c.report?.mae_change.as_ref()?.get(at)?;
        let ends = interval(own.ci95, signed);
        said(own.change, format!("{} {ends}, p = {}", signed(own.change), p_value(own.p)))
    })
    .detail(),
    figure("rmse", "RMSE", (Of::Values, Unit::Value), |c, at| found(score(c, at)?.rmse)).part(),
    figure("p99", "99 % of errors below", (Of::Values, Unit::Value), |c, at| {
        found(score(c, at)?.p99_abs)
    })
    .part(),
    figure("max-abs", "largest error", (Of::Values, Unit::Value), |c, at| {
        found(score(c, at)?.max_abs)
    })
    .part(),
    figure("bias", "bias", (Of::Values, Unit::Change), |c, at| found(score(c, at)?.bias)).detail(),
    figure("r2", "R2", (Of::Values, Unit::Score), |c, at| found(score(c, at)?.r2?)).detail(),
    figure("within", "within tolerance", (Of::Values, Unit::Share), |c, at| {
        let own = score(c, at)?.within.as_ref()?;
        let (share, tolerance) = (percent(own.share), significant(own.tolerance));
        said(own.share, format!("{share} % within {tolerance}"))
    })
    .detail(),
    figure("value-frames", "frames", (Of::Frames, Unit::Number), |c, _| {
        found(c.report?.values.as_ref()?.n as f64)
    })
    .detail(),
    figure("from-float", "distance from float", (Of::Distances, Unit::Value), |c, at| {
        found(moved(c, at)?.mean_abs)
    })
    .note("on average"),
    figure("from-float-p99", "99 % of distances below", (Of::Distances, Unit::Value), |c, at| {
        found(moved(c, at)?.p99_abs)
    })
    .detail(),
    figure("from-float-max", "largest distance", (Of::Distances, Unit::Value), |c, at| {
        found(moved(c, at)?.max_abs)
    })
    .detail(),
    figure("sqnr", "signal to noise", (Of::Distances, Unit::Decibels), |c, at| {
        found(moved(c, at)?.sqnr_db?)
    })
    .detail(),
    figure("return", "mean return", (Of::Drives, Unit::Return), |c, _| {
        let own = c.driven?;
        Some(Found { interval: own.ci95, ..found(own.mean)? })
    })
    .note("driving the same tracks, 95 % interval")
    .tested(Test::P(|report, _| Some(report.driving.as_ref()?.against_float.as_ref()?.p))),
    figure("return-change", "against float", (Of::Drives, Unit::Return), |c, _| {
        let pair = c.report?.driving.as_ref()?.against_float.as_ref()?;
        let ends =
            pair.ci95.map_or_else(String::new, |ends| " ".to_owned() + &interval(ends, tenths));
        let p = p_value(pair.p);
        said(pair.mean_difference, format!("{:+.1}{ends}, p = {p}", pair.mean_difference))
    })
    .detail(),
    figure("laps", "laps finished", (Of::Drives, Unit::Number), |c, _| {
        let tracks = &c.driven?.tracks;
        said(finished(tracks) as f64, laps(tracks))
    })
    .detail(),
    figure("off-road", "off the road", (Of::Drives, Unit::Share), |c, _| {
        found(share_off_road(&c.driven?.tracks))
    })
    .detail(),
    figure("latency", "latency, median", (Of::Times, Unit::Milliseconds), |c, _| {
        let own = c.report?.latency_ms.as_ref()?;
        between(own.p50, own.ci95)
    })
    .note("one frame, bootstrap 95 % interval")
    .tested(Test::Time),
    figure("latency-p90", "latency, 90 % below", (Of::Times, Unit::Milliseconds), |c, _| {
        found(c.report?.latency_ms.as_ref()?.p90)
    })
    .part(),
    figure("latency-mean", "latency, mean", (Of::Times, Unit::Milliseconds), |c, _| {
        found(c.report?.latency_ms.as_ref()?.mean)
    })
    .detail(),
    figure("latency-runs", "runs", (Of::Times, Unit::Number), |c, _| {
        found(c.report?.latency_ms.as_ref()?.runs as f64)
    })
    .detail(),
    figure("speedup", "speed-up over float", (Of::Times, Unit::Times), |c, _| {
        let own = c.report?.speedup_over_float.as_ref()?;
        let aside = if own.is_significant() { "" } else { ", not significant" };
        Some(Found { aside, ..between(own.median, own.ci95)? })
    })
    .note("from interleaved blocks")
    .better(Better::High),
    figure("cold", "cold start", (Of::Times, Unit::Milliseconds), |c, _| found(c.report?.cold_ms))
        .note("load, prepare, first frame"),
    figure("file-bytes", "ONNX file", (Of::Network, Unit::Bytes), |c, _| {
        found(c.report?.file_bytes as f64)
    }),
    figure("weight-bytes", "weights in it", (Of::Network, Unit::Bytes), |c, _| {
        found(c.report?.weight_bytes as f64)
    })
    .part(),
    figure("gzip-bytes", "file, gzipped", (Of::Network, Unit::Bytes), |c, _| {
        found(c.report?.gzip_bytes as f64)
    })
    .part(),
    figure("session-bytes", "session memory", (Of::Network, Unit::Bytes), |c, _| {
        found(c.report?.session_bytes as f64)
    })
    .note("packed weights and live values"),
    figure("params", "parameters", (Of::Network, Unit::Count), |c, _| {
        found(c.report?.params as f64)
    }),
    figure("macs", "MACs", (Of::Network, Unit::Count), |c, _| found(c.report?.macs as f64))
        .note("multiply-accumulates per frame"),
    figure("flops", "FLOPs", (Of::Network, Unit::Count), |c, _| found(c.report?.flops as f64))
        .note("2 × MACs"),
    figure("bops", "bit operations (BOPs)", (Of::Network, Unit::Count), |c, _| {
        found(c.report?.bops as f64)
    })
    .note("MACs × weight bits × activation bits"),
];

fn finished(tracks: &[Track]) -> usize {
    tracks.iter().filter(|track| track.finished).count()
}

/// How many of the drives finished a lap.
pub fn laps(tracks: &[Track]) -> String {
    format!("{} of {}", finished(tracks), tracks.len())
}

fn share_off_road(tracks: &[Track]) -> f64 {
    let steps: usize = tracks.iter().map(|track| track.steps).sum();
    let off: f64 = tracks.iter().map(|track| track.off_road * track.steps as f64).sum();
    off / steps.max(1) as f64
}

/// The share of all steps off the road.
pub fn off_road(tracks: &[Track]) -> String {
    Unit::Share.write(share_off_road(tracks))
}
