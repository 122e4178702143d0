//! Every operator's gradient against central differences.

use super::builder::Source;
use super::head::Head;
use super::network::Network;
use super::state::State;
use super::workbench::Mode;
use crate::graph::fold_batch_norm::normalized_layers;
use crate::graph::{Attribute, Data, Dim, Graph, Node, Tensor, Value};
use crate::quantize::{Layers, Params, Placement, Prepared, plain};
use crate::random::SplitMix64;
use crate::runtime::tensor_types;
use crate::vocabulary::plan::{Loss, Scales};
use crate::vocabulary::recipe::Recipe;
use crate::vocabulary::task::Task;

const FRAMES: usize = 3;

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut random = SplitMix64::new(seed);
    (0..count).map(|_| random.below(2001) as f32 / 1000.0 - 1.0).collect()
}

struct Net {
    graph: Graph,
    frame: Vec<usize>,
}

impl Net {
    fn new(frame: &[usize]) -> Self {
        let value = |name: &str, shape| Value { name: name.into(), shape, ..Value::default() };
        let dims = frame.iter().map(|&d| Dim::Fixed(d));
        let shape = std::iter::once(Dim::Free("n".into())).chain(dims).collect();
        let graph = Graph {
            input: value("x", Some(shape)),
            outputs: vec![value("y", None)],
            opsets: [(String::new(), 17)].into(),
            ir_version: 8,
            ..Graph::default()
        };
        Self { graph, frame: frame.to_vec() }
    }

    fn constant(mut self, name: &str, shape: &[usize], shift: f32) -> Self {
        let seed = name.bytes().fold(7, |seed, b| seed * 31 + u64::from(b));
        let values = numbers(shape.iter().product(), seed).iter().map(|v| v + shift).collect();
        self.graph.initializers.insert(name.into(), Tensor::new(shape, Data::F32(values)));
        self
    }

    fn ints(mut self, name: &str, values: &[i64]) -> Self {
        let tensor = Tensor::new([values.len()], Data::I64(values.to_vec()));
        self.graph.initializers.insert(name.into(), tensor);
        self
    }

    fn node(
        mut self,
        op: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[(&str, Attribute)],
    ) -> Self {
        let mut node = Node::new(op, output, inputs.iter().copied(), [output]);
        for (name, value) in attributes {
            node = node.with(name, value.clone());
        }
        self.graph.nodes.push(node);
        self
    }

    /// `c = Conv(x)` with three channels, from which operators of one input go on.
    fn conv(self) -> Self {
        let channels = self.frame[0];
        self.constant("w", &[3, channels, 2, 2], 0.0).constant("b", &[3], 0.0).node(
            "Conv",
            &["x", "w", "b"],
            "c",
            &[],
        )
    }

    /// Ends with scores of four classes from `from`, which has `features` elements a frame.
    fn end(self, from: &str, features: usize) -> Self {
        self.constant("v", &[4, features], 0.0).node("Flatten", &[from], "flat", &[]).node(
            "Gemm",
            &["flat", "v"],
            "y",
            &[("transB", Attribute::Int(1))],
        )
    }

    /// The output, whose numbers are values.
    fn heads(&self) -> Vec<Head> {
        let types = tensor_types(&self.graph, Some(&self.frame)).expect("its shapes are known");
        let output = &self.graph.outputs[0].name;
        vec![Head {
            name: output.clone(),
            len: types[output].shape.iter().product(),
            task: Task::Values,
            loss: Loss::Mse,
            weight: 1.0,
            range: [0.0; 2],
            values: Vec::new(),
        }]
    }

    /// Compares every parameter's gradient with the difference quotient.
    fn check(self, mode: Mode) {
        self.check_on(FRAMES, mode);
    }

