//! The network as data: nodes in topological order, the tensors they share by name, and nothing of
//! the file it came from.
//!
//! Names and meaning are ONNX's: a node's operator is named by domain and type, and an operator
//! that Steer8 does not know passes through unchanged.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, Result};
use operator::{MICROSOFT, least_inputs};

mod affine;
mod axes;
pub(crate) mod byte_input;
mod clip;
mod condense;
mod constants;
mod dilated_means;
pub(crate) mod entry;
pub(crate) mod float16;
#[doc(hidden)]
pub mod fold_batch_norm;
mod fold_gemm;
mod fold_maps;
pub(crate) mod operator;
pub(crate) mod opset;
pub(crate) mod packed;
mod pool_means;
mod prune;
mod segment;
mod simplify;
mod sort;
pub(crate) mod weights;
mod written_out;

pub use clip::clip_range;
pub use condense::condense;
pub use constants::Constants;
pub use dilated_means::convolve_dilated_means;
pub use pool_means::pool_means;
pub use prune::{needed_for, prune};
pub use segment::{keep_activations_close, segment};
pub use simplify::simplify;
pub use sort::sort;

/// A network, whose inputs are one, be they several in its file: see [`Graph::packed`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// As its exporter called it.
    pub name: String,
    /// The program that wrote the file.
    pub producer: String,
    /// Of the file format.
    pub ir_version: i64,
    /// The version of ONNX's default operator set that the file names; what is old was raised when it
    /// was read.
    pub file_opset: i64,
    /// Operator set version by domain; the default domain is `""`.
    pub opsets: BTreeMap<String, i64>,
    /// Further properties of the file, by key.
    pub metadata: Vec<(String, String)>,
    /// The input's type in the file, where that is another than is computed with: float16, bytes.
    pub file_input: Option<Element>,
    /// What enters.
    pub input: Value,
    /// The inputs as the file has them, where they are several; `input` is the row of all their numbers
    /// then.
    pub packed: Vec<Value>,
    /// What it answers.
    pub outputs: Vec<Value>,
    /// Each behind those whose results it reads.
    pub nodes: Vec<Node>,
    /// The constants, by their names.
    pub initializers: Constants,
}

/// A named tensor at the network's edge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Value {
    /// Of its tensor.
    pub name: String,
    /// What it is made of.
    pub element: Element,
    /// `None` when the file does not say.
    pub shape: Option<Vec<Dim>>,
}

/// The length of an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// Always this one.
    Fixed(usize),
    /// A free dimension, with the name that the file gives it.
    Free(String),
}

/// An operator applied to named tensors. An empty input name is an optional input left out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Unique within the graph.
    pub name: String,
    /// The operator's name.
    pub op: String,
    /// Whose operator it is; empty for ONNX's own.
    pub domain: String,
    /// Names of tensors; empty for one that is left out.
    pub inputs: Vec<String>,
    /// Names of tensors; empty for one that nobody wants.
    pub outputs: Vec<String>,
    /// By name.
    pub attributes: BTreeMap<String, Attribute>,
}

/// A setting of a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f32),
    /// UTF-8, as it stands in the file.
    Text(Vec<u8>),
    /// A constant.
    Tensor(Tensor),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Numbers.
    Floats(Vec<f32>),
    /// Texts, as they stand in the file.
    Texts(Vec<Vec<u8>>),
}

/// A constant: its shape and its elements, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The last axis is the one whose elements lie beside each other.
    pub shape: Vec<usize>,
    /// As many elements as the shape says.
    pub data: Data,
}

/// Elements of the types that quantization touches; every other type is carried as its bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// float32.
    F32(Vec<f32>),
    /// uint8.
    U8(Vec<u8>),
    /// int8.
    I8(Vec<i8>),
    /// int32.
    I32(Vec<i32>),
    /// int64.
    I64(Vec<i64>),
    /// Little-endian bytes of another fixed-size element type.
    Other(Element, Vec<u8>),
    /// Strings, which have no fixed size.
    Texts(Vec<Vec<u8>>),
}

