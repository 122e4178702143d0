//! Every option of a recipe on a real network, and the float paths that calibration relies on.

use steer8::data::Dataset;
use steer8::graph::fold_batch_norm::fold_batch_norm;
use steer8::graph::{Element, Graph};
use steer8::onnx::{read, write};
use steer8::progress::unwatched;
use steer8::quantize::{Quantized, Step, quantize, recipe_of};
use steer8::runtime::{Arithmetic, Session, lower};
use steer8::score::classes::{agreement, top1};
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::{ActivationType, Granularity, Recipe};

const ASSIGNMENT: &[u8] = include_bytes!("../../models/networks/assignment.onnx");
const MOBILENET: &[u8] = include_bytes!("../../models/networks/mobilenet.onnx");
const CALIBRATION: &[u8] = include_bytes!("../../models/frames/calibration.zip");

fn frames() -> Dataset {
    let file = File { name: "calibration.zip".into(), bytes: CALIBRATION.to_vec().into() };
    Dataset::read(&[file], &Reading::default(), &mut unwatched).expect("the bundled frames")
}

fn logits(graph: &Graph, frames: &Dataset, count: usize, arithmetic: Arithmetic) -> Vec<Vec<f32>> {
    let mut session = Session::new(graph, Some(frames.frame_shape()), arithmetic).expect("it runs");
    let mut input = vec![0.0; session.frame_len()];
    let mut rows = Vec::new();
    for i in (0..frames.len()).step_by(frames.len() / count) {
        frames.input(i, &mut input);
        session.run(&input, |_, row| rows.push(row.to_vec())).expect("it runs");
    }
    rows
}

/// Progress that nobody watches.
fn unheard(_: Step, _: usize, _: usize) -> steer8::error::Result<()> {
    Ok(())
}

fn classes(rows: &[Vec<f32>]) -> Vec<usize> {
    rows.iter().map(|row| top1(row)).collect()
}

fn quantized(recipe: &Recipe, frames: &Dataset) -> Quantized {
    let float = read(ASSIGNMENT).expect("a bundled network");
    let recipe = Recipe { samples: Some(64), ..recipe.clone() };
    quantize(&float, &recipe, frames, &mut unheard).expect("it can be quantized")
}

/// The whole network on integers, and nearly the float network's answers.
fn answers_as_float(recipe: &Recipe) -> Quantized {
    let frames = frames();
    let quantized = quantized(recipe, &frames);
    assert_eq!(quantized.left_in_float, []);
    // As a reader of the file sees it.
    let graph = read(&write(&quantized.graph)).expect("what was written can be read");
    let float = read(ASSIGNMENT).expect("a bundled network");
    let ours = classes(&logits(&graph, &frames, 256, Arithmetic::Fast));
    let theirs = classes(&logits(&float, &frames, 256, Arithmetic::Fast));
    let same = agreement(&ours, &theirs);
    assert!(same > 0.96, "{recipe:?}: the same answer on {same} of the frames");
    quantized
}

#[test]
fn default_recipe() {
    let quantized = answers_as_float(&Recipe::default());
    let weights = quantized.tensors.iter().filter(|t| t.element_type == "int8");
    assert!(weights.clone().count() == 6 && weights.into_iter().all(|t| t.axis == Some(0)));
    let ops = |op: &str| quantized.graph.nodes.iter().filter(|n| n.op == op).count();
    assert_eq!(ops("Relu"), 0, "saturating is what Relu does");
    // One pair for each tensor: the input, six layers, and Flatten.
    assert_eq!(ops("QuantizeLinear"), 8);
}

#[test]
fn per_tensor_weights() {
    let recipe = Recipe { weights: Granularity::PerTensor, ..Recipe::default() };
    let quantized = answers_as_float(&recipe);
    assert!(quantized.tensors.iter().all(|t| t.axis.is_none() && t.scale.len() == 1));
}

#[test]
fn signed_activations() {
    let recipe = Recipe { activations: ActivationType::I8, ..Recipe::default() };
    let quantized = answers_as_float(&recipe);
    assert!(quantized.tensors.iter().all(|t| t.element_type != "uint8"));
}

#[test]
fn symmetric_activations_keep_relu() {
    for (activations, zero_point) in [(ActivationType::U8, 128), (ActivationType::I8, 0)] {
        let recipe = Recipe { activations, symmetric: true, ..Recipe::default() };
        let quantized = answers_as_float(&recipe);
        assert!(
            quantized.tensors.iter().all(|t| t.zero_point[0] == 0 || t.zero_point[0] == zero_point)
        );
        assert_eq!(quantized.graph.nodes.iter().filter(|n| n.op == "Relu").count(), 5);
    }
}

#[test]
fn reduced_range() {
    let recipe = Recipe { reduce_range: true, ..Recipe::default() };
    let quantized = answers_as_float(&recipe);
    let codes = quantized.graph.initializers.values().filter(|t| t.element() == Element::I8);
    let largest = codes.filter_map(|t| t.to_i32()).flatten().map(i32::abs).max();
    assert_eq!(largest, Some(64));
}

#[test]
fn a_kept_layer_stays_in_float_and_is_named() {
    let float = read(ASSIGNMENT).expect("a bundled network");
    let conv = &float.nodes.iter().filter(|n| n.op == "Conv").nth(1).expect("a second Conv").name;
    let recipe = Recipe { keep_float: vec![conv.clone()], ..Recipe::default() };
    let quantized = quantized(&recipe, &frames());
    let kept = quantized.left_in_float.iter().find(|l| l.node == *conv).expect("it is listed");
    assert_eq!(kept.why, "kept in float by the recipe");
    let lowered = lower::lower(&quantized.graph).graph;
    assert!(lowered.nodes.iter().any(|n| n.name == *conv && n.op == "Conv"));
    assert_eq!(lowered.nodes.iter().filter(|n| n.op == "QLinearConv").count(), 3);

    let unknown = Recipe { keep_float: vec!["nobody".into()], ..Recipe::default() };
    let error = quantize(&float, &unknown, &frames(), &mut unheard).expect_err("no such node");
    assert!(error.what.contains("`nobody`"), "{error}");
}

#[test]
fn the_file_says_how_it_was_made() {
    let recipe = Recipe { samples: Some(64), seed: 3, ..Recipe::default() };
    let quantized = quantized(&recipe, &frames());
    let graph = read(&write(&quantized.graph)).expect("what was written can be read");
    assert_eq!(recipe_of(&graph), Some(recipe.clone()));
    let error = quantize(&graph, &recipe, &frames(), &mut unheard).expect_err("int8 already");
    assert!(error.what.contains("quantized already"), "{error}");
}

#[test]
fn folding_and_both_float_paths_change_nothing() {
    let frames = frames();
    let float = read(MOBILENET).expect("a bundled network");
    let mut folded = float.clone();
    assert_eq!(fold_batch_norm(&mut folded), 22);
    assert!(folded.nodes.iter().all(|n| n.op != "BatchNormalization"));
    let reference = logits(&float, &frames, 16, Arithmetic::Fast);
    for (graph, arithmetic) in [
        (&float, Arithmetic::Deterministic),
        (&folded, Arithmetic::Deterministic),
        (&folded, Arithmetic::Fast),
    ] {
        for (row, expected) in logits(graph, &frames, 16, arithmetic).iter().zip(&reference) {
            for (a, b) in row.iter().zip(expected) {
                assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{a} is not {b}");
            }
        }
    }
}
