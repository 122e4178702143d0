//! Where things are in this repository.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies in the repository")
}

/// Cargo's target folder: this program was built into it, at `target/<profile>/xtask`.
pub(crate) fn target() -> PathBuf {
    let this = env::current_exe().expect("the running program has a path");
    this.ancestors().nth(2).expect("cargo builds into target/<profile>").to_owned()
}

/// Where the programs that these chores install for themselves live; nothing of the user's is
/// touched.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// The static site that `dist` writes.
pub(crate) fn dist() -> PathBuf {
    root().join("dist")
}

/// The version of a package in Cargo.lock.
pub(crate) fn locked_version(package: &str) -> Result<String> {
    let path = root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{package}\""));
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = \""));
    let version = version.and_then(|rest| rest.strip_suffix('"'));
    version.map(str::to_owned).ok_or_else(|| format!("Cargo.lock does not name {package}"))
}

/// The programs of that name on PATH, first found first.
pub(crate) fn on_path(program: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let name = executable(program);
    folders.into_iter().map(move |folder| folder.join(&name)).filter(|path| path.is_file())
}

/// A program's file name on this system.
pub(crate) fn executable(program: &str) -> String {
    format!("{program}{}", env::consts::EXE_SUFFIX)
}

/// PATH with these folders before the others.
pub(crate) fn path_starting_with(folders: &[&Path]) -> impl AsRef<OsStr> + use<> {
    let path = env::var_os("PATH").unwrap_or_default();
    let rest = env::split_paths(&path);
    env::join_paths(folders.iter().map(|folder| folder.to_path_buf()).chain(rest))
        .expect("folders of PATH hold no separator")
}
