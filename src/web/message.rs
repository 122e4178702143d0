//! What crosses the boundary between the page and its worker.

use serde::{Deserialize, Serialize};

use crate::lab::protocol::Event;

/// To the worker; `R` is a request, owned or borrowed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ask<R> {
    /// Comes back with every event that this request causes.
    pub(super) task: u32,
    pub(super) request: R,
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The worker listens; whatever was posted before is lost.
    Ready {
        version: u32,
    },
    Heard {
        task: u32,
        event: Box<Event>,
    },
    /// The worker panicked and cannot go on.
    Panicked {
        message: String,
    },
}
