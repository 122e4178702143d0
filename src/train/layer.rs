//! Layers with weights: Conv, ConvTranspose, Gemm and MatMul, as products of patches and weights.

use std::ops::Range;

use super::batch_norm::{Normalization, unfold};
use super::builder::Builder;
use super::operator::Operator;
use super::state::{Slot, State};
use super::weight_grid::WeightGrid;
use super::workbench::{Kept, Workbench};
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::graph::weights::Places;
use crate::kernels::channelwise;
use crate::kernels::geometry::Window;
use crate::kernels::patches::{Channels, SLACK, gather, scatter};
use crate::kernels::sgemm::{self, Left, Write, multiply};
use crate::kernels::wide::wide;
use crate::vocabulary::recipe::Rounding;

/// Output positions computed together: their patches stay in the cache. A weight's gradient is the
/// sum of its blocks' sums, so this decides bits.
const BLOCK: usize = 64;

/// What a layer's weights slide over.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// Gemm and MatMul.
    Matrix,
    Conv {
        window: Window,
    },
    /// A convolution with one input and one output channel a group.
    Depthwise {
        window: Window,
    },
    /// What a convolution with this window, which slides over the result, does to gradients.
    Transposed {
        window: Window,
    },
}

/// Where a layer's parameters stand in [`State::parameters`].
#[derive(Debug, Clone)]
pub(super) struct Slots {
    pub(super) weight: Range<usize>,
    /// One, or one per output channel.
    pub(super) bias: Option<Range<usize>>,
}

#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// Of the node.
    pub(super) name: String,
    /// The tensors that it reads and makes.
    pub(super) x: usize,
    pub(super) y: usize,
    /// Among the network's layers.
    pub(super) index: usize,
    pub(super) form: Form,
    pub(super) groups: usize,
    /// Weights of an output channel.
    pub(super) k: usize,
    /// Output channels of a group.
    pub(super) out: usize,
    /// Where ONNX has the weights.
    pub(super) places: Places,
    pub(super) slots: Slots,
    /// The BatchNormalization behind it.
    pub(super) norm: Option<Normalization>,
    /// `None`: it stays in float.
    pub(super) grid: Option<WeightGrid>,
}

impl Builder<'_> {
    pub(super) fn layer(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let Some((tensor, weights)) = self.constant(node, 1)? else {
            return Err(Error::new("it has no weights"));
        };
        let shape = tensor.shape.clone();
        let bias = self.constant(node, 2)?.map(|(_, values)| values);
        let (name, clip) = self.result(i, node);
        let y_shape = self.shape(&name)?;
        let (form, places) = form_of(node, &x.shape, &shape)?;
        let layers = self.source.layers;
        let mut layer = Layer {
            name: node.name.clone(),
            x: x.feature,
            y: 0,
            index: self.network.layers.len(),
            form,
            groups: places.groups,
            k: places.per_output(),
            out: places.outputs,
            places,
            slots: Slots { weight: 0..0, bias: None },
            norm: None,
            grid: None,
        };
        let bias = layers.biases.get(&node.name).cloned().or(bias);
        let spread = |bias: &Vec<f32>| bias.len() == 1 || bias.len() == layer.channels();
        if !bias.as_ref().is_none_or(spread) {
            return Err(Error::new("its bias differs from row to row"));
        }
        let normalized = self.source.normalized.iter().find(|own| own.layer == node.name);
        // Only where folding gives the very layer that starts: not after equalization.
        let normalized = normalized.filter(|own| own.folded[0].as_f32() == Some(&weights));
        // What AdaRound chose is where training starts.
        let learned = self.source.recipe.rounding != Rounding::Nearest;
        let rounded = layers.weights.get(&node.name).filter(|_| learned);
        let weights =
            rounded.map_or(weights, |own| own.reals(&self.graph.initializers[&node.inputs[1]]));
        let mut ordered = vec![0.0; weights.len()];
        weights.iter().enumerate().for_each(|(i, &w)| ordered[layer.place(i)] = w);
        let corrected = bias;
        let bias = match normalized {
            None => corrected.clone(),
            Some(own) => {
                let mut apart = vec![0.0; weights.len()];
                own.weights.iter().enumerate().for_each(|(i, &w)| apart[layer.place(i)] = w);
                if learned {
                    unfold(&layer, own, &ordered, &mut apart);
                }
                ordered = apart;
                own.bias.clone()
            }
        };
        let of_weights = Slot { decays: true, reach: self.reach(x.feature), ..Slot::PLAIN };
        layer.slots.weight = self.slot(ordered, of_weights);
        layer.slots.bias = bias.clone().map(|bias| self.slot(bias, Slot::PLAIN));
        layer.norm = normalized.map(|own| self.normalization(own, corrected.as_deref()));
        if self.placement.nodes.contains(&i) {
            layer.grid = Some(self.weight_grid(node));
        }
        layer.y = self.feature(&name, y_shape, true, clip, None);
        self.network.layers.push(layer.clone());
        let y = layer.y;
        self.push(layer, y);
        Ok(())
    }
}

