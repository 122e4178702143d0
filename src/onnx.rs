//! The ONNX file: bytes to [`Graph`] and back.
//!
//! The protobuf types are those that tract ships; nothing else of tract is used here.

use std::collections::{BTreeMap, HashSet};

use prost::Message;
use tract_onnx::pb::{self, attribute_proto::AttributeType};

use crate::error::{Context, Error, ErrorKind, Result};
use crate::graph::{
    Attribute, Constants, Data, Dim, Element, Graph, Node, Tensor, Value, byte_input, float16,
    fresh_name, opset, packed, sort,
};

mod external;
mod functions;

pub use external::{Beside, data_files};

const PRODUCER: &str = "steer8";

/// Axes and elements of the largest tensors.
const MOST_AXES: usize = 64;
const MOST_ELEMENTS: usize = 1 << 31;

/// Reads a network that is in one file.
///
/// # Errors
/// As [`read_with`], and where its weights are in another file.
pub fn read(bytes: &[u8]) -> Result<Graph> {
    read_with(bytes, &|_| None)
}

/// Reads a network whose weights may be in files beside it, which [`data_files`] names.
///
/// Constants given by `Constant` nodes become initializers; calls of model-local functions become
/// their nodes; nodes without a name, or with one that stands twice, get a name of their own, and each
/// stands behind those whose results it reads. What operator sets before 13 wrote
/// otherwise is written as today; what is float16 is read as float32, and several inputs are read as one
/// ([`Graph::packed`]).
///
/// # Errors
/// Says so when the bytes are no ONNX network or only a part of one (and which, of kinds that it knows), and names
/// what Steer8 does not take:
/// control flow, sparse weights, several inputs of free sizes. Names a file beside it that is not there or too short.
pub fn read_with(bytes: &[u8], beside: &Beside<'_>) -> Result<Graph> {
    if let Some(what) = foreign_format(bytes) {
        return Err(Error::new(format!("this is {what}, not an ONNX network"))
            .of_kind(ErrorKind::Unreadable)
            .way_out("Choose the .onnx file that your framework exported."));
    }
    let mut proto = pb::ModelProto::decode(bytes).map_err(|_| damaged())?;
    let mut opsets: BTreeMap<String, i64> = proto
        .opset_import
        .iter()
        .map(|o| (default_domain(&o.domain).to_string(), o.version))
        .collect();
    let inlined = functions::inlined(&mut proto, bytes, &mut opsets)?;
    let graph = proto.graph.ok_or_else(damaged)?;
    if opsets.is_empty() || graph.output.is_empty() {
        return Err(damaged());
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(Error::new("the network has sparse weights")
            .of_kind(ErrorKind::Unsupported)
            .way_out("Export it again with dense weights."));
    }

    let mut initializers = Constants::default();
    for tensor in graph.initializer {
        let name = tensor.name.clone();
        let tensor = read_tensor(tensor, beside)
            .map_err(|e| Error { what: format!("initializer `{name}`: {}", e.what), ..e })?;
        initializers.insert(name, tensor);
    }

    let mut names = HashSet::new();
    let mut nodes = Vec::with_capacity(inlined.len());
    let mut written = Vec::with_capacity(inlined.len());
    for (node, opset) in inlined {
        let base = if node.name.is_empty() {
            let made = node.output.iter().find(|name| !name.is_empty());
            format!("{}_{}", node.op_type, made.map_or("", String::as_str))
        } else {
            node.name.clone()
        };
        let name = fresh_name(&base, &mut names);
        let node = read_node(node, name.clone(), beside).at_node(&name)?;
        match constant(&node) {
            Some(tensor) => {
                initializers.insert(node.output().to_string(), tensor.at_node(&name)?);
            }
            None => {
                nodes.push(node);
                written.push(opset);
            }
        }
    }

    // Older files list the initializers among the inputs.
    let mut inputs: Vec<Value> = graph
        .input
        .into_iter()
        .filter(|input| !initializers.contains_key(&input.name))
        .map(read_value)
        .collect::<Result<_>>()?;
    if inputs.is_empty() {
        return Err(Error::new("the network has no input")
            .way_out("Export the network with the frame as its input."));
    }
    let several = if inputs.len() > 1 { std::mem::take(&mut inputs) } else { Vec::new() };

    let mut graph = Graph {
        name: graph.name,
        producer: [proto.producer_name, proto.producer_version]
            .iter()
            .filter(|s| !s.is_empty())
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        ir_version: proto.ir_version,
        file_opset: opsets.get("").copied().unwrap_or(1),
        opsets,
        metadata: proto.metadata_props.into_iter().map(|p| (p.key, p.value)).collect(),
        file_input: None,
        input: inputs.pop().unwrap_or_default(),
        packed: Vec::new(),
        outputs: graph.output.into_iter().map(read_value).collect::<Result<_>>()?,
        nodes,
        initializers,
    };
    if !several.is_empty() {
        written.splice(..0, several.iter().map(|_| graph.opset()));
        packed::pack(&mut graph, several)?;
    }
    name_left_out(&mut graph);
    let written: Vec<i64> = sort(&mut graph)?.into_iter().map(|at| written[at]).collect();
    graph.check()?;
    let newest = written.iter().copied().fold(graph.opset(), i64::max);
    opset::raise_each(&mut graph, &written, newest.max(opset::PER_CHANNEL))?;
    graph.check_inputs()?;
    float16::widen(&mut graph);
    packed::widen(&mut graph)?;
    Ok(graph)
}

