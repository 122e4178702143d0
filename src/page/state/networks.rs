//! The networks to choose from.

use std::rc::Rc;

use serde_bytes::ByteBuf;

use super::data::DataSet;
use super::preprocessing::PreprocessingForm;
use super::queue::{Purpose, TaskId};
use super::{Effect, Resource, State};
use crate::lab::protocol::{Inspection, ModelId, Request, Role, TensorShape};
use crate::page::format;
use crate::vocabulary::file::File;
use crate::vocabulary::frames::{ArraySummary, Axes, FRAMES};
use crate::vocabulary::preprocessing::Preprocessing;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Network {
    pub id: ModelId,
    pub title: String,
    pub summary: String,
    pub origin: Origin,
    pub status: Status,
    /// Hexadecimal SHA-256 of its file, once that is read.
    pub sha256: String,
    /// The float network that an int8 one is compared with.
    pub reference: Option<ModelId>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    Bundled {
        file: String,
    },
    /// An int8 file that others made; fetched when it is chosen.
    Example {
        file: String,
    },
    #[default]
    Opened,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub enum Status {
    #[default]
    Idle,
    Fetching {
        done: usize,
        total: usize,
    },
    /// The worker is reading it.
    Loading(TaskId),
    Ready(Rc<Inspection>),
    Failed,
}

/// Whether a network can take a data set's frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    Fits,
    /// One of them is not here yet, and nothing speaks against them.
    Unknown,
    /// Shapes without the batch dimension, in words.
    Misfit {
        wants: String,
        has: String,
    },
}

impl Origin {
    pub fn bundled_file(&self) -> Option<&str> {
        match self {
            Origin::Bundled { file } | Origin::Example { file } => Some(file),
            Origin::Opened => None,
        }
    }
}

impl Network {
    pub fn inspection(&self) -> Option<&Rc<Inspection>> {
        match &self.status {
            Status::Ready(inspection) => Some(inspection),
            _ => None,
        }
    }

    pub fn is_float(&self) -> bool {
        self.inspection().is_some_and(|inspection| inspection.variant == "float")
    }
}

impl State {
    pub fn fit(&self, network: &Network, role: Role) -> Fit {
        let Some(inspection) = network.inspection() else { return Fit::Unknown };
        let DataSet { loaded, loading, .. } = self.data(role);
        let summary = loaded.as_ref().map(|loaded| &loaded.summary);
        // Those that the page would fetch are known before.
        let coming = loading.as_ref().is_none_or(|loading| loading.bundled);
        let bundled = self.bundled_array().filter(|_| summary.is_none() && coming);
        let arrays = summary.map_or(bundled.as_slice(), |summary| &summary.arrays);
        let inputs = &inspection.inputs[..];
        if arrays.is_empty() {
            return Fit::Unknown;
        }
        let array = |name: &str| arrays.iter().find(|array| array.name == name);
        let found = |input: &TensorShape| match inputs.len() {
            1 => array(FRAMES).or_else(|| array(&input.name)),
            _ => array(&input.name),
        };
        if inputs.iter().all(|input| found(input).is_some_and(|array| takes(input, array))) {
            return if summary.is_some() { Fit::Fits } else { Fit::Unknown };
        }
        let wants = match inputs {
            [input] => format::shape(frame_of(input)),
            _ => format::inputs(inputs),
        };
        let has = match inputs {
            [input] => match (found(input), summary) {
                (Some(_), Some(summary)) => format::frame(&summary.frame_shape),
                (Some(array), None) => format::frame(&array.frame_shape),
                (None, _) => format::arrays(arrays),
            },
            _ => format::arrays(arrays),
        };
        Fit::Misfit { wants, has }
    }

    /// Whether a network can take the bundled frames.
    pub fn takes_bundled(&self, network: &Network) -> bool {
        let inputs = network.inspection().map(|inspection| &inspection.inputs[..]);
        match (inputs, self.bundled_array()) {
            (Some([input]), Some(array)) => takes(input, &array),
            _ => false,
        }
    }

    /// What bundled frames are.
    fn bundled_array(&self) -> Option<ArraySummary> {
        let frame_shape = self.catalogue.as_ref()?.frames.shape.clone();
        let (name, pixels) = (FRAMES.to_owned(), true);
        Some(ArraySummary { name, frame_shape, pixels })
    }

