//! The whole track from above, and the way that each car has taken.

use super::pen::{Palette, Pen};
use super::scene::Seen;
use crate::vocabulary::stage::Ground;

const AIR: f64 = 10.0;
const ROAD_WIDTH: f64 = 7.0;

/// With a ring where the first decision was another, after so many steps.
pub(super) fn draw(
    pen: &Pen,
    ground: &Ground,
    cars: &[Seen<'_>],
    first_difference: Option<usize>,
    palette: &Palette,
) {
    let along = |axis: usize| {
        let values = ground.centre.iter().map(|point| f64::from(point[axis]));
        values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
    };
    let [[left, right], [bottom, top]] = [along(0), along(1)];
    let fit = |from: f64, to: f64, length: f64| (length - 2.0 * AIR) / (to - from).max(1.0);
    let scale = fit(left, right, pen.width).min(fit(bottom, top, pen.height));
    let place = |[x, y]: [f32; 2]| {
        let x = pen.width / 2.0 + (f64::from(x) - (left + right) / 2.0) * scale;
        let y = pen.height / 2.0 - (f64::from(y) - (bottom + top) / 2.0) * scale;
        [x, y]
    };
    let lap = ground.centre.iter().chain(ground.centre.first());
    pen.line(lap.map(|&point| place(point)), &palette.line, ROAD_WIDTH);
    for seen in cars.iter().rev() {
        let way = seen.way.iter().map(|pose| place([pose.hull[0], pose.hull[1]]));
        pen.line(way, &palette.cars[seen.at.min(1)], 1.75);
    }
    let way = cars.first().map_or(&[][..], |seen| seen.way);
    let before = first_difference.and_then(|step| way.get(step.saturating_sub(1)));
    if let Some(pose) = before.filter(|_| cars.len() > 1) {
        pen.ring(place([pose.hull[0], pose.hull[1]]), 7.0, &palette.ink);
    }
    for seen in cars.iter().rev() {
        if let Some(pose) = seen.pose() {
            pen.disc(place([pose.hull[0], pose.hull[1]]), 4.5, &palette.cars[seen.at.min(1)]);
        }
    }
}
