//! Every check of the project, in the order in which they find the most for the least time.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Result;
use crate::browser::{Browser, Family};
use crate::dist;
use crate::e2e;
use crate::module::RELAXED_FEATURE;
use crate::process::{self, run, say, succeeds};
use crate::tools;
use crate::wasm::{TARGET, Toolchain};
use crate::workspace::{root, target};

/// One check: its name on the command line, what it does, and how.
pub(crate) struct Step {
    name: &'static str,
    what: &'static str,
    /// Minutes that it may take on two cores with nothing built. It says what a new test has to pay
    /// with; a slow machine fails nothing.
    budget: u64,
    run: fn(Engines) -> Result<()>,
}

/// Runs where it is asked for.
const ENGINES: &str = "engines";

const STEPS: [Step; 10] = [
    Step {
        name: "set-up",
        budget: 15,
        what: "the tools that the other steps use",
        run: |_| set_up(),
    },
    Step { name: "format", budget: 1, what: "rustfmt", run: |_| format() },
    Step {
        name: "deny",
        budget: 1,
        what: "licences, sources and advisories of what we use",
        run: |_| deny(),
    },
    Step { name: "clippy", budget: 4, what: "clippy, native", run: |_| clippy() },
    Step {
        name: "native",
        budget: 13,
        what: "cargo doc without a warning, cargo test, native",
        run: |_| native(),
    },
    Step {
        name: "clippy-wasm",
        budget: 3,
        what: "clippy, the page, its worker and the benchmark's",
        run: |_| clippy_wasm(),
    },
    Step {
        name: "wasm",
        budget: 6,
        what: "the core's tests as WebAssembly in a browser, every kind of kernels",
        run: |_| wasm(),
    },
    Step { name: "dist", budget: 10, what: "the static site", run: |_| dist::build() },
    Step {
        name: "browser",
        budget: 12,
        what: "the built site, end to end in a browser",
        run: |_| e2e::drive_site(&Browser::ready()?, &[]),
    },
    Step {
        name: ENGINES,
        budget: 10,
        what: "Firefox and WebKitGTK: the core's tests, and the main path on the built site",
        run: in_engines,
    },
];

pub(crate) fn step_names() -> String {
    STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(" ")
}

/// Which engines there have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engines {
    /// One that cannot be had is skipped.
    Found,
    All,
}

/// What is to be run.
pub(crate) struct Selection {
    steps: Vec<&'static Step>,
    engines: Engines,
}

/// The named steps in the order of the whole, or all of them; `None` if a name is unknown.
pub(crate) fn select(words: &[&str]) -> Option<Selection> {
    let (names, engines) = match words {
        [names @ .., "--engines", "all"] | ["--engines", "all", names @ ..] => {
            (names, Engines::All)
        }
        names => (names, Engines::Found),
    };
    let known = names.iter().all(|name| STEPS.iter().any(|step| step.name == *name));
    // Two more browsers are much to ask of every machine.
    let usual = |step: &Step| engines == Engines::All || step.name != ENGINES;
    let wanted = |step: &&Step| match names {
        [] => usual(step),
        names => names.contains(&step.name),
    };
    known.then(|| Selection { steps: STEPS.iter().filter(wanted).collect(), engines })
}

/// Runs the steps up to the first that fails, and ends with what each took.
pub(crate) fn run_steps(Selection { steps, engines }: &Selection) -> Result<()> {
    let mut times = Vec::new();
    let mut outcome = Ok(());
    let begun = Instant::now();
    for step in steps {
        say(format!("{}: {} (after {})", step.name, step.what, minutes(begun.elapsed()).trim()));
        let start = Instant::now();
        let done = (step.run)(*engines);
        times.push((step, start.elapsed(), done.is_ok()));
        if let Err(why) = done {
            outcome = Err(format!("{why}\nOnly this again:\n  cargo xtask test {}", step.name));
            break;
        }
    }
    eprintln!();
    let mut whole = Duration::ZERO;
    for (Step { name, what, budget, .. }, time, passed) in times {
        let outcome = if passed { "passed" } else { "FAILED" };
        let over = if time.as_secs() > 60 * budget { " over its budget:" } else { "" };
        eprintln!("{outcome} {} of {budget:2}:00 {name:12}{over} {what}", minutes(time));
        whole += time;
    }
    eprintln!("       {}", minutes(whole));
    outcome
}

