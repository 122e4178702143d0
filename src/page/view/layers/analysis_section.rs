//! The account of the damage: what quantizing does, tensor by tensor and layer by layer.

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::layer_table::LayerTable;
use crate::figures::{signed, significant};
use crate::page::format;
use crate::page::state::{Action, AnalysisFrames, Explained, Export, Network, Step};
use crate::page::view::around::elapsed::Elapsed;
use crate::page::view::around::stale::Stale;
use crate::page::view::charts::calibration_curve::CalibrationCurve;
use crate::page::view::data::frames_field::FramesField;
use crate::page::view::props::{PageProps, Snapshot};
use crate::report::node_data::Told;
use crate::report::words;
use crate::vocabulary::analysis::{Analysis, Damage, LayerDamage};

#[component]
pub(in crate::page::view) fn AnalysisSection(PageProps { state, dispatch }: &PageProps) -> Html {
    let Some(network) = state.selected().filter(|network| network.is_float()) else {
        return Html::default();
    };
    let explained = state.explained.get(&network.id);
    let AnalysisFrames(frames) = state.analysis_frames;
    let analyze = dispatch.reform(|_: MouseEvent| Action::Analyze);
    let analysing = matches!(&state.job, Some(job) if matches!(job.step, Step::Analyze { .. }));
    html! {
        <section class="analysis" aria-label="The damage">
            <div class="section-head">
                <div>
                    <h2>{"Explain the damage"}</h2>
                    <p class="hint">
                        {"Which layer loses the most, and why: each one quantized alone, each one \
                          left in float alone, and what its integers do to its values. That is two \
                          more networks to run for each layer: some seconds, or minutes for large ones."}
                    </p>
                </div>
                if !analysing {
                    <div class="section-controls">
                        <FramesField testid="analysis-frames" {frames} there_are={state.frames_to_judge()}
                            disabled={state.job.is_some()}
                            choose={dispatch.reform(Action::SetAnalysisFrames)} />
                        <button type="button" class="button" data-testid="analyze" onclick={analyze}
                            disabled={!state.can_analyze()}>
                            { if explained.is_some() { "Explain again" } else { "Explain the damage" } }
                        </button>
                    </div>
                }
            </div>
            if let Some(explained) = explained {
                <div data-testid="analysis" data-value={explained.analysis.layers.len().to_string()}>
                    <Stale state={state.clone()} recipe={explained.recipe.clone()} />
                    { since(state, network, explained) }
                    { overview(network, explained) }
                    <NodeData dispatch={dispatch.clone()} />
                    <LayerTable explained={explained.clone()} state={state.clone()}
                        dispatch={dispatch.clone()} />
                </div>
            }
        </section>
    }
}

/// What was measured of this network after a layer was told something else.
fn since(state: &Snapshot, network: &Network, explained: &Explained) -> Html {
    if let Some(job) = &state.job
        && matches!(job.step, Step::Quantize | Step::Compare)
    {
        return html! {
            <p class="since" role="status">{"Quantizing and measuring again… "}<Elapsed since={job.started} /></p>
        };
    }
    let comparison = state.comparisons.get(&network.id);
    let newer = comparison.and_then(|comparison| {
        let recipe = comparison.recipe.as_ref()?;
        (*recipe != explained.recipe && state.is_current(Some(recipe))).then_some(comparison)
    });
    let Some(comparison) = newer else { return Html::default() };
    html! {
        <p class="since" data-testid="re-evaluated" role="status">
            <b>{ format!("Now, with {}: ", words::recipe(&state.recipe)) }</b>
            { &comparison.verdict }
        </p>
    }
}

