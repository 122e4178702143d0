//! MaxPool, AveragePool and GlobalAveragePool.

use super::builder::Builder;
use super::operator::Operator;
use super::workbench::{Kept, Workbench};
use crate::error::{Error, Result};
use crate::graph::Node;
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

impl Builder<'_> {
    pub(super) fn pool(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let &[channels, ref plane @ ..] = &x.shape[..] else {
            return Err(Error::new("it pools no plane"));
        };
        if plane.is_empty() {
            return Err(Error::new("it pools no plane"));
        }
        let (kind, window) = if node.op == "GlobalAveragePool" {
            let input = [plane.iter().rev().skip(1).product(), plane[plane.len() - 1]];
            let window = Window {
                input,
                output: [1; 2],
                kernel: input,
                stride: [1; 2],
                dilation: [1; 2],
                pad: [0; 2],
            };
            (Kind::GlobalAverage, window)
        } else {
            let kernel: Vec<usize> = node
                .ints("kernel_shape")
                .unwrap_or_default()
                .iter()
                .map(|&n| usize::try_from(n).unwrap_or(0))
                .collect();
            let window = Window::of(node, plane, &kernel)?;
            let include_pad = node.int("count_include_pad", 0) != 0;
            let average = Kind::Average { include_pad };
            (if node.op == "MaxPool" { Kind::Max } else { average }, window)
        };
        let (name, clip) = self.result(i, node);
        let moved = match kind {
            Kind::Max => Some((x.feature, false)),
            Kind::Average { .. } => Some((x.feature, true)),
            Kind::GlobalAverage => None,
        };
        let (shape, trains) = (self.shape(&name)?, self.trains(x.feature));
        let y = self.feature(&name, shape, trains, clip, moved);
        self.push(Pool { x: x.feature, y, kind, window, channels }, y);
        Ok(())
    }
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
    fn forward(&self, bench: &mut Workbench, kept: &mut Kept) {
        let mut y = bench.take_result(self.y);
        let units = [bench.units[self.x], bench.units[self.y]];
        let [len, pooled] = self.lens();
        kept.places.resize(bench.frames * pooled, 0);
        let frames = bench.values[self.x].chunks_exact(len).take(bench.frames);
        for (i, (x, y)) in frames.zip(y.chunks_exact_mut(pooled)).enumerate() {
            match self.kind {
                Kind::Max => {
                    let places = &mut kept.places[i * pooled..][..pooled];
                    self.max(x, units[0] / units[1], y, places);
                }
                _ => self.average(x, units, y),
            }
        }
        bench.put_result(self.y, y);
    }

    fn backward(&self, bench: &mut Workbench, kept: &mut Kept) {
        let dy = std::mem::take(&mut bench.gradients[self.y]);
        let [len, pooled] = self.lens();
        let frames = bench.gradients[self.x].chunks_exact_mut(len).take(bench.frames);
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
        bench.gradients[self.y] = dy;
    }
}
