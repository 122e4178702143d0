//! Networks as exporters old and new write them: each against the same network written plainly.

use crate::made_up::{AROUND, CLASSES, FRAME, Net, frames};
use steer8::graph::{Attribute, Data, Element, Graph, Node, Tensor, Value};
use steer8::onnx::{read, write};
use steer8::quantize::quantize;
use steer8::runtime::lower::lower;
use steer8::runtime::{Arithmetic, Session};
use steer8::vocabulary::recipe::Recipe;

/// The first output of some frames, of the network as its file is read.
fn answers(graph: &Graph, arithmetic: Arithmetic) -> Vec<f32> {
    let mut graph = read(&write(graph)).expect("it can be read");
    graph.see_frames().expect("it takes frames");
    let data = frames(8);
    let mut session = Session::new(&graph, Some(&FRAME), arithmetic).expect("it runs");
    let mut input = vec![0.0; session.frame_len()];
    let mut rows = Vec::new();
    for frame in 0..data.len() {
        data.input(frame, &mut input);
        let visit = |output, row: &[f32]| {
            if output == 0 {
                rows.extend_from_slice(row);
            }
        };
        session.run(&input, visit).expect("it runs");
    }
    rows
}

/// The answers of its int8 file.
fn int8_answers(graph: &Graph) -> Vec<f32> {
    let graph = read(&write(graph)).expect("it can be read");
    let made = quantize(&graph, &Recipe::default(), &frames(8), &mut |_, _, _| Ok(()));
    answers(&made.expect("it can be quantized").graph, Arithmetic::Fast)
}

fn same(foreign: &Graph, plain: &Graph) {
    for arithmetic in [Arithmetic::Fast, Arithmetic::Deterministic] {
        let (foreign, plain) = (answers(foreign, arithmetic), answers(plain, arithmetic));
        assert_eq!(foreign.len(), plain.len());
        assert!(plain.iter().any(|x| *x != plain[0]), "answers that tell nothing");
        for (a, b) in foreign.iter().zip(&plain) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }
}

fn of_opset(version: i64) -> Net {
    let mut net = Net::new();
    net.graph.opsets = [(String::new(), version)].into();
    net
}

fn ints(net: &mut Net, name: &str, values: &[i64]) {
    let tensor = Tensor::new([values.len()], Data::I64(values.to_vec()));
    net.graph.initializers.insert(name.into(), tensor);
}

fn floats(net: &mut Net, name: &str, values: &[f32]) {
    let tensor = Tensor::new([values.len()], Data::F32(values.to_vec()));
    net.graph.initializers.insert(name.into(), tensor);
}

fn with(net: &mut Net, attribute: &str, value: Attribute) {
    let node = net.graph.nodes.last_mut().expect("a node");
    node.attributes.insert(attribute.into(), value);
}

