//! The command line end to end: arguments, results, exit status, and what it says of bad input.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{ImageFormat, RgbImage};
use prost::Message;
use serde_json::Value as Json;
use steer8::graph::{Attribute, Data, Dim, Element, Graph, Node, Tensor, Value};
use steer8::onnx;
use steer8::quantize::recipe_of;
use steer8::random::SplitMix64;
use steer8::report::command::{self, Source};
use steer8::vocabulary::preprocessing::{Color, Preprocessing};
use steer8::vocabulary::recipe::{
    ActivationType, Format, Granularity, LayerBits, Method, Recipe, Rounding, WeightRange,
};
use tempfile::TempDir;
use tract_onnx::pb::{ModelProto, StringStringEntryProto};
use zip::write::{SimpleFileOptions, ZipWriter};

const CLASSES: usize = 5;
/// Height and width of the frames; three channels.
const SIDE: usize = 4;
const FRAMES: usize = 40;
const PIXELS: usize = SIDE * SIDE * 3;

/// A folder with a small network, frames that it judges right, and a program that runs in it.
struct Desk {
    folder: TempDir,
}

impl Desk {
    /// `net.onnx`, `set.npz` (labelled) and `bare.npz` (not labelled).
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.write("net.onnx", &onnx::write(&network()));
        let labels: Vec<u8> = labels().iter().map(|&label| label as u8).collect();
        let y = array("|u1", &format!("{FRAMES},"), &labels);
        desk.write("set.npz", &zip(&[("x.npy", frames_array()), ("y.npy", y)]));
        desk.write("bare.npz", &zip(&[("x.npy", frames_array())]));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn run(&self, arguments: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_steer8"))
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// stdout of a run that must succeed.
    fn text(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, arguments: &str) -> Json {
        let json: Json = serde_json::from_str(&self.text(arguments)).unwrap();
        assert_eq!(json["steer8"], env!("CARGO_PKG_VERSION"));
        json
    }

    /// stderr of a run that must fail with status 1 and print nothing.
    fn failure(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments}: {output:?}");
        stderr(&output)
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One convolution as large as the frame, Relu, and five logits.
fn network() -> Graph {
    // With this seed every class has frames, and no frame lies between two.
    let mut random = SplitMix64::new(172);
    let mut weights = |count| -> Vec<f32> {
        (0..count).map(|_| (random.below(2001) as f32 - 1000.0) / 2000.0).collect()
    };
    let free = || Dim::Free("batch".into());
    let value = |name: &str, shape: Vec<Dim>| Value {
        name: name.into(),
        element: Element::F32,
        shape: Some(shape),
    };
    let image = [3, SIDE, SIDE].map(Dim::Fixed);
    Graph {
        name: "net".into(),
        ir_version: 8,
        opsets: [(String::new(), 17)].into(),
        input: value("image", std::iter::once(free()).chain(image).collect()),
        outputs: vec![value("logits", vec![free(), Dim::Fixed(CLASSES)])],
        nodes: vec![
            Node::new("Conv", "conv", ["image", "w"], ["features"])
                .with("kernel_shape", Attribute::Ints(vec![SIDE as i64; 2])),
            Node::new("Relu", "relu", ["features"], ["active"]),
            Node::new("Flatten", "flat", ["active"], ["flattened"]),
            Node::new("Gemm", "head", ["flattened", "v"], ["logits"])
                .with("transB", Attribute::Int(1)),
        ],
        initializers: [
            ("w".into(), Tensor::new([16, 3, SIDE, SIDE], Data::F32(weights(16 * PIXELS)))),
            ("v".into(), Tensor::new([CLASSES, 16], Data::F32(weights(CLASSES * 16)))),
        ]
        .into_iter()
        .collect(),
        ..Graph::default()
    }
}

/// Frames as N,H,W,C.
fn pixels() -> Vec<u8> {
    let mut random = SplitMix64::new(2);
    (0..FRAMES * PIXELS).map(|_| random.next_u64() as u8).collect()
}

/// What the network answers, computed here from its formula.
fn labels() -> Vec<usize> {
    let network = network();
    let w = network.initializers["w"].as_f32().unwrap();
    let v = network.initializers["v"].as_f32().unwrap();
    let answer = |frame: &[u8]| {
        let feature = |filter: &[f32]| -> f64 {
            let product = |(i, weight): (usize, &f32)| {
                let (channel, position) = (i / (SIDE * SIDE), i % (SIDE * SIDE));
                f64::from(frame[position * 3 + channel]) / 255.0 * f64::from(*weight)
            };
            filter.iter().enumerate().map(product).sum::<f64>().max(0.0)
        };
        let features: Vec<f64> = w.chunks(PIXELS).map(feature).collect();
        let logit = |row: &[f32]| -> f64 {
            row.iter().zip(&features).map(|(weight, x)| f64::from(*weight) * x).sum()
        };
        let logits: Vec<f64> = v.chunks(16).map(logit).collect();
        (0..CLASSES).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap()
    };
    pixels().chunks(PIXELS).map(answer).collect()
}

fn frames_array() -> Vec<u8> {
    array("|u1", &format!("{FRAMES}, {SIDE}, {SIDE}, 3"), &pixels())
}

/// A file in numpy's format.
fn array(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(elements);
    file
}

fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Every frame as a PNG in the folder of its class.
fn images() -> Vec<(String, Vec<u8>)> {
    let image = |(index, frame): (usize, &[u8])| {
        let mut png = Cursor::new(Vec::new());
        RgbImage::from_raw(SIDE as u32, SIDE as u32, frame.to_vec())
            .unwrap()
            .write_to(&mut png, ImageFormat::Png)
            .unwrap();
        (format!("{}-class/{index:02}.png", labels()[index]), png.into_inner())
    };
    pixels().chunks(PIXELS).enumerate().map(image).collect()
}

/// The network's weights as a file of their own, named by it.
fn put_weights_beside(desk: &Desk) {
    let bytes = fs::read(desk.path("net.onnx")).unwrap();
    let mut model = ModelProto::decode(&bytes[..]).unwrap();
    let mut data = Vec::new();
    for tensor in &mut model.graph.as_mut().unwrap().initializer {
        let entry =
            |(key, value): (&str, String)| StringStringEntryProto { key: key.into(), value };
        let place = [("offset", data.len()), ("length", tensor.raw_data.len())];
        let place = place.map(|(key, number)| (key, number.to_string()));
        let location = [("location", "outside.onnx.data".to_string())];
        tensor.external_data = location.into_iter().chain(place).map(entry).collect();
        tensor.data_location = Some(1);
        data.append(&mut tensor.raw_data);
    }
    desk.write("outside.onnx", &model.encode_to_vec());
    desk.write("outside.onnx.data", &data);
}

#[test]
fn weights_beside_a_network_are_read_and_written_into_one_file() {
    let desk = Desk::new();
    put_weights_beside(&desk);
    for name in ["net", "outside"] {
        desk.text(&format!("quantize {name}.onnx -o {name}8.onnx --calibration set.npz"));
    }
    assert_eq!(
        fs::read(desk.path("net8.onnx")).unwrap(),
        fs::read(desk.path("outside8.onnx")).unwrap()
    );
    let [one, two] = ["net", "outside"]
        .map(|name| desk.json(&format!("evaluate {name}.onnx --data set.npz --json")));
    assert_eq!(one["accuracy"], two["accuracy"]);
    let lens =
        ["outside.onnx", "outside.onnx.data"].map(|name| fs::read(desk.path(name)).unwrap().len());
    assert_eq!(two["file_bytes"], lens[0] + lens[1]);

    fs::write(desk.path("outside.onnx.data"), b"too short").unwrap();
    let inspect = "inspect outside.onnx";
    assert!(desk.failure(inspect).contains("`outside.onnx.data`, which has 9"));
    fs::remove_file(desk.path("outside.onnx.data")).unwrap();
    let missing = desk.failure(inspect);
    assert!(missing.contains("another file (outside.onnx.data), which is not here"), "{missing}");
}

#[test]
fn help_and_wrong_arguments_have_their_status() {
    let desk = Desk::new();
    for arguments in ["--help", "--version", "compare --help"] {
        assert!(!desk.text(arguments).is_empty());
    }
    let wrong = [
        "",
        "fly net.onnx",
        "inspect",
        "quantize net.onnx",
        "quantize net.onnx -o out.onnx --samples 0",
        "quantize net.onnx -o out.onnx --weights per-pixel",
        "evaluate net.onnx --mean grey",
        "compare --colour",
        "quantize net.onnx -o out.onnx --percentile 20",
        "compare net.onnx --asymmetric-weights",
        "train net.onnx -o out.onnx --training set.npz --learning-rate 0",
        "search net.onnx --data set.npz --calibration set.npz --max-drop nan",
    ];
    for arguments in wrong {
        let output = desk.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments}");
    }
}

#[test]
fn inspect_lists_the_layers() {
    let desk = Desk::new();
    let text = desk.text("inspect net.onnx");
    assert!(text.starts_with("net.onnx: float"), "{text}");
    assert!(text.contains("input image: Nx3x4x4") && text.contains("conv"), "{text}");
    let json = desk.json("inspect net.onnx --json");
    assert_eq!(json["params"], 16 * PIXELS + CLASSES * 16);
    assert_eq!(json["macs"], 16 * PIXELS + CLASSES * 16);
    assert_eq!(json["layers"][0]["node"], "conv");
}

#[test]
fn multiplications_are_counted_or_unknown() {
    let desk = Desk::new();
    let mut open = network();
    open.input.shape.as_mut().unwrap()[3] = Dim::Free("width".into());
    desk.write("open.onnx", &onnx::write(&open));
    let json = desk.json("inspect open.onnx --json");
    assert_eq!((&json["macs"], &json["layers"][0]["macs"]), (&Json::Null, &Json::Null));
    assert!(desk.text("inspect open.onnx").contains("unknown"));

    let mut product = network();
    let rows = Value { shape: Some([1, 4, 6].map(Dim::Fixed).to_vec()), ..product.input.clone() };
    product.initializers.insert("columns".into(), Tensor::new([6, 5], Data::F32(vec![0.5; 30])));
    product.nodes = vec![Node::new("MatMul", "product", ["image", "columns"], ["logits"])];
    desk.write("product.onnx", &onnx::write(&Graph { input: rows, ..product }));
    assert_eq!(desk.json("inspect product.onnx --json")["macs"], 4 * 6 * 5);
}

#[test]
fn evaluate_gives_the_answers_of_the_formula() {
    let desk = Desk::new();
    let json = desk.json("evaluate net.onnx --data set.npz --predictions p.npy --json");
    assert_eq!((&json["model"], &json["variant"]), (&"net.onnx".into(), &"float".into()));
    assert_eq!(json["accuracy"]["top1"], 1.0);
    assert_eq!(json["accuracy"]["n"], FRAMES);
    assert_eq!(json["agreement_with_float"], Json::Null);

    let written = fs::read(desk.path("p.npy")).unwrap();
    let header = format!("'shape': ({FRAMES}, {CLASSES})");
    let start = written.len() - FRAMES * CLASSES * 4;
    assert!(String::from_utf8_lossy(&written[..start]).contains(&header));
    let logits: Vec<f32> =
        written[start..].as_chunks().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
    let best = |row: &[f32]| (0..CLASSES).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
    assert_eq!(logits.chunks(CLASSES).map(best).collect::<Vec<_>>(), labels());

    let text = desk.text("evaluate net.onnx --data set.npz");
    assert!(text.contains("top-1 accuracy") && text.contains("100.00 %"), "{text}");
    assert!(text.contains("true class"), "{text}");
}

#[test]
fn frames_without_labels_give_logits_but_no_accuracy() {
    let desk = Desk::new();
    let json = desk.json("evaluate net.onnx --data bare.npz --predictions p.npy --json");
    assert_eq!(json["accuracy"], Json::Null);
    assert!(desk.path("p.npy").exists());
}

#[test]
fn a_folder_a_zip_and_an_npz_are_the_same_frames() {
    let desk = Desk::new();
    let images = images();
    for (name, bytes) in &images {
        desk.write(&format!("folder/{name}"), bytes);
    }
    let named: Vec<_> = images.iter().map(|(name, png)| (name.as_str(), png.clone())).collect();
    desk.write("images.zip", &zip(&named));
    let accuracy = |data: &str| {
        let arguments = format!("evaluate net.onnx --data {data} --json");
        desk.json(&arguments)["accuracy"].clone()
    };
    let expected = accuracy("set.npz");
    assert_eq!(expected["top1"], 1.0);
    assert_eq!(accuracy("folder"), expected);
    assert_eq!(accuracy("images.zip"), expected);
}

#[test]
fn a_table_labels_the_images_beside_it() {
    let desk = Desk::new();
    let mut table = "path;class".to_owned();
    for (index, (_, png)) in images().iter().enumerate() {
        desk.write(&format!("drive/IMG/{index}.png"), png);
        table += &format!("\nC:\\run\\IMG\\{index}.png;{}", labels()[index]);
    }
    fs::remove_file(desk.path("drive/IMG/3.png")).unwrap();
    desk.write("drive/labels.csv", table.as_bytes());
    let evaluate = "evaluate net.onnx --data drive --json --predictions p.csv";
    let output = desk.run(evaluate);
    let note = stderr(&output);
    assert!(note.contains("1 of 40 rows left out, the image is not there"), "{note}");
    let json: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["accuracy"]["top1"], &json["accuracy"]["n"]), (&1.0.into(), &39.into()));
    let answers = fs::read_to_string(desk.path("p.csv")).unwrap();
    let lines: Vec<&str> = answers.lines().collect();
    assert_eq!(lines[0], "frame,logits[0],logits[1],logits[2],logits[3],logits[4]");
    assert!(lines.len() == FRAMES && lines[10].starts_with("IMG/10.png,"), "{answers}");
    let same = desk.json("evaluate net.onnx --data drive/labels.csv --labels 2 --json");
    assert_eq!(same["accuracy"], json["accuracy"]);
    let error = desk.failure("evaluate net.onnx --data drive --labels angle");
    assert!(error.contains("labels.csv: there is no column `angle`, only path, class"), "{error}");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(desk.path("net.onnx"), desk.path("drive/IMG/3.png")).unwrap();
        let error = desk.failure(evaluate);
        assert!(error.contains("3.png: a link that leads out of the folder"), "{error}");
    }
}

