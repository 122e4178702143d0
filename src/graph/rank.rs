//! How many axes a tensor has, as far as the nodes before it tell without its shape.

use std::collections::HashMap;

use super::Graph;
use super::operator::{Rank, operator};

/// The number of a tensor's axes, where the nodes that lead to it tell.
///
/// `producers` are [`Graph::producers`].
pub(super) fn rank(graph: &Graph, producers: &HashMap<&str, usize>, tensor: &str) -> Option<usize> {
    let mut tensor = tensor;
    let mut least = 0;
    loop {
        if tensor == graph.input.name {
            return Some(least.max(graph.input.shape.as_ref()?.len()));
        }
        let node = &graph.nodes[*producers.get(tensor)?];
        let row = operator(&node.op);
        let own = match row.rank {
            Rank::Unknown => return None,
            Rank::OfWeights => graph.constant(node, row.weights?.input)?.shape.len(),
            Rank::OfWindow => node.ints("kernel_shape")?.len() + 2,
            Rank::Two => 2,
            Rank::Kept | Rank::Broadcast => {
                if row.rank == Rank::Broadcast {
                    let constants = (0..node.inputs.len()).filter_map(|i| graph.constant(node, i));
                    least = constants.map(|t| t.shape.len()).fold(least, usize::max);
                }
                let computed = |name: &&String| !graph.initializers.contains_key(name);
                tensor = node.inputs.iter().find(computed)?;
                continue;
            }
        };
        return Some(least.max(own));
    }
}
