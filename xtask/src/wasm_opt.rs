//! Binaryen's `wasm-opt`: an extra that makes the modules smaller, never a condition.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::Result;
use crate::process::{output, run, say, succeeds};
use crate::system;
use crate::workspace::{on_path, target, tools};

const NPM_VERSION: &str = "132.0.0";

/// The extensions that rustc is told to use, and those it uses anyway.
const OPTIONS: [&str; 8] = [
    "-O3",
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Rewrites a module in place by the first wasm-opt that can parse it: of those on PATH, npm's,
/// the system's. One that cannot is named; without any, the module stays as it is.
pub(crate) fn optimize(module: &Path) -> Result<()> {
    let failed = |why: std::io::Error| format!("{}: {why}", module.display());
    let name = module.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let input = fs::read(module).map_err(failed)?;
    let cache = target().join("wasm-opt");
    let hash: String = Sha256::digest(&input).iter().map(|byte| format!("{byte:02x}")).collect();
    let done = cache.join(format!("{hash}.wasm"));
    if !done.exists() {
        fs::create_dir_all(&cache).map_err(failed)?;
        let sources: [fn() -> Option<PathBuf>; 3] = [from_path, from_npm, from_apt];
        let able = sources.iter().filter_map(|source| source()).find(|program| {
            say(format!("Optimizing {name}"));
            optimize_with(program, module, &done)
        });
        if able.is_none() {
            eprintln!("  {name} stays as rustc made it: a little larger, just as good");
            return Ok(());
        }
    }
    fs::copy(&done, module).map_err(failed)?;
    Ok(())
}

fn optimize_with(program: &Path, module: &Path, to: &Path) -> bool {
    // Under another name until it is whole.
    let half_done = to.with_extension("part");
    let mut command = Command::new(program);
    let made = run(command.args(OPTIONS).arg(module).arg("-o").arg(&half_done))
        .and_then(|()| fs::rename(&half_done, to).map_err(|why| why.to_string()));
    if made.is_err() {
        let version = output(Command::new(program).arg("--version")).unwrap_or_default();
        eprintln!("  {} ({version}) cannot read this module: skipped", program.display());
    }
    made.is_ok()
}

fn from_path() -> Option<PathBuf> {
    on_path("wasm-opt").next()
}

fn from_npm() -> Option<PathBuf> {
    let home = tools().join("npm");
    let name = if cfg!(windows) { "wasm-opt.cmd" } else { "wasm-opt" };
    let program = home.join("node_modules").join(".bin").join(name);
    if !program.exists() {
        let npm = on_path(if cfg!(windows) { "npm.cmd" } else { "npm" }).next()?;
        say(format!("Installing binaryen {NPM_VERSION} from npm (wasm-opt)"));
        fs::create_dir_all(&home).ok()?;
        let mut install = Command::new(npm);
        install.args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"]).arg(&home);
        if let Err(why) = run(install.arg(format!("binaryen@{NPM_VERSION}"))) {
            eprintln!("  {why}");
        }
    }
    succeeds(Command::new(&program).arg("--version")).then_some(program)
}

fn from_apt() -> Option<PathBuf> {
    if let Err(why) = system::apt_install("wasm-opt", &["binaryen"]) {
        eprintln!("  {why}");
    }
    from_path()
}
