//! Networks that are not like the bundled ones: what holds for these holds for those, too.

use crate::made_up::{AROUND, CLASSES, FRAME, Net, frames, labelled, residual, silu};
use steer8::crew::Alone;
use steer8::data::Dataset;
use steer8::error::{Error, Result};
use steer8::graph::{Data, Dim, Graph, Tensor};
use steer8::progress::ready;
use steer8::quantize::{Listener, NoRoad, Quantized, Step, analyze, quantize, search};
use steer8::runtime::{Arithmetic, Session};
use steer8::score::classes::top1;
use steer8::train::{self, Trained};
use steer8::vocabulary::driving::RoadSearch;
use steer8::vocabulary::plan::Plan;
use steer8::vocabulary::quantization::TensorInfo;
use steer8::vocabulary::recipe::{ActivationType, LayerBits, Method, Recipe, Rounding};
use steer8::vocabulary::search::{Found, Target};
use steer8::vocabulary::task::Judging;

fn unheard(_: Step, _: usize, _: usize) -> Result<()> {
    Ok(())
}

fn quantized(graph: &Graph, recipe: &Recipe, data: &Dataset) -> Quantized {
    quantize(graph, recipe, data, &mut unheard).expect("it can be quantized")
}

/// The answers to all frames.
fn answers(graph: &Graph, data: &Dataset) -> Vec<f32> {
    let mut session = Session::new(graph, Some(&FRAME), Arithmetic::Fast).expect("it runs");
    let mut input = vec![0.0; session.frame_len()];
    let mut rows = Vec::new();
    for frame in 0..data.len() {
        data.input(frame, &mut input);
        session.run(&input, |_, row| rows.extend_from_slice(row)).expect("it runs");
    }
    rows
}

/// The mean squared error of the int8 network's answers over the mean square of the float network's.
fn damage(graph: &Graph, recipe: &Recipe, data: &Dataset) -> f64 {
    let float = answers(graph, data);
    let int8 = answers(&quantized(graph, recipe, data).graph, data);
    let square = |(a, b): (&f32, &f32)| f64::from(a - b).powi(2);
    let signal: f64 = float.iter().map(|&a| f64::from(a).powi(2)).sum();
    float.iter().zip(&int8).map(square).sum::<f64>() / signal
}

#[test]
fn equalization_stops_where_channels_are_taken_apart() {
    let mut net = Net::new();
    net.layer("Conv", "x", "c", &[4, 2, 3, 3], &[AROUND]);
    net.node("Relu", &["c"], "r", &[]);
    // Rows of a picture, not channels, follow one another in what the Gemm multiplies.
    net.node("Flatten", &["r"], "flat", &[("axis", &[3])]);
    net.layer("Gemm", "flat", "y", &[CLASSES, 8], &[("transB", &[1])]);
    let weights = net.graph.initializers.get_mut("c_weights").expect("it was made");
    if let Data::F32(weights) = &mut weights.data {
        weights[..18].iter_mut().for_each(|w| *w *= 30.0);
    }
    let recipe = Recipe { equalize: true, ..Recipe::default() };
    let off = damage(&net.graph, &recipe, &frames(40));
    assert!(off < 1e-2, "{off}");
}

#[test]
fn frames_that_fill_a_fixed_batch_do_not_count() {
    let free = residual();
    let mut fixed = free.clone();
    let shape = fixed.input.shape.as_mut().expect("it is known");
    shape[0] = Dim::Fixed(4);
    // One frame is left for the last batch, the brightest of its quarter.
    let data = frames(41);
    for method in Method::ALL {
        // In another order of frames, a moving average would differ.
        let recipe = Recipe {
            method,
            percentile: 95.0,
            equalize: true,
            bias_correction: true,
            weight_bits: 4,
            ..Recipe::default()
        };
        let [one, four] = [&free, &fixed].map(|graph| quantized(graph, &recipe, &data).tensors);
        let scales = |tensors: &[TensorInfo]| {
            tensors.iter().map(|t| (t.name.clone(), t.scale.clone())).collect::<Vec<_>>()
        };
        assert_eq!(scales(&one), scales(&four), "{method:?}");
    }
}

#[test]
fn every_method_has_a_range_for_values_that_never_are_zero() {
    for method in Method::ALL {
        for symmetric in [false, true] {
            let recipe = Recipe { method, symmetric, ..Recipe::default() };
            quantized(&silu(), &recipe, &frames(30));
        }
    }
}

