//! The comparison as a table: a row per figure, a column per variant, and what differs from the baseline,
//! which is the first column.

use std::fmt::Write as _;

use crate::error::{Error, Result};
use crate::figures::significant;
use crate::page::format;
use crate::report::csv::field;
use crate::report::markdown::escape;
use crate::vocabulary::driving::Driven;
use crate::vocabulary::report::{LEVEL, Report};

/// A variant of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Column<'a> {
    pub id: &'a str,
    pub name: String,
    /// `float`, `int8`, …
    pub variant: &'a str,
    pub report: Option<&'a Report>,
    pub driven: Option<&'a Driven>,
    /// Columns of one number were timed in turns.
    pub run: usize,
    /// Columns of one number answered the same frames.
    pub frames: usize,
    /// Whether the tests in the others' reports are against this one.
    pub is_reference: bool,
}

/// What a person would rather have of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    High,
    Low,
    Neither,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// `accuracy`, or `mae:angle`.
    pub id: String,
    /// The same without the output.
    pub kind: &'static str,
    /// The output that it is about.
    pub of: Option<String>,
    pub name: String,
    pub note: &'static str,
    pub better: Better,
    /// A cell per column; `None` where nothing is known.
    pub cells: Vec<Option<Cell>>,
}

/// A figure of a network: as people read it, and exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub text: String,
    pub exact: f64,
    pub interval: Option<Interval>,
    /// From the baseline's; `None` where nothing can be said of it.
    pub change: Option<Difference>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    pub text: String,
    pub exact: [f64; 2],
}

#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub text: String,
    pub is_better: bool,
    /// Whether a test or the intervals say that it is more than noise.
    pub is_sure: bool,
}

impl Row {
    /// Whether the columns that have the figure have it alike.
    pub fn is_same(&self) -> bool {
        let mut cells = self.cells.iter().flatten().map(|cell| cell.exact);
        let Some(first) = cells.next() else { return true };
        cells.all(|exact| exact == first)
    }
}

/// How a difference is told.
#[derive(Clone, Copy)]
enum Told {
    /// Of shares, in points.
    Points,
    /// Of amounts, in per cent.
    Percent,
    /// In the figure's own unit.
    Plain,
}

/// What says whether a difference is more than noise.
#[derive(Clone, Copy)]
enum Test {
    /// It is counted, not measured.
    Exact,
    /// This p against the reference, else whether intervals overlap.
    P(fn(&Report, usize) -> Option<f64>),
    /// The ratio of interleaved times, else intervals of one run.
    Time,
    /// Whether intervals overlap.
    Intervals,
}

