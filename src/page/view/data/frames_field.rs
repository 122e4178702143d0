//! On how many validation frames something is measured.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::page::format;
use crate::page::state::FRAMES_CHOICES;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct FramesFieldProps {
    pub(in crate::page::view) testid: &'static str,
    pub(in crate::page::view) frames: Option<usize>,
    /// How many there are, where that is known: no more than those are offered.
    pub(in crate::page::view) there_are: Option<usize>,
    pub(in crate::page::view) choose: Callback<Option<usize>>,
    pub(in crate::page::view) disabled: bool,
}

#[component]
pub(in crate::page::view) fn FramesField(props: &FramesFieldProps) -> Html {
    let fewer = |&choice: &Option<usize>| match (choice, props.there_are) {
        (Some(choice), Some(frames)) => choice < frames,
        _ => true,
    };
    let choices: Vec<Option<usize>> = FRAMES_CHOICES.into_iter().filter(fewer).collect();
    let chosen = choices.iter().position(|&choice| choice == props.frames);
    let option = |(at, frames): (usize, &Option<usize>)| {
        let word = frames.map_or("all".to_owned(), format::grouped);
        // More than there are is all of them, which stands last.
        html! { <option selected={at == chosen.unwrap_or(choices.len() - 1)}>{ word }</option> }
    };
    let options: Html = choices.iter().enumerate().map(option).collect();
    let onchange = props.choose.reform(move |event: Event| {
        let select: HtmlSelectElement = event.target_unchecked_into();
        choices.get(select.selected_index().max(0) as usize).copied().flatten()
    });
    html! {
        <label class="inline-field">
            {"Frames "}
            <select data-testid={props.testid} {onchange} disabled={props.disabled}>
                { options }
            </select>
        </label>
    }
}
