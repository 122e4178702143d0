//! The recipe in the panel.
//!
//! Its options stay when another network is chosen; what it says about single layers belongs to
//! one network.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::State;
use crate::error::Error;
use crate::lab::protocol::ModelId;
use crate::vocabulary::recipe::{Granularity, LayerBits, Recipe};

/// What one layer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerChange {
    KeepFloat(bool),
    /// `None`: the recipe's.
    WeightBits(Option<u32>),
    ActivationBits(Option<u32>),
}

/// What a recipe says about single layers of one network.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Layers {
    keep_float: Vec<String>,
    widths: BTreeMap<String, LayerBits>,
}

impl State {
    /// Why the recipe cannot be carried out.
    pub fn recipe_fault(&self) -> Option<Error> {
        self.recipe.check().err()
    }

    /// Whether what was made by this recipe is what the panel's would make. What was not made here
    /// is not in question.
    pub fn is_current(&self, recipe: Option<&Rc<Recipe>>) -> bool {
        recipe.is_none_or(|recipe| **recipe == self.recipe)
    }

    pub(super) fn set_recipe(&mut self, mut recipe: Recipe) {
        // The choice that was made last counts.
        if recipe.asymmetric_weights && recipe.weights == Granularity::PerChannel {
            recipe.asymmetric_weights = false;
        }
        self.recipe = recipe;
        self.copied = None;
    }

    pub(super) fn change_layer(&mut self, node: &str, change: LayerChange) {
        let mut recipe = self.recipe.clone();
        let own = recipe.layers.entry(node.to_owned()).or_default();
        match change {
            LayerChange::WeightBits(bits) => {
                own.weight_bits = bits.filter(|bits| *bits != recipe.weight_bits);
            }
            LayerChange::ActivationBits(bits) => {
                own.activation_bits = bits.filter(|bits| *bits != recipe.activation_bits);
            }
            LayerChange::KeepFloat(keep) => {
                recipe.keep_float.retain(|kept| kept != node);
                if keep {
                    recipe.keep_float.push(node.to_owned());
                }
            }
        }
        if *own == LayerBits::default() {
            recipe.layers.remove(node);
        }
        self.set_recipe(recipe);
    }

    /// Chooses a network, and takes up what the recipe said about its layers.
    pub(super) fn choose(&mut self, network: Option<ModelId>) {
        if network == self.selected {
            return;
        }
        let Recipe { keep_float, layers, .. } = &mut self.recipe;
        let mut take = |own: Layers| Layers {
            keep_float: std::mem::replace(keep_float, own.keep_float),
            widths: std::mem::replace(layers, own.widths),
        };
        let next = network.as_ref().and_then(|id| self.layers.remove(id)).unwrap_or_default();
        let last = take(next);
        if let Some(id) = self.selected.take() {
            self.layers.insert(id, last);
        }
        self.selected = network;
        self.copied = None;
        self.suit_search();
    }
}
