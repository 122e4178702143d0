//! What a network does to what enters it, before anything else: whether it scales by itself.

use super::affine::Affine;
use super::{Graph, Node};

/// Maps of constants that stand first, as one of all channels alike: `y = gain x + shift`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The first of them that scales.
    pub node: String,
    pub gain: f64,
    pub shift: f64,
}

/// What only moves elements about.
const MOVES: [&str; 8] =
    ["Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze", "Dropout"];

impl Entry {
    /// `None` where nothing of the kind stands first. Of maps that differ between channels their mean.
    pub fn of(graph: &Graph) -> Option<Self> {
        let mut tensor = graph.input.name.as_str();
        let mut whole: Option<Self> = None;
        while let Some(node) = only_reader(graph, tensor) {
            if let Some((_, own)) = Affine::arithmetic(graph, node) {
                let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
                let (gain, shift) = (mean(own.gain.clone()), mean(own.of_zero()));
                whole = Some(match whole {
                    None => Self { node: node.name.clone(), gain, shift },
                    Some(so_far) => Self {
                        gain: so_far.gain * gain,
                        shift: so_far.shift * gain + shift,
                        ..so_far
                    },
                });
            } else if !MOVES.contains(&node.op.as_str()) || node.inputs[0] != tensor {
                break;
            }
            tensor = node.outputs.first()?;
        }
        whole
    }
}

/// The node that reads a tensor, if it is one and the tensor no output.
fn only_reader<'g>(graph: &'g Graph, tensor: &str) -> Option<&'g Node> {
    let reads = |node: &&Node| node.inputs.iter().any(|input| input == tensor);
    let mut readers = graph.nodes.iter().filter(reads);
    let is_output = graph.outputs.iter().any(|output| output.name == tensor);
    readers.next().filter(|_| !is_output && readers.next().is_none())
}