#[test]
fn a_rounding_is_learned_for_what_all_readers_see() {
    let mut net = Net::new();
    net.layer("Conv", "x", "c", &[8, 2, 3, 3], &[AROUND]);
    net.node("Relu", &["c"], "positive", &[]);
    net.graph.initializers.insert("minus".into(), Tensor::new([1], Data::F32(vec![-1.0])));
    net.node("Mul", &["c", "minus"], "negative", &[]);
    net.node("Concat", &["positive", "negative"], "both", &[("axis", &[1])]);
    net.node("Flatten", &["both"], "flat", &[]);
    net.layer("Gemm", "flat", "y", &[CLASSES, 16 * 64], &[("transB", &[1])]);
    let mut swapped = net.graph.clone();
    swapped.nodes.swap(1, 2);
    let recipe = |rounding| Recipe { weight_bits: 3, rounding, ..Recipe::default() };
    let data = frames(48);
    let [nearest, learned] =
        [Rounding::Nearest, Rounding::Adaround].map(|r| damage(&net.graph, &recipe(r), &data));
    assert!(learned < nearest, "{learned} {nearest}");
    let of = |graph: &Graph| quantized(graph, &recipe(Rounding::Adaround), &data).tensors;
    let codes = |graph: &Graph| quantized(graph, &recipe(Rounding::Adaround), &data).graph;
    assert_eq!(of(&net.graph).len(), of(&swapped).len());
    assert_eq!(answers(&codes(&net.graph), &data), answers(&codes(&swapped), &data));
}

/// As PyTorch's exporter writes `F.pad`.
#[test]
fn pads_may_be_computed_from_constants() {
    let end = |mut net: Net| {
        net.node("Relu", &["c"], "r", &[]);
        net.node("Flatten", &["r"], "flat", &[]);
        net.layer("Gemm", "flat", "y", &[CLASSES, 4 * FRAME[1] * FRAME[2]], &[("transB", &[1])]);
        net.graph
    };
    let mut net = Net::new();
    for (name, values) in
        [("pairs", &[0, 0, 0, 0, 1, 1, 1, 1][..]), ("rows", &[-1, 2]), ("flatten", &[-1])]
    {
        let tensor = Tensor::new([values.len()], Data::I64(values.to_vec()));
        net.graph.initializers.insert(name.into(), tensor);
    }
    net.node("Reshape", &["pairs", "rows"], "two", &[]);
    net.node("Transpose", &["two"], "turned", &[("perm", &[1, 0])]);
    net.node("Reshape", &["turned", "flatten"], "wide", &[]);
    net.node("Cast", &["wide"], "pads", &[("to", &[7])]);
    net.node("Pad", &["x", "pads"], "padded", &[]);
    net.layer("Conv", "padded", "c", &[4, FRAME[0], 3, 3], &[]);
    let computed = end(net);
    let mut net = Net::new();
    net.layer("Conv", "x", "c", &[4, FRAME[0], 3, 3], &[AROUND]);
    let plain = end(net);
    let data = frames(20);
    assert_eq!(answers(&computed, &data), answers(&plain, &data));
    let codes = |graph| quantized(graph, &Recipe::default(), &data).graph;
    assert_eq!(answers(&codes(&computed), &data), answers(&codes(&plain), &data));
}

#[test]
fn a_recipe_says_nothing_of_nodes_that_it_cannot_change() {
    let graph = residual();
    let data = frames(8);
    let layer =
        |node: &str, bits| Recipe { layers: [(node.into(), bits)].into(), ..Recipe::default() };
    let weights = LayerBits { weight_bits: Some(4), ..LayerBits::default() };
    let activations = LayerBits { activation_bits: Some(4), ..LayerBits::default() };
    let refused = |recipe: Recipe| -> Error {
        quantize(&graph, &recipe, &data, &mut unheard).expect_err("it is refused")
    };
    assert!(refused(layer("r1", activations)).what.contains("no width of its own"));
    assert!(refused(layer("sum", weights)).what.contains("no weights"));
    assert_eq!(refused(layer("sum", weights)).node.as_deref(), Some("sum"));
    let kept = Recipe { keep_float: vec!["n1".into()], ..Recipe::default() };
    assert!(refused(kept).what.contains("together with"));
    for fine in [layer("sum", activations), layer("c1", weights), layer("c1", activations)] {
        quantized(&graph, &fine, &data);
    }
}

fn searched(graph: &Graph, start: &Recipe, data: &Dataset) -> Result<Found> {
    let target = Target { max_drop: Some(2.0), ..Target::default() };
    let listener = Listener { progress: &mut unheard, tried: &mut |_| () };
    let on = ([data, data], &Judging::default(), None);
    let drives = (&RoadSearch::default(), &mut NoRoad);
    ready(search(graph, start, target, on, &|_| 1000, drives, listener))
}

fn trained(graph: &Graph, recipe: &Recipe, plan: &Plan, data: &Dataset) -> Trained {
    let listener =
        train::Listener { progress: &mut |_, _, _| Ok(()), epoch: &mut |_| (), checkpoint: None };
    ready(train::train(graph, recipe, plan, [data, data], None, listener, &mut Alone))
        .expect("it trains")
}

