//! Loss and score by epoch, on the frames that are trained on and on those held out.

use yew::prelude::*;

use super::scale::Scale;
use crate::page::format;
use crate::vocabulary::training::{Epoch, Score};

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 210.0;
const LEFT: f64 = 52.0;
const BELOW: f64 = 30.0;
const AIR: f64 = 14.0;

#[derive(PartialEq, Properties)]
pub(crate) struct LearningCurvesProps {
    /// The starting point first.
    pub(crate) epochs: Vec<Epoch>,
    /// `None`: nobody knows how many there will be.
    pub(crate) planned: Option<usize>,
}

/// The starting point has held-out figures alone.
type Figure = fn(&Epoch) -> Option<f64>;

#[component]
pub(crate) fn LearningCurves(
    LearningCurvesProps { epochs, planned }: &LearningCurvesProps,
) -> Html {
    let last = epochs.last().map_or(0, |epoch| epoch.epoch).max(planned.unwrap_or(0)).max(1);
    let (score, testid, read): (_, _, fn(f64) -> String) = match epochs.first().map(|e| e.score) {
        Some(Score::Mae) => ("Mean absolute error", "learning-mae", |mae| format!("{mae:.3}")),
        _ => ("Top-1", "learning-top1", format::percent),
    };
    html! {
        <div class="learning">
            { plot("Loss", "learning-loss", epochs, last,
                [|e| (e.epoch > 0).then_some(e.loss), |e| Some(e.heldout_loss)],
                |loss| format!("{loss:.2}")) }
            { plot(score, testid, epochs, last,
                [|e| (e.epoch > 0).then_some(e.train_score), |e| Some(e.heldout_score)],
                read) }
        </div>
    }
}

fn plot(
    name: &'static str,
    testid: &'static str,
    epochs: &[Epoch],
    last: usize,
    figures: [Figure; 2],
    read: fn(f64) -> String,
) -> Html {
    let all = || epochs.iter().flat_map(|epoch| figures.iter().filter_map(|figure| figure(epoch)));
    let (low, high) =
        (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let air = 0.06 * if high > low { high - low } else { 0.01 };
    let across = Scale { low: 0.0, high: last as f64, width: WIDTH - LEFT - AIR };
    let up = Scale { low: low - air, high: high + air, width: HEIGHT - BELOW - AIR };
    let floor = HEIGHT - BELOW;
    let at =
        |epoch: &Epoch, value: f64| (LEFT + across.at(epoch.epoch as f64), floor - up.at(value));
    let curve = |(figure, class, of): (Figure, &'static str, &'static str)| {
        let points: Vec<_> =
            epochs.iter().filter_map(|epoch| Some((epoch, figure(epoch)?))).collect();
        let line: Vec<_> = points
            .iter()
            .map(|(epoch, value)| at(epoch, *value))
            .map(|(x, y)| format!("{x:.1} {y:.1}"))
            .collect();
        let mark = |(epoch, value): &(&Epoch, f64)| {
            let (x, y) = at(epoch, *value);
            html! {
                <circle class={classes!("learning-point", class)} cx={format!("{x:.1}")}
                    cy={format!("{y:.1}")} r="3.5">
                    <title>{ format!("Epoch {}, {of}: {}", epoch.epoch, read(*value)) }</title>
                </circle>
            }
        };
        html! {
            <g>
                if line.len() > 1 {
                    <path class={classes!("learning-line", class)} d={format!("M{}", line.join(" L"))} />
                }
                { for points.iter().map(mark) }
            </g>
        }
    };
    let up_tick = |value: f64| {
        html! {
            <text class="tick-up" x={(LEFT - 8.0).to_string()} y={format!("{:.1}", floor - up.at(value) + 4.0)}>
                { read(value) }
            </text>
        }
    };
    let step = last.div_ceil(6).max(1);
    let across_tick = |epoch: usize| {
        html! {
            <text class="tick-across" x={format!("{:.1}", LEFT + across.at(epoch as f64))}
                y={(floor + 18.0).to_string()}>{ epoch }</text>
        }
    };
    let [train, held_out] = figures;
    html! {
        <figure class="learning-plot" data-testid={testid} data-value={epochs.len().to_string()}>
            <figcaption>
                { format!("{name} by epoch ") }
                <span class="learning-key learning-train">{"training frames"}</span>
                <span class="learning-key learning-held-out">{"held-out frames"}</span>
            </figcaption>
            <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img" aria-label={format!("{name} by epoch")}>
                <path class="axis" d={format!("M{LEFT} {AIR} V{floor} H{}", WIDTH - AIR)} fill="none" />
                { up_tick(low) }
                { if high > low { up_tick(high) } else { Html::default() } }
                { for (0..=last).step_by(step).map(across_tick) }
                { curve((train, "learning-train", "training frames")) }
                { curve((held_out, "learning-held-out", "held-out frames")) }
            </svg>
        </figure>
    }
}
