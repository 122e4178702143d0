//! What the chosen network gets of a person's own frames.

use std::rc::Rc;

use super::networks::Fit;
use super::queue::Purpose;
use super::{Effect, State};
use crate::lab::protocol::{ModelId, Request, Role};
use crate::vocabulary::entering::Entering;

/// Asked for once for each network and set.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    asked: Option<ModelId>,
    shown: Option<(ModelId, Rc<Entering>)>,
}

impl State {
    /// What the chosen network gets of the validation frames, if those are a person's own.
    pub fn entering(&self) -> Option<&Rc<Entering>> {
        let (model, entering) = self.entries.shown.as_ref()?;
        (self.selected.as_ref() == Some(model)).then_some(entering)
    }

    /// Frames have changed.
    pub(super) fn forget_entering(&mut self) {
        self.entries = Entries::default();
    }

    pub(super) fn entering_arrived(&mut self, model: ModelId, entering: Entering) {
        // Frames may have changed on its way.
        if self.entries.asked.as_ref() == Some(&model) {
            self.entries.shown = Some((model, entering.into()));
        }
    }

    /// Asks for it, unless that was done.
    pub(super) fn look_at_entering(&mut self, effects: &mut Vec<Effect>) {
        let is_own = |role| {
            let data = self.data(role);
            data.loading.is_none() && data.loaded.as_ref().is_some_and(|loaded| !loaded.bundled)
        };
        if !is_own(Role::Validation) {
            return;
        }
        let fits = |network: &&super::Network| self.fit(network, Role::Validation) == Fit::Fits;
        let Some(network) = self.selected().filter(fits) else { return };
        if self.entries.asked.as_ref() != Some(&network.id) {
            let model = network.id.clone();
            self.entries = Entries { asked: Some(model.clone()), shown: None };
            let request = Request::Entering { model, role: Role::Validation };
            self.send(Purpose::Look, request, effects);
        }
    }
}
