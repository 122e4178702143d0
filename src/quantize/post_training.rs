//! Post-training quantization, from the float network to the QDQ network.

use std::collections::BTreeSet;

use super::{LeftInFloat, Recipe, TensorInfo, calibrate, placement, qdq};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::fold_batch_norm::fold_batch_norm;
use crate::graph::{Graph, opset, simplify};
use crate::progress::Progress;
use crate::runtime::lower;

/// A quantized network and the account of it.
#[derive(Debug, Clone)]
pub struct Quantized {
    pub graph: Graph,
    pub tensors: Vec<TensorInfo>,
    pub left_in_float: Vec<LeftInFloat>,
}

/// Key of the recipe's JSON among the file's metadata.
pub const RECIPE_KEY: &str = "steer8.recipe";

/// Quantizes a float network on calibration frames, post training.
///
/// BatchNormalization is folded, ranges are observed, and the network is written in QDQ form.
/// The result depends on the network, the recipe and the frames alone, on every machine.
///
/// # Errors
/// A network that is quantized already or has nothing to quantize, frames that do not fit it, a
/// recipe that names no node of it, and cancelling.
pub fn quantize(
    graph: &Graph,
    recipe: &Recipe,
    data: &Dataset,
    progress: &mut Progress,
) -> Result<Quantized> {
    if recipe.version != Recipe::VERSION {
        return Err(Error::new(format!("the recipe has version {}", recipe.version))
            .way_out(format!("This program reads recipes of version {}.", Recipe::VERSION)));
    }
    if is_quantized(graph) {
        return Err(Error::new("the network is quantized already")
            .way_out("Quantize the float network it came from."));
    }
    let mut graph = graph.clone();
    check_names(&graph, &recipe.keep_float)?;
    opset::raise(&mut graph, opset::PER_CHANNEL)?;
    simplify(&mut graph);
    fold_batch_norm(&mut graph);
    let placement = placement::place(&graph, &recipe.keep_float);
    if placement.nodes.is_empty() {
        return Err(Error::new("the network has no layer that can be quantized").way_out(
            "Steer8 quantizes Conv, Gemm and MatMul with constant weights, and what lies between.",
        ));
    }
    let roots: BTreeSet<&String> = placement.tensors.values().collect();
    let roots: Vec<String> = roots.into_iter().cloned().collect();
    let indices = data.subset(recipe.samples, recipe.seed);
    if indices.is_empty() {
        return Err(Error::new("there are no calibration frames")
            .way_out("Calibration needs at least one frame; a few hundred are better."));
    }
    let ranges = calibrate::calibrate(&graph, &roots, recipe.method, data, &indices, progress)?;
    let (mut quantized, tensors) = qdq::write(&graph, &placement, &ranges, recipe);
    // IR 7 is the first that knows operator set 13.
    quantized.ir_version = quantized.ir_version.max(7);
    quantized.metadata.retain(|(key, _)| key != RECIPE_KEY);
    let json = serde_json::to_string(recipe).map_err(|e| Error::new(e.to_string()))?;
    quantized.metadata.push((RECIPE_KEY.into(), json));
    let left_in_float = left_in_float(&quantized, placement.left_in_float);
    Ok(Quantized { graph: quantized, tensors, left_in_float })
}

/// Whether the network has integer operators or QDQ pairs.
pub fn is_quantized(graph: &Graph) -> bool {
    graph.nodes.iter().any(lower::is_quantization)
}

/// The recipe that made this file, if Steer8 did.
pub fn recipe_of(graph: &Graph) -> Option<Recipe> {
    let (_, json) = graph.metadata.iter().find(|(key, _)| key == RECIPE_KEY)?;
    serde_json::from_str(json).ok()
}

fn check_names(graph: &Graph, keep_float: &[String]) -> Result<()> {
    let known = |name: &&String| !graph.nodes.iter().any(|n| n.name == **name);
    match keep_float.iter().find(known) {
        Some(name) => Err(Error::new(format!("there is no node `{name}` to keep in float"))
            .way_out("`steer8 inspect MODEL` lists the nodes.")),
        None => Ok(()),
    }
}

/// What the file leaves in float, with the reason known to the placement where there is one.
fn left_in_float(quantized: &Graph, reasons: Vec<LeftInFloat>) -> Vec<LeftInFloat> {
    let mut left = lower::lower(quantized).left_in_float;
    for entry in &mut left {
        if let Some(known) = reasons.iter().find(|r| r.node == entry.node) {
            entry.why.clone_from(&known.why);
        }
    }
    left
}
