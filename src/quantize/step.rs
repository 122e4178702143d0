//! The steps of quantizing, and how far each is.

use crate::error::Result;

/// What quantizing does, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Evening out channels.
    Equalize,
    /// Observing ranges on calibration frames.
    Calibrate,
    /// Learning which way weights round.
    Round,
    /// Shifting biases by the mean error.
    CorrectBias,
    /// Measuring what each layer does.
    Analyze,
    /// Driving with it.
    Drive,
}

/// Hears which step is how far: `(step, done, total)`. An error ends the work with that error.
pub type StepProgress<'a> = dyn FnMut(Step, usize, usize) -> Result<()> + 'a;
