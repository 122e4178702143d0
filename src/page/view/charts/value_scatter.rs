//! What each network says against what is right.

use std::rc::Rc;

use yew::prelude::*;

use super::clicked;
use super::scale::{Scale, span};
use super::series;
use crate::figures::significant;
use crate::page::value_frames::{nearest, step};
use crate::vocabulary::report::Series;

const SIDE: f64 = 260.0;
const AIR: f64 = 12.0;

#[derive(PartialEq, Properties)]
pub(crate) struct ValueScatterProps {
    pub(crate) values: Rc<Series>,
    /// The frame of the dot that was clicked.
    pub(crate) open: Callback<usize>,
}

#[component]
pub(crate) fn ValueScatter(ValueScatterProps { values, open }: &ValueScatterProps) -> Html {
    let Some(labels) = &values.labels else { return Html::default() };
    let [low, high] = span(values.answers.iter().chain([labels]).flatten().copied());
    let scale = Scale { low, high, width: SIDE - 2.0 * AIR };
    let step = step(labels.len());
    let points = |(i, answers): (usize, &Vec<f32>)| {
        let point = |(label, answer): (&f32, &f32)| {
            let (x, y) = (AIR + scale.at((*label).into()), SIDE - AIR - scale.at((*answer).into()));
            // A dot is a line without length that ends round.
            format!("M{x:.1} {y:.1}h0")
        };
        let d: String = labels.iter().zip(answers).step_by(step).map(point).collect();
        html! { <path class={classes!("dots", series(i))} {d} /> }
    };
    let onclick = {
        let (values, open) = (values.clone(), open.clone());
        Callback::from(move |event: MouseEvent| {
            let Some([x, y]) = clicked(&event) else { return };
            let unit = (high - low) / scale.width;
            let at = [x * SIDE - AIR, SIDE - AIR - y * SIDE].map(|away| low + away * unit);
            if let Some(frame) = nearest(&values, at) {
                open.emit(frame);
            }
        })
    };
    html! {
        <figure class="value-figure">
            <figcaption>{"Said against right"}</figcaption>
            <svg class="opens" viewBox={format!("0 0 {SIDE} {SIDE}")} role="img" {onclick}
                aria-label={format!("{} said against right", values.name)}>
                <title>{"A click opens the frame of a dot"}</title>
                <path class="axis" d={format!("M{AIR} {} L{} {AIR}", SIDE - AIR, SIDE - AIR)} />
                { for values.answers.iter().enumerate().map(points) }
            </svg>
            <div class="axis-ends" aria-hidden="true">
                <span>{ significant(low) }</span><span>{ significant(high) }</span>
            </div>
        </figure>
    }
}
