//! Writing the quantized network in QDQ form: one QuantizeLinear / DequantizeLinear pair per
//! tensor, integer weights and int32 biases behind a DequantizeLinear.
//!
//! Weights of 4 bits and fewer are stored as INT4, of more as int8. QuantizeLinear saturates at the
//! ends of its type only, so a tensor of fewer bits has a Clip on its integers.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::QParams;
use super::placement::{Placement, has_weights, joins, weight_axis};
use super::qparams::Params;
use super::weights::{
    WeightScheme, dequantize, least_scales, quantize_bias, round_to_nearest, weight_params,
};
use crate::graph::{
    Attribute, Constants, Data, Element, Graph, Node, Tensor, clip_range, fresh_name, prune,
};
use crate::kernels::requantize::quantize;
use crate::quantize::range::ActivationScheme;
use crate::vocabulary::quantization::TensorInfo;
use crate::vocabulary::recipe::Recipe;

/// What the constants of the layers become, by the node's name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Layers {
    pub(crate) weights: BTreeMap<String, Weights>,
    /// Biases other than the network's own.
    pub(crate) biases: BTreeMap<String, Vec<f32>>,
}

/// Quantized weights.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weights {
    pub(crate) params: QParams,
    pub(crate) codes: Vec<i32>,
}

impl Weights {
    /// What the integers stand for; `tensor` has their shape.
    pub(crate) fn reals(&self, tensor: &Tensor) -> Vec<f32> {
        dequantize(tensor, &self.codes, &self.params)
    }
}

impl Layers {
    /// Every layer's weights rounded to nearest.
    ///
    /// `params` hold for each root tensor of the placement.
    pub(super) fn nearest(
        graph: &Graph,
        placement: &Placement,
        params: &Params,
        recipe: &Recipe,
    ) -> Self {
        let of = |&i: &usize| {
            let node = &graph.nodes[i];
            let axis = weight_axis(node)?;
            let input = &params[&placement.tensors[&node.inputs[0]]];
            let bias = graph.constant(node, 2).and_then(Tensor::as_f32);
            let least = bias.map_or_else(Vec::new, |bias| least_scales(bias, input.scale[0]));
            let weights = graph.constant(node, 1)?;
            let values = weights.as_f32()?;
            let scheme = WeightScheme::of(recipe, node);
            let given = recipe.ranges.get(&node.inputs[1]).map_or(&[][..], Vec::as_slice);
            let params = weight_params(weights, values, axis, scheme, (given, &least));
            let codes = round_to_nearest(weights, values, &params);
            Some((node.name.clone(), Weights { params, codes }))
        };
        Self { weights: placement.nodes.iter().filter_map(of).collect(), biases: BTreeMap::new() }
    }
}

/// A network in QDQ form.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) graph: Graph,
    pub(super) tensors: Vec<TensorInfo>,
    /// By quantized tensor, what its values are called after rounding.
    pub(super) after: BTreeMap<String, String>,
}

/// The quantized network and how each of its tensors is quantized.
///
/// `params` hold for each root tensor of the placement.
pub(super) fn write(
    graph: &Graph,
    placement: &Placement,
    params: &Params,
    layers: &Layers,
    recipe: &Recipe,
) -> Written {
    let mut taken = graph.names();
    let names = placement.tensors.keys();
    let names = names.map(|t| (t.clone(), Rounded::of(graph, t, &mut taken))).collect();
    let mut writer = Writer {
        source: graph,
        placement,
        recipe,
        layers,
        params: placement
            .tensors
            .iter()
            .map(|(tensor, root)| (tensor.as_str(), &params[root]))
            .collect(),
        taken,
        names,
        scales: HashMap::new(),
        weights: HashMap::new(),
        nodes: Vec::new(),
        initializers: graph.initializers.clone(),
        tensors: Vec::new(),
    };
    writer.pair(&graph.input.name);
    let folded = writer.folded();
    for (i, node) in graph.nodes.iter().enumerate() {
        if folded.contains_key(&i) {
            continue;
        }
        writer.node(i, node, &folded);
    }
    let Writer { nodes, initializers, tensors, names, .. } = writer;
    let mut quantized = Graph { nodes, initializers, ..graph.clone() };
    prune(&mut quantized);
    let after = names.into_iter().map(|(tensor, names)| (tensor, names.after)).collect();
    Written { graph: quantized, tensors, after }
}

