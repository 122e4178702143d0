//! Variants that a link hands on: they are made again one after another, and their bytes compared with the
//! link's.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::data::{BUNDLED, DataSet, Loaded};
use super::run::Step;
use super::train::Training;
use super::variants::Variant;
use super::{Effect, State};
use crate::lab::protocol::{ModelId, Role};
use crate::page::link::{Link, Named, Shared, SharedVariant};
use crate::vocabulary::plan::Plan;
use crate::vocabulary::recipe::Recipe;

/// A link's variants and what has become of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Sharing {
    pub shared: Rc<Shared>,
    /// Of each variant.
    pub fates: Vec<Fate>,
    /// The one that is being made.
    at: Option<usize>,
    /// Those that somebody wants to be trained, by their places.
    wished: BTreeSet<usize>,
    /// Whether the table was left as in the link.
    viewed: bool,
    /// Whether they were put side by side.
    measured: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Waiting,
    /// Its file has the bytes that the link names.
    Same,
    /// Its file has this SHA-256.
    Other(String),
    /// It was stopped, or could not be made.
    NotMade,
}

/// What a link's variants need and who opens it has to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Network(Named),
    /// Of a file of others, by its place among the variants.
    File(Named),
    Calibration(Named),
    Training(Named),
}

impl Sharing {
    fn new(shared: Rc<Shared>) -> Self {
        let fates = vec![Fate::Waiting; shared.variants.len()];
        let (at, wished) = Default::default();
        Self { shared, fates, at, wished, viewed: false, measured: false }
    }

    /// How many have the link's bytes.
    pub fn same(&self) -> usize {
        self.fates.iter().filter(|fate| **fate == Fate::Same).count()
    }

    pub fn is_under_way(&self) -> bool {
        self.fates.contains(&Fate::Waiting)
    }

    pub fn is_at(&self, at: usize) -> bool {
        self.at == Some(at)
    }

    /// Whether it is to be trained.
    pub fn is_wished(&self, at: usize) -> bool {
        self.wished.contains(&at)
    }

    /// Those that were trained on a person's own frames and are not here, by their places.
    pub fn trained_on_own(&self) -> Vec<usize> {
        let all = self.shared.variants.iter().zip(&self.fates).enumerate();
        let missing = all.filter(|(_, (variant, fate))| {
            let not_here = matches!(fate, Fate::Waiting | Fate::NotMade);
            variant.plan.is_some() && variant.archives == 0 && not_here
        });
        missing.map(|(at, _)| at).collect()
    }
}

impl State {
    /// What a link of all variants that are shown says; `None` where none is made.
    pub fn shared_link(&self) -> Option<Link> {
        let shared = self.share_variants()?;
        Some(Link { shared: Some(Rc::new(shared)), ..self.link() })
    }

    /// How many of the variants that are shown are in no link: the frames they were calibrated on are gone, or
    /// they were trained on other frames than the rest.
    pub fn left_out(&self) -> usize {
        let shown = self
            .bench()
            .map_or(0, |bench| bench.shown().filter(|variant| variant.made.is_some()).count());
        let shared = self.share_variants().map_or(0, |shared| {
            shared.variants.iter().filter(|variant| variant.recipe.is_some()).count()
        });
        shown - shared.min(shown)
    }

    fn share_variants(&self) -> Option<Shared> {
        let id = self.bench_of(self.selected.as_deref()?);
        let (network, bench) = (self.network(&id)?, self.bench()?);
        if network.sha256.is_empty() {
            return None;
        }
        let own = |role: Role| self.data(role).loaded.as_ref().and_then(Loaded::named);
        let calibration = own(Role::Calibration);
        let mut trained = bench.shown().filter_map(|variant| variant.trained.as_ref());
        let training = trained.find_map(|trained| trained.frames.clone());
        let training = training.or_else(|| own(Role::Training));
        let itself = bench.get(&id);
        let baseline = bench.baseline().map(|variant| variant.id.clone());
        let (mut variants, mut pinned) = (Vec::new(), None);
        for variant in bench.shown().filter(|variant| variant.id != id) {
            let frames = [&calibration, &training].map(Option::as_ref);
            let Some(shared) = self.share(variant, frames) else { continue };
            if baseline.as_ref() == Some(&variant.id) {
                pinned = Some(variants.len());
            }
            variants.push(shared);
        }
        let uses_own = variants.iter().any(|variant: &SharedVariant| variant.own_frames);
        let trains = variants.iter().any(|variant| variant.plan.is_some() && variant.archives == 0);
        (!variants.is_empty()).then(|| Shared {
            network: Named { name: network.title.clone(), sha256: network.sha256.clone() },
            calibration: calibration.filter(|_| uses_own),
            training: training.filter(|_| trains),
            variants,
            baseline: pinned,
            only_differences: bench.only_differences,
            sorted_by: bench.sorted_by.clone(),
            network_name: itself.and_then(|variant| variant.name.clone()),
            network_hidden: itself.is_some_and(|variant| variant.hidden),
        })
    }

