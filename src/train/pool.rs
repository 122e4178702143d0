//! MaxPool, AveragePool and GlobalAveragePool.

use super::machine::{Kept, Machine};
use super::operator::Operator;
use crate::kernels::geometry::Window;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Max,
    Average {
        /// Divide by the whole window even where it reaches into the padding.
        include_pad: bool,
    },
    /// The window is the whole plane.
    GlobalAverage,
}

#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) kind: Kind,
    pub(super) window: Window,
    pub(super) channels: usize,
}

impl Pool {
    /// Input pixels under an output position, in order.
    fn taps(&self, position: usize) -> impl Iterator<Item = usize> {
        let window = &self.window;
        let (oy, ox) = (position / window.output[1], position % window.output[1]);
        let row = move |ky| window.tap(0, oy, ky);
        (0..window.kernel[0]).filter_map(row).flat_map(move |y| {
            let pixel = move |kx| Some(y * window.input[1] + window.tap(1, ox, kx)?);
            (0..window.kernel[1]).filter_map(pixel)
        })
    }

    fn divisor(&self, position: usize) -> f32 {
        match self.kind {
            Kind::Average { include_pad: true } => {
                (self.window.kernel[0] * self.window.kernel[1]) as f32
            }
            _ => self.taps(position).count().max(1) as f32,
        }
    }

    /// Elements of a frame, before and after.
    fn lens(&self) -> [usize; 2] {
        [self.window.input_len(), self.window.output_len()].map(|pixels| pixels * self.channels)
    }

    fn max(&self, x: &[f32], ratio: f32, y: &mut [f32], places: &mut [u32]) {
        for (position, y) in y.chunks_exact_mut(self.channels).enumerate() {
            let places = &mut places[position * self.channels..][..self.channels];
            y.fill(f32::NEG_INFINITY);
            for pixel in self.taps(position) {
                let at = pixel * self.channels;
                for (c, &x) in x[at..at + self.channels].iter().enumerate() {
                    if x > y[c] {
                        y[c] = x;
                        places[c] = (at + c) as u32;
                    }
                }
            }
            y.iter_mut().for_each(|y| *y *= ratio);
        }
    }

    fn average(&self, x: &[f32], [unit, of_result]: [f32; 2], y: &mut [f32]) {
        // As the runtime computes them: whole planes are summed as integers, windows as reals.
        let global = self.kind == Kind::GlobalAverage;
        let factor = if global { 1.0 } else { unit };
        for (position, y) in y.chunks_exact_mut(self.channels).enumerate() {
            y.fill(0.0);
            for pixel in self.taps(position) {
                for (y, x) in y.iter_mut().zip(&x[pixel * self.channels..]) {
                    *y += factor * x;
                }
            }
            let divisor = self.divisor(position);
            if global {
                let multiplier = unit / of_result / divisor;
                y.iter_mut().for_each(|y| *y *= multiplier);
            } else {
                y.iter_mut().for_each(|y| *y = *y / divisor / of_result);
            }
        }
    }
}

impl Operator for Pool {
    fn forward(&self, machine: &mut Machine, kept: &mut Kept) {
        let mut y = machine.take_result(self.y);
        let units = [machine.units[self.x], machine.units[self.y]];
        let [len, pooled] = self.lens();
        kept.places.resize(machine.frames * pooled, 0);
        let frames = machine.values[self.x].chunks_exact(len).take(machine.frames);
        for (i, (x, y)) in frames.zip(y.chunks_exact_mut(pooled)).enumerate() {
            match self.kind {
                Kind::Max => {
                    let places = &mut kept.places[i * pooled..][..pooled];
                    self.max(x, units[0] / units[1], y, places);
                }
                _ => self.average(x, units, y),
            }
        }
        machine.put_result(self.y, y);
    }

    fn backward(&self, machine: &mut Machine, kept: &mut Kept) {
        let dy = std::mem::take(&mut machine.gradients[self.y]);
        let [len, pooled] = self.lens();
        let frames = machine.gradients[self.x].chunks_exact_mut(len).take(machine.frames);
        for (i, (dx, dy)) in frames.zip(dy.chunks_exact(pooled)).enumerate() {
            if self.kind == Kind::Max {
                for (dy, &place) in dy.iter().zip(&kept.places[i * pooled..]) {
                    dx[place as usize] += dy;
                }
                continue;
            }
            for (position, dy) in dy.chunks_exact(self.channels).enumerate() {
                let share = 1.0 / self.divisor(position);
                for pixel in self.taps(position) {
                    for (dx, dy) in dx[pixel * self.channels..].iter_mut().zip(dy) {
                        *dx += dy * share;
                    }
                }
            }
        }
        machine.gradients[self.y] = dy;
    }
}