/// Convolution, larger picture, a part of it, means, scores of two axes.
#[test]
fn old_operator_sets_mean_what_they_meant() {
    let begin = |net: &mut Net| net.layer("Conv", "x", "c", &[CLASSES, FRAME[0], 3, 3], &[AROUND]);
    let mut today = Net::new();
    begin(&mut today);
    floats(&mut today, "scales", &[1.0, 1.0, 2.0, 2.0]);
    today.node("Resize", &["c", "", "scales"], "large", &[]);
    with(&mut today, "coordinate_transformation_mode", Attribute::Text(b"asymmetric".to_vec()));
    with(&mut today, "nearest_mode", Attribute::Text(b"floor".to_vec()));
    ints(&mut today, "starts", &[1, 2]);
    ints(&mut today, "ends", &[9, 100]);
    ints(&mut today, "axes", &[2, 3]);
    today.node("Slice", &["large", "starts", "ends", "axes"], "part", &[]);
    floats(&mut today, "zero", &[0.0]);
    floats(&mut today, "six", &[6.0]);
    for name in ["zero", "six"] {
        let tensor = today.graph.initializers.get_mut(name).expect("it was made");
        tensor.shape.clear();
    }
    today.node("Clip", &["part", "zero", "six"], "clipped", &[]);
    today.node("GlobalAveragePool", &["clipped"], "means", &[]);
    today.node("Flatten", &["means"], "flat", &[]);
    today.node("Softmax", &["flat"], "y", &[("axis", &[1])]);

    for version in [7, 9] {
        let mut old = of_opset(version);
        begin(&mut old);
        if version == 7 {
            old.node("Upsample", &["c"], "large", &[]);
            with(&mut old, "scales", Attribute::Floats(vec![1.0, 1.0, 2.0, 2.0]));
        } else {
            floats(&mut old, "scales", &[1.0, 1.0, 2.0, 2.0]);
            old.node("Upsample", &["c", "scales"], "large", &[]);
        }
        let slice: [(&str, &[i64]); 3] =
            [("starts", &[1, 2]), ("ends", &[9, 100]), ("axes", &[2, 3])];
        old.node("Slice", &["large"], "part", &[]);
        for (name, values) in slice {
            with(&mut old, name, Attribute::Ints(values.to_vec()));
        }
        old.node("Clip", &["part"], "clipped", &[]);
        with(&mut old, "min", Attribute::Float(0.0));
        with(&mut old, "max", Attribute::Float(6.0));
        old.node("GlobalAveragePool", &["clipped"], "means", &[]);
        old.node("Softmax", &["means"], "y", &[]);
        same(&old.graph, &today.graph);
        assert_eq!(int8_answers(&old.graph), int8_answers(&today.graph));
    }
}

#[test]
fn a_softmax_of_old_runs_over_all_axes_from_its_own() {
    let begin = |net: &mut Net| net.layer("Conv", "x", "c", &[CLASSES, FRAME[0], 3, 3], &[]);
    let mut old = of_opset(11);
    begin(&mut old);
    old.node("Softmax", &["c"], "y", &[]);
    let mut today = Net::new();
    begin(&mut today);
    today.node("Flatten", &["c"], "flat", &[]);
    today.node("Softmax", &["flat"], "y", &[("axis", &[1])]);
    same(&old.graph, &today.graph);
}

#[test]
fn one_number_may_have_no_axis() {
    let mut squeezed = of_opset(11);
    squeezed.layer("Conv", "x", "c", &[CLASSES, FRAME[0], 3, 3], &[]);
    squeezed.node("GlobalAveragePool", &["c"], "means", &[]);
    squeezed.node("Flatten", &["means"], "flat", &[]);
    squeezed.layer("Gemm", "flat", "angle", &[1, CLASSES], &[("transB", &[1])]);
    let mut plain = squeezed.graph.clone();
    squeezed.node("Squeeze", &["angle"], "y", &[]);
    plain.nodes.last_mut().expect("a node").outputs = vec!["y".into()];
    same(&squeezed.graph, &plain);
    assert_eq!(int8_answers(&squeezed.graph), int8_answers(&plain));
}

#[test]
fn nodes_may_stand_in_any_order() {
    let plain = crate::made_up::residual();
    let mut turned = plain.clone();
    turned.nodes.reverse();
    same(&turned, &plain);
}

#[test]
fn an_output_may_be_the_input() {
    let mut plain = crate::made_up::residual();
    let mut also = plain.clone();
    also.outputs.push(Value { name: "x".into(), ..Value::default() });
    same(&also, &plain);
    assert_eq!(int8_answers(&also), int8_answers(&plain));
    plain.outputs[0].name = "x".into();
    let data = frames(1);
    let mut session = Session::new(&plain, Some(&FRAME), Arithmetic::Fast).expect("it runs");
    let mut input = vec![0.0; session.frame_len()];
    data.input(0, &mut input);
    session.run(&input, |_, row| assert_eq!(row, input)).expect("it runs");
}

