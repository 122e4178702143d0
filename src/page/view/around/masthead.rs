//! The name, and what this is for.

use yew::prelude::*;

use super::explain::KeysButton;
use super::tour::Tour;
use crate::page::view::props::PageProps;

#[component]
pub(in crate::page::view) fn Masthead(PageProps { state, dispatch }: &PageProps) -> Html {
    html! {
        <header class="masthead">
            <div class="brand">
                <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
                    <circle class="mark-rim" cx="16" cy="16" r="13" />
                    <circle class="mark-eight" cx="16" cy="11.6" r="4" />
                    <circle class="mark-eight" cx="16" cy="20.4" r="4.8" />
                    <path class="mark-spoke" d="M3.5 17.5 H11 M21 17.5 H28.5" />
                </svg>
                <span class="wordmark">{"Steer8"}</span>
                <span class="tagline">{"quantization lab for driving networks"}</span>
            </div>
            <div class="helps">
                <Tour state={state.clone()} dispatch={dispatch.clone()} />
                <KeysButton />
            </div>
        </header>
    }
}

/// What this is for, to who comes for the first time.
#[component]
pub(in crate::page::view) fn Lead() -> Html {
    html! {
        <div class="lead">
            <h1>{"Eight bits are enough to drive. See for yourself."}</h1>
            <p>
                {"Choose a network that steers a car. Steer8 turns its float weights into int8 "}
                {"and measures, on real frames it has never seen, what you gain and what it \
                  costs. Everything happens in this browser; nothing is uploaded."}
            </p>
        </div>
    }
}
