//! Changes to a network's file: to its bytes, or to what they say.

use prost::Message;
use steer8::random::SplitMix64;
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, attribute_proto::AttributeType,
    tensor_shape_proto::dimension::Value, type_proto,
};

/// Some bytes changed, and now and then some left out or put in twice.
pub(super) fn of_bytes(bytes: &[u8], random: &mut SplitMix64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        match random.below(16) {
            0..8 => bytes[at] = random.next_u64() as u8,
            8..12 => bytes[at] ^= 1 << random.below(8),
            12 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            13 => {
                let end = (at + 1 + random.below(8)).min(bytes.len());
                bytes.drain(at..end);
            }
            14 => {
                let end = (at + 1 + random.below(64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ if random.below(8) == 0 => bytes.truncate(at),
            _ => bytes[at] = bytes[at].wrapping_add(1),
        }
    }
    bytes
}

/// One to three changes to attributes, dims, axes, types, edges, operators or operator sets.
pub(super) fn of_message(bytes: &[u8], random: &mut SplitMix64) -> Vec<u8> {
    let mut model = ModelProto::decode(bytes).expect("a seed is a network");
    for _ in 0..=random.below(3) {
        let pick = random.below(16);
        if pick == 0 {
            if let Some(opset) = one(&mut model.opset_import, random) {
                opset.version = match random.below(8) {
                    0 => number(random),
                    _ => 1 + random.below(24) as i64,
                };
            }
            continue;
        }
        let Some(graph) = &mut model.graph else { continue };
        match pick {
            1..7 => attribute(graph, random),
            7..9 => constant(graph, random),
            9 => dims_of(graph, random),
            10 => types(graph, random),
            11..14 => edges(graph, random),
            14 => operator(graph, random),
            _ => nodes(graph, random),
        }
    }
    model.encode_to_vec()
}

fn one<'a, T>(items: &'a mut [T], random: &mut SplitMix64) -> Option<&'a mut T> {
    match items.len() {
        0 => None,
        len => items.get_mut(random.below(len)),
    }
}

/// A number that somebody may not have thought of.
fn number(random: &mut SplitMix64) -> i64 {
    const EDGES: [i64; 28] = [
        0,
        1,
        -1,
        2,
        -2,
        3,
        -3,
        4,
        5,
        7,
        8,
        16,
        -8,
        63,
        64,
        100,
        255,
        256,
        1000,
        65_535,
        1 << 20,
        1 << 28,
        1 << 31,
        (1 << 31) - 1,
        -(1 << 31),
        1 << 40,
        i64::MAX,
        i64::MIN,
    ];
    match random.below(4) {
        0 => random.below(12) as i64 - 4,
        _ => EDGES[random.below(EDGES.len())],
    }
}

/// Another one, near by or not.
fn changed(value: i64, random: &mut SplitMix64) -> i64 {
    match random.below(4) {
        0 => value.wrapping_add(1),
        1 => value.wrapping_sub(1),
        2 => value.wrapping_neg(),
        _ => number(random),
    }
}

fn real(random: &mut SplitMix64) -> f32 {
    let reals = [0.0, 1.0, -1.0, 0.5, 2.0, 1e-30, 1e30, f32::NAN, f32::INFINITY, -f32::INFINITY];
    reals[random.below(reals.len())]
}

/// Changes a list of numbers in one of the ways in which lists go wrong.
fn list(values: &mut Vec<i64>, random: &mut SplitMix64) {
    let len = values.len();
    match random.below(8) {
        0 => values.push(number(random)),
        1 => drop(values.pop()),
        2 => values.clear(),
        3 => values.reverse(),
        4 if len > 1 => values.swap(0, len - 1),
        5 if len > 1 => values[0] = values[len - 1],
        _ => {
            if let Some(value) = one(values, random) {
                *value = changed(*value, random);
            }
        }
    }
}

/// Names that many operators know.
const NAMES: [&str; 24] = [
    "axis",
    "axes",
    "perm",
    "kernel_shape",
    "strides",
    "pads",
    "dilations",
    "group",
    "auto_pad",
    "ceil_mode",
    "alpha",
    "keepdims",
    "transA",
    "transB",
    "to",
    "mode",
    "block_size",
    "batch_dims",
    "output_padding",
    "output_shape",
    "training_mode",
    "hidden_size",
    "direction",
    "layout",
];

const TEXTS: [&str; 14] = [
    "SAME_UPPER",
    "SAME_LOWER",
    "VALID",
    "NOTSET",
    "reflect",
    "edge",
    "wrap",
    "linear",
    "cubic",
    "reverse",
    "bidirectional",
    "align_corners",
    "tf_crop_and_resize",
    "",
];

