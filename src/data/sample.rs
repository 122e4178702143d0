//! An image that stands for a set.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::vocabulary::preprocessing::Preprocessing;

/// An image as it lies in its file, and how it enters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) bytes: ByteBuf,
    pub(super) preprocessing: Preprocessing,
}
