//! What the page begins with: the list of what is bundled, and what is fetched of it.

use std::rc::Rc;

use super::networks::{Network, Origin};
use super::stage::Car;
use super::{Effect, State};
use crate::error::Error;
use crate::lab::protocol::Role;
use crate::page::catalogue::{Catalogue, Entry, FILE};
use crate::page::place::Place;

impl State {
    /// Lists what is bundled, and fetches the network that the page opens with. All else waits until
    /// somebody asks for it.
    pub(super) fn read_catalogue(&mut self, bytes: &[u8], effects: &mut Vec<Effect>) {
        let catalogue: Catalogue = match serde_json::from_slice(bytes) {
            Ok(catalogue) => catalogue,
            Err(e) => {
                return self.complain(
                    Error::new(format!("the list of bundled networks cannot be read: {e}"))
                        .in_file(FILE)
                        .way_out("Open a network of your own, or publish the page again."),
                );
            }
        };
        let bundled = catalogue.networks.iter().map(bundled);
        let examples = catalogue.examples.iter().map(example);
        self.networks = bundled.chain(examples).collect();
        self.choose(catalogue.networks.first().map(|entry| entry.id.clone()));
        self.catalogue = Some(Rc::new(catalogue));
        // A link may name another.
        self.follow_wanted(effects);
        if let Some(id) = self.selected.clone() {
            self.fetch_unless_here(&id, effects);
        }
    }

    /// Tells once that the page has what it opens with: a car that moves, or a network where none is seen.
    pub(super) fn settle(&mut self, effects: &mut Vec<Effect>) {
        let is_here = self.selected().is_some_and(|network| network.inspection().is_some());
        let waits = |car: &Car| self.stage.shown == 0 && !car.is_done();
        let drives = self.place == Place::Drive && self.stage.playing;
        if !self.is_settled && is_here && !(drives && self.stage.cars.iter().any(waits)) {
            self.is_settled = true;
            effects.push(Effect::Settled);
        }
    }

    /// The bundled frames are fetched for who comes to where frames are looked at.
    pub(super) fn fetch_for_place(&mut self, effects: &mut Vec<Effect>) {
        if self.catalogue.is_some()
            && std::mem::take(&mut self.came)
            && matches!(self.place, Place::Frames | Place::Data)
        {
            self.fetch_missing_data(Role::Validation, effects);
        }
    }
}

fn bundled(entry: &Entry) -> Network {
    network(entry, Origin::Bundled { file: entry.file.clone() }, None)
}

fn example(entry: &Entry) -> Network {
    network(entry, Origin::Example { file: entry.file.clone() }, entry.of.clone())
}

fn network(entry: &Entry, origin: Origin, reference: Option<String>) -> Network {
    Network {
        id: entry.id.clone(),
        title: entry.title.clone(),
        summary: entry.summary.clone(),
        origin,
        reference,
        ..Network::default()
    }
}
