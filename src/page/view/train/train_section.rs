//! Quantization-aware training: what to train for, how it goes, and how to go on.

use std::rc::Rc;

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::lab::protocol::{Role, TensorShape};
use crate::page::format;
use crate::page::state::{Action, EPOCHS_CHOICES, End, TrainForm, Training};
use crate::page::view::charts::learning_curves::LearningCurves;
use crate::page::view::props::{PageProps, Snapshot, changing};
use crate::report::words;
use crate::vocabulary::plan::{Loss, Optimizer, Plan, Scales};
use crate::vocabulary::training::{Epoch, Score};

const OPTIMIZERS: [(Optimizer, &str); 2] = [(Optimizer::Adam, "Adam"), (Optimizer::Sgd, "SGD")];
/// The first is the usual one.
const LOSSES: [(Option<Loss>, &str); 5] = [
    (None, "as its labels ask"),
    (Some(Loss::Mse), "squared error"),
    (Some(Loss::Huber), "Huber"),
    (Some(Loss::L1), "absolute error"),
    (Some(Loss::CrossEntropy), "cross-entropy"),
];
/// Networks with more outputs learn by the usual losses.
const MOST_LOSSES: usize = 8;
const SCALES: [(Scales, &str); 2] =
    [(Scales::Learned, "learned (LSQ)"), (Scales::MovingAverage, "by moving average")];

#[component]
pub(in crate::page::view) fn TrainSection(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(network) = state.selected().filter(|network| network.is_float()) else {
        return Html::default();
    };
    let training = state.trainings.get(&network.id);
    let under_way =
        state.is_training() && state.job.as_ref().is_some_and(|job| job.network == network.id);
    let finish = dispatch.reform(|_: MouseEvent| Action::FinishTraining);
    html! {
        <section class="train" aria-label="Train it to be quantized">
            <div class="section-head">
                <div>
                    <h2>{"Train it to be quantized"}</h2>
                    <p class="hint">
                        { format!("Quantization-aware training for the chosen recipe ({}): the network \
                            learns on labelled frames while it computes as its integers will. At 8 bits \
                            there is nothing to win back; at 4 and below there is.",
                            words::recipe(&state.recipe)) }
                    </p>
                </div>
            </div>
            if under_way {
                if training.is_some_and(|training| training.done() > 0 && training.end.is_none()) {
                    <div class="panel job">
                        <button type="button" class="button" data-testid="finish-training"
                            onclick={finish}>{"Stop, keep the best"}</button>
                    </div>
                }
            } else {
                { form(training, state, dispatch) }
            }
            { for training.map(|training| account(training, under_way, state, dispatch)) }
        </section>
    }
}

