//! What an engine is asked is checked first: axes, attributes and shapes that its analysis takes for
//! granted, and the sizes of results.

use super::operators::{MOST_AXES, MOST_BYTES, MOST_CONSTANT_BYTES, Operand, TensorType, place};
use crate::error::{Error, Result};
use crate::graph::{Attribute, Data, Graph, Node, Tensor};

mod products;
mod results;
mod shapes;
mod windows;

const WAY_OUT: &str = "Check that the network runs in ONNX Runtime, or export it again.";

/// How many bytes a result may have for each that is read, and how many it may have whatever is read.
const MOST_GROWTH: usize = 1 << 10;
const FREE_BYTES: usize = 1 << 24;

/// Checks that a result can be held, and is no mere repetition of what is read: a Pad or a Tile by what
/// nobody meant.
///
/// # Errors
/// Says how many bytes it has.
pub(super) fn check_result(operands: &[Operand<'_>], ty: &TensorType, is_anew: bool) -> Result<()> {
    if !is_anew && operands.iter().all(|operand| operand.constant.is_some()) {
        return ty.check_size_within(MOST_CONSTANT_BYTES);
    }
    let read = operands.iter().filter_map(|operand| operand.ty.bytes());
    let read = read.fold(0, usize::saturating_add);
    let most = read.saturating_mul(MOST_GROWTH).clamp(FREE_BYTES, MOST_BYTES);
    ty.check_size_within(most)
}

/// Checks a node that the engine is to run.
///
/// # Errors
/// Says what does not fit.
pub(super) fn check(node: &Node, operands: &[Operand<'_>], is_anew: bool) -> Result<()> {
    let asked = Asked { node, operands, is_anew };
    asked.numbers()?;
    asked.axes()?;
    asked.shapes()?;
    asked.result()
}

/// An input whose numbers the engine takes for granted.
#[derive(Debug)]
pub(super) struct Trusted {
    pub(super) input: usize,
    how: Trust,
}

#[derive(Debug)]
enum Trust {
    /// They say where to look along axes of so many elements, one after the other and again, as
    /// Gather's do.
    Within(Vec<usize>),
    /// Integers are divided by them.
    NotZero,
}

impl Trusted {
    pub(super) fn of(node: &Node, operands: &[Operand<'_>]) -> Option<Self> {
        let asked = Asked { node, operands, is_anew: false };
        let shape = asked.shape(0)?;
        let lens = match node.op.as_str() {
            "Div" | "Mod" => return Some(Self { input: 1, how: Trust::NotZero }),
            "Gather" | "GatherElements" | "ScatterElements" | "Scatter" => {
                vec![shape[place(node.int("axis", 0), shape.len())?]]
            }
            "GatherND" | "ScatterND" => {
                let batched = usize::try_from(node.int("batch_dims", 0)).ok()?;
                shape.get(batched..batched.checked_add(*asked.shape(1)?.last()?)?)?.to_vec()
            }
            _ => return None,
        };
        Some(Self { input: 1, how: Trust::Within(lens) })
    }

    /// # Errors
    /// Names what lies outside.
    pub(super) fn check(&self, values: &[i64]) -> Result<()> {
        let Trust::Within(lens) = &self.how else {
            return match values.contains(&0) {
                true => Err(Error::new("it divides by 0").way_out(WAY_OUT)),
                false => Ok(()),
            };
        };
        let outside = |(value, len): &(&i64, &usize)| place(**value, **len).is_none();
        match values.iter().zip(lens.iter().cycle()).find(outside) {
            None => Ok(()),
            Some((value, len)) => {
                Err(Error::new(format!("its index {value} is not among {len}")).way_out(WAY_OUT))
            }
        }
    }
}

/// Axes of a Squeeze or an Unsqueeze, the one node of `graph`, in ascending order, which the engine
/// takes for granted.
pub(super) fn order_axes(graph: &mut Graph, rank: usize) {
    let Graph { nodes, initializers, .. } = graph;
    let [node] = &mut nodes[..] else { return };
    if !["Squeeze", "Unsqueeze"].contains(&node.op.as_str()) {
        return;
    }
    let more = node.op == "Unsqueeze";
    let order = |axes: &mut Vec<i64>| {
        let rank = (rank + if more { axes.len() } else { 0 }) as i64;
        axes.iter_mut().filter(|axis| **axis < 0).for_each(|axis| *axis += rank);
        axes.sort_unstable();
    };
    let input = node.inputs.get(1).and_then(|name| initializers.get_mut(name));
    match (node.attributes.get_mut("axes"), input.map(|tensor| &mut tensor.data)) {
        (Some(Attribute::Ints(axes)), _) | (_, Some(Data::I64(axes))) => order(axes),
        _ => {}
    }
}

/// The integers of a constant.
pub(super) fn integers(tensor: &Tensor) -> Option<Vec<i64>> {
    match &tensor.data {
        Data::I64(values) => Some(values.clone()),
        _ => Some(tensor.to_i32()?.into_iter().map(i64::from).collect()),
    }
}

/// Inputs that are single numbers: the first of them, and the one behind the last.
const NUMBERS: [(&str, usize, usize); 16] = [
    ("BlackmanWindow", 0, 1),
    ("Clip", 1, 3),
    ("CumSum", 1, 2),
    ("DFT", 1, 3),
    ("Dropout", 1, 3),
    ("HammingWindow", 0, 1),
    ("HannWindow", 0, 1),
    ("MelWeightMatrix", 0, 5),
    ("NonMaxSuppression", 2, 5),
    ("OneHot", 1, 2),
    ("Pad", 2, 3),
    ("Range", 0, 3),
    ("STFT", 1, 2),
    ("STFT", 3, 4),
    ("TopK", 1, 2),
    ("Trilu", 1, 2),
];

struct Asked<'a> {
    node: &'a Node,
    operands: &'a [Operand<'a>],
    is_anew: bool,
}

impl Asked<'_> {
    fn wrong<T>(&self, what: impl std::fmt::Display) -> Result<T> {
        Err(Error::new(what.to_string()).at_node(&self.node.name).way_out(WAY_OUT))
    }

    fn shape(&self, input: usize) -> Option<&[usize]> {
        self.node.input(input)?;
        self.operands.get(input).map(|operand| &operand.ty.shape[..])
    }

    fn constant(&self, input: usize) -> Option<Vec<i64>> {
        self.node.input(input)?;
        integers(self.operands.get(input)?.constant?)
    }

    /// An attribute that became an input.
    fn listed(&self, attribute: &str, input: usize) -> Option<Vec<i64>> {
        self.node.ints(attribute).map(<[i64]>::to_vec).or_else(|| self.constant(input))
    }

    /// What is to be a number is one.
    fn numbers(&self) -> Result<()> {
        for (_, first, end) in NUMBERS.iter().filter(|(op, ..)| *op == self.node.op) {
            for input in *first..*end {
                let shape = self.shape(input);
                if let Some(shape) = shape.filter(|shape| shape.iter().product::<usize>() != 1) {
                    return self.wrong(format!(
                        "its input {input} of shape {shape:?} is not a single number"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Axes lie within the input, or the output, and stand once.
    fn axes(&self) -> Result<()> {
        let Some(shape) = self.shape(0) else { return Ok(()) };
        let (op, rank) = (self.node.op.as_str(), shape.len());
        let axes = match op {
            "Squeeze" | "Unsqueeze" | "MeanVarianceNormalization" => self.listed("axes", 1),
            "Slice" | "Pad" => self.listed("axes", 3),
            op if op.starts_with("Reduce") => self.listed("axes", 1),
            _ => None,
        };
        if let Some(axes) = axes {
            let rank = if op == "Unsqueeze" { rank + axes.len() } else { rank };
            if rank > MOST_AXES {
                return self.wrong(format!("its result has {rank} axes, more than {MOST_AXES}"));
            }
            let mut places: Vec<usize> = Vec::new();
            for axis in &axes {
                match place(*axis, rank).filter(|axis| !places.contains(axis)) {
                    Some(axis) => places.push(axis),
                    None => return self.wrong(format!("its axes {axes:?} do not fit {rank} axes")),
                }
            }
        }
        // A flattening may stand behind the last axis; before opset 11, so may a stack's.
        let ends = matches!(op, "Flatten" | "SequenceInsert" | "ConcatFromSequence");
        let axis = match (op, self.node.attributes.contains_key("axis")) {
            // Theirs does not count with one scale.
            ("QuantizeLinear" | "DequantizeLinear", _) | (_, false) => None,
            _ => Some(self.node.int("axis", 0)),
        };
        match axis {
            Some(axis) if place(axis, rank + usize::from(ends)).is_none() => {
                // OneHot's is the output's.
                let of_output = op == "OneHot" && place(axis, rank + 1).is_some();
                if !of_output {
                    return self.wrong(format!("its axis {axis} does not fit {rank} axes"));
                }
            }
            None if rank == 0 && matches!(op, "Softmax" | "LogSoftmax" | "Hardmax" | "Gather") => {
                return self.wrong("its input is a scalar");
            }
            _ => {}
        }
        if op == "CumSum" || op == "DFT" {
            let axis = self.constant(if op == "DFT" { 2 } else { 1 });
            let axis = axis.and_then(|axis| axis.first().copied());
            if let Some(axis) = axis.filter(|&axis| place(axis, rank).is_none()) {
                return self.wrong(format!("its axis {axis} does not fit {rank} axes"));
            }
        }
        match Trusted::of(self.node, self.operands) {
            Some(trusted) => match self.constant(trusted.input) {
                Some(values) => trusted.check(&values),
                None => Ok(()),
            },
            None => Ok(()),
        }
    }
}

/// The shape of all together.
fn broadcast(shapes: &[&[usize]]) -> Option<Vec<usize>> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut all = vec![1; rank];
    for shape in shapes {
        for (to, &dim) in all[rank - shape.len()..].iter_mut().zip(*shape) {
            match (*to, dim) {
                (own, dim) if own == dim || dim == 1 => {}
                (1, dim) => *to = dim,
                _ => return None,
            }
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Element;

    fn ints(values: &[i64]) -> Tensor {
        Tensor::new([values.len()], Data::I64(values.to_vec()))
    }

    /// What is wrong with a node that reads floats of these shapes, then constants.
    fn refused(node: &Node, shapes: &[&[usize]], constants: &[Tensor]) -> String {
        let computed = shapes.iter().map(|shape| Operand {
            ty: TensorType { element: Element::F32, shape: shape.to_vec() },
            constant: None,
        });
        let known = constants.iter().map(|tensor| Operand {
            ty: TensorType { element: tensor.element(), shape: tensor.shape.clone() },
            constant: Some(tensor),
        });
        let operands: Vec<Operand<'_>> = computed.chain(known).collect();
        check(node, &operands, false).map_or_else(|error| error.what, |()| String::new())
    }

    fn node(op: &str, inputs: usize) -> Node {
        Node::new(op, "n", ["a", "b", "c"].into_iter().take(inputs), ["y"])
    }

    #[test]
    fn what_the_engine_would_take_for_granted_is_refused() {
        let frame = &[1, 4, 6, 6][..];
        let axis = |op, axis| node(op, 1).with("axis", Attribute::Int(axis));
        let equation =
            |text: &str| node("Einsum", 2).with("equation", Attribute::Text(text.into()));
        let none = Tensor::new([0], Data::U8(Vec::new()));
        let resize = Node::new("Resize", "n", ["a", "b", "c", "d"], ["y"])
            .with("axes", Attribute::Ints(vec![-1]));
        let half = Tensor::scalar_f32(0.5);
        let cases = [
            (refused(&node("Dropout", 3), &[frame], &[half, none]), "not a single number"),
            (refused(&node("CumSum", 2), &[frame], &[ints(&[7])]), "its axis 7"),
            (refused(&axis("Hardmax", -5), &[frame], &[]), "its axis -5"),
            (refused(&node("Tile", 2), &[frame], &[ints(&[1, 1, 1, 1 << 20])]), "bytes"),
            (refused(&resize, &[frame, &[0], &[0]], &[ints(&[1 << 20])]), "bytes"),
            (refused(&node("Mod", 2), &[frame], &[ints(&[3, 0])]), "divides by 0"),
            (refused(&node("GatherND", 2), &[frame], &[ints(&[0, 4])]), "4 is not among 4"),
            (refused(&equation("ab,bc->ac"), &[&[2, 3], &[4, 5]], &[]), "does not fit the shapes"),
            (refused(&equation("ab,bc->ad"), &[&[2, 3], &[3, 5]], &[]), "does not fit the shapes"),
        ];
        for (what, expected) in cases {
            assert!(what.contains(expected), "`{what}` does not say `{expected}`");
        }
        assert_eq!(refused(&equation("ab,...bc->...ac"), &[&[2, 3], &[7, 3, 5]], &[]), "");
        assert_eq!(refused(&node("Tile", 2), &[frame], &[ints(&[1, 2, 3, 4])]), "");
    }
}
