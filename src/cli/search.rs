//! `steer8 search`

use std::ops::ControlFlow;

use serde::Serialize;

use super::analyze::{in_words, load_both};
use super::arguments::{Analyze, Search};
use super::shell::Shell;
use super::{files, print, print_json, table};
use crate::clock::Stopwatch;
use crate::error::{Error, Result};
use crate::figures;
use crate::vocabulary::search::{Found, Target, Trial};

pub(super) fn run(arguments: &Search, json: bool, shell: &mut Shell) -> Result<()> {
    let Search { analysis, output, max_drop, max_bytes, max_bops, seconds } = arguments;
    let recipe = analysis.recipe.recipe()?;
    if let Some(output) = output {
        let Analyze { model, data, calibration, recipe, .. } = analysis;
        let read = [data, &calibration.calibration, &recipe.recipe].into_iter().flatten();
        files::check_output(output, std::iter::once(model).chain(read))?;
    }
    let id = load_both(analysis, shell)?;
    let (max_bytes, max_bops) = (*max_bytes, *max_bops);
    let target = Target { max_drop: *max_drop, max_bytes, max_bops };
    let stopwatch = Stopwatch::start();
    let mut written = Ok(());
    let mut tried = |trial: &Trial| {
        // Written at once: whoever ends the search keeps the best so far.
        if let (true, Some(output)) = (trial.best, output) {
            written = pretty(&trial.recipe).and_then(|json| files::write(output, json.as_bytes()));
        }
        let late = seconds.is_some_and(|limit| stopwatch.ms() > 1e3 * f64::from(limit));
        if late || written.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let frames = analysis.frames.map(|n| n as usize);
    let found = shell.search(id.clone(), recipe, target, frames, &mut tried)?;
    written?;
    if json {
        #[derive(Serialize)]
        struct Searched<'a> {
            model: &'a str,
            target: Target,
            #[serde(flatten)]
            found: &'a Found,
        }
        return print_json(&Searched { model: &id, target, found: &found });
    }
    print(&describe(&id, &found)?)
}

fn describe(model: &str, found: &Found) -> Result<String> {
    let Found { best, trials, frames, stopped } = found;
    let head = ["", "tried", "drop", "agrees %", "BOPs", "file"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for trial in trials {
        let mark = match (trial.recipe == best.recipe, trial.meets) {
            (true, _) => "best",
            (_, true) => "meets",
            _ => "",
        };
        rows.push(vec![
            mark.into(),
            trial.what.clone(),
            format!("{:.2}", trial.drop),
            format!("{:.2}", 100.0 * trial.effect.agreement),
            figures::count(trial.bops),
            figures::bytes(trial.file_bytes as usize),
        ]);
    }
    let stopped = if *stopped { ", stopped before its end" } else { "" };
    let frames = figures::grouped(*frames);
    let verdict = if best.meets { "meets the target" } else { "the nearest to the target" };
    Ok(format!(
        "{model}: {} recipes tried on {frames} frames{stopped}\n\n{}\n\
         {verdict}: {} ({})\n{}\n\
         Chosen on these frames: expect a little less on others.\n",
        trials.len(),
        table::align(&rows, 2),
        best.what,
        in_words(&best.effect),
        best.recipe.to_short_json()?
    ))
}

fn pretty(recipe: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(recipe)
        .map(|json| json + "\n")
        .map_err(|error| Error::new(format!("the recipe cannot be written as JSON ({error})")))
}
