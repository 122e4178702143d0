//! Running a network: a [`Session`] holds it prepared, for one frame after the other.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::graph::{Dim, Element, Graph, Tensor, Value, segment};

mod family;
pub mod lower;
mod operators;
mod tract;

pub use family::Family;
pub use operators::{CLAMP_HIGH, CLAMP_LOW, SATURATING, TensorType};

/// Whose float kernels compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// tract's: fast, but the last bits differ between machines.
    Fast,
    /// Ours, with one summation order and no fused multiply-add: the same bits natively and in
    /// every browser. For every figure that reaches a file.
    Deterministic,
}

/// A network prepared for repeated runs.
#[derive(Debug)]
pub struct Session {
    engine: tract::Engine,
    /// Batch included.
    input: TensorType,
    /// Element types of the observed tensors where the network says them.
    outputs: Vec<Option<Element>>,
    /// Frames that one run takes: 1, or what the network fixes.
    batch: usize,
}

impl Session {
    /// Prepares the network; its outputs are those of the graph.
    ///
    /// `frame` is the shape of one frame without the batch, which fills in free dimensions; `None`
    /// when the network fixes them all.
    ///
    /// # Errors
    /// Names the node that cannot be run.
    pub fn new(graph: &Graph, frame: Option<&[usize]>, arithmetic: Arithmetic) -> Result<Self> {
        let outputs: Vec<String> = graph.outputs.iter().map(|v| v.name.clone()).collect();
        Self::observing(graph, &outputs, frame, arithmetic)
    }

    /// Prepares the network with the tensors `observed` as its outputs, in that order.
    ///
    /// # Errors
    /// As [`Session::new`]; and names an observed tensor that does not exist.
    pub fn observing(
        graph: &Graph,
        observed: &[String],
        frame: Option<&[usize]>,
        arithmetic: Arithmetic,
    ) -> Result<Self> {
        let shape = input_shape(graph, frame)?;
        let batch = shape.first().copied().unwrap_or(1);
        let input = TensorType { element: graph.input.element, shape };
        let inputs = [(graph.input.name.clone(), input.clone())];
        let engine = engine(graph, &inputs, observed, arithmetic)?;
        let declared = |name: &String| graph.outputs.iter().find(|v| v.name == *name);
        let outputs = observed.iter().map(|name| declared(name).map(|v| v.element)).collect();
        Ok(Self { engine, input, outputs, batch })
    }

    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Elements of one frame.
    pub fn frame_len(&self) -> usize {
        self.input.shape.iter().skip(1).product()
    }

    /// Runs `batch` frames, `input` being their elements in the network's order.
    ///
    /// Hands every observed tensor to `visit(index, elements)`; tensors of other types than f32
    /// are not visited.
    ///
    /// # Errors
    /// An input of the wrong length, a network whose input is not float32, and what goes wrong
    /// inside an operator.
    pub fn run(&mut self, input: &[f32], mut visit: impl FnMut(usize, &[f32])) -> Result<()> {
        self.check_input(Element::F32, input.len())?;
        self.engine.run([(&self.input.shape[..], input)], &mut visit)
    }

    /// Runs once, on an input of the network's own element type; gives the observed tensors, of any
    /// type.
    ///
    /// # Errors
    /// An input of the wrong type or length, and what goes wrong inside an operator.
    pub fn run_typed(&mut self, input: Tensor) -> Result<Vec<Tensor>> {
        self.check_input(input.element(), input.len())?;
        let input = Tensor { shape: self.input.shape.clone(), ..input.widened() };
        let outputs = self.engine.run_typed(&input)?.into_iter().zip(&self.outputs);
        Ok(outputs.map(|(y, &element)| y.narrowed(element.unwrap_or_default())).collect())
    }

    fn check_input(&self, element: Element, len: usize) -> Result<()> {
        let TensorType { element: expected, shape } = &self.input;
        let elements: usize = shape.iter().product();
        if (element, len) == (*expected, elements) {
            return Ok(());
        }
        Err(Error::new(format!(
            "the network takes {elements} elements of {} ({shape:?}), it was given {len} of {}",
            expected.name(),
            element.name()
        )))
    }

    /// Bytes held: constants as prepared, and the largest set of live activations.
    pub fn bytes(&self) -> usize {
        self.engine.bytes()
    }
}

/// Prepares `graph` to make the tensors `observed` from `inputs`.
fn engine(
    graph: &Graph,
    inputs: &[(String, TensorType)],
    observed: &[String],
    arithmetic: Arithmetic,
) -> Result<tract::Engine> {
    let mut graph = graph.clone();
    graph.outputs = observed
        .iter()
        .map(|name| Value { name: name.clone(), element: Element(0), shape: None })
        .collect();
    let mut graph = lower::lower(&graph).graph;
    if arithmetic == Arithmetic::Deterministic {
        operators::settle_axes(&mut graph);
    }
    tract::Engine::new(&graph, inputs, arithmetic)
}

