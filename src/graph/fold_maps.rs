//! Chains of BatchNormalization, Mul, Add, Sub and Div by constants are one affine map of each channel.
//! It goes into the layer before it, else into the layer behind it, else it stands as one
//! BatchNormalization, which [`fold_batch_norm`](super::fold_batch_norm) makes a layer that quantizes
//! with a scale per channel; or, where channels are not known, as one Mul and one Add.
//!
//! Of a chain with a BatchNormalization behind a layer, that layer takes what stands before the
//! normalization, and the normalization what stands behind: it stays apart, so that it can train.

use std::collections::{HashMap, HashSet};

use super::affine::{self, Affine, Constants};
use super::axes::Axes;
use super::{Attribute, Data, Graph, Node, Tensor, fresh_name, prune};

/// What zero may become for a map to be moved: a larger sum and difference of like size would lose
/// digits that the network has.
const LARGEST_SHIFT: f64 = 256.0;

/// Makes one map of each chain and gives it to a layer where that is exact.
pub fn fold_maps(graph: &mut Graph) {
    let chains = chains(graph);
    let mut folding = Folding {
        taken: graph.names(),
        readers: Readers::of(graph),
        ends: HashMap::new(),
        gone: HashSet::new(),
        graph,
    };
    for chain in &chains {
        folding.fold(chain);
    }
    let Folding { mut ends, gone, .. } = folding;
    let nodes = std::mem::take(&mut graph.nodes).into_iter().enumerate();
    graph.nodes = nodes
        .flat_map(|(i, node)| match ends.remove(&i) {
            Some(nodes) => nodes,
            None if gone.contains(&i) => Vec::new(),
            None => vec![node],
        })
        .collect();
    prune(graph);
}

/// A node that maps its channels.
#[derive(Debug, Clone)]
struct Map {
    node: usize,
    /// The tensor that it maps.
    x: String,
    affine: Affine,
    normalizes: bool,
}

/// Maps one behind the other, each the only reader of the one before.
#[derive(Debug)]
struct Chain {
    maps: Vec<Map>,
    /// All of them.
    whole: Affine,
    /// Axes of what they map, and its channels.
    rank: Option<usize>,
    channels: Option<usize>,
}

fn chains(graph: &Graph) -> Vec<Chain> {
    let axes = Axes::of(graph);
    let readers = Readers::of(graph);
    let mut maps: Vec<Option<Map>> =
        graph.nodes.iter().enumerate().map(|(i, node)| map(graph, &axes, i, node)).collect();
    let mut chains = Vec::new();
    for i in 0..maps.len() {
        let Some(first) = maps[i].take() else { continue };
        let (rank, channels) = (axes.rank(&first.x), axes.channels(&first.x));
        let mut chain = Chain { whole: first.affine.clone(), maps: vec![first], rank, channels };
        let mut tensor = graph.nodes[i].output();
        while let Some(next) = readers.only(tensor)
            && let Some(map) = maps[next].take_if(|map| map.x == tensor)
        {
            let Some(whole) = chain.whole.then(&map.affine) else {
                maps[next] = Some(map);
                break;
            };
            chain.whole = whole;
            chain.maps.push(map);
            tensor = graph.nodes[next].output();
        }
        let normalizes = chain.maps.iter().any(|map| map.normalizes);
        let moves = chain.whole.of_zero().iter().any(|y| y.abs() > LARGEST_SHIFT);
        if chain.whole.is_finite() && (normalizes || !moves) {
            chains.push(chain);
        }
    }
    chains
}

