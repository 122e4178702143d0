//! A layer's weights and its result: the values, and the integers that stand for them.

use yew::prelude::*;

use crate::page::format;
use crate::page::view::charts::distribution::Distribution;
use crate::vocabulary::analysis::{LayerDamage, TensorDamage};

const PICTURE: f64 = 420.0;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct LayerDetailProps {
    pub(in crate::page::view) layer: LayerDamage,
    pub(in crate::page::view) weights: Option<TensorDamage>,
    pub(in crate::page::view) result: Option<TensorDamage>,
}

#[component]
pub(in crate::page::view) fn LayerDetail(
    LayerDetailProps { layer, weights, result }: &LayerDetailProps,
) -> Html {
    let dead: Vec<_> = layer.dead_channels.iter().map(usize::to_string).collect();
    html! {
        <div class="tensors" data-testid="layer-detail">
            { for weights.iter().map(|weights| tensor("Weights", weights)) }
            { for result.iter().map(|result| tensor("Result", result)) }
            <dl class="facts">
                <dt>{"Bits of its result"}</dt><dd>{ layer.activation_bits }</dd>
                <dt>{"int32 used"}</dt><dd>{ format::share(layer.accumulator_used) }</dd>
                if !dead.is_empty() {
                    <dt>{"Dead channels"}</dt><dd>{ dead.join(", ") }</dd>
                }
            </dl>
        </div>
    }
}

fn tensor(kind: &'static str, tensor: &TensorDamage) -> Html {
    let range = |[low, high]: [f32; 2]| {
        format!("{} to {}", format::value(low.into()), format::value(high.into()))
    };
    html! {
        <figure class="tensor">
            <figcaption>
                <b>{ kind }</b>{" "}<code>{ &tensor.name }</code>
                { format!(", {} bits of {}", tensor.bits, tensor.element_type) }
            </figcaption>
            <Distribution tensor={tensor.clone()} width={PICTURE} />
            <p class="legend hint">
                <span class="key key-bin">{"values, logarithmic"}</span>
                <span class="key key-clipped">{"clipped"}</span>
                <span class="key key-grid">{"what integers stand for"}</span>
            </p>
            <dl class="facts">
                <dt>{"Seen"}</dt><dd>{ range(tensor.observed) }</dd>
                <dt>{"Represented"}</dt>
                <dd>{ format!("{} in steps of {}", range(tensor.represented), format::value(tensor.scale.into())) }</dd>
                <dt>{"Clipped"}</dt><dd>{ format::share(tensor.clipped) }</dd>
                <dt>{"Integers that occur"}</dt><dd>{ format::share(tensor.range_used) }</dd>
                <dt>{"SQNR"}</dt><dd>{ format::decibels(tensor.sqnr_db) }</dd>
                <dt>{"Cosine"}</dt><dd>{ format!("{:.5}", tensor.cosine) }</dd>
            </dl>
        </figure>
    }
}
