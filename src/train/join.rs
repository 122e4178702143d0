//! Add, Sub, Mul, Div, PRelu and Concat.

use super::builder::{Builder, Known};
use super::feature::{Feature, axis_in_memory, broadcast, in_memory, order};
use super::operator::Operator;
use super::workbench::{Kept, SHARD, Workbench};
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::kernels::wide::wide;
use crate::quantize::constant_activation;

/// How an operand is read in the order of the result's elements.
#[derive(Debug, Clone)]
pub(super) enum Reading {
    Same,
    /// By element of the result, the operand's: broadcast.
    At(Vec<u32>),
}

#[derive(Debug, Clone)]
pub(super) struct Operand {
    pub(super) tensor: usize,
    /// Elements of a frame.
    pub(super) len: usize,
    pub(super) reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Combine {
    Add,
    Sub,
    Mul,
    Div,
    /// The second operand is the slope below 0.
    PRelu,
}

/// An operation on the elements of two tensors.
#[derive(Debug, Clone)]
pub(super) struct Binary {
    pub(super) operands: [Operand; 2],
    pub(super) y: usize,
    /// Elements of a frame of the result.
    pub(super) len: usize,
    pub(super) combine: Combine,
}

impl Builder<'_> {
    pub(super) fn binary(&mut self, i: usize, node: &Node) -> Result<()> {
        let slopes = node.op == "PRelu" && self.graph.constant(node, 1).is_some();
        let second = if slopes { self.free(node, 1)? } else { self.operand(i, node, 1)? };
        let inputs = [self.operand(i, node, 0)?, second];
        let (name, clip) = self.result(i, node);
        let shape = self.shape(&name)?;
        let mut operands = Vec::with_capacity(2);
        for input in &inputs {
            let reading = if input.shape == shape {
                Reading::Same
            } else {
                let places = broadcast(&input.shape, &shape);
                Reading::At(places.ok_or_else(|| {
                    Error::new(format!("shapes {:?} and {shape:?} do not broadcast", input.shape))
                })?)
            };
            let len = input.shape.iter().product();
            operands.push(Operand { tensor: input.feature, len, reading });
        }
        let len = shape.iter().product();
        let trains = inputs.iter().any(|input| self.trains(input.feature));
        let y = self.feature(&name, shape, trains, clip, None);
        let combine = match node.op.as_str() {
            "Add" => Combine::Add,
            "Sub" => Combine::Sub,
            "Div" => Combine::Div,
            "PRelu" => Combine::PRelu,
            _ => Combine::Mul,
        };
        let operands =
            operands.try_into().map_err(|_| Error::new("it does not join two tensors"))?;
        self.push(Binary { operands, y, len, combine }, y);
        Ok(())
    }

    pub(super) fn concat(&mut self, i: usize, node: &Node) -> Result<()> {
        let (name, clip) = self.result(i, node);
        let shape = self.shape(&name)?;
        let axis = node.int("axis", 1).rem_euclid(shape.len() as i64 + 1) as usize;
        let axis =
            axis.checked_sub(1).ok_or_else(|| Error::new("it joins frames with each other"))?;
        let axis = axis_in_memory(shape.len(), axis);
        let mut parts = Vec::with_capacity(node.inputs.len());
        let mut trains = false;
        for index in 0..node.inputs.len() {
            let part = self.operand(i, node, index)?;
            let run = in_memory(&part.shape)[axis..].iter().product();
            trains |= self.trains(part.feature);
            parts.push((part.feature, run));
        }
        let y = self.feature(&name, shape, trains, clip, None);
        self.push(Concat { parts, y }, y);
        Ok(())
    }

