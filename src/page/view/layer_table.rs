//! The layers and what quantizing each one does; a click tells a layer something else.

use std::rc::Rc;

use yew::prelude::*;

use super::layer_row::LayerRow;
use super::props::Snapshot;
use crate::page::layer_order::{Column, order};
use crate::page::state::{Action, Explained};

#[derive(PartialEq, Properties)]
pub(super) struct LayerTableProps {
    pub(super) explained: Rc<Explained>,
    pub(super) state: Snapshot,
    pub(super) dispatch: Callback<Action>,
}

/// How many columns a row that spans the table has to span.
pub(super) const COLUMNS: usize = 15;

/// A heading that sorts.
struct Heading {
    column: Column,
    testid: &'static str,
    name: &'static str,
    says: &'static str,
}

const fn heading(
    column: Column,
    testid: &'static str,
    name: &'static str,
    says: &'static str,
) -> Heading {
    Heading { column, testid, name, says }
}

const BEFORE: [Heading; 5] = [
    heading(Column::Node, "sort-node", "Layer", "the node that makes it"),
    heading(Column::Op, "sort-op", "Op", "its operator"),
    heading(Column::WeightBits, "sort-weight-bits", "Bits", "bits of its weights"),
    heading(Column::Macs, "sort-macs", "MACs", "multiply-accumulates per frame"),
    heading(Column::Sqnr, "sort-sqnr", "SQNR", "signal to quantization noise of its output"),
];

const EFFECTS: [Heading; 6] = [
    heading(Column::QuantizedTop1, "sort-quantized-top1", "top-1", "points against float"),
    heading(
        Column::QuantizedAgreement,
        "sort-quantized-agreement",
        "agrees",
        "frames with the float network's answer",
    ),
    heading(
        Column::QuantizedError,
        "sort-quantized-error",
        "error",
        "mean squared difference of the logits",
    ),
    heading(Column::FloatTop1, "sort-float-top1", "top-1", "points against all quantized"),
    heading(
        Column::FloatAgreement,
        "sort-float-agreement",
        "agrees",
        "frames with the float network's answer",
    ),
    heading(
        Column::FloatError,
        "sort-float-error",
        "error",
        "mean squared difference of the logits",
    ),
];

const DEAD: Heading = heading(
    Column::DeadChannels,
    "sort-dead",
    "Dead",
    "output channels that are the same on every calibration frame",
);

#[component]
pub(super) fn LayerTable(LayerTableProps { explained, state, dispatch }: &LayerTableProps) -> Html {
    let sorted = use_state(|| (Column::default(), false));
    let (column, descending) = *sorted;
    let head = |heading: &Heading, rows: usize| {
        let own = heading.column;
        let direction = match (own == column, descending) {
            (false, _) => None,
            (true, false) => Some("ascending"),
            (true, true) => Some("descending"),
        };
        let sorted = sorted.clone();
        // First up, then down, then as the network has them.
        let next = match direction {
            None => (own, false),
            Some("ascending") => (own, true),
            Some(_) => (Column::Position, false),
        };
        let onclick = Callback::from(move |_: MouseEvent| sorted.set(next));
        let arrow = match direction {
            None => "",
            Some("ascending") => " ↑",
            Some(_) => " ↓",
        };
        html! {
            <th scope="col" rowspan={rows.to_string()} aria-sort={direction}>
                <button type="button" class="sort" data-testid={heading.testid}
                    title={format!("Sort by {}", heading.says)} {onclick}>
                    { heading.name }<span aria-hidden="true">{ arrow }</span>
                </button>
            </th>
        }
    };
    let row = |(position, at): (usize, usize)| {
        let layer = &explained.analysis.layers[at];
        html! {
            <LayerRow key={layer.node.clone()} explained={explained.clone()} {at} {position}
                state={state.clone()} dispatch={dispatch.clone()} />
        }
    };
    let places = order(&explained.analysis, column, descending);
    html! {
        <div class="panel layers-panel">
            <h3>{"Layers"}</h3>
            <p class="hint">
                {"Every heading sorts. Keeping a layer in float, or giving it other bits, quantizes \
                  and measures again."}
            </p>
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
                        <tr>{ for EFFECTS.iter().map(|heading| head(heading, 1)) }</tr>
                    </thead>
                    { for places.into_iter().enumerate().map(row) }
                </table>
            </div>
        </div>
    }
}
