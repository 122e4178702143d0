//! A network with several inputs through everything that is done with networks.

use std::io::{Cursor, Read, Write};

use crate::asking::ask;
use steer8::lab::Lab;
use steer8::lab::protocol::{Event, Request, Role, TrainOptions};
use steer8::vocabulary::driving::RoadSearch;
use steer8::vocabulary::file::File;
use steer8::vocabulary::plan::Plan;
use steer8::vocabulary::reading::Reading;
use steer8::vocabulary::recipe::{Recipe, Rounding};
use steer8::vocabulary::search::Target;
use steer8::vocabulary::task::Judging;
use zip::write::{SimpleFileOptions, ZipWriter};

const GOLDENS: &[u8] = include_bytes!("../goldens/inputs.zip");
const FRAMES: usize = 12;

fn parts(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut pack = zip::ZipArchive::new(Cursor::new(archive)).expect("a zip");
    let count = pack.len();
    let part = |at: usize| {
        let mut file = pack.by_index(at).expect("it is there");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("the pack is whole");
        (file.name().expect("it has a name").into_owned(), bytes)
    };
    (0..count).map(part).collect()
}

/// The golden network with an image and a speed.
fn network() -> File {
    let parts = parts(GOLDENS);
    let (name, bytes) =
        parts.into_iter().find(|(name, _)| name == "image_speed.onnx").expect("one");
    File { name, bytes: bytes.into() }
}

/// Its frames, with a class for each; `change` gives the arrays other names, or takes them away.
fn frames(change: impl Fn(&str) -> Option<&str>) -> File {
    let arrays = parts(GOLDENS).into_iter().find(|(name, _)| name == "image_speed.npz");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        zip.start_file(format!("{name}.npy"), SimpleFileOptions::default()).expect("it is written");
        zip.write_all(bytes).expect("it is written");
    };
    for (name, bytes) in parts(&arrays.expect("frames").1) {
        if let Some(name) = change(name.trim_end_matches(".npy")) {
            add(name, &bytes);
        }
    }
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({FRAMES},), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    let classes: Vec<u8> = (0..FRAMES as u8).map(|frame| frame % 4).collect();
    add("y", &[b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &classes].concat());
    let bytes = zip.finish().expect("it is written").into_inner();
    File { name: "drive.npz".into(), bytes: bytes.into() }
}

/// A lab with the network as `float`, and with these frames for everything.
fn lab(frames: &File) -> Lab {
    let mut lab = Lab::new();
    let load =
        Request::LoadModel { model: "float".into(), file: network().into(), beside: Vec::new() };
    let Event::ModelLoaded { inspection, .. } = ask(&mut lab, load) else { panic!("no network") };
    let inputs = inspection.inputs.iter().map(|input| (&*input.name, &input.shape[..]));
    let sixteen = Some(16);
    let expected: [(&str, &[Option<usize>]); 2] =
        [("image", &[None, Some(3), sixteen, sixteen]), ("speed", &[None, Some(1)])];
    assert!(inputs.eq(expected));
    assert_eq!(inspection.input, inspection.inputs[0]);
    assert!(inspection.layers.iter().all(|layer| layer.op != "Unpack"));
    assert!(inspection.macs.is_some_and(|macs| macs > 0));
    for role in [Role::Calibration, Role::Validation, Role::Training] {
        let request = Request::LoadData {
            role,
            files: vec![frames.clone().into()],
            reading: Reading::default(),
        };
        let answer = ask(&mut lab, request);
        let Event::DataLoaded { summary, .. } = answer else { panic!("no data: {answer:?}") };
        assert_eq!(summary.frames, FRAMES);
    }
    lab
}

#[test]
fn everything_is_done_with_several_inputs() {
    let lab = &mut lab(&frames(|name| Some(name)));
    let Event::Frames { frames } = ask(lab, Request::Frames { indices: vec![0, 11] }) else {
        panic!("no pictures")
    };
    assert_eq!((frames.len(), frames[1].width, frames[1].label), (2, 16, Some(3)));

    let mended = Recipe {
        equalize: true,
        bias_correction: true,
        rounding: Rounding::Adaround,
        weight_bits: 4,
        activation_bits: 6,
        ..Recipe::default()
    };
    for (recipe, into) in [(Recipe::default(), "int8"), (mended, "mended")] {
        let request = Request::Quantize { model: "float".into(), recipe, into: into.into() };
        let answer = ask(lab, request);
        let Event::Quantized { summary, inspection, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(summary.left_in_float, []);
        assert_eq!(inspection.inputs.len(), 2);
        // Each input has a range of its own, of 8 bits.
        for input in ["image", "speed"] {
            let tensor = summary.tensors.iter().find(|tensor| tensor.name == input);
            assert_eq!(tensor.expect("it is quantized").bits, 8, "{input}");
        }
        assert!(summary.tensors.iter().all(|tensor| tensor.name != "inputs"));
    }
    let models = ["float", "int8", "mended"].map(String::from).to_vec();
    let answer = ask(lab, Request::Compare { models, judging: Judging::default() });
    let Event::Compared { reports, .. } = answer else { panic!("{answer:?}") };
    assert!(reports[1].agreement_with_float > Some(0.9), "{:?}", reports[1]);

    let (model, recipe, judging) = model_recipe_judging();
    let answer = ask(lab, Request::Analyze { model, recipe, judging, frames: None, road: None });
    let Event::Analyzed { analysis, .. } = answer else { panic!("{answer:?}") };
    let speed = analysis.tensors.iter().find(|tensor| tensor.name == "speed");
    assert_eq!(speed.expect("it is measured").node, None);

    let (model, recipe, judging) = model_recipe_judging();
    let target = Target { max_drop: Some(10.0), ..Target::default() };
    let road = RoadSearch::default();
    let answer = ask(lab, Request::Search { model, recipe, target, judging, frames: None, road });
    let Event::Searched { found, .. } = answer else { panic!("{answer:?}") };
    assert!(!found.trials.is_empty() && found.best.loss().is_some());

    let (model, recipe, judging) = model_recipe_judging();
    let plan = Plan { epochs: Some(2), ..Plan::default() };
    let options = TrainOptions { measure: true, ..TrainOptions::default() };
    let request = Request::Train { model, recipe, plan, into: "qat".into(), options };
    let answer = ask(lab, request);
    let Event::Trained { training, measured, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(training.epochs.len(), 2);
    measured.expect("it was to be measured").expect("it is measured");
    let request = Request::Evaluate { model: "qat".into(), float: Some("float".into()), judging };
    let answer = ask(lab, request);
    assert!(matches!(answer, Event::Evaluated { .. }), "{answer:?}");
}

fn model_recipe_judging() -> (String, Recipe, Judging) {
    ("float".into(), Recipe::default(), Judging::default())
}

#[test]
fn an_input_without_an_array_is_named() {
    let only_image = frames(|name| (name == "image").then_some("image"));
    let other_name = frames(|name| Some(if name == "speed" { "velocity" } else { name }));
    for (frames, others) in [(only_image, ""), (other_name, ", velocity [12, 1]")] {
        let lab = &mut lab(&frames);
        let (model, recipe, _) = model_recipe_judging();
        let request = Request::Quantize { model, recipe, into: "int8".into() };
        let Event::Failed { error } = ask(lab, request) else { panic!("it is refused") };
        let what = "there is no array for the network's input `speed`, only image [12, 16, 16, 3]";
        assert_eq!(error.what, format!("{what}{others}"));
        assert_eq!(error.file.as_deref(), Some("drive.npz"));
    }
}
