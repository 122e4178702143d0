//! The values of a network over the frames.

use std::rc::Rc;

use yew::prelude::*;

use crate::page::state::{Action, Comparison};
use crate::page::value_frames::worst;
use crate::page::view::charts::value_differences::ValueDifferences;
use crate::page::view::charts::value_line::ValueLine;
use crate::page::view::charts::value_scatter::ValueScatter;
use crate::vocabulary::report::Series;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct ValuesSectionProps {
    pub(in crate::page::view) comparison: Rc<Comparison>,
    pub(in crate::page::view) dispatch: Callback<Action>,
}

#[component]
pub(in crate::page::view) fn ValuesSection(
    ValuesSectionProps { comparison, dispatch }: &ValuesSectionProps,
) -> Html {
    let open = dispatch.reform(|frame: usize| Action::OpenFrame(Some(frame)));
    let part = |values: &Rc<Series>| {
        let last = comparison.reports.last().map_or("", |report| &report.variant);
        let onclick = {
            let (values, last) = (values.clone(), last.to_owned());
            dispatch.reform(move |_: MouseEvent| {
                let frames = worst(&values);
                let what = if values.labels.is_some() { "errors" } else { "moves" };
                let reason =
                    format!("The {} largest {what} of {last} in {}", frames.len(), values.title());
                Action::ShowFrames { frames, reason }
            })
        };
        html! {
            <div class="panel values" data-testid="values" data-name={values.name.clone()}>
                <div class="values-head">
                    <h3>{ format!("{} over the frames", values.title()) }</h3>
                    <p class="key">
                        if values.labels.is_some() { <span class="truth-key">{"right"}</span> }
                        { for comparison.reports.iter().enumerate().map(|(i, report)| html! {
                            <span class={crate::page::view::charts::series(i)}>{ &report.variant }</span>
                        }) }
                    </p>
                    <button type="button" class="button quiet" data-testid="show-worst" {onclick}>
                        { if values.labels.is_some() { "Show the worst frames" } else { "Show where it moved most" } }
                    </button>
                </div>
                <ValueLine values={values.clone()} open={open.clone()} />
                <div class="value-figures">
                    <ValueScatter values={values.clone()} open={open.clone()} />
                    <ValueDifferences values={values.clone()} />
                </div>
            </div>
        }
    };
    html! { <>{ for comparison.series.iter().map(part) }</> }
}
