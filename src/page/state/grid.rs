//! The validation frames as a grid: which are wanted and in which order, and what is here of those in view.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::networks::Fit;
use super::queue::Purpose;
use super::variants::{Measured, Variant};
use super::{Effect, State};
use crate::lab::protocol::{ModelId, Prediction, Request, Role};
use crate::page::place::Place;
use crate::vocabulary::frames::Picture;

/// Pictures that are kept at most: some 20 MB of 96 x 96 pixels.
const KEPT: usize = 600;

/// Which frames are wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    pub wanted: Wanted,
    /// The true class.
    pub label: Option<u16>,
    /// Between which the true first value lies.
    pub range: [Option<f32>; 2],
    /// The class that a network gives.
    pub says: Option<(ModelId, u16)>,
    /// Whose mistakes are wanted; `None`: the last that was measured.
    pub of: Option<ModelId>,
    /// Beside whom; `None`: the first.
    pub beside: Option<ModelId>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wanted {
    #[default]
    All,
    /// Where it is wrong; of values the farthest from what is right first.
    Mistakes,
    /// Where two say something else; of values the farthest apart first.
    Disagreement,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grid {
    pub filter: Filter,
    /// The first that is in view, of those that are wanted, and how many are.
    window: (usize, usize),
    pub pictures: BTreeMap<usize, Rc<Picture>>,
    asked: BTreeSet<usize>,
    /// The frame that is looked at alone.
    pub opened: Option<usize>,
    /// What each variant says of that.
    pub answers: BTreeMap<ModelId, Prediction>,
}

impl Grid {
    fn is_wanted(&self, frame: usize) -> bool {
        !self.pictures.contains_key(&frame) && !self.asked.contains(&frame)
    }
}

impl State {
    /// What a variant said of the present frames.
    fn said(&self, id: &str) -> Option<&Measured> {
        let measured = self.variant(id)?.measured.as_deref()?;
        (measured.frames == self.present_frames()).then_some(measured)
    }

    /// The variants that can be asked for their answers.
    pub fn answering(&self) -> impl Iterator<Item = &Variant> {
        let shown = self.bench().into_iter().flat_map(|variants| variants.shown());
        shown.filter(|variant| {
            let said = self.said(&variant.id);
            said.is_some_and(|said| said.classes.is_some() || !said.values.is_empty())
        })
    }

    /// The two that a filter is about.
    pub fn filter_pair(&self) -> [Option<&Variant>; 2] {
        let named = |id: &Option<ModelId>| {
            let id = id.as_ref()?;
            self.answering().find(|variant| variant.id == *id)
        };
        let Filter { of, beside, .. } = &self.grid.filter;
        let own = named(of).or_else(|| self.answering().last());
        [own, named(beside).or_else(|| self.answering().next())]
    }

    /// The class that a variant gives a frame.
    pub fn class_of(&self, id: &str, frame: usize) -> Option<u16> {
        self.said(id)?.classes.as_ref()?.get(frame).copied()
    }

    /// The first value that it gives.
    pub fn value_of(&self, id: &str, frame: usize) -> Option<f32> {
        self.said(id)?.values.first()?.get(frame).copied()
    }

    /// The frames that the filter lets through, in their order.
    pub fn wanted_frames(&self) -> Vec<usize> {
        let Some(loaded) = &self.validation.loaded else { return Vec::new() };
        let filter = &self.grid.filter;
        let labels = self.frame_labels.as_deref();
        let classes = labels.and_then(|labels| labels.classes.as_ref());
        let first = labels.and_then(|labels| labels.values.first());
        let right = first.and_then(|(_, right)| right.as_ref());
        let [own, beside] = self.filter_pair().map(|v| v.and_then(|v| self.said(&v.id)));
        let by_class = own.and_then(|own| own.classes.as_ref());
        let other_class = beside.and_then(|beside| beside.classes.as_ref());
        let fits = |frame: &usize| {
            let frame = *frame;
            let class = |all: Option<&Vec<u16>>| all.and_then(|all| all.get(frame).copied());
            let value = right.and_then(|right| right.get(frame));
            let [low, high] = filter.range;
            let labelled = filter.label.is_none_or(|label| class(classes) == Some(label))
                && low.is_none_or(|low| value.is_some_and(|value| *value >= low))
                && high.is_none_or(|high| value.is_some_and(|value| *value <= high))
                && filter
                    .says
                    .as_ref()
                    .is_none_or(|(id, said)| self.class_of(id, frame) == Some(*said));
            labelled
                && match (filter.wanted, class(by_class)) {
                    (Wanted::Mistakes, Some(own)) => {
                        class(classes).is_some_and(|right| right != own)
                    }
                    (Wanted::Disagreement, Some(own)) => {
                        class(other_class).is_some_and(|o| o != own)
                    }
                    _ => true,
                }
        };
        let mut frames: Vec<usize> = (0..loaded.summary.frames).filter(fits).collect();
        let values = |said: Option<&Measured>| said.and_then(|said| said.values.first().cloned());
        let against = match filter.wanted {
            Wanted::All => None,
            Wanted::Mistakes => right.cloned(),
            Wanted::Disagreement => values(beside),
        };
        if let (None, Some(own), Some(against)) = (by_class, values(own), against) {
            let apart = |frame: usize| (own[frame] - against[frame]).abs();
            frames.sort_by(|&a, &b| apart(b).total_cmp(&apart(a)));
        }
        frames
    }

    pub(super) fn set_filter(&mut self, filter: Filter) {
        self.grid.filter = filter;
        self.grid.window.0 = 0;
    }

    /// Shows the frames of a filter where frames are shown.
    pub(super) fn show_filtered(&mut self, filter: Filter) {
        self.set_filter(filter);
        self.go(Place::Frames);
    }

    pub(super) fn see_window(&mut self, first: usize, count: usize) {
        self.grid.window = (first, count);
    }

    /// Looks at one frame, and asks every variant what it says.
    pub(super) fn open_frame(&mut self, frame: Option<usize>, effects: &mut Vec<Effect>) {
        let frames = self.validation.loaded.as_ref().map_or(0, |loaded| loaded.summary.frames);
        self.grid.opened = frame.filter(|frame| *frame < frames);
        self.grid.answers.clear();
        let Some(frame) = self.grid.opened else { return };
        self.go(Place::Frames);
        let fits = self.selected().is_some_and(|n| self.fit(n, Role::Validation) == Fit::Fits);
        let mut models = self.shown_variants();
        if models.is_empty() {
            models.extend(self.selected.clone());
        }
        for model in models.into_iter().filter(|_| fits) {
            let request = Request::Predict { model, indices: vec![frame] };
            self.send(Purpose::LookInto, request, effects);
        }
    }

    pub(super) fn looked_into(&mut self, model: ModelId, predictions: Vec<Prediction>) {
        let of_opened = |prediction: &Prediction| Some(prediction.index) == self.grid.opened;
        if let Some(prediction) = predictions.into_iter().find(of_opened) {
            self.grid.answers.insert(model, prediction);
        }
    }

    pub(super) fn forget_grid(&mut self) {
        self.grid = Grid { window: (0, self.grid.window.1), ..Grid::default() };
    }

    /// Asks for the pictures that are in view and not here, once the last that were asked for are.
    pub(super) fn fill_grid(&mut self, effects: &mut Vec<Effect>) {
        if self.place != Place::Frames
            || self.validation.loading.is_some()
            || self.is_asked(&Purpose::FillGrid)
        {
            return;
        }
        let (first, count) = self.grid.window;
        let wanted = self.wanted_frames();
        let view: Vec<usize> = wanted.into_iter().skip(first).take(count).collect();
        let opened = self.grid.opened.into_iter();
        let missing: Vec<usize> = view
            .iter()
            .copied()
            .chain(opened)
            .filter(|&frame| self.grid.is_wanted(frame))
            .collect();
        if missing.is_empty() {
            return;
        }
        if self.grid.pictures.len() + missing.len() > KEPT {
            let view: BTreeSet<usize> = view.into_iter().chain(self.grid.opened).collect();
            self.grid.pictures.retain(|frame, _| view.contains(frame));
            self.grid.asked.clone_from(&view);
        }
        self.grid.asked.extend(missing.iter().copied());
        self.send(Purpose::FillGrid, Request::Frames { indices: missing }, effects);
    }

    pub(super) fn grid_filled(&mut self, frames: Vec<Picture>) {
        let pictures = frames.into_iter().map(|picture| (picture.index, Rc::new(picture)));
        self.grid.pictures.extend(pictures);
    }
}
