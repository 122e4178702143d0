//! Quantization-aware training: the network learns on the task's labels while it computes as the int8
//! file will.
//!
//! No tape: the network is compiled into steps once ([`train`] names what it cannot train), each
//! with its backward pass beside its forward pass, and all memory is allocated then. A batch is cut
//! into shards of eight frames; each shard's gradient is computed alone, from a flat vector of
//! parameters to a flat vector of gradients, and the sums are taken in order, so that it does not
//! matter who computed which.

#[cfg(feature = "core")]
mod batch_norm;
mod checkpoint;
#[cfg(feature = "core")]
mod course;
#[cfg(feature = "core")]
mod crew;
#[cfg(test)]
mod differences;
#[cfg(feature = "core")]
mod export;
#[cfg(feature = "core")]
mod feature;
#[cfg(feature = "core")]
mod function;
#[cfg(feature = "core")]
mod join;
#[cfg(feature = "core")]
mod layer;
#[cfg(feature = "core")]
mod loss;
#[cfg(feature = "core")]
mod machine;
#[cfg(feature = "core")]
mod mirror;
#[cfg(feature = "core")]
mod network;
#[cfg(feature = "core")]
mod observe;
#[cfg(feature = "core")]
mod operator;
#[cfg(feature = "core")]
mod optimizer;
mod plan;
#[cfg(feature = "core")]
mod pool;
#[cfg(feature = "core")]
mod rearrange;
#[cfg(feature = "core")]
mod record;
#[cfg(feature = "core")]
mod round;
#[cfg(feature = "core")]
mod start;
#[cfg(feature = "core")]
mod state;
#[cfg(feature = "core")]
mod trainer;
#[cfg(feature = "core")]
mod weights;
#[cfg(feature = "core")]
mod worker;

pub use checkpoint::{Checkpoint, Resume};
#[cfg(feature = "core")]
pub use crew::{Alone, Crew, Hand};
pub use plan::{Epoch, Mirror, Optimizer, Plan, Scales, Schedule};
#[cfg(feature = "core")]
pub use record::{StepRecord, record};
#[cfg(feature = "core")]
pub(crate) use trainer::split;
#[cfg(feature = "core")]
pub use trainer::{Listener, Phase, TRAINING_KEY, Trained, train};