/// Outputs that are left out get a name where others follow, so that each keeps its place.
fn name_left_out(graph: &mut Graph) {
    let mut taken = graph.names();
    for node in &mut graph.nodes {
        let last = node.outputs.iter().rposition(|name| !name.is_empty());
        node.outputs.truncate(last.map_or(0, |last| last + 1));
        for (i, output) in node.outputs.iter_mut().enumerate().filter(|(_, o)| o.is_empty()) {
            *output = fresh_name(&format!("{}_{i}", node.name), &mut taken);
        }
    }
}

/// Writes a network, in one file; weights go into `raw_data`.
pub fn write(graph: &Graph) -> Vec<u8> {
    let in_file = packed::as_in_file(graph).or_else(|| byte_input::as_in_file(graph));
    let graph = in_file.as_ref().unwrap_or(graph);
    to_proto(graph, graph.inputs()).encode_to_vec()
}

/// The network as the protobuf message of its file, with these inputs instead of its own: a part of
/// a network may read several tensors.
pub fn to_proto(graph: &Graph, inputs: &[Value]) -> pb::ModelProto {
    pb::ModelProto {
        ir_version: graph.ir_version,
        producer_name: PRODUCER.into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        opset_import: graph
            .opsets
            .iter()
            .map(|(domain, &version)| pb::OperatorSetIdProto { domain: domain.clone(), version })
            .collect(),
        metadata_props: graph
            .metadata
            .iter()
            .map(|(key, value)| pb::StringStringEntryProto {
                key: key.clone(),
                value: value.clone(),
            })
            .collect(),
        graph: Some(pb::GraphProto {
            name: if graph.name.is_empty() { "network".into() } else { graph.name.clone() },
            node: graph.nodes.iter().map(write_node).collect(),
            initializer: graph.initializers.iter().map(|(n, t)| write_tensor(n, t)).collect(),
            input: inputs.iter().map(write_value).collect(),
            output: graph.outputs.iter().map(write_value).collect(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// One node of a file, under the name given to it.
///
/// # Errors
/// Control flow and damaged tensors among the attributes.
fn read_node(node: pb::NodeProto, name: String, beside: &Beside<'_>) -> Result<Node> {
    if node.output.iter().all(String::is_empty) {
        return Err(damaged().at_node(name));
    }
    let attributes = node
        .attribute
        .into_iter()
        .map(|a| Ok((a.name.clone(), read_attribute(a, &node.op_type, beside)?)))
        .collect::<Result<_>>()?;
    Ok(Node {
        name,
        op: node.op_type,
        domain: default_domain(&node.domain).into(),
        inputs: node.input,
        outputs: node.output,
        attributes,
    })
}

fn damaged() -> Error {
    Error::new("this is not an ONNX network, or only a part of one")
        .of_kind(ErrorKind::Unreadable)
        .way_out("The file may have been cut off on the way: copy or export it again.")
}

/// What the bytes are instead, where that can be told.
fn foreign_format(bytes: &[u8]) -> Option<&'static str> {
    const MAGICS: [(&[u8], &str); 9] = [
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"RIFF", "a WebP image or another RIFF file"),
        (b"PK\x03\x04", "a zip archive (a PyTorch checkpoint or an npz file is one, too)"),
        (b"\x1f\x8b", "a gzip file"),
        (b"\x89HDF", "an HDF5 file"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"ORTM", "an ONNX Runtime (.ort) file"),
    ];
    if bytes.is_empty() {
        return Some("an empty file");
    }
    // A flatbuffer's identifier stands at byte 4.
    if bytes.get(4..8) == Some(b"TFL3") {
        return Some("a TensorFlow Lite file");
    }
    if bytes.get(4..8) == Some(b"ORTM") {
        return Some("an ONNX Runtime (.ort) file");
    }
    MAGICS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, what)| *what)
}

fn default_domain(domain: &str) -> &str {
    if domain == "ai.onnx" { "" } else { domain }
}

fn read_value(value: pb::ValueInfoProto) -> Result<Value> {
    let Some(pb::type_proto::Value::TensorType(tensor)) = value.r#type.and_then(|t| t.value) else {
        return Err(Error::new(format!("`{}` is not a tensor", value.name))
            .way_out("Steer8 takes networks whose input and outputs are tensors."));
    };
    let shape = tensor.shape.map(|shape| {
        use pb::tensor_shape_proto::dimension::Value::{DimParam, DimValue};
        let dims = shape.dim.into_iter().map(|dim| match dim.value {
            Some(DimValue(n)) if n > 0 => Dim::Fixed(n as usize),
            Some(DimParam(name)) => Dim::Free(name),
            _ => Dim::Free(String::new()),
        });
        dims.collect()
    });
    Ok(Value { name: value.name, element: Element(tensor.elem_type), shape })
}

