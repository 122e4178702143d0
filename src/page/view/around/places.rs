//! The places as links, and what holds in all of them: the chosen network, its recipe, the job, errors.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::notices::Notices;
use super::working::Working;
use crate::page::place::Place;
use crate::page::state::{Action, Network};
use crate::page::view::props::PageProps;
use crate::report::words;

#[component]
pub(in crate::page::view) fn Places(PageProps { state, dispatch }: &PageProps) -> Html {
    let link = |place: Place| {
        let go = dispatch.reform(move |event: MouseEvent| {
            event.prevent_default();
            Action::Go(place)
        });
        // Another tab is the browser's business.
        let onclick = Callback::from(move |event: MouseEvent| {
            let plain = !(event.ctrl_key() || event.meta_key() || event.shift_key());
            if plain && event.button() == 0 {
                go.emit(event);
            }
        });
        let current = (state.place == place).then_some("page");
        html! {
            <li>
                <a href={format!("#{}", state.link_to(place).fragment())} aria-current={current}
                    data-testid={format!("place-{}", place.id())} {onclick}>{ place.name() }</a>
            </li>
        }
    };
    html! {
        <div class="places">
            <nav aria-label="Places"><ul>{ for Place::ALL.into_iter().map(link) }</ul></nav>
            <Chosen state={state.clone()} dispatch={dispatch.clone()} />
            if state.job.is_some() {
                <section class="under-way" aria-label="What is under way">
                    <Working state={state.clone()} dispatch={dispatch.clone()} />
                </section>
            }
            <Notices state={state.clone()} dispatch={dispatch.clone()} />
        </div>
    }
}

/// The network and the recipe that whatever is pressed will use.
#[component]
fn Chosen(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(chosen) = state.selected() else { return Html::default() };
    let onchange = dispatch.reform(|event: Event| {
        Action::Select(event.target_unchecked_into::<HtmlSelectElement>().value())
    });
    let option = |network: &Network| {
        let selected = network.id == chosen.id;
        html! { <option value={network.id.clone()} {selected}>{ &network.title }</option> }
    };
    let recipe = match chosen.inspection() {
        Some(_) if !chosen.is_float() => "its own scales".to_owned(),
        _ => words::recipe(&state.recipe),
    };
    html! {
        <section class="chosen-now" aria-label="What is chosen">
            <label>
                <span class="unseen">{"The chosen network"}</span>
                <select data-testid="chosen" {onchange}>{ for state.networks.iter().map(option) }</select>
            </label>
            <span class="chosen-recipe" data-testid="chosen-recipe" title={recipe.clone()}>{ recipe }</span>
        </section>
    }
}
