//! Networks that predict values, as people drive with them: what is measured, said and searched.

use std::io::{Cursor, Write};

use crate::asking::ask;
use steer8::graph::{Attribute, Data, Dim, Graph, Node, Tensor, Value};
use steer8::lab::Lab;
use steer8::lab::protocol::{Event, Request, Role};
use steer8::onnx::write;
use steer8::random::SplitMix64;
use steer8::vocabulary::driving::RoadSearch;
use steer8::vocabulary::file::File;
use steer8::vocabulary::preprocessing::Preprocessing;
use steer8::vocabulary::recipe::{Granularity, Method, Recipe};
use steer8::vocabulary::report::Report;
use steer8::vocabulary::search::Target;
use steer8::vocabulary::task::{Judging, Task};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::made_up::{AROUND, Net, TWO, array};

const FRAMES: usize = 240;

/// From made-up frames to one value.
fn steering() -> Graph {
    let mut net = Net::new();
    net.layer("Conv", "x", "c1", &[8, 2, 3, 3], &[AROUND, TWO]);
    net.node("Relu", &["c1"], "r1", &[]);
    net.layer("Conv", "r1", "c2", &[8, 8, 3, 3], &[AROUND, TWO]);
    net.node("Relu", &["c2"], "r2", &[]);
    net.node("Flatten", &["r2"], "flat", &[]);
    net.layer("Gemm", "flat", "y", &[1, 32], &[("transB", &[1])]);
    net.graph
}

/// The same with a second output.
fn driving() -> Graph {
    let mut graph = steering();
    let last = graph.nodes.last_mut().expect("a layer");
    last.outputs = vec!["steer".into()];
    graph.nodes.push(Node::new("Sigmoid", "gas", ["steer"], ["gas"]));
    let output = |name: &str| Value { name: name.into(), ..Value::default() };
    graph.outputs = ["steer", "gas"].map(output).into();
    graph
}

/// The same for frames with the channels last.
fn channels_last() -> Graph {
    let mut graph = steering();
    let dims = [8, 8, 2].map(Dim::Fixed);
    graph.input.shape = Some(std::iter::once(Dim::Free("n".into())).chain(dims).collect());
    let mut turn = Node::new("Transpose", "turn", ["x"], ["turned"]);
    turn = turn.with("perm", Attribute::Ints(vec![0, 3, 1, 2]));
    for node in graph.nodes.iter_mut().filter(|node| node.inputs[0] == "x") {
        node.inputs[0] = "turned".into();
    }
    graph.nodes.insert(0, turn);
    graph
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> File {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        archive.start_file(format!("{name}.npy"), SimpleFileOptions::default()).expect("a zip");
        archive.write_all(bytes).expect("a zip");
    }
    let bytes = archive.finish().expect("a zip").into_inner().into();
    File { name: "drive.npz".into(), bytes }
}

/// A slow drive: a bright bar that wanders over frames of noise, `channels` of them.
fn x(channels: usize) -> Vec<u8> {
    let mut random = SplitMix64::new(5);
    let mut pixels = Vec::new();
    for frame in 0..FRAMES {
        let bar = 3.5 + 3.5 * (frame as f64 / 17.0).sin();
        for at in 0..64 {
            let near = ((at % 8) as f64 - bar).abs() < 1.0;
            let value = |_| (random.below(60) + if near { 150 } else { 0 }) as u8;
            pixels.extend((0..channels).map(value));
        }
    }
    array("|u1", &format!("{FRAMES}, 8, 8, {channels}"), &pixels)
}

fn floats(columns: &[&[f32]]) -> Vec<u8> {
    let rows = (0..FRAMES).flat_map(|frame| columns.iter().map(move |column| column[frame]));
    let bytes: Vec<u8> = rows.flat_map(f32::to_le_bytes).collect();
    let shape = match columns.len() {
        1 => format!("{FRAMES},"),
        k => format!("{FRAMES}, {k}"),
    };
    array("<f4", &shape, &bytes)
}

/// A lab with the network and its frames.
fn lab(graph: &Graph, data: File, preprocessing: Option<Preprocessing>) -> Lab {
    let mut lab = Lab::new();
    let file = File { name: "net.onnx".into(), bytes: write(graph).into() };
    let loaded = ask(
        &mut lab,
        Request::LoadModel { model: "net".into(), file: file.into(), beside: Vec::new() },
    );
    assert!(matches!(loaded, Event::ModelLoaded { .. }), "{loaded:?}");
    for role in [Role::Calibration, Role::Validation] {
        let (files, reading) = (vec![data.clone().into()], preprocessing.clone().into());
        let loaded = ask(&mut lab, Request::LoadData { role, files, reading });
        assert!(matches!(loaded, Event::DataLoaded { .. }), "{loaded:?}");
    }
    lab
}

