//! What may be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::files;
use crate::error::{Context, Result};
use crate::report::node_data::Told;
use crate::vocabulary::driving::{Outputs, RoadTest};
use crate::vocabulary::plan::{Loss, Mirror, Optimizer, Plan, Scales, Schedule};
use crate::vocabulary::recipe::{
    ActivationType, Format, Granularity, Method, Recipe, Rounding, WeightRange,
};
use crate::vocabulary::task::{Bins, Judging, Task, named, tolerance};

mod labelling;
mod preprocessing;

pub(super) use labelling::LabellingOptions;
pub(super) use preprocessing::{PreprocessingOptions, joined};

/// Quantize driving networks to int8 and see what it costs.
#[derive(Debug, Parser)]
#[command(name = "steer8", version)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Print one JSON document instead of tables.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Show no progress.
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Inspect(Inspect),
    Evaluate(Evaluate),
    Quantize(Quantize),
    Train(Train),
    Analyze(Analyze),
    Search(Search),
    Compare(Compare),
    Drive(Drive),
}

/// List a network's layers, shapes, parameters and multiply-accumulates.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// An ONNX file.
    pub(super) model: PathBuf,
    /// Write a figure of each node here, which Model Explorer lays over the graph: macs, params, bits (of
    /// the weights) or output (its numbers for one frame); may be given several times [default figure: macs].
    #[arg(long, value_name = "[FIGURE=]FILE", value_parser = node_data::<NodeFigure>)]
    pub(super) node_data: Vec<(NodeFigure, PathBuf)>,
}

/// What a node of a network is told to have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum NodeFigure {
    #[default]
    Macs,
    Params,
    Bits,
    Output,
}

/// A file, and in front of it which figure it is to have, where that is not the usual one.
fn node_data<T: ValueEnum + Default>(text: &str) -> Result<(T, PathBuf), String> {
    let Some((name, path)) = text.split_once('=') else {
        return Ok((T::default(), text.into()));
    };
    let figure = T::from_str(name, false).map_err(|_| {
        let known = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let known: Vec<_> = known.map(|value| value.get_name().to_owned()).collect();
        format!("`{name}` is no figure of a node: {} are", known.join(", "))
    })?;
    Ok((figure, path.into()))
}

/// Run a network on labelled frames.
#[derive(Debug, Args)]
pub(super) struct Evaluate {
    /// An ONNX file, float or int8.
    pub(super) model: PathBuf,
    /// Labelled frames: an npz with x and y, a folder of images (in class folders, with a CSV of labels,
    /// Donkeycar's tub, or with labels in their names), or a zip of one
    /// [default: the bundled validation frames].
    #[arg(long, value_name = "DATA")]
    pub(super) data: Option<PathBuf>,
    /// The float network that the answers are compared with.
    #[arg(long, value_name = "MODEL")]
    pub(super) float: Option<PathBuf>,
    /// Write the answers here: float32, a row for each frame with the numbers of all outputs side by
    /// side, in numpy's .npy format; or a CSV whose rows begin with the frame's file. With it the frames
    /// need no labels.
    #[arg(long, value_name = "P.npy|P.csv")]
    pub(super) predictions: Option<PathBuf>,
    /// Write the milliseconds of each node here, which Model Explorer lays over the graph.
    #[arg(long, value_name = "FILE")]
    pub(super) node_data: Option<PathBuf>,
    #[command(flatten)]
    pub(super) labelling: LabellingOptions,
    #[command(flatten)]
    pub(super) preprocessing: PreprocessingOptions,
    #[command(flatten)]
    pub(super) judging: JudgingOptions,
}