fn overview(network: &Network, explained: &Explained) -> Html {
    let outputs = network.inspection().map_or(0, |inspection| inspection.outputs.len());
    let mean = if outputs > 1 { " (the mean of all values)" } else { "" };
    let Explained { analysis, recipe, calibration, validation, seconds } = explained;
    let warnings = analysis.warnings.iter().map(|warning| html! { <li>{ warning }</li> });
    html! {
        <>
            <p class="hint">
                { format!(
                    "{}. Measured on {} of {validation}, calibrated on {calibration}, in {}.",
                    sentence(&words::recipe(recipe)),
                    frames(analysis.frames),
                    format::seconds(*seconds)
                ) }
            </p>
            if !analysis.warnings.is_empty() {
                <ul class="warnings" data-testid="warnings" data-value={analysis.warnings.len().to_string()}>
                    { for warnings }
                </ul>
            }
            if let Some(words) = worst(analysis) {
                <p class="since" data-testid="worst-layer">{ words }</p>
            }
            <div class="overview">
                <dl class="facts">
                    if let Some(top1) = analysis.float_top1 {
                        <dt>{"Float"}</dt><dd>{ format!("{} top-1", format::percent(top1)) }</dd>
                    }
                    if let Some(mae) = analysis.float_mae {
                        <dt>{"Float"}</dt><dd>{ format!("MAE {}{mean}", significant(mae)) }</dd>
                    }
                    <dt>{"All quantized"}</dt>
                    <dd data-testid="all-quantized">{ effect(analysis, &analysis.quantized) }</dd>
                    if let Some(saturating) = &analysis.saturating {
                        <dt>{"On x86 without VNNI"}</dt>
                        <dd data-testid="saturating">
                            { effect(analysis, saturating) }
                            <span class="hint">
                                {" where products are added in pairs that saturate at 16 bits. \
                                  Steer8 and newer machines never do."}
                            </span>
                        </dd>
                    }
                </dl>
                if !analysis.by_calibration_frames.is_empty() && analysis.quantized.agreement.is_some() {
                    <CalibrationCurve points={analysis.by_calibration_frames.clone()} />
                }
            </div>
        </>
    }
}

/// The layer that does the most by itself, and what leaving it in float would bring.
fn worst(analysis: &Analysis) -> Option<String> {
    let damage = |layer: &&LayerDamage| layer.only_this_quantized.logit_mse;
    let worst = analysis.layers.iter().max_by(|a, b| damage(a).total_cmp(&damage(b)))?;
    (damage(&worst) > 0.0).then(|| {
        let [alone, left] = [&worst.only_this_quantized, &worst.only_this_float]
            .map(|damage| effect(analysis, damage));
        let bits = worst.weight_bits.map_or(String::new(), |bits| format!(", {bits}-bit weights"));
        let (node, op) = (&worst.node, &worst.op);
        format!(
            "{node} ({op}{bits}) does the most damage. It alone quantized: {alone}. It alone left in float: \
             {left}."
        )
    })
}

fn effect(analysis: &Analysis, effect: &Damage) -> String {
    let Some(agreement) = effect.agreement else {
        let moved = format!("at most {} from float", significant(effect.max_abs_from_float));
        return match (effect.mae, effect.mae_change) {
            (Some(mae), Some(change)) => {
                format!("MAE {} ({}), {moved}", significant(mae), signed(change))
            }
            _ => moved,
        };
    };
    let agreement = format!("{:.1} % agreement with float", agreement * 100.0);
    let error = format!("logit error {}", format::value(effect.logit_mse));
    match (effect.top1, analysis.float_top1) {
        (Some(top1), Some(float)) => {
            let (share, change) = (format::percent(top1), format::points(top1 - float));
            format!("{share} top-1 ({change}), {agreement}, {error}")
        }
        _ => format!("{agreement}, {error}"),
    }
}

fn frames(count: usize) -> String {
    format!("{} frames", format::grouped(count))
}

/// With a capital letter.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[derive(PartialEq, Properties)]
struct NodeDataProps {
    dispatch: Callback<Action>,
}

const FIGURES: [(Told, &str); 5] = [
    (Told::Damage, "squared error, alone"),
    (Told::Lost, "what is lost, alone"),
    (Told::Sqnr, "SQNR"),
    (Told::Bits, "bits of the weights"),
    (Told::Macs, "MACs"),
];

/// A figure of the layers for Model Explorer, which lays it over the graph.
#[component]
fn NodeData(NodeDataProps { dispatch }: &NodeDataProps) -> Html {
    let chosen = use_state(|| 0_usize);
    let onchange = {
        let chosen = chosen.setter();
        Callback::from(move |event: Event| {
            chosen
                .set(event.target_unchecked_into::<HtmlSelectElement>().selected_index() as usize);
        })
    };
    let (figure, _) = FIGURES[(*chosen).min(FIGURES.len() - 1)];
    let onclick = dispatch.reform(move |_: MouseEvent| Action::Export(Export::Damage(figure)));
    let option = |(at, (_, name)): (usize, &(Told, &'static str))| {
        html! { <option selected={at == *chosen}>{ *name }</option> }
    };
    html! {
        <p class="node-data">
            <label class="inline-field">
                {"Node data for Model Explorer"}
                <select data-testid="node-figure" {onchange}>{ for FIGURES.iter().enumerate().map(option) }</select>
            </label>
            <button type="button" class="button quiet" data-testid="save-node-data" {onclick}>{"Save"}</button>
        </p>
    }
}
