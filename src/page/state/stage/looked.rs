//! One picture, and what the networks on the stage say about it, whole and with a patch of it covered.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_bytes::ByteBuf;

use super::{Asked, Effect, RoadTest, Stage, State};
use crate::lab::protocol::{ModelId, Request};
use crate::vocabulary::stage::SIDE;

/// A picture that somebody looks at, and what the networks on the stage say about it.
#[derive(Debug, Clone)]
pub struct Looked {
    pub seen: ByteBuf,
    pub step: u32,
    /// At which the car goes.
    speed: f32,
    pub answers: BTreeMap<ModelId, Answer>,
    /// What they say with one patch covered, patch by patch in rows from the top; the last may be under way.
    pub covered: Vec<BTreeMap<ModelId, Answer>>,
}

/// Side of a patch, and patches in a row.
const PATCH: usize = 12;
pub const PATCHES: usize = SIDE / PATCH;

/// A picture with one patch in the mean colour of all of it.
fn cover(seen: &[u8], patch: usize) -> ByteBuf {
    let (pixels, _) = seen.as_chunks::<3>();
    let count = pixels.len().max(1) as u64;
    let mean: [u8; 3] = std::array::from_fn(|channel| {
        let sum: u64 = pixels.iter().map(|pixel| u64::from(pixel[channel])).sum();
        (sum / count) as u8
    });
    let (top, left) = (patch / PATCHES * PATCH, patch % PATCHES * PATCH);
    let mut covered = seen.to_vec();
    let (pixels, _) = covered.as_chunks_mut::<3>();
    for row in pixels.chunks_mut(SIDE).skip(top).take(PATCH) {
        row.iter_mut().skip(left).take(PATCH).for_each(|pixel| *pixel = mean);
    }
    covered.into()
}

/// What a network would do with a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// All numbers of its outputs.
    pub numbers: Vec<f32>,
    pub controls: [f32; 3],
}

impl State {
    /// Looks at the picture that a car sees now, and has the networks of the stage say what they think of
    /// it.
    pub(in crate::page::state) fn look_at(
        &mut self,
        car: Option<usize>,
        effects: &mut Vec<Effect>,
    ) {
        self.stage.looked = None;
        // Answers about another picture.
        self.stage.tasks.retain(|_, asked| !matches!(asked, Asked::See(_) | Asked::SeeCovered(..)));
        let Some(car) = car.and_then(|at| self.stage.cars.get(at)) else { return };
        let Some(decision) = car.drive.decision(self.stage.shown).cloned() else { return };
        let speed = car.drive.poses.get(decision.step.saturating_sub(1) as usize);
        let speed = speed.map_or(0.0, |pose| pose.speed);
        let (seen, step) = (decision.seen.clone(), decision.step);
        let (answers, covered) = (BTreeMap::new(), Vec::new());
        self.stage.looked = Some(Looked { seen, step, speed, answers, covered });
        self.stage.playing = false;
        self.stage.ask_what_is_seen(None, effects);
    }

    /// Has the networks say what they think of the same picture with each patch covered in turn.
    pub(in crate::page::state) fn cover_patches(&mut self, effects: &mut Vec<Effect>) {
        if let Some(looked) = self.stage.looked.as_mut().filter(|looked| looked.covered.is_empty())
        {
            looked.covered.push(BTreeMap::new());
            self.stage.ask_what_is_seen(Some(0), effects);
        }
    }
}

impl Stage {
    /// Asks every network about the picture that is looked at.
    fn ask_what_is_seen(&mut self, covered: Option<usize>, effects: &mut Vec<Effect>) {
        let Some(looked) = &self.looked else { return };
        let speed = looked.speed;
        let seen = covered.map_or_else(|| looked.seen.clone(), |patch| cover(&looked.seen, patch));
        let networks = self.cars.iter().filter_map(|car| {
            let model = car.driver.network().filter(|model| self.loaded.contains_key(*model))?;
            Some((model.clone(), RoadTest::clone(&car.test)))
        });
        for (model, test) in networks.collect::<Vec<_>>() {
            let asked = match covered {
                None => Asked::See(model.clone()),
                Some(patch) => Asked::SeeCovered(model.clone(), patch),
            };
            let request = Request::See { model, seen: seen.clone(), speed, test };
            self.ask(asked, Rc::new(request), effects);
        }
    }

    /// Once all have answered, the next patch is covered.
    pub(super) fn saw_covered(
        &mut self,
        model: ModelId,
        patch: usize,
        answer: Answer,
        effects: &mut Vec<Effect>,
    ) {
        let Some(looked) = &mut self.looked else { return };
        let Some(answers) = looked.covered.get_mut(patch) else { return };
        answers.insert(model, answer);
        if answers.len() == looked.answers.len() && patch + 1 < PATCHES * PATCHES {
            looked.covered.push(BTreeMap::new());
            self.ask_what_is_seen(Some(patch + 1), effects);
        }
    }
}
