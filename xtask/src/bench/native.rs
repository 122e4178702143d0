//! Two native programs side by side: ours, and ONNX Runtime in Python.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::networks::{files, program, python};
use super::rig::{Engine, Rig};
use crate::Result;
use crate::workspace::root;

/// What nearly every x86-64 of today has.
const COMMON: &str = "avx2";

pub(crate) struct Native {
    steer8: Program,
    onnxruntime: Program,
}

impl Native {
    pub(crate) fn start() -> Result<Self> {
        let mut steer8 = Command::new(program("bench-native"));
        let mut onnxruntime = Command::new(python()?);
        onnxruntime.arg(root().join("bench/onnxruntime_engine.py"));
        Ok(Self {
            steer8: Program::start("steer8", &mut steer8)?,
            onnxruntime: Program::start("onnxruntime", &mut onnxruntime)?,
        })
    }

    /// Which of our kernels race: the best that the machine has, and those that most machines have.
    pub(crate) fn builds(&mut self) -> Result<Vec<String>> {
        let answer = self.steer8.ask(&json!({ "do": "builds" }))?;
        let available: Vec<String> = serde_json::from_value(answer["builds"].clone())
            .map_err(|why| format!("steer8's builds: {why}"))?;
        let best = available.len().saturating_sub(1);
        let wanted = |(at, name): &(usize, String)| *at == best || name == COMMON;
        Ok(available.into_iter().enumerate().filter(wanted).map(|(_, name)| name).collect())
    }

    /// The version that bench/requirements.txt pins.
    pub(crate) fn onnxruntime_version() -> Result<String> {
        let path = root().join("bench/requirements.txt");
        let text = fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        let version = text.lines().find_map(|line| line.strip_prefix("onnxruntime=="));
        version.map(str::to_owned).ok_or_else(|| format!("{} pins no version", path.display()))
    }

    /// The smallest step of the clock that both programs use, in milliseconds.
    pub(crate) fn grain_ms() -> f64 {
        let step = || {
            let start = Instant::now();
            loop {
                let elapsed = start.elapsed();
                if !elapsed.is_zero() {
                    return elapsed.as_secs_f64() * 1e3;
                }
            }
        };
        (0..1000).map(|_| step()).fold(f64::INFINITY, f64::min)
    }
}

impl Rig for Native {
    fn ask(&mut self, engine: Engine, request: &Value) -> Result<Value> {
        match engine {
            Engine::Steer8 => self.steer8.ask(request),
            Engine::OnnxRuntime => self.onnxruntime.ask(request),
            Engine::OnnxRuntimeWeb => Err("ONNX Runtime Web runs in a browser alone".into()),
        }
    }

    fn path(&self, file: &str) -> String {
        files().join(file).to_string_lossy().into_owned()
    }
}

/// A program that answers a line with a line, ended with this value.
struct Program {
    name: &'static str,
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Program {
    fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|why| format!("{name} did not start: {why}"))?;
        let requests = process.stdin.take().expect("it is piped");
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        Ok(Self { name, process, requests, answers })
    }

    fn ask(&mut self, request: &Value) -> Result<Value> {
        let mut line = String::new();
        let asked = writeln!(self.requests, "{request}").and_then(|()| self.requests.flush());
        asked
            .and_then(|()| self.answers.read_line(&mut line))
            .map_err(|why| format!("{}: {why}", self.name))?;
        let answer: Value = serde_json::from_str(&line)
            .map_err(|why| format!("{} answers `{}`: {why}", self.name, line.trim()))?;
        match &answer["error"] {
            Value::Null => Ok(answer),
            why => Err(format!("{}: {why}", self.name)),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
