//! Reading and writing ONNX files: what goes in comes out, and what is damaged is said to be.

use prost::Message;
use steer8::error::{Error, ErrorKind};
use steer8::graph::{Attribute, Data, Graph};
use steer8::onnx::{data_files, read, read_with, write};
use steer8::runtime::{Arithmetic, Session};
use tract_onnx::pb::{
    self, AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto::AttributeType,
};

const ASSIGNMENT: &[u8] = include_bytes!("../../models/networks/assignment.onnx");
const MOBILENET: &[u8] = include_bytes!("../../models/networks/mobilenet.onnx");
const BY_ONNX_RUNTIME: &[u8] =
    include_bytes!("../../models/networks/assignment-onnxruntime-qdq.onnx");
const BY_PYTORCH: &[u8] = include_bytes!("../../models/networks/assignment-pytorch-int8.onnx");

fn value(name: &str) -> ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value::DimValue};
    let dim = Dimension { value: Some(DimValue(4)), ..Default::default() };
    let tensor =
        pb::type_proto::Tensor { elem_type: 1, shape: Some(TensorShapeProto { dim: vec![dim] }) };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto {
            value: Some(pb::type_proto::Value::TensorType(tensor)),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// With a free axis behind the first.
fn free(name: &str) -> ValueInfoProto {
    let mut value = value(name);
    let ty = value.r#type.as_mut().and_then(|ty| ty.value.as_mut());
    if let Some(pb::type_proto::Value::TensorType(pb::type_proto::Tensor {
        shape: Some(shape),
        ..
    })) = ty
    {
        shape.dim.push(Default::default());
    }
    value
}

fn weight(name: &str) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: vec![4],
        data_type: 1,
        float_data: vec![1.0, 2.0, 3.0, 4.0],
        ..Default::default()
    }
}

