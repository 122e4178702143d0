//! Training against PyTorch's, stored by `goldens/training.py`; and networks of other shapes that must
//! fit made-up data. Natively and in the browser.

use std::collections::BTreeMap;

use crate::made_up::{CLASSES, FRAME, dataset, frames, residual, silu};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use steer8::crew::Alone;
use steer8::data::Dataset;
use steer8::graph::Graph;
use steer8::onnx;
use steer8::progress::ready;
use steer8::runtime::{Arithmetic, Session};
use steer8::train::{Listener, Trained, record, train};
use steer8::vocabulary::plan::{Optimizer, Plan, Scales};
use steer8::vocabulary::recipe::Recipe;

const VALIDATION: &[u8] = include_bytes!("../../models/frames/validation.zip");
const ASSIGNMENT: &[u8] = include_bytes!("../../models/networks/assignment.onnx");
const SMALL: &[u8] = include_bytes!("../goldens/training-small.onnx");
const SMALL_FRAMES: &[u8] = include_bytes!("../goldens/training-small.npz");

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
        if distance.is_nan() || distance > LARGEST {
            far.push(format!("{what}: {distance:e}"));
        }
    };
    for (i, step) in records.iter().enumerate() {
        compare(format!("logits of step {i}"), off(&step.logits, &golden.logits[i]));
        let loss = golden.losses[i];
        compare(format!("loss of step {i}"), (step.loss - loss).abs() / loss);
    }
    let last = &records[records.len() - 1].parameters;
    for (what, ours, theirs) in [
        ("gradient", &records[0].gradients, &golden.gradients),
        ("parameter", last, &golden.parameters),
    ] {
        assert!(ours.keys().eq(theirs.keys()), "{:?} {:?}", ours.keys(), theirs.keys());
        for (name, theirs) in theirs {
            compare(format!("{what} {name}"), off(&ours[name], theirs));
        }
    }
    assert!(far.is_empty(), "{far:#?}");
}

fn golden(name: &str) -> Golden {
    let mut all: BTreeMap<String, Golden> =
        serde_json::from_str(include_str!("../goldens/training.json")).expect("the golden is JSON");
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

fn fitted(graph: &Graph, plan: &Plan, data: &Dataset) -> Trained {
    let mut unheard = |_: &_| ();
    let listener =
        Listener { progress: &mut |_, _, _| Ok(()), epoch: &mut unheard, checkpoint: None };
    let recipe = Recipe { weight_bits: 6, ..Recipe::default() };
    ready(train(graph, &recipe, plan, [data, data], None, listener, &mut Alone)).expect("it trains")
}

/// It fits the frames, and the file says what training has seen.
fn fits(graph: &Graph, plan: &Plan) -> Vec<u8> {
    let data = frames(400);
    let trained = fitted(graph, plan, &data);
    let last = trained.epochs.last().expect("it had epochs");
    let best = trained.best;
    assert!(trained.start.heldout_score < 0.6, "random weights: {:?}", trained.start);
    assert!(last.train_score > 0.98 && best.heldout_score > 0.95, "{:?}", trained.epochs);
    let bytes = onnx::write(&trained.quantized.graph);
    let file = onnx::read(&bytes).expect("it can be read back");
    let mut session = Session::new(&file, Some(&FRAME), Arithmetic::Fast).expect("it runs");
    let labels = data.classes().expect("they have labels");
    let mut input = vec![0.0; FRAME.iter().product()];
    let mut hits = 0;
    for &frame in &trained.held_out {
        data.input(frame, &mut input);
        let right = labels[frame] as usize;
        let mut see = |logits: &[f32]| {
            let best = (0..CLASSES).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
            hits += usize::from(best == Some(right));
        };
        session.run(&input, |_, logits| see(logits)).expect("it runs");
    }
    let int8 = hits as f64 / trained.held_out.len() as f64;
    assert_eq!(Some(int8), best.heldout_top1, "the int8 runtime sees what training saw");
    assert!(trained.quantized.left_in_float.is_empty(), "{:?}", trained.quantized.left_in_float);
    bytes
}

/// Of the file that training the residual network gives, on every machine.
const RESIDUAL_SHA256: &str = "89dc31cfaddbbfcc1b9573af73c90deecbe5fb6ea3c3015d6709a10e90ae5d11";

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn a_residual_network_fits_made_up_frames_to_the_same_bytes_everywhere() {
    let plan = Plan { epochs: Some(8), batch: 20, learning_rate: Some(5e-3), ..Plan::default() };
    let bytes = fits(&residual(), &plan);
    let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(digest, RESIDUAL_SHA256);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn a_network_of_silus_without_normalizations_fits_made_up_frames() {
    let scales = Scales::MovingAverage;
    let plan =
        Plan { epochs: Some(8), scales, learning_rate: Some(5e-3), batch: 20, ..Plan::default() };
    fits(&silu(), &plan);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn a_seed_decides_and_convergence_ends() {
    let data = frames(120);
    let plan = |seed| Plan { seed, batch: 24, learning_rate: Some(2e-2), ..Plan::default() };
    let bytes = |trained: &Trained| onnx::write(&trained.quantized.graph);
    let [one, same, other] = [1, 1, 2].map(|seed| fitted(&silu(), &plan(seed), &data));
    assert!(one.epochs.len() < Plan::MAX_EPOCHS, "it converges");
    assert_eq!(bytes(&one), bytes(&same));
    assert_ne!(bytes(&one), bytes(&other));
}
