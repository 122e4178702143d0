//! A minute's tour, for who comes for the first time and wants it.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};
use yew::prelude::*;

use crate::page::place::Place;
use crate::page::state::Action;
use crate::page::view::props::PageProps;
use crate::web::remember;

/// Under which the browser remembers that it was seen, or not wanted.
const SEEN: &str = "steer8-tour";
/// Marks what a stop is about.
const MARK: &str = "data-toured";

/// A stop: where, at which `data-testid`, and what is said of it.
struct Stop {
    place: Place,
    at: &'static str,
    title: &'static str,
    text: &'static str,
}

const STOPS: [Stop; 6] = [
    Stop {
        place: Place::Drive,
        at: "drive",
        title: "A network drives",
        text: "It sees the picture of the camera, 96 pixels wide, and says what to do. Nothing leaves this browser.",
    },
    Stop {
        place: Place::Drive,
        at: "quantize",
        title: "Make it int8",
        text: "One button rounds its weights and values to 8 bits, and measures both networks on frames that \
               neither has seen. The recipe above it has every option.",
    },
    Stop {
        place: Place::Compare,
        at: "place-compare",
        title: "What it won and cost",
        text: "A column for each variant: accuracy, latency, size. Pale differences are within the noise; a \
               question mark explains a figure.",
    },
    Stop {
        place: Place::Layers,
        at: "place-layers",
        title: "Ask why",
        text: "Each layer quantized alone shows which one hurts. Give it more bits, or let a search find the recipe.",
    },
    Stop {
        place: Place::Train,
        at: "place-train",
        title: "Win it back",
        text: "Training for the rounding wins back what few bits have lost. It can be paused, and outlives a reload.",
    },
    Stop {
        place: Place::Data,
        at: "place-data",
        title: "Bring your own",
        text: "Drop a network or frames anywhere on the page. In Compare, a link and a report are for a colleague.",
    },
];

#[component]
pub(in crate::page::view) fn Tour(PageProps { dispatch, .. }: &PageProps) -> Html {
    let offered = use_state(|| !remember::has(SEEN));
    let stop = use_state(|| None::<usize>);
    let next = use_node_ref();
    use_effect_with(*stop, {
        let next = next.clone();
        move |stop| {
            if let Some(stop) = stop.and_then(|at| STOPS.get(at)) {
                show(stop);
                if let Some(button) = next.cast::<HtmlElement>() {
                    button.focus().ok();
                }
            }
            || mark(None)
        }
    });
    let go = {
        let (dispatch, stop, offered) = (dispatch.clone(), stop.clone(), offered.clone());
        move |to: Option<usize>| {
            let to = to.filter(|at| *at < STOPS.len());
            match to {
                Some(at) => dispatch.emit(Action::Go(STOPS[at].place)),
                None => {
                    remember::keep(SEEN);
                    offered.set(false);
                }
            }
            stop.set(to);
        }
    };
    let to = |to: Option<usize>| {
        let go = go.clone();
        Callback::from(move |_: MouseEvent| go(to))
    };
    let Some(at) = *stop else {
        let start = to(Some(0));
        if !*offered {
            return html! {
                <button type="button" class="button quiet" data-testid="tour-start" onclick={start}>
                    {"A minute’s tour"}
                </button>
            };
        }
        return html! {
            <aside class="tour-offer" data-testid="tour-offer" aria-label="A minute’s tour">
                <span>{"New here? "}</span>
                <button type="button" class="button quiet" data-testid="tour-start" onclick={start}>
                    {"Take a minute’s tour"}
                </button>
                <button type="button" class="button quiet" data-testid="tour-no" onclick={to(None)}>
                    {"No, thanks"}
                </button>
            </aside>
        };
    };
    let onkeydown = {
        let go = go.clone();
        Callback::from(move |event: KeyboardEvent| {
            if event.key() == "Escape" {
                go(None);
            }
        })
    };
    let Stop { title, text, .. } = &STOPS[at];
    let last = at + 1 == STOPS.len();
    html! {
        <section class="tour" role="dialog" aria-label="A minute’s tour" data-testid="tour"
            data-value={at.to_string()} {onkeydown}>
            <p class="tour-at">{ format!("{} of {}", at + 1, STOPS.len()) }</p>
            <div aria-live="polite"><h2>{ *title }</h2><p>{ *text }</p></div>
            <div class="tour-buttons">
                <button type="button" class="button" ref={next} data-testid="tour-next" onclick={to(Some(at + 1))}>
                    { if last { "Done" } else { "Next" } }
                </button>
                if at > 0 {
                    <button type="button" class="button quiet" onclick={to(Some(at - 1))}>{"Back"}</button>
                }
                if !last {
                    <button type="button" class="button quiet" data-testid="tour-end" onclick={to(None)}>{"End"}</button>
                }
            </div>
        </section>
    }
}

/// Brings to sight what a stop is about, and marks it.
fn show(stop: &Stop) {
    let document = web_sys::window().and_then(|window| window.document());
    let wanted = format!("[data-testid='{}']", stop.at);
    let element = document.and_then(|all| all.query_selector(&wanted).ok().flatten());
    if let Some(element) = &element {
        element.scroll_into_view();
    }
    mark(element);
}

/// Marks this and nothing else.
fn mark(element: Option<Element>) {
    let document = web_sys::window().and_then(|window| window.document());
    let marked = document.and_then(|all| all.query_selector(&format!("[{MARK}]")).ok().flatten());
    if let Some(marked) = marked {
        marked.remove_attribute(MARK).ok();
    }
    if let Some(element) = element.and_then(|it| it.dyn_into::<Element>().ok()) {
        element.set_attribute(MARK, "").ok();
    }
}
