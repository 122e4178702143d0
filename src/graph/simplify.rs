//! Removing what exporters leave behind: identities, dropouts, casts and fillings that change nothing, and computations on
//! constants alone (PyTorch writes the zero points of biases so).

use std::collections::{BTreeSet, HashMap};

use super::{Attribute, Data, Element, Graph, Node, Tensor, prune};

/// Elements of the largest constant that is made here; what would be larger is computed as written.
const LARGEST: usize = 1 << 24;

/// Simplifies `graph` without changing what it computes.
pub fn simplify(graph: &mut Graph) {
    let mut renamed = HashMap::<String, String>::new();
    let mut elements = HashMap::<String, Element>::new();
    let mut kept = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes) {
        for input in &mut node.inputs {
            if let Some(name) = renamed.get(input) {
                input.clone_from(name);
            }
        }
        if node.is("QuantizeLinear") {
            let element = graph.constant(&node, 2).map_or(Element::U8, Tensor::element);
            elements.insert(node.output().to_string(), element);
        }
        // Nothing is filled with it, whatever its type.
        if node.is("Pad") && node.text("mode").is_some_and(|mode| mode != "constant") {
            node.inputs.iter_mut().skip(2).take(1).for_each(String::clear);
        }
        let output = node.output().to_string();
        if let Some(tensor) = folded(graph, &node) {
            graph.initializers.insert(output, tensor);
        } else if !graph.is_output(&output) && changes_nothing(&node, &elements) {
            renamed.insert(output, node.inputs[0].clone());
        } else {
            kept.push(node);
        }
    }
    graph.nodes = kept;
    prune(graph);
}

fn changes_nothing(node: &Node, elements: &HashMap<String, Element>) -> bool {
    let Some(input) = node.input(0) else { return false };
    // Where nothing trains, and nobody reads its mask.
    let idle = node.is("Dropout") && node.input(2).is_none() && node.outputs.len() == 1;
    node.is("Identity")
        || idle
        || (node.is("Cast") && elements.get(input) == Some(&Element(node.int("to", 0) as i32)))
}

/// The value of a node that reads constants alone.
fn folded(graph: &Graph, node: &Node) -> Option<Tensor> {
    if graph.is_output(node.output()) {
        return None;
    }
    let input = graph.constant(node, 0)?;
    match node.op.as_str() {
        "Identity" => Some(input.clone()),
        "Transpose" => input.transposed(node.ints("perm")),
        "Cast" => cast(input, Element(node.int("to", 0) as i32)),
        "Unsqueeze" | "Squeeze" | "Reshape" => {
            Some(Tensor::new(reshaped(graph, node, &input.shape)?, input.data.clone()))
        }
        "ConstantOfShape" => {
            let dims = input.as_i64()?.iter().map(|&d| usize::try_from(d).ok());
            let shape = dims.collect::<Option<Vec<usize>>>()?;
            let len = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))?;
            if len > LARGEST {
                return None;
            }
            let data = match node.attributes.get("value") {
                None => Data::F32(vec![0.0; len]),
                Some(Attribute::Tensor(value)) => match &value.data {
                    Data::F32(v) => Data::F32(vec![*v.first()?; len]),
                    Data::U8(v) => Data::U8(vec![*v.first()?; len]),
                    Data::I8(v) => Data::I8(vec![*v.first()?; len]),
                    Data::I32(v) => Data::I32(vec![*v.first()?; len]),
                    Data::I64(v) => Data::I64(vec![*v.first()?; len]),
                    Data::Other(..) | Data::Texts(_) => return None,
                },
                Some(_) => return None,
            };
            Some(Tensor::new(shape, data))
        }
        _ => None,
    }
}

/// The shape that a constant of `shape` gets from a node that leaves its elements alone.
fn reshaped(graph: &Graph, node: &Node, shape: &[usize]) -> Option<Vec<usize>> {
    let asked = match node.input(1) {
        Some(_) => Some(graph.constant(node, 1)?.as_i64()?),
        None => node.ints("axes"),
    };
    if node.is("Reshape") {
        // What is asked for by a rest or by zeros is left to who knows all of it.
        let dims = asked?.iter().map(|&d| usize::try_from(d).ok().filter(|&d| d > 0));
        let dims = dims.collect::<Option<Vec<usize>>>()?;
        let len = dims.iter().try_fold(1usize, |len, &d| len.checked_mul(d))?;
        return (len == shape.iter().product::<usize>()).then_some(dims);
    }
    let stretches = node.is("Unsqueeze");
    let rank = shape.len() + if stretches { asked?.len() } else { 0 };
    let place = |&axis: &i64| {
        let axis = if axis < 0 { axis.checked_add_unsigned(rank as u64)? } else { axis };
        usize::try_from(axis).ok().filter(|&axis| axis < rank)
    };
    let ones = || (0..rank).filter(|&axis| shape.get(axis) == Some(&1)).collect();
    let axes: BTreeSet<usize> = match asked {
        Some(asked) => asked.iter().map(place).collect::<Option<_>>()?,
        None => ones(),
    };
    if asked.is_some_and(|asked| asked.len() != axes.len()) {
        return None;
    }
    if stretches {
        let mut dims = shape.iter().copied();
        let of = |axis| if axes.contains(&axis) { Some(1) } else { dims.next() };
        return (0..rank).map(of).collect();
    }
    let whole = axes.iter().all(|&axis| shape[axis] == 1);
    let kept = (0..rank).filter(|axis| !axes.contains(axis)).map(|axis| shape[axis]);
    whole.then(|| kept.collect())
}

