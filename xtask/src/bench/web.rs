//! Both engines in one worker of one page in one browser.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use super::networks::{files, folder};
use super::rig::{Engine, Rig};
use crate::Result;
use crate::browser::Browser;
use crate::module::{BUILDS, Build, Module};
use crate::process::{run, say};
use crate::serve::{ISOLATED, Site};
use crate::wasm::Toolchain;
use crate::webdriver::{Driver, Window};
use crate::workspace::{on_path, root};

pub(crate) const ONNXRUNTIME_WEB: &str = "1.30.0";

/// Puts the page and both engines into the folder that is served.
pub(crate) fn build() -> Result<PathBuf> {
    let site = folder().join("site");
    for page in ["index.html", "page.js", "worker.js"] {
        copy(&root().join("bench/web").join(page), &site.join(page))?;
    }
    onnxruntime_web(&site.join("onnxruntime-web"))?;
    let toolchain = Toolchain::ready()?;
    let module = Module {
        what: &["--package", "bench", "--lib"],
        name: "bench_web",
        bindings: "web",
        built: folder().join("cargo"),
    };
    for build in BUILDS {
        let Build { name, .. } = build;
        say(format!("Building Steer8 for the browser, {name} (the first time takes minutes)"));
        module.publish(&build, toolchain, &site.join(name))?;
    }
    Ok(site)
}

/// ONNX Runtime Web with its WebAssembly backend alone, from npm.
fn onnxruntime_web(to: &Path) -> Result<()> {
    let npm_folder = folder().join("npm");
    let package = npm_folder.join("node_modules/onnxruntime-web");
    let described = fs::read_to_string(package.join("package.json")).unwrap_or_default();
    let described: Value = serde_json::from_str(&described).unwrap_or_default();
    if described["version"] != ONNXRUNTIME_WEB {
        let npm = on_path(if cfg!(windows) { "npm.cmd" } else { "npm" }).next();
        let npm = npm.ok_or("there is no npm on PATH to fetch onnxruntime-web; install Node.js")?;
        say(format!("Fetching onnxruntime-web {ONNXRUNTIME_WEB}"));
        run(Command::new(npm)
            .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"])
            .arg("--prefix")
            .arg(&npm_folder)
            .arg(format!("onnxruntime-web@{ONNXRUNTIME_WEB}")))?;
    }
    for file in ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"] {
        copy(&package.join("dist").join(file), &to.join(file))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = |why| format!("{} to {}: {why}", from.display(), to.display());
    fs::create_dir_all(to.parent().expect("a file is in a folder")).map_err(failed)?;
    fs::copy(from, to).map(|_| ()).map_err(failed)
}

/// Opens the page of that folder in the browser and does something with it.
pub(crate) fn in_page<T>(
    browser: &Browser,
    site: PathBuf,
    work: impl FnOnce(&mut Page) -> Result<T>,
) -> Result<T> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|why| why.to_string())?;
    let port = listener.local_addr().map_err(|why| why.to_string())?.port();
    let site = Site::new(site, "/", ISOLATED);
    thread::spawn(move || site.answer(&listener));
    let driver = Driver::start(browser)?;
    let address = format!("http://127.0.0.1:{port}/");
    let window = driver.open(&browser.capabilities(&folder()), &address)?;
    work(&mut Page { window })
}

/// The page, with the worker that has both engines.
pub(crate) struct Page<'a> {
    window: Window<'a>,
}

/// The most multiply-accumulates per second that one thread of this browser was seen to do, in
/// 10^9; 0 before anything was measured.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Peak {
    /// A multiplication and an addition.
    pub(crate) f32_gmacs: f64,
    /// Both in one relaxed instruction.
    pub(crate) f32_relaxed_gmacs: f64,
    /// Dot products of integers held as i16.
    pub(crate) int8_gmacs: f64,
}

impl Page<'_> {
    /// The smallest step of the worker's clock, in milliseconds.
    pub(crate) fn grain_ms(&mut self) -> Result<f64> {
        let answer = self.ask(Engine::Steer8, &json!({ "do": "grain" }))?;
        answer["ms"].as_f64().ok_or_else(|| "the worker does not know its clock".into())
    }

    /// Measures the peak, and keeps what is more than what was seen before.
    pub(crate) fn raise(&mut self, peak: &mut Peak, repeats: u32) -> Result<()> {
        for Build { name, .. } in BUILDS {
            let request = json!({ "do": "peak", "build": name, "repeats": repeats });
            let answer = self.ask(Engine::Steer8, &request)?;
            let seen = |key: &str| answer[key].as_f64().unwrap_or_default();
            peak.f32_gmacs = peak.f32_gmacs.max(seen("f32_gmacs"));
            peak.f32_relaxed_gmacs = peak.f32_relaxed_gmacs.max(seen("f32_relaxed_gmacs"));
            peak.int8_gmacs = peak.int8_gmacs.max(seen("int8_gmacs"));
        }
        Ok(())
    }
}

impl Rig for Page<'_> {
    fn ask(&mut self, _: Engine, request: &Value) -> Result<Value> {
        let answer = self.window.call("ask", request)?;
        match &answer["error"] {
            Value::Null => Ok(answer),
            why => Err(format!("in the page: {why}")),
        }
    }

    fn path(&self, file: &str) -> String {
        let folder =
            files().file_name().expect("the folder has a name").to_string_lossy().into_owned();
        format!("{folder}/{file}")
    }
}
