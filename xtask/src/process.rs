//! Other programs: run in the open, or asked quietly.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Result;

/// Announces a stage of the work.
pub(crate) fn say(what: impl std::fmt::Display) {
    eprintln!("\n==> {what}");
}

/// Runs a program with its output passed through, after showing its command line.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = command_line(command);
    eprintln!("  $ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` failed ({status})")),
        Err(why) => Err(format!("`{line}` did not start: {why}")),
    }
}

/// A cargo that compiles each crate as a whole. What a second build would start from takes 18 GB of
/// the target folder over all checks; whoever works on the code has it from their own `cargo test`.
pub(crate) fn cargo(program: impl AsRef<OsStr>) -> Command {
    let mut cargo = Command::new(program);
    cargo.env("CARGO_INCREMENTAL", "0");
    cargo
}

/// Whether a program runs and succeeds; says nothing either way.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    silence(command).stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// What a program prints, if it runs and succeeds.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = silence(command).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The version a program gives itself: the first word of `--version` that starts with a digit.
pub(crate) fn version(program: &Path) -> Option<String> {
    let text = output(Command::new(program).arg("--version"))?;
    let word = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    word.map(str::to_owned)
}

fn silence(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stderr(Stdio::null())
}

fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
