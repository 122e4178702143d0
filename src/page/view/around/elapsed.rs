//! Seconds since something started, counting.

use gloo_timers::callback::Interval;
use yew::prelude::*;

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
