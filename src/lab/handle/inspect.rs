//! A network as read, before anything is measured: layers, shapes, parameters, operations.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::note::noted;
use crate::error::Result;
use crate::graph::byte_input::is_way_back;
use crate::graph::operator::{Layout, operator};
use crate::graph::packed::is_unpack;
use crate::graph::weights::Places;
use crate::graph::{Dim, Graph, Node, Tensor, Value};
use crate::lab::protocol::{Inspection, Layer, TensorShape};
use crate::measure::operations;
use crate::quantize::{is_quantized, recipe_of};
use crate::runtime::{TensorType, input_shape, lower, tensor_types};
use crate::train::TRAINING_KEY;
use crate::vocabulary::recipe::Recipe;

/// What [`Inspection`] says, and what a report needs besides.
#[derive(Debug, Clone)]
pub struct Inspected {
    pub inspection: Inspection,
    pub weight_bytes: usize,
    /// MACs x weight bits x activation bits.
    pub bops: u64,
}

impl Inspected {
    /// Adds a node's parameters, each tensor once; gives how many it reads.
    fn count<'a>(
        &mut self,
        graph: &'a Graph,
        node: &'a Node,
        counted: &mut BTreeSet<&'a str>,
    ) -> u64 {
        let mut own = 0;
        for (name, tensor) in parameters(graph, node) {
            own += tensor.len() as u64;
            if counted.insert(name) {
                self.inspection.params += tensor.len() as u64;
                self.weight_bytes += tensor.bytes();
            }
        }
        own
    }
}

/// Inspects a network read from `file_bytes` bytes; `frame` fills in free dimensions. While they are
/// free, shapes and MACs stay unknown.
///
/// # Errors
/// A network that cannot be run, with the node that is the reason.
pub fn inspect(graph: &Graph, file_bytes: usize, frame: Option<&[usize]>) -> Result<Inspected> {
    let (types, batch) = match input_shape(graph, frame) {
        Ok(shape) => {
            let mut types = tensor_types(graph, frame)?;
            let batch = shape.first().copied().unwrap_or(1).max(1);
            types.insert(
                graph.input.name.clone(),
                TensorType { element: graph.input.element, shape },
            );
            (types, batch)
        }
        Err(_) if frame.is_none() => (BTreeMap::new(), 1),
        Err(error) => return Err(error),
    };
    let lowered = lower::lower(graph);
    let shapes = Shapes { graph: &lowered.graph, types: &types };
    let widths = Widths::of_file(graph, &lowered.graph);
    let mut inspected =
        Inspected { inspection: describe(graph, file_bytes), weight_bytes: 0, bops: 0 };
    let mut counted = BTreeSet::new();
    // Of what stands in for the file's inputs nobody has to know.
    let in_file = |node: &&Node| !is_unpack(node) && !is_way_back(&lowered.graph, node);
    for node in lowered.graph.nodes.iter().filter(in_file) {
        let params = inspected.count(&lowered.graph, node, &mut counted);
        let macs = shapes.macs(node).map(|macs| macs / batch as u64);
        let (weight_bits, activation_bits) = widths.of(node);
        inspected.bops += operations::bops(macs.unwrap_or(0), weight_bits, activation_bits);
        let total = &mut inspected.inspection.macs;
        *total = total.zip(macs).map(|(total, macs)| total.saturating_add(macs));
        let mut output_shape =
            types.get(node.output()).map_or_else(Vec::new, |ty| ty.shape.clone());
        if let Some(first) = output_shape.first_mut() {
            *first /= batch.min(*first).max(1);
        }
        inspected.inspection.layers.push(Layer {
            node: node.name.clone(),
            op: node.op.clone(),
            output_shape,
            params,
            macs,
            bits: operator(&node.op).weights.map(|_| [weight_bits, activation_bits]),
        });
    }
    inspected.inspection.left_in_float = lowered.left_in_float;
    Ok(inspected)
}

