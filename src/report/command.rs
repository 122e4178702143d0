//! The command line that makes the same bytes natively.

use serde_json::{Map, Value};

use crate::vocabulary::preprocessing::{Crop, Preprocessing};
use crate::vocabulary::recipe::Recipe;

/// What is said of single layers and tensors has no option of its own: it goes into this file.
const RECIPE_FILE: &str = "recipe.json";

/// What besides the recipe decides the bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Source {
    /// The network's file.
    pub network: String,
    /// A person's own calibration frames.
    pub calibration: Option<String>,
    /// How its frames enter, where that is said.
    pub preprocessing: Option<Preprocessing>,
}

/// `steer8 quantize …` with the options that differ from their defaults.
pub fn line(source: &Source, recipe: &Recipe) -> String {
    // Options have the names of the recipe's fields, as the recipe's JSON has.
    let short = recipe.to_short_json().ok().and_then(|json| serde_json::from_str(&json).ok());
    let mut fields: Map<String, Value> = short.unwrap_or_default();
    let version = fields.remove("version");
    let single: Map<String, Value> = ["layers", "ranges"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), fields.remove(name)?)))
        .collect();

    let name = source.network.rsplit('/').next().unwrap_or_default();
    let stem = name.strip_suffix(".onnx").unwrap_or(name);
    let output = format!("{stem}-{}.onnx", recipe.variant(false));
    let mut line = format!("steer8 quantize {} -o {}", quoted(&source.network), quoted(&output));
    if let Some(calibration) = &source.calibration {
        option(&mut line, "calibration", calibration);
    }
    for (name, value) in source.preprocessing.iter().flat_map(entering) {
        option(&mut line, name, &value);
    }
    if !single.is_empty() {
        option(&mut line, "recipe", RECIPE_FILE);
    }
    for (field, value) in fields {
        let name = field.replace('_', "-");
        match value {
            Value::Bool(_) => line.push_str(&format!(" --{name}")),
            Value::String(word) => option(&mut line, &name, &word),
            Value::Array(words) => {
                words.iter().filter_map(Value::as_str).for_each(|w| option(&mut line, &name, w));
            }
            number => option(&mut line, &name, &number.to_string()),
        }
    }
    if single.is_empty() {
        return line;
    }
    let version = version.map(|version| ("version".to_owned(), version));
    let json = Value::Object(single.into_iter().chain(version).collect()).to_string();
    format!("echo {} > {RECIPE_FILE} && {line}", quoted(&json))
}

/// The options that say how frames enter.
fn entering(preprocessing: &Preprocessing) -> Vec<(&'static str, String)> {
    let Preprocessing { crop, resize, color, stack, subtract, divide, mean, std } = preprocessing;
    let listed = |figures: &Vec<f32>| (!figures.is_empty()).then(|| listed(figures));
    let sides = |crop: Crop| [crop.top, crop.right, crop.bottom, crop.left].map(|n| n.to_string());
    let said = [
        ("crop", crop.map(|crop| sides(crop).join(","))),
        ("resize", resize.map(|[width, height]| format!("{width}x{height}"))),
        ("color", color.map(|color| color.name().to_owned())),
        ("subtract", listed(subtract)),
        ("divide", divide.map(|divide| divide.to_string())),
        ("mean", listed(mean)),
        ("std", listed(std)),
        ("stack", stack.map(|stack| stack.to_string())),
    ];
    said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn option(line: &mut String, name: &str, value: &str) {
    // What begins with a dash would be read as an option itself.
    let between = if value.starts_with('-') { '=' } else { ' ' };
    line.push_str(&format!(" --{name}{between}{}", quoted(value)));
}

fn listed(figures: &[f32]) -> String {
    figures.iter().map(f32::to_string).collect::<Vec<_>>().join(",")
}

/// As a POSIX shell reads it as one word.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-,:@%+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::preprocessing::Color;
    use crate::vocabulary::recipe::{Granularity, LayerBits, Method, Rounding};

    fn bundled(recipe: &Recipe) -> String {
        let network = "models/networks/pilotnet.onnx".to_owned();
        line(&Source { network, ..Source::default() }, recipe)
    }

    #[test]
    fn only_what_differs_is_an_option() {
        assert_eq!(
            bundled(&Recipe::default()),
            "steer8 quantize models/networks/pilotnet.onnx -o pilotnet-int8.onnx"
        );
        let recipe = Recipe {
            method: Method::MovingAverage,
            weights: Granularity::PerTensor,
            weight_bits: 4,
            asymmetric_weights: true,
            rounding: Rounding::Adaround,
            keep_float: vec!["/a/Conv".into(), "it's b".into()],
            samples: Some(64),
            ..Recipe::default()
        };
        assert_eq!(
            bundled(&recipe),
            "steer8 quantize models/networks/pilotnet.onnx -o pilotnet-w4a8.onnx \
             --asymmetric-weights --keep-float /a/Conv --keep-float 'it'\\''s b' \
             --method moving-average --rounding adaround --samples 64 --weight-bits 4 \
             --weights per-tensor"
        );
    }

    #[test]
    fn widths_of_layers_go_into_a_file() {
        let bits = LayerBits { weight_bits: Some(4), ..LayerBits::default() };
        let layers = [("/a/Conv".to_owned(), bits)].into();
        assert_eq!(
            bundled(&Recipe { layers, seed: 7, ..Recipe::default() }),
            "echo '{\"layers\":{\"/a/Conv\":{\"weight_bits\":4}},\"version\":1}' > recipe.json && \
             steer8 quantize models/networks/pilotnet.onnx -o pilotnet-mixed.onnx \
             --recipe recipe.json --seed 7"
        );
    }

    #[test]
    fn own_frames_and_their_normalization_are_part_of_it() {
        let source = Source {
            network: "net.onnx".into(),
            calibration: Some("my frames.zip".into()),
            preprocessing: Some(Preprocessing {
                crop: Some(Crop { top: 60, bottom: 25, ..Crop::default() }),
                resize: Some([200, 66]),
                color: Some(Color::Yuv),
                stack: Some(4),
                subtract: vec![128.0],
                divide: Some(127.5),
                mean: vec![-0.5, 0.5],
                std: Vec::new(),
            }),
        };
        assert_eq!(
            line(&source, &Recipe::default()),
            "steer8 quantize net.onnx -o net-int8.onnx --calibration 'my frames.zip' \
             --crop 60,0,25,0 --resize 200x66 --color yuv --subtract 128 --divide 127.5 \
             --mean=-0.5,0.5 --stack 4"
        );
    }
}
