//! The one obvious button.

use yew::prelude::*;

use crate::lab::protocol::Role;
use crate::page::format;
use crate::page::state::{Action, Network};
use crate::page::view::compare::made_panel::Download;
use crate::page::view::props::{PageProps, Snapshot};

#[component]
pub(in crate::page::view) fn ActionBar(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(network) = state.selected() else {
        return html! { <div class="action"><p class="promise">{"Loading the networks…"}</p></div> };
    };
    let run = dispatch.reform(|_: MouseEvent| Action::Run);
    let word = match (network.inspection().is_some(), network.is_float()) {
        (true, false) => "Measure",
        _ if state.made.contains_key(&network.id) => "Quantize again",
        _ => "Quantize",
    };
    html! {
        <div class="action">
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
        </div>
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
