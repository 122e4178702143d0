//! Bring your own frames.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::data_row::DataRow;
use super::entering_figure::EnteringFigure;
use super::labels_field::LabelsField;
use super::outputs_field::OutputsField;
use crate::lab::protocol::Role;
use crate::page::state::{Action, PreprocessingForm};
use crate::page::view::props::{PageProps, changing};
use crate::vocabulary::preprocessing::Color;

#[component]
pub(in crate::page::view) fn DataPanel(PageProps { state, dispatch }: &PageProps) -> Html {
    let form = &state.preprocessing;
    let typed = |testid: &'static str,
                 [placeholder, inputmode]: [&'static str; 2],
                 value: &str,
                 set: fn(&mut PreprocessingForm, String)| {
        let set = move |form: &mut PreprocessingForm, event: Event| {
            set(form, event.target_unchecked_into::<HtmlInputElement>().value());
        };
        let onchange = changing(form, set, Action::SetPreprocessing, dispatch);
        html! {
            <label>{ testid }
                <input type="text" data-testid={testid} value={value.to_owned()} {onchange} {placeholder}
                    {inputmode} autocomplete="off" />
            </label>
        }
    };
    let field =
        |testid, placeholder, value: &str, set| typed(testid, [placeholder, "decimal"], value, set);
    let to_network = {
        let set = |form: &mut PreprocessingForm, event: Event| {
            form.to_network = event.target_unchecked_into::<HtmlInputElement>().checked();
        };
        changing(form, set, Action::SetPreprocessing, dispatch)
    };
    let recolor = {
        let set = |form: &mut PreprocessingForm, event: Event| {
            let select: HtmlSelectElement = event.target_unchecked_into();
            let at = select.selected_index().max(0) as usize;
            form.color = Color::ALL.get(at).copied().unwrap_or_default();
        };
        changing(form, set, Action::SetPreprocessing, dispatch)
    };
    let colors = Color::ALL.iter().map(|color| {
        html! { <option selected={*color == form.color}>{ color.name() }</option> }
    });
    html! {
        <section class="data" aria-label="Frames">
            <div class="data-head">
                <h2>{"The frames"}</h2>
                <p class="hint">
                    {"Yours work too, as they lie on the disk: a folder or a zip of images in class folders or with \
                      a table of labels (Udacity's driving_log.csv, a Donkeycar tub, any CSV), with labels in \
                      their names (JetRacer, JetBot), or an .npz (an array for each input of a network that \
                      has several). Drop them anywhere, with or without a network of your own."}
                </p>
            </div>
            <div class="data-rows">
                <DataRow role={Role::Validation} state={state.clone()} dispatch={dispatch.clone()} />
                <DataRow role={Role::Calibration} state={state.clone()} dispatch={dispatch.clone()} />
                <DataRow role={Role::Training} state={state.clone()} dispatch={dispatch.clone()} />
            </div>
            <LabelsField state={state.clone()} dispatch={dispatch.clone()} />
            <details class="preprocessing">
                <summary data-testid="preprocessing">{"How your own frames enter"}</summary>
                <p class="hint">
                    {"Images are cropped (pixels above, right, below, left), resized and given their \
                      colours; then pixels enter as ((pixel − subtract) / divide − mean) / std, one \
                      figure per channel. A network that divides by itself wants them as they are: \
                      divide by 1. The arrays of an .npz are neither cropped nor resized, and those of \
                      floats enter as they are. Stacked, so many frames in a row enter as one, the \
                      newest last."}
                </p>
                <div class="fields">
                    { field("crop", "0, 0, 0, 0", &form.crop, |form, text| form.crop = text) }
                    if !form.to_network {
                        { typed("resize", ["200x66", "text"], &form.resize, |form, text| form.resize = text) }
                    }
                    <label class="switch">
                        <input type="checkbox" data-testid="to-network" checked={form.to_network}
                            onchange={to_network} />
                        {"resize to the network's size"}
                    </label>
                    <label>{"color"}
                        <select data-testid="color" onchange={recolor}>{ for colors }</select>
                    </label>
                    { field("subtract", "0", &form.subtract, |form, text| form.subtract = text) }
                    { field("divide", "255", &form.divide, |form, text| form.divide = text) }
                    { field("mean", "0", &form.mean, |form, text| form.mean = text) }
                    { field("std", "1", &form.std, |form, text| form.std = text) }
                    { field("stack", "1", &form.stack, |form, text| form.stack = text) }
                </div>
            </details>
            <EnteringFigure state={state.clone()} dispatch={dispatch.clone()} />
            <OutputsField state={state.clone()} dispatch={dispatch.clone()} />
        </section>
    }
}
