//! What Udacity's simulator writes: a table with three cameras, whose columns often have no names.

use std::borrow::Cow;

use super::table::Table;
use crate::data::entry::is_image_name;
use crate::vocabulary::labelling::{Cameras, Labelling};

/// The columns of its `driving_log.csv`.
const COLUMNS: [&str; 7] = ["center", "left", "right", "steering", "throttle", "brake", "speed"];
const CAMERAS: usize = 3;

/// A camera's column, and what it adds to the steering, in corrections.
pub(super) struct Camera {
    pub(super) column: usize,
    pub(super) turn: f64,
}

/// Names the columns of a table without names that looks like the simulator's.
pub(super) fn name_columns(table: &mut Table) {
    let is_nameless =
        table.columns.iter().enumerate().all(|(at, name)| *name == (at + 1).to_string());
    let Some(first) = table.rows.first().filter(|_| is_nameless) else { return };
    let is_of = |(cell, &camera): (&Cow<str>, &&str)| {
        let name = cell.rsplit(['/', '\\']).next().unwrap_or(cell);
        is_image_name(cell) && name.starts_with(camera)
    };
    let all = first.cells.iter().zip(&COLUMNS[..CAMERAS]).all(is_of);
    if first.cells.len() == COLUMNS.len() && all {
        table.columns = COLUMNS.map(str::to_owned).into();
    }
}

/// The cameras of a table that has all three, as far as they are wanted.
pub(super) fn cameras(table: &Table, labelling: &Labelling) -> Option<Vec<Camera>> {
    let column = |names: [&str; 2]| {
        let is_named = |own: &String| names.iter().any(|name| own.eq_ignore_ascii_case(name));
        table.columns.iter().position(is_named)
    };
    let turned = [(["center", "centre"], 0.0), (["left"; 2], 1.0), (["right"; 2], -1.0)];
    let camera = |(names, turn)| Some(Camera { column: column(names)?, turn });
    let mut all: Vec<Camera> = turned.into_iter().map(camera).collect::<Option<_>>()?;
    let names_images = |camera: &Camera| table.probes(camera.column).any(is_image_name);
    if !all.iter().all(names_images) {
        return None;
    }
    if labelling.cameras == Cameras::Center {
        all.truncate(1);
    }
    Some(all)
}
