//! How the chosen network drives, and what is made of it.

use yew::prelude::*;

use crate::page::format;
use crate::page::state::{Action, Point, Road, STILL, State, Step, Subject};
use crate::page::view::around::explain::words as explain;
use crate::page::view::charts::returns::{Returns, short};
use crate::page::view::props::PageProps;
use crate::report::words as spoken;
use crate::vocabulary::recipe::Recipe;

/// Less is within what ten tracks can tell.
const APART: f64 = 0.1;

#[component]
pub(in crate::page::view) fn RoadSection(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(network) = state.selected().filter(|network| network.is_float()) else {
        return Html::default();
    };
    let driving = matches!(&state.job, Some(job) if matches!(job.step, Step::Road { .. }));
    let road = state.roads.get(&network.id).filter(|road| !road.points.is_empty());
    let start = dispatch.reform(|_: MouseEvent| Action::DriveWidths);
    let drives = state.drives_here();
    let disabled = !state.can_analyze() || !drives;
    let other = |(name, subject): (String, Subject)| {
        let onclick = dispatch.reform(move |_: MouseEvent| Action::DriveSubject(subject.clone()));
        html! {
            <button type="button" class="button quiet" data-testid="drive-subject" {onclick} {disabled}>
                { format!("Drive {name}") }
            </button>
        }
    };
    html! {
        <section class="road" aria-label="On the road">
            <div class="section-head">
                <div>
                    <h2>{"On the road, width by width"}</h2>
                    <p class="hint">
                        { format!("How few bits still drive? The chosen recipe at fewer and fewer bits of the weights: \
                          what is left of the accuracy on frames, and what is left of the driving, on ten \
                          tracks each: some minutes for all. It still drives as long as {} of float's return is \
                          left. What else was made of the network, or tried by a search, can be driven beside them.",
                          format::whole_percent(STILL)) }
                    </p>
                    { explain(&["return", "accuracy"]) }
                </div>
                if !driving {
                    <div class="buttons">
                        <button type="button" class="button" data-testid="drive-widths" onclick={start}
                            {disabled}>{"Drive every width"}</button>
                        { for state.to_be_driven().into_iter().map(other) }
                    </div>
                }
            </div>
            if !drives {
                <p class="hint">
                    { format!("{} does not drive the car of this page; why is said where the cars are.",
                        network.title) }
                </p>
            }
            if let Some(road) = road {
                <div class="panel road-found" data-testid="road">
                    if let Some(fewest) = fewest(road, driving) {
                        <p class="parting" data-testid="fewest" role="status">{ fewest }</p>
                    }
                    <p class="parting" data-testid="parting" role="status">{ parting(state, road) }</p>
                    <p class="key">
                        <span class="returns-key">{"mean return"}</span>
                        <span class="accuracy-key">{"top-1 on frames"}</span>
                    </p>
                    <Returns road={road.clone()} />
                    <div class="scroller" tabindex="0" role="region" aria-label="Return and accuracy">
                        <table class="road-table">
                            <thead>
                                <tr>
                                    <th scope="col">{"driven"}</th><th scope="col">{"mean return"}</th>
                                    <th scope="col">{"laps finished"}</th><th scope="col">{"top-1"}</th>
                                    <th scope="col"><span class="unseen">{"Use it"}</span></th>
                                </tr>
                            </thead>
                            <tbody>{ for (0..road.points.len()).map(|at| row(state, dispatch, road, at)) }</tbody>
                        </table>
                    </div>
                    { for made_by(road).map(|words| html! { <p class="hint">{ words }</p> }) }
                </div>
            }
        </section>
    }
}

