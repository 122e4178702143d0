//! Our int8 networks against ONNX Runtime's answers on the same files, stored by `goldens/make.py`;
//! natively and in the browser.

use crate::asking::done;
use serde::Deserialize;
use steer8::lab::Lab;
use steer8::lab::protocol::{Event, Prediction, Request, Role};
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::Recipe;

const CALIBRATION: &[u8] = include_bytes!("../../models/frames/calibration.zip");
const VALIDATION: &[u8] = include_bytes!("../../models/frames/validation.zip");
const VALUES: &[u8] = include_bytes!("../../models/frames/values.csv");

#[derive(Deserialize)]
struct Golden {
    sha256: String,
    /// Of each number of a frame, or one of all.
    scales: Vec<f32>,
    frames: Vec<usize>,
    /// Logits in quanta, per frame: optimizations off, and on.
    off: Vec<Vec<i32>>,
    on: Vec<Vec<i32>>,
}

fn file(name: &str, bytes: &[u8]) -> File {
    File { name: name.into(), bytes: bytes.to_vec().into() }
}

/// Distances in quanta between our logits and theirs: how many are 0, 1, 2, ... apart.
fn apart(ours: &[Vec<i32>], theirs: &[Vec<i32>]) -> Vec<usize> {
    let mut counts = vec![0; 256];
    for (a, b) in ours.iter().flatten().zip(theirs.iter().flatten()) {
        counts[a.abs_diff(*b) as usize] += 1;
    }
    counts
}

/// `alike` is the least share of equal integers beside ONNX Runtime without its optimizations.
fn agrees_with_onnx_runtime(name: &str, network: &[u8], golden: &str, alike: f64) {
    let golden: Golden = serde_json::from_str(golden).expect("the golden is JSON");
    let mut lab = Lab::new();
    for (role, bytes) in [(Role::Calibration, CALIBRATION), (Role::Validation, VALIDATION)] {
        // The labels tell which outputs are values.
        let files = vec![file("frames.zip", bytes).into(), file("values.csv", VALUES).into()];
        done(&mut lab, Request::LoadData { role, files, reading: Reading::default() });
    }
    done(
        &mut lab,
        Request::LoadModel {
            model: "float".into(),
            file: file(name, network).into(),
            beside: Vec::new(),
        },
    );
    let request =
        Request::Quantize { model: "float".into(), recipe: Recipe::default(), into: "int8".into() };
    let Event::Quantized { summary, .. } = done(&mut lab, request) else { panic!("not quantized") };
    assert_eq!(summary.sha256, golden.sha256, "{name}: other bytes than those in the golden");

    let request = Request::Predict { model: "int8".into(), indices: golden.frames.clone() };
    let Event::Predictions { predictions, .. } = done(&mut lab, request) else {
        panic!("no predictions")
    };
    let scales = || golden.scales.iter().cycle();
    let quanta =
        |row: &[f32]| row.iter().zip(scales()).map(|(x, s)| (x / s).round() as i32).collect();
    // Scores of classes, or the values of all outputs.
    let said = |p: &Prediction| match p.values.is_empty() {
        true => p.logits.clone(),
        false => p.values.iter().map(|said| said.value).collect(),
    };
    let ours: Vec<Vec<i32>> = predictions.iter().map(|p| quanta(&said(p))).collect();
    assert_eq!(ours, golden.on, "{name}: other integers than ONNX Runtime's integer kernels give");
    // With optimizations off, ONNX Runtime computes in float between the pairs: near ties differ.
    let off = apart(&ours, &golden.off);
    let total: usize = off.iter().sum();
    assert!(off[0] as f64 >= alike * total as f64, "{name}: quanta apart {:?}", &off[..8]);
    assert_eq!(off[3..].iter().sum::<usize>(), 0, "{name}: quanta apart {:?}", &off[..8]);
}

macro_rules! golden {
    ($name:ident) => {
        golden!($name, stringify!($name), 0.97);
    };
    ($name:ident, $file:expr, $alike:expr) => {
        #[cfg_attr(not(target_arch = "wasm32"), test)]
        #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
        fn $name() {
            agrees_with_onnx_runtime(
                concat!($file, ".onnx"),
                include_bytes!(concat!("../../models/networks/", $file, ".onnx")),
                include_str!(concat!("../goldens/", $file, ".json")),
                $alike,
            );
        }
    };
}

golden!(assignment);
golden!(pilotnet);
golden!(mobilenet);
// 290 of its 300 numbers are, one short of 0.97.
golden!(pilotnet_steering, "pilotnet-steering", 0.96);
