//! What the page knows, and how it changes: a pure reducer.
//!
//! [`State::update`] takes an [`Action`] (something a person did, or something that arrived) and
//! answers with the [`Effect`]s to perform. It touches no browser, so that native tests cover it.

mod address;
mod analysis;
mod bundled;
mod choose_frames;
mod data;
mod entering;
mod export;
mod frames_choices;
mod grid;
mod kept;
mod labelling;
mod networks;
mod own_files;
mod own_frames;
mod preprocessing;
mod queue;
mod recipe;
mod road;
mod run;
mod search;
mod sharing;
mod stage;
mod strip;
#[cfg(test)]
mod tests;
mod timing;
mod train;
mod variants;
mod wheel;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::error::Error;
use crate::lab::protocol::{Event, Inspection, ModelId, Prediction, Request, Role};
use crate::page::catalogue::{self, Catalogue};
use crate::page::link::Link;
use crate::page::place::Place;
use crate::vocabulary::file::{File, Source};
use crate::vocabulary::frames::Picture;
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::task::Judging;
use crate::vocabulary::training::SavedTraining;

pub use address::Copy;
pub use analysis::{AnalysisFrames, Explained};
pub use data::{DataSet, Loaded, Loading};
pub use export::Export;
pub use frames_choices::FRAMES_CHOICES;
pub use grid::{Filter, Grid, Wanted};
pub use kept::{Kept, SavedVariant};
pub use labelling::LabellingForm;
pub use networks::{Fit, Network, Origin, Status};
pub use own_files::{OwnFiles, SavedFrames, SavedNetwork};
pub use own_frames::OwnFrames;
pub use preprocessing::PreprocessingForm;
pub use queue::TaskId;
pub use recipe::LayerChange;
pub use road::{Left, Point, Road, STILL, Subject, WIDTHS as ROAD_WIDTHS, tried};
pub use run::{Comparison, Job, Made, Step};
pub use search::{Ending, Goal, Search, SearchForm};
pub use sharing::{Asked, Fate, Sharing};
pub use stage::{
    Answer, Car, Drive, Driver, Held, Looked, PACES, PATCHES, Packing, STEPS_PER_SECOND, Stage,
    TRACK,
};
pub use timing::Times;
pub use train::{EPOCHS_CHOICES, End, TrainForm, Training};
pub use variants::{ColumnChange, FrameLabels, Measured, TableChange, Trained, Variant, Variants};
pub use wheel::{Steered, Wheel};

/// Something that arrives as bytes: over the network, or read from the person's disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    Network(ModelId),
    Frames(Role),
}

