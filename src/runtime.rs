//! Running a network: a [`Session`] holds it prepared, for one frame after the other.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::fold_batch_norm::fold_batch_norm;
use crate::graph::{Data, Dim, Element, Graph, Tensor, Value, condense, describe, segment};

mod asked;
mod family;
mod fuse;
#[doc(hidden)]
pub mod lower;
mod operators;
mod program;
mod tract;
mod whole;

pub use family::Family;
pub use operators::{Function, SATURATING, Slope, TensorType};
pub use program::StepTime;
pub use tract::panics_are_caught;

use crate::kernels::{Machine, Products};
use operators::{MOST_FRAME_BYTES, Order, Setting, View};
use program::{Elements, Observed, Program};

/// How floats are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// Products may be fused into sums: fast, but the last bits differ between machines.
    Fast,
    /// One summation order and no fused multiply-add: the same bits natively and in every browser.
    /// For every figure that reaches a file.
    Deterministic,
}

/// How a network is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How floats are computed.
    pub arithmetic: Arithmetic,
    /// Whose kernels compute: the best that this machine has, unless they are to be compared.
    pub machine: Machine,
    /// Observed tensors may come with their elements in another order than ONNX's, which spares
    /// moving them where the order says nothing: for ranges and histograms.
    pub any_order: bool,
}

impl Options {
    /// On this machine's best kernels, observed tensors in ONNX's order.
    pub fn new(arithmetic: Arithmetic) -> Self {
        Self { arithmetic, machine: Machine::best(), any_order: false }
    }

    fn setting(&self) -> Setting {
        let products = match self.arithmetic {
            Arithmetic::Fast => Products::Fused,
            Arithmetic::Deterministic => Products::Rounded,
        };
        Setting { machine: self.machine, products, order: Order::Plain, is_anew: false }
    }
}

/// A network prepared for repeated runs.
#[derive(Debug)]
pub struct Session {
    program: Program,
    /// Batch included.
    input: TensorType,
    observed: Vec<Observed>,
    /// Element types of the observed tensors where the network says them.
    outputs: Vec<Option<Element>>,
    /// Frames that one run takes: 1, or what the network fixes.
    batch: usize,
    by_numbers: ByNumbers,
}

/// A network whose shapes may depend on the numbers of a frame: it is gone through node by node then.
#[derive(Debug)]
struct ByNumbers {
    lowered: Graph,
    observed: Vec<String>,
    setting: Setting,
    /// Whether it is known to be run so.
    is_needed: bool,
}

impl ByNumbers {
    fn run(&self, frame: Tensor) -> Result<Vec<Tensor>> {
        let Self { lowered, observed, setting, .. } = self;
        let input = (lowered.input.name.as_str(), frame);
        let mut made = Program::evaluate(*setting, lowered, input, observed)?;
        let tensor = |name: &String| {
            made.remove(name).ok_or_else(|| Error::new(format!("there is no tensor `{name}`")))
        };
        observed.iter().map(tensor).collect()
    }
}

