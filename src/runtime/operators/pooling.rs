//! Pooling: averages in integers (`com.microsoft` QLinearAveragePool and QLinearGlobalAveragePool),
//! the maximum of integers, and averages in deterministic float.
//!
//! <https://onnx.ai/onnx/operators/onnx__AveragePool.html>, <https://onnx.ai/onnx/operators/onnx__MaxPool.html>.

use super::{
    Coding, Kind, Operand, Operator, Orders, Prepared, Scratch, TensorType, View, ViewMut, input,
    over_pixels, signed,
};
use crate::error::{Error, Result};
use crate::graph::{Element, Node};
use crate::kernels::geometry::Window;
use crate::kernels::pool;
use crate::kernels::requantize::{Requantize, round_small};

pub(super) const FLOAT_AVERAGE: Kind = Kind {
    op: "AveragePool",
    output: |node, inputs| pooled(node, input(node, inputs, 0)?, Element::F32),
    orders: floats,
    prepare: |node, operands, _| {
        let average = Average::of(node, &operands[0].ty.shape, Counted::Padded)?;
        Ok(Prepared::new(FloatAverage(average), [0]))
    },
};

pub(super) const FLOAT_GLOBAL_AVERAGE: Kind = Kind {
    op: "GlobalAveragePool",
    output: |node, inputs| global(node, input(node, inputs, 0)?, Element::F32),
    orders: floats,
    prepare: |_, operands, _| {
        Ok(Prepared::new(FloatAverage(Average::global(&operands[0].ty.shape)), [0]))
    },
};

pub(super) const QUANTIZED_AVERAGE: Kind = Kind {
    op: "QLinearAveragePool",
    output: |node, inputs| pooled(node, input(node, inputs, 0)?, input(node, inputs, 4)?.element),
    orders: over_pixels,
    prepare: |node, operands, _| {
        let average = Average::of(node, &operands[0].ty.shape, Counted::Window)?;
        let x = Coding::of(node, operands, operands[0].ty.element, 1)?;
        let y = Coding::of(node, operands, operands[4].ty.element, 3)?;
        let bounds = y.clamped_bounds(node).map(|bound| bound as f32);
        Ok(Prepared::new(RealAverage { average, x, y, bounds }, [0]))
    },
};

pub(super) const QUANTIZED_GLOBAL_AVERAGE: Kind = Kind {
    op: "QLinearGlobalAveragePool",
    output: |node, inputs| global(node, input(node, inputs, 0)?, input(node, inputs, 4)?.element),
    orders: over_pixels,
    prepare: |node, operands, _| {
        let average = Average::global(&operands[0].ty.shape);
        let x = Coding::of(node, operands, operands[0].ty.element, 1)?;
        let y = Coding::of(node, operands, operands[4].ty.element, 3)?;
        let requantize = Requantize::new(vec![1.0], y.zero_point, y.clamped_bounds(node));
        let ratio = x.scale / y.scale;
        Ok(Prepared::new(IntegerAverage { average, x, ratio, requantize }, [0]))
    },
};

pub(super) const FLOAT_MAX: Kind = Kind {
    op: "MaxPool",
    output: |node, inputs| pooled(node, input(node, inputs, 0)?, Element::F32),
    // The places of the largest are the engine's.
    orders: |node, operands| floats(node, operands).filter(|_| node.outputs.len() == 1),
    prepare: |node, operands, _| {
        let shape = &operands[0].ty.shape;
        let window = window(node, shape)?;
        Ok(Prepared::new(FloatMax { window, channels: shape[1] }, [0]))
    },
};

/// MaxPool of 8-bit integers, which keep their scale.
pub(super) const INTEGER_MAX: Kind = Kind {
    op: crate::graph::operator::INTEGER_MAX_POOL,
    output: |node, inputs| {
        let x = input(node, inputs, 0)?;
        pooled(node, x, x.element)
    },
    orders: over_pixels,
    prepare: |node, operands, _| {
        let x = &operands[0].ty;
        let signed = signed(node, x.element)?;
        let (window, channels) = (window(node, &x.shape)?, x.shape[1]);
        Ok(Prepared::new(IntegerMax { window, channels, signed }, [0]))
    },
};

/// What the windows of a pool reach over, many times what whole pictures of a camera have.
const MOST_TAPS: u64 = 1 << 32;

