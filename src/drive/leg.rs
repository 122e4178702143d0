//! A drive piece by piece, for who watches it: the same as [`drive`](super::drive()) makes at once.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::car::{HULL_POLYGONS, SIZE, WHEEL_RADIUS, WHEEL_WIDTH};
use super::driver::Driver;
use super::track::PLAYFIELD;
use super::{Action, Discrete, Episode, Options, Picture, SIDE, State, Step};
use crate::error::{Error, Result};
use crate::vocabulary::driving::{RoadTest, WAIT};
use crate::vocabulary::stage::{Decision, End, Ground, Kerb, Leg, Pose, Shapes};

const PICTURE_BYTES: usize = SIDE * SIDE * 3;

/// Who decides.
#[derive(Debug)]
pub enum Hands<'a> {
    /// It looks at every picture and decides.
    Network(&'a mut Driver),
    /// Steering, gas and brake, kept all the time.
    Held([f32; 3]),
}

/// What one piece hands to the next.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    state: State,
    /// The last pictures that were decided on, the newest last: as many as one frame is made of.
    pictures: Vec<ByteBuf>,
}

/// The track of a seed, and a car at its start.
///
/// # Errors
/// A state that can't be written.
pub fn ground(seed: u64) -> Result<Ground> {
    let episode = Episode::reset_with(seed, &Options::default());
    let corners = |corners: [[f64; 2]; 4]| corners.map(|corner| corner.map(|x| x as f32));
    let tiles = &episode.track().tiles;
    let kerb = |(i, border): (usize, Option<[[f64; 2]; 4]>)| {
        Some(Kerb { corners: corners(border?), is_red: i % 2 == 1 })
    };
    let kerbs = tiles.iter().map(|tile| tile.border).enumerate().filter_map(kerb).collect();
    let size = |[x, y]: &[f64; 2]| [x * SIZE, y * SIZE].map(|x| x as f32);
    let [x, y] = [WHEEL_WIDTH, WHEEL_RADIUS];
    let wheel = [[-x, y], [x, y], [x, -y], [-x, -y]];
    Ok(Ground {
        seed,
        tiles: tiles.iter().map(|tile| corners(tile.corners)).collect(),
        kerbs,
        centre: episode.track().centre_line.iter().map(|at| [at.x as f32, at.y as f32]).collect(),
        field: PLAYFIELD as f32,
        car: Shapes {
            hull: HULL_POLYGONS.iter().map(|part| part.iter().map(size).collect()).collect(),
            wheel: wheel.iter().map(size).collect(),
        },
        start: kept(&episode, Vec::new())?,
    })
}

/// So many decisions on from where a drive stood, or as many as there are until it ends.
///
/// # Errors
/// A place to start from that is none; what goes wrong with a decision.
pub fn leg(mut hands: Hands<'_>, from: &[u8], decisions: usize, test: &RoadTest) -> Result<Leg> {
    test.check()?;
    let Kept { mut state, mut pictures } =
        postcard::from_bytes(from).map_err(|_| Error::new("no drive stood there"))?;
    if pictures.iter().any(|picture| picture.len() != PICTURE_BYTES) {
        return Err(Error::new("the pictures of that drive are of another size"));
    }
    state.options.max_steps = test.steps;
    let mut episode = Episode::resume(state)?;
    let (mut poses, mut last) = (Vec::new(), Step::default());
    let mut made = |episode: &Episode| poses.push(pose(episode));
    let mut picture = Picture::new();
    if let Hands::Network(driver) = &mut hands {
        if episode.steps_done() == 0 {
            last = episode.keep(Action::Discrete(Discrete::Nothing), WAIT, &mut made);
        }
        for (i, picture) in pictures.iter().enumerate() {
            driver.remember(picture, i == 0)?;
        }
    }
    let depth = test.preprocessing.as_ref().and_then(|own| own.stack).unwrap_or(1);
    let mut decided = Vec::new();
    for _ in 0..decisions {
        if last.is_last() {
            break;
        }
        let step = episode.steps_done();
        let speed = episode.speed();
        let seen = episode.observe(&mut picture);
        let (action, answer) = match &mut hands {
            Hands::Network(driver) => {
                let action = driver.decide(seen, pictures.is_empty(), speed).map_err(|error| {
                    Error { what: format!("at step {step}: {}", error.what), ..error }
                })?;
                (action, driver.answer().to_vec())
            }
            Hands::Held(controls) => (Action::continuous(controls.map(f64::from))?, Vec::new()),
        };
        let seen = ByteBuf::from(seen.to_vec());
        pictures.push(seen.clone());
        pictures.drain(..pictures.len().saturating_sub(depth));
        decided.push(Decision {
            step: step as u32,
            answer,
            controls: action.steering_gas_brake(),
            seen,
        });
        last = episode.keep(action, test.frame_skip, &mut made);
    }
    let end = match last {
        Step { lap_finished: true, .. } => Some(End::Finished),
        Step { terminated: true, .. } => Some(End::Outside),
        Step { truncated: true, .. } => Some(End::OutOfTime),
        _ => None,
    };
    Ok(Leg { poses, decisions: decided, to: kept(&episode, pictures)?, end })
}