    /// An input of a node that joins several: computed, or a constant, which does not train.
    fn operand(&mut self, i: usize, node: &Node, index: usize) -> Result<Known> {
        let name = node.input(index).unwrap_or_default();
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let Some((tensor, mut values)) = self.constant(node, index)? else {
            return Err(Error::new("one of its inputs is left out"));
        };
        // The batch is no axis of a frame.
        let rank = self.shape(node.output())?.len();
        let mut shape = tensor.shape.clone();
        if shape.len() > rank && shape.remove(0) != 1 {
            return Err(Error::new(format!("its constant `{name}` has values for each frame")));
        }
        let mut unit = 1.0;
        if self.placement.nodes.contains(&i) {
            let (codes, params) = constant_activation(tensor, &values, self.source.recipe);
            unit = params.scale[0];
            let zero_point = params.zero_point[0];
            values = codes.iter().map(|code| (code - zero_point) as f32).collect();
        }
        let padded: Vec<usize> =
            std::iter::repeat_n(1, rank.saturating_sub(shape.len())).chain(shape).collect();
        let ordered = order(&padded).iter().map(|&at| values[at as usize]).collect();
        let feature = self.network.features.len();
        self.network.features.push(Feature {
            shape: padded.clone(),
            needs_gradient: false,
            round: None,
            constant: Some((ordered, unit)),
        });
        Ok(Known { feature, shape: padded })
    }
}

impl Operand {
    /// The operand's elements for a frame of the result: its own, or spread into `room`.
    fn spread<'a>(&self, bench: &'a Workbench, frame: usize, room: &'a mut Vec<f32>) -> &'a [f32] {
        let own = &bench.values[self.tensor][frame * self.len..][..self.len];
        match &self.reading {
            Reading::Same => own,
            Reading::At(places) => {
                room.clear();
                room.extend(places.iter().map(|&at| own[at as usize]));
                room
            }
        }
    }

    /// Adds a frame's gradient, one per element of the result.
    fn add_gradient(&self, gradient: &mut [f32], frame: usize, dy: impl Iterator<Item = f32>) {
        let own = &mut gradient[frame * self.len..][..self.len];
        match &self.reading {
            Reading::Same => own.iter_mut().zip(dy).for_each(|(own, dy)| *own += dy),
            Reading::At(places) => {
                places.iter().zip(dy).for_each(|(&at, dy)| own[at as usize] += dy);
            }
        }
    }
}

impl Binary {
    fn at(&self, a: f32, b: f32) -> f32 {
        match self.combine {
            Combine::Add => a + b,
            Combine::Sub => a - b,
            Combine::Mul => a * b,
            Combine::Div => a / b,
            Combine::PRelu => a * if a < 0.0 { b } else { 1.0 },
        }
    }

    /// Along both operands.
    fn slopes(&self, a: f32, b: f32) -> [f32; 2] {
        match self.combine {
            Combine::Add => [1.0; 2],
            Combine::Sub => [1.0, -1.0],
            Combine::Mul => [b, a],
            Combine::Div => [1.0 / b, -a / (b * b)],
            Combine::PRelu if a < 0.0 => [b, a],
            Combine::PRelu => [1.0, 0.0],
        }
    }
}

impl Operator for Binary {
    fn forward(&self, bench: &mut Workbench, _: &mut Kept) {
        let mut y = bench.take_result(self.y);
        let [a, b] = &self.operands;
        let of_result = bench.units[self.y];
        let units = [a, b].map(|operand| bench.units[operand.tensor]);
        let mut room = [Vec::new(), Vec::new()];
        for (frame, y) in y.chunks_exact_mut(self.len).take(bench.frames).enumerate() {
            let [room_a, room_b] = &mut room;
            let (a, b) = (a.spread(bench, frame, room_a), b.spread(bench, frame, room_b));
            match self.combine {
                Combine::Add => add(a, units[0] / of_result, b, units[1] / of_result, y),
                Combine::Mul => multiply(a, b, units[0] * units[1] / of_result, y),
                Combine::Sub | Combine::Div | Combine::PRelu => {
                    for (y, (a, b)) in y.iter_mut().zip(a.iter().zip(b)) {
                        *y = self.at(a * units[0], b * units[1]) / of_result;
                    }
                }
            }
        }
        bench.put_result(self.y, y);
    }

