//! How a person's data is to be read.

use serde::{Deserialize, Serialize};

use super::labelling::Labelling;
use super::preprocessing::Preprocessing;

/// What cannot be seen from the files themselves, or is to be otherwise than it would be taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// How frames enter; `None`: as they are. Reading sees no network: what the file of one has noted is
    /// [`Preprocessing::noted_in`] of its metadata.
    pub preprocessing: Option<Preprocessing>,
    /// Where labels are found.
    #[serde(default)]
    pub labelling: Labelling,
    /// Whether `preprocessing` is what a network's file has noted, and nobody said it: frames to which it does not
    /// apply enter as they are.
    pub noted: bool,
}

impl From<Option<Preprocessing>> for Reading {
    fn from(preprocessing: Option<Preprocessing>) -> Self {
        Self { preprocessing, ..Self::default() }
    }
}
