//! Figures of single nodes as Model Explorer lays them over a graph: `NodeDataProviderGraphData` in its
//! `types.ts`.
//!
//! Its ONNX adapter (model-explorer-onnx) calls a node by its name in the file. Without a graph's name
//! around it, the data are for the graph that is shown.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::vocabulary::analysis::{Analysis, LayerDamage};
use crate::vocabulary::report::StepProfile;

/// How nodes are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Striking {
    /// The largest.
    High,
    /// The smallest.
    Low,
}

/// What an analysis tells of a node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Told {
    /// Mean squared difference of the answers from float's, this node quantized alone.
    #[default]
    Damage,
    /// Points of top-1 that it costs alone, or by how much it raises the mean absolute error.
    Lost,
    /// Of its output against float, in dB.
    Sqnr,
    /// Of its weights.
    Bits,
    /// Multiply-accumulates of one frame.
    Macs,
    /// The return that it costs alone; of an analysis that drove.
    Return,
}

const PALE: &str = "#ffffff";
const DARK: &str = "#f4a03f";

/// The file: `name` heads its column, `values` are by the nodes' names.
pub fn write<'a>(
    name: &str,
    striking: Striking,
    values: impl Iterator<Item = (&'a str, f64)>,
) -> String {
    let result = |(node, value): (&str, f64)| {
        // What is whole is shown without a point.
        let whole = value.fract() == 0.0 && value.abs() < 2f64.powi(53);
        let value = if whole { json!(value as i64) } else { json!(value) };
        (node.to_owned(), json!({ "value": value }))
    };
    let results: Map<String, Value> = values.map(result).collect();
    let [low, high] = match striking {
        Striking::High => [PALE, DARK],
        Striking::Low => [DARK, PALE],
    };
    let gradient = json!([{"stop": 0, "bgColor": low}, {"stop": 1, "bgColor": high}]);
    let data = json!({ "name": name, "results": results, "gradient": gradient });
    format!("{data:#}\n")
}

/// A figure of all layers that have it.
pub fn of_analysis(figure: Told, analysis: &Analysis) -> String {
    type Of<'a> = &'a dyn Fn(&LayerDamage) -> Option<f64>;
    let alone = |layer: &LayerDamage| layer.only_this_quantized;
    let lost = |layer: &LayerDamage| {
        let points = analysis.float_top1.zip(alone(layer).top1);
        points.map(|(float, own)| 100.0 * (float - own)).or(alone(layer).mae_change)
    };
    let of_return = |layer: &LayerDamage| {
        let losses = analysis.driving.as_ref()?;
        let own = losses.layers.iter().find(|loss| loss.node == layer.node)?;
        Some(own.only_this_quantized.change)
    };
    let (name, striking, of): (_, _, Of<'_>) = match figure {
        Told::Damage => {
            ("Squared error, alone", Striking::High, &|layer| Some(alone(layer).logit_mse))
        }
        Told::Lost => ("Lost, alone", Striking::High, &lost),
        Told::Sqnr => ("SQNR in dB", Striking::Low, &|layer| layer.sqnr_db),
        Told::Bits => {
            ("Bits of the weights", Striking::Low, &|layer| layer.weight_bits.map(f64::from))
        }
        Told::Macs => ("MACs", Striking::High, &|layer| Some(layer.macs as f64)),
        Told::Return => ("Return, alone", Striking::Low, &of_return),
    };
    let layers = analysis.layers.iter();
    let values = layers.filter_map(|layer| Some((layer.node.as_str(), of(layer)?)));
    write(name, striking, values)
}

/// Milliseconds of all nodes: several operators may run for one.
pub fn of_times(profile: &[StepProfile]) -> String {
    let mut times: BTreeMap<&str, f64> = BTreeMap::new();
    for step in profile {
        *times.entry(&step.node).or_default() += step.ms;
    }
    write("Milliseconds", Striking::High, times.into_iter())
}
