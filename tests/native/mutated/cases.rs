//! What a user does with a network: look at it, run it on a few frames, quantize it, run that.

use std::io::{Cursor, Write};

use crate::asking::ask;
use steer8::graph::{Dim, Graph};
use steer8::lab::Lab;
use steer8::lab::protocol::{Event, Request, Role};
use steer8::onnx;
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::{ActivationType, Format, Granularity, Method, Recipe, Rounding};
use zip::write::{SimpleFileOptions, ZipWriter};

/// How far a network came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    RefusedOnReading,
    RefusedLater,
    Ran,
}

/// Elements of a frame, at most: what is larger is refused or comes to much, and is tried with one.
const MOST: usize = 1 << 18;
const FRAMES: usize = 3;

pub(super) fn tried(bytes: &[u8], number: usize) -> Outcome {
    let mut lab = Lab::new();
    let file = File { name: "changed.onnx".into(), bytes: bytes.to_vec().into() };
    let loaded = does(
        &mut lab,
        Request::LoadModel { model: "float".into(), file: file.into(), beside: Vec::new() },
    );
    let Ok(graph) = onnx::read(bytes) else { return Outcome::RefusedOnReading };
    let Some(frames) = frames(&graph).filter(|_| loaded) else { return Outcome::RefusedLater };
    for role in [Role::Calibration, Role::Validation] {
        let files = vec![frames.clone().into()];
        if !does(&mut lab, Request::LoadData { role, files, reading: Reading::default() }) {
            return Outcome::RefusedLater;
        }
    }
    let predict = |lab: &mut Lab, model: &str| {
        does(lab, Request::Predict { model: model.into(), indices: vec![0, 1] })
    };
    let ran = predict(&mut lab, "float");
    let (model, into) = ("float".into(), "int8".into());
    if does(&mut lab, Request::Quantize { model, recipe: recipe(number), into }) {
        predict(&mut lab, "int8");
    }
    if ran { Outcome::Ran } else { Outcome::RefusedLater }
}

/// Bytes of the constants of a network, widened.
pub(super) fn constants(bytes: &[u8]) -> usize {
    let graph = onnx::read(bytes);
    graph.map_or(0, |graph| graph.initializers.values().map(|tensor| tensor.bytes()).sum())
}

/// Whether it did what it was asked.
fn does(lab: &mut Lab, request: Request) -> bool {
    !matches!(ask(lab, request), Event::Failed { .. })
}

fn recipe(number: usize) -> Recipe {
    let some = |every: usize| number.is_multiple_of(every);
    Recipe {
        method: Method::ALL[number % Method::ALL.len()],
        weights: if some(3) { Granularity::PerTensor } else { Granularity::PerChannel },
        activations: if some(5) { ActivationType::I8 } else { ActivationType::U8 },
        format: if some(2) { Format::Qoperator } else { Format::Qdq },
        weight_bits: if some(7) { 4 } else { 8 },
        equalize: some(11),
        bias_correction: some(13),
        rounding: if some(31) { Rounding::Adaround } else { Rounding::Nearest },
        ..Recipe::default()
    }
}

/// Frames of the network's own shape, as an npz.
fn frames(graph: &Graph) -> Option<File> {
    let dims = graph.input.shape.as_ref()?.get(1..)?;
    let dims = dims.iter().map(|dim| match dim {
        Dim::Fixed(n) => *n,
        Dim::Free(_) => 8,
    });
    let mut dims: Vec<usize> = dims.collect();
    // Frames of one number each are in no file.
    if dims.is_empty() {
        return None;
    }
    let len = dims.iter().try_fold(1usize, |len, &dim| len.checked_mul(dim));
    let len = len.filter(|&len| len <= MOST).unwrap_or_else(|| {
        dims.fill(1);
        1
    });
    let shape: Vec<String> = [FRAMES].iter().chain(&dims).map(ToString::to_string).collect();
    let shape = shape.join(", ");
    let values = (0..FRAMES * len).map(|i| (i * 7 % 31) as f32 / 15.0 - 1.0);
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape},), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    let values: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
    let array = [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &values].concat();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file("x.npy", stored).ok()?;
    archive.write_all(&array).ok()?;
    let bytes = archive.finish().ok()?.into_inner();
    Some(File { name: "frames.npz".into(), bytes: bytes.into() })
}
