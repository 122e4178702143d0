//! The road as a camera behind a car sees it from above.

use super::pen::{Palette, Pen};
use crate::vocabulary::stage::{Ground, Pose, Shapes};

/// How much of the world is seen from the bottom to the top, in its units.
const SEEN: f64 = 58.0;
/// How far down the picture the car is.
const CAR_AT: f64 = 0.72;
/// Side of the squares of the meadow, as the network's own pictures have them.
const SQUARE: f32 = 17.65;
/// A trail is as long as this many steps.
const TRAIL: usize = 220;

/// A car to draw: where it has been so far, the last place being where it is.
pub(super) struct Seen<'a> {
    pub(super) way: &'a [Pose],
    /// Between the last two places, from 0 to 1.
    pub(super) part: f32,
    /// Which of the stage's cars it is.
    pub(super) at: usize,
}

impl Seen<'_> {
    /// Where it is.
    pub(super) fn pose(&self) -> Option<Pose> {
        let (last, rest) = self.way.split_last()?;
        let Some(before) = rest.last() else { return Some(last.clone()) };
        let between = |from: [f32; 3], to: [f32; 3]| {
            std::array::from_fn(|i| from[i] + (to[i] - from[i]) * self.part)
        };
        Some(Pose {
            hull: between(before.hull, last.hull),
            wheels: std::array::from_fn(|i| between(before.wheels[i], last.wheels[i])),
            ..last.clone()
        })
    }
}

/// From the world to a picture.
struct Camera {
    about: [f32; 2],
    sine: f64,
    cosine: f64,
    scale: f64,
    middle: [f64; 2],
    /// Farther from the camera nothing is in the picture.
    reach: f32,
}

impl Camera {
    /// Behind a car, which looks up in the picture.
    fn behind(pose: &Pose, pen: &Pen) -> Self {
        let [x, y, angle] = pose.hull;
        let scale = pen.height / SEEN;
        let (sine, cosine) = f64::from(angle).sin_cos();
        let reach = (pen.width.hypot(2.0 * CAR_AT * pen.height) / 2.0 / scale) as f32 + 12.0;
        let middle = [pen.width / 2.0, pen.height * CAR_AT];
        Self { about: [x, y], sine, cosine, scale, middle, reach }
    }

    fn place(&self, [x, y]: [f32; 2]) -> [f64; 2] {
        let [x, y] = [x - self.about[0], y - self.about[1]].map(f64::from);
        let right = x * self.cosine + y * self.sine;
        let ahead = y * self.cosine - x * self.sine;
        [self.middle[0] + right * self.scale, self.middle[1] - ahead * self.scale]
    }

    fn sees(&self, [x, y]: [f32; 2]) -> bool {
        (x - self.about[0]).abs() < self.reach && (y - self.about[1]).abs() < self.reach
    }
}

/// Draws the picture of the first of `cars`, the others as far as they are near.
pub(super) fn draw(pen: &Pen, ground: &Ground, cars: &[Seen<'_>], palette: &Palette) {
    let Some(own) = cars.first().and_then(Seen::pose) else { return };
    let camera = Camera::behind(&own, pen);
    let all = [[0.0, 0.0], [pen.width, 0.0], [pen.width, pen.height], [0.0, pen.height]];
    pen.polygon(all, &palette.meadow);
    draw_squares(pen, ground.field, &camera, palette);
    for tile in ground.tiles.iter().filter(|tile| camera.sees(tile[0])) {
        let corners = tile.map(|corner| camera.place(corner));
        pen.polygon(corners, &palette.road);
        // What stands side by side would leave a hairline between.
        pen.line(corners.into_iter().chain([corners[0]]), &palette.road, 0.75);
    }
    for kerb in ground.kerbs.iter().filter(|kerb| camera.sees(kerb.corners[0])) {
        let colour = if kerb.is_red { "#d6402f" } else { "#f7f4ee" };
        pen.polygon(kerb.corners.map(|corner| camera.place(corner)), colour);
    }
    for seen in cars {
        let trail = &seen.way[seen.way.len().saturating_sub(TRAIL)..];
        pen.context.set_global_alpha(0.55);
        let points = trail.iter().map(|pose| camera.place([pose.hull[0], pose.hull[1]]));
        pen.line(points, &palette.cars[seen.at.min(1)], 2.5);
        pen.context.set_global_alpha(1.0);
    }
    for (i, seen) in cars.iter().enumerate().rev() {
        let Some(pose) = seen.pose() else { continue };
        // Another car is there to be compared with, not to be met.
        pen.context.set_global_alpha(if i == 0 { 1.0 } else { 0.45 });
        draw_car(pen, &pose, &ground.car, &camera, &palette.cars[seen.at.min(1)]);
        pen.context.set_global_alpha(1.0);
    }
}

fn draw_squares(pen: &Pen, field: f32, camera: &Camera, palette: &Palette) {
    let from = |centre: f32| ((centre - camera.reach) / SQUARE).floor() as i32;
    let to = |centre: f32| ((centre + camera.reach) / SQUARE).ceil() as i32;
    let most = (field / SQUARE) as i32;
    for i in from(camera.about[0]).max(-most)..to(camera.about[0]).min(most) {
        for j in from(camera.about[1]).max(-most)..to(camera.about[1]).min(most) {
            if (i + j) % 2 == 0 {
                let at = |i: i32, j: i32| camera.place([i as f32 * SQUARE, j as f32 * SQUARE]);
                let corners = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
                pen.polygon(corners, &palette.grass);
            }
        }
    }
}

fn draw_car(pen: &Pen, pose: &Pose, shapes: &Shapes, camera: &Camera, colour: &str) {
    let part = |[x, y, angle]: [f32; 3], corners: &[[f32; 2]], colour: &str| {
        let (sine, cosine) = angle.sin_cos();
        let place = |[u, v]: &[f32; 2]| {
            camera.place([x + u * cosine - v * sine, y + u * sine + v * cosine])
        };
        pen.polygon(corners.iter().map(place), colour);
    };
    for wheel in pose.wheels {
        part(wheel, &shapes.wheel, "#16181b");
    }
    for hull in &shapes.hull {
        part(pose.hull, hull, colour);
    }
}
