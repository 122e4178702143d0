//! The one error type: what went wrong, where (file, node), and the way out.

use serde::{Deserialize, Serialize};
use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure that a person can act on.
///
/// Reads as "`file`: node `name`: what went wrong. The way out."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    pub what: String,
    pub file: Option<String>,
    pub node: Option<String>,
    pub way_out: Option<String>,
    /// Somebody asked for the work to stop: not a fault.
    pub cancelled: bool,
}

impl Error {
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), file: None, node: None, way_out: None, cancelled: false }
    }

    pub fn cancelled() -> Self {
        Self { cancelled: true, ..Self::new("cancelled") }
    }

    /// Names the file, unless a place nearer to the fault already did.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file.get_or_insert(file.into());
        self
    }

    /// Names the node, unless a place nearer to the fault already did.
    #[must_use]
    pub fn at_node(mut self, node: impl Into<String>) -> Self {
        self.node.get_or_insert(node.into());
        self
    }

    /// One sentence that says what to do about it.
    #[must_use]
    pub fn way_out(mut self, way_out: impl Into<String>) -> Self {
        self.way_out.get_or_insert(way_out.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}: ")?;
        }
        if let Some(node) = &self.node {
            write!(f, "node `{node}`: ")?;
        }
        write!(f, "{}.", self.what)?;
        if let Some(way_out) = &self.way_out {
            write!(f, " {way_out}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Adds the place to the error of a `Result`.
pub trait Context<T> {
    fn in_file(self, file: &str) -> Result<T>;
    fn at_node(self, node: &str) -> Result<T>;
}

impl<T> Context<T> for Result<T> {
    fn in_file(self, file: &str) -> Self {
        self.map_err(|e| e.in_file(file))
    }

    fn at_node(self, node: &str) -> Self {
        self.map_err(|e| e.at_node(node))
    }
}
