//! Other workers that share long work, started by the one that works.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use gloo_events::EventListener;
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, UrlSearchParams, Worker};

use crate::crew::Crew;

/// The most that work together.
const MOST: usize = 8;

/// One worker for each further core; they end when it is dropped.
pub(super) struct Workers {
    scope: DedicatedWorkerGlobalScope,
    hands: Vec<HandWorker>,
}

struct HandWorker {
    worker: Worker,
    inbox: Rc<Inbox>,
    _listeners: [EventListener; 2],
}

/// What a hand has said and nobody has heard.
#[derive(Default)]
struct Inbox {
    said: RefCell<VecDeque<Said>>,
    listener: RefCell<Option<Waker>>,
}

enum Said {
    /// It listens; whatever was posted before is lost.
    Ready,
    /// In answer to bytes.
    Bytes(Vec<u8>),
    /// It broke down, or never came to life.
    Lost,
}

impl Workers {
    pub(super) fn new(scope: DedicatedWorkerGlobalScope) -> Self {
        Self { scope, hands: Vec::new() }
    }

    /// How many work in all: as many as the page's address asks for (`?workers=1`), else one for
    /// each core.
    fn wanted(&self) -> usize {
        let asked = UrlSearchParams::new_with_str(&self.scope.location().search()).ok();
        let asked = asked.and_then(|asked| asked.get("workers")?.parse().ok());
        let cores = || self.scope.navigator().hardware_concurrency() as usize;
        asked.unwrap_or_else(cores).clamp(1, MOST)
    }
}

impl Crew for Workers {
    fn most(&self) -> usize {
        self.wanted() - 1
    }

    async fn muster(&mut self, hands: usize, muster: Vec<u8>) {
        let script = self.scope.location().href();
        self.hands.extend((0..hands).map_while(|_| HandWorker::start(&script)));
        for hand in &self.hands {
            if let Said::Ready = hand.inbox.next().await {
                hand.post(&muster);
            }
        }
    }

    async fn ready(&mut self) -> usize {
        let mut ready = Vec::with_capacity(self.hands.len());
        for hand in std::mem::take(&mut self.hands) {
            if let Said::Bytes(_) = hand.inbox.next().await {
                ready.push(hand);
            }
        }
        self.hands = ready;
        self.hands.len()
    }

    fn ask(&mut self, hand: usize, work: Vec<u8>) {
        self.hands[hand].post(&work);
    }

    async fn answer(&mut self, hand: usize) -> Option<Vec<u8>> {
        match self.hands[hand].inbox.next().await {
            Said::Bytes(bytes) => Some(bytes),
            Said::Ready | Said::Lost => None,
        }
    }
}

impl HandWorker {
    fn start(script: &str) -> Option<Self> {
        let worker = Worker::new(script).ok()?;
        let inbox = Rc::new(Inbox::default());
        let messages = EventListener::new(&worker, "message", {
            let inbox = inbox.clone();
            move |event| {
                let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
                inbox.hear(match event.data().dyn_into::<Uint8Array>() {
                    Ok(bytes) => Said::Bytes(bytes.to_vec()),
                    Err(answer) if is_ready(&answer) => Said::Ready,
                    Err(_) => Said::Lost,
                });
            }
        });
        let errors = EventListener::new(&worker, "error", {
            let inbox = inbox.clone();
            move |_| inbox.hear(Said::Lost)
        });
        Some(Self { worker, inbox, _listeners: [messages, errors] })
    }

    /// A message that cannot be sent gets no answer from the hand, so it gives one itself.
    fn post(&self, bytes: &[u8]) {
        let bytes = Uint8Array::from(bytes);
        let moved = Array::of1(&bytes.buffer());
        if self.worker.post_message_with_transfer(&bytes, &moved).is_err() {
            self.inbox.hear(Said::Lost);
        }
    }
}

/// Whether this is `Answer::Ready`. To read whole answers, with the reports in them, would take a
/// fifteenth of our code in the worker.
fn is_ready(answer: &JsValue) -> bool {
    Reflect::has(answer, &"Ready".into()).unwrap_or(false)
}

impl Drop for HandWorker {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

impl Inbox {
    fn hear(&self, said: Said) {
        self.said.borrow_mut().push_back(said);
        if let Some(listener) = self.listener.take() {
            listener.wake();
        }
    }

    async fn next(&self) -> Said {
        poll_fn(|context| {
            let mut said = self.said.borrow_mut();
            // Who is lost says so once and stays lost.
            if let Some(Said::Lost) = said.front() {
                return Poll::Ready(Said::Lost);
            }
            match said.pop_front() {
                Some(said) => Poll::Ready(said),
                None => {
                    *self.listener.borrow_mut() = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}