fn kept(episode: &Episode, pictures: Vec<ByteBuf>) -> Result<ByteBuf> {
    let kept = Kept { state: episode.state().clone(), pictures };
    let bytes = postcard::to_allocvec(&kept);
    bytes
        .map(ByteBuf::from)
        .map_err(|error| Error::new(format!("the drive can't be kept: {error}")))
}

fn pose(episode: &Episode) -> Pose {
    let place = |pose: super::Pose| [pose.x, pose.y, pose.angle];
    Pose {
        hull: place(episode.hull()),
        wheels: episode.wheels().map(place),
        speed: episode.speed() as f32,
        total: episode.total_return(),
        tiles: episode.tiles_visited() as u32,
        off_road: episode.off_road(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::stage::Labelled;

    const HELD: [f32; 3] = [-0.3, 0.25, 0.0];

    #[test]
    fn pieces_make_the_drive_that_steps_make() {
        let ground = ground(20_005).unwrap();
        let test = RoadTest { steps: 60, ..RoadTest::default() };
        let first = leg(Hands::Held(HELD), &ground.start, 12, &test).unwrap();
        let second = leg(Hands::Held(HELD), &first.to, 100, &test).unwrap();
        let [steering, gas, brake] = HELD.map(f64::from);
        let mut episode = Episode::reset(20_005);
        for pose in first.poses.iter().chain(&second.poses) {
            episode.step(Action::Continuous { steering, gas, brake });
            assert_eq!(*pose, super::pose(&episode));
        }
        assert_eq!((first.end, second.end), (None, Some(End::OutOfTime)));
        assert_eq!([first.poses.len(), second.poses.len()], [36, 24]);
        let steps: Vec<u32> = second.decisions.iter().map(|decision| decision.step).collect();
        assert_eq!(steps, [36, 39, 42, 45, 48, 51, 54, 57]);
        assert!(second.decisions.iter().all(|decision| decision.controls == HELD));
    }

    #[test]
    fn labels_of_classes_do_what_discrete_actions_do() {
        for (class, action) in Discrete::ALL.into_iter().enumerate() {
            let frame = Labelled::as_class(ByteBuf::new(), class).unwrap();
            assert_eq!(frame.controls, Action::Discrete(action).steering_gas_brake());
            assert_eq!(frame.class(), class);
        }
        assert!(Labelled::as_class(ByteBuf::new(), Discrete::ALL.len()).is_none());
    }

    #[test]
    fn a_place_that_is_none_is_refused() {
        let test = RoadTest::default();
        let start = ground(1).unwrap().start;
        assert!(leg(Hands::Held(HELD), &start[1..], 1, &test).is_err());
        let steering = [f32::NAN, 0.0, 0.0];
        assert!(leg(Hands::Held(steering), &start, 1, &test).is_err());
    }
}
