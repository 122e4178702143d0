//! Every figure, a column per network.

use std::rc::Rc;

use yew::prelude::*;

use super::charts::series;
use crate::figures::significant;
use crate::lab::protocol::ModelId;
use crate::page::format;
use crate::page::state::Comparison;
use crate::vocabulary::report::{Report, ValueScore};

/// A figure of one network: as people read it, and exactly.
struct Figure {
    text: String,
    exact: f64,
    interval: Option<Interval>,
}

struct Interval {
    text: String,
    exact: [f64; 2],
}

impl Figure {
    fn new(text: String, exact: f64) -> Self {
        Self { text, exact, interval: None }
    }

    fn between(mut self, interval: [f64; 2], text: impl Fn(f64) -> String) -> Self {
        let [low, high] = interval.map(text);
        self.interval = Some(Interval { text: format!("{low} to {high}"), exact: interval });
        self
    }
}

struct Row {
    testid: &'static str,
    name: &'static str,
    note: &'static str,
    figure: fn(&Report) -> Option<Figure>,
}

const ROWS: [Row; 15] = [
    Row {
        testid: "accuracy",
        name: "Top-1 accuracy",
        note: "95 % Wilson interval",
        figure: |r| {
            let accuracy = r.accuracy.as_ref()?;
            let figure = Figure::new(format::percent(accuracy.top1), accuracy.top1);
            Some(figure.between(accuracy.ci95, format::percent))
        },
    },
    Row {
        testid: "agreement",
        name: "Agreement with float",
        note: "frames with the same answer",
        figure: |r| r.agreement_with_float.map(|v| Figure::new(format!("{:.2} %", v * 100.0), v)),
    },
    Row {
        testid: "mcnemar",
        name: "McNemar's p",
        note: "small: the accuracies really differ",
        figure: |r| r.mcnemar_p.map(|v| Figure::new(format!("{v:.3}"), v)),
    },
    Row {
        testid: "latency",
        name: "Latency, median",
        note: "one frame, bootstrap 95 % interval",
        figure: |r| {
            let latency = r.latency_ms.as_ref()?;
            let figure = Figure::new(format::ms(latency.p50), latency.p50);
            Some(figure.between(latency.ci95, |ms| format::ms(ms).replace(" ms", "")))
        },
    },
    Row {
        testid: "latency-p90",
        name: "Latency, 90th percentile",
        note: "",
        figure: |r| r.latency_ms.as_ref().map(|l| Figure::new(format::ms(l.p90), l.p90)),
    },
    Row {
        testid: "speedup",
        name: "Speed-up over float",
        note: "from interleaved blocks",
        figure: |r| {
            let speedup = r.speedup_over_float.as_ref()?;
            let figure = Figure::new(format::times(speedup.median), speedup.median);
            Some(figure.between(speedup.ci95, format::times))
        },
    },
    Row {
        testid: "cold",
        name: "Cold start",
        note: "load, prepare, first frame",
        figure: |r| Some(Figure::new(format::ms(r.cold_ms), r.cold_ms)),
    },
    Row {
        testid: "file-bytes",
        name: "ONNX file",
        note: "",
        figure: |r| Some(bytes(r.file_bytes)),
    },
    Row {
        testid: "weight-bytes",
        name: "Weights in it",
        note: "",
        figure: |r| Some(bytes(r.weight_bytes)),
    },
    Row {
        testid: "gzip-bytes",
        name: "File, gzipped",
        note: "",
        figure: |r| Some(bytes(r.gzip_bytes)),
    },
    Row {
        testid: "session-bytes",
        name: "Session memory",
        note: "packed weights and live values",
        figure: |r| Some(bytes(r.session_bytes)),
    },
    Row { testid: "params", name: "Parameters", note: "", figure: |r| Some(count(r.params)) },
    Row {
        testid: "macs",
        name: "MACs",
        note: "multiply-accumulates per frame",
        figure: |r| Some(count(r.macs)),
    },
    Row { testid: "flops", name: "FLOPs", note: "2 × MACs", figure: |r| Some(count(r.flops)) },
    Row {
        testid: "bops",
        name: "BOPs",
        note: "MACs × weight bits × activation bits",
        figure: |r| Some(count(r.bops)),
    },
];

fn bytes(value: usize) -> Figure {
    Figure::new(format::bytes(value), value as f64)
}

