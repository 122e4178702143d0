//! Small pictures of figures, drawn as SVG without a script.
//!
//! Places along a picture are per cent of its width, so that it fits any screen while lines and points
//! keep their size.

use std::fmt::Write;

use super::escape::escape;
use super::scale::{Scale, span, thinned};
use crate::figures::significant;

#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub title: String,
    pub drawn: Drawn,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Drawn {
    /// A line for each variant, with what lies on it.
    Marks { marks: Vec<Mark>, from_zero: bool },
    /// Values over the frames.
    Lines(Vec<Line>),
}

/// A figure of one variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    pub name: String,
    pub is_baseline: bool,
    pub value: f64,
    /// The value as people read it.
    pub text: String,
    pub ci95: Option<[f64; 2]>,
    /// What most of what was measured stays below.
    pub most: Option<f64>,
    /// Single measurements.
    pub dots: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub name: String,
    pub kind: LineKind,
    pub values: Vec<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    Truth,
    Baseline,
    Other,
}

impl LineKind {
    fn class(self) -> &'static str {
        match self {
            Self::Truth => "truth",
            Self::Baseline => "base",
            Self::Other => "other",
        }
    }
}

/// How far beyond all that is marked the scale goes for what most stays below.
const BEYOND: f64 = 1.6;
/// Whole in per cent.
const WIDTH: f64 = 100.0;
/// Of a variant's picture, in pixels.
const HEIGHT: u32 = 18;
const MIDDLE: u32 = HEIGHT / 2;
/// Of values over frames; of more frames than twice this, stretches show their smallest and largest.
const STRETCHES: usize = 150;
const LINES_WIDTH: f64 = 800.0;
const LINES_HEIGHT: f64 = 160.0;

/// The chart as HTML.
pub(super) fn html(chart: &Chart) -> String {
    let picture = match &chart.drawn {
        Drawn::Marks { marks, from_zero } => self::marks(marks, *from_zero),
        Drawn::Lines(lines) => self::lines(&chart.title, lines),
    };
    format!("<figure><figcaption>{}</figcaption>{picture}</figure>\n", escape(&chart.title))
}

fn marks(marks: &[Mark], from_zero: bool) -> String {
    let scale = scale(marks, from_zero);
    let reference = marks.iter().find(|mark| mark.is_baseline).map(|mark| scale.at(mark.value));
    let mut text = String::from("<div class=\"marks\">");
    for mark in marks {
        let class = if mark.is_baseline { "base" } else { "other" };
        let _ = write!(
            text,
            "<div class=\"mark {class}\"><span class=\"name\">{}</span>\
             <svg width=\"100%\" height=\"{HEIGHT}\" aria-hidden=\"true\">",
            escape(&mark.name)
        );
        let x = |value: f64| format!("{:.2}%", scale.at(value));
        if from_zero {
            let _ = write!(
                text,
                "<rect class=\"track\" y=\"3\" width=\"100%\" height=\"12\" rx=\"2\"/>\
                 <rect class=\"fill\" y=\"3\" width=\"{}\" height=\"12\" rx=\"2\"/>",
                x(mark.value)
            );
        } else {
            text += &line("axis", "0%", "100%", MIDDLE, MIDDLE);
        }
        if let Some(reference) = reference.filter(|_| !mark.is_baseline) {
            let at = format!("{reference:.2}%");
            text += &line("reference", &at, &at, 0, HEIGHT);
        }
        for &dot in &mark.dots {
            let _ =
                write!(text, "<circle class=\"dot\" cx=\"{}\" cy=\"{MIDDLE}\" r=\"2.5\"/>", x(dot));
        }
        if let Some(most) = mark.most {
            text += &line("most", &x(mark.value), &x(most), MIDDLE, MIDDLE);
            // Beyond the picture it has no end.
            if most <= scale.high {
                text += &line("most", &x(most), &x(most), MIDDLE - 3, MIDDLE + 3);
            }
        }
        if let Some(ends) = mark.ci95 {
            let [low, high] = ends.map(x);
            text += &line("whisker", &low, &high, MIDDLE, MIDDLE);
            text += &line("whisker", &low, &low, MIDDLE - 5, MIDDLE + 5);
            text += &line("whisker", &high, &high, MIDDLE - 5, MIDDLE + 5);
        }
        if !from_zero {
            let _ = write!(
                text,
                "<circle class=\"point\" cx=\"{}\" cy=\"{MIDDLE}\" r=\"4.5\"/>",
                x(mark.value)
            );
        }
        let _ = write!(text, "</svg><span class=\"text\">{}</span></div>", escape(&mark.text));
    }
    text + "</div>"
}

fn line(class: &str, from: &str, to: &str, above: u32, below: u32) -> String {
    format!("<line class=\"{class}\" x1=\"{from}\" x2=\"{to}\" y1=\"{above}\" y2=\"{below}\"/>")
}

/// From zero, or around all that is drawn, with some air.
fn scale(marks: &[Mark], from_zero: bool) -> Scale {
    let drawn = || {
        marks.iter().flat_map(|mark| {
            let ends = mark.ci95.into_iter().flatten();
            [mark.value].into_iter().chain(ends).chain(mark.dots.iter().copied())
        })
    };
    let marked = drawn().fold(f64::NEG_INFINITY, f64::max);
    let most = marks.iter().filter_map(|mark| mark.most).fold(marked, f64::max);
    let high = most.min(marked.max(0.0) * BEYOND).max(marked);
    let low = if from_zero { 0.0 } else { drawn().fold(f64::INFINITY, f64::min) };
    let air = 0.06 * (high - low).max(0.02 * high.abs());
    Scale { low: if from_zero { 0.0 } else { low - air }, high: high + air, width: WIDTH }
}

fn lines(title: &str, lines: &[Line]) -> String {
    let frames = lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
    let [low, high] = span(lines.iter().flat_map(|line| &line.values).copied());
    let across = Scale { low: 0.0, high: frames.saturating_sub(1) as f64, width: LINES_WIDTH };
    let up = Scale { low, high, width: LINES_HEIGHT };
    let mut text = format!(
        "<svg class=\"lines\" viewBox=\"0 0 {LINES_WIDTH} {LINES_HEIGHT}\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    );
    for line in lines {
        let point = |(frame, value): (usize, f32)| {
            let y = LINES_HEIGHT - up.at(value.into());
            format!("{:.0} {y:.1}", across.at(frame as f64))
        };
        let points: Vec<String> = thinned(&line.values, STRETCHES).into_iter().map(point).collect();
        let _ = write!(text, "<path class=\"{}\" d=\"M{}\"/>", line.kind.class(), points.join("L"));
    }
    text += "</svg><p class=\"legend\">";
    for line in lines {
        let _ =
            write!(text, "<span class=\"{}\">{}</span> ", line.kind.class(), escape(&line.name));
    }
    let (low, high) = (significant(low), significant(high));
    text + &format!("<span class=\"range\">from {low} to {high}, {frames} frames</span></p>")
}