/// What the network says of each frame: every output's numbers.
fn answers(graph: &Graph, data: &File) -> Vec<Vec<f32>> {
    let mut lab = lab(graph, data.clone(), None);
    let judging = Judging { task: Some(Task::None), ..Judging::default() };
    match ask(&mut lab, Request::Evaluate { model: "net".into(), float: None, judging }) {
        Event::Evaluated { logits, .. } => logits,
        other => panic!("{other:?}"),
    }
}

/// Float beside what `recipe` makes of it.
fn compared(lab: &mut Lab, recipe: Recipe, judging: &Judging) -> ([Report; 2], String) {
    let quantize = Request::Quantize { model: "net".into(), recipe, into: "int".into() };
    let quantized = ask(lab, quantize);
    assert!(matches!(quantized, Event::Quantized { .. }), "{quantized:?}");
    let models = vec!["net".into(), "int".into()];
    match ask(lab, Request::Compare { models, judging: judging.clone() }) {
        Event::Compared { reports, verdict, .. } => (reports.try_into().expect("two"), verdict),
        other => panic!("{other:?}"),
    }
}

fn coarse() -> Recipe {
    Recipe { weight_bits: 2, weights: Granularity::PerTensor, ..Recipe::default() }
}

/// Frames whose labels the network meets but for some noise.
fn labelled(graph: &Graph) -> File {
    let frames = npz(&[("x", x(2))]);
    let mut random = SplitMix64::new(9);
    let mut noise = || (random.below(1001) as f32 / 500.0 - 1.0) * 0.05;
    let labels: Vec<f32> = answers(graph, &frames).iter().map(|row| row[0] + noise()).collect();
    npz(&[("x", x(2)), ("y", floats(&[&labels]))])
}

#[test]
fn one_value_is_held_against_its_labels_and_no_agreement_is_claimed() {
    let graph = steering();
    let mut lab = lab(&graph, labelled(&graph), None);
    let judging = Judging { tolerance: Some(0.1), ..Judging::default() };
    let ([float, fine], verdict) = compared(&mut lab, Recipe::default(), &judging);
    assert_eq!((&*float.task, &*fine.task), ("values", "values"));
    assert!(float.accuracy.is_none() && fine.agreement_with_float.is_none());
    let score = |report: &Report| report.values.as_ref().expect("values").outputs[0].clone();
    assert!(score(&float).mae < 0.03 && score(&float).within.expect("a tolerance").share == 1.0);
    assert!(verdict.contains("MAE") && verdict.contains("never more than"), "{verdict}");

    let ([_, two_bits], verdict) = compared(&mut lab, coarse(), &judging);
    let change = &two_bits.mae_change.as_ref().expect("beside float")[0];
    assert!(change.change > 0.5 * score(&float).mae && change.p < 0.01, "{change:?}");
    assert!(change.ci95[0] > 0.0 && change.ci95[0] < change.change);
    let moved = &two_bits.from_float.as_ref().expect("beside float").outputs[0];
    assert!(moved.max_abs >= moved.p99_abs && moved.p99_abs >= moved.mean_abs);
    assert!(verdict.contains("(+") && verdict.contains(", p = "), "{verdict}");
}

#[test]
fn the_analysis_and_the_search_speak_of_errors() {
    let graph = steering();
    let mut lab = lab(&graph, labelled(&graph), None);
    let (model, judging) = (|| "net".to_owned(), Judging::default());
    let analyze = |recipe| Request::Analyze {
        model: model(),
        recipe,
        judging: judging.clone(),
        frames: None,
        road: None,
    };
    let Event::Analyzed { analysis, .. } = ask(&mut lab, analyze(coarse())) else {
        panic!("no analysis")
    };
    assert!(analysis.float_top1.is_none() && analysis.quantized.agreement.is_none());
    let (float, all) = (analysis.float_mae.expect("labels"), analysis.quantized);
    assert!(
        all.mae.expect("labels") > 1.5 * float
            && all.max_abs_from_float > all.mae_change.expect("labels")
    );
    assert!(analysis.layers.iter().all(|layer| layer.only_this_quantized.mae_change.is_some()));
    // Ranges by entropy that cut most of a value's range off are told.
    let clipping = Recipe { method: Method::Percentile, percentile: 60.0, ..Recipe::default() };
    let Event::Analyzed { analysis, .. } = ask(&mut lab, analyze(clipping)) else {
        panic!("no analysis")
    };
    assert!(
        analysis.warnings.iter().any(|text| text.contains("clips too much")),
        "{:?}",
        analysis.warnings
    );

    let search = |target| Request::Search {
        model: model(),
        recipe: coarse(),
        target,
        judging: judging.clone(),
        frames: None,
        road: RoadSearch::default(),
    };
    let rise = Target { max_rise: Some(10.0), ..Target::default() };
    let Event::Searched { found, .. } = ask(&mut lab, search(rise)) else { panic!("no search") };
    assert!(found.best.meets && found.best.drop.is_none(), "{:?}", found.best);
    assert!(!found.trials[0].meets, "two bits are too few: {:?}", found.trials[0]);
    let heldout = found.heldout.expect("another half");
    assert_eq!((found.frames, heldout.frames), (FRAMES / 2, FRAMES / 2));
    let (rise, [low, high]) = (heldout.rise.expect("values"), heldout.rise_ci95.expect("values"));
    assert!(low <= rise && rise <= high && heldout.holds == Some(rise <= 10.0));
    let drop = Target { max_drop: Some(0.5), ..Target::default() };
    let Event::Failed { error } = ask(&mut lab, search(drop)) else {
        panic!("there are no points to lose")
    };
    assert!(error.to_string().contains("--max-rise"), "{error}");
}