/// Quantize a float network to int8.
#[derive(Debug, Args)]
pub(super) struct Quantize {
    /// A float ONNX file.
    pub(super) model: PathBuf,
    /// The int8 ONNX file to write.
    #[arg(short, long, value_name = "OUT")]
    pub(super) output: PathBuf,
    /// Write here how each tensor is quantized, as ONNX Runtime's quantizer takes it: the JSON of its extra
    /// option TensorQuantOverrides.
    #[arg(long, value_name = "FILE.json")]
    pub(super) overrides: Option<PathBuf>,
    /// Take types, bits and ranges of tensors from such a file, made by whatever tool; what a recipe can't
    /// say of them is an error.
    #[arg(long, value_name = "FILE.json")]
    pub(super) overrides_from: Option<PathBuf>,
    #[command(flatten)]
    pub(super) calibration: CalibrationOptions,
    #[command(flatten)]
    pub(super) labelling: LabellingOptions,
    #[command(flatten)]
    pub(super) preprocessing: PreprocessingOptions,
    #[command(flatten)]
    pub(super) recipe: RecipeOptions,
}

/// Train a float network for its quantization, on labelled frames, and write the int8 network.
///
/// One frame in ten is held out of training and chooses the best epoch. Ctrl-C ends with the best so
/// far. Learned scales below 8 bits start from the range with the least squared error: those of weights
/// whatever --weight-range says, those of activations unless --method names another than minmax.
#[derive(Debug, Args)]
pub(super) struct Train {
    /// A float ONNX file.
    pub(super) model: PathBuf,
    /// The int8 ONNX file to write.
    #[arg(short, long, value_name = "OUT")]
    pub(super) output: PathBuf,
    /// Labelled frames to train on: an npz with x and y, a folder of class folders of images, or a
    /// zip of one [default: the bundled training frames].
    #[arg(long, value_name = "DATA")]
    pub(super) training: Option<PathBuf>,
    /// Labelled frames to measure the result on [default: those held out of training].
    #[arg(long, value_name = "DATA")]
    pub(super) validation: Option<PathBuf>,
    /// Frames to calibrate the starting point on [default: the bundled calibration frames; with
    /// --training, 512 of its frames that train].
    #[arg(long, value_name = "DATA")]
    pub(super) calibration: Option<PathBuf>,
    #[command(flatten)]
    pub(super) labelling: LabellingOptions,
    #[command(flatten)]
    pub(super) preprocessing: PreprocessingOptions,
    /// Threads that train; the result does not depend on their number [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) threads: Option<u32>,
    #[command(flatten)]
    pub(super) judging: JudgingOptions,
    #[command(flatten)]
    pub(super) plan: PlanOptions,
    #[command(flatten)]
    pub(super) recipe: RecipeOptions,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Training options")]
pub(super) struct PlanOptions {
    /// Train for exactly so many epochs [default: until the loss on held-out frames falls no more].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Frames of a step [default: 64].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// How parameters are moved [default: adam].
    #[arg(long)]
    optimizer: Option<Optimizer>,
    /// The highest learning rate [default: 0.01 for sgd; for adam 0.001, of
    /// values 0.0001].
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f32>,
    /// Of --optimizer sgd [default: 0.9].
    #[arg(long, value_name = "SHARE")]
    momentum: Option<f32>,
    /// Of weights [default: 0.0001].
    #[arg(long, value_name = "SHARE")]
    weight_decay: Option<f32>,
    /// How the learning rate runs over --epochs [default: one-cycle].
    #[arg(long, requires = "epochs")]
    schedule: Option<Schedule>,
    /// Epochs in which the learning rate rises, except along one cycle [default: 0.5].
    #[arg(long, value_name = "EPOCHS")]
    warm_up: Option<f32>,
    /// Where scales come from [default: learned].
    #[arg(long)]
    scales: Option<Scales>,
    /// Epochs after which ranges that follow an average stay [default: 3].
    #[arg(long, value_name = "N")]
    freeze_observers: Option<u32>,
    /// Epochs after which BatchNormalization is frozen and folded [default: 4; with --equalize it is
    /// folded from the start].
    #[arg(long, value_name = "N")]
    freeze_batch_norm: Option<u32>,
    /// Share of every label that goes evenly to all classes [default: 0.05].
    #[arg(long, value_name = "SHARE")]
    label_smoothing: Option<f32>,
    /// Share of the loss that is the distance from the float network's answers [default: 0].
    #[arg(long, value_name = "SHARE")]
    distillation: Option<f32>,
    /// Divides logits before they are compared for distillation [default: 2].
    #[arg(long, value_name = "T")]
    temperature: Option<f32>,
    /// How far answers are from labels: mse, huber, l1 or cross-entropy; for all outputs, or as
    /// angle=huber,light=cross-entropy by their names [default: cross-entropy for classes, mse for
    /// values].
    #[arg(long, value_name = "LOSS", value_delimiter = ',', value_parser = named::<Loss>)]
    loss: Vec<(Option<String>, Loss)>,
    /// What an output's loss is multiplied with, as angle=10 [default: 1].
    #[arg(long, value_name = "NAME=W", value_delimiter = ',', value_parser = weighted)]
    loss_weight: Vec<(String, f32)>,
    /// Show half of the frames mirrored, these two classes exchanged, or the sign of this value changed,
    /// as steering:-steering; may be given several times [default: what turns in the bundled
    /// frames, 1:2, right and left, or steering].
    #[arg(long, value_name = "A:B", value_parser = side)]
    mirror: Vec<Side>,
    /// Show no frame mirrored.
    #[arg(long, conflicts_with = "mirror")]
    no_mirror: bool,
    /// Train on so many of the frames [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    frames: Option<u32>,
}

/// Two classes.
fn points(text: &str) -> Result<f64, String> {
    let points = text.parse::<f64>().ok().filter(|points| points.is_finite());
    points.ok_or_else(|| "not a number of points, such as 0.5".into())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| share.is_finite() && *share > 0.0);
    share.ok_or_else(|| "not a share, such as 0.99".into())
}

