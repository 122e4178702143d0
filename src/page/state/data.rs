//! The frames to validate and to calibrate on.

use std::rc::Rc;

use serde_bytes::ByteBuf;

use super::labelling::LabellingForm;
use super::preprocessing::PreprocessingForm;
use super::queue::{Purpose, TaskId};
use super::{Effect, Resource, State};
use crate::error::{Error, Result};
use crate::lab::protocol::{Request, Role};
use crate::page::catalogue::{self, Archive};
use crate::page::link::Named;
use crate::vocabulary::file::{File, Source};
use crate::vocabulary::frames::DataSummary;
use crate::vocabulary::preprocessing::Preprocessing;
use crate::vocabulary::reading::Reading;

/// What bundled frames are called.
pub(super) const BUNDLED: &str = "the bundled frames";

#[derive(Debug, Clone, Default, PartialEq)]
pub struct DataSet {
    pub loaded: Option<Loaded>,
    /// What is on its way; what is loaded stays until it is there.
    pub loading: Option<Loading>,
    /// A person's own files that were opened last, be they loaded or not: what is said of them later lets
    /// them be read again. Shared, for they may be many and the state is copied at every action.
    opened: Option<Rc<(String, Vec<Source>)>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub name: String,
    pub bundled: bool,
    pub summary: Rc<DataSummary>,
    /// What tells the set from others.
    pub fingerprint: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loading {
    pub name: String,
    pub bundled: bool,
    /// Bundled archives that were asked for.
    archives: usize,
    /// Bytes (fetched) or files (read) that are here.
    pub done: usize,
    /// 0 when nobody knows.
    pub total: usize,
    /// The worker's task, once everything is here.
    pub task: Option<TaskId>,
}

impl Loaded {
    /// As who opens a link is asked for it; `None` for the bundled frames, which everybody has.
    pub(super) fn named(&self) -> Option<Named> {
        let named = || Named { name: self.name.clone(), sha256: self.fingerprint.clone() };
        (!self.bundled).then(named)
    }
}

impl DataSet {
    /// A person's own files that were opened last, and how all of them are called.
    pub(super) fn opened(&self) -> Option<(&str, &[Source])> {
        self.opened.as_deref().map(|(name, files)| (&**name, &files[..]))
    }
}

impl Loading {
    /// Whether so many bundled archives are on their way.
    pub(super) fn brings(&self, archives: usize) -> bool {
        self.bundled && self.archives == archives
    }
}

impl State {
    /// Fetches the bundled frames, unless some are here or on their way.
    pub(super) fn fetch_missing_data(&mut self, role: Role, effects: &mut Vec<Effect>) {
        let DataSet { loaded, loading, .. } = self.data(role);
        if loaded.is_none() && loading.is_none() {
            self.fetch_bundled_data(role, effects);
        }
    }

    pub(super) fn fetch_bundled_data(&mut self, role: Role, effects: &mut Vec<Effect>) {
        let archives = self.archives(role);
        let Some(catalogue) = self.catalogue.as_ref().filter(|_| !archives.is_empty()) else {
            return;
        };
        let files = archives.iter().map(|archive| &archive.file);
        let urls = files.chain([&catalogue.frames.values.file]).map(|file| catalogue::url(file));
        let (archives, urls) = (archives.len(), urls.collect());
        self.data_mut(role).opened = None;
        self.data_mut(role).loading = Some(Loading {
            name: BUNDLED.to_owned(),
            bundled: true,
            archives,
            ..Loading::default()
        });
        effects.push(Effect::Fetch { resource: Resource::Frames(role), urls });
    }

    /// Whether the same frames set the ranges and judge.
    pub fn judges_by_what_it_calibrated_on(&self) -> bool {
        let [validation, calibration] = [&self.validation, &self.calibration]
            .map(|data| data.loaded.as_ref().map(|loaded| &loaded.fingerprint));
        validation.is_some() && validation == calibration
    }

    /// How many bundled frames there are, if any.
    pub fn bundled_count(&self, role: Role) -> Option<usize> {
        let archives = self.archives(role);
        (!archives.is_empty()).then(|| archives.iter().map(|archive| archive.count).sum())
    }

    /// How many frames there are to be measured on, as far as that is known before they are fetched.
    pub fn frames_to_judge(&self) -> Option<usize> {
        match &self.validation.loaded {
            Some(loaded) => Some(loaded.summary.frames),
            None => self.bundled_count(Role::Validation),
        }
    }

    /// Whether the bundled frames are of use to the chosen network, or may be.
    pub fn may_use_bundled(&self) -> bool {
        let known = self.selected().filter(|network| network.inspection().is_some());
        known.is_none_or(|network| self.takes_bundled(network))
    }

    /// The bundled frames that are wanted.
    pub fn archives(&self, role: Role) -> &[Archive] {
        let all = self.catalogue.as_ref().map_or(&[][..], |catalogue| catalogue.frames(role));
        match role {
            Role::Training => &all[..self.train_form.archives.min(all.len())],
            Role::Calibration | Role::Validation => all,
        }
    }

    pub(super) fn receiving_data(&mut self, role: Role, done: usize, total: usize) {
        if let Some(loading) = &mut self.data_mut(role).loading {
            (loading.done, loading.total) = (done, total);
        }
    }