fn minutes(time: Duration) -> String {
    format!("{:2}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
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
    for what in [
        ["--no-default-features", "--features", "page"],
        ["--no-default-features", "--features", "worker"],
        ["--package=bench", "--lib", "--all-features"],
    ] {
        let mut cargo = toolchain.cargo();
        cargo.args(["clippy", "--target", TARGET]).args(what);
        run(cargo.args(["--", "--deny", "warnings"]).current_dir(root()))?;
    }
    Ok(())
}

fn native() -> Result<()> {
    let mut documented = cargo();
    documented.args(["doc", "--no-deps", "--lib"]).env("RUSTDOCFLAGS", "--deny warnings");
    run(&mut documented)?;
    // Unoptimized the unit tests are built in a quarter of the time, and take half a minute longer; the others
    // run whole networks.
    run(natively("test").arg("--lib").args(UNOPTIMIZED))?;
    run(natively("test").args(["--bins", "--examples", "--test", "*"]))?;
    run(natively("test").arg("--doc"))
}

/// Has cargo build our own crate for a program that hardly computes.
pub(crate) const UNOPTIMIZED: [&str; 2] = ["--config", "profile.dev.package.steer8.opt-level=0"];

/// The native cargo for all but the tests that need the built site, and the benchmark, which has none.
pub(crate) fn natively(command: &str) -> Command {
    let mut cargo = cargo();
    cargo.args([command, "--workspace", "--exclude", "e2e", "--exclude", "bench"]);
    cargo
}

/// The tests that hold for both worlds.
fn wasm() -> Result<()> {
    test_core_in(&Browser::ready()?, &format!("core,{RELAXED_FEATURE}"))
}

/// What must hold in every engine: the core's tests, the same bytes among them, and the main path.
fn in_engines(engines: Engines) -> Result<()> {
    for family in [Family::Firefox, Family::WebKit] {
        let browser = match Browser::engine(family) {
            Ok(browser) => browser,
            Err(why) if engines == Engines::All => return Err(why),
            Err(why) => {
                eprintln!("skipped: {why}");
                continue;
            }
        };
        say(browser.title());
        test_core_in(&browser, "core")?;
        e2e::drive_site(&browser, &e2e::MAIN_PATH)?;
    }
    Ok(())
}

/// Runs `tests/core` as WebAssembly in a browser.
fn test_core_in(browser: &Browser, features: &str) -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let capabilities = target().join("webdriver.json");
    let downloads = target().join("wasm-test-downloads");
    fs::write(&capabilities, browser.capabilities(&downloads).to_string())
        .map_err(|why| format!("{}: {why}", capabilities.display()))?;

    let mut cargo = toolchain.cargo();
    cargo
        .args(["test", "--target", TARGET, "--no-default-features", "--features", features])
        .args(["--test", "core"])
        .current_dir(root())
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", tools::wasm_test_runner()?)
        // wasm-bindgen reads and writes the whole module, and a browser shows no line numbers.
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_PROFILE_DEV_STRIP", "debuginfo")
        .env(browser.driver_variable(), &browser.driver)
        .envs(browser.environment())
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &capabilities)
        // Where the core runs in the page.
        .env("WASM_BINDGEN_USE_DEDICATED_WORKER", "1")
        // The limits are there for tests that hang, not for slow machines.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "3600")
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "120");
    run(&mut cargo)
}

/// The native cargo.
pub(crate) fn cargo() -> Command {
    let mut cargo = process::cargo("cargo");
    cargo.current_dir(root());
    cargo
}
