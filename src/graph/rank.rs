//! How many axes a tensor has, as far as the nodes before it tell without its shape.

use std::collections::HashMap;

use super::Graph;

/// The number of a tensor's axes, where the nodes that lead to it tell.
///
/// `producers` are [`Graph::producers`].
pub(super) fn rank(graph: &Graph, producers: &HashMap<&str, usize>, tensor: &str) -> Option<usize> {
    const KEEP: [&str; 18] = [
        "Add",
        "BatchNormalization",
        "Clip",
        "Concat",
        "Dropout",
        "Elu",
        "GlobalAveragePool",
        "HardSigmoid",
        "HardSwish",
        "Identity",
        "LeakyRelu",
        "Mul",
        "PRelu",
        "Pad",
        "Relu",
        "Resize",
        "Sigmoid",
        "Tanh",
    ];
    let mut tensor = tensor;
    let mut least = 0;
    loop {
        if tensor == graph.input.name {
            return Some(least.max(graph.input.shape.as_ref()?.len()));
        }
        let node = &graph.nodes[*producers.get(tensor)?];
        let own = match node.op.as_str() {
            "Conv" | "ConvTranspose" => graph.constant(node, 1)?.shape.len(),
            "MaxPool" | "AveragePool" => node.ints("kernel_shape")?.len() + 2,
            "Gemm" | "Flatten" => 2,
            op if KEEP.contains(&op) => {
                let constants = (0..node.inputs.len()).filter_map(|i| graph.constant(node, i));
                if matches!(op, "Add" | "Mul") {
                    least = constants.map(|t| t.shape.len()).fold(least, usize::max);
                }
                let computed = |name: &&String| !graph.initializers.contains_key(name);
                tensor = node.inputs.iter().find(computed)?;
                continue;
            }
            _ => return None,
        };
        return Some(least.max(own));
    }
}
