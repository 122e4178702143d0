//! `steer8 search`

use std::ops::ControlFlow;

use serde::Serialize;

use super::analyze::{in_words, load_both};
use super::arguments::{Analysis, Search};
use super::crew::threads;
use super::shell::Shell;
use super::{files, print, print_json, table};
use crate::clock::Stopwatch;
use crate::error::{Error, Result};
use crate::figures::{self, interval, percent, tenths};
use crate::lab::protocol::Request;
use crate::vocabulary::driving::{Kept, RoadSearch, RoadTest};
use crate::vocabulary::search::{Found, Heldout, Target, Trial};

pub(super) fn run(arguments: &Search, json: bool, shell: &mut Shell) -> Result<()> {
    let Search { analysis, output, max_drop, max_rise, min_return, seconds, .. } = arguments;
    let recipe = analysis.recipe.recipe()?;
    if let Some(output) = output {
        let Analysis { model, data, calibration, preprocessing, recipe, .. } = analysis;
        let own = [&recipe.recipe, &preprocessing.preprocess];
        let read = [data, &calibration.calibration].into_iter().chain(own).flatten();
        files::check_output(output, std::iter::once(model).chain(read))?;
    }
    let test = analysis.road.road_test(arguments.tracks)?;
    let (id, preprocessing) = load_both(analysis, shell)?;
    let test = RoadTest { preprocessing, ..test };
    let road = RoadSearch { test, unseen: arguments.unseen_tracks as usize };
    let target = Target {
        max_drop: *max_drop,
        max_rise: *max_rise,
        min_return: *min_return,
        max_bytes: arguments.max_bytes,
        max_bops: arguments.max_bops,
    };
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
    let request = Request::Search {
        model: id.clone(),
        recipe,
        target,
        judging: analysis.judging.judging(),
        frames,
        road,
    };
    let found = shell.search(request, threads(arguments.threads), &mut tried)?;
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
    let Found { best, trials, frames, heldout, stopped } = found;
    let by_class = best.drop.is_some();
    let [loss, figure] = if by_class { ["drop", "agrees %"] } else { ["rise %", "MAE"] };
    let drives = best.driving.is_some();
    let of_drives = if drives { &["return kept %", "tracks"][..] } else { &[] };
    let head = [&["", "tried", loss, figure], of_drives, &["BOPs", "file"]].concat();
    let mut rows = vec![head.into_iter().map(String::from).collect::<Vec<_>>()];
    for trial in trials {
        let mark = match (trial.recipe == best.recipe, trial.meets) {
            (true, _) => "best",
            (_, true) => "meets",
            _ => "",
        };
        let mut row = vec![
            mark.into(),
            trial.what.clone(),
            trial.drop.or(trial.rise).map_or("-".into(), |loss| format!("{loss:.2}")),
            match trial.effect.agreement {
                Some(agreement) => format!("{:.2}", 100.0 * agreement),
                None => trial.effect.mae.map_or("-".into(), figures::significant),
            },
        ];
        row.extend(
            trial.driving.iter().flat_map(|kept| [percent(kept.share), kept.tracks.to_string()]),
        );
        row.extend([figures::count(trial.bops), figures::bytes(trial.file_bytes as usize)]);
        rows.push(row);
    }
    let stopped = if *stopped { ", stopped before its end" } else { "" };
    let frames = figures::grouped(*frames);
    let verdict = if best.meets { "meets the target" } else { "the nearest to the target" };
    Ok(format!(
        "{model}: {} recipes tried on {frames} frames{stopped}\n\n{}\n\
         {verdict}: {} ({})\n{}\n\
         {}",
        trials.len(),
        table::align(&rows, 2),
        best.what,
        in_words(&best.effect),
        best.recipe.to_short_json()?,
        heldout.as_ref().map_or_else(String::new, held_out)
    ))
}

/// What the frames say that chose nothing.
fn held_out(heldout: &Heldout) -> String {
    let loss = match (heldout.drop, heldout.drop_ci95, heldout.rise, heldout.rise_ci95) {
        (Some(drop), Some([low, high]), ..) => {
            format!(": {drop:.2} points lost [{low:.2}, {high:.2}]")
        }
        (.., Some(rise), Some([low, high])) => {
            format!(": the error rises by {rise:.2} % [{low:.2}, {high:.2}]")
        }
        _ => String::new(),
    };
    let verdict = match heldout.holds {
        Some(true) => "the target holds",
        Some(false) => "the target does NOT hold",
        None => "no target for what is lost",
    };
    let frames = figures::grouped(heldout.frames);
    let answers =
        format!("On {frames} other frames {verdict}{loss} ({})\n", in_words(&heldout.effect));
    answers + &heldout.driving.as_ref().map_or_else(String::new, on_the_road)
}

/// What the tracks say that chose nothing.
fn on_the_road(kept: &Kept) -> String {
    let share = percent(kept.share);
    let ends = interval(kept.margin_ci95, tenths);
    format!(
        "On {} other tracks the return that is wanted: {}; {share} % of float's are kept, {:+.1} beside what \
         is wanted {ends}\n",
        kept.tracks,
        kept.verdict().in_words(),
        kept.margin
    )
}

fn pretty(recipe: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(recipe)
        .map(|json| json + "\n")
        .map_err(|error| Error::new(format!("the recipe cannot be written as JSON ({error})")))
}
