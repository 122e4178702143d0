//! `steer8 evaluate`

use std::path::Path;

use super::arguments::Evaluate;
use super::shell::{Answers, Shell, Source};
use super::{files, print, print_json, table};
use crate::data::npy;
use crate::error::{Error, Result};
use crate::lab::protocol::Role;
use crate::report::csv::field;
use crate::report::node_data;
use crate::vocabulary::reading::Reading;
use crate::vocabulary::task::Task;

pub(super) fn run(arguments: &Evaluate, json: bool, shell: &mut Shell) -> Result<()> {
    let Evaluate { model, data, float, predictions, node_data, labelling, .. } = arguments;
    let Evaluate { preprocessing, judging, .. } = arguments;
    let judging = judging.judging();
    let outputs: Vec<_> = predictions.iter().chain(node_data).collect();
    let read = [data, float, &preprocessing.preprocess].into_iter().flatten();
    files::check_outputs(&outputs, [model].into_iter().chain(read))?;
    let paths = [model].into_iter().chain(float);
    let networks = paths.map(|path| shell.load_model(files::read_network(path)?));
    let networks = networks.collect::<Result<Vec<_>>>()?;
    let table = labelling.table.as_ref();
    let reading = Reading { labelling: labelling.labelling(), ..preprocessing.reading(&networks)? };
    let mut networks = networks.into_iter();
    let Some((id, inspection)) = networks.next() else { return Ok(()) };
    let float = networks.next().map(|(float, _)| float);
    let source = Source { role: Role::Validation, path: data.as_ref(), table, reading };
    let summary = shell.load_data(source, [(&id, &inspection.input)])?;
    let is_asked = predictions.is_some() || float.is_some() || judging.task == Some(Task::None);
    if summary.label_columns.is_empty() && !is_asked {
        let error = Error::new("the frames have no labels").way_out(
            "Give an array `y`, a CSV beside the images, class folders, or --label-pattern where names have \
             them; or --float MODEL to see how far the answers are from \
             that network's, --predictions P.npy for the answers alone, or --task none.",
        );
        return Err(match data {
            Some(data) => error.in_file(data.display().to_string()),
            None => error,
        });
    }

    let (measured, answers) = shell.evaluate(id, float, judging)?;
    if let Some(path) = predictions {
        files::write(path, &written(&answers, path))?;
    }
    if let Some(path) = node_data {
        let data = node_data::of_times(&measured.profile);
        files::write(path, data.as_bytes())?;
    }
    if json {
        return print_json(&measured);
    }
    let mut text = table::reports(std::slice::from_ref(&measured));
    if let Some(accuracy) = &measured.accuracy {
        text += &table::confusion(accuracy, &summary.class_names);
    }
    print(&(text + &table::left_in_float(&measured.left_in_float)))
}

/// As an .npy file, or as a table where the path says so.
fn written(answers: &Answers, path: &Path) -> Vec<u8> {
    let Answers { rows, numbers, frames } = answers;
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        return npy::write_f32(&rows.concat(), rows.len(), numbers.len());
    }
    let head = std::iter::once("frame").chain(numbers.iter().map(String::as_str));
    let mut text = head.map(field).collect::<Vec<_>>().join(",") + "\n";
    for (index, row) in rows.iter().enumerate() {
        let name =
            frames.get(index).map_or_else(|| index.to_string(), |name| field(name).into_owned());
        text += &name;
        for number in row {
            text += &format!(",{number}");
        }
        text += "\n";
    }
    text.into_bytes()
}
