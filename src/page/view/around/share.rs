//! The recipe as a link and as a command line, and one that is opened.

use yew::prelude::*;

use crate::page::state::{Action, Copy};
use crate::page::view::data::file_button::FileButton;
use crate::page::view::data::opener::Opener;
use crate::page::view::props::PageProps;

#[component]
pub(in crate::page::view) fn Share(PageProps { state, dispatch }: &PageProps) -> Html {
    let button = |what: Copy, testid: &'static str, name: &'static str, exact: String| {
        let onclick = dispatch.reform(move |_: MouseEvent| Action::Copy(what));
        let copied = state.copied == Some(what);
        html! {
            <button type="button" class="button quiet" data-testid={testid} data-value={exact}
                {onclick}>{ if copied { "Copied" } else { name } }</button>
        }
    };
    let command = state.command();
    let opener = use_context::<Opener>().expect("the app provides an opener");
    let picked = Callback::from(move |selection| opener.recipe(selection));
    html! {
        <div class="share">
            { button(Copy::Link, "copy-link", "Copy link", state.link().fragment()) }
            { button(Copy::Command, "copy-command", "Copy command line", command.clone()) }
            <FileButton testid="open-recipe" text="Open a recipe or overrides" accept=".json" {picked} />
            <code class="command">{ command }</code>
            <span class="unseen" role="status">
                if state.copied.is_some() { {"Copied"} }
            </span>
        </div>
    }
}