    fn check_on(self, count: usize, mode: Mode) {
        let recipe = Recipe::default();
        let prepared = Prepared::new(&self.graph, &recipe).expect("it can be prepared");
        let prepared = Prepared { placement: Placement::default(), ..prepared };
        let normalized = normalized_layers(&plain(&self.graph).expect("plain"));
        let heads = self.heads();
        let source = Source {
            prepared: &prepared,
            normalized: &normalized,
            params: &Params::new(),
            layers: &Layers::default(),
            recipe: &recipe,
            scales: Scales::Learned,
            frame: &self.frame,
            heads: &heads,
        };
        let (network, state) = Network::new(source).expect("it can be trained");
        let frames = numbers(count * self.frame.iter().product::<usize>(), 99);
        let weights = numbers(count * network.len(), 5);
        let mut bench = network.bench(&state);
        let mut y = Vec::new();
        let mut pass = |state: &State| -> f64 {
            bench.set(&network, state, mode);
            bench.frames = count;
            bench.values[network.input][..frames.len()].copy_from_slice(&frames);
            bench.forward(&network);
            bench.read(network.exits.iter().map(|exit| &exit.scores), &mut y);
            y.iter().zip(&weights).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum()
        };
        let middle = pass(&state);
        let sides: Vec<[f64; 2]> = (0..state.parameters.len())
            .map(|i| {
                const STEP: f32 = 1.0 / 512.0;
                [STEP, -STEP].map(|step| {
                    let mut moved = state.clone();
                    moved.parameters[i] += step;
                    (pass(&moved) - middle) / f64::from(step)
                })
            })
            .collect();
        pass(&state);
        bench.backward(&network, &weights);
        let mut gradient = std::mem::take(&mut bench.sums);
        for (layer, weights) in network.layers.iter().zip(&bench.weights) {
            weights.pull_back(layer, &state, mode.batch_statistics, &mut gradient);
        }
        for slot in &network.slots {
            let own = slot.range.clone();
            let central = |[above, below]: [f64; 2]| (above + below) / 2.0;
            let size = sides[own.clone()].iter().fold(0f64, |m, &s| m.max(central(s).abs()));
            for i in own {
                let ours = f64::from(gradient[i]);
                let near = |difference: f64| (ours - difference).abs() <= 2e-3 * size + 1e-3;
                // Where a maximum or a bound changes hands on one side, the other side tells.
                let kink = (sides[i][0] - sides[i][1]).abs() > 4e-3 * size + 2e-3;
                let fits = near(central(sides[i])) || (kink && sides[i].into_iter().any(near));
                assert!(fits, "parameter {i}: gradient {ours}, slopes {:?}", sides[i]);
            }
        }
        assert!(gradient.iter().any(|g| *g != 0.0));
    }
}

fn ints(values: &[i64]) -> Attribute {
    Attribute::Ints(values.to_vec())
}

/// A convolution of `shape`, with a second one before it so that its input's gradient is needed.
fn conv(frame: &[usize], shape: &[usize], features: usize, attributes: &[(&str, Attribute)]) {
    let one = vec![1; frame.len() - 1];
    let first: Vec<usize> = [&[frame[0], frame[0]], &one[..]].concat();
    Net::new(frame)
        .constant("first", &first, 0.0)
        .node("Conv", &["x", "first"], "f", &[])
        .constant("w", shape, 0.0)
        .constant("b", &shape[..1], 0.0)
        .node("Conv", &["f", "w", "b"], "c", attributes)
        .end("c", features)
        .check(Mode::default());
}

