//! How a long step tells what it has done, and how it is stopped.

use crate::error::Result;

/// Hears `(done, total)` of a step's units (frames, runs). An error ends the step with that error;
/// [`Error::cancelled`](crate::error::Error::cancelled) is the one that means "stop, no fault".
pub type Progress<'a> = dyn FnMut(usize, usize) -> Result<()> + 'a;

/// For steps that nobody watches: `&mut progress::unwatched`.
pub fn unwatched(_done: usize, _total: usize) -> Result<()> {
    Ok(())
}
