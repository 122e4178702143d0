//! What is known of each operator before anything is computed, in one table: a row per operator,
//! ONNX's, ONNX Runtime's and ours. The rest of the house asks it; how an operator computes stands
//! where it computes.
//!
//! Rows are found by the operator's name alone. Where a domain matters, who asks looks at the node.

/// The domain of ONNX Runtime's own operators.
pub const MICROSOFT: &str = "com.microsoft";

/// The domain of our own operators that a graph has before it is lowered.
pub const STEER8: &str = "ai.steer8";

/// What makes one of several inputs of the row of all their numbers.
pub const UNPACK: &str = "Unpack";

/// The name under which MaxPool runs on integers; MaxPool itself stays the engine's.
pub const INTEGER_MAX_POOL: &str = "IntegerMaxPool";

/// ConvTranspose on integers: an operator of ours, which no file has.
pub const CONV_TRANSPOSE: &str = "QLinearConvTranspose";

/// What DynamicQuantizeLinear is made of, besides QuantizeLinear.
pub const DYNAMIC_SCALE: &str = "DynamicScale";
pub const DYNAMIC_ZERO_POINT: &str = "DynamicZeroPoint";

/// An operator's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    /// Its name in ONNX, in ONNX Runtime's domain, or ours.
    pub op: &'static str,
    pub numbers: Numbers,
    pub rank: Rank,
    /// Where it has weights, and how they lie.
    pub weights: Option<Weights>,
    /// The inputs that hold trained parameters: not scales, bounds or shapes.
    pub parameters: &'static [usize],
    pub scale: Scale,
    pub lowering: Lowering,
    /// The operator that it is lowered to; `None` where it keeps its name or stays in float.
    pub integer: Option<Integer>,
    /// The input at which the zero point of its result stands.
    pub result_zero_point: Option<usize>,
    pub factors: Factors,
    /// Whether it only bounds its input: an activation that the operator before it may apply.
    pub clips: bool,
    /// Whether it can apply such bounds to the floats that it stores.
    pub bounds_result: bool,
    /// Whether it makes integers or truth values: nothing that stands for quantized floats.
    pub makes_integers: bool,
    /// Whether what it makes of scores still tells which is best.
    pub scores: bool,
    pub training: Training,
}

/// What an operator computes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    Floats,
    /// It quantizes or dequantizes, or finds a scale for that.
    Between,
    Integers,
}

/// How many axes an operator's result has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// The nodes before do not tell.
    Unknown,
    /// Those of its computed input.
    Kept,
    /// The most that one of its inputs has.
    Broadcast,
    /// Those of its weights.
    OfWeights,
    /// Those of its window, and two.
    OfWindow,
    /// As many as its second input has elements.
    OfShape,
    /// Those of its first input, where its second is a matrix.
    OfProduct,
    Two,
}

/// A layer's constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    pub layout: Layout,
    /// The input that they are.
    pub input: usize,
    /// The input that its bias is, if it can have one.
    pub bias: Option<usize>,
}

/// How weights lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Output channels, a group's input channels, the window: Conv.
    OutputsFirst,
    /// Input channels, a group's output channels, the window: ConvTranspose.
    InputsFirst,
    /// Inputs, outputs; with `transB` outputs, inputs: Gemm.
    Matrix,
    /// Inputs, outputs; they may be computed, and are no weights then: MatMul.
    Product,
}

/// The scale that quantization gives an operator's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// None: it stays in float.
    Float,
    /// Its own; it has weights.
    OfLayer,
    /// Its own; it joins several inputs, whose constants are quantized as activations.
    OfJoin,
    /// Its own, of one input.
    Own,
    /// Its input's.
    Kept,
    /// Its input's, where it copies elements and does not interpolate.
    KeptByCopies,
    /// Its input's, where what it pads with is on every grid.
    KeptByPadding,
}

/// How an operator between DequantizeLinear and QuantizeLinear becomes one on integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lowering {
    /// Not at all.
    Float,
    Conv,
    ConvTranspose,
    Gemm,
    MatMul,
    Binary,
    Concat,
    /// It has one input, and a scale of its own.
    Function,
    Softmax,
    /// It moves elements and leaves their scale alone.
    Moves,
    MaxPool,
    Pad,
    Resize,
}

