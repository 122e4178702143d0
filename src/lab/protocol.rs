//! What a shell (page or command line) asks of the lab, and what it hears back.
//!
//! Every request ends with exactly one event for which [`Event::is_final`] holds; progress and
//! partial results come before it. The messages are plain data, so that they cross a worker's
//! boundary; files go as bytes.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::error::Error;
use crate::report::overrides::Tensors;
use crate::vocabulary::analysis::Analysis;
use crate::vocabulary::driving::{Drives, RoadSearch, RoadTest, Track};
use crate::vocabulary::entering::Entering;
use crate::vocabulary::file::{File, Source};
use crate::vocabulary::frames::{DataSummary, Picture};
use crate::vocabulary::plan::Plan;
use crate::vocabulary::quantization::{LeftInFloat, TensorInfo};
use crate::vocabulary::reading::Reading;
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::report::{FrameClasses, Report, Series};
use crate::vocabulary::search::{Found, Target, Trial};
use crate::vocabulary::stage::{By, Ground, Kind, Labelled, Leg};
use crate::vocabulary::task::Judging;
use crate::vocabulary::training::{Checkpoint, Epoch, Resume};

/// Raised when a message changes its meaning; page and worker of different versions refuse to talk.
pub const VERSION: u32 = 7;

/// The shell's name for a loaded network: anything, unique within a lab.
pub type ModelId = String;

/// Frames that calibrate the starting point of a training that was given no others.
pub const CALIBRATION_OF_TRAINING: usize = 512;

/// What a data set is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Calibration,
    Validation,
    /// Labelled, to train on.
    Training,
}

impl Role {
    /// What its frames are called, and what the browser keeps them by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calibration => "calibration",
            Self::Validation => "validation",
            Self::Training => "training",
        }
    }
}

