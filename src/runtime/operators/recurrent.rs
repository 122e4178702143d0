//! LSTM, GRU and RNN in deterministic float. Every run starts from the initial state.
//!
//! <https://onnx.ai/onnx/operators/onnx__LSTM.html>, <https://onnx.ai/onnx/operators/onnx__GRU.html>,
//! <https://onnx.ai/onnx/operators/onnx__RNN.html>.

use super::{
    Kind, MOST_OUTPUTS, Operand, Operator, Prepared, Scratch, TensorType, View, ViewMut, plain,
};
use crate::error::{Error, Result};
use crate::graph::{Attribute, Element, Node};

pub(super) const LSTM: Kind = kind("LSTM");
pub(super) const GRU: Kind = kind("GRU");
pub(super) const RNN: Kind = kind("RNN");

const fn kind(op: &'static str) -> Kind {
    Kind {
        op,
        output: |node, inputs| {
            let sizes = Sizes::of(node, inputs)?;
            Ok(TensorType { element: Element::F32, shape: sizes.all_steps() })
        },
        // Never the engine's, which carries the state on into the next run.
        orders: plain,
        prepare: |node, operands, _| prepare(node, operands),
    }
}

/// The inputs' places.
const WEIGHTS: usize = 1;
const RECURRENCE: usize = 2;
const BIAS: usize = 3;
const LENGTHS: usize = 4;
const HIDDEN: usize = 5;
const CELLS: usize = 6;
const PEEPHOLES: usize = 7;
const INPUTS: usize = 8;

fn prepare(node: &Node, operands: &[Operand]) -> Result<Prepared> {
    let types: Vec<TensorType> = operands.iter().map(|operand| operand.ty.clone()).collect();
    let sizes = Sizes::of(node, &types)?;
    let cell = Cell::of(node);
    let functions = activations(node, cell, sizes.directions)?;
    let functions = functions.chunks(cell.activations().len());
    let directions = functions
        .zip(Way::all(node)?)
        .map(|(activations, way)| Direction { way, activations: activations.to_vec() })
        .collect();
    let state = TensorType { element: Element::F32, shape: sizes.last_step() };
    let further = vec![state; node.outputs.len().clamp(1, MOST_OUTPUTS) - 1];
    let given = |i: &usize| node.input(*i).is_some();
    let constants = |i: usize| operands.get(i)?.constant?.as_f32();
    let learned = [WEIGHTS, RECURRENCE, BIAS, PEEPHOLES];
    let settled = learned.iter().filter(|i| given(i)).all(|&i| constants(i).is_some());
    let parameters = settled.then(|| {
        let mut parameters = Parameters::default();
        parameters.fill(&sizes, constants);
        parameters
    });
    let read: Vec<usize> =
        (0..INPUTS).filter(given).filter(|i| !settled || !learned.contains(i)).collect();
    let mut at = [None; INPUTS];
    read.iter().enumerate().for_each(|(place, &input)| at[input] = Some(place));
    let clip = match node.attributes.get("clip") {
        Some(Attribute::Float(clip)) => *clip,
        _ => f32::INFINITY,
    };
    let operator = Recurrent { sizes, cell, directions, clip, parameters, at };
    Ok(Prepared { further, ..Prepared::new(operator, read) })
}

/// What the gates of a cell make of its input and its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Lstm {
        /// The forget gate is 1 less the input gate.
        coupled: bool,
    },
    Gru {
        /// The reset gate works on the product with the state, not on the state.
        reset_last: bool,
    },
    Rnn,
}

impl Cell {
    fn of(node: &Node) -> Self {
        match node.op.as_str() {
            "LSTM" => Self::Lstm { coupled: node.int("input_forget", 0) != 0 },
            "GRU" => Self::Gru { reset_last: node.int("linear_before_reset", 0) != 0 },
            _ => Self::Rnn,
        }
    }

    fn gates(self) -> usize {
        match self {
            Self::Lstm { .. } => 4,
            Self::Gru { .. } => 3,
            Self::Rnn => 1,
        }
    }

