//! The values of a network over the frames.

use std::rc::Rc;

use yew::prelude::*;

use crate::page::state::{Action, Comparison};
use crate::page::view::charts::value_differences::ValueDifferences;
use crate::page::view::charts::value_line::ValueLine;
use crate::page::view::charts::value_scatter::ValueScatter;
use crate::vocabulary::report::Series;

/// Frames that are shown where the networks are farthest from what is right.
const WORST: usize = 10;

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
        let onclick = {
            let values = values.clone();
            dispatch.reform(move |_: MouseEvent| Action::ShowFrames(worst(&values)))
        };
        html! {
            <div class="panel values" data-testid="values" data-name={values.name.clone()}>
                <div class="values-head">
                    <h3>{ format!("{} over the frames", values.name) }</h3>
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

/// The frames on which the last network is farthest from the label, or without labels from the first
/// network, the worst first.
fn worst(values: &Series) -> Vec<usize> {
    let (Some(last), Some(first)) = (values.answers.last(), values.answers.first()) else {
        return Vec::new();
    };
    let right = values.labels.as_ref().unwrap_or(first);
    let mut frames: Vec<(usize, f32)> =
        last.iter().zip(right).map(|(own, right)| (own - right).abs()).enumerate().collect();
    frames.sort_by(|a, b| b.1.total_cmp(&a.1));
    frames.into_iter().take(WORST).map(|(frame, _)| frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_frames_are_farthest_from_what_is_right() {
        let answers = vec![vec![0.0, 0.0, 0.0], vec![0.0, 2.0, -1.0]];
        let mut values = Series { name: "angle".into(), labels: None, answers };
        assert_eq!(worst(&values), [1, 2, 0]);
        values.labels = Some(vec![0.5, 2.0, 2.0]);
        assert_eq!(worst(&values), [2, 0, 1]);
    }
}
