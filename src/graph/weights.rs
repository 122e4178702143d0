//! A layer's weights, read once: which output and which input each of them belongs to.

use super::Node;
use super::operator::{Layout, operator};

/// How the weights of a layer lie, as the node and their shape tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    pub groups: usize,
    /// Output channels of a group.
    pub outputs: usize,
    /// Input channels of a group.
    pub inputs: usize,
    /// Positions of the window; a matrix has one.
    pub taps: usize,
    /// Whether the weights of an input channel stand together, else those of an output channel.
    inputs_first: bool,
}

impl Places {
    /// `None` where the node has no weights, or none of this shape.
    pub fn of(node: &Node, shape: &[usize]) -> Option<Self> {
        let axis = channel_axis(node)?;
        let layout = operator(&node.op).weights?.layout;
        let (groups, window) = match layout {
            Layout::OutputsFirst | Layout::InputsFirst => {
                (usize::try_from(node.int("group", 1)).ok()?, shape.get(2..)?)
            }
            Layout::Matrix | Layout::Product => (1, shape.get(2..).filter(|more| more.is_empty())?),
        };
        let inputs_first = axis == 1;
        let (first, second) = (shape[0].checked_div(groups)?, shape[1]);
        let (outputs, inputs) = if inputs_first { (second, first) } else { (first, second) };
        let taps = window.iter().product();
        let fits = shape[0] == first * groups && outputs * inputs * taps > 0;
        fits.then_some(Self { groups, outputs, inputs, taps, inputs_first })
    }

    /// Output channels of all groups.
    pub fn all_outputs(&self) -> usize {
        self.groups * self.outputs
    }

    /// Input channels of all groups.
    pub fn all_inputs(&self) -> usize {
        self.groups * self.inputs
    }

    /// Weights of an output channel.
    pub fn per_output(&self) -> usize {
        self.inputs * self.taps
    }

    /// The output channel that weight `i` adds to.
    pub fn output(&self, i: usize) -> usize {
        if self.inputs_first {
            let group = i / (self.outputs * self.per_output());
            group * self.outputs + i / self.taps % self.outputs
        } else {
            i / self.per_output()
        }
    }

    /// The input channel that weight `i` multiplies.
    pub fn input(&self, i: usize) -> usize {
        if self.inputs_first {
            i / (self.outputs * self.taps)
        } else {
            self.output(i) / self.outputs * self.inputs + i / self.taps % self.inputs
        }
    }

    /// The place of weight `j` of output channel `output`, by input channel, then tap.
    pub fn weight(&self, output: usize, j: usize) -> usize {
        if self.inputs_first {
            let input = output / self.outputs * self.inputs + j / self.taps;
            (input * self.outputs + output % self.outputs) * self.taps + j % self.taps
        } else {
            output * self.per_output() + j
        }
    }
}

/// The axis of the weights along which a group's output channels lie.
pub fn channel_axis(node: &Node) -> Option<usize> {
    Some(match operator(&node.op).weights?.layout {
        Layout::OutputsFirst => 0,
        Layout::Matrix if node.int("transB", 0) != 0 => 0,
        Layout::InputsFirst | Layout::Matrix | Layout::Product => 1,
    })
}

/// Whether that axis has as many elements as there are outputs: a transposed convolution in groups
/// has the channels of one group there, so that one scale serves all.
pub fn has_own_channels(node: &Node) -> bool {
    let inputs_first = |own: super::operator::Weights| own.layout == Layout::InputsFirst;
    !operator(&node.op).weights.is_some_and(inputs_first) || node.int("group", 1) == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Attribute;

    fn places(op: &str, attribute: &str, value: i64, shape: &[usize]) -> Option<Places> {
        let node = Node::new(op, "layer", ["x", "w"], ["y"]);
        Places::of(&node.with(attribute, Attribute::Int(value)), shape)
    }

    /// Every weight has an output and an input, and is found again by them.
    #[test]
    fn weights_are_found_by_their_channels() {
        for (op, attribute, value, shape) in [
            ("Conv", "group", 1, &[4, 3, 2, 2][..]),
            ("Conv", "group", 2, &[4, 3, 5]),
            ("ConvTranspose", "group", 1, &[3, 4, 2, 2]),
            ("ConvTranspose", "group", 2, &[6, 2, 2, 1]),
            ("Gemm", "transB", 0, &[5, 3]),
            ("QGemm", "transB", 1, &[3, 5]),
            ("MatMul", "", 0, &[5, 3]),
        ] {
            let own = places(op, attribute, value, shape).expect("a layer");
            let len: usize = shape.iter().product();
            let mut seen = vec![false; len];
            for output in 0..own.all_outputs() {
                for j in 0..own.per_output() {
                    let i = own.weight(output, j);
                    let input = output / own.outputs * own.inputs + j / own.taps;
                    assert_eq!((own.output(i), own.input(i)), (output, input), "{op} {i}");
                    assert_eq!(i % own.taps, j % own.taps, "{op} {i}");
                    seen[i] = true;
                }
            }
            assert!(seen.iter().all(|&seen| seen), "{op}");
        }
    }

    #[test]
    fn a_transposed_convolution_in_groups_has_its_inputs_first() {
        let own = places("ConvTranspose", "group", 2, &[4, 3, 1, 2]).expect("a layer");
        assert_eq!((own.groups, own.inputs, own.outputs, own.taps), (2, 2, 3, 2));
        // Input 2 is the first of the second group, whose outputs are 3, 4 and 5.
        assert_eq!((own.input(12), own.output(12), own.output(14)), (2, 3, 4));
    }

    #[test]
    fn shapes_that_fit_no_layer_are_none() {
        assert_eq!(places("Conv", "group", 3, &[4, 3, 2, 2]), None);
        assert_eq!(places("Conv", "group", 0, &[4, 3, 2, 2]), None);
        assert_eq!(places("Conv", "group", 1, &[4]), None);
        assert_eq!(places("MatMul", "", 0, &[2, 4, 3]), None);
        assert_eq!(places("Gemm", "transB", 1, &[0, 3]), None);
        assert_eq!(places("Relu", "", 0, &[4, 3]), None);
    }
}
