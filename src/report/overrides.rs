//! How each tensor is quantized, as ONNX Runtime's quantizer is told: `TensorQuantOverrides` among its
//! `extra_options` (`tensor_quant_overrides.py`).
//!
//! A tensor's name has a list of objects: one, or of a constant with scales along an axis one for each
//! channel. JSON has no classes: `quant_type` is the name of a `QuantType`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::vocabulary::quantization::TensorInfo;
use crate::vocabulary::recipe::{ActivationType, Granularity, Recipe};

/// What stands in a network's file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tensors {
    /// Every name.
    pub names: BTreeSet<String>,
    /// Names of constants, whose scales may be of channels.
    pub constants: BTreeSet<String>,
    /// The layers that multiply by a constant, by its name.
    pub weights: BTreeMap<String, Vec<String>>,
}

/// What was said, and what could not be, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The file's text.
    pub json: String,
    /// What it can't say of the recipe, in words.
    pub untold: Vec<String>,
}

/// Says how `tensors` are quantized, of those that the network's file has. Biases follow from the rest.
pub fn write(tensors: &[TensorInfo], file: &Tensors) -> Written {
    let mut all: Map<String, Value> = Map::new();
    let (mut untold, mut made) = (Vec::new(), Vec::new());
    for tensor in tensors {
        let Some((quant_type, bits)) = quant_type(&tensor.element_type) else { continue };
        let name = &tensor.name;
        if !file.names.contains(name) {
            made.push(format!("`{name}`"));
            continue;
        }
        let mut channels = Vec::with_capacity(tensor.scale.len());
        for (scale, zero_point) in tensor.scale.iter().zip(&tensor.zero_point) {
            channels.push(json!({
                "quant_type": quant_type, "scale": scale, "zero_point": zero_point,
            }));
        }
        if let (Some(axis), Some(first)) = (tensor.axis, channels.first_mut()) {
            first["axis"] = json!(axis);
        }
        let own = Value::Array(channels);
        match all.get(name) {
            Some(other) if *other != own => {
                untold.push(format!("`{name}` has other scales in another layer"));
                continue;
            }
            _ => {}
        }
        if tensor.bits < bits {
            untold.push(format!(
                "`{name}` has {} bits: ONNX Runtime keeps their steps, but saturates at the ends of {quant_type}",
                tensor.bits
            ));
        }
        all.insert(name.clone(), own);
    }
    if !made.is_empty() {
        untold.push(format!(
            "nothing is said of what is not in the network's file, but made of its constants before \
             quantizing: {}",
            made.join(", ")
        ));
    }
    if tensors.iter().any(|tensor| tensor.element_type == "int4") {
        untold.push(
            "QInt4 needs a network of operator set 21, to which ONNX Runtime raises none".into(),
        );
    }
    Written { json: format!("{:#}\n", Value::Object(all)), untold }
}

/// The `QuantType` of an ONNX element type, and its bits; `None` for biases.
fn quant_type(element: &str) -> Option<(&'static str, u32)> {
    Some(match element {
        "uint8" => ("QUInt8", 8),
        "int8" => ("QInt8", 8),
        "int4" => ("QInt4", 4),
        _ => return None,
    })
}

/// Whether a JSON file looks like overrides: of every name a list, which no recipe has.
pub fn are_in(json: &[u8]) -> bool {
    serde_json::from_slice::<BTreeMap<String, Vec<Map<String, Value>>>>(json)
        .is_ok_and(|all| !all.is_empty())
}

/// Lays what overrides say over a recipe.
///
/// # Errors
/// What is no such JSON, and all that a recipe can't say, with the tensor's name.
pub fn read(json: &[u8], file: &Tensors, recipe: &mut Recipe) -> Result<()> {
    let wrong = |error| Error::new(format!("no TensorQuantOverrides ({error})"));
    let all: BTreeMap<String, Vec<Map<String, Value>>> =
        serde_json::from_slice(json).map_err(wrong)?;
    let mut said = Said::default();
    for (name, channels) in &all {
        let Some(first) = channels.first().filter(|first| !first.is_empty()) else { continue };
        let tensor = Tensor { name, channels, first };
        tensor.check(file)?;
        if file.constants.contains(name) {
            tensor.read_weights(file, recipe, &mut said)?;
        } else {
            tensor.read_activation(recipe, &mut said)?;
        }
    }
    said.lay_over(recipe);
    recipe.check()
}

/// What a recipe says of all tensors at once, and who said it first.
#[derive(Debug, Default)]
struct Said {
    activations: Option<ActivationType>,
    symmetric: Option<bool>,
    weights: Option<Granularity>,
    asymmetric_weights: Option<bool>,
    reduce_range: Option<bool>,
}

impl Said {
    fn lay_over(&self, recipe: &mut Recipe) {
        recipe.activations = self.activations.unwrap_or(recipe.activations);
        recipe.symmetric = self.symmetric.unwrap_or(recipe.symmetric);
        recipe.weights = self.weights.unwrap_or(recipe.weights);
        recipe.asymmetric_weights = self.asymmetric_weights.unwrap_or(recipe.asymmetric_weights);
        recipe.reduce_range = self.reduce_range.unwrap_or(recipe.reduce_range);
    }
}

/// One tensor's overrides.
struct Tensor<'a> {
    name: &'a str,
    channels: &'a [Map<String, Value>],
    first: &'a Map<String, Value>,
}

/// What is understood of a tensor.
const KEYS: [&str; 8] =
    ["quant_type", "scale", "zero_point", "rmin", "rmax", "symmetric", "reduce_range", "axis"];

