//! The chart for the README: milliseconds per frame, ours beside theirs.

use std::fmt::Write;

use super::report::{Comparison, Report};
use super::rig::{Engine, Form, Run};

const WIDTH: f64 = 720.0;
/// Where the bars begin; left of it stand the names.
const LEFT: f64 = 190.0;
/// What the bars leave to the figures at their ends.
const FIGURES: f64 = 170.0;
const BAR: f64 = 16.0;
const ROW: f64 = 22.0;
/// Between two precisions of a network.
const GAP: f64 = 6.0;
const TITLE: f64 = 30.0;
const HEAD: f64 = 60.0;
const FOOT: f64 = 40.0;

/// Follows the reader's choice of a light or dark page.
const STYLE: &str = "\
svg { background: #ffffff }
text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.network { font-weight: 600 }
.quiet { fill: #59636e; font-size: 12px }
.times { font-weight: 600 }
.steer8 { fill: #0969da }
.other { fill: #afb8c1 }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117 }
text { fill: #f0f6fc }
.quiet { fill: #9198a1 }
.steer8 { fill: #4493f8 }
.other { fill: #656c76 }
}";

/// An SVG of each network's float and int8 times: our faster build, and the other engine's faster
/// format. Shorter is better; every network has a scale of its own.
pub(crate) fn svg(report: &Report) -> String {
    let pairs = fastest(report);
    let mut body = String::new();
    let mut y = HEAD;
    let mut network = "";
    for (at, Comparison { ours, theirs, ratio }) in pairs.iter().enumerate() {
        if ours.network == network {
            y += GAP;
        } else {
            network = ours.network;
            y += TITLE;
            text(&mut body, 16.0, y - 9.0, "network", "", network);
        }
        let of_network =
            pairs[at..].iter().chain(&pairs[..at]).filter(|p| p.ours.network == network);
        let longest = of_network
            .map(|p| p.ours.quantile(0.5).max(p.theirs.quantile(0.5)))
            .fold(0.0, f64::max);
        for run in [ours, theirs] {
            let is_ours = run.variant.engine == Engine::Steer8;
            let class = if is_ours { "steer8" } else { "other" };
            let ms = run.quantile(0.5);
            let length = (WIDTH - LEFT - FIGURES) * ms / longest;
            text(&mut body, LEFT - 8.0, y + 13.0, "", " text-anchor=\"end\"", &name(run));
            let _ = writeln!(
                body,
                "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.0}\" width=\"{length:.1}\" \
                 height=\"{BAR}\" rx=\"2\"/>"
            );
            let end = LEFT + length + 6.0;
            let figures = figure(ms);
            if is_ours {
                let times = format!("{figures}, {:.2}x as fast", ratio.median);
                text(&mut body, end, y + 13.0, "times", "", &times);
            } else {
                text(&mut body, end, y + 13.0, "", "", &figures);
            }
            y += ROW;
        }
    }
    let height = y + FOOT;
    let place =
        report.browser.as_ref().map_or("natively".into(), |browser| format!("in {browser}"));
    let title = format!("Steer8 beside {}, float and int8", report.against);
    let mut head = String::new();
    text(&mut head, 16.0, 28.0, "title", "", &title);
    let what = format!("Median time of one frame on one thread, {place}; shorter is better");
    text(&mut head, 16.0, 48.0, "quiet", "", &what);
    let note = format!("Each network has its own scale. {}", report.machine);
    text(&mut body, 16.0, height - 16.0, "quiet", "", &note);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         width=\"{WIDTH}\" height=\"{height:.0}\" role=\"img\">\n<title>{}</title>\n\
         <style>\n{STYLE}\n</style>\n{head}{body}</svg>\n",
        escaped(&title)
    )
}

/// For each network and precision, our faster build against the other engine.
fn fastest(report: &Report) -> Vec<Comparison<'_>> {
    let mut pairs: Vec<Comparison> = Vec::new();
    for comparison in report.comparisons() {
        if comparison.theirs.variant.engine == Engine::Steer8 {
            continue;
        }
        let key = |c: &Comparison| (c.ours.network, c.ours.variant.form.precision());
        match pairs.iter_mut().find(|pair| key(pair) == key(&comparison)) {
            Some(pair) if comparison.ours.quantile(0.5) < pair.ours.quantile(0.5) => {
                *pair = comparison;
            }
            Some(_) => {}
            None => pairs.push(comparison),
        }
    }
    pairs
}

fn name(run: &Run) -> String {
    let engine = match run.variant.engine {
        Engine::Steer8 => "Steer8",
        Engine::OnnxRuntime => "ONNX Runtime",
        Engine::OnnxRuntimeWeb => "ONNX Runtime Web",
    };
    let precision = if run.variant.form == Form::Float { "float" } else { "int8" };
    format!("{engine} {precision}")
}

/// Milliseconds in three digits.
fn figure(ms: f64) -> String {
    let decimals = (2.0 - ms.log10().floor()).clamp(0.0, 3.0) as usize;
    format!("{ms:.decimals$} ms")
}

fn text(to: &mut String, x: f64, y: f64, class: &str, attributes: &str, words: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(
        to,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\"{attributes}>{}</text>",
        escaped(words)
    );
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::report::tests::report;

    #[test]
    fn shows_our_faster_build_beside_theirs() {
        let mut report = report();
        report.machine = "a <b> & c".into();
        let svg = svg(&report);
        assert_eq!(svg.matches("<rect").count(), 4);
        // Relaxed 0.8 ms of the simd128's 1: the median sample is 1.5 times as long.
        assert!(svg.contains(">1.20 ms, 3.75x as fast<"), "{svg}");
        assert!(svg.contains(">0.750 ms, 3.00x as fast<"), "{svg}");
        assert!(svg.contains(">4.50 ms<"), "{svg}");
        assert!(svg.contains("a &lt;b> &amp; c"), "{svg}");
    }

    #[test]
    fn figures_have_three_digits() {
        let figures = [0.0421, 0.421, 4.21, 42.1, 421.0, 4210.0].map(figure);
        assert_eq!(figures, ["0.042 ms", "0.421 ms", "4.21 ms", "42.1 ms", "421 ms", "4210 ms"]);
    }
}
