//! Post-training quantization, from the float network to the quantized network.

use std::collections::BTreeSet;

use super::calibrate::{Calibration, calibrate};
use super::correct::correct;
use super::equalize::equalize;
use super::placement::{Placement, has_weights, place, weight_axis};
use super::qdq::{self, Layers, Written};
use super::qparams::Params;
use super::range::ActivationScheme;
use super::step::{Step, StepProgress};
use super::weights::WeightScheme;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::fold_batch_norm::fold_batch_norm;
use crate::graph::{
    Graph, Node, condense, convolve_dilated_means, keep_activations_close, opset, pool_means,
};
use crate::runtime::lower;
use crate::vocabulary::quantization::{LeftInFloat, TensorInfo};
use crate::vocabulary::recipe::{Format, Granularity, Recipe};

/// A quantized network and the account of it.
#[derive(Debug, Clone)]
pub struct Quantized {
    /// The int8 network.
    pub graph: Graph,
    /// How each tensor was quantized, in the network's order.
    pub tensors: Vec<TensorInfo>,
    /// What computes in float, and why.
    pub left_in_float: Vec<LeftInFloat>,
}

/// Key of the recipe's JSON among the file's metadata.
pub const RECIPE_KEY: &str = "steer8.recipe";

/// Quantizes a float network on calibration frames, post training.
///
/// BatchNormalization is folded, ranges are observed, and the network is written in the recipe's
/// format. The result depends on the network, the recipe and the frames alone, on every machine.
///
/// # Errors
/// A recipe that contradicts itself or names no node of the network, a network that is quantized
/// already or has nothing to quantize, frames that do not fit it, and cancelling.
pub fn quantize(
    graph: &Graph,
    recipe: &Recipe,
    data: &Dataset,
    progress: &mut StepProgress,
) -> Result<Quantized> {
    let calibrated = Calibrated::new(graph, recipe, data, progress)?;
    calibrated.prepared.write(&calibrated.params, &calibrated.layers, recipe)
}

/// A network about which everything is decided that its file will say.
#[derive(Debug)]
pub(crate) struct Calibrated {
    pub(crate) prepared: Prepared,
    /// Of every root tensor.
    pub(crate) params: Params,
    pub(crate) layers: Layers,
    /// The calibration frames that were used.
    pub(super) indices: Vec<usize>,
}

impl Calibrated {
    pub(crate) fn new(
        graph: &Graph,
        recipe: &Recipe,
        data: &Dataset,
        progress: &mut StepProgress,
    ) -> Result<Self> {
        let Observed { prepared, calibration, indices } =
            Observed::new(graph, recipe, data, progress)?;
        let params = prepared.params(&calibration, recipe)?;
        let layers = correct(&prepared, &params, recipe, data, &indices, progress)?;
        Ok(Self { prepared, params, layers, indices })
    }
}

/// A float network made ready, and what calibration saw of it.
#[derive(Debug)]
pub(super) struct Observed {
    pub(crate) prepared: Prepared,
    pub(super) calibration: Calibration,
    /// The calibration frames that were used.
    pub(super) indices: Vec<usize>,
}

impl Observed {
    pub(super) fn new(
        graph: &Graph,
        recipe: &Recipe,
        data: &Dataset,
        progress: &mut StepProgress,
    ) -> Result<Self> {
        let mut prepared = Prepared::new(graph, recipe)?;
        let indices = data.subset(recipe.samples, recipe.seed);
        if indices.is_empty() {
            return Err(Error::new("there are no calibration frames")
                .way_out("Calibration needs at least one frame; a few hundred are better."));
        }
        if recipe.equalize {
            let mut progress = |done, total| progress(Step::Equalize, done, total);
            equalize(&mut prepared.graph, data, &indices, &mut progress)?;
        }
        let mut progress = |done, total| progress(Step::Calibrate, done, total);
        let roots = prepared.roots();
        let calibration =
            calibrate(&prepared.graph, &roots, recipe, data, &indices, &mut progress)?;
        Ok(Self { prepared, calibration, indices })
    }
}

/// A float network made ready: what exporters leave behind is gone, BatchNormalization is folded,
/// and it is known what will be quantized.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) graph: Graph,
    pub(crate) placement: Placement,
}

