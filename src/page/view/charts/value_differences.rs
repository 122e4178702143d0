//! How far the last network is from the first, frame by frame.

use std::rc::Rc;

use yew::prelude::*;

use super::scale::{Scale, span};
use super::series;
use crate::figures::signed;
use crate::vocabulary::report::Series;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 150.0;
const BINS: usize = 31;

#[derive(PartialEq, Properties)]
pub(crate) struct ValueDifferencesProps {
    pub(crate) values: Rc<Series>,
}

#[component]
pub(crate) fn ValueDifferences(ValueDifferencesProps { values }: &ValueDifferencesProps) -> Html {
    let [first, .., last] = &values.answers[..] else { return Html::default() };
    let differences: Vec<f32> = last.iter().zip(first).map(|(own, float)| own - float).collect();
    // Zero in the middle.
    let far = span(differences.iter().copied()).map(f64::abs).into_iter().fold(0.0, f64::max);
    let scale = Scale { low: -far, high: far, width: BINS as f64 };
    let mut counts = [0usize; BINS];
    for &difference in &differences {
        counts[(scale.at(difference.into()) as usize).min(BINS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let pitch = WIDTH / BINS as f64;
    let bar = |(i, &count): (usize, &usize)| {
        let height = count as f64 / most as f64 * (HEIGHT - 4.0);
        html! {
            <rect class="bin" x={format!("{:.1}", i as f64 * pitch + 0.5)} width={format!("{:.1}", pitch - 1.0)}
                y={format!("{:.1}", HEIGHT - height)} height={format!("{height:.1}")} />
        }
    };
    html! {
        <figure class="value-figure">
            <figcaption>{"Difference from float, in frames"}</figcaption>
            <svg class={series(values.answers.len() - 1)} viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img"
                aria-label={format!("differences of {} from float", values.name)}>
                <path class="axis" d={format!("M{} 0 V{HEIGHT}", WIDTH / 2.0)} />
                { for counts.iter().enumerate().map(bar) }
            </svg>
            <div class="axis-ends" aria-hidden="true">
                <span>{ signed(-far) }</span><span>{"0"}</span><span>{ signed(far) }</span>
            </div>
        </figure>
    }
}
