//! Why int8 is as fast as it is: layer by layer, and what computes it.

use std::rc::Rc;

use yew::prelude::*;

use super::time_table::TimeTable;
use crate::page::layer_times;
use crate::page::state::{Comparison, Made};
use crate::page::view::layers::left_in_float::LeftInFloatList;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct TimeSectionProps {
    pub(in crate::page::view) comparison: Rc<Comparison>,
    /// The network that was made here, if the comparison is about it.
    pub(in crate::page::view) made: Option<Rc<Made>>,
}

#[component]
pub(in crate::page::view) fn TimeSection(
    TimeSectionProps { comparison, made }: &TimeSectionProps,
) -> Html {
    let Some(last) = comparison.reports.last().filter(|report| !report.profile.is_empty()) else {
        return Html::default();
    };
    // Who quantized it knows more about the reasons than the file.
    let left = made.as_ref().map_or(&last.left_in_float, |made| &made.summary.left_in_float);
    html! {
        <div class="times">
            <div class="section-head">
                <div>
                    <h2>{"Where the time goes"}</h2>
                    <p class="hint" data-testid="kernels" data-value={last.kernels.clone()}>
                        {"Computed by the "}<b>{ &last.kernels }</b>{" kernels. "}
                        { ceiling(&last.kernels) }
                        {"Operators are timed one by one, apart from the latency above, so the sum \
                          differs a little from it."}
                    </p>
                </div>
            </div>
            <div class="panel times-panel">
                <TimeTable comparison={comparison.clone()} />
                if last.variant != "float" {
                    <LeftInFloatList nodes={left.clone()} />
                }
            </div>
        </div>
    }
}

fn ceiling(kernels: &str) -> Option<String> {
    let times = layer_times::ceiling(kernels)?;
    Some(format!(
        "WebAssembly has no instruction that multiplies and sums bytes exactly, so integers are \
         widened to 16 bits: where both compute at their peak, int8 is about {times} times as fast \
         as float in the same engine, not four times. Layers that other things than arithmetic hold \
         up, such as Gemm on one frame, may gain more. "
    ))
}
