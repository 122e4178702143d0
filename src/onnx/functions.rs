//! Model-local functions: in place of each call, the function's nodes.

use std::collections::{BTreeMap, HashMap, HashSet};

use prost::Message;
use tract_onnx::pb::{self, AttributeProto, FunctionProto, NodeProto};

use super::{damaged, default_domain};
use crate::error::{Error, Result};
use crate::graph::fresh_name;

/// Nodes that calls may come to, many times those of the largest networks, and what these may hold:
/// functions that call others twice grow without bound.
const MOST_NODES: usize = 1 << 18;
const MOST_BYTES: usize = 1 << 28;

/// Functions inside one another, far more than exporters nest.
const DEEPEST: usize = 64;

/// What tract's message leaves out: the defaults of the functions' attributes.
#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, repeated, tag = "25")]
    functions: Vec<Function>,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(message, repeated, tag = "11")]
    attributes: Vec<AttributeProto>,
}

/// A node, and the version of the default operator set by which it is meant.
pub(super) type Written = (NodeProto, i64);

/// Takes the nodes out of the network's message, calls of functions replaced; and adds to `opsets` the
/// domains that the functions' nodes need. `bytes` are the file's.
///
/// # Errors
/// Functions that stand twice, that call themselves, or that come to more nodes than any network has.
pub(super) fn inlined(
    model: &mut pb::ModelProto,
    bytes: &[u8],
    opsets: &mut BTreeMap<String, i64>,
) -> Result<Vec<Written>> {
    let graph = model.graph.as_mut().ok_or_else(damaged)?;
    let nodes = std::mem::take(&mut graph.node);
    let opset = opsets.get("").copied().unwrap_or(1);
    if model.functions.is_empty() {
        return Ok(nodes.into_iter().map(|node| (node, opset)).collect());
    }
    let defaults = Model::decode(bytes).map_err(|_| damaged())?.functions;
    let defaults = defaults.into_iter().chain(std::iter::repeat(Function::default()));
    let mut functions = HashMap::new();
    for (function, defaults) in model.functions.iter().zip(defaults) {
        let key = (default_domain(function.domain()).to_owned(), function.name().to_owned());
        let local = Local { function, defaults: defaults.attributes };
        if functions.insert(key, local).is_some() {
            let what = format!("the network has two functions `{}`", function.name());
            return Err(Error::new(what).way_out(INLINE));
        }
    }
    let tensors = nodes.iter().flat_map(|node| node.input.iter().chain(&node.output)).cloned();
    let mut inliner = Inliner {
        functions: &functions,
        taken: tensors.chain(graph.initializer.iter().map(|tensor| tensor.name.clone())).collect(),
        nodes: Vec::new(),
        count: 0,
        bytes: 0,
        opsets,
    };
    inliner.taken.extend(graph.input.iter().map(|value| value.name.clone()));
    inliner.taken.extend(graph.output.iter().map(|value| value.name.clone()));
    for node in nodes {
        inliner.node(node, opset, 0)?;
    }
    let nodes = inliner.nodes;
    let is_left = |domain: &str| nodes.iter().any(|(n, _)| default_domain(&n.domain) == domain);
    let own = |domain: &str| functions.keys().any(|(of, _)| of == domain);
    opsets.retain(|domain, _| domain.is_empty() || !own(domain) || is_left(domain));
    Ok(nodes)
}

const INLINE: &str = "Inline the functions first: onnx.inliner.inline_local_functions(model).";

struct Local<'a> {
    function: &'a FunctionProto,
    /// Attributes that a call may leave out.
    defaults: Vec<AttributeProto>,
}

struct Inliner<'a> {
    /// By domain and name.
    functions: &'a HashMap<(String, String), Local<'a>>,
    /// Names of tensors.
    taken: HashSet<String>,
    nodes: Vec<Written>,
    /// Of the nodes and calls inside functions.
    count: usize,
    bytes: usize,
    opsets: &'a mut BTreeMap<String, i64>,
}

impl Inliner<'_> {
    /// Takes in a node that stands `depth` functions deep.
    fn node(&mut self, node: NodeProto, opset: i64, depth: usize) -> Result<()> {
        let key = (default_domain(&node.domain).to_owned(), node.op_type.clone());
        let Some(local) = self.functions.get(&key) else {
            self.nodes.push((node, opset));
            return Ok(());
        };
        if depth == DEEPEST {
            return Err(Error::new(format!("functions call one another {DEEPEST} deep"))
                .at_node(&node.name)
                .way_out(INLINE));
        }
        self.call(&node, local, opset, depth)
    }

    /// Takes in the nodes of a function that is called.
    fn call(&mut self, call: &NodeProto, local: &Local, opset: i64, depth: usize) -> Result<()> {
        let Local { function, defaults } = local;
        let mut opset = opset;
        for import in &function.opset_import {
            match default_domain(&import.domain) {
                "" => opset = import.version,
                domain => {
                    self.opsets.entry(domain.to_owned()).or_insert(import.version);
                }
            }
        }
        let made = call.output.iter().find(|name| !name.is_empty());
        let base = if call.name.is_empty() { made } else { Some(&call.name) };
        let base = base.map_or("", String::as_str);
        // What the call leaves out is left out inside, too.
        let mut names: HashMap<String, String> = [(String::new(), String::new())].into();
        let given = call.input.iter().cloned().chain(std::iter::repeat(String::new()));
        names.extend(function.input.iter().cloned().zip(given));
        let wanted = function.output.iter().zip(&call.output).filter(|(_, name)| !name.is_empty());
        for (output, name) in wanted {
            match names.get(output) {
                // It hands an input through, or one result twice.
                Some(known) => {
                    let identity = NodeProto {
                        op_type: "Identity".into(),
                        input: vec![known.clone()],
                        output: vec![name.clone()],
                        ..NodeProto::default()
                    };
                    self.nodes.push((identity, opset));
                }
                None => {
                    names.insert(output.clone(), name.clone());
                }
            }
        }
        for node in &function.node {
            let mut node = node.clone();
            for name in node.input.iter_mut().chain(&mut node.output) {
                let inside = std::mem::take(name);
                let made = format!("{base}_{inside}");
                let known = names.entry(inside);
                name.clone_from(known.or_insert_with(|| fresh_name(&made, &mut self.taken)));
            }
            let own = if node.name.is_empty() { &node.op_type } else { &node.name };
            node.name = format!("{base}_{own}");
            node.attribute = attributes(node.attribute, call, defaults);
            self.count += 1;
            self.bytes += node.encoded_len();
            if self.count > MOST_NODES || self.bytes > MOST_BYTES {
                return Err(Error::new(format!(
                    "its functions come to more than {MOST_NODES} nodes or {MOST_BYTES} bytes"
                ))
                .at_node(&call.name)
                .way_out(INLINE));
            }
            self.node(node, opset, depth + 1)?;
        }
        Ok(())
    }
}

/// The attributes of a node inside a function: what they refer to is the call's, or has a default, or
/// is left out.
fn attributes(
    inside: Vec<AttributeProto>,
    call: &NodeProto,
    defaults: &[AttributeProto],
) -> Vec<AttributeProto> {
    let given = |attribute: AttributeProto| {
        if attribute.ref_attr_name.is_empty() {
            return Some(attribute);
        }
        let mut all = call.attribute.iter().chain(defaults);
        let value = all.find(|given| given.name == attribute.ref_attr_name)?.clone();
        Some(AttributeProto { name: attribute.name, ..value })
    };
    inside.into_iter().filter_map(given).collect()
}
