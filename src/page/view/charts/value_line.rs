//! A value over the frames: what is right, and what each network says.

use std::rc::Rc;

use yew::prelude::*;

use super::clicked;
use super::scale::{Scale, span, thinned};
use super::series;
use crate::figures::significant;
use crate::vocabulary::report::Series;

const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 64.0;
const AIR: f64 = 10.0;
/// Of more frames than twice this, each of so many stretches shows its smallest and largest.
const STRETCHES: usize = 400;

#[derive(PartialEq, Properties)]
pub(crate) struct ValueLineProps {
    pub(crate) values: Rc<Series>,
    /// The frame at which it was clicked.
    pub(crate) open: Callback<usize>,
}

#[component]
pub(crate) fn ValueLine(ValueLineProps { values, open }: &ValueLineProps) -> Html {
    let lines = || values.labels.iter().chain(&values.answers);
    let frames = lines().map(Vec::len).max().unwrap_or(0);
    let [low, high] = span(lines().flatten().copied());
    let across =
        Scale { low: 0.0, high: frames.saturating_sub(1) as f64, width: WIDTH - LEFT - AIR };
    let up = Scale { low, high, width: HEIGHT - 2.0 * AIR };
    let line = |line: &[f32]| {
        let point = |(frame, value): (usize, f32)| {
            let y = HEIGHT - AIR - up.at(value.into());
            format!("{:.1} {y:.1}", LEFT + across.at(frame as f64))
        };
        let points: Vec<String> = thinned(line, STRETCHES).into_iter().map(point).collect();
        format!("M{}", points.join(" L"))
    };
    let answer = |(i, answers): (usize, &Vec<f32>)| {
        html! { <path class={classes!("value-line", series(i))} d={line(answers)} /> }
    };
    let end = |value: f64| {
        html! {
            <text class="axis-name" x={(LEFT - 8.0).to_string()}
                y={format!("{:.1}", HEIGHT - AIR - up.at(value) + 4.0)} text-anchor="end">
                { significant(value) }
            </text>
        }
    };
    let onclick = {
        let open = open.clone();
        Callback::from(move |event: MouseEvent| {
            let Some([x, _]) = clicked(&event) else { return };
            let share = ((x * WIDTH - LEFT) / across.width).clamp(0.0, 1.0);
            open.emit((share * across.high).round() as usize);
        })
    };
    html! {
        <svg class="value-chart opens" {onclick} viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img"
            aria-label={format!("{} over {frames} frames", values.name)}>
            { end(low) }{ end(high) }
            <path class="axis" d={format!("M{LEFT} {AIR} V{} H{}", HEIGHT - AIR, WIDTH - AIR)} />
            if let Some(labels) = &values.labels {
                <path class="value-line truth-line" d={line(labels)} />
            }
            { for values.answers.iter().enumerate().map(answer) }
        </svg>
    }
}