#[test]
fn convolutions() {
    conv(&[2, 5, 4], &[3, 2, 3, 2], 3 * 3 * 3, &[]);
    conv(
        &[2, 5, 4],
        &[3, 2, 3, 3],
        3 * 3 * 2,
        &[("strides", ints(&[2, 3])), ("pads", ints(&[1, 2, 2, 0]))],
    );
    conv(
        &[2, 6, 5],
        &[20, 2, 2, 3],
        20 * 4 * 3,
        &[("dilations", ints(&[2, 2])), ("pads", ints(&[0, 1, 0, 1]))],
    );
    conv(
        &[4, 5, 4],
        &[6, 2, 3, 3],
        6 * 5 * 4,
        &[("group", Attribute::Int(2)), ("pads", ints(&[1, 1, 1, 1]))],
    );
    conv(
        &[17, 4, 4],
        &[17, 1, 3, 3],
        17 * 2 * 2,
        &[("group", Attribute::Int(17)), ("strides", ints(&[2, 2])), ("pads", ints(&[0, 1, 1, 0]))],
    );
    conv(&[2, 4, 4], &[4, 1, 2, 2], 4 * 3 * 3, &[("group", Attribute::Int(2))]);
    conv(&[2, 9], &[3, 2, 3], 3 * 4, &[("strides", ints(&[2]))]);
    conv(&[3, 3, 3], &[2, 3, 1, 1], 2 * 3 * 3, &[]);
    // More output positions than a block has.
    conv(&[1, 14, 13], &[2, 1, 3, 3], 2 * 14 * 13, &[("pads", ints(&[1, 1, 1, 1]))]);
}

#[test]
fn products() {
    let net = || Net::new(&[5]).constant("first", &[5, 7], 0.0).constant("v", &[7, 4], 0.0);
    net()
        .constant("b", &[7], 0.0)
        .node("Gemm", &["x", "first", "b"], "f", &[])
        .node("MatMul", &["f", "v"], "y", &[])
        .check(Mode::default());
    net()
        .constant("b", &[1], 0.0)
        .node("MatMul", &["x", "first"], "f", &[])
        .node("Gemm", &["f", "v", "b"], "y", &[("alpha", Attribute::Float(0.5))])
        .check(Mode::default());
}

/// Two layers with a normalization each, the second depthwise.
fn normalized() -> Net {
    let mut net = Net::new(&[2, 5, 4]).constant("w", &[6, 2, 2, 2], 0.0).constant("b", &[6], 0.0);
    for (name, shift) in [("g", 1.5), ("s", 0.0), ("m", 0.0), ("v", 1.5)] {
        net = net.constant(&format!("1{name}"), &[6], shift).constant(
            &format!("2{name}"),
            &[6],
            shift,
        );
    }
    net.node("Conv", &["x", "w", "b"], "c", &[])
        .node("BatchNormalization", &["c", "1g", "1s", "1m", "1v"], "n", &[])
        .node("HardSwish", &["n"], "h", &[])
        .constant("d", &[6, 1, 2, 2], 0.0)
        .node("Conv", &["h", "d"], "e", &[("group", Attribute::Int(6))])
        .node(
            "BatchNormalization",
            &["e", "2g", "2s", "2m", "2v"],
            "o",
            &[("epsilon", Attribute::Float(0.01))],
        )
        .constant("last", &[4, 36], 0.0)
        .node("Flatten", &["o"], "flat", &[])
        .node("Gemm", &["flat", "last"], "y", &[("transB", Attribute::Int(1))])
}

#[test]
fn normalizations() {
    normalized().check(Mode::default());
    let training = Mode { batch_statistics: true, observe: false };
    normalized().check(training);
    // One value has no variance of its own.
    let mut single = Net::new(&[5]).constant("w", &[5, 6], 0.0).constant("b", &[6], 0.0);
    for (name, shift) in [("g", 1.5), ("s", 0.0), ("m", 0.5), ("d", 1.5)] {
        single = single.constant(name, &[6], shift);
    }
    single
        .node("Gemm", &["x", "w", "b"], "c", &[])
        .node("BatchNormalization", &["c", "g", "s", "m", "d"], "n", &[])
        .end("n", 6)
        .check_on(1, training);
}

