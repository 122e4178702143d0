//! Every integer operator, on random shapes, scales and zero points, against the plain meaning of
//! the QDQ form computed in f64; natively and in the browser.

use steer8::graph::{Attribute, Data, Dim, Element, Graph, Node, Tensor, Value};
use steer8::random::SplitMix64;
use steer8::runtime::{Arithmetic, Session, lower};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Cases of each operator; debug builds and browsers share the number.
const CASES: usize = 60;

struct Random(SplitMix64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound)
    }

    fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    fn real(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * (self.below(1 << 24) as f32 / (1 << 24) as f32)
    }

    fn reals(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count).map(|_| self.real(low, high)).collect()
    }
}

/// A scale, a zero point and the type's bounds.
#[derive(Clone, Copy)]
struct Coding {
    scale: f32,
    zero_point: i32,
    signed: bool,
}

impl Coding {
    fn random(random: &mut Random) -> Self {
        let signed = random.below(2) == 1;
        let code = [0, 1, 77, 128, 255][random.below(5)];
        let zero_point = if signed { code - 128 } else { code };
        Self { scale: random.real(0.004, 0.05), zero_point, signed }
    }

    fn bounds(self) -> (f64, f64) {
        if self.signed { (-128.0, 127.0) } else { (0.0, 255.0) }
    }

    /// Through the integers and back.
    fn round(self, x: f64) -> f64 {
        let (low, high) = self.bounds();
        let q = ((x / f64::from(self.scale)).round_ties_even() + f64::from(self.zero_point))
            .clamp(low, high);
        (q - f64::from(self.zero_point)) * f64::from(self.scale)
    }

    fn zero_point(self) -> Data {
        if self.signed {
            Data::I8(vec![self.zero_point as i8])
        } else {
            Data::U8(vec![self.zero_point as u8])
        }
    }
}

/// Builds a graph around one operator.
struct Bench {
    graph: Graph,
}

impl Bench {
    fn new(input: &[usize]) -> Self {
        let shape = Some(input.iter().map(|&d| Dim::Fixed(d)).collect());
        let mut graph = Graph {
            input: Value { name: "x".into(), element: Element::F32, shape },
            outputs: vec![Value { name: "y".into(), element: Element::F32, shape: None }],
            ir_version: 8,
            ..Graph::default()
        };
        graph.opsets.insert(String::new(), 17);
        Self { graph }
    }

    fn constant(&mut self, name: &str, shape: &[usize], data: Data) -> String {
        self.graph.initializers.insert(name.into(), Tensor::new(shape, data));
        name.into()
    }

    fn push(&mut self, node: Node) {
        self.graph.nodes.push(node);
    }

    /// `from` through a QDQ pair into `to`.
    fn pair(&mut self, from: &str, to: &str, coding: Coding) {
        let scale = self.constant(&format!("{to}_s"), &[], Data::F32(vec![coding.scale]));
        let zero_point = self.constant(&format!("{to}_z"), &[], coding.zero_point());
        let middle = format!("{to}_q");
        let inputs = [from, &scale, &zero_point];
        self.push(Node::new("QuantizeLinear", format!("{to}_Q"), inputs, [&middle]));
        let inputs = [&middle, &scale, &zero_point];
        self.push(Node::new("DequantizeLinear", format!("{to}_DQ"), inputs, [to]));
    }

    /// Per-channel int8 weights along `axis`, dequantized; gives their real values.
    fn weights(&mut self, random: &mut Random, shape: &[usize], axis: usize) -> Vec<f64> {
        let channels = shape[axis];
        let inner: usize = shape[axis + 1..].iter().product();
        let len: usize = shape.iter().product();
        let scales = random.reals(channels, 0.002, 0.02);
        let codes: Vec<i8> = (0..len).map(|_| (random.below(255) as i32 - 127) as i8).collect();
        let real = |(i, &q): (usize, &i8)| f64::from(q) * f64::from(scales[i / inner % channels]);
        let values = codes.iter().enumerate().map(real).collect();
        self.constant("w_q", shape, Data::I8(codes));
        self.constant("w_s", &[channels], Data::F32(scales));
        self.constant("w_z", &[channels], Data::I8(vec![0; channels]));
        let node = Node::new("DequantizeLinear", "w_DQ", ["w_q", "w_s", "w_z"], ["w"]);
        self.push(node.with("axis", Attribute::Int(axis as i64)));
        values
    }

