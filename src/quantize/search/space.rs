//! From a recipe to a network, again and again: what two recipes have in common is done once.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::Prepared;
use super::super::correct::correct;
use super::super::effects::Variant;
use super::super::placement::{Placement, Width, has_weights, place, weight_axis};
use super::super::post_training::Observed;
use super::super::qdq::Layers;
use crate::data::Dataset;
use crate::error::Result;
use crate::graph::{Graph, Node};
use crate::measure::operations;
use crate::onnx;
use crate::quantize::step::StepProgress;
use crate::vocabulary::recipe::{Method, Recipe};

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
        let bops = Bill::new(&prepared.graph, &prepared.placement, self.macs).bops(recipe);
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

    /// The nodes that a recipe may give widths of their own, in order.
    pub(super) fn layers(
        &mut self,
        recipe: &Recipe,
        progress: &mut StepProgress,
    ) -> Result<Vec<Adjustable>> {
        let observed = self.observed(recipe, progress)?;
        let Prepared { graph, placement } = &observed.prepared;
        let adjustable = |i: usize| {
            let node = &graph.nodes[i];
            let root = placement.tensors.get(placement.result(graph, node));
            let own = root.map(|root| placement.width(graph, root));
            let layer = Adjustable {
                node: node.name.clone(),
                weights: has_weights(graph, node),
                activations: own == Some(Width::Layer(node.name.clone())),
            };
            (layer.weights || layer.activations).then_some(layer)
        };
        Ok(placement.rounding_nodes(graph).into_iter().filter_map(adjustable).collect())
    }

    /// What recipes that keep the same nodes in float as `recipe` cost.
    pub(super) fn bill(&mut self, recipe: &Recipe, progress: &mut StepProgress) -> Result<Bill> {
        let observed = self.observed(recipe, progress)?;
        let graph = &observed.prepared.graph;
        Ok(Bill::new(graph, &place(graph, &recipe.keep_float), self.macs))
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

/// A node, and what of it may have a width of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Adjustable {
    pub(super) node: String,
    pub(super) weights: bool,
    /// The tensor that it makes.
    pub(super) activations: bool,
}

/// What decides the bit operations of each layer.
#[derive(Debug)]
pub(super) struct Bill(Vec<Term>);

#[derive(Debug)]
struct Term {
    macs: u64,
    /// Of weights, or of the second computed tensor of a product.
    weights: Bits,
    activations: Bits,
}

#[derive(Debug)]
enum Bits {
    /// 32.
    Float,
    Weights(String),
    Activations(Width),
}

impl Bits {
    fn of(&self, recipe: &Recipe) -> u32 {
        match self {
            Self::Float => 32,
            Self::Weights(node) => recipe.weight_bits_of(node),
            Self::Activations(width) => width.bits(recipe),
        }
    }
}

impl Bill {
    fn new(graph: &Graph, placement: &Placement, macs: &dyn Fn(&str) -> u64) -> Self {
        let of = |(i, node): (usize, &Node)| {
            let quantized = placement.nodes.contains(&i) && weight_axis(node).is_some();
            let activations = |at: usize| match placement.tensors.get(&node.inputs[at]) {
                Some(root) if quantized => Bits::Activations(placement.width(graph, root)),
                _ => Bits::Float,
            };
            let weights = match has_weights(graph, node) {
                true if quantized => Bits::Weights(node.name.clone()),
                true => Bits::Float,
                false => node.input(1).map_or(Bits::Float, |_| activations(1)),
            };
            Term { macs: macs(&node.name), weights, activations: activations(0) }
        };
        let nodes = graph.nodes.iter().enumerate().filter(|(_, n)| !n.inputs.is_empty());
        Self(nodes.map(of).filter(|term| term.macs > 0).collect())
    }

    /// MACs x weight bits x activation bits, summed over all layers; a layer in float has 32 and 32.
    pub(super) fn bops(&self, recipe: &Recipe) -> u64 {
        let of = |term: &Term| {
            let [weights, activations] = [&term.weights, &term.activations].map(|b| b.of(recipe));
            operations::bops(term.macs, weights, activations)
        };
        self.0.iter().map(of).sum()
    }
}
