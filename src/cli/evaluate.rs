//! `steer8 evaluate`

use super::arguments::Evaluate;
use super::shell::{Shell, Source};
use super::{files, print, print_json, table};
use crate::data::npy;
use crate::error::{Error, Result};
use crate::lab::protocol::Role;

pub(super) fn run(arguments: &Evaluate, json: bool, shell: &mut Shell) -> Result<()> {
    let Evaluate { model, data, float, predictions, normalization } = arguments;
    if let Some(predictions) = predictions {
        files::check_output(predictions, [model].into_iter().chain(data).chain(float))?;
    }
    let (id, inspection) = shell.load_model(files::read_network(model)?)?;
    let float = match float {
        Some(float) => Some(shell.load_model(files::read_network(float)?)?.0),
        None => None,
    };
    let normalization = normalization.normalization();
    let source = Source { role: Role::Validation, path: data.as_ref(), normalization };
    let summary = shell.load_data(source, [(&id, &inspection.input)])?;
    if summary.class_counts.is_empty() && predictions.is_none() {
        let error = Error::new("the frames have no labels").way_out(
            "Give an array `y` or class folders, or ask for the logits alone with --predictions.",
        );
        return Err(match data {
            Some(data) => error.in_file(data.display().to_string()),
            None => error,
        });
    }

    let (report, logits) = shell.evaluate(id, float)?;
    if let Some(path) = predictions {
        let columns = logits.first().map_or(0, Vec::len);
        files::write(path, &npy::write_f32(&logits.concat(), logits.len(), columns))?;
    }
    if json {
        return print_json(&report);
    }
    let mut text = table::reports(std::slice::from_ref(&report));
    if let Some(accuracy) = &report.accuracy {
        text += &table::confusion(accuracy, &summary.class_names);
    }
    print(&(text + &table::left_in_float(&report.left_in_float)))
}
