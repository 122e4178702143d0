//! One drive along one track, step by step.
//!
//! After `CarRacing` of Gymnasium's `car_racing.py` and its `TimeLimit`; their licence (MIT) stands in
//! `NOTICE.md`.

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::car::{Build, Car, DT};
use super::contacts::{Contact, Tiles};
use super::picture::{HullView, Picture, RoadPolygon, Scene, WheelView};
use super::solver::JOINTS;
use super::track::{PLAYFIELD, Tile, Track};
use super::vector::{Rotation, Transform, Vec2};
use crate::error::{Error, Result};

/// What all tiles pay together.
const REWARD: f64 = 1000.0;
const STEP_COST: f64 = 0.1;
/// What a step outside the field pays, instead of all else.
const OUTSIDE_REWARD: f64 = -100.0;

/// What `gymnasium.make("CarRacing-v3")` lets one choose.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// The lap counts as finished when tile 0 is touched first after more than this share of all tiles.
    /// The start touches tile 0, so only shares close to 0 make a difference.
    pub lap_complete_percent: f64,
    /// An episode is truncated after so many.
    pub max_steps: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { lap_complete_percent: 0.95, max_steps: 1000 }
    }
}

/// What came of a step, or of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Of the step, or the sum of several.
    pub reward: f64,
    /// The lap is finished, or the car is outside the field.
    pub terminated: bool,
    /// The steps are used up.
    pub truncated: bool,
    /// Terminated, and within the field.
    pub lap_finished: bool,
}

impl Step {
    /// Whether nothing follows.
    pub fn is_last(&self) -> bool {
        self.terminated || self.truncated
    }
}

/// All that an episode is, besides what follows from it: it may be kept, sent and taken up again. To go
/// on to the bit it must be kept by a format that keeps floats whole, as postcard does; of JSON's readers
/// not all do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Of the track.
    pub seed: u64,
    /// When the drive is over.
    pub options: Options,
    /// Hull and wheels.
    pub car: Car,
    /// Of each tile.
    pub contacts: Vec<Contact>,
    /// Tile 0 was touched late enough.
    pub lap_completed: bool,
    /// Seconds, of which 0.02 pass in the reset.
    pub time: f64,
    /// What tiles have paid, less the cost of steps.
    pub reward: f64,
    /// The reward before the last step's cost: the score that a picture shows.
    pub score: f64,
    /// The sum of the steps' rewards: as `reward`, but for steps outside the field.
    pub total_return: f64,
    /// Since the reset.
    pub steps: usize,
    /// Those after which [`Episode::off_road`] was true.
    pub steps_off_road: usize,
}

/// A body's place: its origin, and its angle in radians against the clock. The car looks along its y.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pose {
    /// World's units.
    pub x: f32,
    /// World's units.
    pub y: f32,
    /// Radians against the clock.
    pub angle: f32,
}

/// A drive along the track of a seed.
#[derive(Debug, Clone)]
pub struct Episode {
    track: Track,
    tiles: Tiles,
    build: Build,
    /// As pictures show it: each tile, and behind it its border.
    road: Vec<RoadPolygon>,
    /// Where the tiles are in the road.
    drawn: Vec<usize>,
    state: State,
}

impl Episode {
    /// As `env.reset(seed=seed)` of a new environment.
    pub fn reset(seed: u64) -> Self {
        Self::reset_with(seed, &Options::default())
    }

    /// Gymnasium's reset makes a step without an action, and so does this: the score in the first
    /// picture counts the tiles under the wheels.
    pub fn reset_with(seed: u64, options: &Options) -> Self {
        let track = Track::new(seed);
        let build = Build::new();
        let state = State {
            seed,
            options: *options,
            car: Car::new(&build, &track.centre_line[0]),
            contacts: vec![Contact::None; track.tiles.len()],
            lap_completed: false,
            time: 0.0,
            reward: 0.0,
            score: 0.0,
            total_return: 0.0,
            steps: 0,
            steps_off_road: 0,
        };
        let mut episode = Self::from(track, build, state);
        episode.simulate();
        episode
    }

