//! How a long step tells what it has done, and how it is stopped.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::error::Result;

/// Hears `(done, total)` of a step's units (frames, runs). An error ends the step with that error;
/// [`Error::cancelled`](crate::error::Error::cancelled) is the one that means "stop, no fault".
pub type Progress<'a> = dyn FnMut(usize, usize) -> Result<()> + 'a;

/// For steps that nobody watches: `&mut progress::unwatched`.
pub fn unwatched(_done: usize, _total: usize) -> Result<()> {
    Ok(())
}

/// What something comes to that waits for nobody.
///
/// # Panics
/// If it waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits for somebody"),
    }
}
