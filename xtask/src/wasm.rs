//! A Rust toolchain that builds for WebAssembly.

use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::process::{self, output, run, say, version};
use crate::system;
use crate::workspace::{on_path, path_starting_with, tools};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's current Rust, with the library's sources to build it for WebAssembly, and a linker.
/// Its plain `rustc` is far older than what this project needs.
const DEBIAN_PACKAGES: [&str; 5] =
    ["rustc-web", "cargo-web", "rust-web-clippy", "rust-web-src", "lld-22"];
const DEBIAN_BIN: &str = "/usr/bin";
const DEBIAN_LINKER: &str = "/usr/lib/llvm-22/bin/wasm-ld";
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";

/// How this machine builds for WebAssembly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The Rust in use has the target.
    InUse,
    /// Debian's, which builds the standard library from its sources.
    Debian,
}

impl Toolchain {
    /// Finds a toolchain, or installs the target: by rustup where it can download, else by apt.
    pub(crate) fn ready() -> Result<Self> {
        if target_installed() {
            return Ok(Self::InUse);
        }
        if debian_installed() {
            return Ok(Self::Debian);
        }
        let rustup = if on_path("rustup").next().is_some() {
            say(format!("Adding {TARGET} to Rust"));
            run(Command::new("rustup").args(["target", "add", TARGET]))
        } else {
            Err("there is no rustup".to_owned())
        };
        let Err(why_not_rustup) = rustup else {
            return Ok(Self::InUse);
        };
        eprintln!("{why_not_rustup}: trying the system's packages");
        system::apt_install("Rust for WebAssembly", &DEBIAN_PACKAGES).map_err(|why| {
            format!(
                "Rust cannot build for WebAssembly here; run\n  rustup target add {TARGET}\n{why}"
            )
        })?;
        Ok(Self::Debian)
    }

    /// Makes a command that runs cargo, itself or through another tool, build by this toolchain.
    /// Our own tools come first on its PATH.
    pub(crate) fn prepare(self, command: &mut Command) -> &mut Command {
        let ours = tools().join("bin");
        match self {
            Self::InUse => command.env("PATH", path_starting_with(&[&ours])),
            Self::Debian => command
                .env("PATH", path_starting_with(&[&ours, Path::new(DEBIAN_BIN)]))
                // Set by the cargo that runs this program, for its own toolchain.
                .env_remove("CARGO")
                .env_remove("RUSTC")
                .env_remove("LD_LIBRARY_PATH")
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER),
        }
    }

    /// A cargo that builds for WebAssembly when told `--target`.
    pub(crate) fn cargo(self) -> Command {
        let mut cargo = process::cargo(match self {
            Self::InUse => "cargo".into(),
            // Named in full: a program is looked up before its own PATH is set.
            Self::Debian => Path::new(DEBIAN_BIN).join("cargo"),
        });
        self.prepare(&mut cargo);
        cargo
    }
}

fn target_installed() -> bool {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]));
    sysroot.is_some_and(|sysroot| {
        Path::new(&sysroot).join("lib/rustlib").join(TARGET).join("lib").is_dir()
    })
}

fn debian_installed() -> bool {
    let current = |program: &str| version(&Path::new(DEBIAN_BIN).join(program)).is_some();
    Path::new(DEBIAN_LINKER).exists()
        && Path::new(DEBIAN_LIBRARY).exists()
        && current("rustc")
        && current("cargo")
        && current("cargo-clippy")
}
