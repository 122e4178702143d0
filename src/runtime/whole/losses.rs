//! NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
//!
//! <https://onnx.ai/onnx/operators/onnx__NegativeLogLikelihoodLoss.html>

use super::{Numbers, fits, input, optional, unfit};
use crate::error::Result;
use crate::graph::{Node, Tensor};

pub(super) fn likelihood(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let scores = input(inputs, 0)?;
    Ok(vec![loss(node, &scores, inputs)?.tensor()?])
}

pub(super) fn cross_entropy(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let mut scores = input(inputs, 0)?;
    fits(scores.shape.len() >= 2)?;
    let [_, classes, inner] = super::around(&scores.shape, 1);
    let len = classes * inner;
    for frame in scores.values.chunks_exact_mut(len.max(1)) {
        for at in 0..inner {
            let along = || (at..len).step_by(inner);
            let most = along().fold(f64::NEG_INFINITY, |most, i| frame[i].max(most));
            let sum: f64 = along().map(|i| libm::exp(frame[i] - most)).sum();
            let log = libm::log(sum);
            along().for_each(|i| frame[i] -= most + log);
        }
    }
    let loss = loss(node, &scores, inputs)?.tensor()?;
    Ok(match node.outputs.len() {
        1 => vec![loss],
        _ => vec![loss, scores.tensor()?],
    })
}

/// The weighted loss of the logarithms of probabilities.
fn loss(node: &Node, scores: &Numbers, inputs: &[Option<&Tensor>]) -> Result<Numbers> {
    let (targets, weights) = (input(inputs, 1)?, optional(inputs, 2)?);
    let shape = &scores.shape;
    fits(shape.len() >= 2 && targets.shape == [&shape[..1], &shape[2..]].concat())?;
    let [_, classes, inner] = super::around(shape, 1);
    fits(weights.as_ref().is_none_or(|weights| weights.values.len() == classes))?;
    let ignored = node.attributes.contains_key("ignore_index").then(|| node.int("ignore_index", 0));
    let mut losses = Numbers::zeros(targets.shape.clone(), scores.element)?;
    let mut total = 0.0;
    for (at, (loss, target)) in losses.values.iter_mut().zip(targets.whole()).enumerate() {
        if Some(target) == ignored {
            continue;
        }
        let class = usize::try_from(target).ok().filter(|&class| class < classes);
        let class = class.ok_or_else(unfit)?;
        let weight = weights.as_ref().map_or(1.0, |weights| weights.values[class]);
        let place = (at / inner.max(1) * classes + class) * inner + at % inner.max(1);
        *loss = -scores.values[place] * weight;
        total += weight;
    }
    let sum: f64 = losses.values.iter().sum();
    let reduced = match node.text("reduction") {
        Some("none") => return Ok(losses),
        Some("sum") => sum,
        _ => sum / total,
    };
    Ok(Numbers { shape: Vec::new(), element: scores.element, values: vec![reduced] })
}
