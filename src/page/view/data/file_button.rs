//! A button that opens the browser's file picker.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::web::files::Selection;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct FileButtonProps {
    pub(in crate::page::view) testid: AttrValue,
    pub(in crate::page::view) text: AttrValue,
    /// What the picker offers, as in `<input accept>`.
    #[prop_or_default]
    pub(in crate::page::view) accept: Option<AttrValue>,
    #[prop_or_default]
    pub(in crate::page::view) folder: bool,
    #[prop_or_default]
    pub(in crate::page::view) multiple: bool,
    pub(in crate::page::view) picked: Callback<Selection>,
}

/// The input itself is what has the focus and what is clicked; the label only looks like a button.
#[component]
pub(in crate::page::view) fn FileButton(props: &FileButtonProps) -> Html {
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
