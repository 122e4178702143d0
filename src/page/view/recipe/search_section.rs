//! The search for a recipe that meets a target.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::search_results::SearchResults;
use crate::lab::protocol::Inspection;
use crate::page::state::{Action, Goal, SearchForm, Step};
use crate::page::view::data::frames_field::FramesField;
use crate::page::view::props::{PageProps, Snapshot, changing};
use crate::vocabulary::recipe::Recipe;

#[component]
pub(in crate::page::view) fn SearchSection(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(network) = state.selected().filter(|network| network.is_float()) else {
        return Html::default();
    };
    let searching = matches!(&state.job, Some(job) if matches!(job.step, Step::Search { .. }));
    html! {
        <section class="search" aria-label="Search a recipe">
            <div class="section-head">
                <div>
                    <h2>{"Search a recipe"}</h2>
                    <p class="hint">
                        {"Starts from the chosen recipe with the fewest bits, and gives each layer as \
                          many as it needs. Stop it when you like: the best so far is kept."}
                    </p>
                </div>
            </div>
            if !searching {
                { for network.inspection().map(|inspection| form(state, inspection, dispatch)) }
            }
            if let Some(search) = state.searches.get(&network.id) {
                <SearchResults search={search.clone()} state={state.clone()} dispatch={dispatch.clone()} />
            }
        </section>
    }
}

/// What is asked, as a sentence with a number in it, and the number's unit.
fn words(goal: Goal) -> (&'static str, &'static str) {
    match goal {
        Goal::Drop => ("Lose at most", "points of top-1"),
        Goal::Rise => ("Let the error rise by at most", "%"),
        Goal::Return => ("Keep at least", "% of float's return"),
        Goal::Bytes => ("A file of at most", "kB"),
        Goal::Bops => ("At most", "million BOPs"),
    }
}

fn form(state: &Snapshot, inspection: &Inspection, dispatch: &Callback<Action>) -> Html {
    let form = &state.search_form;
    let change = |set: fn(&mut SearchForm, Event)| changing(form, set, Action::SetSearch, dispatch);
    let goals = state.goals();
    let offered = goals.clone();
    let goal = changing(
        form,
        move |form, event: Event| {
            let select: HtmlSelectElement = event.target_unchecked_into();
            let at = select.selected_index().max(0) as usize;
            form.goal = offered.get(at).copied().unwrap_or_default();
        },
        Action::SetSearch,
        dispatch,
    );
    let limit = change(|form, event| {
        form.set_limit(event.target_unchecked_into::<HtmlInputElement>().value());
    });
    let frames = changing(form, |form, frames| form.frames = frames, Action::SetSearch, dispatch);
    let weight_bits = change(|form, event| {
        let select: HtmlSelectElement = event.target_unchecked_into();
        form.weight_bits = select.value().parse().unwrap_or(form.weight_bits);
    });
    let width = |bits: u32| {
        let chosen = bits == form.weight_bits;
        html! { <option value={bits.to_string()} selected={chosen}>{ bits }</option> }
    };
    let start = dispatch.reform(|_: MouseEvent| Action::Search);
    let option = |goal: &Goal| {
        html! { <option selected={*goal == form.goal}>{ words(*goal).0 }</option> }
    };
    let fault = state.search_fault();
    html! {
        <div class="search-form">
            <label class="inline-field">
                <span class="unseen">{"What to search"}</span>
                <select data-testid="search-goal" onchange={goal}>
                    { for goals.iter().map(option) }
                </select>
            </label>
            <label class="inline-field">
                <span class="unseen">{"Limit"}</span>
                <input type="text" inputmode="decimal" autocomplete="off" data-testid="search-limit"
                    value={form.limit(inspection)} onchange={limit}
                    aria-invalid={fault.is_some().then_some("true")} />
                { words(form.goal).1 }
            </label>
            <label class="inline-field">
                {"Weight bits from "}
                <select data-testid="search-weight-bits" onchange={weight_bits}>
                    { for Recipe::WIDTHS.map(width) }
                </select>
            </label>
            <FramesField testid="search-frames" frames={form.frames} there_are={state.frames_to_judge()}
                choose={frames} disabled=false />
            <button type="button" class="button" data-testid="search" onclick={start}
                disabled={!state.can_analyze() || fault.is_some()}>{"Search"}</button>
            if let Some(fault) = fault {
                <p class="fault" role="alert">{ fault.to_string() }</p>
            }
        </div>
    }
}
