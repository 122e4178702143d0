//! The network made ready for training: from a graph's nodes to steps on numbered tensors.

use std::collections::{BTreeMap, HashMap};

use super::batch_norm::Normalization;
use super::feature::{Feature, axis_in_memory, broadcast, in_memory, memory_of, order};
use super::function::{Clip, Function};
use super::head::Head;
use super::join::{Binary, Combine, Concat, Operand, Reading};
use super::layer::{Form, Layer, Slots, WeightGrid, WeightScale};
use super::layer_norm::LayerNorm;
use super::loss;
use super::machine::{Machine, SHARD};
use super::operator::Operator;
use super::pool::{self, Pool};
use super::rearrange::Rearrange;
use super::round::Round;
use super::softmax::Softmax;
use super::state::{Slot, State};
use super::sums::Sums;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::fold_batch_norm::Normalized;
use crate::graph::operator::{self as facts, Training, trained};
use crate::graph::packed::Part;
use crate::graph::weights::Places;
use crate::graph::{Dim, Graph, Node, Tensor, Value, clip_range, needed_for};
use crate::kernels::geometry::Window;
use crate::quantize::{
    ActivationScheme, Layers, Params, Placement, Prepared, QParams, WeightScheme,
    constant_activation,
};
use crate::runtime::{Arithmetic, Session, TensorType, input_shape, tensor_types};
use crate::vocabulary::plan::{Loss, Scales};
use crate::vocabulary::recipe::{Recipe, Rounding};
use crate::vocabulary::task::Task;
use crate::vocabulary::training::Score;

/// The weights of a layer apart from its normalization, given folded ones, both in matrix order;
/// `apart` keeps its own where the normalization multiplies with hardly anything.
fn unfold(layer: &Layer, own: &Normalized, folded: &[f32], apart: &mut [f32]) {
    let width = layer.row_width();
    let rows = folded.chunks_exact(width).zip(apart.chunks_exact_mut(width));
    for (row, (folded, apart)) in rows.enumerate() {
        for (c, (&folded, apart)) in (layer.first_channel(row)..).zip(folded.iter().zip(apart)) {
            let deviation = (f64::from(own.variance[c]) + f64::from(own.epsilon)).sqrt();
            let gain = f64::from(own.gain[c]) / deviation;
            if gain.abs() > 1e-12 {
                *apart = (f64::from(folded) / gain) as f32;
            }
        }
    }
}

/// A node, as it computes.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) operator: Box<dyn Operator>,
    /// The tensor that it makes.
    pub(super) y: usize,
}

/// A scale that one or several tensors share.
#[derive(Debug)]
pub(super) struct Root {
    /// The tensor whose range it is.
    pub(super) name: String,
    /// What calibration found.
    pub(super) params: QParams,
    pub(super) source: ScaleSource,
    pub(super) features: Vec<usize>,
}

/// Where an activation's scale comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum ScaleSource {
    /// It stays as calibration found it.
    Fixed,
    /// The parameter at this place; its zero point stays.
    Learned(usize),
    /// The range at this place of the statistics.
    Observed(usize, ActivationScheme),
}

impl Root {
    pub(super) fn scale_and_zero_point(&self, state: &State) -> (f32, i32) {
        let (scale, zero_point) = (self.params.scale[0], self.params.zero_point[0]);
        match self.source {
            ScaleSource::Fixed => (scale, zero_point),
            ScaleSource::Learned(at) => (state.parameters[at], zero_point),
            ScaleSource::Observed(at, scheme) => {
                let params = scheme.params([state.statistics[at], state.statistics[at + 1]]);
                (params.scale[0], params.zero_point[0])
            }
        }
    }
}

/// A network in training form.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) features: Vec<Feature>,
    pub(super) steps: Vec<Step>,
    pub(super) layers: Vec<Layer>,
    pub(super) roots: Vec<Root>,
    pub(super) frees: Vec<Free>,
    pub(super) slots: Vec<Slot>,
    pub(super) input: usize,
    /// What trains, in the order of the heads.
    pub(super) exits: Vec<Exit>,
}

