//! A prepared operator, whoever computes it: ours, tract's, or one that is prepared anew in every run.

use super::super::operators::{
    Kind, MOST_OUTPUTS, Operand, Operator, Order, Prepared, Reorder, Scratch, Setting, TensorType,
    View,
};
use super::super::{asked, tract};
use super::Program;
use super::meaning::{Meaning, ResultId, constant, known_before, ones, result, type_of};
use super::memory::{Elements, Place, tensor};
use super::spelled::spelled_out;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Graph, Node, Tensor, fresh_name};

/// Tensors that an operator reads without an allocation.
const FEW: usize = 4;

/// A prepared operator.
#[derive(Debug)]
pub(super) struct Runner {
    pub(super) name: &'static str,
    arguments: Vec<Argument>,
    engine: Engine,
    pub(super) outputs: Vec<TensorType>,
    order: Order,
}

#[derive(Debug)]
enum Argument {
    /// Place among the step's inputs.
    Result(usize),
    Constant(Elements),
}

#[derive(Debug)]
enum Engine {
    Own(Box<dyn Operator>),
    /// With the argument whose numbers it takes for granted, if one is computed.
    Foreign(Box<tract::Single>, Option<(usize, asked::Trusted)>),
    Anew(Box<Anew>),
}

/// What is prepared anew in every run, all that it reads being constant then: an operator whose weights,
/// axes or scales are computed, and one of [`whole`].
#[derive(Debug)]
struct Anew {
    setting: Setting,
    /// It has the operator sets alone.
    graph: Graph,
    node: Node,
    inputs: Vec<Later>,
}

/// An input of [`Anew`].
#[derive(Debug)]
enum Later {
    LeftOut,
    Constant(Meaning),
    Result(TensorType),
}

impl Anew {
    /// What it makes of the results that it reads, in order.
    fn run(&self, results: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let results: Vec<Meaning> = results.into_iter().map(constant).collect();
        let mut next = results.iter();
        let inputs = self.inputs.iter().map(|input| match input {
            Later::LeftOut => None,
            Later::Constant(constant) => Some(constant),
            Later::Result(_) => next.next(),
        });
        let inputs: Vec<Option<&Meaning>> = inputs.collect();
        let made = match known_before(&self.node, &inputs) {
            Some(made) => vec![made],
            None => {
                let mut alone = Program::new(self.setting, Vec::new());
                alone.make(&self.graph, &self.node, &inputs)?
            }
        };
        let tensor = |made| match made {
            Meaning::Constant(constant) => Ok(constant.into_tensor()),
            Meaning::Result(_) => Err(Error::new("it makes nothing of constants")),
        };
        made.into_iter().map(tensor).collect()
    }

    /// Types of what it makes, tried on results of ones: where they depend on the numbers, a run says
    /// so.
    fn types(&self) -> Result<Vec<TensorType>> {
        let results = self.inputs.iter().filter_map(|input| match input {
            Later::Result(ty) => Some(ones(ty)),
            _ => None,
        });
        let made = self.run(results.collect::<Result<_>>()?)?;
        Ok(made.iter().map(type_of).collect())
    }
}

impl Runner {
    /// Bytes of its results.
    fn made(&self) -> usize {
        self.outputs.iter().filter_map(TensorType::bytes).fold(0, usize::saturating_add)
    }

