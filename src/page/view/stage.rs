//! The drive: cars on a track, steered by networks or by hand.

mod answer;
mod controls;
mod looked;
mod loops;
mod map;
mod own;
mod pen;
mod scene;
mod show;
mod wheel_form;

use yew::prelude::*;

use self::controls::Controls;
use self::looked::LookedAt;
use self::own::OwnFramesPanel;
use self::show::{Refs, Show};
use self::wheel_form::WheelForm;
use super::props::PageProps;
use crate::error::Error;
use crate::figures::significant;
use crate::page::state::{Action, Car, Driver, State};
use crate::vocabulary::stage::{End, Pose};

pub(super) use self::loops::is_typed;

/// What is said of a car that has not started.
const BEFORE_THE_START: &str = "on its way to the start";

#[component]
pub(super) fn DriveStage(PageProps { state, dispatch }: &PageProps) -> Html {
    let refs = use_memo((), |()| Refs::default());
    let show = use_mut_ref(|| Show::new(state.clone(), dispatch.clone(), (*refs).clone()));
    show.borrow_mut().state = state.clone();
    {
        let (show, root, dispatch) = (show.clone(), refs.root.clone(), dispatch.clone());
        use_effect_with((), move |()| {
            let running = loops::start(show, root, dispatch);
            move || drop(running)
        });
    }
    let stage = &state.stage;
    let two = stage.cars.len() == 2;
    let nobody = !stage.cars.is_empty()
        && stage.cars.iter().all(|car| car.fault.is_some() && car.drive.poses.is_empty());
    let cars = stage.cars.iter().enumerate().map(|(i, car)| {
        if let Some(fault) = car.fault.as_ref().filter(|_| car.drive.poses.is_empty()) {
            return cannot(state, car, fault);
        }
        let refs = &refs.cars[i.min(1)];
        let pose = pose(car, stage.shown);
        let title = title(state, car);
        let look = dispatch.reform(move |_: MouseEvent| Action::LookAt(Some(i)));
        let off_road = pose.is_some_and(|pose| pose.off_road);
        html! {
            <figure class={classes!("car", format!("car-{i}"), off_road.then_some("off-road"))}
                data-testid="car" data-model={name(car)}
                data-steps={car.drive.poses.len().to_string()}
                data-value={car.drive.poses.last().map(|pose| pose.total.to_string())}
                data-status={status(car)}>
                <canvas class="scene" ref={refs.scene.clone()} role="img"
                    aria-label={format!("{title} on the road, from above")} />
                <figcaption>
                    <b class="car-name">{ &title }</b>
                    <span class="car-says" aria-live="off">{ says(car, pose, stage.shown) }</span>
                </figcaption>
                <div class="inside">
                    <button type="button" class="seen" data-testid="look" onclick={look}
                        aria-label={format!("Look at what {title} sees")} title="Look at this picture">
                        <canvas ref={refs.seen.clone()} width="96" height="96" role="img"
                            aria-label={format!("The 96 × 96 pixels that {title} sees")} />
                    </button>
                    <canvas class="answer" ref={refs.answer.clone()} role="img"
                        aria-label={format!("What {title} decides")} />
                </div>
                if let Some(fault) = &car.fault {
                    <p class="fault" role="alert">{ format!("It can't drive here: {fault}") }</p>
                }
            </figure>
        }
    });
    html! {
        <section class={classes!("drive", two.then_some("two"), nobody.then_some("nobody"))} ref={refs.root.clone()}
            aria-label="The drive" data-testid="drive"
            data-track={stage.track.to_string()} data-value={stage.shown.to_string()}>
            <div class="cars">
                { for cars }
                if let Some(network) = state.selected().filter(|_| stage.cars.is_empty()) {
                    { awaited(&network.title) }
                }
            </div>
            <div class="drive-side">
                <Controls state={state.clone()} dispatch={dispatch.clone()} />
                <canvas class="map" ref={refs.map.clone()} role="img"
                    aria-label="The track from above, and the way of each car" />
                <p class="unseen" role="status">{ ends(state) }</p>
                <p class="drive-words hint" data-testid="drive-words">{ words(state) }</p>
            </div>
            <div class="drive-below">
                <WheelForm state={state.clone()} dispatch={dispatch.clone()} />
                <LookedAt state={state.clone()} dispatch={dispatch.clone()} />
                <OwnFramesPanel state={state.clone()} dispatch={dispatch.clone()} />
            </div>
        </section>
    }
}

