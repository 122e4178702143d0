//! A value as the needle of a wheel: what is right, and what each network says.

use yew::prelude::*;

use super::series;

const WIDTH: f64 = 100.0;
const HEIGHT: f64 = 56.0;
/// Of the needles, and how far they turn to either side.
const LENGTH: f64 = 42.0;
const MOST: f64 = 1.2;

#[derive(PartialEq, Properties)]
pub(crate) struct GaugeProps {
    pub(crate) truth: Option<f32>,
    /// What each network says, and which colour is its own.
    pub(crate) answers: Vec<(usize, f32)>,
    /// What turns a needle to its end.
    pub(crate) range: [f64; 2],
}

#[component]
pub(crate) fn Gauge(GaugeProps { truth, answers, range: [low, high] }: &GaugeProps) -> Html {
    let needle = |value: f32| {
        let share = (f64::from(value) - low) / (high - low).max(f64::MIN_POSITIVE);
        let angle = (2.0 * share.clamp(0.0, 1.0) - 1.0) * MOST;
        let (x, y) = (WIDTH / 2.0 + LENGTH * angle.sin(), HEIGHT - 6.0 - LENGTH * angle.cos());
        format!("M{} {} L{x:.1} {y:.1}", WIDTH / 2.0, HEIGHT - 6.0)
    };
    let answer = |&(own, value): &(usize, f32)| {
        html! { <path class={classes!("needle", series(own))} d={needle(value)} /> }
    };
    html! {
        <svg class="gauge" viewBox={format!("0 0 {WIDTH} {HEIGHT}")} aria-hidden="true">
            if let Some(truth) = truth {
                <path class="needle truth-line" d={needle(*truth)} />
            }
            { for answers.iter().map(answer) }
        </svg>
    }
}