/// A part of a network, prepared to run from tensors that are known already.
#[derive(Debug)]
pub struct Part {
    engine: tract::Engine,
    inputs: Vec<(String, Vec<usize>)>,
}

impl Part {
    /// Prepares what makes the tensors `observed` from tensors that are `known`; `shapes` has the
    /// shape of each of those, batch included.
    ///
    /// # Errors
    /// Names the node that cannot be run, and a tensor that is neither known nor can be made.
    pub fn new(
        graph: &Graph,
        known: &BTreeMap<String, Vec<usize>>,
        observed: &[String],
        arithmetic: Arithmetic,
    ) -> Result<Self> {
        let (part, names) = segment(graph, &|name| known.contains_key(name), observed);
        let shape = |name: String| match known.get(&name) {
            Some(shape) => Ok((name, shape.clone())),
            None => Err(Error::new(format!("the tensor `{name}` is not known"))),
        };
        let inputs = names.into_iter().map(shape).collect::<Result<Vec<_>>>()?;
        let float = |(name, shape): &(String, Vec<usize>)| {
            (name.clone(), TensorType { element: Element::F32, shape: shape.clone() })
        };
        let floats: Vec<_> = inputs.iter().map(float).collect();
        let engine = engine(&part, &floats, observed, arithmetic)?;
        Ok(Self { engine, inputs })
    }

    /// Runs once, with the elements of each known tensor by its name; hands every observed tensor
    /// to `visit(index, elements)`.
    ///
    /// # Errors
    /// What goes wrong inside an operator.
    pub fn run<'a>(
        &mut self,
        known: impl Fn(&str) -> &'a [f32],
        mut visit: impl FnMut(usize, &[f32]),
    ) -> Result<()> {
        let inputs = self.inputs.iter().map(|(name, shape)| (&shape[..], known(name)));
        let inputs: Vec<(&[usize], &[f32])> = inputs.collect();
        self.engine.run(inputs, &mut visit)
    }
}

/// Type and shape of every tensor for one frame (batch 1, or what the network fixes).
///
/// # Errors
/// As [`Session::new`].
pub fn tensor_types(
    graph: &Graph,
    frame: Option<&[usize]>,
) -> Result<BTreeMap<String, TensorType>> {
    tract::tensor_types(graph, &input_shape(graph, frame)?)
}

/// The network's input shape, batch included, with `frame` in place of free dimensions.
///
/// # Errors
/// A frame that does not fit, and dimensions that stay free.
pub fn input_shape(graph: &Graph, frame: Option<&[usize]>) -> Result<Vec<usize>> {
    let input = &graph.input;
    let Some(dims) = &input.shape else {
        return match frame {
            Some(frame) => Ok([&[1], frame].concat()),
            None => {
                Err(Error::new(format!("the shape of the input `{}` is not known", input.name))
                    .way_out("Export the network with the shape of its input."))
            }
        };
    };
    if dims.is_empty() {
        return Err(Error::new(format!("the input `{}` is a scalar", input.name))
            .way_out("Steer8 takes networks that see a frame: batch first."));
    }
    let does_not_fit = |frame: &[usize]| {
        Error::new(format!(
            "the network's input `{}` is {}, the frames are {frame:?}",
            input.name,
            describe(dims)
        ))
        .way_out("Give frames of the network's shape (channels, height, width).")
    };
    if let Some(frame) = frame {
        let fits = frame.len() == dims.len() - 1
            && frame.iter().zip(&dims[1..]).all(|(&n, dim)| match dim {
                Dim::Fixed(d) => *d == n,
                Dim::Free(_) => true,
            });
        if !fits {
            return Err(does_not_fit(frame));
        }
    }
    dims.iter()
        .enumerate()
        .map(|(i, dim)| match (dim, i, frame) {
            (Dim::Fixed(n), ..) => Ok(*n),
            (Dim::Free(_), 0, _) => Ok(1),
            (Dim::Free(_), _, Some(frame)) => Ok(frame[i - 1]),
            (Dim::Free(_), _, None) => Err(Error::new(format!(
                "the input `{}` is {}: dimension {i} is free",
                input.name,
                describe(dims)
            ))
            .way_out(
                "Give frames (--data), which fix it, or export the network with a fixed size.",
            )),
        })
        .collect()
}

/// A shape for people: `batch x 3 x 96 x 96`.
fn describe(dims: &[Dim]) -> String {
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
