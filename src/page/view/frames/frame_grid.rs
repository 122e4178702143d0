//! All validation frames: only those in view are asked for and drawn.

use std::rc::Rc;

use gloo_events::EventListener;
use web_sys::{HtmlCanvasElement, HtmlElement, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::pixels;
use crate::figures::significant;
use crate::page::format;
use crate::page::place::Place;
use crate::page::state::{Action, Filter, Variant, Wanted};
use crate::page::view::charts::gauge::Gauge;
use crate::page::view::charts::series;
use crate::page::view::props::{PageProps, Snapshot, changing};
use crate::vocabulary::frames::Picture;

/// A cell, as the style sheet has it.
const CELL: [i32; 2] = [116, 166];

/// What of the grid is in view.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct View {
    columns: usize,
    first_row: usize,
    rows: usize,
}

impl View {
    fn of(scroller: &HtmlElement) -> Option<Self> {
        let [width, height] = [scroller.client_width(), scroller.client_height()];
        let rows = height / CELL[1] + 2;
        // Where nobody is, it has no width.
        (width > 0).then(|| Self {
            columns: (width / CELL[0]).max(1) as usize,
            first_row: (scroller.scroll_top() / CELL[1]).max(0) as usize,
            rows: rows.max(1) as usize,
        })
    }
}

#[component]
pub(in crate::page::view) fn FrameGrid(PageProps { state, dispatch }: &PageProps) -> Html {
    let [scroller, all, list] = [use_node_ref(), use_node_ref(), use_node_ref()];
    let view = use_state_eq(View::default);
    let look = {
        let (scroller, view, dispatch) = (scroller.clone(), view.clone(), dispatch.clone());
        move || {
            let Some(now) = scroller.cast::<HtmlElement>().and_then(|node| View::of(&node)) else {
                return;
            };
            if now != *view {
                view.set(now);
                let first = now.first_row * now.columns;
                dispatch.emit(Action::SeeWindow { first, count: now.rows * now.columns });
            }
        }
    };
    {
        // Coming here gives it a width; turning a phone gives it another.
        let look = look.clone();
        use_effect_with((state.place == Place::Frames, *view), move |_| {
            look();
            let listener = web_sys::window()
                .map(|window| EventListener::new(&window, "resize", move |_| look()));
            move || drop(listener)
        });
    }
    {
        // A new filter begins at its first frame.
        let scroller = scroller.clone();
        use_effect_with(state.grid.filter.clone(), move |_| {
            if let Some(node) = scroller.cast::<HtmlElement>() {
                node.set_scroll_top(0);
            }
        });
    }
    let frames = state.wanted_frames();
    let columns = view.columns.max(1);
    let (height, top) =
        (frames.len().div_ceil(columns) as i32 * CELL[1], view.first_row as i32 * CELL[1]);
    {
        // The policy admits no styles in the page's text, but those that a script sets.
        let (all, list) = (all.clone(), list.clone());
        use_effect_with((height, top), move |(height, top)| {
            let set = |node: &NodeRef, property: &str, value: String| {
                if let Some(node) = node.cast::<HtmlElement>() {
                    node.style().set_property(property, &value).ok();
                }
            };
            set(&all, "height", format!("{height}px"));
            set(&list, "transform", format!("translateY({top}px)"));
        });
    }
    let total = state.validation.loaded.as_ref().map_or(0, |loaded| loaded.summary.frames);
    let shown = frames.iter().skip(view.first_row * columns).take(view.rows * columns);
    let pair = state.filter_pair().map(|variant| variant.map(|variant| variant.id.clone()));
    let cell = |&index: &usize| {
        html! {
            <Cell key={index} {index} picture={state.grid.pictures.get(&index).cloned()}
                truth={truth(state, index)} says={pair.iter().map(|id| said(state, id.as_deref(), index)).collect::<Vec<_>>()}
                opened={state.grid.opened == Some(index)} dispatch={dispatch.clone()} />
        }
    };
    html! {
        <section class="panel frame-grid" aria-label="All frames">
            <div class="grid-head">
                <h2>{"All frames"}</h2>
                <p class="hint" role="status" data-testid="grid-count" data-value={frames.len().to_string()}>
                    { format!("{} of {} frames", format::grouped(frames.len()), format::grouped(total)) }
                </p>
            </div>
            { form(state, dispatch) }
            <div class="grid-body">
            <div class="grid-scroll" ref={scroller} tabindex="0" role="region" aria-label="Frames"
                data-testid="grid" onscroll={Callback::from(move |_: Event| look())}>
                <div class="grid-all" ref={all}>
                    <ol class="grid-view" ref={list}>{ for shown.map(cell) }</ol>
                </div>
            </div>
            { opened(state, &frames, dispatch) }
            </div>
        </section>
    }
}

