//! What the lab answers, for more than one program of tests.

#![allow(dead_code)]

use std::ops::ControlFlow;

use steer8::lab::Lab;
use steer8::lab::protocol::{Event, Request};

/// The event that ends a request.
pub fn ask(lab: &mut Lab, request: Request) -> Event {
    let mut last = None;
    lab.handle(request, &mut |event| {
        last = Some(event);
        ControlFlow::Continue(())
    });
    let last = last.expect("a request ends with an event");
    assert!(last.is_final(), "{last:?}");
    last
}

/// The same, of a request that must not fail.
pub fn done(lab: &mut Lab, request: Request) -> Event {
    match ask(lab, request) {
        Event::Failed { error } => panic!("{error}"),
        event => event,
    }
}
