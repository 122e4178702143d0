//! How far a job is, and how to stop it.

use yew::prelude::*;

use super::elapsed::{Elapsed, Left};
use crate::lab::protocol::{Progress, Stage};
use crate::page::format;
use crate::page::state::{Action, Step};
use crate::page::view::networks::pipeline::{self, Pipeline};
use crate::page::view::props::PageProps;

#[component]
pub(in crate::page::view) fn Working(PageProps { state, dispatch }: &PageProps) -> Html {
    let (Some(job), Some(progress)) = (&state.job, state.working()) else {
        return Html::default();
    };
    let Progress { stage, model, done, total } = progress.clone();
    let cancel = dispatch.reform(|_: MouseEvent| Action::CancelRun);
    let title = match job.step {
        Step::Road { at, .. } => {
            let all = state.roads.get(&job.network).map_or(0, |road| road.points.len());
            format!("{}, {} of {all} on the road", state.title(&job.network), at + 1)
        }
        _ => state.title(model.as_ref().unwrap_or(&job.network)),
    };
    let far = (total > 0).then(|| (done.to_string(), total.to_string()));
    let (value, max) = far.unzip();
    let stop = match job.step {
        // What was found so far is kept.
        Step::Search { .. } | Step::Road { .. } => "Stop",
        Step::Train { .. } => "Pause",
        _ => "Cancel",
    };
    html! {
        <>
            <div class="working" data-testid="progress" data-stage={pipeline::name(stage)}
                data-done={done.to_string()} data-total={total.to_string()}>
                <Pipeline {stage} step={job.step} trains={job.trains} />
                <progress {value} {max} aria-label={doing(stage, job.step)} />
                <p class="working-line">
                    // Announced when the stage changes, not at every frame.
                    <span role="status" aria-live="polite">{ format!("{title}: {}", doing(stage, job.step)) }</span>
                    <span class="far">
                        if total > 0 {
                            { format!("{} of {}", format::grouped(done), format::grouped(total)) }
                        }
                    </span>
                    <Left {progress} />
                    <Elapsed since={job.started} />
                </p>
            </div>
            <button type="button" class="button stop" data-testid="cancel" onclick={cancel}>
                { stop }
            </button>
        </>
    }
}

fn doing(stage: Stage, step: Step) -> &'static str {
    match stage {
        Stage::Evaluate if matches!(step, Step::Train { .. }) => "answering the held-out frames",
        Stage::ReadData => "reading the frames",
        Stage::Equalize => "evening out the ranges of its channels",
        Stage::Round => "learning how to round its weights",
        Stage::CorrectBias => "correcting its biases",
        Stage::Calibrate => "watching its values on the calibration frames",
        Stage::Train => "training it to be quantized",
        Stage::Quantize => "writing the quantized network",
        Stage::Analyze => "measuring what each layer does",
        Stage::Evaluate => "answering the validation frames",
        Stage::Time => "timing, in turns",
        Stage::Drive => "driving",
    }
}