/// As PyTorch writes `expand`: -1 leaves an axis as it is.
#[test]
fn a_shape_may_be_chosen_among_constants() {
    let mut net = Net::new();
    net.layer("Conv", "x", "c", &[CLASSES, FRAME[0], 3, 3], &[AROUND]);
    net.node("GlobalAveragePool", &["c"], "means", &[]);
    ints(&mut net, "wanted", &[-1, CLASSES as i64, 8, 8]);
    ints(&mut net, "minus", &[-1]);
    net.node("Shape", &["wanted"], "rank", &[]);
    net.node("ConstantOfShape", &["rank"], "ones", &[]);
    with(&mut net, "value", Attribute::Tensor(Tensor::new([1], Data::I64(vec![1]))));
    net.node("Mul", &["ones", "minus"], "left", &[]);
    net.node("Equal", &["wanted", "left"], "is_left", &[]);
    net.node("Where", &["is_left", "ones", "wanted"], "shape", &[]);
    net.node("Expand", &["means", "shape"], "wide", &[]);
    let mut plain = net.clone();
    net.node("Add", &["wide", "c"], "y", &[]);
    plain.node("Add", &["means", "c"], "y", &[]);
    same(&net.graph, &plain.graph);
}

/// As PyTorch writes constants where nothing optimizes what it exports.
#[test]
fn a_constant_may_be_cast_to_the_type_that_is_wanted() {
    let mut net = Net::new();
    net.layer("Conv", "x", "c", &[CLASSES, FRAME[0], 3, 3], &[AROUND]);
    ints(&mut net, "starts", &[1]);
    ints(&mut net, "axes", &[2]);
    ints(&mut net, "last", &[i64::MAX]);
    floats(&mut net, "least", &[-0.1]);
    net.graph.initializers.get_mut("least").expect("it was made").shape.clear();
    let mut plain = net.clone();
    net.node("Cast", &["last"], "ends", &[("to", &[7])]);
    net.node("Slice", &["c", "starts", "ends", "axes"], "part", &[]);
    net.node("CastLike", &["least", "part"], "low", &[]);
    ints(&mut net, "one", &[1]);
    net.graph.initializers.get_mut("one").expect("it was made").shape.clear();
    net.node("CastLike", &["one", "part"], "high", &[]);
    net.node("Clip", &["part", "low", "high"], "y", &[]);
    floats(&mut plain, "most", &[1.0]);
    plain.graph.initializers.get_mut("most").expect("it was made").shape.clear();
    plain.node("Slice", &["c", "starts", "last", "axes"], "part", &[]);
    plain.node("Clip", &["part", "least", "most"], "y", &[]);
    same(&net.graph, &plain.graph);
}

/// Zeros of float32 are what a ConstantOfShape makes that does not say.
#[test]
fn sizes_and_zeros_are_known_before_the_first_frame() {
    let mut net = Net::new();
    net.layer("Conv", "x", "c", &[CLASSES, FRAME[0], 3, 3], &[AROUND]);
    let mut plain = net.clone();
    net.node("Shape", &["c"], "shape", &[]);
    net.node("ConstantOfShape", &["shape"], "zeros", &[]);
    net.node("Size", &["c"], "size", &[]);
    net.node("Cast", &["size"], "elements", &[("to", &[1])]);
    net.node("Add", &["c", "zeros"], "sum", &[]);
    net.node("Div", &["sum", "elements"], "y", &[]);
    let elements = (CLASSES * FRAME[1] * FRAME[2]) as f32;
    floats(&mut plain, "elements", &[elements]);
    plain.node("Div", &["c", "elements"], "y", &[]);
    same(&net.graph, &plain.graph);
}

#[test]
fn a_first_output_may_be_left_out() {
    let (inputs, hidden) = (FRAME[1] * FRAME[2], 2);
    let mut net = Net::new();
    ints(&mut net, "rows", &[FRAME[0] as i64, 1, inputs as i64]);
    net.node("Reshape", &["x", "rows"], "steps", &[]);
    let weights = |count: usize| (0..count).map(|i| ((i * 7 % 11) as f32 - 5.0) / 60.0).collect();
    for (name, width) in [("w", inputs), ("r", hidden)] {
        let shape = [1, 4 * hidden, width];
        let tensor = Tensor::new(shape, Data::F32(weights(shape.iter().product())));
        net.graph.initializers.insert(name.into(), tensor);
    }
    let lstm = |outputs: [&str; 3]| {
        Node::new("LSTM", "lstm", ["steps", "w", "r"], outputs)
            .with("hidden_size", Attribute::Int(hidden as i64))
    };
    let mut all = net.clone();
    net.graph.nodes.push(lstm(["", "last", ""]));
    all.graph.nodes.push(lstm(["each", "last", "cells"]));
    for net in [&mut net, &mut all] {
        net.node("Flatten", &["last"], "y", &[]);
    }
    same(&net.graph, &all.graph);
}