    /// Runs it, after checking that everything became integers.
    fn run(self, operator: &str, input: &[f32], case: usize) -> Vec<f32> {
        self.graph.check().expect("the bench is a graph");
        let lowered = lower::lower(&self.graph);
        assert_eq!(lowered.left_in_float, [], "case {case}");
        assert_eq!(lowered.graph.nodes.len(), 2 + lowered.integer_nodes, "case {case}");
        assert!(lowered.graph.nodes.iter().any(|n| n.op == operator), "case {case}");
        let mut session =
            Session::new(&self.graph, None, Arithmetic::Fast).expect("the network runs");
        let mut output = Vec::new();
        session.run(input, |_, values| output = values.to_vec()).expect("the network runs");
        output
    }
}

/// Equal but for near ties: at most one quantum apart, and that rarely.
fn assert_close(ours: &[f32], expected: &[f64], y: Coding, case: usize) {
    assert_eq!(ours.len(), expected.len(), "case {case}");
    let mut off = 0;
    for (i, (&a, &b)) in ours.iter().zip(expected).enumerate() {
        let quanta = ((f64::from(a) - y.round(b)) / f64::from(y.scale)).abs().round();
        assert!(quanta <= 1.0, "case {case}: element {i} is {a}, not {}", y.round(b));
        off += quanta as usize;
    }
    assert!(off <= 1 + ours.len() / 100, "case {case}: {off} of {} differ", ours.len());
}

struct Plane {
    input: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pads: [usize; 4],
    output: [usize; 2],
}

impl Plane {
    fn random(random: &mut Random) -> Self {
        let mut two = |low, high| [random.between(low, high), random.between(low, high)];
        let (kernel, stride, dilation) = (two(1, 3), two(1, 2), two(1, 2));
        let input = two(5, 9);
        let reach = [0, 1].map(|i| (kernel[i] - 1) * dilation[i] + 1);
        // Padding shorter than the kernel, different at each end.
        let pads = [0, 1, 0, 1].map(|axis| random.below(reach[axis].min(3)));
        let output = [0, 1].map(|i| (input[i] + pads[i] + pads[2 + i] - reach[i]) / stride[i] + 1);
        Self { input, kernel, stride, dilation, pads, output }
    }

    fn attributes(&self, node: Node) -> Node {
        let ints = |v: &[usize]| Attribute::Ints(v.iter().map(|&i| i as i64).collect());
        node.with("strides", ints(&self.stride))
            .with("dilations", ints(&self.dilation))
            .with("pads", ints(&self.pads))
            .with("kernel_shape", ints(&self.kernel))
    }

    /// Visits the input elements under output `(oy, ox)`: their kernel tap and index.
    fn taps(&self, oy: usize, ox: usize, mut visit: impl FnMut(usize, usize)) {
        for ky in 0..self.kernel[0] {
            for kx in 0..self.kernel[1] {
                let y = (oy * self.stride[0] + ky * self.dilation[0]).wrapping_sub(self.pads[0]);
                let x = (ox * self.stride[1] + kx * self.dilation[1]).wrapping_sub(self.pads[1]);
                if y < self.input[0] && x < self.input[1] {
                    visit(ky * self.kernel[1] + kx, y * self.input[1] + x);
                }
            }
        }
    }

    fn outputs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let [height, width] = self.output;
        (0..height).flat_map(move |y| (0..width).map(move |x| (y, x)))
    }
}

#[test]
fn convolution() {
    let mut random = Random(SplitMix64::new(1));
    for case in 0..2 * CASES {
        let plane = Plane::random(&mut random);
        let groups = [1, 1, 2, 3][random.below(4)];
        let depthwise = case % 4 == 0;
        let (per_group, out) = if depthwise {
            (1, random.between(1, 2))
        } else {
            (random.between(1, 5), random.between(1, 11))
        };
        let channels = [per_group * groups, out * groups];
        let [height, width] = plane.input;
        let (x, y) = (Coding::random(&mut random), Coding::random(&mut random));
        let mut bench = Bench::new(&[1, channels[0], height, width]);
        bench.pair("x", "x_d", x);
        let shape = [channels[1], per_group, plane.kernel[0], plane.kernel[1]];
        let weights = bench.weights(&mut random, &shape, 0);
        let bias = random.reals(channels[1], -1.0, 1.0);
        bench.constant("b", &[channels[1]], Data::F32(bias.clone()));
        let conv = Node::new("Conv", "conv", ["x_d", "w", "b"], ["c"]);
        bench.push(plane.attributes(conv).with("group", Attribute::Int(groups as i64)));
        let relu = case % 3 == 0;
        let mut last = "c";
        if relu {
            bench.push(Node::new("Relu", "relu", ["c"], ["r"]));
            last = "r";
        }
        bench.pair(last, "y", y);

        let input = random.reals(channels[0] * height * width, -3.0, 3.0);
        let real: Vec<f64> = input.iter().map(|&v| x.round(v.into())).collect();
        let taps = plane.kernel[0] * plane.kernel[1];
        let mut expected = Vec::new();
        for c in 0..channels[1] {
            let group = c / out;
            for (oy, ox) in plane.outputs() {
                let mut sum = f64::from(bias[c]);
                for i in 0..per_group {
                    let from = (group * per_group + i) * height * width;
                    plane.taps(oy, ox, |tap, at| {
                        sum += real[from + at] * weights[(c * per_group + i) * taps + tap];
                    });
                }
                expected.push(if relu { sum.max(0.0) } else { sum });
            }
        }
        // The bias is rounded to the accumulator's units, far below a quantum.
        assert_close(&bench.run("QLinearConv", &input, case), &expected, y, case);
    }
}

