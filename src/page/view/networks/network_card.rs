//! A network to choose: its name, its figures, and its profile.

use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::lab::protocol::Inspection;
use crate::page::format;
use crate::page::state::{Action, Network, Origin, Status};
use crate::page::view::charts::layer_profile::LayerProfile;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct NetworkCardProps {
    pub(in crate::page::view) network: Network,
    pub(in crate::page::view) selected: bool,
    pub(in crate::page::view) dispatch: Callback<Action>,
}

#[component]
pub(in crate::page::view) fn NetworkCard(props: &NetworkCardProps) -> Html {
    let NetworkCardProps { network, selected, dispatch } = props;
    let id = &network.id;
    let onchange = {
        let id = id.clone();
        dispatch.reform(move |_: Event| Action::Select(id.clone()))
    };
    let onclose = {
        let id = id.clone();
        dispatch.reform(move |_: MouseEvent| Action::CloseModel(id.clone()))
    };
    let card = use_node_ref();
    use_effect_with((card.clone(), *selected), |(card, selected)| {
        if let Some(card) = card.cast::<HtmlElement>().filter(|_| *selected) {
            swipe_to(&card);
        }
    });
    let variant = network.inspection().map(|inspection| inspection.variant.clone());
    let (word, detail) = status(&network.status);
    html! {
        <div ref={card} class={classes!("card", selected.then_some("chosen"))}>
            <label data-testid={format!("network-{id}")} data-status={word} data-variant={variant.clone()}>
                <input type="radio" name="network" class="choice" checked={*selected} {onchange} />
                <span class="card-title">
                    { &network.title }
                    if let Some(variant) = variant {
                        <span class={classes!("variant", badge(&variant))}>{ variant }</span>
                    }
                </span>
                <span class="card-summary">{ &network.summary }</span>
                { detail }
            </label>
            if network.origin == Origin::Opened {
                <button type="button" class="icon-button close" data-testid={format!("close-{id}")}
                    aria-label={format!("Close {}", network.title)} onclick={onclose}>{"×"}</button>
            }
        </div>
    }
}

/// Of the strip on a narrow screen, as the style sheet has it.
const MARGIN: i32 = 16;

/// Has the strip that the networks are on a narrow screen show a card whole; on others nothing moves.
fn swipe_to(card: &HtmlElement) {
    let Ok(Some(strip)) = card.closest(".shelf") else { return };
    let [own, seen] = [card, &strip].map(|element: &Element| element.get_bounding_client_rect());
    if own.left() < seen.left() || own.right() > seen.right() {
        // To its start, where the strip snaps.
        strip.set_scroll_left(strip.scroll_left() + (own.left() - seen.left()) as i32 - MARGIN);
    }
}

fn badge(variant: &str) -> &'static str {
    if variant == "float" { "badge-float" } else { "badge-int8" }
}

/// Its name for tests, and what the card says.
fn status(status: &Status) -> (&'static str, Html) {
    let note = |text: String| html! { <span class="figures">{ text }</span> };
    // As tall as what follows it, so that nothing moves from under a pointer.
    let pending = |text: String| html! { <span class="figures pending">{ text }</span> };
    match status {
        Status::Idle => ("idle", note("loads when you choose it".to_owned())),
        Status::Fetching { done, total: 0 } => {
            ("fetching", pending(format!("loading, {}", format::bytes(*done))))
        }
        Status::Fetching { done, total } => (
            "fetching",
            pending(format!("loading, {}", format::percent(*done as f64 / *total as f64))),
        ),
        Status::Loading(_) => ("loading", pending("reading…".to_owned())),
        Status::Failed => {
            ("failed", note("could not be loaded; choose it to try again".to_owned()))
        }
        Status::Ready(inspection) => ("ready", figures(inspection)),
    }
}

fn figures(inspection: &Inspection) -> Html {
    html! {
        <>
            <LayerProfile layers={inspection.layers.clone()} />
            if inspection.inputs.len() > 1 {
                <span class="figures">{ format::inputs(&inspection.inputs) }</span>
            }
            <span class="figures">
                <b>{ format::count(inspection.params) }</b>{" params"}
                <b>{ inspection.macs.map_or("?".to_owned(), format::count) }</b>{" MACs"}
                <b>{ format::bytes(inspection.file_bytes) }</b>
            </span>
        </>
    }
}
