//! What each network says against what is right.

use std::rc::Rc;

use yew::prelude::*;

use super::clicked;
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
    /// The frame of the dot that was clicked.
    pub(crate) open: Callback<usize>,
}

#[component]
pub(crate) fn ValueScatter(ValueScatterProps { values, open }: &ValueScatterProps) -> Html {
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
    let onclick = {
        let (values, open) = (values.clone(), open.clone());
        Callback::from(move |event: MouseEvent| {
            let at = clicked(&event).and_then(|at| nearest(&values, scale, at.map(|at| at * SIDE)));
            if let Some(frame) = at {
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

/// The frame whose dot, of any network, is nearest to a place in the picture.
fn nearest(values: &Series, scale: Scale, [x, y]: [f64; 2]) -> Option<usize> {
    let labels = values.labels.as_ref()?;
    let step = labels.len().div_ceil(MOST).max(1);
    let away = |frame: usize, answer: f32| {
        let across = AIR + scale.at(labels[frame].into()) - x;
        across.hypot(SIDE - AIR - scale.at(answer.into()) - y)
    };
    let dots = values.answers.iter().flat_map(|answers| answers.iter().enumerate().step_by(step));
    let dots = dots.filter(|(frame, _)| *frame < labels.len());
    let near = dots.map(|(frame, answer)| (frame, away(frame, *answer)));
    near.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(frame, _)| frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_is_at_the_nearest_dot() {
        let values = Series {
            name: String::new(),
            labels: Some(vec![0.0, 1.0]),
            answers: vec![vec![0.0, 0.0], vec![0.0, 1.0]],
        };
        let scale = Scale { low: 0.0, high: 1.0, width: SIDE - 2.0 * AIR };
        assert_eq!(nearest(&values, scale, [AIR, SIDE - AIR]), Some(0));
        assert_eq!(nearest(&values, scale, [SIDE, 20.0]), Some(1));
    }
}
