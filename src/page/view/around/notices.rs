//! Errors: what went wrong, where, and the way out. They stand among what holds in all places, where they move
//! what is below and hide none of it.

use yew::prelude::*;

use crate::page::state::{Action, Notice};
use crate::page::view::props::PageProps;

#[component]
pub(in crate::page::view) fn Notices(PageProps { state, dispatch }: &PageProps) -> Html {
    let notice = |notice: &Notice| {
        let id = notice.id;
        let dismiss = dispatch.reform(move |_: MouseEvent| Action::Dismiss(id));
        let error = &notice.error;
        html! {
            <div key={id} class="notice" data-testid="notice" role="alert">
                <div>
                    if let Some(file) = &error.file {
                        <p class="notice-file">{ std::iter::once(file).chain(&notice.also).cloned().collect::<Vec<_>>().join(", ") }</p>
                    }
                    <p class="notice-what">
                        if let Some(node) = &error.node { <code>{ node }</code>{": "} }
                        { format!("{}.", error.what) }
                    </p>
                    if let Some(way_out) = &error.way_out { <p class="notice-way">{ way_out }</p> }
                </div>
                <button type="button" class="icon-button" data-testid="dismiss" onclick={dismiss}
                    aria-label="Dismiss">{"×"}</button>
            </div>
        }
    };
    if state.notices.is_empty() {
        return Html::default();
    }
    html! { <div class="notices">{ for state.notices.iter().map(notice) }</div> }
}
