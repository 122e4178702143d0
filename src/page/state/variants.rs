//! The variants of every network: it itself, what was made of it here, and files of others that were
//! compared with it.

use std::rc::Rc;

use super::data::BUNDLED;
use super::queue::Purpose;
use super::run::{Made, Step};
use super::{Effect, State};
use crate::error::Error;
use crate::lab::protocol::{ModelId, Request};
use crate::page::link::Named;
use crate::page::sorting::{Key, Sorting};
use crate::page::table;
use crate::report::figure::Column;
use crate::report::rows::Row;
use crate::report::words;
use crate::vocabulary::driving::{Driven, Drives};
use crate::vocabulary::plan::Plan;
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::report::{FrameClasses, Report, Series};

/// All of one network, in the order in which they came, the network itself first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Variants {
    pub all: Vec<Variant>,
    /// What differences are taken from; `None`: the first.
    pub(super) baseline: Option<ModelId>,
    pub only_differences: bool,
    /// The row that the columns are sorted by, and whether the largest comes first.
    pub sorted_by: Option<(String, bool)>,
    undo: Vec<Undo>,
}

/// A column of the comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    pub id: ModelId,
    /// `None`: it is in the list of networks.
    pub made: Option<Rc<Made>>,
    /// How it was trained, if it was.
    pub trained: Option<Trained>,
    /// As somebody called it.
    pub name: Option<String>,
    pub hidden: bool,
    pub measured: Option<Rc<Measured>>,
    pub driven: Option<Rc<Driven>>,
}

/// How a variant was trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    pub plan: Rc<Plan>,
    /// Bundled archives that it was trained on; 0: on a person's own frames.
    pub archives: usize,
    /// Those; earlier versions did not keep which they were.
    pub frames: Option<Named>,
}

/// What measuring has found.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub report: Report,
    /// Those of one number were timed in turns.
    pub run: usize,
    /// Those of one number answered the same frames.
    pub frames: usize,
    /// The class that it gives each frame, where it gives classes.
    pub classes: Option<Vec<u16>>,
    /// Each value that it gives, over the frames.
    pub values: Vec<Vec<f32>>,
    /// Milliseconds of an inference, as often as they were taken.
    pub times: Rc<[f32]>,
}

/// What is right of every validation frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FrameLabels {
    pub classes: Option<Vec<u16>>,
    /// The name of each value, and what is right of it.
    pub values: Vec<(String, Option<Vec<f32>>)>,
}

/// What a person does to a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnChange {
    /// An empty name is its own again.
    Rename(String),
    Hide,
    Remove,
    /// Differences are taken from it.
    Pin,
}

/// What a person does to the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableChange {
    OnlyDifferences(bool),
    /// By this row: up, then down, then as they came.
    Sort(String),
    ShowHidden,
    Undo,
}

/// How a change is taken back.
#[derive(Debug, Clone, PartialEq)]
enum Undo {
    Rename(ModelId, Option<String>),
    Show(ModelId),
    Hide(Vec<ModelId>),
    Insert(usize, Box<Variant>),
    Pin(Option<ModelId>),
}

/// A variant's name, and what was found of it.
pub(super) type Found = (Option<String>, Option<Rc<Measured>>, Option<Rc<Driven>>);

impl Variant {
    fn new(id: ModelId) -> Self {
        let (made, trained, name, measured, driven) = Default::default();
        Self { id, made, trained, name, hidden: false, measured, driven }
    }

    /// Takes up what was found in an earlier visit, unless it was measured in this one.
    pub(super) fn restore(&mut self, found: Found) {
        if self.measured.is_none() {
            (self.name, self.measured, self.driven) = found;
        }
    }

    pub fn recipe(&self) -> Option<&Recipe> {
        self.made.as_ref().map(|made| &made.summary.recipe)
    }

    pub fn report(&self) -> Option<&Report> {
        self.measured.as_ref().map(|measured| &measured.report)
    }
}