/// What node `i` does to channels, if it does nothing else.
fn map(graph: &Graph, axes: &Axes<'_>, i: usize, node: &Node) -> Option<Map> {
    let of = |index: usize, affine, normalizes| {
        let x = node.input(index)?.to_string();
        Some(Map { node: i, x, affine, normalizes })
    };
    if node.is("BatchNormalization") {
        let affine = Affine::normalization(graph, node)?;
        let fits = axes.channels(node.input(0)?).is_none_or(|known| known == affine.channels());
        return if fits && affine.is_finite() { of(0, affine, true) } else { None };
    }
    if !["Add", "Sub", "Mul", "Div"].iter().any(|op| node.is(op)) {
        return None;
    }
    let (computed, affine) = Affine::arithmetic(graph, node)?;
    let constant = &graph.constant(node, 1 - computed)?.shape;
    let x = node.input(computed)?;
    // A constant of more axes would give its result more.
    if constant.len() > axes.rank(x).unwrap_or(1) {
        return None;
    }
    if affine.channels() > 1 {
        // It must have channels where the computed tensor has its own, and as many.
        let from_end = axes.rank(x)?.checked_sub(2)?;
        let at = constant.len().checked_sub(1 + from_end)?;
        if constant.get(at) != Some(&affine.channels()) || axes.channels(x) != Some(constant[at]) {
            return None;
        }
    }
    of(computed, affine, false)
}

/// Who reads and who makes each tensor; folding leaves that right for what is not folded yet.
struct Readers {
    makers: HashMap<String, usize>,
    /// Of tensors that one node alone reads.
    only: HashMap<String, usize>,
}

impl Readers {
    fn of(graph: &Graph) -> Self {
        let makers = graph.producers().into_iter().map(|(t, i)| (t.to_string(), i)).collect();
        let alone = |(tensor, readers): (&str, Vec<usize>)| match readers[..] {
            [reader] if !graph.is_output(tensor) => Some((tensor.to_string(), reader)),
            _ => None,
        };
        Self { makers, only: graph.consumers().into_iter().filter_map(alone).collect() }
    }

    fn only(&self, tensor: &str) -> Option<usize> {
        self.only.get(tensor).copied()
    }
}

struct Folding<'a> {
    graph: &'a mut Graph,
    readers: Readers,
    taken: HashSet<String>,
    /// What stands in place of a chain's last node.
    ends: HashMap<usize, Vec<Node>>,
    gone: HashSet<usize>,
}

