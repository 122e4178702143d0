//! The command line: arguments in, tables or JSON out.
//!
//! A shell around the lab like the page: it sends [`Request`](crate::lab::protocol::Request)s and
//! renders what comes back. Files, folders and the terminal are known here and nowhere below.
//!
//! Results go to stdout, progress and errors to stderr. Exit status: 0 done, 1 the work failed,
//! 2 bad arguments.

mod analyze;
mod arguments;
mod bundled;
mod compare;
mod crew;
mod drive;
mod evaluate;
mod files;
mod inspect;
mod interrupt;
mod quantize;
mod search;
mod shell;
mod table;
mod train;

use std::io::{self, Write};
use std::panic;
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::runtime::panics_are_caught;
use arguments::{Arguments, Command, joined};
use shell::Shell;

/// Runs what the process's arguments ask for.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse_from(joined(std::env::args_os()));
    leave_caught_panics_untold();
    let mut shell = Shell::new(arguments.quiet);
    let json = arguments.json;
    if let Err(error) = arguments.command.check() {
        tell(&error);
        return ExitCode::from(BAD_ARGUMENTS);
    }
    interrupt::listen();
    let done = match &arguments.command {
        Command::Analyze(command) => analyze::run(command, json, &mut shell),
        Command::Search(command) => search::run(command, json, &mut shell),
        Command::Inspect(command) => inspect::run(command, json, &mut shell),
        Command::Evaluate(command) => evaluate::run(command, json, &mut shell),
        Command::Quantize(command) => quantize::run(command, json, &mut shell),
        Command::Train(command) => train::run(command, json, &mut shell),
        Command::Compare(command) => compare::run(command, json, &mut shell),
        Command::Drive(command) => drive::run(command, json, &mut shell),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            ExitCode::FAILURE
        }
    }
}

/// The error that becomes of them is told.
fn leave_caught_panics_untold() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !panics_are_caught() {
            usual(panic);
        }
    }));
}

/// As clap has it.
const BAD_ARGUMENTS: u8 = 2;

fn tell(error: &Error) {
    // Where stderr is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "error: {error}");
}

/// Prints a result.
fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Error::new(format!("stdout cannot be written ({error})"))),
    }
}

/// Prints the one document that `--json` promises, with the program's version in it.
fn print_json(result: &impl Serialize) -> Result<()> {
    #[derive(Serialize)]
    struct Document<'a, T> {
        steer8: &'static str,
        #[serde(flatten)]
        result: &'a T,
    }
    let document = Document { steer8: env!("CARGO_PKG_VERSION"), result };
    let json = serde_json::to_string_pretty(&document)
        .map_err(|error| Error::new(format!("the result cannot be written as JSON ({error})")))?;
    print(&(json + "\n"))
}
