//! A network that takes bytes: frames as cameras give them, of which it makes floats itself.

use std::collections::HashSet;

use super::operator::{Lowering, operator};
use super::{Attribute, Element, Graph, Node, fresh_name};

/// The name of a tensor's copy in another type.
const FLOATS: &str = "floats";
const BYTES: &str = "bytes";

/// Types of numbers that float32 holds as well, up to 2^24: bytes, and what a network counts or chooses
/// with.
const NUMBERS: [Element; 10] = [
    Element::U8,
    Element::I8,
    Element::I32,
    Element::I64,
    Element(4),
    Element(5),
    Element(9),
    Element(11),
    Element(12),
    Element(13),
];

/// Lets a network of uint8 input, or of other numbers, read the same as float32, for nothing behind has to know of
/// bytes then; [`as_in_file`] is the way back.
///
/// Casts of the frames to float32 change nothing then. Where something else reads the bytes, such as
/// DequantizeLinear, they are made again.
pub fn widen(graph: &mut Graph) {
    let input = graph.input.name.clone();
    let element = graph.input.element;
    if !is_number(element) || graph.is_output(&input) {
        return;
    }
    graph.input.element = Element::F32;
    graph.file_input = Some(element);
    read_floats(graph, &input, element);
}

/// Whether float32 holds numbers of this type.
pub(super) fn is_number(element: Element) -> bool {
    NUMBERS.contains(&element)
}

/// Lets the nodes read an input that was of `element` and is float32 now.
pub(super) fn read_floats(graph: &mut Graph, input: &str, element: Element) {
    match casts(graph, input) {
        Some(casts) => {
            for at in casts {
                let node = &mut graph.nodes[at];
                *node = Node::new("Identity", &node.name, &node.inputs[..1], &node.outputs[..1]);
            }
        }
        None => read_as(graph, input, element, BYTES),
    }
}

/// The nodes that make float32 of the input; `None` where others than those that move elements
/// read bytes.
fn casts(graph: &Graph, input: &str) -> Option<Vec<usize>> {
    let mut bytes = HashSet::from([input]);
    let mut casts = Vec::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        if !node.inputs.iter().any(|name| bytes.contains(name.as_str())) {
            continue;
        }
        let to_floats = node.int("to", 0) == i64::from(Element::F32.0);
        let first_alone = !node.inputs[1..].iter().any(|name| bytes.contains(name.as_str()));
        if node.is("Cast") && to_floats {
            casts.push(at);
        } else if operator(&node.op).lowering == Lowering::Moves && first_alone {
            bytes.insert(node.output());
        } else if !node.is("Shape") && !node.is("Size") {
            return None;
        }
    }
    let is_told = graph.outputs.iter().any(|output| bytes.contains(output.name.as_str()));
    (!is_told).then_some(casts)
}

/// The network with the input that its file has, where that is of another type than is computed with.
pub fn as_in_file(graph: &Graph) -> Option<Graph> {
    let element = graph.file_input?;
    let mut graph = graph.clone();
    graph.file_input = None;
    graph.input.element = element;
    let input = graph.input.name.clone();
    give(&mut graph, &input, element);
    Some(graph)
}

/// The way back from [`read_floats`]: the nodes make floats of an input of `element` themselves.
pub(super) fn give(graph: &mut Graph, input: &str, element: Element) {
    let to = i64::from(element.0);
    let reads = |node: &Node| node.input(0) == Some(input);
    // What makes the file's type of the floats reads just that.
    let back = graph.nodes.iter().position(|n| reads(n) && n.is("Cast") && n.int("to", 0) == to);
    match back {
        Some(at) if graph.consumers()[input] == [at] => {
            let made = graph.nodes.remove(at).outputs.swap_remove(0);
            rename(&mut graph.nodes, &made, input);
        }
        _ => read_as(graph, input, Element::F32, FLOATS),
    }
}

/// Whether the node makes of an input what the file has in its place: the node is in no file.
pub fn is_way_back(graph: &Graph, node: &Node) -> bool {
    let input = graph.inputs().iter().find(|input| node.input(0) == Some(&input.name));
    let in_file = input.map(|input| graph.file_input.unwrap_or(input.element));
    let to = Some(node.int("to", 0));
    node.is("Cast") && in_file.filter(|e| *e != Element::F32).map(|e| i64::from(e.0)) == to
}

/// Lets all nodes read the input as another type.
fn read_as(graph: &mut Graph, input: &str, element: Element, what: &str) {
    let mut taken = graph.names();
    let mut name = || fresh_name(&format!("{input}_{what}"), &mut taken);
    let (tensor, node) = (name(), name());
    rename(&mut graph.nodes, input, &tensor);
    let cast = Node::new("Cast", node, [input], [&tensor]);
    // Behind what makes the input, where it is one of several.
    let maker = graph.nodes.iter().position(|node| node.outputs.iter().any(|made| made == input));
    let at = maker.map_or(0, |maker| maker + 1);
    graph.nodes.insert(at, cast.with("to", Attribute::Int(element.0.into())));
}

fn rename(nodes: &mut [Node], from: &str, to: &str) {
    for name in nodes.iter_mut().flat_map(|node| &mut node.inputs).filter(|name| *name == from) {
        to.clone_into(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Value;

    fn network(nodes: Vec<Node>) -> Graph {
        Graph {
            input: Value { name: "x".into(), element: Element::U8, ..Value::default() },
            outputs: vec![Value { name: "y".into(), ..Value::default() }],
            nodes,
            ..Graph::default()
        }
    }

    fn cast(from: &str, to: Element) -> Node {
        let made = format!("{from}_cast");
        Node::new("Cast", &made, [from], [&made]).with("to", Attribute::Int(to.0.into()))
    }

    fn operators(graph: &Graph) -> Vec<&str> {
        graph.nodes.iter().map(|node| node.op.as_str()).collect()
    }

    #[test]
    fn frames_that_are_cast_are_floats_from_the_start() {
        let turned = Node::new("Transpose", "turned", ["x"], ["turned"]);
        let last = Node::new("Relu", "last", ["turned_cast"], ["y"]);
        let mut graph = network(vec![turned, cast("turned", Element::F32), last]);
        widen(&mut graph);
        assert_eq!(operators(&graph), ["Transpose", "Identity", "Relu"]);
        assert_eq!(graph.input.element, Element::F32);
        let file = as_in_file(&graph).expect("it takes bytes");
        assert_eq!(operators(&file), ["Cast", "Transpose", "Identity", "Relu"]);
        assert_eq!(file.input.element, Element::U8);
        assert_eq!(file.nodes[1].inputs, ["x_floats"]);
    }

    #[test]
    fn bytes_that_are_read_as_such_are_made_again() {
        let read = Node::new("DequantizeLinear", "read", ["x", "scale"], ["y"]);
        let mut graph = network(vec![read]);
        let before = graph.clone();
        widen(&mut graph);
        assert_eq!(operators(&graph), ["Cast", "DequantizeLinear"]);
        assert!(is_way_back(&graph, &graph.nodes[0]));
        assert_eq!(as_in_file(&graph), Some(before));
    }

    #[test]
    fn networks_on_floats_stay_as_they_are() {
        let mut graph = network(vec![Node::new("Relu", "relu", ["x"], ["y"])]);
        graph.input.element = Element::F32;
        let before = graph.clone();
        widen(&mut graph);
        assert_eq!((&graph, as_in_file(&graph)), (&before, None));
    }
}