/// What a mirror changes.
#[derive(Debug, Clone)]
enum Side {
    Classes([usize; 2]),
    /// Its sign.
    Value(String),
}

fn side(text: &str) -> Result<Side, String> {
    let classes = text.split_once(':').and_then(|(a, b)| Some([a.parse().ok()?, b.parse().ok()?]));
    // A name may have a colon, too.
    let name = text.split_at_checked((text.len().max(2) - 2) / 2);
    let value = name.filter(|(name, rest)| !name.is_empty() && *rest == format!(":-{name}"));
    let value = value.map(|(name, _)| Side::Value(name.to_owned()));
    classes.map(Side::Classes).or(value).ok_or_else(|| {
        "two class numbers are expected, such as 1:2, or a value and its opposite, such as \
         steering:-steering"
            .into()
    })
}

fn weighted(text: &str) -> Result<(String, f32), String> {
    let weight =
        text.rsplit_once('=').and_then(|(name, w)| Some((name.to_owned(), w.parse().ok()?)));
    weight.ok_or_else(|| "an output and a weight are expected, such as angle=10".into())
}

impl PlanOptions {
    /// The default plan with the options laid over it; `seed` is the recipe's.
    pub(super) fn plan(&self, judging: Judging, seed: u64) -> Result<Plan> {
        let default = Plan::default();
        let count = |option: Option<u32>, default| option.map_or(default, |n| n as usize);
        let (mut classes, mut values) = (Vec::new(), Vec::new());
        for side in &self.mirror {
            match side {
                Side::Classes(pair) => classes.push(*pair),
                Side::Value(name) => values.push(name.clone()),
            }
        }
        let mirror = match (&self.mirror[..], self.no_mirror) {
            (_, true) => Mirror::Off,
            ([], false) => Mirror::Auto,
            _ if values.is_empty() => Mirror::Classes(classes),
            _ => Mirror::Sides { classes, values },
        };
        let named = |(name, loss): &(Option<String>, Loss)| Some((name.clone()?, *loss));
        let all = self.loss.iter().filter(|(name, _)| name.is_none());
        let plan = Plan {
            version: Plan::VERSION,
            epochs: self.epochs.map(|n| n as usize),
            batch: count(self.batch, default.batch),
            optimizer: self.optimizer.unwrap_or_default(),
            learning_rate: self.learning_rate,
            momentum: self.momentum.unwrap_or(default.momentum),
            weight_decay: self.weight_decay.unwrap_or(default.weight_decay),
            schedule: self.schedule.unwrap_or_default(),
            warm_up: self.warm_up.unwrap_or(default.warm_up),
            scales: self.scales.unwrap_or_default(),
            freeze_observers: count(self.freeze_observers, default.freeze_observers),
            freeze_batch_norm: count(self.freeze_batch_norm, default.freeze_batch_norm),
            label_smoothing: self.label_smoothing.unwrap_or(default.label_smoothing),
            distillation: self.distillation.unwrap_or(default.distillation),
            temperature: self.temperature.unwrap_or(default.temperature),
            mirror,
            judging,
            loss: all.map(|(_, loss)| *loss).next_back(),
            losses: self.loss.iter().filter_map(named).collect(),
            loss_weights: self.loss_weight.iter().cloned().collect(),
            frames: self.frames.map(|n| n as usize),
            held_out: default.held_out,
            seed,
        };
        plan.check()?;
        Ok(plan)
    }
}

