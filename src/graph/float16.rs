//! float16 as float32, which holds all of it: nothing behind the reader has to know of halves.

use std::collections::HashSet;

use super::{Attribute, Data, Element, Graph, Node, Tensor};

/// Attributes that say the type of a result.
const TYPES: [&str; 4] = ["to", "dtype", "output_dtype", "stash_type"];

/// Operators whose first result has the type of what they read first.
const KEEP: [&str; 45] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Clip",
    "Concat",
    "Conv",
    "ConvTranspose",
    "Div",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Flatten",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "InstanceNormalization",
    "LayerNormalization",
    "LeakyRelu",
    "LogSoftmax",
    "MatMul",
    "Max",
    "MaxPool",
    "Min",
    "Mul",
    "PRelu",
    "Pad",
    "Pow",
    "ReduceMean",
    "Relu",
    "Reshape",
    "Resize",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tanh",
    "Transpose",
    "Unsqueeze",
];

/// Computes in float32 what the network computes in float16; of the casts between the two, those that
/// surely are such become Identity. A network without float16 stays as it is.
pub fn widen(graph: &mut Graph) {
    let has_halves = graph.initializers.values().any(|tensor| tensor.element() == Element::F16)
        || graph.inputs().iter().any(|input| input.element == Element::F16)
        || graph.nodes.iter().any(|node| node.attributes.iter().any(|(n, a)| is_half(n, a)));
    if !has_halves {
        return;
    }
    let halves = graph.initializers.iter().filter(|(_, tensor)| tensor.element() == Element::F16);
    let widened: Vec<(String, Tensor)> =
        halves.map(|(name, tensor)| (name.clone(), float(tensor))).collect();
    graph.initializers.extend(widened);
    if graph.input.element == Element::F16 {
        graph.file_input = Some(Element::F16);
    }
    for value in graph.outputs.iter_mut().chain([&mut graph.input]) {
        if value.element == Element::F16 {
            value.element = Element::F32;
        }
    }
    for node in &mut graph.nodes {
        for (name, attribute) in &mut node.attributes {
            if !is_half(name, attribute) {
                continue;
            }
            *attribute = match attribute {
                Attribute::Tensor(tensor) => Attribute::Tensor(float(tensor)),
                _ => Attribute::Int(Element::F32.0.into()),
            };
        }
    }
    drop_casts(graph);
}

fn is_half(name: &str, attribute: &Attribute) -> bool {
    match attribute {
        Attribute::Int(element) => TYPES.contains(&name) && *element == i64::from(Element::F16.0),
        Attribute::Tensor(tensor) => tensor.element() == Element::F16,
        _ => false,
    }
}

fn float(tensor: &Tensor) -> Tensor {
    match tensor.to_f32() {
        Some(values) => Tensor::new(tensor.shape.clone(), Data::F32(values)),
        None => tensor.clone(),
    }
}

/// Casts of floats to float32 change nothing. The nodes are in order.
fn drop_casts(graph: &mut Graph) {
    let floats = graph.initializers.iter().filter(|(_, tensor)| tensor.as_f32().is_some());
    let mut floats: HashSet<String> = floats.map(|(name, _)| name.clone()).collect();
    // Those of halves are read as floats, too.
    let inputs = graph.inputs().iter();
    let inputs = inputs.filter(|input| [Element::F32, Element::F16].contains(&input.element));
    floats.extend(inputs.map(|input| input.name.clone()));
    for node in &mut graph.nodes {
        let casts = node.is("Cast") && node.int("to", 0) == i64::from(Element::F32.0);
        if casts && node.input(0).is_some_and(|input| floats.contains(input)) {
            *node = Node::new("Identity", &node.name, &node.inputs[..1], &node.outputs[..1]);
        }
        let keeps = KEEP.iter().any(|op| node.is(op));
        if casts || (keeps && node.input(0).is_some_and(|input| floats.contains(input))) {
            floats.insert(node.output().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Value;

    #[test]
    fn halves_become_floats_and_casts_between_them_go() {
        let cast = |name: &str, from: &str, to: i64| {
            Node::new("Cast", name, [from], [name]).with("to", Attribute::Int(to))
        };
        let mut graph = Graph {
            input: Value { name: "x".into(), ..Value::default() },
            outputs: vec![Value { name: "y".into(), element: Element::F16, shape: None }],
            nodes: vec![
                cast("half", "x", 10),
                Node::new("Mul", "scaled", ["half", "two"], ["scaled"]),
                Node::new("Shape", "shape", ["scaled"], ["shape"]),
                cast("sizes", "shape", 10),
                cast("floats", "scaled", 1),
                Node::new("Op", "op", ["floats", "sizes"], ["y"]),
            ],
            ..Graph::default()
        };
        let two = Data::Other(Element::F16, 0x4000u16.to_le_bytes().to_vec());
        graph.initializers.insert("two".into(), Tensor::new([1], two));
        widen(&mut graph);
        let operators: Vec<&str> = graph.nodes.iter().map(|node| node.op.as_str()).collect();
        assert_eq!(operators, ["Identity", "Mul", "Shape", "Cast", "Identity", "Op"]);
        assert_eq!(graph.nodes[3].int("to", 0), 1);
        assert_eq!(graph.initializers["two"].as_f32(), Some(&[2.0][..]));
        assert_eq!(graph.outputs[0].element, Element::F32);
    }

    #[test]
    fn networks_without_halves_stay_as_they_are() {
        let cast = Node::new("Cast", "cast", ["x"], ["y"]).with("to", Attribute::Int(1));
        let mut graph = Graph {
            input: Value { name: "x".into(), ..Value::default() },
            nodes: vec![cast],
            ..Graph::default()
        };
        let before = graph.clone();
        widen(&mut graph);
        assert_eq!(graph, before);
    }
}
