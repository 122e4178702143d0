//! A point and its interval per network, on a scale that shows the difference.

use yew::prelude::*;

use super::scale::Scale;
use super::series;
use crate::figures::significant;
use crate::page::format;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 18.0;
const MIDDLE: f64 = HEIGHT / 2.0;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) ci95: [f64; 2],
}

/// What points are of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Measure {
    /// From 0 to 1.
    Share,
    /// In a unit of its own, from 0.
    Value,
}

#[derive(PartialEq, Properties)]
pub(crate) struct IntervalsProps {
    pub(crate) points: Vec<Point>,
    pub(crate) measure: Measure,
}

#[component]
pub(crate) fn Intervals(props: &IntervalsProps) -> Html {
    let scale = scale(&props.points, props.measure);
    let text = match props.measure {
        Measure::Share => format::percent,
        Measure::Value => significant,
    };
    let row = |(i, point): (usize, &Point)| {
        let [low, high] = point.ci95.map(|bound| scale.at(bound));
        let d = format!("M{low:.1} {MIDDLE} H{high:.1} M{low:.1} 4.5 v9 M{high:.1} 4.5 v9");
        html! {
            <div class={classes!("bar-row", series(i))}>
                <span class="bar-name">{ &point.name }</span>
                <span class="bar-text">{ text(point.value) }</span>
                <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} aria-hidden="true">
                    <path class="axis" d={format!("M0 {MIDDLE} H{WIDTH}")} />
                    <path class="interval" {d} />
                    <circle class="point" cx={format!("{:.1}", scale.at(point.value))}
                        cy={MIDDLE.to_string()} r="4.5" />
                </svg>
            </div>
        }
    };
    html! {
        <div class="bars">
            { for props.points.iter().enumerate().map(row) }
            <div class="axis-ends" aria-hidden="true">
                <span>{ text(scale.low) }</span><span>{ text(scale.high) }</span>
            </div>
        </div>
    }
}

/// All intervals and some air; of shares to full percents.
fn scale(points: &[Point], measure: Measure) -> Scale {
    if measure == Measure::Value {
        let low = points.iter().map(|point| point.ci95[0]).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(|point| point.ci95[1]).fold(0.0, f64::max);
        let air = 0.08 * (high - low).max(0.05 * high);
        return Scale { low: (low - air).max(0.0), high: high + air, width: WIDTH };
    }
    let low = points.iter().map(|point| point.ci95[0]).fold(1.0, f64::min);
    let high = points.iter().map(|point| point.ci95[1]).fold(0.0, f64::max);
    let low = ((low * 100.0 - 0.5).floor() / 100.0).max(0.0);
    let high = ((high * 100.0 + 0.5).ceil() / 100.0).min(1.0);
    Scale { low, high, width: WIDTH }
}
