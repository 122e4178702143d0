//! What the networks see, and what they make of it.

use std::rc::Rc;

use yew::prelude::*;

use super::frame_cell::{Answer, FrameCell};
use crate::lab::protocol::Role;
use crate::page::format;
use crate::page::state::Action;
use crate::page::view::props::{PageProps, Snapshot};
use crate::vocabulary::frames::Picture;

#[component]
pub(in crate::page::view) fn FrameStrip(PageProps { state, dispatch }: &PageProps) -> Html {
    let onclick = dispatch.reform(|_: MouseEvent| Action::OtherFrames);
    let network = state.selected().map_or("…", |network| &network.title);
    let title = match &state.shown_for {
        Some(reason) => reason.clone(),
        None => format!("What {network} sees"),
    };
    html! {
        <div class="strip">
            <div class="strip-head">
                <h2>{ title }</h2>
                <p class="hint">{ source(state) }</p>
                <button type="button" class="button quiet" data-testid="other-frames" {onclick}
                    disabled={state.frames.is_empty()}>{"Other frames"}</button>
            </div>
            // A strip to swipe on a narrow screen, so the keyboard has to reach it.
            <ol class="frames" tabindex="0" aria-label="Some frames">
                if state.frames.is_empty() {
                    { for (0..10).map(|_| html! { <li class="frame blank" aria-hidden="true" /> }) }
                } else {
                    { for state.frames.iter().map(|picture| cell(state, picture)) }
                }
            </ol>
        </div>
    }
}

/// Where the frames come from.
fn source(state: &Snapshot) -> String {
    let data = state.data(Role::Validation);
    match (&data.loaded, &data.loading) {
        (Some(loaded), _) => {
            let frames = format::grouped(loaded.summary.frames);
            let whose = if loaded.bundled { "Gymnasium's CarRacing" } else { &loaded.name };
            {
                let label = if loaded.bundled { "; the label is the expert's choice" } else { "" };
                let of = if state.shown_for.is_some() { "of" } else { "some of" };
                format!("{of} {frames} validation frames, {whose}{label}")
            }
        }
        (None, Some(_)) => "loading the validation frames…".to_owned(),
        (None, None) => "no validation frames are loaded".to_owned(),
    }
}

fn cell(state: &Snapshot, picture: &Rc<Picture>) -> Html {
    let answer = |model: String| {
        let prediction = state.predictions.get(&model).and_then(|predictions| {
            predictions.iter().find(|prediction| prediction.index == picture.index).cloned()
        });
        let says = prediction.as_ref().map(|prediction| match &prediction.values[..] {
            [] => state.class_label(prediction.class),
            values => format::values(values.iter().map(|said| said.value)),
        });
        let variant = state.inspection(&model).map(|inspection| inspection.variant.clone());
        Answer {
            variant: variant.unwrap_or_default(),
            model,
            prediction,
            says: says.unwrap_or_default(),
        }
    };
    let values =
        (!picture.values.is_empty()).then(|| format::values(picture.values.iter().copied()));
    let class = picture.label.map(|label| state.class_label(label));
    let answers: Vec<Answer> = state.speakers().into_iter().map(answer).collect();
    // Of frames that have both, what the networks say.
    let says_values =
        |answer: &Answer| answer.prediction.as_ref().is_some_and(|p| !p.values.is_empty());
    let truth = if answers.iter().any(says_values) { values.or(class) } else { class.or(values) };
    html! {
        <FrameCell key={picture.index} picture={picture.clone()} {truth} range={state.value_range()} {answers} />
    }
}