#[test]
fn gemm() {
    let mut random = Random(SplitMix64::new(2));
    for case in 0..CASES {
        let (rows, k, n) = (random.between(1, 6), random.between(1, 40), random.between(1, 19));
        let transposed = case % 2 == 0;
        let (alpha, beta) = ([1.0, 0.5][random.below(2)], [1.0, 2.0][random.below(2)]);
        let (x, y) = (Coding::random(&mut random), Coding::random(&mut random));
        let mut bench = Bench::new(&[rows, k]);
        bench.pair("x", "x_d", x);
        let shape = if transposed { [n, k] } else { [k, n] };
        let weights = bench.weights(&mut random, &shape, usize::from(!transposed));
        let bias = random.reals(n, -1.0, 1.0);
        bench.constant("b", &[n], Data::F32(bias.clone()));
        let gemm = Node::new("Gemm", "gemm", ["x_d", "w", "b"], ["g"])
            .with("transB", Attribute::Int(transposed.into()))
            .with("alpha", Attribute::Float(alpha))
            .with("beta", Attribute::Float(beta));
        bench.push(gemm);
        bench.pair("g", "y", y);
        let input = random.reals(rows * k, -3.0, 3.0);
        let mut expected = Vec::new();
        for r in 0..rows {
            for c in 0..n {
                let weight = |i| weights[if transposed { c * k + i } else { i * n + c }];
                let dot: f64 = (0..k).map(|i| x.round(input[r * k + i].into()) * weight(i)).sum();
                expected.push(f64::from(alpha) * dot + f64::from(beta) * f64::from(bias[c]));
            }
        }
        assert_close(&bench.run("QGemm", &input, case), &expected, y, case);
    }
}

#[test]
fn matmul() {
    let mut random = Random(SplitMix64::new(3));
    for case in 0..CASES {
        let (outer, rows) = (random.between(1, 3), random.between(1, 4));
        let (k, n) = (random.between(1, 33), random.between(1, 17));
        let (x, y) = (Coding::random(&mut random), Coding::random(&mut random));
        let mut bench = Bench::new(&[outer, rows, k]);
        bench.pair("x", "x_d", x);
        let weights = bench.weights(&mut random, &[k, n], 1);
        bench.push(Node::new("MatMul", "matmul", ["x_d", "w"], ["m"]));
        bench.pair("m", "y", y);
        let input = random.reals(outer * rows * k, -3.0, 3.0);
        let row = |r: usize, c: usize| {
            (0..k).map(|i| x.round(input[r * k + i].into()) * weights[i * n + c]).sum::<f64>()
        };
        let expected: Vec<f64> = (0..outer * rows)
            .flat_map(|r| (0..n).map(move |c| (r, c)))
            .map(|(r, c)| row(r, c))
            .collect();
        assert_close(&bench.run("QLinearMatMul", &input, case), &expected, y, case);
    }
}

#[test]
fn add_and_mul_broadcast() {
    let mut random = Random(SplitMix64::new(4));
    for case in 0..CASES {
        let (c, h, w) = (random.between(1, 5), random.between(1, 5), random.between(1, 5));
        let (op, lowered) = [("Add", "QLinearAdd"), ("Mul", "QLinearMul")][case % 2];
        // The other operand: of the same shape, one value per channel, or a single one.
        let shape = [vec![1, c, h, w], vec![c, 1, 1], vec![]][random.below(3)].clone();
        let [a, b, y] = [(); 3].map(|()| Coding::random(&mut random));
        let mut bench = Bench::new(&[1, c, h, w]);
        bench.pair("x", "a", a);
        let len: usize = shape.iter().product();
        let other = random.reals(len, -2.0, 2.0);
        bench.constant("other", &shape, Data::F32(other.clone()));
        bench.pair("other", "b", b);
        bench.push(Node::new(op, "op", ["a", "b"], ["o"]));
        bench.pair("o", "y", y);
        let input = random.reals(c * h * w, -3.0, 3.0);
        let expected: Vec<f64> = input
            .iter()
            .enumerate()
            .map(|(i, &v)| {
                let at = if len == input.len() {
                    i
                } else if len == c {
                    i / (h * w)
                } else {
                    0
                };
                let (left, right) = (a.round(v.into()), b.round(other[at].into()));
                if op == "Add" { left + right } else { left * right }
            })
            .collect();
        assert_close(&bench.run(lowered, &input, case), &expected, y, case);
    }
}

