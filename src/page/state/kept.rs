//! What the browser keeps of the variants: a reload loses nothing that was made and measured.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::queue::Purpose;
use super::run::Made;
use super::variants::{Measured, Trained, Variant, Variants};
use super::{Effect, Network, State};
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
    /// `None`: it is that network itself, or a file that was opened.
    made: Option<Rc<Made>>,
    /// SHA-256 of the file that was opened, which is kept among the networks; earlier versions kept none of these.
    #[serde(default)]
    opened: Option<String>,
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
        let made = self.made.as_ref().map(|made| &made.summary.sha256);
        key(&self.network, made.or(self.opened.as_ref()))
    }

    pub fn bytes(&self) -> usize {
        self.made.as_ref().map_or(0, |made| made.file.bytes.len())
    }
}

/// What a variant is kept under, by the SHA-256 of its network and of its own file, if it has another.
fn key(network: &str, file: Option<&String>) -> String {
    format!("{network}/{}", file.map_or("itself", |file| file))
}

/// What is known of what the browser keeps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kept {
    /// Bytes of the file of each.
    records: BTreeMap<String, usize>,
    /// Those whose network, or whose opened file, is not here yet.
    waiting: Vec<SavedVariant>,
    /// How the tables of networks that are here were left.
    views: BTreeMap<ModelId, SavedView>,
    /// What comparisons of earlier visits and their frames are numbered in this one.
    runs: BTreeMap<usize, usize>,
    frames: BTreeMap<usize, usize>,
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
    /// Has the browser keep a variant as it is now; the file of one that was opened is kept among the networks.
    pub(super) fn save_variant(&self, bench: &str, id: &str, effects: &mut Vec<Effect>) {
        let Some(network) = self.network(bench).filter(|network| !network.sha256.is_empty()) else {
            return;
        };
        let Some(variants) = self.variants.get(bench) else { return };
        let place = variants.all.iter().position(|variant| variant.id == id);
        let Some(place) = place else { return };
        let Variant { made, trained, name, measured, driven, .. } = variants.all[place].clone();
        let opened = match &made {
            None if id != bench => match self.hash_of(&variants.all[place]) {
                None => return,
                hash => hash,
            },
            _ => None,
        };
        let measured = measured.as_deref().map(|measured| SavedReport {
            report: measured.report.clone(),
            run: measured.run,
            frames: measured.frames,
            times: measured.times.clone(),
        });
        let view = (id == bench).then(|| self.view_of(variants));
        let archives = trained.as_ref().map_or(0, |trained| trained.archives);
        let (plan, trained_on) = trained.map(|trained| (trained.plan, trained.frames)).unzip();
        effects.push(Effect::KeepVariant(Box::new(SavedVariant {
            network: network.sha256.clone(),
            place,
            made,
            opened,
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

    /// Leaves a network's table as it was left in an earlier visit, unless somebody has changed it in this one;
    /// columns that come late are left so in any case.
    fn take_view(&mut self, bench: &str, late: &[ModelId]) {
        let Some(view) = self.kept.views.get(bench).cloned() else { return };
        let Some(variants) = self.variants.get(bench) else { return };
        let untouched = variants.is_untouched();
        let hashes: Vec<_> = variants.all.iter().map(|variant| self.hash_of(variant)).collect();
        let variants = self.variants_of(bench);
        for (variant, hash) in variants.all.iter_mut().zip(hashes) {
            if !untouched && !late.contains(&variant.id) {
                continue;
            }
            variant.hidden = hash.as_ref().is_some_and(|hash| view.hidden.contains(hash));
            if variants.baseline.is_none() && hash.is_some() && hash == view.baseline {
                variants.baseline = Some(variant.id.clone());
            }
        }
        if untouched {
            variants.sorted_by = view.sorted_by;
            variants.only_differences = view.only_differences;
        }
    }

    /// SHA-256 of a variant's file.
    fn hash_of(&self, variant: &Variant) -> Option<String> {
        let hash = match &variant.made {
            Some(made) => &made.summary.sha256,
            None => &self.network(&variant.id)?.sha256,
        };
        Some(hash.clone()).filter(|hash| !hash.is_empty())
    }

    pub(super) fn forget_variant(
        &mut self,
        bench: &str,
        variant: &Variant,
        effects: &mut Vec<Effect>,
    ) {
        let (Some(network), Some(file)) = (self.network(bench), self.hash_of(variant)) else {
            return;
        };
        let key = key(&network.sha256, Some(&file));
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
        // What waits keeps its numbers: none of this visit may be one of them.
        let measured = saved.iter().filter_map(|saved| saved.measured.as_ref());
        for SavedReport { run, frames, .. } in measured {
            self.comparisons_so_far = self.comparisons_so_far.max(*run);
            self.validations_so_far = self.validations_so_far.max(*frames);
        }
        self.kept.waiting.extend(saved);
        let here = self.networks.iter().filter(|network| network.inspection().is_some());
        for id in here.map(|network| network.id.clone()).collect::<Vec<_>>() {
            self.restore_variants(&id, effects);
        }
    }

    /// The kept variants of a network that is here now, and what is kept of it beside other networks.
    pub(super) fn restore_variants(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let Some(hash) = self.network(id).map(|network| network.sha256.clone()) else { return };
        let beside = self.kept.waiting.iter().filter(|saved| saved.opened.as_ref() == Some(&hash));
        let benches: Vec<_> = beside.filter_map(|saved| self.here_by(&saved.network)).collect();
        self.restore_bench(id, effects);
        for bench in benches {
            self.restore_bench(&bench, effects);
        }
    }

    /// The network of this SHA-256, once it is read.
    fn here_by(&self, sha256: &str) -> Option<ModelId> {
        let here = |network: &&Network| network.sha256 == sha256 && network.inspection().is_some();
        self.networks.iter().find(here).map(|network| network.id.clone())
    }

    fn restore_bench(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let Some(network) = self.network(id).map(|network| network.sha256.clone()) else { return };
        let waiting = std::mem::take(&mut self.kept.waiting);
        let (mut own, others): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|saved| {
            let here = |hash: &String| self.here_by(hash).is_some();
            saved.network == network && saved.opened.as_ref().is_none_or(here)
        });
        self.kept.waiting = others;
        own.sort_by_key(|saved| saved.place);
        if let Some(view) = own.iter_mut().find_map(|saved| saved.view.take()) {
            self.kept.views.insert(id.to_owned(), view);
        }
        let mut late = Vec::new();
        for saved in own {
            let measured = saved.measured.map(|report| self.of_this_visit(report));
            let found = (saved.name, measured, saved.driven);
            if let Some(hash) = saved.opened {
                let file = self.networks.iter_mut().find(|network| network.sha256 == hash);
                let Some(file) = file else { continue };
                file.reference = Some(id.to_owned());
                let file = file.id.clone();
                self.variants_of(id).entry(&file).restore(found);
                late.push(file);
                continue;
            }
            let (archives, frames) = (saved.archives, saved.trained_on);
            let trained = saved.plan.map(|plan| Trained { plan, archives, frames });
            let restored = self.restore_variant(id, saved.made, trained, found);
            if let Some(made) = restored {
                let file = made.file.clone();
                let load = Request::LoadModel { model: made.id.clone(), file, beside: Vec::new() };
                self.send(Purpose::Replay, load, effects);
            }
        }
        self.take_view(id, &late);
        self.mean_the_last(id);
    }

    /// Nothing of this visit was timed or answered with what an earlier one has measured.
    fn of_this_visit(&mut self, saved: SavedReport) -> Rc<Measured> {
        let SavedReport { report, run, frames, times } = saved;
        let run = *self.kept.runs.entry(run).or_insert_with(|| {
            self.comparisons_so_far += 1;
            self.comparisons_so_far
        });
        // Those of the bundled frames are the same in every visit.
        let frames = match frames {
            0 => 0,
            on => *self.kept.frames.entry(on).or_insert_with(|| {
                self.validations_so_far += 1;
                self.validations_so_far
            }),
        };
        let (classes, values) = Default::default();
        Rc::new(Measured { report, run, frames, classes, values, times })
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