/// `y = x + w`, for a test to change.
fn small() -> ModelProto {
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        graph: Some(GraphProto {
            name: "small".into(),
            node: vec![NodeProto {
                op_type: "Add".into(),
                input: vec!["x".into(), "w".into()],
                output: vec!["y".into()],
                ..Default::default()
            }],
            initializer: vec![weight("w")],
            input: vec![value("x")],
            output: vec![value("y")],
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn changed(change: impl FnOnce(&mut ModelProto)) -> Result<Graph, Error> {
    let mut model = small();
    change(&mut model);
    read(&model.encode_to_vec())
}

fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().expect("it has one")
}

/// The message must say what is wrong, and there must be a way out.
fn refused(result: Result<Graph, Error>, what: &str) {
    let error = result.expect_err(what);
    assert!(error.what.contains(what), "`{error}` does not say `{what}`");
    assert!(error.way_out.is_some(), "`{error}` shows no way out");
}

#[test]
fn what_is_damaged_is_told_from_what_is_not_supported_and_from_what_is_too_large() {
    let kind = |result: Result<Graph, Error>| result.expect_err("it is refused").kind;
    assert_eq!(kind(read(b"\x89PNG")), ErrorKind::Unreadable);
    assert_eq!(kind(read(&ASSIGNMENT[..ASSIGNMENT.len() / 2])), ErrorKind::Unreadable);
    let branch = AttributeProto { g: Some(GraphProto::default()), ..Default::default() };
    let branches = changed(|m| graph(m).node[0].attribute = vec![branch]);
    assert_eq!(kind(branches), ErrorKind::Unsupported);
    let unknown = changed(|m| graph(m).node[0].op_type = "Dream".into()).expect("it is read");
    let error = Session::new(&unknown, None, Arithmetic::Fast).expect_err("nobody has it");
    assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
    let large = changed(|m| graph(m).input = vec![free("x")]).expect("it is read");
    let error = Session::new(&large, Some(&[1 << 31]), Arithmetic::Fast).expect_err("large");
    assert_eq!(error.kind, ErrorKind::TooLarge, "{error}");
}

#[test]
fn networks_survive_a_round_trip() {
    for bytes in [ASSIGNMENT, MOBILENET, BY_ONNX_RUNTIME, BY_PYTORCH] {
        let first = read(bytes).expect("a bundled network");
        let again = read(&write(&first)).expect("what was written can be read");
        let same = Graph { producer: first.producer.clone(), ..again };
        assert_eq!(same, first);
        assert_eq!(write(&first), write(&same));
    }
}

#[test]
fn typed_fields_are_read_and_raw_data_is_written() {
    let graph = changed(|_| {}).expect("a network");
    let expected = Data::F32(vec![1.0, 2.0, 3.0, 4.0]);
    assert_eq!(graph.initializers["w"].data, expected);
    let bytes = write(&graph);
    let written = ModelProto::decode(&bytes[..]).expect("protobuf");
    let tensor = &written.graph.expect("it has one").initializer[0];
    assert_eq!((tensor.raw_data.len(), tensor.float_data.len()), (16, 0));
}

#[test]
fn small_integers_come_from_int32_data() {
    let tensor = |data_type, int32_data| TensorProto {
        name: "w".into(),
        dims: vec![2],
        data_type,
        int32_data,
        ..Default::default()
    };
    for (data_type, first, expected) in [
        (2, 250, Data::U8(vec![250, 3])),
        (3, -6, Data::I8(vec![-6, 3])),
        (6, 70_000, Data::I32(vec![70_000, 3])),
    ] {
        let read = changed(|m| graph(m).initializer = vec![tensor(data_type, vec![first, 3])]);
        assert_eq!(read.expect("a network").initializers["w"].data, expected);
    }
}

#[test]
fn initializers_among_the_inputs_do_not_count() {
    let read = changed(|m| graph(m).input.push(value("w")));
    assert_eq!(read.expect("a network").input.name, "x");
}

#[test]
fn what_is_not_taken_is_named() {
    refused(read(&[]), "an empty file");
    refused(read(b"\x89PNG\r\n\x1a\n...."), "a PNG image");
    refused(read(b"PK\x03\x04...."), "a zip archive");
    refused(read(b"hello, this is text"), "not an ONNX network");
    refused(changed(|m| graph(m).input.push(free("x2"))), "`x2`, one of several, is 4 x ?");
    refused(changed(|m| graph(m).input.clear()), "no input");
    refused(changed(|m| graph(m).output.clear()), "not an ONNX network");
    refused(
        changed(|m| {
            let weights = &mut graph(m).initializer[0];
            weights.data_location = Some(1);
            weights.external_data = vec![pb::StringStringEntryProto {
                key: "location".into(),
                value: "weights.bin".into(),
            }];
        }),
        "another file (weights.bin)",
    );
    refused(
        changed(|m| {
            graph(m).node[0].attribute.push(AttributeProto {
                name: "then_branch".into(),
                r#type: AttributeType::Graph as i32,
                g: Some(GraphProto::default()),
                ..Default::default()
            });
        }),
        "control flow",
    );
    refused(changed(|m| graph(m).initializer[0].dims = vec![5]), "20 bytes, the file has 16");
    refused(changed(|m| graph(m).initializer[0].dims = vec![i64::MAX, i64::MAX]), "not an ONNX");
    refused(changed(|m| graph(m).node[0].input[1] = "nobody".into()), "made by no node");
    refused(changed(|m| graph(m).output[0].name = "nobody".into()), "no node makes");
}

/// A network whose weights are in `w.data`, by these entries; with that file.
fn outside(entries: &[(&str, &str)], file: &[u8]) -> Result<Graph, Error> {
    let mut model = small();
    let weights = &mut graph(&mut model).initializer[0];
    weights.float_data.clear();
    weights.data_location = Some(1);
    let entry = |&(key, value): &(&str, &str)| pb::StringStringEntryProto {
        key: key.into(),
        value: value.into(),
    };
    weights.external_data = [("location", "w.data")].iter().chain(entries).map(entry).collect();
    let bytes = model.encode_to_vec();
    assert_eq!(data_files(&bytes), ["w.data"]);
    read_with(&bytes, &|name| (name == "w.data").then_some(file))
}

#[test]
fn weights_are_read_from_a_file_beside_the_network_and_written_into_it() {
    let numbers = [0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0];
    let file: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    for (entries, first) in [
        (&[("offset", "4"), ("length", "16")][..], 1),
        (&[("offset", "8"), ("checksum", "unknown")], 2),
        (&[("length", "16")], 0),
        (&[], 0),
    ] {
        let graph = outside(entries, &file).expect("a network");
        let weights = graph.initializers["w"].as_f32().expect("float32");
        assert_eq!(weights, &numbers[first..first + 4]);
        let written = write(&graph);
        assert!(data_files(&written).is_empty());
        assert_eq!(read(&written).expect("one file").initializers, graph.initializers);
    }
    refused(outside(&[("offset", "12")], &file), "behind the first 12 of `w.data`, which has 24");
    refused(outside(&[("offset", "18446744073709551615")], &file), "which has 24");
    refused(outside(&[("length", "20")], &file), "16 bytes, the file has 20");
    refused(outside(&[("offset", "-4")], &file), "not an ONNX network");
    refused(outside(&[], &[]), "which has 0");
}

#[test]
fn files_beside_a_network_are_named_once() {
    let mut model = small();
    let graph = graph(&mut model);
    let outside = |name: &str| TensorProto {
        data_location: Some(1),
        external_data: vec![pb::StringStringEntryProto {
            key: "location".into(),
            value: name.into(),
        }],
        ..weight("w")
    };
    graph.initializer = vec![outside("b"), outside("a"), outside("b")];
    let attribute =
        |tensor| AttributeProto { name: "value".into(), t: Some(tensor), ..Default::default() };
    graph.node[0].attribute = vec![attribute(outside("c")), attribute(outside("a"))];
    assert_eq!(data_files(&model.encode_to_vec()), ["a", "b", "c"]);
    assert!(data_files(ASSIGNMENT).is_empty());
    assert!(data_files(b"no network").is_empty());
}

fn node(op: &str, domain: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    NodeProto {
        op_type: op.into(),
        domain: domain.into(),
        input: names(inputs),
        output: names(outputs),
        ..Default::default()
    }
}

/// A function of the domain `local`, with what tract's message does not have: defaults.
#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, repeated, tag = "4")]
    input: Vec<String>,
    #[prost(string, repeated, tag = "5")]
    output: Vec<String>,
    #[prost(message, repeated, tag = "7")]
    node: Vec<NodeProto>,
    #[prost(message, repeated, tag = "9")]
    opset_import: Vec<OperatorSetIdProto>,
    #[prost(string, tag = "10")]
    domain: String,
    #[prost(message, repeated, tag = "11")]
    defaults: Vec<AttributeProto>,
}

/// The end of a file: a message behind another adds to its lists.
#[derive(Clone, PartialEq, Message)]
struct Functions {
    #[prost(message, repeated, tag = "25")]
    functions: Vec<Function>,
}

fn function(name: &str, input: &[&str], output: &[&str], node: Vec<NodeProto>) -> Function {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Function {
        name: name.into(),
        domain: "local".into(),
        input: names(input),
        output: names(output),
        node,
        ..Default::default()
    }
}

/// The network of these nodes and functions.
fn with_functions(nodes: Vec<NodeProto>, functions: Vec<Function>) -> Result<Graph, Error> {
    let mut model = small();
    model.opset_import.push(OperatorSetIdProto { domain: "local".into(), version: 1 });
    graph(&mut model).node = nodes;
    read(&[model.encode_to_vec(), Functions { functions }.encode_to_vec()].concat())
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Float as i32,
        f,
        ..Default::default()
    }
}

