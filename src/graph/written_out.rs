//! Functions of one element that exporters write out: hard-sigmoid, hard-swish and GELU become the one
//! node that ONNX has for each; and Sum becomes Add.
//!
//! What is written is read as polynomials of the element `x` and one function that is none,
//! `plain(x) + factor(x) f(argument(x))`, so that it does not matter in which order it is written.

use std::collections::HashMap;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use super::axes::Axes;
use super::operator::{Scale, operator};
use super::{Attribute, Data, Graph, Node, Tensor, clip_range, fresh_name, prune};

/// Sum of two tensors is Add, of more a chain of Adds, of one nothing.
pub(super) fn split_sums(graph: &mut Graph) {
    let mut taken = graph.names();
    let mut nodes = Vec::with_capacity(graph.nodes.len());
    for node in std::mem::take(&mut graph.nodes) {
        if !node.is("Sum") {
            nodes.push(node);
            continue;
        }
        let [first, middle @ .., last] = &node.inputs[..] else {
            nodes.push(Node { op: "Identity".into(), ..node });
            continue;
        };
        let mut sum = first.clone();
        for tensor in middle {
            let name = fresh_name(&format!("{}_part", node.name), &mut taken);
            nodes.push(Node::new("Add", &name, [&sum, tensor], [&name]));
            sum = name;
        }
        nodes.push(Node::new("Add", &node.name, [&sum, last], [node.output()]));
    }
    graph.nodes = nodes;
}

/// Makes one node of each function that is written out.
pub(super) fn join_written_out(graph: &mut Graph) {
    let mut reader = Reader {
        makers: graph.producers(),
        readers: graph.consumers(),
        axes: Axes::of(graph),
        joined: HashMap::new(),
        graph,
    };
    for i in 0..graph.nodes.len() {
        if let Some(node) = reader.join(i) {
            reader.joined.insert(i, node);
        }
    }
    let joined = reader.joined;
    for (i, node) in joined {
        graph.nodes[i] = node;
    }
    prune(graph);
}

/// Coefficients of 1, x, x^2 and x^3.
type Polynomial = [f64; 4];

const ONE: Polynomial = [1.0, 0.0, 0.0, 0.0];
const ZERO: Polynomial = [0.0; 4];
const HALF_X: Polynomial = [0.0, 0.5, 0.0, 0.0];

/// `plain(x) + factor(x) f`.
#[derive(Debug, Clone, Copy)]
struct Form {
    plain: Polynomial,
    factor: Polynomial,
    /// The node that makes `f`, where there is one.
    function: Option<usize>,
}

/// A function that is no polynomial.
#[derive(Debug, Clone, Copy)]
enum Function {
    /// `slope` times its argument and `shift` between two bounds.
    Bounds {
        low: f64,
        high: f64,
        slope: f64,
        shift: f64,
    },
    Erf,
    Tanh,
}

/// Nodes that are looked at for one form; what is written out has no more than ten.
const MOST: usize = 64;

/// Tensors before a node among which `x` is looked for.
const NEAR: usize = 16;

struct Reader<'a> {
    graph: &'a Graph,
    makers: HashMap<&'a str, usize>,
    readers: HashMap<&'a str, Vec<usize>>,
    axes: Axes<'a>,
    /// Nodes that became others.
    joined: HashMap<usize, Node>,
}

impl<'a> Reader<'a> {
    fn node(&self, i: usize) -> &Node {
        self.joined.get(&i).unwrap_or(&self.graph.nodes[i])
    }

    /// The node that computes what is written out up to node `i`.
    fn join(&self, i: usize) -> Option<Node> {
        let end = &self.graph.nodes[i];
        if !["Mul", "Div", "Clip"].iter().any(|op| end.is(op)) {
            return None;
        }
        let makers = self.before(end.output()).into_iter().filter_map(|t| self.makers.get(t));
        let mut functions = makers.filter(|&&i| is_function(self.node(i)));
        functions.find_map(|&function| {
            // The farthest first: the most is written out from there.
            let elements = self.before(self.node(function).input(0)?).into_iter().rev();
            elements.into_iter().find_map(|x| self.named(end, function, x)).flatten()
        })
    }

    /// `tensor`, and the computed ones that it is a polynomial of, the nearest first.
    fn before<'b>(&'b self, tensor: &'b str) -> Vec<&'b str> {
        let mut found = vec![tensor];
        let mut at = 0;
        while at < found.len() && found.len() < NEAR {
            let maker = self.makers.get(found[at]).map(|&maker| self.node(maker));
            for input in maker.filter(|node| is_arithmetic(node)).iter().flat_map(|n| &n.inputs) {
                let computed = !self.graph.initializers.contains_key(input);
                if computed && !found.contains(&input.as_str()) {
                    found.push(input);
                }
            }
            at += 1;
        }
        found
    }