/// Weights that float16 holds exactly, in float16, and casts at the ends or float16 there, too.
#[test]
fn float16_inside_and_at_the_ends_is_computed_in_float32() {
    let mut plain = Net::new();
    plain.layer("Conv", "x", "c", &[CLASSES, FRAME[0], 3, 3], &[AROUND]);
    plain.node("Relu", &["c"], "r", &[]);
    plain.node("GlobalAveragePool", &["r"], "means", &[]);
    plain.node("Flatten", &["means"], "y", &[]);
    let sixteenths = (0..CLASSES * FRAME[0] * 9).map(|i| (i * 5 % 9) as f32 / 16.0 - 0.25);
    let sixteenths: Vec<f32> = sixteenths.collect();
    // Multiples of 1/16 have few bits, and exponents that float16 has, too.
    let half = |x: &f32| match x.to_bits() {
        0 => 0,
        bits => ((bits >> 31 << 15) | (((bits & 0x7fff_ffff) >> 13) - (112 << 10))) as u16,
    };
    let bytes = sixteenths.iter().flat_map(|x| half(x).to_le_bytes()).collect();
    let weights = plain.graph.initializers.get_mut("c_weights").expect("it was made");
    let shape = weights.shape.clone();
    weights.data = Data::F32(sixteenths);

    let mut inside = Net::new();
    inside.node("Cast", &["x"], "half", &[("to", &[10])]);
    inside.graph.nodes.extend(plain.graph.nodes.iter().cloned());
    inside.graph.nodes[1].inputs[0] = "half".into();
    let last = inside.graph.nodes.last_mut().expect("a node");
    last.outputs[0] = "scores".into();
    inside.node("Cast", &["scores"], "y", &[("to", &[1])]);
    let halves = Tensor::new(shape, Data::Other(Element::F16, bytes));
    inside.graph.initializers.insert("c_weights".into(), halves);
    let zeros = Tensor::new([CLASSES], Data::Other(Element::F16, vec![0; 2 * CLASSES]));
    inside.graph.initializers.insert("c_bias".into(), zeros);
    same(&inside.graph, &plain.graph);
    assert_eq!(int8_answers(&inside.graph), int8_answers(&plain.graph));

    let mut ends = inside.graph.clone();
    ends.nodes.remove(0);
    ends.nodes.pop();
    ends.nodes[0].inputs[0] = "x".into();
    ends.nodes.last_mut().expect("a node").outputs[0] = "y".into();
    ends.input.element = Element::F16;
    ends.outputs[0].element = Element::F16;
    same(&ends, &plain.graph);
}

/// A tensor in a QDQ pair of this scale.
fn quantized(net: &mut Net, x: &str, scale: &str) -> String {
    let [codes, y] = [format!("{x}_codes"), format!("{x}_again")];
    net.node("QuantizeLinear", &[x, scale, "zero"], &codes, &[]);
    net.node("DequantizeLinear", &[&codes, scale, "zero"], &y, &[]);
    y
}

fn transposed(net: &mut Net, x: &str, order: &[i64]) -> String {
    let y = format!("{x}_turned");
    net.node("Transpose", &[x], &y, &[("perm", order)]);
    y
}