#[test]
fn functions_become_their_nodes() {
    let referring = |to: &str| AttributeProto {
        name: "alpha".into(),
        ref_attr_name: to.into(),
        r#type: AttributeType::Float as i32,
        ..Default::default()
    };
    let leaky =
        |to| NodeProto { attribute: vec![referring(to)], ..node("LeakyRelu", "", &["t"], &["u"]) };
    let inner = Function {
        defaults: vec![float("slope", 0.25)],
        ..function("Inner", &["a"], &["u"], vec![node("Neg", "", &["a"], &["t"]), leaky("slope")])
    };
    // Of opset 9, in which the bounds of a Clip were attributes.
    let clip = NodeProto { attribute: vec![float("max", 6.0)], ..node("Clip", "", &["i"], &["o"]) };
    let outer = Function {
        opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 9 }],
        ..function(
            "Outer",
            &["x", "skipped"],
            &["o", "x"],
            vec![node("Inner", "local", &["x"], &["i"]), clip],
        )
    };
    let given = NodeProto {
        attribute: vec![float("slope", 0.5)],
        ..node("Inner", "local", &["o1"], &["t"])
    };
    let nodes = vec![
        node("Outer", "local", &["x"], &["o1", "same"]),
        given,
        node("Sum", "", &["t", "same", "w"], &["y"]),
    ];
    let graph = with_functions(nodes, vec![outer, inner]).expect("a network");
    let operators: Vec<&str> = graph.nodes.iter().map(|node| node.op.as_str()).collect();
    assert_eq!(operators, ["Identity", "Neg", "LeakyRelu", "Clip", "Neg", "LeakyRelu", "Sum"]);
    let alpha = |at: usize| graph.nodes[at].attributes.get("alpha").cloned();
    assert_eq!(alpha(2), Some(Attribute::Float(0.25)));
    assert_eq!(alpha(5), Some(Attribute::Float(0.5)));
    assert_eq!(graph.constant(&graph.nodes[3], 2).and_then(|t| t.as_f32()), Some(&[6.0][..]));
    assert_eq!(graph.nodes[3].output(), "o1");
    assert_eq!(graph.opsets.keys().collect::<Vec<_>>(), [""]);
    // The call's `t` is not the function's.
    assert_ne!(graph.nodes[4].output(), "t");
}

