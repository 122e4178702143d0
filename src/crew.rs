//! Those who help with long work. They share no memory: each is given bytes and gives bytes back, over
//! whatever connects it.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Those who help whoever works, each a [`Hand`](crate::lab::Hand) somewhere else, numbered from 0. A hand
/// that is lost costs nothing but its help: what it was given is computed again.
#[expect(async_fn_in_trait, reason = "nobody asks for more than one thread")]
pub trait Crew {
    /// How many may help.
    fn most(&self) -> usize;
    /// Calls so many hands at most, and gives each this first: what it needs to know.
    async fn muster(&mut self, hands: usize, muster: Vec<u8>);
    /// How many have answered to that, once all have answered or are lost.
    async fn ready(&mut self) -> usize;
    /// Gives a hand work.
    fn ask(&mut self, hand: usize, work: Vec<u8>);
    /// What it came to. `None`: the hand is lost.
    async fn answer(&mut self, hand: usize) -> Option<Vec<u8>>;
}

/// Nobody.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Crew for Alone {
    fn most(&self) -> usize {
        0
    }

    async fn muster(&mut self, _: usize, _: Vec<u8>) {}

    async fn ready(&mut self) -> usize {
        0
    }

    fn ask(&mut self, _: usize, _: Vec<u8>) {}

    async fn answer(&mut self, _: usize) -> Option<Vec<u8>> {
        None
    }
}

/// What hands are called for: it stands before what they need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Calling {
    /// A shard of a batch.
    Training,
    /// A network's drives along some tracks.
    Driving,
}

/// For [`Crew::muster`].
///
/// # Errors
/// A message that cannot be written.
pub fn call(calling: Calling, muster: &impl Serialize) -> Result<Vec<u8>> {
    write(&(calling, muster))
}

/// What a hand is called for, and the message behind it.
///
/// # Errors
/// Other bytes than those of [`call`].
pub fn called(bytes: &[u8]) -> Result<(Calling, &[u8])> {
    postcard::take_from_bytes(bytes).map_err(unreadable)
}

/// A message as bytes.
///
/// # Errors
/// What the format has no bytes for.
pub fn write(message: &impl Serialize) -> Result<Vec<u8>> {
    postcard::to_allocvec(message).map_err(unreadable)
}

/// A message from its bytes.
///
/// # Errors
/// Bytes of another.
pub fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(unreadable)
}

pub(crate) fn unreadable(why: impl std::fmt::Display) -> Error {
    Error::new(format!("a message between those who work together cannot be read: {why}"))
}
