//! Every check of the project, in the order in which they find the most for the least time.

use std::fs;
use std::process::Command;
use std::time::Instant;

use crate::Result;
use crate::browser::Browser;
use crate::dist;
use crate::e2e;
use crate::module::RELAXED;
use crate::process::{run, say, succeeds};
use crate::tools;
use crate::wasm::{TARGET, Toolchain};
use crate::workspace::{root, target};

/// One check: its name on the command line, what it does, and how.
pub(crate) struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<()>,
}

const STEPS: [Step; 9] = [
    Step { name: "set-up", what: "the tools that the other steps use", run: set_up },
    Step { name: "format", what: "rustfmt", run: format },
    Step { name: "deny", what: "licences, sources and advisories of what we use", run: deny },
    Step { name: "clippy", what: "clippy, native", run: clippy },
    Step { name: "native", what: "cargo test, native", run: native },
    Step {
        name: "clippy-wasm",
        what: "clippy, the page, its worker and the benchmark's",
        run: clippy_wasm,
    },
    Step {
        name: "wasm",
        what: "the core's tests as WebAssembly in a browser, both builds of the kernels",
        run: wasm,
    },
    Step { name: "dist", what: "the static site", run: dist::build },
    Step { name: "browser", what: "the built site, end to end in a browser", run: e2e::drive_site },
];

pub(crate) fn step_names() -> String {
    STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(" ")
}

/// The named steps in the order of the whole, or all of them; `None` if a name is unknown.
pub(crate) fn select(names: &[&str]) -> Option<Vec<&'static Step>> {
    let known = names.iter().all(|name| STEPS.iter().any(|step| step.name == *name));
    let wanted = |step: &&Step| names.is_empty() || names.contains(&step.name);
    known.then(|| STEPS.iter().filter(wanted).collect())
}

/// Runs the steps up to the first that fails, and ends with what each took.
pub(crate) fn run_steps(steps: &[&Step]) -> Result<()> {
    let mut times = Vec::new();
    let mut outcome = Ok(());
    for step in steps {
        say(format!("{}: {}", step.name, step.what));
        let start = Instant::now();
        let done = (step.run)();
        times.push((step, start.elapsed(), done.is_ok()));
        if let Err(why) = done {
            outcome = Err(format!("{why}\nOnly this again:\n  cargo xtask test {}", step.name));
            break;
        }
    }
    eprintln!();
    for (step, time, passed) in times {
        let seconds = time.as_secs();
        let outcome = if passed { "passed" } else { "FAILED" };
        eprintln!(
            "{outcome} {:3}:{:02} {:12} {}",
            seconds / 60,
            seconds % 60,
            step.name,
            step.what
        );
    }
    outcome
}

/// First, so that what is missing is known before half an hour of building.
fn set_up() -> Result<()> {
    Toolchain::ready()?;
    tools::page_builder()?;
    tools::auditor()?;
    let browser = Browser::ready()?;
    eprintln!("Tests run in {}", browser.name());
    Ok(())
}

fn format() -> Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))
}

fn deny() -> Result<()> {
    let program = tools::auditor()?;
    let deny = || {
        let mut deny = Command::new(&program);
        deny.args(["--workspace", "--all-features"]).current_dir(root());
        deny
    };
    run(deny().args(["check", "licenses", "bans", "sources"]))?;
    if !succeeds(deny().args(["fetch", "db"])) {
        eprintln!("Advisories: skipped, the database cannot be reached from here");
        return Ok(());
    }
    run(deny().args(["check", "--disable-fetch", "advisories"]))
}

fn clippy() -> Result<()> {
    run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

fn clippy_wasm() -> Result<()> {
    let toolchain = Toolchain::ready()?;
    for program in ["page", "web"] {
        let mut cargo = toolchain.cargo();
        cargo.args(["clippy", "--target", TARGET, "--no-default-features", "--features", program]);
        run(cargo.args(["--", "--deny", "warnings"]).current_dir(root()))?;
    }
    let mut cargo = toolchain.cargo();
    cargo.args(["clippy", "--target", TARGET, "--package", "bench", "--lib"]);
    run(cargo.args(["--", "--deny", "warnings"]).current_dir(root()))
}

fn native() -> Result<()> {
    run(cargo().args(["test", "--workspace", "--exclude", "e2e"]))
}

/// The test files named `core_*` hold for both worlds.
fn wasm() -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let browser = Browser::ready()?;
    let capabilities = target().join("webdriver.json");
    let downloads = target().join("wasm-test-downloads");
    fs::write(&capabilities, browser.capabilities(&downloads).to_string())
        .map_err(|why| format!("{}: {why}", capabilities.display()))?;

    let run_tests = |names: &[String], prepare: fn(&mut Command)| {
        let mut cargo = toolchain.cargo();
        cargo.args(["test", "--target", TARGET, "--no-default-features", "--features", "core"]);
        for name in names {
            cargo.args(["--test", name]);
        }
        cargo
            .current_dir(root())
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", tools::wasm_test_runner()?)
            .env(browser.driver_variable(), &browser.driver)
            .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &capabilities)
            // Where the core runs in the page.
            .env("WASM_BINDGEN_USE_DEDICATED_WORKER", "1")
            // The limits are there for tests that hang, not for slow machines.
            .env("WASM_BINDGEN_TEST_TIMEOUT", "3600")
            .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "120");
        prepare(&mut cargo);
        run(&mut cargo)
    };
    run_tests(&core_tests()?, |_| {})?;
    // What differs between the builds is the kernels, and what must not is the files.
    run_tests(&["core_goldens", "core_kernels"].map(str::to_owned), |cargo| {
        RELAXED.prepare(&target(), cargo);
    })
}

fn core_tests() -> Result<Vec<String>> {
    let folder = root().join("tests");
    let entries = fs::read_dir(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut tests: Vec<String> = names
        .filter(|name| name.starts_with("core_"))
        .filter_map(|name| Some(name.strip_suffix(".rs")?.to_owned()))
        .collect();
    tests.sort();
    Ok(tests)
}

/// The native cargo.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root());
    cargo
}
