//! Networks that have parts in common, run on the same frames: what several of them compute is
//! computed once.
//!
//! Every operator is prepared once, whichever networks have it, and a result is known by the
//! operator that makes it and the results it reads. Two networks that differ in one layer so share
//! all that stands before it, without anybody saying so.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::operators::{
    DETERMINISTIC, INTEGER, Kind, Operand, Operator, TensorType, View, ViewMut,
};
use super::{input_shape, lower, tract};
use crate::error::{Error, Result};
use crate::graph::{Attribute, Data, Element, Graph, Node, Tensor, segment};

/// Networks with the same input, on the deterministic float path and on integers.
#[derive(Debug)]
pub struct Family {
    input: TensorType,
    operators: Vec<Runner>,
    /// By a hash of everything that an operator is.
    known_operators: HashMap<u64, usize>,
    steps: Vec<Step>,
    known_steps: HashMap<(usize, Vec<ResultId>), usize>,
    /// The results that each network is observed at.
    members: Vec<Vec<ResultId>>,
}

/// An output of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct ResultId {
    /// Step 0 is the network's input.
    step: usize,
    output: usize,
}

const INPUT: ResultId = ResultId { step: 0, output: 0 };

#[derive(Debug)]
struct Step {
    operator: usize,
    inputs: Vec<ResultId>,
    /// The last step that reads one of its results; `usize::MAX` if it is observed.
    last_reader: usize,
}

/// A prepared operator.
#[derive(Debug)]
struct Runner {
    arguments: Vec<Argument>,
    program: Program,
    outputs: Vec<TensorType>,
}

#[derive(Debug)]
enum Argument {
    /// Place among the step's inputs.
    Result(usize),
    Constant(Elements),
}

#[derive(Debug)]
enum Program {
    Own(Box<dyn Operator>),
    Foreign(tract::Single),
}

/// Elements that an operator made.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Elements {
    F32(Vec<f32>),
    Codes(Vec<u8>),
    I32(Vec<i32>),
    /// Of a type that no operator of ours reads.
    Other,
}

impl Elements {
    fn view(&self) -> Option<View<'_>> {
        match self {
            Self::F32(x) => Some(View::F32(x)),
            Self::Codes(x) => Some(View::Codes(x)),
            Self::I32(x) => Some(View::I32(x)),
            Self::Other => None,
        }
    }

    fn of(tensor: &Tensor) -> Self {
        match &tensor.data {
            Data::F32(x) => Self::F32(x.clone()),
            Data::U8(x) => Self::Codes(x.clone()),
            Data::I8(x) => Self::Codes(x.iter().map(|&code| code as u8).collect()),
            Data::I32(x) => Self::I32(x.clone()),
            _ => Self::Other,
        }
    }
}

/// What a name of the graph stands for while it is read.
#[derive(Debug, Clone)]
enum Meaning {
    Result(ResultId, TensorType),
    Constant(Tensor, u64),
}

impl Family {
    /// Networks that take `frame` (without the batch), as `graph` does.
    ///
    /// # Errors
    /// A frame that does not fit, and dimensions that stay free.
    pub fn new(graph: &Graph, frame: Option<&[usize]>) -> Result<Self> {
        let input = TensorType { element: Element::F32, shape: input_shape(graph, frame)? };
        Ok(Self {
            input,
            operators: Vec::new(),
            known_operators: HashMap::new(),
            steps: vec![Step { operator: usize::MAX, inputs: Vec::new(), last_reader: 0 }],
            known_steps: HashMap::new(),
            members: Vec::new(),
        })
    }

    /// Frames that one run takes.
    pub fn batch(&self) -> usize {
        self.input.shape.first().copied().unwrap_or(1)
    }

    /// Elements of one frame.
    pub fn frame_len(&self) -> usize {
        self.input.shape.iter().skip(1).product()
    }

    /// Lets all networks go; the operators stay prepared.
    pub fn clear(&mut self) {
        self.steps.truncate(1);
        self.steps[INPUT.step].last_reader = 0;
        self.known_steps.clear();
        self.members.clear();
    }

