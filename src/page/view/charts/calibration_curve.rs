//! How good the answers are by the number of calibration frames.

use yew::prelude::*;

use super::scale::Scale;
use crate::page::format;
use crate::vocabulary::analysis::{Damage, FramesDamage};

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 110.0;
/// Room for the labels of the points.
const MARGIN: f64 = 26.0;

#[derive(PartialEq, Properties)]
pub(crate) struct CalibrationCurveProps {
    pub(crate) points: Vec<FramesDamage>,
}

/// Top-1, or agreement with float where there are no labels.
#[component]
pub(crate) fn CalibrationCurve(CalibrationCurveProps { points }: &CalibrationCurveProps) -> Html {
    let figure = |effect: &Damage| effect.top1.or(effect.agreement).unwrap_or(0.0);
    let figures = || points.iter().map(|point| figure(&point.effect));
    let frames = |point: &FramesDamage| (point.calibration_frames.max(1) as f64).ln();
    let across = Scale {
        low: points.iter().map(frames).fold(f64::INFINITY, f64::min),
        high: points.iter().map(frames).fold(f64::NEG_INFINITY, f64::max),
        width: WIDTH - 2.0 * MARGIN,
    };
    let up = Scale {
        low: figures().fold(1.0, f64::min) - 0.002,
        high: figures().fold(0.0, f64::max) + 0.002,
        width: HEIGHT - 2.0 * MARGIN,
    };
    let at = |point: &FramesDamage| {
        let y = HEIGHT - MARGIN - up.at(figure(&point.effect));
        (MARGIN + across.at(frames(point)), y)
    };
    let mark = |point: &FramesDamage| {
        let (x, y) = at(point);
        let (x, cy) = (format!("{x:.1}"), format!("{y:.1}"));
        let share = format::percent(figure(&point.effect));
        html! {
            <g>
                <title>{ format!("{} calibration frames: {share}", point.calibration_frames) }</title>
                <circle class="curve-point" cx={x.clone()} {cy} r="4" />
                <text x={x.clone()} y={format!("{:.1}", y - 9.0)}>{ share }</text>
                <text class="axis-name" {x} y={(HEIGHT - 4.0).to_string()}>
                    { format::grouped(point.calibration_frames) }
                </text>
            </g>
        }
    };
    let line: Vec<_> = points.iter().map(at).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    let labelled = points.iter().any(|point| point.effect.top1.is_some());
    let what = if labelled { "Top-1" } else { "Agreement with float" };
    html! {
        <figure class="curve" data-testid="by-calibration-frames" data-value={points.len().to_string()}>
            <figcaption>{ format!("{what} by the number of calibration frames") }</figcaption>
            <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="img"
                aria-label={format!("{what} by the number of calibration frames")}>
                <path class="curve-line" d={format!("M{}", line.join(" L"))} />
                { for points.iter().map(mark) }
            </svg>
        </figure>
    }
}
