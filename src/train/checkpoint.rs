//! Where a training stands, as bytes: for going on later, elsewhere.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// All that one training hands to the next, opaque to whoever keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Checkpoint(pub ByteBuf);

/// How to go on where an earlier training of the same network, recipe, plan and frames stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    pub checkpoint: Checkpoint,
    /// Train no more: write the best that there is.
    pub finish: bool,
}
