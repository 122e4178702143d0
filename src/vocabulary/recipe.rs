//! The recipe: everything that decides the quantized bytes, besides the network and the frames.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// How a range is found from what calibration observed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Method {
    /// The smallest and largest value seen.
    #[default]
    Minmax,
    /// The smallest and largest value of each frame, averaged with a constant of 0.01.
    MovingAverage,
    /// All but the outermost values.
    Percentile,
    /// The range whose integers keep most of the distribution (Kullback-Leibler divergence).
    Entropy,
    /// The range with the least squared error.
    Mse,
}

impl Method {
    /// In the order in which they are offered.
    pub const ALL: [Self; 5] =
        [Self::Minmax, Self::MovingAverage, Self::Percentile, Self::Entropy, Self::Mse];
}

/// How the range of a weight tensor is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum WeightRange {
    /// The largest magnitude.
    #[default]
    Minmax,
    /// The range with the least squared error.
    Mse,
}

/// One scale for a whole weight tensor, or one per output channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Granularity {
    /// One for each output channel.
    #[default]
    PerChannel,
    /// One for all.
    PerTensor,
}

/// The integer type that holds activations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum ActivationType {
    /// uint8, 0 to 255.
    #[default]
    U8,
    /// int8, -128 to 127.
    I8,
}

/// How a weight becomes one of its two neighbouring integers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Rounding {
    /// To the nearer one, of two as near to the even one.
    #[default]
    Nearest,
    /// Learned layer by layer on calibration frames (Nagel et al. 2020).
    Adaround,
}

/// How the file writes integer computation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Format {
    /// Float operators between QuantizeLinear / DequantizeLinear pairs.
    #[default]
    Qdq,
    /// Integer operators: ONNX's QLinearConv and QLinearMatMul, ONNX Runtime's `com.microsoft`.
    Qoperator,
}

/// The widths of one layer, where they differ from the recipe's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LayerBits {
    /// Of its weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_bits: Option<u32>,
    /// Of the tensor that the layer makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation_bits: Option<u32>,
}

/// Everything that decides the quantized bytes, besides the network and the calibration frames.
///
/// The default is int8: ranges from the smallest and largest value, 8-bit weights with a scale per channel, uint8
/// activations, rounding to nearest, a QDQ file, all calibration frames, nothing kept in float. Fields will be
/// added, so take what is not said from there:
///
/// ```
/// use steer8::vocabulary::recipe::{Method, Recipe};
///
/// let recipe = Recipe { method: Method::Entropy, weight_bits: 4, ..Recipe::default() };
/// recipe.check()?;
/// // Its JSON is a contract: versioned, the body of `--recipe` and of a share link.
/// let json = br#"{"version": 1, "method": "entropy", "weight_bits": 4}"#;
/// assert_eq!(Recipe::from_json(json)?, recipe);
/// # Ok::<(), steer8::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// Of this form of a recipe.
    pub version: u32,
    /// How ranges of activations are found.
    pub method: Method,
    /// Per cent of the values that `Method::Percentile` keeps.
    pub percentile: f64,
    /// How many scales a weight tensor has.
    pub weights: Granularity,
    /// How ranges of weights are found.
    pub weight_range: WeightRange,
    /// Weights with a zero point; per tensor only.
    pub asymmetric_weights: bool,
    /// Of all layers that [`Recipe::layers`] does not name.
    pub weight_bits: u32,
    /// Of all tensors but the input and the outputs, which have 8.
    pub activation_bits: u32,
    /// The type of activations.
    pub activations: ActivationType,
    /// Symmetric activations: the zero point is the middle of the type (u8: 128, i8: 0).
    pub symmetric: bool,
    /// Weights of -64..64, for machines whose u8 x i8 pairs saturate.
    pub reduce_range: bool,
    /// How the file is written.
    pub format: Format,
    /// Cross-layer equalization and high-bias absorption before anything is rounded.
    pub equalize: bool,
    /// Shifts each bias by the mean error of its layer's output.
    pub bias_correction: bool,
    /// How weights become integers.
    pub rounding: Rounding,
    /// Nodes kept in float, by name.
    pub keep_float: Vec<String>,
    /// Widths of single layers, by the node's name.
    pub layers: BTreeMap<String, LayerBits>,
    /// Ranges that are not observed, by the tensor's name: one, or of weights with scales of channels one for
    /// each. What the smallest and the largest integer stand for; of symmetric ones, the larger magnitude.
    pub ranges: BTreeMap<String, Vec<[f64; 2]>>,
    /// Calibration frames used; `None`: all.
    pub samples: Option<usize>,
    /// Which frames `samples` picks, and the order in which AdaRound sees them.
    pub seed: u64,
}

