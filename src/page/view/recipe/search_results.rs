//! What a search has tried, as it comes, and the best of it.

use std::rc::Rc;

use yew::prelude::*;

use crate::page::format;
use crate::page::state::{Action, Ending, Search, tried};
use crate::page::view::charts::trials::Trials;
use crate::page::view::props::Snapshot;
use crate::vocabulary::driving::Verdict;
use crate::vocabulary::search::{Heldout, Trial};

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct SearchResultsProps {
    pub(in crate::page::view) search: Rc<Search>,
    pub(in crate::page::view) state: Snapshot,
    pub(in crate::page::view) dispatch: Callback<Action>,
}

#[component]
pub(in crate::page::view) fn SearchResults(
    SearchResultsProps { search, state, dispatch }: &SearchResultsProps,
) -> Html {
    let best = search.best();
    let status = match search.ending {
        None => "searching",
        Some(Ending::Finished) => "finished",
        Some(Ending::Stopped) => "stopped",
    };
    let row = |trial: &Trial| {
        let is_best = best == Some(trial);
        html! {
            <tr class={classes!(is_best.then_some("best"))} data-testid="trial"
                data-bops={trial.bops.to_string()} data-bytes={trial.file_bytes.to_string()}
                data-drop={trial.loss().map(|loss| loss.to_string())} data-meets={trial.meets.to_string()}>
                <th scope="row">{ &trial.what }</th>
                <td>{ format::lost(trial) }</td>
                <td>{ format::bytes(trial.file_bytes as usize) }</td>
                <td>{ format::count(trial.bops) }</td>
                <td>{ if trial.meets { "yes" } else { "no" } }</td>
                <td>
                    { use_button(trial, state, dispatch, "use-trial", "button quiet", "Use") }
                    { drive_button(trial, state, dispatch) }
                </td>
            </tr>
        }
    };
    html! {
        <div class="panel search-results" data-testid="search-results" data-status={status}
            data-value={search.trials.len().to_string()}>
            <div class="best-line">
                <p role="status">{ summary(search) }</p>
                { for best.map(|best| use_button(best, state, dispatch, "use-recipe", "button", "Use this recipe")) }
            </div>
            if !search.trials.is_empty() {
                <div class="trials">
                    <Trials search={search.clone()} />
                    <div class="scroller trial-list" tabindex="0" role="region" aria-label="Recipes tried">
                        <table>
                            <thead><tr>
                                <th scope="col">{"Tried"}</th>
                                <th scope="col">{"Lost or kept"}</th>
                                <th scope="col">{"File"}</th>
                                <th scope="col">{"BOPs"}</th>
                                <th scope="col">{"Meets it"}</th>
                                <th scope="col"><span class="unseen">{"Use or drive it"}</span></th>
                            </tr></thead>
                            // The latest on top.
                            <tbody>{ for search.trials.iter().rev().map(row) }</tbody>
                        </table>
                    </div>
                </div>
            }
        </div>
    }
}

fn use_button(
    trial: &Trial,
    state: &Snapshot,
    dispatch: &Callback<Action>,
    testid: &'static str,
    class: &'static str,
    name: &'static str,
) -> Html {
    let recipe = Box::new(trial.recipe.clone());
    let exact = trial.recipe.to_short_json().unwrap_or_default();
    let onclick = dispatch.reform(move |_: MouseEvent| Action::UseRecipe(recipe.clone()));
    html! {
        <button type="button" {class} data-testid={testid} data-value={exact} {onclick}
            disabled={state.job.is_some()} aria-label={format!("{name}: {}", trial.what)}>{ name }</button>
    }
}

/// Its return appears on the chart of the road.
fn drive_button(trial: &Trial, state: &Snapshot, dispatch: &Callback<Action>) -> Html {
    let subject = tried(trial);
    let onclick = dispatch.reform(move |_: MouseEvent| Action::DriveSubject(subject.clone()));
    html! {
        <button type="button" class="button quiet" data-testid="drive-trial" {onclick}
            disabled={!state.can_analyze()} aria-label={format!("Drive: {}", trial.what)}>{"Drive"}</button>
    }
}

/// What the frames say that chose nothing.
fn held_out(heldout: &Heldout) -> String {
    let lost = match (heldout.drop, heldout.drop_ci95, heldout.rise, heldout.rise_ci95) {
        (Some(drop), Some([low, high]), ..) => {
            format!(": {} (95 %: {low:.2} to {high:.2})", format::drop(drop))
        }
        (.., Some(rise), Some([low, high])) => {
            format!(": error {rise:+.1} % (95 %: {low:+.1} to {high:+.1})")
        }
        _ => String::new(),
    };
    let verdict = match heldout.holds {
        Some(true) => " the target holds",
        Some(false) => " the target does not hold",
        None => "",
    };
    let mut said = format!(" On {} other frames{verdict}{lost}.", format::grouped(heldout.frames));
    if let (Some(kept), Some(verdict)) = (&heldout.driving, heldout.return_is_kept) {
        let verdict = match verdict {
            Verdict::Holds => "the target holds",
            Verdict::DoesNotHold => "the target does not hold",
            Verdict::NotDecided => "it is not decided whether the target holds",
        };
        said += &format!(" On tracks that chose nothing {verdict}: {}.", format::kept(kept));
    }
    said
}

fn summary(search: &Search) -> String {
    let tried = format!("{} tried", search.trials.len());
    let state = match search.ending {
        None => "Searching",
        Some(Ending::Finished) => "Finished",
        Some(Ending::Stopped) => "Stopped",
    };
    match search.best() {
        Some(best) => {
            let (what, lost) = (&best.what, format::lost(best));
            let size = format::bytes(best.file_bytes as usize);
            let bops = format::count(best.bops);
            let meets = if best.meets { "" } else { ", which does not meet the target" };
            let heldout = search.heldout.as_ref().map_or_else(String::new, held_out);
            format!(
                "{state}, {tried}. Best so far: {what}: {lost}, {size}, {bops} BOPs{meets}.{heldout}"
            )
        }
        None => format!("{state}, {tried}."),
    }
}
