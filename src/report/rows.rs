//! Every figure of a comparison, a row each, and what differs from the baseline: what the tables of the command
//! line, of a report and of the page show.

use super::figure::{Better, Column, FIGURES, Figure, Found, Of, Test, Unit};
use crate::vocabulary::report::{LEVEL, Report};

/// A figure of every variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// `accuracy`, or `mae:angle`.
    pub id: String,
    /// The same without the output.
    pub kind: &'static str,
    /// The output that it is about.
    pub of: Option<String>,
    /// With the output's name.
    pub name: String,
    /// Without: what a part is called below what it is a part of.
    pub short: &'static str,
    /// What is to be known of it, in a few words.
    pub note: &'static str,
    /// Whether it belongs to the row above.
    pub is_part: bool,
    /// Whether only reports have it, not the page.
    pub is_detail: bool,
    /// A cell per column; `None` where nothing is known.
    pub cells: Vec<Option<Cell>>,
}

/// A figure of a network: as people read it, and exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// With its unit.
    pub text: String,
    /// Unrounded.
    pub exact: f64,
    /// Where the figure lies with 95 %, if that is known.
    pub interval: Option<Interval>,
    /// What a report says behind both.
    pub aside: &'static str,
    /// From the baseline's; `None` of that itself, and where nothing can be said.
    pub difference: Option<Difference>,
}

/// Where a figure lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    /// Its ends without the unit.
    pub ends: [String; 2],
    /// The same unrounded.
    pub exact: [f64; 2],
}

/// What a figure is beside the baseline's.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// With sign and unit.
    pub text: String,
    /// Whether a test or the intervals say that it is more than the measurement's noise.
    pub is_real: bool,
    /// Whether more of it, or less, is what one wants.
    pub is_better: bool,
}

impl Row {
    /// Whether the columns that have the figure have it alike.
    pub fn is_same(&self) -> bool {
        let mut cells = self.cells.iter().flatten().map(|cell| cell.exact);
        let Some(first) = cells.next() else { return true };
        cells.all(|exact| exact == first)
    }

    /// What stands before the figures of a report.
    pub fn heading(&self) -> &str {
        if self.is_part { self.short } else { &self.name }
    }
}

impl Cell {
    /// The figure, its interval, and what is said behind them.
    pub fn told(&self) -> String {
        let interval = self
            .interval
            .as_ref()
            .map(|Interval { ends: [low, high], .. }| format!(" [{low}, {high}]"));
        [&self.text, interval.as_deref().unwrap_or_default(), self.aside].concat()
    }
}

/// The place of the variant that the others are compared with: the first that is float.
pub fn baseline(reports: &[Report]) -> Option<usize> {
    reports.iter().position(|report| report.variant == "float")
}

/// What variants are called where nothing else is known: each otherwise.
pub fn names(reports: &[Report]) -> Vec<String> {
    let alone = |name: &dyn Fn(&Report) -> String, report: &Report| {
        reports.iter().filter(|other| name(other) == name(report)).count() == 1
    };
    let variant = |report: &Report| report.variant.clone();
    let both = |report: &Report| {
        let file = file_name(&report.model);
        format!("{} {}", report.variant, file.strip_suffix(".onnx").unwrap_or(file))
    };
    let all_differ = |name: &dyn Fn(&Report) -> String| reports.iter().all(|r| alone(name, r));
    let name = |(place, report): (usize, &Report)| match () {
        () if all_differ(&variant) => variant(report),
        () if alone(&both, report) => both(report),
        () => format!("{} ({})", both(report), place + 1),
    };
    reports.iter().enumerate().map(name).collect()
}

/// Without the folders, which would make a column as wide as a page.
pub fn file_name(model: &str) -> &str {
    model.rsplit(['/', '\\']).next().unwrap_or(model)
}