impl Prepared {
    pub(crate) fn new(graph: &Graph, recipe: &Recipe) -> Result<Self> {
        recipe.check()?;
        if is_quantized(graph) {
            return Err(Error::new("the network is quantized already")
                .way_out("Quantize the float network it came from."));
        }
        check_names(graph, recipe)?;
        let mut graph = plain(graph)?;
        fold_batch_norm(&mut graph);
        pool_means(&mut graph);
        convolve_dilated_means(&mut graph);
        keep_activations_close(&mut graph);
        let placement = place(&graph, &recipe.keep_float);
        check_layers(&graph, &placement, recipe)?;
        check_ranges(&graph, &placement, recipe)?;
        if placement.nodes.is_empty() {
            return Err(Error::new("the network has no layer that can be quantized").way_out(
                "Steer8 quantizes Conv, Gemm and MatMul with constant weights, and what lies between.",
            ));
        }
        Ok(Self { graph, placement })
    }

    /// The tensors whose ranges decide, each once.
    pub(super) fn roots(&self) -> Vec<String> {
        let roots: BTreeSet<&String> = self.placement.tensors.values().collect();
        roots.into_iter().cloned().collect()
    }

    /// Scale and zero point of every root tensor, from what it is on the frames `indices`.
    pub(super) fn calibrate(
        &self,
        recipe: &Recipe,
        data: &Dataset,
        indices: &[usize],
        progress: &mut crate::progress::Progress,
    ) -> Result<Params> {
        let roots = self.roots();
        let calibration = calibrate(&self.graph, &roots, recipe, data, indices, progress)?;
        self.params(&calibration, recipe)
    }

    /// Scale and zero point of every root tensor for the recipe's widths.
    pub(super) fn params(&self, calibration: &Calibration, recipe: &Recipe) -> Result<Params> {
        let of = |root: String| {
            let bits = self.placement.bits(&self.graph, recipe, &root);
            let scheme = ActivationScheme { bits, ..ActivationScheme::of(recipe) };
            if let Some([range]) = recipe.ranges.get(&root).map(Vec::as_slice) {
                return Ok((root, scheme.params_of(*range)));
            }
            if self.graph.nodes.iter().any(|n| n.is("Softmax") && n.output() == root) {
                return Ok((root, scheme.unit_interval()));
            }
            let range = calibration.range(&root, scheme.grid())?;
            Ok((root, scheme.params(range)))
        };
        self.roots().into_iter().map(of).collect()
    }

    /// The same network with all but one node left in float.
    pub(super) fn alone(&self, node: &str, params: &Params) -> (Self, Params) {
        let graph = &self.graph;
        let own = graph.nodes.iter().find(|n| n.name == node);
        // Its Relu or Clip goes with it.
        let result = own.map(|own| self.placement.result(graph, own));
        let others = graph.nodes.iter().filter(|n| n.name != node && Some(n.output()) != result);
        let others: Vec<String> = others.map(|n| n.name.clone()).collect();
        self.keeping_float(&others, params)
    }

    /// The same network with the nodes named in `keep_float` left in float, and the parameters of
    /// its tensors, which are those of `params`.
    pub(super) fn keeping_float(&self, keep_float: &[String], params: &Params) -> (Self, Params) {
        let placement = place(&self.graph, keep_float);
        let of = |root: &String| {
            let params = params.get(self.placement.tensors.get(root)?)?;
            Some((root.clone(), params.clone()))
        };
        let params = placement.tensors.values().filter_map(of).collect();
        (Self { graph: self.graph.clone(), placement }, params)
    }

    /// The network in QDQ form.
    pub(super) fn qdq(&self, params: &Params, layers: &Layers, recipe: &Recipe) -> Written {
        qdq::write(&self.graph, &self.placement, params, layers, recipe)
    }

    /// The network in the recipe's format.
    pub(crate) fn write(
        &self,
        params: &Params,
        layers: &Layers,
        recipe: &Recipe,
    ) -> Result<Quantized> {
        let Written { mut graph, tensors, .. } = self.qdq(params, layers, recipe);
        let left_in_float = left_in_float(&graph, &self.placement.left_in_float);
        if recipe.format == Format::Qoperator {
            graph = lower::with_standard_operators(&graph);
        }
        if qdq::has_int4(&graph) {
            opset::raise(&mut graph, opset::INT4)?;
        }
        // The first versions of the file format that know operator sets 13, 20 and 21.
        let least = match graph.opset() {
            opset::INT4.. => 10,
            20.. => 9,
            _ => 7,
        };
        graph.ir_version = graph.ir_version.max(least);
        graph.metadata.retain(|(key, _)| key != RECIPE_KEY);
        graph.metadata.push((RECIPE_KEY.into(), recipe.to_short_json()?));
        Ok(Quantized { graph, tensors, left_in_float })
    }
}