/// What can be made of frames of ones, or of zeros, by a network of known operators.
fn tried<T>(graph: &Graph, ty: &TensorType, run: impl Fn(Tensor) -> Result<T>) -> Option<T> {
    if !graph.nodes.iter().all(program::is_known) {
        return None;
    }
    let ones = program::ones(ty).ok()?;
    let zeros =
        ones.to_f32().map(|x| Tensor::new(ones.shape.clone(), Data::F32(vec![0.0; x.len()])));
    [Some(ones), zeros].into_iter().flatten().find_map(|frame| run(frame).ok())
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
        Self::observing(graph, &outputs, frame, Options::new(arithmetic))
    }

    /// Prepares the network with the tensors `observed` as its outputs, in that order.
    ///
    /// # Errors
    /// As [`Session::new`]; and names an observed tensor that does not exist.
    pub fn observing(
        graph: &Graph,
        observed: &[String],
        frame: Option<&[usize]>,
        options: Options,
    ) -> Result<Self> {
        let shape = input_shape(graph, frame)?;
        let batch = shape.first().copied().unwrap_or(1);
        let input = TensorType { element: graph.input.element, shape };
        let declared = |name: &String| graph.outputs.iter().find(|v| v.name == *name);
        let outputs = observed.iter().map(|name| declared(name).map(|v| v.element)).collect();
        let lowered = lowered(graph, observed, options.arithmetic);
        let wide = TensorType { element: input.element.widened(), ..input.clone() };
        let mut program = Program::new(options.setting(), vec![wide.clone()]);
        let inputs = [lowered.input.name.clone()];
        let read = program.read(&lowered, &inputs, observed, options.any_order);
        let (setting, observed, is_needed) = (options.setting(), observed.to_vec(), read.is_err());
        let by_numbers = ByNumbers { lowered, observed, setting, is_needed };
        program.close();
        let observed = match read {
            Ok(observed) => observed,
            Err(error) => {
                program = Program::new(setting, vec![wide.clone()]);
                let tried = tried(&by_numbers.lowered, &wide, |frame| by_numbers.run(frame));
                tried.map(|_| Vec::new()).ok_or(error)?
            }
        };
        Ok(Self { program, input, observed, outputs, batch, by_numbers })
    }

    /// Frames that one run takes: 1, or what the network fixes.
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
        let inputs = [View::F32(input)];
        if self.runs(&inputs)? {
            self.program.visit(&self.observed, &inputs, visit);
            return Ok(());
        }
        let frame = Tensor::new(self.input.shape.clone(), Data::F32(input.to_vec()));
        for (at, made) in self.by_numbers.run(frame)?.iter().enumerate() {
            if let Some(values) = made.as_f32() {
                visit(at, values);
            }
        }
        Ok(())
    }

    /// Runs the program; `false` where the network has to be gone through with the numbers instead.
    fn runs(&mut self, inputs: &[View<'_>]) -> Result<bool> {
        if self.by_numbers.is_needed {
            return Ok(false);
        }
        match self.program.run(inputs) {
            Err(error) if !self.program.prepares_anew() => Err(error),
            run => {
                self.by_numbers.is_needed = run.is_err();
                Ok(run.is_ok())
            }
        }
    }

    /// Runs `batch` frames as [`Session::run`] does, and tells how long each operator took.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn profile(&mut self, input: &[f32]) -> Result<Vec<StepTime>> {
        self.check_input(Element::F32, input.len())?;
        self.program.run_timed(&[View::F32(input)])
    }

    /// Runs once, on an input of the network's own element type; gives the observed tensors, of any
    /// type.
    ///
    /// # Errors
    /// An input of the wrong type or length, and what goes wrong inside an operator.
    pub fn run_typed(&mut self, input: Tensor) -> Result<Vec<Tensor>> {
        self.check_input(input.element(), input.len())?;
        let elements = Elements::of(&input.clone().widened());
        let view = elements.as_ref().and_then(|elements| elements.view(elements.len()));
        let view = view.ok_or_else(|| {
            Error::new(format!("an input of {} is not supported", self.input.element.name()))
                .of_kind(ErrorKind::Unsupported)
                .way_out("Export the network with a float32 or 8-bit input.")
        })?;
        if !self.runs(&[view])? {
            let frame = input.widened();
            let frame = Tensor::new(self.input.shape.clone(), frame.data);
            let made = self.by_numbers.run(frame)?.into_iter().zip(&self.outputs);
            let narrowed = |(made, element): (Tensor, &Option<Element>)| {
                made.narrowed(element.unwrap_or_default())
            };
            return Ok(made.map(narrowed).collect());
        }
        let made = self.observed.iter().zip(&self.outputs).map(|(observed, &element)| {
            let made = match observed {
                Observed::Constant(tensor) => tensor.clone(),
                Observed::Result(id, ty) => self.program.tensor(*id, ty, &[view])?,
            };
            Ok(made.narrowed(element.unwrap_or_default()))
        });
        made.collect()
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

    /// Bytes held: constants as prepared, and the memory between operators.
    ///
    /// # Errors
    /// More memory than may be taken.
    pub fn bytes(&mut self) -> Result<usize> {
        self.program.bytes()
    }
}

