//! Attention and LinearAttention.

use super::{Numbers, check_work, fits, input, optional, size, unfit};
use crate::error::Result;
use crate::graph::{Element, Node, Tensor};

/// Queries, keys or values, which may lie with their heads in the last axis.
struct Heads {
    numbers: Numbers,
    heads: usize,
    len: usize,
    width: usize,
    /// Whether heads are an axis before that of the sequence.
    apart: bool,
}

impl Heads {
    fn of(numbers: Numbers, heads: Option<usize>) -> Result<Self> {
        let (heads, len, width, apart) = match (&numbers.shape[..], heads) {
            (&[_, heads, len, width], _) => (heads, len, width, true),
            (&[_, len, all], Some(heads)) if all % heads == 0 => (heads, len, all / heads, false),
            _ => return Err(unfit()),
        };
        Ok(Self { numbers, heads, len, width, apart })
    }

    fn batch(&self) -> usize {
        self.numbers.shape[0]
    }

    fn row(&self, batch: usize, head: usize, at: usize) -> &[f64] {
        let row = match self.apart {
            true => (batch * self.heads + head) * self.len + at,
            false => (batch * self.len + at) * self.heads + head,
        };
        &self.numbers.values[row * self.width..][..self.width]
    }

    /// With what came before them, heads apart.
    fn after(self, past: Option<Numbers>) -> Result<Self> {
        let (batch, heads, width) = (self.batch(), self.heads, self.width);
        let past = past.map(|past| Self::of(past, None)).transpose()?;
        let before = past.as_ref().map_or(0, |past| past.len);
        let alike = |past: &Self| (past.batch(), past.heads, past.width) == (batch, heads, width);
        fits(past.as_ref().is_none_or(alike))?;
        let len = before + self.len;
        let element = self.numbers.element;
        let mut all = Numbers::zeros([batch, heads, len, width], element)?;
        if width > 0 && len > 0 {
            for (row, to) in all.values.chunks_exact_mut(width).enumerate() {
                let (at, head, frame) = (row % len, row / len % heads, row / len / heads);
                let from = match &past {
                    Some(past) if at < before => past.row(frame, head, at),
                    _ => self.row(frame, head, at - before),
                };
                to.copy_from_slice(from);
            }
        }
        Self::of(all, None)
    }
}

/// The number that broadcasting finds at a place of a result, whose axes are the last ones.
fn broadcast(numbers: &Numbers, place: &[usize]) -> f64 {
    let axes = numbers.shape.iter().zip(&place[place.len() - numbers.shape.len()..]);
    let at = axes.fold(0, |at, (&dim, &place)| at * dim + if dim == 1 { 0 } else { place });
    numbers.values[at]
}

