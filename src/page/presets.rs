//! Recipes to start from, the plainest first.

use crate::vocabulary::recipe::{ActivationType, Format, Method, Recipe, Rounding, WeightRange};

#[derive(Debug)]
pub struct Preset {
    pub id: &'static str,
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub purpose: &'static str,
    /// What it changes of the default.
    change: fn(&mut Recipe),
}

pub const PRESETS: [Preset; 8] = [
    Preset {
        id: "int8",
        name: "int8 (default)",
        purpose: "8-bit weights and activations, ranges from the smallest to the largest value seen.",
        change: |_| {},
    },
    Preset {
        id: "int8-careful",
        name: "int8, careful",
        purpose: "8 bits with the ranges of least error, channels evened out and biases corrected.",
        change: |recipe| {
            recipe.method = Method::Mse;
            recipe.weight_range = WeightRange::Mse;
            recipe.equalize = true;
            recipe.bias_correction = true;
        },
    },
    Preset {
        id: "w4-adaround",
        name: "4-bit weights, AdaRound",
        purpose: "Half the weight bytes of int8; channels evened out, and how each weight is \
                  rounded is learned.",
        change: |recipe| {
            recipe.weight_bits = 4;
            recipe.equalize = true;
            recipe.bias_correction = true;
            recipe.rounding = Rounding::Adaround;
        },
    },
    Preset {
        id: "w3-everything",
        name: "3-bit weights, everything on",
        purpose: "Seven values per weight, and all that helps against it. Takes the longest.",
        change: |recipe| {
            recipe.weight_bits = 3;
            recipe.equalize = true;
            recipe.bias_correction = true;
            recipe.rounding = Rounding::Adaround;
        },
    },
    Preset {
        id: "w4a4",
        name: "4 bits throughout",
        purpose: "4-bit weights and activations: a quarter of the bit operations of int8.",
        change: |recipe| {
            recipe.method = Method::Mse;
            recipe.weight_bits = 4;
            recipe.activation_bits = 4;
            recipe.equalize = true;
            recipe.bias_correction = true;
            recipe.rounding = Rounding::Adaround;
        },
    },
    Preset {
        id: "integer-operators",
        name: "Integer operators",
        purpose: "The default's integers, written as operators that compute on them (QLinearConv) \
                  instead of pairs around float ones.",
        change: |recipe| recipe.format = Format::Qoperator,
    },
    Preset {
        id: "symmetric",
        name: "Symmetric int8",
        purpose: "Signed activations around zero, as TensorRT and many accelerators want them.",
        change: |recipe| {
            recipe.activations = ActivationType::I8;
            recipe.symmetric = true;
        },
    },
    Preset {
        id: "reduced-range",
        name: "For x86 without VNNI",
        purpose: "Weights of −64 to 64, so that instructions which add two products in 16 bits do \
                  not saturate.",
        change: |recipe| recipe.reduce_range = true,
    },
];

impl Preset {
    /// The preset's recipe; what `recipe` tells single layers stays.
    pub fn instead_of(&self, recipe: &Recipe) -> Recipe {
        let Recipe { keep_float, layers, .. } = recipe.clone();
        let mut own = Recipe { keep_float, layers, ..Recipe::default() };
        (self.change)(&mut own);
        own
    }

    /// The preset that a recipe is, whatever single layers are told.
    pub fn of(recipe: &Recipe) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.instead_of(recipe) == *recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_recipes_of_their_own() {
        let kept = Recipe { keep_float: vec!["conv".into()], ..Recipe::default() };
        assert_eq!(PRESETS[0].instead_of(&kept), kept);
        for preset in &PRESETS {
            let recipe = preset.instead_of(&kept);
            assert!(recipe.check().is_ok(), "{}", preset.id);
            assert_eq!(Preset::of(&recipe).map(|found| found.id), Some(preset.id));
        }
        assert!(Preset::of(&Recipe { seed: 7, ..Recipe::default() }).is_none());
    }
}
