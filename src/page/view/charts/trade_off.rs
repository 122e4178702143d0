//! Score against cost: a point per variant with its interval, the front that nothing beats, and faintly
//! what a search has tried.

use web_sys::{HtmlSelectElement, KeyboardEvent};
use yew::prelude::*;

use super::scale::Scale;
use super::series;
use crate::figures::significant;
use crate::page::format;
use crate::page::state::Action;
use crate::page::trade_off::{Cost, Scored, Spot, Won, scored, spots};
use crate::page::view::props::PageProps;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const BELOW: f64 = 34.0;
const AIR: f64 = 16.0;

#[component]
pub(in crate::page::view) fn TradeOff(PageProps { state, dispatch }: &PageProps) -> Html {
    let won = use_state_eq(Won::default);
    let cost = use_state_eq(Cost::default);
    // What the pointer or the keyboard is at.
    let pointed = use_state_eq(|| None::<usize>);
    let columns = state.columns();
    if columns.iter().filter(|column| column.report.is_some()).count() < 2 {
        return Html::default();
    }
    let bench = state.selected.as_deref().map(|id| state.bench_of(id)).unwrap_or_default();
    let search = state.searches.get(&bench);
    let trials = search.map(|search| &search.trials[..]).unwrap_or_default();
    let network = state.inspection(&bench).map(|inspection| &**inspection);
    let scored = scored(&columns, *won);
    let spots = spots(&columns, (trials, network), (*won, *cost));
    let places: Vec<usize> = columns.iter().map(|column| place(state, column.id)).collect();
    let open: Vec<Callback<()>> = spots
        .iter()
        .map(|spot| {
            let action = match spot.is_trial {
                true => Action::SetRecipe(Box::new(trials[spot.at].recipe.clone())),
                false => Action::OpenVariant(columns[spot.at].id.to_owned()),
            };
            dispatch.reform(move |()| action.clone())
        })
        .collect();
    let axes = Axes::of(&spots, *cost);
    // What a search has tried lies below.
    let trials_first = spots.iter().enumerate().filter(|(_, spot)| spot.is_trial);
    let variants_last = spots.iter().enumerate().filter(|(_, spot)| !spot.is_trial);
    let marks = trials_first.chain(variants_last).map(|(at, spot)| {
        let colour = if spot.is_trial { "faint" } else { series(places[spot.at]) };
        mark(spot, &axes, (colour, scored, *cost), &open[at], {
            let pointed = pointed.clone();
            Callback::from(move |is: bool| pointed.set(is.then_some(at)))
        })
    });
    let told = pointed.and_then(|at| spots.get(at));
    let told = told.map_or_else(
        || "Point at a mark to name it; click it to open its recipe.".to_owned(),
        |spot| format!("{}: {}", spot.name, says(spot, scored, *cost)),
    );
    let choose_won = {
        let won = won.clone();
        Callback::from(move |event: Event| {
            let at = event.target_unchecked_into::<HtmlSelectElement>().selected_index();
            won.set(if at == 1 { Won::Return } else { Won::Score });
        })
    };
    let choose_cost = {
        let cost = cost.clone();
        Callback::from(move |event: Event| {
            let at = event.target_unchecked_into::<HtmlSelectElement>().selected_index();
            cost.set(Cost::ALL.get(at.max(0) as usize).copied().unwrap_or_default());
        })
    };
    let cost_option = |other: &Cost| {
        html! { <option selected={*other == *cost}>{ cost_name(*other) }</option> }
    };
    html! {
        <figure class="panel trade-off" data-testid="trade-off" data-value={spots.len().to_string()}>
            <figcaption>
                <h2>{"What it wins, and what it costs"}</h2>
                <select data-testid="trade-off-won" aria-label="What is won" onchange={choose_won}>
                    <option selected={*won == Won::Score}>
                        { if scored == Scored::Error { "Error" } else { "Accuracy" } }
                    </option>
                    <option selected={*won == Won::Return}>{"Return on the road"}</option>
                </select>
                {" against "}
                <select data-testid="trade-off-cost" aria-label="What it costs" onchange={choose_cost}>
                    { for Cost::ALL.iter().map(cost_option) }
                </select>
            </figcaption>
            if spots.is_empty() {
                <p class="hint">{"Nothing of this was measured yet. Let them drive, or measure all."}</p>
            } else {
                <svg viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="group"
                    aria-label={format!("{} against {}", won_name(scored), cost_name(*cost))}>
                    { axes.draw(scored, *cost) }
                    <path class="front" d={front(&spots, &axes)} />
                    { for marks }
                </svg>
                <p class="trade-off-told hint" aria-live="polite">{ told }</p>
                { twin(&spots, scored, *cost) }
            }
        </figure>
    }
}

