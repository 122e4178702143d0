//! From a recipe to a network, again and again: what two recipes have in common is done once.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::correct::correct;
use super::super::effects::Variant;
use super::super::placement::{has_weights, weight_axis};
use super::super::post_training::{Observed, StepProgress};
use super::super::qdq::Layers;
use super::super::qparams::Params;
use super::super::{Method, Prepared, Recipe};
use crate::data::Dataset;
use crate::error::Result;
use crate::graph::{Graph, Node};
use crate::onnx;

/// Everything that does not change while a recipe is searched.
pub(super) struct Space<'a> {
    graph: &'a Graph,
    data: &'a Dataset,
    macs: &'a dyn Fn(&str) -> u64,
    /// Nodes that the first recipe keeps in float.
    keep_float: Vec<String>,
    /// By equalization and method.
    observed: BTreeMap<(bool, Method), Rc<Observed>>,
}

/// What a recipe costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) bops: u64,
    pub(super) file_bytes: u64,
}

impl<'a> Space<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        recipe: &Recipe,
        data: &'a Dataset,
        macs: &'a dyn Fn(&str) -> u64,
    ) -> Self {
        let keep_float = recipe.keep_float.clone();
        Self { graph, data, macs, keep_float, observed: BTreeMap::new() }
    }

    /// The network that `recipe` makes, and what it costs.
    pub(super) fn quantized(
        &mut self,
        recipe: &Recipe,
        progress: &mut StepProgress,
    ) -> Result<(Variant, Cost)> {
        let observed = self.observed(recipe, progress)?;
        let params = observed.prepared.params(&observed.calibration, recipe)?;
        let (prepared, params) = observed.prepared.keeping_float(&recipe.keep_float, &params);
        let layers = correct(&prepared, &params, recipe, self.data, &observed.indices, progress)?;
        let graph = prepared.write(&params, &layers, recipe)?.graph;
        let file_bytes = onnx::write(&graph).len() as u64;
        let bops = prepared.bops(recipe, self.macs);
        Ok((Variant { graph, watched: None }, Cost { bops, file_bytes }))
    }

    /// The networks with one node quantized each, by its own recipe; the rest is float.
    pub(super) fn alone(
        &mut self,
        wanted: &[(String, Recipe)],
        progress: &mut StepProgress,
    ) -> Result<Vec<Variant>> {
        wanted
            .iter()
            .map(|(node, recipe)| {
                let observed = self.observed(recipe, progress)?;
                let params = observed.prepared.params(&observed.calibration, recipe)?;
                let (alone, params) = observed.prepared.alone(node, &params);
                let layers = Layers::nearest(&alone.graph, &alone.placement, &params, recipe);
                let graph = alone.qdq(&params, &layers, recipe).graph;
                Ok(Variant { graph, watched: None })
            })
            .collect()
    }

    /// The nodes with weights that are quantized, in order.
    pub(super) fn layers(
        &mut self,
        recipe: &Recipe,
        progress: &mut StepProgress,
    ) -> Result<Vec<String>> {
        let observed = self.observed(recipe, progress)?;
        let graph = &observed.prepared.graph;
        let nodes = observed.prepared.placement.nodes.iter().map(|&i| &graph.nodes[i]);
        Ok(nodes.filter(|n| has_weights(graph, n)).map(|n| n.name.clone()).collect())
    }

    /// BOPs of a recipe.
    pub(super) fn bops(&mut self, recipe: &Recipe, progress: &mut StepProgress) -> Result<u64> {
        let observed = self.observed(recipe, progress)?;
        let (prepared, _) = observed.prepared.keeping_float(&recipe.keep_float, &Params::new());
        Ok(prepared.bops(recipe, self.macs))
    }

    fn observed(&mut self, recipe: &Recipe, progress: &mut StepProgress) -> Result<Rc<Observed>> {
        let key = (recipe.equalize, recipe.method);
        if let Some(observed) = self.observed.get(&key) {
            return Ok(observed.clone());
        }
        let first = Recipe { keep_float: self.keep_float.clone(), ..recipe.clone() };
        let observed = Rc::new(Observed::new(self.graph, &first, self.data, progress)?);
        self.observed.insert(key, observed.clone());
        Ok(observed)
    }
}

impl Prepared {
    /// MACs x weight bits x activation bits, summed over all layers; a layer in float has 32 and 32.
    pub(in crate::quantize) fn bops(&self, recipe: &Recipe, macs: &dyn Fn(&str) -> u64) -> u64 {
        let of = |(i, node): (usize, &Node)| {
            let quantized = self.placement.nodes.contains(&i) && weight_axis(node).is_some();
            let activation = |at: usize| match self.placement.tensors.get(&node.inputs[at]) {
                Some(root) if quantized => self.placement.bits(&self.graph, recipe, root),
                _ => 32,
            };
            let weights = match has_weights(&self.graph, node) {
                true if quantized => recipe.weight_bits_of(&node.name),
                true => 32,
                // Of a product of two computed tensors.
                false => node.input(1).map_or(32, |_| activation(1)),
            };
            crate::measure::operations::bops(macs(&node.name), weights, activation(0))
        };
        self.graph.nodes.iter().enumerate().filter(|(_, n)| !n.inputs.is_empty()).map(of).sum()
    }
}
