//! The one obvious button; while it works, how far it is and how to stop it.

use yew::prelude::*;

use super::elapsed::Elapsed;
use super::made_panel::Download;
use super::pipeline::{self, Pipeline};
use super::props::{PageProps, Snapshot};
use crate::lab::protocol::{Progress, Role, Stage};
use crate::page::format;
use crate::page::state::{Action, Network};

#[component]
pub(super) fn ActionBar(PageProps { state, dispatch }: &PageProps) -> Html {
    let body = if state.job.is_some() {
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
                <Download network={network.id.clone()} made={made.clone()} dispatch={dispatch.clone()} />
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
        let bundled = || state.catalogue.as_ref().map(|catalogue| catalogue.frames(role).count);
        loaded.or_else(bundled).map_or("the".to_owned(), format::grouped)
    };
    if network.is_float() || network.inspection().is_none() {
        format!(
            "Calibrate on {} frames, write an int8 ONNX file, and compare both on {} frames.",
            frames(Role::Calibration),
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

#[component]
fn Working(PageProps { state, dispatch }: &PageProps) -> Html {
    let (Some(job), Some(progress)) = (&state.job, state.working()) else {
        return Html::default();
    };
    let Progress { stage, model, done, total } = progress;
    let cancel = dispatch.reform(|_: MouseEvent| Action::CancelRun);
    let title = state.title(model.as_ref().unwrap_or(&job.network));
    let far = (total > 0).then(|| (done.to_string(), total.to_string()));
    let (value, max) = far.unzip();
    html! {
        <>
            <div class="working" data-testid="progress" data-stage={pipeline::name(stage)}
                data-done={done.to_string()} data-total={total.to_string()}>
                <Pipeline {stage} />
                <progress {value} {max} aria-label={doing(stage)} />
                <p class="working-line">
                    // Announced when the stage changes, not at every frame.
                    <span role="status" aria-live="polite">{ format!("{title}: {}", doing(stage)) }</span>
                    <span class="far">
                        if total > 0 {
                            { format!("{} of {}", format::grouped(done), format::grouped(total)) }
                        }
                    </span>
                    <Elapsed since={job.started} />
                </p>
            </div>
            <button type="button" class="button stop" data-testid="cancel" onclick={cancel}>
                {"Cancel"}
            </button>
        </>
    }
}

fn doing(stage: Stage) -> &'static str {
    match stage {
        Stage::ReadData => "reading the frames",
        Stage::Equalize => "evening out the ranges of its channels",
        Stage::Round => "learning how to round its weights",
        Stage::CorrectBias => "correcting its biases",
        Stage::Calibrate => "watching its values on the calibration frames",
        Stage::Quantize => "writing the int8 network",
        Stage::Analyze => "measuring what each layer does",
        Stage::Evaluate => "answering the validation frames",
        Stage::Time => "timing, in turns",
    }
}