/// ONNX's element types (`TensorProto.DataType`), by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Element(pub i32);

impl Element {
    /// float32.
    pub const F32: Self = Self(1);
    /// uint8.
    pub const U8: Self = Self(2);
    /// int8.
    pub const I8: Self = Self(3);
    /// int32.
    pub const I32: Self = Self(6);
    /// int64.
    pub const I64: Self = Self(7);
    /// Texts.
    pub const TEXT: Self = Self(8);
    /// float16.
    pub const F16: Self = Self(10);
    /// uint4.
    pub const U4: Self = Self(21);
    /// int4.
    pub const I4: Self = Self(22);

    /// ONNX's name in lower case.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 24] = [
            "undefined",
            "float32",
            "uint8",
            "int8",
            "uint16",
            "int16",
            "int32",
            "int64",
            "string",
            "bool",
            "float16",
            "float64",
            "uint32",
            "uint64",
            "complex64",
            "complex128",
            "bfloat16",
            "float8e4m3fn",
            "float8e4m3fnuz",
            "float8e5m2",
            "float8e5m2fnuz",
            "uint4",
            "int4",
            "float4e2m1",
        ];
        usize::try_from(self.0).ok().and_then(|i| NAMES.get(i).copied()).unwrap_or("unknown")
    }

    /// The 8-bit type that holds a 4-bit one's elements; every other type is itself.
    pub fn widened(self) -> Self {
        match self {
            Self::I4 => Self::I8,
            Self::U4 => Self::U8,
            other => other,
        }
    }

    /// Bytes of `count` elements, or `None` for types without a fixed size.
    pub fn bytes(self, count: usize) -> Option<usize> {
        let bits = match self.0 {
            2 | 3 | 9 | 17..=20 => 8,
            4 | 5 | 10 | 16 => 16,
            1 | 6 | 12 => 32,
            7 | 11 | 13 | 14 => 64,
            15 => 128,
            21..=23 => 4,
            _ => return None,
        };
        Some(count.checked_mul(bits)?.div_ceil(8))
    }
}

impl Default for Element {
    fn default() -> Self {
        Self::F32
    }
}

impl Tensor {
    /// Elements of that shape.
    pub fn new(shape: impl Into<Vec<usize>>, data: Data) -> Self {
        Self { shape: shape.into(), data }
    }

    /// A single number without axes.
    pub fn scalar_f32(value: f32) -> Self {
        Self::new([], Data::F32(vec![value]))
    }

    /// 0 of a numeric type, as a scalar; `None` for types without a fixed size.
    pub fn zero(element: Element) -> Option<Self> {
        let data = match element {
            Element::F32 => Data::F32(vec![0.0]),
            Element::U8 => Data::U8(vec![0]),
            Element::I8 => Data::I8(vec![0]),
            Element::I32 => Data::I32(vec![0]),
            Element::I64 => Data::I64(vec![0]),
            other => Data::Other(other, vec![0; other.bytes(1)?]),
        };
        Some(Self::new([], data))
    }

    /// What it is made of.
    pub fn element(&self) -> Element {
        match &self.data {
            Data::F32(_) => Element::F32,
            Data::U8(_) => Element::U8,
            Data::I8(_) => Element::I8,
            Data::I32(_) => Element::I32,
            Data::I64(_) => Element::I64,
            Data::Other(element, _) => *element,
            Data::Texts(_) => Element::TEXT,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the elements as ONNX stores them.
    pub fn bytes(&self) -> usize {
        match &self.data {
            Data::Texts(texts) => texts.iter().map(Vec::len).sum(),
            _ => self.element().bytes(self.len()).unwrap_or(0),
        }
    }

    /// The elements; `None` where they are of another type.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.data {
            Data::F32(v) => Some(v),
            _ => None,
        }
    }

