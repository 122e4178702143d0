//! The time of each network on one thing: a bar each, one below the other, from zero.

use yew::prelude::*;

use super::scale::Scale;
use super::series;

const WIDTH: f64 = 120.0;
const BAR: f64 = 6.0;
const GAP: f64 = 2.0;

#[derive(PartialEq, Properties)]
pub(crate) struct TimeBarsProps {
    /// Milliseconds in each network; `None` has no bar.
    pub(crate) ms: Vec<Option<f64>>,
    /// As long as the picture is wide.
    pub(crate) longest: f64,
}

#[component]
pub(crate) fn TimeBars(TimeBarsProps { ms, longest }: &TimeBarsProps) -> Html {
    let scale = Scale { low: 0.0, high: *longest, width: WIDTH };
    let height = (BAR + GAP) * ms.len() as f64 - GAP;
    let bar = |(i, ms): (usize, &Option<f64>)| {
        let width = ms.map(|ms| format!("{:.1}", scale.at(ms)))?;
        let y = (i as f64 * (BAR + GAP)).to_string();
        Some(html! {
            <g class={series(i)}>
                <rect class="bar-fill" x="0" {y} {width} height={BAR.to_string()} rx="1" />
            </g>
        })
    };
    html! {
        <svg class="time-bars" viewBox={format!("0 0 {WIDTH} {height}")} aria-hidden="true">
            { for ms.iter().enumerate().filter_map(bar) }
        </svg>
    }
}
