//! The comparison as the page shows it and as text: a row per figure, a column per variant, and what differs from
//! the baseline, which is the first column.

use std::fmt::Write as _;

use crate::error::{Error, Result};
use crate::report::csv::field;
use crate::report::figure::Column;
use crate::report::markdown::escape;
use crate::report::rows::{self, Interval, Row};
use crate::vocabulary::report::Report;

/// The rows that say something about one of the columns; what belongs into reports alone is left out.
pub fn rows(columns: &[Column<'_>]) -> Vec<Row> {
    let base = (!columns.is_empty()).then_some(0);
    let rows = rows::rows(columns, base).into_iter().filter(|row| !row.is_detail);
    rows.map(typeset).collect()
}

/// With the signs that print has.
fn typeset(mut row: Row) -> Row {
    if let Some(first) = row.name.get(..1).map(str::to_uppercase) {
        row.name.replace_range(..1, &first);
    }
    for cell in row.cells.iter_mut().flatten() {
        let difference = cell.difference.as_mut().map(|difference| &mut difference.text);
        for text in std::iter::once(&mut cell.text).chain(difference) {
            *text = text.replace('-', "\u{2212}").replace('x', "×");
        }
    }
    row
}

/// `95.20 to 96.80`.
pub fn between(Interval { ends: [low, high], .. }: &Interval) -> String {
    format!("{low} to {high}")
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
                write!(text, " ({})", between(interval)).ok();
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
