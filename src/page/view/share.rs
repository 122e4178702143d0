//! The recipe as a link and as a command line.

use yew::prelude::*;

use super::props::PageProps;
use crate::page::state::{Action, Copy};

#[component]
pub(super) fn Share(PageProps { state, dispatch }: &PageProps) -> Html {
    let button = |what: Copy, testid: &'static str, name: &'static str, exact: String| {
        let onclick = dispatch.reform(move |_: MouseEvent| Action::Copy(what));
        let copied = state.copied == Some(what);
        html! {
            <button type="button" class="button quiet" data-testid={testid} data-value={exact}
                {onclick}>{ if copied { "Copied" } else { name } }</button>
        }
    };
    let command = state.command();
    html! {
        <div class="share">
            { button(Copy::Link, "copy-link", "Copy link", state.link().fragment()) }
            { button(Copy::Command, "copy-command", "Copy command line", command.clone()) }
            <code class="command">{ command }</code>
            <span class="unseen" role="status">
                if state.copied.is_some() { {"Copied"} }
            </span>
        </div>
    }
}
