//! Ctrl-C: what runs ends at its next step and keeps what it has; a second one ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What a shell sees of a program that Ctrl-C ended.
const ENDED_BY_INTERRUPT: i32 = 130;

pub(super) fn listen() {
    let heard = || {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(ENDED_BY_INTERRUPT);
        }
    };
    // Without a handler Ctrl-C ends the program at once, as it does everywhere.
    let _ = ctrlc::set_handler(heard);
}

pub(super) fn was_heard() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
