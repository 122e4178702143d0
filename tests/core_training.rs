//! Training against PyTorch's, stored by `goldens/training.py`; and networks of other shapes that must
//! fit made-up data. Natively and in the browser.

use std::collections::BTreeMap;

use std::io::{Cursor, Write};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use steer8::data::{Dataset, File};
use steer8::graph::{Attribute, Data, Dim, Graph, Node, Tensor, Value};
use steer8::onnx;
use steer8::progress::{ready, unwatched};
use steer8::quantize::Recipe;
use steer8::random::SplitMix64;
use steer8::runtime::{Arithmetic, Session};
use steer8::train::{Alone, Listener, Optimizer, Plan, Scales, Trained, record, train};
use zip::write::{SimpleFileOptions, ZipWriter};

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

/// Channels, height and width of the made-up frames.
const FRAME: [usize; 3] = [2, 8, 8];
const CLASSES: usize = 4;

/// Noise with one brighter quarter, which is the class.
fn made_up(frames: usize) -> Dataset {
    let [channels, height, width] = FRAME;
    let mut random = SplitMix64::new(11);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for frame in 0..frames {
        let class = frame % CLASSES;
        y.push(class as u8);
        for at in 0..height * width {
            let quarter = at / width / (height / 2) * 2 + at % width / (width / 2);
            let bright = if quarter == class { 70 } else { 0 };
            x.extend((0..channels).map(|_| (random.below(160) + bright) as u8));
        }
    }
    let shape = format!("{frames}, {height}, {width}, {channels}");
    let arrays = [("x.npy", array(&shape, &x)), ("y.npy", array(&format!("{frames},"), &y))];
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    dataset("made-up.npz", &archive.finish().unwrap().into_inner())
}

fn array(shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), bytes].concat()
}

/// A network from made-up frames to scores, with random weights.
struct Net {
    graph: Graph,
    random: SplitMix64,
}

impl Net {
    fn new() -> Self {
        let value = |name: &str, shape| Value { name: name.into(), shape, ..Value::default() };
        let dims = FRAME.iter().map(|&d| Dim::Fixed(d));
        let shape = std::iter::once(Dim::Free("n".into())).chain(dims).collect();
        let graph = Graph {
            input: value("x", Some(shape)),
            outputs: vec![value("y", None)],
            opsets: [(String::new(), 17)].into(),
            ir_version: 8,
            ..Graph::default()
        };
        Self { graph, random: SplitMix64::new(3) }
    }

    fn node(&mut self, op: &str, inputs: &[&str], output: &str, ints: &[(&str, &[i64])]) {
        let mut node = Node::new(op, output, inputs.iter().copied(), [output]);
        for (name, values) in ints {
            let value = match values {
                [one] if ["group", "axis", "transB"].contains(name) => Attribute::Int(*one),
                _ => Attribute::Ints(values.to_vec()),
            };
            node = node.with(name, value);
        }
        self.graph.nodes.push(node);
    }

    /// A layer with random weights of this shape, outputs first.
    fn layer(&mut self, op: &str, x: &str, y: &str, shape: &[usize], ints: &[(&str, &[i64])]) {
        let inputs: usize = shape[1..].iter().product();
        let spread = (3.0 / inputs as f32).sqrt();
        let mut number = || (self.random.below(2001) as f32 / 1000.0 - 1.0) * spread;
        let weights = (0..inputs * shape[0]).map(|_| number()).collect();
        let name = format!("{y}_weights");
        self.graph.initializers.insert(name.clone(), Tensor::new(shape, Data::F32(weights)));
        let bias = Tensor::new([shape[0]], Data::F32(vec![0.0; shape[0]]));
        self.graph.initializers.insert(format!("{y}_bias"), bias);
        self.node(op, &[x, &name, &format!("{y}_bias")], y, ints);
    }

