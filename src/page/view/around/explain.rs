//! Explanations beside the figures, and the list of keys: each stands once on the page, hidden until a button
//! that names it is pressed. The browser shows it above all else, and Esc or a press beside it closes it.

use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

use crate::page::terms::{KEYS, TERMS, Term};
use crate::page::view::stage::is_typed;

const KEYS_ID: &str = "keys";
const KEYS_BUTTON: &str = "keys-button";

fn id(term: &Term) -> String {
    format!("term-{}", term.id)
}

/// A question mark beside a figure.
pub(in crate::page::view) fn why(term: &'static Term) -> Html {
    html! {
        <button type="button" class="why" popovertarget={id(term)} data-testid={format!("why-{}", term.id)}
            aria-label={format!("Explain: {}", term.name)}>{"?"}</button>
    }
}

/// Words to be asked about, where no figure stands.
pub(in crate::page::view) fn words(ids: &[&str]) -> Html {
    let word = |term: &'static Term| {
        html! {
            <button type="button" class="word" popovertarget={id(term)}
                data-testid={format!("why-{}", term.id)}>{ term.name }</button>
        }
    };
    html! {
        <p class="words">
            {"What is "}{ for ids.iter().filter_map(|id| Term::of(id)).map(word) }{"?"}
        </p>
    }
}

/// Opens the list of keys.
#[component]
pub(in crate::page::view) fn KeysButton() -> Html {
    use_effect_with((), |()| {
        let window = web_sys::window().expect("a page has a window");
        let document = window.document();
        let listener = EventListener::new(&window, "keydown", move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            let button = document.as_ref().and_then(|all| all.get_element_by_id(KEYS_BUTTON));
            if event.key() == "?"
                && !is_typed(event)
                && let Some(button) = button.and_then(|it| it.dyn_into::<HtmlElement>().ok())
            {
                button.click();
            }
        });
        move || drop(listener)
    });
    html! {
        <button type="button" class="button quiet" id={KEYS_BUTTON} data-testid="keys-button"
            popovertarget={KEYS_ID} aria-keyshortcuts="?">{"Keys"}</button>
    }
}

/// All that can be asked for.
#[component]
pub(in crate::page::view) fn Explanations() -> Html {
    let source = |(name, url): &(&'static str, &'static str)| {
        html! {
            <li><a href={*url} target="_blank" rel="noopener noreferrer">{ *name }</a></li>
        }
    };
    let term = |term: &'static Term| {
        html! {
            <section key={term.id} id={id(term)} class="explanation" popover="auto" aria-label={term.name}
                data-testid={format!("term-{}", term.id)}>
                <h2>{ term.name }</h2>
                <p>{ term.text }</p>
                if !term.sources.is_empty() {
                    <ul class="sources">{ for term.sources.iter().map(source) }</ul>
                }
                { close(id(term)) }
            </section>
        }
    };
    let keys = |(place, keys): &(&'static str, &'static [(&'static str, &'static str)])| {
        let key = |(key, does): &(&'static str, &'static str)| {
            html! {
                <><dt><kbd>{ *key }</kbd></dt><dd>{ *does }</dd></>
            }
        };
        html! { <><h3>{ *place }</h3><dl class="keys">{ for keys.iter().map(key) }</dl></> }
    };
    html! {
        <>
            { for TERMS.iter().map(term) }
            <section id={KEYS_ID} class="explanation" popover="auto" aria-label="Keys" data-testid="keys">
                <h2>{"Keys"}</h2>
                { for KEYS.iter().map(keys) }
                { close(KEYS_ID.to_owned()) }
            </section>
        </>
    }
}

fn close(id: String) -> Html {
    html! {
        <button type="button" class="button quiet" popovertarget={id} popovertargetaction="hide">
            {"Close"}
        </button>
    }
}