/// What is right of a frame, in words.
fn truth(state: &Snapshot, frame: usize) -> String {
    let labels = state.frame_labels.as_deref();
    let class = labels.and_then(|l| l.classes.as_ref()?.get(frame).copied()).map(usize::from);
    let picture = state.grid.pictures.get(&frame);
    // Of frames that have both, what the networks say.
    let are_values = labels.is_some_and(|labels| !labels.values.is_empty());
    let class = class.or_else(|| picture.filter(|_| !are_values)?.label);
    if let Some(class) = class {
        return state.class_label(class);
    }
    let value = picture.and_then(|picture| picture.values.first());
    value.map_or_else(String::new, |value| significant(f64::from(*value)))
}

/// What a variant said of a frame, and whether that is wrong.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    colour: &'static str,
    text: String,
    wrong: bool,
}

fn said(state: &Snapshot, id: Option<&str>, frame: usize) -> Option<Said> {
    let id = id?;
    let all = state.bench().map(|variants| &variants.all[..]).unwrap_or_default();
    let place = all.iter().position(|variant| variant.id == id).unwrap_or_default();
    let colour = series(place);
    if let Some(class) = state.class_of(id, frame) {
        let right =
            state.frame_labels.as_ref().and_then(|l| l.classes.as_ref()?.get(frame).copied());
        let text = state.class_label(class.into());
        return Some(Said { colour, text, wrong: right.is_some_and(|right| right != class) });
    }
    let text = significant(f64::from(state.value_of(id, frame)?));
    Some(Said { colour, text, wrong: false })
}

#[derive(PartialEq, Properties)]
struct CellProps {
    index: usize,
    /// `None` while it is on its way.
    picture: Option<Rc<Picture>>,
    truth: String,
    says: Vec<Option<Said>>,
    opened: bool,
    dispatch: Callback<Action>,
}

#[component]
fn Cell(props: &CellProps) -> Html {
    let canvas = use_node_ref();
    use_picture(&canvas, props.picture.clone());
    let index = props.index;
    let onclick = props.dispatch.reform(move |_: MouseEvent| Action::OpenFrame(Some(index)));
    let says = props.says.iter().flatten().map(|said| {
        html! {
            <span class={classes!("cell-says", said.colour, said.wrong.then_some("cell-wrong"))}>
                if said.wrong { <span aria-label="wrong">{"✗ "}</span> }{ &said.text }
            </span>
        }
    });
    let size = |of: fn(&Picture) -> usize| props.picture.as_deref().map_or(96, of).to_string();
    html! {
        <li>
            <button type="button" class="grid-cell" data-testid="grid-frame" data-index={index.to_string()}
                aria-pressed={props.opened.to_string()} {onclick}>
                <canvas ref={canvas} width={size(|p| p.width)} height={size(|p| p.height)} aria-hidden="true" />
                <span class="unseen">{ format!("Frame {index}: ") }</span>
                <span class="truth">{ &props.truth }</span>
                { for says }
            </button>
        </li>
    }
}

#[hook]
fn use_picture(canvas: &NodeRef, picture: Option<Rc<Picture>>) {
    use_effect_with((canvas.clone(), picture), |(canvas, picture)| {
        if let (Some(canvas), Some(picture)) = (canvas.cast::<HtmlCanvasElement>(), picture) {
            // A picture that cannot be drawn leaves a blank frame.
            pixels::show(&canvas, picture.width, &picture.rgba).ok();
        }
    });
}

