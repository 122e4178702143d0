//! Small networks on which an operator's meaning is easily lost, or of which nodes are joined before they
//! run: ONNX Runtime's answers, stored by `goldens/answers.py` and `goldens/folding.py`; natively and
//! in the browser.

use std::collections::BTreeMap;

use serde::Deserialize;
use steer8::graph::{Data, Graph, Tensor};
use steer8::onnx::read;
use steer8::quantize::{Step, quantize};
use steer8::runtime::{Arithmetic, Session};
use steer8::vocabulary::recipe::Recipe;

use crate::made_up::floats;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Deserialize)]
struct Golden {
    /// Hexadecimal.
    network: String,
    shape: Vec<usize>,
    frames: Vec<Vec<f32>>,
    /// How far an answer may be off, beside [`TOLERANCE`].
    apart: f32,
    /// All outputs to each frame.
    #[serde(default)]
    answers: Vec<Vec<Vec<f32>>>,
    /// In place of answers, a part of the error.
    refused: Option<String>,
}

/// Of the largest value of an output.
const TOLERANCE: f32 = 1e-5;

fn network(golden: &Golden) -> Result<Graph, String> {
    let byte = |at| u8::from_str_radix(&golden.network[at..at + 2], 16);
    let bytes = (0..golden.network.len()).step_by(2).map(byte).collect::<Result<Vec<_>, _>>();
    read(&bytes.expect("hexadecimal")).map_err(|error| error.to_string())
}

/// Those of `graph` to the frames, one after the other in one session.
fn answers(
    graph: &Graph,
    golden: &Golden,
    arithmetic: Arithmetic,
) -> Result<Vec<Vec<Tensor>>, String> {
    let mut session = Session::new(graph, None, arithmetic).map_err(|error| error.to_string())?;
    let frame = |frame: &Vec<f32>| {
        let input = Tensor::new(&golden.shape[..], Data::F32(frame.clone()));
        session.run_typed(input).map_err(|error| error.to_string())
    };
    golden.frames.iter().map(frame).collect()
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    match &tensor.data {
        Data::F32(values) => values.clone(),
        Data::I64(values) => values.iter().map(|&x| x as f32).collect(),
        _ => tensor.to_i32().expect("integers").iter().map(|&x| x as f32).collect(),
    }
}

fn complaint(golden: &Golden, arithmetic: Arithmetic) -> Option<String> {
    let ours = network(golden).and_then(|graph| answers(&graph, golden, arithmetic));
    let ours = match (ours, &golden.refused) {
        (Err(error), Some(words)) if error.contains(words) => return None,
        (Err(error), _) => return Some(error),
        (Ok(_), Some(_)) => return Some("it is not refused".into()),
        (Ok(ours), None) => ours,
    };
    for (frame, (ours, expected)) in ours.iter().zip(&golden.answers).enumerate() {
        for (output, expected) in expected.iter().enumerate() {
            let ours = ours.get(output).map(numbers).unwrap_or_default();
            if ours.len() != expected.len() {
                return Some(format!("{} values, not {}", ours.len(), expected.len()));
            }
            let largest = expected.iter().fold(1e-6f32, |m, x| m.max(x.abs()));
            for (i, (a, b)) in ours.iter().zip(expected).enumerate() {
                // Nothing is close to what is not a number.
                let close = (a - b).abs() <= golden.apart + TOLERANCE * largest;
                if !close {
                    return Some(format!("frame {frame}, output {output}: [{i}] is {a}, not {b}"));
                }
            }
        }
    }
    None
}

fn read_goldens(text: &str) -> BTreeMap<String, Golden> {
    let goldens: BTreeMap<String, Golden> = serde_json::from_str(text).expect("JSON");
    assert!(!goldens.is_empty());
    goldens
}

fn check(text: &str) {
    let mut complaints = Vec::new();
    for (name, golden) in &read_goldens(text) {
        for arithmetic in [Arithmetic::Fast, Arithmetic::Deterministic] {
            let complaint = complaint(golden, arithmetic);
            complaints.extend(complaint.map(|what| format!("{name}, {arithmetic:?}: {what}")));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn answers_are_onnx_runtimes() {
    check(include_str!("../goldens/answers.json"));
}

#[test]
fn joined_nodes_answer_the_same() {
    check(include_str!("../goldens/folding.json"));
}

/// What is joined is quantized as a whole, and keeps the float network's answers.
#[test]
fn joined_nodes_are_quantized() {
    for (name, golden) in &read_goldens(include_str!("../goldens/folding.json")) {
        let graph = network(golden).expect("a network");
        let shape = [&[golden.frames.len()], &golden.shape[1..]].concat();
        let data = floats(&shape, &golden.frames.concat());
        let unheard = &mut |_: Step, _: usize, _: usize| Ok(());
        let quantized = quantize(&graph, &Recipe::default(), &data, unheard).expect("it quantizes");
        assert_eq!(quantized.left_in_float, [], "{name}");
        let ours = answers(&quantized.graph, golden, Arithmetic::Deterministic).expect("it runs");
        let [mut signal, mut noise] = [0.0; 2];
        for (ours, expected) in ours.iter().zip(&golden.answers) {
            for (a, b) in numbers(&ours[0]).iter().zip(&expected[0]) {
                signal += b * b;
                noise += (a - b).powi(2);
            }
        }
        assert!(signal > 1000.0 * noise, "{name}: {} dB", 10.0 * (signal / noise).log10());
    }
}
