//! Mean return of what is made of a network, and its accuracy: over the bits of the weights, then of
//! single recipes.

use std::rc::Rc;

use yew::prelude::*;

use super::scale::Scale;
use crate::page::state::{Point, Road, Subject};

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
    pub(crate) road: Rc<Road>,
}

#[component]
pub(crate) fn Returns(ReturnsProps { road }: &ReturnsProps) -> Html {
    let points = &road.points;
    let count = points.len().max(1) as f64;
    let x = |at: usize| LEFT + (at as f64 + 0.5) / count * (WIDTH - LEFT - RIGHT);
    let height = HEIGHT - TOP - BOTTOM;
    let returns = Scale { low: LEAST, high: MOST, width: height };
    let shares = Scale { low: LEAST / MOST, high: 1.0, width: height };
    let up =
        |scale: &Scale, value: f64| HEIGHT - BOTTOM - scale.at(value.clamp(scale.low, scale.high));
    let line = |class: &'static str, values: Vec<(usize, f64)>| {
        let place = |(at, y): &(usize, f64)| format!("{:.1} {y:.1}", x(*at));
        // Only the widths are a series.
        let series = values.iter().filter(|(at, _)| is_series(&points[*at].subject));
        let path: Vec<String> = series.map(place).collect();
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
    // How far the two have come apart.
    let gap = |(i, point): (usize, &Point)| {
        let (mean, (top1, _)) = (point.mean()?, point.top1?);
        let d = format!("M{:.1} {:.1} V{:.1}", x(i), up(&shares, top1), up(&returns, mean));
        Some(html! { <path class="gap" {d} /> })
    };
    let whisker = |(i, point): (usize, &Point)| {
        let [low, high] = point.driven.as_ref()?.ci95?;
        let d = format!("M{:.1} {:.1} V{:.1}", x(i), up(&returns, low), up(&returns, high));
        Some(html! { <path class="whisker returns" {d} /> })
    };
    let name = |(i, point): (usize, &Point)| {
        html! {
            <text class="axis-name" x={format!("{:.1}", x(i))} y={(HEIGHT - 10.0).to_string()}
                text-anchor="middle">{ short(points, i, &point.subject) }</text>
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
            aria-label="Mean return, and share of validation frames answered right; the table beside says the same">
            { for [0.0, 250.0, 500.0, 750.0, 1000.0].map(mark) }
            { for numbered().filter_map(gap) }
            { line("accuracy", right) }
            { for numbered().filter_map(whisker) }
            { line("returns", driven) }
            { for numbered().map(name) }
        </svg>
    }
}

fn is_series(subject: &Subject) -> bool {
    matches!(subject, Subject::Float | Subject::Width { .. })
}

/// A name for an axis: what is no width has a letter, in the order of the points.
pub(crate) fn short(points: &[Point], at: usize, subject: &Subject) -> String {
    match subject {
        Subject::Float => "float".into(),
        Subject::Width { bits, .. } => format!("{bits} bits"),
        Subject::Tried { .. } | Subject::Made(_) => {
            let before = points[..at].iter().filter(|point| !is_series(&point.subject)).count();
            char::from(b'A' + (before % 26) as u8).to_string()
        }
    }
}
