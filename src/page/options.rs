//! Every option of a recipe: its name, what it does in a sentence, and how it is read and set.

use super::link::MAX_SEED;
use crate::report::words;
use crate::vocabulary::recipe::{
    ActivationType, Format, Granularity, Method, Recipe, Rounding, WeightRange,
};

#[derive(Debug)]
pub struct RecipeOption {
    /// The recipe's field, with dashes: also the option of the command line.
    pub id: &'static str,
    pub name: &'static str,
    pub sentence: &'static str,
    pub control: Control,
    /// Why it cannot be set as the rest is.
    pub blocked: fn(&Recipe) -> Option<&'static str>,
}

#[derive(Debug)]
pub enum Control {
    Choice {
        words: &'static [&'static str],
        get: fn(&Recipe) -> usize,
        set: fn(&mut Recipe, usize),
    },
    Switch {
        get: fn(&Recipe) -> bool,
        set: fn(&mut Recipe, bool),
    },
    /// As text; `set` says what it takes when that is something else.
    Number {
        get: fn(&Recipe) -> String,
        set: fn(&mut Recipe, &str) -> Result<(), &'static str>,
    },
}

use Control::{Choice, Number, Switch};

#[derive(Debug)]
pub struct Group {
    pub name: &'static str,
    pub options: &'static [RecipeOption],
}

pub const GROUPS: [Group; 4] = [
    Group { name: "Weights", options: &WEIGHTS },
    Group { name: "Activations", options: &ACTIVATIONS },
    Group { name: "Repairs", options: &REPAIRS },
    Group { name: "Frames and file", options: &FRAMES_AND_FILE },
];

const WIDTHS: &[&str] = &["8", "7", "6", "5", "4", "3", "2"];
const WIDEST: u32 = *Recipe::WIDTHS.end();

fn always(_: &Recipe) -> Option<&'static str> {
    None
}

const WEIGHTS: [RecipeOption; 5] = [
    RecipeOption {
        id: "weight-bits",
        name: "Weight bits",
        sentence: "Bits of every Conv, Gemm and MatMul weight; single layers may differ.",
        control: Choice {
            words: WIDTHS,
            get: |recipe| (WIDEST - recipe.weight_bits) as usize,
            set: |recipe, at| recipe.weight_bits = WIDEST - at as u32,
        },
        blocked: always,
    },
    RecipeOption {
        id: "weights",
        name: "Granularity",
        sentence: "One scale per output channel follows each channel's range; one per tensor is \
                   simpler.",
        control: Choice {
            words: &["per channel", "per tensor"],
            get: |recipe| usize::from(recipe.weights == Granularity::PerTensor),
            set: |recipe, at| {
                recipe.weights = [Granularity::PerChannel, Granularity::PerTensor][at];
            },
        },
        blocked: always,
    },
    RecipeOption {
        id: "weight-range",
        name: "Weight range",
        sentence: "The largest magnitude, or the range with the least squared error, which cuts off \
                   outliers.",
        control: Choice {
            words: &["min-max", "least squared error"],
            get: |recipe| usize::from(recipe.weight_range == WeightRange::Mse),
            set: |recipe, at| recipe.weight_range = [WeightRange::Minmax, WeightRange::Mse][at],
        },
        blocked: always,
    },
    RecipeOption {
        id: "asymmetric-weights",
        name: "Asymmetric weights",
        sentence: "Weights with a zero point, for tensors that lean to one side.",
        control: Switch {
            get: |recipe| recipe.asymmetric_weights,
            set: |recipe, on| recipe.asymmetric_weights = on,
        },
        blocked: |recipe| {
            (recipe.weights == Granularity::PerChannel).then_some("Only with weights per tensor.")
        },
    },
    RecipeOption {
        id: "reduce-range",
        name: "Reduce range",
        sentence: "Weights of −64 to 64, for machines whose u8 × i8 products saturate in pairs.",
        control: Switch {
            get: |recipe| recipe.reduce_range,
            set: |recipe, on| recipe.reduce_range = on,
        },
        blocked: always,
    },
];

const ACTIVATIONS: [RecipeOption; 5] = [
    RecipeOption {
        id: "activation-bits",
        name: "Activation bits",
        sentence: "Bits of every tensor between layers; the network's input and its logits keep 8.",
        control: Choice {
            words: WIDTHS,
            get: |recipe| (WIDEST - recipe.activation_bits) as usize,
            set: |recipe, at| recipe.activation_bits = WIDEST - at as u32,
        },
        blocked: always,
    },
    RecipeOption {
        id: "method",
        name: "Range method",
        sentence: "How a tensor's range is found from what the calibration frames show.",
        control: Choice {
            words: &METHOD_WORDS,
            get: |recipe| Method::ALL.iter().position(|m| *m == recipe.method).unwrap_or(0),
            set: |recipe, at| recipe.method = Method::ALL[at],
        },
        blocked: always,
    },
    RecipeOption {
        id: "percentile",
        name: "Percentile",
        sentence: "Per cent of the values that the range keeps.",
        control: Number {
            get: |recipe| recipe.percentile.to_string(),
            set: |recipe, text| match text.parse() {
                Ok(percentile) if (50.0..=100.0).contains(&percentile) => {
                    recipe.percentile = percentile;
                    Ok(())
                }
                _ => Err("It takes a number from 50 to 100, such as 99.99."),
            },
        },
        blocked: |recipe| {
            (recipe.method != Method::Percentile).then_some("Only with the percentile method.")
        },
    },
    RecipeOption {
        id: "activations",
        name: "Integer type",
        sentence: "Unsigned suits what follows a Relu; some accelerators take only signed.",
        control: Choice {
            words: &["unsigned (u8)", "signed (i8)"],
            get: |recipe| usize::from(recipe.activations == ActivationType::I8),
            set: |recipe, at| recipe.activations = [ActivationType::U8, ActivationType::I8][at],
        },
        blocked: always,
    },
    RecipeOption {
        id: "symmetric",
        name: "Symmetric activations",
        sentence: "The zero point is the middle of the type, not where the range puts it.",
        control: Switch { get: |recipe| recipe.symmetric, set: |recipe, on| recipe.symmetric = on },
        blocked: always,
    },
];

