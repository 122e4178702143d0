//! Walking through a network layer by layer on calibration frames, in float and quantized, each
//! tensor computed once: what stands before a layer is not run again for it.

use std::collections::{BTreeMap, BTreeSet};

use super::Prepared;
use super::qdq::{Layers, Written};
use super::qparams::Params;
use crate::data::Dataset;
use crate::error::Result;
use crate::graph::{Data, Graph, Tensor};
use crate::runtime::{Arithmetic, Part, TensorType, tensor_types};
use crate::vocabulary::recipe::Recipe;

/// Elements kept per side: 256 MiB of float32.
const BUDGET: usize = 1 << 26;

/// The values of some tensors on every frame of the walk.
type Known = BTreeMap<String, Vec<Vec<f32>>>;

/// The frames' way through the network, up to some node.
pub(super) struct Walk<'a> {
    prepared: &'a Prepared,
    params: &'a Params,
    recipe: &'a Recipe,
    types: BTreeMap<String, TensorType>,
    pub(super) frames: usize,
    float: Known,
    quantized: Known,
}

impl<'a> Walk<'a> {
    /// Starts at the input, with as many of the frames `indices` as the memory budget allows.
    pub(super) fn new(
        prepared: &'a Prepared,
        params: &'a Params,
        recipe: &'a Recipe,
        data: &Dataset,
        indices: &[usize],
    ) -> Result<Self> {
        let graph = &prepared.graph;
        let mut types = tensor_types(graph, Some(data.frame_shape()))?;
        let shape = crate::runtime::input_shape(graph, Some(data.frame_shape()))?;
        types.insert(
            graph.input.name.clone(),
            TensorType { shape: shape.clone(), ..TensorType::default() },
        );
        let len = |tensor: &str| types.get(tensor).map_or(0, |ty| ty.shape.iter().product());
        let alive = |at: usize| -> usize {
            let made = graph.nodes[at].outputs.iter().map(|tensor| len(tensor)).sum::<usize>();
            made + live(graph, at).iter().map(|tensor| len(tensor)).sum::<usize>()
        };
        let most = prepared.placement.nodes.iter().map(|&at| alive(at)).max().unwrap_or(1);
        let frames = indices.len().min((BUDGET / most.max(1)).max(1));
        let (batch, len) = (shape[0].max(1), shape[1..].iter().product::<usize>());
        let input = |i: usize| {
            let mut input = vec![0.0; batch * len];
            for (slot, input) in input.chunks_exact_mut(len.max(1)).enumerate() {
                data.input(indices[(i * indices.len() / frames + slot) % indices.len()], input);
            }
            input
        };
        let inputs: Vec<Vec<f32>> = (0..frames).map(input).collect();
        let start = |inputs| Known::from([(graph.input.name.clone(), inputs)]);
        let mut rounded = inputs.clone();
        if let Some(params) = params.get(&graph.input.name) {
            rounded.iter_mut().flatten().for_each(|x| *x = params.rounded(*x));
        }
        let (float, quantized) = (start(inputs), start(rounded));
        Ok(Self { prepared, params, recipe, types, frames, float, quantized })
    }

    pub(super) fn shape(&self, tensor: &str) -> &[usize] {
        self.types.get(tensor).map_or(&[], |ty| &ty.shape)
    }

    /// Goes on to node `at`: afterwards everything that it or a later node reads is known, in float
    /// and as the quantized network of `layers` has it.
    pub(super) fn advance(&mut self, at: usize, layers: &Layers) -> Result<()> {
        let graph = &self.prepared.graph;
        let needed = live(graph, at);
        let missing: Vec<String> =
            needed.iter().filter(|name| !self.float.contains_key(*name)).cloned().collect();
        if !missing.is_empty() {
            let made = self.run(graph, &self.float, &missing, &missing)?;
            self.float.extend(made);
            let Written { graph: qdq, after, .. } =
                self.prepared.qdq(self.params, layers, self.recipe);
            let rounded = |name: &String| after.get(name).unwrap_or(name).clone();
            let names: Vec<String> = missing.iter().map(rounded).collect();
            let made = self.run(&qdq, &self.quantized, &names, &missing)?;
            self.quantized.extend(made);
        }
        self.float.retain(|name, _| needed.contains(name));
        self.quantized.retain(|name, _| needed.contains(name));
        Ok(())
    }

    /// A tensor that node `at` reads, frame by frame: in the float network, and in the quantized one.
    pub(super) fn read(&self, tensor: &str) -> [&[Vec<f32>]; 2] {
        [&self.float, &self.quantized].map(|known| known.get(tensor).map_or(&[][..], Vec::as_slice))
    }

    /// What `graph`'s node makes of the quantized network's `input`, or with `float` of the float
    /// network's, on every frame.
    pub(super) fn output(&self, graph: &Graph, tensor: &str, float: bool) -> Result<Vec<Vec<f32>>> {
        let known = if float { &self.float } else { &self.quantized };
        let names = [tensor.to_string()];
        let mut made = self.run(graph, known, &names, &names)?;
        Ok(made.remove(tensor).unwrap_or_default())
    }

    /// Runs the part of `graph` that makes the tensors `observed`; they are known as `names` then.
    fn run(
        &self,
        graph: &Graph,
        known: &Known,
        observed: &[String],
        names: &[String],
    ) -> Result<Known> {
        let shapes = known.keys().map(|name| (name.clone(), self.shape(name).to_vec())).collect();
        let mut part = Part::new(graph, &shapes, observed, Arithmetic::Deterministic)?;
        let mut made: Vec<Vec<Vec<f32>>> = vec![Vec::with_capacity(self.frames); names.len()];
        let runs = 0..self.frames;
        runs.into_iter().try_for_each(|frame| {
            part.run(|name| &known[name][frame], |i, values| made[i].push(values.to_vec()))
        })?;
        Ok(names.iter().cloned().zip(made).collect())
    }
}

/// The computed float tensors that node `at` or a later one reads, made before it.
fn live(graph: &Graph, at: usize) -> BTreeSet<String> {
    let made: BTreeSet<&str> = graph.nodes[..at]
        .iter()
        .flat_map(|n| &n.outputs)
        .map(String::as_str)
        .chain([graph.input.name.as_str()])
        .collect();
    let read = graph.nodes[at..].iter().flat_map(|n| &n.inputs).map(String::as_str);
    let outputs = graph.outputs.iter().map(|v| v.name.as_str());
    read.chain(outputs).filter(|name| made.contains(name)).map(Into::into).collect()
}

/// `graph` with other weights for one node, under a name of their own.
pub(super) fn with_weights(graph: &Graph, node: usize, weights: Vec<f32>) -> Graph {
    let mut graph = graph.clone();
    let name = format!("{}_rounded_weights", graph.nodes[node].name);
    let shape = graph.constant(&graph.nodes[node], 1).map_or_else(Vec::new, |t| t.shape.clone());
    graph.initializers.insert(name.clone(), Tensor::new(shape, Data::F32(weights)));
    graph.nodes[node].inputs[1] = name;
    graph
}
