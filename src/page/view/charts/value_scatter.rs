//! What each network says against what is right.

use std::rc::Rc;

use yew::prelude::*;

use super::scale::{Scale, span};
use super::series;
use crate::figures::significant;
use crate::vocabulary::report::Series;

const SIDE: f64 = 260.0;
const AIR: f64 = 12.0;
/// Points of a network.
const MOST: usize = 500;

#[derive(PartialEq, Properties)]
pub(crate) struct ValueScatterProps {
    pub(crate) values: Rc<Series>,
}

#[component]
pub(crate) fn ValueScatter(ValueScatterProps { values }: &ValueScatterProps) -> Html {
    let Some(labels) = &values.labels else { return Html::default() };
    let [low, high] = span(values.answers.iter().chain([labels]).flatten().copied());
    let scale = Scale { low, high, width: SIDE - 2.0 * AIR };
    let step = labels.len().div_ceil(MOST).max(1);
    let points = |(i, answers): (usize, &Vec<f32>)| {
        let point = |(label, answer): (&f32, &f32)| {
            let (x, y) = (AIR + scale.at((*label).into()), SIDE - AIR - scale.at((*answer).into()));
            // A dot is a line without length that ends round.
            format!("M{x:.1} {y:.1}h0")
        };
        let d: String = labels.iter().zip(answers).step_by(step).map(point).collect();
        html! { <path class={classes!("dots", series(i))} {d} /> }
    };
    html! {
        <figure class="value-figure">
            <figcaption>{"Said against right"}</figcaption>
            <svg viewBox={format!("0 0 {SIDE} {SIDE}")} role="img"
                aria-label={format!("{} said against right", values.name)}>
                <path class="axis" d={format!("M{AIR} {} L{} {AIR}", SIDE - AIR, SIDE - AIR)} />
                { for values.answers.iter().enumerate().map(points) }
            </svg>
            <div class="axis-ends" aria-hidden="true">
                <span>{ significant(low) }</span><span>{ significant(high) }</span>
            </div>
        </figure>
    }
}
