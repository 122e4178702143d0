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
    let present = STAGES.iter().position(|(stage, _)| *stage == props.stage);
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
        Stage::Calibrate => "calibrate",
        Stage::Quantize => "quantize",
        Stage::Evaluate => "evaluate",
        Stage::Time => "time",
    }
}
