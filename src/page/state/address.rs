//! The page's address and what is copied from it: the link and the command line.

use super::labelling::LabellingForm;
use super::networks::Origin;
use super::preprocessing::PreprocessingForm;
use super::stage::TRACK;
use super::variants::Variant;
use super::wheel::Wheel;
use super::{Effect, State};
use crate::error::Error;
use crate::lab::protocol::Role;
use crate::page::catalogue;
use crate::page::link::Link;
use crate::page::place::Place;
use crate::page::table;
use crate::report::command::{self, Source};
use crate::vocabulary::recipe::Recipe;

/// What a person takes away as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    Link,
    /// One that hands on all variants.
    LinkOfAll,
    Command,
    /// Of the variant at this place.
    CommandOf(usize),
    Table(table::Format),
}

impl State {
    /// What the address says of the page's present choices. A network from a person's disk is in
    /// no link.
    pub fn link(&self) -> Link {
        let network = self.selected().filter(|network| network.origin != Origin::Opened);
        Link {
            place: self.place,
            network: network.map(|network| network.id.clone()),
            recipe: self.recipe.clone(),
            preprocessing: self.preprocessing().ok().flatten(),
            labelling: self.labelling.parse().unwrap_or_default(),
            judging: self.judging.clone(),
            track: (self.stage.track != TRACK).then_some(self.stage.track),
            beside: self.stage.beside.clone().filter(|id| {
                self.network(id).is_some_and(|network| network.origin != Origin::Opened)
            }),
            drives: self.wheel.outputs(),
            speed: self.wheel.speed(),
            shared: self.unfinished(),
            losses: self.train_form.losses.clone(),
        }
    }

    /// The address of another place, all else being as it is.
    pub fn link_to(&self, place: Place) -> Link {
        Link { place, ..self.link() }
    }

    /// The address of a variant's recipe, where the network has one.
    pub fn link_by(&self, variant: &Variant) -> Option<Link> {
        let network = self.selected().map(|network| self.bench_of(&network.id))?;
        let known = self.network(&network).filter(|own| own.origin != Origin::Opened)?;
        let recipe = variant.recipe()?.clone();
        let (network, shared) = (Some(known.id.clone()), None);
        Some(Link { network, recipe, shared, ..self.link_to(Place::Drive) })
    }

    /// Goes to another place. Who was at the wheel lets go: its keys mean other things there.
    pub(super) fn go(&mut self, place: Place) {
        if place != Place::Drive && self.stage.by_hand {
            self.take_the_wheel(false);
        }
        self.place = place;
        self.came = true;
    }

    /// The command line that makes the same int8 file.
    pub fn command(&self) -> String {
        let network = self.selected.as_deref();
        network.map_or_else(String::new, |id| self.command_by(id, &self.recipe))
    }

    /// The command line that makes of a network what a recipe says.
    pub(super) fn command_by(&self, id: &str, recipe: &Recipe) -> String {
        let Some(network) = self.network(id) else { return String::new() };
        let file = match network.origin.bundled_file() {
            Some(file) => catalogue::url(file),
            None => format!("{}.onnx", network.title),
        };
        let own = self.data(Role::Calibration).loaded.as_ref().filter(|loaded| !loaded.bundled);
        let source = Source {
            network: file,
            calibration: own.map(|loaded| loaded.name.clone()),
            preprocessing: own.and_then(|_| self.preprocessing().ok().flatten()),
        };
        command::line(&source, recipe)
    }

    /// Follows a link: what stands behind the `#` of the address.
    pub(super) fn open_link(&mut self, fragment: String, effects: &mut Vec<Effect>) {
        let link = Link::parse(&fragment);
        self.address = Some(fragment);
        match link {
            Ok(link) => {
                self.go(link.place);
                self.address_place = link.place;
                self.follow(link, effects);
            }
            Err(error) => self.complain(error),
        }
    }

    fn follow(&mut self, link: Link, effects: &mut Vec<Effect>) {
        if self.catalogue.is_none() {
            self.wanted = Some(link);
            return;
        }
        let named = link.network.as_deref();
        match named.filter(|id| self.network(id).is_none()) {
            Some(unknown) => self.complain(
                Error::new(format!("the link names a network `{unknown}`, which is not here"))
                    .way_out("Choose one of the list, or open its file."),
            ),
            None => {
                if let Some(id) = link.network {
                    self.select(id, effects);
                }
                self.set_recipe(link.recipe);
                let form = link.preprocessing.as_ref().map(PreprocessingForm::of);
                self.set_preprocessing(form.unwrap_or_default(), effects);
                self.set_labelling(LabellingForm::of(&link.labelling), effects);
                self.judging = link.judging;
                self.wheel = Wheel::of(link.drives, link.speed);
                self.train_form.losses = link.losses;
                self.take_track(link.track.unwrap_or(TRACK));
                let beside = link.beside.filter(|id| self.network(id).is_some());
                self.put_beside(beside, effects);
                if let Some(shared) = link.shared {
                    self.open_shared(shared);
                }
            }
        }
    }

    /// Follows the link that the page was opened with, now that there are networks.
    pub(super) fn follow_wanted(&mut self, effects: &mut Vec<Effect>) {
        if let Some(link) = self.wanted.take() {
            self.follow(link, effects);
        }
    }

    /// Keeps the address as the page is; another place is a step back to here. A page that nobody has touched
    /// has a bare one.
    pub(super) fn show_address(&mut self, effects: &mut Vec<Effect>) {
        if self.catalogue.is_none() || self.recipe_fault().is_some() {
            return;
        }
        let fragment = self.link().fragment();
        match &self.address {
            Some(shown) if *shown == fragment => return,
            Some(_) if self.address_place != self.place => {
                effects.push(Effect::PushAddress(fragment.clone()));
            }
            Some(_) => effects.push(Effect::ShowAddress(fragment.clone())),
            None => {}
        }
        self.address_place = self.place;
        self.address = Some(fragment);
    }

    pub(super) fn copy(&mut self, what: Copy, effects: &mut Vec<Effect>) {
        let text = match what {
            Copy::Table(format) => match self.table_text(format) {
                Ok(text) => text,
                Err(error) => return self.complain(error),
            },
            Copy::CommandOf(at) => {
                let variant = self.bench().and_then(|variants| variants.all.get(at));
                variant.and_then(|variant| self.command_of(variant)).unwrap_or_default()
            }
            Copy::Link => self.link().fragment(),
            Copy::LinkOfAll => self.shared_link().map_or_else(String::new, |link| link.fragment()),
            Copy::Command => self.command(),
        };
        effects.push(Effect::Copy { what, text });
    }
}
