//! The steps of quantizing, and how far each is.

use crate::error::Result;

/// What quantizing does, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Equalize,
    Calibrate,
    Round,
    CorrectBias,
    Analyze,
    Drive,
}

/// Hears which step is how far: `(step, done, total)`. An error ends the work with that error.
pub type StepProgress<'a> = dyn FnMut(Step, usize, usize) -> Result<()> + 'a;