fn place(state: &crate::page::view::props::Snapshot, id: &str) -> usize {
    let all = state.bench().map(|variants| &variants.all[..]).unwrap_or_default();
    all.iter().position(|variant| variant.id == id).unwrap_or_default()
}

fn cost_name(cost: Cost) -> &'static str {
    match cost {
        Cost::Latency => "latency",
        Cost::Bytes => "size of the file",
        Cost::Bops => "BOPs",
        Cost::Bits => "bits of a weight",
    }
}

fn won_name(scored: Scored) -> &'static str {
    match scored {
        Scored::Accuracy => "Top-1 accuracy",
        Scored::Error => "Mean absolute error",
        Scored::Return => "Mean return",
    }
}

fn read_cost(cost: Cost, value: f64) -> String {
    match cost {
        Cost::Latency => format::ms(value),
        Cost::Bytes => format::bytes(value as usize),
        Cost::Bops => format::count(value as u64),
        Cost::Bits => format!("{value:.1} bits"),
    }
}

fn read_won(scored: Scored, value: f64) -> String {
    match scored {
        Scored::Accuracy => format::percent(value),
        Scored::Error => significant(value),
        Scored::Return => format!("{value:.0}"),
    }
}

fn says(spot: &Spot, scored: Scored, cost: Cost) -> String {
    let interval = spot.won_interval.map(|ends| ends.map(|end| read_won(scored, end)));
    let interval = interval.map_or_else(String::new, |[low, high]| format!(" ({low} to {high})"));
    format!("{}{interval} at {}", read_won(scored, spot.won), read_cost(cost, spot.cost))
}

/// Costs of which one is many times another are apart by their ratio.
struct Axes {
    across: Scale,
    up: Scale,
    by_ratio: bool,
}

impl Axes {
    fn of(spots: &[Spot], cost: Cost) -> Self {
        let by_ratio = cost != Cost::Latency;
        let along = |value: f64| if by_ratio { value.max(f64::MIN_POSITIVE).ln() } else { value };
        let costs = spots.iter().flat_map(|s| s.cost_interval.unwrap_or([s.cost; 2])).map(along);
        let scores = spots.iter().flat_map(|s| s.won_interval.unwrap_or([s.won; 2]));
        Self {
            across: airy(costs, WIDTH - LEFT - AIR),
            up: airy(scores, HEIGHT - BELOW - AIR),
            by_ratio,
        }
    }

    fn x(&self, cost: f64) -> f64 {
        let along = if self.by_ratio { cost.max(f64::MIN_POSITIVE).ln() } else { cost };
        LEFT + self.across.at(along)
    }

    fn y(&self, won: f64) -> f64 {
        HEIGHT - BELOW - self.up.at(won)
    }

    fn draw(&self, scored: Scored, cost: Cost) -> Html {
        let floor = HEIGHT - BELOW;
        let share = |scale: &Scale, share: f64| scale.low + (scale.high - scale.low) * share;
        let across = [0.1, 0.5, 0.9].map(|at| {
            let along = share(&self.across, at);
            let value = if self.by_ratio { along.exp() } else { along };
            html! {
                <text class="tick-across" x={format!("{:.1}", self.x(value))}
                    y={(floor + 18.0).to_string()}>{ read_cost(cost, value) }</text>
            }
        });
        let up = [0.1, 0.5, 0.9].map(|at| {
            let value = share(&self.up, at);
            html! {
                <text class="tick-up" x={(LEFT - 8.0).to_string()}
                    y={format!("{:.1}", self.y(value) + 4.0)}>{ read_won(scored, value) }</text>
            }
        });
        html! {
            <g aria-hidden="true">
                <path class="axis" d={format!("M{LEFT} {AIR} V{floor} H{}", WIDTH - AIR)} fill="none" />
                { for across }
                { for up }
            </g>
        }
    }
}

