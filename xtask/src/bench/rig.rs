//! The engines under test, wherever they run, and one network measured in all of them.
//!
//! An engine answers one JSON object after the other, natively a line each, in the browser a message
//! each. Paths are its own: files natively, addresses in the browser.
//!
//! | request | what it does | answer |
//! | --- | --- | --- |
//! | `do: "frames", file, frame_len, shape` | reads frames, float32, for all that follows | |
//! | `do: "load", engine, build, file, shape` | prepares a network and runs it once | `variant`, `cold_ms`, `session_bytes` or null |
//! | `do: "answer", variant` | runs it on every frame | `logits`, a list for each frame |
//! | `do: "time", variant, runs, samples` | times so many samples of so many runs | `ms` per run, of each sample |
//! | `do: "profile", variant, runs` | times every operator in so many runs (Steer8) | `conv_share`, of the time |
//! | `do: "builds"` | names the kernels that the machine has, the slowest first (Steer8, natively) | `builds` |
//! | `do: "forget"` | lets go of all that was loaded | |
//! | `do: "grain"` | measures the clock (browser) | `ms` |
//! | `do: "peak", build, repeats` | measures the thread's peak (browser) | `f32_gmacs`, `f32_relaxed_gmacs`, `int8_gmacs` |
//!
//! What fails is answered by `error`.

use serde_json::{Value, json};
use steer8::statistics::{median, quantile};

use super::check::{Check, compare};
use super::measure::{Effort, Timed, Turns, interleaved};
use super::networks::{FRAME_SHAPE, Network};
use crate::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Steer8,
    OnnxRuntime,
    OnnxRuntimeWeb,
}

impl Engine {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Steer8 => "steer8",
            Self::OnnxRuntime => "onnxruntime",
            Self::OnnxRuntimeWeb => "onnxruntime-web",
        }
    }
}

/// The form of the network's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Float,
    Qdq,
    QOperator,
}

impl Form {
    pub(crate) const ALL: [Self; 3] = [Self::Float, Self::Qdq, Self::QOperator];

    pub(crate) fn precision(self) -> &'static str {
        if self == Self::Float { "float" } else { "int8" }
    }

    /// How the integers stand in the file; `None` where there are none.
    pub(crate) fn format(self) -> Option<&'static str> {
        match self {
            Self::Float => None,
            Self::Qdq => Some("qdq"),
            Self::QOperator => Some("qoperator"),
        }
    }
}

/// A way to run any of the networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) engine: Engine,
    pub(crate) form: Form,
    /// Which build of the engine.
    pub(crate) build: String,
}

/// Where the engines run.
pub(crate) trait Rig {
    /// The engine's answer; `error` in it has become `Err`.
    fn ask(&mut self, engine: Engine, request: &Value) -> Result<Value>;

    /// How the engines name a file of `networks::folder`.
    fn path(&self, file: &str) -> String;
}

/// What was measured of one network in one variant.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) network: &'static str,
    pub(crate) macs: f64,
    pub(crate) conv_macs: f64,
    pub(crate) variant: Variant,
    pub(crate) cold_ms: f64,
    pub(crate) session_bytes: Option<u64>,
    pub(crate) turns: Turns,
    /// The share of the time that convolutions take, of Steer8.
    pub(crate) conv_share: Option<f64>,
}

impl Run {
    /// Of the samples' milliseconds.
    pub(crate) fn quantile(&self, q: f64) -> f64 {
        let mut samples = self.turns.concat();
        samples.sort_unstable_by(f64::total_cmp);
        quantile(&samples, q)
    }

    pub(crate) fn samples(&self) -> usize {
        self.turns.iter().map(Vec::len).sum()
    }

    /// Of the whole network at the median time.
    pub(crate) fn gmacs(&self) -> f64 {
        self.macs / self.quantile(0.5) / 1e6
    }

    /// Of the convolutions alone.
    pub(crate) fn conv_gmacs(&self) -> Option<f64> {
        Some(self.conv_macs / (self.conv_share? * self.quantile(0.5)) / 1e6)
    }

    /// The median of each round.
    pub(crate) fn rounds(&self) -> Vec<f64> {
        self.turns.iter().map(|turn| median(&mut turn.clone())).collect()
    }
}

