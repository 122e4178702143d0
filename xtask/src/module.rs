//! Our WebAssembly modules that trunk does not build: for what CPU, and with which bindings.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::process::run;
use crate::tools;
use crate::wasm::{TARGET, Toolchain};
use crate::wasm_opt;
use crate::workspace::root;

/// The profile of Cargo.toml that a visitor's programs are built in.
pub(crate) const PROFILE: &str = "web";

/// The instructions that the kernels may use.
pub(crate) struct Build {
    pub(crate) name: &'static str,
    /// What cargo is told for it.
    options: &'static [&'static str],
}

/// For every browser.
const SIMD128: Build = Build { name: "simd128", options: &[] };

/// For browsers that have the relaxed instructions.
const RELAXED: Build = Build { name: RELAXED_FEATURE, options: &["--features", RELAXED_FEATURE] };

pub(crate) const RELAXED_FEATURE: &str = "relaxed-simd";

pub(crate) const BUILDS: [Build; 2] = [SIMD128, RELAXED];

pub(crate) struct Module<'a> {
    /// What cargo is told to build.
    pub(crate) what: &'a [&'a str],
    /// The file's name without its extension.
    pub(crate) name: &'a str,
    /// wasm-bindgen's target.
    pub(crate) bindings: &'a str,
    /// Where cargo has a folder for each build.
    pub(crate) built: PathBuf,
}

impl Module<'_> {
    /// Puts `name.js` and `name_bg.wasm` into the folder `out`.
    pub(crate) fn publish(&self, build: &Build, toolchain: Toolchain, out: &Path) -> Result<()> {
        let mut cargo = toolchain.cargo();
        cargo.args(["build", "--locked", "--target", TARGET, "--profile", PROFILE]);
        // A folder for each: in one the builds would overwrite each other's modules.
        let folder = self.built.join(build.name);
        cargo.args(self.what).args(build.options).env("CARGO_TARGET_DIR", &folder);
        run(cargo.current_dir(root()))?;
        let built = folder.join(TARGET).join(PROFILE);
        run(Command::new(tools::binder()?)
            .args(["--target", self.bindings, "--no-typescript", "--out-dir"])
            .args([out, &built.join(self.name).with_extension("wasm")]))?;
        wasm_opt::optimize(&out.join(format!("{}_bg.wasm", self.name)))
    }
}
