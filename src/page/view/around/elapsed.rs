//! Seconds since something started, counting, and about how many are left.

use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::lab::protocol::{ModelId, Progress, Stage};
use crate::page::format;
use crate::page::view::props::PageClock;

const EVERY_MS: u32 = 200;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct ElapsedProps {
    /// Milliseconds on the page's clock.
    pub(in crate::page::view) since: f64,
}

#[component]
pub(in crate::page::view) fn Elapsed(props: &ElapsedProps) -> Html {
    let clock = use_context::<PageClock>().expect("the app provides a clock");
    let tick = use_force_update();
    use_effect_with((), move |()| {
        let interval = Interval::new(EVERY_MS, move || tick.force_update());
        move || drop(interval)
    });
    let seconds = (clock.now() - props.since) / 1e3;
    // Not announced: a screen reader would never stop.
    html! { <span class="elapsed" aria-live="off">{ format::seconds(seconds) }</span> }
}

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct LeftProps {
    pub(in crate::page::view) progress: Progress,
}

/// Since when a step has been watched.
#[derive(Default)]
struct Watched {
    step: Option<(Stage, Option<ModelId>, usize)>,
    since: f64,
    done: usize,
}

/// About how long the present step still takes, by how fast it went since it was first seen. Of a job's other
/// steps it says nothing.
#[component]
pub(in crate::page::view) fn Left(LeftProps { progress }: &LeftProps) -> Html {
    // Before that, the first pieces say little.
    const WATCH_MS: f64 = 2000.0;
    let clock = use_context::<PageClock>().expect("the app provides a clock");
    let watched = use_mut_ref(Watched::default);
    let Progress { stage, model, done, total } = progress.clone();
    let mut watched = watched.borrow_mut();
    let step = Some((stage, model, total));
    if watched.step != step || done < watched.done {
        *watched = Watched { step, since: clock.now(), done };
    }
    let past = clock.now() - watched.since;
    let went = done - watched.done;
    if went == 0 || past < WATCH_MS {
        return Html::default();
    }
    let left = past * total.saturating_sub(done) as f64 / went as f64 / 1e3;
    html! { <span class="left" data-testid="left" aria-live="off">{ format::left(left) }</span> }
}
