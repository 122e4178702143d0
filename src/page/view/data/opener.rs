//! A person's own files, on their way in.

use wasm_bindgen_futures::spawn_local;
use yew::Callback;

use crate::lab::protocol::Role;
use crate::page::state::{Action, Resource};
use crate::page::view::arrivals::Arrivals;
use crate::web::files::{self, Dropped, Selection};
use crate::web::lending::Lender;

/// A person's own files: networks are told from frames by their names.
#[derive(Clone, PartialEq)]
pub(in crate::page::view) struct Opener {
    dispatch: Callback<Action>,
    arrivals: Arrivals,
    lender: Lender,
}

impl Opener {
    pub(in crate::page::view) fn new(
        dispatch: Callback<Action>,
        arrivals: Arrivals,
        lender: Lender,
    ) -> Self {
        Self { dispatch, arrivals, lender }
    }

    /// Whatever was picked is meant to be networks, and their weights where those are files of their
    /// own.
    pub(in crate::page::view) fn models(&self, selection: Selection) {
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

    /// Recipes, or overrides of ONNX Runtime's quantizer: the last one counts.
    pub(in crate::page::view) fn recipe(&self, selection: Selection) {
        let dispatch = self.dispatch.clone();
        spawn_local(async move {
            for picked in selection.files {
                dispatch.emit(match files::read_one(&picked).await {
                    Ok(file) => Action::OpenRecipe(file),
                    Err(error) => Action::Complain(error),
                });
            }
        });
    }

    /// Frames; a network among them is opened as one, with what may have its weights.
    pub(in crate::page::view) fn data(&self, role: Role, mut selection: Selection) {
        let models = selection.take_models();
        if !models.files.is_empty() {
            self.models(models);
        }
        if selection.files.is_empty() {
            return;
        }
        let Selection { name, files } = selection;
        // What was being fetched for its place is not wanted any more.
        self.arrivals.abort(&Resource::Frames(role));
        let files = files::lent(files, &self.lender);
        self.dispatch.emit(Action::OpenData { role, name, files });
    }

    pub(in crate::page::view) fn dropped(&self, role: Role, dropped: Dropped) {
        let opener = self.clone();
        spawn_local(async move {
            match dropped.walk().await {
                Ok(selection) => opener.data(role, selection),
                Err(error) => opener.dispatch.emit(Action::Complain(error)),
            }
        });
    }
}