/// An operator that computes on integers what another computes on floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integer {
    pub op: &'static str,
    pub home: Home,
}

/// Who has an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    Onnx,
    OnnxRuntime,
    /// We alone: it is in no file.
    Ours,
}

impl Integer {
    pub fn domain(self) -> &'static str {
        match self.home {
            Home::OnnxRuntime => MICROSOFT,
            Home::Onnx | Home::Ours => "",
        }
    }
}

/// What becomes of a positive factor on a channel of an operator's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factors {
    Stop,
    Pass,
    /// It passes where the shapes keep channels apart.
    PassWithChannels,
}

/// What training makes of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    Refused,
    Layer,
    /// It trains as part of the layer that it is folded into.
    Normalization,
    Clip,
    Function,
    Pool,
    Binary,
    Concat,
    Rearrange,
    Transpose,
    /// Each element of its results is one of its input's, or a constant.
    Copies,
    /// It copies elements, or mixes neighbours.
    Resize,
    /// It sums, or averages, over axes.
    Reduce,
    LayerNormalization,
    /// It says how a tensor is shaped, which is known before.
    Shape,
    /// It makes probabilities of scores.
    Probabilities,
}

/// The row of an operator that the table does not have.
const UNKNOWN: Operator = Operator {
    op: "",
    numbers: Numbers::Floats,
    rank: Rank::Unknown,
    weights: None,
    parameters: &[],
    scale: Scale::Float,
    lowering: Lowering::Float,
    integer: None,
    result_zero_point: None,
    factors: Factors::Stop,
    clips: false,
    bounds_result: false,
    makes_integers: false,
    scores: false,
    training: Training::Refused,
};

const LAYER: Operator = Operator {
    rank: Rank::OfWeights,
    parameters: &[1, 2],
    scale: Scale::OfLayer,
    bounds_result: true,
    ..UNKNOWN
};

/// A function of one element.
const FUNCTION: Operator = Operator {
    rank: Rank::Kept,
    scale: Scale::Own,
    lowering: Lowering::Function,
    training: Training::Function,
    ..UNKNOWN
};

/// Arithmetic on two tensors.
const BINARY: Operator = Operator { parameters: &[0, 1], bounds_result: true, ..UNKNOWN };

const MOVES: Operator = Operator {
    scale: Scale::Kept,
    lowering: Lowering::Moves,
    training: Training::Rearrange,
    ..UNKNOWN
};

const BETWEEN: Operator = Operator { numbers: Numbers::Between, ..UNKNOWN };

const INTEGERS: Operator = Operator { numbers: Numbers::Integers, ..UNKNOWN };

/// On one quantized tensor: `x, x_scale, x_zero_point, y_scale, y_zero_point`.
const INTEGERS_OF_ONE: Operator = Operator { result_zero_point: Some(4), ..INTEGERS };

/// On two quantized tensors, or one and weights: six inputs for both, `y_scale, y_zero_point`.
const INTEGERS_OF_TWO: Operator = Operator { result_zero_point: Some(7), ..INTEGERS };

const fn weights(layout: Layout, input: usize, bias: Option<usize>) -> Option<Weights> {
    Some(Weights { layout, input, bias })
}

const fn onnx(op: &'static str) -> Option<Integer> {
    Some(Integer { op, home: Home::Onnx })
}

const fn onnx_runtime(op: &'static str) -> Option<Integer> {
    Some(Integer { op, home: Home::OnnxRuntime })
}

const fn ours(op: &'static str) -> Option<Integer> {
    Some(Integer { op, home: Home::Ours })
}

