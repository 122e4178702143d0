//! `steer8 analyze`

use serde::Serialize;

use super::arguments::{Analysis, Analyze};
use super::shell::{Shell, Source};
use super::{files, print, print_json, table};
use crate::error::{Error, Result};
use crate::figures::{grouped, interval, percent, signed, significant, tenths, three_digits};
use crate::lab::protocol::{ModelId, Role};
use crate::report::node_data::{self, Told};
use crate::vocabulary::analysis::{self, Damage};
use crate::vocabulary::driving::{LayerLoss, ReturnChange, RoadTest};
use crate::vocabulary::preprocessing::Preprocessing;
use crate::vocabulary::reading::Reading;
use crate::vocabulary::recipe::Recipe;

pub(super) fn run(arguments: &Analyze, json: bool, shell: &mut Shell) -> Result<()> {
    let Analyze { on, drive, node_data } = arguments;
    let outputs: Vec<_> = node_data.iter().map(|(_, path)| path).collect();
    let inputs = [&on.model].into_iter().chain(&on.data).chain(&on.calibration.calibration);
    files::check_outputs(&outputs, inputs.chain(&on.recipe.recipe))?;
    if drive.is_none() && node_data.iter().any(|(figure, _)| *figure == Told::Return) {
        return Err(Error::new("nobody knows what layers cost on the road")
            .way_out("Let them drive with --drive N, or write another figure."));
    }
    let recipe = on.recipe.recipe()?;
    let road = drive.map(|tracks| on.road.road_test(tracks)).transpose()?;
    let (id, preprocessing) = load_both(on, shell)?;
    let road = road.map(|road| RoadTest { preprocessing, ..road });
    let frames = on.frames.map(|n| n as usize);
    let measured = (on.judging.judging(), frames, road);
    let analysis = shell.analyze(id.clone(), recipe.clone(), measured)?;
    for (figure, path) in node_data {
        files::write(path, node_data::of_analysis(*figure, &analysis).as_bytes())?;
    }
    if json {
        #[derive(Serialize)]
        struct Analyzed<'a> {
            model: &'a str,
            recipe: &'a Recipe,
            #[serde(flatten)]
            analysis: &'a analysis::Analysis,
        }
        return print_json(&Analyzed { model: &id, recipe: &recipe, analysis: &analysis });
    }
    print(&describe(&id, &analysis))
}

/// Loads the network, the frames to calibrate on and those to measure on; how they enter.
pub(super) fn load_both(
    arguments: &Analysis,
    shell: &mut Shell,
) -> Result<(ModelId, Option<Preprocessing>)> {
    let Analysis { model, data, calibration, labelling, preprocessing, .. } = arguments;
    let networks = [shell.load_model(files::read_network(model)?)?];
    let preprocessing = preprocessing.reading(&networks)?;
    let reading = Reading { labelling: labelling.labelling(), ..preprocessing };
    let [(id, inspection)] = networks;
    let calibration = calibration.calibration.as_ref();
    for (role, path) in [(Role::Calibration, calibration), (Role::Validation, data.as_ref())] {
        let source =
            Source { role, path, table: labelling.table.as_ref(), reading: reading.clone() };
        shell.load_data(source, [(&id, &inspection.input)])?;
    }
    Ok((id, reading.preprocessing))
}

fn describe(model: &str, analysis: &analysis::Analysis) -> String {
    let mut text = format!("{model}, measured on {} frames\n", grouped(analysis.frames));
    if let Some(top1) = analysis.float_top1 {
        text += &format!("float:     top-1 {} %\n", percent(top1));
    }
    if let Some(mae) = analysis.float_mae {
        text += &format!("float:     MAE {}\n", significant(mae));
    }
    text += &format!("quantized: {}\n", in_words(&analysis.quantized));
    if let Some(effect) = &analysis.saturating {
        text += &format!("on a machine whose u8 x i8 pairs saturate: {}\n", in_words(effect));
    }
    if let Some(losses) = &analysis.driving {
        text += &format!(
            "tracks driven: {}; float {}, quantized {} ({})\n",
            losses.tracks,
            tenths(losses.float),
            tenths(losses.quantized.mean),
            beside_float(&losses.quantized)
        );
    }
    for warning in &analysis.warnings {
        text += &format!("warning: {warning}\n");
    }
    text += "\nlayers, those that hurt most first\n";
    text += &layers(analysis);
    text += "\ntensors\n";
    text += &tensors(analysis);
    if !analysis.by_calibration_frames.is_empty() {
        text += "\ncalibrated on fewer frames\n";
        for point in &analysis.by_calibration_frames {
            let frames = format!("{:>5}", point.calibration_frames);
            text += &format!("{frames}  {}\n", in_words(&point.effect));
        }
    }
    text
}

