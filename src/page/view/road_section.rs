//! How the chosen network drives at every width.

use yew::prelude::*;

use super::charts::returns::{Returns, words};
use super::props::PageProps;
use super::working::Working;
use crate::page::format;
use crate::page::state::{Action, Point, ROAD_WIDTHS, Step};
use crate::page::words as spoken;

#[component]
pub(super) fn RoadSection(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(network) = state.selected().filter(|network| network.is_float()) else {
        return Html::default();
    };
    let driving = matches!(&state.job, Some(job) if matches!(job.step, Step::Road { .. }));
    let road = state.roads.get(&network.id);
    let start = dispatch.reform(|_: MouseEvent| Action::DriveWidths);
    let row = |point: &Point| {
        let ci95 = point.driven.as_ref().and_then(|driven| driven.ci95);
        let interval =
            ci95.map_or_else(String::new, |[low, high]| format!(" [{low:.0}, {high:.0}]"));
        let mean =
            point.mean().map_or_else(|| "…".to_owned(), |mean| format!("{mean:.1}{interval}"));
        html! {
            <tr data-testid="road-point" data-bits={point.bits.map(|bits| bits.to_string())}
                data-value={point.mean().map(|mean| mean.to_string())}
                data-tracks={point.tracks.len().to_string()}>
                <th scope="row">{ words(point) }</th>
                <td>{ mean }</td>
                <td>{ format!("{} of {}", point.finished(), point.tracks.len()) }</td>
                <td>{ point.top1.map_or_else(|| "–".to_owned(), |(top1, _)| format::percent(top1)) }</td>
            </tr>
        }
    };
    html! {
        <section class="road" aria-label="On the road">
            <div class="section-head">
                <div>
                    <h2>{"On the road, width by width"}</h2>
                    <p class="hint">
                        {"The recipe above at fewer and fewer bits of the weights: what is left of the \
                          accuracy on frames, and what is left of the driving, on ten tracks. They part \
                          sooner than one would think."}
                    </p>
                </div>
                if !driving {
                    <button type="button" class="button" data-testid="drive-widths" onclick={start}
                        disabled={!state.can_analyze()}>{"Drive every width"}</button>
                }
            </div>
            if driving {
                <div class="panel job"><Working state={state.clone()} dispatch={dispatch.clone()} /></div>
            }
            if let Some(road) = road {
                <div class="panel road-found" data-testid="road">
                    <p class="key">
                        <span class="returns-key">{"mean return"}</span>
                        <span class="accuracy-key">{"top-1 on frames"}</span>
                    </p>
                    <Returns points={road.points.clone()} count={ROAD_WIDTHS.len()} />
                    <table class="road-table">
                        <thead>
                            <tr>
                                <th scope="col">{"weights"}</th><th scope="col">{"mean return"}</th>
                                <th scope="col">{"laps finished"}</th><th scope="col">{"top-1"}</th>
                            </tr>
                        </thead>
                        <tbody>{ for road.points.iter().map(row) }</tbody>
                    </table>
                    <p class="hint">{ format!("Made by: {}.", spoken::recipe(&road.recipe)) }</p>
                </div>
            }
        </section>
    }
}
