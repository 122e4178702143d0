//! `steer8 compare`: the main job.

use serde::Serialize;

use super::arguments::Compare;
use super::shell::{Shell, Source};
use super::{bundled, files, print, print_json, table};
use crate::error::Result;
use crate::lab::protocol::{ModelId, Role};
use crate::vocabulary::report::Report;

/// What is compared with one another.
struct Group {
    /// Quantized here.
    float: Option<ModelId>,
    /// Quantized before.
    others: Vec<ModelId>,
}

pub(super) fn run(arguments: &Compare, json: bool, shell: &mut Shell) -> Result<()> {
    let Compare { models, data, calibration, normalization, judging, recipe } = arguments;
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

    let normalization = normalization.normalization();
    let source = Source {
        role: Role::Validation,
        path: data.as_ref(),
        normalization: normalization.clone(),
    };
    shell.load_data(source, inputs())?;
    let is_float = |variant: &str| variant == "float";
    if loaded.iter().any(|(_, inspection)| is_float(&inspection.variant)) {
        let path = calibration.calibration.as_ref();
        let source = Source { role: Role::Calibration, path, normalization };
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

    let mut results = Vec::new();
    let mut verdicts = Vec::new();
    for (place, Group { float, others }) in groups.into_iter().enumerate() {
        let mut ids = Vec::new();
        if let Some(float) = &float {
            let int8 = format!("{float} to int8");
            shell.quantize(float.clone(), recipe.clone(), int8.clone())?;
            ids.extend([float.clone(), int8]);
        }
        ids.extend(others);
        let (mut reports, verdict) = shell.compare(ids, judging.clone())?;
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