/// `graph` as it is computed, the tensors `observed` being its outputs.
fn lowered(graph: &Graph, observed: &[String], arithmetic: Arithmetic) -> Graph {
    let mut graph = graph.clone();
    let declared = |name: &String| graph.outputs.iter().find(|v| v.name == *name).cloned();
    graph.outputs = observed
        .iter()
        .map(|name| {
            let unknown = || Value { name: name.clone(), element: Element(0), shape: None };
            declared(name).unwrap_or_else(unknown)
        })
        .collect();
    if arithmetic == Arithmetic::Fast {
        // A quantized network's order of operations is its own.
        if !graph.nodes.iter().any(lower::is_quantization) {
            condense(&mut graph);
        }
        fold_batch_norm(&mut graph);
    }
    let mut graph = lower::lower(&graph).graph;
    fuse::activations(&mut graph);
    graph
}

/// A part of a network, prepared to run from tensors that are known already.
#[derive(Debug)]
pub struct Part {
    program: Program,
    inputs: Vec<String>,
    observed: Vec<Observed>,
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
        let (part, inputs) = segment(graph, &|name| known.contains_key(name), observed);
        let float = |name: &String| match known.get(name) {
            Some(shape) => Ok(TensorType { element: Element::F32, shape: shape.clone() }),
            None => Err(Error::new(format!("the tensor `{name}` is not known"))),
        };
        let types = inputs.iter().map(float).collect::<Result<Vec<_>>>()?;
        let part = lowered(&part, observed, arithmetic);
        let mut program = Program::new(Options::new(arithmetic).setting(), types);
        let observed = program.read(&part, &inputs, observed, false)?;
        program.close();
        Ok(Self { program, inputs, observed })
    }

    /// Runs once, with the elements of each known tensor by its name; hands every observed tensor
    /// to `visit(index, elements)`.
    ///
    /// # Errors
    /// What goes wrong inside an operator.
    pub fn run<'a>(
        &mut self,
        known: impl Fn(&str) -> &'a [f32],
        visit: impl FnMut(usize, &[f32]),
    ) -> Result<()> {
        let inputs: Vec<View<'_>> = self.inputs.iter().map(|name| View::F32(known(name))).collect();
        self.program.run(&inputs)?;
        self.program.visit(&self.observed, &inputs, visit);
        Ok(())
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
    let graph = lower::lower(graph).graph;
    let element = graph.input.element.widened();
    let input = TensorType { element, shape: input_shape(&graph, frame)? };
    let setting = Options::new(Arithmetic::Deterministic).setting();
    let mut program = Program::new(setting, vec![input]);
    match program.types(&graph, std::slice::from_ref(&graph.input.name)) {
        Ok(types) => Ok(types.into_iter().collect()),
        Err(error) => {
            let made: Vec<String> =
                graph.nodes.iter().flat_map(|node| &node.outputs).cloned().collect();
            let run = |frame| Program::evaluate(setting, &graph, (&graph.input.name, frame), &made);
            let made = tried(&graph, program.input(0), run).ok_or(error)?;
            Ok(made.iter().map(|(name, made)| (name.clone(), program::type_of(made))).collect())
        }
    }
}

/// The network's input shape, batch included, with `frame` in place of free dimensions.
///
/// # Errors
/// A frame that does not fit, dimensions that stay free, and more than can be held.
pub fn input_shape(graph: &Graph, frame: Option<&[usize]>) -> Result<Vec<usize>> {
    let shape = filled_shape(graph, frame)?;
    let ty = TensorType { element: graph.input.element, shape };
    ty.check_size_within(MOST_FRAME_BYTES).map_err(|e| Error {
        what: format!("the input `{}`: {}", graph.input.name, e.what),
        ..e
    })?;
    Ok(ty.shape)
}

fn filled_shape(graph: &Graph, frame: Option<&[usize]>) -> Result<Vec<usize>> {
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
    if dims.is_empty() && frame.is_none() {
        return Ok(Vec::new());
    }
    let does_not_fit = |frame: &[usize]| {
        Error::new(format!(
            "the network's input `{}` is {}, the frames are {frame:?}",
            input.name,
            describe(dims)
        ))
        .way_out(
            "Give frames of the network's shape (channels, height, width); images are made as large with \
             `--resize`, of one channel with `--color gray`.",
        )
    };
    if let Some(frame) = frame {
        let fits = frame.len() + 1 == dims.len()
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
