//! Raising the operator set: each operator's own change, never the number alone.

use std::collections::HashSet;

use super::axes::Axes;
use super::{Attribute, Data, Graph, Node, Tensor, fresh_name};
use crate::error::{Error, ErrorKind, Result};

/// The first version in which QuantizeLinear and DequantizeLinear take one scale per channel.
pub const PER_CHANNEL: i64 = 13;

/// The first version in which they take 4-bit integers.
pub const INT4: i64 = 21;

/// Operators that are made here of others, and the first version that has them.
const MADE: [(&str, i64); 2] = [("HardSwish", 14), ("Gelu", 20)];

/// The oldest operator set whose changes are known here.
const OLDEST: i64 = 6;

/// Rewrites the network for operator set `version` (21 at most) if it is older.
///
/// Source of the changes: the "Versions" of each page under <https://onnx.ai/onnx/operators/>.
///
/// # Errors
/// Names a node whose change cannot be made here.
pub fn raise(graph: &mut Graph, version: i64) -> Result<()> {
    raise_each(graph, &vec![graph.opset(); graph.nodes.len()], version)
}

/// Raises the network to the version that has the operators which are made here.
///
/// # Errors
/// As [`raise`].
pub fn raise_for_made(graph: &mut Graph) -> Result<()> {
    let has = |op: &str| graph.nodes.iter().any(|node| node.is(op));
    match MADE.iter().filter(|(op, _)| has(op)).map(|(_, version)| *version).max() {
        Some(version) => raise(graph, version),
        None => Ok(()),
    }
}

/// As [`raise`], for nodes of several operator sets: `written` has that of each node.
///
/// # Errors
/// As [`raise`].
pub fn raise_each(graph: &mut Graph, written: &[i64], version: i64) -> Result<()> {
    if written.iter().all(|&old| old >= version) && graph.opset() >= version {
        return Ok(());
    }
    let mut raising = Raising {
        graph,
        axes: Axes::of(graph),
        version,
        taken: graph.names(),
        nodes: Vec::with_capacity(graph.nodes.len()),
        constants: Vec::new(),
    };
    for (node, &old) in graph.nodes.iter().zip(written) {
        // Without an input there is nothing to say otherwise.
        if !node.domain.is_empty() || old >= version || node.inputs.is_empty() {
            raising.nodes.push(node.clone());
        } else if old < OLDEST {
            return Err(raising.refused(node, format!("`{}` of opset {old} is too old", node.op)));
        } else {
            raising.node(node.clone(), old)?;
        }
    }
    let Raising { nodes, constants, .. } = raising;
    graph.nodes = nodes;
    graph.initializers.extend(constants);
    graph.opsets.insert(String::new(), version);
    Ok(())
}

/// A network on its way to another operator set.
struct Raising<'a> {
    graph: &'a Graph,
    axes: Axes<'a>,
    version: i64,
    taken: HashSet<String>,
    /// What the nodes became.
    nodes: Vec<Node>,
    constants: Vec<(String, Tensor)>,
}

