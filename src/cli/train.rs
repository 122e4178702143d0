//! `steer8 train`

use serde::Serialize;

use super::arguments::Train;
use super::crew::threads;
use super::shell::{Shell, Source};
use super::{files, print, print_json, table};
use crate::error::Result;
use crate::figures;
use crate::lab::protocol::{BesideFloat, MeasuredOn, Request, Role, TrainOptions, TrainingSummary};
use crate::vocabulary::reading::Reading;
use crate::vocabulary::report::Report;

pub(super) fn run(arguments: &Train, json: bool, shell: &mut Shell) -> Result<()> {
    let Train { model, output, training, validation, calibration, .. } = arguments;
    let own = [&arguments.recipe.recipe, &arguments.preprocessing.preprocess];
    let read = [training, validation, calibration].into_iter().chain(own).flatten();
    files::check_output(output, std::iter::once(model).chain(read))?;
    let recipe = arguments.recipe.recipe()?;
    let plan = arguments.plan.plan(arguments.judging.judging(), recipe.seed)?;
    let networks = [shell.load_model(files::read_network(model)?)?];
    let (labelling, table) = (arguments.labelling.labelling(), arguments.labelling.table.as_ref());
    let reading = Reading { labelling, ..arguments.preprocessing.reading(&networks)? };
    let [(id, inspection)] = networks;
    let input = (&id, &inspection.input);
    // Own training frames calibrate, too, unless there are others for that.
    let sets = [
        (Role::Training, training, true),
        (Role::Calibration, calibration, calibration.is_some() || training.is_none()),
        (Role::Validation, validation, validation.is_some()),
    ];
    for (role, path, _) in sets.into_iter().filter(|(.., wanted)| *wanted) {
        let reading = reading.clone();
        shell.load_data(Source { role, path: path.as_ref(), table, reading }, [input])?;
    }
    let into = output.display().to_string();
    let options = TrainOptions { measure: true, ..TrainOptions::default() };
    let request = Request::Train { model: id, recipe, plan, into: into.clone(), options };
    let threads = threads(arguments.threads);
    let (file, summary, measured) = shell.train(request, threads, json)?;
    files::write(output, &file.bytes)?;
    let measured = measured?;
    if json {
        #[derive(Serialize)]
        struct Trained<'a> {
            #[serde(flatten)]
            training: &'a TrainingSummary,
            measured_on: MeasuredOn,
            float: &'a Report,
            result: &'a Report,
        }
        let BesideFloat { reports: [float, result], on } = &measured;
        return print_json(&Trained { training: &summary, measured_on: *on, float, result });
    }
    let frames = match measured.on {
        MeasuredOn::Validation => "the validation frames",
        MeasuredOn::HeldOut => "the frames held out of training, which have chosen the epoch",
    };
    let mut best = match summary.best_epoch {
        0 => "the starting point: no epoch was better".into(),
        epoch => format!("epoch {epoch}"),
    };
    if let Some(epoch) = summary.diverged_in {
        best +=
            &format!(" (in epoch {epoch} the loss was no number: choose a lower learning rate)");
    }
    let size = figures::bytes(summary.quantization.file_bytes);
    print(&format!(
        "\nkept {best}; measured on {frames}\n\n{}{}\n{into}: {size}, SHA-256 {}\n",
        table::reports(&measured.reports),
        table::left_in_float(&summary.quantization.left_in_float),
        summary.quantization.sha256
    ))
}