/// All rows of which one variant at least has something to say, beside the float one.
pub fn of_reports(reports: &[Report]) -> Vec<Row> {
    let base = baseline(reports);
    let columns = reports.iter().enumerate();
    let columns: Vec<_> = columns.map(|(at, report)| told(report, base == Some(at))).collect();
    rows(&columns, base)
}

/// A report as a column that stands with the others of its table.
fn told(report: &Report, is_reference: bool) -> Column<'_> {
    let (id, name, variant, run, frames) = Default::default();
    let driven = report.driving.as_ref().map(|driving| &driving.driven);
    Column { id, name, variant, report: Some(report), driven, run, frames, is_reference }
}

/// All rows of which one column at least has something to say, beside the one at `base`.
pub fn rows(columns: &[Column<'_>], base: Option<usize>) -> Vec<Row> {
    let mut rows = Vec::new();
    for group in FIGURES.chunk_by(|one, next| one.of == next.of) {
        let of = group[0].of;
        let row = |name: Option<&str>, at: usize| {
            group.iter().map(move |figure| row(columns, base, figure, name, at)).collect::<Vec<_>>()
        };
        if of.is_each() {
            let reports = columns.iter().filter_map(|column| column.report);
            let names = reports.map(|report| of.names(report)).find(|names| !names.is_empty());
            let names = names.unwrap_or_default();
            rows.extend(names.iter().enumerate().flat_map(|(at, name)| row(Some(name), at)));
        } else {
            rows.extend(row(None, 0));
        }
    }
    rows.retain(|row| row.cells.iter().any(Option::is_some));
    rows
}

/// `at`: the place of the output that the row is about.
fn row(
    columns: &[Column<'_>],
    base: Option<usize>,
    figure: &Figure,
    of: Option<&str>,
    at: usize,
) -> Row {
    let found = columns.iter().map(|column| (figure.find)(column, at));
    let mut cells: Vec<_> = found.map(|found| Some(cell(figure.unit, found?))).collect();
    let base = base.and_then(|at| Some((at, cells[at].clone()?)));
    if let Some((baseline, base)) = base {
        for (place, column) in columns.iter().enumerate().filter(|(place, _)| *place != baseline) {
            if let Some(cell) = &mut cells[place] {
                let first = (&base, &columns[baseline]);
                cell.difference = difference(figure, first, (&*cell, column), at);
            }
        }
    }
    Row {
        id: of.map_or_else(|| figure.id.to_owned(), |of| format!("{}:{of}", figure.id)),
        kind: figure.id,
        of: of.map(str::to_owned),
        name: of.map_or_else(|| figure.name.to_owned(), |of| format!("{} of {of}", figure.name)),
        short: figure.name,
        note: figure.note,
        is_part: figure.is_part,
        is_detail: figure.is_detail,
        cells,
    }
}

fn cell(unit: Unit, Found { exact, interval, said, aside }: Found) -> Cell {
    let interval = interval.map(|exact| Interval { ends: exact.map(|end| unit.bare(end)), exact });
    let text = said.unwrap_or_else(|| unit.write(exact));
    Cell { text, exact, interval, aside, difference: None }
}

fn difference(
    figure: &Figure,
    (base, first): (&Cell, &Column<'_>),
    (own, column): (&Cell, &Column<'_>),
    at: usize,
) -> Option<Difference> {
    // What other frames say has nothing to do with it.
    let of_frames = matches!(figure.of, Of::Frames | Of::Classes | Of::Values | Of::Distances);
    if figure.better == Better::Neither || (of_frames && first.frames != column.frames) {
        return None;
    }
    // Figures of other minutes are not compared, but by their ratios to float's of the same minute.
    let timed = figure.of == Of::Times && figure.unit != Unit::Times;
    let by_ratio = first.is_reference && matches!(figure.test, Test::Time);
    let ratio = column.report.filter(|_| by_ratio);
    let ratio = ratio.and_then(|report| report.speedup_over_float.as_ref());
    // One number would contradict one or the other of the times.
    if ratio.is_some_and(|ratio| !ratio.is_steady()) {
        return None;
    }
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
    let mut text = figure.unit.difference(change, base.exact)?;
    if timed && first.run != column.run {
        text += " then";
    }
    let apart = || match (&base.interval, &own.interval) {
        (Some(a), Some(b)) => a.exact[1] < b.exact[0] || b.exact[1] < a.exact[0],
        _ => false,
    };
    let is_real = match figure.test {
        Test::Exact => true,
        Test::Intervals => apart(),
        Test::P(p) => {
            let p = column.report.filter(|_| first.is_reference).and_then(|report| p(report, at));
            p.map_or_else(apart, |p| p < LEVEL)
        }
        Test::Time => ratio.map_or_else(apart, |ratio| ratio.is_significant()),
    };
    Some(Difference { text, is_real, is_better: (change > 0.0) == (figure.better == Better::High) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::report::{Accuracy, Latency, Speedup};

    fn report(top1: f64, ms: f64, file_bytes: usize) -> Report {
        let ci95 = [top1 - 0.01, top1 + 0.01];
        let times = [ms * 0.99, ms * 1.01];
        Report {
            file_bytes,
            latency_ms: Some(Latency { p50: ms, p90: ms, mean: ms, runs: 9, ci95: times }),
            accuracy: Some(Accuracy { top1, ci95, n: 20, confusion: Vec::new() }),
            ..Report::blank()
        }
    }

    fn column(report: &Report, run: usize, is_reference: bool) -> Column<'_> {
        let (name, report) = (String::new(), Some(report));
        Column { id: "", name, variant: "", report, driven: None, run, frames: 1, is_reference }
    }

    fn change(columns: &[Column<'_>], id: &str) -> Option<Difference> {
        let row = rows(columns, Some(0)).into_iter().find(|row| row.id == id)?;
        row.cells[1].clone()?.difference
    }

    #[test]
    fn what_a_test_calls_noise_is_no_sure_difference() {
        let float = report(0.96, 1.0, 1000);
        let mut int8 = report(0.90, 0.5, 250);
        (int8.mcnemar_p, int8.speedup_over_float) =
            (Some(0.2), Some(Speedup { median: 1.02, ci95: [0.95, 1.08] }));
        let columns = [column(&float, 2, true), column(&int8, 1, false)];
        let accuracy = change(&columns, "accuracy").expect("it differs");
        assert_eq!((accuracy.is_better, accuracy.is_real), (false, false));
        let latency = change(&columns, "latency").expect("it differs");
        assert_eq!(
            (&*latency.text, latency.is_real),
            ("-2.0 % then", false),
            "by the ratio of one minute, which is not this one"
        );
        let unsteady = Some(Speedup { median: 2.5, ci95: [0.9, 3.0] });
        let unsteady = Report { speedup_over_float: unsteady, ..int8.clone() };
        assert_eq!(
            change(&[column(&float, 1, true), column(&unsteady, 1, false)], "latency"),
            None
        );
        let bytes = change(&columns, "file-bytes").expect("it differs");
        assert_eq!((&*bytes.text, bytes.is_better, bytes.is_real), ("-75 %", true, true));

        // What other frames say is another matter; the size is not.
        let elsewhere = Column { frames: 2, ..column(&int8, 1, false) };
        let columns = [column(&float, 2, true), elsewhere];
        assert_eq!(change(&columns, "accuracy"), None);
        assert!(change(&columns, "file-bytes").is_some());

        // Against one that no test was made against, intervals say it, of times of one run alone.
        let columns = [column(&float, 2, false), column(&int8, 1, false)];
        assert!(change(&columns, "accuracy").expect("it differs").is_real);
        assert_eq!(change(&columns, "latency"), None);
        assert_eq!(change(&columns, "params"), None, "they are the same");
        let columns = [column(&float, 1, false), column(&int8, 1, false)];
        assert!(change(&columns, "latency").expect("it differs").is_real);
    }
}
