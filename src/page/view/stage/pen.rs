//! Drawing on a canvas as sharp as its screen.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};
use yew::NodeRef;

/// A canvas that is about to be drawn on, in CSS pixels.
pub(super) struct Pen {
    pub(super) context: CanvasRenderingContext2d,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Pen {
    /// Of the canvas's own size, and cleared. `None` where it is not shown.
    pub(super) fn on(node: &NodeRef) -> Option<Self> {
        let canvas = node.cast::<HtmlCanvasElement>()?;
        let (width, height) = (f64::from(canvas.client_width()), f64::from(canvas.client_height()));
        if width <= 0.0 || height <= 0.0 {
            return None;
        }
        let ratio = web_sys::window()?.device_pixel_ratio();
        let [across, down] = [width, height].map(|length| (length * ratio).round() as u32);
        // Setting a size clears, even to the same one, and lets go of memory each time.
        if (canvas.width(), canvas.height()) != (across, down) {
            canvas.set_width(across);
            canvas.set_height(down);
        }
        let context: CanvasRenderingContext2d =
            canvas.get_context("2d").ok().flatten()?.dyn_into().ok()?;
        context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0).ok()?;
        context.clear_rect(0.0, 0.0, width, height);
        Some(Self { context, width, height })
    }

    fn trace(&self, points: impl IntoIterator<Item = [f64; 2]>) {
        self.context.begin_path();
        for [x, y] in points {
            // The first of a path is where it begins.
            self.context.line_to(x, y);
        }
    }

    pub(super) fn polygon(&self, corners: impl IntoIterator<Item = [f64; 2]>, colour: &str) {
        self.trace(corners);
        self.context.close_path();
        self.context.set_fill_style_str(colour);
        self.context.fill();
    }

    pub(super) fn line(
        &self,
        points: impl IntoIterator<Item = [f64; 2]>,
        colour: &str,
        width: f64,
    ) {
        self.trace(points);
        self.context.set_stroke_style_str(colour);
        self.context.set_line_width(width);
        self.context.set_line_join("round");
        self.context.stroke();
    }

    pub(super) fn ring(&self, [x, y]: [f64; 2], radius: f64, colour: &str) {
        self.context.begin_path();
        if self.context.arc(x, y, radius, 0.0, std::f64::consts::TAU).is_ok() {
            self.context.set_stroke_style_str(colour);
            self.context.set_line_width(1.5);
            self.context.stroke();
        }
    }

    pub(super) fn disc(&self, [x, y]: [f64; 2], radius: f64, colour: &str) {
        self.context.begin_path();
        if self.context.arc(x, y, radius, 0.0, std::f64::consts::TAU).is_ok() {
            self.context.set_fill_style_str(colour);
            self.context.fill();
        }
    }
}

/// Colours as the style sheets have them, light or dark.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Palette {
    pub(super) grass: String,
    pub(super) meadow: String,
    pub(super) road: String,
    pub(super) ink: String,
    pub(super) soft: String,
    pub(super) line: String,
    /// Of the first car and of the second.
    pub(super) cars: [String; 2],
}

impl Palette {
    pub(super) fn of(node: &NodeRef) -> Option<Self> {
        let element = node.cast::<web_sys::Element>()?;
        let style = web_sys::window()?.get_computed_style(&element).ok().flatten()?;
        let of = |name: &str| -> Result<String, JsValue> {
            Ok(style.get_property_value(name)?.trim().to_owned())
        };
        let all = || {
            Ok::<_, JsValue>(Self {
                grass: of("--grass")?,
                meadow: of("--meadow")?,
                road: of("--road")?,
                ink: of("--ink")?,
                soft: of("--soft")?,
                line: of("--line")?,
                cars: [of("--float")?, of("--int8")?],
            })
        };
        all().ok()
    }
}
