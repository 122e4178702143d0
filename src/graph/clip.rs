//! What only bounds its input.

use super::{Graph, Node};

/// The range that `node` clips to, if that is all it does.
pub fn clip_range(graph: &Graph, node: &Node) -> Option<[f32; 2]> {
    let bound = |index, attribute, default: f32| match node.input(index) {
        Some(_) => graph.constant(node, index)?.as_f32()?.first().copied(),
        None => Some(node.float(attribute, default)),
    };
    match node.op.as_str() {
        "Relu" => Some([0.0, f32::INFINITY]),
        "Clip" => Some([bound(1, "min", f32::NEG_INFINITY)?, bound(2, "max", f32::INFINITY)?]),
        _ => None,
    }
}