    /// The elements of a float32 or float16 tensor, widened.
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        match &self.data {
            Data::F32(v) => Some(v.clone()),
            Data::Other(Element::F16, bytes) => {
                Some(bytes.as_chunks().0.iter().map(|&b| half(u16::from_le_bytes(b))).collect())
            }
            _ => None,
        }
    }

    /// A tensor of int4, from integers.
    pub fn int4(shape: impl Into<Vec<usize>>, codes: &[i32]) -> Self {
        Self::nibbles(Element::I4, shape, codes)
    }

    /// A tensor of a 4-bit type, two elements to a byte, the first in the lower half.
    fn nibbles(element: Element, shape: impl Into<Vec<usize>>, codes: &[i32]) -> Self {
        let nibble = |code: i32| code as u8 & 0xf;
        let pair = |pair: &[i32]| nibble(pair[0]) | nibble(pair.get(1).copied().unwrap_or(0)) << 4;
        Self::new(shape, Data::Other(element, codes.chunks(2).map(pair).collect()))
    }

    /// The same integers, those of 4 bits held in 8.
    #[must_use]
    pub fn widened(self) -> Self {
        let element = self.element();
        match (element.widened(), self.to_i32()) {
            (wide, Some(codes)) if wide != element => {
                let data = match wide {
                    Element::I8 => Data::I8(codes.iter().map(|&q| q as i8).collect()),
                    _ => Data::U8(codes.iter().map(|&q| q as u8).collect()),
                };
                Self::new(self.shape, data)
            }
            _ => self,
        }
    }

    /// The opposite of [`Tensor::widened`], for a tensor that belongs into `element`.
    #[must_use]
    pub fn narrowed(self, element: Element) -> Self {
        match self.to_i32() {
            Some(codes) if element != self.element() && element.widened() == self.element() => {
                Self::nibbles(element, self.shape, &codes)
            }
            _ => self,
        }
    }

    /// The elements of a 4-bit, 8-bit or 32-bit integer tensor, widened.
    pub fn to_i32(&self) -> Option<Vec<i32>> {
        match &self.data {
            Data::Other(element @ (Element::I4 | Element::U4), bytes) => {
                let halves = bytes.iter().flat_map(|&byte| [byte & 0xf, byte >> 4]);
                let widen = |half: u8| match *element {
                    // Moved up and back down with its sign.
                    Element::I4 => i32::from((half << 4) as i8 >> 4),
                    _ => i32::from(half),
                };
                Some(halves.take(self.len()).map(widen).collect())
            }
            Data::U8(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Data::I8(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Data::I32(v) => Some(v.clone()),
            _ => None,
        }
    }

    /// The elements; `None` where they are of another type.
    pub fn as_i64(&self) -> Option<&[i64]> {
        match &self.data {
            Data::I64(v) => Some(v),
            _ => None,
        }
    }

    /// With its axes in that order, or turned round without one. `None` for what is no order of them,
    /// and for elements that are carried as bytes.
    pub fn transposed(&self, order: Option<&[i64]>) -> Option<Self> {
        let rank = self.shape.len();
        let order: Vec<usize> = match order {
            Some(order) => order.iter().map(|&a| usize::try_from(a).ok()).collect::<Option<_>>()?,
            None => (0..rank).rev().collect(),
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if sorted.into_iter().ne(0..rank) {
            return None;
        }
        let shape: Vec<usize> = order.iter().map(|&axis| self.shape[axis]).collect();
        let step = |axis: usize| self.shape[axis + 1..].iter().product::<usize>();
        let steps: Vec<usize> = order.iter().map(|&axis| step(axis)).collect();
        // Each element's place before, counted up as an odometer is.
        let mut at = vec![0; rank];
        let places: Vec<usize> = (0..self.len())
            .map(|_| {
                let place = at.iter().zip(&steps).map(|(at, step)| at * step).sum();
                for (at, &dim) in at.iter_mut().zip(&shape).rev() {
                    *at += 1;
                    if *at < dim {
                        break;
                    }
                    *at = 0;
                }
                place
            })
            .collect();
        fn picked<T: Copy>(values: &[T], places: &[usize]) -> Vec<T> {
            places.iter().map(|&place| values[place]).collect()
        }
        let data = match &self.data {
            Data::F32(v) => Data::F32(picked(v, &places)),
            Data::U8(v) => Data::U8(picked(v, &places)),
            Data::I8(v) => Data::I8(picked(v, &places)),
            Data::I32(v) => Data::I32(picked(v, &places)),
            Data::I64(v) => Data::I64(picked(v, &places)),
            Data::Other(..) | Data::Texts(_) => return None,
        };
        Some(Self::new(shape, data))
    }

    /// The same elements in another shape, as a Reshape says it: 0 keeps an axis, -1 is what is left.
    pub fn reshaped(&self, wanted: &[i64]) -> Option<Self> {
        let dim = |(axis, &dim): (usize, &i64)| match dim {
            0 => self.shape.get(axis).copied(),
            -1 => Some(1),
            dim => usize::try_from(dim).ok(),
        };
        let mut shape: Vec<usize> = wanted.iter().enumerate().map(dim).collect::<Option<_>>()?;
        let known = shape.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim))?;
        if let Some(left) = wanted.iter().position(|&dim| dim == -1) {
            shape[left] = self.len().checked_div(known)?;
        }
        let fits = shape.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim)) == Some(self.len());
        fits.then(|| Self::new(shape, self.data.clone()))
    }
}