fn form(state: &Snapshot, dispatch: &Callback<Action>) -> Html {
    let filter = &state.grid.filter;
    let answering: Vec<&Variant> = state.answering().collect();
    if answering.is_empty() {
        return html! {
            <p class="hint">
                {"Once something is measured on them, they can be sifted: by class or value, mistakes, and \
                  where two variants disagree."}
            </p>
        };
    }
    let of_values = state.class_of(&answering[0].id, 0).is_none();
    let words = match of_values {
        false => ["all frames", "mistakes of", "disagreement of"],
        true => ["all frames", "largest errors of", "largest change of"],
    };
    let all = [Wanted::All, Wanted::Mistakes, Wanted::Disagreement];
    let wanted = changing(
        filter,
        move |filter: &mut Filter, event: Event| {
            let at = event.target_unchecked_into::<HtmlSelectElement>().selected_index();
            filter.wanted = all.get(at.max(0) as usize).copied().unwrap_or_default();
        },
        Action::SetFilter,
        dispatch,
    );
    let pair = state.filter_pair();
    let choose = |testid: &'static str,
                  name: &'static str,
                  chosen: Option<&Variant>,
                  set: fn(&mut Filter, String)| {
        let onchange = changing(
            filter,
            move |filter: &mut Filter, event: Event| {
                set(filter, event.target_unchecked_into::<HtmlSelectElement>().value());
            },
            Action::SetFilter,
            dispatch,
        );
        let option = |variant: &&Variant| {
            let selected = chosen.is_some_and(|chosen| chosen.id == variant.id);
            html! { <option value={variant.id.clone()} {selected}>{ state.variant_name(variant) }</option> }
        };
        html! {
            <select data-testid={testid} aria-label={name} {onchange}>{ for answering.iter().map(option) }</select>
        }
    };
    let classes = state.frame_labels.as_ref().and_then(|labels| labels.classes.as_ref());
    let count = classes.and_then(|classes| classes.iter().max()).map_or(0, |most| most + 1);
    let by_class = changing(
        filter,
        |filter: &mut Filter, event: Event| {
            filter.label = event.target_unchecked_into::<HtmlSelectElement>().value().parse().ok();
        },
        Action::SetFilter,
        dispatch,
    );
    let class = |class: u16| {
        html! {
            <option value={class.to_string()} selected={filter.label == Some(class)}>
                { state.class_label(class.into()) }
            </option>
        }
    };
    let labelled = state.frame_labels.as_ref().and_then(|l| l.values.first());
    let bound = |end: usize, name: &'static str| {
        let onchange = changing(
            filter,
            move |filter: &mut Filter, event: Event| {
                let text = event.target_unchecked_into::<HtmlInputElement>().value();
                filter.range[end] = text.trim().replace(',', ".").parse().ok();
            },
            Action::SetFilter,
            dispatch,
        );
        let value = filter.range[end].map_or_else(String::new, |bound| bound.to_string());
        html! {
            <input type="text" inputmode="decimal" autocomplete="off" size="6" aria-label={name}
                placeholder={["from", "to"][end]} {value} {onchange} />
        }
    };
    let clear = dispatch.reform(|_: MouseEvent| Action::SetFilter(Filter::default()));
    html! {
        <div class="grid-form">
            <select data-testid="grid-wanted" aria-label="Which frames" onchange={wanted}>
                { for all.iter().zip(words).map(|(wanted, word)| html! {
                    <option selected={*wanted == filter.wanted}>{ word }</option>
                }) }
            </select>
            if filter.wanted != Wanted::All {
                { choose("grid-of", "Of which variant", pair[0], |filter, id| filter.of = Some(id)) }
            }
            if filter.wanted == Wanted::Disagreement {
                {" and "}
                { choose("grid-beside", "And of which", pair[1], |filter, id| filter.beside = Some(id)) }
            }
            if count > 0 {
                <select data-testid="grid-class" aria-label="Of which class" onchange={by_class}>
                    <option value="" selected={filter.label.is_none()}>{"of every class"}</option>
                    { for (0..count).map(class) }
                </select>
            }
            if let Some((name, Some(_))) = labelled {
                <span class="grid-range">{ format!("{name} ") }{ bound(0, "From") }{ bound(1, "To") }</span>
            }
            if let Some((id, said)) = &filter.says {
                <span class="chip">{ format!("{} says {}", state.title(id), state.class_label((*said).into())) }</span>
            }
            if *filter != Filter::default() {
                <button type="button" class="button quiet" data-testid="grid-clear" onclick={clear}>{"All again"}</button>
            }
        </div>
    }
}

