//! The journeys, without a browser: actions in, effects out.

mod sharing;
mod stage;
mod variants;

use serde_bytes::ByteBuf;

use super::*;
use crate::lab::protocol::{Progress, QuantizationSummary, Stage, TensorShape, TrainingSummary};
use crate::report::overrides::Tensors;
use crate::vocabulary::analysis::{Analysis, Damage};
use crate::vocabulary::driving::RoadSearch;
use crate::vocabulary::driving::{Driven, Drives, Track};
use crate::vocabulary::entering::{Entering, Numbers};
use crate::vocabulary::frames::{ArraySummary, DataSummary, LabelColumn};
use crate::vocabulary::plan::Loss;
use crate::vocabulary::recipe::{Granularity, LayerBits, Recipe, Rounding};
use crate::vocabulary::report::{Accuracy, Report};
use crate::vocabulary::search::{Found, Target, Trial};
use crate::vocabulary::task::{Judging, Task};
use crate::vocabulary::training::{Checkpoint, Epoch, Figures, Score};

const CATALOGUE: &str = r#"{
    "networks": [
        {"id": "plain", "file": "networks/plain.onnx", "title": "Plain", "summary": "", "sha256": ""},
        {"id": "small", "file": "networks/small.onnx", "title": "Small", "summary": "", "sha256": ""}
    ],
    "examples": [
        {"id": "theirs", "file": "networks/theirs.onnx", "title": "Theirs", "summary": "", "of": "plain"}
    ],
    "frames": {
        "shape": [3, 96, 96],
        "validation": {"file": "frames/validation.zip", "count": 20},
        "calibration": {"file": "frames/calibration.zip", "count": 10},
        "training": [
            {"file": "frames/training-0.zip", "count": 20},
            {"file": "frames/training-1.zip", "count": 20}
        ],
        "values": {"file": "frames/values.csv"}
    },
    "classes": ["left", "right"]
}"#;

/// A page with a worker that answers when it is told to.
#[derive(Default)]
struct Bench {
    state: State,
    /// What the worker was sent and has not answered.
    sent: Vec<(TaskId, Rc<Request>)>,
    /// What the cars' worker was sent and has not answered.
    cars: Vec<(TaskId, Rc<Request>)>,
    cars_restarts: usize,
    /// What the network was asked for.
    fetched: Vec<Resource>,
    saved: Vec<Rc<File>>,
    /// What the address was told to be, the last time.
    address: Option<String>,
    /// Addresses that going back returns to the one before.
    steps: Vec<String>,
    copied: Vec<String>,
    /// Variants that the browser keeps.
    shelf: BTreeMap<String, SavedVariant>,
    /// Networks and frames of one's own that it keeps.
    own_networks: BTreeMap<String, SavedNetwork>,
    own_sets: BTreeMap<Role, SavedFrames>,
    /// Trainings that the browser keeps.
    kept: BTreeMap<String, SavedTraining>,
    restarts: usize,
    /// How often it was said that the page has what it opens with.
    settled: usize,
    now: f64,
}

impl Bench {
    /// The bundled networks and validation frames are loaded.
    fn open() -> Self {
        let mut bench = Self::default();
        bench.arrive();
        bench
    }

    /// As `open`, by a link.
    fn open_by(fragment: &str) -> Self {
        let mut bench = Self::default();
        bench.act(Action::OpenLink(fragment.into()));
        bench.arrive();
        bench
    }

    fn arrive(&mut self) {
        self.start();
        let mut effects = Vec::new();
        self.state.fetch_unless_here("small", &mut effects);
        self.state.fetch_missing_data(Role::Validation, &mut effects);
        self.perform(effects);
        self.deliver();
        self.work();
    }

    fn start(&mut self) {
        self.act(Action::Start(CATALOGUE.as_bytes()));
    }

    fn act(&mut self, action: Action) {
        let effects = self.state.update(action, self.now);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Fetch { resource, .. } => self.fetched.push(resource),
                Effect::Abort(resource) => self.fetched.retain(|other| *other != resource),
                Effect::Send { task, request } => self.sent.push((task, request)),
                Effect::RestartWorker => {
                    self.sent.clear();
                    self.restarts += 1;
                }
                Effect::SendToCars { task, request } => self.cars.push((task, request)),
                Effect::RestartCars => {
                    self.cars.clear();
                    self.cars_restarts += 1;
                }
                Effect::Save(file) => self.saved.push(file),
                Effect::ShowAddress(fragment) => self.address = Some(fragment),
                Effect::PushAddress(fragment) => self.steps.push(fragment),
                Effect::Copy { text, .. } => self.copied.push(text),
                Effect::Settled => self.settled += 1,
                Effect::RecallTrainings | Effect::RecallVariants | Effect::RecallOwnFiles => {}
                Effect::KeepNetwork(saved) => {
                    let (sha256, bytes) = (saved.sha256.clone(), saved.bytes());
                    self.own_networks.insert(sha256.clone(), *saved);
                    self.act(Action::NetworkKept { sha256, bytes });
                }
                Effect::ForgetNetwork(sha256) => {
                    self.own_networks.remove(&sha256);
                }
                Effect::KeepFrames(saved) => {
                    let (role, bytes) = (saved.role, saved.files.len());
                    self.own_sets.insert(role, *saved);
                    self.act(Action::FramesKept { role, bytes });
                }
                Effect::ForgetFrames(role) => {
                    self.own_sets.remove(&role);
                }
                Effect::KeepVariant(saved) => {
                    let (key, bytes) = (saved.key(), saved.bytes());
                    self.shelf.insert(key.clone(), *saved);
                    self.act(Action::VariantKept { key, bytes });
                }
                Effect::ForgetVariant(key) => {
                    self.shelf.remove(&key);
                }
                Effect::KeepTraining(training) => {
                    let (network, epochs) = (training.network.clone(), training.done());
                    self.kept.insert(training.key().to_owned(), *training);
                    self.act(Action::TrainingKept { network, epochs });
                }
                Effect::ForgetTraining(key) => {
                    self.kept.remove(&key);
                }
            }
        }
    }

    /// Everything that was fetched arrives.
    fn deliver(&mut self) {
        while let Some(resource) = self.fetched.pop() {
            // Of frames the table that lies beside them, too.
            let files = match resource {
                Resource::Frames(_) => vec![vec![1]; 2],
                _ => vec![vec![1]],
            };
            self.act(Action::Received { resource, files });
        }
    }

    /// The worker answers everything.
    fn work(&mut self) {
        while !self.sent.is_empty() {
            self.work_once();
        }
    }

    fn work_once(&mut self) {
        let (task, request) = self.sent.remove(0);
        if let Request::Drive { models, .. } = &*request {
            for track in drives(&models[0]).results.remove(0).tracks {
                let event = Event::Drove { model: models[0].clone(), track };
                self.act(Action::Heard { task, event: Box::new(event) });
            }
        }
        self.act(Action::Heard { task, event: Box::new(answer(&request)) });
    }

    /// The worker answers until it is asked something of this kind, which it does not answer.
    fn work_until(&mut self, kind: fn(&Request) -> bool) -> TaskId {
        loop {
            let (task, request) = self.sent.first().expect("the worker is asked");
            if kind(request) {
                return *task;
            }
            self.work_once();
        }
    }

    fn select(&mut self, id: &str) {
        self.act(Action::Select(id.into()));
        self.deliver();
        self.work();
    }

    fn run(&mut self) {
        self.act(Action::Run);
        self.deliver();
        self.work();
    }

    fn set_recipe(&mut self, recipe: Recipe) {
        self.act(Action::SetRecipe(Box::new(recipe)));
    }

    /// The recipe that the last int8 network of it was made by.
    fn made_by(&self, id: &str) -> &Recipe {
        &self.state.made[id].summary.recipe
    }

    /// The columns that are shown.
    fn columns(&self) -> Vec<&str> {
        self.state.columns().iter().map(|column| column.id).collect()
    }

    fn compared(&self, id: &str) -> Vec<&str> {
        self.state.comparisons[id].models.iter().map(String::as_str).collect()
    }

    fn told(&self) -> Vec<&str> {
        self.state.notices.iter().map(|notice| &*notice.error.what).collect()
    }
}