/// In place of the first car until its network is here, and as large.
fn awaited(title: &str) -> Html {
    html! {
        <figure class="car car-0">
            <div class="scene" />
            <figcaption>
                <b class="car-name">{ title }</b>
                <span class="car-says">{ BEFORE_THE_START }</span>
            </figcaption>
            <div class="inside"><span class="seen" /><span class="answer" /></div>
        </figure>
    }
}

/// In place of a car, for a network that is made for another camera or another car.
fn cannot(state: &State, car: &Car, fault: &Error) -> Html {
    let title = title(state, car);
    let way_out = match state.steered() {
        Some(_) => "Say below what its numbers set",
        None => "All else can be done with it",
    };
    html! {
        <figure class="car cannot" data-testid="car" data-status="fault" data-steps="0"
            data-model={name(car)}>
            <figcaption><b class="car-name">{ format!("{title} does not drive this car") }</b></figcaption>
            <p class="hint">
                { format!("{}. {way_out}.", fault.what) }
            </p>
        </figure>
    }
}

/// Where a car is after so many steps, or where it ended before.
fn pose(car: &Car, steps: usize) -> Option<&Pose> {
    let poses = &car.drive.poses;
    poses.get(steps.saturating_sub(1)).or_else(|| poses.last())
}

fn name(car: &Car) -> String {
    match &car.driver {
        Driver::Network(model) => model.clone(),
        Driver::Hand => "hand".into(),
    }
}

fn title(state: &State, car: &Car) -> String {
    match &car.driver {
        Driver::Network(model) => state.title(model),
        Driver::Hand => "You".into(),
    }
}

/// For tests.
fn status(car: &Car) -> &'static str {
    match (&car.fault, car.drive.end) {
        (Some(_), _) => "fault",
        (_, Some(End::Finished)) => "finished",
        (_, Some(End::Outside)) => "outside",
        (_, Some(End::OutOfTime)) => "out-of-time",
        _ => "driving",
    }
}

fn says(car: &Car, pose: Option<&Pose>, steps: usize) -> String {
    let Some(pose) = pose else { return BEFORE_THE_START.into() };
    let so_far = format!("return {:.0}, {} tiles, speed {:.0}", pose.total, pose.tiles, pose.speed);
    let end = car.drive.end.filter(|_| steps + 1 >= car.drive.poses.len());
    match end {
        Some(End::Finished) => format!("{so_far}: the lap is finished"),
        Some(End::Outside) => format!("{so_far}: it has left the field"),
        Some(End::OutOfTime) => format!("{so_far}: time is up"),
        None if pose.off_road => format!("{so_far}, off the road"),
        None => so_far,
    }
}

/// What is worth saying aloud: the ends of drives, not how they come there.
fn ends(state: &State) -> String {
    let shown = state.stage.shown;
    let end = |car: &Car| {
        let is_over = car.drive.end.is_some() && shown + 1 >= car.drive.poses.len();
        is_over.then(|| format!("{}: {}.", title(state, car), says(car, pose(car, shown), shown)))
    };
    state.stage.cars.iter().filter_map(end).collect::<Vec<_>>().join(" ")
}

/// What the drives say beside one another.
fn words(state: &State) -> String {
    let stage = &state.stage;
    if state.cars_wait() {
        return "The cars wait: while networks are compared and timed, nothing else computes."
            .into();
    }
    if stage.cars.iter().any(|car| car.fault.is_some()) {
        return String::new();
    }
    let [a, b] = &stage.cars[..] else {
        return match stage.cars.is_empty() {
            true => "The network is on its way.".into(),
            false => "It sees the small picture, 17 times a second, and nothing else. Quantize it, and its \
                      int8 twin drives beside it."
                .into(),
        };
    };
    let (Some(at), Some(other)) = (pose(a, stage.shown), pose(b, stage.shown)) else {
        return String::new();
    };
    let [x, y] = [0, 1].map(|axis| at.hull[axis] - other.hull[axis]);
    let apart = significant(f64::from(x.hypot(y)));
    match stage.first_difference().filter(|step| *step <= stage.shown) {
        Some(step) => format!("{apart} units apart; the first other decision fell at step {step}."),
        None => format!("{apart} units apart; every decision so far was the same."),
    }
}