#[test]
fn functions() {
    let by_tanh = Attribute::Text(b"tanh".to_vec());
    let attributes: &[(&str, &[(&str, Attribute)])] = &[
        ("Relu", &[]),
        ("Sigmoid", &[]),
        ("HardSwish", &[]),
        ("Gelu", &[]),
        ("Gelu", &[("approximate", by_tanh)]),
        ("HardSigmoid", &[]),
        ("HardSigmoid", &[("alpha", Attribute::Float(0.5)), ("beta", Attribute::Float(0.25))]),
        ("Identity", &[]),
        ("Elu", &[("alpha", Attribute::Float(0.5))]),
        ("Celu", &[("alpha", Attribute::Float(2.0))]),
        ("LeakyRelu", &[("alpha", Attribute::Float(0.25))]),
        ("Tanh", &[]),
        ("Softplus", &[]),
        ("Swish", &[("alpha", Attribute::Float(1.5))]),
        ("Erf", &[]),
        ("Exp", &[]),
        ("Softmax", &[("axis", Attribute::Int(1))]),
        ("LogSoftmax", &[("axis", Attribute::Int(-1))]),
    ];
    for (op, attributes) in attributes {
        Net::new(&[2, 4, 4])
            .conv()
            .node(op, &["c"], "f", attributes)
            .end("f", 27)
            .check(Mode::default());
    }
    let mut clip = Net::new(&[2, 4, 4]).conv();
    for (name, bound) in [("low", -0.5), ("high", 0.7)] {
        clip.graph.initializers.insert(name.into(), Tensor::scalar_f32(bound));
    }
    clip.node("Clip", &["c", "low", "high"], "f", &[]).end("f", 27).check(Mode::default());
    Net::new(&[2, 4, 4])
        .conv()
        .node("Sigmoid", &["c"], "gate", &[])
        .node("Mul", &["c", "gate"], "f", &[])
        .end("f", 27)
        .check(Mode::default());
}

#[test]
fn pools() {
    let kernel = ("kernel_shape", ints(&[2, 2]));
    let stride = ("strides", ints(&[2, 1]));
    let pads = ("pads", ints(&[1, 0, 0, 1]));
    let include = ("count_include_pad", Attribute::Int(1));
    for (op, attributes, features) in [
        ("MaxPool", vec![kernel.clone(), stride.clone()], 3 * 2 * 3),
        ("MaxPool", vec![kernel.clone(), pads.clone()], 3 * 4 * 4),
        ("AveragePool", vec![kernel.clone(), stride.clone()], 3 * 2 * 3),
        ("AveragePool", vec![kernel.clone(), pads.clone()], 3 * 4 * 4),
        ("AveragePool", vec![kernel, pads, include], 3 * 4 * 4),
        ("GlobalAveragePool", vec![], 3),
    ] {
        Net::new(&[2, 5, 5])
            .conv()
            .node(op, &["c"], "p", &attributes)
            .end("p", if op == "GlobalAveragePool" { 3 } else { features })
            .check(Mode::default());
    }
}

#[test]
fn joints() {
    for op in ["Add", "Mul"] {
        // Two computed tensors; one of them twice; one with a value per channel; constants.
        Net::new(&[2, 4, 4])
            .conv()
            .constant("u", &[3, 2, 2, 2], 0.0)
            .node("Conv", &["x", "u"], "d", &[])
            .node(op, &["c", "d"], "e", &[])
            .node(op, &["e", "e"], "f", &[])
            .node("GlobalAveragePool", &["f"], "gate", &[])
            .node(op, &["gate", "f"], "g", &[])
            .constant("k", &[1, 3, 1, 1], 0.5)
            .node(op, &["g", "k"], "h", &[])
            .constant("l", &[3], 0.5)
            .node(op, &["l", "h"], "i", &[])
            .end("i", 27)
            .check(Mode::default());
    }
    for (axis, features) in [(1, 6 * 9), (2, 3 * 6 * 3), (-1, 3 * 3 * 6)] {
        Net::new(&[2, 4, 4])
            .conv()
            .node("Relu", &["c"], "r", &[])
            .node("Concat", &["r", "c"], "j", &[("axis", Attribute::Int(axis))])
            .end("j", features)
            .check(Mode::default());
    }
}