fn form(training: Option<&Rc<Training>>, state: &Snapshot, dispatch: &Callback<Action>) -> Html {
    let form = &state.train_form;
    let change =
        |set: fn(&mut TrainForm, Event)| changing(form, set, Action::SetTraining, dispatch);
    let epochs = change(|form, event| {
        form.epochs = EPOCHS_CHOICES.get(chosen(event)).copied().flatten();
    });
    let archives = change(|form, event| form.archives = chosen(event) + 1);
    let start = dispatch.reform(|_: MouseEvent| Action::Train);
    let epochs_option = |epochs: &Option<usize>| {
        let word = epochs.map_or("until convergence".to_owned(), |epochs| epochs.to_string());
        html! { <option selected={*epochs == form.epochs}>{ word }</option> }
    };
    let bundled = state.catalogue.as_ref().map_or(&[][..], |c| c.frames(Role::Training));
    let own = state.training.loaded.as_ref().filter(|loaded| !loaded.bundled);
    let fault = state.train_fault();
    // A new one would take the place of what is paused.
    let goes_on = training.is_some_and(|training| training.can_go_on());
    html! {
        <div class="train-form">
            <label class="inline-field">
                {"Epochs "}
                <select data-testid="train-epochs" onchange={epochs}>
                    { for EPOCHS_CHOICES.iter().map(epochs_option) }
                </select>
            </label>
            if let Some(own) = own {
                <span>{ format!("{} frames of {}", format::grouped(own.summary.frames), own.name) }</span>
            } else if !bundled.is_empty() {
                <label class="inline-field">
                    {"Frames "}
                    <select data-testid="train-frames" onchange={archives}>
                        { for (1..=bundled.len()).map(|count| {
                            let frames = bundled[..count].iter().map(|archive| archive.count).sum();
                            html! {
                                <option selected={count == form.archives}>{ format::grouped(frames) }</option>
                            }
                        }) }
                    </select>
                </label>
            }
            <button type="button" class="button" data-testid="train" onclick={start}
                disabled={!state.can_train() || goes_on}>{"Train"}</button>
            <details class="train-more">
                <summary>{"More"}</summary>
                <div class="fields">
                    { select("train-optimizer", "Optimizer", &OPTIMIZERS, form.optimizer,
                        change(|form, event| form.optimizer = OPTIMIZERS[chosen(event)].0)) }
                    { select("train-scales", "Scales", &SCALES, form.scales,
                        change(|form, event| form.scales = SCALES[chosen(event)].0)) }
                    <label>{"Learning rate"}
                        <input type="text" inputmode="decimal" autocomplete="off"
                            data-testid="train-rate" value={form.learning_rate.clone()}
                            placeholder="as usual"
                            aria-invalid={fault.is_some().then_some("true")}
                            onchange={change(|form, event| {
                                form.learning_rate = event.target_unchecked_into::<HtmlInputElement>().value();
                            })} />
                    </label>
                    { for state.selected().and_then(|network| network.inspection()).into_iter()
                        .flat_map(|inspection| losses(&inspection.outputs, form, dispatch)) }
                    { switch("train-mirror", "Mirrored frames", form.mirror,
                        change(|form, event| form.mirror = checked(event))) }
                    { switch("train-distillation", "Learn from the float network, too", form.distillation,
                        change(|form, event| form.distillation = checked(event))) }
                </div>
                <p class="hint">
                    { format!("Until convergence: whenever {} epochs bring no progress the learning rate \
                        falls to a third; at the third time it ends, after {} epochs at most. The bundled \
                        classes change sides with a mirrored frame, steering its sign; the dashboard stays, \
                        its needles turn. Classes learn by cross-entropy, values by their squared error, \
                        unless another loss is chosen.",
                        Plan::PATIENCE, Plan::MAX_EPOCHS) }
                </p>
            </details>
            if let Some(fault) = fault {
                <p class="fault" role="alert">{ fault.to_string() }</p>
            }
        </div>
    }
}

/// The place of the entry that was chosen.
fn chosen(event: Event) -> usize {
    event.target_unchecked_into::<HtmlSelectElement>().selected_index().max(0) as usize
}

fn checked(event: Event) -> bool {
    event.target_unchecked_into::<HtmlInputElement>().checked()
}

/// What each output is trained by.
fn losses(outputs: &[TensorShape], form: &TrainForm, dispatch: &Callback<Action>) -> Vec<Html> {
    let choose = |output: &TensorShape| {
        let name = output.name.clone();
        let set = move |form: &mut TrainForm, event: Event| {
            match LOSSES[chosen(event)].0 {
                Some(loss) => form.losses.insert(name.clone(), loss),
                None => form.losses.remove(&name),
            };
        };
        let present = form.losses.get(&output.name).copied();
        select(
            &format!("train-loss-{}", output.name),
            &format!("Loss of {}", output.name),
            &LOSSES,
            present,
            changing(form, set, Action::SetTraining, dispatch),
        )
    };
    outputs.iter().filter(|_| outputs.len() <= MOST_LOSSES).map(choose).collect()
}

