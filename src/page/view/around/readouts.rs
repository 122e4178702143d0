//! The four things that matter, as pictures.

use std::rc::Rc;

use yew::prelude::*;

use crate::figures::{signed, significant};
use crate::page::format;
use crate::page::state::Comparison;
use crate::page::view::charts::bars::{Bar, Bars};
use crate::page::view::charts::intervals::{Intervals, Measure, Point};
use crate::vocabulary::report::{Distance, LEVEL, Pace, Report, Speedup};

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct ReadoutsProps {
    pub(in crate::page::view) comparison: Rc<Comparison>,
}

#[component]
pub(in crate::page::view) fn Readouts(ReadoutsProps { comparison }: &ReadoutsProps) -> Html {
    let reports = &comparison.reports;
    html! {
        <div class="readouts">
            { readout("Size", size_headline(reports), "the ONNX file", size(reports)) }
            { readout("Latency", latency_headline(reports), "median per frame, with its 95 % interval", latency(reports)) }
            if reports.iter().any(|report| report.accuracy.is_some()) {
                { readout("Accuracy", accuracy_headline(reports), "top-1, with its 95 % interval", accuracy(reports)) }
            }
            if reports.iter().any(|report| report.agreement_with_float.is_some()) {
                { readout("Agreement", agreement_headline(reports), "frames on which both say the same", agreement(reports)) }
            }
            { for (0..values(reports)).map(|at| error(reports, at)) }
            { for moved(reports).iter().map(|at| distance(reports, *at)) }
        </div>
    }
}

fn readout(
    name: &'static str,
    headline: String,
    unit: impl Into<AttrValue>,
    picture: Html,
) -> Html {
    html! {
        <div class="readout">
            <h3>{ name }</h3>
            <p class="headline">{ headline }</p>
            { picture }
            <p class="hint">{ unit.into() }</p>
        </div>
    }
}

/// The reference and the network that the comparison is about: the last one.
fn pair(reports: &[Report]) -> Option<(&Report, &Report)> {
    match reports {
        [first, .., last] => Some((first, last)),
        _ => None,
    }
}

fn size_headline(reports: &[Report]) -> String {
    match pair(reports) {
        Some((float, int8)) => {
            let ratio = float.file_bytes as f64 / int8.file_bytes.max(1) as f64;
            format!("{} smaller", format::times(ratio))
        }
        None => reports.first().map_or(String::new(), |r| format::bytes(r.file_bytes)),
    }
}

fn size(reports: &[Report]) -> Html {
    let bar = |report: &Report| Bar {
        name: report.variant.clone(),
        value: report.file_bytes as f64,
        ci95: None,
        text: format::bytes(report.file_bytes),
    };
    html! { <Bars bars={reports.iter().map(bar).collect::<Vec<_>>()} /> }
}

fn latency_headline(reports: &[Report]) -> String {
    let alone = || reports.first().and_then(|report| report.latency_ms.as_ref());
    let speedup = reports.last().and_then(|report| report.speedup_over_float.as_ref());
    match speedup.map(Speedup::pace) {
        Some(Pace::NoDifference) => "no significant difference".to_owned(),
        Some(Pace::Between([low, high], word)) => {
            format!("{} to {} {word}", format::times(low), format::times(high))
        }
        Some(Pace::Times(times, word)) => format!("{} {word}", format::times(times)),
        None => alone().map_or(String::new(), |latency| format::ms(latency.p50)),
    }
}

fn latency(reports: &[Report]) -> Html {
    let bar = |report: &Report| {
        let latency = report.latency_ms.as_ref()?;
        Some(Bar {
            name: report.variant.clone(),
            value: latency.p50,
            ci95: Some(latency.ci95),
            text: format::ms(latency.p50),
        })
    };
    html! { <Bars bars={reports.iter().filter_map(bar).collect::<Vec<_>>()} /> }
}

fn accuracy_headline(reports: &[Report]) -> String {
    let top1 = |report: &Report| report.accuracy.as_ref().map(|accuracy| accuracy.top1);
    match pair(reports).map(|(float, int8)| (top1(float), top1(int8))) {
        Some((Some(float), Some(int8))) => format::points(int8 - float),
        _ => reports.first().and_then(top1).map_or(String::new(), format::percent),
    }
}

