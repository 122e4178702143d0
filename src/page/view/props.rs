//! What the larger components have in common.

use std::ops::Deref;
use std::rc::Rc;

use yew::prelude::*;

use crate::clock::Stopwatch;
use crate::page::state::{Action, State};

/// The state as of one rendering; equal only to itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot(pub(super) Rc<State>);

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Snapshot {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

#[derive(Clone, PartialEq, Properties)]
pub(super) struct PageProps {
    pub(super) state: Snapshot,
    pub(super) dispatch: Callback<Action>,
}

/// A callback that lets `set` change a copy of `form` and asks for `action` with it.
pub(super) fn changing<F: Clone + 'static, E: 'static>(
    form: &F,
    set: impl Fn(&mut F, E) + 'static,
    action: fn(F) -> Action,
    dispatch: &Callback<Action>,
) -> Callback<E> {
    let form = form.clone();
    dispatch.reform(move |given| {
        let mut form = form.clone();
        set(&mut form, given);
        action(form)
    })
}

/// Milliseconds since the page was opened: the time that actions are stamped with.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageClock(Stopwatch);

impl PageClock {
    pub(super) fn start() -> Self {
        Self(Stopwatch::start())
    }

    pub(super) fn now(&self) -> f64 {
        self.0.ms()
    }
}

/// There is one clock.
impl PartialEq for PageClock {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