#[test]
fn differences_quotients_and_slopes_of_their_own() {
    for (op, shift) in [("Sub", 0.0), ("Div", 3.0)] {
        Net::new(&[2, 4, 4])
            .conv()
            .constant("u", &[3, 2, 2, 2], 0.0)
            .constant("far", &[3], shift)
            .node("Conv", &["x", "u"], "near", &[])
            .node("Tanh", &["near"], "bounded", &[])
            .constant("all", &[1, 3, 1, 1], shift)
            .node("Add", &["bounded", "all"], "d", &[])
            .node(op, &["c", "d"], "e", &[])
            .constant("k", &[3], 1.5 + shift)
            .node(op, &["k", "d"], "g", &[])
            .node("Mul", &["e", "g"], "h", &[])
            .end("h", 27)
            .check(Mode::default());
    }
    for shape in [&[3, 1, 1][..], &[1]] {
        Net::new(&[2, 4, 4])
            .conv()
            .constant("slope", shape, 0.5)
            .node("PRelu", &["c", "slope"], "f", &[])
            .end("f", 27)
            .check(Mode::default());
    }
}

#[test]
fn transposed_convolutions() {
    for (shape, attributes, features) in [
        (&[3, 2, 3, 2][..], vec![("strides", ints(&[2, 1]))], 2 * 7 * 4),
        (
            &[3, 2, 2, 2],
            vec![
                ("strides", ints(&[2, 2])),
                ("pads", ints(&[1, 0, 0, 1])),
                ("output_padding", ints(&[1, 0])),
            ],
            2 * 6 * 5,
        ),
        (
            &[3, 1, 2, 2],
            vec![("group", Attribute::Int(3)), ("dilations", ints(&[2, 1]))],
            3 * 5 * 4,
        ),
    ] {
        let groups = attributes.iter().any(|(name, _)| *name == "group");
        let channels = if groups { 3 } else { shape[1] };
        Net::new(&[2, 4, 4])
            .conv()
            .constant("t", shape, 0.0)
            .constant("s", &[channels], 0.0)
            .node("ConvTranspose", &["c", "t", "s"], "f", &attributes)
            .end("f", features)
            .check(Mode::default());
    }
}

#[test]
fn copies_and_sums() {
    let net = || Net::new(&[2, 4, 4]).conv();
    net()
        .ints("from", &[-1, 0])
        .ints("to", &[-4, 2])
        .ints("axes", &[3, 2])
        .ints("steps", &[-2, 1])
        .node("Slice", &["c", "from", "to", "axes", "steps"], "f", &[])
        .end("f", 3 * 2 * 2)
        .check(Mode::default());
    for mode in ["constant", "reflect", "edge"] {
        net()
            .ints("pads", &[0, 0, 1, 0, 0, 1, 0, 2])
            .constant("by", &[], 0.5)
            .node("Pad", &["c", "pads", "by"], "f", &[("mode", Attribute::Text(mode.into()))])
            .end("f", 4 * 4 * 5)
            .check(Mode::default());
    }
    for (mode, text) in
        [("nearest", "asymmetric"), ("linear", "half_pixel"), ("cubic", "align_corners")]
    {
        let attributes = [
            ("mode", Attribute::Text(mode.into())),
            ("coordinate_transformation_mode", Attribute::Text(text.into())),
        ];
        let mut net = net().ints("sizes", &[1, 3, 5, 7]);
        net.graph.initializers.insert("none".into(), Tensor::new([0], Data::F32(Vec::new())));
        net.node("Resize", &["c", "", "", "sizes"], "f", &attributes)
            .end("f", 3 * 5 * 7)
            .check(Mode::default());
    }
    for (op, axes, keep, features) in [
        ("ReduceMean", &[1][..], 1, 9),
        ("ReduceMean", &[-1, 1], 0, 3),
        ("ReduceSum", &[2, 3], 0, 3),
    ] {
        let mut net = net();
        let attributes = match op {
            "ReduceSum" => {
                net = net.ints("axes", axes);
                net.node(op, &["c", "axes"], "f", &[("keepdims", Attribute::Int(keep))])
            }
            _ => net.node(
                op,
                &["c"],
                "f",
                &[("axes", ints(axes)), ("keepdims", Attribute::Int(keep))],
            ),
        };
        attributes.end("f", features).check(Mode::default());
    }
    let mut split = net().ints("parts", &[1, 2]).node(
        "Split",
        &["c", "parts"],
        "one",
        &[("axis", Attribute::Int(1))],
    );
    let last = split.graph.nodes.len() - 1;
    split.graph.nodes[last].outputs.push("two".into());
    split
        .constant("w2", &[2, 2, 1, 1], 0.0)
        .node("Conv", &["two", "w2"], "more", &[])
        .node("Mul", &["one", "more"], "f", &[])
        .end("f", 2 * 9)
        .check(Mode::default());
}

