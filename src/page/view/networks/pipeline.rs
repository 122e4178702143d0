//! The stages of a job as a row of lights.

use yew::prelude::*;

use crate::lab::protocol::Stage;
use crate::page::state::Step;

type Light = (Stage, &'static str);

const COMPARING: [Light; 5] = [
    (Stage::ReadData, "Read"),
    (Stage::Calibrate, "Calibrate"),
    (Stage::Quantize, "Quantize"),
    (Stage::Evaluate, "Evaluate"),
    (Stage::Time, "Time"),
];

const ANALYSING: [Light; 3] =
    [(Stage::ReadData, "Read"), (Stage::Calibrate, "Quantize"), (Stage::Analyze, "Analyse")];

const TRAINING: [Light; 5] = [
    (Stage::ReadData, "Read"),
    (Stage::Calibrate, "Quantize"),
    (Stage::Train, "Train"),
    (Stage::Evaluate, "Evaluate"),
    (Stage::Time, "Time"),
];

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct PipelineProps {
    pub(in crate::page::view) stage: Stage,
    pub(in crate::page::view) step: Step,
    pub(in crate::page::view) trains: bool,
}

/// A search has none: every trial goes through all of them.
#[component]
pub(in crate::page::view) fn Pipeline(
    PipelineProps { stage, step, trains }: &PipelineProps,
) -> Html {
    let (lights, shown): (&[Light], _) = match (step, stage) {
        // Held-out frames are answered, too, while it trains.
        (Step::Train { .. }, Stage::Train | Stage::Evaluate) => (&TRAINING, Stage::Train),
        (_, Stage::ReadData | Stage::Evaluate | Stage::Time) if *trains => (&TRAINING, *stage),
        _ if *trains => (&TRAINING, Stage::Calibrate),
        (Step::Search { .. } | Step::Road { .. } | Step::Drive, _) => return Html::default(),
        (Step::Analyze { .. }, Stage::ReadData) => (&ANALYSING, Stage::ReadData),
        (Step::Analyze { .. }, Stage::Analyze | Stage::Evaluate | Stage::Time) => {
            (&ANALYSING, Stage::Analyze)
        }
        (Step::Analyze { .. }, _) => (&ANALYSING, Stage::Calibrate),
        (_, Stage::Equalize) => (&COMPARING, Stage::Calibrate),
        (_, Stage::Round | Stage::CorrectBias) => (&COMPARING, Stage::Quantize),
        (_, stage) => (&COMPARING, *stage),
    };
    let present = lights.iter().position(|(stage, _)| *stage == shown);
    let light = |(i, (_, name)): (usize, &Light)| {
        let class = match present {
            Some(present) if i < present => "done",
            Some(present) if i == present => "present",
            _ => "ahead",
        };
        let current = (class == "present").then_some("step");
        html! { <li {class} aria-current={current}>{ *name }</li> }
    };
    html! { <ol class="pipeline">{ for lights.iter().enumerate().map(light) }</ol> }
}

/// The stage's name for tests.
pub(in crate::page::view) fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::ReadData => "read-data",
        Stage::Equalize => "equalize",
        Stage::Calibrate => "calibrate",
        Stage::Round => "round",
        Stage::CorrectBias => "correct-bias",
        Stage::Quantize => "quantize",
        Stage::Train => "train",
        Stage::Analyze => "analyze",
        Stage::Evaluate => "evaluate",
        Stage::Time => "time",
        Stage::Drive => "drive",
    }
}
