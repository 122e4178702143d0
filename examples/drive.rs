//! Drives a lap by looking at the track instead of at pictures.
//!
//!     cargo run --release --example drive [SEED]

use steer8::drive::{Action, Episode, Picture};

/// Waypoints ahead that the car steers at.
const AHEAD: usize = 5;
/// Units a second.
const SPEED: f64 = 50.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seed = std::env::args().nth(1).map_or(Ok(20_000), |seed| seed.parse())?;
    let mut episode = Episode::reset(seed);
    let mut picture = Picture::new();
    loop {
        let step = episode.step(action(&episode)?);
        if episode.steps_done().is_multiple_of(100) || step.is_last() {
            // What a network would be given. Only pictures that somebody asks for are drawn.
            let pixels = episode.observe(&mut picture);
            let light = pixels.iter().map(|&x| f64::from(x)).sum::<f64>() / pixels.len() as f64;
            println!(
                "{:4} steps, {:3} of {} tiles, {:5.1} units/s, return {:6.1}, mean pixel {light:.0}",
                episode.steps_done(),
                episode.tiles_visited(),
                episode.track().tiles.len(),
                episode.speed(),
                episode.total_return(),
            );
        }
        if step.is_last() {
            println!("{}", if step.lap_finished { "The lap is finished." } else { "It is over." });
            return Ok(());
        }
    }
}

/// Steers at a waypoint ahead, and keeps the speed.
fn action(episode: &Episode) -> steer8::error::Result<Action> {
    let hull = episode.hull();
    let (x, y) = (f64::from(hull.x), f64::from(hull.y));
    let line = &episode.track().centre_line;
    let distance = |i: usize| (line[i].x - x).hypot(line[i].y - y);
    let nearest = (0..line.len()).min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
    let aim = &line[(nearest.unwrap_or(0) + AHEAD) % line.len()];
    // The car looks along its own y.
    let (sine, cosine) = f64::from(hull.angle).sin_cos();
    let right = cosine * (aim.x - x) + sine * (aim.y - y);
    let forward = cosine * (aim.y - y) - sine * (aim.x - x);
    let steering = (1.5 * right.atan2(forward)).clamp(-1.0, 1.0);
    let missing = (SPEED - episode.speed()) / 20.0;
    Action::continuous([steering, missing.clamp(0.0, 1.0), (-missing).clamp(0.0, 0.8)])
}
