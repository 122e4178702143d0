//! Layers with weights: Conv, ConvTranspose, Gemm and MatMul, as products of patches and weights.

use std::ops::Range;

use super::batch_norm::Normalization;
use super::machine::{Kept, Machine};
use super::operator::Operator;
use super::state::State;
use crate::graph::weights::Places;
use crate::kernels::channelwise;
use crate::kernels::geometry::Window;
use crate::kernels::patches::{Channels, SLACK, gather, scatter};
use crate::kernels::sgemm::{self, Left, Write, multiply};
use crate::kernels::wide::wide;
use crate::quantize::WeightScheme;

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

/// How a layer's weights are rounded.
#[derive(Debug, Clone)]
pub(super) struct WeightGrid {
    /// The integers that there are.
    pub(super) codes: [i32; 2],
    pub(super) scale: WeightScale,
    /// Scales and zero points that there are: one, or one per output channel.
    pub(super) count: usize,
    /// How a range becomes a scale.
    pub(super) scheme: WeightScheme,
}

#[derive(Debug, Clone)]
pub(super) enum WeightScale {
    /// Parameters from this place on, with a zero point that stays.
    Learned { at: usize, zero_point: i32, factor: f32 },
    /// Statistics from this place on: the scales, then the zero points.
    Following { at: usize },
}

impl WeightGrid {
    /// The scale of every output channel, as far as weights decide it.
    pub(super) fn scales(&self, state: &State, scale: &mut [f32]) {
        let own = match self.scale {
            WeightScale::Learned { at, .. } => &state.parameters[at..at + self.count],
            WeightScale::Following { at } => &state.statistics[at..at + self.count],
        };
        for (c, scale) in scale.iter_mut().enumerate() {
            let c = if self.count == 1 { 0 } else { c };
            *scale = own[c];
        }
    }

    /// One zero point serves the whole tensor: weights with a scale per channel are symmetric.
    pub(super) fn zero_point(&self, state: &State) -> i32 {
        match self.scale {
            WeightScale::Learned { zero_point, .. } => zero_point,
            WeightScale::Following { at } => state.statistics[at + self.count] as i32,
        }
    }

    /// The smallest and largest integer less the zero point.
    pub(super) fn bounds(&self, state: &State) -> [f32; 2] {
        self.codes.map(|code| (code - self.zero_point(state)) as f32)
    }

    /// Adds the gradient of the scales, given by output channel.
    pub(super) fn add_gradient(&self, of_scale: &[f32], sums: &mut [f32]) {
        let WeightScale::Learned { at, factor, .. } = self.scale else { return };
        for (c, gradient) in of_scale.iter().enumerate() {
            sums[at + if self.count == 1 { 0 } else { c }] += gradient * factor;
        }
    }
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
    fn forward(&self, machine: &mut Machine, kept: &mut Kept) {
        let mut y = machine.take_result(self.y);
        let Machine { values, weights, patches, .. } = machine;
        let (x, weights) = (&values[self.x], &weights[self.index]);
        let (rows, channels) = (machine.frames * self.positions(), self.channels());
        if let Form::Depthwise { window } = &self.form {
            let frames = x.chunks_exact(window.input_len() * channels).take(machine.frames);
            for (x, y) in frames.zip(y.chunks_exact_mut(window.output_len() * channels)) {
                channelwise::forward(window, channels, x, &weights.codes, y);
            }
        } else if let Form::Transposed { window } = &self.form {
            y[..rows * channels].fill(0.0);
            self.transpose(window, machine.frames, x, &weights.packed, &mut y, patches);
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
        let unit = machine.units[self.x];
        let sums = &mut y[..rows * channels];
        match &self.norm {
            Some(norm) if machine.mode.batch_statistics => {
                norm.forward(self, machine, sums, kept);
            }
            _ => {
                let of_result = machine.units[self.y];
                let multiplier = weights.scale.iter().map(|scale| unit * scale / of_result);
                let multiplier: Vec<f32> = multiplier.collect();
                finish(sums, channels, &weights.bias, &multiplier);
            }
        }
        machine.put_result(self.y, y);
    }

    fn backward(&self, machine: &mut Machine, kept: &mut Kept) {
        let mut gradient = std::mem::take(&mut machine.gradients[self.y]);
        let (rows, channels) = (machine.frames * self.positions(), self.channels());
        let dy = &mut gradient[..rows * channels];
        let mut of_bias = vec![0.0; channels];
        if let (Some(norm), true) = (&self.norm, machine.mode.batch_statistics) {
            norm.backward(self, machine, dy, kept);
        } else {
            add_column_sums(dy, channels, &mut of_bias);
        }
        let mut dx = std::mem::take(&mut machine.gradients[self.x]);
        let mut sums = std::mem::take(&mut machine.sums);
        let Machine { values, weights, patches, packed, .. } = &mut *machine;
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
        let unit = machine.units[self.x];
        dw.iter_mut().for_each(|dw| *dw *= unit);
        self.add_bias_gradient(&of_bias, &mut sums);
        machine.sums = sums;
        machine.gradients[self.x] = dx;
        machine.gradients[self.y] = gradient;
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