#[test]
fn normalization_changes_what_the_network_sees() {
    let desk = Desk::new();
    let evaluate = |options: &str| {
        desk.json(&format!("evaluate net.onnx --data set.npz --json{options}"))["accuracy"].clone()
    };
    assert_eq!(evaluate(" --mean 0,0,0 --std 1,1,1"), evaluate(""));
    assert_ne!(evaluate(" --mean=-3,2,0.5 --std 0.2,0.3,0.1"), evaluate(""));
    let error = desk.failure("evaluate net.onnx --data set.npz --mean 0.5");
    assert!(error.contains("set.npz: the mean has 1 values"), "{error}");
}

#[test]
fn a_quantized_file_notes_how_frames_enter_and_is_asked_for_it() {
    let desk = Desk::new();
    for (name, bytes) in images() {
        desk.write(&format!("pictures/{name}"), &bytes);
    }
    let said = "--crop 1,0,1,0 --resize --color bgr --divide 127.5 --mean 1,1,1";
    desk.text(&format!("quantize {said} net.onnx -o int8.onnx --calibration pictures"));
    let graph = onnx::read(&fs::read(desk.path("int8.onnx")).unwrap()).unwrap();
    let note = graph.metadata.iter().find(|(key, _)| key == "steer8.preprocessing");
    assert_eq!(
        note.map(|(_, json)| &**json),
        Some(
            "{\"crop\":{\"top\":1,\"right\":0,\"bottom\":1,\"left\":0},\"resize\":[4,4],\
             \"color\":\"bgr\",\"divide\":127.5,\"mean\":[1.0,1.0,1.0]}"
        )
    );
    let answers = |options: &str| {
        desk.text(&format!("evaluate int8.onnx --predictions p.npy --data {options}"));
        fs::read(desk.path("p.npy")).unwrap()
    };
    let noted = answers("pictures");
    assert_eq!(answers(&format!("pictures {said}")), noted);
    // Whoever says something says all of it.
    assert_ne!(answers("pictures --divide 127.5"), noted);
    // Floats enter as they are, whatever is noted; not if somebody says so.
    let floats = [0x3f; 4 * PIXELS];
    let x = array("<f4", &format!("1, 3, {SIDE}, {SIDE}"), &floats);
    desk.write("floats.npz", &zip(&[("x.npy", x)]));
    answers("floats.npz");
    let error = desk.failure("evaluate int8.onnx --data floats.npz --task none --color bgr");
    assert!(error.contains("do not apply to float32"), "{error}");

    // A file says it, and options beside that change it.
    desk.write(
        "how.json",
        br#"{"crop": {"top": 1, "bottom": 1}, "color": "yuv", "divide": 127.5}"#,
    );
    let file = "pictures --preprocess how.json --resize 4x4 --color bgr --mean 1,1,1";
    assert_eq!(answers(file), noted);
    let error = desk.failure("evaluate net.onnx --data pictures --preprocess how.json");
    assert!(error.contains("--resize"), "{error}");
    desk.write("how.json", br#"{"colour": "yuv"}"#);
    let error = desk.failure("evaluate net.onnx --data pictures --preprocess how.json");
    assert!(error.contains("how.json") && error.contains("`colour`"), "{error}");
    let error = desk.failure("evaluate net.onnx --data pictures --resize --color gray");
    assert!(error.contains("no pictures of 1 channels"), "{error}");
}

#[test]
fn quantize_writes_the_same_file_every_time() {
    let desk = Desk::new();
    let options = "--calibration bare.npz --json";
    let summary = desk.json(&format!("quantize net.onnx -o a.onnx {options}"));
    assert_eq!(desk.json(&format!("quantize net.onnx -o b.onnx {options}")), summary);
    let bytes = fs::read(desk.path("a.onnx")).unwrap();
    assert_eq!(bytes, fs::read(desk.path("b.onnx")).unwrap());
    assert_eq!(summary["file_bytes"], bytes.len());
    assert_eq!(summary["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(summary["recipe"]["weights"], "per-channel");
    let tensors = summary["tensors"].as_array().unwrap();
    let weights = tensors.iter().find(|tensor| tensor["name"] == "w").unwrap();
    assert_eq!((&weights["type"], &weights["bits"]), (&"int8".into(), &8.into()));
    assert_eq!(weights["scale"].as_array().unwrap().len(), 16);
    assert_eq!(desk.json("inspect a.onnx --json")["variant"], "int8");

    // The recipe that it prints makes the same file.
    desk.write("recipe.json", summary["recipe"].to_string().as_bytes());
    desk.json(&format!("quantize net.onnx -o c.onnx --recipe recipe.json {options}"));
    assert_eq!(bytes, fs::read(desk.path("c.onnx")).unwrap());
    // Another one does not.
    desk.json(&format!("quantize net.onnx -o d.onnx --samples 3 --seed 7 {options}"));
    assert_ne!(bytes, fs::read(desk.path("d.onnx")).unwrap());
}

#[test]
fn training_prints_its_epochs_and_writes_the_file() {
    let desk = Desk::new();
    let options = "--training set.npz --epochs 2 --weight-bits 4";
    let json = desk.json(&format!(
        "train net.onnx -o one.onnx {options} --threads 1 --validation set.npz --json"
    ));
    let epochs = json["epochs"].as_array().unwrap();
    assert_eq!(epochs.iter().map(|e| e["epoch"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert_eq!(epochs[0]["score"], "top1");
    for field in ["loss", "train_top1", "heldout_top1", "train_score", "heldout_score", "seconds"] {
        assert!(epochs[0][field].is_f64(), "{field}");
    }
    assert!(json["best_epoch"].as_u64().unwrap() <= 2);
    assert_eq!(json["measured_on"], "validation");
    assert_eq!(json["result"]["accuracy"]["n"], FRAMES);
    assert_eq!(json["result"]["variant"], "w4a8-qat");
    assert!(json["result"]["agreement_with_float"].is_f64());
    let file = onnx::read(&fs::read(desk.path("one.onnx")).unwrap()).unwrap();
    assert_eq!(recipe_of(&file).unwrap().weight_bits, 4);
    assert!(file.metadata.iter().any(|(key, _)| key == "steer8.training"));

    // Without validation frames those that were held out serve; the same seed gives the same file,
    // however many threads there are.
    let text = desk.text(&format!("train net.onnx -o two.onnx {options} --threads 3"));
    assert!(text.contains("epoch   2") && text.contains("held out of training"), "{text}");
    assert_eq!(fs::read(desk.path("one.onnx")).unwrap(), fs::read(desk.path("two.onnx")).unwrap());
    desk.text(&format!("train net.onnx -o three.onnx {options} --seed 1 --mirror 0:4"));
    assert_ne!(
        fs::read(desk.path("one.onnx")).unwrap(),
        fs::read(desk.path("three.onnx")).unwrap()
    );
}

#[test]
fn training_for_values_speaks_of_errors() {
    let desk = Desk::new();
    let labels: Vec<u8> = (0..FRAMES * CLASSES)
        .flat_map(|at| ((at * 7 % 13) as f32 / 13.0 - 0.5).to_le_bytes())
        .collect();
    let y = array("<f4", &format!("{FRAMES}, {CLASSES}"), &labels);
    desk.write("values.npz", &zip(&[("x.npy", frames_array()), ("y.npy", y)]));
    let options = "--training values.npz --epochs 1 --batch 8";
    let losses = "--loss huber --loss-weight logits=2 --mirror logits[0]:-logits[0]";
    let json = desk.json(&format!("train net.onnx -o out.onnx {options} {losses} --json"));
    let epoch = &json["epochs"][0];
    assert_eq!(epoch["score"], "mae");
    assert!(epoch["train_top1"].is_null() && epoch["heldout_top1"].is_null(), "{epoch}");
    assert!(epoch["train_score"].is_f64() && epoch["heldout_score"].is_f64(), "{epoch}");
    assert!(json["result"]["accuracy"].is_null());
    assert_eq!(json["result"]["values"]["outputs"][4]["name"], "logits[4]");
    assert!(json["result"]["mae_change"][0]["p"].is_f64());
    let text = desk.text(&format!("train net.onnx -o two.onnx {options}"));
    assert!(text.contains("train MAE"), "{text}");
    for (wrong, what) in [
        ("--loss cross-entropy", "cross-entropy is for shares"),
        ("--loss-weight speed=2", "no output `speed` trains"),
        ("--mirror speed:-speed", "no value `speed` to mirror"),
        ("--task classes", "is no class"),
    ] {
        let error = desk.failure(&format!("train net.onnx -o no.onnx {options} {wrong}"));
        assert!(error.contains(what), "{wrong}: {error}");
    }
    let wrong = desk.run(&format!("train net.onnx -o no.onnx {options} --mirror speed:-angle"));
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn what_cannot_be_trained_is_told_before_it_starts() {
    let desk = Desk::new();
    let error = desk.failure("train net.onnx -o out.onnx");
    assert!(error.contains("--training"), "{error}");
    let error = desk.failure("train net.onnx -o out.onnx --training bare.npz");
    assert!(error.contains("no labels"), "{error}");
    let error = desk.failure("train net.onnx -o out.onnx --training set.npz --mirror 0:9");
    assert!(error.contains("no class 9"), "{error}");
    // What could not be measured afterwards, too.
    let error = desk.failure("train net.onnx -o out.onnx --training set.npz --validation bare.npz");
    assert!(error.contains("bare.npz") && error.contains("no labels"), "{error}");
    let mut strange = network();
    strange.nodes[1].op = "Hardmax".into();
    desk.write("strange.onnx", &onnx::write(&strange));
    let error = desk.failure("train strange.onnx -o out.onnx --training set.npz");
    assert!(error.contains("node `relu`: `Hardmax` cannot be trained"), "{error}");
    assert!(!desk.path("out.onnx").exists());
    let wrong = desk.run("train net.onnx -o out.onnx --schedule cosine");
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn a_node_kept_in_float_is_told() {
    let desk = Desk::new();
    let options = "--calibration bare.npz --keep-float head";
    let summary = desk.json(&format!("quantize net.onnx -o out.onnx {options} --json"));
    assert_eq!(summary["left_in_float"][0]["node"], "head");
    let text = desk.text(&format!("quantize net.onnx -o out.onnx {options}"));
    assert!(text.contains("left in float:\n  head"), "{text}");
}

/// A POSIX shell reads the command line.
#[cfg(unix)]
#[test]
fn the_command_line_of_the_page_makes_the_page_s_recipe() {
    let desk = Desk::new();
    let source = Source {
        network: "net.onnx".into(),
        calibration: Some("set.npz".into()),
        preprocessing: Some(Preprocessing {
            color: Some(Color::Bgr),
            subtract: vec![-1.0],
            mean: vec![-0.5; 3],
            std: vec![0.5, 1.0, 2.0],
            ..Preprocessing::default()
        }),
    };
    let bits = LayerBits { weight_bits: Some(5), activation_bits: Some(6) };
    let recipes = [
        Recipe::default(),
        Recipe {
            method: Method::Percentile,
            percentile: 99.5,
            weights: Granularity::PerTensor,
            weight_range: WeightRange::Mse,
            asymmetric_weights: true,
            activation_bits: 7,
            activations: ActivationType::I8,
            symmetric: true,
            equalize: true,
            bias_correction: true,
            samples: Some(9),
            seed: 3,
            ..Recipe::default()
        },
        Recipe {
            weight_bits: 4,
            reduce_range: true,
            rounding: Rounding::Adaround,
            format: Format::Qoperator,
            keep_float: vec!["conv".into()],
            layers: [("head".into(), bits)].into(),
            ..Recipe::default()
        },
    ];
    let programs = Path::new(env!("CARGO_BIN_EXE_steer8")).parent().unwrap();
    for recipe in recipes {
        let line = command::line(&source, &recipe);
        let output = Command::new("/bin/sh")
            .args(["-c", &line])
            .env("PATH", programs)
            .current_dir(desk.folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}: {}", stderr(&output));
        let made = format!("net-{}.onnx", recipe.variant(false));
        let graph = onnx::read(&fs::read(desk.path(&made)).unwrap()).unwrap();
        assert_eq!(recipe_of(&graph), Some(recipe), "{line}");
    }
}

#[test]
fn quantize_never_touches_its_input_or_leaves_a_broken_output() {
    let desk = Desk::new();
    let before = fs::read(desk.path("net.onnx")).unwrap();
    let error = desk.failure("quantize net.onnx -o ./net.onnx --calibration set.npz");
    assert!(error.contains("would overwrite an input"), "{error}");
    assert_eq!(fs::read(desk.path("net.onnx")).unwrap(), before);

    let error = desk.failure("quantize net.onnx -o out.onnx --calibration set.npz --keep-float no");
    assert!(error.contains("there is no node `no`"), "{error}");
    assert!(!desk.path("out.onnx").exists());
    let error = desk.failure("quantize net.onnx -o missing/out.onnx --calibration set.npz");
    assert!(error.contains("missing/out.onnx: the file cannot be written"), "{error}");

    // Before the work, not after it: nothing of the training set was looked at.
    let error = desk.failure("train net.onnx -o missing/out.onnx --training nothing.npz");
    assert!(error.contains("missing/out.onnx: the file cannot be written"), "{error}");
    let search = "search net.onnx --data set.npz --calibration bare.npz --max-drop 1";
    for input in ["net.onnx", "set.npz", "bare.npz"] {
        let error = desk.failure(&format!("{search} -o {input}"));
        assert!(error.contains("would overwrite an input"), "{error}");
    }
    desk.write("recipe.json", b"{}");
    let options = "--calibration set.npz --recipe recipe.json";
    let error = desk.failure(&format!("quantize net.onnx -o recipe.json {options}"));
    assert!(error.contains("would overwrite an input"), "{error}");
}

#[test]
fn recipe_files_are_told_apart() {
    let desk = Desk::new();
    for (recipe, wrong) in [
        ("[]", "not a recipe"),
        (r#"{"colour": "red"}"#, "unknown field `colour`"),
        (r#"{"version": 2, "newer": 1}"#, "version 2"),
        (r#"{"weight_bits": 9}"#, "9 bits"),
        (r#"{"layers": {"head": {"weight_bits": 1}}}"#, "node `head`: the recipe asks for 1 bits"),
    ] {
        desk.write("recipe.json", recipe.as_bytes());
        let error = desk
            .failure("quantize net.onnx -o out.onnx --calibration set.npz --recipe recipe.json");
        assert!(error.contains(wrong) && error.contains("recipe.json"), "{error}");
    }
}

/// Ctrl-C keeps the best epoch so far.
#[cfg(unix)]
#[test]
fn a_training_that_is_interrupted_is_kept() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let desk = Desk::new();
    let options = "--training set.npz --epochs 1000000 --threads 1";
    let mut training = Command::new(env!("CARGO_BIN_EXE_steer8"))
        .args(format!("train net.onnx -o out.onnx {options}").split(' '))
        .current_dir(desk.folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(training.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("epoch   2")));
    let interrupt = ["-INT", &training.id().to_string()].map(String::from);
    assert!(Command::new("kill").args(interrupt).status().unwrap().success());
    assert!(lines.any(|line| line.unwrap().starts_with("kept ")));
    assert_eq!(training.wait().unwrap().code(), Some(0));
    let file = onnx::read(&fs::read(desk.path("out.onnx")).unwrap()).unwrap();
    assert!(file.metadata.iter().any(|(key, _)| key == "steer8.training"));
}

#[test]
fn compare_measures_float_beside_int8() {
    let desk = Desk::new();
    let data = "--data set.npz --calibration set.npz";
    let json = desk.json(&format!("compare net.onnx {data} --json"));
    let results = json["results"].as_array().unwrap();
    let variants: Vec<_> = results.iter().map(|result| &result["variant"]).collect();
    assert_eq!(variants, ["float", "int8"]);
    for result in results {
        assert_eq!(result["model"], "net.onnx");
        assert_eq!(result["flops"], 2 * result["macs"].as_u64().unwrap());
        for field in ["p50", "p90", "mean", "runs", "ci95"] {
            assert!(!result["latency_ms"][field].is_null(), "{field}: {result}");
        }
        for field in ["file_bytes", "weight_bytes", "gzip_bytes", "params", "bops", "cold_ms"] {
            assert!(result[field].as_f64().unwrap() > 0.0, "{field}: {result}");
        }
        assert_eq!(result["accuracy"]["confusion"].as_array().unwrap().len(), CLASSES);
    }
    let [float, int8] = &results[..] else { panic!("{json}") };
    assert_eq!(float["agreement_with_float"], Json::Null);
    assert!(int8["agreement_with_float"].as_f64().unwrap() > 0.8);
    assert!(int8["mcnemar_p"].is_number() && int8["speedup_over_float"]["median"].is_number());
    assert_eq!(int8["recipe"]["method"], "minmax");
    assert_eq!(json["verdicts"].as_array().unwrap().len(), 1);

    // What was quantized before is measured as it is, beside the float network before it.
    desk.text("quantize net.onnx -o own.onnx --calibration set.npz --weights per-tensor");
    let text = desk.text(&format!("compare net.onnx own.onnx {data}"));
    let wanted = ["own.onnx", "latency, median", "ms [", "McNemar p", "smaller"];
    assert!(wanted.iter().all(|wanted| text.contains(wanted)), "{text}");
}

#[test]
fn a_comparison_is_written_as_a_report() {
    let desk = Desk::new();
    let data = "--data set.npz --calibration set.npz";
    // Two networks, of which the second was quantized before.
    desk.text("quantize net.onnx -o own.onnx --calibration set.npz --weight-bits 4");
    let outputs = "--html r.html --markdown r.md --csv r.csv";
    let json = desk.json(&format!("compare net.onnx own.onnx {data} {outputs} --json"));
    let read = |name: &str| fs::read_to_string(desk.path(name)).unwrap();
    let [html, markdown, csv] = ["r.html", "r.md", "r.csv"].map(read);
    for result in json["results"].as_array().unwrap() {
        // The last digits of a float are lost in reading it.
        let p50 = result["latency_ms"]["p50"].to_string();
        assert!(csv.contains(&p50[..p50.len().min(9)]), "{p50}: {csv}");
        let digest = result["sha256"].as_str().unwrap();
        assert_eq!(digest.len(), 64);
        assert!([&html, &markdown, &csv].iter().all(|text| text.contains(digest)), "{digest}");
    }
    assert!(csv.starts_with("figure,float,int8,w4a8\r\n"), "{csv}");
    let made = "steer8 quantize net.onnx -o net-int8.onnx --calibration set.npz";
    let asked = "steer8 compare net.onnx own.onnx --data set.npz";
    for text in [&html, &markdown] {
        assert!([made, asked, "net-int8.onnx", "set.npz"].iter().all(|said| text.contains(said)));
    }

    // What cannot be written is told before the work.
    for outputs in ["--html none/r.html", "--csv set.npz", "--html r.html --csv r.html"] {
        let error = desk.failure(&format!("compare net.onnx {data} {outputs}"));
        assert!(["written", "overwrite"].iter().any(|why| error.contains(why)), "{error}");
    }
}

#[test]
fn overrides_say_again_what_quantizing_came_to() {
    let desk = Desk::new();
    let made = "quantize net.onnx -o a.onnx --calibration set.npz";
    let first = desk.json(&format!("{made} --overrides o.json --json"));
    let overrides = written(&desk, "o.json");
    assert_eq!(overrides["image"][0]["quant_type"], "QUInt8");
    let weights = overrides["w"].as_array().unwrap();
    assert_eq!((weights.len(), &weights[0]["axis"]), (16, &0.into()));
    assert_eq!((&weights[1]["axis"], &weights[1]["zero_point"]), (&Json::Null, &0.into()));
    assert_eq!(overrides["active"][0]["scale"], overrides["flattened"][0]["scale"]);

    // Another set of frames, but the same ranges.
    let other = "quantize net.onnx -o b.onnx --calibration bare.npz --samples 1";
    let again = desk.json(&format!("{other} --overrides-from o.json --json"));
    assert_eq!(first["tensors"], again["tensors"]);
    assert_ne!(first["tensors"], desk.json(&format!("{other} --json"))["tensors"]);
    // They are part of the recipe.
    assert_eq!(again["recipe"]["ranges"]["w"].as_array().unwrap().len(), 16);

    desk.write("four.json", br#"{"v": [{"quant_type": "QInt4", "axis": 0}], "w": [{"axis": 0}]}"#);
    let json = desk.json(&format!("{other} --overrides-from four.json --json"));
    assert_eq!(json["recipe"]["layers"], serde_json::json!({"head": {"weight_bits": 4}}));
    for (wrong, why) in [
        (r#"{"image": [{"convert": {"quant_type": "QUInt16"}}]}"#, "`convert`"),
        (r#"{"image": [{"quant_type": "QUInt16"}]}"#, "QUInt16"),
        (r#"{"image": [{"scale": 0.1}]}"#, "come together"),
        (r#"{"sky": [{"rmin": 0, "rmax": 1}]}"#, "no such tensor"),
        (r#"{"features": [{"rmin": 0, "rmax": 1}]}"#, "`features` is not quantized"),
        (r#"{"w": [{"rmin": 0, "rmax": 1, "axis": 0}]}"#, "has 16 ranges, not 1"),
        (r#"{"image": [{"symmetric": true}], "logits": [{"symmetric": false}]}"#, "is one for all"),
        (r#"["w"]"#, "no TensorQuantOverrides"),
    ] {
        desk.write("wrong.json", wrong.as_bytes());
        let error = desk.failure(&format!("{other} --overrides-from wrong.json"));
        assert!(error.contains(why), "{wrong}: {error}");
    }
}

#[test]
fn figures_of_nodes_are_written_for_model_explorer() {
    let desk = Desk::new();
    desk.text(
        "inspect net.onnx --node-data m.json --node-data bits=b.json --node-data output=o.json",
    );
    let macs = written(&desk, "m.json");
    assert_eq!(macs["results"]["conv"]["value"], 16 * PIXELS);
    assert_eq!(macs["results"]["relu"]["value"], 0);
    assert_eq!(macs["gradient"].as_array().unwrap().len(), 2);
    let bits = serde_json::json!({"conv": {"value": 32}, "head": {"value": 32}});
    assert_eq!(written(&desk, "b.json")["results"], bits);
    assert_eq!(written(&desk, "o.json")["results"]["head"]["value"], CLASSES);
    desk.text("evaluate net.onnx --data set.npz --node-data t.json");
    assert!(written(&desk, "t.json")["results"]["conv"]["value"].as_f64().unwrap() > 0.0);
    let analyze = "analyze net.onnx --data set.npz --calibration set.npz --weight-bits 3";
    let json = desk.json(&format!("{analyze} --node-data d.json --node-data bits=b.json --json"));
    let damage = json["layers"][0]["only_this_quantized"]["logit_mse"].as_f64().unwrap();
    let told = written(&desk, "d.json")["results"]["conv"]["value"].as_f64().unwrap();
    assert!((told / damage - 1.0).abs() < 1e-9, "{told} {damage}");
    assert_eq!(written(&desk, "b.json")["results"]["head"]["value"], 3);
    assert!(desk.failure(&format!("{analyze} --node-data return=r.json")).contains("--drive"));
    assert_eq!(desk.run("inspect net.onnx --node-data colour=c.json").status.code(), Some(2));
}

/// A file of JSON that a run has written.
fn written(desk: &Desk, name: &str) -> Json {
    serde_json::from_slice(&fs::read(desk.path(name)).unwrap()).unwrap()
}

#[test]
fn quiet_and_piped_runs_say_nothing_on_stderr() {
    let desk = Desk::new();
    for arguments in
        ["evaluate net.onnx --data set.npz", "--quiet evaluate net.onnx --data set.npz"]
    {
        assert_eq!(stderr(&desk.run(arguments)), "");
    }
}

#[test]
fn the_bundled_frames_serve_only_networks_that_they_fit() {
    let desk = Desk::new();
    let error = desk.failure("evaluate net.onnx");
    assert!(error.contains("net.onnx: the bundled frames are 3x96x96"), "{error}");
    assert!(error.contains("--data"), "{error}");
    let error = desk.failure("quantize net.onnx -o out.onnx --json");
    assert!(error.contains("--calibration"), "{error}");
}

/// Each fault has a message of its own that names the file, and nothing reaches stdout.
#[test]
fn bad_input_is_told_apart() {
    let desk = Desk::new();
    let good = fs::read(desk.path("net.onnx")).unwrap();
    desk.write("empty.onnx", b"");
    desk.write("cut.onnx", &good[..good.len() / 2]);
    desk.write("picture.onnx", &images()[0].1);
    desk.write("two.onnx", &two_inputs());
    let mut unknown = network();
    unknown.nodes[1].op = "Levitate".into();
    desk.write("unknown.onnx", &onnx::write(&unknown));
    let mut bytes = network();
    bytes.input.element = Element(8);
    desk.write("bytes.onnx", &onnx::write(&bytes));
    let y = array("|u1", &format!("{FRAMES},"), &[CLASSES as u8; FRAMES]);
    desk.write("wrong.npz", &zip(&[("x.npy", frames_array()), ("y.npy", y)]));
    let set = fs::read(desk.path("set.npz")).unwrap();
    desk.write("cut.npz", &set[..set.len() / 2]);
    desk.write("empty.npz", b"");

    let cases = [
        ("empty.onnx", "set.npz", "empty.onnx: this is an empty file"),
        ("cut.onnx", "set.npz", "cut.onnx: "),
        ("picture.onnx", "set.npz", "picture.onnx: this is a PNG image"),
        ("two.onnx", "set.npz", "two.onnx: the shape of the input `speed` is not known"),
        ("unknown.onnx", "set.npz", "Levitate"),
        ("bytes.onnx", "set.npz", "bytes.onnx: the input `image` is string, not float32"),
        ("net.onnx", "bare.npz", "bare.npz: the frames have no labels"),
        ("net.onnx", "wrong.npz", "wrong.npz: label 5 of frame 0 is out of range"),
        ("net.onnx", "cut.npz", "cut.npz: the archive is damaged or cut short"),
        ("net.onnx", "empty.npz", "empty.npz: the file is empty"),
        ("net.onnx", "none.npz", "none.npz: the file cannot be read"),
        ("none.onnx", "set.npz", "none.onnx: the file cannot be read"),
    ];
    let mut messages = Vec::new();
    for (model, data, expected) in cases {
        let error = desk.failure(&format!("evaluate {model} --data {data} --json"));
        assert!(
            error.starts_with("error: ") && error.contains(expected),
            "{model} {data}: {error}"
        );
        assert!(error.contains(model) || error.contains(data), "{model} {data}: {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
        messages.push(error.replace(model, "").replace(data, ""));
    }
    // The two files that are not there share their words.
    messages.pop();
    messages.sort();
    messages.dedup();
    assert_eq!(messages.len(), cases.len() - 1, "{messages:#?}");
}

/// The network with an input more, of no shape. The file is put together from two: protobuf fields of the
/// same number are merged, repeated ones appended.
fn two_inputs() -> Vec<u8> {
    let mut file = onnx::write(&network());
    let name = b"speed";
    // ValueInfoProto: name = 1; GraphProto: input = 11; ModelProto: graph = 7.
    let value = [&[0x0a, name.len() as u8], &name[..]].concat();
    let tensor = [&value[..], &[0x12, 0x04, 0x0a, 0x02, 0x08, 0x01]].concat();
    let graph = [&[0x5a, tensor.len() as u8], &tensor[..]].concat();
    file.extend([0x3a, graph.len() as u8]);
    file.extend(graph);
    file
}

#[test]
fn the_desk_is_left_clean() {
    let desk = Desk::new();
    desk.text("quantize net.onnx -o out.onnx --calibration set.npz");
    let mut names: Vec<_> = fs::read_dir(desk.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["bare.npz", "net.onnx", "out.onnx", "set.npz"]);
    assert!(Path::new(&desk.path("out.onnx")).is_file());
}