impl Variants {
    pub fn get(&self, id: &str) -> Option<&Variant> {
        self.all.iter().find(|variant| variant.id == id)
    }

    fn get_mut(&mut self, id: &str) -> Option<&mut Variant> {
        self.all.iter_mut().find(|variant| variant.id == id)
    }

    pub(super) fn pin(&mut self, id: ModelId) {
        self.baseline = Some(id);
    }

    /// Whether nobody has changed anything about the table.
    pub(super) fn is_untouched(&self) -> bool {
        let shows_all = !self.only_differences && self.hidden() == 0;
        self.undo.is_empty() && self.baseline.is_none() && self.sorted_by.is_none() && shows_all
    }

    pub(super) fn entry(&mut self, id: &str) -> &mut Variant {
        let at = self.all.iter().position(|variant| variant.id == id);
        let at = at.unwrap_or_else(|| {
            self.all.push(Variant::new(id.to_owned()));
            self.all.len() - 1
        });
        &mut self.all[at]
    }

    pub fn shown(&self) -> impl Iterator<Item = &Variant> {
        self.all.iter().filter(|variant| !variant.hidden)
    }

    pub fn hidden(&self) -> usize {
        self.all.iter().filter(|variant| variant.hidden).count()
    }

    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// What differences are taken from.
    pub fn baseline(&self) -> Option<&Variant> {
        let pinned = self.baseline.as_ref().and_then(|id| self.get(id));
        pinned.filter(|variant| !variant.hidden).or_else(|| self.shown().next())
    }

    /// A name that none has: `pilotnet-int8`, then `pilotnet-int8-2`.
    fn fresh(&self, stem: &str) -> ModelId {
        let taken = |id: &str| {
            let undone =
                self.undo.iter().any(|undo| matches!(undo, Undo::Insert(_, v) if v.id == id));
            undone || self.get(id).is_some()
        };
        let mut id = stem.to_owned();
        let mut next = 2;
        while taken(&id) {
            id = format!("{stem}-{next}");
            next += 1;
        }
        id
    }

    /// Those that are made here, not trained.
    fn made(&self) -> impl DoubleEndedIterator<Item = &Rc<Made>> {
        self.all.iter().filter(|variant| variant.trained.is_none()).filter_map(|v| v.made.as_ref())
    }

    fn trained(&self) -> impl DoubleEndedIterator<Item = &Rc<Made>> {
        self.all.iter().filter(|variant| variant.trained.is_some()).filter_map(|v| v.made.as_ref())
    }
}

impl State {
    /// The network whose variants stand beside a network: its reference, if it has one, or it itself.
    pub fn bench_of(&self, id: &str) -> ModelId {
        let reference = self.network(id).and_then(|network| network.reference.clone());
        reference.unwrap_or_else(|| id.to_owned())
    }

    /// The variants of the chosen network.
    pub fn bench(&self) -> Option<&Rc<Variants>> {
        self.variants.get(&self.bench_of(self.selected.as_deref()?))
    }

    pub fn variant(&self, id: &str) -> Option<&Variant> {
        self.variants.values().find_map(|variants| variants.get(id))
    }

    fn bench_mut(&mut self) -> Option<&mut Variants> {
        let id = self.bench_of(self.selected.as_deref()?);
        self.variants.get_mut(&id).map(Rc::make_mut)
    }

    /// The variants of a network, to which it itself belongs.
    pub(super) fn variants_of(&mut self, id: &str) -> &mut Variants {
        let variants = Rc::make_mut(self.variants.entry(id.to_owned()).or_default());
        variants.entry(id);
        variants
    }

    /// What a recipe makes of a network gets the name of what it made before.
    pub(super) fn id_of_made(&self, network: &str, recipe: &Recipe) -> ModelId {
        let calibration = self.calibration.loaded.as_ref().map(|loaded| &*loaded.name);
        let (variants, stem) = (self.variants.get(network), format!("{network}-int8"));
        let same = |made: &&Rc<Made>| {
            made.summary.recipe == *recipe && Some(&*made.calibration) == calibration
        };
        let Some(variants) = variants else { return stem };
        let made = variants.made().find(same).map(|made| made.id.clone());
        made.unwrap_or_else(|| variants.fresh(&stem))
    }

