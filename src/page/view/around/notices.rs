//! Errors: what went wrong, where, and the way out. They block nothing.

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
                    if let Some(file) = &error.file { <p class="notice-file">{ file }</p> }
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
    html! { <div class="notices">{ for state.notices.iter().map(notice) }</div> }
}