/// A constant of a node in float that trains as it is.
#[derive(Debug)]
pub(super) struct Free {
    pub(super) node: String,
    pub(super) input: usize,
    pub(super) feature: usize,
    /// Its parameters, as memory has them.
    pub(super) slot: std::ops::Range<usize>,
}

/// An output that trains.
#[derive(Debug)]
pub(super) struct Exit {
    /// What the file says.
    pub(super) answer: Port,
    /// What the loss is computed from: the answer, or the scores that it makes probabilities of.
    pub(super) scores: Port,
    pub(super) loss: loss::Kind,
    pub(super) weight: f64,
    pub(super) task: Task,
    /// Labels of a frame.
    pub(super) labels: usize,
}

/// Numbers of a frame that leave the network.
#[derive(Debug, Clone)]
pub(super) struct Port {
    pub(super) tensor: String,
    pub(super) feature: usize,
    /// In ONNX's order, their places in memory.
    pub(super) places: Vec<u32>,
}

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

    /// Numbers of a frame, of all outputs that train.
    pub(super) fn len(&self) -> usize {
        self.exits.iter().map(|exit| exit.answer.places.len()).sum()
    }

    /// Labels of a frame.
    pub(super) fn labels(&self) -> usize {
        self.exits.iter().map(|exit| exit.labels).sum()
    }

    /// Outputs of classes, and numbers that are values.
    pub(super) fn counts(&self) -> [usize; 2] {
        let of = |task| self.exits.iter().filter(move |exit| exit.task == task);
        [of(Task::Classes).count(), of(Task::Values).map(|exit| exit.labels).sum()]
    }

    pub(super) fn score(&self) -> Score {
        match self.exits.first().map(|exit| exit.task) {
            Some(Task::Values) => Score::Mae,
            _ => Score::Top1,
        }
    }

    /// Rounds the frames in the input's values, where the input is quantized.
    pub(super) fn round_input(&self, machine: &mut Machine) {
        let Some(round) = &self.features[self.input].round else { return };
        let (unit, len) = (machine.units[self.input], self.features[self.input].len());
        let values = &machine.values[self.input][..machine.frames * len];
        for (to, x) in machine.unrounded[self.input].iter_mut().zip(values) {
            *to = x / unit;
        }
        round.forward(machine, self.input);
    }

    /// A machine for this network, with its constants in place.
    pub(super) fn machine(&self, state: &State) -> Machine {
        let mut machine = Machine::new(self, state);
        for (at, feature) in self.features.iter().enumerate() {
            if let Some((constant, unit)) = &feature.constant {
                machine.values[at] = constant.repeat(SHARD);
                machine.units[at] = *unit;
            }
        }
        machine
    }
}

/// A tensor by its name: whose buffer it is, and its shape in a frame.
#[derive(Debug, Clone)]
struct Known {
    feature: usize,
    shape: Vec<usize>,
}

struct Builder<'a> {
    source: Source<'a>,
    graph: &'a Graph,
    placement: &'a Placement,
    types: BTreeMap<String, TensorType>,
    batch: usize,
    known: HashMap<String, Known>,
    /// By the name of a root, its place.
    roots: BTreeMap<String, usize>,
    network: Network,
    state: State,
}

