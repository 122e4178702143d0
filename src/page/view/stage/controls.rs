//! Play, pause, pace, track, and who drives.

use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::page::state::{Action, Held, Network, Origin, PACES};
use crate::page::view::props::PageProps;

/// Keys to touch, as they lie on a keyboard.
const PAD: [(Held, &str, &str); 4] = [
    (Held::Left, "left", "◀"),
    (Held::Gas, "gas", "▲"),
    (Held::Brake, "brake", "▼"),
    (Held::Right, "right", "▶"),
];

/// Signs of buttons, as paths on 16 x 16.
const DRIVE: &str = "M3 2 L14 8 L3 14 Z";
const PAUSE: &str = "M3 2 H6.5 V14 H3 Z M9.5 2 H13 V14 H9.5 Z";
const STEP: &str = "M2 2 L10 8 L2 14 Z M11 2 H14 V14 H11 Z";
const BACK: &str = "M2 2 H5 V14 H2 Z M14 2 L6 8 L14 14 Z";
const NEXT: &str = "M1 2 L7.5 8 L1 14 Z M7.5 2 L14 8 L7.5 14 Z";

#[component]
pub(super) fn Controls(PageProps { state, dispatch }: &PageProps) -> Html {
    let stage = &state.stage;
    let playing = stage.playing;
    let button = |testid: &'static str, label: &'static str, sign: &'static str, action: Action| {
        let onclick = dispatch.reform(move |_: MouseEvent| action.clone());
        html! {
            <button type="button" class="button quiet sign" data-testid={testid} {onclick}
                aria-label={label} title={label}>
                <svg viewBox="0 0 16 16" aria-hidden="true"><path d={sign} /></svg>
            </button>
        }
    };
    let pace = dispatch.reform(|event: Event| {
        let select: HtmlSelectElement = event.target_unchecked_into();
        let at = select.selected_index().max(0) as usize;
        Action::StagePace(PACES.get(at).copied().unwrap_or(1))
    });
    let paces = PACES.iter().map(|&times| {
        html! { <option selected={times == stage.pace}>{ format!("{times}×") }</option> }
    });
    let shown_track = stage.track;
    let track = dispatch.reform(move |event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        match input.value().trim().parse() {
            Ok(seed) => Action::StageTrack(seed),
            Err(_) => {
                input.set_value(&shown_track.to_string());
                Action::StageTrack(shown_track)
            }
        }
    });
    let others: Vec<&Network> = state
        .networks
        .iter()
        .filter(|network| network.inspection().is_some() || network.origin != Origin::Opened)
        .filter(|network| Some(&network.id) != state.selected.as_ref())
        .collect();
    let ids: Vec<_> = others.iter().map(|network| network.id.clone()).collect();
    let beside = dispatch.reform(move |event: Event| {
        let select: HtmlSelectElement = event.target_unchecked_into();
        let at = select.selected_index().max(0) as usize;
        Action::StageBeside(at.checked_sub(1).and_then(|at| ids.get(at).cloned()))
    });
    let entry = |network: &&Network| {
        html! {
            <option selected={stage.beside.as_ref() == Some(&network.id)}>{ &network.title }</option>
        }
    };
    let wheel = if stage.by_hand { "Let go of the wheel" } else { "Take the wheel" };
    html! {
        <div class="drive-controls">
            <div class="drive-row">
                if playing {
                    { button("stage-play", "Pause", PAUSE, Action::StagePlay(false)) }
                } else {
                    { button("stage-play", "Drive", DRIVE, Action::StagePlay(true)) }
                }
                { button("stage-step", "One decision", STEP, Action::StageStep) }
                { button("stage-restart", "Back to the start", BACK, Action::StageRestart) }
                <label class="inline-field">
                    <span class="unseen">{"Pace"}</span>
                    <select data-testid="stage-pace" onchange={pace} disabled={stage.by_hand}>
                        { for paces }
                    </select>
                </label>
                <label class="inline-field">
                    {"Track "}
                    <input type="text" inputmode="numeric" autocomplete="off" class="track"
                        data-testid="stage-track" value={shown_track.to_string()} onchange={track} />
                </label>
                { button("stage-next", "Another track", NEXT, Action::StageTrack(shown_track + 1)) }
            </div>
            <div class="drive-row">
                <label class="inline-field">
                    {"Beside it "}
                    <select data-testid="stage-beside" onchange={beside} disabled={stage.by_hand}>
                        <option selected={stage.beside.is_none()}>{"what is made of it"}</option>
                        { for others.iter().map(entry) }
                    </select>
                </label>
                <button type="button" class={classes!("button", "quiet", stage.by_hand.then_some("pressed"))}
                    data-testid="take-the-wheel"
                    onclick={let by_hand = !stage.by_hand;
                        dispatch.reform(move |_: MouseEvent| Action::TakeTheWheel(by_hand))}>
                    { wheel }
                </button>
            </div>
            if stage.by_hand {
                <div class="pad" role="group" aria-label="Drive by touch; on a keyboard the arrow keys do">
                    { for PAD.iter().map(|key| pad(key, state.stage.held.contains(&key.0), dispatch)) }
                </div>
            }
        </div>
    }
}

fn pad(
    &(held, label, sign): &(Held, &'static str, &'static str),
    is_down: bool,
    dispatch: &Callback<Action>,
) -> Html {
    let hold = |down: bool| dispatch.reform(move |_: PointerEvent| Action::Hold { held, down });
    let press = |down: bool| {
        let dispatch = dispatch.clone();
        Callback::from(move |event: KeyboardEvent| {
            if matches!(&*event.key(), "Enter" | " ") {
                event.prevent_default();
                dispatch.emit(Action::Hold { held, down });
            }
        })
    };
    let leave = dispatch.reform(move |_: FocusEvent| Action::Hold { held, down: false });
    html! {
        <button type="button" class={classes!("key", is_down.then_some("pressed"))} aria-label={label}
            data-testid={format!("hold-{label}")} onpointerdown={hold(true)} onpointerup={hold(false)}
            onpointerleave={hold(false)} onpointercancel={hold(false)} onkeydown={press(true)}
            onkeyup={press(false)} onblur={leave}><span aria-hidden="true">{ sign }</span></button>
    }
}