impl Node {
    /// A node of the default domain.
    pub fn new(
        op: &str,
        name: impl Into<String>,
        inputs: impl IntoIterator<Item = impl Into<String>>,
        outputs: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            name: name.into(),
            op: op.into(),
            domain: String::new(),
            inputs: inputs.into_iter().map(Into::into).collect(),
            outputs: outputs.into_iter().map(Into::into).collect(),
            attributes: BTreeMap::new(),
        }
    }

    /// The node with one more attribute.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: Attribute) -> Self {
        self.attributes.insert(attribute.into(), value);
        self
    }

    /// The node as an operator of that domain.
    #[must_use]
    pub fn in_domain(mut self, domain: &str) -> Self {
        self.domain = domain.into();
        self
    }

    /// Whether this is the operator `op` of ONNX's default domain.
    pub fn is(&self, op: &str) -> bool {
        self.op == op && matches!(self.domain.as_str(), "" | "ai.onnx")
    }

    /// The name of input `index`, unless it is left out.
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The first output.
    pub fn output(&self) -> &str {
        &self.outputs[0]
    }

    /// The attribute, or `default` where it is not said.
    pub fn int(&self, attribute: &str, default: i64) -> i64 {
        match self.attributes.get(attribute) {
            Some(Attribute::Int(v)) => *v,
            _ => default,
        }
    }

    /// The attribute, or `default` where it is not said.
    pub fn float(&self, attribute: &str, default: f32) -> f32 {
        match self.attributes.get(attribute) {
            Some(Attribute::Float(v)) => *v,
            _ => default,
        }
    }

    /// The attribute, where it is said.
    pub fn ints(&self, attribute: &str) -> Option<&[i64]> {
        match self.attributes.get(attribute) {
            Some(Attribute::Ints(v)) => Some(v),
            _ => None,
        }
    }

    /// The attribute, where it is said and UTF-8.
    pub fn text(&self, attribute: &str) -> Option<&str> {
        match self.attributes.get(attribute) {
            Some(Attribute::Text(v)) => std::str::from_utf8(v).ok(),
            _ => None,
        }
    }
}

impl Graph {
    /// The version of ONNX's default operator set that the nodes are meant by.
    pub fn opset(&self) -> i64 {
        self.opsets.get("").copied().unwrap_or(1)
    }

