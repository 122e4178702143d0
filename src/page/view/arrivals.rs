//! What is being fetched or read, and how to stop it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use web_sys::{AbortController, AbortSignal};

use crate::page::state::Resource;

#[derive(Debug, Clone, Default)]
pub(super) struct Arrivals(Rc<RefCell<HashMap<Resource, AbortController>>>);

impl Arrivals {
    /// Whoever else fetches or reads the same is stopped.
    pub(super) fn expect(&self, resource: &Resource) -> AbortSignal {
        self.abort(resource);
        let controller = AbortController::new().expect("browsers with WebAssembly have it");
        let signal = controller.signal();
        self.0.borrow_mut().insert(resource.clone(), controller);
        signal
    }

    pub(super) fn abort(&self, resource: &Resource) {
        if let Some(controller) = self.0.borrow_mut().remove(resource) {
            controller.abort();
        }
    }
}

/// The page has one.
impl PartialEq for Arrivals {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