    /// What `end` computes of `x` by way of one function; `Some(None)`: it is known, and stays.
    fn named(&self, end: &Node, function: usize, x: &str) -> Option<Option<Node>> {
        let form = self.form(end.output(), x, &mut 0)?;
        let argument = self.form(self.node(function).input(0)?, x, &mut 0)?;
        if form.function != Some(function) || argument.function.is_some() {
            return None;
        }
        let node = |op| Node::new(op, &end.name, [x], [end.output()]);
        let halves = near(&form.plain, &HALF_X) && near(&form.factor, &HALF_X);
        match self.function(function)? {
            Function::Erf => {
                let argued = near(&argument.plain, &[0.0, FRAC_1_SQRT_2, 0.0, 0.0]);
                (halves && argued).then(|| Some(node("Gelu")))
            }
            Function::Tanh => {
                let slope = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
                let argued = near(&argument.plain, &[0.0, slope, 0.0, slope * 0.044_715]);
                let tanh = || Attribute::Text(b"tanh".to_vec());
                (halves && argued).then(|| Some(node("Gelu").with("approximate", tanh())))
            }
            Function::Bounds { low, high, slope, shift } => {
                // Of one, or of x.
                let power = usize::from(form.factor[1] != 0.0);
                let (p, q) = (form.factor[power], form.plain[power]);
                let alone = |value: f64| {
                    let mut only = ZERO;
                    only[power] = value;
                    only
                };
                let [b, a, ..] = argument.plain;
                let alpha = p * slope * a;
                let beta = p * (slope * b + shift) + q;
                let is_hard = near(&form.factor, &alone(p))
                    && near(&form.plain, &alone(q))
                    && near(&argument.plain, &[b, a, 0.0, 0.0])
                    && near(&[p * low + q, p * high + q], &[0.0, 1.0]);
                if !is_hard {
                    return None;
                }
                if power == 1 {
                    let swish = near(&[alpha, beta], &[1.0 / 6.0, 0.5]);
                    return swish.then(|| Some(node("HardSwish")));
                }
                let clips = end.is("Clip") && (alpha, beta) == (1.0, 0.0);
                let sigmoid = node("HardSigmoid")
                    .with("alpha", Attribute::Float(alpha as f32))
                    .with("beta", Attribute::Float(beta as f32));
                Some((!clips && !self.goes_into_layer(x)).then_some(sigmoid))
            }
        }
    }

    /// Whether the map that a bounded function begins with goes into the layer that makes `x`, which
    /// then applies the bounds itself.
    fn goes_into_layer(&self, x: &str) -> bool {
        let maker = self.makers.get(x).map(|&maker| &self.graph.nodes[maker]);
        let is_layer = maker.is_some_and(|node| operator(&node.op).scale == Scale::OfLayer);
        is_layer && self.readers.get(x).is_some_and(|readers| readers.len() == 1)
    }

    fn function(&self, i: usize) -> Option<Function> {
        let node = self.node(i);
        Some(match node.op.as_str() {
            "Erf" => Function::Erf,
            "Tanh" => Function::Tanh,
            "HardSigmoid" => Function::Bounds {
                low: 0.0,
                high: 1.0,
                slope: node.float("alpha", 0.2).into(),
                shift: node.float("beta", 0.5).into(),
            },
            _ => {
                let [low, high] = clip_range(self.graph, node)?.map(f64::from);
                Function::Bounds { low, high, slope: 1.0, shift: 0.0 }
            }
        })
    }

    /// `tensor` in terms of `x`; `looked` counts the tensors that were looked at.
    fn form(&self, tensor: &str, x: &str, looked: &mut usize) -> Option<Form> {
        *looked += 1;
        if tensor == x {
            return Some(Form::of([0.0, 1.0, 0.0, 0.0]));
        }
        if let Some(constant) = self.graph.initializers.get(tensor) {
            // A constant of more axes would give the result more.
            let fits = constant.shape.len() <= self.axes.rank(x).unwrap_or(1);
            let &[value] = constant.as_f32().filter(|_| fits)? else { return None };
            return Some(Form::of([value.into(), 0.0, 0.0, 0.0]));
        }
        let &maker = self.makers.get(tensor).filter(|_| *looked < MOST)?;
        let node = self.node(maker);
        if is_function(node) {
            return Some(Form { plain: ZERO, factor: ONE, function: Some(maker) });
        }
        let node = Some(node).filter(|node| is_arithmetic(node))?;
        let a = self.form(node.input(0)?, x, looked)?;
        if node.is("Neg") {
            return Some(a.scaled(-1.0));
        }
        if node.is("Pow") {
            let power =
                whole(self.graph.constant(node, 1)?).filter(|power| (1..=3).contains(power))?;
            return (1..power).try_fold(a, |product, _| product.times(&a));
        }
        let b = self.form(node.input(1)?, x, looked)?;
        match node.op.as_str() {
            "Add" => a.plus(&b),
            "Sub" => a.plus(&b.scaled(-1.0)),
            "Mul" => a.times(&b),
            _ => {
                let [divisor, rest @ ..] = b.plain;
                let constant = b.function.is_none() && rest == [0.0; 3] && divisor != 0.0;
                constant.then(|| a.scaled(1.0 / divisor))
            }
        }
    }
}