/// All values and some air, also around a single one.
fn airy(values: impl Iterator<Item = f64>, width: f64) -> Scale {
    let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    });
    let air = 0.08 * (high - low).max(0.02 * high.abs()).max(1e-9);
    Scale { low: low - air, high: high + air, width }
}

/// Steps from one point of the front to the next.
fn front(spots: &[Spot], axes: &Axes) -> String {
    let mut on: Vec<&Spot> = spots.iter().filter(|spot| spot.on_front).collect();
    on.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    let mut path = String::new();
    for spot in on {
        let (x, y) = (axes.x(spot.cost), axes.y(spot.won));
        path += &match path.is_empty() {
            true => format!("M{x:.1} {y:.1}"),
            false => format!("H{x:.1} V{y:.1}"),
        };
    }
    path
}

fn mark(
    spot: &Spot,
    axes: &Axes,
    (colour, scored, cost): (&'static str, Scored, Cost),
    open: &Callback<()>,
    point: Callback<bool>,
) -> Html {
    let (x, y) = (axes.x(spot.cost), axes.y(spot.won));
    let cost_line = spot.cost_interval.map(|ends| {
        let [low, high] = ends.map(|end| axes.x(end));
        format!("M{low:.1} {y:.1} H{high:.1}")
    });
    let won_line = spot.won_interval.map(|ends| {
        let [low, high] = ends.map(|end| axes.y(end));
        format!("M{x:.1} {low:.1} V{high:.1}")
    });
    let onclick = open.reform(|_: MouseEvent| ());
    let onkeydown = {
        let open = open.clone();
        Callback::from(move |event: KeyboardEvent| {
            if matches!(&*event.key(), "Enter" | " ") {
                event.prevent_default();
                open.emit(());
            }
        })
    };
    let [enter, leave] = [true, false].map(|is| point.reform(move |_: MouseEvent| is));
    let [focus, blur] = [true, false].map(|is| point.reform(move |_: FocusEvent| is));
    let label = format!("{}: {}", spot.name, says(spot, scored, cost));
    // What a search has tried is in its own table, where the keyboard finds it.
    let tabindex = (!spot.is_trial).then_some("0");
    html! {
        <g class={classes!("spot", colour, spot.on_front.then_some("on-front"))} role="button"
            {tabindex} aria-label={label.clone()} {onclick} {onkeydown} onmouseenter={enter}
            onmouseleave={leave} onfocus={focus} onblur={blur} data-testid={if spot.is_trial { "trial-spot" } else { "spot" }}>
            <title>{ label }</title>
            { for [cost_line, won_line].into_iter().flatten().map(|d| html! { <path class="interval" {d} /> }) }
            <circle class="point" cx={format!("{x:.1}")} cy={format!("{y:.1}")}
                r={if spot.is_trial { "3.5" } else { "6.5" }} />
        </g>
    }
}

/// The same to be read.
fn twin(spots: &[Spot], scored: Scored, cost: Cost) -> Html {
    let row = |spot: &Spot| {
        html! {
            <tr>
                <th scope="row">{ &spot.name }</th>
                <td>{ read_won(scored, spot.won) }</td>
                <td>{ read_cost(cost, spot.cost) }</td>
                <td>{ if spot.on_front { "yes" } else { "no" } }</td>
            </tr>
        }
    };
    html! {
        <details class="twin">
            <summary>{"As a table"}</summary>
            <div class="scroller" tabindex="0" role="region" aria-label="The chart as a table">
                <table>
                    <thead><tr>
                        <th scope="col">{"Variant"}</th>
                        <th scope="col">{ won_name(scored) }</th>
                        <th scope="col">{ cost_name(cost) }</th>
                        <th scope="col">{"Beaten by none"}</th>
                    </tr></thead>
                    <tbody>{ for spots.iter().filter(|spot| !spot.is_trial).map(row) }</tbody>
                </table>
            </div>
        </details>
    }
}
