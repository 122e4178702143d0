//! Text that leaves the page.

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::reason;
use crate::error::{Error, Result};

/// Hands the text to the clipboard.
pub async fn copy(text: &str) -> Result<()> {
    write(text).await.map_err(|why| {
        Error::new(format!("the browser did not take it: {}", reason(&why)))
            .way_out(format!("Copy it from here: {text}"))
    })
}

async fn write(text: &str) -> std::result::Result<(), JsValue> {
    let navigator = web_sys::window().ok_or("there is no window")?.navigator();
    // Pages that did not come over HTTPS have none.
    let clipboard = js_sys::Reflect::get(&navigator, &"clipboard".into())?;
    if clipboard.is_undefined() {
        return Err("it lets only pages that came over HTTPS copy".into());
    }
    JsFuture::from(navigator.clipboard().write_text(text)).await.map(|_| ())
}