impl Recipe {
    /// What this version of Steer8 writes and reads.
    pub const VERSION: u32 = 1;
    /// Bits that weights and activations may have.
    pub const WIDTHS: std::ops::RangeInclusive<u32> = 2..=8;

    /// Bits of the weights of the node called `node`.
    pub fn weight_bits_of(&self, node: &str) -> u32 {
        self.layers.get(node).and_then(|layer| layer.weight_bits).unwrap_or(self.weight_bits)
    }

    /// Bits of the tensor that the node called `node` makes.
    pub fn activation_bits_of(&self, node: &str) -> u32 {
        self.layers
            .get(node)
            .and_then(|layer| layer.activation_bits)
            .unwrap_or(self.activation_bits)
    }

    /// What a network of these widths is called: `int8`, such as `w3a8` for other widths, `mixed`
    /// where layers differ; trained for it `qat`, `w3a8-qat`, `mixed-qat`.
    pub fn variant(&self, trained: bool) -> String {
        let (weights, activations) = (self.weight_bits, self.activation_bits);
        let other = |layer: &LayerBits| {
            layer.weight_bits.is_some_and(|bits| bits != weights)
                || layer.activation_bits.is_some_and(|bits| bits != activations)
        };
        let widths = match (weights, activations) {
            _ if self.layers.values().any(other) => "mixed".into(),
            (8, 8) if trained => return "qat".into(),
            (8, 8) => "int8".into(),
            _ => format!("w{weights}a{activations}"),
        };
        if trained { format!("{widths}-qat") } else { widths }
    }

    /// The version and what differs from the default, as JSON: what a file and a link carry. It stays
    /// the same when recipes get further options.
    ///
    /// # Errors
    /// None that a recipe can cause.
    pub fn to_short_json(&self) -> Result<String> {
        let map = |recipe: &Self| match serde_json::to_value(recipe) {
            Ok(serde_json::Value::Object(map)) => Ok(map),
            Ok(_) => Err(Error::new("a recipe is an object")),
            Err(error) => Err(Error::new(error.to_string())),
        };
        let (mut own, default) = (map(self)?, map(&Self::default())?);
        own.retain(|key, value| key == "version" || default.get(key) != Some(value));
        Ok(serde_json::Value::Object(own).to_string())
    }

    /// The recipe that a file or a link carries; what it leaves out has the default.
    ///
    /// # Errors
    /// What is no JSON ([`ErrorKind::Unreadable`]), recipes of a newer version, whose options nobody here knows
    /// ([`ErrorKind::Unsupported`]), keys that are unknown, and what [`check`](Self::check) finds.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let wrong = |error: serde_json::Error| {
            Error::new(format!("not a recipe ({error})")).of_kind(ErrorKind::Unreadable)
        };
        let map: serde_json::Map<_, _> = serde_json::from_slice(json).map_err(wrong)?;
        if let Some(version) = map.get("version").and_then(serde_json::Value::as_u64) {
            check_version(version)?;
        }
        // Sound JSON of something else: no other copy of it would do.
        let recipe: Self = serde_json::from_value(map.into())
            .map_err(|error| Error { kind: ErrorKind::Failed, ..wrong(error) })?;
        recipe.check()?;
        Ok(recipe)
    }

    /// Checks what no type can.
    ///
    /// # Errors
    /// Another version, widths outside 2 to 8, and options that exclude each other.
    pub fn check(&self) -> Result<()> {
        check_version(self.version.into())?;
        let wrong = |widths: &[Option<u32>]| {
            let bits = widths.iter().flatten().find(|bits| !Self::WIDTHS.contains(bits))?;
            let error = Error::new(format!("the recipe asks for {bits} bits"));
            Some(error.way_out("Weights and activations take 2 to 8 bits."))
        };
        if let Some(error) = wrong(&[Some(self.weight_bits), Some(self.activation_bits)]) {
            return Err(error);
        }
        for (node, layer) in &self.layers {
            if let Some(error) = wrong(&[layer.weight_bits, layer.activation_bits]) {
                return Err(error.at_node(node));
            }
        }
        if self.asymmetric_weights && self.weights == Granularity::PerChannel {
            return Err(Error::new("asymmetric weights have one zero point for the whole tensor")
                .way_out("Choose per-tensor weights, or symmetric ones."));
        }
        if self.equalize && !self.ranges.is_empty() {
            return Err(Error::new("equalizing changes the tensors that have ranges of their own")
                .way_out("Leave out the ranges, or equalizing."));
        }
        let is_range = |[low, high]: &[f64; 2]| low.is_finite() && high.is_finite() && low <= high;
        let mut ranges = self.ranges.iter();
        if let Some((tensor, _)) = ranges.find(|(_, own)| !own.iter().all(is_range)) {
            return Err(Error::new(format!("the range of `{tensor}` is none"))
                .way_out("A range has a smallest number and one that is not below it."));
        }
        if !(50.0..=100.0).contains(&self.percentile) {
            return Err(Error::new(format!(
                "a percentile of {} keeps too little",
                self.percentile
            ))
            .way_out("Choose a percentile between 50 and 100, such as 99.99."));
        }
        Ok(())
    }
}

