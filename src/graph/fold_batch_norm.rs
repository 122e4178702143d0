//! Folding BatchNormalization into the convolution or Gemm before it.
//!
//! With `g = scale / sqrt(var + epsilon)` per channel: `w' = w g`, `b' = (b - mean) g + shift`.
//! Jacob et al. 2018, section 3.2; <https://onnx.ai/onnx/operators/onnx__BatchNormalization.html>.

use super::{Data, Graph, Node, Tensor, fresh_name, prune};

/// Folds every BatchNormalization whose input comes from a Conv or Gemm that nothing else reads.
///
/// Returns how many were folded. Computed in f64, so that the result is the same on every target.
pub fn fold_batch_norm(graph: &mut Graph) -> usize {
    let mut folded = 0;
    let mut taken = graph.names();
    while let Some((at, layer, weights, bias)) = find(graph) {
        let weights_name = fresh_name(&format!("{}_weight", graph.nodes[layer].name), &mut taken);
        let bias_name = fresh_name(&format!("{}_bias", graph.nodes[layer].name), &mut taken);
        graph.initializers.insert(weights_name.clone(), weights);
        graph.initializers.insert(bias_name.clone(), bias);
        let normalization = graph.nodes.remove(at);
        let node = &mut graph.nodes[layer];
        node.inputs.truncate(1);
        node.inputs.extend([weights_name, bias_name]);
        node.outputs = vec![normalization.outputs[0].clone()];
        folded += 1;
    }
    prune(graph);
    folded
}

/// The next foldable normalization, the layer before it, and that layer's new weights and bias.
fn find(graph: &Graph) -> Option<(usize, usize, Tensor, Tensor)> {
    let producers = graph.producers();
    let consumers = graph.consumers();
    graph.nodes.iter().enumerate().filter(|(_, n)| n.is("BatchNormalization")).find_map(
        |(at, normalization)| {
            let input = normalization.input(0)?;
            let &layer = producers.get(input)?;
            let alone =
                consumers.get(input).is_some_and(|c| c.len() == 1) && !graph.is_output(input);
            let trained = normalization.int("training_mode", 0) == 0;
            if !alone || !trained {
                return None;
            }
            let (weights, bias) = fold(graph, &graph.nodes[layer], normalization)?;
            Some((at, layer, weights, bias))
        },
    )
}

fn fold(graph: &Graph, layer: &Node, normalization: &Node) -> Option<(Tensor, Tensor)> {
    let is_gemm = layer.is("Gemm");
    if !is_gemm && !layer.is("Conv") {
        return None;
    }
    if is_gemm && (layer.float("alpha", 1.0) != 1.0 || layer.float("beta", 1.0) != 1.0) {
        return None;
    }
    let weights = graph.constant(layer, 1)?;
    let values = weights.as_f32()?;
    let columns_last = is_gemm && layer.int("transB", 0) == 0;
    let channels = *if columns_last { weights.shape.last() } else { weights.shape.first() }?;
    let vector =
        |index| graph.constant(normalization, index)?.as_f32().filter(|v| v.len() == channels);
    let (scale, shift, mean, variance) = (vector(1)?, vector(2)?, vector(3)?, vector(4)?);
    let epsilon = f64::from(normalization.float("epsilon", 1e-5));
    let gain: Vec<f64> = scale
        .iter()
        .zip(variance)
        .map(|(&s, &v)| f64::from(s) / (f64::from(v) + epsilon).sqrt())
        .collect();
    let bias = match layer.input(2) {
        Some(_) => graph.constant(layer, 2)?.as_f32().filter(|b| b.len() == channels)?.to_vec(),
        None => vec![0.0; channels],
    };
    let per_channel = values.len() / channels.max(1);
    let channel = |i: usize| if columns_last { i % channels } else { i / per_channel };
    let values = values.iter().enumerate().map(|(i, &w)| (f64::from(w) * gain[channel(i)]) as f32);
    let bias = (0..channels).map(|c| {
        ((f64::from(bias[c]) - f64::from(mean[c])) * gain[c] + f64::from(shift[c])) as f32
    });
    Some((
        Tensor::new(weights.shape.clone(), Data::F32(values.collect())),
        Tensor::new([channels], Data::F32(bias.collect())),
    ))
}
