//! Each operator that trains, and each loss, learns a made-up task to its end, and the file says what
//! training saw. Natively and in the browser.

use crate::made_up::{AROUND, FRAME, Net, TWO, array, packed, pixels, rows, valued};
use sha2::{Digest, Sha256};
use steer8::crew::Alone;
use steer8::data::Dataset;
use steer8::graph::{Attribute, Data, Dim, Graph, Node, Tensor, Value};
use steer8::onnx;
use steer8::progress::ready;
use steer8::runtime::Arithmetic;
use steer8::train::{Listener, Trained, train};
use steer8::vocabulary::plan::{Loss, Mirror, Plan};
use steer8::vocabulary::recipe::Recipe;
use steer8::vocabulary::training::Score;

/// By the quarter that is bright.
const ANGLES: [f32; 4] = [-1.0, -0.25, 0.5, 1.0];

fn angles(count: usize) -> Vec<f32> {
    (0..count).map(|frame| ANGLES[frame % 4]).collect()
}

fn trained(graph: &Graph, plan: &Plan, data: &Dataset) -> Trained {
    let mut unheard = |_: &_| ();
    let listener =
        Listener { progress: &mut |_, _, _| Ok(()), epoch: &mut unheard, checkpoint: None };
    let (recipe, mut alone) = (Recipe::default(), Alone);
    let work = train(graph, &recipe, plan, [data, data], None, listener, &mut alone);
    ready(work).expect("it trains")
}

fn plan(epochs: usize) -> Plan {
    Plan { epochs: Some(epochs), batch: 20, learning_rate: Some(1e-2), ..Plan::default() }
}

/// The angle is learned, and the file is as far off as training saw.
fn learns(what: &str, graph: &Graph, plan: &Plan, data: &Dataset) -> Trained {
    let trained = trained(graph, plan, data);
    let (start, best) = (trained.start, trained.best);
    assert_eq!(best.score, Score::Mae);
    assert!(best.heldout_top1.is_none() && best.train_top1.is_none());
    assert!(start.heldout_score > 0.3, "{what}: random weights: {start:?}");
    assert!(best.heldout_score < 0.18, "{what}: {:?}", trained.epochs);
    let file = onnx::read(&onnx::write(&trained.quantized.graph)).expect("it can be read back");
    let rows = rows(&file, data, Arithmetic::Deterministic);
    let errors = trained.held_out.iter().map(|&frame| (rows[frame][0] - ANGLES[frame % 4]).abs());
    let mae = errors.sum::<f32>() / trained.held_out.len() as f32;
    assert!((f64::from(mae) - best.heldout_score).abs() < 1e-3, "{what}: {mae} {best:?}");
    trained
}

/// A convolution, what `middle` makes of its result `c` (8 x 4 x 4) as `f`, and a value of that.
fn around(features: usize, middle: impl FnOnce(&mut Net)) -> Graph {
    let mut net = Net::new();
    net.layer("Conv", "x", "c", &[8, 2, 3, 3], &[AROUND, TWO]);
    middle(&mut net);
    net.node("Flatten", &["f"], "flat", &[]);
    net.layer("Gemm", "flat", "y", &[1, features], &[("transB", &[1])]);
    net.graph
}

fn constant(net: &mut Net, name: &str, shape: &[usize], values: Vec<f32>) {
    net.graph.initializers.insert(name.into(), Tensor::new(shape, Data::F32(values)));
}

fn add_constants(graph: &mut Graph, other: &Graph) {
    for (name, tensor) in other.initializers.iter() {
        graph.initializers.insert(name.clone(), tensor.clone());
    }
}