    /// The same of a training.
    pub(super) fn id_of_trained(&self, network: &str, recipe: &Recipe, plan: &Plan) -> ModelId {
        let stem = format!("{network}-qat");
        let Some(variants) = self.variants.get(network) else { return stem };
        let same = variants.all.iter().find(|variant| {
            let own = variant.trained.as_ref().map(|trained| &*trained.plan);
            variant.recipe() == Some(recipe) && own == Some(plan)
        });
        same.map_or_else(|| variants.fresh(&stem), |variant| variant.id.clone())
    }

    /// What this recipe has made of a network is the one that is meant from here on, if it has.
    pub(super) fn take_made(&mut self, network: &str, recipe: &Recipe) -> bool {
        let id = self.id_of_made(network, recipe);
        let made = self.variant(&id).and_then(|variant| variant.made.clone());
        made.is_some_and(|made| {
            self.made.insert(network.to_owned(), made);
            true
        })
    }

    /// A network was made here; the same file under another name is no other variant.
    pub(super) fn keep_made(
        &mut self,
        network: &str,
        made: Made,
        trained: Option<Trained>,
        effects: &mut Vec<Effect>,
    ) -> Rc<Made> {
        let variants = self.variants_of(network);
        let hash = &made.summary.sha256;
        let twin = variants.all.iter().find(|variant| {
            let same = |other: &Rc<Made>| other.summary.sha256 == *hash && !hash.is_empty();
            let kind = variant.trained.is_some() == trained.is_some();
            variant.id != made.id && kind && variant.made.as_ref().is_some_and(same)
        });
        if let Some(twin) = twin.and_then(|variant| variant.made.clone()) {
            self.let_go(&made.id, effects);
            return twin;
        }
        let made = Rc::new(made);
        let variant = variants.entry(&made.id);
        let same = variant.made.as_ref().is_some_and(|old| old.summary.sha256 == *hash_of(&made));
        if !same {
            (variant.measured, variant.driven) = (None, None);
        }
        (variant.made, variant.trained) = (Some(made.clone()), trained);
        if std::mem::take(&mut variant.hidden) {
            self.save_view(network, effects);
        }
        made
    }

    /// The worker forgets a network, and so does whoever would tell a fresh one of it.
    fn let_go(&mut self, id: &str, effects: &mut Vec<Effect>) {
        self.queue.forget_model(id);
        self.send(Purpose::Replay, Request::Forget { model: id.to_owned() }, effects);
    }

    /// What a comparison found about each network goes to its column.
    pub(super) fn keep_compared(
        &mut self,
        network: &str,
        contestants: &[ModelId],
        (reports, series, classes): (&[Report], &[Series], Option<FrameClasses>),
        effects: &mut Vec<Effect>,
    ) {
        self.comparisons_so_far += 1;
        let (run, frames) = (self.comparisons_so_far, self.present_frames());
        let FrameClasses { labels, answers } = classes.unwrap_or_default();
        let labels = FrameLabels {
            values: series.iter().map(|of| (of.name.clone(), of.labels.clone())).collect(),
            classes: labels,
        };
        self.frame_labels = Some(Rc::new(labels));
        let bench = self.bench_of(network);
        let mut times = self.times.take().map_or_else(Vec::new, |times| times.ms.clone());
        times.resize(contestants.len(), Rc::default());
        let variants = self.variants_of(&bench);
        for (at, (id, report)) in contestants.iter().zip(reports).enumerate() {
            variants.entry(id).measured = Some(Rc::new(Measured {
                report: report.clone(),
                run,
                frames,
                classes: answers.get(at).cloned(),
                values: series.iter().filter_map(|of| of.answers.get(at).cloned()).collect(),
                times: times[at].clone(),
            }));
        }
        for id in contestants {
            self.save_variant(&bench, id, effects);
        }
    }

