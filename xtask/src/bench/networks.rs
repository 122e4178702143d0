//! The networks to measure, in every form, and the frames.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::rig::Form;
use crate::Result;
use crate::process::{output, run, say};
use crate::test::cargo;
use crate::workspace::{executable, on_path, root, target};

pub(crate) const FRAME_SHAPE: [usize; 3] = [3, 96, 96];

pub(crate) const NAMES: [&str; 4] = ["assignment", "pilotnet", "mobilenet", "resnet18"];

/// Random weights have no accuracy to lose, so few frames are enough for their ranges.
const RANDOM_SAMPLES: &str = "32";

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Network {
    pub(crate) name: &'static str,
    /// Of one frame: convolutions and matrix products.
    pub(crate) macs: f64,
    /// Those of the convolutions.
    pub(crate) conv_macs: f64,
}

impl Network {
    /// The name of its file of that form, in [`folder`].
    pub(crate) fn file(&self, form: Form) -> String {
        match form.format() {
            None => format!("{}.onnx", self.name),
            Some(format) => format!("{}-{format}.onnx", self.name),
        }
    }
}

/// What is made or fetched to measure.
pub(crate) fn folder() -> PathBuf {
    target().join("bench")
}

/// Where networks and frames are.
pub(crate) fn files() -> PathBuf {
    folder().join("site").join("networks")
}

/// Builds the programs, makes the networks of those names in every form, and the frames.
pub(crate) fn ready(names: &[&'static str]) -> Result<Vec<Network>> {
    say("Building Steer8 natively");
    run(cargo().args(["build", "--release", "--package", "steer8", "--package", "bench"]))?;
    let files = files();
    fs::create_dir_all(&files).map_err(|why| format!("{}: {why}", files.display()))?;
    say("Preparing networks and frames");
    run(Command::new(python()?).arg(root().join("bench/prepare.py")).arg(&files))?;
    names.iter().map(|name| in_every_form(name, &files)).collect()
}

fn in_every_form(name: &'static str, files: &Path) -> Result<Network> {
    let mut network = Network { name, macs: 0.0, conv_macs: 0.0 };
    let float = files.join(network.file(Form::Float));
    let source = root().join("models/networks").join(network.file(Form::Float));
    let bundled = source.exists();
    if bundled {
        fs::copy(&source, &float).map_err(|why| format!("{}: {why}", float.display()))?;
    }
    let described = output(Command::new(steer8()).arg("inspect").arg(&float).arg("--json"));
    let described: Option<Value> = described.and_then(|json| serde_json::from_str(&json).ok());
    let (macs, conv_macs) = described
        .and_then(|network| Some((network["macs"].as_f64()?, conv_macs(&network)?)))
        .ok_or_else(|| format!("steer8 cannot inspect {}", float.display()))?;
    (network.macs, network.conv_macs) = (macs, conv_macs);
    for form in Form::ALL {
        let Some(format) = form.format() else { continue };
        let mut steer8 = Command::new(steer8());
        steer8.arg("quantize").arg(&float).arg("-o").arg(files.join(network.file(form)));
        steer8.args(["--format", format, "--quiet"]);
        if !bundled {
            steer8.args(["--samples", RANDOM_SAMPLES]);
        }
        run(steer8.stdout(Stdio::null()))?;
    }
    Ok(network)
}

/// Of what `steer8 inspect` tells.
fn conv_macs(described: &Value) -> Option<f64> {
    let layers = described["layers"].as_array()?.iter();
    layers.filter(|layer| layer["op"] == "Conv").map(|layer| layer["macs"].as_f64()).sum()
}

fn steer8() -> PathBuf {
    program("steer8")
}

/// One of our programs in the release profile.
pub(crate) fn program(name: &str) -> PathBuf {
    target().join("release").join(executable(name))
}

/// A Python with the packages of bench/requirements.txt, in an environment of its own.
pub(crate) fn python() -> Result<PathBuf> {
    let venv = folder().join("venv");
    let python = venv.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let python = python.join(executable("python"));
    let requirements = root().join("bench/requirements.txt");
    // Copied there when they are installed.
    let installed = venv.join("requirements.txt");
    let read = |path: &Path| fs::read(path).ok();
    if python.exists() && read(&installed) == read(&requirements) {
        return Ok(python);
    }
    let base = ["python3", "python"].into_iter().find_map(|name| on_path(name).next());
    let base = base.ok_or("there is no Python 3 on PATH; install it")?;
    say("Installing Python's ONNX Runtime for the benchmark");
    run(Command::new(base).args(["-m", "venv", "--clear"]).arg(&venv))?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(&requirements))?;
    fs::copy(&requirements, &installed).map_err(|why| format!("{}: {why}", installed.display()))?;
    Ok(python)
}
