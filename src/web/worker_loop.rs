//! The worker's side: a lab that answers one request after the other, or a hand in another worker's
//! work.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{Array, Uint8Array};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::crew::Workers;
use super::lending::Borrowed;
use super::message::{Answer, Ask};
use crate::kernels;
use crate::lab::protocol::{Event, Request, VERSION};
use crate::lab::{Hand, Lab};

/// What was asked and not begun, while the lab is at work: it may wait for helpers, and hears of further
/// requests meanwhile.
struct Desk {
    scope: DedicatedWorkerGlobalScope,
    /// Taken away while it works.
    lab: RefCell<Option<Lab>>,
    asked: RefCell<VecDeque<Ask<Request>>>,
    shelf: Borrowed,
}

/// As [`run`], where the browser has the relaxed instructions.
pub fn run_relaxed() {
    kernels::relaxed::take();
    run();
}

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
    let desk = Rc::new(Desk {
        scope: scope.clone(),
        lab: RefCell::new(Some(Lab::new())),
        asked: RefCell::default(),
        shelf: Borrowed::default(),
    });
    let mut hand = Hand::default();
    EventListener::new(&scope, "message", move |event| {
        let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
        match event.data().dyn_into::<Uint8Array>() {
            Ok(bytes) => help(&mut hand, &bytes.to_vec(), &desk.scope),
            Err(ask) => match desk.asked_by(ask) {
                Ok(ask) => {
                    desk.asked.borrow_mut().push_back(ask);
                    spawn_local(desk.clone().work());
                }
                Err(why) => panic!("a request that is none: {why}"),
            },
        }
    })
    .forget();
    post(&scope, &Answer::Ready { version: VERSION });
}

impl Desk {
    /// A request, whose files are kept for it.
    fn asked_by(&self, message: JsValue) -> Result<Ask<Request>, serde_wasm_bindgen::Error> {
        self.shelf.keep(&message);
        serde_wasm_bindgen::from_value(message)
    }

    /// Answers what was asked, unless somebody is at it.
    async fn work(self: Rc<Self>) {
        let Some(mut lab) = self.lab.take() else { return };
        while let Some(Ask { task, request }) = self.next() {
            let mut crew = Workers::new(self.scope.clone());
            let mut tell = |event: Event| {
                post(&self.scope, &Answer::Heard { task, event: Box::new(event) });
                ControlFlow::Continue(())
            };
            lab.handle_with(request, &mut tell, &mut crew, &self.shelf).await;
        }
        self.lab.replace(Some(lab));
    }

    fn next(&self) -> Option<Ask<Request>> {
        self.asked.borrow_mut().pop_front()
    }
}

/// Whoever works does without a hand that answers otherwise than with bytes, and says itself what
/// is wrong with the work.
fn help(hand: &mut Hand, bytes: &[u8], scope: &DedicatedWorkerGlobalScope) {
    match hand.answer(bytes) {
        Ok(answer) => {
            let answer = Uint8Array::from(&answer[..]);
            let moved = Array::of1(&answer.buffer());
            scope.post_message_with_transfer(&answer, &moved).expect("bytes can be moved");
        }
        Err(why) => post(scope, &Answer::Panicked { message: why.to_string() }),
    }
}

fn post(scope: &DedicatedWorkerGlobalScope, answer: &Answer) {
    // Fails on figures that JavaScript cannot hold, such as an integer above 2^53.
    let message = answer
        .serialize(&serde_wasm_bindgen::Serializer::new())
        .unwrap_or_else(|why| panic!("an answer cannot be sent to the page: {why}"));
    scope.post_message(&message).expect("plain data can be cloned");
}
