//! What looks wrong about the way in which frames enter a network.

use serde::{Deserialize, Serialize};

/// Nothing is known for sure: a network may have been trained so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// What was seen, in words.
    pub what: String,
    /// What to try.
    pub way_out: String,
}
