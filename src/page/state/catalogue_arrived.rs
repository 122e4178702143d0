//! The list of what is bundled is here: the first view can be filled.

use std::rc::Rc;

use super::networks::{Network, Origin};
use super::{Effect, State};
use crate::error::Error;
use crate::lab::protocol::Role;
use crate::page::catalogue::{Catalogue, Entry};

impl State {
    pub(super) fn catalogue_arrived(&mut self, bytes: &[u8], effects: &mut Vec<Effect>) {
        let catalogue: Catalogue = match serde_json::from_slice(bytes) {
            Ok(catalogue) => catalogue,
            Err(e) => {
                return self.complain(
                    Error::new(format!("the list of bundled networks cannot be read: {e}"))
                        .in_file(Catalogue::url())
                        .way_out("Open a network of your own, or publish the page again."),
                );
            }
        };
        let bundled = catalogue.networks.iter().map(bundled);
        let examples = catalogue.examples.iter().map(example);
        // A person may have opened a network before the list arrived.
        self.networks.splice(0..0, bundled.chain(examples));
        let first = catalogue.networks.first().map(|entry| entry.id.clone());
        let chosen = self.selected.clone().or(first);
        self.choose(chosen);

        let ids: Vec<_> = catalogue.networks.iter().map(|entry| entry.id.clone()).collect();
        self.catalogue = Some(Rc::new(catalogue));
        for id in ids {
            self.fetch_network(&id, effects);
        }
        self.fetch_missing_data(Role::Validation, effects);
        self.follow_wanted(effects);
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