/// Show what a recipe does to a network, layer by layer.
#[derive(Debug, Args)]
pub(super) struct Analyze {
    /// Let the network drive so many tracks of CarRacing, too, with each layer quantized alone and each alone
    /// in float: which layer costs return.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) drive: Option<u32>,
    /// Write a figure of each layer here, which Model Explorer lays over the graph: damage (squared error of
    /// the answers, it alone quantized), lost (points of top-1, or error), sqnr, bits, macs or, with --drive,
    /// return; may be given several times [default figure: damage].
    #[arg(long, value_name = "[FIGURE=]FILE", value_parser = node_data::<Told>)]
    pub(super) node_data: Vec<(Told, PathBuf)>,
    #[command(flatten)]
    pub(super) on: Analysis,
}

/// A recipe on a network, and what it is measured on.
#[derive(Debug, Args)]
pub(super) struct Analysis {
    /// A float ONNX file.
    pub(super) model: PathBuf,
    /// Frames to measure on: an npz with x and y, a folder of class folders of images, or a zip of
    /// one [default: the bundled validation frames].
    #[arg(long, value_name = "DATA")]
    pub(super) data: Option<PathBuf>,
    /// Measure on so many of them [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) frames: Option<u32>,
    #[command(flatten)]
    pub(super) calibration: CalibrationOptions,
    #[command(flatten)]
    pub(super) labelling: LabellingOptions,
    #[command(flatten)]
    pub(super) preprocessing: PreprocessingOptions,
    #[command(flatten)]
    pub(super) judging: JudgingOptions,
    #[command(flatten)]
    pub(super) road: RoadOptions,
    #[command(flatten)]
    pub(super) recipe: RecipeOptions,
}