/// What a shell wants of a training besides the trained network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainOptions {
    /// Measure the result beside the float network: on the validation frames, without any on those
    /// held out of training.
    pub measure: bool,
    /// Tell checkpoints by [`Event::Checkpoint`].
    pub checkpoints: bool,
    pub resume: Option<Resume>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// `beside`: files that may have its weights, named from the network's folder.
    /// Ends with [`Event::ModelLoaded`]. Replaces a network of the same id. The files are shared with who asks: the
    /// page has what a fresh worker would be told again.
    LoadModel { model: ModelId, file: Rc<File>, beside: Vec<Rc<File>> },
    /// The names in a network's file. Ends with [`Event::Tensors`].
    Tensors { model: ModelId },
    /// Lets a network go. Ends with [`Event::Forgotten`], also where there is none.
    Forget { model: ModelId },
    /// One npz, one zip, several of one of these (their frames one after another), or the files of a folder:
    /// images, and what has their labels. Ends with [`Event::DataLoaded`].
    LoadData { role: Role, files: Vec<Source>, reading: Reading },
    /// Pictures of some validation frames. Ends with [`Event::Frames`].
    Frames { indices: Vec<usize> },
    /// What a network says about some validation frames. Ends with [`Event::Predictions`].
    Predict { model: ModelId, indices: Vec<usize> },
    /// Quantizes `model` on the calibration frames and loads the result as `into`.
    /// Ends with [`Event::Quantized`].
    Quantize { model: ModelId, recipe: Recipe, into: ModelId },
    /// What `recipe` does to `model`, tensor by tensor and layer by layer: calibrated on the
    /// calibration frames, measured on the first `frames` validation frames (`None`: all).
    /// Ends with [`Event::Analyzed`].
    Analyze {
        model: ModelId,
        recipe: Recipe,
        judging: Judging,
        frames: Option<usize>,
        /// Let all that is measured drive, too.
        road: Option<RoadTest>,
    },
    /// Searches the recipe that meets `target`, starting from `recipe`, on `frames` of one half of the
    /// validation frames; what it finds is measured on the other half, too; where a return is wanted, on tracks. Every trial is told by [`Event::Tried`]. Ends with [`Event::Searched`];
    /// cancelled once something was tried, too, with the best so far.
    Search {
        model: ModelId,
        recipe: Recipe,
        target: Target,
        judging: Judging,
        frames: Option<usize>,
        /// Of searches that want a return.
        road: RoadSearch,
    },
    /// Trains `model` on the training frames for `recipe` and loads the quantized result as `into`.
    /// The starting point is calibrated on the calibration frames, without any on
    /// [`CALIBRATION_OF_TRAINING`] of the frames that train. Every epoch is told by [`Event::Epoch`].
    /// Ends with [`Event::Trained`]; cancelled once an epoch is done, too, with the best so far.
    Train { model: ModelId, recipe: Recipe, plan: Plan, into: ModelId, options: TrainOptions },
    /// Runs one network on the validation frames; `float` names the network it is compared with.
    /// Frames without labels give a report without accuracy. Ends with [`Event::Evaluated`].
    Evaluate { model: ModelId, float: Option<ModelId>, judging: Judging },
    /// The track of a seed, to be looked at. Ends with [`Event::Ground`].
    Ground { seed: u64 },
    /// So many decisions more from where a drive stood, which is a [`Ground`]'s start or the end of a
    /// [`Leg`]. Ends with [`Event::DroveOn`].
    DriveOn { by: By, from: ByteBuf, decisions: usize, test: RoadTest },
    /// What a network would do with a picture, 96 x 96 x 3 bytes, at a speed. Ends with [`Event::Saw`].
    See { model: ModelId, seen: ByteBuf, speed: f32, test: RoadTest },
    /// A file of frames: an npz, or a zip of class folders. Ends with [`Event::Packed`].
    Pack { frames: Vec<Labelled>, kind: Kind },
    /// What a network gets of the frames of a set. Ends with [`Event::Entering`].
    Entering { model: ModelId, role: Role },
    /// Measures the networks on the validation frames, interleaved; the first float network is the
    /// one the others are compared with. While they are timed, [`Event::Timed`] tells how long they take.
    /// Ends with [`Event::Compared`].
    Compare { models: Vec<ModelId>, judging: Judging },
    /// Lets the networks drive the same tracks. Every drive is told by [`Event::Drove`]. Ends with
    /// [`Event::Driven`]; cancelled once something was driven, too, with what is done.
    Drive { models: Vec<ModelId>, test: RoadTest },
    /// Steps along track `seed` by the actions in an .npy file: whole numbers N, or floats N x 3; with a
    /// picture before every so many of them. Ends with [`Event::Replayed`].
    Replay { actions: File, seed: u64, every: Option<usize> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Progress(Progress),
    ModelLoaded {
        model: ModelId,
        inspection: Inspection,
        /// Hexadecimal SHA-256 of the file.
        sha256: String,
    },
    Tensors {
        model: ModelId,
        tensors: Tensors,
    },
    Forgotten {
        model: ModelId,
    },
    DataLoaded {
        role: Role,
        summary: DataSummary,
        /// Hexadecimal SHA-256 of what tells the set from others.
        fingerprint: String,
    },
    Frames {
        frames: Vec<Picture>,
    },
    Predictions {
        model: ModelId,
        predictions: Vec<Prediction>,
    },
    Quantized {
        model: ModelId,
        file: File,
        summary: QuantizationSummary,
        inspection: Inspection,
    },
    Analyzed {
        model: ModelId,
        analysis: Analysis,
    },
    /// A recipe that a search has tried; the search goes on.
    Tried {
        model: ModelId,
        trial: Trial,
    },
    Searched {
        model: ModelId,
        found: Found,
    },
    /// An epoch of training, of the starting point (0) first; training goes on. Resumed, it tells
    /// those before again.
    Epoch {
        model: ModelId,
        epoch: Epoch,
    },
    /// From here the training can be resumed.
    Checkpoint {
        model: ModelId,
        checkpoint: Checkpoint,
    },
    Trained {
        model: ModelId,
        file: File,
        inspection: Inspection,
        training: Box<TrainingSummary>,
        /// The float network, then the trained one, if they were to be measured; or why they could
        /// not be, which does not undo the training.
        measured: Option<Result<Box<BesideFloat>, Error>>,
    },
    /// `logits`: for each frame the numbers of all outputs, side by side, which are called `numbers`;
    /// `frames`: the frames' files, none where they have no files of their own.
    Evaluated {
        report: Report,
        logits: Vec<Vec<f32>>,
        numbers: Vec<String>,
        frames: Vec<String>,
    },
    /// Further milliseconds per inference of each network, in the order of the request.
    Timed {
        ms: Vec<Vec<f32>>,
    },
    Compared {
        reports: Vec<Report>,
        verdict: String,
        /// Values over the frames, for drawing.
        series: Vec<Series>,
        /// Classes over the frames, where the first network gives them.
        classes: Option<FrameClasses>,
    },
    /// A network has driven a track, of all tracks and networks in no order; the others go on.
    Drove {
        model: ModelId,
        track: Track,
    },
    Driven {
        drives: Drives,
    },
    Entering {
        model: ModelId,
        role: Role,
        entering: Box<Entering>,
    },
    Replayed {
        replay: Replay,
    },
    Ground {
        ground: Ground,
    },
    DroveOn {
        leg: Leg,
    },
    /// All numbers of its outputs; steering, gas and brake.
    Saw {
        answer: Vec<f32>,
        controls: [f32; 3],
    },
    Packed {
        file: File,
    },
    Failed {
        error: Error,
    },
}