    /// Of its gates, of what they let in, and of its state, as far as it has them.
    fn activations(self) -> &'static [&'static str] {
        match self {
            Self::Lstm { .. } => &["sigmoid", "tanh", "tanh"],
            Self::Gru { .. } => &["sigmoid", "tanh"],
            Self::Rnn => &["tanh"],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Forward,
    Reverse,
}

impl Way {
    fn all(node: &Node) -> Result<Vec<Self>> {
        match node.text("direction").unwrap_or("forward") {
            "forward" => Ok(vec![Self::Forward]),
            "reverse" => Ok(vec![Self::Reverse]),
            "bidirectional" => Ok(vec![Self::Forward, Self::Reverse]),
            other => {
                Err(Error::new(format!("there is no direction `{other}`")).at_node(&node.name))
            }
        }
    }
}

#[derive(Debug)]
struct Direction {
    way: Way,
    /// As [`Cell::activations`] has them.
    activations: Vec<Activation>,
}

/// A function of a gate with its `alpha` and `beta`.
#[derive(Debug, Clone, Copy)]
struct Activation {
    formula: fn(f32, f32, f32) -> f32,
    alpha: f32,
    beta: f32,
}

impl Activation {
    fn at(&self, x: f32) -> f32 {
        (self.formula)(x, self.alpha, self.beta)
    }
}

type Formula = fn(f32, f32, f32) -> f32;

/// Name, `alpha` and `beta` where it has them (as ONNX Runtime has them where the node does not say),
/// formula.
const ACTIVATIONS: [(&str, Option<f32>, Option<f32>, Formula); 11] = [
    ("affine", Some(0.0), Some(0.0), |x, a, b| a * x + b),
    ("elu", Some(1.0), None, |x, a, _| if x < 0.0 { a * libm::expm1f(x) } else { x }),
    ("hardsigmoid", Some(0.2), Some(0.5), |x, a, b| (a * x + b).clamp(0.0, 1.0)),
    ("leakyrelu", Some(0.01), None, |x, a, _| if x < 0.0 { a * x } else { x }),
    ("relu", None, None, |x, _, _| x.max(0.0)),
    ("scaledtanh", Some(0.0), Some(0.0), |x, a, b| a * libm::tanhf(b * x)),
    ("sigmoid", None, None, |x, _, _| 1.0 / (1.0 + libm::expf(-x))),
    ("softplus", None, None, |x, _, _| x.max(0.0) + libm::log1pf(libm::expf(-x.abs()))),
    ("softsign", None, None, |x, _, _| x / (1.0 + x.abs())),
    ("tanh", None, None, |x, _, _| libm::tanhf(x)),
    ("thresholdedrelu", Some(0.0), None, |x, a, _| if x > a { x } else { 0.0 }),
];

/// The functions of all directions, one after the other; those that have an `alpha` or a `beta` take the
/// next of the node's list.
fn activations(node: &Node, cell: Cell, directions: usize) -> Result<Vec<Activation>> {
    let usual = cell.activations();
    let count = usual.len() * directions;
    let floats = |name| match node.attributes.get(name) {
        Some(Attribute::Floats(values)) => values.clone(),
        _ => Vec::new(),
    };
    let mut alphas = floats("activation_alpha").into_iter();
    let mut betas = floats("activation_beta").into_iter();
    let names: Vec<String> = match node.attributes.get("activations") {
        Some(Attribute::Texts(names)) => {
            let name = |name: &Vec<u8>| String::from_utf8_lossy(name).to_lowercase();
            names.iter().map(name).collect()
        }
        _ => usual.iter().cycle().take(count).map(ToString::to_string).collect(),
    };
    if names.len() != count {
        let message = format!("it has {} activations in place of {count}", names.len());
        return Err(Error::new(message).at_node(&node.name));
    }
    let find = |name: String| {
        let known = ACTIVATIONS.iter().find(|(own, ..)| *own == name);
        let (_, alpha, beta, formula) = known.ok_or_else(|| {
            Error::new(format!("the activation `{name}` is not known")).at_node(&node.name)
        })?;
        let alpha = alpha.map(|usual| alphas.next().unwrap_or(usual)).unwrap_or(0.0);
        let beta = beta.map(|usual| betas.next().unwrap_or(usual)).unwrap_or(0.0);
        Ok(Activation { formula: *formula, alpha, beta })
    };
    names.into_iter().map(find).collect()
}

#[derive(Debug)]
struct Sizes {
    steps: usize,
    batch: usize,
    inputs: usize,
    hidden: usize,
    gates: usize,
    directions: usize,
    /// The batch stands before the steps.
    batch_first: bool,
}

impl Sizes {
    fn of(node: &Node, types: &[TensorType]) -> Result<Self> {
        let wrong = |message: String| Err(Error::new(message).at_node(&node.name));
        let shape = |i: usize| types.get(i).map(|ty| &ty.shape[..]).unwrap_or_default();
        let (&[first, second, inputs], &[directions, _, hidden]) = (shape(0), shape(RECURRENCE))
        else {
            return wrong(format!(
                "an input of shape {:?} and recurrent weights of shape {:?} have other than three axes",
                shape(0),
                shape(RECURRENCE)
            ));
        };
        let batch_first = node.int("layout", 0) != 0;
        let (steps, batch) = if batch_first { (second, first) } else { (first, second) };
        let gates = Cell::of(node).gates();
        let ways = Way::all(node)?.len();
        let state = if batch_first { [batch, ways, hidden] } else { [ways, batch, hidden] };
        let rows = gates.saturating_mul(hidden);
        let expected: [(usize, &[usize]); 7] = [
            (WEIGHTS, &[ways, rows, inputs]),
            (RECURRENCE, &[ways, rows, hidden]),
            (BIAS, &[ways, rows.saturating_mul(2)]),
            (LENGTHS, &[batch]),
            (HIDDEN, &state),
            (CELLS, &state),
            (PEEPHOLES, &[ways, hidden.saturating_mul(3)]),
        ];
        for (i, expected) in expected {
            if node.input(i).is_some() && shape(i) != expected {
                return wrong(format!(
                    "its input {i} has the shape {:?} in place of {expected:?}",
                    shape(i)
                ));
            }
        }
        if node.int("hidden_size", hidden as i64) != hidden as i64 || directions != ways {
            return wrong(format!(
                "its attributes do not fit recurrent weights of shape {:?}",
                shape(RECURRENCE)
            ));
        }
        for (i, ty) in types.iter().enumerate().filter(|(i, _)| node.input(*i).is_some()) {
            let element = if i == LENGTHS { Element::I32 } else { Element::F32 };
            if ty.element != element {
                return wrong(format!(
                    "its input {i} is {}, not {}",
                    ty.element.name(),
                    element.name()
                ));
            }
        }
        if node.input(WEIGHTS).is_none() {
            return wrong("it has no weights".into());
        }
        Ok(Self { steps, batch, inputs, hidden, gates, directions, batch_first })
    }

    fn rows(&self) -> usize {
        self.gates * self.hidden
    }

    /// The shape of the output of every step.
    fn all_steps(&self) -> Vec<usize> {
        let Self { steps, batch, hidden, directions, .. } = *self;
        match self.batch_first {
            false => vec![steps, directions, batch, hidden],
            true => vec![batch, steps, directions, hidden],
        }
    }

    /// The shape of a state.
    fn last_step(&self) -> Vec<usize> {
        let Self { batch, hidden, directions, .. } = *self;
        match self.batch_first {
            false => vec![directions, batch, hidden],
            true => vec![batch, directions, hidden],
        }
    }

    /// Where the input of a step starts.
    fn input_at(&self, step: usize, frame: usize) -> usize {
        self.inputs
            * if self.batch_first { frame * self.steps + step } else { step * self.batch + frame }
    }

    /// Where the state of a direction starts.
    fn state_at(&self, direction: usize, frame: usize) -> usize {
        self.hidden
            * match self.batch_first {
                false => direction * self.batch + frame,
                true => frame * self.directions + direction,
            }
    }

    /// Where the output of a step starts.
    fn output_at(&self, step: usize, direction: usize, frame: usize) -> usize {
        self.hidden
            * match self.batch_first {
                false => (step * self.directions + direction) * self.batch + frame,
                true => (frame * self.steps + step) * self.directions + direction,
            }
    }
}

/// What is learned, for all directions. A matrix has a row for each element that it is multiplied with.
#[derive(Debug, Default)]
struct Parameters {
    weights: Vec<f32>,
    recurrence: Vec<f32>,
    /// Of the weights and of the recurrence: `directions x 2 x rows`.
    bias: Vec<f32>,
    peepholes: Vec<f32>,
}

impl Parameters {
    /// From the node's inputs, zeros where they are left out.
    fn fill<'a>(&mut self, sizes: &Sizes, input: impl Fn(usize) -> Option<&'a [f32]>) {
        let (rows, directions) = (sizes.rows(), sizes.directions);
        turned(input(WEIGHTS), directions, rows, sizes.inputs, &mut self.weights);
        turned(input(RECURRENCE), directions, rows, sizes.hidden, &mut self.recurrence);
        filled(input(BIAS), directions * 2 * rows, &mut self.bias);
        filled(input(PEEPHOLES), directions * 3 * sizes.hidden, &mut self.peepholes);
    }

    fn bytes(&self) -> usize {
        let Self { weights, recurrence, bias, peepholes } = self;
        [weights, recurrence, bias, peepholes].iter().map(|values| size_of_val(&values[..])).sum()
    }
}

