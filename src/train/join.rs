//! Add, Sub, Mul, Div, PRelu and Concat.

use super::machine::{Kept, Machine, SHARD};
use super::operator::Operator;
use crate::kernels::wide::wide;

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

impl Operand {
    /// The operand's elements for a frame of the result: its own, or spread into `room`.
    fn spread<'a>(&self, machine: &'a Machine, frame: usize, room: &'a mut Vec<f32>) -> &'a [f32] {
        let own = &machine.values[self.tensor][frame * self.len..][..self.len];
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
    fn forward(&self, machine: &mut Machine, _: &mut Kept) {
        let mut y = machine.take_result(self.y);
        let [a, b] = &self.operands;
        let of_result = machine.units[self.y];
        let units = [a, b].map(|operand| machine.units[operand.tensor]);
        let mut room = [Vec::new(), Vec::new()];
        for (frame, y) in y.chunks_exact_mut(self.len).take(machine.frames).enumerate() {
            let [room_a, room_b] = &mut room;
            let (a, b) = (a.spread(machine, frame, room_a), b.spread(machine, frame, room_b));
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
        machine.put_result(self.y, y);
    }

    fn backward(&self, machine: &mut Machine, _: &mut Kept) {
        let dy = std::mem::take(&mut machine.gradients[self.y]);
        let mut room = Vec::new();
        for (i, operand) in self.operands.iter().enumerate() {
            let other = &self.operands[1 - i];
            let mut gradient = std::mem::take(&mut machine.gradients[operand.tensor]);
            let unit = machine.units[other.tensor];
            let frames = if gradient.is_empty() { 0 } else { machine.frames };
            for (frame, dy) in dy.chunks_exact(self.len).take(frames).enumerate() {
                match self.combine {
                    Combine::Add => {
                        operand.add_gradient(&mut gradient, frame, dy.iter().copied());
                    }
                    Combine::Mul => {
                        let other = other.spread(machine, frame, &mut room);
                        let dy = dy.iter().zip(other).map(|(dy, x)| dy * (x * unit));
                        operand.add_gradient(&mut gradient, frame, dy);
                    }
                    Combine::Sub | Combine::Div | Combine::PRelu => {
                        let [a, b] = &self.operands;
                        let units = [a, b].map(|operand| machine.units[operand.tensor]);
                        let mut more = Vec::new();
                        let (a, b) = (
                            a.spread(machine, frame, &mut room),
                            b.spread(machine, frame, &mut more),
                        );
                        let slope =
                            |(a, b): (&f32, &f32)| self.slopes(a * units[0], b * units[1])[i];
                        let dy = dy.iter().zip(a.iter().zip(b).map(slope)).map(|(dy, s)| dy * s);
                        operand.add_gradient(&mut gradient, frame, dy);
                    }
                }
            }
            machine.gradients[operand.tensor] = gradient;
        }
        machine.gradients[self.y] = dy;
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
    fn forward(&self, machine: &mut Machine, _: &mut Kept) {
        let mut y = machine.take_result(self.y);
        let len = y.len() / SHARD * machine.frames;
        let mut first = 0;
        for &(part, run) in &self.parts {
            let ratio = machine.units[part] / machine.units[self.y];
            let from = machine.values[part].chunks_exact(run);
            for (y, x) in y[..len].chunks_exact_mut(self.run()).zip(from) {
                for (y, x) in y[first..first + run].iter_mut().zip(x) {
                    *y = x * ratio;
                }
            }
            first += run;
        }
        machine.put_result(self.y, y);
    }

    fn backward(&self, machine: &mut Machine, _: &mut Kept) {
        let dy = std::mem::take(&mut machine.gradients[self.y]);
        let len = dy.len() / SHARD * machine.frames;
        let mut first = 0;
        for &(part, run) in &self.parts {
            let to = machine.gradients[part].chunks_exact_mut(run);
            for (dy, dx) in dy[..len].chunks_exact(self.run()).zip(to) {
                dx.iter_mut().zip(&dy[first..]).for_each(|(dx, dy)| *dx += dy);
            }
            first += run;
        }
        machine.gradients[self.y] = dy;
    }
}