/// Every operator of which something is known. Those that train stand in the order in which
/// people read them.
pub const OPERATORS: &[Operator] = &[
    // Layers, and what is folded into them.
    Operator {
        op: "Conv",
        weights: weights(Layout::OutputsFirst, 1, Some(2)),
        lowering: Lowering::Conv,
        integer: onnx("QLinearConv"),
        training: Training::Layer,
        ..LAYER
    },
    Operator {
        op: "ConvTranspose",
        weights: weights(Layout::InputsFirst, 1, Some(2)),
        lowering: Lowering::ConvTranspose,
        integer: ours(CONV_TRANSPOSE),
        bounds_result: false,
        training: Training::Layer,
        ..LAYER
    },
    Operator {
        op: "Gemm",
        rank: Rank::Two,
        weights: weights(Layout::Matrix, 1, Some(2)),
        lowering: Lowering::Gemm,
        integer: onnx_runtime("QGemm"),
        training: Training::Layer,
        ..LAYER
    },
    Operator {
        op: "MatMul",
        rank: Rank::OfProduct,
        weights: weights(Layout::Product, 1, None),
        parameters: &[0, 1],
        lowering: Lowering::MatMul,
        integer: onnx("QLinearMatMul"),
        training: Training::Layer,
        ..LAYER
    },
    Operator {
        op: "BatchNormalization",
        rank: Rank::Kept,
        parameters: &[1, 2],
        training: Training::Normalization,
        ..UNKNOWN
    },
    Operator { op: "InstanceNormalization", parameters: &[1, 2], ..UNKNOWN },
    Operator {
        op: "LayerNormalization",
        parameters: &[1, 2],
        training: Training::LayerNormalization,
        ..UNKNOWN
    },
    // Functions of one element.
    Operator { op: "Relu", rank: Rank::Kept, clips: true, training: Training::Clip, ..UNKNOWN },
    Operator { op: "Clip", rank: Rank::Kept, clips: true, training: Training::Clip, ..UNKNOWN },
    Operator { op: "HardSwish", integer: ours("QLinearHardSwish"), ..FUNCTION },
    Operator { op: "HardSigmoid", integer: ours("QLinearHardSigmoid"), ..FUNCTION },
    Operator { op: "Gelu", integer: ours("QLinearGelu"), ..FUNCTION },
    Operator { op: "Sigmoid", integer: onnx_runtime("QLinearSigmoid"), scores: true, ..FUNCTION },
    Operator { op: "Elu", integer: ours("QLinearElu"), ..FUNCTION },
    Operator { op: "LeakyRelu", integer: onnx_runtime("QLinearLeakyRelu"), ..FUNCTION },
    Operator { op: "Tanh", integer: ours("QLinearTanh"), ..FUNCTION },
    Operator { op: "Celu", rank: Rank::Kept, training: Training::Function, ..UNKNOWN },
    Operator { op: "Erf", training: Training::Function, ..UNKNOWN },
    Operator { op: "Exp", training: Training::Function, ..UNKNOWN },
    Operator { op: "Log", training: Training::Function, ..UNKNOWN },
    Operator { op: "Softplus", training: Training::Function, ..UNKNOWN },
    Operator { op: "Swish", training: Training::Function, ..UNKNOWN },
    Operator {
        op: "PRelu",
        rank: Rank::Kept,
        parameters: &[0, 1],
        training: Training::Binary,
        ..UNKNOWN
    },
    // Pools and sums.
    Operator {
        op: "MaxPool",
        rank: Rank::OfWindow,
        scale: Scale::Kept,
        lowering: Lowering::MaxPool,
        integer: onnx(INTEGER_MAX_POOL),
        factors: Factors::Pass,
        training: Training::Pool,
        ..UNKNOWN
    },
    Operator {
        op: "AveragePool",
        rank: Rank::OfWindow,
        scale: Scale::Kept,
        lowering: Lowering::Function,
        integer: onnx_runtime("QLinearAveragePool"),
        factors: Factors::Pass,
        training: Training::Pool,
        ..UNKNOWN
    },
    Operator {
        op: "GlobalAveragePool",
        rank: Rank::Kept,
        scale: Scale::Own,
        lowering: Lowering::Function,
        integer: onnx_runtime("QLinearGlobalAveragePool"),
        factors: Factors::Pass,
        training: Training::Pool,
        ..UNKNOWN
    },
    Operator { op: "LpPool", rank: Rank::OfWindow, ..UNKNOWN },
    Operator { op: "GlobalLpPool", rank: Rank::Kept, ..UNKNOWN },
    Operator { op: "ReduceMax", ..UNKNOWN },
    Operator { op: "ReduceMean", training: Training::Reduce, ..UNKNOWN },
    Operator { op: "ReduceMin", ..UNKNOWN },
    Operator { op: "ReduceSum", training: Training::Reduce, ..UNKNOWN },
    Operator { op: "ReduceLogSumExp", ..UNKNOWN },
    // What joins tensors.
    Operator {
        op: "Add",
        rank: Rank::Broadcast,
        scale: Scale::OfJoin,
        lowering: Lowering::Binary,
        integer: onnx_runtime("QLinearAdd"),
        training: Training::Binary,
        ..BINARY
    },
    Operator {
        op: "Mul",
        rank: Rank::Broadcast,
        scale: Scale::OfJoin,
        lowering: Lowering::Binary,
        integer: onnx_runtime("QLinearMul"),
        training: Training::Binary,
        ..BINARY
    },
    Operator { op: "Sub", rank: Rank::Broadcast, training: Training::Binary, ..BINARY },
    Operator { op: "Div", rank: Rank::Broadcast, training: Training::Binary, ..BINARY },
    Operator {
        op: "Concat",
        rank: Rank::Kept,
        scale: Scale::OfJoin,
        lowering: Lowering::Concat,
        integer: onnx_runtime("QLinearConcat"),
        training: Training::Concat,
        ..UNKNOWN
    },
    // What moves elements.
    Operator { op: "Flatten", rank: Rank::Two, factors: Factors::PassWithChannels, ..MOVES },
    Operator { op: "Reshape", rank: Rank::OfShape, factors: Factors::PassWithChannels, ..MOVES },
    Operator { op: "Squeeze", ..MOVES },
    Operator { op: "Unsqueeze", ..MOVES },
    Operator { op: "Identity", rank: Rank::Kept, factors: Factors::Pass, ..MOVES },
    // It gets no scale, but takes its input's from a file.
    Operator {
        op: "Dropout",
        rank: Rank::Kept,
        scale: Scale::Float,
        factors: Factors::Pass,
        ..MOVES
    },
    Operator { op: "Transpose", rank: Rank::Kept, training: Training::Transpose, ..MOVES },
    Operator { op: "Slice", training: Training::Copies, ..MOVES },
    Operator { op: "Split", training: Training::Copies, ..UNKNOWN },
    Operator {
        op: "Pad",
        rank: Rank::Kept,
        scale: Scale::KeptByPadding,
        lowering: Lowering::Pad,
        training: Training::Copies,
        ..UNKNOWN
    },
    Operator {
        op: "Resize",
        rank: Rank::Kept,
        scale: Scale::KeptByCopies,
        lowering: Lowering::Resize,
        training: Training::Resize,
        ..UNKNOWN
    },
    Operator { op: UNPACK, scale: Scale::Float, training: Training::Refused, ..MOVES },
    // What goes through frames in order.
    Operator { op: "LSTM", parameters: &[1, 2, 3], ..UNKNOWN },
    Operator { op: "GRU", parameters: &[1, 2, 3], ..UNKNOWN },
    Operator { op: "RNN", parameters: &[1, 2, 3], ..UNKNOWN },
    // What is made of scores.
    Operator {
        op: "Softmax",
        scale: Scale::Own,
        lowering: Lowering::Softmax,
        integer: onnx_runtime("QLinearSoftmax"),
        scores: true,
        training: Training::Probabilities,
        ..UNKNOWN
    },
    Operator { op: "LogSoftmax", scores: true, training: Training::Probabilities, ..UNKNOWN },
    Operator { op: "Hardmax", scores: true, ..UNKNOWN },
    Operator { op: "ArgMax", makes_integers: true, scores: true, ..UNKNOWN },
    // What makes integers.
    Operator { op: "ArgMin", makes_integers: true, ..UNKNOWN },
    Operator { op: "Cast", makes_integers: true, ..UNKNOWN },
    Operator { op: "CastLike", makes_integers: true, ..UNKNOWN },
    Operator { op: "NonZero", makes_integers: true, ..UNKNOWN },
    Operator { op: "Equal", makes_integers: true, ..UNKNOWN },
    Operator { op: "Greater", makes_integers: true, ..UNKNOWN },
    Operator { op: "GreaterOrEqual", makes_integers: true, ..UNKNOWN },
    Operator { op: "Less", makes_integers: true, ..UNKNOWN },
    Operator { op: "LessOrEqual", makes_integers: true, ..UNKNOWN },
    Operator { op: "IsInf", makes_integers: true, ..UNKNOWN },
    Operator { op: "IsNaN", makes_integers: true, ..UNKNOWN },
    Operator { op: "Shape", makes_integers: true, training: Training::Shape, ..UNKNOWN },
    Operator { op: "Size", makes_integers: true, training: Training::Shape, ..UNKNOWN },
    // What quantizes.
    Operator { op: "QuantizeLinear", result_zero_point: Some(2), ..BETWEEN },
    Operator { op: "DequantizeLinear", ..BETWEEN },
    Operator { op: "DynamicQuantizeLinear", ..BETWEEN },
    Operator { op: DYNAMIC_SCALE, ..BETWEEN },
    Operator { op: DYNAMIC_ZERO_POINT, ..BETWEEN },
    // Layers on integers.
    Operator {
        op: "QLinearConv",
        weights: weights(Layout::OutputsFirst, 3, Some(8)),
        parameters: &[3, 8],
        ..INTEGERS_OF_TWO
    },
    Operator {
        op: CONV_TRANSPOSE,
        weights: weights(Layout::InputsFirst, 3, Some(8)),
        parameters: &[3, 8],
        ..INTEGERS_OF_TWO
    },
    Operator {
        op: "QGemm",
        weights: weights(Layout::Matrix, 3, Some(6)),
        parameters: &[3, 6],
        result_zero_point: Some(8),
        ..INTEGERS
    },
    Operator {
        op: "QLinearMatMul",
        weights: weights(Layout::Product, 3, None),
        parameters: &[0, 3],
        ..INTEGERS_OF_TWO
    },
    Operator {
        op: "ConvInteger",
        weights: weights(Layout::OutputsFirst, 1, None),
        parameters: &[1],
        ..INTEGERS
    },
    Operator {
        op: "MatMulInteger",
        weights: weights(Layout::Product, 1, None),
        parameters: &[1],
        ..INTEGERS
    },
    // Others on integers.
    Operator { op: "QLinearAdd", parameters: &[0, 3], ..INTEGERS_OF_TWO },
    Operator { op: "QLinearMul", parameters: &[0, 3], ..INTEGERS_OF_TWO },
    Operator { op: "QLinearConcat", result_zero_point: Some(1), ..INTEGERS },
    Operator { op: INTEGER_MAX_POOL, ..INTEGERS },
    Operator { op: "QLinearAveragePool", ..INTEGERS_OF_ONE },
    Operator { op: "QLinearGlobalAveragePool", ..INTEGERS_OF_ONE },
    Operator { op: "QLinearSoftmax", ..INTEGERS_OF_ONE },
    Operator { op: "QLinearElu", ..INTEGERS_OF_ONE },
    Operator { op: "QLinearGelu", ..INTEGERS_OF_ONE },
    Operator { op: "QLinearHardSigmoid", ..INTEGERS_OF_ONE },
    Operator { op: "QLinearHardSwish", ..INTEGERS_OF_ONE },
    Operator { op: "QLinearLeakyRelu", ..INTEGERS_OF_ONE },
    Operator { op: "QLinearSigmoid", ..INTEGERS_OF_ONE },
    Operator { op: "QLinearTanh", ..INTEGERS_OF_ONE },
];

