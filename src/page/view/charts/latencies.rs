//! How long inferences take: a histogram per network, all on one scale, drawn while they are timed.

use std::rc::Rc;

use yew::prelude::*;

use super::scale::Scale;
use super::series;
use crate::lab::protocol::ModelId;
use crate::page::format;
use crate::page::histogram::{Histogram, quantile, sorted};
use crate::page::view::props::PageProps;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 26.0;

#[component]
pub(in crate::page::view) fn Latencies(PageProps { state, .. }: &PageProps) -> Html {
    let bench = state.bench();
    let timed = |(id, name, ms): (ModelId, String, Rc<[f32]>)| {
        let place = bench.and_then(|bench| bench.all.iter().position(|of| of.id == id));
        Timed { id, name, ms, place }
    };
    let all: Vec<Timed> = state.latencies().into_iter().map(timed).collect();
    if all.iter().all(|timed| timed.ms.is_empty()) {
        return Html::default();
    }
    html! { <Strips {all} live={state.times.is_some()} /> }
}

/// How long a network took, and its place among the variants, which gives it its colour.
#[derive(Clone, PartialEq)]
struct Timed {
    id: ModelId,
    name: String,
    ms: Rc<[f32]>,
    place: Option<usize>,
}

#[derive(PartialEq, Properties)]
struct StripsProps {
    all: Vec<Timed>,
    live: bool,
}

/// Drawn anew when something was timed, and at nothing else that changes on the page.
#[component]
fn Strips(StripsProps { all, live }: &StripsProps) -> Html {
    let live = *live;
    let samples: Vec<Vec<f32>> = all.iter().map(|timed| sorted(&timed.ms)).collect();
    let histogram = Histogram::of(&samples);
    let scale = Scale { low: 0.0, high: histogram.high, width: WIDTH };
    let row = |(at, Timed { id, name, ms, place }): (usize, &Timed)| {
        let most = histogram.counts[at].iter().copied().max().unwrap_or(0).max(1);
        let bars: String = histogram.counts[at]
            .iter()
            .enumerate()
            .map(|(bin, &count)| {
                if count == 0 {
                    return String::new();
                }
                let (x, next) = (histogram.start(bin), histogram.start(bin + 1));
                let height = (HEIGHT * f64::from(count) / f64::from(most)).max(1.0);
                let (x, end) = (scale.at(x), scale.at(next));
                format!("M{x:.1} {HEIGHT} V{:.1} H{end:.1} V{HEIGHT}Z", HEIGHT - height)
            })
            .collect();
        let middle = quantile(&samples[at], 0.5).map(f64::from);
        html! {
            <div key={id.clone()} class={classes!("bar-row", series(place.unwrap_or(at)))}
                data-testid="latency-strip" data-model={id.clone()} data-value={ms.len().to_string()}>
                <span class="bar-name">{ name }</span>
                <span class="bar-text">{ middle.map_or_else(|| "–".into(), format::ms) }</span>
                <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} preserveAspectRatio="none" aria-hidden="true">
                    <path class="bar-fill" d={bars} />
                    if let Some(middle) = middle {
                        <path class="median" d={format!("M{:.1} 0 V{HEIGHT}", scale.at(middle))} />
                    }
                </svg>
            </div>
        }
    };
    html! {
        <section class="panel latencies" data-testid="latencies" aria-label="Latencies"
            data-value={all.len().to_string()} data-status={if live { "timing" } else { "timed" }}>
            <h2>{ if live { "Latencies, as they are measured" } else { "Latencies, as they were measured" } }</h2>
            <p class="hint">
                {"How often an inference took how long; the line is the median. A second hump or a long tail \
                  is something else that the machine was at."}
            </p>
            <div class="bars">
                { for all.iter().enumerate().map(row) }
                <div class="axis-ends" aria-hidden="true">
                    <span>{"0"}</span><span>{ format::ms(histogram.high) }</span>
                </div>
            </div>
            if !live {
                <details class="twin">
                    <summary>{"As a table"}</summary>
                    { table(all, &samples) }
                </details>
            }
        </section>
    }
}

/// The picture in figures.
fn table(all: &[Timed], samples: &[Vec<f32>]) -> Html {
    let row = |(Timed { name, .. }, ms): (&Timed, &Vec<f32>)| {
        let at =
            |share: f64| quantile(ms, share).map_or_else(String::new, |ms| format::ms(ms.into()));
        html! {
            <tr>
                <th scope="row">{ name }</th>
                { for [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| html! { <td>{ at(share) }</td> }) }
                <td>{ format::grouped(ms.len()) }</td>
            </tr>
        }
    };
    html! {
        <div class="scroller" tabindex="0" role="region" aria-label="Latencies as a table">
            <table>
                <thead><tr>
                    <th scope="col">{"Network"}</th>
                    <th scope="col">{"5 % below"}</th><th scope="col">{"25 %"}</th>
                    <th scope="col">{"median"}</th><th scope="col">{"75 %"}</th>
                    <th scope="col">{"95 %"}</th><th scope="col">{"samples"}</th>
                </tr></thead>
                <tbody>{ for all.iter().zip(samples).map(row) }</tbody>
            </table>
        </div>
    }
}