struct Kind {
    id: &'static str,
    name: &'static str,
    note: &'static str,
    better: Better,
    told: Told,
    test: Test,
    figure: fn(&Column<'_>) -> Option<Cell>,
}

impl Kind {
    /// Whether it depends on what else the machine is at.
    fn is_timed(&self) -> bool {
        matches!(self.id, "latency" | "latency-p90" | "cold")
    }
}

fn cell(text: String, exact: f64) -> Cell {
    Cell { text, exact, interval: None, change: None }
}

fn between(cell: Cell, exact: [f64; 2], text: impl Fn(f64) -> String) -> Cell {
    let [low, high] = exact.map(text);
    Cell { interval: Some(Interval { text: format!("{low} to {high}"), exact }), ..cell }
}

fn bytes(value: usize) -> Cell {
    cell(format::bytes(value), value as f64)
}

fn count(value: u64) -> Cell {
    cell(format::count(value), value as f64)
}

const fn amount(
    id: &'static str,
    name: &'static str,
    note: &'static str,
    figure: fn(&Column<'_>) -> Option<Cell>,
) -> Kind {
    Kind { id, name, note, better: Better::Low, told: Told::Percent, test: Test::Exact, figure }
}

const CLASSES: [Kind; 3] = [
    Kind {
        id: "accuracy",
        name: "Top-1 accuracy",
        note: "95 % Wilson interval",
        better: Better::High,
        told: Told::Points,
        test: Test::P(|report, _| report.mcnemar_p),
        figure: |c| {
            let accuracy = c.report?.accuracy.as_ref()?;
            let own = cell(format::percent(accuracy.top1), accuracy.top1);
            Some(between(own, accuracy.ci95, format::percent))
        },
    },
    Kind {
        id: "agreement",
        name: "Agreement with float",
        note: "frames with the same answer",
        better: Better::High,
        told: Told::Points,
        test: Test::Intervals,
        figure: |c| c.report?.agreement_with_float.map(|v| cell(format!("{:.2} %", v * 100.0), v)),
    },
    Kind {
        id: "mcnemar",
        name: "McNemar's p",
        note: "small: the accuracies really differ",
        better: Better::Neither,
        told: Told::Plain,
        test: Test::Intervals,
        figure: |c| c.report?.mcnemar_p.map(|v| cell(format!("{v:.3}"), v)),
    },
];

const RETURN: Kind = Kind {
    id: "return",
    name: "Mean return",
    note: "driving the same tracks, 95 % interval",
    better: Better::High,
    told: Told::Plain,
    test: Test::Intervals,
    figure: |c| {
        let driven = c.driven?;
        let own = cell(format!("{:.0}", driven.mean), driven.mean);
        Some(match driven.ci95 {
            Some(ci95) => between(own, ci95, |value| format!("{value:.0}")),
            None => own,
        })
    },
};

const COSTS: [Kind; 12] = [
    Kind {
        id: "latency",
        name: "Latency, median",
        note: "one frame, bootstrap 95 % interval",
        better: Better::Low,
        told: Told::Percent,
        test: Test::Time,
        figure: |c| {
            let latency = c.report?.latency_ms.as_ref()?;
            let own = cell(format::ms(latency.p50), latency.p50);
            Some(between(own, latency.ci95, |ms| format::ms(ms).replace(" ms", "")))
        },
    },
    Kind {
        id: "latency-p90",
        name: "Latency, 90th percentile",
        note: "",
        better: Better::Low,
        told: Told::Percent,
        test: Test::Intervals,
        figure: |c| c.report?.latency_ms.as_ref().map(|l| cell(format::ms(l.p90), l.p90)),
    },
    Kind {
        id: "speedup",
        name: "Speed-up over float",
        note: "from interleaved blocks",
        better: Better::High,
        told: Told::Percent,
        test: Test::Intervals,
        figure: |c| {
            let speedup = c.report?.speedup_over_float.as_ref()?;
            let own = cell(format::times(speedup.median), speedup.median);
            Some(between(own, speedup.ci95, format::times))
        },
    },
    Kind {
        id: "cold",
        name: "Cold start",
        note: "load, prepare, first frame",
        better: Better::Low,
        told: Told::Percent,
        test: Test::Intervals,
        figure: |c| c.report.map(|r| cell(format::ms(r.cold_ms), r.cold_ms)),
    },
    amount("file-bytes", "ONNX file", "", |c| c.report.map(|r| bytes(r.file_bytes))),
    amount("weight-bytes", "Weights in it", "", |c| c.report.map(|r| bytes(r.weight_bytes))),
    amount("gzip-bytes", "File, gzipped", "", |c| c.report.map(|r| bytes(r.gzip_bytes))),
    amount("session-bytes", "Session memory", "packed weights and live values", |c| {
        c.report.map(|r| bytes(r.session_bytes))
    }),
    amount("params", "Parameters", "", |c| c.report.map(|r| count(r.params))),
    amount("macs", "MACs", "multiply-accumulates per frame", |c| c.report.map(|r| count(r.macs))),
    amount("flops", "FLOPs", "2 × MACs", |c| c.report.map(|r| count(r.flops))),
    amount("bops", "BOPs", "MACs × weight bits × activation bits", |c| {
        c.report.map(|r| count(r.bops))
    }),
];

/// The rows that say something about one of the columns.
pub fn rows(columns: &[Column<'_>]) -> Vec<Row> {
    let plain = |kind: &Kind| {
        let cells = columns.iter().map(|column| (kind.figure)(column)).collect();
        row(columns, kind, None, 0, cells)
    };
    let mut rows: Vec<Row> = CLASSES.iter().map(plain).collect();
    rows.extend(value_rows(columns));
    rows.extend(distance_rows(columns));
    rows.push(plain(&RETURN));
    rows.extend(COSTS.iter().map(plain));
    rows.retain(|row| row.cells.iter().any(Option::is_some));
    rows
}

/// `at`: the place of the value that the row is about.
fn row(
    columns: &[Column<'_>],
    kind: &Kind,
    of: Option<&str>,
    at: usize,
    mut cells: Vec<Option<Cell>>,
) -> Row {
    let base = cells.first().cloned().flatten();
    if let Some((base, first)) = base.as_ref().zip(columns.first()) {
        for (cell, column) in cells.iter_mut().zip(columns).skip(1) {
            if let Some(cell) = cell {
                cell.change = difference(kind, (base, first), (cell, column), at);
            }
        }
    }
    Row {
        id: of.map_or_else(|| kind.id.to_owned(), |of| format!("{}:{of}", kind.id)),
        kind: kind.id,
        of: of.map(str::to_owned),
        name: of.map_or_else(|| kind.name.to_owned(), |of| format!("{} of {of}", kind.name)),
        note: kind.note,
        better: kind.better,
        cells,
    }
}

fn difference(
    kind: &Kind,
    (base, first): (&Cell, &Column<'_>),
    (own, column): (&Cell, &Column<'_>),
    at: usize,
) -> Option<Difference> {
    // What other frames say has nothing to do with it.
    let of_frames = !matches!(kind.test, Test::Exact | Test::Time)
        && !kind.is_timed()
        && !matches!(kind.id, "return" | "speedup");
    if kind.better == Better::Neither || (of_frames && first.frames != column.frames) {
        return None;
    }
    // Figures of other minutes are not compared, but by their ratios to float's of the same minute.
    let timed = kind.is_timed();
    let ratio = column.report.filter(|_| first.is_reference && matches!(kind.test, Test::Time));
    let ratio = ratio.and_then(|report| report.speedup_over_float.as_ref());
    if timed && ratio.is_none() && first.run != column.run {
        return None;
    }
    let change = match ratio {
        Some(ratio) => base.exact / ratio.median - base.exact,
        None => own.exact - base.exact,
    };
    if change == 0.0 {
        return None;
    }
    let text = match kind.told {
        Told::Points => format::points(change),
        Told::Plain => crate::figures::signed(change),
        Told::Percent if base.exact == 0.0 => return None,
        Told::Percent => format!("{:+.0} %", 100.0 * change / base.exact).replace('-', "\u{2212}"),
    };
    let apart = || match (&base.interval, &own.interval) {
        (Some(a), Some(b)) => a.exact[1] < b.exact[0] || b.exact[1] < a.exact[0],
        _ => false,
    };
    let is_sure = match kind.test {
        Test::Exact => true,
        Test::Intervals => apart(),
        Test::P(p) => {
            let p = column.report.filter(|_| first.is_reference).and_then(|report| p(report, at));
            p.map_or_else(apart, |p| p < LEVEL)
        }
        Test::Time => ratio.map_or_else(apart, |ratio| ratio.is_significant()),
    };
    let is_better = (change > 0.0) == (kind.better == Better::High);
    Some(Difference { text, is_better, is_sure })
}

/// The errors of each value.
fn value_rows(columns: &[Column<'_>]) -> Vec<Row> {
    const fn kind(id: &'static str, name: &'static str, note: &'static str, test: Test) -> Kind {
        let (better, told) = (Better::Low, Told::Plain);
        Kind { id, name, note, better, told, test, figure: |_| None }
    }
    const MAE: Test = Test::P(|report, at| Some(report.mae_change.as_ref()?.get(at)?.p));
    const KINDS: [Kind; 4] = [
        kind("mae", "MAE", "mean absolute error, bootstrap 95 % interval", MAE),
        kind("rmse", "RMSE", "", Test::Intervals),
        kind("p99", "99 % of errors below", "", Test::Intervals),
        kind("max-abs", "Largest error", "", Test::Intervals),
    ];
    let of = |column: &Column<'_>| column.report?.values.clone();
    let first = columns.iter().find_map(of);
    let names = first.map_or_else(Vec::new, |values| {
        values.outputs.into_iter().map(|score| score.name).collect()
    });
    let mut rows = Vec::new();
    for (at, name) in names.iter().enumerate() {
        for kind in &KINDS {
            let cells = columns.iter().map(|column| {
                let score = column.report?.values.as_ref()?.outputs.get(at)?;
                let exact = match kind.id {
                    "mae" => score.mae,
                    "rmse" => score.rmse,
                    "p99" => score.p99_abs,
                    _ => score.max_abs,
                };
                let own = cell(significant(exact), exact);
                let mae = kind.id == "mae";
                Some(if mae { between(own, score.mae_ci95, significant) } else { own })
            });
            rows.push(row(columns, kind, Some(name), at, cells.collect()));
        }
    }
    rows
}

/// How far the answers are from the float network's.
fn distance_rows(columns: &[Column<'_>]) -> Vec<Row> {
    const KIND: Kind = Kind {
        id: "from-float",
        name: "Distance from float",
        note: "on average",
        better: Better::Low,
        told: Told::Plain,
        test: Test::Intervals,
        figure: |_| None,
    };
    let moved = |column: &Column<'_>| column.report?.from_float.clone();
    let Some(first) = columns.iter().find_map(moved) else { return Vec::new() };
    let row = |(at, output): (usize, &crate::vocabulary::report::Distance)| {
        let cells = columns.iter().map(|column| {
            let output = column.report?.from_float.as_ref()?.outputs.get(at)?;
            Some(cell(significant(output.mean_abs), output.mean_abs))
        });
        row(columns, &KIND, Some(&output.name), at, cells.collect())
    };
    first.outputs.iter().enumerate().map(row).collect()
}

/// What a table is copied as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Markdown,
    Csv,
    Json,
}

/// # Errors
/// A report that is no JSON, which none is.
pub fn text(format: Format, columns: &[Column<'_>]) -> Result<String> {
    match format {
        Format::Markdown => Ok(markdown(columns)),
        Format::Csv => Ok(csv(columns)),
        Format::Json => json(columns),
    }
}

fn markdown(columns: &[Column<'_>]) -> String {
    let mut text = "| |".to_owned();
    for column in columns {
        write!(text, " {} |", escape(&column.name)).ok();
    }
    text.push_str("\n| :-- |");
    text.push_str(&" --: |".repeat(columns.len()));
    for row in rows(columns) {
        write!(text, "\n| {} |", escape(&row.name)).ok();
        for cell in &row.cells {
            let Some(cell) = cell else {
                text.push_str(" – |");
                continue;
            };
            write!(text, " {}", cell.text).ok();
            if let Some(interval) = &cell.interval {
                write!(text, " ({})", interval.text).ok();
            }
            text.push_str(" |");
        }
    }
    text.push('\n');
    text
}

/// A line per variant: spreadsheets and data frames want one.
fn csv(columns: &[Column<'_>]) -> String {
    let rows = rows(columns);
    let mut text = "name,variant".to_owned();
    for row in &rows {
        let has_interval = row.cells.iter().flatten().any(|cell| cell.interval.is_some());
        write!(text, ",{}", field(&row.id)).ok();
        if has_interval {
            write!(
                text,
                ",{0},{1}",
                field(&format!("{}-low", row.id)),
                field(&format!("{}-high", row.id))
            )
            .ok();
        }
    }
    for (at, column) in columns.iter().enumerate() {
        write!(text, "\n{},{}", field(&column.name), field(column.variant)).ok();
        for row in &rows {
            let has_interval = row.cells.iter().flatten().any(|cell| cell.interval.is_some());
            let cell = row.cells[at].as_ref();
            let exact = |value: Option<f64>| value.map_or_else(String::new, |v| v.to_string());
            write!(text, ",{}", exact(cell.map(|cell| cell.exact))).ok();
            if has_interval {
                let ends = cell.and_then(|cell| cell.interval.as_ref()).map(|i| i.exact);
                let [low, high] = [0, 1].map(|end| exact(ends.map(|ends| ends[end])));
                write!(text, ",{low},{high}").ok();
            }
        }
    }
    text.push('\n');
    text
}

/// As `steer8 compare --json` has it.
fn json(columns: &[Column<'_>]) -> Result<String> {
    let results: Vec<&Report> = columns.iter().filter_map(|column| column.report).collect();
    let document = serde_json::json!({ "steer8": env!("CARGO_PKG_VERSION"), "results": results });
    serde_json::to_string_pretty(&document).map_err(|error| Error::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::report::{Accuracy, Latency, Speedup};

    fn report(top1: f64, ms: f64, file_bytes: usize) -> Report {
        let ci95 = [top1 - 0.01, top1 + 0.01];
        let times = [ms * 0.99, ms * 1.01];
        Report {
            notes: Vec::new(),
            sha256: String::new(),
            model: String::new(),
            variant: String::new(),
            file_bytes,
            weight_bytes: 1,
            gzip_bytes: 1,
            params: 1,
            macs: 1,
            flops: 2,
            bops: 1,
            latency_ms: Some(Latency { p50: ms, p90: ms, mean: ms, runs: 9, ci95: times }),
            task: "classes".into(),
            accuracy: Some(Accuracy { top1, ci95, n: 20, confusion: Vec::new() }),
            more_classes: Vec::new(),
            values: None,
            from_float: None,
            mae_change: None,
            agreement_with_float: None,
            mcnemar_p: None,
            speedup_over_float: None,
            session_bytes: 1,
            cold_ms: 1.0,
            kernels: String::new(),
            profile: Vec::new(),
            recipe: None,
            left_in_float: Vec::new(),
            driving: None,
        }
    }

    fn column(report: &Report, run: usize, is_reference: bool) -> Column<'_> {
        let (name, report) = (String::new(), Some(report));
        Column { id: "", name, variant: "", report, driven: None, run, frames: 1, is_reference }
    }

    fn change(columns: &[Column<'_>], id: &str) -> Option<Difference> {
        let row = rows(columns).into_iter().find(|row| row.id == id)?;
        row.cells[1].clone()?.change
    }

    #[test]
    fn what_a_test_calls_noise_is_no_sure_difference() {
        let float = report(0.96, 1.0, 1000);
        let mut int8 = report(0.90, 0.5, 250);
        (int8.mcnemar_p, int8.speedup_over_float) =
            (Some(0.2), Some(Speedup { median: 2.5, ci95: [0.9, 3.0] }));
        let columns = [column(&float, 2, true), column(&int8, 1, false)];
        let accuracy = change(&columns, "accuracy").expect("it differs");
        assert_eq!((accuracy.is_better, accuracy.is_sure), (false, false));
        let latency = change(&columns, "latency").expect("it differs");
        assert_eq!(
            (&*latency.text, latency.is_sure),
            ("\u{2212}60 %", false),
            "by the ratio of one minute"
        );
        let bytes = change(&columns, "file-bytes").expect("it differs");
        assert_eq!((&*bytes.text, bytes.is_better, bytes.is_sure), ("\u{2212}75 %", true, true));

        // What other frames say is another matter; the size is not.
        let elsewhere = Column { frames: 2, ..column(&int8, 1, false) };
        let columns = [column(&float, 2, true), elsewhere];
        assert_eq!(change(&columns, "accuracy"), None);
        assert!(change(&columns, "file-bytes").is_some());

        // Against one that no test was made against, intervals say it, of times of one run alone.
        let columns = [column(&float, 2, false), column(&int8, 1, false)];
        assert!(change(&columns, "accuracy").expect("it differs").is_sure);
        assert_eq!(change(&columns, "latency"), None);
        assert_eq!(change(&columns, "params"), None, "they are the same");
        let columns = [column(&float, 1, false), column(&int8, 1, false)];
        assert!(change(&columns, "latency").expect("it differs").is_sure);
    }
}
