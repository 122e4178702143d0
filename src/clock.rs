//! Monotonic time, native and in the browser (where `std::time::Instant` does not exist).

use web_time::Instant;

/// A running stopwatch.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the start, as fine as the clock's grain allows.
    pub fn ms(&self) -> f64 {
        self.0.elapsed().as_secs_f64() * 1e3
    }
}

/// The clock's grain in milliseconds: the median of the smallest steps it is seen to make.
///
/// Pages get a coarse clock (100 us to 1 ms) unless they are cross-origin isolated.
pub fn grain_ms() -> f64 {
    const STEPS: usize = 9;
    let start = Stopwatch::start();
    let mut steps = Vec::with_capacity(STEPS);
    let mut last = start.ms();
    while steps.len() < STEPS {
        let now = start.ms();
        if now > last {
            steps.push(now - last);
            last = now;
        }
    }
    steps.sort_by(f64::total_cmp);
    steps[STEPS / 2]
}