/// A column's name, and what it says of an effect.
type Figure = (&'static str, fn(&Damage) -> String);

fn layers(analysis: &analysis::Analysis) -> String {
    let figures: &[Figure] = match analysis.quantized.agreement {
        Some(_) => &[
            ("top-1 %", |effect| effect.top1.map_or("-".into(), percent)),
            ("agrees %", |effect| effect.agreement.map_or("-".into(), percent)),
            ("logit MSE", |effect| format!("{:.2e}", effect.logit_mse)),
        ],
        None => &[
            ("MAE", |effect| effect.mae.map_or("-".into(), significant)),
            ("change", |effect| effect.mae_change.map_or("-".into(), signed)),
            ("at most from float", |effect| significant(effect.max_abs_from_float)),
        ],
    };
    let mut head: Vec<String> = ["layer", "op", "bits", "SQNR dB"].map(String::from).to_vec();
    for whose in ["alone: ", "all but it: "] {
        let name = |(i, (name, _)): (usize, &Figure)| {
            if i == 0 { format!("{whose}{name}") } else { (*name).to_owned() }
        };
        head.extend(figures.iter().enumerate().map(name));
    }
    let losses = analysis.driving.as_ref();
    if losses.is_some() {
        head.extend(["alone: return", "all but it: return"].map(String::from));
    }
    head.push("dead".into());
    let mut rows = vec![head];
    let mut order: Vec<_> = analysis.layers.iter().collect();
    let damage = |effect: &Damage| effect.logit_mse;
    order.sort_by(|a, b| damage(&b.only_this_quantized).total_cmp(&damage(&a.only_this_quantized)));
    for layer in order {
        let bits = layer.weight_bits.map_or("-".into(), |bits| bits.to_string());
        let mut row = vec![
            layer.node.clone(),
            layer.op.clone(),
            format!("{bits}/{}", layer.activation_bits),
            decibels(layer.sqnr_db),
        ];
        for effect in [&layer.only_this_quantized, &layer.only_this_float] {
            row.extend(figures.iter().map(|(_, figure)| figure(effect)));
        }
        if let Some(losses) = losses {
            let own = losses.layers.iter().find(|loss| loss.node == layer.node);
            let both = |loss: &LayerLoss| {
                [&loss.only_this_quantized, &loss.only_this_float].map(beside_float)
            };
            row.extend(own.map_or_else(|| ["-".into(), "-".into()], both));
        }
        let dead = layer.dead_channels.len();
        row.push(if dead > 0 { dead.to_string() } else { String::new() });
        rows.push(row);
    }
    table::align(&rows, 2)
}

/// How much more or less than float, with its interval.
fn beside_float(change: &ReturnChange) -> String {
    let ends = change.ci95.map_or_else(String::new, |ci95| format!(" {}", interval(ci95, tenths)));
    format!("{:+.1}{ends}", change.change)
}

fn tensors(analysis: &analysis::Analysis) -> String {
    let head =
        ["tensor", "type", "bits", "low", "high", "SQNR dB", "cosine", "used %", "clipped %"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for tensor in &analysis.tensors {
        rows.push(vec![
            tensor.name.clone(),
            tensor.element_type.clone(),
            tensor.bits.to_string(),
            three_digits(f64::from(tensor.observed[0])),
            three_digits(f64::from(tensor.observed[1])),
            decibels(tensor.sqnr_db),
            format!("{:.5}", tensor.cosine),
            format!("{:.0}", 100.0 * tensor.range_used),
            format!("{:.3}", 100.0 * tensor.clipped),
        ]);
    }
    table::align(&rows, 2)
}

pub(super) fn in_words(effect: &Damage) -> String {
    let mut parts = Vec::new();
    if let Some(top1) = effect.top1 {
        parts.push(format!("top-1 {} %", percent(top1)));
    }
    if let Some(agreement) = effect.agreement {
        parts.push(format!(
            "agrees on {} %, logit MSE {:.2e}",
            percent(agreement),
            effect.logit_mse
        ));
    }
    if let (Some(mae), Some(change)) = (effect.mae, effect.mae_change) {
        parts.push(format!("MAE {} ({})", significant(mae), signed(change)));
    }
    if effect.agreement.is_none() {
        parts.push(format!("at most {} from float", significant(effect.max_abs_from_float)));
    }
    parts.join(", ")
}

fn decibels(sqnr: Option<f64>) -> String {
    sqnr.map_or("exact".into(), |db| format!("{db:.1}"))
}