#[test]
fn pooling() {
    let mut random = Random(SplitMix64::new(5));
    for case in 0..2 * CASES {
        let mut plane = Plane::random(&mut random);
        let channels = random.between(1, 4);
        let [height, width] = plane.input;
        let kind = case % 3;
        let x = Coding::random(&mut random);
        // MaxPool keeps its input's scale.
        let y = if kind == 0 { x } else { Coding::random(&mut random) };
        let mut bench = Bench::new(&[1, channels, height, width]);
        bench.pair("x", "x_d", x);
        let include_pad = random.below(2) == 1;
        let (node, lowered) = match kind {
            0 => (plane.attributes(Node::new("MaxPool", "pool", ["x_d"], ["p"])), "IntegerMaxPool"),
            1 => {
                // AveragePool has dilations only from opset 19 on.
                plane.dilation = [1, 1];
                plane.pads = [0, 1, 2, 3].map(|i| plane.pads[i].min(plane.kernel[i % 2] - 1));
                plane.output = [0, 1].map(|i| {
                    (plane.input[i] + plane.pads[i] + plane.pads[2 + i] - plane.kernel[i])
                        / plane.stride[i]
                        + 1
                });
                let mut node = plane.attributes(Node::new("AveragePool", "pool", ["x_d"], ["p"]));
                node.attributes.remove("dilations");
                let include = Attribute::Int(include_pad.into());
                (node.with("count_include_pad", include), "QLinearAveragePool")
            }
            _ => {
                plane = Plane {
                    kernel: plane.input,
                    stride: [1; 2],
                    dilation: [1; 2],
                    pads: [0; 4],
                    output: [1; 2],
                    ..plane
                };
                let node = Node::new("GlobalAveragePool", "pool", ["x_d"], ["p"]);
                (node, "QLinearGlobalAveragePool")
            }
        };
        bench.push(node);
        bench.pair("p", "y", y);
        let input = random.reals(channels * height * width, -3.0, 3.0);
        let real: Vec<f64> = input.iter().map(|&v| x.round(v.into())).collect();
        let mut expected = Vec::new();
        for c in 0..channels {
            for (oy, ox) in plane.outputs() {
                let mut seen = Vec::new();
                plane.taps(oy, ox, |_, at| seen.push(real[c * height * width + at]));
                let whole = plane.kernel[0] * plane.kernel[1];
                let divisor = if kind == 1 && include_pad { whole } else { seen.len() };
                expected.push(match kind {
                    0 => seen.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                    _ => seen.iter().sum::<f64>() / divisor as f64,
                });
            }
        }
        assert_close(&bench.run(lowered, &input, case), &expected, y, case);
    }
}

#[test]
fn concat_brings_both_to_one_scale() {
    let mut random = Random(SplitMix64::new(6));
    for case in 0..CASES {
        let (c, h) = (random.between(1, 4), random.between(1, 6));
        let [a, b, y] = [(); 3].map(|()| Coding::random(&mut random));
        let mut bench = Bench::new(&[1, c, h]);
        bench.pair("x", "a", a);
        bench.pair("a", "b", b);
        let axis = random.between(1, 2);
        let node = Node::new("Concat", "concat", ["a", "b"], ["c"]);
        bench.push(node.with("axis", Attribute::Int(axis as i64)));
        bench.pair("c", "y", y);
        let input = random.reals(c * h, -3.0, 3.0);
        let first: Vec<f64> = input.iter().map(|&v| a.round(v.into())).collect();
        let second: Vec<f64> = first.iter().map(|&v| b.round(v)).collect();
        let run = if axis == 1 { c * h } else { h };
        let expected: Vec<f64> =
            first.chunks(run).zip(second.chunks(run)).flat_map(|(a, b)| [a, b].concat()).collect();
        // `b` reads what `a` gives, so one requantization stays in float.
        let lowered = lower::lower(&bench.graph);
        assert!(lowered.graph.nodes.iter().any(|n| n.op == "QLinearConcat"), "case {case}");
        let mut session = Session::new(&bench.graph, None, Arithmetic::Fast).expect("it runs");
        let mut output = Vec::new();
        session.run(&input, |_, values| output = values.to_vec()).expect("it runs");
        assert_close(&output, &expected, y, case);
    }
}