    /// Whether the chosen network can't take the frames that are here.
    pub(super) fn misfits(&self, role: Role) -> bool {
        let fit = self.selected().map(|network| self.fit(network, role));
        self.data(role).loaded.is_some() && matches!(fit, Some(Fit::Misfit { .. }))
    }

    /// The float networks that an int8 one can be compared with; those that are bundled are fetched then.
    pub fn references(&self) -> impl Iterator<Item = &Network> {
        self.networks.iter().filter(|network| match network.inspection() {
            Some(_) => network.is_float(),
            None => matches!(network.origin, Origin::Bundled { .. }),
        })
    }

    pub(super) fn select(&mut self, id: ModelId, effects: &mut Vec<Effect>) {
        let Some(network) = self.network(&id) else { return };
        let reference = network.reference.clone();
        self.fetch_unless_here(&id, effects);
        if let Some(reference) = reference {
            self.fetch_unless_here(&reference, effects);
        }
        self.choose(Some(id));
        self.follow_size(effects);
    }

    pub(super) fn fetch_unless_here(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let Some(network) = self.network(id) else { return };
        if matches!(network.status, Status::Idle | Status::Failed) {
            self.fetch_network(id, effects);
        }
    }

    pub(super) fn compare_with(
        &mut self,
        id: &str,
        reference: Option<ModelId>,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(reference) = &reference {
            self.fetch_unless_here(reference, effects);
        }
        if let Some(network) = self.network_mut(id) {
            network.reference = reference;
        }
    }

    /// Whether what an int8 network is compared with is on its way.
    pub(super) fn awaits_reference(&self, id: &str) -> bool {
        let reference = self.network(id).and_then(|network| network.reference.as_deref());
        let status = reference.and_then(|id| self.network(id)).map(|network| &network.status);
        matches!(status, Some(Status::Fetching { .. } | Status::Loading(_)))
    }

    pub(super) fn network_arrived(
        &mut self,
        id: ModelId,
        bytes: Vec<u8>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(network) = self.network(&id) else { return };
        let Some(name) = network.origin.bundled_file().map(file_name) else { return };
        let file = File { name: name.to_owned(), bytes: ByteBuf::from(bytes) };
        self.load_model(id, file.into(), Vec::new(), effects);
    }

    /// Opens every network among `files`, the others being beside it. Without a network by its name
    /// each is opened: what it is instead will be said.
    pub(super) fn open_models(&mut self, files: Vec<File>, effects: &mut Vec<Effect>) {
        let (networks, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| file.is_network());
        if networks.is_empty() {
            for file in others {
                self.open_model(file.into(), Vec::new(), effects);
            }
            return;
        }
        for network in networks {
            let beside = others.iter().filter_map(|file| file.beside(&network)).map(Rc::new);
            let beside = beside.collect();
            self.open_model(network.into(), beside, effects);
        }
    }

    /// Gives the network's id.
    pub(super) fn open_model(
        &mut self,
        file: Rc<File>,
        beside: Vec<Rc<File>>,
        effects: &mut Vec<Effect>,
    ) -> ModelId {
        let title = file.name.strip_suffix(".onnx").unwrap_or(&file.name).to_owned();
        self.opened_so_far += 1;
        let id = format!("opened-{}", self.opened_so_far);
        self.networks.push(Network {
            id: id.clone(),
            title,
            summary: "Opened from your disk; it never leaves this browser.".to_owned(),
            ..Network::default()
        });
        self.load_model(id.clone(), file, beside, effects);
        id
    }

    fn load_model(
        &mut self,
        id: ModelId,
        file: Rc<File>,
        beside: Vec<Rc<File>>,
        effects: &mut Vec<Effect>,
    ) {
        let request = Request::LoadModel { model: id.clone(), file, beside };
        let task = self.send(Purpose::OpenModel, request, effects);
        if let Some(network) = self.network_mut(&id) {
            network.status = Status::Loading(task);
        }
    }