#[test]
fn a_search_raises_joins_too() {
    let graph = residual();
    // The labels are the float network's own answers.
    let rows = answers(&graph, &frames(120));
    let classes = rows.chunks_exact(CLASSES).map(|row| top1(row) as u8);
    let data = labelled(&classes.collect::<Vec<_>>());
    let start = Recipe { activation_bits: 2, ..Recipe::default() };
    let found = searched(&graph, &start, &data).expect("it searches");
    assert!(found.best.meets, "{:?}", found.best);
    let raised = found.trials.iter().any(|t| t.recipe.layers.contains_key("sum"));
    assert!(raised, "the Add keeps its two bits");
}

#[test]
fn labels_beyond_the_classes_are_refused() {
    let data = labelled(&[9; 20]);
    let error = searched(&silu(), &Recipe::default(), &data).expect_err("no such class");
    assert!(error.what.contains("label 9"), "{error}");
    let on = ([&data, &data], &Judging::default());
    let macs = |_: &str| 1;
    let error = analyze(&silu(), &Recipe::default(), on, None, &macs, &mut unheard)
        .expect_err("no such class");
    assert!(error.what.contains("label 9"), "{error}");
}

/// The share of held-out frames that a file answers right.
fn heldout_top1(trained: &Trained, data: &Dataset) -> f64 {
    let labels = data.classes().expect("they have labels");
    let rows = answers(&trained.quantized.graph, data);
    let rows: Vec<&[f32]> = rows.chunks_exact(CLASSES).collect();
    let right = |&&frame: &&usize| top1(rows[frame]) == labels[frame] as usize;
    trained.held_out.iter().filter(right).count() as f64 / trained.held_out.len() as f64
}

#[test]
fn what_training_sees_of_clipped_symmetric_activations_is_what_the_file_does() {
    let data = frames(400);
    let plan = Plan { epochs: Some(1), batch: 20, ..Plan::default() };
    for activation_bits in [8, 4] {
        let recipe = Recipe {
            activation_bits,
            activations: ActivationType::I8,
            symmetric: true,
            method: Method::Percentile,
            percentile: 80.0,
            ..Recipe::default()
        };
        let trained = trained(&residual(), &recipe, &plan, &data);
        assert_eq!(Some(heldout_top1(&trained, &data)), trained.best.heldout_top1);
    }
}

#[test]
fn training_starts_from_learned_rounding_behind_a_normalization_too() {
    let data = frames(200);
    let plan = Plan { epochs: Some(1), ..Plan::default() };
    let start = |rounding| {
        let recipe = Recipe { weight_bits: 2, rounding, ..Recipe::default() };
        trained(&residual(), &recipe, &plan, &data).start.heldout_loss
    };
    assert_ne!(start(Rounding::Nearest), start(Rounding::Adaround));
}

#[test]
fn a_normalization_of_one_value_trains() {
    let mut net = Net::new();
    net.node("Flatten", &["x"], "flat", &[]);
    net.layer("Gemm", "flat", "g", &[16, 128], &[("transB", &[1])]);
    net.normalization("g", "n", 16);
    net.node("Relu", &["n"], "r", &[]);
    net.layer("Gemm", "r", "y", &[CLASSES, 16], &[("transB", &[1])]);
    let plan = Plan { epochs: Some(3), batch: 1, ..Plan::default() };
    let trained = trained(&net.graph, &Recipe::default(), &plan, &frames(200));
    assert!(trained.best.heldout_score > 0.9, "{:?}", trained.epochs);
}

/// A normalization of the frames themselves; with `shaped`, of what a Reshape made of them.
fn normalized_first(shaped: bool) -> Graph {
    let mut net = Net::new();
    let turn = |net: &mut Net, x: &str, y: &str, order: &[i64]| {
        net.node("Transpose", &[x], y, &[("perm", order)]);
    };
    turn(&mut net, "x", "last", &[0, 2, 3, 1]);
    if shaped {
        let shape = Tensor::new([4], Data::I64(vec![-1, 8, 8, 2]));
        net.graph.initializers.insert("shape".into(), shape);
        net.node("Reshape", &["last", "shape"], "shaped", &[]);
    }
    turn(&mut net, if shaped { "shaped" } else { "last" }, "first", &[0, 3, 1, 2]);
    net.normalization("first", "n", 2);
    net.node("Relu", &["n"], "r", &[]);
    net.layer("Conv", "r", "c", &[8, 2, 4, 4], &[("strides", &[4, 4])]);
    net.node("Flatten", &["c"], "flat", &[]);
    net.layer("Gemm", "flat", "y", &[CLASSES, 32], &[("transB", &[1])]);
    net.graph
}

#[test]
fn a_normalization_trains_behind_what_turns_the_axes_of_the_frames() {
    let plan = Plan { epochs: Some(1), ..Plan::default() };
    let data = frames(80);
    for shaped in [false, true] {
        let made = trained(&normalized_first(shaped), &Recipe::default(), &plan, &data);
        assert!(made.quantized.left_in_float.is_empty(), "{:?}", made.quantized.left_in_float);
    }
}