    fn from(track: Track, build: Build, state: State) -> Self {
        let (mut road, mut drawn) = (Vec::new(), Vec::new());
        for (i, tile) in track.tiles.iter().enumerate() {
            drawn.push(road.len());
            let colour = tile_colour(i, state.contacts[i]);
            road.push(RoadPolygon { corners: tile.corners, colour });
            road.extend(border(i, tile));
        }
        Self { tiles: Tiles::new(&track), track, build, road, drawn, state }
    }

    /// Goes on where `state` was taken, to the bit. A state that no episode has is refused.
    pub fn resume(state: State) -> Result<Self> {
        let track = Track::new(state.seed);
        let State { time, reward, score, total_return, .. } = state;
        let numbers = [time, reward, score, total_return, state.options.lap_complete_percent];
        if state.contacts.len() != track.tiles.len() {
            return Err(Error::new(format!(
                "the state has {} tiles, but the track of seed {} has {}",
                state.contacts.len(),
                state.seed,
                track.tiles.len()
            )));
        }
        if !state.car.is_finite() || numbers.iter().any(|x| !x.is_finite()) {
            return Err(Error::new("the state holds what is no finite number"));
        }
        Ok(Self::from(track, Build::new(), state))
    }

    /// Makes a step, also where the episode has ended: when to stop is the caller's business.
    pub fn step(&mut self, action: Action) -> Step {
        let [angle, gas, brake] = action.controls();
        let car = &mut self.state.car;
        car.steer(angle);
        car.gas(gas);
        car.brake(brake);
        // The first step is also paid for the tiles of the reset.
        let before = if self.state.steps == 0 { 0.0 } else { self.state.reward };
        self.simulate();

        let finished = self.is_lap_finished();
        let outside = self.is_outside();
        let off_road = self.off_road();
        let state = &mut self.state;
        state.reward -= STEP_COST;
        let reward = if outside { OUTSIDE_REWARD } else { state.reward - before };
        state.total_return += reward;
        state.steps = state.steps.saturating_add(1);
        state.steps_off_road = state.steps_off_road.saturating_add(usize::from(off_road));
        Step {
            reward,
            terminated: finished || outside,
            truncated: state.steps >= state.options.max_steps,
            lap_finished: finished && !outside,
        }
    }

    /// Makes the steps of `actions` up to the one that ends the episode. Gives how many those were, the
    /// sum of their rewards, and how the last one ended.
    pub fn steps(&mut self, actions: impl IntoIterator<Item = Action>) -> (usize, Step) {
        let (mut count, mut all) = (0, Step::default());
        for action in actions {
            let step = self.step(action);
            all = Step { reward: all.reward + step.reward, ..step };
            count += 1;
            if step.is_last() {
                break;
            }
        }
        (count, all)
    }

    /// Does the same for some steps, or until it is over; `made` hears of each. Gives how the last one ended.
    pub fn keep(&mut self, action: Action, steps: usize, made: &mut dyn FnMut(&Self)) -> Step {
        let mut last = Step::default();
        for _ in 0..steps {
            last = self.step(action);
            made(self);
            if last.is_last() {
                break;
            }
        }
        last
    }

    /// Wheels first, by the tiles that they touched in the step before; then contacts; then motion.
    fn simulate(&mut self) {
        let state = &mut self.state;
        let [a, b, c, d] = state.car.wheels;
        let places = [state.car.hull, a.body, b.body, c.body, d.body].map(|body| body.place());
        let rotations = places.map(|place: Transform| place.rotation);
        let push = state.car.roll(&rotations);

        let tiles = state.contacts.len() as f64;
        let (reward, lap_completed) = (&mut state.reward, &mut state.lap_completed);
        let enough = state.options.lap_complete_percent;
        let (road, drawn) = (&mut self.road, &self.drawn);
        let change = |tile: usize, contacts: &[Contact]| {
            road[drawn[tile]].colour = tile_colour(tile, contacts[tile]);
            if contacts[tile] == Contact::Visited {
                *reward += REWARD / tiles;
                *lap_completed |= tile == 0 && visited(contacts) as f64 / tiles > enough;
            }
        };
        self.tiles.meet(&mut state.car, &self.build, &places, &mut state.contacts, change);
        state.car.advance(&self.build, rotations, &push);
        state.time += DT;
        state.score = state.reward;
    }