impl Form {
    fn of(plain: Polynomial) -> Self {
        Self { plain, factor: ZERO, function: None }
    }

    fn scaled(&self, by: f64) -> Self {
        let scale = |polynomial: Polynomial| polynomial.map(|c| c * by);
        Self { plain: scale(self.plain), factor: scale(self.factor), ..*self }
    }

    /// `None` for two different functions.
    fn plus(&self, other: &Self) -> Option<Self> {
        let sum = |a: Polynomial, b: Polynomial| std::array::from_fn(|i| a[i] + b[i]);
        let function = self.joined_function(other)?;
        let factor = sum(self.factor, other.factor);
        Some(Self { plain: sum(self.plain, other.plain), factor, function })
    }

    /// `None` where a function would be squared, or a power is too high.
    fn times(&self, other: &Self) -> Option<Self> {
        if self.function.is_some() && other.function.is_some() {
            return None;
        }
        let crossed = [product(self.factor, other.plain)?, product(self.plain, other.factor)?];
        let factor = std::array::from_fn(|i| crossed[0][i] + crossed[1][i]);
        let function = self.function.or(other.function);
        Some(Self { plain: product(self.plain, other.plain)?, factor, function })
    }

    fn joined_function(&self, other: &Self) -> Option<Option<usize>> {
        match (self.function, other.function) {
            (Some(a), Some(b)) => (a == b).then_some(Some(a)),
            (a, b) => Some(a.or(b)),
        }
    }
}

/// `None` where a power is too high.
fn product(a: Polynomial, b: Polynomial) -> Option<Polynomial> {
    let mut product = ZERO;
    for (i, a) in a.iter().enumerate() {
        for (j, b) in b.iter().enumerate().filter(|(_, b)| **b * a != 0.0) {
            *product.get_mut(i + j)? += a * b;
        }
    }
    Some(product)
}

/// Whether what an exporter wrote in so many digits is what it meant.
fn near(written: &[f64], meant: &[f64]) -> bool {
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-5 * b.abs().max(0.1);
    written.iter().zip(meant).all(close)
}

fn is_function(node: &Node) -> bool {
    ["Clip", "Erf", "HardSigmoid", "Tanh"].iter().any(|op| node.is(op))
}

fn is_arithmetic(node: &Node) -> bool {
    ["Add", "Div", "Mul", "Neg", "Pow", "Sub"].iter().any(|op| node.is(op))
}