fn file(name: &str) -> File {
    File { name: name.into(), bytes: ByteBuf::from(vec![1]) }
}

fn answer(request: &Request) -> Event {
    match request {
        Request::LoadModel { model, file, .. } => Event::ModelLoaded {
            model: model.clone(),
            sha256: hash(&file.name),
            inspection: match &*file.name {
                "theirs.onnx" => inspection("int8", 96),
                "large.onnx" => inspection("float", 224),
                "values.onnx" => of_values(),
                _ => inspection("float", 96),
            },
        },
        Request::LoadData { role, files, .. } => {
            let size = if files[0].name().contains("large") { 224 } else { 96 };
            let mut summary = summary(size);
            if files[0].name().contains("unlabelled") {
                summary.class_counts.clear();
                summary.label_columns.clear();
            }
            let fingerprint = hash(files[0].name());
            Event::DataLoaded { role: *role, summary, fingerprint }
        }
        Request::Train { model, recipe, plan, into, .. } => Event::Trained {
            model: into.clone(),
            file: file(&format!("{model}-qat.onnx")),
            inspection: inspection("qat", 96),
            training: Box::new(TrainingSummary {
                plan: plan.clone(),
                quantization: QuantizationSummary {
                    sha256: hash(&format!("{into} of {model}")),
                    ..quantization(recipe)
                },
                start: epoch(0),
                epochs: vec![epoch(1)],
                best_epoch: 1,
                diverged_in: None,
            }),
            measured: None,
        },
        Request::Frames { indices } => Event::Frames {
            frames: indices
                .iter()
                .map(|&index| Picture {
                    index,
                    width: 1,
                    height: 1,
                    rgba: ByteBuf::from(vec![0; 4]),
                    label: Some(0),
                    values: Vec::new(),
                })
                .collect(),
        },
        Request::Predict { model, indices } => Event::Predictions {
            model: model.clone(),
            predictions: indices
                .iter()
                .map(|&index| Prediction {
                    index,
                    class: 0,
                    logits: vec![9.0, 1.0],
                    probabilities: vec![1.0, 0.0],
                    values: Vec::new(),
                })
                .collect(),
        },
        Request::Quantize { model, recipe, into } => Event::Quantized {
            model: into.clone(),
            file: file(&format!("{model}-int8.onnx")),
            summary: quantization(recipe),
            inspection: inspection("int8", 96),
        },
        Request::Tensors { model } => {
            let names = ["input".to_owned()].into();
            let tensors = Tensors { names, ..Tensors::default() };
            Event::Tensors { model: model.clone(), tensors }
        }
        Request::Forget { model } => Event::Forgotten { model: model.clone() },
        Request::Evaluate { model, .. } => Event::Evaluated {
            report: report(model),
            logits: Vec::new(),
            numbers: Vec::new(),
            frames: Vec::new(),
        },
        Request::Entering { model, role } => Event::Entering {
            model: model.clone(),
            role: *role,
            entering: Box::new(Entering {
                steps: Vec::new(),
                shape: vec![3, 96, 96],
                values: Numbers {
                    frames: 1,
                    range: [0.0, 1.0],
                    mean: 0.5,
                    std: 0.1,
                    counts: vec![1],
                },
                calibration: None,
                doubts: Vec::new(),
            }),
        },
        Request::Drive { models, .. } => Event::Driven { drives: drives(&models[0]) },
        Request::Replay { .. }
        | Request::Ground { .. }
        | Request::DriveOn { .. }
        | Request::See { .. }
        | Request::Pack { .. } => unreachable!("the page compares"),
        Request::Analyze { model, frames, .. } => {
            Event::Analyzed { model: model.clone(), analysis: analysis(frames.unwrap_or(20)) }
        }
        Request::Search { model, recipe, .. } => {
            let trials = vec![trial("all of it", recipe, false), trial("less of it", recipe, true)];
            let best = trials[1].clone();
            let found = Found { best, trials, frames: 20, heldout: None, stopped: false };
            Event::Searched { model: model.clone(), found }
        }
        Request::Compare { models, .. } => Event::Compared {
            reports: models.iter().map(|model| report(model)).collect(),
            verdict: "smaller".into(),
            series: Vec::new(),
            classes: None,
        },
    }
}

/// 32 bytes in hexadecimal, other ones of another text.
fn hash(text: &str) -> String {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)).repeat(4)
}

fn drives(model: &str) -> Drives {
    let track = |seed: u64, total: f64| Track {
        seed,
        total,
        tiles: 280,
        of_tiles: 280,
        steps: 900,
        finished: total > 800.0,
        off_road: 0.0,
    };
    let tracks = vec![track(1, 900.0), track(2, 800.0)];
    let (variant, ci95) = ("float".to_owned(), Some([800.0, 900.0]));
    let driven = Driven { model: model.into(), variant, mean: 850.0, ci95, tracks };
    Drives { results: vec![driven], pairs: Vec::new(), stopped: false }
}

fn quantization(recipe: &Recipe) -> QuantizationSummary {
    QuantizationSummary {
        recipe: recipe.clone(),
        tensors: Vec::new(),
        left_in_float: Vec::new(),
        file_bytes: 1,
        sha256: hash(&serde_json::to_string(recipe).expect("a recipe is JSON")),
    }
}

fn epoch(epoch: usize) -> Epoch {
    let right = 0.5 + 0.01 * epoch as f64;
    let figures = Figures { loss: 1.0, top1: Some(right), score: right };
    Epoch { epoch, ..Epoch::start(Score::Top1, figures, 2.0) }
}

fn damage() -> Damage {
    Damage {
        top1: Some(0.9),
        agreement: Some(0.95),
        logit_mse: 0.01,
        mae: None,
        mae_change: None,
        max_abs_from_float: 0.5,
    }
}

fn analysis(frames: usize) -> Analysis {
    Analysis {
        tensors: Vec::new(),
        layers: Vec::new(),
        float_top1: Some(0.91),
        float_mae: None,
        quantized: damage(),
        saturating: None,
        by_calibration_frames: Vec::new(),
        frames,
        warnings: Vec::new(),
        driving: None,
    }
}

fn trial(what: &str, recipe: &Recipe, best: bool) -> Trial {
    Trial {
        what: what.into(),
        recipe: Recipe { weight_bits: 4, ..recipe.clone() },
        effect: damage(),
        drop: Some(1.0),
        rise: None,
        driving: None,
        bops: 32,
        file_bytes: 100,
        meets: best,
        best,
    }
}

fn inspection(variant: &str, size: usize) -> Inspection {
    Inspection {
        variant: variant.into(),
        producer: String::new(),
        opset: 17,
        file_bytes: 1,
        input: TensorShape {
            name: "input".into(),
            shape: vec![None, Some(3), Some(size), Some(size)],
        },
        inputs: vec![TensorShape {
            name: "input".into(),
            shape: vec![None, Some(3), Some(size), Some(size)],
        }],
        outputs: vec![TensorShape { name: "logits".into(), shape: Vec::new() }],
        preprocessing: None,
        params: 1,
        macs: Some(1),
        layers: Vec::new(),
        left_in_float: Vec::new(),
    }
}

/// Two numbers for a stack of two pictures of the camera, channels last.
fn of_values() -> Inspection {
    let tensor = |name: &str, shape: &[usize]| TensorShape {
        name: name.into(),
        shape: shape.iter().map(|&size| Some(size)).collect(),
    };
    Inspection {
        inputs: vec![tensor("input", &[1, 96, 96, 6])],
        outputs: vec![tensor("angle", &[1, 1]), tensor("throttle", &[1, 1])],
        ..inspection("float", 96)
    }
}