impl Event {
    /// Whether the request that caused it is over.
    pub fn is_final(&self) -> bool {
        use Event::{Checkpoint, Drove, Epoch, Progress, Timed, Tried};
        !matches!(
            self,
            Progress(_)
                | Tried { .. }
                | Epoch { .. }
                | Checkpoint { .. }
                | Drove { .. }
                | Timed { .. }
        )
    }
}

/// A step of the work, in the order of a whole job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    ReadData,
    Equalize,
    Calibrate,
    Round,
    CorrectBias,
    Quantize,
    Train,
    Analyze,
    Evaluate,
    Time,
    Drive,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub stage: Stage,
    /// The network being worked on.
    pub model: Option<ModelId>,
    pub done: usize,
    pub total: usize,
}

/// What recorded actions came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// x, y and angle of the hull, and the reward, after each step.
    pub states: Vec<[f64; 4]>,
    /// The pictures, one after another: 96 x 96 x 3 bytes each, rows from the top.
    pub frames: ByteBuf,
    pub ended: Option<Ended>,
}

/// How an episode ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The step that ended it, from 1.
    pub step: usize,
    /// Whether by a finished lap, else beyond the field.
    pub lap_finished: bool,
}

/// A network as read, before anything is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// Read from the file: `float`, `int8`, or widths such as `w3a8`.
    pub variant: String,
    pub producer: String,
    pub opset: i64,
    pub file_bytes: usize,
    /// The first of its inputs.
    pub input: TensorShape,
    pub inputs: Vec<TensorShape>,
    pub outputs: Vec<TensorShape>,
    /// How frames enter, as its file has noted it: the JSON of a
    /// [`Preprocessing`](crate::vocabulary::preprocessing::Preprocessing), or what somebody else wrote there.
    pub preprocessing: Option<String>,
    pub params: u64,
    /// `None` while free dimensions leave them open.
    pub macs: Option<u64>,
    pub layers: Vec<Layer>,
    pub left_in_float: Vec<LeftInFloat>,
}

/// A tensor's name and shape; `None` is a free dimension.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorShape {
    pub name: String,
    pub shape: Vec<Option<usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    pub node: String,
    pub op: String,
    /// Of the first output, for one frame.
    pub output_shape: Vec<usize>,
    pub params: u64,
    pub macs: Option<u64>,
    /// Of its weights and of what it reads; `None` for what multiplies nothing.
    pub bits: Option<[u32; 2]>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    pub index: usize,
    pub class: usize,
    pub logits: Vec<f32>,
    /// Softmax of the logits, per class.
    pub probabilities: Vec<f32>,
    /// What the outputs say that are values; the class means nothing where the first is.
    pub values: Vec<Said>,
}

/// A value that an output says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub name: String,
    pub value: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuantizationSummary {
    pub recipe: Recipe,
    pub tensors: Vec<TensorInfo>,
    pub left_in_float: Vec<LeftInFloat>,
    pub file_bytes: usize,
    /// Hexadecimal SHA-256 of the file.
    pub sha256: String,
}

/// The account of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSummary {
    pub plan: Plan,
    #[serde(flatten)]
    pub quantization: QuantizationSummary,
    /// The starting point: quantized, not yet trained.
    pub start: Epoch,
    pub epochs: Vec<Epoch>,
    /// Whose weights the file has; 0 is the starting point.
    pub best_epoch: usize,
    /// The epoch in which the loss was no number any more, which ended the training.
    pub diverged_in: Option<usize>,
}

/// A trained network beside the one it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BesideFloat {
    /// The float network's, then the trained one's.
    pub reports: [Report; 2],
    pub on: MeasuredOn,
}

/// The frames behind these reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasuredOn {
    Validation,
    /// Those that were held out of training, which have chosen the best epoch.
    HeldOut,
}
