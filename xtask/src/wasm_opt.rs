//! Binaryen's `wasm-opt`: an extra that makes the modules smaller, never a condition.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::Result;
use crate::process::{output, run, say};
use crate::workspace::{on_path, target};

/// The extensions that rustc is told to use, and those it uses anyway.
const OPTIONS: [&str; 9] = [
    "-O1",
    "--enable-simd",
    "--enable-relaxed-simd",
    "--enable-bulk-memory",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Rewrites a module in place by the first wasm-opt on PATH that can parse it; one that cannot is
/// named. Without any the module stays as it is, for rustc has done most of the work: measured,
/// wasm-opt takes 4 % off its size, and npm's build of it minutes to do so, so none is installed.
pub(crate) fn optimize(module: &Path) -> Result<()> {
    let failed = |why: std::io::Error| format!("{}: {why}", module.display());
    let input = fs::read(module).map_err(failed)?;
    let cache = target().join("wasm-opt");
    let hash: String = Sha256::digest(&input).iter().map(|byte| format!("{byte:02x}")).collect();
    let done = cache.join(format!("{hash}.wasm"));
    if !done.exists() {
        fs::create_dir_all(&cache).map_err(failed)?;
        if !on_path("wasm-opt").any(|program| optimize_with(&program, module, &done)) {
            return Ok(());
        }
    }
    fs::copy(&done, module).map_err(failed)?;
    Ok(())
}

/// Up to this version a module without the section `target_features` came out with its exported
/// tables mixed up, and did not start.
const MISCOMPILES: u32 = 108;

/// The number in `wasm-opt version 120 (version_120)`.
fn number(version: &str) -> Option<u32> {
    version.split_whitespace().find_map(|word| word.parse().ok())
}

fn optimize_with(program: &Path, module: &Path, to: &Path) -> bool {
    let version = output(Command::new(program).arg("--version")).unwrap_or_default();
    if number(&version).is_none_or(|number| number <= MISCOMPILES) {
        eprintln!("  {} ({}) is too old: skipped", program.display(), version.trim());
        return false;
    }
    say(format!("Optimizing {}", module.display()));
    // Under another name until it is whole.
    let half_done = to.with_extension("part");
    let mut command = Command::new(program);
    let made = run(command.args(OPTIONS).arg(module).arg("-o").arg(&half_done))
        .and_then(|()| fs::rename(&half_done, to).map_err(|why| why.to_string()));
    if made.is_err() {
        eprintln!("  {} ({version}) failed on this module: skipped", program.display());
    }
    made.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found() {
        assert_eq!(number("wasm-opt version 108"), Some(108));
        assert_eq!(number("wasm-opt version 120 (version_120-7-gabc)"), Some(120));
        assert_eq!(number("wasm-opt"), None);
    }
}
