//! A bar per network from zero, with its interval if it has one.

use yew::prelude::*;

use super::scale::Scale;
use super::series;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 18.0;
const MIDDLE: f64 = HEIGHT / 2.0;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) ci95: Option<[f64; 2]>,
    /// The value as people read it.
    pub(crate) text: String,
}

#[derive(PartialEq, Properties)]
pub(crate) struct BarsProps {
    pub(crate) bars: Vec<Bar>,
}

#[component]
pub(crate) fn Bars(props: &BarsProps) -> Html {
    let reach = |bar: &Bar| bar.ci95.map_or(bar.value, |[_, high]| high.max(bar.value));
    let high = props.bars.iter().map(reach).fold(0.0, f64::max);
    let scale = Scale { low: 0.0, high, width: WIDTH };
    let row = |(i, bar): (usize, &Bar)| {
        html! {
            <div class={classes!("bar-row", series(i))}>
                <span class="bar-name">{ &bar.name }</span>
                <span class="bar-text">{ &bar.text }</span>
                <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} aria-hidden="true">
                    <rect class="bar-track" x="0" y="3" width={WIDTH.to_string()} height="12" rx="2" />
                    <rect class="bar-fill" x="0" y="3" height="12" rx="2"
                        width={format!("{:.1}", scale.at(bar.value))} />
                    { for bar.ci95.map(|interval| whisker(scale, interval)) }
                </svg>
            </div>
        }
    };
    html! { <div class="bars">{ for props.bars.iter().enumerate().map(row) }</div> }
}

/// An interval as a line with two ends.
fn whisker(scale: Scale, [low, high]: [f64; 2]) -> Html {
    let (low, high) = (scale.at(low), scale.at(high));
    let d = format!(
        "M{low:.1} {MIDDLE} H{high:.1} M{low:.1} 4.5 V{bottom} M{high:.1} 4.5 V{bottom}",
        bottom = HEIGHT - 4.5
    );
    html! { <path class="whisker" {d} /> }
}
