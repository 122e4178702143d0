//! What every kind of node can do: compute, and carry a gradient back.

use super::workbench::{Kept, Workbench};

/// A node of the network: it knows its tensors by their places.
pub(super) trait Operator: std::fmt::Debug + Send + Sync {
    /// Computes the result for the bench's frames.
    fn forward(&self, bench: &mut Workbench, kept: &mut Kept);

    /// From the gradient of the result, adds to those of what was read, and of the parameters.
    fn backward(&self, bench: &mut Workbench, kept: &mut Kept);
}
