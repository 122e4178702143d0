//! The stages of the main job as a row of lights.

use yew::prelude::*;

use crate::lab::protocol::Stage;

const STAGES: [(Stage, &str); 5] = [
    (Stage::ReadData, "Read"),
    (Stage::Calibrate, "Calibrate"),
    (Stage::Quantize, "Quantize"),
    (Stage::Evaluate, "Evaluate"),
    (Stage::Time, "Time"),
];

#[derive(PartialEq, Properties)]
pub(super) struct PipelineProps {
    pub(super) stage: Stage,
}

#[component]
pub(super) fn Pipeline(props: &PipelineProps) -> Html {
    let shown = match props.stage {
        Stage::Equalize => Stage::Calibrate,
        Stage::Round | Stage::CorrectBias => Stage::Quantize,
        stage => stage,
    };
    let present = STAGES.iter().position(|(stage, _)| *stage == shown);
    let light = |(i, (_, name)): (usize, &(Stage, &'static str))| {
        let class = match present {
            Some(present) if i < present => "done",
            Some(present) if i == present => "present",
            _ => "ahead",
        };
        let current = (class == "present").then_some("step");
        html! { <li {class} aria-current={current}>{ *name }</li> }
    };
    html! { <ol class="pipeline">{ for STAGES.iter().enumerate().map(light) }</ol> }
}

/// The stage's name for tests.
pub(super) fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::ReadData => "read-data",
        Stage::Equalize => "equalize",
        Stage::Calibrate => "calibrate",
        Stage::Round => "round",
        Stage::CorrectBias => "correct-bias",
        Stage::Quantize => "quantize",
        Stage::Analyze => "analyze",
        Stage::Evaluate => "evaluate",
        Stage::Time => "time",
    }
}
