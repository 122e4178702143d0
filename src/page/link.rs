//! The page's address: the place, which network is chosen, the recipe, how frames enter, what outputs say
//! and are trained by, the drive, and variants that were handed on.
//!
//! `#place=compare&network=pilotnet&recipe=%7B%22version%22%3A1%2C%22weight_bits%22%3A4%7D`: what is not there is
//! the default.

mod shared;

use std::collections::BTreeMap;
use std::rc::Rc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::lab::protocol::ModelId;
use crate::page::place::Place;
use crate::vocabulary::driving::Outputs;
use crate::vocabulary::labelling::Labelling;
use crate::vocabulary::plan::Loss;
use crate::vocabulary::preprocessing::Preprocessing;
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::task::Judging;

pub use shared::{Named, Shared, SharedVariant};

/// All but the characters that mean nothing in an address.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Integers that JavaScript holds exactly, as every message to the worker has to.
pub const MAX_SEED: u64 = (1 << 53) - 1;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Link {
    pub place: Place,
    pub network: Option<ModelId>,
    pub recipe: Recipe,
    /// Of a person's own frames.
    pub preprocessing: Option<Preprocessing>,
    /// Where the labels of those lie.
    pub labelling: Labelling,
    pub judging: Judging,
    /// The track that cars drive, if it is not the usual one.
    pub track: Option<u64>,
    /// The network that drives beside the chosen one.
    pub beside: Option<ModelId>,
    /// What the numbers of a network of values set.
    pub drives: Option<Outputs>,
    /// The speed it keeps, if it is not the usual one.
    pub speed: Option<f64>,
    /// What is to be made again.
    pub shared: Option<Rc<Shared>>,
    /// What outputs are trained by, where it is not the usual loss.
    pub losses: BTreeMap<String, Loss>,
}

impl Link {
    /// Reads what stands behind the address's `#`.
    ///
    /// # Errors
    /// Parts that are unknown, and a recipe that is none.
    pub fn parse(fragment: &str) -> Result<Self> {
        let mut link = Self::default();
        for part in fragment.split('&').filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| bad(format!("its `{key}` is not text")))?;
            match key {
                "place" => link.place = place(&value)?,
                "network" => link.network = Some(value.into_owned()),
                "recipe" => link.recipe = recipe(&value)?,
                "frames" => link.preprocessing = Some(plain(key, &value)?),
                "labels" => link.labelling = plain(key, &value)?,
                "outputs" => link.judging = plain(key, &value)?,
                "track" => link.track = Some(seed(&value)?),
                "drives" => link.drives = Some(value.parse().map_err(bad)?),
                "speed" => link.speed = Some(speed(&value)?),
                "variants" => {
                    let shared = Shared::read(&value).map_err(|error| bad(error.what))?;
                    link.shared = Some(Rc::new(shared));
                }
                "losses" => link.losses = plain(key, &value)?,
                "beside" => link.beside = Some(value.into_owned()),
                _ => return Err(bad(format!("it has an unknown part `{key}`"))),
            }
        }
        Ok(link)
    }

    /// What stands behind the `#`.
    pub fn fragment(&self) -> String {
        let place = (self.place != Place::default()).then(|| ("place", self.place.id().to_owned()));
        let network = self.network.as_ref().map(|network| ("network", network.clone()));
        let recipe = (self.recipe != Recipe::default()).then(|| self.recipe.to_short_json().ok());
        let recipe = recipe.flatten().map(|json| ("recipe", json));
        let frames = self.preprocessing.as_ref().and_then(|n| serde_json::to_string(n).ok());
        let frames = frames.map(|json| ("frames", json));
        let outputs =
            (self.judging != Judging::default()).then(|| serde_json::to_string(&self.judging).ok());
        let outputs = outputs.flatten().map(|json| ("outputs", json));
        let part = |(key, value): (&str, String)| {
            format!("{key}={}", utf8_percent_encode(&value, ESCAPED))
        };
        let labels = (self.labelling != Labelling::default())
            .then(|| serde_json::to_string(&self.labelling).ok());
        let labels = labels.flatten().map(|json| ("labels", json));
        let track = self.track.map(|track| ("track", track.to_string()));
        let beside = self.beside.clone().map(|beside| ("beside", beside));
        let drives = self.drives.as_ref().map(|drives| ("drives", drives.to_string()));
        let speed = self.speed.map(|speed| ("speed", speed.to_string()));
        let losses = (!self.losses.is_empty()).then(|| serde_json::to_string(&self.losses).ok());
        let losses = losses.flatten().map(|json| ("losses", json));
        let shared = self.shared.as_ref().and_then(|shared| shared.write().ok());
        let shared = shared.map(|text| ("variants", text));
        let parts = [
            place, network, recipe, frames, labels, outputs, drives, speed, losses, track, beside,
            shared,
        ];
        parts.into_iter().flatten().map(part).collect::<Vec<_>>().join("&")
    }
}