    /// Frames have other numbers in another data set.
    pub(super) fn forget_answers(&mut self) {
        self.validations_so_far += 1;
        self.frame_labels = None;
        self.forget_grid();
        for variants in self.variants.values_mut() {
            for variant in &mut Rc::make_mut(variants).all {
                if let Some(measured) = &mut variant.measured {
                    let measured = Rc::make_mut(measured);
                    (measured.classes, measured.values) = (None, Vec::new());
                }
            }
        }
    }

    /// The number of the present validation frames: that of the bundled ones never changes.
    pub(super) fn present_frames(&self) -> usize {
        let own = |loaded: &super::Loaded| !loaded.bundled;
        self.validation.loaded.as_ref().filter(|l| own(l)).map_or(0, |_| self.validations_so_far)
    }

    /// Takes up a variant that was kept; one that is here already stays as it is. Gives what was made, under
    /// its name in this visit.
    pub(super) fn restore_variant(
        &mut self,
        network: &str,
        made: Option<Rc<Made>>,
        trained: Option<Trained>,
        found: Found,
    ) -> Option<Rc<Made>> {
        let variants = self.variants_of(network);
        let same = |variant: &Variant, made: &Made| {
            variant.made.as_ref().is_some_and(|own| own.summary.sha256 == made.summary.sha256)
        };
        let id = match &made {
            None => network.to_owned(),
            Some(made) if variants.all.iter().any(|variant| same(variant, made)) => return None,
            Some(_) if trained.is_some() => variants.fresh(&format!("{network}-qat")),
            Some(_) => variants.fresh(&format!("{network}-int8")),
        };
        let made = made.map(|made| Rc::new(Made { id: id.clone(), ..Made::clone(&made) }));
        let variant = variants.entry(&id);
        variant.restore(found);
        (variant.made, variant.trained) = (made.clone(), trained);
        made
    }

    /// Those of the chosen network that are shown and that the worker has.
    pub fn shown_variants(&self) -> Vec<ModelId> {
        let shown = self.bench().into_iter().flat_map(|variants| variants.shown());
        let here = |id: &ModelId| self.inspection(id).is_some();
        shown.map(|variant| variant.id.clone()).filter(here).collect()
    }

    pub fn can_measure_all(&self) -> bool {
        self.can_run() && self.shown_variants().len() > 1
    }

    pub(super) fn measure_all(&mut self, now: f64, effects: &mut Vec<Effect>) {
        self.start_with_all(Step::Compare, now, effects);
    }

    pub(super) fn drive_all(&mut self, now: f64, effects: &mut Vec<Effect>) {
        self.start_with_all(Step::Drive, now, effects);
    }

    fn start_with_all(&mut self, step: Step, now: f64, effects: &mut Vec<Effect>) {
        if !self.can_measure_all() {
            return;
        }
        let all = self.shown_variants();
        self.start_job(step, self.recipe.clone(), now, effects);
        if let Some(job) = &mut self.job {
            job.all = Some(all);
        }
    }

    pub(super) fn all_driven(&mut self, drives: Drives, effects: &mut Vec<Effect>) {
        let Some(job) = self.job.take() else { return };
        let bench = self.bench_of(&job.network);
        let variants = self.variants_of(&bench);
        let all = job.all.unwrap_or_default();
        for (id, driven) in all.iter().zip(drives.results) {
            variants.entry(id).driven = Some(Rc::new(driven));
        }
        for id in &all {
            self.save_variant(&bench, id, effects);
        }
    }