fn check_version(version: u64) -> Result<()> {
    if version != u64::from(Recipe::VERSION) {
        return Err(Error::new(format!("the recipe has version {version}"))
            .of_kind(ErrorKind::Unsupported)
            .way_out(format!("This program reads recipes of version {}.", Recipe::VERSION)));
    }
    Ok(())
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            method: Method::default(),
            percentile: 99.999,
            weights: Granularity::default(),
            weight_range: WeightRange::default(),
            asymmetric_weights: false,
            weight_bits: 8,
            activation_bits: 8,
            activations: ActivationType::default(),
            symmetric: false,
            reduce_range: false,
            format: Format::default(),
            equalize: false,
            bias_correction: false,
            rounding: Rounding::default(),
            keep_float: Vec::new(),
            layers: BTreeMap::new(),
            ranges: BTreeMap::new(),
            samples: None,
            seed: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Recipe)) -> String {
        let mut recipe = Recipe::default();
        change(&mut recipe);
        recipe.check().expect_err("it is refused").what
    }

    #[test]
    fn variants_tell_widths() {
        let names = |recipe: &Recipe| [recipe.variant(false), recipe.variant(true)];
        assert_eq!(names(&Recipe::default()), ["int8", "qat"]);
        let low = Recipe { weight_bits: 3, ..Recipe::default() };
        assert_eq!(names(&low), ["w3a8", "w3a8-qat"]);
        let bits = |bits| LayerBits { weight_bits: Some(bits), ..LayerBits::default() };
        let layer = |own| Recipe { layers: [("a".to_owned(), bits(own))].into(), ..low.clone() };
        assert_eq!(names(&layer(3)), ["w3a8", "w3a8-qat"]);
        assert_eq!(names(&layer(8)), ["mixed", "mixed-qat"]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(Recipe::default().check().is_ok());
        assert!(refused(|r| r.version = 9).contains("version 9"));
        assert!(refused(|r| r.weight_bits = 1).contains("1 bits"));
        assert!(refused(|r| r.activation_bits = 16).contains("16 bits"));
        let layer = LayerBits { weight_bits: Some(9), ..LayerBits::default() };
        assert!(refused(|r| r.layers = [("conv".into(), layer)].into()).contains("9 bits"));
        assert!(refused(|r| r.asymmetric_weights = true).contains("zero point"));
        assert!(refused(|r| r.percentile = 0.99).contains("percentile"));
    }

    #[test]
    fn a_layer_may_have_widths_of_its_own() {
        let json = r#"{"weight_bits": 4, "layers": {"fc": {"weight_bits": 8}}}"#;
        let recipe: Recipe = serde_json::from_str(json).unwrap();
        assert_eq!((recipe.weight_bits_of("fc"), recipe.weight_bits_of("conv")), (8, 4));
        assert_eq!(recipe.activation_bits_of("fc"), 8);
        let short = recipe.to_short_json().unwrap();
        assert_eq!(short, r#"{"layers":{"fc":{"weight_bits":8}},"version":1,"weight_bits":4}"#);
        assert_eq!(serde_json::from_str::<Recipe>(&short).unwrap(), recipe);
        let again: Recipe = serde_json::from_str(&serde_json::to_string(&recipe).unwrap()).unwrap();
        assert_eq!(again, recipe);
    }
}