/// Whether a constant has a type that only newer operator sets know.
pub(super) fn has_int4(graph: &Graph) -> bool {
    graph.initializers.values().any(|tensor| tensor.element() == Element::I4)
}

struct Writer<'a> {
    source: &'a Graph,
    placement: &'a Placement,
    recipe: &'a Recipe,
    layers: &'a Layers,
    params: BTreeMap<&'a str, &'a QParams>,
    taken: HashSet<String>,
    /// The initializers of a scale and zero point, by the tensor whose range they are.
    scales: HashMap<String, [String; 2]>,
    /// Dequantized weights already written, by initializer; nodes that share weights share them.
    weights: HashMap<String, Vec<WrittenWeights>>,
    /// What a quantized tensor's values are called before and after rounding.
    names: HashMap<String, Rounded>,
    nodes: Vec<Node>,
    initializers: Constants,
    tensors: Vec<TensorInfo>,
}

impl<'a> Writer<'a> {
    /// Activations that the output's range already does: saturating is clipping. By their index,
    /// the node that ends in them.
    fn folded(&self) -> HashMap<usize, &'a str> {
        let folds = |(tensor, &activation): (&'a String, &usize)| {
            let q = self.params.get(tensor.as_str())?;
            let [low, high] = clip_range(self.source, &self.source.nodes[activation])?;
            let [qmin, qmax] = q.bounds;
            let code = |x| quantize(x, q.scale[0], q.zero_point[0], [qmin, qmax]);
            (code(low) == qmin && code(high) == qmax).then_some((activation, tensor.as_str()))
        };
        self.placement.activations.iter().filter_map(folds).collect()
    }

    /// Writes one node of the source, its constants before it and its QDQ pairs after it.
    fn node(&mut self, i: usize, node: &Node, folded: &HashMap<usize, &str>) {
        let mut new = node.clone();
        // Every reader of a quantized tensor reads its integers, those in float too.
        for input in &mut new.inputs {
            if let Some(names) = self.names.get(input) {
                input.clone_from(&names.after);
            }
        }
        if self.placement.nodes.contains(&i) {
            if has_weights(self.source, node) {
                self.constants_of(node, &mut new);
            } else if joins(node) {
                self.constant_activations(node, &mut new);
            }
            if let Some(tensor) = self.ends_in(node, folded) {
                new.outputs[0] = tensor.to_string();
            }
        }
        for output in &mut new.outputs {
            if let Some(names) = self.names.get(output) {
                output.clone_from(&names.before);
            }
        }
        let made: Vec<String> = match self.ends_in(node, folded) {
            Some(tensor) => vec![tensor.to_string()],
            None => node.outputs.clone(),
        };
        self.nodes.push(new);
        for tensor in made {
            self.pair(&tensor);
        }
    }

    /// The tensor made by the activation that is folded into `node`.
    fn ends_in<'b>(&self, node: &Node, folded: &HashMap<usize, &'b str>) -> Option<&'b str> {
        let activation = |i: &usize| self.source.nodes[*i].inputs[0] == node.outputs[0];
        folded.iter().find(|(i, _)| activation(i)).map(|(_, tensor)| *tensor)
    }

    /// The QDQ pair of a tensor, if it has one.
    fn pair(&mut self, tensor: &str) {
        let Some(&params) = self.params.get(tensor) else { return };
        let [scale, zero_point] = self.scale_of(tensor, params);
        let quantized = fresh_name(&format!("{tensor}_quantized"), &mut self.taken);
        let inputs = |x: String| [x, scale.clone(), zero_point.clone()];
        let name = fresh_name(&format!("{tensor}_QuantizeLinear"), &mut self.taken);
        let Rounded { before, after } = &self.names[tensor];
        let (before, after) = (before.clone(), after.clone());
        self.nodes.push(Node::new("QuantizeLinear", name, inputs(before), [quantized.clone()]));
        let quantized = self.clipped(tensor, quantized, params);
        let name = fresh_name(&format!("{tensor}_DequantizeLinear"), &mut self.taken);
        self.nodes.push(Node::new("DequantizeLinear", name, inputs(quantized), [after]));
        self.tensors.push(params.info(tensor));
    }

    /// The integers `quantized`, kept within bounds that their type does not have by itself.
    fn clipped(&mut self, tensor: &str, quantized: String, params: &QParams) -> String {
        if !params.is_narrow() {
            return quantized;
        }
        let bounds = ["low", "high"].map(|end| {
            let bound = params.bounds[usize::from(end == "high")];
            self.constant(tensor, end, integers(params.element, vec![], &[bound]))
        });
        let [low, high] = bounds;
        let clipped = fresh_name(&format!("{tensor}_clipped"), &mut self.taken);
        let name = fresh_name(&format!("{tensor}_Clip"), &mut self.taken);
        self.nodes.push(Node::new("Clip", name, [quantized, low, high], [clipped.clone()]));
        clipped
    }

    /// The scale and zero point of an activation: those of the tensor whose range it has.
    fn scale_of(&mut self, tensor: &str, params: &QParams) -> [String; 2] {
        let root = self.placement.tensors[tensor].clone();
        if let Some(names) = self.scales.get(&root) {
            return names.clone();
        }
        let names = self.parameters(&root, params);
        self.scales.insert(root, names.clone());
        names
    }

    /// New initializers for a scale and a zero point; the zero point has the scale's shape.
    fn parameters(&mut self, base: &str, params: &QParams) -> [String; 2] {
        let shape = if params.axis.is_some() { vec![params.scale.len()] } else { vec![] };
        let scale = Tensor::new(shape.clone(), Data::F32(params.scale.clone()));
        let zero_point = integers(params.element, shape, &params.zero_point);
        [self.constant(base, "scale", scale), self.constant(base, "zero_point", zero_point)]
    }

    fn constant(&mut self, base: &str, what: &str, tensor: Tensor) -> String {
        let name = fresh_name(&format!("{base}_{what}"), &mut self.taken);
        self.initializers.insert(name.clone(), tensor);
        name
    }

    /// Integers of a constant, with the DequantizeLinear that turns them into `params`' reals.
    fn dequantize(&mut self, base: &str, codes: Tensor, params: &QParams) -> String {
        let quantized = self.constant(base, "quantized", codes);
        let [scale, zero_point] = self.parameters(base, params);
        let output = fresh_name(&format!("{base}_dequantized"), &mut self.taken);
        let name = fresh_name(&format!("{base}_DequantizeLinear"), &mut self.taken);
        let mut node =
            Node::new("DequantizeLinear", name, [quantized, scale, zero_point], [output.clone()]);
        if let Some(axis) = params.axis {
            node = node.with("axis", Attribute::Int(axis as i64));
        }
        self.nodes.push(node);
        self.tensors.push(params.info(base));
        output
    }

    /// The weights and bias of a node, at inputs 1 and 2.
    fn constants_of(&mut self, node: &Node, new: &mut Node) {
        let input_scale = self.params[node.inputs[0].as_str()].scale[0];
        let Weights { params, codes } = &self.layers.weights[&node.name];
        let written = self.weights.get(&node.inputs[1]).into_iter().flatten();
        let same = |w: &&WrittenWeights| w.weights.params == *params && w.weights.codes == *codes;
        new.inputs[1] = match written.into_iter().find(same) {
            Some(written) => written.name.clone(),
            None => {
                let shape = self.source.initializers[&node.inputs[1]].shape.clone();
                let tensor = integers(params.element, shape, codes);
                let name = self.dequantize(&node.inputs[1], tensor, params);
                let weights = self.layers.weights[&node.name].clone();
                let written = self.weights.entry(node.inputs[1].clone()).or_default();
                written.push(WrittenWeights { name: name.clone(), weights });
                name
            }
        };
        let corrected = self.layers.biases.get(&node.name);
        let bias = self.source.constant(node, 2).and_then(|b| Some((&b.shape, b.as_f32()?)));
        let (base, shape, values) = match (corrected, bias) {
            (Some(values), _) => (format!("{}_bias", node.name), vec![values.len()], &values[..]),
            (None, Some((shape, values))) => (node.inputs[2].clone(), shape.clone(), values),
            (None, None) => return,
        };
        let (codes, mut params) = quantize_bias(values, input_scale, params);
        let shape = if codes.len() == values.len() { shape } else { vec![codes.len()] };
        params.axis = params.axis.map(|_| shape.len() - 1);
        let codes = Tensor::new(shape, Data::I32(codes));
        let bias = self.dequantize(&base, codes, &params);
        new.inputs.truncate(2);
        new.inputs.push(bias);
    }

    /// Constants that a node without weights reads (Add, Mul, Concat): quantized as activations.
    fn constant_activations(&mut self, node: &Node, new: &mut Node) {
        for (at, name) in node.inputs.iter().enumerate() {
            let Some(tensor) = self.source.initializers.get(name) else { continue };
            let Some(values) = tensor.as_f32() else { continue };
            let (codes, params) = constant_activation(tensor, values, self.recipe);
            let codes = integers(params.element, tensor.shape.clone(), &codes);
            new.inputs[at] = self.dequantize(name, codes, &params);
        }
    }
}

