//! Element-wise functions: in float, where the result must not depend on the target, and on 8-bit
//! integers as a table of all 256 (`QLinearSigmoid` and `QLinearLeakyRelu` are ONNX Runtime's
//! `com.microsoft` operators, the others [`lower`] alone makes).
//!
//! Formulas and default attributes: the ONNX page of each operator.
//!
//! [`lower`]: crate::runtime::lower

use super::{
    Coding, Kind, Operand, Operator, Orders, Prepared, Scratch, TensorType, View, ViewMut, any,
    input,
};
use crate::error::{Error, Result};
use crate::graph::{Element, Node};
use crate::kernels::requantize::quantize;

pub(super) const CELU: Kind = float("Celu");
pub(super) const ELU: Kind = float("Elu");
pub(super) const ERF: Kind = float("Erf");
pub(super) const EXP: Kind = float("Exp");
pub(super) const HARD_SIGMOID: Kind = float("HardSigmoid");
pub(super) const HARD_SWISH: Kind = float("HardSwish");
pub(super) const LOG: Kind = float("Log");
pub(super) const SIGMOID: Kind = float("Sigmoid");
pub(super) const SOFTPLUS: Kind = float("Softplus");
pub(super) const TANH: Kind = float("Tanh");

pub(super) const QUANTIZED_ELU: Kind = table("QLinearElu");
pub(super) const QUANTIZED_HARD_SIGMOID: Kind = table("QLinearHardSigmoid");
pub(super) const QUANTIZED_HARD_SWISH: Kind = table("QLinearHardSwish");
pub(super) const QUANTIZED_LEAKY_RELU: Kind = table("QLinearLeakyRelu");
pub(super) const QUANTIZED_SIGMOID: Kind = table("QLinearSigmoid");
pub(super) const QUANTIZED_TANH: Kind = table("QLinearTanh");

const fn float(op: &'static str) -> Kind {
    Kind {
        op,
        output: |node, inputs| {
            let shape = input(node, inputs, 0)?.shape.clone();
            Ok(TensorType { element: Element::F32, shape })
        },
        orders: |_, operands| (operands.first()?.ty.element == Element::F32).then_some(Orders::Any),
        prepare: |node, _, _| Ok(Prepared::new(Float(Function::of(node, &node.op)?), [0])),
    }
}

const fn table(op: &'static str) -> Kind {
    Kind {
        op,
        output: |node, inputs| {
            let element = input(node, inputs, 4)?.element;
            Ok(TensorType { element, shape: input(node, inputs, 0)?.shape.clone() })
        },
        orders: any,
        prepare: |node, operands: &[Operand], _| {
            let x = Coding::of(node, operands, operands[0].ty.element, 1)?;
            let y = Coding::of(node, operands, operands[4].ty.element, 3)?;
            let function = Function::of(node, node.op.trim_start_matches("QLinear"))?;
            let bounds = y.clamped_bounds(node);
            let codes = std::array::from_fn(|code| {
                let real = f32::from(x.centred(code as u8)) * x.scale;
                quantize(function.at(real), y.scale, y.zero_point, bounds) as u8
            });
            Ok(Prepared::new(Table { codes }, [0]))
        },
    }
}

/// A function of one element and the node's `alpha` and `beta`.
#[derive(Debug)]
struct Function {
    formula: fn(f32, f32, f32) -> f32,
    alpha: f32,
    beta: f32,
}

impl Function {
    fn of(node: &Node, op: &str) -> Result<Self> {
        type Formula = fn(f32, f32, f32) -> f32;
        let (alpha, beta, formula): (f32, f32, Formula) = match op {
            "Celu" => (1.0, 0.0, |x, a, _| x.max(0.0) + (a * libm::expm1f(x / a)).min(0.0)),
            "Elu" => (1.0, 0.0, |x, a, _| if x < 0.0 { a * libm::expm1f(x) } else { x }),
            "Erf" => (0.0, 0.0, |x, _, _| libm::erff(x)),
            "Exp" => (0.0, 0.0, |x, _, _| libm::expf(x)),
            "HardSigmoid" => (0.2, 0.5, hard_sigmoid),
            "HardSwish" => (1.0 / 6.0, 0.5, |x, a, b| x * hard_sigmoid(x, a, b)),
            "LeakyRelu" => (0.01, 0.0, |x, a, _| if x < 0.0 { a * x } else { x }),
            "Log" => (0.0, 0.0, |x, _, _| libm::logf(x)),
            "Sigmoid" => (0.0, 0.0, |x, _, _| 1.0 / (1.0 + libm::expf(-x))),
            // ln(1 + e^x) without overflow.
            "Softplus" => (0.0, 0.0, |x, _, _| x.max(0.0) + libm::log1pf(libm::expf(-x.abs()))),
            "Tanh" => (0.0, 0.0, |x, _, _| libm::tanhf(x)),
            _ => return Err(Error::new(format!("`{op}` is no function")).at_node(&node.name)),
        };
        let (alpha, beta) = (node.float("alpha", alpha), node.float("beta", beta));
        Ok(Self { formula, alpha, beta })
    }

    fn at(&self, x: f32) -> f32 {
        (self.formula)(x, self.alpha, self.beta)
    }
}

fn hard_sigmoid(x: f32, alpha: f32, beta: f32) -> f32 {
    (alpha * x + beta).clamp(0.0, 1.0)
}

#[derive(Debug)]
struct Float(Function);

impl Operator for Float {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        for (out, &x) in output.f32().iter_mut().zip(inputs[0].f32()) {
            *out = self.0.at(x);
        }
    }
}

#[derive(Debug)]
struct Table {
    /// The output's byte for each of the input's.
    codes: [u8; 256],
}

impl Operator for Table {
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, _: &mut Scratch) {
        for (out, &code) in output.codes().iter_mut().zip(inputs[0].codes()) {
            *out = self.codes[usize::from(code)];
        }
    }

    fn bytes(&self) -> usize {
        self.codes.len()
    }
}