    pub(super) fn model_loaded(
        &mut self,
        id: &str,
        inspection: Inspection,
        sha256: String,
        effects: &mut Vec<Effect>,
    ) {
        let first_float = self.references().next().map(|network| network.id.clone());
        let Some(network) = self.network_mut(id) else { return };
        let is_float = inspection.variant == "float";
        network.status = Status::Ready(inspection.into());
        network.sha256 = sha256;
        if network.origin == Origin::Opened {
            if !is_float {
                self.compare_with(id, first_float, effects);
            }
            if !self.own_files.is_recalled(id) {
                self.choose(Some(id.to_owned()));
            }
        }
        if self.selected.as_deref() == Some(id) {
            self.follow_size(effects);
        }
        self.keep_network(id, effects);
        self.restore_variants(id, effects);
        self.suit_search();
    }

    /// Lets frames enter as the file of a network that was opened has noted it, unless somebody said how.
    pub(super) fn follow_note(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let opened = self.network(id).filter(|network| network.origin == Origin::Opened);
        let Some(network) = opened.filter(|_| self.preprocessing == PreprocessingForm::default())
        else {
            return;
        };
        let json = network.inspection().and_then(|inspection| inspection.preprocessing.as_ref());
        match json.map(|json| Preprocessing::from_json(json.as_bytes())) {
            None => {}
            Some(Ok(noted)) => self.set_preprocessing(PreprocessingForm::of(&noted), effects),
            Some(Err(error)) => {
                let error = error.in_file(&network.title);
                self.complain(error);
            }
        }
    }

    pub(super) fn model_failed(&mut self, id: &str) {
        let Some(network) = self.network_mut(id) else { return };
        network.status = Status::Failed;
        if network.origin == Origin::Opened {
            self.forget(id);
        }
    }

    pub(super) fn close_model(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let Some(network) = self.network(id) else { return };
        let sha256 = network.sha256.clone();
        match network.status {
            Status::Loading(task) => self.cancel_task(task, effects),
            Status::Fetching { .. } => effects.push(Effect::Abort(Resource::Network(id.into()))),
            _ => {}
        }
        if self.job.as_ref().is_some_and(|job| job.network == id) {
            self.cancel_run(effects);
        }
        self.forget_network(&sha256, effects);
        if self.trainings.contains_key(id) {
            effects.push(Effect::ForgetTraining(self.training_key(id)));
        }
        self.forget(id);
    }

    fn forget(&mut self, id: &str) {
        self.networks.retain(|network| network.id != id);
        self.queue.forget_model(id);
        self.made.remove(id);
        self.qat.remove(id);
        for variant in self.variants.remove(id).iter().flat_map(|variants| &variants.all) {
            // Those that are in the list stay there.
            if variant.made.is_some() {
                self.queue.forget_model(&variant.id);
            }
        }
        for variants in self.variants.values_mut() {
            if variants.get(id).is_some() {
                Rc::make_mut(variants).all.retain(|variant| variant.id != id);
            }
        }
        self.comparisons.remove(id);
        self.explained.remove(id);
        self.searches.remove(id);
        self.roads.remove(id);
        self.trainings.remove(id);
        for network in &mut self.networks {
            network.reference.take_if(|reference| reference == id);
        }
        if self.selected.as_deref() == Some(id) {
            self.choose(self.networks.first().map(|network| network.id.clone()));
            self.layers.remove(id);
        }
    }
}

/// Without the batch.
fn frame_of(input: &TensorShape) -> &[Option<usize>] {
    input.shape.get(1..).unwrap_or_default()
}

/// Whether an input takes the frames of an array.
fn takes(input: &TensorShape, array: &ArraySummary) -> bool {
    let wants = frame_of(input);
    let same = |(wants, has): (&Option<usize>, &usize)| wants.is_none_or(|wants| wants == *has);
    let takes = |has: &[usize]| wants.len() == has.len() && wants.iter().zip(has).all(same);
    match <[usize; 3]>::try_from(&array.frame_shape[..]) {
        Ok(shape) if array.pixels => Axes::of(shape).any(|(_, shape)| takes(&shape)),
        // A number is one along as many axes as it likes.
        _ if array.frame_shape.iter().all(|&n| n == 1) => wants.iter().all(|n| *n == Some(1)),
        _ => takes(&array.frame_shape),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
