//! What was measured, as a table and as JSON.

use serde_json::{Value, json};
use steer8::statistics::paired_ratio;
use steer8::vocabulary::report::Speedup;

use super::check::Check;
use super::rig::{Engine, Form, Run};
use super::web::Peak;

pub(crate) struct Report {
    pub(crate) machine: String,
    /// Name and version; `None` natively.
    pub(crate) browser: Option<String>,
    /// The version of the engine that we are measured against.
    pub(crate) against: String,
    /// The system's one-minute load average while measuring, this run's own thread included.
    pub(crate) load: Option<f64>,
    pub(crate) grain_ms: f64,
    /// Of the browser; `None` natively.
    pub(crate) peak: Option<Peak>,
    pub(crate) runs: Vec<Run>,
    pub(crate) checks: Vec<Check>,
}

/// Of the bootstrap.
const SEED: u64 = 0;

/// How much faster one of our variants is than what it is compared with.
pub(crate) struct Comparison<'a> {
    pub(crate) ours: &'a Run,
    pub(crate) theirs: &'a Run,
    /// Their time over ours.
    pub(crate) ratio: Speedup,
}

impl Comparison<'_> {
    /// What it is compared with, as the JSON names it.
    pub(crate) fn against(&self) -> &'static str {
        match self.theirs.variant.engine {
            Engine::Steer8 => "steer8-float",
            other => other.name(),
        }
    }
}

