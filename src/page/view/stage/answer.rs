//! What a driver decides, drawn: a bar for each class of a network, a wheel and two pedals.

use super::pen::{Palette, Pen};
use crate::page::answers::shares;
use crate::vocabulary::stage::ACTIONS;

const LABEL: f64 = 52.0;
const WHEEL: f64 = 56.0;

pub(super) fn draw(
    pen: &Pen,
    (scores, controls): (Option<&[f32]>, [f32; 3]),
    colour: &str,
    palette: &Palette,
) {
    let [steering, gas, brake] = controls.map(f64::from);
    let bars: Vec<(&str, f64)> = match scores {
        Some(scores) => {
            ACTIONS.into_iter().zip(shares(scores).into_iter().map(f64::from)).collect()
        }
        None => vec![("gas", gas), ("brake", brake)],
    };
    let row = pen.height / bars.len() as f64;
    let across = pen.width - LABEL - WHEEL - 16.0;
    pen.context.set_font("11px ui-monospace, Menlo, Consolas, monospace");
    pen.context.set_text_baseline("middle");
    let most = bars.iter().map(|(_, share)| *share).fold(0.0, f64::max);
    for (i, (name, share)) in bars.into_iter().enumerate() {
        let middle = (i as f64 + 0.5) * row;
        let is_chosen = share >= most && share > 0.0;
        let ink = if is_chosen { &palette.ink } else { &palette.soft };
        pen.context.set_fill_style_str(ink);
        pen.context.fill_text(name, 0.0, middle).ok();
        let bar = |length: f64, colour: &str| {
            let [top, bottom] = [middle - 4.0, middle + 4.0];
            let corners =
                [[LABEL, top], [LABEL + length, top], [LABEL + length, bottom], [LABEL, bottom]];
            pen.polygon(corners, colour);
        };
        bar(across, &palette.line);
        bar(across * share.clamp(0.0, 1.0), colour);
    }
    draw_wheel(pen, steering, &palette.soft, colour);
}

/// A steering wheel, turned by a quarter at full lock.
fn draw_wheel(pen: &Pen, steering: f64, rim: &str, spoke: &str) {
    let middle = [pen.width - WHEEL / 2.0, pen.height / 2.0];
    let radius = WHEEL.min(pen.height) / 2.0 - 4.0;
    let round = |i: usize| {
        let (sine, cosine) = (std::f64::consts::TAU * i as f64 / 48.0).sin_cos();
        [middle[0] + radius * cosine, middle[1] + radius * sine]
    };
    pen.line((0..=48).map(round), rim, 3.0);
    let (sine, cosine) = (steering * std::f64::consts::FRAC_PI_2).sin_cos();
    let turned = |x: f64, y: f64| {
        [middle[0] + radius * (x * cosine - y * sine), middle[1] + radius * (x * sine + y * cosine)]
    };
    pen.line([turned(-1.0, 0.0), turned(1.0, 0.0)], spoke, 3.0);
    pen.line([turned(0.0, 0.0), turned(0.0, 1.0)], spoke, 3.0);
    pen.disc(turned(0.0, -1.0), 3.5, spoke);
}