fn attribute(graph: &mut GraphProto, random: &mut SplitMix64) {
    let Some(node) = one(&mut graph.node, random) else { return };
    let count = node.attribute.len();
    if count == 0 || random.below(8) == 0 {
        node.attribute.push(new_attribute(random));
        return;
    }
    let at = random.below(count);
    if random.below(8) == 0 {
        node.attribute.remove(at);
        return;
    }
    let attribute = &mut node.attribute[at];
    if random.below(16) == 0 {
        attribute.r#type = random.below(16) as i32;
        return;
    }
    match AttributeType::try_from(attribute.r#type) {
        Ok(AttributeType::Int) => attribute.i = changed(attribute.i, random),
        Ok(AttributeType::Float) => attribute.f = real(random),
        Ok(AttributeType::Ints) => list(&mut attribute.ints, random),
        Ok(AttributeType::Floats) => attribute.floats.push(real(random)),
        Ok(AttributeType::String) => {
            attribute.s = TEXTS[random.below(TEXTS.len())].as_bytes().to_vec();
        }
        Ok(AttributeType::Tensor) => {
            if let Some(tensor) = &mut attribute.t {
                of_tensor(tensor, random);
            }
        }
        _ => attribute.name = NAMES[random.below(NAMES.len())].into(),
    }
}

fn new_attribute(random: &mut SplitMix64) -> AttributeProto {
    let mut attribute = AttributeProto {
        name: NAMES[random.below(NAMES.len())].into(),
        ..AttributeProto::default()
    };
    let kind = match random.below(4) {
        0 => {
            attribute.ints = (0..random.below(6)).map(|_| number(random)).collect();
            AttributeType::Ints
        }
        1 => {
            attribute.f = real(random);
            AttributeType::Float
        }
        2 => {
            attribute.s = TEXTS[random.below(TEXTS.len())].as_bytes().to_vec();
            AttributeType::String
        }
        _ => {
            attribute.i = number(random);
            AttributeType::Int
        }
    };
    attribute.r#type = kind as i32;
    attribute
}

/// The numbers of a constant: axes, shapes and indices above all.
fn constant(graph: &mut GraphProto, random: &mut SplitMix64) {
    const INT64: i32 = 7;
    let whole = |tensor: &&mut TensorProto| tensor.data_type == INT64;
    let mut numbers: Vec<_> = graph.initializer.iter_mut().filter(whole).collect();
    if let Some(tensor) = one(&mut numbers, random) {
        let words = tensor.raw_data.as_chunks::<8>().0;
        let mut values: Vec<i64> = match words.is_empty() {
            true => tensor.int64_data.clone(),
            false => words.iter().map(|&word| i64::from_le_bytes(word)).collect(),
        };
        let before = values.len();
        list(&mut values, random);
        if values.len() != before && tensor.dims.len() == 1 {
            tensor.dims = vec![values.len() as i64];
        }
        tensor.int64_data.clear();
        tensor.raw_data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        return;
    }
    if let Some(tensor) = one(&mut graph.initializer, random) {
        of_tensor(tensor, random);
    }
}

/// Its dims, with as many elements or another number of them; its type.
fn of_tensor(tensor: &mut TensorProto, random: &mut SplitMix64) {
    let len = tensor.dims.len();
    match random.below(8) {
        0 => tensor.data_type = random.below(24) as i32,
        1 => tensor.dims.insert(random.below(len + 1), 1),
        2 if len > 1 => tensor.dims.swap(0, len - 1),
        3 if len > 1 => {
            let last = tensor.dims.pop().unwrap_or(1);
            tensor.dims[0] = tensor.dims[0].saturating_mul(last);
        }
        4 => {
            let unit = tensor.raw_data.len().min(4);
            tensor.raw_data.truncate(unit);
            tensor.dims = vec![1];
        }
        5 => {
            tensor.dims = vec![0];
            tensor.raw_data.clear();
            tensor.float_data.clear();
            tensor.int64_data.clear();
            tensor.int32_data.clear();
        }
        _ => list(&mut tensor.dims, random),
    }
}

/// The type of one of the network's ends, of an input more often.
fn end<'a>(
    graph: &'a mut GraphProto,
    random: &mut SplitMix64,
) -> Option<&'a mut type_proto::Tensor> {
    let ends = if random.below(4) > 0 { &mut graph.input } else { &mut graph.output };
    let type_proto::Value::TensorType(tensor) =
        one(ends, random)?.r#type.as_mut()?.value.as_mut()?;
    Some(tensor)
}

