//! Figures of single nodes as Model Explorer lays them over a graph: `NodeDataProviderGraphData` in its
//! `types.ts`.
//!
//! Its ONNX adapter (model-explorer-onnx) calls a node by its name in the file. Without a graph's name
//! around it, the data are for the graph that is shown.

use serde_json::{Map, Value, json};

/// How nodes are coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Striking {
    /// The largest.
    High,
    /// The smallest.
    Low,
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
