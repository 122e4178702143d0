//! On how many frames an analysis and a search measure.

/// Frames that an analysis and a search answer unless they are told otherwise.
pub const FRAMES: usize = 500;
/// How many frames one can choose; `None`: all.
pub const FRAMES_CHOICES: [Option<usize>; 3] = [Some(200), Some(FRAMES), None];
