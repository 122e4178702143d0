//! `steer8 inspect`

use serde::Serialize;

use super::arguments::Inspect;
use super::{Shell, files, print, print_json, table};
use crate::error::Result;
use crate::figures;
use crate::lab::protocol::Inspection;

pub(super) fn run(arguments: &Inspect, json: bool, shell: &mut Shell) -> Result<()> {
    let (model, inspection) = shell.load_model(files::read_network(&arguments.model)?)?;
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
