//! The layers and what quantizing each one does; a click tells a layer something else.

use std::rc::Rc;

use yew::prelude::*;

use super::layer_row::LayerRow;
use crate::page::layer_order::{Column, order};
use crate::page::sorting::Sorting;
use crate::page::state::{Action, Explained};
use crate::page::view::around::explain::words;
use crate::page::view::compare::sort_heading::{Heading, sort_heading};
use crate::page::view::props::Snapshot;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct LayerTableProps {
    pub(in crate::page::view) explained: Rc<Explained>,
    pub(in crate::page::view) state: Snapshot,
    pub(in crate::page::view) dispatch: Callback<Action>,
}

const BEFORE: [Heading<'static, Column>; 5] = [
    Heading::new(Column::Node, "sort-node", "Layer", "the node that makes it"),
    Heading::new(Column::Op, "sort-op", "Op", "its operator"),
    Heading::new(Column::WeightBits, "sort-weight-bits", "Bits", "bits of its weights"),
    Heading::new(Column::Macs, "sort-macs", "MACs", "multiply-accumulates per frame"),
    Heading::new(Column::Sqnr, "sort-sqnr", "SQNR", "signal to quantization noise of its output"),
];

const EFFECTS: [Heading<'static, Column>; 6] = [
    Heading::new(Column::QuantizedTop1, "sort-quantized-top1", "top-1", "points against float"),
    Heading::new(
        Column::QuantizedAgreement,
        "sort-quantized-agreement",
        "agrees",
        "frames with the float network's answer",
    ),
    Heading::new(
        Column::QuantizedError,
        "sort-quantized-error",
        "error",
        "mean squared difference of the logits",
    ),
    Heading::new(Column::FloatTop1, "sort-float-top1", "top-1", "points against all quantized"),
    Heading::new(
        Column::FloatAgreement,
        "sort-float-agreement",
        "agrees",
        "frames with the float network's answer",
    ),
    Heading::new(
        Column::FloatError,
        "sort-float-error",
        "error",
        "mean squared difference of the logits",
    ),
];

/// The same where the outputs are no classes.
const OF_VALUES: [Heading<'static, Column>; 6] = [
    Heading::new(Column::QuantizedTop1, "sort-quantized-mae", "MAE", "the error less float's"),
    Heading::new(
        Column::QuantizedAgreement,
        "sort-quantized-max",
        "at most",
        "the largest distance from the float network's numbers",
    ),
    EFFECTS[2],
    Heading::new(Column::FloatTop1, "sort-float-mae", "MAE", "the error less float's"),
    Heading::new(
        Column::FloatAgreement,
        "sort-float-max",
        "at most",
        "the largest distance from the float network's numbers",
    ),
    EFFECTS[5],
];

const DEAD: Heading<'static, Column> = Heading::new(
    Column::DeadChannels,
    "sort-dead",
    "Dead",
    "output channels that are the same on every calibration frame",
);

#[component]
pub(in crate::page::view) fn LayerTable(
    LayerTableProps { explained, state, dispatch }: &LayerTableProps,
) -> Html {
    let sorting = use_state(Sorting::<Column>::default);
    let head =
        |heading: &Heading<'static, Column>, rows: usize| sort_heading(heading, &sorting, rows);
    let row = |(position, at): (usize, usize)| {
        let layer = &explained.analysis.layers[at];
        html! {
            <LayerRow key={layer.node.clone()} explained={explained.clone()} {at} {position}
                state={state.clone()} dispatch={dispatch.clone()} />
        }
    };
    let by_class = explained.analysis.quantized.agreement.is_some();
    let effects = if by_class { &EFFECTS } else { &OF_VALUES };
    let places = order(&explained.analysis, *sorting);
    html! {
        <div class="panel layers-panel">
            <h3>{"Layers"}</h3>
            <p class="hint">
                {"Every heading sorts. Keeping a layer in float, or giving it other bits, quantizes \
                  and measures again."}
            </p>
            { words(if by_class { &["from-float", "agreement", "bops"] } else { &["from-float", "bops"] }) }
            <div class="scroller" tabindex="0" role="region" aria-label="Layers">
                <table class="layers" data-testid="layers">
                    <thead>
                        <tr>
                            { for BEFORE.iter().map(|heading| head(heading, 2)) }
                            <th scope="col" rowspan="2">{"Weights"}</th>
                            <th scope="col" rowspan="2">{"Result"}</th>
                            <th scope="colgroup" colspan="3" class="span">{"Only this quantized"}</th>
                            <th scope="colgroup" colspan="3" class="span">{"Only this float"}</th>
                            { head(&DEAD, 2) }
                            <th scope="col" rowspan="2">{"Recipe"}</th>
                        </tr>
                        <tr>{ for effects.iter().map(|heading| head(heading, 1)) }</tr>
                    </thead>
                    { for places.into_iter().enumerate().map(row) }
                </table>
            </div>
        </div>
    }
}