/// Over one or two axes of float32; everything else is the engine's.
pub(super) fn floats(_: &Node, operands: &[Operand]) -> Option<Orders> {
    let TensorType { element, shape } = &operands.first()?.ty;
    let known = *element == Element::F32 && (3..=4).contains(&shape.len());
    known.then_some(Orders::ChannelsLast)
}

pub(super) fn window(node: &Node, shape: &[usize]) -> Result<Window> {
    let kernel: Option<Vec<usize>> = node
        .ints("kernel_shape")
        .and_then(|k| k.iter().map(|&v| usize::try_from(v).ok()).collect());
    kernel
        .filter(|_| shape.len() >= 3)
        .ok_or_else(|| Error::new("its kernel does not fit its input"))
        .and_then(|kernel| Window::of(node, &shape[2..], &kernel))
        .map_err(|e| e.at_node(&node.name))
}

pub(super) fn pooled(node: &Node, x: &TensorType, element: Element) -> Result<TensorType> {
    let window = window(node, &x.shape)?;
    let shape = [&x.shape[..2], window.output_shape(x.shape.len() - 2)].concat();
    let taps = window.output_len() as u64 * window.kernel.map(|k| k as u64).iter().product::<u64>();
    if taps > MOST_TAPS {
        return Err(Error::new(format!("its windows reach over {taps} pixels")).at_node(&node.name));
    }
    Ok(TensorType { element, shape })
}

pub(super) fn global(node: &Node, x: &TensorType, element: Element) -> Result<TensorType> {
    if x.shape.len() < 3 || node.int("channels_last", 0) != 0 {
        return Err(Error::new("only channels before pixels are supported").at_node(&node.name));
    }
    if x.shape[2..].contains(&0) {
        return Err(Error::new(format!("its input of shape {:?} has no pixels", x.shape))
            .at_node(&node.name));
    }
    let mut shape = x.shape.clone();
    shape[2..].fill(1);
    Ok(TensorType { element, shape })
}

/// A window as large as the planes of an input of this shape.
pub(super) fn whole_planes(shape: &[usize]) -> Window {
    let plane = [1, shape[2..].iter().product()];
    Window {
        input: plane,
        output: [1; 2],
        kernel: plane,
        stride: [1; 2],
        dilation: [1; 2],
        pad: [0; 2],
    }
}

/// An average over windows of each plane.
#[derive(Debug)]
struct Average {
    window: Window,
    channels: usize,
    /// Rows and columns of each output position that count, where padding counts.
    counted: Option<[Vec<usize>; 2]>,
}

/// What `count_include_pad` counts where a window reaches over the end of the padding, as it does with
/// `ceil_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// What lies within the padding.
    Padded,
    /// All of the window: so does ONNX Runtime's operator on integers.
    Window,
}

impl Average {
    fn of(node: &Node, shape: &[usize], counted: Counted) -> Result<Self> {
        let window = window(node, shape)?;
        let include_pad = node.int("count_include_pad", 0) != 0;
        let counted = include_pad.then(|| [0, 1].map(|axis| cells(node, &window, axis, counted)));
        Ok(Self { window, channels: shape[1], counted })
    }

    fn global(shape: &[usize]) -> Self {
        Self { window: whole_planes(shape), channels: shape[1], counted: None }
    }

    /// What the sum of `count` elements at output `position` is divided by.
    fn divisor(&self, position: usize, count: usize) -> f32 {
        let width = self.window.output[1].max(1);
        let counted = match &self.counted {
            Some([rows, columns]) => rows[position / width] * columns[position % width],
            None => count,
        };
        counted.max(1) as f32
    }
}

/// How many rows (or columns, axis 1) of each output position count.
fn cells(node: &Node, window: &Window, axis: usize, counted: Counted) -> Vec<usize> {
    let kernel = window.kernel[axis];
    let pads = match node.text("auto_pad") {
        // Padding that is worked out ends where the last window does.
        Some("SAME_UPPER" | "SAME_LOWER") => return vec![kernel; window.output[axis]],
        Some("VALID") => &[],
        _ => node.ints("pads").unwrap_or_default(),
    };
    if counted == Counted::Window {
        return vec![kernel; window.output[axis]];
    }
    // The ends stand last; a signal of one axis has its in place of the second.
    let end = (pads.len() + axis).checked_sub(2).filter(|&at| 2 * at >= pads.len());
    let end = end.and_then(|at| usize::try_from(pads[at]).ok()).unwrap_or(0);
    let padded = window.pad[axis] + window.input[axis] + end;
    let inside = |o| {
        let tap = |k: &usize| o * window.stride[axis] + k * window.dilation[axis] < padded;
        (0..kernel).filter(tap).count()
    };
    (0..window.output[axis]).map(inside).collect()
}

