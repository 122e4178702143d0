//! Mean return over the bits of the weights, and accuracy over the same.

use yew::prelude::*;

use super::scale::Scale;
use crate::page::state::Point;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 60.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;
/// What a perfect lap comes to.
const MOST: f64 = 1000.0;
const LEAST: f64 = -100.0;

#[derive(PartialEq, Properties)]
pub(crate) struct ReturnsProps {
    pub(crate) points: Vec<Point>,
    /// How many there will be.
    pub(crate) count: usize,
}

#[component]
pub(crate) fn Returns(ReturnsProps { points, count }: &ReturnsProps) -> Html {
    let x = |at: usize| LEFT + (at as f64 + 0.5) / (*count).max(1) as f64 * (WIDTH - LEFT - RIGHT);
    let height = HEIGHT - TOP - BOTTOM;
    let returns = Scale { low: LEAST, high: MOST, width: height };
    let shares = Scale { low: LEAST / MOST, high: 1.0, width: height };
    let up =
        |scale: &Scale, value: f64| HEIGHT - BOTTOM - scale.at(value.clamp(scale.low, scale.high));
    let line = |class: &'static str, values: Vec<(usize, f64)>| {
        let place = |(at, y): &(usize, f64)| format!("{:.1} {y:.1}", x(*at));
        let path: Vec<String> = values.iter().map(place).collect();
        let dot = |(at, y): &(usize, f64)| {
            html! { <circle class={class} cx={format!("{:.1}", x(*at))} cy={format!("{y:.1}")} r="4" /> }
        };
        html! {
            <g>
                if path.len() > 1 {
                    <path class={classes!("value-line", class)} d={format!("M{}", path.join(" L"))} />
                }
                { for values.iter().map(dot) }
            </g>
        }
    };
    let numbered = || points.iter().enumerate();
    let driven =
        numbered().filter_map(|(i, point)| Some((i, up(&returns, point.mean()?)))).collect();
    let right = numbered().filter_map(|(i, point)| Some((i, up(&shares, point.top1?.0)))).collect();
    let whisker = |(i, point): (usize, &Point)| {
        let [low, high] = point.driven.as_ref()?.ci95?;
        let d = format!("M{:.1} {:.1} V{:.1}", x(i), up(&returns, low), up(&returns, high));
        Some(html! { <path class="whisker returns" {d} /> })
    };
    let name = |(i, point): (usize, &Point)| {
        html! {
            <text class="axis-name" x={format!("{:.1}", x(i))} y={(HEIGHT - 10.0).to_string()}
                text-anchor="middle">{ words(point) }</text>
        }
    };
    let mark = |value: f64| {
        html! {
            <>
                <path class="grid" d={format!("M{LEFT} {0:.1} H{1}", up(&returns, value), WIDTH - RIGHT)} />
                <text class="axis-name" x={(LEFT - 8.0).to_string()} text-anchor="end"
                    y={format!("{:.1}", up(&returns, value) + 4.0)}>{ format!("{value:.0}") }</text>
                <text class="axis-name" x={(WIDTH - RIGHT + 8.0).to_string()}
                    y={format!("{:.1}", up(&returns, value) + 4.0)}>{ format!("{:.0} %", value / 10.0) }</text>
            </>
        }
    };
    html! {
        <svg class="returns-chart" viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img"
            aria-label="Mean return, and share of validation frames answered right, over the bits of the weights">
            { for [0.0, 250.0, 500.0, 750.0, 1000.0].map(mark) }
            { line("accuracy", right) }
            { for numbered().filter_map(whisker) }
            { line("returns", driven) }
            { for numbered().map(name) }
        </svg>
    }
}

/// What a point is of.
pub(crate) fn words(point: &Point) -> String {
    point.bits.map_or_else(|| "float".to_owned(), |bits| format!("{bits} bits"))
}
