//! What every kind of node can do: compute, and carry a gradient back.

use super::machine::{Kept, Machine};

/// A node of the network: it knows its tensors by their places.
pub(super) trait Operator: std::fmt::Debug + Send + Sync {
    /// Computes the result for the machine's frames.
    fn forward(&self, machine: &mut Machine, kept: &mut Kept);

    /// From the gradient of the result, adds to those of what was read, and of the parameters.
    fn backward(&self, machine: &mut Machine, kept: &mut Kept);
}