fn row(state: &State, dispatch: &Callback<Action>, road: &Road, at: usize) -> Html {
    let point = &road.points[at];
    let ci95 = point.driven.as_ref().and_then(|driven| driven.ci95);
    let interval = ci95.map_or_else(String::new, |[low, high]| format!(" [{low:.0}, {high:.0}]"));
    let mean = point.mean().map_or_else(|| "…".to_owned(), |mean| format!("{mean:.1}{interval}"));
    let is_apart = road.left(point).is_some_and(|left| left.accuracy - left.returns > APART);
    let bits = match &point.subject {
        Subject::Width { bits, .. } => Some(bits.to_string()),
        _ => None,
    };
    let recipe = match &point.subject {
        Subject::Width { recipe, .. } | Subject::Tried { recipe, .. } => Some(recipe),
        Subject::Float | Subject::Made(_) => None,
    };
    let name = name(state, road, at);
    html! {
        <tr class={classes!(is_apart.then_some("apart"))} data-testid="road-point" data-bits={bits}
            data-value={point.mean().map(|mean| mean.to_string())}
            data-tracks={point.tracks.len().to_string()}>
            <th scope="row">{ &name }</th>
            <td>{ mean }</td>
            <td>{ format!("{} of {}", point.finished(), point.tracks.len()) }</td>
            <td>{ point.top1.map_or_else(|| "–".to_owned(), |(top1, _)| format::percent(top1)) }</td>
            <td>{ for recipe.map(|recipe| use_button(state, dispatch, recipe, &name)) }</td>
        </tr>
    }
}

/// Makes the file that has driven so, and measures it.
fn use_button(state: &State, dispatch: &Callback<Action>, recipe: &Recipe, name: &str) -> Html {
    let recipe = Box::new(recipe.clone());
    let onclick = dispatch.reform(move |_: MouseEvent| Action::UseRecipe(recipe.clone()));
    html! {
        <button type="button" class="button quiet" data-testid="use-driven" {onclick}
            disabled={state.job.is_some()} aria-label={format!("Make the file: {name}")}>{"Make"}</button>
    }
}

fn name(state: &State, road: &Road, at: usize) -> String {
    let Point { subject, .. } = &road.points[at];
    let short = short(&road.points, at, subject);
    match subject {
        Subject::Float | Subject::Width { .. } => short,
        Subject::Tried { what, .. } => format!("{short}: {what}"),
        Subject::Made(id) => format!("{short}: {}", state.title(id)),
    }
}

/// The fewest bits that still drive, in a sentence; `None` before a width has driven.
fn fewest(road: &Road, driving: bool) -> Option<String> {
    let so_far = if driving { " so far" } else { "" };
    let still = format::whole_percent(STILL);
    let mut widths = road.points.iter().filter_map(|point| match point.subject {
        Subject::Width { bits, .. } => Some((bits, road.left(point)?)),
        _ => None,
    });
    match road.fewest() {
        Some((bits, left)) => Some(format!(
            "{bits} bits are the fewest{so_far} that still drive: {} of float's return is left, and {still} \
             or more at every width above.",
            format::whole_percent(left.returns)
        )),
        None => widths.next().map(|(bits, left)| {
            let left = format::whole_percent(left.returns);
            format!("With {bits} bits {left} of float's return is left: less than {still}.")
        }),
    }
}

/// Where accuracy and return part, in a sentence.
fn parting(state: &State, road: &Road) -> String {
    let Some((point, left)) = road.parting() else { return String::new() };
    let at = road.points.iter().position(|other| other == point).unwrap_or(0);
    let [accuracy, returns] = [left.accuracy, left.returns].map(format::whole_percent);
    let name = name(state, road, at);
    let of = format!("{accuracy} of float's accuracy and {returns} of its return are left");
    match left.accuracy - left.returns > APART {
        true => format!("They part most at {name}: {of}."),
        false => format!("They do not part: at {name} {of}."),
    }
}

fn made_by(road: &Road) -> Option<String> {
    road.points.iter().find_map(|point| match &point.subject {
        Subject::Width { recipe, .. } => {
            let recipe =
                Recipe { weight_bits: Recipe::default().weight_bits, ..Recipe::clone(recipe) };
            Some(format!(
                "Apart from the bits, the widths are made by: {}.",
                spoken::recipe(&recipe)
            ))
        }
        _ => None,
    })
}