/// The row of the operator called `op`; one that knows nothing where there is none.
pub fn operator(op: &str) -> &'static Operator {
    OPERATORS.iter().find(|row| row.op == op).unwrap_or(&UNKNOWN)
}

/// How many inputs operators have at least; those with one are not named. The ONNX and `com.microsoft`
/// page of each, by today's operator set.
const LEAST_INPUTS: &[(usize, &[&str])] = &[
    (0, &["Constant", "Optional", "RandomNormal", "RandomUniform", "SequenceEmpty"]),
    (
        2,
        &[
            "Add",
            "And",
            "BiasGelu",
            "BitShift",
            "BitwiseAnd",
            "BitwiseOr",
            "BitwiseXor",
            "CastLike",
            "Compress",
            "Conv",
            "ConvInteger",
            "ConvTranspose",
            "CumSum",
            "DequantizeLinear",
            "Div",
            "Equal",
            "Expand",
            "Gather",
            "GatherElements",
            "GatherND",
            "Gemm",
            "Greater",
            "GreaterOrEqual",
            "GridSample",
            "LayerNormalization",
            "Less",
            "LessOrEqual",
            "MatMul",
            "MatMulInteger",
            "Mod",
            "Mul",
            "NonMaxSuppression",
            "Or",
            "PRelu",
            "Pad",
            "Pow",
            "QuantizeLinear",
            "RMSNormalization",
            "Reshape",
            "STFT",
            "Sub",
            "Tile",
            "TopK",
            "Unsqueeze",
            "Xor",
        ],
    ),
    (
        3,
        &[
            "GRU",
            "GroupNormalization",
            "InstanceNormalization",
            "LSTM",
            "OneHot",
            "RNN",
            "Range",
            "Scatter",
            "ScatterElements",
            "ScatterND",
            "Slice",
            "Where",
        ],
    ),
    (
        4,
        &[
            "QLinearAveragePool",
            "QLinearGlobalAveragePool",
            "QLinearLeakyRelu",
            "QLinearSigmoid",
            "QLinearSoftmax",
        ],
    ),
    (5, &["BatchNormalization", "MelWeightMatrix", "QLinearConcat"]),
    (6, &["QGemm"]),
    (7, &["QLinearAdd", "QLinearMul"]),
    (8, &["QLinearConv", "QLinearMatMul"]),
];

