//! Which columns of a table are what, by the names that people usually give them.

use super::paths::Images;
use super::table::{Table, number};
use crate::data::entry::is_image_name;
use crate::error::{Error, Result};

const STEERING: [&str; 9] = [
    "steering",
    "steering_angle",
    "user/angle",
    "angle",
    "steer",
    "steer_angle",
    "wheel_angle",
    "steering_wheel_angle",
    "target_angle",
];
const THROTTLE: [&str; 5] = ["throttle", "user/throttle", "gas", "accelerator", "accel"];
const BRAKE: [&str; 3] = ["brake", "brakes", "braking"];
const CLASSES: [&str; 8] =
    ["label", "labels", "class", "class_id", "category", "target", "y", "action"];
const POINT: [&str; 2] = ["x", "y"];
/// What numbers rows and pictures.
const COUNTERS: [&str; 14] = [
    "index",
    "_index",
    "id",
    "no",
    "row",
    "frame",
    "frame_id",
    "seq",
    "time",
    "timestamp",
    "_timestamp_ms",
    "width",
    "height",
    "unnamed:_0",
];

/// A name as those above are written.
fn usual(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace([' ', '-'], "_")
}

pub(super) fn is_steering(name: &str) -> bool {
    STEERING.contains(&&*usual(name))
}

pub(super) fn is_class(name: &str) -> bool {
    CLASSES.contains(&&*usual(name))
}

/// Whether numbers of a column with this name mean themselves, even where all are whole.
pub(super) fn is_value(name: &str) -> bool {
    let name = usual(name);
    [&STEERING[..], &THROTTLE, &BRAKE, &POINT].concat().contains(&&*name)
}

/// The column of images: in whose cells most of them are found. Of several as good the first.
pub(super) fn of_images(table: &Table, images: &Images) -> Option<usize> {
    let count = |column, is: &dyn Fn(&str) -> bool| table.probes(column).filter(|c| is(c)).count();
    let best = |is: &dyn Fn(&str) -> bool| {
        let counted = (0..table.columns.len()).rev().map(|column| (count(column, is), column));
        counted.max_by_key(|(count, _)| *count).filter(|(count, _)| *count > 0)
    };
    if let Some((_, column)) = best(&|cell| images.has(cell)) {
        return Some(column);
    }
    if let Some((_, column)) = best(&|cell| is_image_name(cell)) {
        return Some(column);
    }
    // Numbers may be names, too, but not by chance.
    let rows = table.probes(0).count();
    best(&|cell| images.has_stem(cell))
        .filter(|(count, _)| 2 * count > rows)
        .map(|(_, column)| column)
}

/// The columns of labels that have usual names, or the only one of numbers; `taken` are something else. The
/// brake of Udacity's simulator, whose drivers hardly have one, is no label unless somebody says so.
///
/// # Errors
/// Where that is not clear, with the columns that there are.
pub(super) fn of_labels(table: &Table, taken: &[usize], is_udacity: bool) -> Result<Vec<usize>> {
    let free: Vec<usize> =
        (0..table.columns.len()).filter(|column| !taken.contains(column)).collect();
    let named = |names: &[&str]| {
        let column =
            |name: &&str| free.iter().copied().find(|&c| usual(&table.columns[c]) == *name);
        names.iter().find_map(column)
    };
    if let [Some(x), Some(y)] = POINT.map(|name| named(&[name])) {
        return Ok(vec![x, y]);
    }
    let pedals = [named(&THROTTLE), named(&BRAKE).filter(|_| !is_udacity)];
    let controls: Vec<usize> = std::iter::once(named(&STEERING)).chain(pedals).flatten().collect();
    if !controls.is_empty() {
        return Ok(controls);
    }
    if let Some(classes) = named(&CLASSES) {
        return Ok(vec![classes]);
    }
    let is_number = |cell: &str| number(cell, table.decimal_comma).is_some();
    let mostly_numbers = |&column: &usize| {
        let (mut numbers, mut all) = (0, 0);
        for cell in table.probes(column) {
            all += 1;
            numbers += usize::from(is_number(cell));
        }
        2 * numbers > all && !COUNTERS.contains(&&*usual(&table.columns[column]))
    };
    match free.iter().copied().filter(mostly_numbers).collect::<Vec<_>>()[..] {
        [only] => Ok(vec![only]),
        _ => Err(Error::new(format!(
            "which of its columns are labels is not clear: {}",
            table.described()
        ))
        .way_out(
            "Name them with --labels COLUMN[,COLUMN], in the order of the network's outputs.",
        )),
    }
}
