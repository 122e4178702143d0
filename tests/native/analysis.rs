//! The account of the damage and the search, against networks that are really quantized that way.

use std::cell::Cell;

use steer8::data::Dataset;
use steer8::error::Error;
use steer8::graph::Graph;
use steer8::onnx::{read, write};
use steer8::progress::{ready, unwatched};
use steer8::quantize::{Listener, NoRoad, analyze, halves, quantize, search};
use steer8::random::choose;
use steer8::runtime::{Arithmetic, Session};
use steer8::score::classes::top1;
use steer8::vocabulary::analysis::Damage;
use steer8::vocabulary::driving::RoadSearch;
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::{Granularity, Method, Recipe};
use steer8::vocabulary::search::{Found, Target, Trial};
use steer8::vocabulary::task::Judging;

const ASSIGNMENT: &[u8] = include_bytes!("../../models/networks/assignment.onnx");
const PILOTNET: &[u8] = include_bytes!("../../models/networks/pilotnet.onnx");
const CALIBRATION: &[u8] = include_bytes!("../../models/frames/calibration.zip");
const VALIDATION: &[u8] = include_bytes!("../../models/frames/validation.zip");

fn frames(bytes: &[u8]) -> Dataset {
    let file = File { name: "frames.zip".into(), bytes: bytes.to_vec().into() };
    Dataset::read(&[file], &Reading::default(), &mut unwatched).expect("the bundled frames")
}

/// Weights of so many bits, one scale for each tensor: what hurts.
fn per_tensor(weight_bits: u32) -> Recipe {
    let weights = Granularity::PerTensor;
    Recipe { weight_bits, weights, samples: Some(32), ..Recipe::default() }
}

/// The logits of a network on these frames.
fn logits(graph: &Graph, data: &Dataset, frames: &[usize]) -> Vec<Vec<f32>> {
    let shape = Some(data.frame_shape());
    let mut session = Session::new(graph, shape, Arithmetic::Deterministic).expect("it runs");
    let mut frame = vec![0.0; session.frame_len()];
    let mut rows = Vec::new();
    for &i in frames {
        data.input(i, &mut frame);
        session.run(&frame, |_, row| rows.push(row.to_vec())).expect("it runs");
    }
    rows
}

/// What quantizing `float` by `recipe` does, measured on the file.
fn effect(
    float: &Graph,
    recipe: &Recipe,
    [calibration, data]: [&Dataset; 2],
    frames: &[usize],
) -> Damage {
    let quantized = quantize(float, recipe, calibration, &mut |_, _, _| Ok(())).expect("quantizes");
    let file = read(&write(&quantized.graph)).expect("what was written can be read");
    let (theirs, ours) = (logits(float, data, frames), logits(&file, data, frames));
    let labels = data.classes().expect("labels");
    let share = |hits: usize| hits as f64 / ours.len() as f64;
    let pairs = ours.iter().zip(&theirs);
    let agreed = pairs.clone().filter(|(a, b)| top1(a) == top1(b)).count();
    let right = ours.iter().zip(frames).filter(|(row, i)| top1(row) == labels[**i] as usize);
    let right = right.count();
    let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
    let squares: f64 = pairs.flat_map(|(a, b)| a.iter().zip(b).map(square)).sum();
    Damage {
        top1: Some(share(right)),
        agreement: Some(share(agreed)),
        logit_mse: squares / (ours.len() * ours[0].len()) as f64,
        mae: None,
        mae_change: None,
        max_abs_from_float: 0.0,
    }
}

fn assert_alike(a: &Damage, b: &Damage, what: &str) {
    assert_eq!((a.top1, a.agreement), (b.top1, b.agreement), "{what}");
    assert!((a.logit_mse - b.logit_mse).abs() <= 1e-9 * b.logit_mse, "{what}: {a:?} {b:?}");
}

#[test]
fn the_account_names_the_layers_that_hurt_and_is_what_files_do() {
    const COUNT: usize = 60;
    let float = read(PILOTNET).expect("a bundled network");
    let data = [&frames(CALIBRATION), &frames(VALIDATION)];
    let recipe = per_tensor(4);
    let analysis = analyze(
        &float,
        &recipe,
        (data, &Judging::default()),
        Some(COUNT),
        &|_| 1,
        &mut |_, _, _| Ok(()),
    )
    .expect("analyzes");
    assert_eq!(analysis.frames, COUNT);
    assert_eq!(analysis.layers.len(), 9);
    let chosen = data[1].subset(Some(COUNT), 0);
    assert_alike(&analysis.quantized, &effect(&float, &recipe, data, &chosen), "all");

    let mut by_damage: Vec<_> = analysis.layers.iter().collect();
    by_damage.sort_by(|a, b| {
        b.only_this_quantized.logit_mse.total_cmp(&a.only_this_quantized.logit_mse)
    });
    let worst: Vec<&str> = by_damage.iter().map(|layer| layer.node.as_str()).take(2).collect();
    assert_eq!(worst, ["/2/Conv", "/4/Conv"]);
    for layer in by_damage.iter().take(2).chain(by_damage.last()) {
        let others = analysis.layers.iter().map(|l| l.node.clone());
        let others = others.filter(|node| *node != layer.node).collect();
        let alone = Recipe { keep_float: others, ..recipe.clone() };
        let what = format!("only {} quantized", layer.node);
        assert_alike(&layer.only_this_quantized, &effect(&float, &alone, data, &chosen), &what);
        let float_alone = Recipe { keep_float: vec![layer.node.clone()], ..recipe.clone() };
        let what = format!("only {} in float", layer.node);
        assert_alike(&layer.only_this_float, &effect(&float, &float_alone, data, &chosen), &what);
    }
    // Ten activations, nine weights; what the weights lost shows.
    assert_eq!(analysis.tensors.len(), 19);
    let worst = analysis
        .tensors
        .iter()
        .filter(|t| t.is_weight)
        .min_by(|a, b| a.sqnr_db.unwrap_or(f64::MAX).total_cmp(&b.sqnr_db.unwrap_or(f64::MAX)));
    assert_eq!(worst.and_then(|t| t.node.as_deref()), Some("/4/Conv"));
    let counts: Vec<usize> =
        analysis.by_calibration_frames.iter().map(|point| point.calibration_frames).collect();
    assert_eq!(counts, [1, 4, 16]);
    assert_eq!(analysis.warnings, [""; 0]);
    assert_eq!(analysis.saturating, None, "two products of 4-bit weights fit 16 bits");
}

