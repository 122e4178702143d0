//! A file that a person brought or gets.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// A file as it was read: its name (for messages) and its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The name, with its path below the folder it was picked from (`left/0001.png`).
    pub name: String,
    pub bytes: ByteBuf,
}