fn write_value(value: &Value) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{
        Dimension,
        dimension::Value::{DimParam, DimValue},
    };
    let shape = value.shape.as_ref().map(|dims| pb::TensorShapeProto {
        dim: dims
            .iter()
            .map(|dim| Dimension {
                denotation: String::new(),
                value: match dim {
                    Dim::Fixed(n) => Some(DimValue(*n as i64)),
                    Dim::Free(name) if name.is_empty() => None,
                    Dim::Free(name) => Some(DimParam(name.clone())),
                },
            })
            .collect(),
    });
    pb::ValueInfoProto {
        name: value.name.clone(),
        r#type: Some(pb::TypeProto {
            value: Some(pb::type_proto::Value::TensorType(pb::type_proto::Tensor {
                elem_type: value.element.0,
                shape,
            })),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn read_attribute(a: pb::AttributeProto, op: &str, beside: &Beside<'_>) -> Result<Attribute> {
    // Files of IR version 0.0.1 leave the type out; the field that is set tells it.
    let kind = AttributeType::try_from(a.r#type).unwrap_or(AttributeType::Undefined);
    Ok(match kind {
        _ if a.g.is_some() || !a.graphs.is_empty() => {
            return Err(Error::new(format!("the control flow of `{op}` is not supported"))
                .of_kind(ErrorKind::Unsupported)
                .way_out("Export the network for a fixed path, without If, Loop or Scan."));
        }
        AttributeType::Int => Attribute::Int(a.i),
        AttributeType::Float => Attribute::Float(a.f),
        AttributeType::String => Attribute::Text(a.s),
        AttributeType::Ints => Attribute::Ints(a.ints),
        AttributeType::Floats => Attribute::Floats(a.floats),
        AttributeType::Strings => Attribute::Texts(a.strings),
        AttributeType::Tensor => Attribute::Tensor(read_tensor(a.t.ok_or_else(damaged)?, beside)?),
        AttributeType::Undefined if a.t.is_some() => {
            Attribute::Tensor(read_tensor(a.t.unwrap_or_default(), beside)?)
        }
        AttributeType::Undefined if !a.ints.is_empty() => Attribute::Ints(a.ints),
        AttributeType::Undefined if !a.floats.is_empty() => Attribute::Floats(a.floats),
        AttributeType::Undefined if !a.strings.is_empty() => Attribute::Texts(a.strings),
        AttributeType::Undefined if !a.s.is_empty() => Attribute::Text(a.s),
        AttributeType::Undefined if a.f != 0.0 => Attribute::Float(a.f),
        AttributeType::Undefined => Attribute::Int(a.i),
        other => {
            return Err(Error::new(format!(
                "the attribute `{}` of `{op}` has the type {}, which is not supported",
                a.name,
                other.as_str_name()
            ))
            .of_kind(ErrorKind::Unsupported)
            .way_out("Export the network with standard ONNX operators."));
        }
    })
}

fn write_node(node: &Node) -> pb::NodeProto {
    pb::NodeProto {
        name: node.name.clone(),
        op_type: node.op.clone(),
        domain: node.domain.clone(),
        input: node.inputs.clone(),
        output: node.outputs.clone(),
        attribute: node.attributes.iter().map(|(n, a)| write_attribute(n, a)).collect(),
        ..Default::default()
    }
}

fn write_attribute(name: &str, attribute: &Attribute) -> pb::AttributeProto {
    let mut a = pb::AttributeProto { name: name.into(), ..Default::default() };
    let kind = match attribute {
        Attribute::Int(v) => {
            a.i = *v;
            AttributeType::Int
        }
        Attribute::Float(v) => {
            a.f = *v;
            AttributeType::Float
        }
        Attribute::Text(v) => {
            a.s = v.clone();
            AttributeType::String
        }
        Attribute::Tensor(v) => {
            a.t = Some(write_tensor("", v));
            AttributeType::Tensor
        }
        Attribute::Ints(v) => {
            a.ints = v.clone();
            AttributeType::Ints
        }
        Attribute::Floats(v) => {
            a.floats = v.clone();
            AttributeType::Floats
        }
        Attribute::Texts(v) => {
            a.strings = v.clone();
            AttributeType::Strings
        }
    };
    a.r#type = kind as i32;
    a
}

fn read_tensor(t: pb::TensorProto, beside: &Beside<'_>) -> Result<Tensor> {
    let shape: Vec<usize> =
        t.dims.iter().map(|&d| usize::try_from(d).map_err(|_| damaged())).collect::<Result<_>>()?;
    // What has no elements may not say that it has many axes, or long ones.
    let held = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d.max(1)));
    if shape.len() > MOST_AXES || held.is_none_or(|held| held > MOST_ELEMENTS) {
        return Err(damaged());
    }
    let count = shape.iter().product();
    let element = Element(t.data_type);
    if element == Element::TEXT {
        return check_count(count, t.string_data.len())
            .map(|()| Tensor::new(shape, Data::Texts(t.string_data)));
    }
    let size = element.bytes(count).ok_or_else(|| {
        Error::new(format!("its element type ({}) is not supported", element.name()))
            .of_kind(ErrorKind::Unsupported)
            .way_out("Export the network with standard ONNX types.")
    })?;
    let bytes = match external::bytes(&t, size, beside)? {
        Some(bytes) => bytes.to_vec(),
        None if t.raw_data.is_empty() => typed_fields(&t, element),
        None => t.raw_data,
    };
    check_count(size, bytes.len())?;
    Ok(Tensor::new(shape, decode(element, bytes)))
}

