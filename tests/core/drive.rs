//! Episodes and tracks against Gymnasium's, stored by `models/make/episodes.py`; natively and in the
//! browser.

use std::io::{Cursor, Read};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use steer8::drive::{Action, Episode, Options, Picture, SIDE, State, Step, Track};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Deserialize)]
struct Golden {
    /// Steps under one digest.
    block: usize,
    /// What continuous actions are divided by.
    grain: f64,
    episodes: Vec<Drive>,
    tracks: Vec<Sums>,
}

#[derive(Deserialize)]
struct Drive {
    name: String,
    seed: u64,
    lap_complete_percent: f64,
    /// Each with the steps for which it is held.
    actions: Vec<(usize, Act)>,
    /// Of x, y and angle of the hull, reward, tiles visited and wheels off the road.
    states: Vec<String>,
    /// By the steps before them.
    frames: Vec<(usize, String)>,
    terminated_at: Option<usize>,
    lap_finished: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Act {
    Discrete(usize),
    Continuous([f64; 3]),
}

#[derive(Deserialize)]
struct Sums {
    seed: u64,
    tiles: usize,
    borders: usize,
    /// Of alpha, beta, x and y; and with waypoints that weigh more and more.
    sums: [f64; 8],
}

fn golden() -> Golden {
    let archive = Cursor::new(&include_bytes!("../goldens/drive.zip")[..]);
    let mut pack = zip::ZipArchive::new(archive).expect("a zip");
    let mut text = String::new();
    let mut file = pack.by_name("drive.json").expect("the golden is there");
    file.read_to_string(&mut text).expect("the golden is whole");
    serde_json::from_str(&text).expect("the golden is JSON")
}

impl Golden {
    fn actions(&self, drive: &Drive) -> Vec<Action> {
        let action = |act: &Act| match act {
            Act::Discrete(index) => Action::discrete(*index),
            Act::Continuous(parts) => Action::continuous(parts.map(|part| part / self.grain)),
        };
        let held = drive
            .actions
            .iter()
            .flat_map(|(steps, act)| std::iter::repeat_n(action(act).expect("an action"), *steps));
        held.collect()
    }
}

impl Drive {
    fn reset(&self) -> Episode {
        let lap_complete_percent = self.lap_complete_percent;
        Episode::reset_with(self.seed, &Options { lap_complete_percent, ..Options::default() })
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn frame_digest(episode: &Episode, picture: &mut Picture) -> String {
    let mut frame = episode.observe(picture).to_vec();
    // The score is drawn otherwise.
    frame.chunks_exact_mut(3 * SIDE).skip(87).take(6).for_each(|row| row[..3 * 12].fill(0));
    digest(&frame)
}

#[test]
fn episodes_are_gymnasiums_to_the_bit() {
    let golden = golden();
    let mut picture = Picture::new();
    let mut wrong = Vec::new();
    for drive in &golden.episodes {
        let mut episode = drive.reset();
        let mut states: Vec<u8> = Vec::new();
        let mut frames = drive.frames.iter().peekable();
        let mut see = |episode: &Episode| {
            let due = frames.next_if(|(step, _)| *step == episode.steps_done());
            due.is_none_or(|(_, frame)| *frame == frame_digest(episode, &mut picture))
        };
        assert!(see(&episode), "{}: another first picture", drive.name);
        let mut end = None;
        for action in golden.actions(drive) {
            let step = episode.step(action);
            let hull = episode.hull();
            let counts = [episode.tiles_visited(), episode.wheels_off_road()].map(|x| x as f64);
            let row = [hull.x.into(), hull.y.into(), hull.angle.into(), step.reward];
            states.extend(row.into_iter().chain(counts).flat_map(f64::to_le_bytes));
            if step.terminated {
                end.get_or_insert((episode.steps_done(), step.lap_finished));
            }
            if !see(&episode) {
                let step = episode.steps_done();
                wrong.push(format!("{}: another picture after step {step}", drive.name));
            }
        }
        let row = states.len() / episode.steps_done();
        let states: Vec<String> = states.chunks(golden.block * row).map(digest).collect();
        if let Some(block) = (0..states.len()).find(|&i| states[i] != drive.states[i]) {
            let from = block * golden.block;
            wrong.push(format!("{}: another way from step {from} on", drive.name));
        }
        let expected = drive.terminated_at.map(|step| (step, drive.lap_finished));
        if end != expected || frames.next().is_some() {
            wrong.push(format!("{}: ended {end:?} and not {expected:?}", drive.name));
        }
    }
    assert!(golden.episodes.len() >= 20 && wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn tracks_are_gymnasiums_within_a_billionth() {
    let golden = golden();
    assert!(golden.tracks.len() >= 100);
    for Sums { seed, tiles, borders, sums } in &golden.tracks {
        let track = Track::new(*seed);
        assert_eq!(track.tiles.len(), *tiles, "{seed}");
        assert_eq!(track.tiles.iter().filter(|tile| tile.border.is_some()).count(), *borders);
        let mut ours = [0.0; 8];
        for (i, at) in track.centre_line.iter().enumerate() {
            let weight = (i + 1) as f64 / *tiles as f64;
            for (column, x) in [at.alpha, at.beta, at.x, at.y].into_iter().enumerate() {
                ours[column] += x;
                ours[4 + column] += x * weight;
            }
        }
        let off = ours.iter().zip(sums).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-9, "{seed}: {off:e}");
    }
}

#[test]
fn a_state_that_was_sent_goes_on_as_if_it_had_not_been() {
    let golden = golden();
    for drive in golden.episodes.iter().step_by(4) {
        let actions = golden.actions(drive);
        let (before, after) = actions.split_at(actions.len() / 3);
        let mut episode = drive.reset();
        before.iter().for_each(|action| _ = episode.step(*action));
        let sent = postcard::to_allocvec(episode.state()).expect("a state is plain data");
        let state: State = postcard::from_bytes(&sent).expect("it can be read");
        assert!(&state == episode.state(), "{}", drive.name);
        let mut resumed = Episode::resume(state).expect("an episode's state is one");
        let ends = [&mut episode, &mut resumed].map(|e| e.steps(after.iter().copied()));
        assert_eq!(ends[0], ends[1], "{}", drive.name);
        assert!(episode.state() == resumed.state(), "{}", drive.name);
        let pictures = [&episode, &resumed].map(|e| e.observe(&mut Picture::new()).to_vec());
        assert!(pictures[0] == pictures[1], "{}", drive.name);
    }
}

#[test]
fn an_episode_is_truncated_at_its_last_step() {
    let gas = Action::discrete(3).expect("gas");
    let mut episode = Episode::reset_with(7, &Options { max_steps: 30, ..Options::default() });
    let (count, end) = episode.steps(std::iter::repeat(gas));
    assert_eq!((count, end.terminated, end.truncated), (30, false, true));
    assert_eq!(end.reward, episode.total_return());
    // Who goes on may.
    assert!(matches!(episode.step(gas), Step { truncated: true, .. }));
}

#[test]
fn what_is_no_action_and_no_state_is_refused() {
    assert!(Action::discrete(5).is_err());
    assert!(Action::continuous([0.0, f64::NAN, 0.0]).is_err());
    let episode = Episode::reset(3);
    let refused = |change: &dyn Fn(&mut State)| {
        let mut state = episode.state().clone();
        change(&mut state);
        Episode::resume(state).is_err()
    };
    assert!(!refused(&|_| ()));
    assert!(refused(&|state| state.seed = 4));
    assert!(refused(&|state| state.contacts.truncate(3)));
    assert!(refused(&|state| state.car.hull.velocity.x = f32::NAN));
    assert!(refused(&|state| state.car.wheels[2].omega = f64::INFINITY));
    assert!(refused(&|state| state.options.lap_complete_percent = f64::NAN));
}

/// Finite numbers of any size are taken: the car may be anywhere, but nothing panics.
#[test]
fn a_state_of_huge_numbers_can_be_driven_and_seen() {
    let mut picture = Picture::new();
    for huge in [1e9, -1e30, f32::MAX] {
        let mut state = Episode::reset(3).state().clone();
        let wheel = &mut state.car.wheels[1];
        (wheel.phase, wheel.omega, wheel.gas) = (huge.into(), huge.into(), huge.into());
        wheel.body.angle = huge;
        wheel.joint.impulse.x = huge;
        state.car.hull.position.x = huge;
        state.car.hull.centre.y = huge;
        state.car.hull.velocity.y = huge;
        (state.time, state.score, state.reward) = (huge.into(), huge.into(), huge.into());
        (state.steps, state.steps_off_road) = (usize::MAX, usize::MAX);
        let mut episode = Episode::resume(state).expect("finite numbers");
        for action in 0..5 {
            episode.observe(&mut picture);
            episode.step(Action::discrete(action).expect("an action"));
        }
        episode.observe(&mut picture);
    }
}

/// Golden frames have no score, so this one is Steer8's own: all characters, and nothing beside them.
#[test]
fn the_score_is_drawn_alike_everywhere() {
    let state = Episode::reset(3).state().clone();
    let mut picture = Picture::new();
    let mut scored = |score: f64| {
        let episode = Episode::resume(State { score, ..state.clone() }).expect("a score");
        (frame_digest(&episode, &mut picture), picture.pixels().to_vec())
    };
    let (rest, _) = scored(0.0);
    let mut shown = Vec::new();
    for score in [123.0, 4567.0, 890.0, 1111.0, -74.0, -1234.0] {
        let (beside, frame) = scored(score);
        assert_eq!(beside, rest, "{score} is seen beside its place");
        shown.extend(frame);
    }
    assert_eq!(digest(&shown), "16a18d553f13c368");
}
