//! Operators in the order in which they run, and the memory between them.
//!
//! A program is grown node by node. An operator is prepared once, whichever nodes ask for it, and a
//! result is known by the operator that makes it and the results it reads: nodes that compute the
//! same are one step. Each result lies in one order ([`Order`]); a step that needs another gets it
//! from a step that reorders. Results share memory where the steps that read them are past, and
//! after the first run nothing is allocated.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::operators::{
    self, Kind, MOST_BYTES, MOST_CONSTANT_BYTES, MOST_OUTPUTS, Operand, Operator, Order, Orders,
    Prepared, Reorder, Scratch, Setting, TensorType, View, ViewMut, too_large,
};
use super::{asked, fuse, tract, whole};
use crate::clock::Stopwatch;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Attribute, Data, Element, Graph, Node, Tensor, fresh_name, segment};

/// An output of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ResultId {
    step: usize,
    output: usize,
}

/// A result, and what its elements are.
#[derive(Debug, Clone)]
struct Known {
    id: ResultId,
    ty: TensorType,
    order: Order,
}

/// What a name of the graph stands for while it is read.
#[derive(Debug, Clone)]
enum Meaning {
    Result(Known),
    /// A tensor and its hash.
    Constant(Tensor, u64),
}

#[derive(Debug)]
struct Step {
    /// `None` for an input of the program.
    operator: Option<usize>,
    inputs: Vec<ResultId>,
    /// The last step that reads one of its results; `usize::MAX` if one is observed.
    last_reader: usize,
    /// The first node that it was made for.
    node: String,
}

/// A prepared operator.
#[derive(Debug)]
struct Runner {
    name: &'static str,
    arguments: Vec<Argument>,
    engine: Engine,
    outputs: Vec<TensorType>,
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
            Meaning::Constant(tensor, _) => Ok(tensor),
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

pub(super) fn type_of(tensor: &Tensor) -> TensorType {
    TensorType { element: tensor.element(), shape: tensor.shape.clone() }
}

/// A tensor to try operators on, ones where they are floats, else zeros: scales are no zero, and places
/// and axes are there.
///
/// # Errors
/// More than can be tried on, and what is no number.
pub(super) fn ones(ty: &TensorType) -> Result<Tensor> {
    ty.check_size_within(MOST_CONSTANT_BYTES)?;
    let len: usize = ty.shape.iter().product();
    let data = match ty.element {
        Element::F32 => Data::F32(vec![1.0; len]),
        Element::U8 => Data::U8(vec![0; len]),
        Element::I8 => Data::I8(vec![0; len]),
        Element::I32 => Data::I32(vec![0; len]),
        Element::I64 => Data::I64(vec![0; len]),
        other => {
            let bytes = other.bytes(len).ok_or_else(|| Error::new("it reads no numbers"))?;
            Data::Other(other, vec![0; bytes])
        }
    };
    Ok(Tensor::new(ty.shape.clone(), data))
}

/// Elements of a tensor.
#[derive(Debug, Clone, Default)]
pub(super) enum Elements {
    #[default]
    Nothing,
    F32(Vec<f32>),
    /// 8-bit integers, as they lie in memory.
    Codes(Vec<u8>),
    I32(Vec<i32>),
    /// Of a type that only tract's operators read.
    Foreign(tract::Value),
}

/// What is asked of a program.
#[derive(Debug, Clone)]
pub(super) enum Observed {
    Result(ResultId, TensorType),
    Constant(Tensor),
}

/// Where each result lies while the program runs.
#[derive(Debug, Default)]
struct Memory {
    /// For each step and output.
    places: Vec<Vec<Place>>,
    held: Vec<Elements>,
    scratch: Scratch,
    /// Whether it is laid out for the steps as they are, and for what is observed of them.
    is_ready: bool,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    /// Which of the memory's tensors.
    slot: usize,
    /// Elements, the first ones there.
    len: usize,
}

/// Tensors that an operator reads without an allocation.
const FEW: usize = 4;

/// Time that a step took.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTime {
    /// The node that the step was made for.
    pub node: String,
    /// The operator that ran.
    pub operator: &'static str,
    /// Milliseconds of one run.
    pub ms: f64,
}

/// Steps, and what they share.
#[derive(Debug)]
pub(super) struct Program {
    setting: Setting,
    inputs: Vec<TensorType>,
    operators: Vec<Runner>,
    /// By a hash of everything that an operator is.
    known_operators: HashMap<u64, usize>,
    steps: Vec<Step>,
    known_steps: HashMap<(usize, Vec<ResultId>), usize>,
    memory: Memory,
}

impl Program {
    /// A program that does nothing yet, on inputs of these types in ONNX's order.
    pub(super) fn new(setting: Setting, inputs: Vec<TensorType>) -> Self {
        let mut program = Self {
            setting,
            inputs,
            operators: Vec::new(),
            known_operators: HashMap::new(),
            steps: Vec::new(),
            known_steps: HashMap::new(),
            memory: Memory::default(),
        };
        program.clear();
        program
    }

