//! Operators that only move elements: Flatten, Reshape, Squeeze, Unsqueeze, Transpose, and Identity
//! and Dropout where they round, and what takes one of several inputs of the row of all; and those that
//! copy some of them: Slice, Split, Pad, Resize.

use super::builder::{Builder, EVERYTHING, Known};
use super::feature::{memory_of, order};
use super::operator::Operator;
use super::workbench::{Kept, Workbench};
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::graph::packed::Part;

#[derive(Debug, Clone)]
pub(super) struct Rearrange {
    pub(super) x: usize,
    /// Elements of a frame of the input.
    pub(super) len: usize,
    pub(super) y: usize,
    /// By element of the result, the element of the input that it is.
    pub(super) places: Vec<u32>,
    /// Elements of the result that are constants, with what they are; their places say nothing.
    pub(super) fills: Vec<(u32, f32)>,
}

impl Builder<'_> {
    /// `axes`: the order of the input's axes in the result, batch included; `None`: as they were.
    pub(super) fn rearrange(&mut self, node: &Node, axes: Option<Vec<i64>>) -> Result<()> {
        let x = self.input(node, 0)?;
        let name = node.output().to_string();
        // Of a single frame it would take the batch away, too.
        let shape =
            match node.op == "Squeeze" && node.input(1).is_none() && node.ints("axes").is_none() {
                true => x.shape.iter().copied().filter(|&n| n != 1).collect(),
                false => self.shape(&name)?,
            };
        let mut onnx: Vec<usize> = (0..shape.iter().product()).collect();
        if let Some(axes) = axes {
            if axes.first() != Some(&0) {
                return Err(Error::new("it exchanges the batch with another axis"));
            }
            let strides: Vec<usize> =
                (0..x.shape.len()).map(|a| x.shape[a + 1..].iter().product()).collect();
            for (i, place) in onnx.iter_mut().enumerate() {
                let (mut rest, mut at) = (i, 0);
                for (axis, &dim) in shape.iter().enumerate().rev() {
                    at += rest % dim * strides[axes[axis + 1] as usize - 1];
                    rest /= dim;
                }
                *place = at;
            }
        }
        if onnx.len() != x.shape.iter().product::<usize>() {
            return Err(Error::new("frames do not stay apart"));
        }
        let memory = memory_of(&x.shape);
        let places: Vec<u32> = order(&shape).iter().map(|&at| memory[onnx[at as usize]]).collect();
        let same_scale = self.root(&name) == self.root(node.input(0).unwrap_or_default());
        let stays = places.iter().enumerate().all(|(i, &at)| i == at as usize);
        if stays && (same_scale || !self.placement.tensors.contains_key(&name)) {
            // The same memory under another shape.
            self.known.insert(name, Known { feature: x.feature, shape });
            return Ok(());
        }
        let trains = self.trains(x.feature);
        let y = self.feature(&name, shape, trains, EVERYTHING, Some((x.feature, false)));
        self.push(Rearrange { x: x.feature, len: places.len(), y, places, fills: Vec::new() }, y);
        Ok(())
    }

    /// Each element made is one of the input's, told by its place, or a constant.
    pub(super) fn copies(&mut self, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let len: usize = x.shape.iter().product();
        let places: Vec<f32> = (1..=len).map(|place| place as f32).collect();
        let opposite: Vec<f32> = places.iter().map(|place| -place).collect();
        let made = [self.probe(node, &x, &places)?, self.probe(node, &x, &opposite)?];
        let memory = memory_of(&x.shape);
        let [made, opposite] = made;
        for (name, (made, opposite)) in node.outputs.iter().zip(made.iter().zip(&opposite)) {
            let shape = self.shape(name)?;
            let (mut places, mut fills) = (Vec::new(), Vec::new());
            for (to, &at) in order(&shape).iter().enumerate() {
                let (place, other) = (made[at as usize], opposite[at as usize]);
                // A constant does not follow the frame.
                if place == other {
                    places.push(0);
                    fills.push((to as u32, place));
                } else {
                    places.push(memory[place as usize - 1]);
                }
            }
            let trains = self.trains(x.feature);
            let y = self.feature(name, shape, trains, EVERYTHING, Some((x.feature, false)));
            self.push(Rearrange { x: x.feature, len, y, places, fills }, y);
        }
        Ok(())
    }

    /// One of several inputs, of the row of all.
    pub(super) fn unpack(&mut self, node: &Node, Part { first, shape }: Part) -> Result<()> {
        let x = self.input(node, 0)?;
        let places = order(&shape).iter().map(|&at| first as u32 + at).collect();
        let y = self.feature(node.output(), shape, false, EVERYTHING, None);
        let len = x.shape.iter().product();
        self.push(Rearrange { x: x.feature, len, y, places, fills: Vec::new() }, y);
        Ok(())
    }
}

impl Operator for Rearrange {
    fn forward(&self, bench: &mut Workbench, _: &mut Kept) {
        let mut y = bench.take_result(self.y);
        let ratio = bench.units[self.x] / bench.units[self.y];
        let frames = bench.values[self.x].chunks_exact(self.len).take(bench.frames);
        for (x, y) in frames.zip(y.chunks_exact_mut(self.places.len())) {
            for (y, &at) in y.iter_mut().zip(&self.places) {
                *y = x[at as usize] * ratio;
            }
            for &(at, constant) in &self.fills {
                y[at as usize] = constant / bench.units[self.y];
            }
        }
        bench.put_result(self.y, y);
    }

    fn backward(&self, bench: &mut Workbench, _: &mut Kept) {
        let mut dy = std::mem::take(&mut bench.gradients[self.y]);
        for dy in dy.chunks_exact_mut(self.places.len()) {
            self.fills.iter().for_each(|&(at, _)| dy[at as usize] = 0.0);
        }
        let frames = bench.gradients[self.x].chunks_exact_mut(self.len).take(bench.frames);
        for (dx, dy) in frames.zip(dy.chunks_exact(self.places.len())) {
            for (dy, &at) in dy.iter().zip(&self.places) {
                dx[at as usize] += dy;
            }
        }
        bench.gradients[self.y] = dy;
    }
}
