//! Small networks of many shapes, quantized here and compared with ONNX Runtime's answers on the same
//! files, stored by `goldens/shapes.py`; natively and in the browser.

use std::io::{Cursor, Read};

use crate::made_up::rows;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use steer8::data::Dataset;
use steer8::onnx::{read, write};
use steer8::progress::unwatched;
use steer8::quantize::{Step, quantize};
use steer8::runtime::Arithmetic;
use steer8::score::classes::top1;
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::Recipe;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Deserialize)]
struct Golden {
    network: String,
    frames: String,
    recipe: Recipe,
    /// Of the quantized file.
    sha256: String,
    /// Operators.
    left_in_float: Vec<String>,
    /// Of the output; 1 where it is float.
    scale: f32,
    /// ONNX Runtime's outputs, per frame.
    quanta: Vec<Vec<i32>>,
}

struct Pack(zip::ZipArchive<Cursor<&'static [u8]>>);

impl Pack {
    fn part(&mut self, name: &str) -> Vec<u8> {
        let mut part = Vec::new();
        let mut file = self.0.by_name(name).expect("the pack has this part");
        file.read_to_end(&mut part).expect("the pack is whole");
        part
    }

    fn frames(&mut self, name: &str) -> Dataset {
        let name = format!("frames/{name}.npz");
        let bytes = self.part(&name).into();
        Dataset::read(&[File { name, bytes }], &Reading::default(), &mut unwatched).expect("an npz")
    }
}

/// Our outputs on every frame.
fn answers(bytes: &[u8], data: &Dataset) -> Vec<Vec<f32>> {
    let graph = read(bytes).expect("what was written can be read");
    rows(&graph, data, Arithmetic::Fast)
}

/// What is wrong with our answers.
fn complaints(golden: &Golden, pack: &mut Pack) -> Vec<String> {
    let mut complaints = Vec::new();
    let data = pack.frames(&golden.frames);
    let float = read(&pack.part(&format!("networks/{}.onnx", golden.network))).expect("a network");
    let unheard = &mut |_: Step, _: usize, _: usize| Ok(());
    let quantized = quantize(&float, &golden.recipe, &data, unheard).expect("it can be quantized");
    let bytes = write(&quantized.graph);
    let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    if digest != golden.sha256 {
        complaints.push("other bytes than those in the golden".into());
    }
    let left: Vec<String> = quantized.left_in_float.iter().map(|l| l.op.clone()).collect();
    if left != golden.left_in_float {
        complaints.push(format!("{left:?} left in float, not {:?}", golden.left_in_float));
    }
    let ours = answers(&bytes, &data);
    let quanta =
        |row: &Vec<f32>| row.iter().map(|x| (x / golden.scale).round() as i32).collect::<Vec<_>>();
    let ours: Vec<Vec<i32>> = ours.iter().map(quanta).collect();
    let class = |row: &Vec<i32>| top1(&row.iter().map(|&q| q as f32).collect::<Vec<_>>());
    let agree = ours.iter().zip(&golden.quanta).filter(|(a, b)| class(a) == class(b)).count();
    if agree != golden.quanta.len() {
        complaints.push(format!("the same class on {agree} frames only"));
    }
    let pairs = ours.iter().flatten().zip(golden.quanta.iter().flatten());
    let apart: Vec<u32> = pairs.map(|(a, b)| a.abs_diff(*b)).collect();
    let same = apart.iter().filter(|&&quanta| quanta == 0).count();
    let furthest = apart.iter().copied().max().unwrap_or(u32::MAX);
    if same * 100 < apart.len() * 95 || furthest > 1 {
        complaints.push(format!("{same} of {} integers, up to {furthest} apart", apart.len()));
    }
    complaints
}

#[test]
fn answers_are_onnx_runtimes() {
    let archive = Cursor::new(&include_bytes!("../goldens/shapes.zip")[..]);
    let mut pack = Pack(zip::ZipArchive::new(archive).expect("a zip"));
    let goldens: Vec<Golden> = serde_json::from_slice(&pack.part("goldens.json")).expect("JSON");
    let mut lines = Vec::new();
    for golden in &goldens {
        let found = complaints(golden, &mut pack);
        lines.extend(found.iter().map(|what| {
            format!("{} {}: {what}", golden.network, golden.recipe.to_short_json().expect("JSON"))
        }));
    }
    assert!(goldens.len() > 50, "only {} goldens", goldens.len());
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
