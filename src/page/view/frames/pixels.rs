//! Pixels on a canvas.

use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

/// Shows pixels of four bytes, `width` a row.
pub(in crate::page::view) fn show(
    canvas: &HtmlCanvasElement,
    width: usize,
    rgba: &[u8],
) -> Result<(), JsValue> {
    let context = canvas.get_context("2d")?.ok_or("no 2d context")?;
    let context: CanvasRenderingContext2d = context.unchecked_into();
    let width = u32::try_from(width).map_err(|_| "too wide")?;
    let image = ImageData::new_with_u8_clamped_array(Clamped(rgba), width)?;
    context.put_image_data(&image, 0.0, 0.0)
}
