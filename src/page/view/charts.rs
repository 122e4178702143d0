//! Small pictures of figures, drawn as SVG: sizes and colours are attributes and classes, because
//! a strict Content-Security-Policy admits no inline style.

use wasm_bindgen::JsCast;
use web_sys::{Element, MouseEvent};

pub(super) mod bars;
pub(super) mod calibration_curve;
pub(super) mod confusion;
pub(super) mod distribution;
pub(super) mod gauge;
pub(super) mod intervals;
pub(super) mod latencies;
pub(super) mod layer_profile;
pub(super) mod learning_curves;
pub(super) mod returns;
pub(super) mod time_bars;
pub(super) mod trade_off;
pub(super) mod trials;
pub(super) mod value_differences;
pub(super) mod value_line;
pub(super) mod value_scatter;

use crate::report::scale;
/// Where in a picture it was clicked: shares of its width and height.
fn clicked(event: &MouseEvent) -> Option<[f64; 2]> {
    let picture = event.current_target()?.dyn_into::<Element>().ok()?.get_bounding_client_rect();
    let share = |at: i32, from: f64, size: f64| (f64::from(at) - from) / size.max(1.0);
    Some([
        share(event.client_x(), picture.left(), picture.width()),
        share(event.client_y(), picture.top(), picture.height()),
    ])
}

/// The colour of the n-th network of a comparison, as a class; those behind the last share its.
pub(super) fn series(index: usize) -> &'static str {
    const COLOURS: [&str; 8] = [
        "series-0", "series-1", "series-2", "series-3", "series-4", "series-5", "series-6",
        "series-7",
    ];
    COLOURS[index.min(COLOURS.len() - 1)]
}
