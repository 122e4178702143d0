//! What each layer does to the answers: quantized alone, and alone left in float.

use super::super::Prepared;
use super::super::effects::{Bench, Variant};
use super::super::placement::{has_weights, weight_axis};
use super::super::post_training::Calibrated;
use super::super::qparams::Params;
use super::super::weights::{WeightScheme, absolute_sums, quantize_bias, weight_params};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, Tensor};
use crate::progress::Progress;
use crate::quantize::step::StepProgress;
use crate::vocabulary::analysis::{Damage, LayerDamage};
use crate::vocabulary::recipe::Recipe;

/// The networks that say what each layer does, for whoever measures them otherwise.
#[derive(Debug, Clone)]
pub struct Variants {
    /// All of it quantized.
    pub quantized: Graph,
    /// In the order of the account.
    pub layers: Vec<LayerVariants>,
}

/// What is measured of a layer.
#[derive(Debug, Clone)]
pub struct LayerVariants {
    /// The layer's name.
    pub node: String,
    /// The rest of the network is float.
    pub only_this_quantized: Graph,
    /// The rest of the network is quantized.
    pub only_this_float: Graph,
}

/// What `recipe` makes of the network, layer by layer, calibrated on `calibration`.
///
/// # Errors
/// As [`quantize`](crate::quantize::quantize).
pub fn layer_variants(
    graph: &Graph,
    recipe: &Recipe,
    calibration: &Dataset,
    progress: &mut StepProgress,
) -> Result<Variants> {
    let calibrated = Calibrated::new(graph, recipe, calibration, progress)?;
    let Watched { variants, nodes, .. } = Watched::of(&calibrated, recipe);
    let mut graphs = variants.into_iter().map(|variant| variant.graph);
    let Some(quantized) = graphs.next() else { return Err(Error::new("nothing is quantized")) };
    let node = |at: usize| calibrated.prepared.graph.nodes[at].name.clone();
    let layers = nodes.into_iter().map_while(|at| {
        let (only_this_quantized, only_this_float) = (graphs.next()?, graphs.next()?);
        Some(LayerVariants { node: node(at), only_this_quantized, only_this_float })
    });
    let layers = layers.collect();
    Ok(Variants { quantized, layers })
}

/// The networks that the account of the layers compares.
pub(super) struct Watched {
    /// The float tensors that [`Variant::watched`] counts.
    pub(super) watched: Vec<String>,
    /// The whole network quantized; then, for each layer, with only it quantized, and with only it
    /// in float.
    pub(super) variants: Vec<Variant>,
    pub(super) nodes: Vec<usize>,
}

impl Watched {
    pub(super) fn of(calibrated: &Calibrated, recipe: &Recipe) -> Self {
        let Calibrated { prepared, params, layers, .. } = calibrated;
        let graph = &prepared.graph;
        let nodes = prepared.placement.rounding_nodes(graph);
        let whole = Variant { graph: prepared.qdq(params, layers, recipe).graph, watched: None };
        let mut watched = Vec::new();
        let mut variants = vec![whole];
        for (i, &node) in nodes.iter().enumerate() {
            let name = &graph.nodes[node].name;
            let result = prepared.placement.result(graph, &graph.nodes[node]).to_string();
            let (alone, own) = prepared.alone(name, params);
            let written = alone.qdq(&own, layers, recipe);
            let tensor = written.after.get(&result).unwrap_or(&result).clone();
            variants.push(Variant { graph: written.graph, watched: Some((tensor, i)) });
            let kept: Vec<String> = recipe.keep_float.iter().chain([name]).cloned().collect();
            let (rest, own) = prepared.keeping_float(&kept, params);
            variants.push(Variant { graph: rest.qdq(&own, layers, recipe).graph, watched: None });
            watched.push(result);
        }
        Self { watched, variants, nodes }
    }
}

/// The account of every layer, and the effect of quantizing them all.
pub(super) fn account(
    calibrated: &Calibrated,
    recipe: &Recipe,
    bench: &mut Bench<'_>,
    macs: &dyn Fn(&str) -> u64,
    progress: &mut Progress,
) -> Result<(Damage, Vec<LayerDamage>)> {
    let Calibrated { prepared, params, .. } = calibrated;
    let graph = &prepared.graph;
    let Watched { watched, variants, nodes } = Watched::of(calibrated, recipe);
    let measured = bench.measure(Some((graph, &watched)), &variants, progress)?;
    let pairs = measured[1..].chunks_exact(2).zip(nodes);
    let layers = pairs.map(|(pair, at)| {
        let node = &graph.nodes[at];
        let result = prepared.placement.result(graph, node);
        let (accumulator_used, scale_raised) =
            integers(prepared, params, calibrated, recipe, node).unwrap_or_default();
        LayerDamage {
            node: node.name.clone(),
            op: node.op.clone(),
            weight_bits: has_weights(graph, node).then(|| recipe.weight_bits_of(&node.name)),
            activation_bits: prepared.placement.bits(graph, recipe, result),
            macs: macs(&node.name),
            sqnr_db: pair[0].sqnr_db,
            only_this_quantized: pair[0].effect,
            only_this_float: pair[1].effect,
            dead_channels: Vec::new(),
            accumulator_used,
            scale_raised,
        }
    });
    Ok((measured[0].effect, layers.collect()))
}

/// The largest sum that the layer's accumulators may reach over 2^31, and whether a weight scale
/// was raised for the sake of its bias; `None` for a node without weights.
fn integers(
    prepared: &Prepared,
    params: &Params,
    calibrated: &Calibrated,
    recipe: &Recipe,
    node: &Node,
) -> Option<(f64, bool)> {
    let graph = &prepared.graph;
    let axis = weight_axis(node)?;
    let weights = calibrated.layers.weights.get(&node.name)?;
    let tensor = graph.constant(node, 1)?;
    let input = params.get(prepared.placement.tensors.get(&node.inputs[0])?)?;
    let reach = input.bounds.map(|bound| f64::from((bound - input.zero_point[0]).abs()));
    let corrected = calibrated.layers.biases.get(&node.name).map(Vec::as_slice);
    let bias = corrected.or_else(|| graph.constant(node, 2).and_then(Tensor::as_f32));
    let bias = bias.map(|bias| quantize_bias(bias, input.scale[0], &weights.params).0);
    let sums = absolute_sums(node, tensor, &weights.codes, &weights.params)?;
    let largest = sums.iter().enumerate().map(|(c, sum)| {
        let bias = bias.as_ref().map_or(0, |bias| bias[c % bias.len()]);
        sum * reach[0].max(reach[1]) + f64::from(bias).abs()
    });
    let largest = largest.fold(0.0, f64::max) / 2f64.powi(31);
    let scheme = WeightScheme::of(recipe, node);
    let given = recipe.ranges.get(&node.inputs[1]).map_or(&[][..], Vec::as_slice);
    let natural = weight_params(tensor, tensor.as_f32()?, axis, scheme, (given, &[]));
    let raised = natural.scale.iter().zip(&weights.params.scale).any(|(a, b)| b > a);
    Some((largest, raised))
}