    fn normalization(&mut self, x: &str, y: &str, channels: usize) {
        let mut names = vec![x.to_owned()];
        for (what, value) in [("gain", 1.0), ("shift", 0.0), ("mean", 0.0), ("variance", 1.0)] {
            let name = format!("{y}_{what}");
            let tensor = Tensor::new([channels], Data::F32(vec![value; channels]));
            self.graph.initializers.insert(name.clone(), tensor);
            names.push(name);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.node("BatchNormalization", &names, y, &[]);
    }
}

const AROUND: (&str, &[i64]) = ("pads", &[1, 1, 1, 1]);
const TWO: (&str, &[i64]) = ("strides", &[2, 2]);

/// Normalized convolutions with a residual connection, a Concat and an average pool.
fn residual() -> Graph {
    let mut net = Net::new();
    net.layer("Conv", "x", "c1", &[8, 2, 3, 3], &[AROUND]);
    net.normalization("c1", "n1", 8);
    net.node("Relu", &["n1"], "r1", &[]);
    net.layer("Conv", "r1", "c2", &[8, 8, 3, 3], &[AROUND]);
    net.normalization("c2", "n2", 8);
    net.node("Add", &["n2", "r1"], "sum", &[]);
    net.node("Relu", &["sum"], "r2", &[]);
    net.layer("Conv", "r1", "side", &[4, 8, 1, 1], &[]);
    net.node("Concat", &["r2", "side"], "joined", &[("axis", &[1])]);
    net.node("AveragePool", &["joined"], "pooled", &[("kernel_shape", &[2, 2]), TWO]);
    net.layer("Conv", "pooled", "c3", &[8, 12, 3, 3], &[TWO, AROUND]);
    net.normalization("c3", "n3", 8);
    net.node("Relu", &["n3"], "r3", &[]);
    net.node("Flatten", &["r3"], "flat", &[]);
    net.layer("Gemm", "flat", "y", &[CLASSES, 32], &[("transB", &[1])]);
    net.graph
}

/// SiLU (Sigmoid and Mul) and HardSwish, a depthwise convolution, no normalization.
fn silu() -> Graph {
    let mut net = Net::new();
    net.layer("Conv", "x", "c1", &[8, 2, 3, 3], &[AROUND]);
    net.node("Sigmoid", &["c1"], "g1", &[]);
    net.node("Mul", &["c1", "g1"], "s1", &[]);
    net.layer("Conv", "s1", "c2", &[8, 1, 3, 3], &[("group", &[8]), TWO, AROUND]);
    net.node("Sigmoid", &["c2"], "g2", &[]);
    net.node("Mul", &["g2", "c2"], "s2", &[]);
    net.layer("Conv", "s2", "c3", &[12, 8, 2, 2], &[TWO]);
    net.node("HardSwish", &["c3"], "h3", &[]);
    net.node("MaxPool", &["h3"], "pooled", &[("kernel_shape", &[1, 1])]);
    net.node("Flatten", &["pooled"], "flat", &[]);
    net.layer("Gemm", "flat", "y", &[CLASSES, 48], &[("transB", &[1])]);
    net.graph
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
    let data = made_up(400);
    let trained = fitted(graph, plan, &data);
    let last = trained.epochs.last().expect("it had epochs");
    let best = trained.best;
    assert!(trained.start.heldout_top1 < 0.6, "random weights: {:?}", trained.start);
    assert!(last.train_top1 > 0.98 && best.heldout_top1 > 0.95, "{:?}", trained.epochs);
    let bytes = onnx::write(&trained.quantized.graph);
    let file = onnx::read(&bytes).expect("it can be read back");
    let mut session = Session::new(&file, Some(&FRAME), Arithmetic::Fast).expect("it runs");
    let labels = data.labels().expect("they have labels");
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
    assert_eq!(int8, best.heldout_top1, "the int8 runtime sees what training saw");
    assert!(trained.quantized.left_in_float.is_empty(), "{:?}", trained.quantized.left_in_float);
    bytes
}

/// Of the file that training the residual network gives, on every machine.
const RESIDUAL_SHA256: &str = "0b195176122b2c470124fe4f15388782c918ab00879f5a5bb081daa2057c7896";

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
    let data = made_up(120);
    let plan = |seed| Plan { seed, batch: 24, learning_rate: Some(2e-2), ..Plan::default() };
    let bytes = |trained: &Trained| onnx::write(&trained.quantized.graph);
    let [one, same, other] = [1, 1, 2].map(|seed| fitted(&silu(), &plan(seed), &data));
    assert!(one.epochs.len() < Plan::MAX_EPOCHS, "it converges");
    assert_eq!(bytes(&one), bytes(&same));
    assert_ne!(bytes(&one), bytes(&other));
}