/// The network [condensed](condense), its BatchNormalizations still apart.
pub(crate) fn plain(graph: &Graph) -> Result<Graph> {
    let mut graph = graph.clone();
    opset::raise(&mut graph, opset::PER_CHANNEL)?;
    condense(&mut graph);
    opset::raise_for_made(&mut graph)?;
    Ok(graph)
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

fn check_names(graph: &Graph, recipe: &Recipe) -> Result<()> {
    let known = |name: &str| graph.nodes.iter().any(|n| n.name == *name);
    let kept = recipe.keep_float.iter().map(|name| (name, "keep in float"));
    let widths = recipe.layers.keys().map(|name| (name, "give other widths"));
    match kept.chain(widths).find(|(name, _)| !known(name)) {
        Some((name, what)) => Err(Error::new(format!("there is no node `{name}` to {what}"))
            .way_out("`steer8 inspect MODEL` lists the nodes.")),
        None => Ok(()),
    }
}

/// Refuses what the recipe says of nodes that it can say nothing of.
fn check_layers(graph: &Graph, placement: &Placement, recipe: &Recipe) -> Result<()> {
    let rounding = placement.rounding_nodes(graph);
    let wrong = |name: &str, what: &str| {
        Error::new(what).at_node(name).way_out(
            "`steer8 analyze MODEL` lists the layers that a recipe may name: those with weights, and \
             joins, pools and functions with a scale of their own.",
        )
    };
    let node = |name: &String| graph.nodes.iter().position(|n| n.name == *name);
    for name in recipe.keep_float.iter().chain(recipe.layers.keys()) {
        if node(name).is_none() {
            return Err(wrong(name, "it is computed together with a neighbouring layer"));
        }
    }
    for (name, bits) in &recipe.layers {
        let known = node(name).filter(|i| rounding.contains(i));
        let left = placement.left_in_float.iter().any(|left| left.node == *name);
        match known.map(|i| &graph.nodes[i]) {
            None if !left => return Err(wrong(name, "it has no width of its own")),
            Some(node) if bits.weight_bits.is_some() && !has_weights(graph, node) => {
                return Err(wrong(name, "it has no weights"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses ranges of tensors that have none of their own, and too many or too few of them.
fn check_ranges(graph: &Graph, placement: &Placement, recipe: &Recipe) -> Result<()> {
    for (tensor, ranges) in &recipe.ranges {
        let wrong = |what: String| {
            Err(Error::new(format!("the tensor `{tensor}` {what}"))
                .way_out("Leave its range out of the recipe."))
        };
        if let Some(root) = placement.tensors.get(tensor) {
            if root != tensor && recipe.ranges.get(root) != Some(ranges) {
                return wrong(format!("has the range of `{root}`"));
            }
            if ranges.len() != 1 {
                return wrong(format!("has one range, not {}", ranges.len()));
            }
            continue;
        }
        let reads = |&&i: &&usize| {
            let node = &graph.nodes[i];
            has_weights(graph, node) && node.input(1) == Some(tensor)
        };
        let mut readers = placement.nodes.iter().filter(reads).peekable();
        if readers.peek().is_none() {
            return wrong("is not quantized with a scale of its own".into());
        }
        for &reader in readers {
            let wanted = range_count(graph, &graph.nodes[reader], recipe);
            if wanted != ranges.len() {
                return wrong(format!("has {wanted} ranges, not {}", ranges.len()));
            }
        }
    }
    Ok(())
}

/// How many ranges the weights of a layer have.
fn range_count(graph: &Graph, node: &Node, recipe: &Recipe) -> usize {
    let one = WeightScheme::of(recipe, node).granularity == Granularity::PerTensor;
    let axis = weight_axis(node).filter(|_| !one);
    let shape = graph.constant(node, 1).map(|weights| &weights.shape);
    axis.zip(shape).map_or(1, |(axis, shape)| shape[axis])
}

/// What the file leaves in float, with the reason known to the placement where there is one.
fn left_in_float(quantized: &Graph, reasons: &[LeftInFloat]) -> Vec<LeftInFloat> {
    let mut left = lower::lower(quantized).left_in_float;
    for entry in &mut left {
        if let Some(known) = reasons.iter().find(|r| r.node == entry.node) {
            entry.why.clone_from(&known.why);
        }
    }
    left
}
