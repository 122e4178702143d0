//! `steer8 compare`: the main job.

use serde::Serialize;

use super::arguments::{Compare, ReportOptions};
use super::crew::threads;
use super::shell::{Shell, Source};
use super::{bundled, files, print, print_json, table};
use crate::error::Result;
use crate::lab::protocol::{ModelId, Role};
use crate::report::verdict;
use crate::report::{self, Comparison, Document, Frames, Variant, command};
use crate::vocabulary::driving::{Drives, Driving, Pair, RoadTest};
use crate::vocabulary::reading::Reading;
use crate::vocabulary::report::Report;

/// What is compared with one another.
struct Group {
    /// Quantized here.
    float: Option<ModelId>,
    /// Quantized before.
    others: Vec<ModelId>,
}

pub(super) fn run(arguments: &Compare, json: bool, shell: &mut Shell) -> Result<()> {
    let Compare { models, data, calibration, labelling, preprocessing, drive, road, .. } =
        arguments;
    let Compare { judging, written, recipe, .. } = arguments;
    let calibrated_on = calibration.calibration.as_ref();
    let inputs = models.iter().chain(data).chain(calibrated_on).chain(&recipe.recipe);
    files::check_outputs(&written.paths().collect::<Vec<_>>(), inputs)?;
    let test = drive.map(|tracks| road.road_test(tracks)).transpose()?;
    let judging = judging.judging();
    let recipe = recipe.recipe()?;
    let networks = if models.is_empty() {
        bundled::networks()
    } else {
        models.iter().map(|path| files::read_network(path)).collect::<Result<_>>()?
    };
    let loaded =
        networks.into_iter().map(|file| shell.load_model(file)).collect::<Result<Vec<_>>>()?;
    let inputs = || loaded.iter().map(|(id, inspection)| (id, &inspection.input));

    let table = labelling.table.as_ref();
    let reading = Reading { labelling: labelling.labelling(), ..preprocessing.reading(&loaded)? };
    let entering = reading.preprocessing.clone();
    let test = test.map(|test| RoadTest { preprocessing: entering.clone(), ..test });
    let source =
        Source { role: Role::Validation, path: data.as_ref(), table, reading: reading.clone() };
    let summary = shell.load_data(source, inputs())?;
    let is_float = |variant: &str| variant == "float";
    if loaded.iter().any(|(_, inspection)| is_float(&inspection.variant)) {
        let source = Source { role: Role::Calibration, path: calibrated_on, table, reading };
        shell.load_data(source, inputs())?;
    }

    let mut groups: Vec<Group> = Vec::new();
    for (id, inspection) in &loaded {
        match groups.last_mut() {
            _ if is_float(&inspection.variant) => {
                groups.push(Group { float: Some(id.clone()), others: Vec::new() });
            }
            Some(group) if group.float.is_some() => group.others.push(id.clone()),
            _ => groups.push(Group { float: None, others: vec![id.clone()] }),
        }
    }

    let quantized_by = |float: &ModelId| {
        let network = if models.is_empty() { bundled::path(float) } else { float.clone() };
        let source = command::Source {
            network,
            calibration: calibrated_on.map(|path| path.display().to_string()),
            preprocessing: entering.clone(),
        };
        command::line(&source, &recipe)
    };
    let mut results = Vec::new();
    let mut comparisons = Vec::new();
    let mut verdicts = Vec::new();
    for (place, Group { float, others }) in groups.into_iter().enumerate() {
        let mut ids = Vec::new();
        if let Some(float) = &float {
            let int8 = format!("{float} to int8");
            shell.quantize(float.clone(), recipe.clone(), int8.clone())?;
            ids.extend([float.clone(), int8]);
        }
        ids.extend(others);
        let (mut reports, mut verdict, series) = shell.compare(ids.clone(), judging.clone())?;
        if let Some(test) = &test {
            let drives = shell.drive(ids, test.clone(), threads(None))?;
            add(&mut reports, &drives);
            verdict = verdict::all(&reports);
        }
        if let Some(caution) = verdict::caution(&reports).filter(|_| !verdict.is_empty()) {
            verdict += &format!(" {caution}");
        }
        let made = float.as_ref().map(quantized_by);
        let variant = |(place, report): (usize, &Report)| Variant {
            name: None,
            report: report.clone(),
            command: made.clone().filter(|_| place == 1),
        };
        let variants = reports.iter().enumerate().map(variant).collect();
        comparisons.push(Comparison { variants, series });
        if let Some(float) = float {
            // Variants of one network: what was quantized here has no file of its own.
            reports[1].model = float;
        }
        if !json {
            let gap = if place > 0 { "\n" } else { "" };
            print(&format!("{gap}{}", describe(&reports, &verdict)))?;
        }
        results.extend(reports);
        verdicts.push(verdict);
    }
    let name = data.as_ref().map_or_else(
        || "The bundled validation frames".to_owned(),
        |path| path.display().to_string(),
    );
    write(
        written,
        &Document {
            comparisons,
            frames: Some(Frames { name, summary }),
            command: Some(own_command()),
        },
    )?;
    if json {
        #[derive(Serialize)]
        struct Compared {
            results: Vec<Report>,
            /// One for each network that was quantized.
            verdicts: Vec<String>,
        }
        verdicts.retain(|verdict| !verdict.is_empty());
        return print_json(&Compared { results, verdicts });
    }
    Ok(())
}

/// Writes the document as it was asked for.
fn write(asked: &ReportOptions, document: &Document) -> Result<()> {
    if let Some(path) = &asked.html {
        files::write(path, report::html::write(document).as_bytes())?;
    }
    if let Some(path) = &asked.markdown {
        files::write(path, report::markdown::write(document).as_bytes())?;
    }
    if let Some(path) = &asked.csv {
        files::write(path, report::csv::write(document)?.as_bytes())?;
    }
    Ok(())
}

/// What was typed.
fn own_command() -> String {
    let typed = std::env::args_os().skip(1);
    let words = typed.map(|word| command::quoted(&word.to_string_lossy()));
    std::iter::once("steer8".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Gives each report what its network drove, and how that is beside the first, where that is float.
fn add(reports: &mut [Report], drives: &Drives) {
    let float = reports.first().filter(|report| report.variant == "float");
    let float = float.map(|report| report.model.clone());
    for report in reports {
        let driven = drives.results.iter().find(|driven| driven.model == report.model);
        let is_beside = |pair: &&Pair| {
            float.as_ref() == Some(&pair.models[0]) && pair.models[1] == report.model
        };
        let against_float = drives.pairs.iter().find(is_beside).cloned();
        report.driving = driven.cloned().map(|driven| Box::new(Driving { driven, against_float }));
    }
}

fn describe(reports: &[Report], verdict: &str) -> String {
    let mut text = table::reports(reports);
    for report in reports.iter().filter(|report| report.variant != "float") {
        text += &table::left_in_float(&report.left_in_float);
    }
    if !verdict.is_empty() {
        text += &format!("\n{verdict}\n");
    }
    text
}