    /// The constant that input `index` of `node` names, if it is one.
    pub fn constant(&self, node: &Node, index: usize) -> Option<&Tensor> {
        self.initializers.get(node.input(index)?)
    }

    /// Index of the node that makes each tensor.
    pub fn producers(&self) -> HashMap<&str, usize> {
        let outputs = |(i, node): (usize, &'_ Node)| (i, node.outputs.len());
        self.nodes
            .iter()
            .enumerate()
            .map(outputs)
            .flat_map(|(i, n)| (0..n).map(move |o| (i, o)))
            .map(|(i, o)| (self.nodes[i].outputs[o].as_str(), i))
            .filter(|(name, _)| !name.is_empty())
            .collect()
    }

    /// Indices of the nodes that read each tensor, in order; a node that reads it twice counts once.
    pub fn consumers(&self) -> HashMap<&str, Vec<usize>> {
        let mut consumers = HashMap::<&str, Vec<usize>>::new();
        for (i, node) in self.nodes.iter().enumerate() {
            for input in node.inputs.iter().filter(|name| !name.is_empty()) {
                let readers = consumers.entry(input).or_default();
                if readers.last() != Some(&i) {
                    readers.push(i);
                }
            }
        }
        consumers
    }

    /// The inputs as they are called and shaped in the file.
    pub fn inputs(&self) -> &[Value] {
        match &self.packed[..] {
            [] => std::slice::from_ref(&self.input),
            packed => packed,
        }
    }

    /// Whether it enters from outside.
    pub fn is_input(&self, tensor: &str) -> bool {
        self.inputs().iter().any(|input| input.name == tensor)
    }

    /// Whether the tensor has what an input has: an output that is one says nothing.
    pub fn is_echo(&self, tensor: &str) -> bool {
        let copy = |node: &&Node| node.is("Identity") && node.output() == tensor;
        let copied = self.nodes.iter().find(copy).and_then(|node| node.input(0));
        self.is_input(tensor) || copied.is_some_and(|from| from != tensor && self.is_echo(from))
    }

    /// Whether it is one of the answers.
    pub fn is_output(&self, tensor: &str) -> bool {
        self.outputs.iter().any(|output| output.name == tensor)
    }

    /// Every name in use, for making new ones.
    pub fn names(&self) -> HashSet<String> {
        self.nodes
            .iter()
            .flat_map(|n| n.inputs.iter().chain(&n.outputs).chain([&n.name]))
            .chain(self.initializers.keys())
            .chain(self.outputs.iter().map(|v| &v.name))
            .chain([&self.input.name])
            .chain(self.packed.iter().map(|v| &v.name))
            .cloned()
            .collect()
    }

    /// Lets the network see a frame: an input of bytes reads the same numbers as float32.
    ///
    /// # Errors
    /// An input of another type.
    pub fn see_frames(&mut self) -> Result<()> {
        byte_input::widen(self);
        match self.input.element {
            Element::F32 => Ok(()),
            other => Err(Error::new(format!(
                "the input `{}` is {}, not float32",
                self.input.name,
                other.name()
            ))
            .way_out("Export the network with a float32 or uint8 input.")),
        }
    }

    /// Checks that every node has the inputs that its operator cannot do without.
    pub fn check_inputs(&self) -> Result<()> {
        for node in self.nodes.iter().filter(|node| ["", MICROSOFT].contains(&&*node.domain)) {
            let least = least_inputs(&node.op);
            // Operators on integers may leave zero points out that stand before others.
            let needed = if node.op.starts_with('Q') { least.min(1) } else { least };
            let missing = (0..needed).find(|&i| node.input(i).is_none());
            let missing = missing.or((node.inputs.len() < least).then_some(node.inputs.len()));
            if let Some(i) = missing {
                return Err(Error::new(format!("input {i} of `{}` is missing", node.op))
                    .at_node(&node.name)
                    .way_out("Export the network again: the file is damaged."));
            }
        }
        Ok(())
    }

    /// Checks that every tensor is made once, before it is read.
    pub fn check(&self) -> Result<()> {
        let mut known: HashSet<&str> = self.initializers.keys().map(String::as_str).collect();
        known.insert(&self.input.name);
        for node in &self.nodes {
            for input in node.inputs.iter().filter(|name| !name.is_empty()) {
                if !known.contains(input.as_str()) {
                    return Err(Error::new(format!(
                        "its input `{input}` is made by no node, and is no initializer"
                    ))
                    .at_node(&node.name)
                    .way_out("Export the network again: the file is damaged."));
                }
            }
            for output in node.outputs.iter().filter(|name| !name.is_empty()) {
                if !known.insert(output) {
                    return Err(Error::new(format!("the tensor `{output}` is made twice"))
                        .at_node(&node.name)
                        .way_out("Export the network again: the file is damaged."));
                }
            }
        }
        match self.outputs.iter().find(|output| !known.contains(output.name.as_str())) {
            Some(output) => Err(Error::new(format!("no node makes the output `{}`", output.name))
                .way_out("Export the network again: the file is damaged.")),
            None => Ok(()),
        }
    }
}

/// A shape for people: `batch x 3 x 96 x 96`.
pub fn describe(dims: &[Dim]) -> String {
    let dims: Vec<String> = dims
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(n) => n.to_string(),
            Dim::Free(name) if name.is_empty() => "?".into(),
            Dim::Free(name) => name.clone(),
        })
        .collect();
    dims.join(" x ")
}

