//! Donkeycar's tubs, version 2: a manifest, and catalogs of a record a line.
//!
//! Source: donkeycar/parts/datastore_v2.py and tub_v2.py, version 4.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Load;
use super::table::{Row, Table, text};
use crate::data::entry::{Entry, components};
use crate::error::{Context, Error, Result};

/// The line of a manifest that says where the records are.
const LISTING: usize = 4;
const INDEX: &str = "_index";
const SESSION: &str = "_session_id";

/// That line.
#[derive(Deserialize)]
struct Listing {
    paths: Vec<String>,
    #[serde(default)]
    deleted_indexes: Vec<i64>,
}

/// The records of a tub, and what is to be said of them.
pub(super) struct Tub {
    pub(super) table: Table<'static>,
    pub(super) notes: Vec<String>,
}

/// Reads the tub whose manifest is entry `manifest`; `None` for a manifest of something else.
///
/// # Errors
/// A tub without any record that can be read.
pub(super) fn read(entries: &[Entry], manifest: usize, load: &mut Load) -> Result<Option<Tub>> {
    let shown = &entries[manifest].shown;
    let content = load(manifest).in_file(shown)?;
    let content = text(&content);
    let lines: Vec<&str> = content.lines().collect();
    // Its first line lists the columns.
    let Some(columns) =
        lines.first().and_then(|line| serde_json::from_str::<Vec<String>>(line).ok())
    else {
        return Ok(None);
    };
    let listing = lines.get(LISTING).and_then(|line| serde_json::from_str::<Listing>(line).ok());
    let Some(Listing { paths, deleted_indexes: deleted }) = listing else {
        return Err(Error::new("its fifth line does not list the tub's catalogs")
            .in_file(shown)
            .way_out("The manifest is cut short, or of another version than Donkeycar's tub v2."));
    };
    let mut columns: Vec<String> = columns;
    columns.extend([INDEX, SESSION].map(str::to_owned));
    let mut table = Table { columns, ..Table::default() };
    let mut notes = Vec::new();
    let (mut broken, mut first_broken, mut left_out) = (0, None, 0);
    let mut last: Option<(i64, String)> = None;
    for path in &paths {
        let Some(catalog) = beside(entries, manifest, path) else {
            notes.push(format!("the catalog {path} is not there"));
            last = None;
            continue;
        };
        let content = load(catalog).in_file(&entries[catalog].shown)?;
        for (number, line) in text(&content).lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let place = format!("line {} of {path}", number + 1);
            let Ok(record) = serde_json::from_str::<Map<String, Value>>(line) else {
                broken += 1;
                first_broken.get_or_insert(place);
                last = None;
                continue;
            };
            let index = record.get(INDEX).and_then(Value::as_i64);
            if index.is_some_and(|index| deleted.contains(&index)) {
                left_out += 1;
                last = None;
                continue;
            }
            let cell = |name: &String| match record.get(name) {
                None | Some(Value::Null) => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            let session = cell(&SESSION.to_owned());
            let follows = match (&last, index) {
                (Some((before, same)), Some(index)) => {
                    before.checked_add(1) == Some(index) && *same == session
                }
                _ => false,
            };
            let cells = table.columns.iter().map(|name| cell(name).into()).collect();
            table.rows.push(Row { place, cells, follows });
            last = index.map(|index| (index, session));
        }
    }
    if let Some(first) = first_broken {
        notes.push(format!("{broken} lines are no records, the first is {first}: cut short?"));
    }
    if table.rows.is_empty() {
        let why = notes.first().map_or_else(String::new, |note| format!(": {note}"));
        return Err(Error::new(format!("the tub has no record{why}"))
            .in_file(shown)
            .way_out("Give the whole folder of the tub: manifest.json, catalogs and images."));
    }
    if left_out > 0 {
        notes.push(format!("{left_out} deleted records are left out"));
    }
    Ok(Some(Tub { table, notes }))
}

/// The entry in the manifest's folder that is called so.
fn beside(entries: &[Entry], manifest: usize, path: &str) -> Option<usize> {
    let folder = entries[manifest].folders();
    let wanted: Vec<&str> = folder.into_iter().chain(components(path)).collect();
    entries.iter().position(|entry| components(&entry.path).eq(wanted.iter().copied()))
}
