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

/// The instructions that rustc may use.
pub(crate) struct Build {
    pub(crate) name: &'static str,
    flags: &'static str,
}

/// For every browser; what .cargo/config.toml says, too.
const SIMD128: Build = Build { name: "simd128", flags: "-C target-feature=+simd128" };

/// For browsers that have the relaxed instructions.
pub(crate) const RELAXED: Build =
    Build { name: "relaxed-simd", flags: "-C target-feature=+simd128,+relaxed-simd" };

pub(crate) const BUILDS: [Build; 2] = [SIMD128, RELAXED];

impl Build {
    /// Makes cargo build so, into a folder of its own below `folder`: in one folder the builds
    /// would overwrite each other's modules and be linked anew every time.
    pub(crate) fn prepare<'a>(&self, folder: &Path, cargo: &'a mut Command) -> &'a mut Command {
        // In place of those in .cargo/config.toml.
        cargo.env("RUSTFLAGS", self.flags).env("CARGO_TARGET_DIR", folder.join(self.name))
    }
}

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
        run(build.prepare(&self.built, cargo.args(self.what)).current_dir(root()))?;
        let built = self.built.join(build.name).join(TARGET).join(PROFILE);
        run(Command::new(tools::binder()?)
            .args(["--target", self.bindings, "--no-typescript", "--out-dir"])
            .args([out, &built.join(self.name).with_extension("wasm")]))?;
        wasm_opt::optimize(&out.join(format!("{}_bg.wasm", self.name)))
    }
}