/// A constant that is read as an activation: its integers, of 8 bits over its own range.
pub(crate) fn constant_activation(
    tensor: &Tensor,
    values: &[f32],
    recipe: &Recipe,
) -> (Vec<i32>, QParams) {
    let range = values.iter().fold([0f32; 2], |[low, high], &v| [low.min(v), high.max(v)]);
    let scheme = ActivationScheme { bits: 8, ..ActivationScheme::of(recipe) };
    let params = scheme.params(range);
    (round_to_nearest(tensor, values, &params), params)
}

/// Weights that are in the file already.
struct WrittenWeights {
    /// The tensor that DequantizeLinear makes of them.
    name: String,
    weights: Weights,
}

/// Integers of a quantized tensor's type.
fn integers(element: Element, shape: Vec<usize>, codes: &[i32]) -> Tensor {
    match element {
        Element::I4 => Tensor::int4(shape, codes),
        Element::U8 => Tensor::new(shape, Data::U8(codes.iter().map(|&q| q as u8).collect())),
        Element::I8 => Tensor::new(shape, Data::I8(codes.iter().map(|&q| q as i8).collect())),
        _ => Tensor::new(shape, Data::I32(codes.to_vec())),
    }
}

/// What a quantized tensor's values are called before and after rounding.
struct Rounded {
    before: String,
    after: String,
}

impl Rounded {
    /// An output of the network keeps its name for what it gives: the rounded values. One that is the
    /// input gives what it is given.
    fn of(graph: &Graph, tensor: &str, taken: &mut HashSet<String>) -> Self {
        if graph.is_output(tensor) && !graph.is_input(tensor) {
            let before = fresh_name(&format!("{tensor}_real"), taken);
            Self { before, after: tensor.into() }
        } else {
            let after = fresh_name(&format!("{tensor}_dequantized"), taken);
            Self { before: tensor.into(), after }
        }
    }
}
