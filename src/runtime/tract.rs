//! tract as the engine, with our operators plugged in by name.
//!
//! The one file that names tract's engine. The network goes in as an ONNX message; operators that
//! we have are registered over tract's own, every other operator is tract's.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

use super::Arithmetic;
use super::family::Elements;
use super::operators::{
    DETERMINISTIC, INTEGER, Kind, Operand, Operator, Prepared, TensorType, View, ViewMut,
};
use crate::error::{Error, Result};
use crate::graph::{self, Data, Element, Graph};
use crate::onnx;

/// A network prepared by tract.
pub(super) struct Engine {
    state: TypedSimpleState,
    bytes: usize,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Engine {
    pub(super) fn new(
        graph: &Graph,
        inputs: &[(String, TensorType)],
        arithmetic: Arithmetic,
    ) -> Result<Self> {
        let typed = typed(graph, inputs, arithmetic)?;
        let decluttered = typed.into_decluttered().map_err(|e| failed(graph, &e))?;
        // Before optimizing, which hides the weights in packed forms.
        let bytes = session_bytes(&decluttered);
        let model = match arithmetic {
            Arithmetic::Fast => decluttered.into_optimized().map_err(|e| failed(graph, &e))?,
            // Optimizing would choose kernels for this machine.
            Arithmetic::Deterministic => decluttered,
        };
        let plan = model.into_runnable().map_err(|e| failed(graph, &e))?;
        let state = plan.spawn().map_err(|e| failed(graph, &e))?;
        Ok(Self { state, bytes })
    }

    /// `inputs`: shapes and elements, in the order given to [`Engine::new`].
    pub(super) fn run<'a>(
        &mut self,
        inputs: impl IntoIterator<Item = (&'a [usize], &'a [f32])>,
        visit: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<()> {
        let run = || -> TractResult<()> {
            let inputs = inputs.into_iter();
            let inputs = inputs.map(|(shape, x)| Ok(Tensor::from_shape(shape, x)?.into_tvalue()));
            let outputs = self.state.run(inputs.collect::<TractResult<_>>()?)?;
            for (i, output) in outputs.iter().enumerate() {
                if output.datum_type() == f32::datum_type() {
                    visit(i, output.try_as_plain_ram()?.as_slice::<f32>()?);
                }
            }
            Ok(())
        };
        run().map_err(|e| ran_into(&e))
    }

    /// Runs once on one input of any type; gives every output.
    pub(super) fn run_typed(&mut self, input: &graph::Tensor) -> Result<Vec<graph::Tensor>> {
        let mut run = || -> TractResult<Vec<graph::Tensor>> {
            let outputs = self.state.run(tvec!(value(input)?))?;
            outputs.iter().map(|output| constant(output)).collect()
        };
        run().map_err(|e| ran_into(&e))
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// An operator that is tract's, by itself.
pub(super) struct Single {
    state: TypedSimpleState,
    inputs: Vec<TensorType>,
}

impl fmt::Debug for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Single").field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

impl Single {
    /// Prepares `graph`, whose one node reads `inputs` and constants.
    pub(super) fn new(graph: &Graph, inputs: &[(String, TensorType)]) -> Result<Self> {
        let model = typed(graph, inputs, Arithmetic::Deterministic)?;
        let model = model.into_decluttered().map_err(|e| failed(graph, &e))?;
        let plan = model.into_runnable().map_err(|e| failed(graph, &e))?;
        let state = plan.spawn().map_err(|e| failed(graph, &e))?;
        Ok(Self { state, inputs: inputs.iter().map(|(_, ty)| ty.clone()).collect() })
    }

    pub(super) fn outputs(&self) -> Result<Vec<TensorType>> {
        let model = self.state.model();
        let types = || -> TractResult<Vec<TensorType>> {
            let outlets = model.output_outlets()?;
            outlets.iter().map(|&outlet| tensor_type(model.outlet_fact(outlet)?)).collect()
        };
        types().map_err(|e| Error::new(format!("its result has no shape: {e:#}")))
    }

    /// One run, `inputs` being the elements of each input.
    pub(super) fn run(&mut self, inputs: &[View<'_>]) -> Result<Vec<Elements>> {
        let made = self.outcome(inputs)?;
        let elements = |tensor: &TValue| -> TractResult<Elements> {
            let plain = tensor.try_as_plain_ram()?;
            Ok(match tensor.datum_type() {
                DatumType::F32 => Elements::F32(plain.as_slice()?.to_vec()),
                DatumType::I32 => Elements::I32(plain.as_slice()?.to_vec()),
                DatumType::U8 | DatumType::I8 => Elements::Codes(plain.as_bytes().to_vec()),
                _ => Elements::Other,
            })
        };
        made.iter().map(|t| elements(t).map_err(|e| ran_into(&e))).collect()
    }

    /// The constants that an operator makes which reads none but constants.
    pub(super) fn constants(&mut self) -> Result<Vec<graph::Tensor>> {
        let made = self.outcome(&[])?;
        made.iter().map(|t| constant(t).map_err(|e| ran_into(&e))).collect()
    }

    fn outcome(&mut self, inputs: &[View<'_>]) -> Result<TVec<TValue>> {
        let tensor = |(view, ty): (&View<'_>, &TensorType)| -> TractResult<TValue> {
            let tensor = match view {
                View::F32(x) => Tensor::from_shape(&ty.shape, x)?,
                View::I32(x) => Tensor::from_shape(&ty.shape, x)?,
                View::Codes(x) => {
                    let mut tensor = Tensor::zero_dt(datum_type(ty.element)?, &ty.shape)?;
                    tensor.try_as_plain_ram_mut()?.as_bytes_mut().copy_from_slice(x);
                    tensor
                }
            };
            Ok(tensor.into_tvalue())
        };
        let inputs = inputs.iter().zip(&self.inputs).map(tensor);
        let run = inputs.collect::<TractResult<_>>().and_then(|inputs| self.state.run(inputs));
        run.map_err(|e| ran_into(&e))
    }
}

fn ran_into(error: &TractError) -> Error {
    Error::new(format!("the network failed while it ran: {error:#}"))
}

pub(super) fn tensor_types(
    graph: &Graph,
    input_shape: &[usize],
) -> Result<BTreeMap<String, TensorType>> {
    let mut graph = super::lower::lower(graph).graph;
    let names = graph.nodes.iter().flat_map(|n| &n.outputs).filter(|name| !name.is_empty());
    graph.outputs = names
        .map(|name| graph::Value { name: name.clone(), element: Element(0), shape: None })
        .collect();
    let input = TensorType { element: graph.input.element, shape: input_shape.to_vec() };
    let input = (graph.input.name.clone(), input);
    let model = typed(&graph, &[input], Arithmetic::Fast)?;
    let outlets = model.output_outlets().map_err(|e| failed(&graph, &e))?.to_vec();
    graph
        .outputs
        .iter()
        .zip(outlets)
        .map(|(value, outlet)| {
            let fact = model.outlet_fact(outlet).map_err(|e| failed(&graph, &e))?;
            Ok((value.name.clone(), tensor_type(fact).map_err(|e| failed(&graph, &e))?))
        })
        .collect()
}

fn typed(
    graph: &Graph,
    inputs: &[(String, TensorType)],
    arithmetic: Arithmetic,
) -> Result<TypedModel> {
    let framework = framework(arithmetic);
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

fn framework(arithmetic: Arithmetic) -> Onnx {
    // Shapes and types are inferred from the input, not taken from the file.
    let mut framework = tract_onnx::onnx().with_ignore_output_shapes(true);
    framework.ignore_output_types = true;
    let deterministic = match arithmetic {
        Arithmetic::Fast => &[][..],
        Arithmetic::Deterministic => DETERMINISTIC,
    };
    for kind in INTEGER.iter().chain(deterministic) {
        framework.op_register.insert(kind.op, plug);
    }
    framework
}

fn check_operators(graph: &Graph, framework: &Onnx) -> Result<()> {
    match graph.nodes.iter().find(|n| !framework.op_register.0.contains_key(&n.op)) {
        None => Ok(()),
        Some(node) => {
            let domain = if node.domain.is_empty() { "ai.onnx" } else { &node.domain };
            Err(Error::new(format!("the operator `{}` ({domain}) is not known here", node.op))
                .at_node(&node.name)
                .way_out("Export the network with standard ONNX operators."))
        }
    }
}

/// tract's error in our words: the node if its message names one, and the innermost cause.
fn failed(graph: &Graph, error: &TractError) -> Error {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    // An operator of ours has said it already.
    if let Some(ours) = error.chain().find_map(|e| e.downcast_ref::<Error>()) {
        return ours.clone();
    }
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

/// Constants, packed operators, and the largest sum of activations alive at once.
fn session_bytes(model: &TypedModel) -> usize {
    let mut constants = 0;
    let mut last_use = vec![0; model.nodes().len()];
    for (i, node) in model.nodes().iter().enumerate() {
        for input in &node.inputs {
            last_use[input.node] = i;
        }
    }
    let size = |node: &TypedNode| -> usize {
        node.outputs
            .iter()
            .filter_map(|o| o.fact.shape.as_concrete().map(|s| (s, o.fact.datum_type)))
            .map(|(shape, dt)| shape.iter().product::<usize>() * dt.size_of())
            .sum()
    };
    let mut alive = Vec::<(usize, usize)>::new();
    let mut largest = 0;
    for (i, node) in model.nodes().iter().enumerate() {
        if let Some(plugged) = node.op_as::<Plugged>() {
            constants += plugged.operator.bytes();
        }
        if node.op_is::<tract_onnx::tract_core::ops::konst::Const>() {
            // Constants that only a plugged operator read are packed in it.
            if last_use[i] > 0 {
                constants += size(node);
            }
            continue;
        }
        alive.push((last_use[i], size(node)));
        largest = largest.max(alive.iter().map(|(_, size)| size).sum());
        alive.retain(|(last, _)| *last > i);
    }
    constants + largest
}

/// Builds one of our operators from its node: tract's hook for operators by name.
fn plug(_: &ParsingContext, proto: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let node = onnx::read_node(proto.clone(), proto.name.clone())?;
    let kind = INTEGER
        .iter()
        .chain(DETERMINISTIC)
        .find(|kind| kind.op == node.op)
        .with_context(|| format!("{} is not plugged in", node.op))?;
    Ok((expand(Pending { node, kind: *kind }), vec![]))
}

/// One of our operators before shapes are known.
#[derive(Debug, Clone)]
struct Pending {
    node: graph::Node,
    kind: Kind,
}

impl Pending {
    /// Puts what tract passes (the inputs that are there) at the places that ONNX gives them.
    fn placed<T: Default>(&self, present: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut present = present.into_iter();
        let place = |name: &String| {
            if name.is_empty() { T::default() } else { present.next().unwrap_or_default() }
        };
        self.node.inputs.iter().map(place).collect()
    }
}

impl Expansion for Pending {
    fn name(&self) -> StaticName {
        self.kind.op.into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        s: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_output_arity(outputs, 1)?;
        s.given_all(inputs.iter().map(|i| &i.datum_type), move |s, types| {
            s.given_all(inputs.iter().map(|i| &i.shape), move |s, shapes| {
                let types = types
                    .iter()
                    .zip(&shapes)
                    .map(|(&dt, shape)| {
                        let shape = shape.iter().map(TDim::to_usize).collect::<Result<_, _>>()?;
                        Ok(TensorType { element: element(dt)?, shape })
                    })
                    .collect::<TractResult<Vec<_>>>()?;
                let output = (self.kind.output)(&self.node, &self.placed(types))?;
                s.equals(&outputs[0].datum_type, datum_type(output.element)?)?;
                let shape: ShapeFactoid = output.shape.iter().copied().collect();
                s.equals(&outputs[0].shape, shape)
            })
        })
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let operands = inputs
            .iter()
            .map(|&outlet| {
                let fact = model.outlet_fact(outlet)?;
                let ty = tensor_type(fact)?;
                let constant = fact.konst.as_ref().map(|t| constant(t)).transpose()?;
                Ok(Operand { ty, constant })
            })
            .collect::<TractResult<Vec<_>>>()?;
        let operands = self.placed(operands);
        let types: Vec<TensorType> = operands.iter().map(|o| o.ty.clone()).collect();
        let output = (self.kind.output)(&self.node, &types)?;
        let Prepared { operator, inputs: read } = (self.kind.prepare)(&self.node, &operands)?;
        let outlets = self.placed(inputs.iter().map(|&o| Some(o)));
        let wires = read
            .iter()
            .map(|&i| outlets[i].with_context(|| format!("input {i} is missing")))
            .collect::<TractResult<TVec<OutletId>>>()?;
        let op = Plugged {
            kind: self.kind.op,
            operator: operator.into(),
            fact: datum_type(output.element)?.fact(&output.shape),
        };
        model.wire_node(prefix, op, &wires)
    }
}

/// One of our operators, prepared.
#[derive(Debug, Clone)]
struct Plugged {
    kind: &'static str,
    operator: Arc<dyn Operator>,
    fact: TypedFact,
}

impl PartialEq for Plugged {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.operator, &other.operator)
    }
}

impl Eq for Plugged {}

impl Op for Plugged {
    fn name(&self) -> StaticName {
        self.kind.into()
    }

    op_as_typed_op!();
}

impl EvalOp for Plugged {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let views = inputs.iter().map(|t| view(t)).collect::<TractResult<Vec<_>>>()?;
        let shape = self.fact.shape.as_concrete().context("the output's shape is not concrete")?;
        let mut output = Tensor::zero_dt(self.fact.datum_type, shape)?;
        {
            let mut plain = output.try_as_plain_ram_mut()?;
            let target = match self.fact.datum_type {
                DatumType::F32 => ViewMut::F32(plain.as_slice_mut()?),
                DatumType::I32 => ViewMut::I32(plain.as_slice_mut()?),
                _ => ViewMut::Codes(plain.as_bytes_mut()),
            };
            self.operator.run(&views, target);
        }
        Ok(tvec!(output.into_tvalue()))
    }
}

impl TypedOp for Plugged {
    fn output_facts(&self, _: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(self.fact.clone()))
    }

    as_op!();
}

fn view(tensor: &Tensor) -> TractResult<View<'_>> {
    let plain = tensor.try_as_plain_ram()?;
    Ok(match tensor.datum_type() {
        DatumType::F32 => View::F32(plain.as_slice()?),
        DatumType::I32 => View::I32(plain.as_slice()?),
        DatumType::U8 | DatumType::I8 => View::Codes(plain.as_bytes()),
        other => bail!("{other:?} is not supported here"),
    })
}

fn tensor_type(fact: &TypedFact) -> TractResult<TensorType> {
    let shape = fact.shape.as_concrete().context("a shape depends on the data")?;
    // What our operators do not handle still has a shape.
    let element = element(fact.datum_type).unwrap_or(Element(0));
    Ok(TensorType { element, shape: shape.to_vec() })
}

fn element(dt: DatumType) -> TractResult<Element> {
    Ok(match dt {
        DatumType::F32 => Element::F32,
        DatumType::U8 => Element::U8,
        DatumType::I8 => Element::I8,
        DatumType::I32 => Element::I32,
        DatumType::I64 | DatumType::TDim => Element::I64,
        other => bail!("{other:?} is not supported here"),
    })
}

fn datum_type(element: Element) -> TractResult<DatumType> {
    Ok(match element {
        Element::F32 => DatumType::F32,
        Element::U8 => DatumType::U8,
        Element::I8 => DatumType::I8,
        Element::I32 => DatumType::I32,
        Element::I64 => DatumType::I64,
        other => bail!("{} is not supported here", other.name()),
    })
}

fn value(tensor: &graph::Tensor) -> TractResult<TValue> {
    let shape = &tensor.shape;
    let value = match &tensor.data {
        Data::F32(x) => Tensor::from_shape(shape, x)?,
        Data::U8(x) => Tensor::from_shape(shape, x)?,
        Data::I8(x) => Tensor::from_shape(shape, x)?,
        Data::I32(x) => Tensor::from_shape(shape, x)?,
        Data::I64(x) => Tensor::from_shape(shape, x)?,
        Data::Other(..) | Data::Texts(_) => {
            bail!("{} is not supported here", tensor.element().name())
        }
    };
    Ok(value.into_tvalue())
}

fn constant(tensor: &Tensor) -> TractResult<graph::Tensor> {
    let plain = tensor.try_as_plain_ram()?;
    let data = match tensor.datum_type() {
        DatumType::F32 => Data::F32(plain.as_slice()?.to_vec()),
        DatumType::U8 => Data::U8(plain.as_slice()?.to_vec()),
        DatumType::I8 => Data::I8(plain.as_slice()?.to_vec()),
        DatumType::I32 => Data::I32(plain.as_slice()?.to_vec()),
        DatumType::I64 => Data::I64(plain.as_slice()?.to_vec()),
        other => bail!("{other:?} is not supported here"),
    };
    Ok(graph::Tensor::new(tensor.shape(), data))
}