fn indices(net: &mut Net, name: &str, values: &[i64]) {
    let tensor = Tensor::new([values.len()], Data::I64(values.to_vec()));
    net.graph.initializers.insert(name.into(), tensor);
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn functions_learn_values() {
    let data = valued(&[("y", angles(400))]);
    for op in ["Elu", "LeakyRelu", "Tanh", "Softplus", "Erf", "Gelu"] {
        let graph = around(128, |net| net.node(op, &["c"], "f", &[]));
        learns(op, &graph, &plan(10), &data);
    }
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn what_joins_and_normalizes_learns_values() {
    let data = valued(&[("y", angles(400))]);
    let prelu = around(128, |net| {
        constant(net, "slope", &[8, 1, 1], vec![0.25; 8]);
        net.node("PRelu", &["c", "slope"], "f", &[]);
    });
    let apart = |op: &'static str| {
        around(128, move |net| {
            net.layer("Conv", "x", "d", &[8, 2, 3, 3], &[AROUND, TWO]);
            net.node("Sigmoid", &["d"], "bounded", &[]);
            constant(net, "one", &[1], vec![1.0]);
            net.node("Add", &["bounded", "one"], "e", &[]);
            net.node("Relu", &["c"], "r", &[]);
            net.node(op, &["r", "e"], "f", &[]);
        })
    };
    let softmax = around(128, |net| {
        net.node("Softmax", &["c"], "p", &[("axis", &[1])]);
        net.node("Mul", &["p", "c"], "f", &[]);
    });
    let layer_norm = around(128, |net| {
        constant(net, "gain", &[8, 4, 4], vec![1.0; 128]);
        constant(net, "shift", &[8, 4, 4], vec![0.0; 128]);
        net.node("LayerNormalization", &["c", "gain", "shift"], "n", &[("axis", &[1])]);
        net.node("Relu", &["n"], "f", &[]);
    });
    let first = {
        let mut graph = around(128, |net| net.node("Relu", &["c"], "f", &[]));
        let mut net = Net::new();
        net.normalization("x", "n", 2);
        graph.nodes[0].inputs[0] = "n".into();
        add_constants(&mut graph, &net.graph);
        graph.nodes.splice(0..0, net.graph.nodes);
        graph
    };
    for (what, graph) in [
        ("PRelu", &prelu),
        ("Sub", &apart("Sub")),
        ("Div", &apart("Div")),
        ("Softmax", &softmax),
        ("LayerNormalization", &layer_norm),
        ("BatchNormalization", &first),
    ] {
        let trained = learns(what, graph, &plan(10), &data);
        if what == "PRelu" {
            let slopes = trained.quantized.graph.initializers.iter();
            let mut slopes = slopes.filter(|(name, _)| name.starts_with("slope"));
            assert!(slopes.all(|(_, slopes)| slopes.as_f32() != Some(&[0.25; 8])), "they train");
        }
    }
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn what_moves_and_spreads_learns_values() {
    let data = valued(&[("y", angles(400))]);
    let behind = |features: usize, middle: fn(&mut Net)| {
        around(features, move |net| {
            net.node("Relu", &["c"], "r", &[]);
            middle(net);
        })
    };
    let cases: [(&str, Graph); 9] = [
        (
            "Pad",
            behind(8 * 5 * 5, |net| {
                indices(net, "pads", &[0, 0, 1, 0, 0, 0, 0, 1]);
                net.node("Pad", &["r", "pads"], "f", &[]);
            }),
        ),
        (
            "Slice",
            behind(8 * 3 * 4, |net| {
                for (name, value) in [("from", 0), ("to", 3), ("axes", 2)] {
                    indices(net, name, &[value]);
                }
                net.node("Slice", &["r", "from", "to", "axes"], "f", &[]);
            }),
        ),
        (
            "Split",
            behind(4 * 16, |net| {
                net.node("Split", &["r"], "one", &[("axis", &[1])]);
                net.graph.nodes.last_mut().expect("it is there").outputs.push("two".into());
                net.node("Add", &["one", "two"], "f", &[]);
            }),
        ),
        (
            "Unsqueeze and Squeeze",
            behind(128, |net| {
                indices(net, "rows", &[0, 8, 16]);
                indices(net, "axis", &[1]);
                net.node("Reshape", &["r", "rows"], "s", &[]);
                net.node("ReduceMean", &["s"], "m", &[("axes", &[1]), ("keepdims", &[1])]);
                net.node("Squeeze", &["m", "axis"], "q", &[]);
                net.node("Unsqueeze", &["q", "axis"], "u", &[]);
                net.node("Sub", &["s", "u"], "f", &[]);
            }),
        ),
        (
            "ConvTranspose",
            behind(4 * 64, |net| {
                net.layer("ConvTranspose", "r", "t", &[8, 4, 2, 2], &[TWO]);
                constant(net, "t_bias", &[4], vec![0.0; 4]);
                net.node("Relu", &["t"], "f", &[]);
            }),
        ),
        (
            "Resize",
            behind(8 * 64, |net| {
                constant(net, "scales", &[4], vec![1.0, 1.0, 2.0, 2.0]);
                net.node("Resize", &["r", "", "scales"], "f", &[]);
                let resize = net.graph.nodes.last_mut().expect("it is there");
                let mode = Attribute::Text("linear".into());
                resize.attributes.insert("mode".into(), mode);
            }),
        ),
        (
            "ReduceMean",
            behind(16, |net| {
                net.node("ReduceMean", &["r"], "f", &[("axes", &[1])]);
            }),
        ),
        (
            "MatMul",
            behind(16, |net| {
                indices(net, "row", &[0, -1]);
                let weights = (0..128 * 16).map(|i| (i * 37 % 23) as f32 / 100.0 - 0.11).collect();
                constant(net, "turned", &[16, 128], weights);
                net.node("Transpose", &["turned"], "weights", &[("perm", &[1, 0])]);
                net.node("Reshape", &["r", "row"], "s", &[]);
                net.node("MatMul", &["s", "weights"], "f", &[]);
            }),
        ),
        ("channels last", {
            let mut graph = behind(128, |net| {
                net.node("Transpose", &["r"], "f", &[("perm", &[0, 2, 3, 1])]);
            });
            let dims = [FRAME[1], FRAME[2], FRAME[0]].map(Dim::Fixed);
            graph.input.shape = Some(std::iter::once(Dim::Free("n".into())).chain(dims).collect());
            let turn = Node::new("Transpose", "turn", ["x"], ["turned"]);
            graph.nodes.insert(0, turn.with("perm", Attribute::Ints(vec![0, 3, 1, 2])));
            graph.nodes[1].inputs[0] = "turned".into();
            graph
        }),
    ];
    for (what, graph) in &cases {
        let data = data.taken_by(graph).expect("it takes them");
        learns(what, graph, &plan(10), &data);
    }
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn every_loss_learns_and_a_teacher_and_a_mirror_help() {
    let data = valued(&[("y", angles(400))]);
    let graph = || around(128, |net| net.node("Relu", &["c"], "f", &[]));
    let losses = [Loss::Mse, Loss::Huber, Loss::L1];
    for loss in losses {
        learns(loss.name(), &graph(), &Plan { loss: Some(loss), ..plan(10) }, &data);
    }
    // From a teacher alone that was never trained itself nobody learns the labels.
    let taught = trained(&graph(), &Plan { distillation: 1.0, ..plan(10) }, &data).best;
    assert!(taught.heldout_score > 0.5, "{taught:?}");

    // Left and right are opposites: quarters 0 and 1 change places, and so do 2 and 3.
    let sides = [-1.0, 1.0, -0.5, 0.5];
    let opposite = valued(&[("y", (0..400).map(|frame| sides[frame % 4]).collect())]);
    let values = vec!["y".to_owned()];
    let mirror = Mirror::Sides { classes: Vec::new(), values };
    let mirrored = trained(&graph(), &Plan { mirror, ..plan(10) }, &opposite);
    assert!(mirrored.best.heldout_score < 0.18, "{:?}", mirrored.epochs);
    let one_sided = Plan { mirror: Mirror::Classes(Vec::new()), ..plan(10) };
    let confused = trained(&graph(), &one_sided, &opposite).best;
    assert!(confused.heldout_score > 0.3, "frames turn, labels do not: {confused:?}");
    // A Sigmoid's shares learn by cross-entropy.
    let mut shares = graph();
    shares.nodes.push(Node::new("Sigmoid", "share", ["y"], ["z"]));
    shares.outputs[0].name = "z".into();
    let halves = valued(&[("y", angles(400).iter().map(|angle| (angle + 1.0) / 2.0).collect())]);
    let plan = Plan { loss: Some(Loss::CrossEntropy), ..plan(10) };
    let Trained { start, best, .. } = trained(&shares, &plan, &halves);
    assert!(best.heldout_score < 0.5 * start.heldout_score, "{start:?} {best:?}");
}

/// From frames and a speed to an angle, which the speed scales, and a class.
fn two_inputs_and_two_heads() -> Graph {
    let mut net = Net::new();
    net.node("Relu", &["c"], "r", &[]);
    net.node("Flatten", &["r"], "flat", &[]);
    net.node("Concat", &["flat", "speed"], "both", &[("axis", &[1])]);
    net.layer("Gemm", "both", "g", &[24, 129], &[("transB", &[1])]);
    net.node("Elu", &["g"], "e", &[]);
    net.layer("Gemm", "e", "angle", &[1, 24], &[("transB", &[1])]);
    net.layer("Gemm", "e", "scores", &[4, 24], &[("transB", &[1])]);
    net.node("Softmax", &["scores"], "light", &[("axis", &[1])]);
    let mut conv = Net::new();
    conv.layer("Conv", "x", "c", &[8, 2, 3, 3], &[AROUND, TWO]);
    let mut graph = net.graph;
    add_constants(&mut graph, &conv.graph);
    graph.nodes.splice(0..0, conv.graph.nodes);
    let part = |name: &str, first: i64, shape: &[i64]| {
        Node::new("Unpack", name, ["inputs"], [name])
            .in_domain("ai.steer8")
            .with("first", Attribute::Int(first))
            .with("shape", Attribute::Ints(shape.to_vec()))
    };
    let pixels = FRAME.iter().product::<usize>();
    let frame = FRAME.map(|n| n as i64);
    graph.nodes.splice(0..0, [part("x", 0, &frame), part("speed", pixels as i64, &[1])]);
    let value = |name: &str, dims: &[usize]| {
        let dims = dims.iter().map(|&n| Dim::Fixed(n));
        let shape = Some(std::iter::once(Dim::Free("n".into())).chain(dims).collect());
        Value { name: name.into(), shape, ..Value::default() }
    };
    graph.input = value("inputs", &[pixels + 1]);
    graph.packed = vec![value("x", &FRAME), value("speed", &[1])];
    graph.outputs =
        ["angle", "light"].map(|name| Value { name: name.into(), ..Value::default() }).into();
    graph
}

/// Of the file that training these two heads gives, on every machine.
const TWO_HEADS_SHA256: &str = "21c28377c465d68e0dc7df6e53e398852357635083ab9b746f82cfc301db94c8";

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn two_inputs_and_two_heads_learn_to_the_same_bytes_everywhere() {
    const COUNT: usize = 400;
    let speeds: Vec<f32> = (0..COUNT).map(|frame| (frame / 4 % 3) as f32 / 2.0).collect();
    let angle = |(frame, speed): (usize, &f32)| ANGLES[frame % 4] * (0.5 + 0.5 * speed);
    let angles: Vec<f32> = speeds.iter().enumerate().map(angle).collect();
    let floats = |values: &[f32]| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        array("<f4", &format!("{COUNT}, 1"), &bytes)
    };
    let lights: Vec<u8> = (0..COUNT).map(|frame| 3 - (frame % 4) as u8).collect();
    let data = packed(&[
        ("x.npy", pixels(COUNT)),
        ("speed.npy", floats(&speeds)),
        ("angle.npy", floats(&angles)),
        ("light.npy", array("|u1", &format!("{COUNT},"), &lights)),
    ]);
    let graph = two_inputs_and_two_heads();
    let data = data.taken_by(&graph).expect("it takes them");
    let judging = ["angle=values", "light=classes"].map(|said| {
        let (name, task) = said.split_once('=').expect("a name");
        (name.to_owned(), task.parse().expect("a task"))
    });
    let mut plan = plan(10);
    plan.judging.outputs = judging.into();
    plan.losses = [("angle".to_owned(), Loss::Huber)].into();
    plan.loss_weights = [("angle".to_owned(), 4.0)].into();
    let trained = trained(&graph, &plan, &data);
    let best = trained.best;
    assert_eq!(best.score, Score::Mae);
    assert!(best.heldout_score < 0.18 && best.heldout_top1 > Some(0.9), "{:?}", trained.epochs);
    let bytes = onnx::write(&trained.quantized.graph);
    let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(digest, TWO_HEADS_SHA256);
}
