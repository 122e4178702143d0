//! What the browser keeps of the variants: a reload loses nothing that was made and measured.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::queue::Purpose;
use super::run::Made;
use super::variants::{Measured, Trained, Variant, Variants};
use super::{Effect, State};
use crate::error::Error;
use crate::lab::protocol::{ModelId, Request};
use crate::page::link::Named;
use crate::vocabulary::driving::Driven;
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
    /// A person's own frames that it was trained on; earlier versions did not say.
    #[serde(default)]
    trained_on: Option<Named>,
    name: Option<String>,
    measured: Option<SavedReport>,
    driven: Option<Rc<Driven>>,
    /// How the table was left, with the network itself; earlier versions did not keep it.
    #[serde(default)]
    view: Option<SavedView>,
}

/// How a network's table was left. Variants have other names in every visit: their files' SHA-256 tells them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct SavedView {
    baseline: Option<String>,
    sorted_by: Option<(String, bool)>,
    only_differences: bool,
    hidden: BTreeSet<String>,
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
        let Variant { made, trained, name, measured, driven, .. } = variants.all[place].clone();
        if made.is_none() && id != bench {
            return;
        }
        let measured = measured.as_deref().map(|measured| SavedReport {
            report: measured.report.clone(),
            run: measured.run,
            frames: measured.frames,
            times: measured.times.clone(),
        });
        let view = made.is_none().then(|| self.view_of(variants));
        let archives = trained.as_ref().map_or(0, |trained| trained.archives);
        let (plan, trained_on) = trained.map(|trained| (trained.plan, trained.frames)).unzip();
        effects.push(Effect::KeepVariant(Box::new(SavedVariant {
            network: network.sha256.clone(),
            place,
            made,
            plan,
            archives,
            trained_on: trained_on.flatten(),
            name,
            measured,
            driven,
            view,
        })));
    }

    /// Has the browser keep how a network's table is left. It stands with the network itself: no file is
    /// written for it.
    pub(super) fn save_view(&self, bench: &str, effects: &mut Vec<Effect>) {
        self.save_variant(bench, bench, effects);
    }

    fn view_of(&self, variants: &Variants) -> SavedView {
        let pinned = variants.baseline.as_deref().and_then(|id| variants.get(id));
        let hidden = variants.all.iter().filter(|variant| variant.hidden);
        SavedView {
            baseline: pinned.and_then(|variant| self.hash_of(variant)),
            sorted_by: variants.sorted_by.clone(),
            only_differences: variants.only_differences,
            hidden: hidden.filter_map(|variant| self.hash_of(variant)).collect(),
        }
    }

    /// Leaves a network's table as it was left in an earlier visit, unless somebody has changed it in this one.
    fn take_view(&mut self, bench: &str, view: SavedView) {
        let Some(variants) = self.variants.get(bench).filter(|of| of.is_untouched()) else {
            return;
        };
        let hashes: Vec<_> = variants.all.iter().map(|variant| self.hash_of(variant)).collect();
        let variants = self.variants_of(bench);
        for (variant, hash) in variants.all.iter_mut().zip(hashes) {
            variant.hidden = hash.as_ref().is_some_and(|hash| view.hidden.contains(hash));
            if hash.is_some() && hash == view.baseline {
                variants.baseline = Some(variant.id.clone());
            }
        }
        variants.sorted_by = view.sorted_by;
        variants.only_differences = view.only_differences;
    }

    /// SHA-256 of a variant's file.
    fn hash_of(&self, variant: &Variant) -> Option<String> {
        let hash = match &variant.made {
            Some(made) => &made.summary.sha256,
            None => &self.network(&variant.id)?.sha256,
        };
        Some(hash.clone()).filter(|hash| !hash.is_empty())
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
        let view = own.iter_mut().find_map(|saved| saved.view.take());
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
            let (archives, frames) = (saved.archives, saved.trained_on);
            let trained = saved.plan.map(|plan| Trained { plan, archives, frames });
            let restored = self.restore_variant(id, saved.made, trained, found);
            if let Some(made) = restored {
                let file = made.file.clone();
                let load = Request::LoadModel { model: made.id.clone(), file, beside: Vec::new() };
                self.send(Purpose::Replay, load, effects);
            }
        }
        if let Some(view) = view {
            self.take_view(id, view);
        }
        self.mean_the_last(id);
    }

    pub(super) fn variant_kept(&mut self, key: String, bytes: usize) {
        self.unkept_is_told = false;
        self.kept.records.insert(key, bytes);
    }

    /// Said once, and not of every variant, file and training: that none is kept has one cause.
    pub(super) fn not_kept(&mut self, error: Error) {
        if !std::mem::replace(&mut self.unkept_is_told, true) {
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
