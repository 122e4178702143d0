//! What goes along one axis, and integers bit by bit.

use super::{Numbers, around, axis, check_work, fits, input, optional, unfit};
use crate::error::Result;
use crate::graph::{Element, Node, Tensor};
use crate::runtime::operators::Walk;

/// CumSum and CumProd. <https://onnx.ai/onnx/operators/onnx__CumSum.html>
pub(super) fn cumulated(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let mut x = input(inputs, 0)?;
    let along = input(inputs, 1)?.whole();
    let along = axis(along.first().copied().ok_or_else(unfit)?, x.shape.len())?;
    let [outer, count, inner] = around(&x.shape, along);
    let (exclusive, reverse) = (node.int("exclusive", 0) != 0, node.int("reverse", 0) != 0);
    let sums = node.op == "CumSum";
    for start in 0..outer * inner {
        let first = start / inner.max(1) * count * inner + start % inner.max(1);
        let mut sum = if sums { 0.0 } else { 1.0 };
        for step in 0..count {
            let step = if reverse { count - 1 - step } else { step };
            let value = &mut x.values[first + step * inner];
            let next = if sums { sum + *value } else { sum * *value };
            *value = if exclusive { sum } else { next };
            sum = next;
        }
    }
    Ok(vec![x.tensor()?])
}

/// <https://onnx.ai/onnx/operators/onnx__ReverseSequence.html>
pub(super) fn reversed(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let (x, lens) = (input(inputs, 0)?, input(inputs, 1)?.sizes()?);
    let rank = x.shape.len();
    let (batch, time) =
        (axis(node.int("batch_axis", 1), rank)?, axis(node.int("time_axis", 0), rank)?);
    fits(batch != time && lens.len() == x.shape[batch])?;
    fits(lens.iter().all(|&len| len <= x.shape[time]))?;
    let mut y = x.clone();
    let step = |axis: usize| x.shape[axis + 1..].iter().product::<usize>().max(1);
    for (at, value) in y.values.iter_mut().enumerate() {
        let (frame, moment) = (at / step(batch) % x.shape[batch], at / step(time) % x.shape[time]);
        if moment < lens[frame] {
            *value = x.values[at - moment * step(time) + (lens[frame] - 1 - moment) * step(time)];
        }
    }
    Ok(vec![y.tensor()?])
}

/// TensorScatter: updates are written into a cache. <https://onnx.ai/onnx/operators/onnx__TensorScatter.html>
pub(super) fn written(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let (mut cache, update) = (input(inputs, 0)?, input(inputs, 1)?);
    let along = axis(node.int("axis", -2), cache.shape.len())?;
    fits(along > 0 && update.shape.len() == cache.shape.len())?;
    let [outer, count, inner] = around(&cache.shape, along);
    let [others, steps, own] = around(&update.shape, along);
    fits([outer, inner] == [others, own] && steps <= count)?;
    let starts = match optional(inputs, 2)? {
        Some(starts) => starts.sizes()?,
        None => vec![0; cache.shape[0]],
    };
    fits(starts.len() == cache.shape[0])?;
    let circular = node.text("mode") == Some("circular");
    let rows = outer / starts.len().max(1);
    for row in 0..outer {
        for step in 0..steps {
            let to = starts[row / rows.max(1)] + step;
            let to = if circular { to % count } else { to };
            fits(to < count)?;
            let (to, from) = ((row * count + to) * inner, (row * steps + step) * inner);
            cache.values[to..to + inner].copy_from_slice(&update.values[from..from + inner]);
        }
    }
    Ok(vec![cache.tensor()?])
}

