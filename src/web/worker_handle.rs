//! The page's end of a worker.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use serde::Serialize;
use wasm_bindgen::JsCast;
use web_sys::{ErrorEvent, MessageEvent, Worker};

use super::address;
use super::lending::Lender;
use super::message::{Answer, Ask};
use super::reason;
use crate::error::Error;
use crate::lab::protocol::{Event, Request, VERSION};
use crate::vocabulary::file::Source;

/// What a worker lets the page know.
#[derive(Debug)]
pub enum News {
    Heard {
        task: u32,
        event: Box<Event>,
    },
    /// It broke down; nothing more is heard of it. `started`: it had come to life before.
    Lost {
        error: Error,
        started: bool,
    },
}

/// A file that is larger is sent in a turn of its own, so that the page answers before the next.
const LARGE: usize = 1 << 20;

/// A running worker; dropping it ends it at once, whatever it is doing.
pub struct WorkerHandle {
    outbox: Rc<Outbox>,
    _listeners: [EventListener; 2],
}

/// What the worker is to be sent, in its order: it gets nothing before it listens.
struct Outbox {
    worker: Worker,
    lender: Lender,
    tell: Box<dyn Fn(News)>,
    listening: Cell<bool>,
    lost: Cell<bool>,
    /// Whether the rest waits for another turn.
    pausing: Cell<bool>,
    waiting: RefCell<VecDeque<(u32, Rc<Request>)>>,
}

impl WorkerHandle {
    /// It is lent the files of a person's disk that requests name.
    pub fn start(lender: Lender, tell: impl Fn(News) + 'static) -> Result<Self, Error> {
        let script = address::worker().ok_or_else(|| broken("the page names none"))?;
        // It starts the build that the page's address asks for.
        let script = format!("{script}{}", address::query());
        let worker = Worker::new(&script).map_err(|why| broken(&reason(&why)))?;
        let outbox = Rc::new(Outbox {
            worker: worker.clone(),
            lender,
            tell: Box::new(tell),
            listening: Cell::default(),
            lost: Cell::default(),
            pausing: Cell::default(),
            waiting: RefCell::default(),
        });
        let messages = EventListener::new(&worker, "message", {
            let outbox = outbox.clone();
            move |event| {
                let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
                match serde_wasm_bindgen::from_value(event.data()) {
                    Ok(Answer::Ready { version: VERSION }) => outbox.open(),
                    Ok(Answer::Ready { version }) => outbox.lose(stale(version)),
                    Ok(Answer::Heard { task, event }) => (outbox.tell)(News::Heard { task, event }),
                    Ok(Answer::Panicked { message }) => outbox.lose(broken(&message)),
                    Err(why) => outbox.lose(broken(&why.to_string())),
                }
            }
        });
        let errors = EventListener::new(&worker, "error", {
            let outbox = outbox.clone();
            move |event| {
                let message = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
                let message = message.filter(|message| !message.is_empty());
                outbox.lose(broken(message.as_deref().unwrap_or("it could not be loaded")));
            }
        });
        Ok(Self { outbox, _listeners: [messages, errors] })
    }

    pub fn send(&self, task: u32, request: Rc<Request>) {
        self.outbox.waiting.borrow_mut().push_back((task, request));
        self.outbox.send_on();
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.outbox.worker.terminate();
    }
}

impl Outbox {
    fn open(self: &Rc<Self>) {
        self.listening.set(true);
        self.send_on();
    }

    fn send_on(self: &Rc<Self>) {
        while self.listening.get() && !self.pausing.get() {
            let next = self.waiting.borrow_mut().pop_front();
            let Some((task, request)) = next else { return };
            if let Err(error) = self.post(task, &request) {
                return self.lose(error);
            }
            if weight(&request) > LARGE {
                self.pausing.set(true);
                // A worker that was ended meanwhile is sent nothing.
                let own = Rc::downgrade(self);
                let go_on = move || {
                    if let Some(own) = own.upgrade() {
                        own.pausing.set(false);
                        own.send_on();
                    }
                };
                Timeout::new(0, go_on).forget();
            }
        }
    }

    fn post(&self, task: u32, request: &Request) -> Result<(), Error> {
        let message = Ask { task, request }
            .serialize(&serde_wasm_bindgen::Serializer::new())
            .map_err(|why| broken(&why.to_string()))?;
        self.lender.add_to(&message, request).map_err(|why| broken(&why.what))?;
        self.worker.post_message(&message).map_err(|why| broken(&reason(&why)))
    }

    /// A panic is reported by the worker first and by the browser again.
    fn lose(&self, error: Error) {
        if !self.lost.replace(true) {
            (self.tell)(News::Lost { error, started: self.listening.get() });
        }
    }
}

/// Bytes of the files that go with a request.
fn weight(request: &Request) -> usize {
    match request {
        Request::LoadModel { file, beside, .. } => {
            std::iter::once(file).chain(beside).map(|file| file.bytes.len()).sum()
        }
        Request::LoadData { files, .. } => {
            let bytes = |file: &Source| match file {
                Source::Here(file) => file.bytes.len(),
                Source::Lying { .. } => 0,
            };
            files.iter().map(bytes).sum()
        }
        _ => 0,
    }
}

fn broken(why: &str) -> Error {
    Error::new(format!("the worker broke down: {why}"))
        .way_out("What was finished is still here; try again, or reload the page.")
}

fn stale(version: u32) -> Error {
    Error::new(format!("the page speaks version {VERSION} and its worker version {version}"))
        .way_out("Reload the page past the browser's cache (Ctrl+Shift+R).")
}