impl Tensor<'_> {
    fn error(&self, what: impl std::fmt::Display) -> Error {
        Error::new(format!("`{}`: {what}", self.name))
            .way_out("Take it out of the overrides, or quantize without it.")
    }

    /// Takes `own` for what holds for all, unless another tensor has said otherwise.
    fn agree<T: PartialEq + Copy>(&self, all: &mut Option<T>, own: T, what: &str) -> Result<()> {
        if all.is_some_and(|all| all != own) {
            return Err(self.error(format!("{what} is one for all tensors in a recipe")));
        }
        *all = Some(own);
        Ok(())
    }

    fn check(&self, file: &Tensors) -> Result<()> {
        if !file.names.contains(self.name) {
            return Err(self.error("the network has no such tensor"));
        }
        let mut keys = self.channels.iter().flat_map(Map::keys);
        match keys.find(|key| !KEYS.contains(&key.as_str())) {
            Some(key) => Err(self.error(format!("a recipe can't say `{key}`"))),
            None => Ok(()),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>> {
        match self.first.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.error(format!("`{key}` is {other}, not true or false"))),
        }
    }

    fn read_activation(&self, recipe: &mut Recipe, said: &mut Said) -> Result<()> {
        let kind = match self.first.get("quant_type").and_then(Value::as_str) {
            _ if !self.first.contains_key("quant_type") => recipe.activations,
            Some("QUInt8") => ActivationType::U8,
            Some("QInt8") => ActivationType::I8,
            _ => return Err(self.unknown_type("QUInt8 and QInt8")),
        };
        self.agree(&mut said.activations, kind, "the type of activations")?;
        if self.first.contains_key("axis") || self.first.contains_key("reduce_range") {
            return Err(self.error("an activation has no axis and no reduced range"));
        }
        if let Some(symmetric) = self.flag("symmetric")? {
            self.agree(&mut said.symmetric, symmetric, "whether activations are symmetric")?;
        }
        let ends = match kind {
            ActivationType::U8 => [0.0, 255.0],
            ActivationType::I8 => [-128.0, 127.0],
        };
        if let Some(range) = self.range(self.first, ends)? {
            recipe.ranges.insert(self.name.to_owned(), vec![range]);
        }
        Ok(())
    }

    fn read_weights(&self, file: &Tensors, recipe: &mut Recipe, said: &mut Said) -> Result<()> {
        let Some(layers) = file.weights.get(self.name) else {
            return Err(
                self.error("a constant that is no layer's weights has the range of its own values")
            );
        };
        let bits = match self.first.get("quant_type").and_then(Value::as_str) {
            _ if !self.first.contains_key("quant_type") => recipe.weight_bits,
            Some("QInt8") => 8,
            Some("QInt4") => 4,
            _ => return Err(self.unknown_type("QInt8 and QInt4")),
        };
        for layer in layers.iter().filter(|_| bits != recipe.weight_bits) {
            recipe.layers.entry(layer.clone()).or_default().weight_bits = Some(bits);
        }
        let per_channel = self.first.contains_key("axis");
        let weights = if per_channel { Granularity::PerChannel } else { Granularity::PerTensor };
        self.agree(&mut said.weights, weights, "whether weights have scales of channels")?;
        let zero_point =
            |channel: &Map<String, Value>| channel.get("zero_point").and_then(Value::as_f64);
        let shifted =
            self.channels.iter().any(|channel| zero_point(channel).is_some_and(|z| z != 0.0));
        let asymmetric = shifted || self.flag("symmetric")? == Some(false);
        self.agree(&mut said.asymmetric_weights, asymmetric, "whether weights are symmetric")?;
        if let Some(reduced) = self.flag("reduce_range")? {
            self.agree(&mut said.reduce_range, reduced, "a reduced range")?;
        }
        let high = f64::from((1 << (bits - 1)) - 1);
        let low = if asymmetric { -high - 1.0 } else { -high };
        let mut ranges = Vec::with_capacity(self.channels.len());
        for channel in self.channels {
            ranges.extend(self.range(channel, [low, high])?);
        }
        match ranges.len() {
            0 => {}
            count if count == self.channels.len() => {
                recipe.ranges.insert(self.name.to_owned(), ranges);
            }
            _ => return Err(self.error("some channels have a range and some have none")),
        }
        Ok(())
    }

    fn unknown_type(&self, known: &str) -> Error {
        let own = self.first.get("quant_type").unwrap_or(&Value::Null);
        self.error(format!("`quant_type` is {own}; {known} are known here"))
    }

    /// What the smallest and the largest integer stand for; `ends` are those.
    fn range(&self, channel: &Map<String, Value>, ends: [f64; 2]) -> Result<Option<[f64; 2]>> {
        let number = |key: &str| match channel.get(key) {
            None => Ok(None),
            // numpy's scalars are written as lists of one by some.
            Some(Value::Array(one)) if one.len() == 1 => Ok(one[0].as_f64()),
            Some(value) => match value.as_f64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.error(format!("`{key}` is {value}, no number"))),
            },
        };
        let range =
            match [number("scale")?, number("zero_point")?, number("rmin")?, number("rmax")?] {
                [None, None, None, None] => return Ok(None),
                [Some(scale), Some(zero), None, None] => ends.map(|end| (end - zero) * scale),
                [None, None, Some(low), Some(high)] => [low, high],
                _ => {
                    return Err(self.error("scale and zero_point, or rmin and rmax, come together"));
                }
            };
        Ok(Some(range))
    }
}
