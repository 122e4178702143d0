//! tract, for the operators that we do not have.
//!
//! The one file that names tract's engine. Each such node goes in as an ONNX message of its own. Where
//! programs unwind, a panic inside tract is an error here; in WebAssembly it ends the worker.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

use super::operators::{TensorType, View};
use super::program::Elements;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{self, Data, Element, Graph};
use crate::onnx;

/// A tensor of any type, as tract holds it.
#[derive(Debug, Clone)]
pub(super) struct Value(TValue);

impl Value {
    pub(super) fn tensor(&self) -> Result<graph::Tensor> {
        constant(&self.0).map_err(|e| ran_into(&e))
    }

    /// # Errors
    /// Of a type that tract does not have.
    pub(super) fn of(tensor: &graph::Tensor) -> Result<Self> {
        let value = || -> TractResult<Self> {
            let mut value = Tensor::zero_dt(datum_type(tensor.element())?, &tensor.shape)?;
            let mut plain = value.try_as_plain_ram_mut()?;
            let bytes = plain.as_bytes_mut();
            match &tensor.data {
                Data::I64(values) => {
                    let numbers = values.iter().flat_map(|x| x.to_le_bytes());
                    bytes.iter_mut().zip(numbers).for_each(|(to, byte)| *to = byte);
                }
                Data::Other(_, from) if from.len() == bytes.len() => bytes.copy_from_slice(from),
                _ => bail!("{} is not held here", tensor.element().name()),
            }
            Ok(Self(value.into_tvalue()))
        };
        value().map_err(|e| ran_into(&e))
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.len() * self.0.datum_type().size_of()
    }
}

/// What an operator reads.
#[derive(Debug)]
pub(super) enum Input<'a> {
    View(View<'a>),
    Value(&'a Value),
}

impl Input<'_> {
    /// Of a type that has them.
    pub(super) fn integers(&self) -> Option<Vec<i64>> {
        match self {
            Input::View(View::I32(x)) => Some(x.iter().map(|&x| x.into()).collect()),
            Input::View(_) => None,
            Input::Value(value) => value.tensor().ok()?.as_i64().map(<[i64]>::to_vec),
        }
    }
}

/// An operator that is tract's, by itself.
pub(super) struct Single {
    /// `None` once it has panicked, which leaves it in no state to run again.
    state: Option<TypedSimpleState>,
    inputs: Vec<TensorType>,
}

thread_local! {
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread, now, becomes an error: a program's panic hook may be silent about
/// it.
pub fn panics_are_caught() -> bool {
    CAUGHT.get()
}

/// What tract does, a panic inside it as an error.
fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    CAUGHT.set(true);
    // What `work` had in its hands is not used again: it is its own, or [`Single`] lets go of it.
    let done = catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(false);
    done.unwrap_or_else(|_| Err(broken()))
}

fn broken() -> Error {
    Error::new("the engine cannot run this operator with these shapes and attributes")
        .way_out("Check that the network runs in ONNX Runtime, or export it again.")
}

impl fmt::Debug for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Single").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

impl Single {
    /// Prepares `graph`, whose one node reads `inputs` and constants.
    ///
    /// # Errors
    /// An operator or a combination of types that tract does not know.
    pub(super) fn new(graph: &Graph, inputs: &[(String, TensorType)]) -> Result<Self> {
        let state = caught(|| {
            let model = typed(graph, inputs)?;
            let model = model.into_decluttered().map_err(|e| failed(graph, &e))?;
            let plan = model.into_runnable().map_err(|e| failed(graph, &e))?;
            plan.spawn().map_err(|e| failed(graph, &e))
        })?;
        Ok(Self { state: Some(state), inputs: inputs.iter().map(|(_, ty)| ty.clone()).collect() })
    }

    pub(super) fn outputs(&self) -> Result<Vec<TensorType>> {
        let model = self.state.as_ref().ok_or_else(broken)?.model();
        let types = || -> TractResult<Vec<TensorType>> {
            let outlets = model.output_outlets()?;
            outlets.iter().map(|&outlet| tensor_type(model.outlet_fact(outlet)?)).collect()
        };
        types().map_err(|e| Error::new(format!("its result has no shape: {e:#}")))
    }

