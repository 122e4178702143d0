//! The picture of a scene that a network sees, as Gymnasium draws it with pygame: a window of 1000
//! by 800 pixels, shrunk to 96 by 96.
//!
//! What is drawn, and where, is after Gymnasium's `car_racing.py` and `car_dynamics.py`, whose licence
//! (MIT) stands in `NOTICE.md`. How lines and polygons become pixels was measured on what pygame draws.

mod canvas;
mod outline;
mod polygon;
mod score;
mod shrink;
mod view;

use super::car::{HULL_POLYGONS, SIZE, WHEEL_RADIUS, WHEEL_WIDTH};
use super::track::PLAYFIELD;
use canvas::{Canvas, Colour, HEIGHT, WIDTH};
use score::Characters;
use shrink::Shrink;
use view::View;

pub use shrink::SIDE;

/// What a picture shows, in the world's units.
#[derive(Debug, Clone)]
pub struct Scene<'a> {
    /// The road's polygons in the order in which they are drawn.
    pub road: &'a [RoadPolygon],
    /// Seconds since the start, on which the zoom depends.
    pub time: f64,
    /// The hull's place.
    pub hull: HullView,
    /// Front left, front right, rear left, rear right.
    pub wheels: [WheelView; 4],
    /// The reward so far.
    pub score: f64,
}

/// A part of the road, or of its border.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoadPolygon {
    /// One after the other around it.
    pub corners: [[f64; 2]; 4],
    /// Red, green, blue.
    pub colour: [u8; 3],
}

/// The hull as far as a picture shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HullView {
    /// World's units.
    pub position: [f32; 2],
    /// Sine and cosine of `angle`, as the physics has them.
    pub rotation: [f32; 2],
    /// Radians against the clock.
    pub angle: f32,
    /// Units a second.
    pub velocity: [f32; 2],
    /// Radians a second.
    pub angular_velocity: f32,
}

/// A wheel as far as a picture shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WheelView {
    /// World's units.
    pub position: [f32; 2],
    /// Sine and cosine of its angle, as the physics has them.
    pub rotation: [f32; 2],
    /// How far it has rolled, in radians.
    pub phase: f64,
    /// How fast it rolls, in radians a second.
    pub omega: f64,
    /// What it is steered by, in radians.
    pub joint_angle: f32,
}

/// The side of a square of grass, of which every second one in x and y is drawn.
const GRASS: f64 = PLAYFIELD / 20.0;

const FIELD_COLOUR: Colour = Colour::new([102, 204, 102]);
const GRASS_COLOUR: Colour = Colour::new([102, 230, 102]);
const HULL_COLOUR: Colour = Colour::new([204, 0, 0]);
const TREAD_COLOUR: Colour = Colour::new([77, 77, 77]);

/// How far a wheel rolls over one tread, in radians.
const TREAD: f64 = 1.2;

/// The dashboard's rows, at the lower end of the window.
const DASHBOARD: usize = 100;

/// What the dashboard is divided into: forty columns and rows of the window.
const UNIT: [f64; 2] = [WIDTH as f64 / 40.0, HEIGHT as f64 / 40.0];

/// A bar that is shorter is not drawn.
const SHORTEST: f64 = 1e-4;

/// Draws scenes. The memory for it is taken once.
#[derive(Debug, Clone)]
pub struct Picture {
    canvas: Canvas,
    characters: Characters,
    shrink: Shrink,
    pixels: Vec<u8>,
}

impl Default for Picture {
    fn default() -> Self {
        Self::new()
    }
}

impl Picture {
    /// Room for one picture after the other.
    pub fn new() -> Self {
        Self {
            canvas: Canvas::new(),
            characters: Characters::new(),
            shrink: Shrink::new(),
            pixels: vec![0; 3 * SIDE * SIDE],
        }
    }

    /// Draws a scene, and gives the [`Self::pixels`].
    pub fn draw(&mut self, scene: &Scene<'_>) -> &[u8] {
        let canvas = &mut self.canvas;
        let view = View::new(scene.time, scene.hull.position, scene.hull.angle);
        canvas.start(DASHBOARD);
        draw_ground(canvas, &view, scene.road);
        draw_car(canvas, &view, scene);
        canvas.flip();
        draw_dashboard(canvas, scene);
        self.characters.write(canvas, scene.score);
        self.shrink.run(canvas, &mut self.pixels);
        &self.pixels
    }

