//! QLinearAdd, QLinearMul and QLinearConcat on every pair of codes: ONNX Runtime's integers, whose
//! digests `goldens/integers.py` prints; natively and in the browser.

use sha2::{Digest, Sha256};
use steer8::graph::{Attribute, Data, Dim, Element, Graph, Node, Tensor, Value};
use steer8::runtime::{Arithmetic, Session};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Of both operands and of the output; of equal or binary ones many sums are ties.
const SCALES: [[f32; 3]; 4] = [
    [0.0173, 0.0311, 0.0429],
    [0.02, 0.02, 0.02],
    [0.0078125, 0.03125, 0.0625],
    [0.05, 0.004, 0.031],
];

/// From the smallest code on.
const ZERO_POINTS: [[u8; 3]; 4] = [[0, 0, 0], [128, 128, 128], [0, 77, 131], [255, 1, 128]];

const CONSTANT: u8 = 93;

/// Operator, operands, signed, the first digits of the digest of all codes. ONNX Runtime 1.32.0.
const DIGESTS: [(&str, &str, bool, &str); 18] = [
    ("QLinearAdd", "pairs", false, "86ffc0e1d72779bf"),
    ("QLinearAdd", "pairs", true, "44a0fd109a0a6654"),
    ("QLinearAdd", "one first", false, "97f846af38d16fc7"),
    ("QLinearAdd", "one first", true, "f645469bbadc46ff"),
    ("QLinearAdd", "one second", false, "b23e01cdc3ef9d12"),
    ("QLinearAdd", "one second", true, "5decef075671cba6"),
    ("QLinearAdd", "channels", false, "f2ef87a0d6194893"),
    ("QLinearAdd", "channels", true, "27b715849c9e31d1"),
    ("QLinearMul", "pairs", false, "a056541b416221cd"),
    ("QLinearMul", "pairs", true, "3fadbe8d0c035774"),
    ("QLinearMul", "one first", false, "148e9afaae1fced8"),
    ("QLinearMul", "one first", true, "0fbbbbad9561653c"),
    ("QLinearMul", "one second", false, "7b7a60233c7064a9"),
    ("QLinearMul", "one second", true, "88abf59d95102143"),
    ("QLinearMul", "channels", false, "39ccf82e67a2d54c"),
    ("QLinearMul", "channels", true, "fcfe659d8c298639"),
    ("QLinearConcat", "pairs", false, "66ffca151b6cf490"),
    ("QLinearConcat", "pairs", true, "4e6b19d3f3281bd8"),
];

/// Codes from the smallest on, with their shape: those of the input and of the constant.
fn operands(form: &str) -> [(Vec<usize>, Vec<u8>); 2] {
    let all = || 0..=u8::MAX;
    match form {
        "pairs" => {
            let input = all().flat_map(|_| all()).collect();
            let constant = all().flat_map(|b| all().map(move |_| b)).collect();
            [(vec![1, 1 << 16], input), (vec![1, 1 << 16], constant)]
        }
        "channels" => {
            let input = (0..4).flat_map(|_| all()).collect();
            [(vec![1, 256, 4], input), (vec![256, 1], all().collect())]
        }
        _ => [(vec![1, 256], all().collect()), (vec![1], vec![CONSTANT])],
    }
}

fn tensor(shape: &[usize], codes: &[u8], signed: bool) -> Tensor {
    let data = match signed {
        true => Data::I8(codes.iter().map(|&code| code.wrapping_sub(128) as i8).collect()),
        false => Data::U8(codes.to_vec()),
    };
    Tensor::new(shape, data)
}

fn graph(op: &str, form: &str, signed: bool, scales: [f32; 3], zero_points: [u8; 3]) -> Graph {
    let [(shape, _), (constant_shape, constant)] = operands(form);
    let element = if signed { Element::I8 } else { Element::U8 };
    let dims = shape.iter().map(|&dim| Dim::Fixed(dim)).collect();
    let mut graph = Graph {
        input: Value { name: "x".into(), element, shape: Some(dims) },
        outputs: vec![Value { name: "y".into(), element, shape: None }],
        opsets: [(String::new(), 17), ("com.microsoft".into(), 1)].into(),
        ir_version: 8,
        ..Graph::default()
    };
    let mut constants = vec![("c".to_owned(), tensor(&constant_shape, &constant, signed))];
    for (name, (scale, zero_point)) in ["a", "b", "y"].iter().zip(scales.iter().zip(zero_points)) {
        constants.push((format!("{name}_s"), Tensor::new([], Data::F32(vec![*scale]))));
        constants.push((format!("{name}_z"), tensor(&[], &[zero_point], signed)));
    }
    graph.initializers.extend(constants);
    let [a, b] = if form == "one first" { ["c", "x"] } else { ["x", "c"] };
    let read = [a, "a_s", "a_z", b, "b_s", "b_z"];
    let node = match op {
        "QLinearConcat" => Node::new(op, "node", [&["y_s", "y_z"], &read[..]].concat(), ["y"])
            .with("axis", Attribute::Int(1)),
        _ => Node::new(op, "node", [&read[..], &["y_s", "y_z"]].concat(), ["y"]),
    };
    graph.nodes.push(Node { domain: "com.microsoft".into(), ..node });
    graph
}

#[test]
fn integers_are_onnx_runtimes() {
    let mut other = Vec::new();
    for (op, form, signed, expected) in DIGESTS {
        let [(shape, input), _] = operands(form);
        let mut digest = Sha256::new();
        for scales in SCALES {
            for zero_points in ZERO_POINTS {
                let graph = graph(op, form, signed, scales, zero_points);
                let session = Session::new(&graph, None, Arithmetic::Fast);
                let made = session.and_then(|mut s| s.run_typed(tensor(&shape, &input, signed)));
                match &made.expect("it runs")[0].data {
                    Data::U8(codes) => digest.update(codes),
                    Data::I8(codes) => codes.iter().for_each(|&q| digest.update([q as u8])),
                    data => panic!("codes, not {data:?}"),
                }
            }
        }
        let digest: String = digest.finalize().iter().map(|b| format!("{b:02x}")).collect();
        if !digest.starts_with(expected) {
            other.push((op, form, signed));
        }
    }
    assert!(other.is_empty(), "{other:?}");
}
