//! What a convolution multiplies at an output position, gathered from a frame whose channels come
//! last, and the gradient of that, scattered back.

use super::geometry::Window;
use super::wide::wide;

/// Elements copied at once; a gathered buffer needs so much room behind its last patch.
pub const SLACK: usize = 16;

/// The channels of a frame that a group of a convolution reads.
#[derive(Debug, Clone, Copy)]
pub struct Channels {
    /// Of the frame.
    pub all: usize,
    /// Of the group.
    pub own: usize,
    pub first: usize,
}

impl Channels {
    fn whole_rows(self, window: &Window) -> bool {
        self.own == self.all && window.dilation[1] == 1
    }
}

/// The columns `from..to` of the kernel that lie inside the frame for output column `ox`, and the
/// input column under the first of them; for a dilation of 1.
#[inline(always)]
fn inside(window: &Window, ox: usize) -> (usize, usize, usize) {
    let left = ox * window.stride[1];
    let from = window.pad[1].saturating_sub(left).min(window.kernel[1]);
    let to = (window.input[1] + window.pad[1]).saturating_sub(left).min(window.kernel[1]);
    (from, to.max(from), (left + from).saturating_sub(window.pad[1]))
}

wide! {
    /// Writes the patches of the output positions `first..first + count` of a frame one after
    /// another, each as `[kernel row][kernel column][channel]`, padding as 0.
    ///
    /// `patches` has [`SLACK`] elements more than the patches.
    pub fn gather(
        window: &Window,
        channels: Channels,
        frame: &[f32],
        first: usize,
        count: usize,
        patches: &mut [f32],
    ) {
        let [kernel_height, kernel_width] = window.kernel;
        let len = kernel_width * channels.own;
        let whole = channels.whole_rows(window);
        let mut at = 0;
        for position in first..first + count {
            let (oy, ox) = (position / window.output[1], position % window.output[1]);
            let (from, to, column) = inside(window, ox);
            for ky in 0..kernel_height {
                let Some(y) = window.tap(0, oy, ky) else {
                    patches[at..at + len].fill(0.0);
                    at += len;
                    continue;
                };
                let row = &frame[y * window.input[1] * channels.all..];
                if whole {
                    let start = column * channels.all;
                    if from == 0 && to == kernel_width {
                        let (x, out) = (&row[start..], &mut patches[at..]);
                        let rounded = len.next_multiple_of(SLACK);
                        if x.len() >= rounded && out.len() >= rounded {
                            // More than asked for, in whole vectors: the next row overwrites the rest.
                            let x = x[..rounded].as_chunks::<SLACK>().0;
                            let out = out[..rounded].as_chunks_mut::<SLACK>().0;
                            for (out, x) in out.iter_mut().zip(x) {
                                *out = *x;
                            }
                        } else {
                            out[..len].copy_from_slice(&x[..len]);
                        }
                    } else {
                        let out = &mut patches[at..at + len];
                        out[..from * channels.all].fill(0.0);
                        out[to * channels.all..].fill(0.0);
                        let taps = (to - from) * channels.all;
                        out[from * channels.all..][..taps].copy_from_slice(&row[start..][..taps]);
                    }
                    at += len;
                    continue;
                }
                for kx in 0..kernel_width {
                    let out = &mut patches[at..at + channels.own];
                    match window.tap(1, ox, kx) {
                        Some(x) => {
                            let from = x * channels.all + channels.first;
                            out.copy_from_slice(&row[from..from + channels.own]);
                        }
                        None => out.fill(0.0),
                    }
                    at += channels.own;
                }
            }
        }
    }
}

wide! {
    /// Adds what [`gather`] would have read at each element of `patches` to where it was read.
    pub fn scatter(
        window: &Window,
        channels: Channels,
        patches: &[f32],
        first: usize,
        count: usize,
        frame: &mut [f32],
    ) {
        let [kernel_height, kernel_width] = window.kernel;
        let len = kernel_width * channels.own;
        let whole = channels.whole_rows(window);
        let mut at = 0;
        for position in first..first + count {
            let (oy, ox) = (position / window.output[1], position % window.output[1]);
            let (from, to, column) = inside(window, ox);
            for ky in 0..kernel_height {
                let patch = &patches[at..at + len];
                at += len;
                let Some(y) = window.tap(0, oy, ky) else { continue };
                let row = &mut frame[y * window.input[1] * channels.all..];
                if whole {
                    let taps = (to - from) * channels.all;
                    let to = &mut row[column * channels.all..][..taps];
                    let from = &patch[from * channels.all..][..taps];
                    for (to, x) in to.iter_mut().zip(from) {
                        *to += x;
                    }
                    continue;
                }
                for (kx, patch) in patch.chunks_exact(channels.own).enumerate() {
                    if let Some(x) = window.tap(1, ox, kx) {
                        let to = &mut row[x * channels.all + channels.first..][..channels.own];
                        for (to, x) in to.iter_mut().zip(patch) {
                            *to += x;
                        }
                    }
                }
            }
        }
    }
}