/// Search the recipe that meets a target: bits of each layer, methods, corrections.
///
/// The recipe options say where it starts; their widths are the lowest that it goes to. With
/// --max-drop, --max-rise or --min-return it looks for the fewest bit operations, else for the least damage within the
/// budget. It works on one half of the frames and says how the result does on the other.
#[derive(Debug, Args)]
pub(super) struct Search {
    #[command(flatten)]
    pub(super) analysis: Analysis,
    /// Write the best recipe here, again whenever there is a better one.
    #[arg(short, long, value_name = "RECIPE.json")]
    pub(super) output: Option<PathBuf>,
    /// Points of top-1 accuracy that may be lost.
    #[arg(long, value_name = "POINTS", value_parser = points, required_unless_present_any = ["max_rise", "min_return", "max_bytes", "max_bops"])]
    pub(super) max_drop: Option<f64>,
    /// Per cent by which the mean absolute error of values may rise.
    #[arg(long, value_name = "PERCENT", value_parser = points)]
    pub(super) max_rise: Option<f64>,
    /// Share of the float network's return that is to be kept, driving CarRacing on the same tracks.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(super) min_return: Option<f64>,
    /// Tracks that a trial drives at most, as the best ones do; few where few say that too little is kept.
    #[arg(long, value_name = "N", default_value_t = 32, requires = "min_return", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) tracks: u32,
    /// So many tracks behind those, which have chosen nothing, say whether the target holds.
    #[arg(long, value_name = "N", default_value_t = 40, requires = "min_return")]
    pub(super) unseen_tracks: u32,
    /// Threads that drive; the result does not depend on their number [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) threads: Option<u32>,
    /// Bytes that the file may have.
    #[arg(long, value_name = "N")]
    pub(super) max_bytes: Option<u64>,
    /// Bit operations (MACs x weight bits x activation bits) that a frame may take.
    #[arg(long, value_name = "N")]
    pub(super) max_bops: Option<u64>,
    /// Stop after so long, with the best so far.
    #[arg(long, value_name = "S")]
    pub(super) seconds: Option<u32>,
}

/// Quantize networks and measure float beside int8.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// ONNX files [default: the bundled networks]. A float network is quantized and compared with
    /// the result; an int8 one is compared with the float network named before it.
    #[arg(value_name = "MODEL")]
    pub(super) models: Vec<PathBuf>,
    /// Labelled frames: an npz with x and y, a folder of images (in class folders, with a CSV of labels,
    /// Donkeycar's tub, or with labels in their names), or a zip of one
    /// [default: the bundled validation frames].
    #[arg(long, value_name = "DATA")]
    pub(super) data: Option<PathBuf>,
    #[command(flatten)]
    pub(super) calibration: CalibrationOptions,
    #[command(flatten)]
    pub(super) labelling: LabellingOptions,
    #[command(flatten)]
    pub(super) preprocessing: PreprocessingOptions,
    /// Let all of them drive so many tracks of CarRacing, too.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) drive: Option<u32>,
    #[command(flatten)]
    pub(super) road: RoadOptions,
    #[command(flatten)]
    pub(super) judging: JudgingOptions,
    #[command(flatten)]
    pub(super) written: ReportOptions,
    #[command(flatten)]
    pub(super) recipe: RecipeOptions,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Report options")]
pub(super) struct ReportOptions {
    /// Write a report here, to be handed on: one HTML file with tables and charts, which reads without a
    /// script and loads nothing.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Write the same here as Markdown, without charts.
    #[arg(long, value_name = "FILE")]
    pub(super) markdown: Option<PathBuf>,
    /// Write every figure of --json here, unrounded: a line for each, a column for each variant.
    #[arg(long, value_name = "FILE")]
    pub(super) csv: Option<PathBuf>,
}

impl ReportOptions {
    /// All that is to be written.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.html.iter().chain(&self.markdown).chain(&self.csv)
    }
}

