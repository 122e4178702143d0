//! A network with several inputs, as a graph with one: a frame's numbers of all inputs lie one after
//! another in a row, of which an operator of ours makes each input again. No file has it.

use std::collections::HashSet;

use super::operator::{STEER8, UNPACK};
use super::{Attribute, Dim, Element, Graph, Node, Value, byte_input, describe, fresh_name};
use crate::error::{Error, ErrorKind, Result};

/// Attributes of the operator: the place of the input's first number in a frame's row, and how many
/// there are along each axis behind the batch.
const FIRST: &str = "first";
const SHAPE: &str = "shape";

/// What the row is called.
const ROW: &str = "inputs";

/// What an Unpack takes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub first: usize,
    /// Of a frame.
    pub shape: Vec<usize>,
}

impl Part {
    /// `None` for other nodes, and for one that says nothing that can be.
    pub fn of(node: &Node) -> Option<Self> {
        let first = usize::try_from(node.int(FIRST, -1)).ok().filter(|_| is_unpack(node))?;
        let shape = node.ints(SHAPE)?.iter().map(|&n| usize::try_from(n).ok());
        Some(Self { first, shape: shape.collect::<Option<_>>()? })
    }

    /// How many numbers it has; `None` where they cannot be counted.
    pub fn numbers(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim))
    }
}

/// Whether the node makes an input of the row.
pub fn is_unpack(node: &Node) -> bool {
    node.op == UNPACK && node.domain == STEER8
}

/// Lets the network read its several `inputs` from one, with a node for each ahead of all others;
/// [`as_in_file`] is the way back.
///
/// # Errors
/// Names an input whose shape is not known but for the batch, or that has no batch as the others do.
pub(crate) fn pack(graph: &mut Graph, inputs: Vec<Value>) -> Result<()> {
    let batch = batch(&inputs)?;
    let mut taken: HashSet<String> = graph.names();
    taken.extend(inputs.iter().map(|input| input.name.clone()));
    let row = fresh_name(ROW, &mut taken);
    let mut nodes = Vec::with_capacity(inputs.len() + graph.nodes.len());
    let mut total = 0usize;
    for input in &inputs {
        let shape = frame_shape(input)?;
        let part = Part { first: total, shape };
        let end = part.numbers().and_then(|len| total.checked_add(len));
        let end = end.filter(|&end| i64::try_from(end).is_ok());
        total = end.ok_or_else(|| Error::new("its inputs have more numbers than can be held"))?;
        let name = fresh_name(&format!("{}_{UNPACK}", input.name), &mut taken);
        let shape = part.shape.iter().map(|&n| n as i64).collect();
        let node = Node::new(UNPACK, name, [&row], [&input.name])
            .in_domain(STEER8)
            .with(FIRST, Attribute::Int(part.first as i64))
            .with(SHAPE, Attribute::Ints(shape));
        nodes.push(node);
    }
    nodes.append(&mut graph.nodes);
    graph.nodes = nodes;
    let shape = Some(vec![batch, Dim::Fixed(total)]);
    graph.input = Value { name: row, element: Element::F32, shape };
    graph.packed = inputs;
    Ok(())
}

/// The numbers of one frame along each axis of an input.
///
/// # Errors
/// As [`pack`].
pub(crate) fn frame_shape(input: &Value) -> Result<Vec<usize>> {
    let way_out =
        "Export the network with fixed sizes; only the batch, the first axis, may be free.";
    let Value { name, shape, .. } = input;
    if name.is_empty() {
        return Err(Error::new("one of its inputs has no name")
            .way_out("Export the network again: the file is damaged."));
    }
    let Some(dims) = shape else {
        let what = format!("the shape of the input `{name}` is not known");
        return Err(Error::new(what).way_out(way_out));
    };
    let [_, dims @ ..] = &dims[..] else {
        let what = format!("the input `{name}` has no axis for the batch, as one of several needs");
        return Err(Error::new(what).way_out("Export the network with the batch first."));
    };
    let dim = |(axis, dim): (usize, &Dim)| match dim {
        Dim::Fixed(n) => Ok(*n),
        Dim::Free(_) => Err(Error::new(format!(
            "the input `{name}`, one of several, is {}: dimension {} is free",
            describe(input.shape.as_deref().unwrap_or_default()),
            axis + 1
        ))
        .of_kind(ErrorKind::Unsupported)
        .way_out(way_out)),
    };
    dims.iter().enumerate().map(dim).collect()
}

/// The first axis of all: what one of them fixes, or free.
fn batch(inputs: &[Value]) -> Result<Dim> {
    let mut batch: Option<(&Value, &Dim)> = None;
    for input in inputs {
        let Some(own) = input.shape.as_ref().and_then(|shape| shape.first()) else { continue };
        match (batch, own) {
            (Some((other, Dim::Fixed(n))), Dim::Fixed(own)) if own != n => {
                return Err(Error::new(format!(
                    "the inputs `{}` and `{}` take {n} and {own} frames at once",
                    other.name, input.name
                ))
                .way_out("Export the network with the batch as the first axis of every input."));
            }
            (Some((_, Dim::Fixed(_))), _) | (Some(_), Dim::Free(_)) => {}
            _ => batch = Some((input, own)),
        }
    }
    Ok(batch.map_or(Dim::Free(String::new()), |(_, batch)| batch.clone()))
}

