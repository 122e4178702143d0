//! What has become of the variants that a link has handed on.

use yew::prelude::*;

use crate::lab::protocol::Role;
use crate::page::link::{Named, SharedVariant};
use crate::page::state::{Action, Asked, Fate, Sharing};
use crate::page::view::data::file_button::FileButton;
use crate::page::view::data::opener::Opener;
use crate::page::view::props::{PageProps, Snapshot};
use crate::report::words;
use crate::web::files::{Selection, accepted_frames};

#[component]
pub(in crate::page::view) fn SharedPanel(PageProps { state, dispatch }: &PageProps) -> Html {
    let opener = use_context::<Opener>().expect("the app provides an opener");
    let Some(sharing) = &state.sharing else { return Html::default() };
    let rows = sharing.shared.variants.iter().enumerate();
    let rows = rows.map(|(at, variant)| row(at, variant, sharing, state, dispatch));
    let asked = state.asked();
    let again = dispatch.reform(|_: MouseEvent| Action::GoOnSharing);
    let close = dispatch.reform(|_: MouseEvent| Action::CloseSharing);
    let (same, all) = (sharing.same(), sharing.fates.len());
    html! {
        <section class="panel shared" data-testid="shared" aria-label="From the link"
            data-value={same.to_string()} data-status={status(sharing)}>
            <div class="shared-head">
                <p role="status"><b>{"From the link: "}</b>{ sentence(sharing) }</p>
                if sharing.fates.contains(&Fate::NotMade) && state.job.is_none() {
                    <button type="button" class="button quiet" data-testid="shared-again" onclick={again}>
                        {"Make the rest"}
                    </button>
                }
                <button type="button" class="button quiet" data-testid="close-shared" onclick={close}
                    aria-label="Close what is said of the link">{"Close"}</button>
            </div>
            { for asked.into_iter().map(|asked| ask(asked, sharing, dispatch, &opener)) }
            <details open={same < all}>
                <summary>{ if all == 1 { "Its file" } else { "Its files, one by one" } }</summary>
                <ul class="shared-files">{ for rows }</ul>
            </details>
        </section>
    }
}

fn status(sharing: &Sharing) -> &'static str {
    match () {
        () if sharing.is_under_way() => "under-way",
        () if sharing.same() == sharing.fates.len() => "same",
        () => "differs",
    }
}

fn sentence(sharing: &Sharing) -> String {
    let (same, all) = (sharing.same(), sharing.fates.len());
    let others = sharing.fates.iter().filter(|fate| matches!(fate, Fate::Other(_))).count();
    let of = &sharing.shared.network.name;
    match () {
        () if same == 1 && all == 1 => {
            format!("the variant of {of} is here, the same bytes as in the link.")
        }
        () if same == all => {
            format!("all {all} variants of {of} are here, the same bytes as in the link.")
        }
        () if others > 0 => format!(
            "{same} of {all} variants of {of} have the bytes of the link, {others} have others: another \
             version of Steer8 made them."
        ),
        () => format!("{same} of {all} variants of {of} are here, the same bytes as in the link."),
    }
}

fn row(
    at: usize,
    variant: &SharedVariant,
    sharing: &Sharing,
    state: &Snapshot,
    dispatch: &Callback<Action>,
) -> Html {
    let what = match (&variant.recipe, &variant.plan) {
        (Some(recipe), Some(_)) => format!("trained, {}", words::recipe(recipe)),
        (Some(recipe), None) => words::recipe(recipe),
        (None, _) => "a file of others".to_owned(),
    };
    let name = match &variant.name {
        Some(name) => format!("{name} ({what})"),
        None => what,
    };
    let fate = &sharing.fates[at];
    let is_at = sharing.is_at(at) && state.job.is_some();
    let (code, says) = match fate {
        Fate::Same => ("same", "same bytes as in the link".to_owned()),
        Fate::Other(_) => ("other", "other bytes than in the link".to_owned()),
        Fate::NotMade => ("not-made", "not made".to_owned()),
        Fate::Waiting if sharing.is_wished(at) => {
            ("waiting", "to be trained, once its frames are here".to_owned())
        }
        Fate::Waiting if is_at => ("making", "being made…".to_owned()),
        Fate::Waiting => ("waiting", "to be made".to_owned()),
    };
    let waits = matches!(fate, Fate::Waiting | Fate::NotMade) && !sharing.is_wished(at);
    let trains = variant.plan.is_some() && waits && !is_at;
    let train = dispatch.reform(move |_: MouseEvent| Action::TrainShared(at));
    let hash = format!("SHA-256 {}", variant.sha256);
    html! {
        <li data-testid="shared-file" data-status={code} data-value={variant.sha256.clone()} title={hash}>
            <span>{ name }</span>
            <span class={classes!("fate", code)}>
                { says }
                if let Fate::Other(sha256) = fate {
                    <span class="hash">{ format!(" {} in place of {}", short(sha256), short(&variant.sha256)) }</span>
                }
            </span>
            if trains {
                <button type="button" class="button quiet" data-testid="train-shared" onclick={train}
                    disabled={state.job.is_some()}>{"Train it again"}</button>
            }
        </li>
    }
}

fn short(sha256: &str) -> &str {
    sha256.get(..8).unwrap_or(sha256)
}

/// Asks for what the page does not have.
fn ask(asked: Asked, sharing: &Sharing, dispatch: &Callback<Action>, opener: &Opener) -> Html {
    let models = {
        let opener = opener.clone();
        Callback::from(move |selection: Selection| opener.models(selection))
    };
    let frames = {
        let opener = opener.clone();
        Callback::from(move |selection: Selection| opener.data(Role::Calibration, selection))
    };
    // Who brings the frames wants what was trained on them.
    let training = {
        let (opener, dispatch, wanted) =
            (opener.clone(), dispatch.clone(), sharing.trained_on_own());
        Callback::from(move |selection: Selection| {
            wanted.iter().for_each(|&at| dispatch.emit(Action::TrainShared(at)));
            opener.data(Role::Training, selection);
        })
    };
    let said = |what: &str, Named { name, sha256 }: &Named| {
        html! {
            <span>
                { format!("{what} “{name}” ") }
                <span class="hash" title={sha256.clone()}>{ format!("(SHA-256 {}…)", short(sha256)) }</span>
            </span>
        }
    };
    let (said, button) = match &asked {
        Asked::Network(named) => (
            said("They are variants of a network of somebody’s own. Open the file of", named),
            html! { <FileButton testid="shared-network" text="Open it" accept=".onnx" multiple=true picked={models} /> },
        ),
        Asked::File(named) => (
            said("One is a file of others. Open", named),
            html! { <FileButton testid="shared-model" text="Open it" accept=".onnx" picked={models} /> },
        ),
        Asked::Calibration(named) => (
            said("They were calibrated on somebody’s own frames. Open", named),
            html! {
                <>
                    <FileButton testid="shared-frames" text="Open files" multiple=true
                        accept={accepted_frames()} picked={frames.clone()} />
                    <FileButton testid="shared-frames-folder" text="Open a folder" folder=true picked={frames} />
                </>
            },
        ),
        Asked::Training(named) => (
            said("Some were trained on somebody’s own frames. To train them again, open", named),
            html! {
                <>
                    <FileButton testid="shared-training" text="Open files" multiple=true
                        accept={accepted_frames()} picked={training.clone()} />
                    <FileButton testid="shared-training-folder" text="Open a folder" folder=true
                        picked={training} />
                </>
            },
        ),
    };
    html! { <p class="shared-asks" data-testid="shared-asks">{ said }{ button }</p> }
}
