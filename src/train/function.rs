//! Functions of one element: a table where the input is quantized, as the runtime has them.
//!
//! Formulas and default attributes: the ONNX page of each operator.

use super::machine::{Kept, Machine, SHARD};
use super::operator::Operator;
use crate::graph::Node;
use crate::kernels::wide::wide;

/// The value and the slope at `x`; `alpha` and `beta` are the node's.
type Formula = fn(x: f32, alpha: f32, beta: f32) -> [f32; 2];

#[derive(Debug, Clone)]
pub(super) struct Function {
    x: usize,
    y: usize,
    formula: Formula,
    alpha: f32,
    beta: f32,
    /// Where the input is quantized: the root whose zero point it has, and its smallest integer.
    codes: Option<(usize, i32)>,
}

/// Integers of an input.
const CODES: usize = 256;

impl Function {
    /// `None` for another operator.
    pub(super) fn of(node: &Node, [x, y]: [usize; 2], codes: Option<(usize, i32)>) -> Option<Self> {
        let (alpha, beta, formula): (f32, f32, Formula) = match node.op.as_str() {
            "HardSigmoid" => (0.2, 0.5, hard_sigmoid),
            "HardSwish" => (1.0 / 6.0, 0.5, hard_swish),
            "Sigmoid" => (0.0, 0.0, sigmoid),
            _ => return None,
        };
        let (alpha, beta) = (node.float("alpha", alpha), node.float("beta", beta));
        Some(Self { x, y, formula, alpha, beta, codes })
    }

    fn at(&self, x: f32) -> [f32; 2] {
        (self.formula)(x, self.alpha, self.beta)
    }
}

fn hard_sigmoid(x: f32, alpha: f32, beta: f32) -> [f32; 2] {
    let linear = alpha * x + beta;
    [linear.clamp(0.0, 1.0), if linear > 0.0 && linear < 1.0 { alpha } else { 0.0 }]
}

fn hard_swish(x: f32, alpha: f32, beta: f32) -> [f32; 2] {
    let [gate, slope] = hard_sigmoid(x, alpha, beta);
    [x * gate, gate + x * slope]
}

fn sigmoid(x: f32, _: f32, _: f32) -> [f32; 2] {
    let y = 1.0 / (1.0 + libm::expf(-x));
    [y, y * (1.0 - y)]
}

impl Operator for Function {
    fn forward(&self, machine: &mut Machine, kept: &mut Kept) {
        let mut y = machine.take_result(self.y);
        let [unit, of_result] = [machine.units[self.x], machine.units[self.y]];
        let x = &machine.values[self.x];
        let len = x.len() / SHARD * machine.frames;
        kept.floats.resize(x.len(), 0.0);
        let slopes = &mut kept.floats[..len];
        if let Some((root, smallest)) = self.codes {
            let lowest = smallest - machine.zero_points[root];
            let table: [[f32; 2]; CODES] = std::array::from_fn(|i| {
                let [value, slope] = self.at((lowest + i as i32) as f32 * unit);
                [value / of_result, slope]
            });
            for ((y, slope), &x) in y.iter_mut().zip(slopes).zip(x) {
                [*y, *slope] = table[(x as i32 - lowest) as usize % CODES];
            }
        } else {
            for ((y, slope), &x) in y.iter_mut().zip(slopes).zip(x) {
                let [value, own] = self.at(x * unit);
                [*y, *slope] = [value / of_result, own];
            }
        }
        machine.put_result(self.y, y);
    }

    fn backward(&self, machine: &mut Machine, kept: &mut Kept) {
        let dy = std::mem::take(&mut machine.gradients[self.y]);
        let dx = &mut machine.gradients[self.x];
        let len = dy.len() / SHARD * machine.frames;
        for ((dx, dy), slope) in dx.iter_mut().zip(&dy[..len]).zip(&kept.floats) {
            *dx += dy * slope;
        }
        machine.gradients[self.y] = dy;
    }
}

/// Relu and Clip where they stand alone: behind a quantized layer its rounding does their work.
#[derive(Debug, Clone)]
pub(super) struct Clip {
    pub(super) x: usize,
    pub(super) y: usize,
    /// In reals.
    pub(super) range: [f32; 2],
}

impl Operator for Clip {
    fn forward(&self, machine: &mut Machine, _: &mut Kept) {
        let mut y = machine.take_result(self.y);
        let [unit, of_result] = [machine.units[self.x], machine.units[self.y]];
        let len = y.len() / SHARD * machine.frames;
        clip(&machine.values[self.x][..len], unit, self.range, of_result, &mut y[..len]);
        machine.put_result(self.y, y);
    }

    fn backward(&self, machine: &mut Machine, _: &mut Kept) {
        let dy = std::mem::take(&mut machine.gradients[self.y]);
        let (unit, len) = (machine.units[self.x], dy.len() / SHARD * machine.frames);
        let x = &machine.values[self.x][..len];
        pass(x, unit, self.range, &dy[..len], &mut machine.gradients[self.x]);
        machine.gradients[self.y] = dy;
    }
}

wide! {
    fn clip(x: &[f32], unit: f32, range: [f32; 2], of_result: f32, y: &mut [f32]) {
        for (x, y) in x.iter().zip(y) {
            *y = (x * unit).max(range[0]).min(range[1]) / of_result;
        }
    }
}

wide! {
    fn pass(x: &[f32], unit: f32, range: [f32; 2], dy: &[f32], dx: &mut [f32]) {
        for ((x, dy), dx) in x.iter().zip(dy).zip(dx) {
            let x = x * unit;
            *dx += if x > range[0] && x < range[1] { *dy } else { 0.0 };
        }
    }
}
