//! A button that opens the browser's file picker.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::web::files::Selection;

#[derive(PartialEq, Properties)]
pub(super) struct FileButtonProps {
    pub(super) testid: AttrValue,
    pub(super) text: AttrValue,
    /// What the picker offers, as in `<input accept>`.
    #[prop_or_default]
    pub(super) accept: Option<AttrValue>,
    #[prop_or_default]
    pub(super) folder: bool,
    #[prop_or_default]
    pub(super) multiple: bool,
    pub(super) picked: Callback<Selection>,
}

/// The input itself is what has the focus and what is clicked; the label only looks like a button.
#[component]
pub(super) fn FileButton(props: &FileButtonProps) -> Html {
    let onchange = props.picked.reform(|event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let selection = input.files().map(|list| Selection::from_picker(&list));
        // Else the same file could not be picked again.
        input.set_value("");
        selection.unwrap_or_default()
    });
    html! {
        <label class="button file-button">
            <input type="file" class="file-input" data-testid={props.testid.clone()}
                accept={props.accept.clone()} multiple={props.multiple}
                webkitdirectory={props.folder} {onchange} />
            <span>{ props.text.clone() }</span>
        </label>
    }
}
