//! How many axes a tensor has, and how long the second of them is, as far as the nodes before it tell
//! without shapes.

use std::collections::HashMap;

use super::operator::{Factors, Lowering, Rank, Scale, operator};
use super::weights::Places;
use super::{Dim, Graph, Node};

/// What is known of each computed tensor's axes, by its name.
#[derive(Debug, Default)]
pub(super) struct Axes<'a> {
    ranks: HashMap<&'a str, usize>,
    channels: HashMap<&'a str, usize>,
}

impl<'a> Axes<'a> {
    pub(super) fn of(graph: &'a Graph) -> Self {
        let mut axes = Self::default();
        for input in graph.inputs() {
            let Some(dims) = &input.shape else { continue };
            axes.ranks.insert(&input.name, dims.len());
            if let Some(Dim::Fixed(channels)) = dims.get(1) {
                axes.channels.insert(&input.name, *channels);
            }
        }
        for node in &graph.nodes {
            let Some(output) = node.outputs.first() else { continue };
            if let Some(rank) = axes.rank_behind(graph, node) {
                axes.ranks.insert(output, rank);
            }
            if let Some(channels) = axes.channels_behind(graph, node) {
                axes.channels.insert(output, channels);
            }
        }
        axes
    }

    /// The number of a computed tensor's axes.
    pub(super) fn rank(&self, tensor: &str) -> Option<usize> {
        self.ranks.get(tensor).copied()
    }

    /// The length of a computed tensor's axis 1.
    pub(super) fn channels(&self, tensor: &str) -> Option<usize> {
        self.channels.get(tensor).copied()
    }

    fn rank_of(&self, graph: &Graph, tensor: &str) -> Option<usize> {
        let constant = graph.initializers.get(tensor);
        constant.map(|tensor| tensor.shape.len()).or_else(|| self.rank(tensor))
    }

    fn rank_behind(&self, graph: &Graph, node: &Node) -> Option<usize> {
        let row = operator(&node.op);
        let of = |tensor: &String| self.rank_of(graph, tensor);
        let computed = |name: &&String| !graph.initializers.contains_key(name);
        match row.rank {
            Rank::Unknown => None,
            Rank::OfWeights => Some(graph.constant(node, row.weights?.input)?.shape.len()),
            Rank::OfWindow => Some(node.ints("kernel_shape")?.len() + 2),
            Rank::OfShape => Some(graph.constant(node, 1)?.as_i64()?.len()),
            Rank::OfProduct if graph.constant(node, 1)?.shape.len() == 2 => of(&node.inputs[0]),
            Rank::OfProduct => None,
            Rank::Two => Some(2),
            Rank::Kept => of(node.inputs.iter().find(computed)?),
            Rank::Broadcast => {
                node.inputs.iter().map(of).try_fold(0, |most, rank| Some(most.max(rank?)))
            }
        }
    }

    fn channels_behind(&self, graph: &Graph, node: &Node) -> Option<usize> {
        let row = operator(&node.op);
        let own_scale = row.scale == Scale::Own && row.lowering == Lowering::Function;
        match node.op.as_str() {
            "BatchNormalization" => Some(graph.constant(node, 1)?.len()),
            // Axis 1 of two is where the outputs lie.
            "MatMul" if self.rank(node.output()) != Some(2) => None,
            _ if row.weights.is_some() && row.scale == Scale::OfLayer => {
                let weights = graph.constant(node, row.weights?.input)?;
                Some(Places::of(node, &weights.shape)?.all_outputs())
            }
            "Concat" if node.int("axis", 1) == 1 => {
                let mut parts = node.inputs.iter().map(|part| self.channels(part));
                parts.try_fold(0, |sum: usize, part| sum.checked_add(part?))
            }
            _ if row.rank == Rank::Broadcast => self.joined_channels(graph, node),
            _ if own_scale || row.clips || row.factors == Factors::Pass => {
                self.channels(node.input(0)?)
            }
            _ => None,
        }
    }

    /// What is more than one in an operand says how many there are.
    fn joined_channels(&self, graph: &Graph, node: &Node) -> Option<usize> {
        let rank = self.rank(node.output())?;
        let of = |tensor: &String| match graph.initializers.get(tensor) {
            Some(constant) => constant.shape.get(1).copied(),
            None => self.channels(tensor),
        };
        let mut whole = node.inputs.iter().filter(|t| self.rank_of(graph, t) == Some(rank));
        whole.find_map(|tensor| of(tensor).filter(|&channels| channels > 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Attribute, Data, Tensor, Value};

    #[test]
    fn ranks_and_channels_follow_from_nodes() {
        let shape = Some([1, 3, 8, 8].map(Dim::Fixed).to_vec());
        let nodes = vec![
            Node::new("Conv", "conv", ["x", "w"], ["c"]),
            Node::new("Relu", "relu", ["c"], ["r"]),
            Node::new("Concat", "concat", ["r", "x"], ["j"]).with("axis", Attribute::Int(1)),
            Node::new("Mul", "mul", ["u", "j"], ["m"]),
            Node::new("Reshape", "reshape", ["m", "to"], ["s"]),
            Node::new("Transpose", "transpose", ["s"], ["t"]),
            Node::new("MatMul", "matmul", ["t", "v"], ["p"]),
            Node::new("Odd", "odd", ["p"], ["o"]),
        ];
        let mut graph = Graph {
            input: Value { name: "x".into(), shape, ..Value::default() },
            nodes,
            ..Graph::default()
        };
        for (name, shape) in [("w", &[5, 3, 1, 1][..]), ("u", &[8, 1, 1]), ("v", &[4, 6])] {
            let zeros = Data::F32(vec![0.0; shape.iter().product()]);
            graph.initializers.insert(name.into(), Tensor::new(shape, zeros));
        }
        graph.initializers.insert("to".into(), Tensor::new([2], Data::I64(vec![-1, 4])));
        let axes = Axes::of(&graph);
        let known = |tensor| (axes.rank(tensor), axes.channels(tensor));
        let four = |channels| (Some(4), Some(channels));
        assert_eq!([known("x"), known("c"), known("r")], [four(3), four(5), four(5)]);
        assert_eq!([known("j"), known("m")], [four(8); 2]);
        assert_eq!([known("s"), known("t")], [(Some(2), None); 2]);
        assert_eq!([known("p"), known("o")], [(Some(2), Some(6)), (None, None)]);
    }
}