    pub(super) fn change_column(
        &mut self,
        id: &str,
        change: ColumnChange,
        effects: &mut Vec<Effect>,
    ) {
        if change == ColumnChange::Remove {
            return self.remove_variant(id, effects);
        }
        let Some(variants) = self.bench_mut() else { return };
        let undo = match change {
            ColumnChange::Pin => {
                let new = Some(id.to_owned()).filter(|_| variants.baseline.as_deref() != Some(id));
                Undo::Pin(std::mem::replace(&mut variants.baseline, new))
            }
            ColumnChange::Rename(name) => {
                let Some(variant) = variants.get_mut(id) else { return };
                let name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
                Undo::Rename(id.to_owned(), std::mem::replace(&mut variant.name, name))
            }
            ColumnChange::Hide => {
                let Some(variant) = variants.get_mut(id) else { return };
                variant.hidden = true;
                Undo::Show(id.to_owned())
            }
            ColumnChange::Remove => return,
        };
        let renamed = matches!(undo, Undo::Rename(..));
        variants.undo.push(undo);
        let Some(bench) = self.selected.as_deref().map(|id| self.bench_of(id)) else { return };
        match renamed {
            true => self.save_variant(&bench, id, effects),
            false => self.save_view(&bench, effects),
        }
    }

    /// What a job is at stays; so does the network itself.
    fn remove_variant(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let Some(bench) = self.selected.as_deref().map(|id| self.bench_of(id)) else { return };
        if self.job.is_some() || id == bench {
            return;
        }
        let Some(variants) = self.variants.get_mut(&bench).map(Rc::make_mut) else { return };
        let Some(at) = variants.all.iter().position(|variant| variant.id == id) else { return };
        let variant = variants.all.remove(at);
        variants.undo.push(Undo::Insert(at, Box::new(variant.clone())));
        self.forget_variant(&bench, &variant, effects);
        if variant.made.is_some() {
            self.let_go(id, effects);
            self.mean_the_last(&bench);
        }
        self.save_view(&bench, effects);
    }

    /// If what is meant as made or trained is a variant no more, the last one is.
    pub(super) fn mean_the_last(&mut self, network: &str) {
        let Some(variants) = self.variants.get(network) else { return };
        let last = [variants.made().next_back().cloned(), variants.trained().next_back().cloned()];
        let gone = |made: &Rc<Made>| variants.get(&made.id).is_none();
        for (meant, last) in [&mut self.made, &mut self.qat].into_iter().zip(last) {
            if meant.get(network).is_none_or(gone) {
                match last {
                    Some(last) => meant.insert(network.to_owned(), last),
                    None => meant.remove(network),
                };
            }
        }
    }

    pub(super) fn change_table(&mut self, change: TableChange, effects: &mut Vec<Effect>) {
        let Some(bench) = self.selected.as_deref().map(|id| self.bench_of(id)) else { return };
        let Some(variants) = self.bench_mut() else { return };
        match change {
            TableChange::OnlyDifferences(only) => variants.only_differences = only,
            TableChange::Sort(row) => {
                variants.sorted_by = match variants.sorted_by.take() {
                    Some((sorted, false)) if sorted == row => Some((row, true)),
                    Some((sorted, true)) if sorted == row => None,
                    _ => Some((row, false)),
                };
            }
            TableChange::ShowHidden => {
                let hidden = variants.all.iter_mut().filter(|variant| variant.hidden);
                let ids = hidden.map(|variant| {
                    variant.hidden = false;
                    variant.id.clone()
                });
                let ids = ids.collect();
                variants.undo.push(Undo::Hide(ids));
            }
            TableChange::Undo => self.undo(&bench, effects),
        }
        self.save_view(&bench, effects);
    }

    fn undo(&mut self, bench: &str, effects: &mut Vec<Effect>) {
        let Some(variants) = self.bench_mut() else { return };
        match variants.undo.pop() {
            Some(Undo::Rename(id, name)) => {
                if let Some(variant) = variants.get_mut(&id) {
                    variant.name = name;
                    self.save_variant(bench, &id, effects);
                }
            }
            Some(Undo::Show(id)) => {
                if let Some(variant) = variants.get_mut(&id) {
                    variant.hidden = false;
                }
            }
            Some(Undo::Hide(ids)) => {
                for variant in variants.all.iter_mut().filter(|variant| ids.contains(&variant.id)) {
                    variant.hidden = true;
                }
            }
            Some(Undo::Pin(id)) => variants.baseline = id,
            Some(Undo::Insert(at, variant)) => {
                let (id, made) = (variant.id.clone(), variant.made.clone());
                variants.all.insert(at.min(variants.all.len()), *variant);
                if let Some(made) = made {
                    let file = made.file.clone();
                    let load = Request::LoadModel { model: id.clone(), file, beside: Vec::new() };
                    self.send(Purpose::Replay, load, effects);
                    self.mean_the_last(bench);
                }
                self.save_variant(bench, &id, effects);
            }
            None => {}
        }
    }

