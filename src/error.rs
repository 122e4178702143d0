//! The one error type: what went wrong, where (file, node), and the way out; and its kind, for programs.
//!
//! Nothing in this library opens a file, so one that is not there is a [`std::io::Error`] of yours:
//!
//! ```
//! use steer8::error::{Error, Result};
//!
//! fn read(path: &str) -> Result<Vec<u8>> {
//!     std::fs::read(path).map_err(|why| Error::new(why.to_string()).in_file(path))
//! }
//!
//! assert!(read("no-such.onnx").is_err());
//! ```
//!
//! What the library says of the bytes has a kind: of a file that is cut short, [`ErrorKind::Unreadable`]. [`Context`]
//! names the file in the error of any `Result`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What may fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a program may tell from one another about failures. Everything else is for a person to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Any other: what was asked for, or what the network and the frames say, does not fit together.
    #[default]
    Failed,
    /// Somebody asked for the work to stop: not a fault.
    Cancelled,
    /// The bytes are no such file (network, frames, recipe), or a damaged one: another copy may do.
    Unreadable,
    /// A sound file asks for what Steer8 does not have: an operator, an element type, a packing, a recipe of a
    /// newer version.
    Unsupported,
    /// More memory would be held than may be: smaller frames may do.
    TooLarge,
}

/// A failure that a person can act on.
///
/// Reads as "`file`: node `name`: what went wrong. The way out."
///
/// ```
/// use steer8::error::{Error, ErrorKind};
///
/// let error = Error::new("it is cut short").of_kind(ErrorKind::Unreadable).in_file("net.onnx");
/// assert_eq!(error.to_string(), "net.onnx: it is cut short.");
/// assert_eq!(error.kind, ErrorKind::Unreadable);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    /// What went wrong, a clause without a full stop.
    pub what: String,
    /// The file that it is about.
    pub file: Option<String>,
    /// The node that it is about.
    pub node: Option<String>,
    /// What to do about it, a sentence.
    pub way_out: Option<String>,
    /// What a program may tell it by.
    pub kind: ErrorKind,
}

impl Error {
    /// A failure without a place, a way out or a kind of its own.
    pub fn new(what: impl Into<String>) -> Self {
        let kind = ErrorKind::default();
        Self { what: what.into(), file: None, node: None, way_out: None, kind }
    }

    /// Somebody asked for the work to stop.
    pub fn cancelled() -> Self {
        Self::new("cancelled").of_kind(ErrorKind::Cancelled)
    }

    /// Whether somebody asked for the work to stop.
    pub fn is_cancelled(&self) -> bool {
        self.kind == ErrorKind::Cancelled
    }

    /// Says what a program may tell it by.
    #[must_use]
    pub fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
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
    /// As [`Error::in_file`].
    fn in_file(self, file: &str) -> Result<T>;
    /// As [`Error::at_node`].
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
