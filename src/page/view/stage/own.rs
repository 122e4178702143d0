//! The frames that a person drove: how many of what, and what can be done with them.

use yew::prelude::*;

use crate::page::format;
use crate::page::state::{Action, Packing};
use crate::page::view::props::PageProps;
use crate::vocabulary::stage::{ACTIONS, Kind};

const SAVED: [(&str, &str, Kind); 3] = [
    ("own-save", "Save, labels as classes", Kind::Classes),
    ("own-save-folders", "Save class folders", Kind::Folders),
    ("own-save-values", "Save, labels as values", Kind::Values),
];

#[component]
pub(super) fn OwnFramesPanel(PageProps { state, dispatch }: &PageProps) -> Html {
    let own = &state.own;
    if own.frames.is_empty() {
        return Html::default();
    }
    let all = own.frames.len();
    let counts = own.counts().into_iter().zip(ACTIONS).map(|(count, name)| {
        let share = count as f64 / all as f64;
        html! {
            <li>
                <span>{ name }</span>
                <svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                    <rect class="bar-track" width="100" height="8" />
                    <rect class="bar-fill" width={format!("{:.1}", 100.0 * share)} height="8" />
                </svg>
                <span>{ format!("{count} ({})", format::whole_percent(share)) }</span>
            </li>
        }
    });
    let button = |testid: &'static str, words: &'static str, action: Action| {
        let onclick = dispatch.reform(move |_: MouseEvent| action.clone());
        html! {
            <button type="button" class="button quiet" data-testid={testid} {onclick}>{ words }</button>
        }
    };
    html! {
        <div class="panel own-frames" data-testid="own-frames" data-value={all.to_string()}>
            <h2>{ format!("Your frames: {}", format::grouped(all)) }</h2>
            <ul class="class-balance">{ for counts }</ul>
            if let Some(lacks) = own.lacks() {
                <p class="hint" role="status">{ lacks }</p>
            }
            <div class="drive-row">
                { button("own-train", "Train on them", Action::Pack(Packing::Train)) }
                { for SAVED.map(|(testid, words, kind)| {
                    button(testid, words, Action::Pack(Packing::Save(kind)))
                }) }
                { button("own-forget", "Forget them", Action::ForgetOwnFrames) }
            </div>
        </div>
    }
}