    pub(super) fn bundled_data_arrived(
        &mut self,
        role: Role,
        files: Vec<Vec<u8>>,
        effects: &mut Vec<Effect>,
    ) {
        // As many as were asked for, whatever is wanted now, and the table behind them.
        let Some(catalogue) = self.catalogue.clone() else { return };
        let archives = catalogue.frames(role).iter().map(|archive| archive.file.clone());
        let table = catalogue.frames.values.file.clone();
        let names = archives.take(files.len().saturating_sub(1)).chain([table]);
        let file = |(name, bytes)| Source::Here(File { name, bytes: ByteBuf::from(bytes) });
        let files = names.zip(files).map(file).collect();
        let request = Request::LoadData { role, files, reading: Reading::default() };
        self.load_data(role, BUNDLED.to_owned(), true, request, effects);
    }

    pub(super) fn open_data(
        &mut self,
        role: Role,
        name: String,
        files: Vec<Source>,
        effects: &mut Vec<Effect>,
    ) {
        // What was on its way to the worker is not wanted any more.
        if let Some(Loading { task: Some(task), .. }) = self.data_mut(role).loading.take() {
            self.cancel_task(task, effects);
        }
        self.data_mut(role).opened = Some(Rc::new((name.clone(), files.clone())));
        match self.reading() {
            Ok(reading) => {
                let request = Request::LoadData { role, files, reading };
                self.load_data(role, name, false, request, effects);
            }
            Err(error) => {
                self.data_mut(role).loading = None;
                self.complain(error);
            }
        }
    }

    fn load_data(
        &mut self,
        role: Role,
        name: String,
        bundled: bool,
        request: Request,
        effects: &mut Vec<Effect>,
    ) {
        let task = self.send(Purpose::OpenData { name: name.clone(), bundled }, request, effects);
        let archives = self.data_mut(role).loading.as_ref().map_or(0, |loading| loading.archives);
        self.data_mut(role).loading =
            Some(Loading { name, bundled, archives, task: Some(task), ..Loading::default() });
    }

    pub(super) fn data_loaded(
        &mut self,
        role: Role,
        task: TaskId,
        loaded: Loaded,
        effects: &mut Vec<Effect>,
    ) {
        self.keep_frames(role, &loaded, effects);
        if role == Role::Validation {
            self.clear_strip();
            self.forget_answers();
            if loaded.summary.label_columns.is_empty() {
                self.complain(without_labels(&loaded.name));
            }
        }
        self.forget_entering();
        let data = self.data_mut(role);
        data.loaded = Some(loaded);
        data.loading.take_if(|loading| loading.task == Some(task));
        self.suit_search();
    }

    pub(super) fn data_failed(&mut self, role: Role, task: TaskId) {
        self.data_mut(role).loading.take_if(|loading| loading.task == Some(task));
    }

    pub(super) fn cancel_data(&mut self, role: Role, effects: &mut Vec<Effect>) {
        match self.data_mut(role).loading.take() {
            Some(Loading { task: Some(task), .. }) => self.cancel_task(task, effects),
            Some(_) => effects.push(Effect::Abort(Resource::Frames(role))),
            None => {}
        }
    }

    /// How a person's own frames enter the chosen network.
    pub(super) fn preprocessing(&self) -> Result<Option<Preprocessing>> {
        let network = self.selected().and_then(|network| network.inspection());
        self.preprocessing.parse(network.map(|inspection| &**inspection))
    }

    /// Reads a person's own frames again with the new figures.
    pub(super) fn set_preprocessing(&mut self, form: PreprocessingForm, effects: &mut Vec<Effect>) {
        if form == self.preprocessing {
            return;
        }
        self.preprocessing = form;
        self.read_again(|_, _| true, effects);
    }

    /// Reads a person's own frames again where they shall have the size of the chosen network and have that of
    /// another.
    pub(super) fn follow_size(&mut self, effects: &mut Vec<Effect>) {
        if self.preprocessing.to_network {
            self.read_again(Self::misfits, effects);
        }
    }

    /// Reads a person's own frames again, labels being elsewhere.
    pub(super) fn set_labelling(&mut self, form: LabellingForm, effects: &mut Vec<Effect>) {
        if form != self.labelling {
            self.labelling = form;
            self.read_again(|_, _| true, effects);
        }
    }

    fn read_again(&mut self, which: fn(&Self, Role) -> bool, effects: &mut Vec<Effect>) {
        for role in [Role::Validation, Role::Calibration, Role::Training] {
            if let Some(opened) = self.data(role).opened.clone().filter(|_| which(self, role)) {
                let (name, files) = (*opened).clone();
                self.open_data(role, name, files, effects);
            }
        }
    }

    /// How a person's own files are read.
    fn reading(&self) -> Result<Reading> {
        let labelling = self.labelling.parse()?;
        Ok(Reading { labelling, ..self.preprocessing()?.into() })
    }
}

fn without_labels(name: &str) -> Error {
    let what = "it has no labels (`y`): the page can say how far int8 moves from float, but not which is right";
    Error::new(what).in_file(name).way_out(
        "Add an array `y` with the class or the values of each frame, put a table beside images, or sort them into \
         class folders.",
    )
}