    /// What a column is called.
    pub fn variant_name(&self, variant: &Variant) -> String {
        let own = || {
            let Some(made) = &variant.made else { return self.title(&variant.id) };
            let trained = if variant.trained.is_some() { "trained, " } else { "" };
            let on = match &*made.calibration {
                "" | BUNDLED => String::new(),
                own => format!(", on {own}"),
            };
            format!("{trained}{}{on}", words::recipe(&made.summary.recipe))
        };
        variant.name.clone().unwrap_or_else(own)
    }

    /// The columns that are shown, in their order, the baseline first.
    pub fn columns(&self) -> Vec<Column<'_>> {
        let Some(variants) = self.bench() else { return Vec::new() };
        let baseline = variants.baseline().map(|variant| &*variant.id);
        let bench = self.selected.as_deref().map(|id| self.bench_of(id));
        let column = |variant: &'_ Variant| -> Option<Column<'_>> {
            let variant = variants.get(&variant.id)?;
            Some(Column {
                id: &variant.id,
                name: self.variant_name(variant),
                variant: self.inspection(&variant.id).map_or("", |inspection| &inspection.variant),
                report: variant.report(),
                driven: variant.driven.as_deref(),
                run: variant.measured.as_ref().map_or(0, |measured| measured.run),
                frames: variant.measured.as_ref().map_or(0, |measured| measured.frames),
                is_reference: bench.as_ref() == Some(&variant.id),
            })
        };
        let mut columns: Vec<_> = variants.shown().filter_map(column).collect();
        if let Some((row, descending)) = &variants.sorted_by {
            let rows = table::rows(&columns);
            if let Some(Row { cells, .. }) = rows.iter().find(|other| other.id == *row) {
                let key =
                    |at: usize| cells[at].as_ref().map_or(Key::Silent, |c| Key::Figure(c.exact));
                let sorting = Sorting { column: 0, descending: *descending };
                let order = sorting.order(columns.len(), key);
                let mut sorted: Vec<_> = columns.drain(..).map(Some).collect();
                columns = order.into_iter().filter_map(|at| sorted[at].take()).collect();
            }
        }
        let at = columns.iter().position(|column| Some(column.id) == baseline);
        if let Some(at) = at {
            columns[..=at].rotate_right(1);
        }
        columns
    }

    /// The command line that makes a variant again.
    pub fn command_of(&self, variant: &Variant) -> Option<String> {
        let made = variant.made.as_ref().filter(|_| variant.trained.is_none())?;
        let network = self.variants.iter().find(|(_, of)| of.get(&variant.id).is_some());
        Some(self.command_by(network?.0, &made.summary.recipe))
    }

    /// Puts a variant's recipe into the panel.
    pub(super) fn open_variant(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let Some(bench) = self.selected.as_deref().map(|id| self.bench_of(id)) else { return };
        let recipe = self.variant(id).and_then(Variant::recipe).cloned();
        match recipe {
            Some(recipe) => {
                self.select(bench.clone(), effects);
                self.set_recipe(recipe.clone());
                self.take_made(&bench, &recipe);
            }
            None => self.select(id.to_owned(), effects),
        }
    }

    /// The table as text.
    pub(super) fn table_text(&self, format: table::Format) -> Result<String, Error> {
        let columns = self.columns();
        table::text(format, &columns)
    }
}

fn hash_of(made: &Made) -> &String {
    &made.summary.sha256
}