/// Two convolutions, one of them depthwise; `turned`: as TensorFlow has pixels and weights.
fn convolutions(turned: bool) -> Graph {
    const LAST: &[i64] = &[0, 2, 3, 1];
    const FIRST: &[i64] = &[0, 3, 1, 2];
    let mut net = Net::new();
    let scalar = |net: &mut Net, name: &str, data| {
        net.graph.initializers.insert(name.into(), Tensor::new([], data));
    };
    scalar(&mut net, "zero", Data::U8(vec![3]));
    for (name, scale) in [("s0", 0.01), ("s1", 0.02), ("s2", 0.05)] {
        scalar(&mut net, name, Data::F32(vec![scale]));
    }
    floats(&mut net, "w_scales", &[0.01, 0.02, 0.015]);
    floats(&mut net, "v_scales", &[0.03, 0.01, 0.02]);
    let channels = FRAME[0];
    // Outputs, inputs, window; the depthwise ones inputs of a group, window, outputs.
    let code = |i: usize| ((i * 37 % 251) as i32 - 125) as i8;
    let w = Tensor::new([3, channels, 3, 3], Data::I8((0..27 * channels).map(code).collect()));
    let v = Tensor::new([3, 1, 2, 2], Data::I8((0..12).map(|i| code(5 * i)).collect()));
    let (w, v) = match turned {
        true => (w.transposed(Some(LAST)).unwrap(), v.transposed(Some(&[1, 2, 3, 0])).unwrap()),
        false => (w, v),
    };
    net.graph.initializers.insert("w".into(), w);
    net.graph.initializers.insert("v".into(), v);
    let turn = |net: &mut Net, x: &str, order: &[i64]| match turned {
        true => transposed(net, x, order),
        false => x.to_owned(),
    };

    let mut x = turn(&mut net, "x", LAST);
    x = quantized(&mut net, &x, "s0");
    x = turn(&mut net, &x, FIRST);
    net.node("DequantizeLinear", &["w", "w_scales"], "w_real", &[("axis", &[0])]);
    let w = turn(&mut net, "w_real", FIRST);
    net.node("Conv", &[&x, &w], "c", &[AROUND]);
    x = turn(&mut net, "c", LAST);
    net.node("Relu", &[&x], "r", &[]);
    x = quantized(&mut net, "r", "s1");
    x = turn(&mut net, &x, FIRST);
    let axis: i64 = if turned { -1 } else { 0 };
    net.node("DequantizeLinear", &["v", "v_scales"], "v_real", &[("axis", &[axis])]);
    let mut v = "v_real".to_owned();
    if turned {
        v = transposed(&mut net, &v, &[3, 1, 2, 0]);
        ints(&mut net, "depthwise", &[3, 1, 2, 2]);
        net.node("Reshape", &[&v, "depthwise"], "v_shaped", &[]);
        v = "v_shaped".into();
    }
    net.node("Conv", &[&x, &v], "d", &[("group", &[3])]);
    x = turn(&mut net, "d", LAST);
    x = quantized(&mut net, &x, "s2");
    x = turn(&mut net, &x, FIRST);
    net.node("Flatten", &[&x], "y", &[]);
    net.graph
}

#[test]
fn convolutions_with_pixels_turned_round_run_on_integers() {
    let [turned, plain] = [true, false].map(convolutions);
    let (turned_answers, plain_answers) =
        [&turned, &plain].map(|graph| answers(graph, Arithmetic::Fast)).into();
    assert_eq!(turned_answers, plain_answers);
    assert!(plain_answers.iter().any(|x| *x != plain_answers[0]), "answers that tell nothing");
    let lowered = lower(&read(&write(&turned)).expect("it can be read"));
    assert!(lowered.left_in_float.is_empty(), "{:?}", lowered.left_in_float);
    let on_integers = |n: &&Node| n.op == "QLinearConv";
    assert_eq!(lowered.graph.nodes.iter().filter(on_integers).count(), 2);
}