const METHOD_WORDS: [&str; Method::ALL.len()] = {
    let mut all = [""; Method::ALL.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = words::method(Method::ALL[at]);
        at += 1;
    }
    all
};

const REPAIRS: [RecipeOption; 3] = [
    RecipeOption {
        id: "equalize",
        name: "Equalize",
        sentence: "Evens out the ranges of neighbouring layers' channels before anything is rounded.",
        control: Switch { get: |recipe| recipe.equalize, set: |recipe, on| recipe.equalize = on },
        blocked: always,
    },
    RecipeOption {
        id: "bias-correction",
        name: "Correct biases",
        sentence: "Takes the mean error of each layer's output off its bias.",
        control: Switch {
            get: |recipe| recipe.bias_correction,
            set: |recipe, on| recipe.bias_correction = on,
        },
        blocked: always,
    },
    RecipeOption {
        id: "rounding",
        name: "Rounding",
        sentence: "AdaRound learns, layer by layer, whether each weight goes up or down: slower, and \
                   much better below 8 bits.",
        control: Choice {
            words: &["nearest", "AdaRound"],
            get: |recipe| usize::from(recipe.rounding == Rounding::Adaround),
            set: |recipe, at| recipe.rounding = [Rounding::Nearest, Rounding::Adaround][at],
        },
        blocked: always,
    },
];

const FRAMES_AND_FILE: [RecipeOption; 3] = [
    RecipeOption {
        id: "samples",
        name: "Calibration frames",
        sentence: "How many of the calibration frames are used; empty for all.",
        control: Number {
            get: |recipe| recipe.samples.map_or(String::new(), |samples| samples.to_string()),
            set: |recipe, text| {
                recipe.samples = match text.parse::<u32>() {
                    Ok(samples @ 1..) => Some(samples as usize),
                    _ if text.is_empty() => None,
                    _ => return Err("It takes a whole number from 1, or nothing for all frames."),
                };
                Ok(())
            },
        },
        blocked: always,
    },
    RecipeOption {
        id: "seed",
        name: "Seed",
        sentence: "Picks the frames when not all are used, and the order in which AdaRound sees them.",
        control: Number {
            get: |recipe| recipe.seed.to_string(),
            set: |recipe, text| match text.parse() {
                Ok(seed @ 0..=MAX_SEED) => {
                    recipe.seed = seed;
                    Ok(())
                }
                _ => Err("It takes a whole number from 0."),
            },
        },
        blocked: always,
    },
    RecipeOption {
        id: "format",
        name: "File format",
        sentence: "QDQ pairs run anywhere; integer operators say outright what is computed.",
        control: Choice {
            words: &["QDQ pairs", "integer operators"],
            get: |recipe| usize::from(recipe.format == Format::Qoperator),
            set: |recipe, at| recipe.format = [Format::Qdq, Format::Qoperator][at],
        },
        blocked: always,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> impl Iterator<Item = &'static RecipeOption> {
        GROUPS.iter().flat_map(|group| group.options)
    }

    #[test]
    fn every_field_of_a_recipe_can_be_set() {
        let recipe = serde_json::to_value(Recipe::default()).unwrap();
        // Single layers are told from where they are shown, and given ranges come from a file.
        let elsewhere = ["version", "keep_float", "layers", "ranges"];
        let fields = recipe.as_object().unwrap().keys();
        let mut fields: Vec<_> = fields.filter(|field| !elsewhere.contains(&&***field)).collect();
        fields.sort();
        let mut ids: Vec<_> = options().map(|option| option.id.replace('-', "_")).collect();
        ids.sort();
        assert_eq!(fields, ids.iter().collect::<Vec<_>>());
    }

    #[test]
    fn an_option_sets_its_own_field_and_reads_it_back() {
        let fields = |recipe: &Recipe| serde_json::to_value(recipe).unwrap();
        let default = fields(&Recipe::default());
        for option in options() {
            let mut recipe = Recipe::default();
            match option.control {
                Choice { words, get, set } => {
                    for at in 0..words.len() {
                        set(&mut recipe, at);
                        assert_eq!(get(&recipe), at, "{}", option.id);
                    }
                }
                Switch { get, set } => {
                    set(&mut recipe, true);
                    assert!(get(&recipe), "{}", option.id);
                }
                Number { get, set } => {
                    assert_eq!(set(&mut recipe, "60"), Ok(()), "{}", option.id);
                    assert_eq!(get(&recipe), "60");
                    let before = recipe.clone();
                    assert!(set(&mut recipe, "-1").is_err(), "{}", option.id);
                    assert_eq!(recipe, before);
                }
            }
            let changed = fields(&recipe);
            let changed = default.as_object().unwrap().iter().filter(|(k, v)| changed[*k] != **v);
            let changed: Vec<_> = changed.map(|(field, _)| field.replace('_', "-")).collect();
            assert_eq!(changed, [option.id]);
        }
    }

    #[test]
    fn an_option_that_excludes_another_says_so() {
        let asymmetric = options().find(|option| option.id == "asymmetric-weights").unwrap();
        assert!((asymmetric.blocked)(&Recipe::default()).is_some());
        let per_tensor = Recipe { weights: Granularity::PerTensor, ..Recipe::default() };
        assert_eq!((asymmetric.blocked)(&per_tensor), None);
    }
}