    /// `None` where it was made with other frames than a link can name.
    fn share(
        &self,
        variant: &Variant,
        [calibration, training]: [Option<&Named>; 2],
    ) -> Option<SharedVariant> {
        let Some(made) = &variant.made else {
            let file = self.network(&variant.id).filter(|file| !file.sha256.is_empty())?;
            let name = variant.name.clone().or_else(|| Some(file.title.clone()));
            return Some(SharedVariant {
                sha256: file.sha256.clone(),
                name,
                ..SharedVariant::default()
            });
        };
        let own_frames = !matches!(&*made.calibration, "" | BUNDLED);
        if own_frames && calibration.is_none_or(|own| own.name != made.calibration) {
            return None;
        }
        let trained = variant.trained.as_ref();
        let own_training = trained.and_then(|trained| trained.frames.as_ref());
        if own_training.is_some() && own_training != training {
            return None;
        }
        Some(SharedVariant {
            sha256: made.summary.sha256.clone(),
            name: variant.name.clone(),
            recipe: Some(made.summary.recipe.clone()),
            plan: trained.map(|trained| Plan::clone(&trained.plan)),
            archives: trained.map_or(0, |trained| trained.archives),
            own_frames,
        })
    }

    /// A link hands on variants.
    pub(super) fn open_shared(&mut self, shared: Rc<Shared>) {
        self.sharing = Some(Rc::new(Sharing::new(shared)));
    }

    /// Makes those again that were stopped.
    pub(super) fn go_on_sharing(&mut self) {
        let Some(sharing) = self.sharing.as_mut().map(Rc::make_mut) else { return };
        for fate in sharing.fates.iter_mut().filter(|fate| **fate == Fate::NotMade) {
            *fate = Fate::Waiting;
        }
        sharing.measured = false;
    }

    /// The link that is not finished stays in the address: a reload goes on with it.
    pub(super) fn unfinished(&self) -> Option<Rc<Shared>> {
        let sharing = self.sharing.as_ref().filter(|sharing| sharing.is_under_way())?;
        Some(sharing.shared.clone())
    }

    /// The network that a link's variants are of, if it is here.
    fn shared_network(&self) -> Option<ModelId> {
        let sha256 = &self.sharing.as_ref()?.shared.network.sha256;
        let is_it =
            |network: &&super::Network| network.sha256 == *sha256 && network.inspection().is_some();
        self.networks.iter().find(is_it).map(|network| network.id.clone())
    }

    /// What has to be brought for the link's variants.
    pub fn asked(&self) -> Vec<Asked> {
        let Some(sharing) = &self.sharing else { return Vec::new() };
        let shared = &sharing.shared;
        let mut asked = Vec::new();
        let fetching = self.networks.iter().any(|network| network.sha256.is_empty());
        if self.shared_network().is_none() && !fetching && self.catalogue.is_some() {
            asked.push(Asked::Network(shared.network.clone()));
        }
        let waiting = || {
            let all = shared.variants.iter().zip(&sharing.fates);
            all.filter(|(_, fate)| **fate == Fate::Waiting).map(|(variant, _)| variant)
        };
        if waiting().any(|variant| variant.own_frames) && !self.has_named(Role::Calibration) {
            asked.extend(shared.calibration.clone().map(Asked::Calibration));
        }
        if !sharing.trained_on_own().is_empty() && !self.has_named(Role::Training) {
            asked.extend(shared.training.clone().map(Asked::Training));
        }
        let files = waiting().filter(|variant| variant.recipe.is_none());
        asked.extend(files.map(|file| {
            let name = file.name.clone().unwrap_or_default();
            Asked::File(Named { name, sha256: file.sha256.clone() })
        }));
        asked
    }

    /// Whether the frames are here that the link names.
    fn has_named(&self, role: Role) -> bool {
        let shared = self.sharing.as_ref().map(|sharing| &sharing.shared);
        let wanted = shared.and_then(|shared| match role {
            Role::Calibration => shared.calibration.as_ref(),
            Role::Training => shared.training.as_ref(),
            Role::Validation => None,
        });
        let loaded = self.data(role).loaded.as_ref();
        wanted.zip(loaded).is_some_and(|(own, loaded)| own.sha256 == loaded.fingerprint)
    }

