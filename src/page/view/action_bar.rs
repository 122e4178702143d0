//! The one obvious button; while it works, how far it is and how to stop it.

use yew::prelude::*;

use super::made_panel::Download;
use super::props::{PageProps, Snapshot};
use super::working::Working;
use crate::lab::protocol::Role;
use crate::page::format;
use crate::page::state::{Action, Job, Network, Step};

#[component]
pub(super) fn ActionBar(PageProps { state, dispatch }: &PageProps) -> Html {
    // Analyses, searches and trainings say themselves how far they are, a training below its network.
    let shown_here = |job: &Job| match job.trains {
        true => state.selected.as_ref() != Some(&job.network),
        false => matches!(job.step, Step::Quantize | Step::Compare),
    };
    let body = if state.job.as_ref().is_some_and(shown_here) {
        html! { <Working state={state.clone()} dispatch={dispatch.clone()} /> }
    } else {
        html! { <Offer state={state.clone()} dispatch={dispatch.clone()} /> }
    };
    html! { <div class="action">{ body }</div> }
}

#[component]
fn Offer(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(network) = state.selected() else {
        return html! { <p class="promise">{"Loading the networks…"}</p> };
    };
    let run = dispatch.reform(|_: MouseEvent| Action::Run);
    let word = match (network.inspection().is_some(), network.is_float()) {
        (true, false) => "Measure",
        _ if state.made.contains_key(&network.id) => "Quantize again",
        _ => "Quantize",
    };
    html! {
        <>
            <div class="promise">
                <p>{ promise(state, network) }</p>
                if network.inspection().is_some() && !network.is_float() {
                    <Reference state={state.clone()} dispatch={dispatch.clone()} />
                }
            </div>
            if let Some(made) = state.made.get(&network.id) {
                <Download made={made.clone()} dispatch={dispatch.clone()} />
            }
            <button type="button" class="button go" data-testid="quantize" onclick={run}
                disabled={!state.can_run()}>{ word }</button>
        </>
    }
}

/// What pressing the button does.
fn promise(state: &Snapshot, network: &Network) -> String {
    let frames = |role| {
        let loaded = state.data(role).loaded.as_ref().map(|loaded| loaded.summary.frames);
        let bundled = || state.bundled_count(role);
        loaded.or_else(bundled).map_or("the".to_owned(), format::grouped)
    };
    if network.is_float() || network.inspection().is_none() {
        format!(
            "Calibrate on {} frames, write {} ONNX file, and compare both on {} frames.",
            state.recipe.samples.map_or_else(|| frames(Role::Calibration), format::grouped),
            match &*state.recipe.variant(false) {
                "int8" => "an int8".to_owned(),
                other => format!("a {other}"),
            },
            frames(Role::Validation)
        )
    } else {
        format!(
            "This file is int8 already: its own scales are kept. Measure it on {} frames.",
            frames(Role::Validation)
        )
    }
}

/// Which float network an int8 one is compared with.
#[component]
fn Reference(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(network) = state.selected() else { return Html::default() };
    let model = network.id.clone();
    let onchange = dispatch.reform(move |event: Event| {
        let select: web_sys::HtmlSelectElement = event.target_unchecked_into();
        let reference = Some(select.value()).filter(|value| !value.is_empty());
        Action::CompareWith { model: model.clone(), reference }
    });
    let option = |other: &Network| {
        let chosen = network.reference.as_ref() == Some(&other.id);
        html! { <option value={other.id.clone()} selected={chosen}>{ &other.title }</option> }
    };
    html! {
        <label class="reference">
            {"Compare with "}
            <select data-testid="compare-with" {onchange}>
                <option value="" selected={network.reference.is_none()}>{"nothing"}</option>
                { for state.references().map(option) }
            </select>
        </label>
    }
}
