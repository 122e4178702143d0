//! The cargo programs these chores use: pinned, and installed where only they look.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::process::{run, say, version};
use crate::workspace::{executable, locked_version, on_path, tools};

/// A package from crates.io that installs programs.
struct Package {
    name: &'static str,
    version: String,
    programs: &'static [&'static str],
    options: &'static [&'static str],
    /// As cargo's profiles have it.
    opt_level: &'static str,
}

/// For what runs for moments: ready soon matters more than fast.
const READY_SOON: &str = "0";
/// For what goes through whole modules.
const FAST_ENOUGH: &str = "1";

/// Builds the page. What it would download itself, it finds here instead, so it needs no TLS.
fn trunk() -> Package {
    Package {
        name: "trunk",
        version: "0.21.14".into(),
        programs: &["trunk"],
        options: &["--locked", "--no-default-features"],
        opt_level: READY_SOON,
    }
}

/// Its version must be the library's, so Cargo.lock has it. Installed without its own lock file,
/// not all of which can be had everywhere.
fn wasm_bindgen() -> Result<Package> {
    Ok(Package {
        name: "wasm-bindgen-cli",
        version: locked_version("wasm-bindgen")?,
        programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
        options: &[],
        opt_level: FAST_ENOUGH,
    })
}

fn cargo_deny() -> Package {
    Package {
        name: "cargo-deny",
        version: "0.20.2".into(),
        programs: &["cargo-deny"],
        options: &["--locked"],
        opt_level: READY_SOON,
    }
}

fn geckodriver() -> Package {
    Package {
        name: "geckodriver",
        version: "0.37.1".into(),
        programs: &["geckodriver"],
        options: &["--locked"],
        opt_level: READY_SOON,
    }
}

/// trunk, with the wasm-bindgen that it looks for on PATH.
pub(crate) fn page_builder() -> Result<PathBuf> {
    wasm_bindgen()?.ready()?;
    trunk().ready()?;
    Ok(installed("trunk"))
}

/// What makes a module's bindings for JavaScript.
pub(crate) fn binder() -> Result<PathBuf> {
    wasm_bindgen()?.ready()?;
    Ok(installed("wasm-bindgen"))
}

/// The runner that `cargo test` starts for WebAssembly.
pub(crate) fn wasm_test_runner() -> Result<PathBuf> {
    wasm_bindgen()?.ready()?;
    Ok(installed("wasm-bindgen-test-runner"))
}

pub(crate) fn auditor() -> Result<PathBuf> {
    cargo_deny().ready()?;
    Ok(installed("cargo-deny"))
}

pub(crate) fn firefox_driver() -> Result<PathBuf> {
    geckodriver().ready()?;
    Ok(installed("geckodriver"))
}

impl Package {
    /// Makes sure that our folder holds the programs in this version.
    fn ready(&self) -> Result<()> {
        if self.programs.iter().all(|program| self.is_current(&installed(program))) {
            return Ok(());
        }
        match self.copy_from_path() {
            Some(()) => Ok(()),
            None => self.install(),
        }
    }

    fn is_current(&self, program: &Path) -> bool {
        version(program).is_some_and(|version| version == self.version)
    }

    /// Copies the programs from PATH, if they are there in this version. Copied, because a folder
    /// of PATH cannot come first without everything else in it coming first too.
    fn copy_from_path(&self) -> Option<()> {
        let found: Option<Vec<PathBuf>> = self
            .programs
            .iter()
            .map(|program| on_path(program).find(|path| self.is_current(path)))
            .collect();
        fs::create_dir_all(tools().join("bin")).ok()?;
        for (program, path) in self.programs.iter().zip(found?) {
            fs::copy(path, installed(program)).ok()?;
        }
        Some(())
    }

    fn install(&self) -> Result<()> {
        say(format!("Installing {} {} (once, some minutes)", self.name, self.version));
        run(Command::new("cargo")
            .args(["install", self.name, "--version", &format!("={}", self.version)])
            .args(self.options)
            .args(["--force", "--root"])
            .arg(tools())
            // One folder for all of them: they share many dependencies.
            .env("CARGO_TARGET_DIR", tools().join("build"))
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.opt_level)
            // Link-time optimization alone takes minutes.
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_PANIC", "unwind"))
        .map_err(|why| {
            let Self { name, version, .. } = self;
            format!("{why}\nOr put {name} {version} on PATH:\n  cargo install {name} --version {version}")
        })
    }
}

fn installed(program: &str) -> PathBuf {
    tools().join("bin").join(executable(program))
}