/// One frame, large, and what every variant says of it.
fn opened(state: &Snapshot, frames: &[usize], dispatch: &Callback<Action>) -> Html {
    let Some(index) = state.grid.opened else {
        return html! { <p class="opened-none hint">{"Choose a frame to see what every variant says of it."}</p> };
    };
    let at = frames.iter().position(|frame| *frame == index);
    let step = |by: isize, name: &'static str| {
        let other =
            at.and_then(|at| at.checked_add_signed(by)).and_then(|at| frames.get(at)).copied();
        let onclick =
            dispatch.reform(move |_: MouseEvent| Action::OpenFrame(other.or(Some(index))));
        html! {
            <button type="button" class="button quiet" {onclick} disabled={other.is_none()}>{ name }</button>
        }
    };
    let close = dispatch.reform(|_: MouseEvent| Action::OpenFrame(None));
    let variants = state.bench().map(|variants| &variants.all[..]).unwrap_or_default();
    let row = |(place, variant): (usize, &Variant)| {
        let answer = state.grid.answers.get(&variant.id);
        let right = state.grid.pictures.get(&index).and_then(|picture| picture.label);
        let (says, sure, wrong) = match answer {
            None => ("…".to_owned(), String::new(), false),
            Some(answer) if !answer.values.is_empty() => {
                let each = answer.values.iter();
                let each =
                    each.map(|said| format!("{} {}", said.name, significant(said.value.into())));
                (each.collect::<Vec<_>>().join(", "), String::new(), false)
            }
            Some(answer) => {
                let sure = answer.probabilities.get(answer.class).copied().unwrap_or_default();
                let wrong = right.is_some_and(|right| right != answer.class);
                (state.class_label(answer.class), format::whole_percent(sure.into()), wrong)
            }
        };
        html! {
            <tr class={classes!(series(place), wrong.then_some("row-wrong"))} data-testid="opened-answer"
                data-model={variant.id.clone()}>
                <th scope="row">{ state.variant_name(variant) }</th>
                <td>{ if wrong { "✗ " } else { "" } }{ says }</td>
                <td>{ sure }</td>
            </tr>
        }
    };
    let shown = || variants.iter().enumerate().filter(|(_, variant)| !variant.hidden);
    let value = |(place, variant): (usize, &Variant)| {
        Some((place, state.grid.answers.get(&variant.id)?.values.first()?.value))
    };
    let answers: Vec<(usize, f32)> = shown().filter_map(value).collect();
    let picture = state.grid.pictures.get(&index).cloned();
    let truths = picture.as_ref().map(|picture| picture.values.clone()).unwrap_or_default();
    html! {
        <div class="opened-frame" data-testid="opened-frame" data-index={index.to_string()}>
            <div class="opened-picture">
                <Large {picture} />
                if !answers.is_empty() {
                    <Gauge truth={truths.first().copied()} range={state.value_range()} {answers} />
                }
            </div>
            <div class="opened-says">
                <div class="opened-head">
                    <h3>{ format!("Frame {index}: {}", truth(state, index)) }</h3>
                    if truths.len() > 1 {
                        <p class="hint" data-testid="opened-labels">{ format!("labels {}", labels(state, &truths)) }</p>
                    }
                    { step(-1, "Before") }
                    { step(1, "Next") }
                    <button type="button" class="button quiet" data-testid="close-frame" onclick={close}>{"Close"}</button>
                </div>
                <table><tbody>{ for shown().map(row) }</tbody></table>
            </div>
        </div>
    }
}

/// All labels of a frame, by the names of their columns where they have some.
fn labels(state: &Snapshot, values: &[f32]) -> String {
    let loaded = state.validation.loaded.as_ref();
    let columns = loaded.map_or(&[][..], |loaded| &loaded.summary.label_columns);
    if columns.len() != values.len() {
        return format::values(values.iter().copied());
    }
    let named = columns.iter().zip(values).map(|(column, value)| {
        let value = significant(f64::from(*value));
        column.name.as_ref().map_or_else(|| value.clone(), |name| format!("{name} {value}"))
    });
    named.collect::<Vec<_>>().join(", ")
}

#[derive(PartialEq, Properties)]
struct LargeProps {
    picture: Option<Rc<Picture>>,
}

#[component]
fn Large(LargeProps { picture }: &LargeProps) -> Html {
    let canvas = use_node_ref();
    use_picture(&canvas, picture.clone());
    let size = |of: fn(&Picture) -> usize| picture.as_deref().map_or(96, of).to_string();
    html! {
        <canvas ref={canvas} class="large" width={size(|p| p.width)} height={size(|p| p.height)} role="img"
            aria-label="The frame" />
    }
}
