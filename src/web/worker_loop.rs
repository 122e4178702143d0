//! The worker's side: a lab that answers one request after the other.

use std::ops::ControlFlow;

use gloo_events::EventListener;
use serde::Serialize;
use wasm_bindgen::JsCast;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::message::{Answer, Ask};
use crate::lab::Lab;
use crate::lab::protocol::{Event, Request, VERSION};

/// Serves the page until it terminates this worker: that is how work is cancelled.
pub fn run() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    std::panic::set_hook(Box::new({
        let scope = scope.clone();
        move |panic| {
            console_error_panic_hook::hook(panic);
            post(&scope, &Answer::Panicked { message: panic.to_string() });
        }
    }));
    let mut lab = Lab::new();
    let answering = scope.clone();
    EventListener::new(&scope, "message", move |event| {
        if let Some(event) = event.dyn_ref::<MessageEvent>() {
            answer(&mut lab, event, &answering);
        }
    })
    .forget();
    post(&scope, &Answer::Ready { version: VERSION });
}

fn answer(lab: &mut Lab, event: &MessageEvent, scope: &DedicatedWorkerGlobalScope) {
    let Ask { task, request } = match serde_wasm_bindgen::from_value::<Ask<Request>>(event.data()) {
        Ok(ask) => ask,
        Err(why) => panic!("a request that is none: {why}"),
    };
    lab.handle(request, &mut |event: Event| {
        post(scope, &Answer::Heard { task, event: Box::new(event) });
        ControlFlow::Continue(())
    });
}

fn post(scope: &DedicatedWorkerGlobalScope, answer: &Answer) {
    // Fails on figures that JavaScript cannot hold, such as an integer above 2^53.
    let message = answer
        .serialize(&serde_wasm_bindgen::Serializer::new())
        .unwrap_or_else(|why| panic!("an answer cannot be sent to the page: {why}"));
    scope.post_message(&message).expect("plain data can be cloned");
}