#[derive(Debug, Clone)]
pub enum Action {
    /// The page was opened; this is the list of what it bundles.
    Start(&'static [u8]),
    /// The page's address has this behind its `#`.
    OpenLink(String),
    /// Part of a resource is here; `total` is 0 when nobody knows.
    Receiving {
        resource: Resource,
        done: usize,
        total: usize,
    },
    /// All of its files are here.
    Received {
        resource: Resource,
        files: Vec<Vec<u8>>,
    },
    NotReceived {
        resource: Resource,
        error: Error,
    },
    /// The worker answered.
    Heard {
        task: TaskId,
        event: Box<Event>,
    },
    /// The worker broke down. `started`: it had come to life before.
    WorkerLost {
        error: Error,
        started: bool,
    },
    /// To another place of the page.
    Go(Place),
    Select(ModelId),
    /// Networks, and files beside them that may have their weights.
    OpenModels(Vec<File>),
    CloseModel(ModelId),
    /// For an int8 network: which float network it is compared with.
    CompareWith {
        model: ModelId,
        reference: Option<ModelId>,
    },
    /// A person's own frames.
    OpenData {
        role: Role,
        name: String,
        files: Vec<Source>,
    },
    UseBundledData(Role),
    CancelData(Role),
    SetPreprocessing(PreprocessingForm),
    /// Where the labels of a person's own frames lie.
    SetLabelling(LabellingForm),
    SetJudging(Judging),
    SetWheel(Wheel),
    /// The cars' worker says something.
    CarsHeard {
        task: TaskId,
        event: Box<Event>,
    },
    CarsLost {
        error: Error,
        /// It had come to life before.
        started: bool,
    },
    /// The stage came into sight, or went out of it.
    StageInSight(bool),
    StagePlay(bool),
    /// So many steps were shown.
    StageShown(usize),
    StageStep,
    StageRestart,
    StagePace(u32),
    StageTrack(u64),
    /// Another network than the one that is made of the chosen one drives beside it.
    StageBeside(Option<ModelId>),
    TakeTheWheel(bool),
    /// Quantize, measure and drive the chosen network at every width.
    DriveWidths,
    /// The same with a single one of what is made of it.
    DriveSubject(Subject),
    /// Look at what the car at this place sees; `None`: no more.
    LookAt(Option<usize>),
    /// Have each patch of that picture covered in turn.
    CoverPatches,
    /// To the own frames, with this action for a label.
    AddLooked(usize),
    Pack(Packing),
    ForgetOwnFrames,
    Hold {
        held: Held,
        down: bool,
    },
    OtherFrames,
    /// Of the validation set, by their places.
    ShowFrames {
        frames: Vec<usize>,
        reason: String,
    },
    /// Which frames the grid shows.
    SetFilter(Filter),
    /// The same, there.
    ShowFiltered(Filter),
    /// What of the grid is in view.
    SeeWindow {
        first: usize,
        count: usize,
    },
    /// One validation frame alone, and what every variant says of it.
    OpenFrame(Option<usize>),
    /// The big button: quantize and compare, or measure what is int8 already.
    Run,
    CancelRun,
    /// All variants that are shown, timed in turns.
    MeasureAll,
    /// The same on the road.
    DriveAll,
    ChangeColumn {
        model: ModelId,
        change: ColumnChange,
    },
    ChangeTable(TableChange),
    /// Puts the recipe of a variant into the panel.
    OpenVariant(ModelId),
    SetRecipe(Box<Recipe>),
    /// Tells one layer something else than the rest, and carries the recipe out.
    ChangeLayer {
        node: String,
        change: LayerChange,
    },
    /// Puts a recipe into the panel and carries it out.
    UseRecipe(Box<Recipe>),
    /// Say what the recipe does to the chosen network.
    Analyze,
    /// Frames of an analysis; `None`: all.
    SetAnalysisFrames(Option<usize>),
    SetSearch(SearchForm),
    Search,
    Copy(Copy),
    Copied(Copy),
    SetTraining(TrainForm),
    /// Trains the chosen network for the panel's recipe.
    Train,
    /// Goes on where it was paused.
    ResumeTraining,
    /// Ends with the best so far, whether it is under way or paused.
    FinishTraining,
    DiscardTraining,
    /// The browser has kept this training from an earlier visit.
    Recalled(Box<SavedTraining>),
    /// The browser has a training of `network` with so many epochs done.
    TrainingKept {
        network: ModelId,
        epochs: usize,
    },
    /// The browser has kept these variants from earlier visits.
    VariantsRecalled(Vec<SavedVariant>),
    /// So many that it has kept cannot be read.
    VariantsUnread(usize),
    VariantKept {
        key: String,
        bytes: usize,
    },
    /// The browser keeps something not, or nothing at all.
    NotKept(Error),
    /// The browser has kept a network that was opened.
    NetworkRecalled(Box<SavedNetwork>),
    NetworkKept {
        sha256: String,
        bytes: usize,
    },
    /// The browser has kept frames that were opened, or what they were called.
    FramesRecalled {
        saved: Box<SavedFrames>,
        bytes: usize,
    },
    FramesKept {
        role: Role,
        bytes: usize,
    },
    /// Whatever the browser keeps.
    ForgetKept,
    /// Save this network, which was made here.
    Download(ModelId),
    /// Save what is told of networks.
    Export(Export),
    /// A recipe, or what ONNX Runtime's quantizer is told.
    OpenRecipe(File),
    /// Make those of a link's variants again that were stopped.
    GoOnSharing,
    /// Train the one at this place again, once the frames are here that it was trained on.
    TrainShared(usize),
    /// What came of a link was read.
    CloseSharing,
    Complain(Error),
    Dismiss(NoticeId),
}

impl Action {
    /// Whether it only says how far something is: what was chosen and found stays as it is, and whatever shows
    /// that needs not be rendered anew. These come many times a second.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Heard { event, .. } => {
                matches!(**event, Event::Progress(_) | Event::Timed { .. })
            }
            Self::StageShown(_) => true,
            _ => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Fetch {
        resource: Resource,
        urls: Vec<String>,
    },
    /// Stop fetching or reading it; nothing more is heard of it.
    Abort(Resource),
    Send {
        task: TaskId,
        request: Rc<Request>,
    },
    /// Of the worker that the cars have for themselves.
    SendToCars {
        task: TaskId,
        request: Rc<Request>,
    },
    RestartCars,
    /// Terminate the worker, whatever it is doing, and start a fresh one.
    RestartWorker,
    Save(Rc<File>),
    /// Look for trainings that the browser has kept.
    RecallTrainings,
    /// Have the browser keep a training, instead of what it has under the same key.
    KeepTraining(Box<SavedTraining>),
    ForgetTraining(String),
    /// Look for variants that the browser has kept.
    RecallVariants,
    /// Have the browser keep a variant, instead of what it has under the same key.
    KeepVariant(Box<SavedVariant>),
    ForgetVariant(String),
    /// The page has what it opens with: what can wait may begin.
    Settled,
    /// Look for a person's own files that the browser has kept.
    RecallOwnFiles,
    KeepNetwork(Box<SavedNetwork>),
    ForgetNetwork(String),
    /// With their files, if there is room.
    KeepFrames(Box<SavedFrames>),
    ForgetFrames(Role),
    /// Put this behind the `#` of the address.
    ShowAddress(String),
    /// The same, as a step that the browser's Back undoes.
    PushAddress(String),
    /// Hand this to the clipboard; of a link, what stands behind the `#`.
    Copy {
        what: Copy,
        text: String,
    },
}