    pub(super) fn input(&self, index: usize) -> &TensorType {
        &self.inputs[index]
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> [usize; 2] {
        [self.steps.len(), self.operators.len()]
    }

    /// Forgets all steps; the operators stay prepared.
    pub(super) fn clear(&mut self) {
        let input =
            |_| Step { operator: None, inputs: Vec::new(), last_reader: 0, node: String::new() };
        self.steps = self.inputs.iter().map(input).collect();
        self.known_steps.clear();
        self.memory.is_ready = false;
    }

    /// Reads a lowered graph, whose tensors `inputs` are the program's; gives what is to be
    /// observed, in ONNX's order or, with `any_order`, as it lies.
    ///
    /// # Errors
    /// Names the node that cannot be run, and a tensor that nothing makes.
    pub(super) fn read(
        &mut self,
        graph: &Graph,
        inputs: &[String],
        observed: &[String],
        any_order: bool,
    ) -> Result<Vec<Observed>> {
        let (needed, _) = segment(graph, &|name| inputs.iter().any(|i| i == name), observed);
        let meanings = self.meanings(graph, &needed.nodes, inputs)?;
        self.memory.is_ready = false;
        let observe = |name: &String| match meanings.get(name) {
            None => Err(Error::new(format!("there is no tensor `{name}`"))),
            Some(Meaning::Constant(tensor, _)) => Ok(Observed::Constant(tensor.clone())),
            Some(Meaning::Result(known)) => {
                let id = match any_order {
                    true => known.id,
                    false => self.ordered(known, Order::Plain),
                };
                self.steps[id.step].last_reader = usize::MAX;
                Ok(Observed::Result(id, known.ty.clone()))
            }
        };
        observed.iter().map(observe).collect()
    }

    /// Type and shape of every tensor that the nodes of a lowered graph make.
    ///
    /// # Errors
    /// As [`Program::read`].
    pub(super) fn types(
        &mut self,
        graph: &Graph,
        inputs: &[String],
    ) -> Result<Vec<(String, TensorType)>> {
        let meanings = self.meanings(graph, &graph.nodes, inputs)?;
        let made = graph.nodes.iter().flat_map(|node| &node.outputs);
        let ty = |name: &String| Some((name.clone(), ty(meanings.get(name)?)));
        Ok(made.filter_map(ty).collect())
    }

    /// Whether some operator is prepared in every run, on what are constants then.
    pub(super) fn prepares_anew(&self) -> bool {
        self.operators.iter().any(|operator| matches!(operator.engine, Engine::Anew(_)))
    }

    /// What a lowered graph makes of one tensor, node by node: where shapes depend on the numbers.
    ///
    /// # Errors
    /// As [`Program::read`].
    pub(super) fn evaluate(
        setting: Setting,
        graph: &Graph,
        (input, tensor): (&str, Tensor),
        observed: &[String],
    ) -> Result<HashMap<String, Tensor>> {
        let mut graph = graph.clone();
        graph.initializers.insert(input.into(), tensor);
        let (needed, _) = segment(&graph, &|name| name == input, observed);
        let reads = |(at, node): (usize, &Node)| {
            node.inputs.iter().map(move |name| (name.clone(), at)).collect::<Vec<_>>()
        };
        let last_reader: HashMap<String, usize> =
            needed.nodes.iter().enumerate().flat_map(reads).collect();
        let setting = Setting { is_anew: true, ..setting };
        let mut meanings = HashMap::new();
        for (at, node) in needed.nodes.iter().enumerate() {
            // An operator holds copies of what it reads: none outlives its node.
            Self::new(setting, Vec::new()).follow(&graph, node, &mut meanings)?;
            for name in node.inputs.iter().chain(&node.outputs) {
                let is_read = last_reader.get(name).is_some_and(|&last| last > at);
                if !is_read && !observed.contains(name) {
                    meanings.remove(name);
                }
            }
            let made =
                meanings.iter().filter(|(name, _)| !graph.initializers.contains_key(name.as_str()));
            let bytes =
                made.filter_map(|(_, made)| ty(made).bytes()).fold(0, usize::saturating_add);
            if bytes > MOST_CONSTANT_BYTES {
                let most = MOST_CONSTANT_BYTES;
                let what = format!("up to here a run holds {bytes} bytes, more than {most}");
                return Err(too_large(what).at_node(&node.name));
            }
        }
        let tensor = |(name, meaning)| match meaning {
            Meaning::Constant(tensor, _) => Some((name, tensor)),
            Meaning::Result(_) => None,
        };
        let mut made: HashMap<String, Tensor> = meanings.into_iter().filter_map(tensor).collect();
        for name in observed {
            if let (Some(tensor), false) = (graph.initializers.get(name), made.contains_key(name)) {
                made.insert(name.clone(), tensor.clone());
            }
        }
        Ok(made)
    }

    fn meanings(
        &mut self,
        graph: &Graph,
        nodes: &[Node],
        inputs: &[String],
    ) -> Result<HashMap<String, Meaning>> {
        let mut meanings: HashMap<String, Meaning> = HashMap::new();
        for (step, (name, ty)) in inputs.iter().zip(&self.inputs).enumerate() {
            let id = ResultId { step, output: 0 };
            let known = Known { id, ty: ty.clone(), order: Order::Plain };
            meanings.insert(name.clone(), Meaning::Result(known));
        }
        for node in nodes {
            self.follow(graph, node, &mut meanings)?;
        }
        Ok(meanings)
    }

    /// Adds to `meanings` what `node` makes of them.
    fn follow(
        &mut self,
        graph: &Graph,
        node: &Node,
        meanings: &mut HashMap<String, Meaning>,
    ) -> Result<()> {
        for name in node.inputs.iter().filter(|name| !name.is_empty()) {
            if let (Some(tensor), false) =
                (graph.initializers.get(name), meanings.contains_key(name))
            {
                meanings.insert(name.clone(), constant(tensor.clone()));
            }
        }
        let inputs: Vec<Option<&Meaning>> = node
            .inputs
            .iter()
            .map(|name| match name.is_empty() {
                true => Ok(None),
                false => meanings.get(name).map(Some).ok_or_else(|| {
                    Error::new(format!("its input `{name}` is not known")).at_node(&node.name)
                }),
            })
            .collect::<Result<_>>()?;
        let made = match known_before(node, &inputs) {
            Some(meaning) => vec![meaning],
            None => self.make(graph, node, &inputs)?,
        };
        let names = node.outputs.iter().cloned();
        meanings.extend(names.zip(made).filter(|(name, _)| !name.is_empty()));
        Ok(())
    }

    /// What `node` makes, by a step that is new or known.
    fn make(
        &mut self,
        graph: &Graph,
        node: &Node,
        inputs: &[Option<&Meaning>],
    ) -> Result<Vec<Meaning>> {
        if drops(node, inputs) {
            return Err(Error::new("it drops at random, in training mode")
                .at_node(&node.name)
                .way_out("Export the network for inference."));
        }
        let dated = whole::dated(node, graph.opset());
        let node = dated.as_ref().unwrap_or(node);
        let value = |index: usize| match inputs.get(index) {
            Some(Some(Meaning::Constant(tensor, _))) => Some(tensor.clone()),
            _ => None,
        };
        // What no operator of ours takes goes to the engine as it came.
        let is_ours =
            |settled: &Node| kind(settled, &operands(&inputs[..settled.inputs.len()])).is_some();
        let settled = operators::settle(node, &value).filter(is_ours);
        let node = settled.as_ref().unwrap_or(node);
        let inputs = &inputs[..node.inputs.len()];
        let operands = operands(inputs);
        let kind = kind(node, &operands);
        if kind.is_none()
            && let Some([bare, clip]) = fuse::split(node)
        {
            // The engine's operators do not know of activations that were folded into them.
            let made = self.make(graph, &bare, inputs)?;
            let Some(x) = made.first() else { return Ok(made) };
            if element(x) == Element::F32 {
                return self.make(graph, &clip, &[Some(x)]);
            }
            // Of other types there is Relu alone: the bounds of a Clip were float32.
            let zero = Tensor::zero(element(x)).map(constant).ok_or_else(|| {
                Error::new(format!("an activation on {} is not supported", element(x).name()))
                    .of_kind(ErrorKind::Unsupported)
                    .at_node(&node.name)
            })?;
            let inputs = ["number", "zero"].map(|what| format!("{}_{what}", node.output()));
            let max = Node::new("Max", &node.name, inputs, [node.output()]);
            return self.make(graph, &max, &[Some(x), Some(&zero)]);
        }
        if node.is("Mean") && inputs.iter().flatten().any(|x| shape(x).len() != rank(inputs)) {
            // The engine's divides by a number of the first one's axes.
            let names = ["sum", "count"].map(|what| format!("{}_{what}", node.output()));
            let sum = Node { op: "Sum".into(), outputs: vec![names[0].clone()], ..node.clone() };
            let made = self.make(graph, &sum, inputs)?;
            let Some(sum) = made.first() else { return Ok(made) };
            let count = constant(Tensor::scalar_f32(inputs.len() as f32));
            let div = Node::new("Div", &node.name, names, [node.output()]);
            return self.make(graph, &div, &[Some(sum), Some(&count)]);
        }
        if let Some(operator) = whole::operator(node)
            && inputs.iter().all(|input| result(*input).is_none())
        {
            let tensors = operands.iter().map(|operand| operand.constant);
            let made = operator(node, &tensors.collect::<Vec<_>>());
            let made = made.map_err(|e| e.at_node(&node.name))?;
            return Ok(made.into_iter().map(constant).collect());
        }
        let order = kind.map_or(Order::Plain, |(_, orders)| order(orders, inputs));
        let identity = identity(graph, node, inputs, order);
        let operator = match self.known_operators.get(&identity) {
            Some(&known) => known,
            None => {
                let anew = whole::operator(node).is_some() || is_misread(node, inputs);
                let runner = match kind {
                    _ if anew => Runner::anew(graph, node, inputs, self.setting),
                    Some((kind, _)) => {
                        let setting = Setting { order, ..self.setting };
                        Runner::own(kind, node, inputs, &operands, setting)
                    }
                    None => Runner::foreign(graph, node, inputs, &operands, self.setting),
                };
                // What it wants as a constant may be computed.
                let runner = runner.or_else(|error| match !anew && computes_a_parameter(inputs) {
                    true => Runner::anew(graph, node, inputs, self.setting).map_err(|_| error),
                    false => Err(error),
                });
                let runner = runner.map_err(|e| e.at_node(&node.name))?;
                self.known_operators.insert(identity, self.operators.len());
                self.operators.push(runner);
                self.operators.len() - 1
            }
        };
        let results: Vec<&Known> = inputs.iter().filter_map(|input| result(*input)).collect();
        if results.is_empty() {
            return self.operators[operator].constants().map_err(|e| e.at_node(&node.name));
        }
        let results = results.into_iter().map(|known| self.ordered(known, order)).collect();
        let step = self.step(operator, results, &node.name);
        let types = self.operators[operator].outputs.iter().cloned().enumerate();
        Ok(types
            .map(|(output, ty)| Meaning::Result(Known { id: ResultId { step, output }, ty, order }))
            .collect())
    }

    fn step(&mut self, operator: usize, inputs: Vec<ResultId>, node: &str) -> usize {
        let key = (operator, inputs);
        if let Some(&step) = self.known_steps.get(&key) {
            return step;
        }
        let step = self.steps.len();
        for result in &key.1 {
            let source = &mut self.steps[result.step].last_reader;
            *source = (*source).max(step);
        }
        self.steps.push(Step {
            operator: Some(operator),
            inputs: key.1.clone(),
            last_reader: step,
            node: node.into(),
        });
        self.known_steps.insert(key, step);
        step
    }

    /// The result in `order`.
    fn ordered(&mut self, known: &Known, order: Order) -> ResultId {
        let shape = &known.ty.shape;
        if known.order == order || Order::is_moot(shape) {
            return known.id;
        }
        let mut hasher = DefaultHasher::new();
        ("reorder", known.ty.element, shape, order).hash(&mut hasher);
        let operators = &mut self.operators;
        let operator = *self.known_operators.entry(hasher.finish()).or_insert_with(|| {
            operators.push(Runner {
                name: "Reorder",
                arguments: vec![Argument::Result(0)],
                engine: Engine::Own(Box::new(Reorder::new(shape, order))),
                outputs: vec![known.ty.clone()],
                order,
            });
            operators.len() - 1
        });
        let step = self.step(operator, vec![known.id], &self.steps[known.id.step].node.clone());
        ResultId { step, output: 0 }
    }

    /// Runs every step on `inputs`, each elements in ONNX's order.
    ///
    /// # Errors
    /// What goes wrong inside an operator.
    pub(super) fn run(&mut self, inputs: &[View<'_>]) -> Result<()> {
        self.run_watched(inputs, |_, run| run())
    }

    /// Runs once, and tells how long each step took.
    ///
    /// # Errors
    /// As [`Program::run`].
    pub(super) fn run_timed(&mut self, inputs: &[View<'_>]) -> Result<Vec<StepTime>> {
        let stopwatch = Stopwatch::start();
        let mut times = Vec::with_capacity(self.steps.len());
        self.run_watched(inputs, |step, run| {
            let begin = stopwatch.ms();
            run()?;
            times.push((step, stopwatch.ms() - begin));
            Ok(())
        })?;
        let time = |(step, ms): (usize, f64)| {
            let Step { operator, node, .. } = &self.steps[step];
            let operator = operator.map_or("", |operator| self.operators[operator].name);
            StepTime { node: node.clone(), operator, ms }
        };
        Ok(times.into_iter().map(time).collect())
    }

    fn run_watched(
        &mut self,
        inputs: &[View<'_>],
        mut watch: impl FnMut(usize, &mut dyn FnMut() -> Result<()>) -> Result<()>,
    ) -> Result<()> {
        self.lay_out()?;
        let Memory { places, held, scratch, .. } = &mut self.memory;
        for (at, step) in self.steps.iter().enumerate() {
            let Some(operator) = step.operator else { continue };
            let runner = &mut self.operators[operator];
            watch(at, &mut || {
                let memory = (&places[..], &mut held[..], &mut *scratch);
                runner.run(&step.inputs, inputs, &places[at], memory)
            })?;
        }
        Ok(())
    }

    /// The elements of a result after a run, which had `inputs`. `None` if tract alone reads them.
    fn result<'a>(&'a self, id: ResultId, inputs: &[View<'a>]) -> Option<View<'a>> {
        match inputs.get(id.step) {
            Some(input) => Some(*input),
            None => {
                let Place { slot, len } = self.memory.places[id.step][id.output];
                self.memory.held[slot].view(len)
            }
        }
    }

    /// Hands the float32 tensors among `observed` to `visit(place, elements)`, after a run that had
    /// `inputs`.
    pub(super) fn visit(
        &self,
        observed: &[Observed],
        inputs: &[View<'_>],
        mut visit: impl FnMut(usize, &[f32]),
    ) {
        for (at, observed) in observed.iter().enumerate() {
            let values = match observed {
                Observed::Constant(tensor) => tensor.as_f32(),
                Observed::Result(id, _) => match self.result(*id, inputs) {
                    Some(View::F32(values)) => Some(values),
                    _ => None,
                },
            };
            if let Some(values) = values {
                visit(at, values);
            }
        }
    }

    /// A result after a run as a tensor of the given type.
    ///
    /// # Errors
    /// A type that Steer8 does not know.
    pub(super) fn tensor(
        &self,
        id: ResultId,
        ty: &TensorType,
        inputs: &[View<'_>],
    ) -> Result<Tensor> {
        if let Some(view) = self.result(id, inputs) {
            return Ok(tensor(view, ty));
        }
        match &self.memory.held[self.memory.places[id.step][id.output].slot] {
            Elements::Foreign(value) => value.tensor(),
            _ => Err(Error::new("a result has no elements")),
        }
    }

    /// Bytes of packed constants, and of the memory between operators as it is now.
    ///
    /// # Errors
    /// More memory than may be taken.
    pub(super) fn bytes(&mut self) -> Result<usize> {
        self.lay_out()?;
        let held: usize = self.memory.held.iter().map(Elements::bytes).sum();
        let operators: usize = self.operators.iter().map(Runner::bytes).sum();
        Ok(operators + held + self.memory.scratch.bytes())
    }

    /// Bytes of what the engine copies while it runs a step: what it reads and makes.
    fn copied(&self, operator: usize, step: &Step) -> usize {
        let copies = match self.operators[operator].engine {
            Engine::Own(_) => return 0,
            Engine::Foreign(..) => 1,
            // As they are, and in f64.
            Engine::Anew(_) => 3,
        };
        let read = step.inputs.iter().filter_map(|id| match self.steps[id.step].operator {
            Some(operator) => self.operators[operator].outputs[id.output].bytes(),
            None => self.inputs[id.step].bytes(),
        });
        let all = read.fold(self.operators[operator].made(), usize::saturating_add);
        all.saturating_mul(copies)
    }

    /// Gives every result a slot: one whose result nobody reads any more, or a new one.
    ///
    /// # Errors
    /// More memory than may be taken.
    fn lay_out(&mut self) -> Result<()> {
        if self.memory.is_ready {
            return Ok(());
        }
        let mut held: Vec<Elements> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        let mut places: Vec<Vec<Place>> = Vec::with_capacity(self.steps.len());
        // What nobody reads again, by the step after which that is so.
        let mut done: Vec<Vec<usize>> = vec![Vec::new(); self.steps.len()];
        for (at, step) in self.steps.iter().enumerate() {
            let Some(operator) = step.operator else {
                places.push(Vec::new());
                continue;
            };
            let place = |ty: &TensorType| {
                let wanted = Elements::empty(ty);
                let len = wanted.len();
                let alike = |&&slot: &&usize| held[slot].is_like(&wanted);
                // The smallest that is large enough, else the largest.
                let fit = free.iter().filter(alike).copied().min_by_key(|&slot| {
                    let own = held[slot].len();
                    if own >= len { (0, own) } else { (1, usize::MAX - own) }
                });
                let slot = fit.unwrap_or(held.len());
                free.retain(|&other| other != slot);
                if slot == held.len() {
                    held.push(wanted);
                } else if held[slot].len() < len {
                    held[slot] = wanted;
                }
                Place { slot, len }
            };
            places.push(self.operators[operator].outputs.iter().map(place).collect());
            let copied = self.copied(operator, step);
            let bytes = held.iter().map(Elements::bytes).fold(copied, usize::saturating_add);
            if bytes > MOST_BYTES {
                let what = format!("up to here a run holds {bytes} bytes, more than {MOST_BYTES}");
                return Err(too_large(what).at_node(&step.node));
            }
            if step.last_reader != usize::MAX {
                done[step.last_reader].push(at);
            }
            for past in std::mem::take(&mut done[at]) {
                free.extend(places[past].iter().map(|place| place.slot));
            }
        }
        let scratch = std::mem::take(&mut self.memory.scratch);
        self.memory = Memory { places, held, scratch, is_ready: true };
        Ok(())
    }
}

impl Runner {
    /// Bytes of its results.
    fn made(&self) -> usize {
        self.outputs.iter().filter_map(TensorType::bytes).fold(0, usize::saturating_add)
    }

    fn own(
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
            Some(Some(Meaning::Constant(tensor, _))) => Elements::of(tensor)
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

    fn foreign(
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
                Some(Meaning::Constant(tensor, _)) => {
                    alone.initializers.insert(name.clone(), tensor.clone());
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
    fn anew(
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
    fn run(
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
    fn constants(&mut self) -> Result<Vec<Meaning>> {
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

    fn bytes(&self) -> usize {
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

impl Elements {
    /// Room for a tensor of a type that our operators make; what tract's make brings its own.
    fn empty(ty: &TensorType) -> Self {
        let len = ty.shape.iter().product();
        match ty.element {
            Element::F32 => Self::F32(vec![0.0; len]),
            Element::U8 | Element::I8 => Self::Codes(vec![0; len]),
            Element::I32 => Self::I32(vec![0; len]),
            _ => Self::Nothing,
        }
    }

    pub(super) fn of(tensor: &Tensor) -> Option<Self> {
        Some(match &tensor.data {
            Data::F32(x) => Self::F32(x.clone()),
            Data::U8(x) => Self::Codes(x.clone()),
            Data::I8(x) => Self::Codes(x.iter().map(|&code| code as u8).collect()),
            Data::I32(x) => Self::I32(x.clone()),
            _ => return None,
        })
    }

    /// What lies in ONNX's order, in another.
    fn ordered(self, ty: &TensorType, order: Order) -> Self {
        if order == Order::Plain || Order::is_moot(&ty.shape) {
            return self;
        }
        let mut out = Self::empty(ty);
        let len = self.len();
        if let Some(view) = self.view(len) {
            let scratch = &mut Scratch::default();
            Reorder::new(&ty.shape, order).run(&[view], out.view_mut(len), scratch);
        }
        out
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::F32(x) => x.len(),
            Self::Codes(x) => x.len(),
            Self::I32(x) => x.len(),
            Self::Nothing | Self::Foreign(_) => 0,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::F32(x) => size_of_val(&x[..]),
            Self::Codes(x) => size_of_val(&x[..]),
            Self::I32(x) => size_of_val(&x[..]),
            Self::Foreign(value) => value.bytes(),
        }
    }

    /// Whether a tensor of the other's kind may lie here.
    fn is_like(&self, other: &Self) -> bool {
        !matches!(other, Self::Nothing)
            && std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// The first `len` elements.
    pub(super) fn view(&self, len: usize) -> Option<View<'_>> {
        match self {
            Self::F32(x) => x.get(..len).map(View::F32),
            Self::Codes(x) => x.get(..len).map(View::Codes),
            Self::I32(x) => x.get(..len).map(View::I32),
            Self::Nothing | Self::Foreign(_) => None,
        }
    }

    fn view_mut(&mut self, len: usize) -> ViewMut<'_> {
        fn first<T: Clone + Default>(x: &mut Vec<T>, len: usize) -> &mut [T] {
            if x.len() < len {
                x.resize(len, T::default());
            }
            &mut x[..len]
        }
        match self {
            Self::F32(x) => ViewMut::F32(first(x, len)),
            Self::Codes(x) => ViewMut::Codes(first(x, len)),
            Self::I32(x) => ViewMut::I32(first(x, len)),
            Self::Nothing | Self::Foreign(_) => unreachable!("an operator of ours has its memory"),
        }
    }
}

/// Elements as a tensor of that type.
fn tensor(view: View<'_>, ty: &TensorType) -> Tensor {
    let data = match (view, ty.element) {
        (View::F32(x), _) => Data::F32(x.to_vec()),
        (View::I32(x), _) => Data::I32(x.to_vec()),
        (View::Codes(x), Element::I8) => Data::I8(x.iter().map(|&code| code as i8).collect()),
        (View::Codes(x), _) => Data::U8(x.to_vec()),
    };
    Tensor::new(ty.shape.clone(), data)
}

fn result(input: Option<&Meaning>) -> Option<&Known> {
    match input {
        Some(Meaning::Result(known)) => Some(known),
        _ => None,
    }
}

fn operands<'a>(inputs: &[Option<&'a Meaning>]) -> Vec<Operand<'a>> {
    let operand = |input: &Option<&'a Meaning>| match input {
        None => Operand::default(),
        Some(Meaning::Result(known)) => Operand { ty: known.ty.clone(), constant: None },
        Some(Meaning::Constant(tensor, _)) => {
            Operand { ty: type_of(tensor), constant: Some(tensor) }
        }
    };
    inputs.iter().map(operand).collect()
}

/// Whether somebody has the operator of a node.
pub(super) fn is_known(node: &Node) -> bool {
    operators::kind(&node.op).is_some() || whole::operator(node).is_some() || tract::has(&node.op)
}

/// Our operator for `node` on these operands, if we have one.
fn kind(node: &Node, operands: &[Operand<'_>]) -> Option<(&'static Kind, Orders)> {
    let kind = operators::kind(&node.op).filter(|_| !operands.is_empty())?;
    Some((kind, (kind.orders)(node, operands)?))
}

fn ty(meaning: &Meaning) -> TensorType {
    match meaning {
        Meaning::Result(known) => known.ty.clone(),
        Meaning::Constant(tensor, _) => type_of(tensor),
    }
}

fn element(meaning: &Meaning) -> Element {
    match meaning {
        Meaning::Result(known) => known.ty.element,
        Meaning::Constant(tensor, _) => tensor.element(),
    }
}

/// Which of the orders that an operator takes suits its inputs.
fn order(orders: Orders, inputs: &[Option<&Meaning>]) -> Order {
    match orders {
        Orders::Plain => Order::Plain,
        Orders::ChannelsLast => Order::ChannelsLast,
        Orders::Any => {
            let last = |known: &Known| {
                known.order == Order::ChannelsLast && !Order::is_moot(&known.ty.shape)
            };
            let any = inputs.iter().any(|input| result(*input).is_some_and(last));
            if any { Order::ChannelsLast } else { Order::Plain }
        }
    }
}

/// Whether something besides a first tensor is computed, or a list of sizes.
fn computes_a_parameter(inputs: &[Option<&Meaning>]) -> bool {
    let computed = |input: &Option<&Meaning>| result(*input).is_some();
    let is_list = |known: &Known| known.ty.element == Element::I64 && known.ty.shape.len() <= 1;
    let first = inputs.first().and_then(|input| result(*input));
    first.is_some_and(is_list) || inputs.iter().skip(1).any(computed)
}

/// Whether an engine takes for a constant what is computed, without a word.
fn is_misread(node: &Node, inputs: &[Option<&Meaning>]) -> bool {
    let computed = inputs.iter().skip(1).any(|input| result(*input).is_some());
    ["Pad", "Slice", "Squeeze"].contains(&node.op.as_str()) && computed
}

/// Whether it is a Dropout that drops, as while a network is trained.
fn drops(node: &Node, inputs: &[Option<&Meaning>]) -> bool {
    let says =
        |tensor: &Tensor| matches!(&tensor.data, Data::Other(_, bytes) if bytes.contains(&1));
    let trains = match inputs.get(2) {
        Some(Some(Meaning::Constant(tensor, _))) => says(tensor),
        // A frame may say so.
        Some(Some(Meaning::Result(_))) => true,
        _ => false,
    };
    node.is("Dropout") && trains
}

/// What a node makes that nothing has to run for.
fn known_before(node: &Node, inputs: &[Option<&Meaning>]) -> Option<Meaning> {
    match (node.op.as_str(), inputs) {
        ("Identity", [Some(x)]) => Some((*x).clone()),
        // To the type that it has. The engine's way to i64 does not hold the largest, which a Slice
        // ends at.
        ("Cast", [Some(x)]) if i64::from(element(x).0) == node.int("to", 0) => Some((*x).clone()),
        ("CastLike", [Some(x), Some(like)]) if element(x) == element(like) => Some((*x).clone()),
        // As PyTorch writes the bounds of a relu6.
        ("CastLike", [Some(Meaning::Constant(x, _)), Some(like)])
            if element(like) == Element::F32 =>
        {
            let values = x.as_i64()?.iter().map(|&value| value as f32).collect();
            Some(constant(Tensor::new(&x.shape[..], Data::F32(values))))
        }
        // It only drops while a network is trained.
        ("Dropout", [Some(x), ..]) if node.outputs.len() == 1 && !drops(node, inputs) => {
            Some((*x).clone())
        }
        ("Squeeze", [Some(Meaning::Constant(tensor, _)), axes @ ..]) => {
            let axes = match axes.first() {
                Some(Some(Meaning::Constant(axes, _))) => Some(axes.as_i64()?),
                Some(Some(Meaning::Result(_))) => return None,
                _ => node.ints("axes"),
            };
            let axes = operators::squeezed(node, axes, &tensor.shape).ok()?;
            let kept = tensor.shape.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
            let shape: Vec<usize> = kept.map(|(_, &dim)| dim).collect();
            Some(constant(Tensor::new(shape, tensor.data.clone())))
        }
        ("Size", [Some(Meaning::Result(known))]) => {
            let size: usize = known.ty.shape.iter().product();
            Some(constant(Tensor::new([], Data::I64(vec![size as i64]))))
        }
        ("Shape", [Some(Meaning::Result(known))]) => {
            let shape = &known.ty.shape;
            let rank = shape.len() as i64;
            let place = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
            let (from, to) = (place(node.int("start", 0)), place(node.int("end", rank)));
            let axes = shape.get(from..to).unwrap_or_default();
            let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
            Some(constant(Tensor::new([axes.len()], Data::I64(axes))))
        }
        _ => None,
    }
}

/// `node` as the engine takes it, which wants what ONNX lets a node leave out, and its axes in order;
/// and a constant that it then reads.
fn spelled_out(
    node: &Node,
    inputs: &[Option<&Meaning>],
) -> Result<(Node, Option<(String, Tensor)>)> {
    match (node.op.as_str(), inputs) {
        ("ConstantOfShape", _) if !node.attributes.contains_key("value") => {
            let value = Attribute::Tensor(Tensor::new([1], Data::F32(vec![0.0])));
            Ok((node.clone().with("value", value), None))
        }
        ("Squeeze", [Some(Meaning::Result(known)), axes @ ..]) => {
            let axes = match axes.first() {
                Some(Some(Meaning::Constant(axes, _))) => axes.as_i64(),
                Some(Some(Meaning::Result(_))) => return Ok((node.clone(), None)),
                _ => node.ints("axes"),
            };
            let axes = operators::squeezed(node, axes, &known.ty.shape)?;
            let axes: Vec<i64> = axes.into_iter().map(|axis| axis as i64).collect();
            let mut node = node.clone();
            node.attributes.remove("axes");
            let name = format!("{}_axes", node.output());
            node.inputs = vec![node.inputs[0].clone(), name.clone()];
            Ok((node, Some((name, Tensor::new([axes.len()], Data::I64(axes))))))
        }
        // The engine would leave the last window out with it.
        ("MaxPool" | "LpPool", _) if node.text("auto_pad") == Some("VALID") => {
            let mut node = node.clone();
            node.attributes.remove("auto_pad");
            node.attributes.remove("pads");
            Ok((node, None))
        }
        // Places counted from the end.
        ("GatherND" | "ScatterND", [Some(x), Some(Meaning::Constant(places, _)), ..]) => {
            let shape = shape(x);
            let batched = usize::try_from(node.int("batch_dims", 0)).unwrap_or(0);
            let lens = shape.get(batched..).unwrap_or_default();
            let (Some(values), Some(&depth)) = (places.as_i64(), places.shape.last()) else {
                return Ok((node.clone(), None));
            };
            let lens = lens.iter().take(depth).cycle();
            let values = values.iter().zip(lens);
            let values = values.map(|(&at, &len)| if at < 0 { at + len as i64 } else { at });
            let places = Tensor::new(places.shape.clone(), Data::I64(values.collect()));
            let (mut node, name) = (node.clone(), format!("{}_places", node.output()));
            node.inputs[1].clone_from(&name);
            Ok((node, Some((name, places))))
        }
        // Its sizes: theirs are not whole numbers.
        ("Resize", [Some(x), _, Some(Meaning::Constant(scales, _)), ..])
            if node.text("coordinate_transformation_mode") == Some("align_corners")
                && scales.shape == [shape(x).len()] =>
        {
            let scales = scales.as_f32().unwrap_or_default();
            let sizes = shape(x).iter().zip(scales).map(|(&n, &scale)| (n as f32 * scale) as i64);
            let sizes = Tensor::new([scales.len()], Data::I64(sizes.collect()));
            let (mut node, name) = (node.clone(), format!("{}_sizes", node.output()));
            node.inputs.truncate(1);
            node.inputs.extend([String::new(), String::new(), name.clone()]);
            Ok((node, Some((name, sizes))))
        }
        ("Einsum", _) => {
            let ranks: Vec<usize> = inputs.iter().flatten().map(|x| shape(x).len()).collect();
            let equation = without_ellipsis(node.text("equation").unwrap_or_default(), &ranks);
            let equation = equation.map(|text| Attribute::Text(text.into_bytes()));
            let node = node.clone();
            Ok((equation.map_or(node.clone(), |equation| node.with("equation", equation)), None))
        }
        _ => Ok((node.clone(), None)),
    }
}

/// Of the input with the most axes.
fn rank(inputs: &[Option<&Meaning>]) -> usize {
    inputs.iter().flatten().map(|x| shape(x).len()).max().unwrap_or(0)
}

fn shape(meaning: &Meaning) -> &[usize] {
    match meaning {
        Meaning::Result(known) => &known.ty.shape,
        Meaning::Constant(tensor, _) => &tensor.shape,
    }
}

/// An Einsum's equation with letters for the axes that it leaves out, which end alike in all terms.
fn without_ellipsis(equation: &str, ranks: &[usize]) -> Option<String> {
    const OPEN: &str = "...";
    let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    if !equation.contains(OPEN) {
        return None;
    }
    let (terms, result) = match equation.split_once("->") {
        Some((terms, result)) => (terms, Some(result)),
        None => (&equation[..], None),
    };
    let left_out = |(term, rank): (&str, &usize)| match term.contains(OPEN) {
        true => rank.checked_sub(term.len() - OPEN.len()),
        false => Some(0),
    };
    let counts = terms.split(',').zip(ranks).map(left_out).collect::<Option<Vec<_>>>()?;
    let most = counts.iter().copied().max().unwrap_or(0);
    let free = ('A'..='Z').chain('a'..='z').filter(|letter| !equation.contains(*letter));
    let letters: String = free.take(most).collect();
    if letters.len() < most {
        return None;
    }
    let spelled = terms.split(',').zip(counts);
    let spelled = spelled.map(|(term, count)| term.replacen(OPEN, &letters[most - count..], 1));
    let spelled: Vec<String> = spelled.collect();
    let result = match result {
        Some(result) => result.replacen(OPEN, &letters, 1),
        None => {
            let once = |c: &char| c.is_ascii_alphabetic() && terms.matches(*c).count() == 1;
            let mut once: Vec<char> = terms.chars().filter(once).collect();
            once.sort_unstable();
            letters.clone() + &String::from_iter(once)
        }
    };
    Some(format!("{}->{result}", spelled.join(",")))
}

fn constant(tensor: Tensor) -> Meaning {
    let mut hasher = DefaultHasher::new();
    tensor.shape.hash(&mut hasher);
    tensor.element().hash(&mut hasher);
    match &tensor.data {
        Data::F32(v) => v.iter().for_each(|x| hasher.write_u32(x.to_bits())),
        Data::U8(v) => v.hash(&mut hasher),
        Data::I8(v) => v.hash(&mut hasher),
        Data::I32(v) => v.hash(&mut hasher),
        Data::I64(v) => v.hash(&mut hasher),
        Data::Other(_, bytes) => bytes.hash(&mut hasher),
        Data::Texts(texts) => texts.hash(&mut hasher),
    }
    Meaning::Constant(tensor, hasher.finish())
}

/// A hash of all that decides what an operator computes from its results. Two operators in some
/// thousands have the same one by chance once in 10^12.
fn identity(graph: &Graph, node: &Node, inputs: &[Option<&Meaning>], order: Order) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&node.op, &node.domain, graph.opset(), node.outputs.len(), order).hash(&mut hasher);
    for (name, attribute) in &node.attributes {
        name.hash(&mut hasher);
        match attribute {
            Attribute::Float(x) => hasher.write_u32(x.to_bits()),
            Attribute::Floats(v) => v.iter().for_each(|x| hasher.write_u32(x.to_bits())),
            Attribute::Int(x) => x.hash(&mut hasher),
            Attribute::Ints(v) => v.hash(&mut hasher),
            Attribute::Text(v) => v.hash(&mut hasher),
            Attribute::Texts(v) => v.hash(&mut hasher),
            Attribute::Tensor(tensor) => {
                if let Meaning::Constant(_, hash) = constant(tensor.clone()) {
                    hash.hash(&mut hasher);
                }
            }
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for (name, input) in node.inputs.iter().zip(inputs) {
        match input {
            None => hasher.write_u8(0),
            Some(Meaning::Constant(_, hash)) => (1u8, hash).hash(&mut hasher),
            Some(Meaning::Result(known)) => {
                // Reading one result twice is another operator than reading two.
                let place = names.iter().position(|other| other == name).unwrap_or(names.len());
                names.push(name);
                (2u8, place, known.ty.element, &known.ty.shape).hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}
