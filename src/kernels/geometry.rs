//! The geometry of a sliding window over one or two spatial axes.

use crate::error::{Error, Result};
use crate::graph::Node;

/// A window over a `height x width` plane; a one-dimensional signal has height 1.
///
/// Source of the shape rule: the ONNX operator pages of Conv and MaxPool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub input: [usize; 2],
    pub output: [usize; 2],
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// Padding before the first row and column.
    pub pad: [usize; 2],
}

/// No attribute of a real network is larger; sums of several cannot overflow.
const LARGEST: usize = 1 << 14;

impl Window {
    /// The window of the convolution that the ConvTranspose `node` transposes: it slides over the
    /// output, and `spatial`, the spatial part of the node's input, are its positions.
    ///
    /// Source of the shape rule: <https://onnx.ai/onnx/operators/onnx__ConvTranspose.html>.
    ///
    /// # Errors
    /// As [`Window::of`].
    pub fn transposed(node: &Node, spatial: &[usize], kernel: &[usize]) -> Result<Self> {
        let axes = spatial.len();
        let [stride, dilation, pads] = attributes(node, spatial, kernel)?;
        let extra = list(node, "output_padding", 0, axes)?;
        let wanted = match node.ints("output_shape") {
            // The batch and the channels may stand before it.
            Some(shape) => list(node, "output_shape", 1, shape.len())?,
            None => Vec::new(),
        };
        let auto_pad = node.text("auto_pad").unwrap_or("NOTSET");
        let mut window = Self::point();
        for axis in 0..axes {
            let at = axis + 2 - axes;
            let (n, k, s) = (spatial[axis], kernel[axis], stride[axis]);
            let whole =
                s.saturating_mul(n - 1).saturating_add(extra[axis] + (k - 1) * dilation[axis] + 1);
            let wanted = match (wanted.len().checked_sub(axes), auto_pad) {
                (Some(before), _) if !wanted.is_empty() => Some(wanted[before + axis]),
                (_, "SAME_UPPER" | "SAME_LOWER") => Some(n.saturating_mul(s)),
                _ => None,
            };
            let (begin, end) = match wanted {
                Some(wanted) => {
                    let total = whole.saturating_sub(wanted);
                    let small = total / 2;
                    let begin = if auto_pad == "SAME_UPPER" { small } else { total - small };
                    (begin, total - begin)
                }
                None if auto_pad == "VALID" => (0, 0),
                None => (pads[axis], pads[axes + axis]),
            };
            let out = match wanted {
                // ONNX Runtime does not fill up what a stride longer than the kernel leaves out.
                Some(wanted) if node.ints("output_shape").is_none() => wanted.min(whole),
                Some(wanted) => wanted,
                None => whole.saturating_sub(begin + end),
            };
            if out == 0 {
                return Err(Error::new("nothing is left of its output after padding"));
            }
            window.input[at] = out;
            window.output[at] = n;
            window.kernel[at] = k;
            window.stride[at] = s;
            window.dilation[at] = dilation[axis];
            window.pad[at] = begin;
        }
        Ok(window)
    }

    /// One element, which every axis is until it is set: signals of one axis have height 1.
    fn point() -> Self {
        Self {
            input: [1; 2],
            output: [1; 2],
            kernel: [1; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pad: [0; 2],
        }
    }

    /// The window that `node`'s attributes describe over the spatial part of its input's shape.
    ///
    /// # Errors
    /// Three or more spatial axes, or attributes that contradict each other.
    pub fn of(node: &Node, spatial: &[usize], kernel: &[usize]) -> Result<Self> {
        let axes = spatial.len();
        let [stride, dilation, pads] = attributes(node, spatial, kernel)?;
        let auto_pad = node.text("auto_pad").unwrap_or("NOTSET");
        let ceil_mode = node.int("ceil_mode", 0) != 0;

        let mut window = Self::point();
        for axis in 0..axes {
            let at = axis + 2 - axes;
            let (n, k, s) = (spatial[axis], kernel[axis], stride[axis]);
            let reach = (k - 1) * dilation[axis] + 1;
            let (begin, end) = match auto_pad {
                "SAME_UPPER" | "SAME_LOWER" => {
                    let total = ((n.div_ceil(s) - 1) * s + reach).saturating_sub(n);
                    let small = total / 2;
                    if auto_pad == "SAME_UPPER" {
                        (small, total - small)
                    } else {
                        (total - small, small)
                    }
                }
                "VALID" => (0, 0),
                _ => (pads[axis], pads[axes + axis]),
            };
            let padded = n + begin + end;
            if padded < reach {
                return Err(Error::new(format!(
                    "its kernel reaches over {reach} elements, its input has {padded}"
                )));
            }
            let room = padded - reach;
            let mut out = room / s + 1;
            // A window that would start in the end padding does not count.
            if ceil_mode && room % s != 0 && out * s < n + begin {
                out += 1;
            }
            window.input[at] = n;
            window.output[at] = out;
            window.kernel[at] = k;
            window.stride[at] = s;
            window.dilation[at] = dilation[axis];
            window.pad[at] = begin;
        }
        Ok(window)
    }

    /// The output's spatial shape, in as many axes as the input had.
    pub fn output_shape(&self, axes: usize) -> &[usize] {
        &self.output[2 - axes..]
    }

    /// The input row or column under tap `k` of output position `o`, unless it is padding.
    #[inline]
    pub fn tap(&self, axis: usize, o: usize, k: usize) -> Option<usize> {
        (o * self.stride[axis] + k * self.dilation[axis])
            .checked_sub(self.pad[axis])
            .filter(|&i| i < self.input[axis])
    }

    /// Elements of one input plane.
    pub fn input_len(&self) -> usize {
        self.input[0] * self.input[1]
    }

    /// Elements of one output plane.
    pub fn output_len(&self) -> usize {
        self.output[0] * self.output[1]
    }
}

/// Strides, dilations and pads of a window over one or two axes.
fn attributes(node: &Node, spatial: &[usize], kernel: &[usize]) -> Result<[Vec<usize>; 3]> {
    let axes = spatial.len();
    if axes == 0 || axes > 2 || kernel.len() != axes {
        return Err(Error::new(format!(
            "a window of {} axes over {axes} spatial axes is not supported",
            kernel.len(),
        )));
    }
    if spatial.contains(&0) {
        return Err(Error::new(format!("its input has {spatial:?} pixels")));
    }
    let stride = list(node, "strides", 1, axes)?;
    let dilation = list(node, "dilations", 1, axes)?;
    let pads = list(node, "pads", 0, 2 * axes)?;
    let possible = |n: &usize| (1..=LARGEST).contains(n);
    if !stride.iter().chain(&dilation).chain(kernel).all(possible) {
        return Err(Error::new("a stride, dilation or kernel size is impossible"));
    }
    Ok([stride, dilation, pads])
}

/// The attribute `name`, `count` numbers.
fn list(node: &Node, name: &str, default: i64, count: usize) -> Result<Vec<usize>> {
    let values = node.ints(name).map_or_else(|| vec![default; count], <[i64]>::to_vec);
    let values: Option<Vec<usize>> = values.iter().map(|&v| usize::try_from(v).ok()).collect();
    values
        .filter(|v| v.len() == count && v.iter().all(|&n| n <= LARGEST))
        .ok_or_else(|| Error::new(format!("its attribute `{name}` does not fit its input")))
}