/// Hands the frames to an engine.
pub(crate) fn give_frames(rig: &mut dyn Rig, engine: Engine) -> Result<()> {
    let frame_len: usize = FRAME_SHAPE.iter().product();
    let file = rig.path("frames.f32");
    let request =
        json!({ "do": "frames", "file": file, "frame_len": frame_len, "shape": FRAME_SHAPE });
    rig.ask(engine, &request).map(|_| ())
}

/// Loads a network in every variant, compares our answers with theirs, and times all of them.
///
/// # Errors
/// What an engine cannot do, and answers that differ beyond rounding.
pub(crate) fn measure(
    rig: &mut dyn Rig,
    network: &Network,
    variants: &[Variant],
    grain_ms: f64,
    effort: &Effort,
) -> Result<(Vec<Run>, Vec<Check>)> {
    let mut loaded = Vec::with_capacity(variants.len());
    let mut logits = Vec::with_capacity(variants.len());
    for Variant { engine, form, build } in variants {
        let file = rig.path(&network.file(*form));
        let shape = [&[1], &FRAME_SHAPE[..]].concat();
        let request = json!({
            "do": "load", "engine": engine.name(), "build": build, "file": file, "shape": shape,
        });
        let failed = |why| {
            format!("{} ({}, {build}) on {}: {why}", engine.name(), form.precision(), network.name)
        };
        let answer = rig.ask(*engine, &request).map_err(failed)?;
        let request = json!({ "do": "answer", "variant": answer["variant"] });
        logits.push(numbers(&rig.ask(*engine, &request).map_err(failed)?["logits"])?);
        loaded.push(answer);
    }
    let checks = compare(network.name, variants, &logits)?;

    let mut timed = Loaded { rig, variants, ids: loaded.iter().map(|l| &l["variant"]).collect() };
    let turns = interleaved(&mut timed, variants.len(), grain_ms, effort)?;
    let mut runs = Vec::with_capacity(variants.len());
    for ((variant, loaded), turns) in variants.iter().zip(&loaded).zip(turns) {
        let ours = variant.engine == Engine::Steer8;
        runs.push(Run {
            network: network.name,
            macs: network.macs,
            conv_macs: network.conv_macs,
            variant: variant.clone(),
            cold_ms: loaded["cold_ms"].as_f64().unwrap_or(f64::NAN),
            session_bytes: loaded["session_bytes"].as_u64(),
            turns,
            conv_share: if ours { Some(conv_share(rig, &loaded["variant"])?) } else { None },
        });
    }
    for engine in [Engine::Steer8, Engine::OnnxRuntime, Engine::OnnxRuntimeWeb] {
        if variants.iter().any(|variant| variant.engine == engine) {
            rig.ask(engine, &json!({ "do": "forget" }))?;
        }
    }

    Ok((runs, checks))
}

/// Runs that are timed operator by operator, where the clock's grain shows, and averages out.
const PROFILED: usize = 100;

/// The share of its time that one of our variants spends in convolutions. A share, because the
/// machine may be slower or faster by now than it was in the rounds.
fn conv_share(rig: &mut dyn Rig, variant: &Value) -> Result<f64> {
    let request = json!({ "do": "profile", "variant": variant, "runs": PROFILED });
    let answer = rig.ask(Engine::Steer8, &request)?;
    answer["conv_share"].as_f64().ok_or_else(|| "steer8 does not know its operators' times".into())
}

/// A network's variants, as the engines know them.
struct Loaded<'a> {
    rig: &'a mut dyn Rig,
    variants: &'a [Variant],
    ids: Vec<&'a Value>,
}

impl Timed for Loaded<'_> {
    fn time(&mut self, variant: usize, runs: usize, samples: usize) -> Result<Vec<f64>> {
        let request =
            json!({ "do": "time", "variant": self.ids[variant], "runs": runs, "samples": samples });
        let answer = self.rig.ask(self.variants[variant].engine, &request)?;
        serde_json::from_value(answer["ms"].clone()).map_err(|why| format!("the times: {why}"))
    }
}

/// Numbers in lists in a list.
fn numbers(logits: &Value) -> Result<Vec<Vec<f64>>> {
    serde_json::from_value(logits.clone()).map_err(|why| format!("the logits: {why}"))
}
