//! Networks drawn at random, and small ones as PyTorch's present exporter writes them, in float and
//! quantized here in both formats: ONNX Runtime's answers, stored by `goldens/drawn.py` and
//! `goldens/dynamo.py`; natively and in the browser.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use serde::Deserialize;
use steer8::data::Dataset;
use steer8::graph::{Data, Graph, Tensor};
use steer8::onnx::{read, read_with, write};
use steer8::progress::unwatched;
use steer8::quantize::quantize;
use steer8::runtime::{Arithmetic, Session};
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::{Format, Recipe};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Deserialize)]
struct Golden {
    name: String,
    /// Each float output to all frames.
    answers: Vec<Vec<f32>>,
    /// Those of the quantized files, where no operator jumps.
    qdq: Option<Int8>,
    qoperator: Option<Int8>,
}

#[derive(Deserialize)]
struct Int8 {
    answers: Vec<Vec<f32>>,
    /// How far ONNX Runtime's own runs are apart, of the largest value.
    apart: f32,
}

/// Of the largest value of an output.
const TOLERANCE: f32 = 1e-4;
const INT8_TOLERANCE: f32 = 1e-2;

/// Each float output to all frames.
fn answers(graph: &Graph, data: &Dataset, arithmetic: Arithmetic) -> Vec<Vec<f32>> {
    let mut session = Session::new(graph, Some(data.frame_shape()), arithmetic).expect("it runs");
    let (batch, len) = (session.batch(), session.frame_len());
    let shape = [&[batch], data.frame_shape()].concat();
    let mut outputs = vec![Vec::new(); graph.outputs.len()];
    for first in (0..data.len()).step_by(batch) {
        let mut input = vec![0.0; batch * len];
        for (slot, input) in input.chunks_exact_mut(len).enumerate() {
            data.input(first + slot, input);
        }
        let input = Tensor::new(&shape[..], Data::F32(input));
        let made = session.run_typed(input).expect("it runs");
        for (values, tensor) in outputs.iter_mut().zip(&made) {
            values.extend_from_slice(tensor.as_f32().unwrap_or_default());
        }
    }
    outputs.retain(|values| !values.is_empty());
    outputs
}

/// The largest difference, of the largest value.
fn furthest(ours: &[Vec<f32>], expected: &[Vec<f32>]) -> f32 {
    let shapes = |outputs: &[Vec<f32>]| outputs.iter().map(Vec::len).collect::<Vec<_>>();
    if shapes(ours) != shapes(expected) {
        return f32::INFINITY;
    }
    let off = |(ours, expected): (&Vec<f32>, &Vec<f32>)| {
        let largest = expected.iter().fold(1e-6f32, |most, x| most.max(x.abs()));
        let apart = ours.iter().zip(expected).map(|(a, b)| (a - b).abs());
        let apart = apart.map(|x| if x.is_nan() { f32::INFINITY } else { x });
        apart.fold(0.0, f32::max) / largest
    };
    ours.iter().zip(expected).map(off).fold(0.0, f32::max)
}

fn complaints(golden: &Golden, graph: &Graph, data: &Dataset) -> Vec<String> {
    let mut complaints = Vec::new();
    for arithmetic in [Arithmetic::Fast, Arithmetic::Deterministic] {
        let far = furthest(&answers(graph, data, arithmetic), &golden.answers);
        if far > TOLERANCE {
            complaints.push(format!("{} {arithmetic:?}: off by {far}", golden.name));
        }
    }
    let files = [(Format::Qdq, &golden.qdq), (Format::Qoperator, &golden.qoperator)];
    for (format, expected) in files {
        let Some(Int8 { answers: expected, apart }) = expected else { continue };
        let recipe = Recipe { format, ..Recipe::default() };
        let made = quantize(graph, &recipe, data, &mut |_, _, _| Ok(()));
        let made = write(&made.expect("it can be quantized").graph);
        let made = read(&made).expect("what was written can be read");
        let far = furthest(&answers(&made, data, Arithmetic::Fast), expected);
        if far > INT8_TOLERANCE + 2.0 * apart {
            complaints.push(format!("{} {format:?}: off by {far}", golden.name));
        }
    }
    complaints
}

/// Every file of a zip by its name.
fn parts(pack: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut pack = zip::ZipArchive::new(Cursor::new(pack)).expect("a zip");
    let count = pack.len();
    let part = |at| {
        let (mut file, mut bytes) = (pack.by_index(at).expect("a part"), Vec::new());
        file.read_to_end(&mut bytes).expect("the pack is whole");
        (file.name().expect("text").into_owned(), bytes)
    };
    (0..count).map(part).collect()
}

fn check(pack: &[u8], least: usize) {
    let parts = parts(pack);
    let beside = |name: &str| parts.get(name).map(Vec::as_slice);
    let goldens: Vec<Golden> = serde_json::from_slice(&parts["goldens.json"]).expect("JSON");
    let mut lines = Vec::new();
    for golden in &goldens {
        let network = &parts[&format!("{}.onnx", golden.name)];
        let network = read_with(network, &beside).expect("a network");
        let name = format!("{}.npz", golden.name);
        let frames = File { bytes: parts[&name].clone().into(), name };
        let data = Dataset::read(&[frames], &Reading::default(), &mut unwatched).expect("an npz");
        lines.extend(complaints(golden, &network, &data));
    }
    assert!(goldens.len() >= least, "only {} networks", goldens.len());
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn answers_are_onnx_runtimes() {
    check(include_bytes!("../goldens/drawn.zip"), 50);
}

#[test]
fn what_pytorch_exports_is_answered() {
    check(include_bytes!("../goldens/dynamo.zip"), 40);
}