    /// Takes in a network, float or quantized, to be observed at the float32 tensors `observed`.
    /// Answers with its number.
    ///
    /// # Errors
    /// Names the node that cannot be run by itself.
    pub fn add(&mut self, graph: &Graph, observed: &[String]) -> Result<usize> {
        let mut graph = graph.clone();
        graph.outputs.retain(|output| observed.contains(&output.name));
        let named = |name: &String| graph.is_output(name);
        let missing: Vec<&String> = observed.iter().filter(|name| !named(name)).collect();
        let missing: Vec<_> = missing
            .into_iter()
            .map(|name| crate::graph::Value { name: name.clone(), ..Default::default() })
            .collect();
        graph.outputs.extend(missing);
        let graph = lower::lower(&graph).graph;
        let (needed, _) = segment(&graph, &|name| name == graph.input.name, observed);
        let mut meanings: HashMap<String, Meaning> = HashMap::new();
        meanings.insert(graph.input.name.clone(), Meaning::Result(INPUT, self.input.clone()));
        for node in &needed.nodes {
            for name in node.inputs.iter().filter(|name| !name.is_empty()) {
                if let (Some(tensor), false) =
                    (graph.initializers.get(name), meanings.contains_key(name))
                {
                    meanings.insert(name.clone(), constant(tensor.clone()));
                }
            }
            self.read(&graph, node, &mut meanings)?;
        }
        let observe = |name: &String| match meanings.get(name) {
            Some(Meaning::Result(id, ty)) if ty.element == Element::F32 => Ok(*id),
            _ => Err(Error::new(format!("the tensor `{name}` is not computed in float32"))),
        };
        let results = observed.iter().map(observe).collect::<Result<Vec<_>>>()?;
        for result in &results {
            self.steps[result.step].last_reader = usize::MAX;
        }
        self.members.push(results);
        Ok(self.members.len() - 1)
    }

    /// Gives a meaning to what `node` makes.
    fn read(
        &mut self,
        graph: &Graph,
        node: &Node,
        meanings: &mut HashMap<String, Meaning>,
    ) -> Result<()> {
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
        let made = match shape_of_input(node, &inputs) {
            Some(shape) => vec![constant(shape)],
            None => self.step(graph, node, &inputs)?,
        };
        let names = node.outputs.iter().cloned();
        meanings.extend(names.zip(made).filter(|(name, _)| !name.is_empty()));
        Ok(())
    }

    /// The step that `node` stands for, new or known.
    fn step(
        &mut self,
        graph: &Graph,
        node: &Node,
        inputs: &[Option<&Meaning>],
    ) -> Result<Vec<Meaning>> {
        let identity = identity(graph, node, inputs);
        let operator = match self.known_operators.get(&identity) {
            Some(&known) => known,
            None => {
                let runner = Runner::new(graph, node, inputs)?;
                self.known_operators.insert(identity, self.operators.len());
                self.operators.push(runner);
                self.operators.len() - 1
            }
        };
        let results: Vec<ResultId> = inputs
            .iter()
            .filter_map(|input| match input {
                Some(Meaning::Result(id, _)) => Some(*id),
                _ => None,
            })
            .collect();
        if results.is_empty() {
            return self.operators[operator].constants().map_err(|e| e.at_node(&node.name));
        }
        let key = (operator, results);
        let step = match self.known_steps.get(&key) {
            Some(&step) => step,
            None => {
                let step = self.steps.len();
                for result in &key.1 {
                    let source = &mut self.steps[result.step].last_reader;
                    *source = (*source).max(step);
                }
                let inputs = key.1.clone();
                self.steps.push(Step { operator, inputs, last_reader: step });
                self.known_steps.insert(key, step);
                step
            }
        };
        let types = self.operators[operator].outputs.iter().cloned().enumerate();
        Ok(types.map(|(output, ty)| Meaning::Result(ResultId { step, output }, ty)).collect())
    }

    /// Runs every network on `batch` frames, `input` being their elements in the network's order;
    /// hands the observed tensors to `visit(network, which of its observed tensors, elements)`.
    ///
    /// # Errors
    /// What goes wrong inside an operator.
    pub fn run(
        &mut self,
        input: &[f32],
        mut visit: impl FnMut(usize, usize, &[f32]),
    ) -> Result<()> {
        let mut results: Vec<Vec<Elements>> = vec![Vec::new(); self.steps.len()];
        results[0] = vec![Elements::F32(input.to_vec())];
        // What nobody reads again, by the step after which that is so.
        let mut done: Vec<Vec<usize>> = vec![Vec::new(); self.steps.len()];
        for (i, step) in self.steps.iter().enumerate() {
            if step.last_reader != usize::MAX {
                done[step.last_reader].push(i);
            }
        }
        for (i, step) in self.steps.iter().enumerate().skip(1) {
            let read = |id: &ResultId| &results[id.step][id.output];
            let inputs: Vec<&Elements> = step.inputs.iter().map(read).collect();
            results[i] = self.operators[step.operator].run(&inputs)?;
            for &unread in &done[i] {
                results[unread] = Vec::new();
            }
        }
        for (member, observed) in self.members.iter().enumerate() {
            for (at, id) in observed.iter().enumerate() {
                if let Elements::F32(values) = &results[id.step][id.output] {
                    visit(member, at, values);
                }
            }
        }
        Ok(())
    }
}