#[test]
fn the_account_says_what_saturating_pairs_and_hard_clipping_lose() {
    let float = read(PILOTNET).expect("a bundled network");
    let data = [&frames(CALIBRATION), &frames(VALIDATION)];
    let account = |recipe: &Recipe| {
        let unheard = &mut |_, _, _| Ok(());
        analyze(&float, recipe, (data, &Judging::default()), Some(60), &|_| 1, unheard)
            .expect("analyzes")
    };
    let wide = account(&Recipe { samples: Some(32), ..Recipe::default() });
    let saturating = wide.saturating.expect("8-bit weights can");
    assert_ne!(saturating.logit_mse, wide.quantized.logit_mse);
    let reduced = Recipe { reduce_range: true, samples: Some(32), ..Recipe::default() };
    assert_eq!(account(&reduced).saturating, None);

    // Three of ten values gone at either end.
    let method = Method::Percentile;
    let clipping = Recipe { method, percentile: 70.0, samples: Some(32), ..Recipe::default() };
    let warnings = account(&clipping).warnings;
    assert!(warnings.iter().any(|text| text.contains("clips too much")), "{warnings:?}");
}

/// A search on few frames, ended once `limit` recipes were tried.
fn found(recipe: &Recipe, target: Target, count: usize, limit: usize) -> Found {
    let float = read(ASSIGNMENT).expect("a bundled network");
    let data = [&frames(CALIBRATION), &frames(VALIDATION)];
    let tried = Cell::new(0);
    let mut progress = |_, _, _| match tried.get() < limit {
        true => Ok(()),
        false => Err(Error::cancelled()),
    };
    let mut count_trial = |_: &Trial| tried.set(tried.get() + 1);
    let listener = Listener { progress: &mut progress, tried: &mut count_trial };
    let macs = |node: &str| match node {
        "/0/Conv" => 2_764_800,
        "/2/Conv" => 2_654_208,
        "/4/Conv" => 1_990_656,
        "/6/Conv" => 995_328,
        "/9/Gemm" => 294_912,
        "/11/Gemm" => 640,
        _ => 0,
    };
    let on = (data, &Judging::default(), Some(count));
    let drives = (&RoadSearch::default(), &mut NoRoad);
    ready(search(&float, recipe, target, on, &macs, drives, listener)).expect("it finds something")
}

#[test]
fn a_search_meets_its_target_with_fewer_operations_than_uniform_widths() {
    const COUNT: usize = 150;
    let target = Target { max_drop: Some(1.0), ..Target::default() };
    let found = found(&per_tensor(2), target, COUNT, usize::MAX);
    assert!(found.best.meets && !found.stopped && found.frames == COUNT);
    assert!(found.best.drop.is_some_and(|drop| drop <= 1.0));
    let uniform = found.trials.iter().filter(|trial| trial.what.starts_with("all weights"));
    assert_eq!(uniform.clone().count(), 5);
    assert!(!found.trials[0].meets, "two bits are too few");
    for trial in uniform.filter(|trial| trial.meets) {
        assert!(found.best.bops < trial.bops, "{} is as cheap", trial.what);
    }
    // The recipe does what the search says.
    let float = read(ASSIGNMENT).expect("a bundled network");
    let data = [&frames(CALIBRATION), &frames(VALIDATION)];
    let [seen, unseen] = halves(data[1], 0);
    let chosen: Vec<usize> = choose(seen.len(), COUNT, 0).into_iter().map(|i| seen[i]).collect();
    assert_alike(
        &found.best.effect,
        &effect(&float, &found.best.recipe, data, &chosen),
        "the best",
    );
    // And what it says of frames that chose nothing.
    let heldout = found.heldout.expect("the other half");
    assert_eq!(heldout.frames, unseen.len());
    assert_alike(&heldout.effect, &effect(&float, &found.best.recipe, data, &unseen), "held out");
    let ([low, high], drop) = (heldout.drop_ci95.expect("classes"), heldout.drop.expect("classes"));
    assert!(low < drop && drop < high && heldout.holds == Some(drop <= 1.0));
}

#[test]
fn a_search_that_is_stopped_ends_with_the_best_so_far() {
    let target = Target { max_drop: Some(0.0), ..Target::default() };
    let found = found(&per_tensor(3), target, 40, 3);
    assert!(found.stopped);
    assert_eq!(found.trials.len(), 3);
    let drops = found.trials.iter().filter_map(|trial| trial.drop);
    assert_eq!(found.best.drop, drops.min_by(f64::total_cmp));
}

#[test]
fn a_budget_takes_the_least_damage_within_it() {
    let target = Target { max_bops: Some(300_000_000), ..Target::default() };
    let found = found(&per_tensor(3), target, 40, 12);
    assert!(found.best.meets && found.best.bops <= 300_000_000);
    for trial in found.trials.iter().filter(|trial| trial.meets) {
        assert!(found.best.effect.logit_mse <= trial.effect.logit_mse, "{} is better", trial.what);
    }
}