/// <https://onnx.ai/onnx/operators/onnx__Attention.html>
pub(super) fn attention(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let heads = |name: &str| match node.attributes.contains_key(name) {
        true => size(node, name, 0).map(Some),
        false => Ok(None),
    };
    let q = Heads::of(input(inputs, 0)?, heads("q_num_heads")?)?;
    let k = Heads::of(input(inputs, 1)?, heads("kv_num_heads")?)?;
    let v = Heads::of(input(inputs, 2)?, heads("kv_num_heads")?)?;
    let past = [optional(inputs, 4)?, optional(inputs, 5)?];
    let before = past[0].as_ref().and_then(|past| past.shape.get(2).copied());
    let [past_key, past_value] = past;
    let (k, v) = (k.after(past_key)?, v.after(past_value)?);
    let (batch, queries, keys) = (q.batch(), q.len, k.len);
    fits(k.batch() == batch && v.batch() == batch && v.len == keys && q.width == k.width)?;
    fits(k.heads > 0 && k.heads == v.heads && q.heads.is_multiple_of(k.heads))?;
    check_work(&[batch, q.heads, queries, keys, q.width.max(v.width)])?;
    let mask = optional(inputs, 3)?;
    if let Some(mask) = &mask {
        let target = [batch, q.heads, queries, keys];
        let rank = mask.shape.len();
        fits((1..=4).contains(&rank) && mask.shape[rank - 1] <= keys)?;
        let mut axes = mask.shape.iter().zip(&target[4 - rank..]).take(rank - 1);
        fits(axes.all(|(&dim, &all)| dim == 1 || dim == all))?;
    }
    let valid = optional(inputs, 6)?.map(|valid| valid.whole());
    fits(valid.as_ref().is_none_or(|valid| valid.len() == batch))?;
    let root = libm::sqrt(match node.float("scale", 0.0) {
        0.0 => 1.0 / libm::sqrt(q.width as f64),
        scale => f64::from(scale),
    });
    let softcap = f64::from(node.float("softcap", 0.0));
    let causal = node.int("is_causal", 0) != 0;
    let window = ["left_window_size", "right_window_size"].map(|name| node.int(name, -1));
    let shown = node.int("qk_matmul_output_mode", 0);

    let element = q.numbers.element;
    let mut y = Numbers::zeros([batch, q.heads, queries, v.width], element)?;
    let mut products = Numbers::zeros([batch, q.heads, queries, keys], element)?;
    let mut bias = vec![0.0; keys];
    for frame in 0..batch {
        let offset = match (before, &valid) {
            (Some(before), _) => before as i64,
            (None, Some(valid)) => valid[frame].saturating_sub(queries as i64),
            (None, None) => 0,
        };
        for head in 0..q.heads {
            let shared = head / (q.heads / k.heads);
            for at in 0..queries {
                let here = offset.saturating_add(at as i64);
                for (key, bias) in bias.iter_mut().enumerate() {
                    let apart = here.saturating_sub(key as i64);
                    let seen = (!causal || apart >= 0)
                        && (window[0] < 0 || apart <= window[0])
                        && (window[1] < 0 || apart.saturating_neg() <= window[1])
                        && valid.as_ref().is_none_or(|valid| (key as i64) < valid[frame]);
                    let masked = mask.as_ref().map_or(0.0, |mask| {
                        if key >= mask.shape[mask.shape.len() - 1] && mask.shape.last() != Some(&1)
                        {
                            return f64::NEG_INFINITY;
                        }
                        match (broadcast(mask, &[frame, head, at, key]), mask.element) {
                            (0.0, Element(9)) => f64::NEG_INFINITY,
                            (_, Element(9)) => 0.0,
                            (bias, _) => bias,
                        }
                    });
                    *bias = if seen { masked } else { f64::NEG_INFINITY };
                }
                let query = q.row(frame, head, at);
                let row = (frame * q.heads + head) * queries + at;
                let shown_row = &mut products.values[row * keys..][..keys];
                let mut scores: Vec<f64> = Vec::with_capacity(keys);
                for (key, bias) in bias.iter().enumerate() {
                    let pairs = query.iter().zip(k.row(frame, shared, key));
                    let raw: f64 = pairs.map(|(q, k)| (q * root) * (k * root)).sum();
                    let capped =
                        if softcap > 0.0 { softcap * libm::tanh(raw / softcap) } else { raw };
                    scores.push(capped + bias);
                    shown_row[key] = match shown {
                        1 => capped,
                        2 => capped + bias,
                        _ => raw,
                    };
                }
                // What may look at nothing sees nothing.
                if bias.iter().all(|&bias| bias == f64::NEG_INFINITY) {
                    scores.fill(0.0);
                } else {
                    let most = scores.iter().fold(f64::NEG_INFINITY, |most, &x| most.max(x));
                    scores.iter_mut().for_each(|x| *x = libm::exp(*x - most));
                    let sum: f64 = scores.iter().sum();
                    scores.iter_mut().for_each(|x| *x /= sum);
                }
                if shown == 3 {
                    shown_row.copy_from_slice(&scores);
                }
                let out = &mut y.values[row * v.width..][..v.width];
                for (key, share) in scores.iter().enumerate() {
                    let values = v.row(frame, shared, key);
                    out.iter_mut().zip(values).for_each(|(out, value)| *out += share * value);
                }
            }
        }
    }
    let y = if q.apart { y } else { joined(y) };
    let mut made = vec![y.tensor()?, k.numbers.tensor()?, v.numbers.tensor()?, products.tensor()?];
    made.truncate(node.outputs.len());
    Ok(made)
}

