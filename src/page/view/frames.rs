//! Frames as pictures.

pub mod frame_cell;
pub mod frame_grid;
pub mod frame_strip;
pub mod pixels;

use super::props::Snapshot;
use crate::lab::protocol::Role;

/// Between which the first value lies, of the labels, or of what is said of the frames on show.
pub(in crate::page::view) fn value_range(state: &Snapshot) -> [f64; 2] {
    let loaded = state.data(Role::Validation).loaded.as_ref();
    let columns = loaded.map_or(&[][..], |loaded| &loaded.summary.label_columns);
    let named = columns.iter().find(|column| column.name.is_some());
    if let Some(column) = named.or(columns.first()) {
        return column.range;
    }
    let predictions = state.predictions.values().flat_map(|predictions| predictions.iter());
    let values =
        predictions.filter_map(|prediction| Some(f64::from(prediction.values.first()?.value)));
    values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    })
}
