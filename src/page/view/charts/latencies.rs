//! How long inferences take: a histogram per network, all on one scale, drawn while they are timed.

use yew::prelude::*;

use super::scale::Scale;
use super::series;
use crate::page::format;
use crate::page::histogram::{Histogram, quantile};
use crate::page::view::props::PageProps;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 26.0;

#[component]
pub(in crate::page::view) fn Latencies(PageProps { state, .. }: &PageProps) -> Html {
    let all = state.latencies();
    if all.iter().all(|(_, _, ms)| ms.is_empty()) {
        return Html::default();
    }
    let live = state.times.is_some();
    let samples: Vec<&[f32]> = all.iter().map(|(_, _, ms)| &ms[..]).collect();
    let histogram = Histogram::of(&samples);
    let scale = Scale { low: 0.0, high: histogram.high, width: WIDTH };
    let row = |(at, (id, name, ms)): (usize, &(String, String, Vec<f32>))| {
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
        let middle = quantile(ms, 0.5).map(f64::from);
        let place = state.bench().and_then(|bench| bench.all.iter().position(|of| of.id == *id));
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
                    { table(&all) }
                </details>
            }
        </section>
    }
}

/// The picture in figures.
fn table(all: &[(String, String, Vec<f32>)]) -> Html {
    let row = |(_, name, ms): &(String, String, Vec<f32>)| {
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
        <div class="wide" tabindex="0" role="region" aria-label="Latencies as a table">
            <table>
                <thead><tr>
                    <th scope="col">{"Network"}</th>
                    <th scope="col">{"5 % below"}</th><th scope="col">{"25 %"}</th>
                    <th scope="col">{"median"}</th><th scope="col">{"75 %"}</th>
                    <th scope="col">{"95 %"}</th><th scope="col">{"samples"}</th>
                </tr></thead>
                <tbody>{ for all.iter().map(row) }</tbody>
            </table>
        </div>
    }
}