/// Let networks drive CarRacing-v3, all the same tracks, and compare them in pairs.
///
/// A network of five scores chooses among the discrete actions (nothing, right, left, gas, brake); for one
/// of values --outputs says what they are. It waits 50 steps, until the camera has zoomed in, then decides
/// every third. Pictures are uint8, 96x96, and enter as frames do; with --stack the last so many decisions'
/// pictures, the newest last, the first repeated at the start. Ctrl-C ends with the drives that are done.
///
/// With --replay no network drives, but recorded actions, as in Gymnasium's environment.
#[derive(Debug, Args)]
pub(super) struct Drive {
    /// ONNX files [default: the bundled networks].
    #[arg(value_name = "MODEL")]
    pub(super) models: Vec<PathBuf>,
    /// How many tracks each network drives.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) tracks: u32,
    /// Threads that drive; the result does not depend on their number [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) threads: Option<u32>,
    #[command(flatten)]
    pub(super) preprocessing: PreprocessingOptions,
    #[command(flatten)]
    pub(super) road: RoadOptions,
    #[command(flatten)]
    pub(super) replay: ReplayOptions,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Driving options")]
pub(super) struct RoadOptions {
    /// The first track's seed; the others follow [default: 20000].
    #[arg(long, value_name = "SEED")]
    from: Option<u64>,
    /// Steps of an episode at most, 50 a second [default: 1000].
    #[arg(long, value_name = "N")]
    steps: Option<u32>,
    /// Steps for which a decision is kept [default: 3].
    #[arg(long, value_name = "N")]
    frame_skip: Option<u32>,
    /// What the outputs of a network of values say, number by number: steering (-1 left to 1 right), gas and
    /// brake (0 to 1), each with a sign and a factor where its own scale is another, as -steering*0.5, and _
    /// for a number that is not used [default: what outputs set that are called so].
    #[arg(long, value_name = "steering,gas,brake", allow_hyphen_values = true)]
    outputs: Option<Outputs>,
    /// The speed that a fixed rule keeps where no output says the gas, in units a second [default: 40].
    #[arg(long, value_name = "V")]
    target_speed: Option<f64>,
}

impl RoadOptions {
    /// The default with the options laid over it; how frames enter is known once the networks are.
    pub(super) fn road_test(&self, tracks: u32) -> Result<RoadTest> {
        let default = RoadTest::default();
        let count = |option: Option<u32>, default| option.map_or(default, |n| n as usize);
        let test = RoadTest {
            tracks: tracks as usize,
            from: self.from.unwrap_or(default.from),
            steps: count(self.steps, default.steps),
            frame_skip: count(self.frame_skip, default.frame_skip),
            outputs: self.outputs.clone(),
            target_speed: self.target_speed.unwrap_or(default.target_speed),
            preprocessing: None,
        };
        test.check()?;
        Ok(test)
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Replay options")]
pub(super) struct ReplayOptions {
    /// Step by these actions: whole numbers of shape [N] (0 nothing, 1 right, 2 left, 3 gas, 4 brake), or
    /// floats of shape [N, 3] (steering, gas, brake). It goes on behind the episode's end, as Gymnasium does.
    #[arg(long, value_name = "ACTIONS.npy", requires_all = ["seed", "states"], conflicts_with = "models")]
    pub(super) replay: Option<PathBuf>,
    /// The track.
    #[arg(long, value_name = "S", requires = "replay")]
    pub(super) seed: Option<u64>,
    /// Write x, y and angle of the hull, and the reward, after each step here: float64, N x 4.
    #[arg(long, value_name = "OUT.npy", requires = "replay")]
    pub(super) states: Option<PathBuf>,
    /// Write pictures here: uint8, N x 96 x 96 x 3, as `x`.
    #[arg(long, value_name = "OUT.npz", requires_all = ["replay", "every"])]
    pub(super) frames: Option<PathBuf>,
    /// Before steps 0, K, 2K, ...
    #[arg(long, value_name = "K", requires = "frames", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) every: Option<u32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Task options")]
pub(super) struct JudgingOptions {
    /// What the outputs say: classes (a score for each), values (such as an angle), or none (only how far
    /// they move is measured); for all outputs, or as angle=values,light=classes by their names
    /// [default: recognized by the labels].
    #[arg(long, value_name = "TASK", value_delimiter = ',', value_parser = named::<Task>)]
    task: Vec<(Option<String>, Task)>,
    /// The values that an output's classes stand for: the first, the last and how many, as
    /// angle=-1:1:15. Labels are values then.
    #[arg(long, value_name = "NAME=A:B:N", value_delimiter = ',', value_parser = binned)]
    bins: Vec<(String, Bins)>,
    /// How far from its label a value may be to be counted as right.
    #[arg(long, value_name = "T", value_parser = tolerance)]
    tolerance: Option<f64>,
}

impl JudgingOptions {
    pub(super) fn judging(&self) -> Judging {
        let all = self.task.iter().filter(|(name, _)| name.is_none());
        let named = |(name, task): &(Option<String>, Task)| Some((name.clone()?, *task));
        Judging {
            task: all.map(|(_, task)| *task).next_back(),
            outputs: self.task.iter().filter_map(named).collect(),
            bins: self.bins.iter().cloned().collect(),
            tolerance: self.tolerance,
        }
    }
}

fn binned(text: &str) -> Result<(String, Bins), String> {
    match named(text)? {
        (Some(name), bins) => Ok((name, bins)),
        (None, _) => Err("whose bins? Say NAME=A:B:N".into()),
    }
}

#[derive(Debug, Args)]
pub(super) struct CalibrationOptions {
    /// Frames to calibrate on, as for --data; labels are not needed [default: the bundled
    /// calibration frames].
    #[arg(long, value_name = "DATA")]
    pub(super) calibration: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Recipe options")]
pub(super) struct RecipeOptions {
    /// How ranges are found [default: minmax].
    #[arg(long)]
    method: Option<Method>,
    /// Per cent of the values that --method percentile keeps [default: 99.999].
    #[arg(long, value_name = "P")]
    percentile: Option<f64>,
    /// One scale per output channel or per weight tensor [default: per-channel].
    #[arg(long)]
    weights: Option<Granularity>,
    /// How the ranges of weights are found [default: minmax].
    #[arg(long, value_name = "METHOD")]
    weight_range: Option<WeightRange>,
    /// Weights with a zero point; with --weights per-tensor.
    #[arg(long)]
    asymmetric_weights: bool,
    /// Bits of the weights, 2 to 8 [default: 8].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=8))]
    weight_bits: Option<u32>,
    /// Bits of the activations, 2 to 8; the network's input and its logits keep 8 [default: 8].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=8))]
    activation_bits: Option<u32>,
    /// The integer type of activations [default: u8].
    #[arg(long)]
    activations: Option<ActivationType>,
    /// Symmetric activations.
    #[arg(long)]
    symmetric: bool,
    /// Weights of -64 to 64, for machines whose u8 x i8 products saturate.
    #[arg(long)]
    reduce_range: bool,
    /// QDQ pairs around float operators, or integer operators [default: qdq].
    #[arg(long)]
    format: Option<Format>,
    /// Even out the ranges of neighbouring layers' channels first.
    #[arg(long)]
    equalize: bool,
    /// Take the mean error of each layer's output off its bias (of Conv and Gemm).
    #[arg(long)]
    bias_correction: bool,
    /// How weights are rounded; those of ConvTranspose to the nearest integer always [default: nearest].
    #[arg(long)]
    rounding: Option<Rounding>,
    /// Keep this node in float; may be given several times.
    #[arg(long, value_name = "NODE")]
    keep_float: Vec<String>,
    /// Calibrate on so many of the frames [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    samples: Option<u32>,
    /// Which frames --samples picks, the order in which AdaRound sees them, and all that is random in
    /// training [default: 0].
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// A recipe in JSON, as --json prints it; the other options change it.
    #[arg(long, value_name = "FILE.json")]
    pub(super) recipe: Option<PathBuf>,
}

impl Command {
    /// What clap cannot tell: options that contradict each other.
    ///
    /// # Errors
    /// That. A recipe file is read, and checked, by the command itself.
    pub(super) fn check(&self) -> Result<()> {
        let (recipe, plan) = match self {
            Self::Inspect(_) | Self::Evaluate(_) => return Ok(()),
            Self::Drive(drive) => {
                return drive.road.road_test(drive.tracks).map(drop);
            }
            Self::Analyze(analyze) => (&analyze.on.recipe, None),
            Self::Search(search) => (&search.analysis.recipe, None),
            Self::Quantize(quantize) => (&quantize.recipe, None),
            Self::Compare(compare) => (&compare.recipe, None),
            Self::Train(train) => (&train.recipe, Some(&train.plan)),
        };
        if recipe.recipe.is_none() {
            recipe.recipe()?;
        }
        plan.map_or(Ok(()), |plan| plan.plan(Judging::default(), 0).map(drop))
    }
}

impl RecipeOptions {
    /// The recipe file, or else the default, with the other options laid over it.
    pub(super) fn recipe(&self) -> Result<Recipe> {
        let mut recipe = match &self.recipe {
            None => Recipe::default(),
            Some(path) => {
                let file = files::read(path)?;
                Recipe::from_json(&file.bytes).in_file(&file.name)?
            }
        };
        fn set<T: Copy>(field: &mut T, option: Option<T>) {
            *field = option.unwrap_or(*field);
        }
        set(&mut recipe.method, self.method);
        set(&mut recipe.percentile, self.percentile);
        set(&mut recipe.weights, self.weights);
        set(&mut recipe.weight_range, self.weight_range);
        set(&mut recipe.weight_bits, self.weight_bits);
        set(&mut recipe.activation_bits, self.activation_bits);
        set(&mut recipe.activations, self.activations);
        set(&mut recipe.format, self.format);
        set(&mut recipe.rounding, self.rounding);
        set(&mut recipe.seed, self.seed);
        recipe.asymmetric_weights |= self.asymmetric_weights;
        recipe.symmetric |= self.symmetric;
        recipe.reduce_range |= self.reduce_range;
        recipe.equalize |= self.equalize;
        recipe.bias_correction |= self.bias_correction;
        recipe.keep_float.extend(self.keep_float.iter().cloned());
        if let Some(samples) = self.samples {
            recipe.samples = Some(samples as usize);
        }
        recipe.check()?;
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    fn recipe(options: &[&str]) -> Result<Recipe> {
        let start = ["steer8", "quantize", "net.onnx", "-o", "out.onnx"];
        match Arguments::parse_from(start.iter().chain(options)).command {
            Command::Quantize(quantize) => quantize.recipe.recipe(),
            command => panic!("{command:?}"),
        }
    }

    #[test]
    fn a_size_goes_with_its_option_and_nothing_else_does() {
        let joined = |words: &str| joined(words.split(' ').map(Into::into));
        assert_eq!(joined("inspect --resize 200x66 a"), ["inspect", "--resize=200x66", "a"]);
        assert_eq!(joined("--resize net.onnx 2x2"), ["--resize", "net.onnx", "2x2"]);
        assert_eq!(joined("--resize 200 x"), ["--resize", "200", "x"]);
    }

    #[test]
    fn without_options_the_recipe_is_the_default() {
        assert_eq!(recipe(&[]).unwrap(), Recipe::default());
    }

    #[test]
    fn options_change_the_recipe_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        std::fs::write(path, r#"{"samples": 9, "seed": 4, "keep_float": ["a"]}"#).unwrap();
        let options = [
            "--recipe",
            path,
            "--weights",
            "per-tensor",
            "--activations",
            "i8",
            "--symmetric",
            "--reduce-range",
            "--keep-float",
            "b",
            "--keep-float",
            "c",
            "--seed",
            "5",
        ];
        assert_eq!(
            recipe(&options).unwrap(),
            Recipe {
                weights: Granularity::PerTensor,
                activations: ActivationType::I8,
                symmetric: true,
                reduce_range: true,
                keep_float: ["a", "b", "c"].map(Into::into).into(),
                samples: Some(9),
                seed: 5,
                ..Recipe::default()
            }
        );
        std::fs::write(path, r#"{"colour": "red"}"#).unwrap();
        let error = recipe(&["--recipe", path]).unwrap_err();
        assert!(error.what.contains("colour"), "{error}");
        assert_eq!(error.file.as_deref(), Some(path));
    }
}
