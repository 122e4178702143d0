//! From the world to the window: the car stands in the middle of the lower part and looks up.

use std::f64::consts::{FRAC_PI_2, TAU};

use super::canvas::{HEIGHT, WIDTH};

/// Pixels of a unit before the zoom.
const SCALE: f64 = 6.0;

/// What the first second zooms in to.
const ZOOM: f64 = 2.7;

/// Angles this near to a quarter turn are one, in radians.
const NEGLIGIBLE: f64 = 1e-6;

/// Turns, enlarges and moves points.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    sine: f64,
    cosine: f64,
    zoom: f64,
    shift: [f64; 2],
}

impl View {
    /// The view `time` seconds after the start, with the hull at `position` turned by `angle`.
    pub(super) fn new(time: f64, position: [f32; 2], angle: f32) -> Self {
        let (sine, cosine) = sine_and_cosine(-f64::from(angle));
        let zoom = 0.1 * SCALE * (1.0 - time).max(0.0) + ZOOM * SCALE * time.min(1.0);
        let unmoved = Self { sine, cosine, zoom, shift: [0.0; 2] };
        let scroll = position.map(|coordinate| -f64::from(coordinate) * zoom);
        let [x, y] = unmoved.turn(scroll);
        Self { shift: [WIDTH as f64 / 2.0 + x, HEIGHT as f64 / 4.0 + y], ..unmoved }
    }

    /// Where a point of the world is in the window, rows counted from below.
    pub(super) fn place(&self, point: [f64; 2]) -> [f64; 2] {
        let [x, y] = self.turn(point);
        [x * self.zoom + self.shift[0], y * self.zoom + self.shift[1]]
    }

    fn turn(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [x * self.cosine - y * self.sine, x * self.sine + y * self.cosine]
    }
}

/// Sine and cosine, of quarter turns exactly.
fn sine_and_cosine(angle: f64) -> (f64, f64) {
    let mut angle = angle % TAU;
    if angle < 0.0 {
        angle += TAU;
    }
    let quarters = (angle / FRAC_PI_2).round();
    if (angle - quarters * FRAC_PI_2).abs() < NEGLIGIBLE {
        return match quarters as u32 % 4 {
            0 => (0.0, 1.0),
            1 => (1.0, 0.0),
            2 => (0.0, -1.0),
            _ => (-1.0, 0.0),
        };
    }
    (libm::sin(angle), libm::cos(angle))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    #[test]
    fn quarter_turns_are_exact() {
        let turns = [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)];
        for (quarters, turn) in turns.into_iter().enumerate() {
            for off in [-9e-7, 0.0, 9e-7] {
                let angle = quarters as f64 * FRAC_PI_2 + off;
                assert_eq!(sine_and_cosine(angle), turn);
                assert_eq!(sine_and_cosine(angle - 4.0 * TAU), turn);
            }
        }
        assert_ne!(sine_and_cosine(PI + 2e-6), turns[2]);
    }

    #[test]
    fn the_car_stands_below_the_middle_and_looks_up() {
        let view = View::new(2.0, [30.0, -40.0], FRAC_PI_2 as f32);
        let [x, y] = view.place([30.0, -40.0]);
        assert!((x - 500.0).abs() < 1e-3 && (y - 200.0).abs() < 1e-3, "{x} {y}");
        // One unit ahead, where the angle is a quarter turn against the clock.
        let [x, y] = view.place([29.0, -40.0]);
        assert!((x - 500.0).abs() < 1e-3 && (y - 216.2).abs() < 1e-3, "{x} {y}");
        let zoom = |time| View::new(time, [0.0; 2], 0.0).zoom;
        assert_eq!(
            [0.0, 0.5, 1.0, 7.0].map(|time| (10.0 * zoom(time)).round()),
            [6.0, 84.0, 162.0, 162.0]
        );
    }
}
