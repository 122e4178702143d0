//! From a graph's nodes to steps on numbered tensors: what all operators need to compile themselves.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::feature::{Feature, memory_of, order};
use super::head::Head;
use super::loss;
use super::network::{Exit, Free, Network, Port, Root, ScaleSource, Step};
use super::operator::Operator;
use super::round::Round;
use super::state::{Slot, State};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::fold_batch_norm::Normalized;
use crate::graph::operator::{self as facts, Training, trained};
use crate::graph::packed::Part;
use crate::graph::{Dim, Graph, Node, Tensor, Value, clip_range, needed_for};
use crate::quantize::{ActivationScheme, Layers, Params, Placement, Prepared};
use crate::runtime::{Arithmetic, Session, TensorType, input_shape, tensor_types};
use crate::vocabulary::plan::{Loss, Scales};
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::task::Task;

pub(super) const EVERYTHING: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

/// Frames with numbers no larger than this are taken as normalized: by ImageNet's means and deviations they
/// come to 2.6.
const NORMALIZED: f32 = 4.0;

/// What [`Network::new`] is made from, besides the prepared network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) prepared: &'a Prepared,
    /// Layers with a normalization behind them that can train before it is folded.
    pub(super) normalized: &'a [Normalized],
    /// Of every root tensor; and the starting point of the layers. A float network has none.
    pub(super) params: &'a Params,
    pub(super) layers: &'a Layers,
    pub(super) recipe: &'a Recipe,
    pub(super) scales: Scales,
    /// Channels, height and width.
    pub(super) frame: &'a [usize],
    pub(super) heads: &'a [Head],
}

/// A tensor by its name: whose buffer it is, and its shape in a frame.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) feature: usize,
    pub(super) shape: Vec<usize>,
}

/// What a network is compiled with, node by node; each operator's file says how it is.
pub(super) struct Builder<'a> {
    pub(super) source: Source<'a>,
    pub(super) graph: &'a Graph,
    pub(super) placement: &'a Placement,
    types: BTreeMap<String, TensorType>,
    batch: usize,
    pub(super) known: HashMap<String, Known>,
    /// By the name of a root, its place.
    roots: BTreeMap<String, usize>,
    pub(super) network: Network,
    pub(super) state: State,
}

impl Network {
    /// Compiles the network and gives its starting state.
    ///
    /// # Errors
    /// Names the first node that cannot be trained.
    pub(super) fn new(source: Source<'_>) -> Result<(Self, State)> {
        let graph = &source.prepared.graph;
        let batch = input_shape(graph, Some(source.frame))?[0];
        let types = tensor_types(graph, Some(source.frame))?;
        let mut builder = Builder {
            source,
            graph,
            placement: &source.prepared.placement,
            types,
            batch,
            known: HashMap::new(),
            roots: BTreeMap::new(),
            network: Self {
                features: Vec::new(),
                steps: Vec::new(),
                layers: Vec::new(),
                roots: Vec::new(),
                frees: Vec::new(),
                slots: Vec::new(),
                input: 0,
                exits: Vec::new(),
            },
            state: State::default(),
        };
        builder.build()?;
        Ok((builder.network, builder.state))
    }
}

