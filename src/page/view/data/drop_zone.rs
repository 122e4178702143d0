//! Files and folders dropped anywhere on the page.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, Element};
use yew::prelude::*;

use super::opener::Opener;
use crate::lab::protocol::Role;
use crate::web::files::Dropped;

/// Marks the half of the page that makes calibration frames of what is dropped there.
const CALIBRATION: &str = "drop-calibration";

/// Listens on the whole window; shows where to drop while something is dragged over it.
#[component]
pub(in crate::page::view) fn DropZone() -> Html {
    let opener = use_context::<Opener>().expect("the app provides an opener");
    let dragging = use_state(|| false);
    use_effect_with(opener, {
        let dragging = dragging.setter();
        move |opener| {
            let window = web_sys::window().expect("a page has a window");
            let opener = opener.clone();
            let listen = |name: &'static str, act: Box<dyn Fn(&DragEvent)>| {
                // Unless it is prevented, the browser leaves the page for the file.
                let options = EventListenerOptions::enable_prevent_default();
                EventListener::new_with_options(&window, name, options, move |event| {
                    if let Some(event) = event.dyn_ref::<DragEvent>() {
                        event.prevent_default();
                        act(event);
                    }
                })
            };
            let (show, hide, end) = (dragging.clone(), dragging.clone(), dragging);
            let listeners = [
                listen("dragenter", Box::new(move |event| show.set(carries_files(event)))),
                listen("dragover", Box::new(|_| {})),
                listen(
                    "dragleave",
                    Box::new(move |event| {
                        // Between two elements there is a next one; outside the window there is none.
                        if event.related_target().is_none() {
                            hide.set(false);
                        }
                    }),
                ),
                listen(
                    "drop",
                    Box::new(move |event| {
                        end.set(false);
                        if let Some(transfer) = event.data_transfer() {
                            opener.dropped(role_at(event), Dropped::new(&transfer));
                        }
                    }),
                ),
            ];
            move || drop(listeners)
        }
    });
    if !*dragging {
        return Html::default();
    }
    html! {
        <div class="drop-zone">
            <div class="drop-half"><b>{"Validation frames"}</b>{" or a network (.onnx)"}</div>
            <div class={classes!("drop-half", CALIBRATION)}><b>{"Calibration frames"}</b></div>
        </div>
    }
}

fn carries_files(event: &DragEvent) -> bool {
    let types = event.data_transfer().map(|transfer| transfer.types());
    types.is_some_and(|types| types.includes(&"Files".into(), 0))
}

fn role_at(event: &DragEvent) -> Role {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let on_calibration =
        target.and_then(|element| element.closest(&format!(".{CALIBRATION}")).ok().flatten());
    if on_calibration.is_some() { Role::Calibration } else { Role::Validation }
}
