//! `steer8 drive`

use serde::Serialize;

use super::arguments::{Drive, ReplayOptions};
use super::crew::threads;
use super::shell::Shell;
use super::{bundled, files, print, print_json, table};
use crate::data::{npy, npz};
use crate::drive::SIDE;
use crate::error::Result;
use crate::figures::{interval, percent, signed, tenths};
use crate::lab::protocol::Replay;
use crate::report::figure;
use crate::report::rows::file_name;
use crate::vocabulary::driving::{Driven, Drives, PARTS, Pair, RoadTest, Track};

pub(super) fn run(arguments: &Drive, json: bool, shell: &mut Shell) -> Result<()> {
    let Drive { models, tracks, threads: asked, road, preprocessing, replay } = arguments;
    if let ReplayOptions { replay: Some(_), .. } = replay {
        return run_replay(replay, json, shell);
    }
    let test = road.road_test(*tracks)?;
    let networks = if models.is_empty() {
        bundled::networks()
    } else {
        models.iter().map(|path| files::read_network(path)).collect::<Result<_>>()?
    };
    let loaded =
        networks.into_iter().map(|file| shell.load_model(file)).collect::<Result<Vec<_>>>()?;
    let preprocessing = preprocessing.reading(&loaded)?.preprocessing;
    let test = RoadTest { preprocessing, ..test };
    let ids = loaded.into_iter().map(|(id, _)| id).collect();
    let drives = shell.drive(ids, test, threads(*asked))?;
    if json { print_json(&drives) } else { print(&describe(&drives)) }
}

fn describe(drives: &Drives) -> String {
    let mut text = match &drives.results[..] {
        [one] => alone(one),
        several => side_by_side(several),
    };
    if !drives.pairs.is_empty() {
        text += &format!("\nin pairs, the second less the first\n{}", pairs(&drives.pairs));
    }
    if drives.stopped {
        text += "\nstopped before its end\n";
    }
    text
}

fn mean(driven: &Driven) -> String {
    let ends = driven.ci95.map_or_else(String::new, |ci95| format!(" {}", interval(ci95, tenths)));
    tenths(driven.mean) + &ends
}

/// One network, a row for each track.
fn alone(driven: &Driven) -> String {
    let head = ["track", "return", "tiles", "steps", "off road %", "lap"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for track in &driven.tracks {
        rows.push(vec![
            track.seed.to_string(),
            tenths(track.total),
            format!("{} of {}", track.tiles, track.of_tiles),
            track.steps.to_string(),
            percent(track.off_road),
            if track.finished { "finished".into() } else { String::new() },
        ]);
    }
    format!(
        "{} ({}): mean return {}, laps finished {}\n\n{}",
        driven.model,
        driven.variant,
        mean(driven),
        figure::laps(&driven.tracks),
        table::align(&rows, 1)
    )
}

/// A column for each network; returns by track, then what they come to.
fn side_by_side(results: &[Driven]) -> String {
    let mut rows = Vec::new();
    let mut row = |name: String, cell: &dyn Fn(&Driven) -> String| {
        rows.push(std::iter::once(name).chain(results.iter().map(cell)).collect::<Vec<_>>());
    };
    row(String::new(), &|driven| driven.variant.clone());
    row("track".into(), &|driven| file_name(&driven.model).to_owned());
    let mut seeds: Vec<u64> =
        results.iter().flat_map(|driven| driven.tracks.iter().map(|track| track.seed)).collect();
    seeds.sort_unstable();
    seeds.dedup();
    for seed in seeds {
        let of = |track: &Track| tenths(track.total) + if track.finished { " " } else { "*" };
        row(seed.to_string(), &|driven| {
            let track = driven.tracks.iter().find(|track| track.seed == seed);
            track.map_or_else(|| "- ".into(), of)
        });
    }
    row("mean return".into(), &|driven| mean(driven) + " ");
    row("laps finished".into(), &|driven| figure::laps(&driven.tracks) + " ");
    row("off the road".into(), &|driven| figure::off_road(&driven.tracks) + " ");
    table::align(&rows, 1) + "\n* the lap was not finished\n"
}

fn pairs(pairs: &[Pair]) -> String {
    let head =
        ["", "return", "95 %", "p", "decide otherwise on", "first at step", "ways apart", "most"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for pair in pairs {
        let [first, second] = &pair.models;
        let steps: Vec<usize> = pair.first_disagreement.iter().flatten().copied().collect();
        let apart = || pair.apart.iter().flatten();
        let mean = apart().sum::<f64>() / apart().count().max(1) as f64;
        let parts = pair.apart.iter().enumerate();
        let most = parts.filter_map(|(part, apart)| Some((part, (*apart)?)));
        let most = most.max_by(|(_, a), (_, b)| a.total_cmp(b));
        rows.push(vec![
            format!("{}, {}", file_name(first), file_name(second)),
            signed(pair.mean_difference),
            pair.ci95.map_or_else(|| "-".into(), |ci95| interval(ci95, tenths)),
            format!("{:.3}", pair.p),
            format!("{} of {} tracks", steps.len(), pair.first_disagreement.len()),
            steps.iter().min().map_or_else(|| "-".into(), ToString::to_string),
            format!("{mean:.2}"),
            most.map_or_else(
                || "-".into(),
                |(part, apart)| {
                    format!("{apart:.2} at {} % of the lap", (2 * part + 1) * 50 / PARTS)
                },
            ),
        ]);
    }
    table::align(&rows, 1)
}

/// Steps by recorded actions.
fn run_replay(options: &ReplayOptions, json: bool, shell: &mut Shell) -> Result<()> {
    let ReplayOptions { replay: Some(replay), seed: Some(seed), states: Some(states), .. } =
        options
    else {
        return Ok(());
    };
    for output in [Some(states), options.frames.as_ref()].into_iter().flatten() {
        files::check_output(output, [replay])?;
    }
    let every = options.every.map(|every| every as usize);
    let Replay { states: made, frames: pixels, ended } =
        shell.replay(files::read(replay)?, *seed, every)?;
    let numbers = made.iter().flatten().flat_map(|number| number.to_le_bytes());
    files::write(states, &npy::write("<f8", &[made.len(), 4], numbers))?;
    let shape = [pixels.len() / (SIDE * SIDE * 3), SIDE, SIDE, 3];
    if let Some(path) = &options.frames {
        files::write(path, &npz::write(&[("x", npy::write("|u1", &shape, pixels.into_vec()))])?)?;
    }
    // What is paid behind the end is none of the episode's.
    let within = ended.map_or(made.len(), |ended| ended.step);
    let total: f64 = made[..within].iter().map(|[.., reward]| reward).sum();
    if json {
        #[derive(Serialize)]
        struct Replayed {
            seed: u64,
            steps: usize,
            #[serde(rename = "return")]
            total: f64,
            ended_at: Option<usize>,
            finished: bool,
            frames: usize,
        }
        return print_json(&Replayed {
            seed: *seed,
            steps: made.len(),
            total,
            ended_at: ended.map(|ended| ended.step),
            finished: ended.is_some_and(|ended| ended.lap_finished),
            frames: shape[0],
        });
    }
    let end = match ended {
        None => "the episode goes on".to_owned(),
        Some(ended) => {
            let how = if ended.lap_finished { "with a finished lap" } else { "beyond the field" };
            let behind = made.len() - ended.step;
            let more = if behind > 0 {
                format!(", {behind} steps go on behind it")
            } else {
                String::new()
            };
            format!("the episode ended at step {} {how}{more}", ended.step)
        }
    };
    print(&format!("track {seed}: return {} in {} steps, {end}\n", tenths(total), made.len()))
}
