//! Functions of one element: a table where the input is quantized, as the runtime has them.

use super::builder::{Builder, EVERYTHING};
use super::operator::Operator;
use super::workbench::{Kept, SHARD, Workbench};
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::graph::clip_range;
use crate::kernels::wide::wide;
use crate::runtime::{self, Slope};

#[derive(Debug, Clone)]
pub(super) struct Function {
    x: usize,
    y: usize,
    function: runtime::Function,
    slope: Slope,
    /// Where the input is quantized: the root whose zero point it has, and its smallest integer.
    codes: Option<(usize, i32)>,
}

/// Integers of an input.
const CODES: usize = 256;

impl Function {
    /// `None` for an operator that is no function.
    pub(super) fn of(node: &Node, [x, y]: [usize; 2], codes: Option<(usize, i32)>) -> Option<Self> {
        let function = runtime::Function::of(node, &node.op).ok()?;
        let slope = function.slope();
        Some(Self { x, y, function, slope, codes })
    }

    /// Value and slope.
    fn at(&self, x: f32) -> [f32; 2] {
        let y = self.function.at(x);
        [y, (self.slope)(x, y, self.function.alpha, self.function.beta)]
    }
}

impl Builder<'_> {
    pub(super) fn function(&mut self, i: usize, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let root = self.root(node.input(0).unwrap_or_default());
        let trains = self.trains(x.feature);
        let (name, clip) = self.result(i, node);
        let y = self.feature(&name, x.shape, trains, clip, None);
        let codes = root.map(|root| self.network.roots[root].params.bounds);
        let function = Function::of(node, [x.feature, y], root.zip(codes.map(|codes| codes[0])));
        let function = function.ok_or_else(|| Error::new("it is no function of one element"))?;
        self.push(function, y);
        Ok(())
    }

    pub(super) fn clip(&mut self, node: &Node) -> Result<()> {
        let x = self.input(node, 0)?;
        let range = clip_range(self.graph, node)
            .ok_or_else(|| Error::new("its bounds are computed, not constant"))?;
        let (trains, name) = (self.trains(x.feature), node.output().to_string());
        let y = self.feature(&name, x.shape, trains, EVERYTHING, None);
        self.push(Clip { x: x.feature, y, range }, y);
        Ok(())
    }
}

impl Operator for Function {
    fn forward(&self, bench: &mut Workbench, kept: &mut Kept) {
        let mut y = bench.take_result(self.y);
        let [unit, of_result] = [bench.units[self.x], bench.units[self.y]];
        let x = &bench.values[self.x];
        let len = x.len() / SHARD * bench.frames;
        kept.floats.resize(x.len(), 0.0);
        let slopes = &mut kept.floats[..len];
        if let Some((root, smallest)) = self.codes {
            let lowest = smallest - bench.zero_points[root];
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
        bench.put_result(self.y, y);
    }

    fn backward(&self, bench: &mut Workbench, kept: &mut Kept) {
        let dy = std::mem::take(&mut bench.gradients[self.y]);
        let dx = &mut bench.gradients[self.x];
        let len = dy.len() / SHARD * bench.frames;
        for ((dx, dy), slope) in dx.iter_mut().zip(&dy[..len]).zip(&kept.floats) {
            *dx += dy * slope;
        }
        bench.gradients[self.y] = dy;
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
    fn forward(&self, bench: &mut Workbench, _: &mut Kept) {
        let mut y = bench.take_result(self.y);
        let [unit, of_result] = [bench.units[self.x], bench.units[self.y]];
        let len = y.len() / SHARD * bench.frames;
        clip(&bench.values[self.x][..len], unit, self.range, of_result, &mut y[..len]);
        bench.put_result(self.y, y);
    }

    fn backward(&self, bench: &mut Workbench, _: &mut Kept) {
        let dy = std::mem::take(&mut bench.gradients[self.y]);
        let (unit, len) = (bench.units[self.x], dy.len() / SHARD * bench.frames);
        let x = &bench.values[self.x][..len];
        pass(x, unit, self.range, &dy[..len], &mut bench.gradients[self.x]);
        bench.gradients[self.y] = dy;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::operator::{OPERATORS, Training};

    #[test]
    fn functions_that_train_have_a_slope() {
        for row in OPERATORS {
            let function = Function::of(&Node::new(row.op, "f", ["x"], ["y"]), [0, 1], None);
            assert_eq!(function.is_some(), row.training == Training::Function, "{row:?}");
        }
    }
}