    /// The picture drawn last: rows from above, of each pixel red, green and blue.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

fn draw_ground(canvas: &mut Canvas, view: &View, road: &[RoadPolygon]) {
    let mut draw = |corners: [[f64; 2]; 4], colour| {
        let vertices = corners.map(|corner| view.place(corner).map(|coordinate| coordinate as i16));
        if on_canvas(&vertices) {
            outline::draw(canvas, &vertices, colour);
            polygon::fill_fixed(canvas, &vertices, colour);
        }
    };
    draw(
        [
            [PLAYFIELD, PLAYFIELD],
            [PLAYFIELD, -PLAYFIELD],
            [-PLAYFIELD, -PLAYFIELD],
            [-PLAYFIELD, PLAYFIELD],
        ],
        FIELD_COLOUR,
    );
    for column in (-20..20).step_by(2) {
        for row in (-20..20).step_by(2) {
            let [x, y] = [column, row].map(|index| GRASS * f64::from(index));
            draw([[x + GRASS, y], [x, y], [x, y + GRASS], [x + GRASS, y + GRASS]], GRASS_COLOUR);
        }
    }
    for part in road {
        draw(part.corners, Colour::new(part.colour));
    }
}

/// Whether the rectangle around the vertices meets the canvas.
fn on_canvas(vertices: &[[i16; 2]]) -> bool {
    [WIDTH, HEIGHT].iter().enumerate().all(|(axis, &size)| {
        vertices.iter().any(|vertex| vertex[axis] >= 0)
            && vertices.iter().any(|vertex| i32::from(vertex[axis]) < size as i32)
    })
}

fn draw_car(canvas: &mut Canvas, view: &View, scene: &Scene<'_>) {
    for wheel in &scene.wheels {
        let body = Body { position: wheel.position, rotation: wheel.rotation };
        let sides = [WHEEL_RADIUS, -WHEEL_RADIUS];
        body.draw(canvas, view, &wheel_part(sides), Colour::BLACK);
        if let Some(sides) = tread(wheel.phase) {
            body.draw(canvas, view, &wheel_part(sides), TREAD_COLOUR);
        }
    }
    let body = Body { position: scene.hull.position, rotation: scene.hull.rotation };
    for part in HULL_POLYGONS {
        body.draw(canvas, view, part, HULL_COLOUR);
    }
}

/// A rectangle as wide as a wheel, between two places along it.
fn wheel_part([from, to]: [f64; 2]) -> [[f64; 2]; 4] {
    [[-WHEEL_WIDTH, from], [WHEEL_WIDTH, from], [WHEEL_WIDTH, to], [-WHEEL_WIDTH, to]]
}

/// Where on a wheel the tread is seen from above, if it is.
fn tread(phase: f64) -> Option<[f64; 2]> {
    let ends = [phase, phase + TREAD];
    let hidden = ends.map(|end| libm::sin(end) > 0.0);
    let places = [0, 1].map(|i| {
        let cosine = libm::cos(ends[i]);
        WHEEL_RADIUS * if hidden[i] { cosine.signum() } else { cosine }
    });
    (hidden != [true, true]).then_some(places)
}

/// Where a body of the physics is.
struct Body {
    position: [f32; 2],
    /// Sine and cosine.
    rotation: [f32; 2],
}

impl Body {
    /// Draws a polygon in the body's own coordinates, in the car's measure.
    fn draw(&self, canvas: &mut Canvas, view: &View, part: &[[f64; 2]], colour: Colour) {
        let mut corners = [[0.0; 2]; polygon::MOST_VERTICES];
        for (corner, point) in corners.iter_mut().zip(part) {
            *corner = view.place(self.place(point.map(|coordinate| (coordinate * SIZE) as f32)));
        }
        polygon::fill(canvas, &corners[..part.len()], colour);
    }

    fn place(&self, [x, y]: [f32; 2]) -> [f64; 2] {
        let [sine, cosine] = self.rotation;
        let [right, up] = self.position;
        [(cosine * x - sine * y) + right, (sine * x + cosine * y) + up].map(f64::from)
    }
}

/// Black ground and seven bars: speed, the wheels' rolling, steering and turning.
fn draw_dashboard(canvas: &mut Canvas, scene: &Scene<'_>) {
    let [width, height] = [WIDTH as f64, HEIGHT as f64];
    let top = height - DASHBOARD as f64;
    polygon::fill(
        canvas,
        &[[width, height], [width, top], [0.0, top], [0.0, height]],
        Colour::BLACK,
    );

    let [vx, vy] = scene.hull.velocity.map(f64::from);
    let speed = (vx * vx + vy * vy).sqrt();
    rise(canvas, 5.0, speed, 0.02, [255; 3]);
    for (i, wheel) in scene.wheels.iter().enumerate() {
        let colour = if i < 2 { [0, 0, 255] } else { [51, 0, 255] };
        rise(canvas, 7.0 + i as f64, wheel.omega, 0.01, colour);
    }
    swing(canvas, 20.0, scene.wheels[0].joint_angle.into(), -10.0, [0, 255, 0]);
    swing(canvas, 30.0, scene.hull.angular_velocity.into(), -0.8, [255, 0, 0]);
}

/// A bar that rises with `value`.
fn rise(canvas: &mut Canvas, place: f64, value: f64, factor: f64, colour: [u8; 3]) {
    let [width, height] = UNIT;
    let bottom = HEIGHT as f64;
    let top = bottom - (height + height * (factor * value));
    let foot = bottom - height;
    let [left, right] = [place * width, (place + 1.0) * width];
    bar(canvas, value, &[[left, top], [right, top], [right, foot], [left, foot]], colour);
}

/// A bar that goes to the right or left with `value`.
fn swing(canvas: &mut Canvas, place: f64, value: f64, factor: f64, colour: [u8; 3]) {
    let [width, height] = UNIT;
    let bottom = HEIGHT as f64;
    let [top, foot] = [bottom - 4.0 * height, bottom - 2.0 * height];
    let [start, end] = [place * width, (place + factor * value) * width];
    bar(canvas, value, &[[start, top], [end, top], [end, foot], [start, foot]], colour);
}

fn bar(canvas: &mut Canvas, value: f64, corners: &[[f64; 2]], colour: [u8; 3]) {
    if value.abs() > SHORTEST {
        polygon::fill(canvas, corners, Colour::new(colour));
    }
}
