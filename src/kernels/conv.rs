//! Convolution over channels-last pixels, without patches: a window is read where it lies.

use super::dense::{Packed, Run, Store, padded};
use super::depthwise::Filters;
use super::geometry::Window;
use super::machine::Multiplier;
use super::room;
use super::wide::wide;
use super::winograd::{self, Squares, Winograd};

/// A convolution's shape: `channels_in` and `channels_out` over all groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub window: Window,
    pub groups: usize,
    pub channels_in: usize,
    pub channels_out: usize,
}

impl Shape {
    /// Weights of one output channel.
    pub fn k(&self) -> usize {
        self.window.kernel[0] * self.window.kernel[1] * self.channels_in / self.groups
    }

    /// Every channel has one filter of its own.
    fn is_depthwise(&self) -> bool {
        self.channels_in == self.groups && self.channels_out == self.groups
    }

    /// Elements of an input frame.
    pub fn input_len(&self) -> usize {
        self.window.input_len() * self.channels_in
    }

    /// Elements of an output frame.
    pub fn output_len(&self) -> usize {
        self.window.output_len() * self.channels_out
    }
}

/// A convolution with its weights packed.
#[derive(Debug)]
pub struct Conv<A: Multiplier> {
    shape: Shape,
    input: Padded,
    /// Of each output pixel's window, in the padded input.
    origins: Vec<usize>,
    weights: Weights<A>,
}

#[derive(Debug)]
enum Weights<A: Multiplier> {
    /// Per group.
    Dense(Vec<Packed<A>>),
    Depthwise(Filters<A>),
    Winograd(Winograd<A>),
}

/// What stands between the input and the sums; it only grows.
#[derive(Debug, Clone, Default)]
pub struct Buffers<E, S> {
    /// An input with what the kernels need around it.
    pub padded: Vec<E>,
    pub squares: Squares<E, S>,
}

impl<E, S> Buffers<E, S> {
    pub fn bytes(&self) -> usize {
        size_of_val(&self.padded[..]) + self.squares.bytes()
    }
}

/// An input frame with what the kernels need around it.
#[derive(Debug)]
struct Padded {
    height: usize,
    width: usize,
    channels: usize,
    /// Elements past the end that may be read, and do not count.
    slack: usize,
}

