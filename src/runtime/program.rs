//! Operators in the order in which they run, and the memory between them.
//!
//! A program is grown node by node. An operator is prepared once, whichever nodes ask for it, and a
//! result is known by the operator that makes it and the results it reads: nodes that compute the
//! same are one step. Each result lies in one order ([`Order`]); a step that needs another gets it
//! from a step that reorders. Results share memory where the steps that read them are past, and
//! after the first run nothing is allocated.

use std::collections::HashMap;

use super::operators::{
    self, Kind, MOST_CONSTANT_BYTES, Operand, Order, Orders, Setting, TensorType, View, too_large,
};
use super::{fuse, tract, whole};
use crate::clock::Stopwatch;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Element, Graph, Node, Tensor, segment};
use identity::Identity;
use meaning::{
    Known, Meaning, ResultId, computes_a_parameter, constant, drops, element, is_misread,
    known_before, operands, order, rank, result, shape, ty,
};
use memory::{Memory, Need, tensor};
use runner::Runner;

mod constant;
mod identity;
mod meaning;
mod memory;
mod runner;
mod spelled;

pub(super) use meaning::{ones, type_of};
pub(super) use memory::Elements;

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

/// What is asked of a program.
#[derive(Debug, Clone)]
pub(super) enum Observed {
    Result(ResultId, TensorType),
    Constant(Tensor),
}

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
    known_operators: HashMap<Identity, usize>,
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
            Some(Meaning::Constant(constant)) => Ok(Observed::Constant(Tensor::clone(constant))),
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

    /// No further network is read: lets go of what operators are told apart by, constants among it.
    pub(super) fn close(&mut self) {
        self.known_operators = HashMap::new();
        self.known_steps = HashMap::new();
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
        self.operators.iter().any(Runner::is_anew)
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
            Meaning::Constant(constant) => Some((name, constant.into_tensor())),
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
                (graph.initializers.shared(name), meanings.contains_key(name))
            {
                meanings.insert(name.clone(), constant(tensor));
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
            Some(Some(Meaning::Constant(constant))) => Some(Tensor::clone(constant)),
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
        let identity = Identity::of(graph, node, inputs, order);
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
        let (element, shape) = (known.ty.element, shape.clone());
        let identity = Identity::Reorder { element, shape, order };
        let operators = &mut self.operators;
        let operator = *self.known_operators.entry(identity).or_insert_with(|| {
            operators.push(Runner::reorder(&known.ty, order));
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
            None => self.memory.view(id),
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
        let operators: usize = self.operators.iter().map(Runner::bytes).sum();
        Ok(operators + self.memory.bytes())
    }

    /// Gives every result its place, where that is not done.
    ///
    /// # Errors
    /// More memory than may be taken.
    fn lay_out(&mut self) -> Result<()> {
        if self.memory.is_ready {
            return Ok(());
        }
        let Self { steps, operators, inputs, memory, .. } = self;
        let ty = |id: &ResultId| match steps[id.step].operator {
            Some(operator) => &operators[operator].outputs[id.output],
            None => &inputs[id.step],
        };
        let needs = steps.iter().map(|step| {
            let runner = step.operator.map(|operator| &operators[operator]);
            Need {
                makes: runner.map_or(&[][..], |runner| &runner.outputs),
                copies: runner.map_or(0, |runner| runner.copied(step.inputs.iter().map(ty))),
                last_reader: step.last_reader,
                node: &step.node,
            }
        });
        memory.lay_out(&needs.collect::<Vec<_>>())
    }
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
