//! Writing the quantized network in QDQ form: one QuantizeLinear / DequantizeLinear pair per
//! tensor, int8 weights and int32 biases behind a DequantizeLinear.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::placement::{Placement, weight_axis};
use super::weights::{least_scales, quantize_bias, quantize_weights};
use super::{QParams, Recipe, TensorInfo, range};
use crate::graph::{Attribute, Data, Element, Graph, Node, Tensor, fresh_name, prune};
use crate::kernels::requantize::quantize;
use crate::runtime::lower::clip_range;

/// The quantized network and how each of its tensors is quantized.
pub(super) fn write(
    graph: &Graph,
    placement: &Placement,
    ranges: &BTreeMap<String, [f32; 2]>,
    recipe: &Recipe,
) -> (Graph, Vec<TensorInfo>) {
    let mut taken = graph.names();
    let names = placement.tensors.keys();
    let names = names.map(|t| (t.clone(), Rounded::of(graph, t, &mut taken))).collect();
    let mut writer = Writer {
        source: graph,
        placement,
        recipe,
        params: placement
            .tensors
            .iter()
            .map(|(tensor, root)| {
                let [min, max] = ranges[root];
                (tensor.as_str(), range::activation(min, max, recipe.activations, recipe.symmetric))
            })
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
    let Writer { nodes, initializers, tensors, .. } = writer;
    let mut quantized = Graph { nodes, initializers, ..graph.clone() };
    prune(&mut quantized);
    (quantized, tensors)
}

struct Writer<'a> {
    source: &'a Graph,
    placement: &'a Placement,
    recipe: &'a Recipe,
    params: BTreeMap<&'a str, QParams>,
    taken: HashSet<String>,
    /// The initializers of a scale and zero point, by the tensor whose range they are.
    scales: HashMap<String, [String; 2]>,
    /// Dequantized weights already written, by initializer; nodes that share weights share them.
    weights: HashMap<String, Vec<(String, QParams)>>,
    /// What a quantized tensor's values are called before and after rounding.
    names: HashMap<String, Rounded>,
    nodes: Vec<Node>,
    initializers: BTreeMap<String, Tensor>,
    tensors: Vec<TensorInfo>,
}

impl<'a> Writer<'a> {
    /// Activations that the output's range already does: saturating is clipping. By their index,
    /// the node that ends in them.
    fn folded(&self) -> HashMap<usize, &'a str> {
        let folds = |(tensor, &activation): (&'a String, &usize)| {
            let q = self.params.get(tensor.as_str())?;
            let [low, high] = clip_range(self.source, &self.source.nodes[activation])?;
            let [qmin, qmax] = q.bounds();
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
            match weight_axis(node) {
                Some(axis) => self.constants_of(node, axis, &mut new),
                None => self.constant_activations(node, &mut new),
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
        let Some(params) = self.params.get(tensor).cloned() else { return };
        let [scale, zero_point] = self.scale_of(tensor, &params);
        let quantized = fresh_name(&format!("{tensor}_quantized"), &mut self.taken);
        let inputs = |x: String| [x, scale.clone(), zero_point.clone()];
        let name = fresh_name(&format!("{tensor}_QuantizeLinear"), &mut self.taken);
        let Rounded { before, after } = &self.names[tensor];
        let (before, after) = (before.clone(), after.clone());
        self.nodes.push(Node::new("QuantizeLinear", name, inputs(before), [quantized.clone()]));
        let name = fresh_name(&format!("{tensor}_DequantizeLinear"), &mut self.taken);
        self.nodes.push(Node::new("DequantizeLinear", name, inputs(quantized), [after]));
        self.tensors.push(params.info(tensor));
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
        let codes = params.zero_point.iter();
        let zero_point = Tensor::new(
            shape,
            match params.element {
                Element::U8 => Data::U8(codes.map(|&z| z as u8).collect()),
                Element::I8 => Data::I8(codes.map(|&z| z as i8).collect()),
                _ => Data::I32(codes.copied().collect()),
            },
        );
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
    fn constants_of(&mut self, node: &Node, axis: usize, new: &mut Node) {
        let input_scale = self.params[node.inputs[0].as_str()].scale[0];
        let bias = self.source.constant(node, 2).and_then(|b| Some((b, b.as_f32()?)));
        let least = bias.map_or_else(Vec::new, |(_, b)| least_scales(b, input_scale));
        let weights = &self.source.initializers[&node.inputs[1]];
        let (codes, weight_params) = quantize_weights(
            weights,
            weights.as_f32().unwrap_or_default(),
            axis,
            self.recipe.weights,
            self.recipe.reduce_range,
            &least,
        );
        let written = self.weights.get(&node.inputs[1]).into_iter().flatten();
        let name = match written.into_iter().find(|(_, params)| *params == weight_params) {
            Some((name, _)) => name.clone(),
            None => {
                let name = self.dequantize(&node.inputs[1], codes, &weight_params);
                let written = self.weights.entry(node.inputs[1].clone()).or_default();
                written.push((name.clone(), weight_params.clone()));
                name
            }
        };
        new.inputs[1] = name;
        if let Some((tensor, values)) = bias {
            let (codes, mut params) = quantize_bias(values, input_scale, &weight_params);
            let shape =
                if codes.len() == values.len() { tensor.shape.clone() } else { vec![codes.len()] };
            params.axis = params.axis.map(|_| shape.len() - 1);
            let codes = Tensor::new(shape, Data::I32(codes));
            new.inputs[2] = self.dequantize(&node.inputs[2], codes, &params);
        }
    }

    /// Constants that a node without weights reads (Add, Mul, Concat): quantized as activations.
    fn constant_activations(&mut self, node: &Node, new: &mut Node) {
        for (at, name) in node.inputs.iter().enumerate() {
            let Some(tensor) = self.source.initializers.get(name) else { continue };
            let Some(values) = tensor.as_f32() else { continue };
            let [min, max] =
                values.iter().fold([0f32; 2], |[low, high], &v| [low.min(v), high.max(v)]);
            let params =
                range::activation(min, max, self.recipe.activations, self.recipe.symmetric);
            let codes = values
                .iter()
                .map(|&v| quantize(v, params.scale[0], params.zero_point[0], params.bounds()));
            let data = match params.element {
                Element::U8 => Data::U8(codes.map(|q| q as u8).collect()),
                _ => Data::I8(codes.map(|q| q as i8).collect()),
            };
            let codes = Tensor::new(tensor.shape.clone(), data);
            new.inputs[at] = self.dequantize(name, codes, &params);
        }
    }
}

/// What a quantized tensor's values are called before and after rounding.
struct Rounded {
    before: String,
    after: String,
}

impl Rounded {
    /// An output of the network keeps its name for what it gives: the rounded values.
    fn of(graph: &Graph, tensor: &str, taken: &mut HashSet<String>) -> Self {
        if graph.is_output(tensor) {
            let before = fresh_name(&format!("{tensor}_real"), taken);
            Self { before, after: tensor.into() }
        } else {
            let after = fresh_name(&format!("{tensor}_dequantized"), taken);
            Self { before: tensor.into(), after }
        }
    }
}

impl QParams {
    fn info(&self, name: &str) -> TensorInfo {
        TensorInfo {
            name: name.into(),
            element_type: self.element.name().into(),
            bits: if self.element == Element::I32 { 32 } else { 8 },
            scale: self.scale.clone(),
            zero_point: self.zero_point.clone(),
            axis: self.axis,
        }
    }
}
