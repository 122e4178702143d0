//! The page's own address: what stands behind its `?` and its `#`, and where its worker is.

use gloo_events::EventListener;
use wasm_bindgen::JsValue;
use web_sys::{Event, Window};

fn window() -> Window {
    web_sys::window().expect("a page has a window")
}

/// What stands behind the `#` now.
pub fn fragment() -> String {
    let hash = window().location().hash().unwrap_or_default();
    hash.strip_prefix('#').unwrap_or(&hash).to_owned()
}

/// The `?` and what stands behind it; empty without one.
pub fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// Where the script is that starts the worker: it has a name of its own in every version, which the page's
/// HTML knows. `None` in a page that was not published whole.
pub fn worker() -> Option<String> {
    let named = window().document()?.query_selector("[data-worker]").ok()??;
    named.get_attribute("data-worker")
}

/// Tells the scripts of the page's HTML.
pub fn tell(event: &str) {
    if let Ok(event) = Event::new(event) {
        // Nobody of them prevents anything.
        window().dispatch_event(&event).ok();
    }
}

/// The page's address with this behind the `#`.
pub fn of(fragment: &str) -> String {
    let address = window().location().href().unwrap_or_default();
    let page = address.split('#').next().unwrap_or_default();
    if fragment.is_empty() { page.to_owned() } else { format!("{page}#{fragment}") }
}

/// Puts it there. The page does not move, and going back leaves it.
pub fn show(fragment: &str) {
    // A browser may refuse when it is asked too often; the next change makes up for it.
    if let Ok(history) = window().history() {
        history.replace_state_with_url(&JsValue::NULL, "", Some(&of(fragment))).ok();
    }
}

/// Puts it there as a step that going back undoes, and shows the top of what is there.
pub fn push(fragment: &str) {
    if let Ok(history) = window().history() {
        history.push_state_with_url(&JsValue::NULL, "", Some(&of(fragment))).ok();
    }
    window().scroll_to_with_x_and_y(0.0, 0.0);
}

/// Hears of every link to this page that is opened in it, and of every step back and forth, for as long as the listener lives.
pub fn watch(tell: impl Fn(String) + 'static) -> EventListener {
    EventListener::new(&window(), "hashchange", move |_| tell(fragment()))
}