impl Builder<'_> {
    fn build(&mut self) -> Result<()> {
        let graph = self.graph;
        let input = graph.input.name.clone();
        let shape = self.source.frame.to_vec();
        self.network.input = self.feature(&input, shape, false, EVERYTHING, None);
        let folded: Vec<usize> = self.placement.activations.values().copied().collect();
        // What only outputs without labels need is not trained.
        let heads = self.source.heads;
        let learns = |output: &&Value| heads.iter().any(|head| head.name == output.name);
        let outputs: Vec<Value> = graph.outputs.iter().filter(learns).cloned().collect();
        let (needed, _) = needed_for(graph, &outputs);
        for (i, node) in graph.nodes.iter().enumerate() {
            if needed[i] && !folded.contains(&i) {
                self.node(i, node).map_err(|error| error.at_node(&node.name))?;
            }
        }
        self.network.exits = heads.iter().map(|head| self.exit(head)).collect::<Result<_>>()?;
        let trains = |exit: &Exit| self.trains(exit.scores.feature);
        if !self.network.exits.iter().any(trains) {
            return Err(Error::new("nothing in the network can be trained"));
        }
        Ok(())
    }

    fn exit(&self, head: &Head) -> Result<Exit> {
        let answer = self.port(&head.name)?;
        let len = answer.places.len();
        if len != head.len {
            return Err(Error::new(format!(
                "its output `{}` has {len} numbers a frame, {} were expected",
                head.name, head.len
            )));
        }
        let (tensor, made) = scores_of(self.graph, head);
        let kind = match (head.task, head.loss, made) {
            (Task::Classes, _, Some("Sigmoid")) => loss::Kind::Sigmoids,
            (Task::Classes, ..) => loss::Kind::Softmax,
            (_, Loss::CrossEntropy, Some("Sigmoid")) => loss::Kind::Shares,
            (_, Loss::CrossEntropy, _) => {
                return Err(Error::new(format!("no Sigmoid makes the values of `{}`", head.name))
                    .way_out(
                        "Cross-entropy is for classes and shares: choose --loss mse, huber or l1.",
                    ));
            }
            (_, Loss::Mse, _) => loss::Kind::Mse,
            (_, Loss::Huber, _) => loss::Kind::Huber,
            (_, Loss::L1, _) => loss::Kind::L1,
        };
        Ok(Exit {
            scores: self.port(&tensor)?,
            answer,
            loss: kind,
            weight: head.weight.into(),
            task: head.task,
            labels: head.labels(),
        })
    }

    fn port(&self, tensor: &str) -> Result<Port> {
        let Some(Known { feature, shape }) = self.known.get(tensor) else {
            return Err(Error::new(format!(
                "its output `{tensor}` is not computed from the frames"
            )));
        };
        let places = memory_of(shape);
        Ok(Port { tensor: tensor.to_owned(), feature: *feature, places })
    }

    fn node(&mut self, i: usize, node: &Node) -> Result<()> {
        // Arithmetic on shapes, which the types have answered already.
        if !node.inputs.iter().any(|name| self.known.contains_key(name)) {
            return Ok(());
        }
        let refused = || {
            Error::new(format!("`{}` cannot be trained", node.op))
                .of_kind(ErrorKind::Unsupported)
                .way_out(format!("Training knows {}.", trained()))
        };
        if let Some(part) = Part::of(node) {
            return self.unpack(node, part);
        }
        if !matches!(node.domain.as_str(), "" | "ai.onnx") {
            return Err(refused());
        }
        match facts::operator(&node.op).training {
            Training::Layer => self.layer(i, node),
            Training::Clip => self.clip(node),
            Training::Function => self.function(i, node),
            Training::Pool => self.pool(i, node),
            Training::Binary => self.binary(i, node),
            Training::Concat => self.concat(i, node),
            Training::Rearrange => self.rearrange(node, None),
            Training::Copies => self.copies(node),
            Training::Resize if node.text("mode").is_none_or(|mode| mode == "nearest") => {
                self.copies(node)
            }
            Training::Resize => self.resize(i, node),
            Training::Reduce => self.reduce(i, node),
            Training::LayerNormalization => self.layer_normalization(i, node),
            Training::Transpose => {
                let axes = self.input(node, 0)?.shape.len() + 1;
                let default = || (0..axes as i64).rev().collect();
                let axes = node.ints("perm").map_or_else(default, <[i64]>::to_vec);
                self.rearrange(node, Some(axes))
            }
            // The types have answered what they compute.
            Training::Shape => Ok(()),
            Training::Normalization => {
                let constant = |index| self.graph.constant(node, index).is_some();
                Err(if node.int("training_mode", 0) == 0 && (1..5).all(constant) {
                    Error::new("how many axes it has is not known, or more than four")
                        .way_out("Put it directly behind the layer whose result it normalizes.")
                } else {
                    Error::new("its statistics are computed, not constant")
                        .way_out("Export the network for inference (training_mode 0).")
                })
            }
            Training::Probabilities => self.probabilities(i, node),
            Training::Refused => Err(refused()),
        }
    }

    /// A computed tensor that the node reads.
    pub(super) fn input(&self, node: &Node, index: usize) -> Result<Known> {
        let name = node.input(index).unwrap_or_default();
        self.known.get(name).cloned().ok_or_else(|| {
            Error::new(format!("its input `{name}` is not computed from the frames"))
                .way_out("Training takes it as the first input, or as a constant.")
        })
    }

    /// The shape of a tensor in a frame.
    pub(super) fn shape(&self, tensor: &str) -> Result<Vec<usize>> {
        let shape = self.types.get(tensor).map_or(&[][..], |ty| &ty.shape);
        match shape {
            [batch, frame @ ..] if *batch == self.batch && frame.len() <= 3 => {
                Ok(frame.to_vec())
            }
            _ => Err(Error::new(format!(
                "its result `{tensor}` is {shape:?}: frames do not stay apart, or have more than three axes"
            ))
            .way_out("Training takes pictures, signals and rows, the batch first.")),
        }
    }

    /// The result of a node, behind the Relu or Clip that was folded into it: its name, and what
    /// that lets through.
    pub(super) fn result(&self, i: usize, node: &Node) -> (String, [f32; 2]) {
        let result = if self.placement.nodes.contains(&i) {
            self.placement.result(self.graph, node)
        } else {
            node.output()
        };
        let activation = self.placement.activations.get(result).map(|&at| &self.graph.nodes[at]);
        let clip = activation.and_then(|activation| clip_range(self.graph, activation));
        (result.to_string(), clip.unwrap_or(EVERYTHING))
    }

    /// The root whose scale a quantized tensor has.
    pub(super) fn root(&mut self, tensor: &str) -> Option<usize> {
        let name = self.placement.tensors.get(tensor)?;
        if let Some(&root) = self.roots.get(name) {
            return Some(root);
        }
        let params = self.source.params[name].clone();
        let recipe = self.source.recipe;
        // The frames themselves do not change.
        let mut inputs = self.graph.inputs().iter();
        let is_input = inputs.any(|v| self.placement.tensors.get(&v.name) == Some(name));
        let source = match self.source.scales {
            _ if is_input => ScaleSource::Fixed,
            Scales::Learned => {
                let (scale, at) = (params.scale[0], self.state.parameters.len());
                self.slot(vec![scale], Slot::of_scales(vec![scale]));
                ScaleSource::Learned(at)
            }
            Scales::MovingAverage => {
                let at = self.state.statistics.len();
                let scheme = ActivationScheme { bits: params.bits, ..ActivationScheme::of(recipe) };
                self.state.statistics.extend(scheme.range(&params));
                ScaleSource::Observed(at, scheme)
            }
        };
        let root = self.network.roots.len();
        let name = name.clone();
        self.network.roots.push(Root { name: name.clone(), params, source, features: Vec::new() });
        self.roots.insert(name, root);
        Some(root)
    }

    /// A new tensor, which is rounded as it is made if it is quantized; `moved`: the tensor that it
    /// only rearranges.
    pub(super) fn feature(
        &mut self,
        name: &str,
        shape: Vec<usize>,
        trains: bool,
        clip: [f32; 2],
        moved: Option<(usize, bool)>,
    ) -> usize {
        let at = self.network.features.len();
        let root = self.root(name);
        let len: usize = shape.iter().product();
        let mut feature =
            Feature { shape: shape.clone(), needs_gradient: trains, round: None, constant: None };
        if let Some(root) = root {
            let own = &mut self.network.roots[root];
            own.features.push(at);
            let averages = moved.is_some_and(|(_, averages)| averages);
            let stays = moved.is_some_and(|(x, _)| own.features.contains(&x));
            if averages || !stays {
                let reach = own.params.bounds.map(|b| (b - own.params.zero_point[0]).abs());
                let factor = 1.0 / (len as f64 * f64::from(reach[0].max(reach[1]))).sqrt();
                let (learned, range) = match own.source {
                    ScaleSource::Fixed => (None, None),
                    ScaleSource::Learned(at) => (Some((at, factor as f32)), None),
                    ScaleSource::Observed(at, _) => (None, (own.name == name).then_some(at)),
                };
                feature.needs_gradient |= learned.is_some();
                feature.round = Some(Round {
                    root,
                    bounds: own.params.bounds,
                    clip,
                    zero_point_first: averages,
                    learned,
                    range,
                });
            }
        }
        self.network.features.push(feature);
        self.known.insert(name.to_string(), Known { feature: at, shape });
        at
    }

    /// New parameters; gives their places.
    pub(super) fn slot(&mut self, values: Vec<f32>, slot: Slot) -> Range<usize> {
        let from = self.state.parameters.len();
        self.state.parameters.extend(values);
        let range = from..self.state.parameters.len();
        self.network.slots.push(Slot { range: range.clone(), ..slot });
        range
    }

    /// [`Slot::reach`] of the weights of a layer: the largest number that frames have, where it reads them as
    /// they enter and they are not about 1.
    pub(super) fn reach(&self, x: usize) -> f32 {
        let enters =
            |root: &&Root| matches!(root.source, ScaleSource::Fixed) && root.features.contains(&x);
        let Some(root) = self.network.roots.iter().find(enters) else { return 1.0 };
        let (scale, zero_point) = (root.params.scale[0], root.params.zero_point[0]);
        let [low, high] = root.params.bounds.map(|code| ((code - zero_point) as f32 * scale).abs());
        let largest = low.max(high);
        if largest > NORMALIZED { largest } else { 1.0 }
    }

    pub(super) fn trains(&self, feature: usize) -> bool {
        self.network.features[feature].needs_gradient
    }

    pub(super) fn push(&mut self, operator: impl Operator + 'static, y: usize) {
        self.network.steps.push(Step { operator: Box::new(operator), y });
    }

    pub(super) fn constant(
        &self,
        node: &Node,
        index: usize,
    ) -> Result<Option<(&Tensor, Vec<f32>)>> {
        let Some(name) = node.input(index) else { return Ok(None) };
        let tensor = self.graph.initializers.get(name);
        let values = tensor.and_then(|tensor| Some((tensor, tensor.to_f32()?)));
        values.map(Some).ok_or_else(|| {
            Error::new(format!("its input `{name}` is not a constant of floats"))
                .way_out("Training takes layers whose weights and biases are constants.")
        })
    }

    /// What a node with constant parameters makes of one frame of `x`, output by output, in ONNX's order:
    /// the runtime tells.
    pub(super) fn probe(&self, node: &Node, x: &Known, frame: &[f32]) -> Result<Vec<Vec<f32>>> {
        let mut graph = Graph {
            opsets: self.graph.opsets.clone(),
            ir_version: self.graph.ir_version,
            nodes: vec![node.clone()],
            ..Graph::default()
        };
        for name in node.inputs.iter().skip(1).filter(|name| !name.is_empty()) {
            let constant = self.graph.initializers.get(name).ok_or_else(|| {
                Error::new(format!("its input `{name}` is computed, not constant"))
                    .way_out("Export the network with fixed sizes.")
            })?;
            graph.initializers.insert(name.clone(), constant.clone());
        }
        let dims = std::iter::once(1).chain(x.shape.iter().copied()).map(Dim::Fixed).collect();
        let name = node.input(0).unwrap_or_default().to_owned();
        graph.input = Value { name, shape: Some(dims), ..Value::default() };
        let output = |name: &String| Value { name: name.clone(), ..Value::default() };
        graph.outputs = node.outputs.iter().map(output).collect();
        let mut made = vec![Vec::new(); graph.outputs.len()];
        let mut session = Session::new(&graph, Some(&x.shape), Arithmetic::Deterministic)?;
        session.run(frame, |at, values| made[at] = values.to_vec())?;
        Ok(made)
    }

    /// A constant that trains; behind it stands what it is in the file.
    pub(super) fn free(&mut self, node: &Node, index: usize) -> Result<Known> {
        let name = node.input(index).unwrap_or_default().to_owned();
        let Some((tensor, values)) = self.constant(node, index)? else {
            return Err(Error::new("one of its inputs is left out"));
        };
        let mut shape = tensor.shape.clone();
        // The batch is no axis of a frame.
        let rank = self.shape(node.output())?.len();
        if shape.len() > rank && shape.remove(0) != 1 {
            return Err(Error::new(format!("its constant `{name}` has values for each frame")));
        }
        let ordered = order(&shape).iter().map(|&at| values[at as usize]).collect();
        let slot = self.slot(ordered, Slot::PLAIN);
        let feature = self.network.features.len();
        self.network.features.push(Feature {
            shape: shape.clone(),
            needs_gradient: true,
            round: None,
            constant: None,
        });
        self.network.frees.push(Free { node: node.name.clone(), input: index, feature, slot });
        Ok(Known { feature, shape })
    }
}

/// The tensor that an output's loss is computed from, and the operator that makes probabilities of it.
fn scores_of<'a>(graph: &'a Graph, head: &Head) -> (String, Option<&'a str>) {
    let own = (head.name.clone(), None);
    let mut tensor = &head.name;
    while let Some(node) = graph.nodes.iter().find(|node| node.outputs.contains(tensor)) {
        let Some(input) = node.inputs.first() else { return own };
        match facts::operator(&node.op).training {
            Training::Rearrange => tensor = input,
            Training::Probabilities if head.task == Task::Classes => {
                return (input.clone(), Some(&node.op));
            }
            _ if node.op == "Sigmoid" && head.loss == Loss::CrossEntropy => {
                return (input.clone(), Some(&node.op));
            }
            _ => return own,
        }
    }
    own
}
