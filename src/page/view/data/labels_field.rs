//! Where the labels of a person's own frames lie.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::page::state::{Action, LabellingForm};
use crate::page::view::props::{PageProps, changing};

#[component]
pub(in crate::page::view) fn LabelsField(PageProps { state, dispatch }: &PageProps) -> Html {
    let form = &state.labelling;
    let field = |[testid, placeholder]: [&'static str; 2],
                 value: &str,
                 set: fn(&mut LabellingForm, String)| {
        let set = move |form: &mut LabellingForm, event: Event| {
            set(form, event.target_unchecked_into::<HtmlInputElement>().value());
        };
        let onchange = changing(form, set, Action::SetLabelling, dispatch);
        html! {
            <label>{ testid }
                <input type="text" data-testid={testid} value={value.to_owned()} {onchange} {placeholder}
                    autocomplete="off" spellcheck="false" />
            </label>
        }
    };
    let all_cameras = {
        let set = |form: &mut LabellingForm, event: Event| {
            form.all_cameras = event.target_unchecked_into::<HtmlInputElement>().checked();
        };
        changing(form, set, Action::SetLabelling, dispatch)
    };
    html! {
        <details class="preprocessing">
            <summary data-testid="labelling">{"Where their labels lie"}</summary>
            <p class="hint">
                {"Tables, tubs and the usual names are understood by themselves. Otherwise: the column of \
                  a table that names the images, and those of the labels, in the order of the outputs; or a \
                  pattern for labels in the names of files, with a named group for each. Labels are \
                  multiplied by scale, then offset is added, all or column=figure: pixels to -1..1, \
                  degrees to radians."}
            </p>
            <div class="fields">
                { field(["images", "image_path"], &form.images, |form, text| form.images = text) }
                { field(["labels", "steering, throttle"], &form.labels, |form, text| form.labels = text) }
                { field(["label-pattern", r"_(?<angle>\d+)\.png$"], &form.pattern,
                    |form, text| form.pattern = text) }
                { field(["input", "speed=speed"], &form.inputs, |form, text| form.inputs = text) }
                { field(["label-scale", "1"], &form.scale, |form, text| form.scale = text) }
                { field(["label-offset", "0"], &form.offset, |form, text| form.offset = text) }
                <label class="switch">
                    <input type="checkbox" data-testid="all-cameras" checked={form.all_cameras}
                        onchange={all_cameras} />
                    {"left and right cameras, too"}
                </label>
                if form.all_cameras {
                    { field(["camera-correction", "0.2"], &form.correction,
                        |form, text| form.correction = text) }
                }
            </div>
        </details>
    }
}
