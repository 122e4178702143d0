//! Bring your own frames.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::data_row::DataRow;
use super::outputs_field::OutputsField;
use super::props::{PageProps, changing};
use crate::lab::protocol::Role;
use crate::page::state::{Action, PreprocessingForm};

#[component]
pub(super) fn DataPanel(PageProps { state, dispatch }: &PageProps) -> Html {
    let form = &state.preprocessing;
    let field = |testid: &'static str,
                 placeholder: &'static str,
                 value: &str,
                 set: fn(&mut PreprocessingForm, String)| {
        let set = move |form: &mut PreprocessingForm, event: Event| {
            set(form, event.target_unchecked_into::<HtmlInputElement>().value());
        };
        let onchange = changing(form, set, Action::SetPreprocessing, dispatch);
        html! {
            <label>{ testid }
                <input type="text" data-testid={testid} value={value.to_owned()} {onchange} {placeholder}
                    inputmode="decimal" autocomplete="off" />
            </label>
        }
    };
    html! {
        <section class="data" aria-label="Frames">
            <div class="data-head">
                <h2>{"The frames"}</h2>
                <p class="hint">
                    {"Yours work too: an .npz with x and y (or with an array for each input of a network that has \
                      several), a folder of class folders of images, or a \
                      zip of one. Drop them anywhere, with or without a network of your own."}
                </p>
            </div>
            <div class="data-rows">
                <DataRow role={Role::Validation} state={state.clone()} dispatch={dispatch.clone()} />
                <DataRow role={Role::Calibration} state={state.clone()} dispatch={dispatch.clone()} />
                <DataRow role={Role::Training} state={state.clone()} dispatch={dispatch.clone()} />
            </div>
            <details class="preprocessing">
                <summary>{"How your own frames enter"}</summary>
                <p class="hint">
                    {"Pixels enter as (pixel / divide − mean) / std, one figure per channel for mean \
                      and std. A network that divides by itself wants them as they are: divide by 1. \
                      Float frames of an .npz enter as they are. Stacked, so many frames in a row \
                      enter as one, the newest last."}
                </p>
                <div class="fields">
                    { field("divide", "255", &form.divide, |form, text| form.divide = text) }
                    { field("mean", "0", &form.mean, |form, text| form.mean = text) }
                    { field("std", "1", &form.std, |form, text| form.std = text) }
                    { field("stack", "1", &form.stack, |form, text| form.stack = text) }
                </div>
            </details>
            <OutputsField state={state.clone()} dispatch={dispatch.clone()} />
        </section>
    }
}
