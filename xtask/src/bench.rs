//! `cargo xtask bench`: Steer8 beside ONNX Runtime, float and int8, in one browser or natively.
//!
//! Every variant of a network takes its turn in every round, so a ratio compares what ran within the
//! same fraction of a second. bench/README.md tells how to read the results.

mod chart;
mod check;
mod machine;
mod measure;
mod native;
mod networks;
mod report;
mod rig;
mod web;

use std::fs;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::browser::{Browser, Family};
use crate::module::BUILDS;
use crate::process::say;
use machine::Load;
use measure::Effort;
use native::Native;
use networks::Network;
use report::Report;
use rig::{Engine, Form, Rig, Variant};
use web::Peak;

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    place: Place,
    networks: Vec<&'static str>,
    effort: Effort,
    json: Option<PathBuf>,
    chart: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    /// In a browser of that family, or in the one that is there, Chromium before Firefox.
    Web(Option<Family>),
    Native,
}

impl Options {
    /// `None` if the arguments are not as the usage says.
    pub(crate) fn parse(arguments: &[&str]) -> Option<Self> {
        let mut options = Self {
            place: Place::Web(None),
            networks: Vec::new(),
            effort: Effort::FULL,
            json: None,
            chart: None,
        };
        let rest = match arguments {
            ["native", rest @ ..] => {
                options.place = Place::Native;
                rest
            }
            ["web", rest @ ..] | rest => rest,
        };
        let mut arguments = rest.iter().copied();
        while let Some(argument) = arguments.next() {
            match argument {
                "--quick" => options.effort = Effort::QUICK,
                "--json" => options.json = Some(arguments.next()?.into()),
                "--chart" => options.chart = Some(arguments.next()?.into()),
                "--network" => {
                    let name = arguments.next()?;
                    options.networks.push(networks::NAMES.into_iter().find(|n| *n == name)?);
                }
                "--browser" if options.place != Place::Native => {
                    let family = match arguments.next()? {
                        "chromium" => Family::Chrome,
                        "firefox" => Family::Firefox,
                        _ => return None,
                    };
                    options.place = Place::Web(Some(family));
                }
                _ => return None,
            }
        }
        if options.networks.is_empty() {
            options.networks = networks::NAMES.into();
        }
        Some(options)
    }
}

/// Measures, prints the table, and writes the files that were asked for.
pub(crate) fn bench(options: &Options) -> Result<()> {
    // A missing browser is known before the builds.
    let browser = match options.place {
        Place::Web(Some(family)) => Some(Browser::of(family)?),
        Place::Web(None) => Some(Browser::ready()?),
        Place::Native => None,
    };
    let networks = networks::ready(&options.networks)?;
    let report = match browser {
        Some(browser) => in_browser(&browser, &networks, &options.effort)?,
        None => natively(&networks, &options.effort)?,
    };
    println!("\n{}", report.table());
    if let Some(path) = &options.json {
        write(path, &format!("{:#}\n", report.json()))?;
    }
    if let Some(path) = &options.chart {
        write(path, &chart::svg(&report))?;
    }
    Ok(())
}

fn in_browser(browser: &Browser, networks: &[Network], effort: &Effort) -> Result<Report> {
    let site = web::build()?;
    let mut variants = ours(BUILDS.map(|build| build.name.to_owned()).into());
    variants.extend(Form::ALL.map(|form| Variant {
        engine: Engine::OnnxRuntimeWeb,
        form,
        build: "wasm".into(),
    }));
    web::in_page(browser, site, |page| {
        let mut report = Report {
            machine: machine::name(),
            browser: Some(browser.title()),
            against: format!("onnxruntime-web {}", web::ONNXRUNTIME_WEB),
            load: None,
            grain_ms: page.grain_ms()?,
            peak: None,
            runs: Vec::new(),
            checks: Vec::new(),
        };
        let mut peak = Peak::default();
        rig::give_frames(page, Engine::Steer8)?;
        measure_all(page, networks, &variants, effort, &mut report, |page| {
            page.raise(&mut peak, PEAK_REPEATS)
        })?;
        report.peak = Some(peak);
        Ok(report)
    })
}

/// Steer8's variants.
fn ours(builds: Vec<String>) -> Vec<Variant> {
    let engine = Engine::Steer8;
    let forms = |build: String| {
        [Form::Float, Form::Qdq].map(|form| Variant { engine, form, build: build.clone() })
    };
    builds.into_iter().flat_map(forms).collect()
}

/// Times that the peak is looked for with each number of chains, beside every network.
const PEAK_REPEATS: u32 = 3;

fn natively(networks: &[Network], effort: &Effort) -> Result<Report> {
    let mut native = Native::start()?;
    let mut variants = ours(native.builds()?);
    variants.extend(Form::ALL.map(|form| Variant {
        engine: Engine::OnnxRuntime,
        form,
        build: "native".into(),
    }));
    let mut report = Report {
        machine: machine::name(),
        browser: None,
        against: format!("onnxruntime {}", Native::onnxruntime_version()?),
        load: None,
        grain_ms: Native::grain_ms(),
        peak: None,
        runs: Vec::new(),
        checks: Vec::new(),
    };
    for engine in [Engine::Steer8, Engine::OnnxRuntime] {
        rig::give_frames(&mut native, engine)?;
    }
    measure_all(&mut native, networks, &variants, effort, &mut report, |_| Ok(()))?;
    Ok(report)
}

/// Adds every network's runs and checks to the report; `beside` is done before each of them.
fn measure_all<R: Rig>(
    rig: &mut R,
    networks: &[Network],
    variants: &[Variant],
    effort: &Effort,
    report: &mut Report,
    mut beside: impl FnMut(&mut R) -> Result<()>,
) -> Result<()> {
    let mut load = Load::default();
    for network in networks {
        say(format!("Measuring {} in {} variants", network.name, variants.len()));
        beside(rig)?;
        load.look();
        let (runs, checks) = rig::measure(rig, network, variants, report.grain_ms, effort)?;
        load.look();
        report.runs.extend(runs);
        report.checks.extend(checks);
    }
    report.load = load.mean();
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|why| format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_says_where_and_what() {
        let parse = |line: &str| Options::parse(&line.split_whitespace().collect::<Vec<_>>());
        let default = parse("").unwrap();
        assert_eq!(default.place, Place::Web(None));
        assert_eq!(default.networks, networks::NAMES);
        assert_eq!(parse("web"), Some(default));

        let options = parse("--browser firefox --quick --json a --chart b --network pilotnet");
        let expected = Options {
            place: Place::Web(Some(Family::Firefox)),
            networks: vec!["pilotnet"],
            effort: Effort::QUICK,
            json: Some("a".into()),
            chart: Some("b".into()),
        };
        assert_eq!(options, Some(expected));
        assert_eq!(parse("native --quick").unwrap().place, Place::Native);
        for wrong in ["native --browser firefox", "--json", "--network x", "web native", "--fast"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