impl Runner {
    fn new(graph: &Graph, node: &Node, inputs: &[Option<&Meaning>]) -> Result<Self> {
        let kinds = INTEGER.iter().chain(DETERMINISTIC);
        match kinds.into_iter().find(|kind| kind.op == node.op) {
            Some(kind) => Self::own(kind, node, inputs),
            None => Self::foreign(graph, node, inputs),
        }
        .map_err(|e| e.at_node(&node.name))
    }

    fn own(kind: &Kind, node: &Node, inputs: &[Option<&Meaning>]) -> Result<Self> {
        let operand = |input: &Option<&Meaning>| match input {
            None => Operand::default(),
            Some(Meaning::Result(_, ty)) => Operand { ty: ty.clone(), constant: None },
            Some(Meaning::Constant(tensor, _)) => Operand {
                ty: TensorType { element: tensor.element(), shape: tensor.shape.clone() },
                constant: Some(tensor.clone()),
            },
        };
        let operands: Vec<Operand> = inputs.iter().map(operand).collect();
        let types: Vec<TensorType> = operands.iter().map(|o| o.ty.clone()).collect();
        let output = (kind.output)(node, &types)?;
        let prepared = (kind.prepare)(node, &operands)?;
        let results = |end: usize| inputs[..end].iter().filter(|i| is_result(i)).count();
        let argument = |&i: &usize| match inputs.get(i) {
            Some(Some(Meaning::Result(..))) => Ok(Argument::Result(results(i))),
            Some(Some(Meaning::Constant(tensor, _))) => {
                Ok(Argument::Constant(Elements::of(tensor)))
            }
            _ => Err(Error::new(format!("input {i} is missing"))),
        };
        Ok(Self {
            arguments: prepared.inputs.iter().map(argument).collect::<Result<_>>()?,
            program: Program::Own(prepared.operator),
            outputs: vec![output],
        })
    }

    fn foreign(graph: &Graph, node: &Node, inputs: &[Option<&Meaning>]) -> Result<Self> {
        let mut types = Vec::new();
        let mut alone = Graph { nodes: vec![node.clone()], ..graph.clone() };
        alone.initializers.clear();
        let mut arguments = Vec::new();
        for (name, input) in node.inputs.iter().zip(inputs) {
            match input {
                None => {}
                Some(Meaning::Constant(tensor, _)) => {
                    alone.initializers.insert(name.clone(), tensor.clone());
                }
                // The same result may be read twice, by one name.
                Some(Meaning::Result(_, ty)) if !types.iter().any(|(seen, _)| seen == name) => {
                    types.push((name.clone(), ty.clone()));
                    let before = node.inputs.iter().zip(inputs);
                    let before = before.take_while(|(other, _)| *other != name);
                    let place = before.filter(|(_, input)| is_result(input)).count();
                    arguments.push(Argument::Result(place));
                }
                Some(Meaning::Result(..)) => {}
            }
        }
        alone.outputs = node
            .outputs
            .iter()
            .filter(|name| !name.is_empty())
            .map(|name| crate::graph::Value { name: name.clone(), ..Default::default() })
            .collect();
        let single = tract::Single::new(&alone, &types)?;
        let outputs = single.outputs()?;
        Ok(Self { arguments, program: Program::Foreign(single), outputs })
    }

    /// The results of one run on `inputs`, the step's results.
    fn run(&mut self, inputs: &[&Elements]) -> Result<Vec<Elements>> {
        let arguments = self.arguments.iter().map(|argument| match argument {
            Argument::Result(at) => inputs[*at].view(),
            Argument::Constant(elements) => elements.view(),
        });
        let views: Option<Vec<View<'_>>> = arguments.collect();
        let views =
            views.ok_or_else(|| Error::new("an operator reads values of a strange type"))?;
        match &mut self.program {
            Program::Own(operator) => {
                let TensorType { element, shape } = &self.outputs[0];
                let len = shape.iter().product();
                if *element == Element::F32 {
                    let mut out = vec![0.0; len];
                    operator.run(&views, ViewMut::F32(&mut out));
                    return Ok(vec![Elements::F32(out)]);
                }
                let mut out = vec![0; len];
                operator.run(&views, ViewMut::Codes(&mut out));
                Ok(vec![Elements::Codes(out)])
            }
            Program::Foreign(single) => single.run(&views),
        }
    }

