//! The strip of frames and what the networks say about them.

use super::choose_frames::choose;
use super::networks::{Fit, Network};
use super::queue::Purpose;
use super::{Effect, State};
use crate::lab::protocol::{ModelId, Request, Role};
use crate::page::format::class_name;
use crate::page::place::Place;
use crate::vocabulary::frames::Picture;

impl State {
    /// The networks whose answers are on show: the chosen one, and what was made from it. None if
    /// the frames do not fit.
    pub fn speakers(&self) -> Vec<ModelId> {
        let fits = |network: &&Network| self.fit(network, Role::Validation) == Fit::Fits;
        let Some(network) = self.selected().filter(fits) else { return Vec::new() };
        let made = self.made.get(&network.id).map(|made| made.id.clone());
        std::iter::once(network.id.clone()).chain(made).collect()
    }

    /// Between which the first value lies, of the labels, or without any of what is said of the frames on show.
    pub fn value_range(&self) -> [f64; 2] {
        let loaded = self.validation.loaded.as_ref();
        let columns = loaded.map_or(&[][..], |loaded| &loaded.summary.label_columns);
        let named = columns.iter().find(|column| column.name.is_some());
        if let Some(column) = named.or(columns.first()) {
            return column.range;
        }
        let strip = self.predictions.values().flat_map(|predictions| predictions.iter());
        let values = strip.chain(self.grid.answers.values());
        let values = values.filter_map(|said| Some(f64::from(said.values.first()?.value)));
        values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
            [low.min(value), high.max(value)]
        })
    }

    pub fn class_label(&self, class: usize) -> String {
        let loaded = self.validation.loaded.as_ref();
        let from_data = loaded.and_then(|data| data.summary.class_names.get(class));
        if let Some(name) = from_data {
            return class_name(name).to_owned();
        }
        let bundled = loaded.is_some_and(|data| data.bundled);
        let catalogue = self.catalogue.as_ref().filter(|_| bundled);
        catalogue
            .and_then(|catalogue| catalogue.classes.get(class).cloned())
            .unwrap_or_else(|| format!("class {class}"))
    }

    pub(super) fn other_frames(&mut self) {
        let round = self.round + 1;
        self.clear_strip();
        self.round = round;
    }

    pub(super) fn show_frames(&mut self, frames: Vec<usize>, reason: String) {
        let round = self.round;
        self.clear_strip();
        self.round = round;
        self.shown = frames;
        self.shown_for = Some(reason);
        self.go(Place::Frames);
    }

    pub(super) fn clear_strip(&mut self) {
        self.frames.clear();
        self.predictions.clear();
        self.asked.clear();
        self.frames_asked = false;
        self.shown.clear();
        self.shown_for = None;
        self.round = 0;
    }

    pub(super) fn frames_arrived(&mut self, frames: Vec<Picture>) {
        self.frames = frames.into_iter().map(Into::into).collect();
    }

    /// Asks for whatever the strip lacks.
    pub(super) fn look(&mut self, effects: &mut Vec<Effect>) {
        let Some(data) = self.validation.loaded.as_ref().filter(|data| data.summary.frames > 0)
        else {
            return;
        };
        // Indices into the present data mean nothing to the next.
        if self.validation.loading.as_ref().is_some_and(|loading| loading.task.is_some()) {
            return;
        }
        if self.shown.is_empty() {
            self.shown = choose(data.summary.frames, &data.summary.class_counts, self.round);
        }
        if !self.frames_asked {
            self.frames_asked = true;
            let request = Request::Frames { indices: self.shown.clone() };
            self.send(Purpose::Look, request, effects);
        }
        for model in self.speakers() {
            if self.asked.insert(model.clone()) {
                let request = Request::Predict { model, indices: self.shown.clone() };
                self.send(Purpose::Look, request, effects);
            }
        }
    }
}
