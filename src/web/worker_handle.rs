//! The page's end of a worker.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::EventListener;
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ErrorEvent, MessageEvent, Worker};

use super::address;
use super::lending::Lender;
use super::message::{Answer, Ask};
use super::reason;
use crate::error::Error;
use crate::lab::protocol::{Event, Request, VERSION};

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

/// A running worker; dropping it ends it at once, whatever it is doing.
pub struct WorkerHandle {
    worker: Worker,
    inbox: Rc<Inbox>,
    lender: Lender,
    _listeners: [EventListener; 2],
}

/// Keeps messages until the worker listens, because it would not get them before.
#[derive(Default)]
struct Inbox {
    listening: Cell<bool>,
    lost: Cell<bool>,
    waiting: RefCell<Vec<JsValue>>,
}

impl WorkerHandle {
    /// It is lent the files of a person's disk that requests name.
    pub fn start(lender: Lender, tell: impl Fn(News) + 'static) -> Result<Self, Error> {
        let script = address::worker().ok_or_else(|| broken("the page names none"))?;
        // It starts the build that the page's address asks for.
        let script = format!("{script}{}", address::query());
        let worker = Worker::new(&script).map_err(|why| broken(&reason(&why)))?;
        let inbox = Rc::new(Inbox::default());
        let tell = Rc::new(tell);
        let messages = EventListener::new(&worker, "message", {
            let (worker, inbox, tell) = (worker.clone(), inbox.clone(), tell.clone());
            move |event| {
                let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
                match serde_wasm_bindgen::from_value(event.data()) {
                    Ok(Answer::Ready { version: VERSION }) => inbox.open(&worker),
                    Ok(Answer::Ready { version }) => inbox.lose(&*tell, stale(version)),
                    Ok(Answer::Heard { task, event }) => tell(News::Heard { task, event }),
                    Ok(Answer::Panicked { message }) => inbox.lose(&*tell, broken(&message)),
                    Err(why) => inbox.lose(&*tell, broken(&why.to_string())),
                }
            }
        });
        let errors = EventListener::new(&worker, "error", {
            let inbox = inbox.clone();
            move |event| {
                let message = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
                let message = message.filter(|message| !message.is_empty());
                inbox.lose(&*tell, broken(message.as_deref().unwrap_or("it could not be loaded")));
            }
        });
        Ok(Self { worker, inbox, lender, _listeners: [messages, errors] })
    }

    pub fn send(&self, task: u32, request: &Request) -> Result<(), Error> {
        let message = Ask { task, request }
            .serialize(&serde_wasm_bindgen::Serializer::new())
            .map_err(|why| broken(&why.to_string()))?;
        self.lender.add_to(&message, request).map_err(|why| broken(&why.what))?;
        if self.inbox.listening.get() {
            self.worker.post_message(&message).map_err(|why| broken(&reason(&why)))
        } else {
            self.inbox.waiting.borrow_mut().push(message);
            Ok(())
        }
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

impl Inbox {
    fn open(&self, worker: &Worker) {
        self.listening.set(true);
        for message in self.waiting.take() {
            // Plain data was made from plain data a moment ago: it can be cloned.
            worker.post_message(&message).ok();
        }
    }

    /// A panic is reported by the worker first and by the browser again.
    fn lose(&self, tell: &dyn Fn(News), error: Error) {
        if !self.lost.replace(true) {
            tell(News::Lost { error, started: self.listening.get() });
        }
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
