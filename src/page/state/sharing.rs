//! Variants that a link hands on: they are made again one after another, and their bytes compared with the
//! link's.

use std::rc::Rc;

use super::data::BUNDLED;
use super::run::Step;
use super::train::Training;
use super::variants::Variant;
use super::{Effect, State};
use crate::lab::protocol::{ModelId, Role};
use crate::page::link::{Link, Named, Shared, SharedVariant};
use crate::vocabulary::recipe::Recipe;

/// A link's variants and what has become of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Sharing {
    pub shared: Rc<Shared>,
    /// Of each variant.
    pub fates: Vec<Fate>,
    /// The one that is being made.
    at: Option<usize>,
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
}

impl Sharing {
    fn new(shared: Rc<Shared>) -> Self {
        let fates = vec![Fate::Waiting; shared.variants.len()];
        Self { shared, fates, at: None, measured: false }
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
}

impl State {
    /// What a link of all variants that are shown says; `None` where none is made.
    pub fn shared_link(&self) -> Option<Link> {
        let shared = self.share_variants()?;
        Some(Link { shared: Some(Rc::new(shared)), ..self.link() })
    }

    /// How many of the variants that are shown are in no link: the frames they were calibrated on are gone.
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
        let own = |role: Role| -> Option<Named> {
            let loaded = self.data(role).loaded.as_ref().filter(|loaded| !loaded.bundled)?;
            Some(Named { name: loaded.name.clone(), sha256: loaded.fingerprint.clone() })
        };
        let (calibration, training) = (own(Role::Calibration), own(Role::Training));
        let baseline = bench.baseline().map(|variant| variant.id.clone());
        let (mut variants, mut pinned) = (Vec::new(), None);
        for variant in bench.shown().filter(|variant| variant.id != id) {
            let Some(shared) = self.share(variant, calibration.as_ref()) else { continue };
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
        })
    }

    fn share(&self, variant: &Variant, calibration: Option<&Named>) -> Option<SharedVariant> {
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
        Some(SharedVariant {
            sha256: made.summary.sha256.clone(),
            name: variant.name.clone(),
            recipe: Some(made.summary.recipe.clone()),
            plan: variant.plan.as_deref().cloned(),
            archives: variant.archives,
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
        if waiting().any(|variant| variant.own_frames) && !self.has_shared_calibration() {
            asked.extend(shared.calibration.clone().map(Asked::Calibration));
        }
        let files = waiting().filter(|variant| variant.recipe.is_none());
        asked.extend(files.map(|file| {
            let name = file.name.clone().unwrap_or_default();
            Asked::File(Named { name, sha256: file.sha256.clone() })
        }));
        asked
    }

    fn has_shared_calibration(&self) -> bool {
        let wanted = self.sharing.as_ref().and_then(|sharing| sharing.shared.calibration.as_ref());
        let loaded = self.calibration.loaded.as_ref();
        wanted.zip(loaded).is_some_and(|(own, loaded)| own.sha256 == loaded.fingerprint)
    }

    /// The next of the link's variants, as soon as nothing else is under way.
    pub(super) fn continue_sharing(&mut self, now: f64, effects: &mut Vec<Effect>) {
        let Some(sharing) = self.sharing.clone() else { return };
        if self.job.is_some() || (!sharing.is_under_way() && sharing.measured) {
            return;
        }
        let Some(network) = self.shared_network() else { return };
        self.recognize(&network);
        let Some(sharing) = self.sharing.clone() else { return };
        if let Some(at) = (0..sharing.fates.len()).find(|&at| self.can_remake(&sharing, at)) {
            self.select(network, effects);
            if self.can_run() {
                self.remake(at, now, effects);
            }
        } else if self.wants_bundled(&sharing) {
            self.fetch_bundled_data(Role::Calibration, effects);
        } else if !sharing.measured && !self.awaits(&sharing) {
            self.put_side_by_side(&network, now, effects);
        }
    }

    /// Whether a variant comes next: those that train wait for a word, files for somebody to bring them.
    fn can_remake(&self, sharing: &Sharing, at: usize) -> bool {
        let variant = &sharing.shared.variants[at];
        let frames = match variant.own_frames {
            true => self.has_shared_calibration(),
            false => self.calibration.loaded.as_ref().is_none_or(|loaded| loaded.bundled),
        };
        let free = self.calibration.loading.is_none();
        let makes = variant.recipe.is_some() && variant.plan.is_none();
        sharing.fates[at] == Fate::Waiting && makes && frames && free
    }

    /// Whether others than the loaded calibration frames are wanted, which the page has.
    fn wants_bundled(&self, sharing: &Sharing) -> bool {
        let all = sharing.shared.variants.iter().zip(&sharing.fates);
        let mut waiting = all.filter(|(_, fate)| **fate == Fate::Waiting);
        let own = self.calibration.loaded.as_ref().is_some_and(|loaded| !loaded.bundled);
        let makes = |variant: &SharedVariant| variant.recipe.is_some() && variant.plan.is_none();
        own && self.calibration.loading.is_none()
            && waiting.any(|(variant, _)| makes(variant) && !variant.own_frames)
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

    /// Trains one of the link's variants again.
    pub(super) fn train_shared(&mut self, at: usize, now: f64, effects: &mut Vec<Effect>) {
        let (Some(network), Some(sharing)) = (self.shared_network(), self.sharing.clone()) else {
            return;
        };
        let variant = sharing.shared.variants.get(at).cloned().unwrap_or_default();
        let (Some(recipe), Some(plan)) = (variant.recipe, variant.plan) else { return };
        if self.job.is_some() {
            return;
        }
        self.select(network.clone(), effects);
        self.set_recipe(recipe.clone());
        self.train_form.archives = variant.archives.max(1);
        if !self.can_train() {
            return;
        }
        if let Some(sharing) = self.sharing.as_mut().map(Rc::make_mut) {
            sharing.at = Some(at);
            sharing.fates[at] = Fate::Waiting;
        }
        let training = Training::new(recipe, plan, variant.archives);
        self.train(network, training, Step::Train { finish: false }, now, effects);
    }

    /// Looks which of the link's variants are here, made just now or before.
    fn recognize(&mut self, network: &str) {
        let Some(mut sharing) = self.sharing.clone() else { return };
        let own = Rc::make_mut(&mut sharing);
        let at = own.at.take();
        for (place, fate) in own.fates.iter_mut().enumerate() {
            if *fate != Fate::Waiting {
                continue;
            }
            let shared = &own.shared.variants[place];
            if let Some(id) = self.here(network, shared) {
                self.call(network, &id, shared);
                *fate = Fate::Same;
            } else if at == Some(place) {
                // It was made, and is something else, or was not made.
                *fate = self.made_instead(network, shared).map_or(Fate::NotMade, Fate::Other);
            }
        }
        if let Some(pinned) = own.shared.baseline.and_then(|at| own.shared.variants.get(at))
            && let Some(id) = self.here(network, pinned)
        {
            self.variants_of(network).pin(id);
        }
        self.variants_of(network).only_differences |= own.shared.only_differences;
        self.sharing = Some(sharing);
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
