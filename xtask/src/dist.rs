//! The static site: built by trunk, made smaller by wasm-opt, with its first view in the HTML, closed to
//! other hosts, to be kept by browsers, compressed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::compress::compress;
use crate::module::PROFILE;
use crate::offline;
use crate::process::{run, say};
use crate::site;
use crate::tools;
use crate::wasm::Toolchain;
use crate::wasm_names;
use crate::wasm_opt;
use crate::workspace::{dist, root};

pub(crate) fn build() -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let trunk = tools::page_builder()?;
    say("Building the page (the first time takes some minutes)");
    let mut command = Command::new(trunk);
    command
        .args(["build", "--release", "--cargo-profile", PROFILE, "--locked"])
        // Integrity hashes would be of the modules before wasm-opt; the files come from one host.
        .args(["--no-sri", "true"])
        // trunk takes only `true` and `false` here, others set it to 1.
        .env_remove("NO_COLOR")
        .current_dir(root());
    run(toolchain.prepare(&mut command))?;
    let folder = dist();
    for module in files_ending(&folder, ".wasm")? {
        wasm_opt::optimize(&module)?;
        strip_names(&module)?;
    }
    finish(&folder)
}

/// Makes a site of what trunk has built.
fn finish(folder: &Path) -> Result<()> {
    say("Rendering the first view");
    let page = folder.join("index.html");
    let builds = site::name_workers(folder)?;
    let html = site::join_styles(&site::read(&page)?, folder)?;
    let html = site::write_worker_start(&html, &builds, folder)?;
    let html = site::with_first_view(&html)?;
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
