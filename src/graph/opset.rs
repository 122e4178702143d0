//! Raising the operator set: each operator's own change, never the number alone.

use crate::error::{Error, Result};

use super::operator::{Rank, operator};
use super::{Attribute, Data, Graph, Node, Tensor, fresh_name};

/// The first version in which QuantizeLinear and DequantizeLinear take one scale per channel.
pub const PER_CHANNEL: i64 = 13;

/// The first version in which they take 4-bit integers.
pub const INT4: i64 = 21;

/// Rewrites the network for operator set `version` (21 at most) if it is older.
///
/// Source of the changes: the "Versions" of each page under <https://onnx.ai/onnx/operators/>.
///
/// # Errors
/// Names a node whose change cannot be made here.
pub fn raise(graph: &mut Graph, version: i64) -> Result<()> {
    let old = graph.opset();
    if old >= version {
        return Ok(());
    }
    let too_old = |what: String, node: Option<&Node>| {
        let error = Error::new(what).way_out(format!(
            "Export the network again with opset {version} or newer (torch.onnx: opset_version)."
        ));
        Err(match node {
            Some(node) => error.at_node(&node.name),
            None => error,
        })
    };
    if old < 7 {
        return too_old(format!("the network is written for opset {old}"), None);
    }
    let mut taken = graph.names();
    let mut made = Vec::new();
    let producers = graph.producers();
    let rank_two = |node: &Node| {
        let producer = node.input(0).and_then(|input| producers.get(input));
        producer.is_some_and(|&p| operator(&graph.nodes[p].op).rank == Rank::Two)
    };
    let crosses = |change: i64| old < change && change <= version;
    let mut nodes = graph.nodes.clone();
    for node in nodes.iter_mut().filter(|n| matches!(n.domain.as_str(), "")) {
        let mut to_input = |node: &mut Node, attribute: &str, index: usize| {
            let tensor = match node.attributes.remove(attribute) {
                Some(Attribute::Ints(v)) => Tensor::new([v.len()], Data::I64(v)),
                Some(Attribute::Float(v)) => Tensor::scalar_f32(v),
                _ => return,
            };
            let name = fresh_name(&format!("{}_{attribute}", node.name), &mut taken);
            while node.inputs.len() <= index {
                node.inputs.push(String::new());
            }
            node.inputs[index].clone_from(&name);
            made.push((name, tensor));
        };
        match node.op.as_str() {
            "Squeeze" | "Unsqueeze" | "ReduceSum" if crosses(13) => to_input(node, "axes", 1),
            "Split" => {
                if crosses(13) {
                    to_input(node, "split", 1);
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
                to_input(node, "axes", 1);
            }
            "Clip" if old < 11 => {
                to_input(node, "min", 1);
                to_input(node, "max", 2);
            }
            "Pad" if old < 11 => {
                to_input(node, "pads", 1);
                to_input(node, "value", 2);
            }
            "Dropout" if old < 12 => node.attributes.clear(),
            "BatchNormalization" if crosses(14) && node.outputs.len() > 1 => {
                let what = "normalization in training mode cannot be raised";
                return too_old(what.into(), Some(node));
            }
            "BatchNormalization" if old < 9 => {
                if node.int("spatial", 1) == 0 {
                    return too_old(
                        "normalization per activation is not supported".into(),
                        Some(node),
                    );
                }
                node.attributes.remove("spatial");
            }
            // Before 13 these flattened everything from `axis` on.
            "Softmax" | "LogSoftmax" | "Hardmax" if crosses(13) => {
                let axis = node.int("axis", 1);
                if axis != -1 && !(axis == 1 && rank_two(node)) {
                    let what = format!("`{}` of opset {old} means something else today", node.op);
                    return too_old(what, Some(node));
                }
                node.attributes.insert("axis".into(), Attribute::Int(-1));
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
                return too_old(
                    format!("`{}` of opset {old} cannot be raised", node.op),
                    Some(node),
                );
            }
            "Upsample" | "Scatter" | "Resize" | "TopK" | "Slice" if old < 11 => {
                return too_old(
                    format!("`{}` of opset {old} cannot be raised", node.op),
                    Some(node),
                );
            }
            _ => {}
        }
    }
    graph.nodes = nodes;
    graph.initializers.extend(made);
    graph.opsets.insert(String::new(), version);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_softmax_that_changed_its_meaning_is_named() {
        let mut graph = graph_of(Node::new("Softmax", "soft", ["x"], ["y"]), 11);
        let error = raise(&mut graph, PER_CHANNEL).unwrap_err();
        assert_eq!(error.node.as_deref(), Some("soft"));
    }
}