/// The value of a float16: 5 bits of exponent, 10 of mantissa.
pub fn half(bits: u16) -> f32 {
    let (exponent, mantissa) = (u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => mantissa as f32 * 2f32.powi(-24),
        0x1f => f32::from_bits(0x7f80_0000 | mantissa << 13),
        _ => f32::from_bits((exponent + 112) << 23 | mantissa << 13),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

/// A name that is not in `taken` yet, made from `base`; it is then taken.
pub fn fresh_name(base: &str, taken: &mut HashSet<String>) -> String {
    let numbered = |n: usize| if n == 1 { base.to_string() } else { format!("{base}_{n}") };
    let mut free = 1;
    while taken.contains(&numbered(free)) {
        free = if free < FEW { free + 1 } else { 2 * free };
    }
    // Of names that stand there by the thousand, not each is tried.
    let mut last_taken = if free > FEW { free / 2 } else { free - 1 };
    while free - last_taken > 1 {
        let middle = usize::midpoint(last_taken, free);
        match taken.contains(&numbered(middle)) {
            true => last_taken = middle,
            false => free = middle,
        }
    }
    let name = numbered(free);
    taken.insert(name.clone());
    name
}

/// Names of one base that are tried one after the other.
const FEW: usize = 16;

/// Small networks for this room's tests, and what they answer.
#[cfg(test)]
mod trials {
    use super::{Data, Dim, Graph, Node, Tensor, Value};

    /// `x -> nodes -> y`, with constants of these shapes.
    pub(super) fn network(
        input: &[usize],
        nodes: Vec<Node>,
        constants: &[(&str, &[usize])],
    ) -> Graph {
        let value = |name: &str, shape| Value { name: name.into(), shape, ..Value::default() };
        let shape = Some(input.iter().map(|&d| Dim::Fixed(d)).collect());
        let mut graph = Graph {
            input: value("x", shape),
            outputs: vec![value("y", None)],
            nodes,
            opsets: [(String::new(), 17)].into(),
            ir_version: 8,
            ..Graph::default()
        };
        for (name, shape) in constants {
            let seed = name.bytes().map(f32::from).sum::<f32>();
            let values =
                (0..shape.iter().product()).map(|i| 0.9 * (i as f32 * 0.7 + seed).sin() + 0.3);
            let values = Data::F32(values.collect());
            graph.initializers.insert((*name).into(), Tensor::new(*shape, values));
        }
        graph
    }

    /// The whole network's, one output after the other.
    pub(super) fn answers(graph: &Graph) -> Vec<f32> {
        use crate::runtime::{Arithmetic, Session};
        let mut session = Session::new(graph, None, Arithmetic::Deterministic).expect("it runs");
        let shape = crate::runtime::input_shape(graph, None).expect("a fixed shape");
        let x: Vec<f32> = (0..shape.iter().product()).map(|i| 3.0 * (i as f32).cos()).collect();
        let mut y = Vec::new();
        session.run(&x, |_, values| y.extend_from_slice(values)).expect("it runs");
        y
    }

    /// What `change` makes of `graph` has these operators, and the same answers.
    pub(super) fn becomes(
        mut graph: Graph,
        change: impl Fn(&mut Graph),
        operators: &[&str],
    ) -> Graph {
        let before = answers(&graph);
        change(&mut graph);
        let ops: Vec<&str> = graph.nodes.iter().map(|n| n.op.as_str()).collect();
        assert_eq!(ops, operators);
        graph.check().expect("still a graph");
        let after = answers(&graph);
        assert_eq!(after.len(), before.len());
        for (a, b) in after.iter().zip(&before) {
            assert!((a - b).abs() < 1e-5 * (1.0 + b.abs()), "{a} is not {b}");
        }
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float16_is_widened() {
        let expected = [0.0, -2.0, 65504.0, 2f32.powi(-24), 2f32.powi(-14), f32::INFINITY];
        let bits = [0u16, 0xc000, 0x7bff, 1, 0x0400, 0x7c00];
        let bytes = bits.iter().flat_map(|b| b.to_le_bytes()).collect();
        let tensor = Tensor::new([6], Data::Other(Element::F16, bytes));
        assert_eq!(tensor.to_f32().as_deref(), Some(&expected[..]));
    }

    #[test]
    fn names_are_numbered() {
        let mut taken = HashSet::from(["a_3".to_string()]);
        let mut names = (0..1000).map(|_| fresh_name("a", &mut taken)).collect::<Vec<_>>();
        assert_eq!(names[..4], ["a", "a_2", "a_4", "a_5"]);
        assert_eq!(names[999], "a_1001");
        names.dedup();
        assert_eq!(names.len(), 1000);
    }

    #[test]
    fn axes_change_places() {
        let numbers = |shape: &[usize]| {
            Tensor::new(shape, Data::I32((0..shape.iter().product::<usize>() as i32).collect()))
        };
        let turned = numbers(&[2, 3]).transposed(None).unwrap();
        assert_eq!(turned, Tensor::new([3, 2], Data::I32(vec![0, 3, 1, 4, 2, 5])));
        let tensor = numbers(&[2, 3, 4, 5]);
        let moved = tensor.transposed(Some(&[3, 0, 2, 1])).unwrap();
        assert_eq!(moved.shape, [5, 2, 4, 3]);
        let back = moved.transposed(Some(&[1, 3, 2, 0])).unwrap();
        assert_eq!(back, tensor);
        assert_eq!(tensor.transposed(Some(&[0, 1, 1, 3])), None);
        assert_eq!(tensor.transposed(Some(&[0, 1])), None);
        assert_eq!(tensor.reshaped(&[0, -1, 4]).map(|t| t.shape), Some(vec![2, 15, 4]));
        assert_eq!(tensor.reshaped(&[7, -1]), None);
    }

    #[test]
    fn small_integers_are_widened_and_narrowed() {
        let codes = [-8, 7, 0, -1, 3];
        let tensor = Tensor::int4([5], &codes);
        let wide = tensor.clone().widened();
        assert_eq!(wide.data, Data::I8(codes.map(|q| q as i8).to_vec()));
        assert_eq!(wide.clone().narrowed(Element::I4), tensor);
        assert_eq!(wide.clone().narrowed(Element::F32), wide);
    }
}
