//! Convolutions that keep the channels apart, on frames whose channels come last: forward, and the
//! gradients of input and weights.
//!
//! `weights` are `[kernel row][kernel column][channel]`; one output channel for each of the input's.

use super::geometry::Window;
use super::wide::wide;

/// Channels computed together.
const LANES: usize = 16;

/// The taps of an output position that lie inside the frame: tap, input pixel.
#[inline(always)]
fn taps(window: &Window, position: usize) -> impl Iterator<Item = (usize, usize)> {
    let (oy, ox) = (position / window.output[1], position % window.output[1]);
    let [height, width] = window.kernel;
    let row = move |ky| window.tap(0, oy, ky).map(|y| (ky, y));
    (0..height).filter_map(row).flat_map(move |(ky, y)| {
        let pixel = move |kx| Some((ky * width + kx, y * window.input[1] + window.tap(1, ox, kx)?));
        (0..width).filter_map(pixel)
    })
}

wide! {
    /// `y[position][c] = sum over taps of x[pixel][c] * weights[tap][c]`, in order.
    pub fn forward(window: &Window, channels: usize, x: &[f32], weights: &[f32], y: &mut [f32]) {
        for (position, y) in y.chunks_exact_mut(channels).enumerate() {
            for (block, y) in y.chunks_mut(LANES).enumerate() {
                let first = block * LANES;
                let mut sums = [0.0; LANES];
                for (tap, pixel) in taps(window, position) {
                    let x = &x[pixel * channels + first..][..y.len()];
                    let weights = &weights[tap * channels + first..][..y.len()];
                    if let (Ok(x), Ok(weights)) =
                        (<&[f32; LANES]>::try_from(x), <&[f32; LANES]>::try_from(weights))
                    {
                        for c in 0..LANES {
                            sums[c] += x[c] * weights[c];
                        }
                    } else {
                        for ((sum, x), weight) in sums.iter_mut().zip(x).zip(weights) {
                            *sum += x * weight;
                        }
                    }
                }
                y.copy_from_slice(&sums[..y.len()]);
            }
        }
    }
}

wide! {
    /// Adds the gradient of the input to `dx`.
    pub fn backward_input(
        window: &Window,
        channels: usize,
        dy: &[f32],
        weights: &[f32],
        dx: &mut [f32],
    ) {
        for (position, dy) in dy.chunks_exact(channels).enumerate() {
            for (tap, pixel) in taps(window, position) {
                let weights = &weights[tap * channels..][..channels];
                let dx = &mut dx[pixel * channels..][..channels];
                for ((dx, dy), weight) in dx.iter_mut().zip(dy).zip(weights) {
                    *dx += dy * weight;
                }
            }
        }
    }
}

wide! {
    /// Adds the gradient of the weights to `dw`.
    pub fn backward_weights(window: &Window, channels: usize, x: &[f32], dy: &[f32], dw: &mut [f32]) {
        for (position, dy) in dy.chunks_exact(channels).enumerate() {
            for (tap, pixel) in taps(window, position) {
                let x = &x[pixel * channels..][..channels];
                let dw = &mut dw[tap * channels..][..channels];
                for ((dw, dy), x) in dw.iter_mut().zip(dy).zip(x) {
                    *dw += dy * x;
                }
            }
        }
    }
}