#[test]
fn every_output_is_measured_whatever_is_known_of_it() {
    let graph = driving();
    let frames = npz(&[("x", x(2))]);
    let rows = answers(&graph, &frames);
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f32>>();
    let shifted: Vec<f32> = column(1).iter().map(|x| x + 0.25).collect();
    // By their names, in whatever order, or in the order of the outputs.
    let named = npz(&[("gas", floats(&[&shifted])), ("steer", floats(&[&column(0)])), ("x", x(2))]);
    let in_order = npz(&[("x", x(2)), ("y", floats(&[&column(0), &shifted]))]);
    for data in [named, in_order] {
        let mut lab = lab(&graph, data, None);
        let ([float, _], _) = compared(&mut lab, Recipe::default(), &Judging::default());
        let outputs = float.values.expect("labels").outputs;
        let found: Vec<_> = outputs.iter().map(|score| (&*score.name, score.mae)).collect();
        let [("steer", steering), ("gas", gas)] = found[..] else { panic!("{found:?}") };
        assert!(steering == 0.0 && (gas - 0.25).abs() < 1e-6, "{found:?}");
    }
    // Without labels it is told how far both move.
    let mut lab = lab(&graph, frames, None);
    let ([_, int8], verdict) = compared(&mut lab, Recipe::default(), &Judging::default());
    let moved: Vec<String> = int8
        .from_float
        .expect("beside float")
        .outputs
        .into_iter()
        .map(|output| output.name)
        .collect();
    assert_eq!(moved, ["steer", "gas"]);
    assert!(int8.values.is_none() && verdict.contains("`gas` moved by"), "{verdict}");
}

#[test]
fn frames_enter_with_the_channels_where_the_network_has_them_and_several_as_one() {
    let data = npz(&[("x", x(2))]);
    assert_eq!(answers(&channels_last(), &data), answers(&steering(), &data));
    // Two grey frames in a row.
    let grey = npz(&[("x", x(1))]);
    let stack = Preprocessing { stack: Some(2), ..Preprocessing::default() };
    let mut lab = lab(&steering(), grey, Some(stack));
    let judging = Judging { task: Some(Task::None), ..Judging::default() };
    let evaluate = Request::Evaluate { model: "net".into(), float: None, judging };
    let Event::Evaluated { logits, .. } = ask(&mut lab, evaluate) else { panic!("not run") };
    assert_eq!(logits.len(), FRAMES - 1);
}

#[test]
fn what_enters_otherwise_than_a_network_was_made_for_is_doubted() {
    // Divides by 255 itself, then expects means of 0.5 and variances of 0.1.
    let mut net = Net::new();
    net.graph.initializers.insert("all".into(), Tensor::scalar_f32(255.0));
    net.node("Div", &["x", "all"], "unit", &[]);
    net.normalization("unit", "n", 2);
    for (name, value) in [("n_mean", 0.5), ("n_variance", 0.1)] {
        net.graph.initializers.insert(name.into(), Tensor::new([2], Data::F32(vec![value; 2])));
    }
    net.node("Relu", &["n"], "y", &[]);
    let doubts = |preprocessing: Option<Preprocessing>| {
        let mut lab = lab(&net.graph, npz(&[("x", x(2))]), preprocessing);
        match ask(&mut lab, Request::Entering { model: "net".into(), role: Role::Validation }) {
            Event::Entering { entering, .. } => entering.doubts,
            other => panic!("{other:?}"),
        }
    };
    let divided = doubts(None);
    assert!(divided[0].what.contains("divide by 255"), "{divided:?}");
    assert!(divided[0].way_out.contains("--divide 1"), "{divided:?}");
    assert!(divided[1].what.contains("in 2 of 2 channels what reaches `n`"), "{divided:?}");
    let plain = Preprocessing { divide: Some(1.0), ..Preprocessing::default() };
    assert_eq!(doubts(Some(plain)), []);
}
