//! Every figure as comma-separated values: a line for each, a column for each variant, unrounded.
//!
//! Figures are called as in `steer8 compare --json`: `latency_ms.p50`, `accuracy.confusion.0.1`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::document::Document;
use crate::error::{Error, Result};
use crate::vocabulary::report::Report;

/// The document's figures, as RFC 4180 has them.
///
/// # Errors
/// None that a report can cause.
pub fn write(document: &Document) -> Result<String> {
    let reports: Vec<Report> = document.reports().cloned().collect();
    let mut order: Vec<String> = Vec::new();
    let mut columns = Vec::with_capacity(reports.len());
    for report in &reports {
        let json = serde_json::to_value(report).map_err(|error| Error::new(error.to_string()))?;
        let mut column = BTreeMap::new();
        // Behind the figure before it, which all that came earlier have, too.
        let mut place = 0;
        flatten(String::new(), json, &mut |name, text| {
            place = match order.iter().position(|known| *known == name) {
                Some(at) => at + 1,
                None => {
                    order.insert(place, name.clone());
                    place + 1
                }
            };
            column.insert(name, text);
        });
        columns.push(column);
    }
    let mut lines = vec![record(std::iter::once("figure".to_owned()).chain(document.names()))];
    for name in order {
        let texts = columns.iter().map(|column| column.get(&name).cloned().unwrap_or_default());
        lines.push(record(std::iter::once(name.clone()).chain(texts)));
    }
    Ok(lines.concat())
}

/// Tells each figure and word of `value` by its place.
fn flatten(place: String, value: Value, tell: &mut dyn FnMut(String, String)) {
    let below = |key: &str| if place.is_empty() { key.into() } else { format!("{place}.{key}") };
    match value {
        Value::Null => {}
        Value::String(text) => tell(place, harmless(text)),
        Value::Array(values) => {
            for (at, value) in values.into_iter().enumerate() {
                flatten(below(&at.to_string()), value, tell);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                flatten(below(&key), value, tell);
            }
        }
        figure => tell(place, figure.to_string()),
    }
}

/// A word that no spreadsheet takes for a formula.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

fn record(fields: impl Iterator<Item = String>) -> String {
    fields.map(|text| field(&text).into_owned()).collect::<Vec<_>>().join(",") + "\r\n"
}

/// A field as RFC 4180 has it.
pub fn field(text: &str) -> Cow<'_, str> {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")).into(),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let fields = ["a,b", "say \"hi\"", "plain", "two\nlines"].map(String::from);
        let expected = "\"a,b\",\"say \"\"hi\"\"\",plain,\"two\nlines\"\r\n";
        assert_eq!(record(fields.into_iter()), expected);
        assert_eq!(harmless("=1+1".into()), "'=1+1");
    }
}
