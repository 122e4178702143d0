//! What the last comparison came to, in a sentence, and the way to all of it.

use yew::prelude::*;

use crate::page::place::Place;
use crate::page::state::Action;
use crate::page::view::props::PageProps;

#[component]
pub(in crate::page::view) fn ShortVerdict(PageProps { state, dispatch }: &PageProps) -> Html {
    let network = state.selected.as_ref();
    let Some(comparison) = network.and_then(|id| state.comparisons.get(id)) else {
        return Html::default();
    };
    let go = dispatch.reform(|event: MouseEvent| {
        event.prevent_default();
        Action::Go(Place::Compare)
    });
    let href = format!("#{}", state.link_to(Place::Compare).fragment());
    let current = state.is_current(comparison.recipe.as_ref());
    html! {
        <div class="short-verdict" data-testid="short-verdict" data-current={current.to_string()}>
            <p role="status">
                if !current { <b>{"Of another recipe: "}</b> }
                { &comparison.verdict }
            </p>
            <a {href} onclick={go}>
                { if state.drives_here() {
                    "All figures, variant by variant, and how few bits still drive"
                } else {
                    "All figures, variant by variant"
                } }
            </a>
        </div>
    }
}