/// What the weights slide over, and how they lie.
fn form_of(node: &Node, x: &[usize], weights: &[usize]) -> Result<(Form, Places)> {
    let mismatch = || Error::new(format!("its weights {weights:?} do not fit its input {x:?}"));
    let places = Places::of(node, weights).ok_or_else(mismatch)?;
    if node.op != "Gemm" && node.op != "MatMul" {
        if x.len() < 2 || x[0] != places.all_inputs() {
            return Err(mismatch());
        }
        if node.op == "ConvTranspose" {
            let window = Window::transposed(node, &x[1..], &weights[2..])?;
            return Ok((Form::Transposed { window }, places));
        }
        let window = Window::of(node, &x[1..], &weights[2..])?;
        let form = if places.inputs == 1 && places.outputs == 1 && places.groups > 1 {
            Form::Depthwise { window }
        } else {
            Form::Conv { window }
        };
        return Ok((form, places));
    }
    let plain = node.int("transA", 0) == 0
        && node.float("alpha", 1.0) == 1.0
        && node.float("beta", 1.0) == 1.0;
    if x.len() != 1 || x[0] != places.inputs || !plain {
        return Err(Error::new(format!(
            "it multiplies {x:?} with {weights:?} in a way that is not trained"
        ))
        .way_out("Training takes products of a row for each frame with constant weights."));
    }
    Ok((Form::Matrix, places))
}

impl Layer {
    pub(super) fn channels(&self) -> usize {
        self.groups * self.out
    }

    /// Output channels side by side in a row of the weights.
    pub(super) fn row_width(&self) -> usize {
        if matches!(self.form, Form::Depthwise { .. }) { self.groups } else { self.out }
    }

    /// The output channel of the first weight in row `row`.
    pub(super) fn first_channel(&self, row: usize) -> usize {
        if matches!(self.form, Form::Depthwise { .. }) { 0 } else { row / self.k * self.out }
    }

    /// The place in matrix order of ONNX's weight `i`.
    pub(super) fn place(&self, i: usize) -> usize {
        let Places { taps, inputs, .. } = self.places;
        let (output, tap) = (self.places.output(i), i % taps);
        if let Form::Depthwise { .. } = self.form {
            return tap * self.groups + output;
        }
        let (group, o) = (output / self.out, output % self.out);
        let c = self.places.input(i) % inputs;
        if let Form::Transposed { .. } = self.form {
            return ((group * inputs + c) * taps + tap) * self.out + o;
        }
        (group * self.k + tap * inputs + c) * self.out + o
    }

    /// Rows and columns of a group's weights, where they are a matrix.
    pub(super) fn matrix(&self) -> [usize; 2] {
        match self.form {
            Form::Transposed { .. } => [self.places.inputs, self.places.taps * self.out],
            _ => [self.k, self.out],
        }
    }

    /// Its own bias, before any normalization.
    pub(super) fn bias(&self, state: &State, c: usize) -> f32 {
        match &self.slots.bias {
            None => 0.0,
            Some(slot) if slot.len() == 1 => state.parameters[slot.start],
            Some(slot) => state.parameters[slot.start + c],
        }
    }

    /// Output positions of a frame.
    fn positions(&self) -> usize {
        match &self.form {
            Form::Matrix => 1,
            Form::Conv { window } | Form::Depthwise { window } => window.output_len(),
            Form::Transposed { window } => window.input_len(),
        }
    }