fn dims_of(graph: &mut GraphProto, random: &mut SplitMix64) {
    let Some(tensor) = end(graph, random) else { return };
    match &mut tensor.shape {
        None => {}
        Some(shape) if random.below(6) == 0 => match random.below(3) {
            0 => drop(shape.dim.pop()),
            1 => shape.dim.extend(shape.dim.last().cloned()),
            _ => shape.dim.reverse(),
        },
        Some(shape) => {
            if let Some(dim) = one(&mut shape.dim, random) {
                dim.value = match random.below(6) {
                    0 => None,
                    1 => Some(Value::DimParam("n".into())),
                    2 => Some(Value::DimValue(number(random))),
                    _ => Some(Value::DimValue(1 + random.below(20) as i64)),
                };
            }
        }
    }
    if random.below(12) == 0 {
        tensor.shape = None;
    }
}

fn types(graph: &mut GraphProto, random: &mut SplitMix64) {
    if random.below(3) == 0 {
        if let Some(tensor) = end(graph, random) {
            tensor.elem_type = random.below(24) as i32;
        }
        return;
    }
    if let Some(tensor) = one(&mut graph.initializer, random) {
        // Of as many bytes, where there are such.
        let alike: &[i32] = match tensor.data_type {
            1 | 6 | 12 => &[1, 6, 12],
            2 | 3 | 9 => &[2, 3, 9],
            7 | 11 | 13 => &[7, 11, 13],
            4 | 5 | 10 | 16 => &[4, 5, 10, 16],
            _ => &[1, 2, 3, 6, 7],
        };
        tensor.data_type = alike[random.below(alike.len())];
    }
}

fn edges(graph: &mut GraphProto, random: &mut SplitMix64) {
    let mut names: Vec<String> = graph.initializer.iter().map(|t| t.name.clone()).collect();
    names.extend(graph.input.iter().map(|value| value.name.clone()));
    names.extend(graph.node.iter().flat_map(|node| node.output.clone()));
    let Some(node) = one(&mut graph.node, random) else { return };
    let other = names.get(random.below(names.len().max(1))).cloned().unwrap_or_default();
    let NodeProto { input, output, .. } = node;
    let (inputs, outputs) = (input.len(), output.len());
    match random.below(9) {
        0 => input.push(other),
        1 => drop(input.pop()),
        2 if inputs > 1 => input.swap(0, inputs - 1),
        3 if inputs > 0 => input[random.below(inputs)].clear(),
        4 if random.below(3) == 0 => output.push(format!("more_{}", random.below(9))),
        5 if outputs > 1 => output.swap(0, outputs - 1),
        6 => {
            if let Some(value) = graph.output.first_mut() {
                value.name = other;
            }
        }
        _ if inputs > 0 => input[random.below(inputs)] = other,
        _ => {}
    }
}

/// Of those that networks have, and some that they seldom have.
const OPERATORS: [&str; 96] = [
    "Abs",
    "Add",
    "And",
    "ArgMax",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Celu",
    "Clip",
    "Compress",
    "Concat",
    "ConstantOfShape",
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "CumSum",
    "DepthToSpace",
    "DequantizeLinear",
    "Div",
    "Dropout",
    "DynamicQuantizeLinear",
    "Einsum",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "EyeLike",
    "Flatten",
    "GRU",
    "Gather",
    "GatherElements",
    "GatherND",
    "Gemm",
    "GlobalAveragePool",
    "GlobalLpPool",
    "GlobalMaxPool",
    "Greater",
    "GridSample",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Hardmax",
    "Identity",
    "InstanceNormalization",
    "LRN",
    "LSTM",
    "LayerNormalization",
    "LeakyRelu",
    "LogSoftmax",
    "LpNormalization",
    "LpPool",
    "MatMul",
    "MatMulInteger",
    "Max",
    "MaxPool",
    "Mean",
    "MeanVarianceNormalization",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "NonZero",
    "Not",
    "OneHot",
    "PRelu",
    "Pad",
    "Pow",
    "QLinearAdd",
    "QLinearConv",
    "QLinearMatMul",
    "QuantizeLinear",
    "RNN",
    "Range",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Resize",
    "ScatterElements",
    "ScatterND",
    "Shape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "SpaceToDepth",
    "Split",
    "Squeeze",
    "Sub",
    "Tile",
    "TopK",
    "Transpose",
    "Unsqueeze",
    "Where",
];

fn operator(graph: &mut GraphProto, random: &mut SplitMix64) {
    if let Some(node) = one(&mut graph.node, random) {
        node.op_type = OPERATORS[random.below(OPERATORS.len())].into();
    }
}

fn nodes(graph: &mut GraphProto, random: &mut SplitMix64) {
    let count = graph.node.len();
    if count == 0 {
        return;
    }
    let at = random.below(count);
    match random.below(4) {
        0 => drop(graph.node.remove(at)),
        1 => {
            let mut node = graph.node[at].clone();
            for output in &mut node.output {
                output.push_str("_again");
            }
            graph.node.push(node);
        }
        2 => graph.node.swap(at, count - 1),
        _ => {
            graph.node[at].domain = ["", "com.microsoft", "ai.onnx.ml", "x"][random.below(4)].into()
        }
    }
}