/// Lets the network read inputs of other types than float32 the same; [`float16`](super::float16) has
/// seen to those of halves.
///
/// # Errors
/// Names an input that holds no numbers, or is an output of another type than float32, too.
pub(crate) fn widen(graph: &mut Graph) -> Result<()> {
    for Value { name, element, .. } in graph.packed.clone() {
        if [Element::F32, Element::F16].contains(&element) {
            continue;
        }
        if !byte_input::is_number(element) || graph.is_output(&name) {
            return Err(Error::new(format!(
                "the input `{name}` is {}, not float32",
                element.name()
            ))
            .way_out("Export the network with inputs of float32, bytes or whole numbers."));
        }
        byte_input::read_floats(graph, &name, element);
    }
    Ok(())
}

/// The network with the inputs that its file has, where they are several.
pub fn as_in_file(graph: &Graph) -> Option<Graph> {
    if graph.packed.is_empty() {
        return None;
    }
    let mut graph = graph.clone();
    let row = graph.input.name.clone();
    graph.nodes.retain(|node| !is_unpack(node) || node.input(0) != Some(&row));
    // The first of those that make floats comes first.
    for Value { name, element, .. } in graph.packed.clone().iter().rev() {
        if *element != Element::F32 {
            byte_input::give(&mut graph, name, *element);
        }
    }
    Some(graph)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str, element: Element, dims: &[usize]) -> Value {
        let dim = |&n: &usize| if n == 0 { Dim::Free("N".into()) } else { Dim::Fixed(n) };
        Value { name: name.into(), element, shape: Some(dims.iter().map(dim).collect()) }
    }

    fn network(inputs: Vec<Value>) -> Result<Graph> {
        let cast = Node::new("Cast", "cast", ["command"], ["c"]).with("to", Attribute::Int(1));
        let mut graph = Graph {
            outputs: vec![Value { name: "y".into(), ..Value::default() }],
            nodes: vec![cast, Node::new("Concat", "join", ["image", "speed", "c"], ["y"])],
            ..Graph::default()
        };
        pack(&mut graph, inputs)?;
        widen(&mut graph)?;
        graph.check()?;
        Ok(graph)
    }

    #[test]
    fn inputs_are_parts_of_a_row_and_inputs_again_in_a_file() {
        let inputs = vec![
            value("image", Element::F32, &[0, 3, 2, 2]),
            value("speed", Element::F32, &[0]),
            value("command", Element::I32, &[1, 4]),
        ];
        let graph = network(inputs.clone()).expect("a network");
        let operators: Vec<&str> = graph.nodes.iter().map(|node| node.op.as_str()).collect();
        assert_eq!(operators, [UNPACK, UNPACK, UNPACK, "Identity", "Concat"]);
        assert_eq!(graph.input, value("inputs", Element::F32, &[1, 17]));
        let parts: Vec<Part> = graph.nodes.iter().filter_map(Part::of).collect();
        let part = |first, shape: &[usize]| Part { first, shape: shape.to_vec() };
        assert_eq!(parts, [part(0, &[3, 2, 2]), part(12, &[]), part(13, &[4])]);
        assert!(graph.is_input("speed") && !graph.is_input("inputs"));

        let file = as_in_file(&graph).expect("it has several");
        assert_eq!(file.inputs(), inputs);
        let operators: Vec<&str> = file.nodes.iter().map(|node| node.op.as_str()).collect();
        assert_eq!(operators, ["Cast", "Identity", "Concat"]);
        assert_eq!(file.nodes[0].inputs, ["command"]);
    }

    #[test]
    fn what_is_no_part_of_a_row_is_named() {
        let image = || value("image", Element::F32, &[0, 3, 2, 2]);
        let free = value("speed", Element::F32, &[0, 0]);
        let unknown = Value { name: "speed".into(), ..Value::default() };
        let two =
            vec![value("image", Element::F32, &[2, 3]), value("speed", Element::F32, &[3, 1])];
        for (inputs, what) in [
            (
                vec![image(), free],
                "the input `speed`, one of several, is N x N: dimension 1 is free",
            ),
            (vec![image(), unknown], "the shape of the input `speed` is not known"),
            (vec![image(), value("speed", Element::F32, &[])], "`speed` has no axis for the batch"),
            (two, "the inputs `image` and `speed` take 2 and 3 frames at once"),
            (vec![image(), value("speed", Element::TEXT, &[0, 1])], "`speed` is string"),
        ] {
            let error = network(inputs).expect_err(what);
            assert!(error.what.contains(what) && error.way_out.is_some(), "{error}");
        }
    }
}