fn select<T: PartialEq + Copy>(
    testid: &str,
    name: &str,
    choices: &[(T, &'static str)],
    present: T,
    onchange: Callback<Event>,
) -> Html {
    let option = |(choice, word): &(T, &'static str)| {
        html! { <option selected={*choice == present}>{ *word }</option> }
    };
    html! {
        <label>{ name.to_owned() }
            <select data-testid={testid.to_owned()} {onchange}>{ for choices.iter().map(option) }</select>
        </label>
    }
}

fn switch(
    testid: &'static str,
    name: &'static str,
    checked: bool,
    onchange: Callback<Event>,
) -> Html {
    html! {
        <label class="switch">
            <input type="checkbox" data-testid={testid} {checked} {onchange} />{ name }
        </label>
    }
}

/// What a training has come to so far.
fn account(
    training: &Training,
    under_way: bool,
    state: &Snapshot,
    dispatch: &Callback<Action>,
) -> Html {
    let status = match training.end {
        None => "training",
        Some(End::Paused) => "paused",
        Some(End::Finished { .. }) => "finished",
    };
    let press = |action: Action| dispatch.reform(move |_: MouseEvent| action.clone());
    let busy = state.job.is_some();
    html! {
        <div class="panel training" data-testid="training" data-status={status}
            data-value={training.done().to_string()}
            data-kept={training.kept.map(|epochs| epochs.to_string())}
            data-held-out={training.best().map(|best| best.heldout_score.to_string())}>
            <div class="best-line">
                <p role="status">{ summary(training) }</p>
                if training.end == Some(End::Paused) {
                    <div class="buttons">
                        if training.can_go_on() {
                            <button type="button" class="button" data-testid="resume-training"
                                disabled={busy} onclick={press(Action::ResumeTraining)}>{"Go on"}</button>
                            <button type="button" class="button quiet" data-testid="finish-training"
                                disabled={busy || training.done() == 0}
                                onclick={press(Action::FinishTraining)}>{"Keep the best"}</button>
                        }
                        <button type="button" class="button quiet" data-testid="discard-training"
                            disabled={busy} onclick={press(Action::DiscardTraining)}>{"Discard"}</button>
                    </div>
                }
            </div>
            if under_way && training.end.is_none() {
                <p class="pace" data-testid="pace" aria-live="off">{ pace(training) }</p>
            }
            if !training.epochs.is_empty() {
                <LearningCurves epochs={training.epochs.clone()} planned={training.plan.epochs} />
            }
        </div>
    }
}

fn summary(training: &Training) -> String {
    let done = match (training.done(), training.plan.epochs) {
        (done, Some(planned)) => format!("{done} of {planned} epochs"),
        (done, None) => format!("{done} epochs"),
    };
    let state = match training.end {
        None => "Training",
        Some(End::Paused) => "Paused",
        Some(End::Finished { .. }) => "Trained",
    };
    let frames = match &*training.frames {
        "" => String::new(),
        name => format!(" on {name}"),
    };
    let recipe = words::recipe(&training.recipe);
    let best = match (training.end, training.best()) {
        (Some(End::Finished { best_epoch: 0, .. }), _) => {
            " No epoch was better than the starting point, which is kept.".to_owned()
        }
        (_, Some(best)) if best.epoch > 0 => {
            format!(" The best is epoch {}: {} on the held-out frames.", best.epoch, held_out(best))
        }
        (_, Some(start)) => format!(" It starts at {} on the held-out frames.", held_out(start)),
        (_, None) => String::new(),
    };
    let diverged = match training.end {
        Some(End::Finished { diverged_in: Some(epoch), .. }) => format!(
            " In epoch {epoch} the loss was no number any more, which ended the training: choose a lower \
             learning rate."
        ),
        _ => String::new(),
    };
    format!("{state} for {recipe}{frames}: {done}.{best}{diverged}")
}

fn held_out(epoch: &Epoch) -> String {
    match epoch.score {
        Score::Top1 => format!("{} right", format::percent(epoch.heldout_score)),
        Score::Mae => format!("a mean absolute error of {:.4}", epoch.heldout_score),
    }
}

fn pace(training: &Training) -> String {
    let pace = training.pace;
    let Some(speed) = pace.frames_per_second else { return "Making the starting point".to_owned() };
    let far = format!(
        "Epoch {}, {} of {} frames, {} frames/s",
        training.done() + 1,
        format::grouped(pace.done),
        format::grouped(pace.total),
        format::grouped(speed.round() as usize)
    );
    let far = match training.seconds_left() {
        Some(seconds) => format!("{far}, about {} left", format::seconds(seconds.ceil())),
        None => far,
    };
    match training.kept {
        Some(epochs) if epochs > 0 => format!("{far}; saved up to epoch {epochs}"),
        _ => far,
    }
}
