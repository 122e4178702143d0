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

/// The operators of this file: LeakyRelu on floats is the engine's.
pub(super) const KINDS: &[Kind] = &[
    float("Celu"),
    float("Elu"),
    float("Erf"),
    float("Exp"),
    float("Gelu"),
    float("HardSigmoid"),
    float("HardSwish"),
    float("Log"),
    float("Sigmoid"),
    float("Softplus"),
    float("Swish"),
    float("Tanh"),
    table("QLinearElu"),
    table("QLinearGelu"),
    table("QLinearHardSigmoid"),
    table("QLinearHardSwish"),
    table("QLinearLeakyRelu"),
    table("QLinearSigmoid"),
    table("QLinearTanh"),
];

/// A function's slope at `x`, where its value is `y`.
pub type Slope = fn(x: f32, y: f32, alpha: f32, beta: f32) -> f32;

/// What a function computes.
#[derive(Debug)]
struct Formula {
    op: &'static str,
    /// The default attributes `alpha` and `beta`.
    defaults: [f32; 2],
    /// At `x`, with `alpha` and `beta`.
    value: fn(x: f32, alpha: f32, beta: f32) -> f32,
    slope: Slope,
}

const FORMULAS: &[Formula] = &[
    Formula {
        op: "Celu",
        defaults: [1.0, 0.0],
        value: |x, a, _| x.max(0.0) + (a * libm::expm1f(x / a)).min(0.0),
        slope: |x, y, a, _| if x < 0.0 { y / a + 1.0 } else { 1.0 },
    },
    Formula {
        op: "Elu",
        defaults: [1.0, 0.0],
        value: |x, a, _| if x < 0.0 { a * libm::expm1f(x) } else { x },
        slope: |x, y, a, _| if x < 0.0 { y + a } else { 1.0 },
    },
    Formula {
        op: "Erf",
        defaults: [0.0; 2],
        value: |x, _, _| libm::erff(x),
        slope: |x, _, _, _| std::f32::consts::FRAC_2_SQRT_PI * libm::expf(-x * x),
    },
    Formula {
        op: "Exp",
        defaults: [0.0; 2],
        value: |x, _, _| libm::expf(x),
        slope: |_, y, _, _| y,
    },
    Formula {
        op: "Gelu",
        defaults: [0.0; 2],
        value: |x, _, _| x * normal_share(x),
        slope: |x, _, _, _| normal_share(x) + x * normal_density(x),
    },
    Formula {
        op: GELU_BY_TANH,
        defaults: [0.0; 2],
        value: |x, _, _| 0.5 * x * (1.0 + libm::tanhf(tanh_argument(x))),
        slope: |x, _, _, _| {
            let tanh = libm::tanhf(tanh_argument(x));
            let inner = GELU_SLOPE * (1.0 + 3.0 * GELU_CUBE * x * x);
            0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * inner
        },
    },
    Formula {
        op: "HardSigmoid",
        defaults: [0.2, 0.5],
        value: hard_sigmoid,
        slope: |x, _, a, b| hard_sigmoid_slope(x, a, b),
    },
    Formula {
        op: "HardSwish",
        defaults: [1.0 / 6.0, 0.5],
        value: |x, a, b| x * hard_sigmoid(x, a, b),
        slope: |x, _, a, b| hard_sigmoid(x, a, b) + x * hard_sigmoid_slope(x, a, b),
    },
    Formula {
        op: "LeakyRelu",
        defaults: [0.01, 0.0],
        value: |x, a, _| if x < 0.0 { a * x } else { x },
        slope: |x, _, a, _| if x < 0.0 { a } else { 1.0 },
    },
    Formula {
        op: "Log",
        defaults: [0.0; 2],
        value: |x, _, _| libm::logf(x),
        slope: |x, _, _, _| 1.0 / x,
    },
    Formula {
        op: "Sigmoid",
        defaults: [0.0; 2],
        value: |x, _, _| logistic(x),
        slope: |_, y, _, _| y * (1.0 - y),
    },
    Formula {
        op: "Softplus",
        defaults: [0.0; 2],
        // ln(1 + e^x) without overflow.
        value: |x, _, _| x.max(0.0) + libm::log1pf(libm::expf(-x.abs())),
        slope: |x, _, _, _| logistic(x),
    },
    Formula {
        op: "Swish",
        defaults: [1.0, 0.0],
        value: |x, a, _| x / (1.0 + libm::expf(-a * x)),
        slope: |x, _, a, _| {
            let share = logistic(a * x);
            share + a * x * share * (1.0 - share)
        },
    },
    Formula {
        op: "Tanh",
        defaults: [0.0; 2],
        value: |x, _, _| libm::tanhf(x),
        slope: |_, y, _, _| 1.0 - y * y,
    },
];

/// Gelu with `approximate` set to `tanh`.
const GELU_BY_TANH: &str = "Gelu by Tanh";

/// The square root of 2 / pi.
const GELU_SLOPE: f32 = 0.797_884_6;
const GELU_CUBE: f32 = 0.044_715;

fn tanh_argument(x: f32) -> f32 {
    GELU_SLOPE * (x + GELU_CUBE * x * x * x)
}

/// The share of the standard normal distribution below `x`.
fn normal_share(x: f32) -> f32 {
    0.5 * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2))
}

fn normal_density(x: f32) -> f32 {
    0.5 * GELU_SLOPE * libm::expf(-0.5 * x * x)
}

fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

fn hard_sigmoid(x: f32, alpha: f32, beta: f32) -> f32 {
    (alpha * x + beta).clamp(0.0, 1.0)
}

fn hard_sigmoid_slope(x: f32, alpha: f32, beta: f32) -> f32 {
    let linear = alpha * x + beta;
    if linear > 0.0 && linear < 1.0 { alpha } else { 0.0 }
}

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

/// A function of one element with a node's `alpha` and `beta`.
#[derive(Debug, Clone)]
pub struct Function {
    formula: &'static Formula,
    /// The node's attribute, or what ONNX says without it.
    pub alpha: f32,
    /// The node's attribute, or what ONNX says without it.
    pub beta: f32,
}

impl Function {
    /// The function `op` as the attributes of `node` make it.
    ///
    /// # Errors
    /// Another operator.
    pub fn of(node: &Node, op: &str) -> Result<Self> {
        let by_tanh = op == "Gelu" && node.text("approximate") == Some("tanh");
        let op = if by_tanh { GELU_BY_TANH } else { op };
        let formula = FORMULAS
            .iter()
            .find(|formula| formula.op == op)
            .ok_or_else(|| Error::new(format!("`{op}` is no function")).at_node(&node.name))?;
        let [alpha, beta] = formula.defaults;
        let (alpha, beta) = (node.float("alpha", alpha), node.float("beta", beta));
        Ok(Self { formula, alpha, beta })
    }

    /// The function's value.
    pub fn at(&self, x: f32) -> f32 {
        (self.formula.value)(x, self.alpha, self.beta)
    }

    /// How its derivative follows.
    pub fn slope(&self) -> Slope {
        self.formula.slope
    }
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
