//! An episode from actions that were recorded, in Gymnasium or anywhere.

use super::{Action, Episode, Picture};
use crate::data::npy::{Array, Numbers};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// What a replay saw.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// x, y and angle of the hull, and the reward, after each step.
    pub states: Vec<[f64; 4]>,
    /// The pictures, one after another.
    pub frames: Vec<u8>,
    /// The step that ended the episode, from 1, and whether by a finished lap.
    pub ended: Option<(usize, bool)>,
}

/// The actions in an array: whole numbers N, or floats N x 3 of steering, gas and brake.
///
/// # Errors
/// Another array, and the first action that Gymnasium would not take.
pub fn actions(array: &Array) -> Result<Vec<Action>> {
    match (&array.shape[..], &array.numbers) {
        ([_], Numbers::Whole(whole)) => {
            let action = |&number: &i128| Action::discrete(usize::try_from(number).ok()?).ok();
            each(whole, action, "Discrete actions are 0 nothing, 1 right, 2 left, 3 gas, 4 brake.")
        }
        ([_, 3], Numbers::Floats(values)) => {
            let action = |&controls: &[f64; 3]| Action::continuous(controls).ok();
            each(values.as_chunks().0, action, "Steering, gas and brake are finite numbers.")
        }
        (shape, numbers) => {
            let kind = match numbers {
                Numbers::Whole(_) => "whole numbers",
                Numbers::Floats(_) => "floats",
            };
            Err(Error::new(format!("an array of {kind} of shape {shape:?} is no actions")).way_out(
                "Actions are whole numbers of shape [N], or floats of shape [N, 3]: steering, gas, brake.",
            ))
        }
    }
}

/// The actions that numbers say.
///
/// # Errors
/// Those that say none.
fn each<T: std::fmt::Debug>(
    numbers: &[T],
    action: impl Fn(&T) -> Option<Action>,
    way_out: &str,
) -> Result<Vec<Action>> {
    let known = |(step, number): (usize, &T)| {
        let unknown = || Error::new(format!("action {step} is {number:?}")).way_out(way_out);
        action(number).ok_or_else(unknown)
    };
    numbers.iter().enumerate().map(known).collect()
}

/// Steps through all actions, behind the end of the episode, too, as Gymnasium's environment does; with a
/// picture before every `every`th step.
///
/// # Errors
/// What `progress` says.
pub fn replay(
    actions: &[Action],
    seed: u64,
    every: Option<usize>,
    progress: &mut Progress,
) -> Result<Replayed> {
    let mut episode = Episode::reset(seed);
    let mut picture = Picture::new();
    let mut replayed = Replayed { states: Vec::new(), frames: Vec::new(), ended: None };
    for (done, &action) in actions.iter().enumerate() {
        progress(done, actions.len())?;
        if every.is_some_and(|every| done.is_multiple_of(every)) {
            replayed.frames.extend_from_slice(episode.observe(&mut picture));
        }
        let step = episode.step(action);
        let hull = episode.hull();
        let [x, y, angle] = [hull.x, hull.y, hull.angle].map(f64::from);
        replayed.states.push([x, y, angle, step.reward]);
        if step.terminated && replayed.ended.is_none() {
            replayed.ended = Some((done + 1, step.lap_finished));
        }
    }
    progress(actions.len(), actions.len())?;
    Ok(replayed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::Discrete;

    #[test]
    fn actions_are_told_by_their_array() {
        let whole = |numbers: &[i128]| Array {
            shape: vec![numbers.len()],
            numbers: Numbers::Whole(numbers.to_vec()),
        };
        let known = [Action::Discrete(Discrete::Left), Action::Discrete(Discrete::Nothing)];
        assert_eq!(actions(&whole(&[2, 0])).unwrap(), known);
        assert!(actions(&whole(&[0, 5])).unwrap_err().what.contains("action 1 is 5"));
        let floats = |shape: &[usize], numbers: &[f64]| Array {
            shape: shape.to_vec(),
            numbers: Numbers::Floats(numbers.to_vec()),
        };
        let known = Action::Continuous { steering: -1.0, gas: 0.5, brake: 0.0 };
        assert_eq!(actions(&floats(&[1, 3], &[-1.0, 0.5, 0.0])).unwrap(), [known]);
        let error = actions(&floats(&[1, 3], &[f64::NAN, 0.5, 0.0])).unwrap_err();
        assert!(error.what.contains("action 0 is [NaN"), "{error}");
        for shape in [&[3_usize][..], &[3, 1], &[1, 1, 3]] {
            let error = actions(&floats(shape, &[0.0; 3])).unwrap_err();
            assert!(error.what.contains("is no actions"), "{error}");
        }
    }
}
