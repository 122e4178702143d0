//! Small pictures of figures, drawn as SVG: sizes and colours are attributes and classes, because
//! a strict Content-Security-Policy admits no inline style.

pub(super) mod bars;
pub(super) mod calibration_curve;
pub(super) mod confusion;
pub(super) mod distribution;
pub(super) mod gauge;
pub(super) mod intervals;
pub(super) mod layer_profile;
pub(super) mod learning_curves;
pub(super) mod returns;
pub(super) mod time_bars;
pub(super) mod trials;
pub(super) mod value_differences;
pub(super) mod value_line;
pub(super) mod value_scatter;

use crate::report::scale;

/// The colour of the n-th network of a comparison, as a class; those behind the last share its.
pub(super) fn series(index: usize) -> &'static str {
    const COLOURS: [&str; 8] = [
        "series-0", "series-1", "series-2", "series-3", "series-4", "series-5", "series-6",
        "series-7",
    ];
    COLOURS[index.min(COLOURS.len() - 1)]
}