impl Folding<'_> {
    fn fold(&mut self, chain: &Chain) {
        let (first, last) = (&chain.maps[0], &chain.maps[chain.maps.len() - 1]);
        let y = self.graph.nodes[last.node].output().to_string();
        let normalization = chain.maps.iter().position(|map| map.normalizes);
        let (own, rest) = chain.maps.split_at(normalization.unwrap_or(chain.maps.len()));
        let given = self.give_before(chain, own, &y);
        let nodes = match (normalization, given) {
            (Some(_), true) => vec![self.normalization(&first.x, rest, &y)],
            (Some(0), false) => vec![self.normalization(&first.x, &chain.maps, &y)],
            (Some(at), false) => {
                let name = self.graph.nodes[chain.maps[at].node].name.clone();
                vec![self.as_normalization(&name, &first.x, &chain.whole, &y)]
            }
            (None, true) => Vec::new(),
            (None, false) if self.give_behind(chain, &y) => Vec::new(),
            (None, false) => self.standing(chain, &y),
        };
        self.gone.extend(chain.maps.iter().map(|map| map.node));
        self.ends.insert(last.node, nodes);
    }

    /// Gives the layer before a chain what stands before its normalization; makes that layer one that
    /// can take a normalization.
    fn give_before(&mut self, chain: &Chain, own: &[Map], y: &str) -> bool {
        let x = &chain.maps[0].x;
        let Some(&layer) = self.readers.makers.get(x).filter(|_| self.readers.only(x).is_some())
        else {
            return false;
        };
        let node = as_gemm(&self.graph.nodes[layer]);
        let Some(places) = affine::places(self.graph, &node) else { return false };
        let normalizes = own.len() < chain.maps.len();
        let given = all_in_one(own).is_some_and(|affine| {
            let each = affine.spread(places.all_outputs());
            let constants = each.and_then(|each| affine::before(self.graph, &node, &each));
            constants.is_some_and(|constants| self.give(layer, chain, &affine, constants))
        });
        let node = &mut self.graph.nodes[layer];
        if normalizes && chain.rank == Some(2) {
            *node = as_gemm(node);
        } else if given && !normalizes {
            node.outputs[0] = y.into();
        }
        given
    }

    /// Gives the whole chain to the layer that alone reads its result.
    fn give_behind(&mut self, chain: &Chain, y: &str) -> bool {
        let Some(layer) = self.readers.only(y) else { return false };
        let node = as_gemm(&self.graph.nodes[layer]);
        if node.inputs[0] != y {
            return false;
        }
        let constants = affine::places(self.graph, &node)
            .and_then(|places| chain.whole.spread(places.all_inputs()))
            .and_then(|each| affine::behind(self.graph, &node, &each));
        let given = constants.is_some_and(|own| self.give(layer, chain, &chain.whole, own));
        if given {
            self.graph.nodes[layer].inputs[0].clone_from(&chain.maps[0].x);
        }
        given
    }

    /// Whether the layer could take its new weights and bias. MatMul has no bias, and its channels are
    /// on the last axis: of two, that is where they are for every other layer.
    fn give(&mut self, layer: usize, chain: &Chain, affine: &Affine, constants: Constants) -> bool {
        let node = &mut self.graph.nodes[layer];
        let [weights, bias] = constants;
        let zeros = bias.as_f32().is_some_and(|bias| bias.iter().all(|&b| b == 0.0));
        let has_bias = node.input(2).is_some() || !zeros;
        if node.is("MatMul") {
            if chain.rank != Some(2) && (has_bias || affine.channels() > 1) {
                return false;
            }
            if has_bias {
                *node = as_gemm(node);
            }
        }
        let name = node.name.clone();
        node.inputs.truncate(1);
        for (what, tensor) in [("weight", Some(weights)), ("bias", has_bias.then_some(bias))] {
            let Some(tensor) = tensor else { continue };
            let own = self.constant(&name, what, tensor);
            self.graph.nodes[layer].inputs.push(own);
        }
        true
    }

    /// A new constant's name.
    fn constant(&mut self, node: &str, what: &str, tensor: Tensor) -> String {
        let name = fresh_name(&format!("{node}_{what}"), &mut self.taken);
        self.graph.initializers.insert(name.clone(), tensor);
        name
    }

    /// One for each channel, and ones along `axes` more.
    fn vector(&mut self, node: &str, what: &str, values: &[f64], axes: usize) -> String {
        let each = values.iter().map(|&v| v as f32).collect();
        let shape = [vec![values.len()], vec![1; axes]].concat();
        self.constant(node, what, Tensor::new(shape, Data::F32(each)))
    }

    /// A normalization and the maps behind it as one, with its own statistics.
    fn normalization(&mut self, x: &str, maps: &[Map], y: &str) -> Node {
        let mut node = self.graph.nodes[maps[0].node].clone();
        node.inputs[0] = x.into();
        let Some(behind) = all_in_one(&maps[1..]) else { return node };
        let values = |index| {
            let constant = self.graph.constant(&node, index).and_then(Tensor::as_f32);
            constant.unwrap_or_default().iter().map(|&v| f64::from(v)).collect::<Vec<f64>>()
        };
        let (mut scale, mut shift) = (values(1), values(2));
        let behind = behind.spread(scale.len()).unwrap_or(behind);
        scale.iter_mut().zip(&behind.gain).for_each(|(scale, gain)| *scale *= gain);
        shift.iter_mut().enumerate().for_each(|(c, shift)| *shift = behind.apply(c, *shift));
        for (index, what, values) in [(1, "scale", scale), (2, "shift", shift)] {
            node.inputs[index] = self.vector(&node.name, what, &values, 0);
        }
        node.outputs = vec![y.into()];
        node
    }

    /// An affine map in the words of a normalization.
    fn as_normalization(&mut self, name: &str, x: &str, affine: &Affine, y: &str) -> Node {
        let ones = vec![1.0; affine.channels()];
        let parts = [
            ("gain", &affine.gain),
            ("shift", &affine.shift),
            ("mean", &affine.mean),
            ("variance", &ones),
        ];
        let constants = parts.map(|(what, values)| self.vector(name, what, values, 0));
        let inputs = [x.to_string()].into_iter().chain(constants);
        Node::new("BatchNormalization", name, inputs, [y]).with("epsilon", Attribute::Float(0.0))
    }

    /// What stands where no layer takes the chain.
    fn standing(&mut self, chain: &Chain, y: &str) -> Vec<Node> {
        let (whole, x) = (&chain.whole, &chain.maps[0].x);
        let old: Vec<Node> = chain.maps.iter().map(|m| self.graph.nodes[m.node].clone()).collect();
        let (scales, shifts) = (whole.gain.iter().any(|&g| g as f32 != 1.0), !whole.keeps_zero());
        let (first, last) = (&old[0].name, &old[old.len() - 1].name);
        let for_each = whole.channels() > 1;
        // A layer has a scale for each channel, and rounds once.
        if matches!(chain.rank, Some(3 | 4)) && (for_each || scales && shifts) {
            let channels = chain.channels.and_then(|channels| whole.spread(channels));
            if let Some(each) = channels {
                return vec![self.as_normalization(last, x, &each, y)];
            }
        }
        let needed = usize::from(scales) + usize::from(shifts);
        let quantizes = |node: &Node| node.is("Mul") || node.is("Add");
        if old.iter().all(quantizes) && old.len() <= needed.max(1) {
            return old;
        }
        let axes = if for_each { chain.rank.unwrap_or(2) - 2 } else { 0 };
        let mut nodes = Vec::with_capacity(2);
        let mut tensor = x.clone();
        if scales {
            let scaled = if shifts {
                fresh_name(&format!("{first}_scaled"), &mut self.taken)
            } else {
                y.into()
            };
            let gain = self.vector(first, "gain", &whole.gain, axes);
            nodes.push(Node::new("Mul", first, [&tensor, &gain], [&scaled]));
            tensor = scaled;
        }
        if shifts {
            let shift = self.vector(last, "shift", &whole.of_zero(), axes);
            let name = if first == last && scales {
                fresh_name(&format!("{last}_add"), &mut self.taken)
            } else {
                last.clone()
            };
            nodes.push(Node::new("Add", name, [&tensor, &shift], [y]));
        }
        if nodes.is_empty() {
            nodes.push(Node::new("Identity", last, [&tensor], [y]));
        }
        nodes
    }
}