/// Heads in the last axis.
fn joined(apart: Numbers) -> Numbers {
    let &[batch, heads, len, width] = &apart.shape[..] else { return apart };
    let mut joined = apart.clone();
    joined.shape = vec![batch, len, heads * width];
    for (at, value) in joined.values.iter_mut().enumerate() {
        let (column, head) = (at % width, at / width % heads);
        let (row, frame) = (at / width / heads % len, at / width / heads / len);
        *value = apart.values[((frame * heads + head) * len + row) * width + column];
    }
    joined
}

/// <https://onnx.ai/onnx/operators/onnx__LinearAttention.html>
pub(super) fn linear(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Vec<Tensor>> {
    let own = size(node, "kv_num_heads", 0)?;
    let q = Heads::of(input(inputs, 0)?, Some(size(node, "q_num_heads", 0)?))?;
    let k = Heads::of(input(inputs, 1)?, Some(own))?;
    let v = Heads::of(input(inputs, 2)?, Some(own))?;
    let (past, decay, beta) = (optional(inputs, 3)?, optional(inputs, 4)?, optional(inputs, 5)?);
    let (batch, len, width, out) = (q.batch(), q.len, k.width, v.width);
    fits([&q, &k, &v].iter().all(|x| !x.apart && x.batch() == batch && x.len == len))?;
    fits(q.width == width && q.heads.is_multiple_of(own))?;
    let (gated, corrected) = match node.text("update_rule") {
        Some("linear") => (false, false),
        Some("gated") => (true, false),
        Some("delta") => (false, true),
        None | Some("gated_delta") => (true, true),
        _ => return Err(unfit()),
    };
    fits(decay.is_some() == gated && beta.is_some() == corrected)?;
    let decays = decay.as_ref().and_then(|decay| decay.shape.last().copied()).unwrap_or(own);
    let betas = beta.as_ref().and_then(|beta| beta.shape.last().copied()).unwrap_or(1);
    fits(decays == own || decays == own * width)?;
    fits(betas == own || betas == 1)?;
    fits(decay.as_ref().is_none_or(|decay| decay.shape == [batch, len, decays]))?;
    fits(beta.as_ref().is_none_or(|beta| beta.shape == [batch, len, betas]))?;
    check_work(&[batch, q.heads, len, width, out])?;
    let element = q.numbers.element;
    let kept = past.as_ref().map_or(element, |past| past.element);
    let mut state = Numbers::zeros([batch, own, width, out], kept)?;
    if let Some(past) = past {
        fits(past.shape == state.shape)?;
        state = past;
    }
    let scale = match node.float("scale", 0.0) {
        0.0 => 1.0 / libm::sqrt(width as f64),
        scale => f64::from(scale),
    };
    let mut y = Numbers::zeros([batch, len, q.heads * out], element)?;
    for frame in 0..batch {
        for at in 0..len {
            for head in 0..own {
                let cell = &mut state.values[(frame * own + head) * width * out..][..width * out];
                let key = k.row(frame, head, at);
                let mut value = v.row(frame, head, at).to_vec();
                if let Some(decay) = &decay {
                    let row = &decay.values[(frame * len + at) * decays..][..decays];
                    for column in 0..width {
                        let decay =
                            if decays == own { row[head] } else { row[head * width + column] };
                        let cell = &mut cell[column * out..][..out];
                        cell.iter_mut().for_each(|x| *x *= libm::exp(decay));
                    }
                }
                if let Some(beta) = &beta {
                    let beta = beta.values[(frame * len + at) * betas + head % betas];
                    for (column, value) in value.iter_mut().enumerate() {
                        let found = key.iter().enumerate().map(|(d, k)| cell[d * out + column] * k);
                        *value = beta * (*value - found.sum::<f64>());
                    }
                }
                for (d, key) in key.iter().enumerate() {
                    let cell = cell[d * out..][..out].iter_mut();
                    cell.zip(&value).for_each(|(x, value)| *x += key * value);
                }
            }
            for head in 0..q.heads {
                let shared = head / (q.heads / own);
                let cell = &state.values[(frame * own + shared) * width * out..][..width * out];
                let query = q.row(frame, head, at);
                for column in 0..out {
                    let read = query.iter().enumerate().map(|(d, q)| q * cell[d * out + column]);
                    y.values[((frame * len + at) * q.heads + head) * out + column] =
                        scale * read.sum::<f64>();
                }
            }
        }
    }
    let mut made = vec![y.tensor()?, state.tensor()?];
    made.truncate(node.outputs.len());
    Ok(made)
}
