//! Networks with several inputs, in float and quantized here in both formats: ONNX Runtime's answers,
//! stored by `goldens/inputs.py`; natively and in the browser.

use std::io::{Cursor, Read};

use crate::made_up::rows;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use steer8::data::Dataset;
use steer8::graph::Graph;
use steer8::onnx::{read, write};
use steer8::progress::unwatched;
use steer8::quantize::quantize;
use steer8::runtime::Arithmetic;
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::{Format, Recipe};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Deserialize)]
struct Golden {
    name: String,
    /// The float output, per frame.
    answers: Vec<Vec<f32>>,
    qdq: Int8,
    qoperator: Int8,
}

#[derive(Deserialize)]
struct Int8 {
    /// Of the file.
    sha256: String,
    /// Operators.
    left_in_float: Vec<String>,
    /// Of the output.
    scale: f32,
    /// ONNX Runtime's outputs, per frame.
    quanta: Vec<Vec<i32>>,
}

/// Of the largest value of an output.
const TOLERANCE: f32 = 1e-4;

/// Every golden with its network and frames.
fn goldens() -> Vec<(Golden, Vec<u8>, Dataset)> {
    let archive = Cursor::new(&include_bytes!("../goldens/inputs.zip")[..]);
    let mut pack = zip::ZipArchive::new(archive).expect("a zip");
    let mut part = |name: &str| {
        let mut part = Vec::new();
        let mut file = pack.by_name(name).expect("the pack has this part");
        file.read_to_end(&mut part).expect("the pack is whole");
        part
    };
    let goldens: Vec<Golden> = serde_json::from_slice(&part("goldens.json")).expect("JSON");
    let whole = |golden: Golden| {
        let network = part(&format!("{}.onnx", golden.name));
        let name = format!("{}.npz", golden.name);
        let frames = File { bytes: part(&name).into(), name };
        let data = Dataset::read(&[frames], &Reading::default(), &mut unwatched).expect("an npz");
        (golden, network, data)
    };
    goldens.into_iter().map(whole).collect()
}

/// Our first output on every frame.
fn answers(graph: &Graph, data: &Dataset, arithmetic: Arithmetic) -> Vec<Vec<f32>> {
    rows(graph, &data.rows_for(graph.inputs()).expect("an array for each input"), arithmetic)
}

fn furthest(ours: &[Vec<f32>], expected: &[Vec<f32>]) -> f32 {
    assert_eq!(ours.len(), expected.len());
    let pairs = || ours.iter().flatten().zip(expected.iter().flatten());
    let largest = pairs().fold(0f32, |most, (_, x)| most.max(x.abs()));
    pairs().fold(0f32, |most, (a, b)| most.max((a - b).abs())) / largest
}

fn complaints(golden: &Golden, bytes: &[u8], data: &Dataset) -> Vec<String> {
    let graph = read(bytes).expect("a network");
    let mut complaints = Vec::new();
    for arithmetic in [Arithmetic::Fast, Arithmetic::Deterministic] {
        let far = furthest(&answers(&graph, data, arithmetic), &golden.answers);
        if far > TOLERANCE {
            complaints.push(format!("{} {arithmetic:?}: off by {far}", golden.name));
        }
    }
    let rows = data.rows_for(graph.inputs()).expect("an array for each input");
    for (format, expected) in [(Format::Qdq, &golden.qdq), (Format::Qoperator, &golden.qoperator)] {
        let mut complain = |what: String| {
            complaints.push(format!("{} {format:?}: {what}", golden.name));
        };
        let recipe = Recipe { format, ..Recipe::default() };
        let made =
            quantize(&graph, &recipe, &rows, &mut |_, _, _| Ok(())).expect("it is quantized");
        let bytes = write(&made.graph);
        let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        if digest != expected.sha256 {
            complain("other bytes than those in the golden".into());
        }
        let left: Vec<String> = made.left_in_float.iter().map(|l| l.op.clone()).collect();
        if left != expected.left_in_float {
            complain(format!("{left:?} left in float"));
        }
        let file = read(&bytes).expect("what was written can be read");
        assert_eq!(file.inputs(), graph.inputs());
        let ours = answers(&file, data, Arithmetic::Fast);
        let quanta = |x: &f32| (x / expected.scale).round() as i32;
        let ours = ours.iter().map(|row| row.iter().map(quanta).collect::<Vec<_>>());
        let ours: Vec<Vec<i32>> = ours.collect();
        // Floats may be rounded otherwise.
        let most = u32::from(!left.is_empty());
        let pairs = ours.iter().flatten().zip(expected.quanta.iter().flatten());
        let apart = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(u32::MAX);
        if apart > most || ours.len() != expected.quanta.len() {
            complain(format!("up to {apart} quanta apart"));
        }
    }
    complaints
}

#[test]
fn answers_are_onnx_runtimes() {
    let goldens = goldens();
    let lines: Vec<String> =
        goldens.iter().flat_map(|(golden, bytes, data)| complaints(golden, bytes, data)).collect();
    assert!(goldens.len() >= 6, "only {} networks", goldens.len());
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

/// What was written has the file's inputs, in its order, and is the same network when it is read.
#[test]
fn networks_survive_a_round_trip() {
    for (golden, bytes, _) in goldens() {
        let first = read(&bytes).expect("a network");
        let written = write(&first);
        let again = read(&written).expect("what was written can be read");
        assert_eq!(again.packed, first.packed, "{}", golden.name);
        if first.packed.iter().all(|input| input.element == steer8::graph::Element::F32) {
            let same = Graph { producer: first.producer.clone(), ..again };
            assert_eq!(same, first, "{}", golden.name);
        }
        let text = String::from_utf8_lossy(&written).into_owned();
        assert!(!text.contains("Unpack") && !text.contains("ai.steer8"), "{}", golden.name);
    }
}