    /// The channels of the whole input that `group` reads.
    fn channels_of(&self, group: usize) -> Channels {
        let channels = self.places.inputs;
        Channels { all: channels * self.groups, own: channels, first: group * channels }
    }

    /// The rows that the weights of `group` multiply at output positions `first..first + count` of
    /// all frames: in place, or gathered into `patches`.
    fn left<'a>(
        &self,
        x: &'a [f32],
        [first, count]: [usize; 2],
        group: usize,
        patches: &'a mut Vec<f32>,
    ) -> Left<'a> {
        let Form::Conv { window } = &self.form else {
            return Left { values: &x[first * self.k..], row_step: self.k, k_step: 1 };
        };
        let channels = self.channels_of(group);
        if is_pointwise(window) {
            let values = &x[first * channels.all + channels.first..];
            return Left { values, row_step: channels.all, k_step: 1 };
        }
        let len = count * self.k + SLACK;
        if patches.len() < len {
            patches.resize(len, 0.0);
        }
        for Piece { frame, position, count, at } in pieces(first, count, window.output_len()) {
            let frame = &x[frame * window.input_len() * channels.all..]
                [..window.input_len() * channels.all];
            gather(window, channels, frame, position, count, &mut patches[at * self.k..]);
        }
        Left { values: patches, row_step: self.k, k_step: 1 }
    }
}

/// Whether a patch is one pixel and every pixel has its patch.
fn is_pointwise(window: &Window) -> bool {
    window.kernel == [1, 1] && window.stride == [1, 1] && window.input == window.output
}

/// Positions of one frame in a block of positions of all frames.
struct Piece {
    frame: usize,
    position: usize,
    count: usize,
    /// Place in the block.
    at: usize,
}

fn pieces(first: usize, count: usize, positions: usize) -> impl Iterator<Item = Piece> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (frame, position) = ((first + at) / positions, (first + at) % positions);
        let piece = Piece { frame, position, count: (count - at).min(positions - position), at };
        at += piece.count;
        (piece.count > 0).then_some(piece)
    })
}

impl Operator for Layer {
    fn forward(&self, bench: &mut Workbench, kept: &mut Kept) {
        let mut y = bench.take_result(self.y);
        let Workbench { values, weights, patches, .. } = bench;
        let (x, weights) = (&values[self.x], &weights[self.index]);
        let (rows, channels) = (bench.frames * self.positions(), self.channels());
        if let Form::Depthwise { window } = &self.form {
            let frames = x.chunks_exact(window.input_len() * channels).take(bench.frames);
            for (x, y) in frames.zip(y.chunks_exact_mut(window.output_len() * channels)) {
                channelwise::forward(window, channels, x, &weights.codes, y);
            }
        } else if let Form::Transposed { window } = &self.form {
            y[..rows * channels].fill(0.0);
            self.transpose(window, bench.frames, x, &weights.packed, &mut y, patches);
        } else {
            let packed = sgemm::packed_len(self.k, self.out);
            for first in (0..rows).step_by(BLOCK) {
                let count = BLOCK.min(rows - first);
                for group in 0..self.groups {
                    let left = self.left(x, [first, count], group, patches);
                    let right = &weights.packed[group * packed..];
                    let to = &mut y[first * channels + group * self.out..];
                    multiply(
                        [count, self.k, self.out],
                        left,
                        right,
                        (to, channels),
                        Write::Replace,
                    );
                }
            }
        }
        let unit = bench.units[self.x];
        let sums = &mut y[..rows * channels];
        match &self.norm {
            Some(norm) if bench.mode.batch_statistics => {
                norm.forward(self, bench, sums, kept);
            }
            _ => {
                let of_result = bench.units[self.y];
                let multiplier = weights.scale.iter().map(|scale| unit * scale / of_result);
                let multiplier: Vec<f32> = multiplier.collect();
                finish(sums, channels, &weights.bias, &multiplier);
            }
        }
        bench.put_result(self.y, y);
    }