#[derive(Debug)]
struct FloatAverage(Average);

impl Operator for FloatAverage {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, scratch: &mut Scratch) {
        let Average { window, channels, .. } = &self.0;
        let frames = inputs[0].f32().chunks_exact(window.input_len() * channels);
        for (x, out) in frames.zip(output.f32().chunks_exact_mut(window.output_len() * channels)) {
            pool::sums(
                window,
                *channels,
                x,
                &mut scratch.floats.padded,
                |x| x,
                |at, sums, count| {
                    let divisor = self.0.divisor(at, count);
                    for (out, sum) in out[at * channels..].iter_mut().zip(sums) {
                        *out = sum / divisor;
                    }
                },
            );
        }
    }
}

/// As ONNX Runtime averages: reals are summed in order and divided, and the zero point is added before
/// rounding. Windows of two or four elements give many ties, and these decide them.
#[derive(Debug)]
struct RealAverage {
    average: Average,
    x: Coding,
    y: Coding,
    bounds: [f32; 2],
}

impl Operator for RealAverage {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, scratch: &mut Scratch) {
        let Average { window, channels, .. } = &self.average;
        let (Coding { scale, zero_point, .. }, [low, high]) = (self.y, self.bounds);
        let frames = inputs[0].codes().chunks_exact(window.input_len() * channels);
        for (x, out) in frames.zip(output.codes().chunks_exact_mut(window.output_len() * channels))
        {
            let real = |q| self.x.scale * f32::from(self.x.centred(q));
            pool::sums(
                window,
                *channels,
                x,
                &mut scratch.floats.padded,
                real,
                |at, sums, count| {
                    let divisor = self.average.divisor(at, count);
                    for (out, sum) in out[at * channels..].iter_mut().zip(sums) {
                        let real = sum / divisor / scale + zero_point as f32;
                        *out = round_small(real.max(low).min(high)) as i32 as u8;
                    }
                },
            );
        }
    }
}

/// As ONNX Runtime averages whole planes: integers are summed.
#[derive(Debug)]
struct IntegerAverage {
    average: Average,
    x: Coding,
    ratio: f32,
    requantize: Requantize,
}

impl Operator for IntegerAverage {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, scratch: &mut Scratch) {
        let Average { window, channels, .. } = &self.average;
        let frames = inputs[0].codes().chunks_exact(window.input_len() * channels);
        for (x, out) in frames.zip(output.codes().chunks_exact_mut(window.output_len() * channels))
        {
            let centred = |q: u8| i32::from(self.x.centred(q));
            pool::sums(window, *channels, x, &mut scratch.sums, centred, |at, sums, count| {
                let multiplier = self.ratio / self.average.divisor(at, count);
                for (out, &sum) in out[at * channels..].iter_mut().zip(sums) {
                    *out = self.requantize.real(sum as f32 * multiplier) as u8;
                }
            });
        }
    }
}

#[derive(Debug)]
struct FloatMax {
    window: Window,
    channels: usize,
}

impl Operator for FloatMax {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let Self { window, channels } = self;
        let frames = inputs[0].f32().chunks_exact(window.input_len() * channels);
        for (x, out) in frames.zip(output.f32().chunks_exact_mut(window.output_len() * channels)) {
            let larger = |a, b| if a > b { a } else { b };
            pool::max(window, *channels, x, f32::NEG_INFINITY, out, larger);
        }
    }
}

#[derive(Debug)]
struct IntegerMax {
    window: Window,
    channels: usize,
    signed: bool,
}

impl Operator for IntegerMax {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        let Self { window, channels, signed } = self;
        let frames = inputs[0].codes().chunks_exact(window.input_len() * channels);
        for (x, out) in frames.zip(output.codes().chunks_exact_mut(window.output_len() * channels))
        {
            // Flipping the top bit puts signed bytes in unsigned order.
            let flip = if *signed { 0x80 } else { 0 };
            pool::max(
                window,
                *channels,
                x,
                flip,
                out,
                |a, b| if (a ^ flip) > (b ^ flip) { a } else { b },
            );
        }
    }
}
