//! One data set: what is loaded, and how to load another.

use yew::prelude::*;

use super::file_button::FileButton;
use super::opener::Opener;
use crate::lab::protocol::Role;
use crate::page::format;
use crate::page::state::{Action, Loaded, Loading};
use crate::page::view::props::Snapshot;
use crate::vocabulary::frames::{DataSummary, FRAMES, LabelColumn, Sample};
use crate::web::files::{Selection, accepted_frames};

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct DataRowProps {
    pub(in crate::page::view) role: Role,
    pub(in crate::page::view) state: Snapshot,
    pub(in crate::page::view) dispatch: Callback<Action>,
}

#[component]
pub(in crate::page::view) fn DataRow(
    DataRowProps { role, state, dispatch }: &DataRowProps,
) -> Html {
    let role = *role;
    let opener = use_context::<Opener>().expect("the app provides an opener");
    let picked = Callback::from(move |selection: Selection| opener.data(role, selection));
    let data = state.data(role);
    let kind = role.name();
    let (title, purpose) = match role {
        Role::Validation => ("Validation frames", "what accuracy is measured on"),
        Role::Calibration => ("Calibration frames", "what the int8 ranges come from"),
        Role::Training => ("Training frames", "what quantization-aware training learns from"),
    };
    let bundled = data.loaded.as_ref().is_some_and(|loaded| loaded.bundled);
    let use_bundled = dispatch.reform(move |_: MouseEvent| Action::UseBundledData(role));
    let status = match (&data.loading, &data.loaded) {
        (Some(_), _) => "loading",
        (None, Some(_)) => "ready",
        (None, None) => "empty",
    };
    let frames = data.loaded.as_ref().map(|loaded| loaded.summary.frames.to_string());
    html! {
        <div class="panel data-row" data-testid={format!("data-{kind}")} data-status={status}
            data-value={frames}>
            <h3>{ title }</h3>
            <p class="hint">{ purpose }</p>
            { for data.loaded.as_ref().map(|loaded| summary(state, loaded)) }
            if data.loaded.is_none() && data.loading.is_none() {
                <p class="contents">{ absent(state, role) }</p>
            }
            if role == Role::Calibration && state.judges_by_what_it_calibrated_on() {
                <p class="hint noted" data-testid="data-note">
                    {"These are the validation frames, too: what is measured on frames that the ranges come from \
                      may look better than it is."}
                </p>
            }
            if let Some(missing) = state.own_files.missing.get(&role) {
                <p class="hint" data-testid={format!("missing-{kind}")}>
                    { format!("Last time these were “{}” (SHA-256 {}…), which were too large to be kept: open \
                        them again.", missing.name, missing.sha256.get(..8).unwrap_or_default()) }
                </p>
            }
            if let Some(loading) = data.loading.clone() {
                <LoadingLine {role} {loading} state={state.clone()} dispatch={dispatch.clone()} />
            }
            <div class="buttons">
                <FileButton testid={format!("open-{kind}")} text="Open files" multiple=true
                    accept={accepted_frames()} picked={picked.clone()} />
                <FileButton testid={format!("open-{kind}-folder")} text="Open a folder" folder=true
                    {picked} />
                if !bundled && data.loading.is_none() && state.may_use_bundled() {
                    <button type="button" class="button quiet" onclick={use_bundled}
                        data-testid={format!("bundled-{kind}")}>{"Use the bundled frames"}</button>
                }
            </div>
        </div>
    }
}

fn absent(state: &Snapshot, role: Role) -> String {
    match state.bundled_count(role) {
        Some(count) => {
            format!("{} bundled frames, loaded when they are needed.", format::grouped(count))
        }
        None => "Nothing is loaded.".to_owned(),
    }
}

