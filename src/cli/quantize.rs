//! `steer8 quantize`

use super::arguments::Quantize;
use super::shell::{Shell, Source};
use super::{files, print, print_json, table};
use crate::error::{Context, Result};
use crate::figures;
use crate::lab::protocol::{QuantizationSummary, Role};
use crate::report::overrides::{self, Tensors};
use crate::vocabulary::reading::Reading;

pub(super) fn run(arguments: &Quantize, json: bool, shell: &mut Shell) -> Result<()> {
    let Quantize { model, output, overrides, overrides_from, calibration, .. } = arguments;
    let Quantize { labelling, preprocessing, recipe, .. } = arguments;
    let path = calibration.calibration.as_ref();
    let read = [path, recipe.recipe.as_ref(), preprocessing.preprocess.as_ref()];
    let inputs = [model].into_iter().chain(read.into_iter().flatten()).chain(overrides_from);
    files::check_outputs(&[output].into_iter().chain(overrides).collect::<Vec<_>>(), inputs)?;
    let mut recipe = recipe.recipe()?;
    let networks = [shell.load_model(files::read_network(model)?)?];
    let asked = overrides.is_some() || overrides_from.is_some();
    let tensors = if asked { shell.tensors(networks[0].0.clone())? } else { Tensors::default() };
    if let Some(path) = overrides_from {
        let file = files::read(path)?;
        overrides::read(&file.bytes, &tensors, &mut recipe).in_file(&file.name)?;
    }
    let table = labelling.table.as_ref();
    let labelling = labelling.labelling();
    let reading = Reading { labelling, ..preprocessing.reading(&networks)? };
    let [(id, inspection)] = networks;
    let source = Source { role: Role::Calibration, path, table, reading };
    shell.load_data(source, [(&id, &inspection.input)])?;

    let into = output.display().to_string();
    let (file, summary) = shell.quantize(id, recipe, into.clone())?;
    files::write(output, &file.bytes)?;
    if let Some(path) = overrides {
        let written = overrides::write(&summary.tensors, &tensors);
        files::write(path, written.json.as_bytes())?;
        shell.warn(&written.untold);
    }
    if json {
        return print_json(&summary);
    }
    let QuantizationSummary { tensors, left_in_float, file_bytes, sha256, .. } = &summary;
    let size = figures::bytes(*file_bytes);
    let ratio = inspection.file_bytes as f64 / (*file_bytes).max(1) as f64;
    let ratio = figures::three_digits(ratio);
    print(&format!(
        "{into}: {size}, the float file is {ratio} times as large\n\
         {} tensors quantized\nSHA-256 {sha256}\n{}",
        tensors.len(),
        table::left_in_float(left_in_float)
    ))
}