fn recipe(json: &str) -> Result<Recipe> {
    let recipe = Recipe::from_json(json.as_bytes()).map_err(|error| bad(error.what))?;
    if recipe.seed > MAX_SEED {
        return Err(bad(format!("the page takes no seed above {MAX_SEED}")));
    }
    Ok(recipe)
}

fn place(id: &str) -> Result<Place> {
    Place::of(id).ok_or_else(|| bad(format!("there is no place `{id}`")))
}

fn seed(text: &str) -> Result<u64> {
    let seed = text.parse().ok().filter(|seed| *seed <= MAX_SEED);
    seed.ok_or_else(|| bad(format!("its track `{text}` is no whole number up to {MAX_SEED}")))
}

fn speed(text: &str) -> Result<f64> {
    let speed = text.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0);
    speed.ok_or_else(|| bad(format!("its speed `{text}` is not above 0")))
}

fn plain<T: DeserializeOwned>(key: &str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| bad(format!("its `{key}` is not known: {error}")))
}

fn bad(why: String) -> Error {
    Error::new(format!("the link does not say what to do: {why}"))
        .way_out("The page shows its own choice instead; copy the link again where it came from.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::recipe::LayerBits;

    #[test]
    fn a_link_carries_what_differs_from_the_default() {
        let plain = Link { network: Some("pilotnet".into()), ..Link::default() };
        assert_eq!(plain.fragment(), "network=pilotnet");
        let recipe = Recipe {
            weight_bits: 4,
            keep_float: vec!["/features/0/Conv & co".into()],
            layers: [("größe".into(), LayerBits { weight_bits: Some(3), ..LayerBits::default() })]
                .into(),
            ..Recipe::default()
        };
        let link = Link { recipe, ..Link::default() };
        let fragment = link.fragment();
        assert!(fragment.starts_with("recipe=%7B%22"), "{fragment}");
        assert!(!fragment.contains(['&', '/', ' ', '"']), "{fragment}");
        let preprocessing = Preprocessing { stack: Some(4), ..Preprocessing::default() };
        let judging = Judging {
            bins: [("angle".to_owned(), "-1:1:15".parse().expect("bins"))].into(),
            ..Judging::default()
        };
        let (beside, place) = (Some("pilotnet".into()), Place::Layers);
        let drives = Some("_,-steering*0.5".parse().expect("outputs"));
        let (preprocessing, track, speed) = (Some(preprocessing), Some(7), Some(32.5));
        let labelling = Labelling { labels: vec!["angle".into()], ..Labelling::default() };
        let link = Link { preprocessing, labelling, judging, track, beside, drives, speed, ..link };
        let losses = [("angle".to_owned(), Loss::Huber)].into();
        let link = Link { place, losses, ..link };
        for link in [plain, link] {
            assert_eq!(Link::parse(&link.fragment()), Ok(link));
        }
        assert_eq!(Link::parse(""), Ok(Link::default()));
    }

    #[test]
    fn a_bad_link_says_what_is_bad() {
        let says = |fragment: &str| Link::parse(fragment).expect_err("it is bad").what;
        assert!(says("colour=red").contains("`colour`"));
        assert!(says("recipe=%FF").contains("`recipe` is not text"));
        assert!(says("recipe=%7B").contains("not a recipe"));
        assert!(says("recipe={\"weight_bits\":1}").contains("1 bits"));
        assert!(says("recipe={\"seed\":9007199254740992}").contains("seed"));
        assert!(says("recipe={\"version\":2}").contains("version 2"));
        assert!(says("outputs={\"task\":\"value\"}").contains("`outputs` is not known"));
        assert!(says("drives=gas").contains("`steering`"));
        assert!(says("speed=0").contains("speed `0`"));
        assert!(says("place=here").contains("place `here`"));
        assert!(says("track=-1").contains("track `-1`"));
        assert!(says("frames=4").contains("`frames` is not known"));
    }
}