/// `values`, or as many zeros.
fn filled(values: Option<&[f32]>, len: usize, out: &mut Vec<f32>) {
    out.clear();
    out.extend_from_slice(values.unwrap_or_default());
    out.resize(len, 0.0);
}

/// Matrices with their rows as columns.
fn turned(
    values: Option<&[f32]>,
    matrices: usize,
    rows: usize,
    columns: usize,
    out: &mut Vec<f32>,
) {
    filled(None, matrices * rows * columns, out);
    let (values, size) = (values.unwrap_or_default(), (rows * columns).max(1));
    for (matrix, out) in values.chunks_exact(size).zip(out.chunks_exact_mut(size)) {
        for (r, row) in matrix.chunks_exact(columns.max(1)).enumerate() {
            row.iter().enumerate().for_each(|(c, &value)| out[c * rows + r] = value);
        }
    }
}

/// Memory of a run.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    /// Of a node whose weights are computed.
    parameters: Parameters,
    hidden: Vec<f32>,
    cells: Vec<f32>,
    gates: Vec<f32>,
    /// Products with the state that are not in the gates yet.
    apart: Vec<f32>,
}

impl Workspace {
    pub(super) fn bytes(&self) -> usize {
        let Self { parameters, hidden, cells, gates, apart } = self;
        let vectors = [hidden, cells, gates, apart].map(|values| size_of_val(&values[..]));
        parameters.bytes() + vectors.iter().sum::<usize>()
    }
}

