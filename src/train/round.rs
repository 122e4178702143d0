//! Fake quantization of activations: rounded as the int8 runtime rounds them, the gradient passed
//! straight through, the scale learned or observed.
//!
//! The gradient of a learned scale: Esser et al., "Learned Step Size Quantization" (2020), section
//! 2.1; a zero point stays where calibration put it.

use super::workbench::Workbench;
use crate::kernels::elementwise::extremes;
use crate::kernels::requantize::round_small;
use crate::kernels::wide::wide;

/// Sums that do not wait for each other; their number decides bits.
const LANES: usize = 16;

/// Rounding of one tensor.
#[derive(Debug, Clone)]
pub(super) struct Round {
    /// Whose scale it has.
    pub(super) root: usize,
    /// The integers that there are.
    pub(super) bounds: [i32; 2],
    /// What the activation folded into it lets through, in reals.
    pub(super) clip: [f32; 2],
    /// Whether the zero point is added before rounding, which decides ties (AveragePool).
    pub(super) zero_point_first: bool,
    /// The parameter that is its scale, and the factor of its gradient.
    pub(super) learned: Option<(usize, f32)>,
    /// The place of its range among the statistics, where that is observed.
    pub(super) range: Option<usize>,
}

/// What the loops need of a [`Round`], in units of the scale and less the zero point.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// The integers that there are.
    codes: [f32; 2],
    /// What the activation lets through.
    clip: [f32; 2],
    /// Added before rounding and taken off again.
    shift: f32,
}

impl Round {
    fn bounds(&self, bench: &Workbench, y: usize) -> Bounds {
        let zero_point = bench.zero_points[self.root];
        let unit = bench.units[y];
        Bounds {
            codes: self.bounds.map(|b| (b - zero_point) as f32),
            clip: self.clip.map(|c| c / unit),
            shift: if self.zero_point_first { zero_point as f32 } else { 0.0 },
        }
    }

    pub(super) fn forward(&self, bench: &mut Workbench, y: usize) {
        let bounds = self.bounds(bench, y);
        let unit = bench.units[y];
        let len = bench.values[y].len() / super::workbench::SHARD * bench.frames;
        let (from, to) = (&bench.unrounded[y][..len], &mut bench.values[y][..len]);
        if let (Some(range), true) = (self.range, bench.mode.observe) {
            let seen = &mut bench.observed[range..range + 2];
            let [low, high] =
                extremes(from).map(|v| v.max(bounds.clip[0]).min(bounds.clip[1]) * unit);
            seen.copy_from_slice(&[seen[0].min(low), seen[1].max(high)]);
        }
        round(from, bounds, to);
    }

    /// Turns the gradient of the rounded reals into that of the reals before.
    pub(super) fn backward(&self, bench: &mut Workbench, y: usize) {
        let bounds = self.bounds(bench, y);
        let len = bench.values[y].len() / super::workbench::SHARD * bench.frames;
        let gradient = &mut bench.gradients[y][..len];
        let of_scale = straight_through(&bench.unrounded[y][..len], bounds, gradient);
        if let Some((parameter, factor)) = self.learned {
            bench.sums[parameter] += of_scale * factor;
        }
    }
}

/// The integer of one element, less the zero point.
#[inline(always)]
fn code(x: f32, Bounds { codes: [low, high], clip, shift }: Bounds) -> f32 {
    let x = x.max(clip[0]).min(clip[1]);
    // Clamped before it is rounded, so that it is small enough for that.
    round_small((x + shift).max(low + shift).min(high + shift)) - shift
}

wide! {
    fn round(from: &[f32], bounds: Bounds, to: &mut [f32]) {
        for (to, &x) in to.iter_mut().zip(from) {
            *to = code(x, bounds);
        }
    }
}

/// The gradient of the scale and of the value, from that of the rounded value.
#[inline(always)]
fn pass(x: f32, bounds: Bounds, gradient: f32) -> (f32, f32) {
    let [low, high] = bounds.codes;
    let clipped = x.max(bounds.clip[0]).min(bounds.clip[1]);
    let code = code(x, bounds);
    // Half a step beyond the outermost integer still rounds to it.
    let within = clipped >= low - 0.5 && clipped <= high + 0.5;
    let off = if within { code - clipped } else { code };
    let passes = within && x > bounds.clip[0] && x < bounds.clip[1];
    (gradient * off, if passes { gradient } else { 0.0 })
}

wide! {
    /// Zeroes the gradient where the activation or the integers' bounds cut the value off; gives the
    /// gradient of the scale: `q - x` for what is in between, the bound for what is beyond it.
    fn straight_through(unrounded: &[f32], bounds: Bounds, gradient: &mut [f32]) -> f32 {
        let mut sums = [0f32; LANES];
        let (x, rest) = unrounded.as_chunks::<LANES>();
        let (gradients, rest_gradients) = gradient.as_chunks_mut::<LANES>();
        for (x, gradients) in x.iter().zip(gradients) {
            for i in 0..LANES {
                let (of_scale, passed) = pass(x[i], bounds, gradients[i]);
                sums[i] += of_scale;
                gradients[i] = passed;
            }
        }
        for (i, (&x, gradient)) in rest.iter().zip(rest_gradients).enumerate() {
            let (of_scale, passed) = pass(x, bounds, *gradient);
            sums[i] += of_scale;
            *gradient = passed;
        }
        sums.into_iter().sum()
    }
}
