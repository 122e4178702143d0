//! What the browser keeps of the variants: a reload loses nothing that was made and measured.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::queue::Purpose;
use super::run::Made;
use super::variants::{Measured, Variant};
use super::{Effect, State};
use crate::error::Error;
use crate::lab::protocol::{ModelId, Request};
use crate::vocabulary::driving::Driven;
use crate::vocabulary::file::File;
use crate::vocabulary::plan::Plan;
use crate::vocabulary::report::Report;

/// A variant as the browser keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedVariant {
    /// SHA-256 of the network that it is a variant of.
    network: String,
    /// Its place among the variants.
    place: usize,
    /// `None`: it is that network itself.
    made: Option<Rc<Made>>,
    plan: Option<Rc<Plan>>,
    /// Earlier versions did not say.
    #[serde(default)]
    archives: usize,
    name: Option<String>,
    measured: Option<SavedReport>,
    driven: Option<Rc<Driven>>,
}

/// What was measured of it. What it said of each frame is not kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SavedReport {
    report: Report,
    run: usize,
    frames: usize,
    /// Those of earlier versions were not kept.
    #[serde(default)]
    times: Rc<[f32]>,
}

impl SavedVariant {
    /// The same file of the same network is kept once.
    pub fn key(&self) -> String {
        let of = |made: &Rc<Made>| made.summary.sha256.clone();
        format!("{}/{}", self.network, self.made.as_ref().map_or_else(|| "itself".into(), of))
    }

    pub fn bytes(&self) -> usize {
        self.made.as_ref().map_or(0, |made| made.file.bytes.len())
    }
}

/// What is known of what the browser keeps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kept {
    /// Bytes of the file of each.
    records: BTreeMap<String, usize>,
    /// Those whose network is not here yet.
    waiting: Vec<SavedVariant>,
    /// It was said that the browser keeps nothing.
    unkept_is_told: bool,
}

impl Kept {
    pub fn count(&self) -> usize {
        self.records.len()
    }

    pub fn bytes(&self) -> usize {
        self.records.values().sum()
    }
}

impl State {
    /// Has the browser keep a variant as it is now. Files of others are in the list, or on a disk.
    pub(super) fn save_variant(&self, bench: &str, id: &str, effects: &mut Vec<Effect>) {
        let Some(network) = self.network(bench).filter(|network| !network.sha256.is_empty()) else {
            return;
        };
        let Some(variants) = self.variants.get(bench) else { return };
        let place = variants.all.iter().position(|variant| variant.id == id);
        let Some(place) = place else { return };
        let Variant { made, plan, archives, name, measured, driven, .. } =
            variants.all[place].clone();
        if made.is_none() && id != bench {
            return;
        }
        let measured = measured.as_deref().map(|measured| SavedReport {
            report: measured.report.clone(),
            run: measured.run,
            frames: measured.frames,
            times: measured.times.clone(),
        });
        let network = network.sha256.clone();
        let saved = SavedVariant { network, place, made, plan, archives, name, measured, driven };
        effects.push(Effect::KeepVariant(Box::new(saved)));
    }

    pub(super) fn forget_variant(&mut self, bench: &str, made: &Made, effects: &mut Vec<Effect>) {
        let Some(network) = self.network(bench) else { return };
        let key = format!("{}/{}", network.sha256, made.summary.sha256);
        if self.kept.records.remove(&key).is_some() {
            effects.push(Effect::ForgetVariant(key));
        }
    }

    pub(super) fn variants_recalled(
        &mut self,
        saved: Vec<SavedVariant>,
        effects: &mut Vec<Effect>,
    ) {
        self.kept.records.extend(saved.iter().map(|saved| (saved.key(), saved.bytes())));
        self.kept.waiting.extend(saved);
        let here = self.networks.iter().filter(|network| network.inspection().is_some());
        for id in here.map(|network| network.id.clone()).collect::<Vec<_>>() {
            self.restore_variants(&id, effects);
        }
    }

    /// The kept variants of a network that is here now.
    pub(super) fn restore_variants(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let Some(network) = self.network(id).map(|network| network.sha256.clone()) else { return };
        let waiting = std::mem::take(&mut self.kept.waiting);
        let (mut own, others): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|saved| saved.network == network);
        self.kept.waiting = others;
        own.sort_by_key(|saved| saved.place);
        // Of other visits: nothing of this one was timed or answered with them.
        let (mut runs, mut frames) = (BTreeMap::new(), BTreeMap::new());
        for saved in own {
            let measured = saved.measured.map(|SavedReport { report, run, frames: on, times }| {
                let run = *runs.entry(run).or_insert_with(|| {
                    self.comparisons_so_far += 1;
                    self.comparisons_so_far
                });
                // Those of the bundled frames are the same in every visit.
                let frames = match on {
                    0 => 0,
                    on => *frames.entry(on).or_insert_with(|| {
                        self.validations_so_far += 1;
                        self.validations_so_far
                    }),
                };
                let (classes, values) = Default::default();
                Rc::new(Measured { report, run, frames, classes, values, times })
            });
            let found = (saved.name, measured, saved.driven);
            let restored = {
                let trained = saved.plan.map(|plan| (plan, saved.archives));
                self.restore_variant(id, saved.made, trained, found)
            };
            if let Some(made) = restored {
                let file = File::clone(&made.file);
                let load = Request::LoadModel { model: made.id.clone(), file, beside: Vec::new() };
                self.send(Purpose::Replay, load, effects);
            }
        }
        self.mean_the_last(id);
    }

    pub(super) fn variant_kept(&mut self, key: String, bytes: usize) {
        self.kept.unkept_is_told = false;
        self.kept.records.insert(key, bytes);
    }

    /// Said once and not of every variant.
    pub(super) fn variant_not_kept(&mut self, error: Error) {
        if !std::mem::replace(&mut self.kept.unkept_is_told, true) {
            self.complain(error);
        }
    }

    pub(super) fn variants_unread(&mut self, count: usize) {
        self.complain(
            Error::new(format!("{count} of the kept variants were written by another version"))
                .way_out("Make them again by their recipes, or forget what is kept."),
        );
    }

    /// Nothing is kept any more, trainings neither; what is on the page stays until it is left.
    pub(super) fn forget_kept(&mut self, effects: &mut Vec<Effect>) {
        let records = std::mem::take(&mut self.kept.records);
        effects.extend(records.into_keys().map(Effect::ForgetVariant));
        self.kept.waiting.clear();
        self.forget_own_files(effects);
        let networks: Vec<ModelId> = self.trainings.keys().cloned().collect();
        for id in networks {
            effects.push(Effect::ForgetTraining(self.training_key(&id)));
            if let Some(training) = self.trainings.get_mut(&id) {
                Rc::make_mut(training).kept = None;
            }
        }
    }
}