/// How many inputs the operator called `op` has at least.
pub fn least_inputs(op: &str) -> usize {
    LEAST_INPUTS.iter().find(|(_, ops)| ops.contains(&op)).map_or(1, |(least, _)| *least)
}

/// The operators that train, as a sentence lists them.
pub fn trained() -> String {
    let mut names = Vec::new();
    let mut moves = false;
    for row in OPERATORS {
        let name = match row.training {
            Training::Refused | Training::Shape => continue,
            Training::Rearrange | Training::Transpose => {
                moves = true;
                continue;
            }
            Training::Pool => "pooling",
            _ => row.op,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let names = names.join(", ");
    if moves { format!("{names} and what only moves elements") } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operator_has_one_row() {
        for (i, row) in OPERATORS.iter().enumerate() {
            assert_eq!(OPERATORS.iter().position(|other| other.op == row.op), Some(i), "{row:?}");
        }
    }

    /// What a row names has a row, and what a row says in two ways agrees.
    #[test]
    fn the_table_agrees_with_itself() {
        for row in OPERATORS {
            let keeps_its_name =
                matches!(row.lowering, Lowering::Moves | Lowering::Pad | Lowering::Resize);
            let lowered = row.lowering != Lowering::Float;
            assert_eq!(row.integer.is_some(), lowered && !keeps_its_name, "{row:?}");
            if let Some(integer) = row.integer {
                assert_eq!(operator(integer.op).numbers, Numbers::Integers, "{row:?}");
                let layouts = [row, operator(integer.op)].map(|row| row.weights.map(|w| w.layout));
                assert_eq!(layouts[0], layouts[1], "{row:?}");
            }
            if let Some(Weights { input, bias, .. }) = row.weights {
                let known = |at: &usize| row.parameters.contains(at);
                assert!(known(&input) && bias.iter().all(known), "{row:?}");
            }
            assert!(row.scale == Scale::Float || lowered, "{row:?}");
            let layer = row.scale == Scale::OfLayer;
            assert_eq!(row.weights.is_some() && row.numbers == Numbers::Floats, layer, "{row:?}");
        }
    }

    #[test]
    fn the_readme_says_what_trains() {
        let readme = include_str!("../../README.md");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let sentence = format!("Convolutional networks of {} train;", trained());
        assert!(words(readme).contains(&words(&sentence)), "README.md lacks: {sentence}");
    }
}
