//! A network made here: what it is, and take it away.

use std::rc::Rc;

use yew::prelude::*;

use crate::page::format;
use crate::page::state::{Action, Made};
use crate::page::view::charts::series;
use crate::report::words;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct MadeProps {
    /// Whether it was trained for its quantization.
    #[prop_or_default]
    pub(in crate::page::view) trained: bool,
    pub(in crate::page::view) made: Rc<Made>,
    pub(in crate::page::view) dispatch: Callback<Action>,
}

#[component]
pub(in crate::page::view) fn Download(MadeProps { trained, made, dispatch }: &MadeProps) -> Html {
    let testid = if *trained { "download-qat" } else { "download" };
    let id = made.id.clone();
    let onclick = dispatch.reform(move |_: MouseEvent| Action::Download(id.clone()));
    let size = made.file.bytes.len();
    html! {
        <button type="button" class="button take" data-testid={testid} {onclick}
            data-value={made.summary.sha256.clone()} data-bytes={size.to_string()}>
            { format!("Download {} ", made.inspection.variant) }<span class="take-size">{ format::bytes(size) }</span>
        </button>
    }
}

#[component]
pub(in crate::page::view) fn MadePanel(MadeProps { trained, made, dispatch }: &MadeProps) -> Html {
    let summary = &made.summary;
    html! {
        <div class={classes!("panel", "made", series(1 + usize::from(*trained)))}>
            <h3>{ format!("The {} file", made.inspection.variant) }</h3>
            <dl class="facts">
                <dt>{"File"}</dt><dd>{ &made.file.name }</dd>
                <dt>{"Recipe"}</dt><dd>{ words::recipe(&summary.recipe) }</dd>
                <dt>{"Tensors quantized"}</dt><dd>{ summary.tensors.len() }</dd>
                <dt>{"Calibrated on"}</dt><dd>{ &made.calibration }</dd>
                <dt>{"SHA-256"}</dt><dd class="hash">{ &summary.sha256 }</dd>
            </dl>
            <Download trained={*trained} made={made.clone()} dispatch={dispatch.clone()} />
        </div>
    }
}
