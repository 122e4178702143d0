//! Frames and networks that nobody has trained, for more than one test.

#![allow(dead_code)]

use std::io::{Cursor, Write};

use steer8::data::Dataset;
use steer8::graph::{Attribute, Data, Dim, Graph, Node, Tensor, Value};
use steer8::progress::unwatched;
use steer8::random::SplitMix64;
use steer8::runtime::{Arithmetic, Session};
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use zip::write::{SimpleFileOptions, ZipWriter};

pub fn dataset(name: &str, bytes: &[u8]) -> Dataset {
    let file = File { name: name.into(), bytes: bytes.to_vec().into() };
    Dataset::read(&[file], &Reading::default(), &mut unwatched).expect("the frames can be read")
}

/// Channels, height and width of the made-up frames.
pub const FRAME: [usize; 3] = [2, 8, 8];
pub const CLASSES: usize = 4;

/// Noise with one brighter quarter, which is the class.
pub fn frames(count: usize) -> Dataset {
    labelled(&(0..count).map(|frame| (frame % CLASSES) as u8).collect::<Vec<_>>())
}

/// The same frames with other labels.
pub fn labelled(labels: &[u8]) -> Dataset {
    let count = labels.len();
    let y = array("|u1", &format!("{count},"), labels);
    packed(&[("x.npy", pixels(count)), ("y.npy", y)])
}

/// The same frames with a value for each, in these columns.
pub fn valued(columns: &[(&str, Vec<f32>)]) -> Dataset {
    let count = columns[0].1.len();
    let column = |(name, values): &(&str, Vec<f32>)| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        (format!("{name}.npy"), array("<f4", &format!("{count},"), &bytes))
    };
    let mut arrays = vec![("x.npy".to_owned(), pixels(count))];
    arrays.extend(columns.iter().map(column));
    let arrays: Vec<(&str, Vec<u8>)> =
        arrays.iter().map(|(name, bytes)| (&**name, bytes.clone())).collect();
    packed(&arrays)
}

/// The pixels of so many frames, as an array.
pub fn pixels(count: usize) -> Vec<u8> {
    let [channels, height, width] = FRAME;
    let mut random = SplitMix64::new(11);
    let mut x = Vec::new();
    for frame in 0..count {
        for at in 0..height * width {
            let quarter = at / width / (height / 2) * 2 + at % width / (width / 2);
            let bright = if quarter == frame % CLASSES { 70 } else { 0 };
            x.extend((0..channels).map(|_| (random.below(160) + bright) as u8));
        }
    }
    array("|u1", &format!("{count}, {height}, {width}, {channels}"), &x)
}

/// Frames of floats without labels; `shape` is that of all of them.
pub fn floats(shape: &[usize], values: &[f32]) -> Dataset {
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
    packed(&[("x.npy", array("<f4", &shape.join(", "), &bytes))])
}

pub fn packed(arrays: &[(&str, Vec<u8>)]) -> Dataset {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    dataset("made-up.npz", &archive.finish().unwrap().into_inner())
}

pub fn array(element: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{element}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), bytes].concat()
}

/// Our outputs on every frame, `batch` frames filling each run.
pub fn rows(graph: &Graph, data: &Dataset, arithmetic: Arithmetic) -> Vec<Vec<f32>> {
    let mut session = Session::new(graph, Some(data.frame_shape()), arithmetic).expect("it runs");
    let (len, batch) = (session.frame_len(), session.batch());
    let mut input = vec![0.0; batch * len];
    let mut rows = Vec::new();
    for first in (0..data.len()).step_by(batch) {
        for (i, frame) in input.chunks_exact_mut(len).enumerate() {
            data.input(first + i, frame);
        }
        let visit = |_: usize, y: &[f32]| {
            rows.extend(y.chunks_exact(y.len() / batch).map(<[f32]>::to_vec));
        };
        session.run(&input, visit).expect("it runs");
    }
    rows
}

/// A network from made-up frames to scores, with random weights.
#[derive(Clone)]
pub struct Net {
    pub graph: Graph,
    random: SplitMix64,
}

impl Net {
    pub fn new() -> Self {
        let value = |name: &str, shape| Value { name: name.into(), shape, ..Value::default() };
        let dims = FRAME.iter().map(|&d| Dim::Fixed(d));
        let shape = std::iter::once(Dim::Free("n".into())).chain(dims).collect();
        let graph = Graph {
            input: value("x", Some(shape)),
            outputs: vec![value("y", None)],
            opsets: [(String::new(), 17)].into(),
            ir_version: 8,
            ..Graph::default()
        };
        Self { graph, random: SplitMix64::new(3) }
    }

    pub fn node(&mut self, op: &str, inputs: &[&str], output: &str, ints: &[(&str, &[i64])]) {
        let mut node = Node::new(op, output, inputs.iter().copied(), [output]);
        for (name, values) in ints {
            let value = match values {
                [one] if ["group", "axis", "transB", "to"].contains(name) => Attribute::Int(*one),
                _ => Attribute::Ints(values.to_vec()),
            };
            node = node.with(name, value);
        }
        self.graph.nodes.push(node);
    }

