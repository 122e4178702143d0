//! One layer of the account, and on demand all that is known about its tensors.

use std::rc::Rc;

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::layer_detail::LayerDetail;
use crate::figures;
use crate::page::format;
use crate::page::state::{Action, Explained, LayerChange};
use crate::page::view::charts::distribution::Distribution;
use crate::page::view::props::Snapshot;
use crate::vocabulary::analysis::{Damage, LayerDamage, TensorDamage};
use crate::vocabulary::recipe::Recipe;

/// Of the table that this is a row of.
const COLUMNS: usize = 15;
/// Width of the pictures in a row.
const PICTURE: f64 = 96.0;
/// Above this share of int32 an accumulator is worth a word.
const NEARLY_FULL: f64 = 0.5;

#[derive(PartialEq, Properties)]
pub(in crate::page::view) struct LayerRowProps {
    pub(in crate::page::view) explained: Rc<Explained>,
    /// Its place among the analysis's layers.
    pub(in crate::page::view) at: usize,
    /// Its place in the table.
    pub(in crate::page::view) position: usize,
    pub(in crate::page::view) state: Snapshot,
    pub(in crate::page::view) dispatch: Callback<Action>,
}

#[component]
pub(in crate::page::view) fn LayerRow(props: &LayerRowProps) -> Html {
    let LayerRowProps { explained, at, position, state, dispatch } = props;
    let open = use_state(|| false);
    let analysis = &explained.analysis;
    let Some(layer) = analysis.layers.get(*at) else { return Html::default() };
    let tensor = |is_weight: bool| {
        let own = |tensor: &&TensorDamage| {
            tensor.is_weight == is_weight && tensor.node.as_ref() == Some(&layer.node)
        };
        analysis.tensors.iter().find(own).cloned()
    };
    let (weights, result) = (tensor(true), tensor(false));
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let picture = |tensor: &Option<TensorDamage>| {
        tensor.clone().map(|tensor| html! { <Distribution {tensor} width={PICTURE} /> })
    };
    let kept = state.recipe.keep_float.contains(&layer.node);
    let detail = format!("layer-detail-{at}");
    html! {
        <tbody class={classes!(kept.then_some("kept"))}>
            <tr data-testid="layer" data-node={layer.node.clone()} data-position={position.to_string()}>
                <th scope="row">
                    <button type="button" class="expand" data-testid="layer-open" onclick={toggle}
                        aria-expanded={open.to_string()} aria-controls={open.then(|| detail.clone())}>
                        <span aria-hidden="true">{ if *open { "▾ " } else { "▸ " } }</span>
                        <code>{ &layer.node }</code>
                    </button>
                    { for notes(layer).into_iter().map(|note| html! { <span class="layer-note">{ note }</span> }) }
                </th>
                <td>{ &layer.op }</td>
                <td data-testid="weight-bits" data-value={layer.weight_bits.map(|bits| bits.to_string())}>
                    { layer.weight_bits.map_or("–".to_owned(), |bits| bits.to_string()) }
                </td>
                <td data-testid="layer-macs" data-value={layer.macs.to_string()}>{ format::count(layer.macs) }</td>
                <td data-testid="sqnr" data-value={layer.sqnr_db.map(|ratio| ratio.to_string())}>
                    { format::decibels(layer.sqnr_db) }
                </td>
                <td>{ picture(&weights) }</td>
                <td>{ picture(&result) }</td>
                { effect("only-quantized", &layer.only_this_quantized, analysis.float_top1) }
                { effect("only-float", &layer.only_this_float, analysis.quantized.top1) }
                <td data-testid="dead-channels" data-value={layer.dead_channels.len().to_string()}>
                    { layer.dead_channels.len() }
                </td>
                <td>{ controls(layer, kept, state, dispatch) }</td>
            </tr>
            if *open {
                <tr id={detail} class="layer-detail"><td colspan={COLUMNS.to_string()}>
                    <LayerDetail layer={layer.clone()} {weights} {result} />
                </td></tr>
            }
        </tbody>
    }
}

/// What a reader should not miss.
fn notes(layer: &LayerDamage) -> Vec<String> {
    let mut notes = Vec::new();
    if layer.accumulator_used >= NEARLY_FULL {
        notes.push(format!("int32 {} full", format::whole_percent(layer.accumulator_used)));
    }
    if layer.scale_raised {
        notes.push("weight scale raised for its bias".to_owned());
    }
    notes
}

/// Three cells: top-1 against `reference`, agreement and error of the logits; or of values the change of
/// their error, and how far they are from float's.
fn effect(testid: &'static str, effect: &Damage, reference: Option<f64>) -> Html {
    if effect.agreement.is_none() {
        return html! {
            <>
                <td class="first" data-testid={format!("{testid}-mae-change")}
                    data-value={effect.mae_change.map(|change| change.to_string())}>
                    { effect.mae_change.map_or("–".to_owned(), figures::signed) }
                </td>
                <td data-testid={format!("{testid}-max-abs")}
                    data-value={effect.max_abs_from_float.to_string()}>
                    { figures::significant(effect.max_abs_from_float) }
                </td>
                <td data-testid={format!("{testid}-error")} data-value={effect.logit_mse.to_string()}>
                    { format::value(effect.logit_mse) }
                </td>
            </>
        };
    }
    let change = effect.top1.zip(reference).map(|(top1, reference)| top1 - reference);
    html! {
        <>
            <td class="first" data-testid={format!("{testid}-top1")}
                data-value={effect.top1.map(|top1| top1.to_string())}
                title={effect.top1.map(format::percent)}>
                { change.map_or("–".to_owned(), format::signed) }
            </td>
            <td data-testid={format!("{testid}-agreement")}
                data-value={effect.agreement.map(|share| share.to_string())}>
                { effect.agreement.map_or("–".to_owned(), format::percent) }
            </td>
            <td data-testid={format!("{testid}-error")} data-value={effect.logit_mse.to_string()}>
                { format::value(effect.logit_mse) }
            </td>
        </>
    }
}

/// What the recipe tells this layer.
fn controls(
    layer: &LayerDamage,
    kept: bool,
    state: &Snapshot,
    dispatch: &Callback<Action>,
) -> Html {
    let tell = |change: LayerChange| Action::ChangeLayer { node: layer.node.clone(), change };
    let toggle = {
        let action = tell(LayerChange::KeepFloat(!kept));
        dispatch.reform(move |_: MouseEvent| action.clone())
    };
    let disabled = !state.can_run();
    let own = state.recipe.weight_bits_of(&layer.node);
    let onchange = {
        let node = layer.node.clone();
        dispatch.reform(move |event: Event| {
            let select: HtmlSelectElement = event.target_unchecked_into();
            let change = LayerChange::WeightBits(select.value().parse().ok());
            Action::ChangeLayer { node: node.clone(), change }
        })
    };
    let width = |bits: u32| {
        html! { <option value={bits.to_string()} selected={bits == own}>{ format!("{bits} bits") }</option> }
    };
    html! {
        <div class="layer-controls">
            <button type="button" class="button quiet" data-testid="keep-float" onclick={toggle}
                aria-pressed={kept.to_string()} {disabled}
                aria-label={format!("{}: keep in float", layer.node)}>
                { if kept { "In float" } else { "Keep in float" } }
            </button>
            if layer.weight_bits.is_some() {
                <select data-testid="layer-bits" {onchange} disabled={disabled || kept}
                    aria-label={format!("{}: bits of its weights", layer.node)}>
                    { for Recipe::WIDTHS.rev().map(width) }
                </select>
            }
        </div>
    }
}
