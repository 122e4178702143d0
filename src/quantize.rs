//! The vocabulary of quantization: scheme, granularity, scale and zero point, recipe.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::fold_batch_norm::fold_batch_norm;
use crate::graph::{Element, Graph, opset, simplify};
use crate::progress::Progress;
use crate::runtime::lower;

mod calibrate;
mod observer;
mod placement;
mod qdq;
mod range;
mod weights;

/// How a range is found from what calibration observed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Method {
    /// The smallest and largest value seen.
    #[default]
    Minmax,
}

/// One scale for a whole weight tensor, or one per output channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Granularity {
    #[default]
    PerChannel,
    PerTensor,
}

/// The integer type that holds activations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum ActivationType {
    #[default]
    U8,
    I8,
}

/// Everything that decides the int8 bytes, besides the network and the calibration frames.
///
/// Its JSON is a contract: versioned, the body of `--recipe` and of a share link.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    pub version: u32,
    pub method: Method,
    pub weights: Granularity,
    pub activations: ActivationType,
    /// Symmetric activations: the zero point is the middle of the type (u8: 128, i8: 0).
    pub symmetric: bool,
    /// One bit less (u8 0..127, i8 -64..64), for machines whose u8 x i8 pairs saturate.
    pub reduce_range: bool,
    /// Nodes kept in float, by name.
    pub keep_float: Vec<String>,
    /// Calibration frames used; `None`: all.
    pub samples: Option<usize>,
    /// Which frames `samples` picks.
    pub seed: u64,
}

impl Recipe {
    pub const VERSION: u32 = 1;
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            method: Method::default(),
            weights: Granularity::default(),
            activations: ActivationType::default(),
            symmetric: false,
            reduce_range: false,
            keep_float: Vec::new(),
            samples: None,
            seed: 0,
        }
    }
}

/// A node that computes in float although the file is quantized, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftInFloat {
    pub node: String,
    pub op: String,
    pub why: String,
}

/// How one tensor was quantized.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TensorInfo {
    pub name: String,
    /// ONNX element type in lower case: `uint8`, `int8`, `int32`.
    #[serde(rename = "type")]
    pub element_type: String,
    pub bits: u32,
    /// One, or one per channel.
    pub scale: Vec<f32>,
    pub zero_point: Vec<i32>,
    /// The channel axis; `None` when one scale serves the whole tensor.
    pub axis: Option<usize>,
}

/// Scale and zero point of a tensor: `real = (q - zero_point) * scale`.
#[derive(Debug, Clone, PartialEq)]
pub struct QParams {
    pub element: Element,
    /// One, or one per channel.
    pub scale: Vec<f32>,
    /// As many as scales.
    pub zero_point: Vec<i32>,
    /// The channel axis; `None` when one scale serves the whole tensor.
    pub axis: Option<usize>,
}

impl QParams {
    /// The smallest and largest integer of the type.
    fn bounds(&self) -> [i32; 2] {
        match self.element {
            Element::U8 => [0, 255],
            Element::I8 => [-128, 127],
            _ => [i32::MIN, i32::MAX],
        }
    }
}

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
