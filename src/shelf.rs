//! Where files lie that are opened when their turn comes. Whoever reads them is lent it, and knows nothing
//! of disks and browsers.

use std::io::{Read, Seek};

use crate::error::{Error, Result};

/// Files by their places.
pub trait Shelf {
    /// # Errors
    /// That of a file which is not there any more, or cannot be opened.
    fn open(&self, place: u32) -> Result<Box<dyn Content>>;
}

/// What is in a file.
pub trait Content: Read + Seek {}

impl<T: Read + Seek> Content for T {}

/// Nothing lies there.
#[derive(Debug, Clone, Copy)]
pub struct Bare;

impl Shelf for Bare {
    fn open(&self, place: u32) -> Result<Box<dyn Content>> {
        Err(Error::new(format!("no file lies at place {place}")))
    }
}
