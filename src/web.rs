//! The browser's side: the worker that holds the lab, and what reaches the page as bytes.

pub mod address;
pub mod clipboard;
#[cfg(feature = "core")]
mod crew;
pub mod download;
pub mod fetch;
pub mod files;
pub mod lending;
mod message;
pub mod own_frames;
pub mod remember;
pub mod store;
pub mod worker_handle;
#[cfg(feature = "core")]
pub mod worker_loop;

use wasm_bindgen::{JsCast, JsValue};

/// What JavaScript threw, in words.
fn reason(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => thrown.as_string().unwrap_or_else(|| format!("{thrown:?}")),
    }
}
