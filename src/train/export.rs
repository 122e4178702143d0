//! From the trained state to the quantized file: by the same way that post-training quantization
//! takes.

use super::feature::memory_of;
use super::layer::Layer;
use super::network::Network;
use super::state::State;
use super::workbench::{Mode, Workbench};
use crate::error::Result;
use crate::graph::{Data, Tensor, fresh_name};
use crate::quantize::{Calibrated, Prepared, QParams, Quantized, Weights};
use crate::vocabulary::recipe::Recipe;

/// Writes the network with the state's weights and scales; what does not train stays as `calibrated`
/// has it.
///
/// # Errors
/// As quantizing without training.
pub(super) fn write(
    calibrated: Calibrated,
    network: &Network,
    state: &State,
    recipe: &Recipe,
) -> Result<Quantized> {
    let Calibrated { mut prepared, mut params, layers: mut written, .. } = calibrated;
    let mut bench = network.bench(state);
    bench.set(network, state, Mode::default());
    params.extend(network.roots.iter().map(|root| {
        let (scale, zero_point) = root.scale_and_zero_point(state);
        let params =
            QParams { scale: vec![scale], zero_point: vec![zero_point], ..root.params.clone() };
        (root.name.clone(), params)
    }));
    for layer in &network.layers {
        let bias = bias(layer, &bench, state);
        if let Some(grid) = &layer.grid {
            let (codes, zero_point) = (&bench.weights[layer.index].codes, grid.zero_point(state));
            let codes = onnx_order(layer, codes).iter().map(|&c| c as i32 + zero_point).collect();
            let mut own = written.weights[&layer.name].params.clone();
            let scale = &bench.weights[layer.index].scale;
            own.scale.iter_mut().zip(scale).for_each(|(own, scale)| *own = *scale);
            own.zero_point.fill(zero_point);
            written.weights.insert(layer.name.clone(), Weights { params: own, codes });
            match bias {
                Some(bias) => written.biases.insert(layer.name.clone(), bias),
                None => written.biases.remove(&layer.name),
            };
        } else {
            let weights = onnx_order(layer, bench.weights[layer.index].folded());
            give(&mut prepared, layer, weights, bias);
        }
    }
    for free in &network.frees {
        let shape = &network.features[free.feature].shape;
        let places = memory_of(shape);
        let own = &state.parameters[free.slot.clone()];
        let values = places.iter().map(|&place| own[place as usize]).collect();
        replace(&mut prepared, &free.node, free.input, values);
    }
    prepared.write(&params, &written, recipe)
}

/// The folded bias by output channel, where the layer has any.
fn bias(layer: &Layer, bench: &Workbench, state: &State) -> Option<Vec<f32>> {
    let weights = &bench.weights[layer.index];
    let has_bias = layer.slots.bias.is_some() || layer.norm.is_some();
    has_bias.then(|| (0..layer.channels()).map(|c| weights.real_bias(layer, state, c)).collect())
}

fn onnx_order(layer: &Layer, matrix: &[f32]) -> Vec<f32> {
    (0..matrix.len()).map(|i| matrix[layer.place(i)]).collect()
}

/// Other values for a constant of a node.
fn replace(prepared: &mut Prepared, node: &str, input: usize, values: Vec<f32>) {
    let graph = &mut prepared.graph;
    let mut taken = graph.names();
    let Some(node) = graph.nodes.iter_mut().find(|own| own.name == node) else { return };
    let name = fresh_name(&format!("{}_trained", node.inputs[input]), &mut taken);
    let shape = graph.initializers[&node.inputs[input]].shape.clone();
    graph.initializers.insert(name.clone(), Tensor::new(shape, Data::F32(values)));
    node.inputs[input] = name;
}

/// New constants for a layer that stays in float.
fn give(prepared: &mut Prepared, layer: &Layer, weights: Vec<f32>, bias: Option<Vec<f32>>) {
    let graph = &mut prepared.graph;
    let mut taken = graph.names();
    let Some(node) = graph.nodes.iter_mut().find(|node| node.name == layer.name) else { return };
    let shape = graph.initializers[&node.inputs[1]].shape.clone();
    let mut constants = vec![("weight", Tensor::new(shape, Data::F32(weights)))];
    constants.extend(bias.map(|bias| ("bias", Tensor::new([bias.len()], Data::F32(bias)))));
    node.inputs.truncate(1);
    for (what, tensor) in constants {
        let name = fresh_name(&format!("{}_trained_{what}", node.name), &mut taken);
        graph.initializers.insert(name.clone(), tensor);
        node.inputs.push(name);
    }
}
