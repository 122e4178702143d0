//! ONNX's own tests of the quantization operators, stored by `goldens/operators.py`; natively and in
//! the browser.

use serde::Deserialize;
use steer8::graph::{Data, Element, Tensor};
use steer8::onnx::read;
use steer8::runtime::{Arithmetic, Session};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What is not supported, by the part of the test's name that says so.
const SKIPPED: [(&str, &str); 5] = [
    ("_e4m3fn", "8-bit floats"),
    ("_e5m2", "8-bit floats"),
    ("_int16", "16-bit integers"),
    ("_uint16", "16-bit integers"),
    ("_blocked_symmetric", "16-bit integers"),
];

/// Tests whose expected integers wrapped around where the operator saturates, as ONNX Runtime does and
/// the operator's page says: <https://github.com/onnx/onnx/issues/6169>.
const WRAPPED: &str = "qlinearmatmul_";

#[derive(Deserialize)]
struct Golden {
    name: String,
    network: String,
    input: Option<Values>,
    outputs: Vec<Option<Values>>,
}

#[derive(Deserialize)]
struct Values {
    #[serde(rename = "type")]
    element: String,
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Values {
    fn tensor(&self) -> Tensor {
        let codes: Vec<i32> = self.values.iter().map(|&v| v as i32).collect();
        let data = match self.element.as_str() {
            "float32" => Data::F32(self.values.iter().map(|&v| v as f32).collect()),
            "uint8" => Data::U8(codes.iter().map(|&q| q as u8).collect()),
            "int8" => Data::I8(codes.iter().map(|&q| q as i8).collect()),
            "int32" => Data::I32(codes),
            "int4" => return Tensor::int4(self.shape.clone(), &codes),
            "uint4" => {
                let bytes = Data::U8(codes.iter().map(|&q| q as u8).collect());
                return Tensor::new(self.shape.clone(), bytes).narrowed(Element::U4);
            }
            other => panic!("the golden has a tensor of {other}"),
        };
        Tensor::new(self.shape.clone(), data)
    }
}

fn run(golden: &Golden) -> Result<Vec<Tensor>, String> {
    let bytes = (0..golden.network.len()).step_by(2);
    let byte = |at| u8::from_str_radix(&golden.network[at..at + 2], 16);
    let bytes: Vec<u8> = bytes.map(byte).collect::<Result<_, _>>().expect("hexadecimal");
    let input = golden.input.as_ref().ok_or("the golden has no input")?;
    let outputs = read(&bytes)
        .and_then(|graph| Session::new(&graph, None, Arithmetic::Fast))
        .and_then(|mut session| session.run_typed(input.tensor()));
    outputs.map_err(|error| error.to_string())
}

/// Integers are the same; floats, which ONNX compares within 0.1 %, within a few units of their last
/// place. `wrapped`: int8 at the ends of its type may be something else in the golden.
fn compare(ours: &Tensor, expected: &Tensor, wrapped: bool) -> Result<(), String> {
    let same = match (&ours.data, &expected.data) {
        (Data::I8(a), Data::I8(b)) if wrapped => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a == b || matches!(*a, i8::MIN | i8::MAX))
        }
        (Data::F32(a), Data::F32(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 3e-7 * b.abs())
        }
        (a, b) => a == b,
    };
    if same && ours.shape == expected.shape {
        return Ok(());
    }
    Err(format!("{ours:?} is not {expected:?}"))
}

fn check(golden: &Golden) -> Result<(), String> {
    let ours = run(golden)?;
    if ours.len() != golden.outputs.len() {
        return Err(format!("{} outputs, not {}", ours.len(), golden.outputs.len()));
    }
    golden.outputs.iter().zip(&ours).try_for_each(|(expected, ours)| {
        let expected = expected.as_ref().ok_or("the golden lacks an output")?.tensor();
        compare(ours, &expected, golden.name.starts_with(WRAPPED))
    })
}

#[test]
fn onnx_operator_tests() {
    let goldens: Vec<Golden> = serde_json::from_str(include_str!("../goldens/onnx_operators.json"))
        .expect("the goldens are JSON");
    let (mut passed, mut skipped, mut failed) = (0, 0, Vec::new());
    let mut lines = Vec::new();
    for golden in &goldens {
        let name = &golden.name;
        let outcome = match SKIPPED.iter().find(|(part, _)| name.contains(part)) {
            Some((_, why)) => {
                skipped += 1;
                format!("skipped {name}: {why}")
            }
            None => match check(golden) {
                Ok(()) => {
                    passed += 1;
                    format!("passed  {name}")
                }
                Err(why) => {
                    failed.push(name);
                    format!("FAILED  {name}: {why}")
                }
            },
        };
        lines.push(outcome);
    }
    println!("{}", lines.join("\n"));
    println!("{passed} passed, {skipped} skipped, {} failed", failed.len());
    assert!(failed.is_empty(), "{failed:?}\n{}", lines.join("\n"));
    assert_eq!((passed, skipped), (28, 11), "tests were lost");
}
