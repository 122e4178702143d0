//! How a long step tells what it has done, and how it is stopped.
//!
//! A step that is cancelled gives an error of which [`Error::is_cancelled`](crate::error::Error::is_cancelled) is
//! true. Two of them keep what they have instead: a search after its first trial, and a training after its first
//! epoch, give the best so far.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::error::Result;

/// Hears `(done, total)` of a step's units (frames, runs), after each or each few of them. An error ends the step
/// with that error; [`Error::cancelled`](crate::error::Error::cancelled) is the one that means "stop, no fault".
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use steer8::error::Error;
///
/// static STOP: AtomicBool = AtomicBool::new(false);
/// let mut hear = |done: usize, total: usize| match STOP.load(Ordering::Relaxed) {
///     true => Err(Error::cancelled()),
///     false => Ok(println!("{done} of {total}")),
/// };
/// let progress: &mut steer8::progress::Progress = &mut hear;
/// # progress(1, 2)?;
/// # Ok::<(), Error>(())
/// ```
pub type Progress<'a> = dyn FnMut(usize, usize) -> Result<()> + 'a;

/// For steps that nobody watches: `&mut progress::unwatched`.
pub fn unwatched(_done: usize, _total: usize) -> Result<()> {
    Ok(())
}

/// Runs an `async` function without an executor. Those of this crate wait for nobody unless they are lent a crew
/// that does, such as workers of a browser.
///
/// # Panics
/// If the future waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits for somebody"),
    }
}