fn summary(size: usize) -> DataSummary {
    DataSummary {
        frames: 20,
        class_counts: vec![10, 10],
        class_names: vec!["0-left".into(), "1-right".into()],
        frame_shape: vec![3, size, size],
        pixels: true,
        arrays: vec![ArraySummary {
            name: "x".into(),
            frame_shape: vec![3, size, size],
            pixels: true,
        }],
        source: String::new(),
        notes: Vec::new(),
        samples: Vec::new(),
        label_columns: vec![LabelColumn { name: None, range: [0.0, 1.0] }],
    }
}

fn report(model: &str) -> Report {
    Report {
        model: model.into(),
        variant: "float".into(),
        sha256: "00".into(),
        accuracy: Some(Accuracy { top1: 1.0, ci95: [0.9, 1.0], n: 20, confusion: Vec::new() }),
        kernels: "avx2".into(),
        recipe: Some(Recipe::default()),
        ..Report::blank()
    }
}

#[test]
fn it_opens_on_the_first_network_with_frames_and_answers() {
    let bench = Bench::open();
    assert_eq!(bench.state.selected.as_deref(), Some("plain"));
    assert_eq!(bench.state.frames.len(), 10);
    assert_eq!(bench.state.predictions["plain"].len(), 10);
    assert!(bench.state.can_run());
    assert!(bench.state.calibration.loaded.is_none(), "calibration frames are not needed yet");
    assert_eq!(bench.state.class_label(1), "right");
}

#[test]
fn the_button_quantizes_and_compares() {
    let mut bench = Bench::open();
    bench.now = 1000.0;
    bench.act(Action::Run);
    bench.now = 4000.0;
    bench.deliver();
    bench.work();
    assert_eq!(bench.compared("plain"), ["plain", "plain-int8"]);
    assert_eq!(bench.state.comparisons["plain"].seconds, 3.0);
    assert_eq!(bench.state.comparisons["plain"].validation, "the bundled frames");
    assert_eq!(bench.state.made["plain"].calibration, "the bundled frames");
    assert_eq!(bench.state.job, None);
    assert!(bench.state.predictions.contains_key("plain-int8"), "the int8 network is asked, too");

    bench.act(Action::Download("plain-int8".into()));
    assert_eq!(bench.saved[0].name, "plain-int8.onnx");
}

#[test]
fn an_int8_network_is_measured_beside_the_float_one_it_came_from() {
    let mut bench = Bench::open();
    bench.select("theirs");
    bench.run();
    assert_eq!(bench.compared("theirs"), ["plain", "theirs"]);

    bench.act(Action::CompareWith { model: "theirs".into(), reference: None });
    bench.run();
    assert_eq!(bench.compared("theirs"), ["theirs"]);
}

#[test]
fn cancelling_starts_a_fresh_worker_that_knows_what_was_loaded() {
    let mut bench = Bench::open();
    bench.run();
    bench.act(Action::Run);
    bench.work_until(|request| matches!(request, Request::Compare { .. }));
    bench.act(Action::CancelRun);
    assert_eq!(bench.restarts, 1);
    assert_eq!(bench.state.job, None);
    let replayed = |name: &str| {
        bench.sent.iter().any(|(_, request)| match &**request {
            Request::LoadModel { model, .. } => model == name,
            Request::LoadData { role, .. } => format!("{role:?}") == name,
            _ => false,
        })
    };
    for name in ["Validation", "Calibration", "plain", "small", "plain-int8"] {
        assert!(replayed(name), "{name} is not replayed");
    }
    assert_eq!(bench.compared("plain"), ["plain", "plain-int8"], "what was finished stays");

    bench.work();
    bench.run();
    assert_eq!(bench.state.job, None);
    assert!(bench.told().is_empty());
}

#[test]
fn answers_of_a_cancelled_task_are_not_heard() {
    let mut bench = Bench::open();
    bench.act(Action::Run);
    bench.deliver();
    let task = bench.work_until(|request| matches!(request, Request::Quantize { .. }));
    bench.act(Action::CancelRun);
    let progress = Progress { stage: Stage::Calibrate, model: None, done: 1, total: 2 };
    bench.act(Action::Heard { task, event: Box::new(Event::Progress(progress)) });
    bench.act(Action::Heard {
        task,
        event: Box::new(Event::Compared {
            reports: Vec::new(),
            verdict: String::new(),
            series: Vec::new(),
            classes: None,
        }),
    });
    assert!(bench.state.made.is_empty() && bench.state.comparisons.is_empty());
}

#[test]
fn cancelling_while_frames_arrive_needs_no_worker() {
    let mut bench = Bench::open();
    bench.act(Action::Run);
    assert_eq!(bench.state.working().map(|progress| progress.stage), Some(Stage::ReadData));
    bench.act(Action::CancelRun);
    assert_eq!((bench.restarts, bench.state.job.clone()), (0, None));
    bench.deliver();
    bench.work();
    assert!(bench.state.calibration.loaded.is_some(), "the frames are useful the next time");
}

#[test]
fn progress_is_that_of_the_present_step() {
    let mut bench = Bench::open();
    bench.act(Action::Run);
    bench.deliver();
    let task = bench.work_until(|request| matches!(request, Request::Quantize { .. }));
    let progress = Progress { stage: Stage::Calibrate, model: None, done: 128, total: 512 };
    let told = Some(progress.clone());
    let action = Action::Heard { task, event: Box::new(Event::Progress(progress)) };
    assert!(action.is_passing(), "nothing but this is rendered anew");
    bench.act(action);
    assert_eq!(bench.state.working(), told);
}

#[test]
fn a_file_that_is_no_network_is_named_and_changes_nothing() {
    let mut bench = Bench::open();
    bench.act(Action::OpenModels(vec![file("cat.png")]));
    let (task, _) = bench.sent.remove(0);
    let error = Error::new("it is a PNG picture").in_file("cat.png");
    bench.act(Action::Heard { task, event: Box::new(Event::Failed { error }) });
    assert_eq!(bench.told(), ["it is a PNG picture"]);
    assert_eq!(bench.state.networks.len(), 3);
    assert_eq!(bench.state.selected.as_deref(), Some("plain"));

    let id = bench.state.notices[0].id;
    bench.act(Action::Dismiss(id));
    bench.run();
    assert_eq!(bench.compared("plain"), ["plain", "plain-int8"]);
}

#[test]
fn one_fault_is_shown_once_with_all_its_files() {
    let mut bench = Bench::open();
    let offline = Error::new("it could not be fetched").way_out("Check the connection.");
    bench.act(Action::Complain(offline.clone()));
    for file in ["a.onnx", "b.zip", "a.onnx"] {
        bench.act(Action::Complain(offline.clone().in_file(file)));
    }
    bench.act(Action::Complain(Error::new("another").in_file("a.onnx")));
    assert_eq!(bench.told(), ["it could not be fetched", "another"]);
    let notice = &bench.state.notices[0];
    assert_eq!(
        (notice.error.file.as_deref(), &notice.also[..]),
        (Some("a.onnx"), &["b.zip".to_owned()][..])
    );
}

