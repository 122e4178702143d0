//! One frame, its true label, and what the networks say about it.

use std::rc::Rc;

use web_sys::HtmlCanvasElement;
use yew::prelude::*;

use super::pixels;
use crate::lab::protocol::Prediction;
use crate::page::format;
use crate::page::view::charts::gauge::Gauge;
use crate::page::view::charts::series;
use crate::vocabulary::frames::Picture;

/// What one network says.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::page::view) struct Answer {
    pub(in crate::page::view) model: String,
    /// `float`, `int8`, …
    pub(in crate::page::view) variant: String,
    /// `None` while it is being asked.
    pub(in crate::page::view) prediction: Option<Prediction>,
    /// The name of the class it chose, or the values.
    pub(in crate::page::view) says: String,
}

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct FrameCellProps {
    pub(in crate::page::view) picture: Rc<Picture>,
    /// The name of the true class, or the true values.
    pub(in crate::page::view) truth: Option<String>,
    pub(in crate::page::view) answers: Vec<Answer>,
    /// Between which the first value lies.
    pub(in crate::page::view) range: [f64; 2],
}

#[component]
pub(in crate::page::view) fn FrameCell(props: &FrameCellProps) -> Html {
    let picture = &props.picture;
    let canvas = use_node_ref();
    use_effect_with((canvas.clone(), picture.clone()), |(canvas, picture)| {
        if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
            // A picture that cannot be drawn leaves a blank frame; its label and answers stand.
            pixels::show(&canvas, picture.width, &picture.rgba).ok();
        }
    });
    let label = props.truth.clone().unwrap_or_else(|| "no label".to_owned());
    let value = |answer: &Answer| {
        let first = answer.prediction.as_ref()?.values.first()?;
        Some((colour(answer), first.value))
    };
    let values: Vec<(usize, f32)> = props.answers.iter().filter_map(value).collect();
    html! {
        <li class="frame" data-testid="frame" data-index={picture.index.to_string()}
            data-label={picture.label.map(|label| label.to_string())}>
            <canvas ref={canvas} width={picture.width.to_string()} height={picture.height.to_string()}
                role="img" aria-label={format!("Frame {}: {label}", picture.index)} />
            <span class="truth">{ label }</span>
            if !values.is_empty() {
                <Gauge truth={picture.values.first().copied()} range={props.range} answers={values} />
            }
            // In an element of their own: a list that grows would have the canvas made anew, blank.
            <div class="answers">
                { for props.answers.iter().map(|answer| self::answer(answer, picture.label)) }
            </div>
        </li>
    }
}

/// Which of the colours is a network's.
fn colour(answer: &Answer) -> usize {
    usize::from(answer.variant != "float")
}

fn answer(answer: &Answer, label: Option<usize>) -> Html {
    let colour = series(colour(answer));
    let Some(prediction) = &answer.prediction else {
        return html! {
            <span class={classes!("answer", colour)}>
                <span class="who">{ &answer.variant }</span><span class="says">{"…"}</span>
            </span>
        };
    };
    if !prediction.values.is_empty() {
        return html! {
            <span class={classes!("answer", colour)} data-testid="answer"
                data-model={answer.model.clone()} data-value={prediction.values[0].value.to_string()}>
                <span class="who">{ &answer.variant }</span>
                // None of several values may be cut off.
                <span class="says whole">{ &answer.says }</span>
            </span>
        };
    }
    let wrong = label.is_some_and(|label| label != prediction.class);
    let probability = prediction.probabilities.get(prediction.class).copied().unwrap_or_default();
    html! {
        <span class={classes!("answer", colour, wrong.then_some("wrong"))} data-testid="answer"
            data-model={answer.model.clone()} data-value={prediction.class.to_string()}
            data-probability={probability.to_string()}>
            <span class="who">{ &answer.variant }</span>
            <span class="says">
                if wrong { <span aria-label="wrong">{"✗ "}</span> }
                { &answer.says }
            </span>
            <span class="sure">{ format::whole_percent(f64::from(probability)) }</span>
            <svg class="probability" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                <rect class="bar-track" width="100" height="4" />
                <rect class="bar-fill" width={format!("{:.1}", probability * 100.0)} height="4" />
            </svg>
        </span>
    }
}
