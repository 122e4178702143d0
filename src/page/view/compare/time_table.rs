//! A row per layer with the time of each network, then all the rest, and the whole.

use std::rc::Rc;

use yew::prelude::*;

use super::sort_heading::{Heading, sort_heading};
use crate::page::format;
use crate::page::layer_times::{Column, LayerTimes, Share, speedup};
use crate::page::sorting::Sorting;
use crate::page::state::Comparison;
use crate::page::view::charts::series;
use crate::page::view::charts::time_bars::TimeBars;

/// A layer that gains less than this is called slower: what is lost is more than the noise.
const SLOWER: f64 = 0.97;
/// Unless it takes less than this share of the longest one's time.
const FELT: f64 = 0.01;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct TimeTableProps {
    pub(in crate::page::view) comparison: Rc<Comparison>,
}

struct Row<'a> {
    testid: &'static str,
    name: Html,
    node: Option<&'a str>,
    macs: u64,
    /// Of every network.
    shares: Vec<Option<&'a Share>>,
    speedup: Option<f64>,
    /// What a bar as long as the picture stands for; the whole has no picture and no operators.
    longest: Option<f64>,
}

#[component]
pub(in crate::page::view) fn TimeTable(TimeTableProps { comparison }: &TimeTableProps) -> Html {
    let sorting = use_state(Sorting::<Column>::default);
    let reports = &comparison.reports;
    let profiles: Vec<_> = reports.iter().map(|report| &report.profile[..]).collect();
    let times = LayerTimes::of(&profiles);
    let longest = Some(times.longest_ms());
    let head = |heading: Heading<'_, Column>| sort_heading(&heading, &sorting, 2);
    let of_networks = |column: fn(usize) -> Column, key: &str, says: &str| {
        let cell = |i: usize| {
            let testid = format!("sort-time-{key}-{i}");
            let heading = Heading::new(column(i), &testid, &reports[i].variant, says);
            sort_heading(&heading, &sorting, 1)
        };
        (0..reports.len()).map(cell).collect::<Html>()
    };
    let layers = times.order(*sorting).into_iter().map(|at| {
        let layer = &times.layers[at];
        let name = html! { <code>{ &layer.node }</code> };
        let shares = layer.shares.iter().map(Option::as_ref).collect();
        let (macs, speedup) = (layer.macs(), layer.speedup());
        let node = Some(&*layer.node);
        row(&Row { testid: "layer-time", name, node, macs, shares, speedup, longest }, comparison)
    });
    let sum = |testid, name: Html, sums: &[Share], longest| {
        let macs = sums.first().map_or(0, |share| share.macs);
        let speedup = match sums {
            [first, .., last] => speedup(first, last),
            _ => None,
        };
        let shares = sums.iter().map(Some).collect();
        row(&Row { testid, name, node: None, macs, shares, speedup, longest }, comparison)
    };
    let rest = html! {
        <>{"Everything else"}<span class="row-note">{"moves or maps elements"}</span></>
    };
    let colspan = reports.len().to_string();
    html! {
        <div class="scroller" tabindex="0" role="region" aria-label="Layers and their times">
            <table class="layers" data-testid="times" data-value={times.layers.len().to_string()}>
                <thead>
                    <tr>
                        { head(Heading::new(Column::Node, "sort-time-node", "Layer", "the node that makes it")) }
                        <th scope="colgroup" {colspan} class="span">{"Milliseconds"}</th>
                        { head(Heading::new(Column::Speedup, "sort-time-speedup", "Speed-up", "how many times as fast it is")) }
                        { head(Heading::new(Column::Macs, "sort-time-macs", "MACs", "multiply-accumulates per frame")) }
                        <th scope="colgroup" colspan={reports.len().to_string()} class="span">{"GMAC/s"}</th>
                        <th scope="col" rowspan="2">{"Runs as"}</th>
                    </tr>
                    <tr>
                        { of_networks(Column::Ms, "ms", "milliseconds per frame") }
                        { of_networks(Column::Gmacs, "gmacs", "multiply-accumulates per second") }
                    </tr>
                </thead>
                <tbody>{ for layers }</tbody>
                <tbody class="sums">
                    { sum("time-rest", rest, &times.rest, longest) }
                    { sum("time-total", html! { {"Total"} }, &times.total, None) }
                </tbody>
            </table>
        </div>
    }
}

fn row(row: &Row<'_>, comparison: &Comparison) -> Html {
    let Row { testid, name, node, macs, shares, speedup, longest } = row;
    let cell = |testid: &'static str, i: usize, figure: Option<f64>| match figure {
        Some(figure) => html! {
            <td class={classes!("time-of", series(i))} data-testid={testid} data-model={comparison.models[i].clone()}
                data-value={figure.to_string()}>
                // Too short for the browser's clock, in hundreds of runs.
                { if figure > 0.0 { format::three_digits(figure) } else { "≈ 0".to_owned() } }
            </td>
        },
        None => html! { <td class="nothing">{"–"}</td> },
    };
    let cells = |testid: &'static str, figure: fn(&Share) -> Option<f64>| {
        let of_network =
            |(i, share): (usize, &Option<&Share>)| cell(testid, i, share.and_then(figure));
        shares.iter().enumerate().map(of_network).collect::<Html>()
    };
    // What takes next to no time may be slower.
    let felt = longest
        .is_none_or(|longest| shares.iter().flatten().any(|share| share.ms > FELT * longest));
    let slower = felt && speedup.is_some_and(|speedup| speedup < SLOWER);
    html! {
        <tr class={classes!(slower.then_some("slower"))} data-testid={*testid}
            data-node={node.map(str::to_owned)}>
            <th scope="row" class="time-node">{ name.clone() }</th>
            { cells("time-ms", |share| Some(share.ms)) }
            <td class="speedup" data-testid="time-speedup"
                data-value={speedup.map(|speedup| speedup.to_string())}>
                { speedup.map_or("–".to_owned(), format::times) }
                if slower {
                    <span class="layer-note">{"slower"}</span>
                }
                if let Some(longest) = *longest {
                    <TimeBars ms={shares.iter().map(|share| share.map(|share| share.ms)).collect::<Vec<_>>()}
                        {longest} />
                }
            </td>
            <td>{ if *macs > 0 { format::count(*macs) } else { "–".to_owned() } }</td>
            { cells("time-gmacs", Share::gmacs) }
            <td class="operators">{ longest.map(|_| operators(shares)) }</td>
        </tr>
    }
}

/// `Conv → QLinearConv`.
fn operators(shares: &[Option<&Share>]) -> String {
    let of_network = |share: &Option<&Share>| match share {
        Some(share) if !share.operators.is_empty() => share.operators.join(", "),
        _ => "–".to_owned(),
    };
    let mut operators: Vec<String> = shares.iter().map(of_network).collect();
    operators.dedup();
    operators.join(" → ")
}