#[test]
fn a_network_of_another_size_waits_for_frames_that_fit() {
    let mut bench = Bench::open();
    bench.act(Action::OpenModels(vec![file("large.onnx")]));
    bench.work();
    let network = bench.state.selected().expect("an opened network is chosen").clone();
    assert_eq!(network.title, "large");
    let misfit = bench.state.fit(&network, Role::Validation);
    assert!(matches!(misfit, Fit::Misfit { .. }), "{misfit:?}");
    assert!(!bench.state.can_run());
    let plain = bench.state.network("plain").expect("it is bundled");
    assert!(bench.state.takes_bundled(plain) && !bench.state.takes_bundled(&network));

    let open = |bench: &mut Bench, role: Role| {
        let files = vec![file("large.npz").into()];
        bench.act(Action::OpenData { role, name: "mine".into(), files });
    };
    open(&mut bench, Role::Validation);
    bench.work();
    assert_eq!(bench.state.fit(&network, Role::Validation), Fit::Fits);
    // The bundled ones to calibrate on are not here, and nobody fetches them to learn that they do not fit.
    assert!(bench.state.calibration.loaded.is_none() && !bench.state.can_run());
    let misfit = bench.state.fit(&network, Role::Calibration);
    assert!(matches!(&misfit, Fit::Misfit { has, .. } if has == "3 × 96 × 96"), "{misfit:?}");
    open(&mut bench, Role::Calibration);
    assert_eq!(bench.state.fit(&network, Role::Calibration), Fit::Unknown, "others are coming");
    bench.work();
    bench.run();
    assert_eq!(bench.compared(&network.id), [network.id.clone(), format!("{}-int8", network.id)]);

    bench.act(Action::CloseModel(network.id.clone()));
    assert!(!bench.state.comparisons.contains_key(&network.id));
    assert_eq!(bench.state.selected.as_deref(), Some("plain"));
}

#[test]
fn a_comparison_remembers_that_it_was_judged_by_what_it_was_calibrated_on() {
    let mut bench = Bench::open();
    let judged = |bench: &Bench| bench.state.comparisons["plain"].judged_by_calibration;
    bench.run();
    assert!(!judged(&bench));
    let open = |bench: &mut Bench, role: Role, name: &str| {
        bench.act(Action::OpenData { role, name: name.into(), files: vec![file(name).into()] });
        bench.work();
    };
    for role in [Role::Calibration, Role::Validation] {
        open(&mut bench, role, "mine.npz");
    }
    bench.run();
    assert!(judged(&bench));
    open(&mut bench, Role::Calibration, "others.npz");
    assert!(judged(&bench), "that other frames are here now changes nothing that was measured");
}

#[test]
fn the_strip_says_why_until_other_frames_are_asked_for() {
    let mut bench = Bench::open();
    bench.act(Action::ShowFrames { frames: vec![3, 1], reason: "The worst".into() });
    assert_eq!(bench.state.shown_for.as_deref(), Some("The worst"));
    bench.act(Action::OtherFrames);
    assert_eq!(bench.state.shown_for, None);
}

#[test]
fn bad_frames_leave_the_good_ones_in_place() {
    let mut bench = Bench::open();
    let role = Role::Validation;
    bench.act(Action::OpenData { role, name: "mine".into(), files: vec![file("x.npz").into()] });
    let (task, _) = bench.sent.remove(0);
    let error = Error::new("it has no `y`").in_file("x.npz");
    bench.act(Action::Heard { task, event: Box::new(Event::Failed { error }) });
    let data = &bench.state.validation;
    assert!(data.loading.is_none() && data.loaded.as_ref().is_some_and(|data| data.bundled));
    assert_eq!(bench.told(), ["it has no `y`"]);
}

#[test]
fn of_values_the_search_asks_for_their_error() {
    let mut bench = Bench::open();
    assert_eq!(bench.state.search_form.goal, Goal::Drop);
    let mut form = bench.state.search_form.clone();
    form.suit(true);
    assert_eq!((form.goal, form.limit(&inspection("float", 2))), (Goal::Rise, "2".to_owned()));
    form.suit(false);
    assert_eq!(form.goal, Goal::Drop);
    form.goal = Goal::Bytes;
    form.suit(true);
    assert_eq!(form.goal, Goal::Bytes);
    bench.run();
    assert!(bench.told().is_empty());
}

#[test]
fn frames_without_labels_are_used_and_said_to_have_none() {
    let mut bench = Bench::open();
    for role in [Role::Calibration, Role::Validation] {
        let files = vec![file("unlabelled.npz").into()];
        bench.act(Action::OpenData { role, name: "unlabelled.npz".into(), files });
        bench.work();
        let expected = usize::from(role == Role::Validation);
        assert_eq!(bench.told().len(), expected, "calibration needs no labels");
    }
    assert_eq!(bench.state.notices[0].error.file.as_deref(), Some("unlabelled.npz"));
    assert_eq!(bench.state.frames.len(), 10);
    bench.run();
    assert_eq!(bench.compared("plain"), ["plain", "plain-int8"]);
}

