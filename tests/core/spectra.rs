//! DFT and STFT, which are tract's operators on a transform of ours (`vendor/rustfft`), against the
//! sums that they stand for; natively and in the browser.

use std::f64::consts::TAU;

use steer8::graph::{Attribute, Data, Dim, Element, Graph, Node, Tensor, Value};
use steer8::runtime::{Arithmetic, Session};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn run(input: &[usize], node: Node, constants: &[(&str, Tensor)], x: &[f32]) -> Vec<f32> {
    let shape = Some(input.iter().map(|&d| Dim::Fixed(d)).collect());
    let mut graph = Graph {
        input: Value { name: "x".into(), element: Element::F32, shape },
        outputs: vec![Value { name: "y".into(), element: Element::F32, shape: None }],
        ir_version: 8,
        nodes: vec![node],
        ..Graph::default()
    };
    graph.opsets.insert(String::new(), 17);
    for (name, tensor) in constants {
        graph.initializers.insert((*name).into(), tensor.clone());
    }
    let mut session = Session::new(&graph, None, Arithmetic::Fast).expect("the network runs");
    let mut output = Vec::new();
    session.run(x, |_, values| output = values.to_vec()).expect("the network runs");
    output
}

/// Nothing regular.
fn signal(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * i % 13) as f32 - 6.0).collect()
}

/// The parts of the first `bins` sums over `values`, turned forward by -1 and back by 1.
fn spectrum(values: &[(f64, f64)], bins: usize, turn: f64) -> Vec<f64> {
    let sum = |bin: usize| {
        let terms = values.iter().enumerate().map(|(i, &(re, im))| {
            let (sin, cos) = (turn * TAU * (bin * i) as f64 / values.len() as f64).sin_cos();
            (re * cos - im * sin, re * sin + im * cos)
        });
        let (re, im) = terms.fold((0.0, 0.0), |(a, b), (re, im)| (a + re, b + im));
        [re, im]
    };
    (0..bins).flat_map(sum).collect()
}

fn assert_near(ours: &[f32], expected: &[f64], what: &str) {
    assert_eq!(ours.len(), expected.len(), "{what}");
    for (a, b) in ours.iter().zip(expected) {
        assert!((f64::from(*a) - b).abs() < 1e-4, "{what}: {ours:?} is not {expected:?}");
    }
}

#[test]
fn dft_of_real_and_complex_signals() {
    for len in [1, 2, 5, 8, 12, 60] {
        let x = signal(2 * len);
        let pairs: Vec<(f64, f64)> =
            x.chunks_exact(2).map(|c| (c[0].into(), c[1].into())).collect();
        let node = || Node::new("DFT", "dft", ["x"], ["y"]);
        let ours = run(&[1, len, 2], node(), &[], &x);
        assert_near(&ours, &spectrum(&pairs, len, -1.0), &format!("{len} complex"));

        let inverse = node().with("inverse", Attribute::Int(1));
        let expected: Vec<f64> =
            spectrum(&pairs, len, 1.0).iter().map(|v| v / len as f64).collect();
        assert_near(&run(&[1, len, 2], inverse, &[], &x), &expected, &format!("{len} inverse"));

        let real: Vec<(f64, f64)> = x[..len].iter().map(|&v| (v.into(), 0.0)).collect();
        let onesided = node().with("onesided", Attribute::Int(1));
        let expected = spectrum(&real, len / 2 + 1, -1.0);
        let ours = run(&[1, len, 1], onesided, &[], &x[..len]);
        assert_near(&ours, &expected, &format!("{len} real"));
    }
}

#[test]
fn stft_of_windowed_frames() {
    let (len, frame, step) = (20, 6, 3);
    let x = signal(len);
    let window: Vec<f32> = (0..frame).map(|i| 0.25 + i as f32 / 8.0).collect();
    let scalar = |value| Tensor::new(Vec::new(), Data::I64(vec![value]));
    let constants = [
        ("step", scalar(step as i64)),
        ("window", Tensor::new(vec![frame], Data::F32(window.clone()))),
        ("frame", scalar(frame as i64)),
    ];
    let node = Node::new("STFT", "stft", ["x", "step", "window", "frame"], ["y"]);
    let windowed = |start: usize| -> Vec<(f64, f64)> {
        let frame = x[start..start + frame].iter().zip(&window);
        frame.map(|(x, w)| (f64::from(x * w), 0.0)).collect()
    };
    let starts = (0..=len - frame).step_by(step);
    let expected: Vec<f64> =
        starts.flat_map(|start| spectrum(&windowed(start), frame / 2 + 1, -1.0)).collect();
    assert_near(&run(&[1, len, 1], node, &constants, &x), &expected, "frames");
}
