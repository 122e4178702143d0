//! One picture, and what each network on the stage would do with it.

use std::collections::BTreeMap;

use serde_bytes::ByteBuf;
use web_sys::{HtmlCanvasElement, HtmlSelectElement};
use yew::prelude::*;

use super::show::opaque;
use crate::lab::protocol::ModelId;
use crate::page::answers::{Row, Said, distance, felt, rows};
use crate::page::format;
use crate::page::state::{Action, Answer, Looked, PATCHES, State};
use crate::page::view::frames::pixels;
use crate::page::view::props::PageProps;
use crate::vocabulary::stage::{ACTIONS, Labelled, SIDE};

#[component]
pub(super) fn LookedAt(PageProps { state, dispatch }: &PageProps) -> Html {
    let canvas = use_node_ref();
    let chosen = use_state(|| None::<usize>);
    let looked = state.stage.looked.clone();
    let picture = looked.as_ref().map(|looked| (looked.step, looked.seen.clone()));
    use_effect_with((canvas.clone(), picture), |(canvas, picture)| {
        if let (Some(canvas), Some((_, seen))) = (canvas.cast::<HtmlCanvasElement>(), picture) {
            // The answers stand without it.
            pixels::show(&canvas, SIDE, &opaque(seen)).ok();
        }
    });
    let Some(looked) = looked else { return Html::default() };
    let close = dispatch.reform(|_: MouseEvent| Action::LookAt(None));
    let cover = dispatch.reform(|_: MouseEvent| Action::CoverPatches);
    let answers = said(state, &looked.answers);
    let proposed = answers.first().map_or(0, |(_, said)| action(*said));
    let class = (*chosen).unwrap_or(proposed);
    let choose = {
        let chosen = chosen.clone();
        Callback::from(move |event: Event| {
            let select: HtmlSelectElement = event.target_unchecked_into();
            chosen.set(usize::try_from(select.selected_index()).ok());
        })
    };
    let add = dispatch.reform(move |_: MouseEvent| Action::AddLooked(class));
    let options = ACTIONS.iter().enumerate().map(|(i, name)| {
        html! { <option selected={i == class}>{ *name }</option> }
    });
    let covered = Covered::of(state, &looked);
    html! {
        <div class="panel looked" data-testid="looked" role="group" aria-label="One picture">
            <div class="looked-picture">
                <canvas ref={canvas} width="96" height="96" role="img" aria-label="The picture, enlarged" />
                { for covered.as_ref().map(map) }
            </div>
            <div class="looked-said">
                <h2>{ format!("One picture, before step {}", looked.step) }</h2>
                { table(state, &answers) }
                if let [(_, one), (_, other)] = &answers[..] {
                    <p data-testid="looked-apart" role="status">{ felt(one.answer, other.answer) }</p>
                }
                if let Some(covered) = &covered {
                    <p class="hint" data-testid="covered" role={covered.is_done().then_some("status")}
                        data-value={covered.distances.len().to_string()}>
                        { covered.in_words() }
                    </p>
                } else if answers.len() == 2 {
                    <button type="button" class="button quiet" data-testid="cover" onclick={cover}>
                        {"What in the picture makes the difference?"}
                    </button>
                }
                <div class="drive-row">
                    <label class="inline-field">
                        {"Right would be "}
                        <select data-testid="looked-class" onchange={choose}>{ for options }</select>
                    </label>
                    <button type="button" class="button quiet" data-testid="add-looked" onclick={add}>
                        {"Add to my frames"}
                    </button>
                    <button type="button" class="button quiet" data-testid="close-looked" onclick={close}>
                        {"Close"}
                    </button>
                </div>
            </div>
        </div>
    }
}

/// In the order of the cars.
fn said<'a>(state: &State, answers: &'a BTreeMap<ModelId, Answer>) -> Vec<(ModelId, Said<'a>)> {
    let networks = state.stage.cars.iter().filter_map(|car| {
        let model = car.driver.network()?;
        let answer = answers.get(model)?;
        Some((model.clone(), Said { answer, is_classes: car.scores(&answer.numbers).is_some() }))
    });
    networks.collect()
}

