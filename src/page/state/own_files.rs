//! A person's own networks and frames, kept for the next visit where the browser grants the room; else it is
//! known what they were called, and they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::data::Loaded;
use super::labelling::LabellingForm;
use super::networks::Origin;
use super::preprocessing::PreprocessingForm;
use super::{Effect, State};
use crate::lab::protocol::{ModelId, Role};
use crate::page::link::Named;
use crate::vocabulary::file::{File, Source};
use crate::vocabulary::labelling::Labelling;
use crate::vocabulary::preprocessing::Preprocessing;

/// A network that was opened, as the browser keeps it under its hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedNetwork {
    pub sha256: String,
    pub file: Rc<File>,
    pub beside: Vec<Rc<File>>,
}

impl SavedNetwork {
    pub fn bytes(&self) -> usize {
        std::iter::once(&self.file).chain(&self.beside).map(|file| file.bytes.len()).sum()
    }
}

/// A set of frames that was opened, as the browser keeps it for its role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedFrames {
    pub role: Role,
    pub name: String,
    pub fingerprint: String,
    pub preprocessing: Option<Preprocessing>,
    pub labelling: Labelling,
    /// They stand beside the rest, as the browser has files; none where there was no room.
    #[serde(skip)]
    pub files: Vec<Source>,
}

/// What is known of what the browser keeps of these.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnFiles {
    /// By their hashes, with their bytes.
    pub networks: BTreeMap<String, usize>,
    pub frames: BTreeMap<Role, usize>,
    /// Sets that were open in the last visit, and found no room.
    pub missing: BTreeMap<Role, Named>,
    /// What is kept of each role.
    fingerprints: BTreeMap<Role, String>,
    /// Networks that come from an earlier visit: nobody has chosen them in this one.
    recalled: BTreeSet<ModelId>,
}

impl OwnFiles {
    /// Whether it comes from an earlier visit.
    pub(super) fn is_recalled(&self, id: &str) -> bool {
        self.recalled.contains(id)
    }

    pub fn bytes(&self) -> usize {
        self.networks.values().chain(self.frames.values()).sum()
    }
}

impl State {
    /// A person's own frames were read.
    pub(super) fn keep_frames(&mut self, role: Role, loaded: &Loaded, effects: &mut Vec<Effect>) {
        self.own_files.missing.remove(&role);
        let Some((name, files)) = self.data(role).opened().filter(|_| !loaded.bundled) else {
            return;
        };
        if self.own_files.fingerprints.get(&role) == Some(&loaded.fingerprint) {
            return;
        }
        let saved = SavedFrames {
            role,
            name: name.to_owned(),
            fingerprint: loaded.fingerprint.clone(),
            preprocessing: self.preprocessing().ok().flatten(),
            labelling: self.labelling.parse().unwrap_or_default(),
            files: files.to_vec(),
        };
        self.own_files.fingerprints.insert(role, loaded.fingerprint.clone());
        effects.push(Effect::KeepFrames(Box::new(saved)));
    }

    /// `bytes`: 0 where there was room for the name alone.
    pub(super) fn frames_kept(&mut self, role: Role, bytes: usize) {
        self.own_files.frames.insert(role, bytes);
    }

    /// Somebody wants the bundled ones again.
    pub(super) fn forget_frames(&mut self, role: Role, effects: &mut Vec<Effect>) {
        self.own_files.missing.remove(&role);
        self.own_files.frames.remove(&role);
        if self.own_files.fingerprints.remove(&role).is_some() {
            effects.push(Effect::ForgetFrames(role));
        }
    }

    pub(super) fn frames_recalled(
        &mut self,
        saved: SavedFrames,
        bytes: usize,
        effects: &mut Vec<Effect>,
    ) {
        let SavedFrames { role, name, fingerprint, preprocessing, labelling, files } = saved;
        self.own_files.fingerprints.insert(role, fingerprint.clone());
        self.own_files.frames.insert(role, bytes);
        if self.data(role).opened().is_some() {
            // What was opened in the meantime counts more.
            return;
        }
        if files.is_empty() {
            self.own_files.missing.insert(role, Named { name, sha256: fingerprint });
            return;
        }
        // A link says more.
        if self.preprocessing == PreprocessingForm::default() {
            self.preprocessing =
                preprocessing.as_ref().map(PreprocessingForm::of).unwrap_or_default();
        }
        if self.labelling == LabellingForm::default() {
            self.labelling = LabellingForm::of(&labelling);
        }
        effects.push(Effect::Abort(super::Resource::Frames(role)));
        self.open_data(role, name, files, effects);
    }

    /// A network that was opened was read.
    pub(super) fn keep_network(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let Some(network) = self.network(id).filter(|own| own.origin == Origin::Opened) else {
            return;
        };
        let sha256 = network.sha256.clone();
        if self.own_files.networks.contains_key(&sha256) {
            return;
        }
        let Some((file, beside)) = self.queue.files(id) else { return };
        let saved = SavedNetwork { sha256, file: file.clone(), beside: beside.to_vec() };
        effects.push(Effect::KeepNetwork(Box::new(saved)));
    }

    pub(super) fn network_kept(&mut self, sha256: String, bytes: usize) {
        self.own_files.networks.insert(sha256, bytes);
    }

    pub(super) fn network_recalled(&mut self, saved: SavedNetwork, effects: &mut Vec<Effect>) {
        self.own_files.networks.insert(saved.sha256.clone(), saved.bytes());
        if self.opened_already(&saved.file).is_none() {
            let id = self.open_model(saved.file, saved.beside, effects);
            self.own_files.recalled.insert(id);
        }
    }

    /// The network that was opened from a file, if it was.
    pub(super) fn opened_already(&self, file: &Rc<File>) -> Option<ModelId> {
        let same = |id: &str| self.queue.asked_files(id).is_some_and(|own| own == file);
        let network =
            self.networks.iter().find(|own| own.origin == Origin::Opened && same(&own.id));
        network.map(|network| network.id.clone())
    }

    /// The browser is to forget a network of this hash.
    pub(super) fn forget_network(&mut self, sha256: &str, effects: &mut Vec<Effect>) {
        if self.own_files.networks.remove(sha256).is_some() {
            effects.push(Effect::ForgetNetwork(sha256.to_owned()));
        }
    }

    pub(super) fn forget_own_files(&mut self, effects: &mut Vec<Effect>) {
        let networks = std::mem::take(&mut self.own_files.networks);
        effects.extend(networks.into_keys().map(Effect::ForgetNetwork));
        self.own_files.frames.clear();
        self.own_files.missing.clear();
        let roles = std::mem::take(&mut self.own_files.fingerprints);
        effects.extend(roles.into_keys().map(Effect::ForgetFrames));
    }
}