impl<A: Multiplier> Conv<A> {
    /// Packs ONNX weights (`out, in / groups, height, width`).
    pub fn new(arithmetic: A, shape: Shape, weights: &[A::Element]) -> Self {
        let Window { input, output, kernel, stride, dilation, pad } = &shape.window;
        let reach = |axis: usize| {
            (output[axis].max(1) - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1
        };
        let [kh, kw] = *kernel;
        let (per_group, out) =
            (shape.channels_in / shape.groups, shape.channels_out / shape.groups);
        // The pixels of a window's row lie side by side.
        let joined = shape.groups == 1 && dilation[1] == 1;
        let (taps, run) = if joined { (kw, kw * per_group) } else { (1, per_group) };
        let (channels, slack) = match shape.is_depthwise() {
            true => (shape.channels_in.next_multiple_of(Filters::block(arithmetic)), 0),
            false => (shape.channels_in, padded::<A>(run) - run),
        };
        let transformed = shape.groups == 1
            && ([*kernel, *stride, *dilation] == [[3; 2], [1; 2], [1; 2]])
            && Winograd::suits(arithmetic, *output, shape.channels_in, weights);
        let [height, width] =
            if transformed { winograd::reach(*output) } else { [reach(0), reach(1)] };
        let padded_input = Padded { height, width: width.max(pad[1] + input[1]), channels, slack };
        let row = padded_input.width * channels;
        let origins = (0..output[0] * output[1]).map(|pixel| {
            let (y, x) = (pixel / output[1], pixel % output[1]);
            y * stride[0] * row + x * stride[1] * channels
        });
        let tap = |tap: usize| (tap / kw) * dilation[0] * row + (tap % kw) * dilation[1] * channels;
        let packed = if transformed {
            let winograd = Winograd::new(arithmetic, *output, shape.channels_in, row, weights);
            Weights::Winograd(winograd)
        } else if shape.is_depthwise() {
            let taps = (0..kh * kw).map(tap).collect();
            let filter = |channel: usize, tap| weights[channel * kh * kw + tap];
            Weights::Depthwise(Filters::new(arithmetic, shape.channels_in, taps, filter))
        } else {
            let group = |g: usize| {
                let runs = (0..kh * kw).step_by(taps);
                let runs = runs
                    .map(|first| Run { start: tap(first) + g * per_group, len: padded::<A>(run) });
                Packed::new(arithmetic, out, runs.collect(), |column, at, i| {
                    if i >= run {
                        return A::Element::default();
                    }
                    let (tap, channel) = (at * taps + i / per_group, i % per_group);
                    weights[((g * out + column) * per_group + channel) * kh * kw + tap]
                })
            };
            Weights::Dense((0..shape.groups).map(group).collect())
        };
        Self { origins: origins.collect(), input: padded_input, weights: packed, shape }
    }

    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Whether a frame can be convolved where it lies.
    pub fn needs_no_padding(&self) -> bool {
        let Window { input, pad, .. } = &self.shape.window;
        let Padded { height, width, channels, slack } = self.input;
        *pad == [0; 2]
            && height <= input[0]
            && width == input[1]
            && channels == self.shape.channels_in
            && slack == 0
    }

    /// Convolves one channels-last frame that [`Conv::needs_no_padding`], or that [`Conv::pad`]
    /// made.
    pub fn run(
        &self,
        x: &[A::Element],
        squares: &mut Squares<A::Element, A::Sum>,
        store: &mut impl Store<A::Sum>,
    ) {
        match &self.weights {
            Weights::Winograd(winograd) => {
                store.select(0, self.shape.channels_out);
                winograd.run(x, squares, store);
            }
            Weights::Depthwise(filters) => {
                store.select(0, self.shape.channels_out);
                filters.convolve(x, &self.origins, store);
            }
            Weights::Dense(groups) => {
                let out = self.shape.channels_out / self.shape.groups;
                for (g, packed) in groups.iter().enumerate() {
                    store.select(g * out, out);
                    packed.multiply(x, &self.origins, store);
                }
            }
        }
    }

    /// Copies a channels-last frame into `padded`, with `zero` around it, mapping each element.
    pub fn pad<T: Copy>(
        &self,
        x: &[T],
        zero: A::Element,
        padded: &mut Vec<A::Element>,
        map: impl Fn(T) -> A::Element,
    ) {
        let len = self.input.height * self.input.width * self.input.channels + self.input.slack;
        let padded = room(padded, len);
        let Padded { height, width, channels, .. } = self.input;
        pad(&self.shape, [height, width, channels], x, zero, padded, map);
    }

    pub fn bytes(&self) -> usize {
        let weights = match &self.weights {
            Weights::Dense(groups) => groups.iter().map(Packed::bytes).sum(),
            Weights::Depthwise(filters) => filters.bytes(),
            Weights::Winograd(winograd) => winograd.bytes(),
        };
        weights + size_of_val(&self.origins[..])
    }
}

wide! {
    /// [`Conv::pad`] into a frame of `to`: height, width, channels.
    fn pad[E: Copy, T: Copy](
        shape: &Shape,
        to: [usize; 3],
        x: &[T],
        zero: E,
        padded: &mut [E],
        map: impl Fn(T) -> E,
    ) {
        let Window { input, pad, .. } = &shape.window;
        let ([height, width, to], from) = (to, shape.channels_in);
        let row = width * to;
        let (rows, slack) = padded.split_at_mut(height * row);
        slack.fill(zero);
        for (y, padded) in rows.chunks_exact_mut(row.max(1)).enumerate() {
            let Some(y) = y.checked_sub(pad[0]).filter(|&y| y < input[0]) else {
                padded.fill(zero);
                continue;
            };
            let x = &x[y * input[1] * from..][..input[1] * from];
            let (left, rest) = padded.split_at_mut(pad[1] * to);
            let (inside, right) = rest.split_at_mut(input[1] * to);
            left.fill(zero);
            right.fill(zero);
            if from == to {
                for (to, &from) in inside.iter_mut().zip(x) {
                    *to = map(from);
                }
                continue;
            }
            for (inside, x) in inside.chunks_exact_mut(to).zip(x.chunks_exact(from)) {
                let (inside, rest) = inside.split_at_mut(from);
                for (to, &from) in inside.iter_mut().zip(x) {
                    *to = map(from);
                }
                rest.fill(zero);
            }
        }
    }
}