impl Builder<'_> {
    fn build(&mut self) -> Result<()> {
        let graph = self.graph;
        let input = graph.input.name.clone();
        let shape = self.source.frame.to_vec();
        self.network.input =
            self.feature(&input, shape, false, [f32::NEG_INFINITY, f32::INFINITY], None);
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
    fn input(&self, node: &Node, index: usize) -> Result<Known> {
        let name = node.input(index).unwrap_or_default();
        self.known.get(name).cloned().ok_or_else(|| {
            Error::new(format!("its input `{name}` is not computed from the frames"))
                .way_out("Training takes it as the first input, or as a constant.")
        })
    }

    /// The shape of a tensor in a frame.
    fn shape(&self, tensor: &str) -> Result<Vec<usize>> {
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
    fn result(&self, i: usize, node: &Node) -> (String, [f32; 2]) {
        let result = if self.placement.nodes.contains(&i) {
            self.placement.result(self.graph, node)
        } else {
            node.output()
        };
        let activation = self.placement.activations.get(result).map(|&at| &self.graph.nodes[at]);
        let clip = activation.and_then(|activation| clip_range(self.graph, activation));
        (result.to_string(), clip.unwrap_or([f32::NEG_INFINITY, f32::INFINITY]))
    }

    /// The root whose scale a quantized tensor has.
    fn root(&mut self, tensor: &str) -> Option<usize> {
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
                self.slot(vec![scale], false, vec![scale], vec![scale * LEAST_SHARE]);
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
    fn feature(
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
    fn slot(
        &mut self,
        values: Vec<f32>,
        decays: bool,
        units: Vec<f32>,
        least: Vec<f32>,
    ) -> std::ops::Range<usize> {
        let from = self.state.parameters.len();
        self.state.parameters.extend(values);
        let range = from..self.state.parameters.len();
        self.network.slots.push(Slot { range: range.clone(), decays, units, least });
        range
    }

    fn trains(&self, feature: usize) -> bool {
        self.network.features[feature].needs_gradient
    }

    fn push(&mut self, operator: impl Operator + 'static, y: usize) {
        self.network.steps.push(Step { operator: Box::new(operator), y });
    }

    fn constant(&self, node: &Node, index: usize) -> Result<Option<(&Tensor, Vec<f32>)>> {
        let Some(name) = node.input(index) else { return Ok(None) };
        let tensor = self.graph.initializers.get(name);
        let values = tensor.and_then(|tensor| Some((tensor, tensor.to_f32()?)));
        values.map(Some).ok_or_else(|| {
            Error::new(format!("its input `{name}` is not a constant of floats"))
                .way_out("Training takes layers whose weights and biases are constants.")
        })
    }

    fn layer(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let Some((tensor, weights)) = self.constant(node, 1)? else {
            return Err(Error::new("it has no weights"));
        };
        let shape = tensor.shape.clone();
        let bias = self.constant(node, 2)?.map(|(_, values)| values);
        let (name, clip) = self.result(i, node);
        let y_shape = self.shape(&name)?;
        let (form, places) = form_of(node, &x.shape, &shape)?;
        let layers = self.source.layers;
        let mut layer = Layer {
            name: node.name.clone(),
            x: x.feature,
            y: 0,
            index: self.network.layers.len(),
            form,
            groups: places.groups,
            k: places.per_output(),
            out: places.outputs,
            places,
            slots: Slots { weight: 0..0, bias: None },
            norm: None,
            grid: None,
        };
        let bias = layers.biases.get(&node.name).cloned().or(bias);
        let spread = |bias: &Vec<f32>| bias.len() == 1 || bias.len() == layer.channels();
        if !bias.as_ref().is_none_or(spread) {
            return Err(Error::new("its bias differs from row to row"));
        }
        let normalized = self.source.normalized.iter().find(|own| own.layer == node.name);
        // Only where folding gives the very layer that starts: not after equalization.
        let normalized = normalized.filter(|own| own.folded[0].as_f32() == Some(&weights));
        // What AdaRound chose is where training starts.
        let learned = self.source.recipe.rounding != Rounding::Nearest;
        let rounded = layers.weights.get(&node.name).filter(|_| learned);
        let weights = rounded.map_or(weights, |own| own.reals(tensor_of(self.graph, node)));
        let mut ordered = vec![0.0; weights.len()];
        weights.iter().enumerate().for_each(|(i, &w)| ordered[layer.place(i)] = w);
        let corrected = bias;
        let bias = match normalized {
            None => corrected.clone(),
            Some(own) => {
                let mut apart = vec![0.0; weights.len()];
                own.weights.iter().enumerate().for_each(|(i, &w)| apart[layer.place(i)] = w);
                if learned {
                    unfold(&layer, own, &ordered, &mut apart);
                }
                ordered = apart;
                own.bias.clone()
            }
        };
        layer.slots.weight = self.slot(ordered, true, Vec::new(), Vec::new());
        layer.slots.bias = bias.clone().map(|bias| self.slot(bias, false, Vec::new(), Vec::new()));
        layer.norm = normalized.map(|own| self.normalization(own, corrected.as_deref()));
        if self.placement.nodes.contains(&i) {
            layer.grid = Some(self.weight_grid(node));
        }
        layer.y = self.feature(&name, y_shape, true, clip, None);
        self.network.layers.push(layer.clone());
        let y = layer.y;
        self.push(layer, y);
        Ok(())
    }

    /// `corrected`: the folded bias that training starts with, of which the shift takes what
    /// corrections have changed.
    fn normalization(&mut self, own: &Normalized, corrected: Option<&[f32]>) -> Normalization {
        let gain = self.slot(own.gain.clone(), false, Vec::new(), Vec::new());
        let mut shift = own.shift.clone();
        if let (Some(corrected), Some(folded)) = (corrected, own.folded[1].as_f32()) {
            for (shift, (corrected, folded)) in shift.iter_mut().zip(corrected.iter().zip(folded)) {
                *shift += corrected - folded;
            }
        }
        let shift = self.slot(shift, false, Vec::new(), Vec::new());
        let [mean, variance] = [&own.mean, &own.variance].map(|values| {
            let from = self.state.statistics.len();
            self.state.statistics.extend(values);
            from..self.state.statistics.len()
        });
        Normalization { gain, shift, mean, variance, epsilon: own.epsilon }
    }

    fn weight_grid(&mut self, node: &Node) -> WeightGrid {
        let params = self.source.layers.weights[&node.name].params.clone();
        let count = params.scale.len();
        let zero_point = params.zero_point[0];
        let scale = match self.source.scales {
            Scales::Learned => {
                let len = self.source.layers.weights[&node.name].codes.len() / count;
                let reach = params.bounds.map(|b| (b - zero_point).abs());
                let factor = 1.0 / (len as f64 * f64::from(reach[0].max(reach[1]))).sqrt();
                let lowest = params.scale.iter().map(|scale| scale * LEAST_SHARE).collect();
                let slot = self.slot(params.scale.clone(), false, params.scale.clone(), lowest);
                WeightScale::Learned { at: slot.start, zero_point, factor: factor as f32 }
            }
            Scales::MovingAverage => {
                let at = self.state.statistics.len();
                self.state.statistics.extend(&params.scale);
                self.state.statistics.extend(params.zero_point.iter().map(|&z| z as f32));
                WeightScale::Following { at }
            }
        };
        let scheme = WeightScheme::of(self.source.recipe, node);
        WeightGrid { codes: params.bounds, scale, count, scheme }
    }

    fn clip(&mut self, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let range = clip_range(self.graph, node)
            .ok_or_else(|| Error::new("its bounds are computed, not constant"))?;
        let (trains, name) = (self.trains(x.feature), node.output().to_string());
        let y = self.feature(&name, x.shape, trains, EVERYTHING, None);
        self.push(Clip { x: x.feature, y, range }, y);
        Ok(())
    }

    fn function(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let root = self.root(node.input(0).unwrap_or_default());
        let trains = self.trains(x.feature);
        let (name, clip) = self.result(i, node);
        let y = self.feature(&name, x.shape, trains, clip, None);
        let codes = root.map(|root| self.network.roots[root].params.bounds);
        let function = Function::of(node, [x.feature, y], root.zip(codes.map(|codes| codes[0])));
        let function = function.ok_or_else(|| Error::new("it is no function of one element"))?;
        self.push(function, y);
        Ok(())
    }

    fn probabilities(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let rank = x.shape.len() as i64 + 1;
        let axis = node.int("axis", -1).rem_euclid(rank) as usize;
        let Some(axis) = axis.checked_sub(1) else {
            return Err(Error::new("its frames do not stay apart"));
        };
        let behind: usize = x.shape[axis + 1..].iter().product();
        if node.int("opset", 13) < 13 && behind > 1 {
            return Err(Error::new("it goes over several axes at once")
                .way_out("Export the network with operator set 13 or later."));
        }
        let in_memory = in_memory(&x.shape);
        let axis = axis_in_memory(x.shape.len(), axis);
        let (name, clip) = self.result(i, node);
        let trains = self.trains(x.feature);
        let y = self.feature(&name, x.shape, trains, clip, None);
        let (len, inner) = (in_memory[axis], in_memory[axis + 1..].iter().product());
        let is_log = node.op == "LogSoftmax";
        self.push(Softmax { x: x.feature, y, len, inner, is_log }, y);
        Ok(())
    }

    fn pool(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let &[channels, ref plane @ ..] = &x.shape[..] else {
            return Err(Error::new("it pools no plane"));
        };
        if plane.is_empty() {
            return Err(Error::new("it pools no plane"));
        }
        let (kind, window) = if node.op == "GlobalAveragePool" {
            let input = [plane.iter().rev().skip(1).product(), plane[plane.len() - 1]];
            let window = Window {
                input,
                output: [1; 2],
                kernel: input,
                stride: [1; 2],
                dilation: [1; 2],
                pad: [0; 2],
            };
            (pool::Kind::GlobalAverage, window)
        } else {
            let kernel: Vec<usize> = node
                .ints("kernel_shape")
                .unwrap_or_default()
                .iter()
                .map(|&n| usize::try_from(n).unwrap_or(0))
                .collect();
            let window = Window::of(node, plane, &kernel)?;
            let include_pad = node.int("count_include_pad", 0) != 0;
            let average = pool::Kind::Average { include_pad };
            (if node.op == "MaxPool" { pool::Kind::Max } else { average }, window)
        };
        let (name, clip) = self.result(i, node);
        let moved = match kind {
            pool::Kind::Max => Some((x.feature, false)),
            pool::Kind::Average { .. } => Some((x.feature, true)),
            pool::Kind::GlobalAverage => None,
        };
        let (shape, trains) = (self.shape(&name)?, self.trains(x.feature));
        let y = self.feature(&name, shape, trains, clip, moved);
        self.push(Pool { x: x.feature, y, kind, window, channels }, y);
        Ok(())
    }

    /// An input of a node that joins several: computed, or a constant, which does not train.
    fn operand(&mut self, i: usize, node: &Node, index: usize) -> Result<Known> {
        let name = node.input(index).unwrap_or_default();
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let Some((tensor, mut values)) = self.constant(node, index)? else {
            return Err(Error::new("one of its inputs is left out"));
        };
        // The batch is no axis of a frame.
        let rank = self.shape(node.output())?.len();
        let mut shape = tensor.shape.clone();
        if shape.len() > rank && shape.remove(0) != 1 {
            return Err(Error::new(format!("its constant `{name}` has values for each frame")));
        }
        let mut unit = 1.0;
        if self.placement.nodes.contains(&i) {
            let (codes, params) = constant_activation(tensor, &values, self.source.recipe);
            unit = params.scale[0];
            let zero_point = params.zero_point[0];
            values = codes.iter().map(|code| (code - zero_point) as f32).collect();
        }
        let padded: Vec<usize> =
            std::iter::repeat_n(1, rank.saturating_sub(shape.len())).chain(shape).collect();
        let ordered = order(&padded).iter().map(|&at| values[at as usize]).collect();
        let feature = self.network.features.len();
        self.network.features.push(Feature {
            shape: padded.clone(),
            needs_gradient: false,
            round: None,
            constant: Some((ordered, unit)),
        });
        Ok(Known { feature, shape: padded })
    }

    fn binary(&mut self, i: usize, node: &Node) -> Result<()> {
        let slopes = node.op == "PRelu" && self.graph.constant(node, 1).is_some();
        let second = if slopes { self.free(node, 1)? } else { self.operand(i, node, 1)? };
        let inputs = [self.operand(i, node, 0)?, second];
        let (name, clip) = self.result(i, node);
        let shape = self.shape(&name)?;
        let mut operands = Vec::with_capacity(2);
        for input in &inputs {
            let reading = if input.shape == shape {
                Reading::Same
            } else {
                let places = broadcast(&input.shape, &shape);
                Reading::At(places.ok_or_else(|| {
                    Error::new(format!("shapes {:?} and {shape:?} do not broadcast", input.shape))
                })?)
            };
            let len = input.shape.iter().product();
            operands.push(Operand { tensor: input.feature, len, reading });
        }
        let len = shape.iter().product();
        let trains = inputs.iter().any(|input| self.trains(input.feature));
        let y = self.feature(&name, shape, trains, clip, None);
        let combine = match node.op.as_str() {
            "Add" => Combine::Add,
            "Sub" => Combine::Sub,
            "Div" => Combine::Div,
            "PRelu" => Combine::PRelu,
            _ => Combine::Mul,
        };
        let operands =
            operands.try_into().map_err(|_| Error::new("it does not join two tensors"))?;
        self.push(Binary { operands, y, len, combine }, y);
        Ok(())
    }

    fn concat(&mut self, i: usize, node: &Node) -> Result<()> {
        let (name, clip) = self.result(i, node);
        let shape = self.shape(&name)?;
        let axis = node.int("axis", 1).rem_euclid(shape.len() as i64 + 1) as usize;
        let axis =
            axis.checked_sub(1).ok_or_else(|| Error::new("it joins frames with each other"))?;
        let axis = axis_in_memory(shape.len(), axis);
        let mut parts = Vec::with_capacity(node.inputs.len());
        let mut trains = false;
        for index in 0..node.inputs.len() {
            let part = self.operand(i, node, index)?;
            let run = in_memory(&part.shape)[axis..].iter().product();
            trains |= self.trains(part.feature);
            parts.push((part.feature, run));
        }
        let y = self.feature(&name, shape, trains, clip, None);
        self.push(Concat { parts, y }, y);
        Ok(())
    }

    /// `axes`: the order of the input's axes in the result, batch included; `None`: as they were.
    fn rearrange(&mut self, node: &Node, axes: Option<Vec<i64>>) -> Result<()> {
        let x = self.input(node, 0)?;
        let name = node.output().to_string();
        // Of a single frame it would take the batch away, too.
        let shape =
            match node.op == "Squeeze" && node.input(1).is_none() && node.ints("axes").is_none() {
                true => x.shape.iter().copied().filter(|&n| n != 1).collect(),
                false => self.shape(&name)?,
            };
        let mut onnx: Vec<usize> = (0..shape.iter().product()).collect();
        if let Some(axes) = axes {
            if axes.first() != Some(&0) {
                return Err(Error::new("it exchanges the batch with another axis"));
            }
            let strides: Vec<usize> =
                (0..x.shape.len()).map(|a| x.shape[a + 1..].iter().product()).collect();
            for (i, place) in onnx.iter_mut().enumerate() {
                let (mut rest, mut at) = (i, 0);
                for (axis, &dim) in shape.iter().enumerate().rev() {
                    at += rest % dim * strides[axes[axis + 1] as usize - 1];
                    rest /= dim;
                }
                *place = at;
            }
        }
        if onnx.len() != x.shape.iter().product::<usize>() {
            return Err(Error::new("frames do not stay apart"));
        }
        let memory = memory_of(&x.shape);
        let places: Vec<u32> = order(&shape).iter().map(|&at| memory[onnx[at as usize]]).collect();
        let same_scale = self.root(&name) == self.root(node.input(0).unwrap_or_default());
        let stays = places.iter().enumerate().all(|(i, &at)| i == at as usize);
        if stays && (same_scale || !self.placement.tensors.contains_key(&name)) {
            // The same memory under another shape.
            self.known.insert(name, Known { feature: x.feature, shape });
            return Ok(());
        }
        let trains = self.trains(x.feature);
        let y = self.feature(&name, shape, trains, EVERYTHING, Some((x.feature, false)));
        self.push(Rearrange { x: x.feature, len: places.len(), y, places, fills: Vec::new() }, y);
        Ok(())
    }

    /// What a node with constant parameters makes of one frame of `x`, output by output, in ONNX's order:
    /// the runtime tells.
    fn probe(&self, node: &Node, x: &Known, frame: &[f32]) -> Result<Vec<Vec<f32>>> {
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

    /// Each element made is one of the input's, told by its place, or a constant.
    fn copies(&mut self, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let len: usize = x.shape.iter().product();
        let places: Vec<f32> = (1..=len).map(|place| place as f32).collect();
        let opposite: Vec<f32> = places.iter().map(|place| -place).collect();
        let made = [self.probe(node, &x, &places)?, self.probe(node, &x, &opposite)?];
        let memory = memory_of(&x.shape);
        let [made, opposite] = made;
        for (name, (made, opposite)) in node.outputs.iter().zip(made.iter().zip(&opposite)) {
            let shape = self.shape(name)?;
            let (mut places, mut fills) = (Vec::new(), Vec::new());
            for (to, &at) in order(&shape).iter().enumerate() {
                let (place, other) = (made[at as usize], opposite[at as usize]);
                // A constant does not follow the frame.
                if place == other {
                    places.push(0);
                    fills.push((to as u32, place));
                } else {
                    places.push(memory[place as usize - 1]);
                }
            }
            let trains = self.trains(x.feature);
            let y = self.feature(name, shape, trains, EVERYTHING, Some((x.feature, false)));
            self.push(Rearrange { x: x.feature, len, y, places, fills }, y);
        }
        Ok(())
    }

    /// Neighbours are mixed along each axis of the picture alone.
    fn resize(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let (name, clip) = self.result(i, node);
        let shape = self.shape(&name)?;
        if shape.len() != x.shape.len() || shape.first() != x.shape.first() || shape.len() < 2 {
            return Err(Error::new("it changes more than the size of pictures"));
        }
        let strides = |shape: &[usize]| -> Vec<usize> {
            (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
        };
        let (from, to) = (strides(&x.shape), strides(&shape));
        // By place made, the places that it takes and their shares; the channels stay.
        let mut taps: Vec<(usize, usize, f32)> =
            (0..shape[0]).map(|c| (c * from[0], c * to[0], 1.0)).collect();
        for axis in 1..shape.len() {
            let mut along = Vec::new();
            for at in 0..x.shape[axis] {
                let is_there = |place: usize| place / from[axis] % x.shape[axis] == at;
                let line =
                    (0..from[0] * x.shape[0]).map(|place| f32::from(u8::from(is_there(place))));
                let made = self.probe(node, &x, &line.collect::<Vec<_>>())?;
                let share = |to_at: usize| made[0][to_at * to[axis]];
                along.extend((0..shape[axis]).map(|to_at| (at, to_at, share(to_at))));
            }
            along.retain(|(_, _, share)| *share != 0.0);
            taps = taps
                .iter()
                .flat_map(|&(x, y, share)| {
                    let (from, to) = (&from, &to);
                    along.iter().map(move |(at, to_at, own)| {
                        (x + at * from[axis], y + to_at * to[axis], share * own)
                    })
                })
                .collect();
        }
        self.sums(&x, (name, shape, clip), &taps, 1.0);
        Ok(())
    }

    fn reduce(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let constant = self.graph.constant(node, 1).and_then(Tensor::as_i64);
        let axes = constant.or(node.ints("axes")).unwrap_or_default();
        if node.input(1).is_some() && constant.is_none() {
            return Err(Error::new("its axes are computed, not constant"));
        }
        let rank = x.shape.len() as i64 + 1;
        let axes: Vec<i64> = axes.iter().map(|axis| axis.rem_euclid(rank)).collect();
        if axes.is_empty() || axes.contains(&0) {
            return Err(Error::new("it joins frames with each other")
                .way_out("Training takes what reduces axes behind the batch."));
        }
        let (name, clip) = self.result(i, node);
        let shape = self.shape(&name)?;
        let reduced = |axis: usize| axes.contains(&(axis as i64 + 1));
        let kept: Vec<usize> = x
            .shape
            .iter()
            .enumerate()
            .map(|(axis, &n)| if reduced(axis) { 1 } else { n })
            .collect();
        let place = |at: usize| {
            let (mut rest, mut place, mut stride) = (at, 0, 1);
            for (axis, &n) in x.shape.iter().enumerate().rev() {
                place += if reduced(axis) { 0 } else { rest % n * stride };
                (rest, stride) = (rest / n, stride * kept[axis]);
            }
            place
        };
        let len: usize = x.shape.iter().product();
        let taps: Vec<_> = (0..len).map(|at| (at, place(at), 1.0)).collect();
        let count = len / kept.iter().product::<usize>().max(1);
        let divisor = if node.op == "ReduceMean" { count as f32 } else { 1.0 };
        self.sums(&x, (name, shape, clip), &taps, divisor);
        Ok(())
    }

    /// `taps`: by ONNX's places in the input and in the result, what the one adds to the other.
    fn sums(
        &mut self,
        x: &Known,
        (name, shape, clip): (String, Vec<usize>, [f32; 2]),
        taps: &[(usize, usize, f32)],
        divisor: f32,
    ) {
        let [from, to] = [&x.shape, &shape].map(|shape| memory_of(shape));
        let lens = [from.len(), to.len()];
        let taps = taps.iter().map(|&(x, y, share)| (from[x], to[y], share)).collect();
        let trains = self.trains(x.feature);
        let y = self.feature(&name, shape, trains, clip, None);
        self.push(Sums { x: x.feature, y, lens, taps, divisor }, y);
    }

    /// A constant that trains; behind it stands what it is in the file.
    fn free(&mut self, node: &Node, index: usize) -> Result<Known> {
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
        let slot = self.slot(ordered, false, Vec::new(), Vec::new());
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

    fn layer_normalization(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let rank = x.shape.len() as i64 + 1;
        let axis = node.int("axis", -1).rem_euclid(rank) as usize;
        let Some(axis) = axis.checked_sub(1) else {
            return Err(Error::new("it joins frames with each other"));
        };
        if node.outputs.iter().skip(1).any(|name| !name.is_empty()) {
            return Err(Error::new("its mean or deviation is asked for, too"));
        }
        let (name, clip) = self.result(i, node);
        let mut frees = vec![self.free(node, 1)?];
        if node.input(2).is_some() {
            frees.push(self.free(node, 2)?);
        }
        let mut operands = Vec::new();
        for Known { feature, shape } in frees {
            let places = broadcast(&shape, &x.shape).ok_or_else(|| {
                Error::new(format!("shapes {shape:?} and {:?} do not broadcast", x.shape))
            })?;
            operands.push((feature, shape.iter().product(), places));
        }
        let (places, len) = (memory_of(&x.shape), x.shape[axis..].iter().product());
        let epsilon = node.float("epsilon", 1e-5);
        let y = self.feature(&name, x.shape, true, clip, None);
        let mut operands = operands.into_iter();
        let gain = operands.next().ok_or_else(|| Error::new("it has no weights"))?;
        let shift = operands.next();
        self.push(LayerNorm { x: x.feature, y, gain, shift, places, len, epsilon }, y);
        Ok(())
    }

    /// One of several inputs, of the row of all.
    fn unpack(&mut self, node: &Node, Part { first, shape }: Part) -> Result<()> {
        let x = self.input(node, 0)?;
        let places = order(&shape).iter().map(|&at| first as u32 + at).collect();
        let y = self.feature(node.output(), shape, false, EVERYTHING, None);
        let len = x.shape.iter().product();
        self.push(Rearrange { x: x.feature, len, y, places, fills: Vec::new() }, y);
        Ok(())
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

const EVERYTHING: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

/// A learned scale stays above this share of where it started.
const LEAST_SHARE: f32 = 1e-3;

fn tensor_of<'a>(graph: &'a Graph, node: &Node) -> &'a Tensor {
    &graph.initializers[&node.inputs[1]]
}

/// What the weights slide over, and how they lie.
fn form_of(node: &Node, x: &[usize], weights: &[usize]) -> Result<(Form, Places)> {
    let mismatch = || Error::new(format!("its weights {weights:?} do not fit its input {x:?}"));
    let places = Places::of(node, weights).ok_or_else(mismatch)?;
    if node.op != "Gemm" && node.op != "MatMul" {
        if x.len() < 2 || x[0] != places.all_inputs() {
            return Err(mismatch());
        }
        if node.op == "ConvTranspose" {
            let window = Window::transposed(node, &x[1..], &weights[2..])?;
            return Ok((Form::Transposed { window }, places));
        }
        let window = Window::of(node, &x[1..], &weights[2..])?;
        let form = if places.inputs == 1 && places.outputs == 1 && places.groups > 1 {
            Form::Depthwise { window }
        } else {
            Form::Conv { window }
        };
        return Ok((form, places));
    }
    let plain = node.int("transA", 0) == 0
        && node.float("alpha", 1.0) == 1.0
        && node.float("beta", 1.0) == 1.0;
    if x.len() != 1 || x[0] != places.inputs || !plain {
        return Err(Error::new(format!(
            "it multiplies {x:?} with {weights:?} in a way that is not trained"
        ))
        .way_out("Training takes products of a row for each frame with constant weights."));
    }
    Ok((Form::Matrix, places))
}
