//! Small networks on which an operator's meaning is easily lost: ONNX Runtime's answers, stored by
//! `goldens/answers.py`; natively and in the browser.

use std::collections::BTreeMap;

use serde::Deserialize;
use steer8::graph::{Data, Tensor};
use steer8::onnx::read;
use steer8::runtime::{Arithmetic, Session};

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

/// Ours to the frames, one after the other in one session.
fn run(golden: &Golden, arithmetic: Arithmetic) -> Result<Vec<Vec<Tensor>>, String> {
    let byte = |at| u8::from_str_radix(&golden.network[at..at + 2], 16);
    let bytes = (0..golden.network.len()).step_by(2).map(byte).collect::<Result<Vec<_>, _>>();
    let graph = read(&bytes.expect("hexadecimal")).map_err(|error| error.to_string())?;
    let mut session = Session::new(&graph, None, arithmetic).map_err(|error| error.to_string())?;
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
    let ours = match (run(golden, arithmetic), &golden.refused) {
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

#[test]
fn answers_are_onnx_runtimes() {
    let goldens: BTreeMap<String, Golden> =
        serde_json::from_str(include_str!("../goldens/answers.json")).expect("JSON");
    let mut complaints = Vec::new();
    for (name, golden) in &goldens {
        for arithmetic in [Arithmetic::Fast, Arithmetic::Deterministic] {
            let complaint = complaint(golden, arithmetic);
            complaints.extend(complaint.map(|what| format!("{name}, {arithmetic:?}: {what}")));
        }
    }
    assert!(!goldens.is_empty());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
