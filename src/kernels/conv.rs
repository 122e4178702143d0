//! Convolution over channels-last planes: rows of patches times packed weights; depthwise apart.

use super::gemm::gemm;
use super::geometry::Window;
use super::tile::{Arithmetic, COLUMNS, pack, padded_k};

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

    /// One input channel per group: each output channel sees a single plane.
    pub fn is_depthwise(&self) -> bool {
        self.channels_in == self.groups
    }
}

/// Packs ONNX weights (`out, in / groups, height, width`), group after group, for [`conv`].
pub fn pack_weights<A: Arithmetic>(shape: &Shape, weights: &[A::Input]) -> Vec<A::Input> {
    let per_group = shape.channels_in / shape.groups;
    let taps = shape.window.kernel[0] * shape.window.kernel[1];
    let out = shape.channels_out / shape.groups;
    (0..shape.groups)
        .flat_map(|g| {
            // A patch runs over taps first, channels fastest.
            pack::<A>(out, shape.k(), |c, i| {
                let (tap, channel) = (i / per_group, i % per_group);
                weights[((g * out + c) * per_group + channel) * taps + tap]
            })
        })
        .collect()
}

/// Convolves one frame.
///
/// `x` is channels-last (`height, width, channels`), with `padding` around it; `store(pixel, first
/// channel, sums)` gets the sums of up to [`COLUMNS`] channels, never past the group's last one.
/// `patches` is scratch, grown as needed.
pub fn conv<A: Arithmetic>(
    shape: &Shape,
    x: &[A::Input],
    padding: A::Input,
    packed: &[A::Input],
    patches: &mut Vec<A::Input>,
    mut store: impl FnMut(usize, usize, &[A::Sum]),
) {
    let out = shape.channels_out / shape.groups;
    let width = shape.window.output[1];
    let k = padded_k::<A>(shape.k());
    let block = out.div_ceil(COLUMNS) * COLUMNS * k;
    patches.clear();
    patches.resize(width * k, A::Input::default());
    for y in 0..shape.window.output[0] {
        for g in 0..shape.groups {
            gather(shape, x, padding, [y, g], k, patches);
            gemm::<A>(patches, shape.k(), &packed[g * block..][..block], |pixel, column, sums| {
                let valid = COLUMNS.min(out - column);
                store(y * width + pixel, g * out + column, &sums[..valid]);
            });
        }
    }
}

/// The patches under one output row, for one group: `output width x k`, the padding of `k` left
/// as it is.
fn gather<T: Copy + Default>(
    shape: &Shape,
    x: &[T],
    padding: T,
    [y, g]: [usize; 2],
    k: usize,
    patches: &mut [T],
) {
    let w = &shape.window;
    let channels = shape.channels_in;
    let per_group = channels / shape.groups;
    for (ox, patch) in patches.chunks_exact_mut(k).enumerate() {
        let mut at = 0;
        for ky in 0..w.kernel[0] {
            let row = w.tap(0, y, ky);
            for kx in 0..w.kernel[1] {
                let to = &mut patch[at..at + per_group];
                match (row, w.tap(1, ox, kx)) {
                    (Some(iy), Some(ix)) => to.copy_from_slice(
                        &x[(iy * w.input[1] + ix) * channels + g * per_group..][..per_group],
                    ),
                    _ => to.fill(padding),
                }
                at += per_group;
            }
        }
    }
}

/// Depthwise convolution of one plane with one filter, `sums` being the output plane.
///
/// Sums run over the taps in order, from zero.
pub fn depthwise<T, S>(window: &Window, x: &[T], filter: &[T], sums: &mut [S])
where
    T: Copy,
    S: Copy + Default + From<T> + std::ops::Mul<Output = S> + std::ops::AddAssign,
{
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code)]
        // SAFETY: the machine has AVX2, as was just asked.
        return unsafe { wide::depthwise(window, x, filter, sums) };
    }
    each_tap(window, x, filter, sums);
}

/// The same for eight lanes: the same products and sums in the same order, so the same bits.
#[cfg(target_arch = "x86_64")]
mod wide {
    use super::{Window, each_tap};

    #[target_feature(enable = "avx2")]
    pub(super) fn depthwise<T, S>(window: &Window, x: &[T], filter: &[T], sums: &mut [S])
    where
        T: Copy,
        S: Copy + Default + From<T> + std::ops::Mul<Output = S> + std::ops::AddAssign,
    {
        each_tap(window, x, filter, sums);
    }
}

#[inline(always)]
fn each_tap<T, S>(window: &Window, x: &[T], filter: &[T], sums: &mut [S])
where
    T: Copy,
    S: Copy + Default + From<T> + std::ops::Mul<Output = S> + std::ops::AddAssign,
{
    let [_, in_width] = window.input;
    let [_, out_width] = window.output;
    sums.fill(S::default());
    for (y, sums) in sums.chunks_exact_mut(out_width).enumerate() {
        for ky in 0..window.kernel[0] {
            let Some(iy) = window.tap(0, y, ky) else { continue };
            let row = &x[iy * in_width..][..in_width];
            for kx in 0..window.kernel[1] {
                let tap = S::from(filter[ky * window.kernel[1] + kx]);
                // Outputs whose tap lies inside the row: a contiguous run.
                let offset = kx * window.dilation[1];
                let (stride, pad) = (window.stride[1], window.pad[1]);
                let first = pad.saturating_sub(offset).div_ceil(stride).min(out_width);
                let end = (in_width + pad).saturating_sub(offset).div_ceil(stride).min(out_width);
                if first >= end {
                    continue;
                }
                let from = &row[first * stride + offset - pad..];
                let sums = &mut sums[first..end];
                if stride == 1 {
                    for (sum, &x) in sums.iter_mut().zip(from) {
                        *sum += S::from(x) * tap;
                    }
                } else {
                    for (sum, &x) in sums.iter_mut().zip(from.iter().step_by(stride)) {
                        *sum += S::from(x) * tap;
                    }
                }
            }
        }
    }
}

/// Turns planes (`channels, pixels`) into channels-last, mapping each element.
pub fn channels_last<T: Copy, U: Copy + Default>(
    planes: &[T],
    channels: usize,
    out: &mut Vec<U>,
    map: impl Fn(T) -> U,
) {
    let pixels = planes.len() / channels.max(1);
    out.clear();
    out.resize(planes.len(), U::default());
    // Blocks of channels keep both sides in the cache.
    for block in (0..channels).step_by(COLUMNS) {
        let block = block..channels.min(block + COLUMNS);
        for pixel in 0..pixels {
            for c in block.clone() {
                out[pixel * channels + c] = map(planes[c * pixels + pixel]);
            }
        }
    }
}