    /// Draws what the camera sees: 96 x 96 pixels, rows from above, of each red, green and blue.
    pub fn observe<'a>(&self, picture: &'a mut Picture) -> &'a [u8] {
        let state = &self.state;
        let hull = &state.car.hull;
        let array = |v: Vec2| [v.x, v.y];
        let rotation = |angle: f32| {
            let Rotation { sine, cosine } = Rotation::by(angle);
            [sine, cosine]
        };
        picture.draw(&Scene {
            road: &self.road,
            time: state.time,
            hull: HullView {
                position: array(hull.position),
                rotation: rotation(hull.angle),
                angle: hull.angle,
                velocity: array(hull.velocity),
                angular_velocity: hull.angular_velocity,
            },
            wheels: state.car.wheels.map(|wheel| WheelView {
                position: array(wheel.body.position),
                rotation: rotation(wheel.body.angle),
                phase: wheel.phase,
                omega: wheel.omega,
                joint_angle: wheel.joint_angle(hull.angle),
            }),
            score: state.score,
        })
    }

    fn is_lap_finished(&self) -> bool {
        self.state.lap_completed || self.tiles_visited() == self.state.contacts.len()
    }

    fn is_outside(&self) -> bool {
        let position = self.state.car.hull.position;
        [position.x, position.y].iter().any(|x| f64::from(x.abs()) > PLAYFIELD)
    }

    /// All that is to be kept of it.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The seed's.
    pub fn track(&self) -> &Track {
        &self.track
    }

    /// Where the hull is.
    pub fn hull(&self) -> Pose {
        let hull = &self.state.car.hull;
        Pose { x: hull.position.x, y: hull.position.y, angle: hull.angle }
    }

    /// Front left, front right, rear left, rear right.
    pub fn wheels(&self) -> [Pose; JOINTS] {
        self.state.car.wheels.map(|wheel| Pose {
            x: wheel.body.position.x,
            y: wheel.body.position.y,
            angle: wheel.body.angle,
        })
    }

    /// Units a second.
    pub fn speed(&self) -> f64 {
        let velocity = self.state.car.hull.velocity;
        let [x, y] = [velocity.x, velocity.y].map(f64::from);
        (x * x + y * y).sqrt()
    }

    /// Wheels that touched no tile when the last step began.
    pub fn wheels_off_road(&self) -> usize {
        self.state.car.wheels.iter().filter(|wheel| !wheel.on_road).count()
    }

    /// Whether no wheel touched a tile when the last step began.
    pub fn off_road(&self) -> bool {
        self.wheels_off_road() == JOINTS
    }

    /// Of those that the track has.
    pub fn tiles_visited(&self) -> usize {
        visited(&self.state.contacts)
    }

    /// The sum of the steps' rewards.
    pub fn total_return(&self) -> f64 {
        self.state.total_return
    }

    /// Since the reset.
    pub fn steps_done(&self) -> usize {
        self.state.steps
    }
}

fn visited(contacts: &[Contact]) -> usize {
    contacts.iter().filter(|contact| **contact == Contact::Visited).count()
}

/// Every third tile is darkest, and so is one that was touched.
fn tile_colour(index: usize, contact: Contact) -> [u8; 3] {
    let shade = if contact == Contact::None { index % 3 } else { 0 };
    [[102, 104, 107][shade]; 3]
}

fn border(index: usize, tile: &Tile) -> Option<RoadPolygon> {
    let colour = if index.is_multiple_of(2) { [255; 3] } else { [255, 0, 0] };
    tile.border.map(|corners| RoadPolygon { corners, colour })
}