impl Raising<'_> {
    /// Takes in what a node of operator set `old` is today.
    fn node(&mut self, mut node: Node, old: i64) -> Result<()> {
        let version = self.version;
        let crosses = |change: i64| old < change && change <= version;
        match node.op.as_str() {
            "Add" | "Sub" | "Mul" | "Div" | "Pow" | "And" | "Or" | "Xor" | "Equal" | "Greater"
            | "Less"
                if crosses(7) =>
            {
                self.spread_from_axis(&mut node)?;
            }
            "PRelu" if crosses(7) => self.spread_over_channels(&mut node)?,
            "Gemm" if crosses(7) => drop(node.attributes.remove("broadcast")),
            "RNN" | "GRU" | "LSTM" if crosses(7) => {
                node.attributes.remove("output_sequence");
            }
            "Squeeze" | "Unsqueeze" | "ReduceSum" if crosses(13) => {
                self.becomes_input(&mut node, "axes", 1);
            }
            "Split" => {
                if crosses(13) {
                    self.becomes_input(&mut node, "split", 1);
                }
                if crosses(18) && node.input(1).is_none() {
                    let count = node.outputs.len() as i64;
                    node.attributes.insert("num_outputs".into(), Attribute::Int(count));
                }
            }
            "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceMax"
            | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSumSquare"
                if crosses(18) =>
            {
                self.becomes_input(&mut node, "axes", 1);
            }
            "Clip" if crosses(11) => {
                self.becomes_input(&mut node, "min", 1);
                self.becomes_input(&mut node, "max", 2);
            }
            "Pad" if crosses(11) => {
                self.becomes_input(&mut node, "pads", 1);
                self.becomes_input(&mut node, "value", 2);
            }
            "Slice" if crosses(10) => {
                for (index, attribute) in ["starts", "ends", "axes"].into_iter().enumerate() {
                    self.becomes_input(&mut node, attribute, index + 1);
                }
            }
            "TopK" if crosses(10) => self.becomes_input(&mut node, "k", 1),
            "Scatter" if crosses(11) => node.op = "ScatterElements".into(),
            "Upsample" => {
                self.becomes_input(&mut node, "scales", 1);
                self.resize_as_before_11(&mut node)?;
            }
            "Resize" if crosses(11) => self.resize_as_before_11(&mut node)?,
            "Dropout" if crosses(12) => node.attributes.clear(),
            "BatchNormalization" if crosses(14) && node.outputs.len() > 1 => {
                let what = "normalization in training mode cannot be raised";
                return Err(self.refused(&node, what.into()));
            }
            "BatchNormalization" if crosses(9) => {
                if node.int("spatial", 1) == 0 {
                    let what = "normalization per activation is not supported";
                    return Err(self.refused(&node, what.into()));
                }
                node.attributes.remove("spatial");
                node.attributes.remove("is_test");
            }
            "Softmax" | "LogSoftmax" | "Hardmax" if crosses(13) => {
                self.flattened(node);
                return Ok(());
            }
            // The default became another one.
            "RoiAlign" if crosses(16) => {
                let mode = Attribute::Text(b"output_half_pixel".to_vec());
                node.attributes.insert("coordinate_transformation_mode".into(), mode);
            }
            "GridSample" if crosses(20) => {
                let renamed = match node.text("mode") {
                    Some("bicubic") => "cubic",
                    Some("nearest") => "nearest",
                    _ => "linear",
                };
                node.attributes.insert("mode".into(), Attribute::Text(renamed.into()));
            }
            "DFT" | "GroupNormalization" if crosses(21) => {
                return Err(
                    self.refused(&node, format!("`{}` of opset {old} cannot be raised", node.op))
                );
            }
            _ => {}
        }
        self.nodes.push(node);
        Ok(())
    }

    fn refused(&self, node: &Node, what: String) -> Error {
        Error::new(what).at_node(&node.name).of_kind(ErrorKind::Unsupported).way_out(format!(
            "Export the network again with opset {} or newer (torch.onnx: opset_version).",
            self.version
        ))
    }

    fn constant(&mut self, node: &Node, what: &str, tensor: Tensor) -> String {
        let name = fresh_name(&format!("{}_{what}", node.name), &mut self.taken);
        self.constants.push((name.clone(), tensor));
        name
    }

    /// An attribute became the input `index`.
    fn becomes_input(&mut self, node: &mut Node, attribute: &str, index: usize) {
        let tensor = match node.attributes.remove(attribute) {
            Some(Attribute::Ints(v)) => Tensor::new([v.len()], Data::I64(v)),
            Some(Attribute::Floats(v)) => Tensor::new([v.len()], Data::F32(v)),
            Some(Attribute::Int(v)) => Tensor::new([1], Data::I64(vec![v])),
            Some(Attribute::Float(v)) => Tensor::scalar_f32(v),
            _ => return,
        };
        let name = self.constant(node, attribute, tensor);
        while node.inputs.len() <= index {
            node.inputs.push(String::new());
        }
        node.inputs[index] = name;
    }

    /// The number of axes of a node's first input.
    fn rank(&self, node: &Node) -> Option<usize> {
        self.axes.rank(node.input(0)?)
    }

    /// Before 7 the second operand's axes stood from `axis` on where `broadcast` was set.
    fn spread_from_axis(&mut self, node: &mut Node) -> Result<()> {
        let axis = node.attributes.remove("axis");
        let broadcast = node.attributes.remove("broadcast");
        let (Some(Attribute::Int(axis)), Some(Attribute::Int(1))) = (axis, broadcast) else {
            return Ok(());
        };
        let behind = |tensor: &Tensor| {
            let rank = self.rank(node)?;
            let axis = if axis < 0 { axis + rank as i64 } else { axis };
            rank.checked_sub(usize::try_from(axis).ok()? + tensor.shape.len())
        };
        let operand = self.graph.constant(node, 1);
        match operand.and_then(|tensor| Some((tensor, behind(tensor)?))) {
            Some((tensor, behind)) => self.second_operand_with(node, &tensor.clone(), behind),
            None => {
                let what = format!("`{}` of opset 6 along an axis cannot be raised", node.op);
                return Err(self.refused(node, what));
            }
        }
        Ok(())
    }

    /// Before 7 slopes stood for the channels, which are axis 1.
    fn spread_over_channels(&mut self, node: &mut Node) -> Result<()> {
        let Some(slope) = self.graph.constant(node, 1).cloned() else { return Ok(()) };
        if slope.len() == 1 {
            return Ok(());
        }
        match self.rank(node).and_then(|rank| rank.checked_sub(1 + slope.shape.len())) {
            Some(behind) => self.second_operand_with(node, &slope, behind),
            None => return Err(self.refused(node, "its slopes cannot be raised".into())),
        }
        Ok(())
    }

    /// The constant second operand, with so many axes of one element behind its own.
    fn second_operand_with(&mut self, node: &mut Node, tensor: &Tensor, behind: usize) {
        let shape = [&tensor.shape[..], &vec![1; behind]].concat();
        node.inputs[1] = self.constant(node, "operand", Tensor::new(shape, tensor.data.clone()));
    }

    /// Upsample, and Resize of opset 10, as today's Resize: pixels stood at their upper left corners.
    fn resize_as_before_11(&mut self, node: &mut Node) -> Result<()> {
        let scales = node.input(1).unwrap_or_default();
        let made = self.constants.iter().find(|(name, _)| name == scales).map(|(_, t)| t);
        let known = made.or_else(|| self.graph.initializers.get(scales)).and_then(Tensor::as_f32);
        let shrinks = known.map(|scales| scales.iter().any(|&s| s < 1.0));
        let grows = known.map(|scales| scales.iter().any(|&s| s > 1.0));
        let nearest = node.text("mode").is_none_or(|mode| mode == "nearest");
        // ONNX Runtime takes the pixel above where an axis shrinks.
        let pick = match (node.op.as_str(), shrinks, grows) {
            ("Upsample", ..) | (_, Some(false), _) => "floor",
            (_, Some(true), Some(false)) => "ceil",
            _ if nearest => {
                let what = format!("`{}` of opset 10 to these scales cannot be raised", node.op);
                return Err(self.refused(node, what));
            }
            _ => "floor",
        };
        node.op = "Resize".into();
        node.inputs.insert(1, String::new());
        if node.text("mode") == Some("bilinear") {
            node.attributes.insert("mode".into(), Attribute::Text(b"linear".to_vec()));
        }
        let settings = [("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", pick)];
        for (name, value) in settings {
            node.attributes.insert(name.into(), Attribute::Text(value.into()));
        }
        Ok(())
    }

    /// Before 13 Softmax and its like took everything from `axis` on as one row.
    fn flattened(&mut self, mut node: Node) {
        let axis = node.int("axis", 1);
        let last = self.rank(&node).map(|rank| rank as i64 - 1);
        node.attributes.insert("axis".into(), Attribute::Int(-1));
        if axis == -1 || Some(axis) == last {
            self.nodes.push(node);
            return;
        }
        let [x, y] = [node.inputs[0].clone(), node.outputs[0].clone()];
        let mut name = |what: &str| fresh_name(&format!("{}_{what}", node.name), &mut self.taken);
        let names = ["shape", "rows", "flat", "scores", "reshape"].map(&mut name);
        let [shape, rows, flat, scores, reshape] = &names;
        node.inputs[0].clone_from(flat);
        node.outputs[0].clone_from(scores);
        self.nodes.extend([
            Node::new("Shape", shape, [&x], [shape]),
            Node::new("Flatten", rows, [&x], [flat]).with("axis", Attribute::Int(axis)),
            node,
            Node::new("Reshape", reshape, [scores, shape], [&y]),
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Dim, Value};

    fn graph_of(node: Node, opset: i64) -> Graph {
        Graph { nodes: vec![node], opsets: [(String::new(), opset)].into(), ..Graph::default() }
    }

    #[test]
    fn attributes_become_inputs() {
        let clip = Node::new("Clip", "clip", ["x"], ["y"])
            .with("min", Attribute::Float(0.0))
            .with("max", Attribute::Float(6.0));
        let mut graph = graph_of(clip, 9);
        raise(&mut graph, PER_CHANNEL).unwrap();
        let node = &graph.nodes[0];
        assert!(node.attributes.is_empty());
        assert_eq!(graph.constant(node, 1).unwrap().as_f32(), Some(&[0.0][..]));
        assert_eq!(graph.constant(node, 2).unwrap().as_f32(), Some(&[6.0][..]));
        assert_eq!(graph.opset(), 13);
    }

    #[test]
    fn only_the_changes_that_lie_between_are_made() {
        let axes = |op| Node::new(op, "n", ["x"], ["y"]).with("axes", Attribute::Ints(vec![2, 3]));
        let mut graph = graph_of(axes("ReduceMean"), 13);
        raise(&mut graph, 17).unwrap();
        assert_eq!(graph.nodes[0].ints("axes"), Some(&[2, 3][..]));
        raise(&mut graph, INT4).unwrap();
        assert_eq!(graph.constant(&graph.nodes[0], 1).unwrap().as_i64(), Some(&[2, 3][..]));

        let mut graph = graph_of(Node::new("Split", "n", ["x"], ["a", "b"]), 17);
        raise(&mut graph, INT4).unwrap();
        assert_eq!(graph.nodes[0].int("num_outputs", 0), 2);

        let softmax = Node::new("Softmax", "n", ["x"], ["y"]).with("axis", Attribute::Int(2));
        let mut graph = graph_of(softmax, 13);
        raise(&mut graph, INT4).unwrap();
        assert_eq!(graph.nodes[0].int("axis", -1), 2);
    }

    fn operators(graph: &Graph) -> Vec<&str> {
        graph.nodes.iter().map(|node| node.op.as_str()).collect()
    }

    #[test]
    fn a_softmax_over_several_axes_is_taken_apart() {
        let softmax = Node::new("Softmax", "soft", ["x"], ["y"]);
        let mut graph = graph_of(softmax.clone(), 11);
        raise(&mut graph, PER_CHANNEL).unwrap();
        assert_eq!(operators(&graph), ["Shape", "Flatten", "Softmax", "Reshape"]);
        assert_eq!(graph.nodes[1].int("axis", 0), 1);
        assert_eq!(graph.nodes[3].output(), "y");
        // Over one axis both meanings are one.
        let mut graph = graph_of(softmax, 11);
        graph.nodes.insert(0, Node::new("Flatten", "flat", ["in"], ["x"]));
        raise(&mut graph, PER_CHANNEL).unwrap();
        assert_eq!(operators(&graph), ["Flatten", "Softmax"]);
        assert_eq!(graph.nodes[1].int("axis", 0), -1);
    }

    #[test]
    fn upsample_is_resize() {
        let scales = Attribute::Floats(vec![1.0, 1.0, 2.0, 2.0]);
        let node = Node::new("Upsample", "up", ["x"], ["y"]).with("scales", scales);
        let mut graph = graph_of(node, 7);
        raise(&mut graph, PER_CHANNEL).unwrap();
        let node = &graph.nodes[0];
        assert_eq!((node.op.as_str(), node.input(1)), ("Resize", None));
        assert_eq!(graph.constant(node, 2).unwrap().len(), 4);
        assert_eq!(node.text("nearest_mode"), Some("floor"));
    }

    #[test]
    fn a_resize_of_opset_10_that_cannot_be_said_today_is_named() {
        let mut graph = graph_of(Node::new("Resize", "n", ["x", "scales"], ["y"]), 10);
        graph.initializers.insert("scales".into(), Tensor::new([2], Data::F32(vec![0.5, 2.0])));
        let error = raise(&mut graph, PER_CHANNEL).unwrap_err();
        assert_eq!(error.node.as_deref(), Some("n"));
    }

    #[test]
    fn operands_along_an_axis_get_axes_behind_theirs() {
        let node = Node::new("Add", "add", ["x", "b"], ["y"])
            .with("broadcast", Attribute::Int(1))
            .with("axis", Attribute::Int(1));
        let mut graph = graph_of(node, 6);
        graph.input = Value {
            name: "x".into(),
            shape: Some([1, 3, 4, 4].map(Dim::Fixed).to_vec()),
            ..Value::default()
        };
        graph.initializers.insert("b".into(), Tensor::new([3], Data::F32(vec![1.0, 2.0, 3.0])));
        raise(&mut graph, PER_CHANNEL).unwrap();
        let node = &graph.nodes[0];
        assert!(node.attributes.is_empty());
        assert_eq!(graph.constant(node, 1).unwrap().shape, [3, 1, 1]);
    }
}