#[derive(Debug)]
struct Recurrent {
    sizes: Sizes,
    cell: Cell,
    directions: Vec<Direction>,
    /// What activations read lies between this and its opposite.
    clip: f32,
    /// `None` where they are computed.
    parameters: Option<Parameters>,
    /// The place of each of the node's inputs among those that are read.
    at: [Option<usize>; INPUTS],
}

impl Operator for Recurrent {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, scratch: &mut Scratch) {
        self.run_all(inputs, [Some(output), None, None], scratch);
    }

    fn run_all(
        &self,
        inputs: &[View<'_>],
        outputs: [Option<ViewMut<'_>>; MOST_OUTPUTS],
        scratch: &mut Scratch,
    ) {
        let sizes = &self.sizes;
        let input = |i: usize| self.at[i].map(|place| inputs[place]);
        let Workspace { parameters: computed, hidden, cells, gates, apart } =
            &mut scratch.recurrent;
        let parameters = match &self.parameters {
            Some(parameters) => parameters,
            None => {
                computed.fill(sizes, |i| input(i).map(View::f32));
                computed
            }
        };
        let x = input(0).map(View::f32).unwrap_or_default();
        let lengths = match input(LENGTHS) {
            Some(View::I32(lengths)) => Some(lengths),
            _ => None,
        };
        let initial = [HIDDEN, CELLS].map(|i| input(i).map(View::f32));
        let mut outputs = outputs.map(|output| output.map(ViewMut::f32));
        if let Some(all) = &mut outputs[0] {
            all.fill(0.0);
        }
        for (d, direction) in self.directions.iter().enumerate() {
            let of = Learned::of(parameters, sizes, d);
            for frame in 0..sizes.batch {
                let state = sizes.state_at(d, frame);
                for (values, initial) in [&mut *hidden, &mut *cells].into_iter().zip(initial) {
                    let own = initial.map(|initial| &initial[state..][..sizes.hidden]);
                    filled(own, sizes.hidden, values);
                }
                let length = lengths.map_or(sizes.steps, |lengths| {
                    usize::try_from(lengths[frame]).unwrap_or(0).min(sizes.steps)
                });
                for step in 0..length {
                    let step = match direction.way {
                        Way::Forward => step,
                        Way::Reverse => length - 1 - step,
                    };
                    let x = &x[sizes.input_at(step, frame)..][..sizes.inputs];
                    self.step(direction, &of, x, [hidden, cells], [gates, apart]);
                    if let Some(all) = &mut outputs[0] {
                        let at = sizes.output_at(step, d, frame);
                        all[at..][..sizes.hidden].copy_from_slice(hidden);
                    }
                }
                for (output, values) in outputs[1..].iter_mut().zip([&*hidden, &*cells]) {
                    let Some(output) = output else { continue };
                    let output = &mut output[state..][..sizes.hidden];
                    match length {
                        // As ONNX Runtime has it, whatever the initial state.
                        0 => output.fill(0.0),
                        _ => output.copy_from_slice(values),
                    }
                }
            }
        }
    }

    fn bytes(&self) -> usize {
        self.parameters.as_ref().map_or(0, Parameters::bytes)
    }
}

/// The parameters of one direction.
struct Learned<'a> {
    weights: &'a [f32],
    recurrence: &'a [f32],
    bias: [&'a [f32]; 2],
    peepholes: &'a [f32],
}

impl<'a> Learned<'a> {
    fn of(parameters: &'a Parameters, sizes: &Sizes, direction: usize) -> Self {
        fn part(values: &[f32], direction: usize, len: usize) -> &[f32] {
            &values[direction * len..][..len]
        }
        let rows = sizes.rows();
        let bias = part(&parameters.bias, direction, 2 * rows).split_at(rows);
        Self {
            weights: part(&parameters.weights, direction, rows * sizes.inputs),
            recurrence: part(&parameters.recurrence, direction, rows * sizes.hidden),
            bias: bias.into(),
            peepholes: part(&parameters.peepholes, direction, 3 * sizes.hidden),
        }
    }
}

/// Adds the product of a vector with the columns from `first` on, as many as `sums` has, of a matrix
/// whose rows are `width` long.
fn add_product(x: &[f32], matrix: &[f32], width: usize, first: usize, sums: &mut [f32]) {
    for (&x, row) in x.iter().zip(matrix.chunks_exact(width.max(1))) {
        for (sum, &w) in sums.iter_mut().zip(&row[first..]) {
            *sum += x * w;
        }
    }
}

impl Recurrent {
    /// Takes the state one step on.
    fn step(
        &self,
        direction: &Direction,
        of: &Learned<'_>,
        x: &[f32],
        [hidden, cells]: [&mut Vec<f32>; 2],
        [gates, apart]: [&mut Vec<f32>; 2],
    ) {
        let (n, rows) = (self.sizes.hidden, self.sizes.rows());
        let clipped = |x: f32| x.max(-self.clip).min(self.clip);
        let act = |i: usize, x: f32| direction.activations[i].at(clipped(x));
        gates.clear();
        gates.extend(of.bias[0].iter().zip(of.bias[1]).map(|(a, b)| a + b));
        if self.cell == (Cell::Gru { reset_last: true }) {
            // The bias of what is reset belongs to it.
            gates[2 * n..].copy_from_slice(&of.bias[0][2 * n..]);
        }
        add_product(x, of.weights, rows, 0, gates);
        match self.cell {
            Cell::Rnn => {
                add_product(hidden, of.recurrence, rows, 0, gates);
                hidden.iter_mut().zip(&*gates).for_each(|(h, &sum)| *h = act(0, sum));
            }
            Cell::Lstm { coupled } => {
                add_product(hidden, of.recurrence, rows, 0, gates);
                for i in 0..n {
                    let peephole = |gate: usize, cell: f32| of.peepholes[gate * n + i] * cell;
                    let before = cells[i];
                    let entering = act(0, gates[i] + peephole(0, before));
                    let kept = match coupled {
                        true => 1.0 - entering,
                        false => act(0, gates[2 * n + i] + peephole(2, before)),
                    };
                    let cell = kept * before + entering * act(1, gates[3 * n + i]);
                    cells[i] = cell;
                    let leaving = act(0, gates[n + i] + peephole(1, cell));
                    hidden[i] = leaving * direction.activations[2].at(cell);
                }
            }
            Cell::Gru { reset_last } => {
                add_product(hidden, of.recurrence, rows, 0, &mut gates[..2 * n]);
                gates[..2 * n].iter_mut().for_each(|gate| *gate = act(0, *gate));
                apart.clear();
                if reset_last {
                    apart.extend_from_slice(&of.bias[1][2 * n..]);
                    add_product(hidden, of.recurrence, rows, 2 * n, apart);
                    for i in 0..n {
                        gates[2 * n + i] += gates[n + i] * apart[i];
                    }
                } else {
                    apart.extend(hidden.iter().zip(&gates[n..]).map(|(h, reset)| h * reset));
                    add_product(apart, of.recurrence, rows, 2 * n, &mut gates[2 * n..]);
                }
                for i in 0..n {
                    let (update, new) = (gates[i], act(1, gates[2 * n + i]));
                    hidden[i] = (1.0 - update) * new + update * hidden[i];
                }
            }
        }
    }
}
