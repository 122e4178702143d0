//! One of a crew, for whatever work it is called.

use crate::crew::{Calling, called};
use crate::error::Result;
use crate::{drive, train};

/// A hand that waits, or has been called for something.
#[derive(Debug, Default)]
pub enum Hand {
    #[default]
    Waiting,
    Trains(Box<train::Hand>),
    Drives(Box<drive::Hand>),
}

impl Hand {
    /// To the bytes of [`Crew::muster`](crate::crew::Crew::muster) first, with nothing; then to those of
    /// [`Crew::ask`](crate::crew::Crew::ask), with the bytes of [`Crew::answer`](crate::crew::Crew::answer).
    ///
    /// # Errors
    /// Other bytes, and what keeps the work itself from starting.
    pub fn answer(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        match self {
            Self::Waiting => {
                let (calling, muster) = called(bytes)?;
                *self = match calling {
                    Calling::Training => Self::Trains(Box::new(train::Hand::new(muster)?)),
                    Calling::Driving => Self::Drives(Box::new(drive::Hand::new(muster)?)),
                };
                Ok(Vec::new())
            }
            Self::Trains(hand) => hand.answer(bytes),
            Self::Drives(hand) => hand.answer(bytes),
        }
    }
}