    pub(super) fn own(
        kind: &Kind,
        node: &Node,
        inputs: &[Option<&Meaning>],
        operands: &[Operand<'_>],
        setting: Setting,
    ) -> Result<Self> {
        let types: Vec<TensorType> = operands.iter().map(|o| o.ty.clone()).collect();
        let output = (kind.output)(node, &types)?;
        asked::check_result(operands, &output, setting.is_anew)?;
        let Prepared { operator, inputs: read, further } =
            (kind.prepare)(node, operands, &setting)?;
        let results = |end: usize| inputs[..end].iter().filter(|i| result(**i).is_some()).count();
        let argument = |&i: &usize| match inputs.get(i) {
            Some(Some(Meaning::Result(_))) => Ok(Argument::Result(results(i))),
            Some(Some(Meaning::Constant(constant))) => Elements::of(constant)
                .map(|elements| Argument::Constant(elements.ordered(&types[i], setting.order)))
                .ok_or_else(|| {
                    Error::new(format!("input {i} is of a type not supported here"))
                        .of_kind(ErrorKind::Unsupported)
                }),
            _ => Err(Error::new(format!("input {i} is missing"))),
        };
        Ok(Self {
            name: kind.op,
            arguments: read.iter().map(argument).collect::<Result<_>>()?,
            engine: Engine::Own(operator),
            outputs: std::iter::once(output).chain(further).collect(),
            order: setting.order,
        })
    }

    pub(super) fn foreign(
        graph: &Graph,
        node: &Node,
        inputs: &[Option<&Meaning>],
        operands: &[Operand<'_>],
        setting: Setting,
    ) -> Result<Self> {
        asked::check(node, operands, setting.is_anew)?;
        let mut types = Vec::new();
        let (mut spelled, constant) = spelled_out(node, inputs)?;
        // The engine has one space of names for nodes and tensors.
        let mut taken = node.inputs.iter().chain(&node.outputs).cloned().collect();
        spelled.name = fresh_name(&node.name, &mut taken);
        let mut alone = Graph {
            nodes: vec![spelled],
            ir_version: graph.ir_version,
            opsets: graph.opsets.clone(),
            initializers: constant.into_iter().collect(),
            ..Graph::default()
        };
        let mut arguments = Vec::new();
        let mut results = 0;
        for (name, input) in node.inputs.iter().zip(inputs) {
            match input {
                None => {}
                Some(Meaning::Constant(constant)) => {
                    alone.initializers.insert(name.clone(), Tensor::clone(constant));
                }
                Some(Meaning::Result(known)) => {
                    // The same result may be read twice, by one name.
                    if !types.iter().any(|(seen, _)| seen == name) {
                        types.push((name.clone(), known.ty.clone()));
                        arguments.push(Argument::Result(results));
                    }
                    results += 1;
                }
            }
        }
        alone.outputs = node
            .outputs
            .iter()
            .filter(|name| !name.is_empty())
            .map(|name| crate::graph::Value { name: name.clone(), ..Default::default() })
            .collect();
        asked::order_axes(&mut alone, operands.first().map_or(0, |x| x.ty.shape.len()));
        let single = tract::Single::new(&alone, &types)?;
        let outputs = single.outputs()?;
        let fits = |output| asked::check_result(operands, output, setting.is_anew);
        outputs.iter().try_for_each(fits)?;
        let trusted = asked::Trusted::of(node, operands).and_then(|trusted| {
            let name = node.input(trusted.input)?;
            Some((types.iter().position(|(other, _)| other == name)?, trusted))
        });
        let (engine, order) = (Engine::Foreign(Box::new(single), trusted), Order::Plain);
        Ok(Self { name: "tract", arguments, engine, outputs, order })
    }

    /// # Errors
    /// An operator that cannot be tried on constants, or reads nothing that is computed.
    pub(super) fn anew(
        graph: &Graph,
        node: &Node,
        inputs: &[Option<&Meaning>],
        setting: Setting,
    ) -> Result<Self> {
        let later = |input: &Option<&Meaning>| match input {
            None => Later::LeftOut,
            Some(Meaning::Result(known)) => Later::Result(known.ty.clone()),
            Some(constant) => Later::Constant((*constant).clone()),
        };
        let inputs: Vec<Later> = inputs.iter().map(later).collect();
        let results = inputs.iter().filter(|input| matches!(input, Later::Result(_))).count();
        if results == 0 {
            return Err(Error::new("it reads constants alone"));
        }
        let graph = Graph {
            ir_version: graph.ir_version,
            opsets: graph.opsets.clone(),
            ..Graph::default()
        };
        let setting = Setting { is_anew: true, ..setting };
        let anew = Anew { setting, graph, node: node.clone(), inputs };
        let outputs = anew.types()?;
        Ok(Self {
            name: "anew",
            arguments: (0..results).map(Argument::Result).collect(),
            engine: Engine::Anew(Box::new(anew)),
            outputs,
            order: Order::Plain,
        })
    }

    /// One run of `step`.
    pub(super) fn run(
        &mut self,
        read: &[ResultId],
        inputs: &[View<'_>],
        made: &[Place],
        memory: (&[Vec<Place>], &mut [Elements], &mut Scratch),
    ) -> Result<()> {
        let (places, held, scratch) = memory;
        let Self { arguments, engine, outputs: types, .. } = self;
        if matches!(engine, Engine::Own(_)) && made.iter().all(|place| place.len == 0) {
            return Ok(());
        }
        let from = Reading { read, inputs, places };
        match engine {
            Engine::Own(operator) => {
                let mut out: [Elements; MOST_OUTPUTS] = Default::default();
                for (out, place) in out.iter_mut().zip(made) {
                    *out = std::mem::take(&mut held[place.slot]);
                }
                let mut next = made.iter();
                let outputs =
                    out.each_mut().map(|out| next.next().map(|place| out.view_mut(place.len)));
                // Few operators read more than two tensors: no allocation for those.
                let mut few = [View::I32(&[]); FEW];
                match few.get_mut(..arguments.len()) {
                    Some(views) => {
                        for (to, argument) in views.iter_mut().zip(&*arguments) {
                            *to = from.view(argument, held)?;
                        }
                        operator.run_all(views, outputs, scratch);
                    }
                    None => {
                        let views = arguments.iter().map(|argument| from.view(argument, held));
                        let views = views.collect::<Result<Vec<_>>>()?;
                        operator.run_all(&views, outputs, scratch);
                    }
                }
                for (out, place) in out.into_iter().zip(made) {
                    held[place.slot] = out;
                }
            }
            Engine::Foreign(single, trusted) => {
                let inputs = arguments.iter().map(|argument| from.input(argument, held));
                let inputs = inputs.collect::<Result<Vec<_>>>()?;
                if let Some((at, trusted)) = trusted
                    && let Some(values) = inputs[*at].integers()
                {
                    trusted.check(&values)?;
                }
                let results = single.run(&inputs)?;
                for (place, elements) in made.iter().zip(results) {
                    held[place.slot] = elements;
                }
            }
            Engine::Anew(anew) => {
                let results = anew.inputs.iter().filter_map(|input| match input {
                    Later::Result(ty) => Some(ty),
                    _ => None,
                });
                let given = arguments.iter().zip(results).map(|(argument, ty)| {
                    match from.input(argument, held)? {
                        tract::Input::View(view) => Ok(tensor(view, ty)),
                        tract::Input::Value(value) => value.tensor(),
                    }
                });
                let results = anew.run(given.collect::<Result<_>>()?)?;
                if !results.iter().map(type_of).eq(types.iter().cloned()) {
                    let what = "the shape of its result depends on the numbers of the frame";
                    return Err(Error::new(what)
                        .at_node(&anew.node.name)
                        .way_out("Export the network with a constant shape there."));
                }
                for (place, result) in made.iter().zip(results) {
                    held[place.slot] = match Elements::of(&result) {
                        Some(elements) => elements,
                        None => Elements::Foreign(tract::Value::of(&result)?),
                    };
                }
            }
        }
        Ok(())
    }

    /// What an operator makes that reads nothing but constants.
    pub(super) fn constants(&mut self) -> Result<Vec<Meaning>> {
        if let Engine::Foreign(single, _) = &mut self.engine {
            return Ok(single.constants()?.into_iter().map(constant).collect());
        }
        let types = self.outputs.clone();
        let mut held: Vec<Elements> = types.iter().map(Elements::empty).collect();
        let place = |(slot, elements): (usize, &Elements)| Place { slot, len: elements.len() };
        let made: Vec<Place> = held.iter().enumerate().map(place).collect();
        self.run(&[], &[], &made, (&[], &mut held, &mut Scratch::default()))?;
        let constants = types.iter().zip(&held).map(|(ty, elements)| {
            let view = elements.view(elements.len());
            let view = view.ok_or_else(|| Error::new("it makes no tensor that is known here"))?;
            // What lies in another order would be no constant of ONNX.
            let mut plain = Elements::empty(ty);
            let view = match self.order {
                Order::ChannelsLast if !Order::is_moot(&ty.shape) => {
                    let (to, out) = (Order::Plain, plain.view_mut(elements.len()));
                    Reorder::new(&ty.shape, to).run(&[view], out, &mut Scratch::default());
                    plain.view(elements.len())
                }
                _ => Some(view),
            };
            view.map(|view| constant(tensor(view, ty)))
                .ok_or_else(|| Error::new("it makes no tensor that is known here"))
        });
        constants.collect()
    }

    pub(super) fn bytes(&self) -> usize {
        let constants = self.arguments.iter().map(|argument| match argument {
            Argument::Result(_) => 0,
            Argument::Constant(elements) => elements.bytes(),
        });
        let own = match &self.engine {
            Engine::Own(operator) => operator.bytes(),
            Engine::Foreign(single, _) => single.bytes(),
            Engine::Anew(_) => 0,
        };
        own + constants.sum::<usize>()
    }

    /// Bytes that it copies while it runs, reading tensors of these types.
    pub(super) fn copied<'a>(&self, read: impl Iterator<Item = &'a TensorType>) -> usize {
        let copies = match self.engine {
            Engine::Own(_) => return 0,
            Engine::Foreign(..) => 1,
            // As they are, and in f64.
            Engine::Anew(_) => 3,
        };
        let all = read.filter_map(TensorType::bytes).fold(self.made(), usize::saturating_add);
        all.saturating_mul(copies)
    }

    /// A step that puts elements of that type into `order`.
    pub(super) fn reorder(ty: &TensorType, order: Order) -> Self {
        Self {
            name: "Reorder",
            arguments: vec![Argument::Result(0)],
            engine: Engine::Own(Box::new(Reorder::new(&ty.shape, order))),
            outputs: vec![ty.clone()],
            order,
        }
    }

    /// Whether it is prepared in every run, on what are constants then.
    pub(super) fn is_anew(&self) -> bool {
        matches!(self.engine, Engine::Anew(_))
    }
}

/// Where a step finds what it reads.
struct Reading<'a> {
    read: &'a [ResultId],
    inputs: &'a [View<'a>],
    places: &'a [Vec<Place>],
}

impl<'a> Reading<'a> {
    fn input(&self, argument: &'a Argument, held: &'a [Elements]) -> Result<tract::Input<'a>> {
        let (elements, len) = match argument {
            Argument::Constant(elements) => (elements, elements.len()),
            Argument::Result(at) => {
                let id = self.read[*at];
                if let Some(input) = self.inputs.get(id.step) {
                    return Ok(tract::Input::View(*input));
                }
                let Place { slot, len } = self.places[id.step][id.output];
                (&held[slot], len)
            }
        };
        match (elements.view(len), elements) {
            (Some(view), _) => Ok(tract::Input::View(view)),
            (None, Elements::Foreign(value)) => Ok(tract::Input::Value(value)),
            (None, _) => Err(Error::new("an operator reads what no other has made")),
        }
    }

    fn view(&self, argument: &'a Argument, held: &'a [Elements]) -> Result<View<'a>> {
        match self.input(argument, held)? {
            tract::Input::View(view) => Ok(view),
            tract::Input::Value(_) => {
                Err(Error::new("an operator reads values of a type that it does not know"))
            }
        }
    }
}
