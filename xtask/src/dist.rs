//! The static site: built by trunk, made smaller by wasm-opt, with its first view in the HTML, closed to
//! other hosts, to be kept by browsers, compressed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use wasmparser::{Validator, WasmFeatures};

use crate::Result;
use crate::compress::compress;
use crate::module::PROFILE;
use crate::offline;
use crate::process::{run, say};
use crate::site::{self, WORKERS};
use crate::tools;
use crate::wasm::{TARGET, Toolchain};
use crate::wasm_names;
use crate::wasm_opt;
use crate::workspace::{dist, root};

pub(crate) fn build() -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let trunk = tools::page_builder()?;
    say("Building the workers (the first time takes some minutes)");
    run(toolchain
        .cargo()
        .args(["build", "--locked", "--target", TARGET, "--profile", PROFILE])
        .args(["--no-default-features", "--features", "worker"])
        // In one go, so that the last and longest part of both is done side by side; trunk would have one
        // wait for the other.
        .args(WORKERS.iter().flat_map(|(_, name)| ["--bin", name]))
        .current_dir(root()))?;
    say("Building the page");
    let mut command = Command::new(trunk);
    command
        .args(["build", "--release", "--cargo-profile", PROFILE, "--locked"])
        // Integrity hashes would be of the modules before wasm-opt; the files come from one host.
        .args(["--no-sri", "true"])
        // trunk takes only `true` and `false` here, others set it to 1.
        .env_remove("NO_COLOR")
        .current_dir(root());
    // Beside it, for the page's program takes longest where only one core has something to do.
    let first_view = thread::spawn(site::first_view);
    let built = run(toolchain.prepare(&mut command));
    let first_view = first_view.join().map_err(|_| "the first view was not rendered")??;
    built?;
    let folder = dist();
    for module in files_ending(&folder, ".wasm")? {
        wasm_opt::optimize(&module)?;
        strip_names(&module)?;
        check_instructions(&module)?;
    }
    finish(&folder, &first_view)
}

/// That the module for browsers with the relaxed instructions has some, and every other none, which no
/// other browser would load: link-time optimization has to leave them out of it.
fn check_instructions(module: &Path) -> Result<()> {
    let bytes = site::bytes(module)?;
    let valid = |features| Validator::new_with_features(features).validate_all(&bytes).map(drop);
    let everywhere = valid(WasmFeatures::WASM2);
    let [_, (_, relaxed)] = WORKERS;
    if !module.ends_with(format!("{relaxed}_bg.wasm")) {
        return everywhere
            .map_err(|why| format!("{}: not for every browser: {why}", module.display()));
    }
    match valid(WasmFeatures::WASM2 | WasmFeatures::RELAXED_SIMD) {
        Ok(()) if everywhere.is_err() => Ok(()),
        Ok(()) => Err(format!("{}: has no relaxed instruction", module.display())),
        Err(why) => Err(format!("{}: {why}", module.display())),
    }
}

/// Makes a site of what trunk has built.
fn finish(folder: &Path, first_view: &str) -> Result<()> {
    let page = folder.join("index.html");
    let builds = site::name_workers(folder)?;
    let html = site::join_styles(&site::read(&page)?, folder)?;
    let html = site::write_worker_start(&html, &builds, folder)?;
    let html = site::with_first_view(&html, first_view)?;
    site::write(&page, &site::with_policy(&html)?)?;
    // Else GitHub Pages leaves out what begins with an underscore.
    site::write(&folder.join(".nojekyll"), "")?;
    offline::write_keeper(&builds, folder)?;
    say("Compressing");
    compress(folder)?;
    eprintln!("\nThe site is in {}", folder.display());
    Ok(())
}

fn strip_names(module: &Path) -> Result<()> {
    let failed = |why: std::io::Error| format!("{}: {why}", module.display());
    let bytes = fs::read(module).map_err(failed)?;
    fs::write(module, wasm_names::without(&bytes)).map_err(failed)
}

fn files_ending(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.to_string_lossy().ends_with(suffix));
    files.sort();
    Ok(files)
}