/// A network of bytes and the frames that it takes.
#[test]
fn bytes_and_halves_stay_what_the_file_takes() {
    for element in [Element::U8, Element::F16] {
        let mut net = Net::new();
        net.graph.input.element = element;
        net.node("Cast", &["x"], "floats", &[("to", &[1])]);
        net.layer("Conv", "floats", "c", &[CLASSES, FRAME[0], 3, 3], &[]);
        net.node("GlobalAveragePool", &["c"], "means", &[]);
        net.node("Flatten", &["means"], "y", &[]);
        let mut graph = read(&write(&net.graph)).expect("it can be read");
        graph.see_frames().expect("it takes frames");
        assert_eq!((graph.input.element, graph.file_input), (Element::F32, Some(element)));
        let made = quantize(&graph, &Recipe::default(), &frames(8), &mut |_, _, _| Ok(()));
        let made = made.expect("it can be quantized").graph;
        let file = read(&write(&made)).expect("a file");
        assert_eq!(file.file_input.unwrap_or(file.input.element), element);
        assert_eq!(answers(&made, Arithmetic::Fast).len(), 8 * CLASSES);
    }
}

/// As from TensorFlow: the channels are last in the frames, and normalized before anything else.
#[test]
fn a_normalization_behind_a_transpose_is_quantized() {
    let mut net = Net::new();
    let turned = transposed(&mut net, "x", &[0, 2, 3, 1]);
    let back = transposed(&mut net, &turned, &[0, 3, 1, 2]);
    net.normalization(&back, "n", FRAME[0]);
    net.layer("Conv", "n", "c", &[8, FRAME[0], 3, 3], &[AROUND]);
    net.node("Relu", &["c"], "r", &[]);
    net.node("GlobalAveragePool", &["r"], "means", &[]);
    net.node("Flatten", &["means"], "flat", &[]);
    net.layer("Gemm", "flat", "y", &[CLASSES, 8], &[("transB", &[1])]);
    let made = quantize(&net.graph, &Recipe::default(), &frames(8), &mut |_, _, _| Ok(()));
    assert!(made.expect("it can be quantized").left_in_float.is_empty());
}

/// What slides over three axes stays in float, in a network of ours and in QDQ files of others.
#[test]
fn pools_over_three_axes_stay_in_float() {
    let mut net = Net::new();
    ints(&mut net, "volume", &[-1, FRAME[0] as i64, 2, 4, 8]);
    net.node("Reshape", &["x", "volume"], "v", &[]);
    net.layer("Conv", "v", "c", &[3, FRAME[0], 2, 3, 3], &[("pads", &[0, 1, 1, 1, 1, 1])]);
    let two: (&str, &[i64]) = ("strides", &[1, 2, 2]);
    net.node("MaxPool", &["c"], "largest", &[("kernel_shape", &[1, 2, 2]), two]);
    net.node("AveragePool", &["largest"], "means", &[("kernel_shape", &[2, 1, 2])]);
    net.node("GlobalAveragePool", &["means"], "all", &[]);
    net.node("Flatten", &["all"], "flat", &[]);
    net.layer("Gemm", "flat", "y", &[CLASSES, 3], &[("transB", &[1])]);
    let (float, int8) = (answers(&net.graph, Arithmetic::Fast), int8_answers(&net.graph));
    let far = float.iter().zip(&int8).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far < 0.02, "{far}");

    let mut foreign = Net::new();
    for (name, data) in [("zero", Data::U8(vec![3])), ("s", Data::F32(vec![0.01]))] {
        foreign.graph.initializers.insert(name.into(), Tensor::new([], data));
    }
    ints(&mut foreign, "volume", &[-1, FRAME[0] as i64, 2, 4, 8]);
    foreign.node("Reshape", &["x", "volume"], "v", &[]);
    let mut plain = foreign.clone();
    let x = quantized(&mut foreign, "v", "s");
    foreign.node("MaxPool", &[&x], "m", &[("kernel_shape", &[1, 2, 2])]);
    let y = quantized(&mut foreign, "m", "s");
    foreign.node("Identity", &[&y], "y", &[]);
    // The largest of rounded numbers is the largest one, rounded.
    plain.node("MaxPool", &["v"], "m", &[("kernel_shape", &[1, 2, 2])]);
    let y = quantized(&mut plain, "m", "s");
    plain.node("Identity", &[&y], "y", &[]);
    same(&foreign.graph, &plain.graph);
}
