//! What this browser remembers of who was here, and what its storage grants.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Whether something was remembered; not where the browser remembers nothing.
pub fn has(name: &str) -> bool {
    call("getItem", &[name]).is_some_and(|found| !found.is_null())
}

/// Remembers that something was done, if the browser does.
pub fn keep(name: &str) {
    call("setItem", &[name, "done"]);
}

/// Of the storage that a person's settings may forbid.
fn call(function: &str, arguments: &[&str]) -> Option<JsValue> {
    // Where the first view is written there is no browser, so it is that of a first visit.
    if cfg!(not(target_arch = "wasm32")) {
        return None;
    }
    let storage = Reflect::get(&js_sys::global(), &"localStorage".into()).ok()?;
    let function = Reflect::get(&storage, &function.into()).ok()?.dyn_into::<Function>().ok()?;
    let arguments = arguments.iter().map(|text| JsValue::from_str(text)).collect();
    Reflect::apply(&function, &storage, &arguments).ok()
}

/// Bytes that may still be stored; `None` where the browser does not tell.
pub async fn free() -> Option<f64> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let storage = Reflect::get(&navigator, &"storage".into()).ok()?;
    let estimate = Reflect::get(&storage, &"estimate".into()).ok()?.dyn_into::<Function>().ok()?;
    let promise = estimate.call0(&storage).ok()?.dyn_into::<Promise>().ok()?;
    let told = JsFuture::from(promise).await.ok()?;
    let bytes = |name: &str| Reflect::get(&told, &name.into()).ok()?.as_f64();
    Some(bytes("quota")? - bytes("usage")?)
}