fn count(value: u64) -> Figure {
    Figure::new(format::count(value), value as f64)
}

#[derive(PartialEq, Properties)]
pub(super) struct FiguresProps {
    pub(super) comparison: Rc<Comparison>,
    /// The networks' names for people.
    pub(super) names: Vec<String>,
}

#[component]
pub(super) fn Figures(FiguresProps { comparison, names }: &FiguresProps) -> Html {
    let column = |(i, report): (usize, &Report)| {
        html! {
            <th scope="col" class={series(i)} data-model={comparison.models[i].clone()}
                data-testid={format!("report-{}", report.variant)}>
                <span class="column-variant">{ &report.variant }</span>
                <span class="column-model">{ names.get(i) }</span>
            </th>
        }
    };
    html! {
        <div class="panel figures-panel">
            <h3>{"All figures"}</h3>
            // Can be scrolled sideways on a narrow screen, so the keyboard has to reach it.
            <div class="scroller" tabindex="0" role="region" aria-label="All figures">
                <table>
                    <thead><tr>
                        <th scope="col"><span class="unseen">{"Figure"}</span></th>
                        { for comparison.reports.iter().enumerate().map(column) }
                    </tr></thead>
                    <tbody>
                        { for ROWS.iter().filter(|row| says_something(row, comparison))
                            .map(|row| self::row(row, comparison)) }
                        { for value_rows(comparison) }
                    </tbody>
                </table>
            </div>
        </div>
    }
}

/// A figure that no network has is no row.
fn says_something(row: &Row, comparison: &Comparison) -> bool {
    comparison.reports.iter().any(|report| (row.figure)(report).is_some())
}

/// The errors of each value, a row for each kind.
fn value_rows(comparison: &Comparison) -> Vec<Html> {
    type Kind = (&'static str, &'static str, &'static str, fn(&ValueScore) -> f64);
    const KINDS: [Kind; 4] = [
        ("mae", "MAE", "mean absolute error, bootstrap 95 % interval", |score| score.mae),
        ("rmse", "RMSE", "", |score| score.rmse),
        ("p99", "99 % of errors below", "", |score| score.p99_abs),
        ("max-abs", "Largest error", "", |score| score.max_abs),
    ];
    let first = comparison.reports.iter().find_map(|report| report.values.as_ref());
    let names = first.map_or_else(Vec::new, |values| {
        values.outputs.iter().map(|score| score.name.clone()).collect()
    });
    let mut rows = Vec::new();
    for (at, name) in names.iter().enumerate() {
        for (testid, kind, note, figure) in KINDS {
            let cell = |(model, report): (&ModelId, &Report)| {
                let Some(score) = report.values.as_ref().and_then(|v| v.outputs.get(at)) else {
                    return html! { <td class="nothing">{"–"}</td> };
                };
                let between =
                    (testid == "mae").then(|| score.mae_ci95.map(significant).join(" to "));
                html! {
                    <td data-testid={testid} data-name={name.clone()} data-model={model.clone()}
                        data-value={figure(score).to_string()}>
                        { significant(figure(score)) }
                        if let Some(between) = between {
                            {" "}<span class="between">{ between }</span>
                        }
                    </td>
                }
            };
            rows.push(html! {
                <tr>
                    <th scope="row">
                        { format!("{kind} of {name}") }<span class="row-note">{ note }</span>
                    </th>
                    { for comparison.models.iter().zip(&comparison.reports).map(cell) }
                </tr>
            });
        }
    }
    rows
}

fn row(row: &Row, comparison: &Comparison) -> Html {
    let cell = |(model, report): (&ModelId, &Report)| match (row.figure)(report) {
        Some(figure) => html! {
            <td data-testid={row.testid} data-model={model.clone()}
                data-value={figure.exact.to_string()}
                data-low={figure.interval.as_ref().map(|interval| interval.exact[0].to_string())}
                data-high={figure.interval.as_ref().map(|interval| interval.exact[1].to_string())}>
                { figure.text }
                if let Some(interval) = figure.interval {
                    {" "}<span class="between">{ interval.text }</span>
                }
            </td>
        },
        None => html! { <td class="nothing">{"–"}</td> },
    };
    html! {
        <tr>
            <th scope="row">{ row.name }<span class="row-note">{ row.note }</span></th>
            { for comparison.models.iter().zip(&comparison.reports).map(cell) }
        </tr>
    }
}
