//! One drive of a network along one track, as the bundled networks were trained: it waits until the camera
//! has zoomed in, then keeps each decision for a few steps.

use super::driver::Driver;
use super::lap::Lap;
use super::{Action, Discrete, Episode, Options, Picture};
use crate::error::{Error, Result};
use crate::score::driving::Drive;
use crate::vocabulary::driving::{RoadTest, Track, WAIT};

/// Drives the track `seed` to the end of the episode; `steps` hears how many are done at each decision.
///
/// # Errors
/// As [`Driver::decide`], at which step; and what `steps` says.
pub fn drive(
    driver: &mut Driver,
    seed: u64,
    test: &RoadTest,
    steps: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Drive> {
    let options = Options { max_steps: test.steps, ..Options::default() };
    let mut episode = Episode::reset_with(seed, &options);
    let mut lap = Lap::new(&episode.track().centre_line);
    let mut made = |episode: &Episode| {
        let hull = episode.hull();
        lap.at([hull.x, hull.y].map(f64::from));
    };
    let mut picture = Picture::new();
    let mut decisions = Vec::new();
    let mut last = episode.keep(Action::Discrete(Discrete::Nothing), WAIT, &mut made);
    while !last.is_last() {
        let step = episode.steps_done();
        steps(step)?;
        let speed = episode.speed();
        let seen = episode.observe(&mut picture);
        let action = driver.decide(seen, decisions.is_empty(), speed).map_err(|error| Error {
            what: format!("at step {step} of track {seed}: {}", error.what),
            ..error
        })?;
        decisions.push(action.controls().map(|control| control as f32));
        last = episode.keep(action, test.frame_skip, &mut made);
    }
    let steps = episode.steps_done();
    let track = Track {
        seed,
        total: episode.total_return(),
        tiles: episode.tiles_visited(),
        of_tiles: episode.track().tiles.len(),
        steps,
        finished: last.lap_finished,
        off_road: episode.state().steps_off_road as f64 / steps as f64,
    };
    Ok(Drive { track, decisions, offsets: lap.offsets() })
}