#[test]
fn normalization_applies_to_own_frames_at_once() {
    let mut bench = Bench::open();
    let role = Role::Validation;
    bench.act(Action::OpenData { role, name: "mine".into(), files: vec![file("x.npz").into()] });
    bench.work();
    let form = PreprocessingForm { mean: "0.5, 0.5, 0.5".into(), ..Default::default() };
    bench.act(Action::SetPreprocessing(form));
    let preprocessing = match &*bench.sent[0].1 {
        Request::LoadData { reading, .. } => reading.preprocessing.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(preprocessing.map(|n| n.mean), Some(vec![0.5; 3]));

    bench.work();
    let form = LabellingForm { labels: "angle".into(), ..Default::default() };
    bench.act(Action::SetLabelling(form));
    let (task, request) = bench.sent[0].clone();
    let Request::LoadData { reading, .. } = &*request else { panic!("{request:?}") };
    assert_eq!(reading.labelling.labels, ["angle"]);
    // What could not be read is read again once it is said how.
    let error = Error::new("there is no column `angle`");
    bench.act(Action::Heard { task, event: Box::new(Event::Failed { error }) });
    bench.act(Action::SetLabelling(LabellingForm::default()));
    assert!(matches!(&*bench.sent[0].1, Request::LoadData { .. }));
    bench.work();

    let form = PreprocessingForm { mean: "half".into(), ..Default::default() };
    bench.act(Action::SetPreprocessing(form));
    assert!(bench.sent.is_empty());
    assert_eq!(bench.told().len(), 2);
}

#[test]
fn frames_of_the_networks_size_are_read_again_for_another_network() {
    let mut bench = Bench::open();
    let role = Role::Validation;
    bench.act(Action::OpenData { role, name: "mine".into(), files: vec![file("x.zip").into()] });
    bench.work();
    let form = PreprocessingForm { to_network: true, ..Default::default() };
    bench.act(Action::SetPreprocessing(form));
    bench.work();
    bench.act(Action::OpenModels(vec![file("large.onnx")]));
    bench.work_once();
    let again = bench.sent.iter().find_map(|(_, request)| match &**request {
        Request::LoadData { reading, .. } => reading.preprocessing.clone(),
        _ => None,
    });
    assert_eq!(again.and_then(|said| said.resize), Some([224, 224]));
}

#[test]
fn what_a_network_gets_of_own_frames_is_asked_once_for_each() {
    let mut bench = Bench::open();
    assert!(bench.state.entering().is_none(), "bundled frames fit");
    let role = Role::Validation;
    let open = |bench: &mut Bench, name: &str| {
        let files = vec![file(name).into()];
        bench.act(Action::OpenData { role, name: name.into(), files });
        bench.work_once();
        let asked =
            |(_, request): &&(TaskId, Rc<Request>)| matches!(**request, Request::Entering { .. });
        let asked = bench.sent.iter().filter(asked).count();
        bench.work();
        asked
    };
    assert_eq!(open(&mut bench, "x.npz"), 1);
    assert!(bench.state.entering().is_some());
    bench.select("small");
    assert!(bench.state.entering().is_some());
    assert_eq!(open(&mut bench, "y.npz"), 1);
    assert_eq!(open(&mut bench, "large.npz"), 0, "they do not fit");
    assert!(bench.state.entering().is_none());
}

#[test]
fn what_is_said_of_outputs_is_asked_of_those_that_a_network_has() {
    let mut bench = Bench::open();
    let outputs =
        [("logits".to_owned(), Task::Values), ("elsewhere".to_owned(), Task::None)].into();
    bench.act(Action::SetJudging(Judging { outputs, ..Judging::default() }));
    bench.run();
    let judging = &bench.state.comparisons["plain"].judging;
    assert_eq!(judging.outputs, [("logits".to_owned(), Task::Values)].into());
    assert_eq!(*judging, bench.state.judging_of("plain"));
    bench.act(Action::SetJudging(Judging { tolerance: Some(0.5), ..Judging::default() }));
    assert_ne!(bench.state.comparisons["plain"].judging, bench.state.judging_of("plain"));
}

#[test]
fn a_worker_that_breaks_down_costs_only_the_task_it_was_at() {
    let mut bench = Bench::open();
    bench.act(Action::OpenModels(vec![file("bomb.onnx")]));
    bench.act(Action::OpenModels(vec![file("other.onnx")]));
    bench.act(Action::WorkerLost { error: Error::new("it broke down"), started: true });
    bench.work();
    assert_eq!(bench.told(), ["it broke down"]);
    assert_eq!(bench.state.notices[0].error.file.as_deref(), Some("bomb.onnx"));
    let titles: Vec<_> = bench.state.networks.iter().map(|network| &*network.title).collect();
    assert_eq!(titles, ["Plain", "Small", "Theirs", "other"]);
}

#[test]
fn a_network_that_kills_the_worker_is_not_sent_again() {
    fn is_about_it(request: &Request) -> bool {
        match request {
            Request::LoadModel { model, .. } | Request::Predict { model, .. } => {
                model == "opened-1"
            }
            _ => false,
        }
    }
    let killed = || Action::WorkerLost { error: Error::new("it broke down"), started: true };
    let mut bench = Bench::open();
    bench.act(Action::OpenModels(vec![file("bomb.onnx")]));
    bench.work_once();
    // It can be read, and not run.
    bench.work_until(is_about_it);
    bench.act(killed());
    let again = |(_, request): &&(TaskId, Rc<Request>)| is_about_it(request);
    assert_eq!(bench.sent.iter().filter(again).count(), 1, "the fresh worker reads it alone");

    // The next time it can't even be read.
    bench.work_until(is_about_it);
    bench.act(killed());
    assert!(bench.sent.iter().find(again).is_none());
    bench.work();
    assert!(bench.state.networks.iter().all(|network| network.id != "opened-1"));
    assert_eq!(bench.told(), ["it broke down"], "one cause is told once");
    assert_eq!(bench.state.notices[0].error.file.as_deref(), Some("bomb.onnx"));
    bench.select("plain");
    bench.run();
    assert_eq!(bench.compared("plain"), ["plain", "plain-int8"]);
}

#[test]
fn a_worker_that_never_starts_is_not_started_forever() {
    let mut bench = Bench::default();
    bench.start();
    bench.deliver();
    bench.act(Action::WorkerLost { error: Error::new("it could not be loaded"), started: false });
    assert_eq!((bench.restarts, bench.told()), (0, vec!["it could not be loaded"]));
}

#[test]
fn what_nobody_asked_for_is_not_fetched() {
    let mut bench = Bench::default();
    bench.start();
    assert_eq!(bench.fetched, [Resource::Network("plain".into())]);
    bench.deliver();
    bench.work();
    // What can wait does, until a car moves.
    assert_eq!(bench.settled, 0);
    bench.act(Action::StageShown(3));
    bench.act(Action::StageShown(6));
    assert_eq!(bench.settled, 1);
    bench.act(Action::Go(Place::Layers));
    assert_eq!(bench.fetched, []);
    bench.act(Action::Go(Place::Frames));
    assert_eq!(bench.fetched, [Resource::Frames(Role::Validation)]);
    // Fetched once, and again only for who comes again.
    let (resource, error) = (Resource::Frames(Role::Validation), Error::new("no connection"));
    bench.fetched.clear();
    bench.act(Action::NotReceived { resource, error });
    assert_eq!(bench.fetched, []);
    bench.act(Action::Go(Place::Data));
    assert_eq!(bench.fetched, [Resource::Frames(Role::Validation)]);
}

#[test]
fn a_link_fetches_the_network_that_it_names_and_what_that_is_compared_with() {
    let mut bench = Bench::default();
    bench.act(Action::OpenLink("network=theirs&place=frames".into()));
    bench.start();
    let network = |id: &str| Resource::Network(id.into());
    let wanted = [network("theirs"), network("plain"), Resource::Frames(Role::Validation)];
    assert_eq!(bench.fetched, wanted);
    // Pressed before the reference is here, the button waits for it.
    bench.act(Action::Received { resource: network("theirs"), files: vec![vec![1]] });
    let frames = Resource::Frames(Role::Validation);
    bench.act(Action::Received { resource: frames, files: vec![vec![1]] });
    bench.work();
    bench.act(Action::Run);
    assert!(bench.state.job.is_some() && bench.sent.is_empty());
    bench.act(Action::Received { resource: network("plain"), files: vec![vec![1]] });
    bench.work();
    assert_eq!(bench.compared("theirs"), ["plain", "theirs"]);
}

#[test]
fn an_example_is_fetched_when_it_is_chosen() {
    let mut bench = Bench::open();
    assert_eq!(bench.state.network("theirs").map(|n| &n.status), Some(&Status::Idle));
    bench.act(Action::Select("theirs".into()));
    assert_eq!(bench.fetched, [Resource::Network("theirs".into())]);
    let resource = Resource::Network("theirs".into());
    bench.act(Action::NotReceived { resource, error: Error::new("no connection") });
    assert_eq!(bench.state.network("theirs").map(|n| &n.status), Some(&Status::Failed));
    bench.fetched.clear();

    bench.select("theirs");
    assert!(bench.state.network("theirs").is_some_and(|n| n.inspection().is_some()));
}

#[test]
fn a_broken_catalogue_leaves_a_page_that_works_on_own_files() {
    let mut bench = Bench::default();
    bench.act(Action::Start(b"<html>"));
    assert_eq!(bench.told().len(), 1);
    bench.act(Action::OpenModels(vec![file("mine.onnx")]));
    bench.work();
    assert!(bench.state.selected().is_some_and(|network| network.title == "mine"));
}

#[test]
fn the_recipe_of_the_panel_is_carried_out_and_older_results_are_told_from_it() {
    let mut bench = Bench::open();
    bench.run();
    assert!(bench.state.is_current(bench.state.comparisons["plain"].recipe.as_ref()));
    let recipe = Recipe { weight_bits: 4, rounding: Rounding::Adaround, ..Recipe::default() };
    bench.set_recipe(recipe.clone());
    assert!(!bench.state.is_current(bench.state.comparisons["plain"].recipe.as_ref()));
    assert_eq!(bench.made_by("plain"), &Recipe::default(), "nothing runs by itself");

    bench.run();
    assert_eq!(bench.made_by("plain"), &recipe);
    assert!(bench.state.is_current(bench.state.comparisons["plain"].recipe.as_ref()));

    bench.select("theirs");
    bench.run();
    assert!(
        bench.state.is_current(bench.state.comparisons["theirs"].recipe.as_ref()),
        "it has none"
    );
}

#[test]
fn a_recipe_that_changes_while_it_is_carried_out_changes_the_next_one() {
    let mut bench = Bench::open();
    bench.act(Action::Run);
    bench.set_recipe(Recipe { weight_bits: 4, ..Recipe::default() });
    bench.deliver();
    bench.work();
    assert_eq!(bench.made_by("plain"), &Recipe::default());
    assert!(!bench.state.is_current(bench.state.comparisons["plain"].recipe.as_ref()));
}

#[test]
fn options_that_exclude_each_other_cannot_be_carried_out() {
    let mut bench = Bench::open();
    bench.set_recipe(Recipe { percentile: 20.0, ..Recipe::default() });
    assert!(bench.state.recipe_fault().is_some() && !bench.state.can_run());
    assert_eq!(bench.address, None, "no link carries it");
    let per_tensor = Granularity::PerTensor;
    let asymmetric = Recipe { weights: per_tensor, asymmetric_weights: true, ..Recipe::default() };
    bench.set_recipe(asymmetric.clone());
    assert!(bench.state.recipe.asymmetric_weights && bench.state.can_run());
    bench.set_recipe(Recipe { weights: Granularity::PerChannel, ..asymmetric });
    assert_eq!(bench.state.recipe, Recipe::default(), "the last choice counts");
}

#[test]
fn what_a_layer_is_told_is_carried_out_at_once_and_stays_with_its_network() {
    let mut bench = Bench::open();
    let tell = |bench: &mut Bench, change| {
        bench.act(Action::ChangeLayer { node: "conv".into(), change });
        bench.deliver();
        bench.work();
    };
    tell(&mut bench, LayerChange::KeepFloat(true));
    assert_eq!(bench.made_by("plain").keep_float, ["conv"]);
    tell(&mut bench, LayerChange::KeepFloat(false));
    tell(&mut bench, LayerChange::WeightBits(Some(4)));
    let four = LayerBits { weight_bits: Some(4), ..LayerBits::default() };
    assert_eq!(bench.made_by("plain").layers, [("conv".to_owned(), four)].into());
    assert!(bench.made_by("plain").keep_float.is_empty());

    bench.select("small");
    assert!(bench.state.recipe.layers.is_empty());
    bench.select("plain");
    assert_eq!(bench.state.recipe.layers.len(), 1);

    tell(&mut bench, LayerChange::WeightBits(Some(8)));
    assert_eq!(
        bench.made_by("plain"),
        &Recipe::default(),
        "the recipe's own width is no exception"
    );
}

#[test]
fn the_damage_is_explained_on_as_many_frames_as_were_chosen() {
    let mut bench = Bench::open();
    bench.act(Action::Analyze);
    bench.deliver();
    let task = bench.work_until(|request| matches!(request, Request::Analyze { .. }));
    let progress = Progress { stage: Stage::Analyze, model: None, done: 1, total: 9 };
    bench.act(Action::Heard { task, event: Box::new(Event::Progress(progress.clone())) });
    assert_eq!(bench.state.working(), Some(progress));
    bench.act(Action::CancelRun);
    assert_eq!((bench.restarts, bench.state.explained.len()), (1, 0));

    bench.work();
    bench.now = 500.0;
    bench.act(Action::Analyze);
    bench.now = 2500.0;
    bench.work();
    let explained = bench.state.explained["plain"].clone();
    assert_eq!((explained.analysis.frames, explained.seconds), (500, 2.0));
    assert_eq!(&*explained.calibration, "the bundled frames");
    bench.act(Action::SetAnalysisFrames(None));
    bench.act(Action::Analyze);
    bench.work();
    assert_eq!(bench.state.explained["plain"].analysis.frames, 20);

    bench.select("theirs");
    assert!(!bench.state.can_analyze(), "it is int8 already");
}

#[test]
fn a_stopped_search_keeps_the_best_of_what_it_tried() {
    let mut bench = Bench::open();
    bench.act(Action::Search);
    bench.deliver();
    let task = bench.work_until(|request| matches!(request, Request::Search { .. }));
    let target = Target { max_drop: Some(0.5), ..Target::default() };
    let recipe = Recipe { weight_bits: 3, ..Recipe::default() };
    let model = "plain".into();
    let judging = Judging::default();
    let road = RoadSearch::default();
    let asked = Request::Search { model, recipe, target, judging, frames: Some(500), road };
    assert_eq!(*bench.sent[0].1, asked, "it goes no lower than the recipe it starts from");
    for trial in
        [("a", false), ("b", true), ("c", false)].map(|(w, b)| trial(w, &Recipe::default(), b))
    {
        let event = Event::Tried { model: "plain".into(), trial };
        bench.act(Action::Heard { task, event: Box::new(event) });
    }
    let search = bench.state.searches["plain"].clone();
    assert_eq!((search.trials.len(), search.ending), (3, None));

    bench.act(Action::CancelRun);
    let search = bench.state.searches["plain"].clone();
    assert_eq!((bench.restarts, search.ending), (1, Some(Ending::Stopped)));
    let best = search.best().expect("something was tried");
    assert_eq!(best.what, "b");

    bench.work();
    bench.act(Action::UseRecipe(Box::new(best.recipe.clone())));
    bench.deliver();
    bench.work();
    assert_eq!(bench.made_by("plain").weight_bits, 4);
    assert_eq!(bench.state.recipe.weight_bits, 4);
}

#[test]
fn a_search_that_ends_says_what_it_found() {
    let mut bench = Bench::open();
    let mut form = bench.state.search_form.clone();
    form.goal = Goal::Bytes;
    form.set_limit("12,5".into());
    bench.act(Action::SetSearch(form.clone()));
    bench.act(Action::Search);
    bench.deliver();
    bench.work();
    let search = bench.state.searches["plain"].clone();
    assert_eq!(search.target, Target { max_bytes: Some(12_500), ..Target::default() });
    assert_eq!(search.ending, Some(Ending::Finished));
    assert_eq!(search.best().map(|trial| &*trial.what), Some("less of it"));

    form.set_limit("few".into());
    bench.act(Action::SetSearch(form));
    assert!(bench.state.search_fault().is_some());
    bench.act(Action::Search);
    assert_eq!((bench.state.job.clone(), bench.told().len()), (None, 1));
}

#[test]
fn a_search_may_keep_the_return_of_what_drives() {
    let mut bench = Bench::open();
    let mut form = bench.state.search_form.clone();
    form.goal = Goal::Return;
    assert_eq!(form.limit(&inspection("float", 2)), "90");
    form.set_limit("95".into());
    bench.act(Action::SetSearch(form.clone()));
    bench.act(Action::Search);
    bench.deliver();
    bench.work();
    let target = bench.state.searches["plain"].target;
    assert_eq!(target, Target { min_return: Some(0.95), ..Target::default() });

    form.set_limit("0".into());
    assert!(form.target(&inspection("float", 2)).is_err(), "to keep nothing is no target");
    // What has no wheel is not asked for a return.
    form.set_limit("95".into());
    bench.act(Action::SetSearch(form));
    bench.state.stage.cars[0].fault = Some(Error::new("it has no outputs to steer by"));
    assert!(bench.state.search_fault().is_some());
    bench.state.search_form.goal = Goal::Drop;
    assert!(!bench.state.goals().contains(&Goal::Return));
}

#[test]
fn a_link_selects_the_network_and_the_recipe() {
    let fragment = "network=small&recipe=%7B%22version%22%3A1%2C%22weight_bits%22%3A4%7D";
    let mut bench = Bench::open_by(fragment);
    assert_eq!(bench.state.selected.as_deref(), Some("small"));
    assert_eq!(bench.state.recipe, Recipe { weight_bits: 4, ..Recipe::default() });
    assert_eq!((bench.address.clone(), bench.told().len()), (None, 0), "it is as it should be");

    bench.set_recipe(Recipe { equalize: true, ..Recipe::default() });
    let shown = bench.address.clone().expect("the address follows the recipe");
    assert!(shown.starts_with("network=small&recipe=") && shown.contains("equalize"), "{shown}");
    bench.act(Action::Copy(Copy::Link));
    assert_eq!(bench.copied, [shown]);
    bench.act(Action::Copied(Copy::Link));
    bench.select("theirs");
    assert_eq!(bench.state.copied, None, "what was copied is not this any more");

    bench.act(Action::OpenLink("network=plain".into()));
    assert_eq!(bench.state.selected.as_deref(), Some("plain"));
    assert_eq!(bench.state.recipe, Recipe::default());
}

#[test]
fn a_bad_link_gives_a_notice_and_the_default() {
    for bad in ["network=nobody&recipe=%7B%22weight_bits%22%3A4%7D", "recipe=none", "x=1"] {
        let bench = Bench::open_by(bad);
        assert_eq!(bench.told().len(), 1, "{bad}: {:?}", bench.told());
        assert_eq!(bench.state.selected.as_deref(), Some("plain"));
        assert_eq!(bench.state.recipe, Recipe::default());
        assert_eq!(bench.address.as_deref(), Some("network=plain"));
    }
}

#[test]
fn the_address_stays_bare_until_something_is_chosen() {
    let mut bench = Bench::open();
    assert_eq!(bench.address, None);
    bench.select("small");
    assert_eq!(bench.address.as_deref(), Some("network=small"));
    bench.act(Action::OpenModels(vec![file("mine.onnx")]));
    bench.work();
    assert_eq!(bench.address.as_deref(), Some(""), "no link can name a file on a disk");
    bench.act(Action::Copy(Copy::Command));
    assert_eq!(bench.copied, ["steer8 quantize mine.onnx -o mine-int8.onnx"]);
}

#[test]
fn every_place_is_a_step_that_goes_back() {
    let mut bench = Bench::open();
    bench.act(Action::Go(Place::Compare));
    bench.set_recipe(Recipe { equalize: true, ..Recipe::default() });
    bench.act(Action::Go(Place::Layers));
    let [compare, layers] = &bench.steps[..] else { panic!("{:?}", bench.steps) };
    assert_eq!(compare, "place=compare&network=plain");
    assert!(layers.starts_with("place=layers&") && layers.contains("equalize"), "{layers}");
    let shown = bench.address.clone().expect("the recipe changes the present step");
    assert!(shown.starts_with("place=compare&"), "{shown}");

    bench.act(Action::OpenLink(shown));
    assert_eq!(bench.state.place, Place::Compare);
    bench.act(Action::OpenLink("network=plain".into()));
    assert_eq!(bench.state.place, Place::Drive, "as a link without a place always did");
    assert_eq!(bench.steps.len(), 2, "going back is no step");

    let bench = Bench::open_by("place=train&network=small");
    assert_eq!((bench.state.place, bench.steps.len()), (Place::Train, 0));
}

/// Training of the chosen network has begun, and is at the worker.
fn begin_training(bench: &mut Bench) -> TaskId {
    bench.act(Action::Train);
    bench.deliver();
    bench.work_until(|request| matches!(request, Request::Train { .. }))
}

/// An epoch is done, and a checkpoint arrives.
fn train_epoch(bench: &mut Bench, task: TaskId, number: usize) {
    let epoch = Event::Epoch { model: "plain".into(), epoch: epoch(number) };
    bench.act(Action::Heard { task, event: Box::new(epoch) });
    let checkpoint = Checkpoint(vec![number as u8].into());
    let event = Event::Checkpoint { model: "plain".into(), checkpoint };
    bench.act(Action::Heard { task, event: Box::new(event) });
}

/// How the worker was asked to go on.
fn resumed(bench: &Bench) -> Option<(u8, bool)> {
    match &*bench.sent.last().expect("the worker is asked").1 {
        Request::Train { options, .. } => {
            options.resume.as_ref().map(|resume| (resume.checkpoint.0[0], resume.finish))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_trained_network_stands_beside_float_and_static() {
    let mut bench = Bench::open();
    bench.set_recipe(Recipe { weight_bits: 3, ..Recipe::default() });
    let task = begin_training(&mut bench);
    assert_eq!(bench.made_by("plain").weight_bits, 3, "the static network comes first");
    assert_eq!(bench.state.training.loaded.as_ref().map(|loaded| loaded.bundled), Some(true));
    for (done, now) in [(64, 1000.0), (264, 3000.0)] {
        bench.now = now;
        let progress = Progress { stage: Stage::Train, model: None, done, total: 500 };
        bench.act(Action::Heard { task, event: Box::new(Event::Progress(progress)) });
    }
    let training = bench.state.trainings["plain"].clone();
    assert_eq!(training.pace.frames_per_second, Some(100.0));
    // Six epochs of 500 frames, less 264.
    assert_eq!(training.seconds_left(), Some(27.36));
    bench.work();
    assert_eq!(bench.compared("plain"), ["plain", "plain-int8", "plain-qat"]);
    let training = &bench.state.trainings["plain"];
    assert_eq!(training.end, Some(End::Finished { best_epoch: 1, diverged_in: None }));
    bench.act(Action::Download("plain-qat".into()));
    assert_eq!(bench.saved[0].name, "plain-qat.onnx");

    // With another recipe it does not belong to the comparison.
    bench.set_recipe(Recipe::default());
    bench.run();
    assert_eq!(bench.compared("plain"), ["plain", "plain-int8-2"]);
    assert_eq!(bench.columns(), ["plain", "plain-int8", "plain-qat", "plain-int8-2"]);
}

#[test]
fn a_paused_training_goes_on_from_its_checkpoint() {
    let mut bench = Bench::open();
    let task = begin_training(&mut bench);
    train_epoch(&mut bench, task, 0);
    train_epoch(&mut bench, task, 1);
    bench.act(Action::CancelRun);
    assert_eq!((bench.restarts, bench.state.job.clone()), (1, None));
    let training = bench.state.trainings["plain"].clone();
    assert!(training.can_go_on() && training.done() == 1 && training.kept == Some(1));

    bench.work();
    bench.act(Action::ResumeTraining);
    assert_eq!(resumed(&bench), Some((1, false)));
    let task = bench.sent[0].0;
    // It tells the epochs again that are known.
    for number in 0..3 {
        train_epoch(&mut bench, task, number);
    }
    assert_eq!(bench.state.trainings["plain"].epochs.len(), 3);

    bench.act(Action::FinishTraining);
    bench.work_until(|request| matches!(request, Request::Train { .. }));
    assert_eq!(resumed(&bench), Some((2, true)), "the best so far is written");
    bench.work_once();
    bench.work_until(|request| match request {
        Request::Train { .. } => panic!("it was trained already"),
        other => matches!(other, Request::Compare { .. }),
    });
    bench.work();
    assert_eq!(bench.compared("plain"), ["plain", "plain-int8", "plain-qat"]);
    assert!(bench.kept.is_empty(), "what is finished needs not be kept");
}

#[test]
fn a_reload_loses_no_more_than_what_came_after_the_last_checkpoint() {
    let mut bench = Bench::open();
    bench.set_recipe(Recipe { weight_bits: 3, ..Recipe::default() });
    let task = begin_training(&mut bench);
    train_epoch(&mut bench, task, 0);
    train_epoch(&mut bench, task, 1);
    let kept = bench.kept["plain"].clone();

    let mut bench = Bench::default();
    bench.act(Action::Recalled(Box::new(kept)));
    bench.arrive();
    let training = bench.state.trainings["plain"].clone();
    assert!(training.can_go_on() && training.done() == 1 && training.recipe.weight_bits == 3);
    assert_eq!(training.kept, Some(1));
    bench.act(Action::ResumeTraining);
    assert_eq!(bench.state.recipe.weight_bits, 3);
    bench.deliver();
    bench.work_until(|request| matches!(request, Request::Train { .. }));
    assert_eq!(resumed(&bench), Some((1, false)));
    bench.work();
    assert_eq!(bench.compared("plain"), ["plain", "plain-int8", "plain-qat"]);
}

#[test]
fn a_training_of_an_opened_network_is_kept_with_it() {
    let mut bench = Bench::open();
    bench.act(Action::OpenModels(vec![file("mine.onnx")]));
    bench.work();
    let task = begin_training(&mut bench);
    train_epoch(&mut bench, task, 0);
    let kept = bench.kept["mine.onnx"].clone();

    let mut other = Bench::open();
    other.act(Action::Recalled(Box::new(kept)));
    other.work();
    let network = other.state.selected().expect("it is opened again").clone();
    assert_eq!(network.title, "mine");
    assert!(other.state.trainings[&network.id].can_go_on());
    other.kept = bench.kept;
    other.act(Action::DiscardTraining);
    assert!(other.state.trainings.is_empty() && other.kept.is_empty());
}

/// The names of what lies beside each network that the worker is sent.
fn sent_beside(bench: &Bench) -> Vec<Vec<&str>> {
    let mut names = Vec::new();
    for (_, request) in &bench.sent {
        if let Request::LoadModel { beside, .. } = &**request {
            names.push(beside.iter().map(|file| &*file.name).collect());
        }
    }
    names
}

#[test]
fn weights_beside_a_network_go_with_it() {
    let mut bench = Bench::open();
    let names = ["a/one.onnx", "a/one.onnx.data", "b/two.ONNX", "b/weights/w.bin"];
    bench.act(Action::OpenModels(names.map(file).into()));
    let expected = [["one.onnx.data"], ["weights/w.bin"]];
    assert_eq!(sent_beside(&bench), expected);
    bench.work();
    assert_eq!(bench.state.networks.len(), 5);
    bench.act(Action::Select("opened-1".into()));
    let task = begin_training(&mut bench);
    train_epoch(&mut bench, task, 0);
    // A fresh worker needs them again.
    bench.act(Action::WorkerLost { error: Error::new("it broke down"), started: true });
    let again = sent_beside(&bench).into_iter().filter(|beside| !beside.is_empty());
    assert!(again.eq(expected.map(Vec::from)));

    // And so does a later visit.
    let kept = bench.kept["a/one.onnx"].clone();
    let mut other = Bench::open();
    other.act(Action::Recalled(Box::new(kept)));
    assert_eq!(sent_beside(&other), expected[..1]);
}

#[test]
fn weights_without_their_network_are_opened_to_be_named() {
    let mut bench = Bench::open();
    bench.act(Action::OpenModels(vec![file("net.onnx.data"), file("cat.png")]));
    assert_eq!(sent_beside(&bench), [[""; 0], []]);
}

/// How the training goes on in a fresh worker.
fn restarted(bench: &Bench) -> Option<u8> {
    let resume = bench.sent.iter().find_map(|(_, request)| match &**request {
        Request::Train { options, .. } => Some(options.resume.as_ref()),
        _ => None,
    });
    resume.expect("it trains on").map(|resume| resume.checkpoint.0[0])
}

#[test]
fn cancelling_something_else_does_not_throw_a_training_back() {
    let mut bench = Bench::open();
    let task = begin_training(&mut bench);
    for number in 0..3 {
        train_epoch(&mut bench, task, number);
    }
    bench.act(Action::OpenModels(vec![file("mine.onnx")]));
    bench.act(Action::CloseModel("opened-1".into()));
    assert_eq!((bench.restarts, restarted(&bench)), (1, Some(2)));
    assert!(bench.state.is_training());
}

#[test]
fn a_training_goes_on_with_its_own_frames_alone() {
    let mut bench = Bench::open();
    let task = begin_training(&mut bench);
    train_epoch(&mut bench, task, 0);
    bench.act(Action::CancelRun);
    bench.work();
    let role = Role::Training;
    bench.act(Action::OpenData { role, name: "mine".into(), files: vec![file("x.npz").into()] });
    bench.work();
    bench.act(Action::ResumeTraining);
    assert!(bench.sent.is_empty() && bench.state.job.is_none());
    assert_eq!(bench.told(), ["it was trained on the bundled frames"]);
    bench.act(Action::UseBundledData(role));
    bench.deliver();
    bench.work();
    bench.act(Action::ResumeTraining);
    assert_eq!(resumed(&bench), Some((0, false)));
}

#[test]
fn a_training_ends_with_its_network_and_complains_once() {
    let mut bench = Bench::open();
    bench.act(Action::OpenModels(vec![file("mine.onnx")]));
    bench.work();
    let task = begin_training(&mut bench);
    for _ in 0..3 {
        bench.act(Action::NotKept(Error::new("no room")));
    }
    bench.act(Action::NotKept(Error::new("no room for variants")));
    assert_eq!(bench.told(), ["no room"]);
    train_epoch(&mut bench, task, 0);
    assert!(bench.kept.contains_key("mine.onnx"));
    bench.act(Action::CloseModel("opened-1".into()));
    assert!(bench.kept.is_empty());
}

#[test]
fn frames_on_their_way_are_fetched_again_if_others_are_wanted() {
    let mut bench = Bench::open();
    bench.act(Action::Train);
    assert!(bench.fetched.contains(&Resource::Frames(Role::Training)));
    bench.act(Action::CancelRun);
    let mut form = bench.state.train_form.clone();
    form.archives = 2;
    bench.act(Action::SetTraining(form));
    bench.act(Action::Train);
    let loading = bench.state.training.loading.as_ref();
    assert!(loading.is_some_and(|loading| loading.brings(2)), "{loading:?}");
    let asked = bench.fetched.iter().filter(|r| **r == Resource::Frames(Role::Training)).count();
    assert_eq!(asked, 1, "the first fetch is given up");
}

#[test]
fn the_chosen_losses_are_those_of_the_network_s_outputs_and_of_the_link() {
    let mut bench = Bench::open();
    let output = bench.state.inspection("plain").unwrap().outputs[0].name.clone();
    let mut form = bench.state.train_form.clone();
    form.losses = [(output.clone(), Loss::Huber), ("elsewhere".into(), Loss::L1)].into();
    bench.act(Action::SetTraining(form.clone()));
    begin_training(&mut bench);
    let losses = &bench.state.trainings["plain"].plan.losses;
    assert_eq!(losses.iter().collect::<Vec<_>>(), [(&output, &Loss::Huber)]);
    let link = bench.state.link().fragment();
    assert_eq!(Bench::open_by(&link).state.train_form.losses, form.losses);
}

#[test]
fn bundled_frames_come_with_the_table_of_their_values() {
    let mut bench = Bench::default();
    bench.start();
    let mut effects = Vec::new();
    bench.state.fetch_missing_data(Role::Validation, &mut effects);
    bench.perform(effects);
    bench.deliver();
    let loads = bench.sent.iter().find_map(|(_, request)| match &**request {
        Request::LoadData { files, .. } => {
            Some(files.iter().map(|file| file.name()).collect::<Vec<_>>())
        }
        _ => None,
    });
    assert_eq!(loads.unwrap(), ["frames/validation.zip", "frames/values.csv"]);
}

#[test]
fn a_training_that_fails_says_why_and_can_be_discarded() {
    let mut bench = Bench::open();
    let mut form = bench.state.train_form.clone();
    form.learning_rate = "fast".into();
    bench.act(Action::SetTraining(form.clone()));
    assert!(bench.state.train_fault().is_some() && !bench.state.can_train());
    form.learning_rate = "0,01".into();
    bench.act(Action::SetTraining(form));
    let task = begin_training(&mut bench);
    let error = Error::new("`Erf` cannot be trained");
    bench.act(Action::Heard { task, event: Box::new(Event::Failed { error }) });
    assert_eq!(bench.told(), ["`Erf` cannot be trained"]);
    let training = bench.state.trainings["plain"].clone();
    assert_eq!(training.plan.learning_rate, Some(0.01));
    assert!(training.end == Some(End::Paused) && !training.can_go_on());
    bench.act(Action::DiscardTraining);
    assert!(bench.state.trainings.is_empty());
}

#[test]
fn more_bundled_frames_are_fetched_when_they_are_wanted() {
    let mut bench = Bench::open();
    begin_training(&mut bench);
    bench.work();
    let mut form = bench.state.train_form.clone();
    form.archives = 2;
    bench.act(Action::SetTraining(form));
    bench.act(Action::Train);
    assert_eq!(bench.fetched, [Resource::Frames(Role::Training)]);
}
