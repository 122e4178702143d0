//! `steer8 inspect`

use serde::Serialize;

use super::arguments::{Inspect, NodeFigure};
use super::{Shell, files, print, print_json, table};
use crate::error::Result;
use crate::figures;
use crate::lab::protocol::{Inspection, Layer};
use crate::report::node_data::{self, Striking};

pub(super) fn run(arguments: &Inspect, json: bool, shell: &mut Shell) -> Result<()> {
    let Inspect { model, node_data } = arguments;
    let outputs: Vec<_> = node_data.iter().map(|(_, path)| path).collect();
    files::check_outputs(&outputs, [model])?;
    let (model, inspection) = shell.load_model(files::read_network(model)?)?;
    for (figure, path) in node_data {
        files::write(path, node_data_of(*figure, &inspection).as_bytes())?;
    }
    if json {
        #[derive(Serialize)]
        struct Inspected<'a> {
            model: &'a str,
            #[serde(flatten)]
            inspection: &'a Inspection,
        }
        return print_json(&Inspected { model: &model, inspection: &inspection });
    }
    print(&describe(&model, &inspection))
}

/// A figure of all nodes that have it.
fn node_data_of(figure: NodeFigure, inspection: &Inspection) -> String {
    type Of = fn(&Layer) -> Option<f64>;
    let (name, of): (_, Of) = match figure {
        NodeFigure::Macs => ("MACs", |layer| Some(layer.macs? as f64)),
        NodeFigure::Params => ("Parameters", |layer| Some(layer.params as f64)),
        NodeFigure::Bits => ("Bits of the weights", |layer| Some(layer.bits?[0].into())),
        NodeFigure::Output => ("Numbers of the output", |layer| {
            // Free dimensions leave it open.
            let known = !layer.output_shape.is_empty();
            known.then(|| layer.output_shape.iter().product::<usize>() as f64)
        }),
    };
    let layers = inspection.layers.iter();
    let values = layers.filter_map(|layer| Some((layer.node.as_str(), of(layer)?)));
    node_data::write(name, Striking::High, values)
}

fn describe(model: &str, inspection: &Inspection) -> String {
    let Inspection { variant, producer, opset, .. } = inspection;
    let size = figures::bytes(inspection.file_bytes);
    let mut text = format!("{model}: {variant}, {size}, opset {opset}");
    if !producer.is_empty() {
        text += &format!(", made by {producer}");
    }
    text += "\n";
    let inputs = inspection.inputs.iter().map(|input| ("input", input));
    let outputs = inspection.outputs.iter().map(|output| ("output", output));
    for (kind, tensor) in inputs.chain(outputs) {
        text += &format!("{kind} {}: {}\n", tensor.name, table::shape(&tensor.shape));
    }
    if let Some(preprocessing) = &inspection.preprocessing {
        text += &format!("frames enter as {preprocessing}\n");
    }

    let mut rows = vec![["layer", "op", "output", "params", "MACs"].map(String::from).to_vec()];
    // Free dimensions leave it open.
    let unknown = || "unknown".to_owned();
    for layer in &inspection.layers {
        let shape: Vec<_> = layer.output_shape.iter().map(ToString::to_string).collect();
        let number = |n: u64| if n == 0 { String::new() } else { figures::grouped(n as usize) };
        rows.push(vec![
            layer.node.clone(),
            layer.op.clone(),
            shape.join("x"),
            number(layer.params),
            layer.macs.map_or_else(unknown, number),
        ]);
    }
    let total = |n: u64| figures::grouped(n as usize);
    rows.push(vec![
        "total".into(),
        String::new(),
        String::new(),
        total(inspection.params),
        inspection.macs.map_or_else(unknown, total),
    ]);
    text += "\n";
    text += &table::align(&rows, 3);
    text + &table::left_in_float(&inspection.left_in_float)
}