fn check_count(expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::new(format!("its shape asks for {expected} bytes, the file has {found}"))
        .way_out("The file may have been cut off on the way: copy or export it again."))
}

/// The little-endian bytes of a tensor stored in the fields of its type; ONNX keeps the small
/// types in `int32_data`, one element each (two where the elements have 4 bits).
fn typed_fields(t: &pb::TensorProto, element: Element) -> Vec<u8> {
    match element.0 {
        1 | 14 => t.float_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        2 | 3 | 9 | 17..=23 => t.int32_data.iter().map(|&v| v as u8).collect(),
        4 | 5 | 10 | 16 => t.int32_data.iter().flat_map(|&v| (v as u16).to_le_bytes()).collect(),
        6 => t.int32_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        7 => t.int64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        11 | 15 => t.double_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        12 => t.uint64_data.iter().flat_map(|&v| (v as u32).to_le_bytes()).collect(),
        _ => t.uint64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

/// Elements of their little-endian bytes.
pub(crate) fn decode(element: Element, bytes: Vec<u8>) -> Data {
    fn words<const N: usize, T>(bytes: &[u8], from: fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|&chunk| from(chunk)).collect()
    }
    match element {
        Element::F32 => Data::F32(words(&bytes, f32::from_le_bytes)),
        Element::U8 => Data::U8(bytes),
        Element::I8 => Data::I8(bytes.into_iter().map(|b| b as i8).collect()),
        Element::I32 => Data::I32(words(&bytes, i32::from_le_bytes)),
        Element::I64 => Data::I64(words(&bytes, i64::from_le_bytes)),
        other => Data::Other(other, bytes),
    }
}

fn write_tensor(name: &str, tensor: &Tensor) -> pb::TensorProto {
    let mut t = pb::TensorProto {
        name: name.into(),
        dims: tensor.shape.iter().map(|&d| d as i64).collect(),
        data_type: tensor.element().0,
        ..Default::default()
    };
    match &tensor.data {
        Data::F32(v) => t.raw_data = v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::U8(v) => t.raw_data = v.clone(),
        Data::I8(v) => t.raw_data = v.iter().map(|&x| x as u8).collect(),
        Data::I32(v) => t.raw_data = v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I64(v) => t.raw_data = v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::Other(_, bytes) => t.raw_data = bytes.clone(),
        Data::Texts(texts) => t.string_data = texts.clone(),
    }
    t
}

/// The value of a `Constant` node, or `None` for every other node.
fn constant(node: &Node) -> Option<Result<Tensor>> {
    if !node.is("Constant") {
        return None;
    }
    let value = node.attributes.values().next().cloned();
    Some(match value {
        Some(Attribute::Tensor(t)) => Ok(t),
        Some(Attribute::Int(v)) => Ok(Tensor::new([], Data::I64(vec![v]))),
        Some(Attribute::Float(v)) => Ok(Tensor::scalar_f32(v)),
        Some(Attribute::Ints(v)) => Ok(Tensor::new([v.len()], Data::I64(v))),
        Some(Attribute::Floats(v)) => Ok(Tensor::new([v.len()], Data::F32(v))),
        Some(Attribute::Text(v)) => Ok(Tensor::new([], Data::Texts(vec![v]))),
        Some(Attribute::Texts(v)) => Ok(Tensor::new([v.len()], Data::Texts(v))),
        None => Err(damaged()),
    })
}