    /// Bytes of the constants.
    pub(super) fn bytes(&self) -> usize {
        let Some(model) = self.state.as_ref().map(TypedSimpleState::model) else { return 0 };
        let facts = model.nodes().iter().flat_map(|node| &node.outputs).map(|o| &o.fact);
        let constants = facts.filter_map(|fact| fact.konst.as_ref());
        constants.map(|tensor| tensor.len() * tensor.datum_type().size_of()).sum()
    }

    /// One run.
    pub(super) fn run(&mut self, inputs: &[Input<'_>]) -> Result<Vec<Elements>> {
        let made = self.outcome(inputs)?;
        let elements = |tensor: TValue| -> TractResult<Elements> {
            let plain = tensor.try_as_plain_ram()?;
            Ok(match tensor.datum_type() {
                DatumType::F32 => Elements::F32(plain.as_slice()?.to_vec()),
                DatumType::I32 => Elements::I32(plain.as_slice()?.to_vec()),
                DatumType::U8 | DatumType::I8 => Elements::Codes(plain.as_bytes().to_vec()),
                // What tract takes for arithmetic on shapes is i64 in ONNX, and to who reads it.
                DatumType::TDim => {
                    let numbers = tensor.cast_to::<i64>()?.into_owned();
                    Elements::Foreign(Value(numbers.into_tvalue()))
                }
                _ => Elements::Foreign(Value(tensor)),
            })
        };
        made.into_iter().map(|t| elements(t).map_err(|e| ran_into(&e))).collect()
    }

    /// The constants that an operator makes which reads none but constants.
    pub(super) fn constants(&mut self) -> Result<Vec<graph::Tensor>> {
        let made = self.outcome(&[])?;
        made.iter().map(|t| constant(t).map_err(|e| ran_into(&e))).collect()
    }

    fn outcome(&mut self, inputs: &[Input<'_>]) -> Result<TVec<TValue>> {
        let tensor = |(input, ty): (&Input<'_>, &TensorType)| -> TractResult<TValue> {
            let tensor = match input {
                Input::Value(value) => return Ok(value.0.clone()),
                Input::View(View::F32(x)) => Tensor::from_shape(&ty.shape, x)?,
                Input::View(View::I32(x)) => Tensor::from_shape(&ty.shape, x)?,
                Input::View(View::Codes(x)) => {
                    let mut tensor = Tensor::zero_dt(datum_type(ty.element)?, &ty.shape)?;
                    tensor.try_as_plain_ram_mut()?.as_bytes_mut().copy_from_slice(x);
                    tensor
                }
            };
            Ok(tensor.into_tvalue())
        };
        let inputs = inputs.iter().zip(&self.inputs).map(tensor);
        let inputs = inputs.collect::<TractResult<_>>().map_err(|e| ran_into(&e))?;
        let mut state = self.state.take().ok_or_else(broken)?;
        let (run, state) = caught(|| Ok((state.run(inputs), state)))?;
        self.state = Some(state);
        run.map_err(|e| ran_into(&e))
    }
}

fn ran_into(error: &TractError) -> Error {
    Error::new(format!("the network failed while it ran: {error:#}"))
}

fn typed(graph: &Graph, inputs: &[(String, TensorType)]) -> Result<TypedModel> {
    // Shapes and types are inferred from the input, not taken from the file.
    let mut framework = tract_onnx::onnx().with_ignore_output_shapes(true);
    framework.ignore_output_types = true;
    check_operators(graph, &framework)?;
    let load = || -> TractResult<TypedModel> {
        let values: Vec<graph::Value> = inputs
            .iter()
            .map(|(name, ty)| {
                let (name, element) = (name.clone(), ty.element.widened());
                graph::Value { name, element, shape: None }
            })
            .collect();
        let mut model = framework.model_for_proto_model(&onnx::to_proto(graph, &values))?;
        for (i, (_, ty)) in inputs.iter().enumerate() {
            let element = datum_type(ty.element.widened())?;
            model.set_input_fact(i, InferenceFact::dt_shape(element, &ty.shape))?;
        }
        model.into_typed()
    };
    load().map_err(|e| failed(graph, &e))
}

/// Whether tract has an operator of that name.
pub(super) fn has(op: &str) -> bool {
    tract_onnx::onnx().op_register.0.contains_key(op)
}

fn check_operators(graph: &Graph, framework: &tract_onnx::Onnx) -> Result<()> {
    match graph.nodes.iter().find(|n| !framework.op_register.0.contains_key(&n.op)) {
        None => Ok(()),
        Some(node) => {
            let domain = if node.domain.is_empty() { "ai.onnx" } else { &node.domain };
            Err(Error::new(format!("the operator `{}` ({domain}) is not known here", node.op))
                .of_kind(ErrorKind::Unsupported)
                .at_node(&node.name)
                .way_out("Export the network with standard ONNX operators."))
        }
    }
}

/// tract's error in our words: the node if its message names one, and the innermost cause.
fn failed(graph: &Graph, error: &TractError) -> Error {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    let node = graph.nodes.iter().find(|n| {
        chain.iter().any(|text| {
            text.split(|c: char| c.is_whitespace() || "\"`',#()".contains(c)).any(|w| w == n.name)
        })
    });
    let cause = chain.last().cloned().unwrap_or_default();
    let error = Error::new(format!("the network cannot be run: {cause}"))
        .way_out("Check that it runs in ONNX Runtime with this input, or export it again.");
    match node {
        Some(node) => error.at_node(&node.name),
        None => error,
    }
}

fn tensor_type(fact: &TypedFact) -> TractResult<TensorType> {
    let shape = fact.shape.as_concrete().context("a shape depends on the data")?;
    // What our operators do not handle still has a shape.
    let element = element(fact.datum_type).unwrap_or(Element(0));
    Ok(TensorType { element, shape: shape.to_vec() })
}

/// ONNX's types that tract has, too.
const TYPES: [(Element, DatumType); 12] = [
    (Element::F32, DatumType::F32),
    (Element::U8, DatumType::U8),
    (Element::I8, DatumType::I8),
    (Element(4), DatumType::U16),
    (Element(5), DatumType::I16),
    (Element::I32, DatumType::I32),
    (Element::I64, DatumType::I64),
    (Element(9), DatumType::Bool),
    (Element::F16, DatumType::F16),
    (Element(11), DatumType::F64),
    (Element(12), DatumType::U32),
    (Element(13), DatumType::U64),
];

fn element(dt: DatumType) -> TractResult<Element> {
    if dt == DatumType::TDim {
        return Ok(Element::I64);
    }
    let known = TYPES.iter().find(|(_, own)| *own == dt);
    known.map(|(element, _)| *element).with_context(|| format!("{dt:?} is not supported here"))
}

fn datum_type(element: Element) -> TractResult<DatumType> {
    let known = TYPES.iter().find(|(own, _)| *own == element);
    known.map(|(_, dt)| *dt).with_context(|| format!("{} is not supported here", element.name()))
}

fn constant(tensor: &Tensor) -> TractResult<graph::Tensor> {
    // What tract takes for arithmetic on shapes is i64 in ONNX.
    let numbers;
    let tensor = match tensor.datum_type() {
        DatumType::TDim => {
            numbers = tensor.cast_to::<i64>()?;
            &*numbers
        }
        _ => tensor,
    };
    let plain = tensor.try_as_plain_ram()?;
    let data = match tensor.datum_type() {
        DatumType::F32 => Data::F32(plain.as_slice()?.to_vec()),
        DatumType::U8 => Data::U8(plain.as_slice()?.to_vec()),
        DatumType::I8 => Data::I8(plain.as_slice()?.to_vec()),
        DatumType::I32 => Data::I32(plain.as_slice()?.to_vec()),
        DatumType::I64 => Data::I64(plain.as_slice()?.to_vec()),
        other => Data::Other(element(other)?, plain.as_bytes().to_vec()),
    };
    Ok(graph::Tensor::new(tensor.shape(), data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_is_an_error() {
        let error = caught(|| -> Result<()> {
            assert!(panics_are_caught());
            panic!("somebody has not thought of this")
        });
        assert_eq!(error, Err(broken()));
        assert!(!panics_are_caught());
        assert_eq!(caught(|| Ok(1)), Ok(1));
    }
}
