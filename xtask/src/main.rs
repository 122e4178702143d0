//! The project's chores, as README names them: `cargo xtask serve`, `dist`, `bench` and
//! `test`.
//!
//! Each starts by finding or installing what it needs; a second run finds everything in place.

mod bench;
mod browser;
mod compress;
mod dist;
mod e2e;
mod module;
mod offline;
mod process;
mod screen;
mod serve;
mod site;
mod system;
mod test;
mod tools;
mod wasm;
mod wasm_names;
mod wasm_opt;
mod webdriver;
mod workspace;

use std::env;
use std::process::ExitCode;

/// What went wrong and what to do about it, in words for a person.
type Result<T, E = String> = std::result::Result<T, E>;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  serve [--dist] [--port N]
                    build the page and serve it on this machine (port 8080);
                    with --dist what is in dist/, as it is
  dist              build the page as a static site into dist/
  bench [web|native] [--browser chromium|firefox] [--network NAME]...
        [--quick] [--json FILE] [--chart FILE.svg]
                    measure Steer8 beside ONNX Runtime, in a browser or natively
  test [STEP ...] [--engines all]
                    run every check, or only the named steps; with --engines all
                    an engine that cannot be had is an error:
                    ";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["serve", options @ ..] => match serve::Options::parse(options) {
            Some(options) => serve::serve(&options),
            None => return misused(),
        },
        ["dist"] => dist::build(),
        ["bench", options @ ..] => match bench::Options::parse(options) {
            Some(options) => bench::bench(&options),
            None => return misused(),
        },
        ["test", steps @ ..] => match test::select(steps) {
            Some(steps) => test::run_steps(&steps),
            None => return misused(),
        },
        _ => return misused(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("\nerror: {why}");
            ExitCode::FAILURE
        }
    }
}

fn misused() -> ExitCode {
    eprintln!("{USAGE}{}", test::step_names());
    ExitCode::from(2)
}