/// A cast between integers that keeps every value.
fn cast(tensor: &Tensor, to: Element) -> Option<Tensor> {
    if tensor.element() == to {
        return Some(tensor.clone());
    }
    let values: Vec<i64> = match &tensor.data {
        Data::I64(v) => v.clone(),
        _ => tensor.to_i32()?.into_iter().map(Into::into).collect(),
    };
    fn all<T: TryFrom<i64>>(values: &[i64]) -> Option<Vec<T>> {
        values.iter().map(|&v| T::try_from(v).ok()).collect()
    }
    let data = match to {
        Element::U8 => Data::U8(all(&values)?),
        Element::I8 => Data::I8(all(&values)?),
        Element::I32 => Data::I32(all(&values)?),
        Element::I64 => Data::I64(values),
        _ => return None,
    };
    Some(Tensor::new(tensor.shape.clone(), data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Value;

    #[test]
    fn zero_points_as_pytorch_writes_them_become_constants() {
        let mut graph = Graph {
            outputs: vec![Value { name: "y".into(), ..Value::default() }],
            ..Graph::default()
        };
        let mut constant = |name: &str, shape: &[usize], data| {
            graph.initializers.insert(name.into(), Tensor::new(shape, data));
        };
        constant("shape", &[1], Data::I64(vec![3]));
        constant("scale", &[], Data::F32(vec![0.5]));
        constant("zero", &[], Data::U8(vec![7]));
        let value = Tensor::new([1], Data::I32(vec![4]));
        graph.nodes = vec![
            Node::new("Identity", "i", ["zero"], ["zero_again"]),
            Node::new("QuantizeLinear", "q", ["x", "scale", "zero_again"], ["q"]),
            Node::new("Cast", "c", ["q"], ["q_cast"]).with("to", Attribute::Int(2)),
            Node::new("ConstantOfShape", "z", ["shape"], ["z"])
                .with("value", Attribute::Tensor(value)),
            Node::new("Cast", "d", ["z"], ["z_cast"]).with("to", Attribute::Int(6)),
            Node::new("Op", "op", ["q_cast", "z_cast"], ["y"]),
        ];
        simplify(&mut graph);
        let ops: Vec<&str> = graph.nodes.iter().map(|n| n.op.as_str()).collect();
        assert_eq!(ops, ["QuantizeLinear", "Op"]);
        assert_eq!(graph.nodes[1].inputs, ["q", "z_cast"]);
        assert_eq!(graph.initializers["z_cast"].data, Data::I32(vec![4; 3]));
    }

    #[test]
    fn constants_get_the_shapes_that_they_are_used_in() {
        for (op, shape, asked, made) in [
            ("Unsqueeze", vec![3], vec![1, 2], Some(vec![3, 1, 1])),
            ("Unsqueeze", vec![3], vec![-1, 0], Some(vec![1, 3, 1])),
            ("Unsqueeze", vec![3], vec![3], None),
            ("Unsqueeze", vec![3], vec![1, -2], None),
            ("Squeeze", vec![1, 3, 1], vec![0, -1], Some(vec![3])),
            ("Squeeze", vec![1, 3], vec![1], None),
            ("Reshape", vec![6], vec![2, 3], Some(vec![2, 3])),
            ("Reshape", vec![6], vec![4, 3], None),
        ] {
            let mut graph = Graph {
                outputs: vec![Value { name: "y".into(), ..Value::default() }],
                nodes: vec![
                    Node::new(op, "shaped", ["c", "asked"], ["s"]),
                    Node::new("Add", "add", ["x", "s"], ["y"]),
                ],
                ..Graph::default()
            };
            let zeros = Data::F32(vec![0.0; shape.iter().product()]);
            graph.initializers.insert("c".into(), Tensor::new(&shape[..], zeros));
            let asked_for = Tensor::new([asked.len()], Data::I64(asked.clone()));
            graph.initializers.insert("asked".into(), asked_for);
            simplify(&mut graph);
            let shaped = graph.initializers.get("s").map(|tensor| tensor.shape.clone());
            assert_eq!(shaped, made, "{op} {shape:?} {asked:?}");
        }
    }

    #[test]
    fn a_cast_that_changes_the_type_stays() {
        let mut graph = Graph {
            outputs: vec![Value { name: "y".into(), ..Value::default() }],
            ..Graph::default()
        };
        graph.nodes = vec![
            Node::new("QuantizeLinear", "q", ["x", "scale"], ["q"]),
            Node::new("Cast", "c", ["q"], ["i"]).with("to", Attribute::Int(6)),
            Node::new("Op", "op", ["i"], ["y"]),
        ];
        simplify(&mut graph);
        assert_eq!(graph.nodes.len(), 3);
    }

    #[test]
    fn a_dropout_without_a_mask_goes() {
        let mut graph = Graph {
            outputs: vec![Value { name: "y".into(), ..Value::default() }],
            ..Graph::default()
        };
        let mut masked = Node::new("Dropout", "masked", ["b"], ["c"]);
        masked.outputs.push("mask".into());
        graph.nodes = vec![
            Node::new("Op", "first", ["x"], ["a"]),
            Node::new("Dropout", "idle", ["a"], ["b"]),
            masked,
            Node::new("Op", "last", ["c", "mask"], ["y"]),
        ];
        simplify(&mut graph);
        let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["first", "masked", "last"]);
        assert_eq!(graph.nodes[1].inputs, ["a"]);
    }
}