pub type NoticeId = u32;

/// An error that is on show until somebody dismisses it.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub id: NoticeId,
    pub error: Error,
    /// Further files with the same fault: one cause is shown once.
    pub also: Vec<String>,
}

impl Notice {
    /// Whether the error is of the same cause.
    fn tells(&self, error: &Error) -> bool {
        let Error { what, node, way_out, .. } = &self.error;
        (what, node, way_out) == (&error.what, &error.node, &error.way_out)
    }

    /// Names another file with the same fault.
    fn name(&mut self, file: String) {
        let own = self.error.file.get_or_insert_with(|| file.clone());
        if *own != file && !self.also.contains(&file) {
            self.also.push(file);
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct State {
    pub place: Place,
    /// Somebody has come there, and nothing was fetched for it yet.
    came: bool,
    /// It was told that the page has what it opens with.
    is_settled: bool,
    pub catalogue: Option<Rc<Catalogue>>,
    /// In the order they are shown: bundled, examples, opened.
    pub networks: Vec<Network>,
    pub selected: Option<ModelId>,
    pub validation: DataSet,
    pub calibration: DataSet,
    pub training: DataSet,
    pub preprocessing: PreprocessingForm,
    pub labelling: LabellingForm,
    pub stage: Stage,
    /// How networks drive, and what is made of them.
    pub roads: BTreeMap<ModelId, Rc<Road>>,
    pub own: OwnFrames,
    /// What is said of outputs, of whichever network.
    pub judging: Judging,
    /// What is said of the numbers that steer, of whichever opened network has so many.
    pub wheel: Wheel,
    /// The frames on show.
    pub frames: Vec<Rc<Picture>>,
    pub grid: Grid,
    /// What a network says about the frames on show.
    pub predictions: BTreeMap<ModelId, Rc<Vec<Prediction>>>,
    /// The recipe that the panel shows.
    pub recipe: Recipe,
    pub job: Option<Job>,
    /// How long inferences take, while they are timed.
    pub times: Option<Rc<Times>>,
    /// Of each network, what it is compared with.
    pub variants: BTreeMap<ModelId, Rc<Variants>>,
    pub kept: Kept,
    /// What the browser keeps of a person's own files.
    pub own_files: OwnFiles,
    /// What is right of each validation frame, once something was measured on them.
    pub frame_labels: Option<Rc<FrameLabels>>,
    /// Of each float network the int8 one that is meant: the last, or one that was chosen since.
    pub made: BTreeMap<ModelId, Rc<Made>>,
    /// The same of those that were trained for their quantization.
    pub qat: BTreeMap<ModelId, Rc<Made>>,
    pub train_form: TrainForm,
    pub trainings: BTreeMap<ModelId, Rc<Training>>,
    /// It was said that the browser keeps nothing.
    unkept_is_told: bool,
    /// What a link has handed on.
    pub sharing: Option<Rc<Sharing>>,
    pub comparisons: BTreeMap<ModelId, Rc<Comparison>>,
    pub explained: BTreeMap<ModelId, Rc<Explained>>,
    pub analysis_frames: AnalysisFrames,
    pub search_form: SearchForm,
    pub searches: BTreeMap<ModelId, Rc<Search>>,
    /// What was handed to the clipboard last, while it still holds.
    pub copied: Option<Copy>,
    pub notices: Vec<Notice>,
    queue: queue::Queue,
    entries: entering::Entries,
    /// Indices of the frames on show.
    shown: Vec<usize>,
    /// Why just these, as the title of the strip; `None` for some of all.
    pub shown_for: Option<String>,
    /// How often other frames were asked for.
    round: usize,
    /// Networks that were asked about the frames on show.
    asked: BTreeSet<ModelId>,
    /// Whether the frames on show were asked for.
    frames_asked: bool,
    notices_so_far: NoticeId,
    comparisons_so_far: usize,
    /// Sets of validation frames.
    validations_so_far: usize,
    opened_so_far: usize,
    /// What the recipe said about the layers of networks that are not chosen now.
    layers: BTreeMap<ModelId, recipe::Layers>,
    /// A link that waits for the networks.
    wanted: Option<Link>,
    /// What stands behind the `#` of the address.
    address: Option<String>,
    /// The place that it names.
    address_place: Place,
}

impl State {
    /// `now`: milliseconds since the page was opened.
    pub fn update(&mut self, action: Action, now: f64) -> Vec<Effect> {
        let mut effects = Vec::new();
        match action {
            Action::Start(catalogue) => {
                self.read_catalogue(catalogue, &mut effects);
                effects.push(Effect::RecallTrainings);
                effects.push(Effect::RecallVariants);
                effects.push(Effect::RecallOwnFiles);
            }
            Action::Receiving { resource, done, total } => self.receiving(&resource, done, total),
            Action::Received { resource, files } => self.received(resource, files, &mut effects),
            Action::NotReceived { resource, error } => self.not_received(resource, error),
            Action::OpenLink(fragment) => self.open_link(fragment, &mut effects),
            Action::Heard { task, event } => self.heard(task, *event, now, &mut effects),
            Action::WorkerLost { error, started } => {
                self.worker_lost(error, started, &mut effects);
            }
            Action::Go(place) => self.go(place),
            Action::Select(model) => self.select(model, &mut effects),
            Action::OpenModels(files) => self.open_models(files, &mut effects),
            Action::CloseModel(model) => self.close_model(&model, &mut effects),
            Action::CompareWith { model, reference } => {
                self.compare_with(&model, reference, &mut effects);
            }
            Action::OpenData { role, name, files } => {
                self.open_data(role, name, files, &mut effects);
            }
            Action::UseBundledData(role) => {
                self.forget_frames(role, &mut effects);
                self.fetch_bundled_data(role, &mut effects);
            }
            Action::CancelData(role) => self.cancel_data(role, &mut effects),
            Action::SetPreprocessing(form) => self.set_preprocessing(form, &mut effects),
            Action::SetLabelling(form) => self.set_labelling(form, &mut effects),
            Action::CarsHeard { task, event } => self.cars_heard(task, *event, &mut effects),
            Action::CarsLost { error, started } => self.cars_lost(error, started, &mut effects),
            Action::StageInSight(is) => self.stage.in_sight = is,
            Action::StagePlay(playing) => self.stage.playing = playing,
            Action::StageShown(steps) => self.stage.shown = steps,
            Action::StageStep => self.stage.step(),
            Action::StageRestart => self.begin_again(),
            Action::LookAt(car) => self.look_at(car, &mut effects),
            Action::CoverPatches => self.cover_patches(&mut effects),
            Action::AddLooked(class) => self.add_looked(class),
            Action::Pack(packing) => self.pack(packing, &mut effects),
            Action::ForgetOwnFrames => self.forget_own_frames(),
            Action::StagePace(pace) => self.stage.pace = pace,
            Action::StageTrack(seed) => self.take_track(seed),
            Action::StageBeside(id) => self.put_beside(id, &mut effects),
            Action::DriveWidths => self.drive_widths(now, &mut effects),
            Action::DriveSubject(subject) => self.drive_subject(subject, now, &mut effects),
            Action::TakeTheWheel(by_hand) => self.take_the_wheel(by_hand),
            Action::Hold { held, down } => self.stage.hold(held, down),
            Action::SetJudging(judging) => self.judging = judging,
            Action::SetWheel(wheel) => self.wheel = wheel,
            Action::OtherFrames => self.other_frames(),
            Action::ShowFrames { frames, reason } => self.show_frames(frames, reason),
            Action::SetFilter(filter) => self.set_filter(filter),
            Action::ShowFiltered(filter) => self.show_filtered(filter),
            Action::SeeWindow { first, count } => self.see_window(first, count),
            Action::OpenFrame(frame) => self.open_frame(frame, &mut effects),
            Action::Run => self.start_run(now, &mut effects),
            Action::CancelRun => self.cancel_run(&mut effects),
            Action::MeasureAll => self.measure_all(now, &mut effects),
            Action::DriveAll => self.drive_all(now, &mut effects),
            Action::ChangeColumn { model, change } => {
                self.change_column(&model, change, &mut effects);
            }
            Action::ChangeTable(change) => self.change_table(change, &mut effects),
            Action::OpenVariant(model) => self.open_variant(&model, &mut effects),
            Action::SetRecipe(recipe) => self.set_recipe(*recipe),
            Action::ChangeLayer { node, change } => {
                self.change_layer(&node, change);
                self.start_run(now, &mut effects);
            }
            Action::UseRecipe(recipe) => self.use_recipe(*recipe, now, &mut effects),
            Action::Analyze => self.start_analysis(now, &mut effects),
            Action::SetAnalysisFrames(frames) => self.analysis_frames = AnalysisFrames(frames),
            Action::SetSearch(form) => self.search_form = form,
            Action::Search => self.start_search(now, &mut effects),
            Action::SetTraining(form) => self.train_form = form,
            Action::Train => self.start_training(now, &mut effects),
            Action::ResumeTraining => self.resume_training(false, now, &mut effects),
            Action::FinishTraining => self.finish_training(now, &mut effects),
            Action::DiscardTraining => self.discard_training(&mut effects),
            Action::Recalled(saved) => self.training_recalled(*saved, &mut effects),
            Action::TrainingKept { network, epochs } => self.training_kept(&network, epochs),
            Action::VariantsRecalled(saved) => self.variants_recalled(saved, &mut effects),
            Action::VariantsUnread(count) => self.variants_unread(count),
            Action::VariantKept { key, bytes } => self.variant_kept(key, bytes),
            Action::NotKept(error) => self.not_kept(error),
            Action::NetworkRecalled(saved) => self.network_recalled(*saved, &mut effects),
            Action::NetworkKept { sha256, bytes } => self.network_kept(sha256, bytes),
            Action::FramesRecalled { saved, bytes } => {
                self.frames_recalled(*saved, bytes, &mut effects);
            }
            Action::FramesKept { role, bytes } => self.frames_kept(role, bytes),
            Action::ForgetKept => self.forget_kept(&mut effects),
            Action::Copy(what) => self.copy(what, &mut effects),
            Action::Copied(what) => self.copied = Some(what),
            Action::Download(model) => {
                let made = self.made_here(&model).map(|(_, made)| made.file.clone());
                effects.extend(made.map(Effect::Save));
            }
            Action::Export(what) => self.export(what, &mut effects),
            Action::GoOnSharing => self.go_on_sharing(),
            Action::TrainShared(at) => self.train_shared(at),
            Action::CloseSharing => self.sharing = None,
            Action::OpenRecipe(file) => self.open_recipe(file, &mut effects),
            Action::Complain(error) => self.complain(error),
            Action::Dismiss(id) => self.notices.retain(|notice| notice.id != id),
        }
        self.fetch_for_place(&mut effects);
        self.look(&mut effects);
        self.look_at_entering(&mut effects);
        self.fill_grid(&mut effects);
        self.continue_sharing(now, &mut effects);
        self.continue_run(&mut effects);
        self.drive_on(&mut effects);
        self.settle(&mut effects);
        self.show_address(&mut effects);
        effects
    }

    pub fn network(&self, id: &str) -> Option<&Network> {
        self.networks.iter().find(|network| network.id == id)
    }

    fn network_mut(&mut self, id: &str) -> Option<&mut Network> {
        self.networks.iter_mut().find(|network| network.id == id)
    }

    pub fn selected(&self) -> Option<&Network> {
        self.selected.as_deref().and_then(|id| self.network(id))
    }

    pub fn data(&self, role: Role) -> &DataSet {
        match role {
            Role::Calibration => &self.calibration,
            Role::Validation => &self.validation,
            Role::Training => &self.training,
        }
    }

    fn data_mut(&mut self, role: Role) -> &mut DataSet {
        match role {
            Role::Calibration => &mut self.calibration,
            Role::Validation => &mut self.validation,
            Role::Training => &mut self.training,
        }
    }

    /// A network that was made here, and which from.
    fn made_here(&self, id: &str) -> Option<(&ModelId, &Rc<Made>)> {
        self.variants.iter().find_map(|(base, of)| Some((base, of.get(id)?.made.as_ref()?)))
    }

    /// What a network that the page names, made here or not, turned out to be.
    pub fn inspection(&self, id: &str) -> Option<&Rc<Inspection>> {
        self.network(id)
            .and_then(Network::inspection)
            .or_else(|| self.made_here(id).map(|(_, made)| &made.inspection))
    }

    /// A network's name for people, made here or not.
    pub fn title(&self, id: &str) -> String {
        if let Some(network) = self.network(id) {
            return network.title.clone();
        }
        if let Some(name) = self.variant(id).and_then(|variant| variant.name.clone()) {
            return name;
        }
        let base = self.made_here(id).map(|(base, _)| base);
        base.and_then(|base| self.network(base)).map_or_else(
            || id.to_owned(),
            |network| {
                let variant = self.inspection(id).map_or("int8", |inspection| &inspection.variant);
                format!("{}, {variant} made here", network.title)
            },
        )
    }

    /// Shows an error, unless it only says that somebody cancelled; what is on show already names its file, too.
    fn complain(&mut self, error: Error) {
        if error.is_cancelled() {
            return;
        }
        if let Some(notice) = self.notices.iter_mut().find(|notice| notice.tells(&error)) {
            if let Some(file) = error.file {
                notice.name(file);
            }
            return;
        }
        self.notices_so_far += 1;
        self.notices.push(Notice { id: self.notices_so_far, error, also: Vec::new() });
    }

    fn receiving(&mut self, resource: &Resource, done: usize, total: usize) {
        match resource {
            Resource::Network(model) => {
                if let Some(network) = self.network_mut(model) {
                    network.status = Status::Fetching { done, total };
                }
            }
            Resource::Frames(role) => self.receiving_data(*role, done, total),
        }
    }

    fn received(&mut self, resource: Resource, mut files: Vec<Vec<u8>>, effects: &mut Vec<Effect>) {
        match resource {
            Resource::Network(model) => {
                self.network_arrived(model, files.pop().unwrap_or_default(), effects);
            }
            Resource::Frames(role) => self.bundled_data_arrived(role, files, effects),
        }
    }

    fn not_received(&mut self, resource: Resource, error: Error) {
        match resource {
            Resource::Network(model) => {
                if let Some(network) = self.network_mut(&model) {
                    network.status = Status::Failed;
                }
            }
            Resource::Frames(role) => self.data_mut(role).loading = None,
        }
        self.complain(error);
    }

    fn fetch_network(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let Some(network) = self.network_mut(id) else { return };
        let Some(file) = network.origin.bundled_file() else { return };
        let urls = vec![catalogue::url(file)];
        network.status = Status::Fetching { done: 0, total: 0 };
        effects.push(Effect::Fetch { resource: Resource::Network(id.to_owned()), urls });
    }
}
