//! Labels in the names of files.

use regex_lite::Regex;

use super::Order;
use super::paths::Images;
use super::table::{Row, Table};
use crate::error::{Error, Result};

/// The first column of a table that is made of names.
const FILE: &str = "file";

/// How programs write labels into names: where the track ahead is in the picture, as JetRacer's and JetBot's
/// notebooks save it (`xy_112_120_` and anything, or both numbers before a UUID); the angle of DeepPiCar's
/// wheels in degrees, 90 being straight ahead, behind a video's name and the frame's number.
const USUAL: [(&str, Order); 3] = [
    (r"^xy_(?<x>-?\d{1,6})_(?<y>-?\d{1,6})_[^/]*$", Order::None),
    (
        r"^(?<x>-?\d{1,6})_(?<y>-?\d{1,6})_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-z]+$",
        Order::None,
    ),
    (r"^[^/]*video[^/]*_\d{3,}_(?<angle>[01]\d\d)\.[a-z]+$", Order::Names),
];

/// The table that the names are where all of them have such labels, and what says its frames' order.
pub(super) fn usual(images: &Images) -> Option<(Table<'static>, Order)> {
    let pattern = |&(text, order): &(&str, Order)| Some((Regex::new(text).ok()?, order));
    let all = |(pattern, _): &(Regex, Order)| {
        images.all.iter().all(|&image| pattern.is_match(images.entries[image].file_name()))
    };
    let (pattern, order) = USUAL.iter().filter_map(pattern).find(all)?;
    Some((table(images, &pattern, |path| path.rsplit('/').next().unwrap_or(path)), order))
}

/// The table of a pattern's named groups, as found in the paths.
///
/// # Errors
/// What is no regular expression, has no named group, or is in no path.
pub(super) fn matching(images: &Images, pattern: &str) -> Result<Table<'static>> {
    let regex = Regex::new(pattern).map_err(|why| {
        Error::new(format!("`{pattern}` is no regular expression: {why}"))
            .way_out(r"Such as --label-pattern '_(?<angle>\d+)\.png$'.")
    })?;
    if regex.capture_names().flatten().next().is_none() {
        return Err(Error::new(format!("the pattern `{pattern}` has no named group"))
            .way_out(r"Name what is a label, as in --label-pattern '_(?<angle>\d+)\.png$'."));
    }
    let table = table(images, &regex, |path| path);
    if table.rows.is_empty() {
        let first = images.all.first().map_or("", |&first| &*images.entries[first].path);
        return Err(Error::new(format!(
            "the pattern `{pattern}` matches none of {} names, such as `{first}`",
            images.all.len()
        ))
        .way_out("It is looked for anywhere in the path of an image."));
    }
    Ok(table)
}

fn table(images: &Images, pattern: &Regex, part: fn(&str) -> &str) -> Table<'static> {
    let groups = || pattern.capture_names().flatten();
    let columns = std::iter::once(FILE).chain(groups()).map(str::to_owned).collect();
    let mut table = Table { columns, ..Table::default() };
    let (mut unmatched, mut first, mut follows) = (0, None, true);
    for &image in &images.all {
        let path = &images.entries[image].path;
        let Some(found) = pattern.captures(part(path)) else {
            unmatched += 1;
            first.get_or_insert(path);
            follows = false;
            continue;
        };
        let number = |group| found.name(group).map_or("", |found| found.as_str()).to_owned().into();
        let cells = std::iter::once(path.clone().into()).chain(groups().map(number)).collect();
        table.rows.push(Row { place: format!("the name {path}"), cells, follows });
        follows = true;
    }
    table.broken =
        first.map(|first| (unmatched, format!("`{first}`, which the pattern does not match")));
    table
}
