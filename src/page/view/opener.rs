//! A person's own files, on their way in.

use wasm_bindgen_futures::spawn_local;
use yew::Callback;

use super::arrivals::Arrivals;
use crate::lab::protocol::Role;
use crate::page::state::{Action, Resource};
use crate::web::files::{self, Dropped, Selection};

/// A person's own files: networks are told from frames by their names.
#[derive(Clone, PartialEq)]
pub(super) struct Opener {
    dispatch: Callback<Action>,
    arrivals: Arrivals,
}

impl Opener {
    pub(super) fn new(dispatch: Callback<Action>, arrivals: Arrivals) -> Self {
        Self { dispatch, arrivals }
    }

    /// Whatever was picked is meant to be networks, and their weights where those are files of their
    /// own.
    pub(super) fn models(&self, selection: Selection) {
        let dispatch = self.dispatch.clone();
        spawn_local(async move {
            let mut files = Vec::with_capacity(selection.files.len());
            for picked in selection.files {
                match files::read_one(&picked).await {
                    Ok(file) => files.push(file),
                    Err(error) => dispatch.emit(Action::Complain(error)),
                }
            }
            dispatch.emit(Action::OpenModels(files));
        });
    }

    /// Frames; a network among them is opened as one, with what may have its weights.
    pub(super) fn data(&self, role: Role, mut selection: Selection) {
        let models = selection.take_models();
        if !models.files.is_empty() {
            self.models(models);
        }
        if selection.files.is_empty() {
            return;
        }
        let resource = Resource::Frames(role);
        let signal = self.arrivals.expect(&resource);
        let dispatch = self.dispatch.clone();
        spawn_local(async move {
            let Selection { name, files } = selection;
            dispatch.emit(Action::ReadData { role, name: name.clone() });
            let progress = |done, total| {
                let resource = resource.clone();
                dispatch.emit(Action::Receiving { resource, done, total });
            };
            let outcome = files::read(&files, &signal, progress).await;
            if !signal.aborted() {
                dispatch.emit(match outcome {
                    Ok(files) => {
                        let files = files.into_iter().map(Into::into).collect();
                        Action::OpenData { role, name, files }
                    }
                    Err(error) => Action::NotReceived { resource, error },
                });
            }
        });
    }

    pub(super) fn dropped(&self, role: Role, dropped: Dropped) {
        let opener = self.clone();
        spawn_local(async move {
            match dropped.walk().await {
                Ok(selection) => opener.data(role, selection),
                Err(error) => opener.dispatch.emit(Action::Complain(error)),
            }
        });
    }
}
