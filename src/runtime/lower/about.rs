//! What a node says about its quantization before anything is lowered.

use crate::graph::Node;
use crate::graph::operator::{Numbers, Rank, operator};

/// Whether the node belongs to quantization: a QDQ half or an integer operator.
pub fn is_quantization(node: &Node) -> bool {
    operator(&node.op).numbers == Numbers::Between || is_integer(node)
}

/// Whether the node is an integer operator; a file may have some that the table does not.
pub(super) fn is_integer(node: &Node) -> bool {
    node.op.starts_with("QLinear") || operator(&node.op).numbers == Numbers::Integers
}

/// Whether a Resize copies elements.
pub fn picks_nearest(resize: &Node) -> bool {
    let crops = resize.text("coordinate_transformation_mode") == Some("tf_crop_and_resize");
    resize.text("mode").unwrap_or("nearest") == "nearest" && !crops
}

/// Whether a pool's window has more axes than pictures have, for which there is no integer version.
pub fn pools_over_three_axes(node: &Node) -> bool {
    operator(&node.op).rank == Rank::OfWindow
        && node.ints("kernel_shape").is_some_and(|kernel| kernel.len() > 2)
}

/// Whether what a Pad adds is one number, not a copy of what is there.
pub fn pads_with_constant(pad: &Node) -> bool {
    pad.text("mode").unwrap_or("constant") == "constant"
}