    /// Whether a variant can be made with the frames of a role that are here, or that the page fetches:
    /// those that the link names, if it was made with a person's `own`.
    fn has_frames(&self, own: bool, role: Role) -> bool {
        let DataSet { loaded, loading, .. } = self.data(role);
        match own {
            true => loading.is_none() && self.has_named(role),
            false => {
                let bundled = loaded.as_ref().is_none_or(|loaded| loaded.bundled);
                bundled && loading.as_ref().is_none_or(|loading| loading.bundled)
            }
        }
    }

    /// The next of the link's variants, as soon as nothing else is under way.
    pub(super) fn continue_sharing(&mut self, now: f64, effects: &mut Vec<Effect>) {
        let Some(sharing) = self.sharing.clone() else { return };
        if self.job.is_some() || (!sharing.is_under_way() && sharing.measured) {
            return;
        }
        let Some(network) = self.shared_network() else { return };
        self.recognize(&network, effects);
        let Some(sharing) = self.sharing.clone() else { return };
        if let Some(at) = (0..sharing.fates.len()).find(|&at| self.can_remake(&sharing, at)) {
            self.select(network, effects);
            if self.can_run() {
                self.remake(at, now, effects);
            }
        } else if let Some(at) = sharing.wished.iter().find(|&&at| self.can_retrain(&sharing, at)) {
            self.select(network.clone(), effects);
            self.retrain(network, *at, now, effects);
        } else if let Some(role) = self.wants_bundled(&sharing) {
            self.fetch_bundled_data(role, effects);
        } else if !sharing.measured && !self.awaits(&sharing) {
            self.put_side_by_side(&network, now, effects);
        }
    }

    /// Whether a variant comes next: those that train wait for a word, files for somebody to bring them.
    fn can_remake(&self, sharing: &Sharing, at: usize) -> bool {
        let variant = &sharing.shared.variants[at];
        let frames = self.has_frames(variant.own_frames, Role::Calibration);
        let free = self.calibration.loading.is_none();
        let makes = variant.recipe.is_some() && variant.plan.is_none();
        sharing.fates[at] == Fate::Waiting && makes && frames && free
    }

    /// Whether all frames are here that a variant was trained with.
    fn can_retrain(&self, sharing: &Sharing, at: usize) -> bool {
        let variant = &sharing.shared.variants[at];
        // A link that does not name them leaves it to those that are here.
        let own = variant.archives == 0 && sharing.shared.training.is_some();
        let anything = variant.archives == 0 && !own;
        sharing.fates[at] == Fate::Waiting
            && self.has_frames(variant.own_frames, Role::Calibration)
            && (anything || self.has_frames(own, Role::Training))
    }

    /// The role of which others than the loaded frames are wanted, which the page has.
    fn wants_bundled(&self, sharing: &Sharing) -> Option<Role> {
        let all = sharing.shared.variants.iter().zip(&sharing.fates).enumerate();
        let waiting = all.filter(|(_, (_, fate))| **fate == Fate::Waiting);
        let next = waiting.filter(|(at, (variant, _))| {
            variant.recipe.is_some() && (variant.plan.is_none() || sharing.is_wished(*at))
        });
        let wanted = next.flat_map(|(_, (variant, _))| {
            let trains = variant.plan.is_some() && variant.archives > 0;
            let calibration = (!variant.own_frames).then_some(Role::Calibration);
            calibration.into_iter().chain(trains.then_some(Role::Training))
        });
        let others = |role: &Role| {
            let DataSet { loaded, loading, .. } = self.data(*role);
            loading.is_none() && loaded.as_ref().is_some_and(|loaded| !loaded.bundled)
        };
        wanted.collect::<Vec<_>>().into_iter().find(others)
    }

    /// Whether something will come that can be made at once.
    fn awaits(&self, sharing: &Sharing) -> bool {
        let all = sharing.shared.variants.iter().zip(&sharing.fates);
        let mut waiting = all.filter(|(_, fate)| **fate == Fate::Waiting);
        waiting.any(|(variant, _)| variant.recipe.is_some() && variant.plan.is_none())
    }

    fn remake(&mut self, at: usize, now: f64, effects: &mut Vec<Effect>) {
        let Some(sharing) = self.sharing.as_mut().map(Rc::make_mut) else { return };
        let Some(recipe) = sharing.shared.variants[at].recipe.clone() else { return };
        sharing.at = Some(at);
        self.start_job(Step::Quantize, recipe, now, effects);
        if let Some(job) = &mut self.job {
            job.then = Step::Nothing;
        }
    }

    /// One of the link's variants is to be trained again, as soon as nothing else is under way and the frames
    /// are here that it was trained on.
    pub(super) fn train_shared(&mut self, at: usize) {
        let Some(sharing) = self.sharing.as_mut().map(Rc::make_mut) else { return };
        let trains = sharing.shared.variants.get(at).is_some_and(|variant| variant.plan.is_some());
        if trains && matches!(sharing.fates[at], Fate::Waiting | Fate::NotMade) {
            sharing.fates[at] = Fate::Waiting;
            sharing.wished.insert(at);
        }
    }