/// All maps in one; `None` where there is none.
fn all_in_one(maps: &[Map]) -> Option<Affine> {
    let (first, rest) = maps.split_first()?;
    rest.iter().try_fold(first.affine.clone(), |all, map| all.then(&map.affine))
}

/// A MatMul with constant weights as the Gemm that it is for two axes; every other node as it is.
fn as_gemm(node: &Node) -> Node {
    let mut node = node.clone();
    if node.is("MatMul") {
        node.op = "Gemm".into();
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Value;
    use crate::graph::fold_batch_norm::{fold_batch_norm, normalized_layers};
    use crate::graph::trials::{becomes, network};

    const CONSTANTS: [(&str, &[usize]); 10] = [
        ("w", &[2, 2, 3, 3]),
        ("v", &[2, 2]),
        ("one", &[]),
        ("c", &[2, 1, 1]),
        ("d", &[1, 2, 1, 1]),
        ("row", &[2]),
        ("s", &[2]),
        ("b", &[2]),
        ("m", &[2]),
        ("r", &[2]),
    ];

    /// `x -> each operator with its other input -> y`; `!` before an operator: the constant is first;
    /// `.`: there is no other.
    fn chain(input: &[usize], parts: &str) -> Graph {
        let parts: Vec<&str> = parts.split_whitespace().collect();
        let count = parts.len();
        let nodes = parts.into_iter().enumerate().map(|(i, part)| {
            let [x, y] = [i, i + 1].map(|at| match at {
                0 => "x".to_string(),
                at if at == count => "y".into(),
                at => format!("t{at}"),
            });
            let (op, other) = part.split_once(':').unwrap_or((part, ""));
            let name = format!("n{i}");
            match (op.strip_prefix('!'), other) {
                (Some(op), _) => Node::new(op, name, [other, &x], [y]),
                (_, "") => Node::new(op, name, [x], [y]),
                _ if op == "BatchNormalization" => {
                    Node::new(op, name, [&x, "s", "b", "m", "r"], [y])
                }
                _ => Node::new(op, name, [&x, other], [y]),
            }
        });
        let mut graph = network(input, nodes.collect(), &CONSTANTS);
        graph.initializers.insert("r".into(), Tensor::new([2], Data::F32(vec![0.5, 2.0])));
        graph
    }

    const IMAGE: [usize; 4] = [1, 2, 5, 5];

    #[test]
    fn maps_go_into_the_layer_before() {
        for (input, parts, left) in [
            (&IMAGE[..], "Conv:w Mul:c Add:one Sub:d !Mul:one", &["Conv"][..]),
            (&IMAGE, "Conv:w !Sub:c Div:d", &["Conv"]),
            (&IMAGE, "ConvTranspose:w Add:c Mul:d", &["ConvTranspose"]),
            (&[3, 2], "Gemm:v Sub:row Mul:one", &["Gemm"]),
            (&[3, 2], "MatMul:v Add:row", &["Gemm"]),
            (&[3, 2], "MatMul:v Mul:row", &["MatMul"]),
            (&[2, 3, 2], "MatMul:v Mul:one", &["MatMul"]),
            (&IMAGE, "Conv:w Mul:c Relu Add:c Conv:w", &["Conv", "Relu", "Conv"]),
        ] {
            becomes(chain(input, parts), fold_maps, left);
        }
    }

    #[test]
    fn maps_go_into_the_layer_behind() {
        for (input, parts, left) in [
            (&IMAGE[..], "Mul:c Add:d Conv:w", &["Conv"][..]),
            (&IMAGE, "Sub:one Div:one ConvTranspose:w", &["BatchNormalization", "ConvTranspose"]),
            (&IMAGE, "!Mul:c ConvTranspose:w", &["ConvTranspose"]),
            (&[3, 2], "Sub:row Mul:row Gemm:v", &["Gemm"]),
            (&[3, 2], "Sub:row MatMul:v", &["Gemm"]),
            (&[2, 3, 2], "Mul:one MatMul:v", &["MatMul"]),
            (&[2, 3, 2], "Add:one MatMul:v", &["Add", "MatMul"]),
        ] {
            becomes(chain(input, parts), fold_maps, left);
        }
        for (parts, left) in [
            ("Mul:c Add:one Mul:d Conv:w", &["BatchNormalization", "Conv"][..]),
            ("Div:one Mul:c Conv:w", &["Conv"]),
        ] {
            let mut padded = chain(&IMAGE, parts);
            let conv = padded.nodes.last_mut().expect("a layer");
            conv.attributes.insert("pads".into(), Attribute::Ints(vec![1, 0, 1, 2]));
            becomes(padded, fold_maps, left);
        }
    }

    /// Behind a layer they train with their own statistics.
    #[test]
    fn a_normalization_takes_the_maps_behind_it() {
        let parts = "Conv:w Add:c BatchNormalization:s Mul:c Add:one";
        let mut graph = becomes(chain(&IMAGE, parts), fold_maps, &["Conv", "BatchNormalization"]);
        let own = normalized_layers(&graph).pop().expect("a normalized layer");
        assert_eq!((own.layer.as_str(), own.variance, own.epsilon), ("n0", vec![0.5, 2.0], 1e-5));
        assert_eq!(graph.nodes[1].name, "n2");
        assert_eq!(fold_batch_norm(&mut graph), 1);
        let parts = "Mul:c BatchNormalization:s Add:one Relu";
        let graph = becomes(chain(&IMAGE, parts), fold_maps, &["BatchNormalization", "Relu"]);
        assert_eq!(graph.nodes[0].name, "n1");
        let product = "MatMul:v BatchNormalization:s";
        becomes(chain(&[3, 2], product), fold_maps, &["Gemm", "BatchNormalization"]);
    }

    #[test]
    fn what_no_layer_takes_stands_as_one() {
        for (input, parts, left) in [
            (&IMAGE[..], "Sub:c Div:d Relu", &["BatchNormalization", "Relu"][..]),
            (&IMAGE, "Mul:c", &["BatchNormalization"]),
            (&IMAGE, "Mul:one", &["Mul"]),
            (&IMAGE, "Sub:one", &["Add"]),
            (&IMAGE, "Div:one Mul:one", &["Identity"]),
            (&[3, 2], "Sub:row Div:row Add:one", &["Mul", "Add"]),
            (&[3, 2], "!Sub:row", &["Mul", "Add"]),
            (&[2, 2, 2, 2, 2], "Sub:one Div:one Add:one", &["Mul", "Add"]),
        ] {
            becomes(chain(input, parts), fold_maps, left);
        }
    }

    /// What is read twice, or is an output, is made as before.
    #[test]
    fn shared_results_stay() {
        let mut graph = chain(&IMAGE, "Conv:w Mul:c Add:c Conv:w");
        let output = |name: &str| Value { name: name.into(), ..Value::default() };
        graph.outputs.push(output("t2"));
        becomes(graph.clone(), fold_maps, &["Conv", "Conv"]);
        graph.outputs[1] = output("t1");
        becomes(graph.clone(), fold_maps, &["Conv", "Conv"]);
        graph.outputs[1] = output("t3");
        becomes(graph.clone(), fold_maps, &["Conv", "Conv"]);
        graph.outputs.truncate(1);
        graph.nodes[3].op = "Relu".into();
        graph.nodes[3].inputs.truncate(1);
        graph.nodes[3].outputs[0] = "last".into();
        graph.nodes.push(Node::new("Mul", "joined", ["last", "t3"], ["y"]));
        becomes(graph.clone(), fold_maps, &["Conv", "Relu", "Mul"]);
        graph.nodes[4].inputs[1] = "t1".into();
        let left = ["Conv", "BatchNormalization", "Relu", "Mul"];
        becomes(graph, fold_maps, &left);
    }

    #[test]
    fn what_is_no_map_of_channels_stays() {
        let plane = [("plane", &[5, 5][..]), ("three", &[3, 1, 1]), ("axes", &[1, 1, 1, 1, 1])];
        for (channels, parts, left) in [
            (2, "Conv:w Add:plane", &["Conv", "Add"][..]),
            (1, "Mul:three", &["Mul"]),
            (2, "Relu Mul:axes", &["Relu", "Mul"]),
            (2, "!Div:c", &["Div"]),
        ] {
            let mut graph = chain(&[1, channels, 5, 5], parts);
            graph.initializers.extend(
                network(&[1], Vec::new(), &plane)
                    .initializers
                    .iter()
                    .map(|(name, tensor)| (name.clone(), tensor.clone())),
            );
            if parts.starts_with("Conv") {
                let pads = Attribute::Ints(vec![1; 4]);
                graph.nodes[0].attributes.insert("pads".into(), pads);
            }
            becomes(graph, fold_maps, left);
        }
        for (constant, parts, left) in [
            (1e6, "Sub:one Conv:w", &["Sub", "Conv"][..]),
            (0.0, "Sub:one Div:one Conv:w", &["Identity", "Div", "Conv"]),
        ] {
            let mut graph = chain(&IMAGE, parts);
            graph.initializers.insert("one".into(), Tensor::scalar_f32(constant));
            fold_maps(&mut graph);
            let ops: Vec<&str> = graph.nodes.iter().map(|n| n.op.as_str()).collect();
            assert_eq!(ops, left);
        }
    }
}