/// The network's edges; layers and sums are still to come.
fn describe(graph: &Graph, file_bytes: usize) -> Inspection {
    Inspection {
        variant: variant(graph),
        producer: graph.producer.clone(),
        opset: graph.file_opset,
        file_bytes,
        input: graph.inputs().first().map(shape_of).unwrap_or_default(),
        inputs: graph.inputs().iter().map(shape_of).collect(),
        outputs: graph.outputs.iter().map(shape_of).collect(),
        preprocessing: noted(graph),
        params: 0,
        macs: Some(0),
        layers: Vec::new(),
        left_in_float: Vec::new(),
    }
}

/// `float`, or as [`Recipe::variant`] has it.
///
/// [`Recipe::variant`]: crate::quantize::Recipe::variant
fn variant(graph: &Graph) -> String {
    if !is_quantized(graph) {
        return "float".into();
    }
    let trained = graph.metadata.iter().any(|(key, _)| key == TRAINING_KEY);
    recipe_of(graph).unwrap_or_default().variant(trained)
}

/// The bits of what a node multiplies: from the recipe in the file; a file without one has 8.
struct Widths<'a> {
    recipe: Recipe,
    graph: &'a Graph,
    producers: HashMap<&'a str, usize>,
}

impl<'a> Widths<'a> {
    fn of_file(file: &Graph, lowered: &'a Graph) -> Self {
        let recipe = recipe_of(file).unwrap_or_default();
        Self { recipe, graph: lowered, producers: lowered.producers() }
    }

    /// Bits of the node's weights and of the activations it reads.
    fn of(&self, node: &Node) -> (u32, u32) {
        if !lower::is_quantization(node) {
            return (32, 32);
        }
        let mut made_by = node.input(0).and_then(|input| self.producers.get(input));
        while let Some(&producer) = made_by {
            let producer = &self.graph.nodes[producer];
            if producer.op.starts_with('Q') {
                let is_input = producer.op == "QuantizeLinear";
                let bits = self.recipe.activation_bits_of(&producer.name);
                return (self.recipe.weight_bits_of(&node.name), if is_input { 8 } else { bits });
            }
            // It only moves integers.
            made_by = producer.input(0).and_then(|input| self.producers.get(input));
        }
        (self.recipe.weight_bits_of(&node.name), 8)
    }
}

fn shape_of(value: &Value) -> TensorShape {
    let dims = value.shape.iter().flatten().map(|dim| match dim {
        Dim::Fixed(n) => Some(*n),
        Dim::Free(_) => None,
    });
    TensorShape { name: value.name.clone(), shape: dims.collect() }
}

/// The trained parameters of `node`, through a DequantizeLinear where there is one.
fn parameters<'a>(graph: &'a Graph, node: &'a Node) -> Vec<(&'a str, &'a Tensor)> {
    let producers = graph.producers();
    operator(&node.op)
        .parameters
        .iter()
        .filter_map(|&i| node.input(i))
        .filter_map(|name| {
            let source = match producers.get(name) {
                Some(&p) if graph.nodes[p].is("DequantizeLinear") => graph.nodes[p].input(0)?,
                _ => name,
            };
            graph.initializers.get(source).map(|tensor| (source, tensor))
        })
        .filter(|(_, tensor)| tensor.as_i64().is_none())
        .collect()
}

struct Shapes<'a> {
    graph: &'a Graph,
    types: &'a BTreeMap<String, TensorType>,
}

impl Shapes<'_> {
    fn of(&self, node: &Node, input: usize) -> Option<&[usize]> {
        let name = node.input(input)?;
        let constant = self.graph.initializers.get(name).map(|t| &t.shape[..]);
        constant.or_else(|| self.types.get(name).map(|ty| &ty.shape[..]))
    }

    /// MACs of one run; `None` while shapes are open.
    fn macs(&self, node: &Node) -> Option<u64> {
        let Some(weights) = operator(&node.op).weights else { return Some(0) };
        let shape = self.of(node, weights.input)?;
        let y = || self.types.get(node.output()).map(|ty| &ty.shape);
        Some(match weights.layout {
            Layout::OutputsFirst => operations::conv(y()?, shape),
            Layout::InputsFirst => operations::conv_transpose(self.of(node, 0)?, shape),
            Layout::Matrix => operations::matrix(y()?, Places::of(node, shape)?.inputs),
            Layout::Product => operations::matrix(y()?, *self.of(node, 0)?.last()?),
        })
    }
}