fn accuracy(reports: &[Report]) -> Html {
    let point = |report: &Report| {
        let accuracy = report.accuracy.as_ref()?;
        Some(Point { name: report.variant.clone(), value: accuracy.top1, ci95: accuracy.ci95 })
    };
    let points = reports.iter().filter_map(point).collect::<Vec<_>>();
    html! { <Intervals {points} measure={Measure::Share} /> }
}

/// How many values have an error.
fn values(reports: &[Report]) -> usize {
    reports
        .first()
        .and_then(|report| report.values.as_ref())
        .map_or(0, |values| values.outputs.len())
}

/// The error of one value.
fn error(reports: &[Report], at: usize) -> Html {
    let score = |report: &Report| report.values.as_ref()?.outputs.get(at).cloned();
    let Some(first) = reports.first().and_then(score) else { return Html::default() };
    let change = reports.last().and_then(|report| report.mae_change.as_ref()?.get(at).cloned());
    let headline = match change {
        Some(change) if change.p >= LEVEL => "no significant difference".to_owned(),
        Some(change) => signed(change.change),
        None => significant(first.mae),
    };
    let point = |report: &Report| {
        let score = score(report)?;
        Some(Point { name: report.variant.clone(), value: score.mae, ci95: score.mae_ci95 })
    };
    let points = reports.iter().filter_map(point).collect::<Vec<_>>();
    let picture = html! { <Intervals {points} measure={Measure::Value} /> };
    readout(
        "Error",
        headline,
        format!("mean absolute error of {}, with its 95 % interval", first.name),
        picture,
    )
}

/// Which outputs are shown by how far they moved: those without an error of their own.
fn moved(reports: &[Report]) -> Vec<usize> {
    let Some(report) = reports.last() else { return Vec::new() };
    let Some(moved) = &report.from_float else { return Vec::new() };
    let classed = report.agreement_with_float.is_some();
    let apart = |(_, output): &(usize, &Distance)| {
        let scored = report.values.iter().flat_map(|values| &values.outputs);
        !scored.into_iter().any(|score| score.name == output.name)
    };
    let all = moved.outputs.iter().enumerate().filter(apart).map(|(at, _)| at);
    if classed { Vec::new() } else { all.collect() }
}

fn distance(reports: &[Report], at: usize) -> Html {
    let moved = |report: &Report| report.from_float.as_ref()?.outputs.get(at).cloned();
    let Some(last) = reports.last().and_then(moved) else { return Html::default() };
    let bar = |report: &Report| {
        let moved = moved(report)?;
        Some(Bar {
            name: report.variant.clone(),
            value: moved.mean_abs,
            ci95: None,
            text: significant(moved.mean_abs),
        })
    };
    let bars = reports.iter().filter_map(bar).collect::<Vec<_>>();
    let headline = format!("at most {}", significant(last.max_abs));
    let unit = format!("how far {} moves from float, on average", last.name);
    readout("Distance", headline, unit, html! { <Bars {bars} /> })
}

fn agreement_headline(reports: &[Report]) -> String {
    let share = reports.last().and_then(|report| report.agreement_with_float);
    share.map_or("nothing to compare with".to_owned(), format::percent)
}

fn agreement(reports: &[Report]) -> Html {
    let bar = |report: &Report| {
        let share = report.agreement_with_float?;
        let frames = report.accuracy.as_ref().map_or(0, |accuracy| accuracy.n);
        let differ = ((1.0 - share) * frames as f64).round() as usize;
        Some(html! {
            <div class="bar-row">
                <span class="bar-name">{ &report.variant }</span>
                <span class="bar-text">
                    { format!("{} of {} differ", format::grouped(differ), format::grouped(frames)) }
                </span>
                <meter min="0" max="1" value={share.to_string()} aria-label="Agreement with float" />
            </div>
        })
    };
    html! {
        <>
            if let Some(p) = reports.last().and_then(|report| report.mcnemar_p) {
                <p class="reading">{ mcnemar(p) }</p>
            }
            <div class="bars">{ for reports.iter().skip(1).filter_map(bar) }</div>
        </>
    }
}

/// What the paired test says about the difference in accuracy.
fn mcnemar(p: f64) -> String {
    let says = if p < 0.05 { "is real" } else { "is within the noise" };
    format!("The difference in accuracy {says} (McNemar's p = {p:.2}).")
}