    fn backward(&self, bench: &mut Workbench, _: &mut Kept) {
        let dy = std::mem::take(&mut bench.gradients[self.y]);
        let mut room = Vec::new();
        for (i, operand) in self.operands.iter().enumerate() {
            let other = &self.operands[1 - i];
            let mut gradient = std::mem::take(&mut bench.gradients[operand.tensor]);
            let unit = bench.units[other.tensor];
            let frames = if gradient.is_empty() { 0 } else { bench.frames };
            for (frame, dy) in dy.chunks_exact(self.len).take(frames).enumerate() {
                match self.combine {
                    Combine::Add => {
                        operand.add_gradient(&mut gradient, frame, dy.iter().copied());
                    }
                    Combine::Mul => {
                        let other = other.spread(bench, frame, &mut room);
                        let dy = dy.iter().zip(other).map(|(dy, x)| dy * (x * unit));
                        operand.add_gradient(&mut gradient, frame, dy);
                    }
                    Combine::Sub | Combine::Div | Combine::PRelu => {
                        let [a, b] = &self.operands;
                        let units = [a, b].map(|operand| bench.units[operand.tensor]);
                        let mut more = Vec::new();
                        let (a, b) =
                            (a.spread(bench, frame, &mut room), b.spread(bench, frame, &mut more));
                        let slope =
                            |(a, b): (&f32, &f32)| self.slopes(a * units[0], b * units[1])[i];
                        let dy = dy.iter().zip(a.iter().zip(b).map(slope)).map(|(dy, s)| dy * s);
                        operand.add_gradient(&mut gradient, frame, dy);
                    }
                }
            }
            bench.gradients[operand.tensor] = gradient;
        }
        bench.gradients[self.y] = dy;
    }
}

wide! {
    fn add(a: &[f32], factor_a: f32, b: &[f32], factor_b: f32, y: &mut [f32]) {
        for ((a, b), y) in a.iter().zip(b).zip(y) {
            *y = a * factor_a + b * factor_b;
        }
    }
}

wide! {
    fn multiply(a: &[f32], b: &[f32], factor: f32, y: &mut [f32]) {
        for ((a, b), y) in a.iter().zip(b).zip(y) {
            *y = (a * b) * factor;
        }
    }
}

/// Concat: each part in runs, one after another.
#[derive(Debug, Clone)]
pub(super) struct Concat {
    /// The tensors and their elements in a run.
    pub(super) parts: Vec<(usize, usize)>,
    pub(super) y: usize,
}

impl Concat {
    fn run(&self) -> usize {
        self.parts.iter().map(|(_, run)| run).sum()
    }
}

impl Operator for Concat {
    fn forward(&self, bench: &mut Workbench, _: &mut Kept) {
        let mut y = bench.take_result(self.y);
        let len = y.len() / SHARD * bench.frames;
        let mut first = 0;
        for &(part, run) in &self.parts {
            let ratio = bench.units[part] / bench.units[self.y];
            let from = bench.values[part].chunks_exact(run);
            for (y, x) in y[..len].chunks_exact_mut(self.run()).zip(from) {
                for (y, x) in y[first..first + run].iter_mut().zip(x) {
                    *y = x * ratio;
                }
            }
            first += run;
        }
        bench.put_result(self.y, y);
    }

    fn backward(&self, bench: &mut Workbench, _: &mut Kept) {
        let dy = std::mem::take(&mut bench.gradients[self.y]);
        let len = dy.len() / SHARD * bench.frames;
        let mut first = 0;
        for &(part, run) in &self.parts {
            let to = bench.gradients[part].chunks_exact_mut(run);
            for (dy, dx) in dy[..len].chunks_exact(self.run()).zip(to) {
                dx.iter_mut().zip(&dy[first..]).for_each(|(dx, dy)| *dx += dy);
            }
            first += run;
        }
        bench.gradients[self.y] = dy;
    }
}
