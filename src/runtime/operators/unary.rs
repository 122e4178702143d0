//! Element-wise float functions whose result must not depend on the target.
//!
//! Formulas and default attributes: the ONNX page of each operator.

use super::{Kind, Operator, Prepared, TensorType, View, ViewMut, input};
use crate::error::Result;
use crate::graph::{Element, Node};

/// One element, and the node's `alpha` and `beta`.
type Function = fn(f32, f32, f32) -> f32;

const fn kind(op: &'static str, prepare: fn(&Node, &[super::Operand]) -> Result<Prepared>) -> Kind {
    Kind {
        op,
        output: |node, inputs| {
            let shape = input(node, inputs, 0)?.shape.clone();
            Ok(TensorType { element: Element::F32, shape })
        },
        prepare,
    }
}

fn unary(node: &Node, alpha: f32, beta: f32, function: Function) -> Result<Prepared> {
    let alpha = node.float("alpha", alpha);
    let beta = node.float("beta", beta);
    Ok(Prepared::new(Unary { function, alpha, beta }, [0]))
}

pub(super) const ELU: Kind = kind("Elu", |node, _| {
    unary(node, 1.0, 0.0, |x, alpha, _| if x < 0.0 { alpha * libm::expm1f(x) } else { x })
});
pub(super) const ERF: Kind = kind("Erf", |node, _| unary(node, 0.0, 0.0, |x, _, _| libm::erff(x)));
pub(super) const EXP: Kind = kind("Exp", |node, _| unary(node, 0.0, 0.0, |x, _, _| libm::expf(x)));
pub(super) const HARD_SIGMOID: Kind =
    kind("HardSigmoid", |node, _| unary(node, 0.2, 0.5, hard_sigmoid));
pub(super) const HARD_SWISH: Kind =
    kind("HardSwish", |node, _| unary(node, 1.0 / 6.0, 0.5, |x, a, b| x * hard_sigmoid(x, a, b)));
pub(super) const LOG: Kind = kind("Log", |node, _| unary(node, 0.0, 0.0, |x, _, _| libm::logf(x)));
pub(super) const SIGMOID: Kind =
    kind("Sigmoid", |node, _| unary(node, 0.0, 0.0, |x, _, _| 1.0 / (1.0 + libm::expf(-x))));
pub(super) const SOFTPLUS: Kind = kind("Softplus", |node, _| {
    // ln(1 + e^x) without overflow.
    unary(node, 0.0, 0.0, |x, _, _| x.max(0.0) + libm::log1pf(libm::expf(-x.abs())))
});
pub(super) const TANH: Kind =
    kind("Tanh", |node, _| unary(node, 0.0, 0.0, |x, _, _| libm::tanhf(x)));

fn hard_sigmoid(x: f32, alpha: f32, beta: f32) -> f32 {
    (alpha * x + beta).clamp(0.0, 1.0)
}

#[derive(Debug)]
struct Unary {
    function: Function,
    alpha: f32,
    beta: f32,
}

impl Operator for Unary {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>) {
        for (out, &x) in output.f32().iter_mut().zip(inputs[0].f32()) {
            *out = (self.function)(x, self.alpha, self.beta);
        }
    }
}
