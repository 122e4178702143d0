//! One drive of a network along one track, as the bundled networks were trained: it waits until the camera
//! has zoomed in, then keeps each decision for a few steps.

use super::driver::Driver;
use super::lap::Lap;
use super::{Action, Discrete, Episode, Options, Picture, Step};
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
    let mut car = Car::new(seed, test);
    let mut picture = Picture::new();
    let mut decisions = Vec::new();
    car.keep(Action::Discrete(Discrete::Nothing), WAIT);
    while !car.last.is_last() {
        let step = car.episode.steps_done();
        steps(step)?;
        let speed = car.episode.speed();
        let seen = car.episode.observe(&mut picture);
        let action = driver.decide(seen, decisions.is_empty(), speed).map_err(|error| Error {
            what: format!("at step {step} of track {seed}: {}", error.what),
            ..error
        })?;
        decisions.push(action.controls().map(|control| control as f32));
        car.keep(action, test.frame_skip);
    }
    Ok(car.arrived(seed, decisions))
}

/// A car on its way.
struct Car {
    episode: Episode,
    lap: Lap,
    last: Step,
}

impl Car {
    fn new(seed: u64, test: &RoadTest) -> Self {
        let options = Options { max_steps: test.steps, ..Options::default() };
        let episode = Episode::reset_with(seed, &options);
        let lap = Lap::new(&episode.track().centre_line);
        Self { episode, lap, last: Step::default() }
    }

    /// Does the same for some steps, or until it is over.
    fn keep(&mut self, action: Action, steps: usize) {
        for _ in 0..steps {
            self.last = self.episode.step(action);
            let hull = self.episode.hull();
            self.lap.at([hull.x, hull.y].map(f64::from));
            if self.last.is_last() {
                return;
            }
        }
    }

    fn arrived(self, seed: u64, decisions: Vec<[f32; 3]>) -> Drive {
        let Self { episode, lap, last } = self;
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
        Drive { track, decisions, offsets: lap.offsets() }
    }
}