fn table(state: &State, answers: &[(ModelId, Said<'_>)]) -> Html {
    let head = answers.iter().map(|(model, _)| {
        html! {
            <th scope="col" data-testid="looked-answer" data-model={model.clone()}>
                { state.title(model) }
            </th>
        }
    });
    let bars = |row: &Row| {
        let bar = |(i, share): (usize, &f32)| {
            html! {
                <rect class={format!("car-bar-{i}")} y={(i * 5).to_string()} height="4"
                    width={format!("{:.1}", 100.0 * share.clamp(0.0, 1.0))} />
            }
        };
        html! {
            <svg viewBox="0 0 100 9" preserveAspectRatio="none" aria-hidden="true">
                { for row.shares.iter().enumerate().map(bar) }
            </svg>
        }
    };
    let said: Vec<Said<'_>> = answers.iter().map(|(_, said)| *said).collect();
    let line = |row: Row| {
        html! {
            <tr>
                <th scope="row">{ row.name }</th>
                { for row.cells.iter().map(|cell| html! { <td>{ cell }</td> }) }
                if said.len() == 2 {
                    <td>{ row.difference.clone().unwrap_or_default() }</td>
                }
                <td class="looked-bars">{ bars(&row) }</td>
            </tr>
        }
    };
    html! {
        <div class="scroller" tabindex="0" role="region" aria-label="What the networks say">
            <table class="road-table looked-table">
                <thead>
                    <tr>
                        <td></td>
                        { for head }
                        if said.len() == 2 { <th scope="col">{"difference"}</th> }
                        <td></td>
                    </tr>
                </thead>
                <tbody>{ for rows(&said).into_iter().map(line) }</tbody>
            </table>
        </div>
    }
}

/// The action that an answer comes to: the one with the highest score, or the nearest.
fn action(said: Said<'_>) -> usize {
    if !said.is_classes {
        let controls = said.answer.controls;
        return Labelled { seen: ByteBuf::new(), controls }.class();
    }
    let scores = said.answer.numbers.iter().copied().enumerate();
    let best = scores.reduce(|best, other| if other.1 > best.1 { other } else { best });
    best.map_or(0, |(class, _)| class)
}

/// What becomes of the difference between two answers as patches of the picture are covered.
struct Covered {
    /// With nothing covered.
    whole: f32,
    /// With each patch covered that was tried so far.
    distances: Vec<f32>,
}

impl Covered {
    /// `None` before somebody asks for it.
    fn of(state: &State, looked: &Looked) -> Option<Self> {
        let apart = |answers: &BTreeMap<ModelId, Answer>| match said(state, answers)[..] {
            [(_, one), (_, other)] => Some(distance(one, other)),
            _ => None,
        };
        let whole = apart(&looked.answers).filter(|_| !looked.covered.is_empty())?;
        Some(Self { whole, distances: looked.covered.iter().filter_map(apart).collect() })
    }

    fn changes(&self) -> impl Iterator<Item = f32> {
        self.distances.iter().map(|distance| (distance - self.whole).abs())
    }

    /// The patch that changes the most, if any does.
    fn first(&self) -> Option<usize> {
        let most = self.changes().enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        most.filter(|(_, change)| *change > 0.0).map(|(patch, _)| patch)
    }

    fn is_done(&self) -> bool {
        self.distances.len() == PATCHES * PATCHES
    }

    fn in_words(&self) -> String {
        if !self.is_done() {
            let done = self.distances.len();
            return format!("Each square is covered in turn: {done} of {}.", PATCHES * PATCHES);
        }
        let Some(first) = self.first() else {
            return "Whichever square is covered, the difference stays.".into();
        };
        let [from, to] =
            [self.whole, self.distances[first]].map(|x| format::whole_percent(f64::from(x)));
        format!(
            "Covered by the picture's mean colour, the framed square changes the difference the most: from \
             {from} to {to} of what it can be."
        )
    }
}

fn map(covered: &Covered) -> Html {
    let most = covered.changes().fold(f32::MIN_POSITIVE, f32::max);
    let square = |(patch, change): (usize, f32)| {
        let (x, y) = (patch % PATCHES, patch / PATCHES);
        let is_first = covered.first() == Some(patch);
        html! {
            <rect class={classes!("cover", is_first.then_some("cover-first"))} x={x.to_string()}
                y={y.to_string()} width="1" height="1"
                fill-opacity={format!("{:.2}", 0.7 * change / most)} />
        }
    };
    html! {
        <svg viewBox={format!("0 0 {PATCHES} {PATCHES}")} aria-hidden="true">
            { for covered.changes().enumerate().map(square) }
        </svg>
    }
}