    fn retrain(&mut self, network: ModelId, at: usize, now: f64, effects: &mut Vec<Effect>) {
        let Some(sharing) = self.sharing.as_mut().map(Rc::make_mut) else { return };
        sharing.wished.remove(&at);
        let variant = sharing.shared.variants[at].clone();
        let (Some(recipe), Some(plan)) = (variant.recipe, variant.plan) else { return };
        self.set_recipe(recipe.clone());
        self.train_form.archives = variant.archives.max(1);
        if !self.can_train() {
            // The page says elsewhere what does not fit.
            return;
        }
        if let Some(sharing) = self.sharing.as_mut().map(Rc::make_mut) {
            sharing.at = Some(at);
        }
        let training = Training::new(recipe, plan, self.train_form.archives);
        self.train(network, training, Step::Train { finish: false }, now, effects);
    }

    /// Looks which of the link's variants are here, made just now or before.
    fn recognize(&mut self, network: &str, effects: &mut Vec<Effect>) {
        let Some(mut sharing) = self.sharing.clone() else { return };
        let own = Rc::make_mut(&mut sharing);
        let mut changed = !std::mem::replace(&mut own.viewed, true);
        if changed {
            self.leave_as_in(network, &own.shared);
        }
        let at = own.at.take();
        for (place, fate) in own.fates.iter_mut().enumerate() {
            if *fate != Fate::Waiting {
                continue;
            }
            let shared = &own.shared.variants[place];
            if let Some(id) = self.here(network, shared) {
                self.call(network, &id, shared);
                if own.shared.baseline == Some(place) {
                    self.variants_of(network).pin(id);
                }
                (*fate, changed) = (Fate::Same, true);
            } else if at == Some(place) {
                // It was made, and is something else, or was not made.
                *fate = self.made_instead(network, shared).map_or(Fate::NotMade, Fate::Other);
            }
        }
        self.sharing = Some(sharing);
        if changed {
            self.save_view(network, effects);
        }
    }

    /// Leaves the table as the link has it, but for what is not here yet.
    fn leave_as_in(&mut self, network: &str, shared: &Shared) {
        let variants = self.variants_of(network);
        variants.only_differences |= shared.only_differences;
        if shared.sorted_by.is_some() {
            variants.sorted_by.clone_from(&shared.sorted_by);
        }
        let itself = variants.entry(network);
        itself.hidden = shared.network_hidden;
        if shared.network_name.is_some() {
            itself.name.clone_from(&shared.network_name);
        }
    }

    /// The variant that has the bytes of a link's.
    fn here(&mut self, network: &str, shared: &SharedVariant) -> Option<ModelId> {
        if shared.recipe.is_none() {
            let file = |other: &&mut super::Network| {
                other.sha256 == shared.sha256 && other.inspection().is_some()
            };
            let file = self.networks.iter_mut().find(file)?;
            file.reference = Some(network.to_owned());
            return Some(file.id.clone());
        }
        let variants = self.variants.get(network)?;
        let same = |variant: &&Variant| {
            variant.made.as_ref().is_some_and(|made| made.summary.sha256 == shared.sha256)
        };
        variants.all.iter().find(same).map(|variant| variant.id.clone())
    }

    /// The SHA-256 of what was made by a variant's recipe and plan.
    fn made_instead(&self, network: &str, shared: &SharedVariant) -> Option<String> {
        let recipe: &Recipe = shared.recipe.as_ref()?;
        let id = match &shared.plan {
            Some(plan) => self.id_of_trained(network, recipe, plan),
            None => self.id_of_made(network, recipe),
        };
        Some(self.variant(&id)?.made.as_ref()?.summary.sha256.clone())
    }

    /// Shows a variant under the name that the link has for it.
    fn call(&mut self, network: &str, id: &str, shared: &SharedVariant) {
        let variant = self.variants_of(network).entry(id);
        variant.hidden = false;
        if shared.recipe.is_some() {
            variant.name = shared.name.clone().or_else(|| variant.name.take());
        }
    }

    /// All that could be made is here.
    fn put_side_by_side(&mut self, network: &str, now: f64, effects: &mut Vec<Effect>) {
        self.select(network.to_owned(), effects);
        let unmeasured = self
            .bench()
            .is_some_and(|bench| bench.shown().any(|variant| variant.measured.is_none()));
        if unmeasured && !self.can_measure_all() && self.shown_variants().len() > 1 {
            return;
        }
        if let Some(sharing) = self.sharing.as_mut().map(Rc::make_mut) {
            sharing.measured = true;
        }
        if unmeasured {
            self.measure_all(now, effects);
        }
    }
}
