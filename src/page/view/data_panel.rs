//! Bring your own frames.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::data_row::DataRow;
use super::props::{PageProps, changing};
use crate::lab::protocol::Role;
use crate::page::state::{Action, NormalizationForm};

#[component]
pub(super) fn DataPanel(PageProps { state, dispatch }: &PageProps) -> Html {
    let field = |testid: &'static str, value: &str, set: fn(&mut NormalizationForm, String)| {
        let set = move |form: &mut NormalizationForm, event: Event| {
            set(form, event.target_unchecked_into::<HtmlInputElement>().value());
        };
        let onchange = changing(&state.normalization, set, Action::SetNormalization, dispatch);
        html! {
            <label>{ testid }
                <input type="text" data-testid={testid} value={value.to_owned()} {onchange}
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
            <details class="normalization">
                <summary>{"Normalization of your own frames"}</summary>
                <p class="hint">
                    {"Pixels enter as 0 to 1. If your network expects more, give one figure per \
                      channel: (pixel − mean) / std. Float frames of an .npz enter as they are."}
                </p>
                <div class="fields">
                    { field("mean", &state.normalization.mean, |form, text| form.mean = text) }
                    { field("std", &state.normalization.std, |form, text| form.std = text) }
                </div>
            </details>
        </section>
    }
}