fn summary(state: &Snapshot, loaded: &Loaded) -> Html {
    let summary = &loaded.summary;
    let most = summary.class_counts.iter().copied().max().unwrap_or(0).max(1);
    let name = |class: usize| match summary.class_names.get(class) {
        Some(folder) => format::class_name(folder).to_owned(),
        None => state.class_label(class),
    };
    let class = |(class, &count): (usize, &usize)| {
        html! {
            <div class="class-row">
                <dt>{ name(class) }</dt>
                <dd>
                    <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                        <rect class="bar-fill" height="6"
                            width={format!("{:.1}", 100.0 * count as f64 / most as f64)} />
                    </svg>
                    <span>{ format::grouped(count) }</span>
                </dd>
            </div>
        }
    };
    // Beside an `x` others are mostly labels.
    let frames = match summary.arrays.iter().any(|array| array.name == FRAMES) {
        true => format::frame(&summary.frame_shape),
        false => format::arrays(&summary.arrays),
    };
    html! {
        <>
            <p class="contents">
                <b>{ format::grouped(summary.frames) }</b>
                { format!(" frames of {frames}: {}", loaded.name) }
            </p>
            if !loaded.bundled && !summary.source.is_empty() {
                <p class="hint" data-testid="found">{ &summary.source }</p>
            }
            if summary.class_counts.is_empty() && !summary.label_columns.is_empty() {
                { label_columns(summary) }
            }
            { for summary.notes.iter().map(|note| html! {
                <p class="hint noted" data-testid="data-note">{ note }</p>
            }) }
            if (1..=12).contains(&summary.class_counts.len()) {
                <dl class="class-balance">{ for summary.class_counts.iter().enumerate().map(class) }</dl>
            }
        </>
    }
}

/// The labels: a column each, from where to where they go, and the first frames'.
fn label_columns(summary: &DataSummary) -> Html {
    let name = |(at, column): (usize, &LabelColumn)| {
        let name = column.name.clone().unwrap_or_else(|| format!("label {}", at + 1));
        let [low, high] = column.range.map(format::value);
        html! { <th scope="col">{ name }<span class="hint">{ format!(" {low} to {high}") }</span></th> }
    };
    let row = |sample: &Sample| {
        let labels = sample.labels.iter().map(|&label| html! { <td>{ format::value(label) }</td> });
        html! {
            <tr>
                <th scope="row" title={sample.name.clone()}>
                    { sample.name.clone().unwrap_or_default() }
                </th>
                { for labels }
            </tr>
        }
    };
    html! {
        <div class="wide" tabindex="0" role="region" aria-label="Labels of the first frames">
            <table class="label-rows" data-testid="label-rows">
                <thead>
                    <tr><td></td>{ for summary.label_columns.iter().enumerate().map(name) }</tr>
                </thead>
                <tbody>{ for summary.samples.iter().map(row) }</tbody>
            </table>
        </div>
    }
}

#[derive(PartialEq, Properties)]
struct LoadingLineProps {
    role: Role,
    loading: Loading,
    state: Snapshot,
    dispatch: Callback<Action>,
}

#[component]
fn LoadingLine(LoadingLineProps { role, loading, state, dispatch }: &LoadingLineProps) -> Html {
    let role = *role;
    let cancel = dispatch.reform(move |_: MouseEvent| Action::CancelData(role));
    let in_worker = loading.task.and_then(|task| state.progress(task));
    let (done, total) = in_worker.map_or((loading.done, loading.total), |p| (p.done, p.total));
    let far = (total > 0).then(|| (done.to_string(), total.to_string()));
    let (value, max) = far.unzip();
    let doing = if loading.task.is_some() { "Reading" } else { "Loading" };
    let testid = match role {
        Role::Validation => "cancel-validation",
        Role::Calibration => "cancel-calibration",
        Role::Training => "cancel-training-frames",
    };
    html! {
        <div class="loading-line">
            <p role="status">{ format!("{doing} {}", loading.name) }</p>
            <progress {value} {max} aria-label={loading.name.clone()} />
            <button type="button" class="button quiet" data-testid={testid} onclick={cancel}>
                {"Cancel"}
            </button>
        </div>
    }
}
