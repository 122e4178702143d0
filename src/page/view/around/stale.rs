//! Says that results were made with another recipe than the one in the panel.

use std::rc::Rc;

use yew::prelude::*;

use crate::page::view::props::Snapshot;
use crate::report::words;
use crate::vocabulary::recipe::Recipe;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct StaleProps {
    pub(in crate::page::view) state: Snapshot,
    /// What the results were made by.
    pub(in crate::page::view) recipe: Option<Rc<Recipe>>,
}

#[component]
pub(in crate::page::view) fn Stale(StaleProps { state, recipe }: &StaleProps) -> Html {
    let Some(made_by) = recipe.as_ref().filter(|recipe| !state.is_current(Some(recipe))) else {
        return Html::default();
    };
    html! {
        <p class="stale" data-testid="stale" role="status">
            <b>{"Of another recipe: "}</b>{ words::recipe(made_by) }
            { format!(". The one chosen now is {}.", words::recipe(&state.recipe)) }
        </p>
    }
}
