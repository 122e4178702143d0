//! Training against PyTorch's, stored by `goldens/training.py`; and networks of other shapes that must
//! fit made-up data. Natively and in the browser.

use std::collections::BTreeMap;

use serde::Deserialize;
use steer8::data::{Dataset, File};
use steer8::onnx;
use steer8::progress::unwatched;
use steer8::quantize::Recipe;
use steer8::train::{Optimizer, Plan, record};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

const VALIDATION: &[u8] = include_bytes!("../models/frames/validation.zip");
const ASSIGNMENT: &[u8] = include_bytes!("../models/networks/assignment.onnx");
const SMALL: &[u8] = include_bytes!("goldens/training-small.onnx");
const SMALL_FRAMES: &[u8] = include_bytes!("goldens/training-small.npz");

/// Steps before BatchNormalization is frozen, as `training.py` has it.
const FROZEN_FROM: usize = 5;

#[derive(Deserialize)]
struct Golden {
    /// Of the bundled validation frames.
    frames: Option<Vec<usize>>,
    batches: Vec<Vec<usize>>,
    /// Where the scales of activations start.
    scales: BTreeMap<String, f32>,
    logits: Vec<Vec<f64>>,
    losses: Vec<f64>,
    /// Of the first step.
    gradients: BTreeMap<String, Vec<f64>>,
    /// After the last.
    parameters: BTreeMap<String, Vec<f64>>,
}

fn dataset(name: &str, bytes: &[u8]) -> Dataset {
    let file = File { name: name.into(), bytes: bytes.to_vec().into() };
    Dataset::read(&[file], None, &mut unwatched).expect("the frames can be read")
}

/// The distance of our values from theirs, over the length of theirs; theirs are all of them, or so
/// many evenly spread.
fn off(ours: &[f32], theirs: &[f64]) -> f64 {
    assert!(!theirs.is_empty() && ours.len() >= theirs.len());
    let ours = (0..theirs.len()).map(|i| f64::from(ours[i * ours.len() / theirs.len()]));
    let square = |x: f64| x * x;
    let distance: f64 = ours.zip(theirs).map(|(ours, theirs)| square(ours - theirs)).sum();
    let length: f64 = theirs.iter().copied().map(square).sum();
    (distance / length.max(1e-30)).sqrt()
}

/// Logits, losses, gradients and parameters agree to one in ten thousand.
fn agrees_with_pytorch(
    network: &[u8],
    data: &Dataset,
    golden: &Golden,
    recipe: &Recipe,
    plan: &Plan,
) {
    const LARGEST: f64 = 1e-4;
    let graph = onnx::read(network).expect("the network can be read");
    let records =
        record(&graph, recipe, plan, [data, data], &golden.scales, &golden.batches, FROZEN_FROM);
    let records = records.expect("it can be trained");
    let mut far = Vec::new();
    let mut compare = |what: String, distance: f64| {
        if !(distance <= LARGEST) {
            far.push(format!("{what}: {distance:e}"));
        }
    };
    for (i, step) in records.iter().enumerate() {
        compare(format!("logits of step {i}"), off(&step.logits, &golden.logits[i]));
        let loss = golden.losses[i];
        compare(format!("loss of step {i}"), (step.loss - loss).abs() / loss);
    }
    let named: [(&str, &BTreeMap<String, Vec<f32>>, &BTreeMap<String, Vec<f64>>); 2] = [
        ("gradient", &records[0].gradients, &golden.gradients),
        ("parameter", &records[records.len() - 1].parameters, &golden.parameters),
    ];
    for (what, ours, theirs) in named {
        assert!(ours.keys().eq(theirs.keys()), "{:?} {:?}", ours.keys(), theirs.keys());
        for (name, theirs) in theirs {
            compare(format!("{what} {name}"), off(&ours[name], theirs));
        }
    }
    assert!(far.is_empty(), "{far:#?}");
}

fn golden(name: &str) -> Golden {
    let mut all: BTreeMap<String, Golden> =
        serde_json::from_str(include_str!("goldens/training.json")).expect("the golden is JSON");
    all.remove(name).expect("the golden is there")
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn a_small_network_with_normalizations_trains_as_in_pytorch() {
    let recipe = Recipe { weight_bits: 4, ..Recipe::default() };
    let plan = Plan { batch: 8, weight_decay: 0.0, ..Plan::default() };
    let data = dataset("training-small.npz", SMALL_FRAMES);
    agrees_with_pytorch(SMALL, &data, &golden("small"), &recipe, &plan);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn assignment_trains_as_in_pytorch() {
    let golden = golden("assignment");
    let frames = golden.frames.as_ref().expect("its frames are listed");
    let data = dataset("validation.zip", VALIDATION).select(frames);
    let plan = Plan {
        optimizer: Optimizer::Sgd,
        learning_rate: Some(1e-3),
        weight_decay: 0.0,
        ..Plan::default()
    };
    agrees_with_pytorch(ASSIGNMENT, &data, &golden, &Recipe::default(), &plan);
}
