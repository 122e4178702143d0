//! Frames that a person drove or picked, with what was done there: to be saved and trained on.

use std::rc::Rc;

use super::stage::{Driver, Packing};
use super::{Effect, State};
use crate::lab::protocol::{Request, Role};
use crate::vocabulary::file::File;
use crate::vocabulary::stage::{ACTIONS, Kind, Labelled};

/// Of fewer nothing much is learned.
const ENOUGH: usize = 1_000;

/// A tab's memory has an end: 27 kB each.
const MOST: usize = 8_000;

/// A class with a smaller share is hardly learned.
const LEAST_SHARE: f64 = 0.03;

#[derive(Debug, Clone, Default)]
pub struct OwnFrames {
    pub frames: Vec<Rc<Labelled>>,
    /// The first decision of the present drive that was not taken yet.
    next: usize,
}

impl OwnFrames {
    /// How many there are of each action.
    pub fn counts(&self) -> [usize; ACTIONS.len()] {
        let mut counts = [0; ACTIONS.len()];
        self.frames.iter().for_each(|frame| counts[frame.class()] += 1);
        counts
    }

    /// What training on them would lack.
    pub fn lacks(&self) -> Option<String> {
        let all = self.frames.len();
        if all == MOST {
            return Some(format!("No more than {MOST} are kept: save these, and forget them."));
        }
        let rare = |&(_, count): &(&str, usize)| (count as f64) < LEAST_SHARE * all as f64;
        let rare: Vec<&str> =
            ACTIONS.into_iter().zip(self.counts()).filter(rare).map(|(name, _)| name).collect();
        match (all < ENOUGH, &rare[..]) {
            (true, _) => Some(format!(
                "{all} frames are few to learn from: a lap has some 300, and {ENOUGH} are a beginning."
            )),
            (_, []) => None,
            (_, rare) => Some(format!("Hardly any say {}: that is not learned.", rare.join(", "))),
        }
    }

    fn push(&mut self, frame: Labelled) {
        if self.frames.len() < MOST {
            self.frames.push(Rc::new(frame));
        }
    }
}

impl State {
    /// Takes up what the hand has driven since the last time.
    pub(super) fn collect_hand(&mut self) {
        let hand = self.stage.cars.iter().find(|car| car.driver == Driver::Hand);
        let Some(drive) = hand.map(|car| car.drive.clone()) else { return };
        for decision in drive.decisions.iter().skip(self.own.next) {
            self.own.push(Labelled { seen: decision.seen.clone(), controls: decision.controls });
        }
        self.own.next = drive.decisions.len();
    }

    pub(super) fn forget_hand(&mut self) {
        self.own.next = 0;
    }

    pub(super) fn forget_own_frames(&mut self) {
        self.own.frames.clear();
    }

    /// Adds the frame that is looked at, with an action for a label.
    pub(super) fn add_looked(&mut self, class: usize) {
        let seen = self.stage.looked.as_ref().map(|looked| looked.seen.clone());
        if let Some(frame) = seen.and_then(|seen| Labelled::as_class(seen, class)) {
            self.own.push(frame);
        }
    }

    /// Has the cars' worker make a file of them.
    pub(super) fn pack(&mut self, packing: Packing, effects: &mut Vec<Effect>) {
        let frames = self.own.frames.iter().map(|frame| Labelled::clone(frame)).collect();
        let kind = match packing {
            Packing::Save(kind) => kind,
            // Scores of classes are what training knows.
            Packing::Train => Kind::Classes,
        };
        self.stage.ask_to_pack(packing, Request::Pack { frames, kind }, effects);
    }

    pub(super) fn packed(&mut self, packing: Packing, file: File, effects: &mut Vec<Effect>) {
        match packing {
            Packing::Save(_) => effects.push(Effect::Save(Rc::new(file))),
            Packing::Train => {
                let name = file.name.clone();
                self.open_data(Role::Training, name, vec![file.into()], effects);
            }
        }
    }
}