#[test]
fn layer_normalizations() {
    for (shape, axis) in [(&[3][..], -1), (&[3, 3], 2)] {
        Net::new(&[2, 4, 4])
            .conv()
            .constant("g", shape, 1.0)
            .constant("s", shape, 0.0)
            .node("LayerNormalization", &["c", "g", "s"], "f", &[("axis", Attribute::Int(axis))])
            .end("f", 27)
            .check(Mode::default());
    }
}

#[test]
fn rearrangements() {
    Net::new(&[2, 4, 4])
        .conv()
        .node("Transpose", &["c"], "t", &[("perm", ints(&[0, 2, 3, 1]))])
        .ints("shape", &[0, 9, -1])
        .node("Reshape", &["t", "shape"], "r", &[])
        .ints("axis", &[2])
        .node("Unsqueeze", &["r", "axis"], "u", &[])
        .node("Dropout", &["u"], "d", &[])
        .node("Squeeze", &["d", "axis"], "s", &[])
        .node("Shape", &["s"], "known", &[])
        .node("Reshape", &["s", "known"], "again", &[])
        .end("again", 27)
        .check(Mode::default());
}

#[test]
fn what_no_score_needs_is_not_trained() {
    let mut net = Net::new(&[2, 4, 4]).conv().node("ArgMax", &["c"], "beside", &[]).end("c", 27);
    net.graph.outputs.push(Value { name: "beside".into(), ..Value::default() });
    net.check(Mode::default());
}

#[test]
fn what_cannot_be_trained_is_named() {
    let refused = |net: Net| {
        let recipe = Recipe::default();
        let prepared = Prepared::new(&net.graph, &recipe).expect("it can be prepared");
        let source = Source {
            prepared: &Prepared { placement: Placement::default(), ..prepared },
            normalized: &[],
            params: &Params::new(),
            layers: &Layers::default(),
            recipe: &recipe,
            scales: Scales::Learned,
            frame: &net.frame,
            heads: &net.heads(),
        };
        Network::new(source).expect_err("it is refused").to_string()
    };
    let net = Net::new(&[2, 4, 4])
        .conv()
        .node("LpPool", &["c"], "strange", &[("kernel_shape", ints(&[1, 1]))])
        .end("strange", 27);
    assert!(refused(net).starts_with("node `strange`: `LpPool` cannot be trained."));
    let net = Net::new(&[2, 4, 4]).conv().ints("s", &[-1, 9]);
    let net = net.node("Reshape", &["c", "s"], "mixed", &[]).end("mixed", 9);
    assert!(refused(net).contains("frames do not stay apart"));
}
