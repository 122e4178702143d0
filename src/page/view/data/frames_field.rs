//! On how many validation frames something is measured.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::page::format;
use crate::page::state::FRAMES_CHOICES;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct FramesFieldProps {
    pub(in crate::page::view) testid: &'static str,
    pub(in crate::page::view) frames: Option<usize>,
    pub(in crate::page::view) choose: Callback<Option<usize>>,
    pub(in crate::page::view) disabled: bool,
}

#[component]
pub(in crate::page::view) fn FramesField(props: &FramesFieldProps) -> Html {
    let onchange = props.choose.reform(|event: Event| {
        let select: HtmlSelectElement = event.target_unchecked_into();
        FRAMES_CHOICES.get(select.selected_index().max(0) as usize).copied().flatten()
    });
    let option = |frames: &Option<usize>| {
        let word = frames.map_or("all".to_owned(), format::grouped);
        html! { <option selected={*frames == props.frames}>{ word }</option> }
    };
    html! {
        <label class="inline-field">
            {"Frames "}
            <select data-testid={props.testid} {onchange} disabled={props.disabled}>
                { for FRAMES_CHOICES.iter().map(option) }
            </select>
        </label>
    }
}