    fn backward(&self, bench: &mut Workbench, kept: &mut Kept) {
        let mut gradient = std::mem::take(&mut bench.gradients[self.y]);
        let (rows, channels) = (bench.frames * self.positions(), self.channels());
        let dy = &mut gradient[..rows * channels];
        let mut of_bias = vec![0.0; channels];
        if let (Some(norm), true) = (&self.norm, bench.mode.batch_statistics) {
            norm.backward(self, bench, dy, kept);
        } else {
            add_column_sums(dy, channels, &mut of_bias);
        }
        let mut dx = std::mem::take(&mut bench.gradients[self.x]);
        let mut sums = std::mem::take(&mut bench.sums);
        let Workbench { values, weights, patches, packed, .. } = &mut *bench;
        let (x, weights) = (&values[self.x], &weights[self.index]);
        let dw = &mut sums[self.slots.weight.clone()];
        if let Form::Depthwise { window } = &self.form {
            let [input, output] = [window.input_len(), window.output_len()].map(|n| n * channels);
            for (frame, dy) in dy.chunks_exact(output).enumerate() {
                let at = frame * input..(frame + 1) * input;
                channelwise::backward_weights(window, channels, &x[at.clone()], dy, dw);
                if !dx.is_empty() {
                    let dx = &mut dx[at];
                    channelwise::backward_input(window, channels, dy, &weights.transposed, dx);
                }
            }
        } else if let Form::Transposed { window } = &self.form {
            let room = (patches, packed);
            self.back_through(window, [x, dy], &weights.transposed, (dw, &mut dx), room);
        } else {
            let back = sgemm::packed_len(self.out, self.k);
            for first in (0..rows).step_by(BLOCK) {
                let count = BLOCK.min(rows - first);
                for group in 0..self.groups {
                    let dy = &dy[first * channels + group * self.out..];
                    let left = self.left(x, [first, count], group, patches);
                    packed.resize(packed.len().max(sgemm::packed_len(count, self.out)), 0.0);
                    sgemm::pack(dy, [count, self.out], [channels, 1], packed);
                    let turned = Left { row_step: left.k_step, k_step: left.row_step, ..left };
                    let to = &mut dw[group * self.k * self.out..];
                    multiply([self.k, count, self.out], turned, packed, (to, self.out), Write::Add);
                    if !dx.is_empty() {
                        let right = &weights.transposed[group * back..];
                        let dy = Left { values: dy, row_step: channels, k_step: 1 };
                        self.add_to_input([first, count], group, dy, right, &mut dx, patches);
                    }
                }
            }
        }
        let unit = bench.units[self.x];
        dw.iter_mut().for_each(|dw| *dw *= unit);
        self.add_bias_gradient(&of_bias, &mut sums);
        bench.sums = sums;
        bench.gradients[self.x] = dx;
        bench.gradients[self.y] = gradient;
    }
}

/// Transposed convolutions.
impl Layer {
    /// The channels of the whole result that `group` makes.
    fn channels_made(&self, group: usize) -> Channels {
        Channels { all: self.channels(), own: self.out, first: group * self.out }
    }

    /// Adds to `y` what each element of `x` is spread to.
    fn transpose(
        &self,
        window: &Window,
        frames: usize,
        x: &[f32],
        weights: &[f32],
        y: &mut [f32],
        patches: &mut Vec<f32>,
    ) {
        let ([inputs, columns], all) = (self.matrix(), self.places.all_inputs());
        let (rows, plane) = (frames * window.output_len(), window.input_len() * self.channels());
        let packed = sgemm::packed_len(inputs, columns);
        patches.resize(patches.len().max(BLOCK * columns + SLACK), 0.0);
        for first in (0..rows).step_by(BLOCK) {
            let count = BLOCK.min(rows - first);
            for group in 0..self.groups {
                let values = &x[first * all + group * inputs..];
                let left = Left { values, row_step: all, k_step: 1 };
                let right = &weights[group * packed..];
                let shape = [count, inputs, columns];
                multiply(shape, left, right, (&mut patches[..], columns), Write::Replace);
                for piece in pieces(first, count, window.output_len()) {
                    let Piece { frame, position, count, at } = piece;
                    let y = &mut y[frame * plane..][..plane];
                    let channels = self.channels_made(group);
                    scatter(window, channels, &patches[at * columns..], position, count, y);
                }
            }
        }
    }

