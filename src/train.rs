//! Quantization-aware training: the network learns on the task's labels while it computes as the int8
//! file will.
//!
//! No tape: the network is compiled into steps once ([`train`] names what it cannot train), each
//! with its backward pass beside its forward pass, and all memory is allocated then. A batch is cut
//! into shards of eight frames; each shard's gradient is computed alone, from a flat vector of
//! parameters to a flat vector of gradients, and the sums are taken in order, so that it does not
//! matter who computed which.

mod account;
mod batch_norm;
mod builder;
mod course;
mod crew;
#[cfg(test)]
mod differences;
mod export;
mod feature;
mod function;
mod head;
mod join;
mod labels;
mod layer;
mod layer_norm;
mod loss;
mod mirror;
mod network;
mod observe;
mod operator;
mod optimizer;
mod pool;
mod rearrange;
mod record;
mod round;
mod softmax;
mod start;
mod state;
mod sums;
mod trainer;
mod weight_grid;
mod weights;
mod workbench;
mod worker;

pub use crew::Hand;
pub use record::{StepRecord, record};
pub(crate) use trainer::split;
pub use trainer::{Listener, Phase, TRAINING_KEY, Trained, train};
