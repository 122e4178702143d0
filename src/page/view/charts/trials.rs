//! What a search has tried: the cost across, the damage up.

use std::rc::Rc;

use yew::prelude::*;

use super::scale::Scale;
use crate::page::format;
use crate::page::state::{Goal, Search};
use crate::vocabulary::search::Trial;

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 52.0;
const BELOW: f64 = 36.0;
const AIR: f64 = 14.0;

#[derive(PartialEq, Properties)]
pub(crate) struct TrialsProps {
    pub(crate) search: Rc<Search>,
}

#[component]
pub(crate) fn Trials(TrialsProps { search }: &TrialsProps) -> Html {
    let by_bytes = search.goal == Goal::Bytes;
    let cost = |trial: &Trial| if by_bytes { trial.file_bytes } else { trial.bops } as f64;
    let read = |cost: f64| match by_bytes {
        true => format::bytes(cost as usize),
        false => format::count(cost as u64),
    };
    let limit = search.target.max_bytes.or(search.target.max_bops).map(|limit| limit as f64);
    let costs = || search.trials.iter().map(cost).chain(limit);
    let (least, most) = (costs().fold(f64::INFINITY, f64::min), costs().fold(0.0, f64::max));
    // Some air on both sides, also around a single trial.
    let air = 0.06 * (most - least).max(0.05 * most);
    let across = Scale { low: least - air, high: most + air, width: WIDTH - LEFT - AIR };
    // What has not driven has kept nothing.
    let lost = |trial: &Trial| match search.goal {
        Goal::Return => {
            trial.driving.as_ref().map_or(100.0, |kept| 100.0 * (1.0 - kept.share.max(0.0)))
        }
        _ => trial.loss().unwrap_or(0.0),
    };
    let drops = || search.trials.iter().map(lost);
    let of_return = search.target.min_return.map(|share| 100.0 * (1.0 - share));
    let allowed = search.target.max_drop.or(search.target.max_rise).or(of_return);
    let up = Scale {
        low: drops().fold(0.0, f64::min),
        high: drops().fold(allowed.unwrap_or(0.0), f64::max).max(0.1),
        width: HEIGHT - BELOW - AIR,
    };
    let x = |cost: f64| LEFT + across.at(cost);
    let y = |drop: f64| HEIGHT - BELOW - up.at(drop);
    let best = search.best();
    let mark = |trial: &Trial| {
        let class = classes!(
            "trial",
            trial.meets.then_some("trial-meets"),
            (best == Some(trial)).then_some("trial-best")
        );
        let r = if best == Some(trial) { "7" } else { "4" };
        html! {
            <circle {class} cx={format!("{:.1}", x(cost(trial)))}
                cy={format!("{:.1}", y(lost(trial)))} {r}>
                <title>{ format!("{}: {}, {}", trial.what, read(cost(trial)), format::lost(trial)) }</title>
            </circle>
        }
    };
    let floor = HEIGHT - BELOW;
    let limits = [
        allowed.map(|drop| format!("M{LEFT} {:.1} H{}", y(drop), WIDTH - AIR)),
        limit.map(|limit| format!("M{:.1} {AIR} V{floor}", x(limit))),
    ];
    let drop_at = |drop: f64| {
        html! {
            <text class="tick-up" x={(LEFT - 8.0).to_string()} y={format!("{:.1}", y(drop) + 4.0)}>
                { format!("{drop:.1}") }
            </text>
        }
    };
    let cost_at = |share: f64| {
        let cost = across.low + (across.high - across.low) * share;
        html! {
            <text class="tick-across" x={format!("{:.1}", x(cost))} y={(floor + 16.0).to_string()}>
                { read(cost) }
            </text>
        }
    };
    let words = format!("{} recipes tried", search.trials.len());
    html! {
        <figure class="trials-plot">
            <figcaption>
                { lost_of(search) }
                { if by_bytes { ", by the bytes of the file" } else { ", by BOPs" } }
            </figcaption>
            <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img" aria-label={words}>
                <path class="axis" d={format!("M{LEFT} {AIR} V{floor} H{}", WIDTH - AIR)} fill="none" />
                { for limits.into_iter().flatten().map(|d| html! { <path class="limit" {d} /> }) }
                { drop_at(up.low) }
                { drop_at(up.high) }
                { for [0.25, 0.5, 0.75].into_iter().map(cost_at) }
                { for search.trials.iter().map(mark) }
            </svg>
        </figure>
    }
}

/// What the height of a point is.
fn lost_of(search: &Search) -> &'static str {
    let has_values = || search.trials.iter().any(|trial| trial.rise.is_some());
    match search.goal {
        Goal::Return => "Per cent of the return lost",
        Goal::Drop => "Points of top-1 lost",
        Goal::Rise => "Per cent by which the error rises",
        Goal::Bytes | Goal::Bops if has_values() => "Per cent by which the error rises",
        Goal::Bytes | Goal::Bops => "Points of top-1 lost",
    }
}