/// <https://onnx.ai/onnx/operators/onnx__CausalConvWithState.html>
pub(super) fn causal_conv(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let (x, w) = (input(inputs, 0)?, input(inputs, 1)?);
    let (bias, past) = (optional(inputs, 2)?, optional(inputs, 3)?);
    let (&[batch, channels, len], &[outs, 1, taps]) = (&x.shape[..], &w.shape[..]) else {
        return Err(unfit());
    };
    fits(outs == channels && taps > 0)?;
    fits(bias.as_ref().is_none_or(|bias| bias.values.len() == channels))?;
    let before = taps - 1;
    fits(past.as_ref().is_none_or(|past| past.shape == [batch, channels, before]))?;
    check_work(&[batch, channels, len, taps])?;
    let mut y = x.clone();
    let mut state = Numbers::zeros([batch, channels, before], x.element)?;
    let silu = match node.text("activation") {
        None | Some("none") => false,
        Some("silu" | "swish") => true,
        _ => return Err(unfit()),
    };
    for row in 0..batch * channels {
        let mut padded = match &past {
            Some(past) => past.values[row * before..][..before].to_vec(),
            None => vec![0.0; before],
        };
        padded.extend(&x.values[row * len..][..len]);
        let channel = row % channels;
        let weights = &w.values[channel * taps..][..taps];
        for (at, y) in y.values[row * len..][..len].iter_mut().enumerate() {
            let products = weights.iter().zip(&padded[at..]).map(|(w, x)| w * x);
            let sum = products.sum::<f64>() + bias.as_ref().map_or(0.0, |b| b.values[channel]);
            *y = if silu { sum / (1.0 + libm::exp(-sum)) } else { sum };
        }
        state.values[row * before..][..before].copy_from_slice(&padded[len..]);
    }
    Ok(vec![y.tensor()?, state.tensor()?])
}

/// BitShift and the operators bit by bit. <https://onnx.ai/onnx/operators/onnx__BitShift.html>
pub(super) fn bits(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let tensor = |at: usize| inputs.get(at).copied().flatten().ok_or_else(unfit);
    let (a, b) = (tensor(0)?, tensor(1)?);
    let (x, y) = (integers(a)?, integers(b)?);
    fits(a.element() == b.element())?;
    let width = a.element().bytes(8).map_or(0, |bits| bits as i128);
    let shape = crate::runtime::operators::broadcast(node, &a.shape, &b.shape)?;
    let mut out = vec![0; Numbers::zeros(&shape[..], a.element())?.values.len()];
    let left = node.text("direction") == Some("LEFT");
    Walk::new(&shape, [&a.shape, &b.shape]).visit(|at, i, j| {
        let (x, y) = (x[i], y[j]);
        out[at] = match node.op.as_str() {
            "BitwiseAnd" => x & y,
            "BitwiseOr" => x | y,
            "BitwiseXor" => x ^ y,
            // What is shifted out, by however much, is gone.
            _ if !(0..width).contains(&y) => {
                if left || x >= 0 {
                    0
                } else {
                    -1
                }
            }
            _ if left => x << y,
            _ => x >> y,
        };
    });
    let size = a.element().bytes(1).unwrap_or(0);
    let bytes = out.iter().flat_map(|x| x.to_le_bytes().into_iter().take(size)).collect();
    Ok(vec![Tensor::new(shape, crate::onnx::decode(a.element(), bytes))])
}

fn integers(tensor: &Tensor) -> Result<Vec<i128>> {
    Ok(match &tensor.data {
        crate::graph::Data::I64(values) => values.iter().map(|&x| x.into()).collect(),
        crate::graph::Data::Other(Element(13), bytes) => {
            bytes.as_chunks().0.iter().map(|&b| u64::from_le_bytes(b).into()).collect()
        }
        _ => Numbers::of(tensor)?.values.iter().map(|&x| x as i128).collect(),
    })
}

/// OneHot: a new axis on which the place that is named has one value and all others another; places outside
/// name none, as in ONNX Runtime. <https://onnx.ai/onnx/operators/onnx__OneHot.html>
pub(super) fn one_hot(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let (places, values) = (input(inputs, 0)?, input(inputs, 2)?);
    let (&[depth], &[off, on]) = (&input(inputs, 1)?.sizes()?[..], &values.values[..]) else {
        return Err(unfit());
    };
    let mut shape = places.shape.clone();
    let at = axis(node.int("axis", -1), shape.len() + 1)?;
    shape.insert(at, depth);
    let [outer, _, inner] = around(&shape, at);
    let mut y = Numbers::zeros(shape, values.element)?;
    y.values.fill(off);
    for (i, place) in places.whole().into_iter().enumerate().take(outer * inner) {
        let place = if place < 0 { place.saturating_add(depth as i64) } else { place };
        if let Some(place) = usize::try_from(place).ok().filter(|&place| place < depth) {
            y.values[(i / inner * depth + place) * inner + i % inner] = on;
        }
    }
    Ok(vec![y.tensor()?])
}