    /// What an operator makes that reads nothing but constants.
    fn constants(&mut self) -> Result<Vec<Meaning>> {
        match &mut self.program {
            Program::Foreign(single) => Ok(single.constants()?.into_iter().map(constant).collect()),
            Program::Own(_) => {
                let made = self.run(&[])?;
                let tensor = |(made, ty): (Elements, &TensorType)| match (made, ty.element) {
                    (Elements::F32(x), _) => Some(Tensor::new(ty.shape.clone(), Data::F32(x))),
                    (Elements::Codes(x), Element::U8) => {
                        Some(Tensor::new(ty.shape.clone(), Data::U8(x)))
                    }
                    (Elements::Codes(x), _) => {
                        let signed = x.into_iter().map(|code| code as i8).collect();
                        Some(Tensor::new(ty.shape.clone(), Data::I8(signed)))
                    }
                    (Elements::I32(_) | Elements::Other, _) => None,
                };
                Ok(made.into_iter().zip(&self.outputs).filter_map(tensor).map(constant).collect())
            }
        }
    }
}

fn is_result(input: &Option<&Meaning>) -> bool {
    matches!(input, Some(Meaning::Result(..)))
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

/// The shape that a Shape node asks for: known, as all shapes are.
fn shape_of_input(node: &Node, inputs: &[Option<&Meaning>]) -> Option<Tensor> {
    match inputs {
        [Some(Meaning::Result(_, ty))] if node.is("Shape") => {
            let rank = ty.shape.len() as i64;
            let place = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
            let (from, to) = (place(node.int("start", 0)), place(node.int("end", rank)));
            let axes = ty.shape.get(from..to).unwrap_or_default();
            let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
            Some(Tensor::new([axes.len()], Data::I64(axes)))
        }
        _ => None,
    }
}

/// A hash of all that decides what an operator computes from its results. Two operators in some
/// thousands have the same one by chance once in 10^12.
fn identity(graph: &Graph, node: &Node, inputs: &[Option<&Meaning>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&node.op, &node.domain, graph.opset(), node.outputs.len()).hash(&mut hasher);
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
            Some(Meaning::Result(_, ty)) => {
                // Reading one result twice is another operator than reading two.
                let place = names.iter().position(|other| other == name).unwrap_or(names.len());
                names.push(name);
                (2u8, place, ty.element, &ty.shape).hash(&mut hasher);
            }
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, File};
    use crate::progress::unwatched;
    use crate::quantize::{Recipe, quantize};
    use crate::runtime::{Arithmetic, Session};

    const MOBILENET: &[u8] = include_bytes!("../../models/networks/mobilenet.onnx");
    const FRAMES: &[u8] = include_bytes!("../../models/frames/calibration.zip");

    #[test]
    fn members_answer_as_they_do_alone_and_share_what_is_alike() {
        let file = File { name: "calibration.zip".into(), bytes: FRAMES.to_vec().into() };
        let data = Dataset::read(&[file], None, &mut unwatched).unwrap();
        let float = crate::onnx::read(MOBILENET).unwrap();
        let last = float.nodes.iter().rfind(|n| n.op == "Gemm").unwrap().name.clone();
        let quantized = |keep_float: &[String]| {
            let recipe =
                Recipe { samples: Some(2), keep_float: keep_float.to_vec(), ..Recipe::default() };
            quantize(&float, &recipe, &data, &mut |_, _, _| Ok(())).unwrap().graph
        };
        let members = [float.clone(), quantized(&[]), quantized(&[last])];
        let shape = Some(data.frame_shape());
        let mut family = Family::new(&float, shape).unwrap();
        let mut sizes = Vec::new();
        for member in &members {
            family.add(member, &[member.outputs[0].name.clone()]).unwrap();
            sizes.push(family.steps.len());
        }
        assert!(sizes[2] - sizes[1] <= 3, "only the last layer is new: {sizes:?}");
        let mut frame = vec![0.0; family.frame_len()];
        for i in [0, 100, 500] {
            data.input(i, &mut frame);
            let mut together = Vec::new();
            family.run(&frame, |_, _, logits| together.push(logits.to_vec())).unwrap();
            for (member, together) in members.iter().zip(together) {
                let mut session = Session::new(member, shape, Arithmetic::Deterministic).unwrap();
                session.run(&frame, |_, alone| assert_eq!(together, alone)).unwrap();
            }
        }
        let operators = family.operators.len();
        family.clear();
        family.add(&float, &[float.outputs[0].name.clone()]).unwrap();
        let mut answers = 0;
        family.run(&frame, |_, _, _| answers += 1).unwrap();
        assert_eq!((answers, family.operators.len()), (1, operators));
    }
}
