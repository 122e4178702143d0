//! A recipe in words.

use crate::vocabulary::recipe::{
    ActivationType, Format, Granularity, Method, Recipe, Rounding, WeightRange,
};

/// How ranges are found, in words.
pub const fn method(method: Method) -> &'static str {
    match method {
        Method::Minmax => "min-max",
        Method::MovingAverage => "moving average",
        Method::Percentile => "percentile",
        Method::Entropy => "entropy",
        Method::Mse => "least squared error",
    }
}

/// `4-bit weights, AdaRound`; the default is `int8`.
pub fn recipe(recipe: &Recipe) -> String {
    let changes = changes(recipe);
    if changes.is_empty() { "int8 by default".to_owned() } else { changes.join(", ") }
}

/// What differs from the default, an entry for each option.
fn changes(recipe: &Recipe) -> Vec<String> {
    let default = Recipe::default();
    let mut changes = Vec::new();
    let mut say = |differs: bool, words: String| {
        if differs {
            changes.push(words);
        }
    };
    say(recipe.weight_bits != default.weight_bits, format!("{}-bit weights", recipe.weight_bits));
    let activation_bits = format!("{}-bit activations", recipe.activation_bits);
    say(recipe.activation_bits != default.activation_bits, activation_bits);
    let range = match recipe.method {
        Method::Percentile => format!("percentile ranges of {} %", recipe.percentile),
        other => format!("{} ranges", method(other)),
    };
    say(recipe.method != default.method, range);
    say(recipe.weights == Granularity::PerTensor, "weights per tensor".into());
    say(recipe.weight_range == WeightRange::Mse, "least-error weight ranges".into());
    say(recipe.asymmetric_weights, "asymmetric weights".into());
    say(recipe.activations == ActivationType::I8, "signed activations".into());
    say(recipe.symmetric, "symmetric activations".into());
    say(recipe.reduce_range, "reduced range".into());
    say(recipe.equalize, "equalized".into());
    say(recipe.bias_correction, "biases corrected".into());
    say(recipe.rounding == Rounding::Adaround, "AdaRound".into());
    say(recipe.format == Format::Qoperator, "integer operators".into());
    let (kept, widths) = (recipe.keep_float.len(), recipe.layers.len());
    let counted = |count| match count {
        1 => "1 layer".to_owned(),
        count => format!("{count} layers"),
    };
    say(kept > 0, format!("{} in float", counted(kept)));
    say(widths > 0, format!("{} of other widths", counted(widths)));
    let ranges = recipe.ranges.len();
    say(ranges > 0, format!("given ranges of {ranges} tensors"));
    say(
        recipe.samples.is_some(),
        format!("{} calibration frames", recipe.samples.unwrap_or_default()),
    );
    say(recipe.seed != default.seed, format!("seed {}", recipe.seed));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_said() {
        assert_eq!(recipe(&Recipe::default()), "int8 by default");
        let low = Recipe {
            weight_bits: 4,
            rounding: Rounding::Adaround,
            keep_float: vec!["a".into()],
            seed: 3,
            ..Recipe::default()
        };
        assert_eq!(recipe(&low), "4-bit weights, AdaRound, 1 layer in float, seed 3");
    }
}
