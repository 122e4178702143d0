//! A tensor's values as a histogram, with the integers that stand for them.

use yew::prelude::*;

use super::scale::Scale;
use crate::page::format;
use crate::vocabulary::analysis::TensorDamage;

const BARS: f64 = 40.0;
/// Below the bars: the range that integers stand for, and each of them where there is room.
const GRID: f64 = 8.0;
/// Integers nearer to each other than this are drawn as one band.
const ROOM: f64 = 3.0;

#[derive(PartialEq, Properties)]
pub(crate) struct DistributionProps {
    pub(crate) tensor: TensorDamage,
    /// In units of the drawing.
    pub(crate) width: f64,
}

#[component]
pub(crate) fn Distribution(DistributionProps { tensor, width }: &DistributionProps) -> Html {
    let bars = &tensor.histogram;
    let [first, last] = tensor.represented.map(f64::from);
    let (low, high) = (f64::from(bars.low), f64::from(bars.high));
    let scale = Scale { low: low.min(first), high: high.max(last), width: *width };
    let pitch = (high - low) / bars.counts.len().max(1) as f64;
    let most = bars.counts.iter().copied().max().unwrap_or(0);
    let bar = |(i, &count): (usize, &u64)| {
        if count == 0 {
            return Html::default();
        }
        // Logarithmic: the tails are what matters, and they are thin.
        let height = (count as f64).ln_1p() / (most as f64).ln_1p() * BARS;
        let left = low + i as f64 * pitch;
        let middle = left + pitch / 2.0;
        let class = if middle < first || middle > last { "bin bin-clipped" } else { "bin" };
        let (x, end) = (scale.at(left), scale.at(left + pitch));
        html! {
            <rect {class} x={format!("{x:.1}")} width={format!("{:.1}", (end - x).max(0.5))}
                y={format!("{:.1}", BARS - height)} height={format!("{height:.1}")} />
        }
    };
    let grid: String = grid(tensor)
        .filter(|_| scale.at(first + f64::from(tensor.scale)) - scale.at(first) >= ROOM)
        .map(|value| format!("M{:.1} {BARS} v{GRID}", scale.at(value)))
        .collect();
    let (from, to) = (scale.at(first), scale.at(last));
    html! {
        <svg class="distribution" viewBox={format!("0 0 {width} {}", BARS + GRID)} role="img"
            preserveAspectRatio="none" aria-label={summary(tensor)}>
            <rect class="represented" x={format!("{from:.1}")} y={BARS.to_string()}
                width={format!("{:.1}", (to - from).max(1.0))} height={GRID.to_string()} />
            { for bars.counts.iter().enumerate().map(bar) }
            <path class="grid-line" d={grid} />
        </svg>
    }
}

/// The values of the first channel's integers.
fn grid(tensor: &TensorDamage) -> impl Iterator<Item = f64> {
    let all = 1_i64 << tensor.bits.min(16);
    let (low, high) = match (tensor.element_type.starts_with('u'), tensor.is_weight) {
        (true, _) => (0, all - 1),
        // Weights leave the smallest integer out.
        (false, true) => (1 - all / 2, all / 2 - 1),
        (false, false) => (-all / 2, all / 2 - 1),
    };
    let (scale, zero_point) = (f64::from(tensor.scale), i64::from(tensor.zero_point));
    (low..=high).map(move |integer| (integer - zero_point) as f64 * scale)
}

/// The picture in words.
fn summary(tensor: &TensorDamage) -> String {
    let [least, most] = tensor.observed.map(|value| format::value(value.into()));
    let [first, last] = tensor.represented.map(|value| format::value(value.into()));
    let clipped = format::share(tensor.clipped);
    format!(
        "{}: values of {least} to {most}, integers for {first} to {last}, {clipped} clipped",
        tensor.name
    )
}