/// The one whole number that a constant is.
fn whole(constant: &Tensor) -> Option<i64> {
    match (&constant.data, constant.as_i64()) {
        (Data::F32(values), _) => match values[..] {
            [value] if value.fract() == 0.0 => Some(value as i64),
            _ => None,
        },
        (_, Some(&[value])) => Some(value),
        _ => match constant.to_i32()?[..] {
            [value] => Some(value.into()),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::trials::{becomes, network};

    /// Nodes as `op a b` or, with a name for the result, `r = op a b`; the last makes `y`. Numbers are
    /// constants.
    fn written(text: &str) -> Graph {
        let lines: Vec<&str> = text.split(';').map(str::trim).collect();
        let mut constants = Vec::new();
        let mut nodes = Vec::new();
        for (i, line) in lines.iter().enumerate() {
            let (result, call) = line.split_once(" = ").unwrap_or(("y", line));
            let mut words = call.split_whitespace();
            let op = words.next().expect("an operator");
            let inputs: Vec<&str> = words.collect();
            for word in &inputs {
                if let Ok(value) = word.parse::<f32>() {
                    constants.push(((*word).to_string(), Tensor::scalar_f32(value)));
                }
            }
            nodes.push(Node::new(op, format!("n{i}"), inputs, [result]));
        }
        let mut graph = network(&[2, 3, 4], nodes, &[]);
        graph.initializers.extend(constants);
        graph
    }

    fn join(graph: &mut Graph) {
        join_written_out(graph);
    }

    #[test]
    fn hard_swish_is_one_node() {
        for text in [
            "a = Add x 3; c = Clip a 0 6; d = Div c 6; Mul x d",
            "a = Add 3 x; c = Clip a 0 6; m = Mul x c; Div m 6",
            "a = Add x 3; c = Clip a 0 6; m = Mul c x; Mul m 0.16666667",
            "a = Add x 3; c = Clip a 0 6; m = Mul c 0.16666667; Mul m x",
            "d = Div x 6; a = Add d 0.5; c = Clip a 0 1; Mul x c",
            "m = Mul 0.16666667 x; a = Add m 0.5; c = Clip a 0 1; Mul c x",
            "d = Div x 6; a = Add x 3; c = Clip a 0 6; Mul d c",
        ] {
            let graph = becomes(written(text), join, &["HardSwish"]);
            assert!(graph.nodes[0].name.starts_with('n'), "{text}");
        }
        let mut sigmoid = written("h = HardSigmoid x; Mul h x");
        sigmoid.nodes[0].attributes.insert("alpha".into(), Attribute::Float(1.0 / 6.0));
        becomes(sigmoid.clone(), join, &["HardSwish"]);
        sigmoid.nodes[0].attributes.clear();
        becomes(sigmoid, join, &["HardSigmoid", "Mul"]);
    }

    #[test]
    fn hard_sigmoid_is_one_node() {
        for text in [
            "a = Add x 3; c = Clip a 0 6; Div c 6",
            "m = Mul x 0.2; a = Add m 0.5; Clip a 0 1",
            "s = Sub 1 x; m = Mul s 0.5; Clip m 0 1",
        ] {
            becomes(written(text), join, &["HardSigmoid"]);
        }
        becomes(written("Clip x 0 1"), join, &["Clip"]);
        becomes(written("a = Add x 3; c = Clip a 0 5; Div c 6"), join, &["Add", "Clip", "Div"]);
        // The layer takes the map, and applies the bounds itself.
        let text = "c = MatMul x w; m = Mul c 0.2; a = Add m 0.5; Clip a 0 1";
        let mut layer = written(text);
        layer.initializers.extend(
            network(&[1], Vec::new(), &[("w", &[4, 4])])
                .initializers
                .iter()
                .map(|(name, tensor)| (name.clone(), tensor.clone())),
        );
        becomes(layer, join, &["MatMul", "Mul", "Add", "Clip"]);
    }

    #[test]
    fn gelu_is_one_node() {
        let cube = "c = Pow x 3; k = Mul c 0.044715; a = Add x k; t = Mul a 0.7978846; h = Tanh t";
        let factored = "q = Mul x x; k = Mul q 0.044715; o = Add k 1; u = Mul x 0.7978846; \
                        t = Mul u o; h = Tanh t";
        for (text, approximate) in [
            ("d = Div x 1.4142135; e = Erf d; a = Add e 1; m = Mul x a; Mul m 0.5", None),
            ("d = Mul x 0.70710677; e = Erf d; a = Add 1 e; m = Mul 0.5 a; Mul x m", None),
            ("m = Mul x 0.5; d = Div x 1.4142135; e = Erf d; a = Add e 1; Mul m a", None),
            ("d = Div x 1.4142135; e = Erf d; m = Mul e 0.5; a = Add m 0.5; Mul a x", None),
            (&format!("{cube}; a1 = Add h 1; m = Mul x 0.5; Mul m a1"), Some("tanh")),
            (&format!("{factored}; a1 = Add 1 h; m = Mul x a1; Mul m 0.5"), Some("tanh")),
        ] {
            let graph = becomes(written(text), join, &["Gelu"]);
            assert_eq!(graph.nodes[0].text("approximate"), approximate, "{text}");
        }
        let other = "d = Div x 1.5; e = Erf d; a = Add e 1; m = Mul x a; Mul m 0.5";
        becomes(written(other), join, &["Div", "Erf", "Add", "Mul", "Mul"]);
    }

    /// What is read elsewhere is still made, and an output has its name.
    #[test]
    fn what_is_shared_stays() {
        let mut graph = written("a = Add x 3; c = Clip a 0 6; d = Div c 6; Mul x d");
        let output = |name: &str| crate::graph::Value { name: name.into(), ..Default::default() };
        graph.outputs.push(output("c"));
        becomes(graph, join, &["Add", "Clip", "HardSwish"]);
    }

    #[test]
    fn sums_are_added() {
        let sum = |graph: &mut Graph| split_sums(graph);
        becomes(written("r = Relu x; Sum r x"), sum, &["Relu", "Add"]);
        let chain = becomes(
            written("r = Relu x; t = Tanh x; Sum r x 2 t"),
            sum,
            &["Relu", "Tanh", "Add", "Add", "Add"],
        );
        assert_eq!(chain.nodes[4].name, "n2");
        becomes(written("r = Relu x; Sum r"), sum, &["Relu", "Identity"]);
    }
}
