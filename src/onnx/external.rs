//! Weights in files beside the network.

use prost::Message;
use tract_onnx::pb::{StringStringEntryProto, TensorProto, tensor_proto::DataLocation};

use super::damaged;
use crate::error::{Error, Result};

/// Gives the content of a file beside the network, by the name that the network has for it.
pub type Beside<'a> = dyn Fn(&str) -> Option<&'a [u8]> + 'a;

const LOCATION: &str = "location";

/// What of a network's message tells where its tensors are: the tensors themselves are passed over.
#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
    #[prost(message, repeated, tag = "25")]
    functions: Vec<Function>,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    nodes: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    initializers: Vec<Tensor>,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(message, repeated, tag = "7")]
    nodes: Vec<Node>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(message, repeated, tag = "5")]
    attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
struct Attribute {
    #[prost(message, optional, tag = "5")]
    tensor: Option<Tensor>,
}

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(message, repeated, tag = "13")]
    external: Vec<StringStringEntryProto>,
}

/// The names of the files beside a network that it keeps weights in, each once; none where `bytes`
/// are no network, which [`read`](super::read) says.
pub fn data_files(bytes: &[u8]) -> Vec<String> {
    let Model { graph, functions } = Model::decode(bytes).unwrap_or_default();
    let Graph { nodes, initializers } = graph.unwrap_or_default();
    let nodes = nodes.into_iter().chain(functions.into_iter().flat_map(|function| function.nodes));
    let attributes = nodes.flat_map(|node| node.attributes);
    let tensors = initializers.into_iter().chain(attributes.filter_map(|a| a.tensor));
    let mut names: Vec<String> = tensors
        .flat_map(|tensor| tensor.external)
        .filter(|entry| entry.key == LOCATION)
        .map(|entry| entry.value)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The `size` bytes of a tensor that another file has; `None` for one that is in the network's.
///
/// # Errors
/// A file that is not there, or that ends before them.
pub(super) fn bytes<'a>(
    tensor: &TensorProto,
    size: usize,
    beside: &Beside<'a>,
) -> Result<Option<&'a [u8]>> {
    let is_outside = tensor.data_location == Some(DataLocation::External as i32);
    if !is_outside && tensor.external_data.is_empty() {
        return Ok(None);
    }
    let entry = |key: &str| tensor.external_data.iter().find(|e| e.key == key).map(|e| &*e.value);
    let number = |key: &str, default: u64| match entry(key) {
        None => Ok(default),
        Some(text) => text.trim().parse::<u64>().map_err(|_| damaged()),
    };
    let location = entry(LOCATION).ok_or_else(damaged)?;
    let file = beside(location).ok_or_else(|| {
        let what = format!("the weights are in another file ({location}), which is not here");
        Error::new(what).way_out(
            "Keep both files in one folder; on the page, drop or choose both together. \
             Or save it in one: onnx.save(onnx.load(path), path, save_as_external_data=False).",
        )
    })?;
    let (offset, length) = (number("offset", 0)?, number("length", size as u64)?);
    super::check_count(size, usize::try_from(length).unwrap_or(usize::MAX))?;
    let range = usize::try_from(offset).ok().and_then(|from| Some(from..from.checked_add(size)?));
    match range.and_then(|range| file.get(range)) {
        Some(bytes) => Ok(Some(bytes)),
        None => Err(Error::new(format!(
            "it is {size} bytes behind the first {offset} of `{location}`, which has {}",
            file.len()
        ))
        .way_out("The file may have been cut off on the way: copy or export both again.")),
    }
}