    /// Adds to the gradients of the weights and of the input, from that of the result.
    fn back_through(
        &self,
        window: &Window,
        [x, dy]: [&[f32]; 2],
        weights: &[f32],
        (dw, dx): (&mut [f32], &mut [f32]),
        (patches, packed): (&mut Vec<f32>, &mut Vec<f32>),
    ) {
        let ([inputs, columns], all) = (self.matrix(), self.places.all_inputs());
        let plane = window.input_len() * self.channels();
        let rows = dy.len() / plane * window.output_len();
        let back = sgemm::packed_len(columns, inputs);
        patches.resize(patches.len().max(BLOCK * columns + SLACK), 0.0);
        for first in (0..rows).step_by(BLOCK) {
            let count = BLOCK.min(rows - first);
            for group in 0..self.groups {
                for piece in pieces(first, count, window.output_len()) {
                    let Piece { frame, position, count, at } = piece;
                    let dy = &dy[frame * plane..][..plane];
                    let channels = self.channels_made(group);
                    gather(window, channels, dy, position, count, &mut patches[at * columns..]);
                }
                packed.resize(packed.len().max(sgemm::packed_len(count, columns)), 0.0);
                sgemm::pack(patches, [count, columns], [columns, 1], packed);
                let values = &x[first * all + group * inputs..];
                let turned = Left { values, row_step: 1, k_step: all };
                let to = &mut dw[group * inputs * columns..];
                multiply([inputs, count, columns], turned, packed, (to, columns), Write::Add);
                if !dx.is_empty() {
                    let left = Left { values: patches, row_step: columns, k_step: 1 };
                    let to = &mut dx[first * all + group * inputs..];
                    let right = &weights[group * back..];
                    multiply([count, columns, inputs], left, right, (to, all), Write::Add);
                }
            }
        }
    }
}

impl Layer {
    /// Adds to `dx` the gradient of what `group` read at output positions `first..first + count`.
    fn add_to_input(
        &self,
        [first, count]: [usize; 2],
        group: usize,
        dy: Left<'_>,
        weights: &[f32],
        dx: &mut [f32],
        patches: &mut [f32],
    ) {
        let shape = [count, self.out, self.k];
        let Form::Conv { window } = &self.form else {
            multiply(shape, dy, weights, (&mut dx[first * self.k..], self.k), Write::Add);
            return;
        };
        let channels = self.channels_of(group);
        if is_pointwise(window) {
            let to = &mut dx[first * channels.all + channels.first..];
            multiply(shape, dy, weights, (to, channels.all), Write::Add);
            return;
        }
        multiply(shape, dy, weights, (patches, self.k), Write::Replace);
        for Piece { frame, position, count, at } in pieces(first, count, window.output_len()) {
            let frame = &mut dx[frame * window.input_len() * channels.all..]
                [..window.input_len() * channels.all];
            scatter(window, channels, &patches[at * self.k..], position, count, frame);
        }
    }

    /// The gradient of the bias, which with a normalization is first that of its shift.
    fn add_bias_gradient(&self, of_bias: &[f32], sums: &mut [f32]) {
        let slot = match (&self.norm, &self.slots.bias) {
            (Some(norm), _) => norm.shift.clone(),
            (None, Some(slot)) => slot.clone(),
            (None, None) => return,
        };
        for (c, gradient) in of_bias.iter().enumerate() {
            sums[slot.start + if slot.len() == 1 { 0 } else { c }] += gradient;
        }
    }
}

wide! {
    /// `y = (y + bias) * multiplier`, by channel.
    fn finish(y: &mut [f32], channels: usize, bias: &[f32], multiplier: &[f32]) {
        for y in y.chunks_exact_mut(channels) {
            for ((y, bias), multiplier) in y.iter_mut().zip(bias).zip(multiplier) {
                *y = (*y + bias) * multiplier;
            }
        }
    }
}

wide! {
    /// Adds to `sums` each channel's sum, block by block.
    fn add_column_sums(values: &[f32], channels: usize, sums: &mut [f32]) {
        let mut block_sums = vec![0.0; channels];
        for block in values.chunks(BLOCK * channels) {
            block_sums.fill(0.0);
            for row in block.chunks_exact(channels) {
                for (sum, x) in block_sums.iter_mut().zip(row) {
                    *sum += x;
                }
            }
            for (sum, x) in sums.iter_mut().zip(&block_sums) {
                *sum += x;
            }
        }
    }
}