impl Report {
    /// Each of our runs against the other engine at the same precision, in its faster format, and
    /// our int8 against our float of the same build.
    pub(crate) fn comparisons(&self) -> Vec<Comparison<'_>> {
        let mut comparisons = Vec::new();
        for ours in self.runs.iter().filter(|run| run.variant.engine == Engine::Steer8) {
            let same_network = || self.runs.iter().filter(|run| run.network == ours.network);
            let other_engine = same_network().filter(|run| {
                run.variant.engine != Engine::Steer8
                    && run.variant.form.precision() == ours.variant.form.precision()
            });
            let fastest = other_engine.min_by(|a, b| a.quantile(0.5).total_cmp(&b.quantile(0.5)));
            let float = same_network().find(|run| {
                ours.variant.form != Form::Float
                    && run.variant.form == Form::Float
                    && run.variant.engine == Engine::Steer8
                    && run.variant.build == ours.variant.build
            });
            for theirs in fastest.into_iter().chain(float) {
                let ratio = paired_ratio(&theirs.rounds(), &ours.rounds(), SEED);
                comparisons.push(Comparison { ours, theirs, ratio });
            }
        }
        comparisons
    }

    /// The peak in GMAC/s of this run's arithmetic and build, if it is ours.
    fn peak_of(&self, run: &Run) -> Option<f64> {
        let peak = self.peak.filter(|_| run.variant.engine == Engine::Steer8)?;
        Some(match run.variant.form {
            Form::Float if run.variant.build == "relaxed-simd" => {
                peak.f32_relaxed_gmacs.max(peak.f32_gmacs)
            }
            Form::Float => peak.f32_gmacs,
            Form::Qdq | Form::QOperator => peak.int8_gmacs,
        })
    }

    /// The share of the peak that the whole network reaches.
    fn peak_share(&self, run: &Run) -> Option<f64> {
        Some(run.gmacs() / self.peak_of(run)?)
    }

    /// The share of the peak that its convolutions reach.
    fn conv_peak_share(&self, run: &Run) -> Option<f64> {
        Some(run.conv_gmacs()? / self.peak_of(run)?)
    }

    /// The contract of `--json`.
    pub(crate) fn json(&self) -> Value {
        let run = |run: &Run| {
            json!({
                "network": run.network,
                "engine": run.variant.engine.name(),
                "precision": run.variant.form.precision(),
                "format": run.variant.form.format(),
                "build": run.variant.build,
                "p50_ms": run.quantile(0.5),
                "p90_ms": run.quantile(0.9),
                "min_ms": run.quantile(0.0),
                "runs": run.samples(),
                "gmacs": run.gmacs(),
                "conv_gmacs": run.conv_gmacs(),
                "peak_share": self.peak_share(run),
                "conv_peak_share": self.conv_peak_share(run),
                "cold_ms": run.cold_ms,
                "session_bytes": run.session_bytes,
            })
        };
        let ratio = |comparison: Comparison| {
            json!({
                "network": comparison.ours.network,
                "precision": comparison.ours.variant.form.precision(),
                "build": comparison.ours.variant.build,
                "against": comparison.against(),
                "against_format": comparison.theirs.variant.form.format(),
                "median": comparison.ratio.median,
                "ci95": comparison.ratio.ci95,
            })
        };
        let check = |check: &Check| {
            json!({
                "network": check.network,
                "precision": check.form.precision(),
                "format": check.form.format(),
                "build": check.build,
                "against": check.against.name(),
                "against_format": check.against_form.format(),
                "max_difference": check.difference,
                "same_top1": check.same_top1,
            })
        };
        json!({
            "machine": self.machine,
            "browser": self.browser,
            "against": self.against,
            "load": self.load,
            "clock_grain_ms": self.grain_ms,
            "peak": {
                "f32_gmacs": self.peak.map(|peak| peak.f32_gmacs),
                "f32_relaxed_gmacs": self.peak.map(|peak| peak.f32_relaxed_gmacs),
                "int8_gmacs": self.peak.map(|peak| peak.int8_gmacs),
            },
            "runs": self.runs.iter().map(run).collect::<Vec<_>>(),
            "ratios": self.comparisons().into_iter().map(ratio).collect::<Vec<_>>(),
            "checks": self.checks.iter().map(check).collect::<Vec<_>>(),
        })
    }

    /// For the terminal.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n", self.machine);
        if let Some(browser) = &self.browser {
            text += &format!("{browser}\n");
        }
        text += &format!("against {}\n", self.against);
        if let Some(load) = self.load {
            text += &format!("load {load:.2}, of which this run is 1\n");
        }
        text += &format!("clock's grain {:.2} us\n", 1e3 * self.grain_ms);
        if let Some(peak) = self.peak {
            text += &format!(
                "peak of one thread in GMAC/s: f32 {:.1}, relaxed f32 {:.1}, int8 {:.1}\n",
                peak.f32_gmacs, peak.f32_relaxed_gmacs, peak.int8_gmacs
            );
        }
        text += &format!(
            "\n{:11} {:16} {:6} {:10} {:13} {:>9} {:>9} {:>9} {:>7} {:>8} {:>12} {:>13} {:>9}\n",
            "network",
            "engine",
            "type",
            "format",
            "build",
            "p50 ms",
            "p90 ms",
            "min ms",
            "GMAC/s",
            "of peak",
            "conv GMAC/s",
            "convs of peak",
            "cold ms"
        );
        for run in &self.runs {
            let percent = |share: Option<f64>| {
                share.map_or(String::new(), |share| format!("{:.0} %", 100.0 * share))
            };
            text += &format!(
                "{:11} {:16} {:6} {:10} {:13} {:9.3} {:9.3} {:9.3} {:7.1} {:>8} {:>12} {:>13} {:9.1}\n",
                run.network,
                run.variant.engine.name(),
                run.variant.form.precision(),
                run.variant.form.format().unwrap_or_default(),
                run.variant.build,
                run.quantile(0.5),
                run.quantile(0.9),
                run.quantile(0.0),
                run.gmacs(),
                percent(self.peak_share(run)),
                run.conv_gmacs().map_or(String::new(), |gmacs| format!("{gmacs:.1}")),
                percent(self.conv_peak_share(run)),
                run.cold_ms
            );
        }
        text += "\nTheir time over ours, the median of the rounds and its 95 % interval\n";
        for comparison in self.comparisons() {
            let Speedup { median, ci95: [low, high] } = &comparison.ratio;
            let format = comparison.theirs.variant.form.format();
            text += &format!(
                "{:11} {:6} {:13} against {:16} {:10} {median:6.2}x  [{low:.2}, {high:.2}]\n",
                comparison.ours.network,
                comparison.ours.variant.form.precision(),
                comparison.ours.variant.build,
                comparison.against(),
                format.unwrap_or_default(),
            );
        }
        text += "\nThe largest difference of two logits, of the largest logit; same first answer\n";
        for check in &self.checks {
            text += &format!(
                "{:11} {:6} {:13} against {:16} {:10} {:9.5} % {:5.0} %\n",
                check.network,
                check.form.precision(),
                check.build,
                check.against.name(),
                check.against_form.format().unwrap_or_default(),
                100.0 * check.difference,
                100.0 * check.same_top1,
            );
        }
        text
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::bench::rig::Variant;

    pub(crate) fn report() -> Report {
        let run = |engine, form, build: &str, ms: f64| Run {
            network: "pilotnet",
            macs: 2e6,
            conv_macs: 1e6,
            variant: Variant { engine, form, build: build.into() },
            cold_ms: 9.0,
            session_bytes: None,
            // The second round is on a machine half as fast.
            turns: vec![vec![ms, ms, 3.0 * ms], vec![2.0 * ms]],
            conv_share: (engine == Engine::Steer8).then_some(0.5),
        };
        Report {
            machine: "m".into(),
            browser: Some("b".into()),
            against: "onnxruntime-web 0".into(),
            load: Some(1.25),
            grain_ms: 0.005,
            peak: Some(Peak { f32_gmacs: 20.0, f32_relaxed_gmacs: 25.0, int8_gmacs: 40.0 }),
            runs: vec![
                run(Engine::Steer8, Form::Float, "simd128", 1.0),
                run(Engine::Steer8, Form::Float, "relaxed-simd", 0.8),
                run(Engine::Steer8, Form::Qdq, "simd128", 0.5),
                run(Engine::OnnxRuntimeWeb, Form::Float, "wasm", 3.0),
                run(Engine::OnnxRuntimeWeb, Form::Qdq, "wasm", 2.0),
                run(Engine::OnnxRuntimeWeb, Form::QOperator, "wasm", 1.5),
            ],
            checks: Vec::new(),
        }
    }

    #[test]
    fn compares_at_the_same_precision_with_the_faster_format_and_with_our_float() {
        let json = report().json();
        let ratios: Vec<(&str, &str, &str, f64)> = json["ratios"]
            .as_array()
            .unwrap()
            .iter()
            .map(|ratio| {
                let text = |key: &str| ratio[key].as_str().unwrap();
                let median = (100.0 * ratio["median"].as_f64().unwrap()).round() / 100.0;
                (text("precision"), text("build"), text("against"), median)
            })
            .collect();
        let expected = [
            ("float", "simd128", "onnxruntime-web", 3.0),
            ("float", "relaxed-simd", "onnxruntime-web", 3.75),
            ("int8", "simd128", "onnxruntime-web", 3.0),
            ("int8", "simd128", "steer8-float", 2.0),
        ];
        assert_eq!(ratios, expected);
    }

    #[test]
    fn a_run_is_measured_by_the_peak_of_its_build() {
        let report = report();
        // The median of 1, 1, 2 and 3 ms is 1.5 ms: 2 M in it are 1.333 GMAC/s.
        assert!((report.runs[0].gmacs() - 4.0 / 3.0).abs() < 1e-9);
        let share = |run: usize| report.peak_share(&report.runs[run]);
        assert!((share(0).unwrap() - 4.0 / 3.0 / 20.0).abs() < 1e-9);
        assert!((share(1).unwrap() - 4.0 / 3.0 / 0.8 / 25.0).abs() < 1e-9);
        assert!((share(2).unwrap() - 8.0 / 3.0 / 40.0).abs() < 1e-9);
        assert_eq!(share(3), None);
        // 1 M in half of the time.
        let of_convs = |run: usize| report.conv_peak_share(&report.runs[run]);
        assert_eq!(of_convs(0), share(0));
        assert_eq!(of_convs(2), share(2));
        assert_eq!(of_convs(3), None);
    }
}
