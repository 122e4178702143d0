//! An AveragePool with dilations is a depthwise convolution with equal weights. ONNX Runtime has an
//! integer version of that; of such a pool between QDQ pairs it makes a file that it does not load.

use std::collections::HashMap;

use super::operator::{Rank, Training, operator};
use super::weights::Places;
use super::{Attribute, Data, Dim, Graph, Node, Tensor, fresh_name};

/// Turns every AveragePool with dilations into a Conv where its windows all count alike and the number
/// of channels is known; dilations by 1 are left out.
pub fn convolve_dilated_means(graph: &mut Graph) {
    let producers = graph.producers();
    let channels = |node: &Node| {
        let dilated = node.ints("dilations").is_some_and(|by| by.iter().any(|&d| d > 1));
        let padded = node.ints("pads").is_some_and(|pads| pads.iter().any(|&pad| pad != 0));
        let auto = node.text("auto_pad").is_some_and(|mode| mode != "NOTSET");
        let alike = node.int("ceil_mode", 0) == 0
            && !auto
            && (!padded || node.int("count_include_pad", 0) != 0);
        let taken = node.is("AveragePool") && dilated && alike;
        if taken { channels(graph, &producers, node.input(0)?) } else { None }
    };
    let channels: Vec<Option<usize>> = graph.nodes.iter().map(channels).collect();
    let mut taken = graph.names();
    for (at, channels) in channels.into_iter().enumerate() {
        let node = &mut graph.nodes[at];
        let says_nothing = |by: &[i64]| by.iter().all(|&d| d == 1);
        if node.is("AveragePool") && node.ints("dilations").is_some_and(says_nothing) {
            node.attributes.remove("dilations");
        }
        let Some(kernel) = node.ints("kernel_shape").map(<[i64]>::to_vec) else { continue };
        let (Some(channels), Ok(1..=2)) = (channels, i64::try_from(kernel.len())) else { continue };
        let taps: i64 = kernel.iter().product();
        let window = kernel.iter().map(|&k| k.max(0) as usize);
        let shape: Vec<usize> = [channels, 1].into_iter().chain(window).collect();
        let weights = vec![(1.0 / taps.max(1) as f64) as f32; shape.iter().product()];
        let name = fresh_name(&format!("{}_weight", node.name), &mut taken);
        node.op = "Conv".into();
        node.inputs.push(name.clone());
        node.attributes.retain(|name, _| {
            ["kernel_shape", "strides", "pads", "dilations"].contains(&name.as_str())
        });
        node.attributes.insert("group".into(), Attribute::Int(channels as i64));
        graph.initializers.insert(name, Tensor::new(shape, Data::F32(weights)));
    }
}

/// The channels of a tensor, where the nodes before it tell.
fn channels(graph: &Graph, producers: &HashMap<&str, usize>, tensor: &str) -> Option<usize> {
    let mut tensor = tensor;
    loop {
        if let Some(input) = graph.inputs().iter().find(|input| input.name == tensor) {
            return match input.shape.as_ref()?.get(1)? {
                Dim::Fixed(channels) => Some(*channels),
                Dim::Free(_) => None,
            };
        }
        let node = &graph.nodes[*producers.get(tensor)?];
        let row = operator(&node.op);
        if let Some(own) = row.weights {
            let weights = graph.constant(node, own.input)?;
            return Places::of(node, &weights.shape).map(|places| places.all_outputs());
        }
        let keeps = row.clips
            || row.rank == Rank::OfWindow
            || matches!(row.training, Training::Function | Training::Normalization);
        tensor = node.input(0).filter(|_| keeps)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Value;

    fn pool(attribute: &str, value: i64) -> Graph {
        let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
        let pool = Node::new("AveragePool", "pool", ["r"], ["y"])
            .with("kernel_shape", ints(&[2, 3]))
            .with("dilations", ints(&[1, 2]))
            .with("pads", ints(&[0, 1, 0, 1]))
            .with("count_include_pad", Attribute::Int(1))
            .with(attribute, Attribute::Int(value));
        let shape = [1, 4, 8, 8].map(Dim::Fixed).to_vec();
        let mut graph = Graph {
            input: Value { name: "x".into(), shape: Some(shape), ..Value::default() },
            nodes: vec![Node::new("Relu", "relu", ["x"], ["r"]), pool],
            ..Graph::default()
        };
        convolve_dilated_means(&mut graph);
        graph
    }

    #[test]
    fn windows_that_count_alike_are_convolutions() {
        let graph = pool("ceil_mode", 0);
        let node = &graph.nodes[1];
        assert_eq!((node.op.as_str(), node.int("group", 1)), ("Conv", 4));
        assert_eq!(node.ints("dilations"), Some(&[1, 2][..]));
        let weights = graph.constant(node, 1).expect("weights");
        assert_eq!(weights.shape, [4, 1, 2, 3]);
        assert_eq!(weights.as_f32().expect("float32"), [1.0 / 6.0; 24]);
        for (attribute, value) in [("ceil_mode", 1), ("count_include_pad", 0)] {
            assert_eq!(pool(attribute, value).nodes[1].op, "AveragePool");
        }
    }
}