#[test]
fn functions_without_an_end_are_refused() {
    let calls = |name: &str, of: &str, times: usize| {
        let names: Vec<String> = (0..=times).map(|i| format!("t{i}")).collect();
        let calls = (0..times).map(|i| node(of, "local", &[&names[i]], &[&names[i + 1]]));
        function(name, &["t0"], &[&names[times]], calls.collect())
    };
    let call = |of| vec![node(of, "local", &["x"], &["y"])];
    refused(with_functions(call("F"), vec![calls("F", "F", 1)]), "functions call one another");
    let twice = |i: usize| calls(&format!("F{i}"), &format!("F{}", i + 1), 2);
    let bomb: Vec<Function> = (0..60).map(twice).collect();
    refused(with_functions(call("F0"), bomb), "its functions come to more than");
    let two = vec![calls("F", "Relu", 1), calls("F", "Relu", 1)];
    refused(with_functions(call("F"), two), "two functions `F`");
}

#[test]
fn a_cut_off_file_is_an_error_at_every_length() {
    // The middle of the weights and both edges.
    let cuts = (0..200).chain((200..ASSIGNMENT.len()).step_by(9973)).chain([ASSIGNMENT.len() - 1]);
    for cut in cuts {
        assert!(read(&ASSIGNMENT[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let mut random = steer8::random::SplitMix64::new(9);
    let bytes = write(&changed(|_| {}).expect("a network"));
    for _ in 0..20_000 {
        let mut damaged = bytes.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(damaged.len());
            damaged[at] = random.next_u64() as u8;
        }
        // Either answer is right; a panic is not.
        let _ = read(&damaged);
    }
}