    /// A layer with random weights of this shape, outputs first.
    pub fn layer(&mut self, op: &str, x: &str, y: &str, shape: &[usize], ints: &[(&str, &[i64])]) {
        let inputs: usize = shape[1..].iter().product();
        let spread = (3.0 / inputs as f32).sqrt();
        let mut number = || (self.random.below(2001) as f32 / 1000.0 - 1.0) * spread;
        let weights = (0..inputs * shape[0]).map(|_| number()).collect();
        let name = format!("{y}_weights");
        self.graph.initializers.insert(name.clone(), Tensor::new(shape, Data::F32(weights)));
        let bias = Tensor::new([shape[0]], Data::F32(vec![0.0; shape[0]]));
        self.graph.initializers.insert(format!("{y}_bias"), bias);
        self.node(op, &[x, &name, &format!("{y}_bias")], y, ints);
    }

    pub fn normalization(&mut self, x: &str, y: &str, channels: usize) {
        let mut names = vec![x.to_owned()];
        for (what, value) in [("gain", 1.0), ("shift", 0.0), ("mean", 0.0), ("variance", 1.0)] {
            let name = format!("{y}_{what}");
            let tensor = Tensor::new([channels], Data::F32(vec![value; channels]));
            self.graph.initializers.insert(name.clone(), tensor);
            names.push(name);
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.node("BatchNormalization", &names, y, &[]);
    }
}

pub const AROUND: (&str, &[i64]) = ("pads", &[1, 1, 1, 1]);
pub const TWO: (&str, &[i64]) = ("strides", &[2, 2]);

/// Normalized convolutions with a residual connection, a Concat and an average pool.
pub fn residual() -> Graph {
    let mut net = Net::new();
    net.layer("Conv", "x", "c1", &[8, 2, 3, 3], &[AROUND]);
    net.normalization("c1", "n1", 8);
    net.node("Relu", &["n1"], "r1", &[]);
    net.layer("Conv", "r1", "c2", &[8, 8, 3, 3], &[AROUND]);
    net.normalization("c2", "n2", 8);
    net.node("Add", &["n2", "r1"], "sum", &[]);
    net.node("Relu", &["sum"], "r2", &[]);
    net.layer("Conv", "r1", "side", &[4, 8, 1, 1], &[]);
    net.node("Concat", &["r2", "side"], "joined", &[("axis", &[1])]);
    net.node("AveragePool", &["joined"], "pooled", &[("kernel_shape", &[2, 2]), TWO]);
    net.layer("Conv", "pooled", "c3", &[8, 12, 3, 3], &[TWO, AROUND]);
    net.normalization("c3", "n3", 8);
    net.node("Relu", &["n3"], "r3", &[]);
    net.node("Flatten", &["r3"], "flat", &[]);
    net.layer("Gemm", "flat", "y", &[CLASSES, 32], &[("transB", &[1])]);
    net.graph
}

/// SiLU (Sigmoid and Mul) and HardSwish, a depthwise convolution, no normalization.
pub fn silu() -> Graph {
    let mut net = Net::new();
    net.layer("Conv", "x", "c1", &[8, 2, 3, 3], &[AROUND]);
    net.node("Sigmoid", &["c1"], "g1", &[]);
    net.node("Mul", &["c1", "g1"], "s1", &[]);
    net.layer("Conv", "s1", "c2", &[8, 1, 3, 3], &[("group", &[8]), TWO, AROUND]);
    net.node("Sigmoid", &["c2"], "g2", &[]);
    net.node("Mul", &["g2", "c2"], "s2", &[]);
    net.layer("Conv", "s2", "c3", &[12, 8, 2, 2], &[TWO]);
    net.node("HardSwish", &["c3"], "h3", &[]);
    net.node("MaxPool", &["h3"], "pooled", &[("kernel_shape", &[1, 1])]);
    net.node("Flatten", &["pooled"], "flat", &[]);
    net.layer("Gemm", "flat", "y", &[CLASSES, 48], &[("transB", &[1])]);
    net.graph
}

/// A network that drives by the mean of each channel of 96x96 pixels: its answers are `weights`, a row of
/// the channels for each, times that, and `bias`.
pub fn by_colour(weights: &[f32], bias: &[f32]) -> Graph {
    let channels = weights.len() / bias.len();
    let mut net = Net::new();
    let dims = [channels, 96, 96].map(Dim::Fixed);
    net.graph.input.shape = Some(std::iter::once(Dim::Free("n".into())).chain(dims).collect());
    net.node("GlobalAveragePool", &["x"], "means", &[]);
    net.node("Flatten", &["means"], "row", &[]);
    net.layer("Gemm", "row", "y", &[bias.len(), channels], &[("transB", &[1])]);
    let tensors =
        [("y_weights", vec![bias.len(), channels], weights), ("y_bias", vec![bias.len()], bias)];
    for (name, shape, values) in tensors {
        let tensor = Tensor::new(shape, Data::F32(values.to_vec()));
        net.graph.initializers.insert(name.into(), tensor);
    }
    net.graph
}
