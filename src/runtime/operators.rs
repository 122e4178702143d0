//! The operators that Steer8 runs itself: integer arithmetic for quantized networks, and float
//! with one summation order for calibration.
//!
//! Plain data in, plain data out: what plugs them into an engine is `runtime/tract.rs`.

use std::fmt::Debug;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Element, Node, Tensor};
use crate::kernels::conv::Buffers;
use crate::kernels::requantize::Requantize;
use crate::kernels::{Floats, Machine, Products};

mod clip;
mod concat;
mod convolution;
mod dynamic;
mod elementwise;
mod integer;
mod linear;
mod matrix;
mod norms;
mod order;
mod pad;
mod pooling;
mod quantized;
mod recurrent;
mod reduce;
mod softmax;
mod transposed;
mod unary;
mod unpack;

pub(super) use elementwise::{Walk, broadcast};
pub(super) use order::{Reorder, squeezed};
pub use unary::{Function, Slope};

/// Element type and shape of a tensor, batch included. An optional input that is left out has the
/// default type, so that inputs keep the places that ONNX gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TensorType {
    /// What it is made of.
    pub element: Element,
    /// Its axes, batch included.
    pub shape: Vec<usize>,
}

/// The most bytes that a tensor may have, and all that a run holds besides constants.
pub(super) const MOST_BYTES: usize = 1 << 30;

/// The most bytes of a frame.
pub(super) const MOST_FRAME_BYTES: usize = 1 << 27;

/// The most bytes of what is made of constants alone, of which there are copies for a while.
pub(super) const MOST_CONSTANT_BYTES: usize = 1 << 29;

/// The most axes.
pub(super) const MOST_AXES: usize = 64;

/// Bytes of an element whose type says nothing.
const USUAL_BYTES: usize = 4;

impl TensorType {
    /// Bytes of the elements, as if there were one along axes that have none, since the others are
    /// gone through; `None` where there are too many to count.
    pub(super) fn bytes(&self) -> Option<usize> {
        let len = self.shape.iter().try_fold(1usize, |len, &dim| len.checked_mul(dim.max(1)))?;
        match self.element.bytes(1) {
            Some(_) => self.element.bytes(len),
            None => len.checked_mul(USUAL_BYTES),
        }
    }

    /// Checks that such a tensor can be held.
    ///
    /// # Errors
    /// Says how many bytes, or axes, it has.
    pub(super) fn check_size(&self) -> Result<()> {
        self.check_size_within(MOST_BYTES)
    }

    /// As [`check_size`](Self::check_size), for at most so many bytes.
    pub(super) fn check_size_within(&self, most: usize) -> Result<()> {
        let shape = &self.shape;
        if shape.len() > MOST_AXES {
            return Err(too_large(format!("it has {} axes, more than {MOST_AXES}", shape.len())));
        }
        match self.bytes() {
            Some(bytes) if bytes <= most => Ok(()),
            bytes => {
                let bytes = bytes.map_or("no count of".into(), |bytes| bytes.to_string());
                let what =
                    format!("a tensor of shape {shape:?} comes to {bytes} bytes, more than {most}");
                Err(too_large(what))
            }
        }
    }
}

pub(super) fn too_large(what: String) -> Error {
    Error::new(what)
        .of_kind(ErrorKind::TooLarge)
        .way_out("Give smaller frames, or export the network for smaller ones.")
}

/// An input as known before the first run.
#[derive(Debug, Clone, Default)]
pub struct Operand<'a> {
    pub ty: TensorType,
    pub constant: Option<&'a Tensor>,
}

impl Operand<'_> {
    /// Whether nothing about it has to wait for the network to run.
    fn is_settled(&self) -> bool {
        self.constant.is_some() || self.ty == TensorType::default()
    }
}

/// Elements that an operator reads.
#[derive(Debug, Clone, Copy)]
pub enum View<'a> {
    F32(&'a [f32]),
    /// 8-bit integers, as they lie in memory; [`Coding`] says what they mean.
    Codes(&'a [u8]),
    I32(&'a [i32]),
}

/// `node` with what its output's shape depends on as attributes, if that is constant: `constant(i)`
/// is the value of input `i`.
pub(super) fn settle(node: &Node, constant: &dyn Fn(usize) -> Option<Tensor>) -> Option<Node> {
    let settle = [order::settle, pad::settle, reduce::settle];
    settle.iter().find_map(|settle| settle(node, constant))
}

/// The place of an axis, or of an element along one, that may be counted from the end.
pub(super) fn place(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(axis).ok().filter(|&axis| axis < rank)
}

/// Elements that an operator writes.
#[derive(Debug)]
pub enum ViewMut<'a> {
    F32(&'a mut [f32]),
    Codes(&'a mut [u8]),
    I32(&'a mut [i32]),
}

/// The order in which a tensor's elements lie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// ONNX's: channels before pixels.
    #[default]
    Plain,
    /// The kernels': a pixel's channels side by side.
    ChannelsLast,
}

impl Order {
    /// Whether both orders are one for a tensor of this shape.
    pub fn is_moot(shape: &[usize]) -> bool {
        let channels = shape.get(1).copied().unwrap_or(1);
        let pixels: usize = shape.iter().skip(2).product();
        channels == 1 || pixels == 1
    }
}

/// The orders in which an operator takes its inputs, all alike, and gives its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orders {
    Plain,
    ChannelsLast,
    /// Either: that of its inputs.
    Any,
}

/// How operators are prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Setting {
    pub machine: Machine,
    pub products: Products,
    /// Of what the operator reads and makes, its constants apart.
    pub order: Order,
    /// Whether it is prepared for each run: what it reads is all constant then, but made as often as
    /// the results of others.
    pub is_anew: bool,
}

impl Setting {
    fn floats(&self) -> Floats {
        Floats { machine: self.machine, products: self.products }
    }

    /// `shape`, which is ONNX's, as the elements lie.
    fn laid_out(&self, shape: &[usize]) -> Vec<usize> {
        match (self.order, shape) {
            (Order::ChannelsLast, [batch, channels, pixels @ ..]) => {
                [&[*batch], pixels, &[*channels]].concat()
            }
            _ => shape.to_vec(),
        }
    }
}

/// Memory that operators use while they run, one after the other.
#[derive(Debug, Default)]
pub struct Scratch {
    floats: Buffers<f32, f32>,
    words: Buffers<i16, i32>,
    bytes: Buffers<u8, i32>,
    sums: Vec<i32>,
    origins: Vec<usize>,
    recurrent: recurrent::Workspace,
}

impl Scratch {
    pub fn bytes(&self) -> usize {
        self.floats.bytes()
            + self.words.bytes()
            + self.bytes.bytes()
            + size_of_val(&self.sums[..])
            + size_of_val(&self.origins[..])
            + self.recurrent.bytes()
    }
}

/// Outputs that an operator of ours makes at most.
pub const MOST_OUTPUTS: usize = 3;

/// An operator with its constants packed, for fixed shapes.
pub trait Operator: Debug + Send + Sync {
    /// Reads the inputs that [`Prepared::inputs`] names, in that order.
    fn run(&self, inputs: &[View<'_>], output: ViewMut<'_>, scratch: &mut Scratch);

    /// The same for all outputs that the node has: more than the first where [`Prepared::further`] has
    /// their types.
    fn run_all(
        &self,
        inputs: &[View<'_>],
        outputs: [Option<ViewMut<'_>>; MOST_OUTPUTS],
        scratch: &mut Scratch,
    ) {
        if let [Some(first), ..] = outputs {
            self.run(inputs, first, scratch);
        }
    }

    /// Bytes of the packed constants.
    fn bytes(&self) -> usize {
        0
    }
}

/// An operator and the node's inputs that it reads at run time.
#[derive(Debug)]
pub struct Prepared {
    pub operator: Box<dyn Operator>,
    pub inputs: Vec<usize>,
    /// The types of the outputs after the first.
    pub further: Vec<TensorType>,
}

impl Prepared {
    fn new(operator: impl Operator + 'static, inputs: impl Into<Vec<usize>>) -> Self {
        Self { operator: Box::new(operator), inputs: inputs.into(), further: Vec::new() }
    }
}

/// How a kind of operator is set up.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub op: &'static str,
    /// The output's type from the inputs' types.
    pub output: fn(&Node, &[TensorType]) -> Result<TensorType>,
    /// `None` where the operator does not take such inputs; it is the engine's then.
    pub orders: fn(&Node, &[Operand]) -> Option<Orders>,
    pub prepare: fn(&Node, &[Operand], &Setting) -> Result<Prepared>,
}

/// An operator that computes in ONNX's order alone.
fn plain(_: &Node, _: &[Operand]) -> Option<Orders> {
    Some(Orders::Plain)
}

/// An operator over pixels.
fn over_pixels(_: &Node, _: &[Operand]) -> Option<Orders> {
    Some(Orders::ChannelsLast)
}

/// An operator on one element after the other.
fn any(_: &Node, _: &[Operand]) -> Option<Orders> {
    Some(Orders::Any)
}

/// Every operator that we have, by its name in ONNX, `com.microsoft` or [`lower`], except for the
/// functions of one element; see [`kind`].
///
/// Those on floats give results that do not depend on the machine, unless products are fused: what
/// sums has one order, what is transcendental comes from `libm`.
///
/// [`lower`]: crate::runtime::lower
const OPERATORS: &[Kind] = &[
    linear::QUANTIZE,
    linear::DEQUANTIZE,
    dynamic::SCALE,
    dynamic::ZERO_POINT,
    integer::CONV,
    integer::MATMUL,
    convolution::QUANTIZED,
    transposed::QUANTIZED,
    matrix::QUANTIZED_GEMM,
    matrix::QUANTIZED_MATMUL,
    elementwise::QUANTIZED_ADD,
    elementwise::QUANTIZED_MUL,
    concat::QUANTIZED,
    pooling::QUANTIZED_AVERAGE,
    pooling::QUANTIZED_GLOBAL_AVERAGE,
    pooling::INTEGER_MAX,
    softmax::QUANTIZED,
    clip::RELU,
    clip::CLIP,
    concat::FLOAT,
    convolution::FLOAT,
    transposed::FLOAT,
    elementwise::ADD,
    elementwise::SUB,
    elementwise::MUL,
    elementwise::DIV,
    matrix::FLOAT_GEMM,
    matrix::FLOAT_MATMUL,
    order::FLATTEN,
    order::RESHAPE,
    order::SQUEEZE,
    order::UNSQUEEZE,
    pad::PAD,
    pooling::FLOAT_AVERAGE,
    pooling::FLOAT_GLOBAL_AVERAGE,
    pooling::FLOAT_MAX,
    norms::GLOBAL_LP_POOL,
    norms::LP_POOL,
    recurrent::GRU,
    recurrent::LSTM,
    recurrent::RNN,
    reduce::MAX,
    reduce::MEAN,
    reduce::LOG_SUM_EXP,
    reduce::MIN,
    reduce::SUM,
    softmax::FLOAT,
    softmax::LOG,
    unpack::PART,
];

/// The operator called `op`, if we have one; every other is tract's.
pub(super) fn kind(op: &str) -> Option<&'static Kind> {
    OPERATORS.iter().chain(unary::KINDS).find(|kind| kind.op == op)
}

impl<'a> View<'a> {
    fn f32(self) -> &'a [f32] {
        match self {
            View::F32(x) => x,
            other => unreachable!("prepared for f32, run on {other:?}"),
        }
    }

    fn codes(self) -> &'a [u8] {
        match self {
            View::Codes(x) => x,
            other => unreachable!("prepared for 8-bit integers, run on {other:?}"),
        }
    }
}

impl<'a> ViewMut<'a> {
    fn f32(self) -> &'a mut [f32] {
        match self {
            ViewMut::F32(x) => x,
            other => unreachable!("prepared for f32, run on {other:?}"),
        }
    }

    fn i32(self) -> &'a mut [i32] {
        match self {
            ViewMut::I32(x) => x,
            other => unreachable!("prepared for int32, run on {other:?}"),
        }
    }

    fn codes(self) -> &'a mut [u8] {
        match self {
            ViewMut::Codes(x) => x,
            other => unreachable!("prepared for 8-bit integers, run on {other:?}"),
        }
    }
}

/// What the bytes of a quantized tensor mean: a scale, a zero point and a sign.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Coding {
    signed: bool,
    scale: f32,
    zero_point: i32,
}

impl Coding {
    /// The coding that the scale and zero point at `scale_at` and the next input give to a tensor
    /// of type `element`.
    fn of(node: &Node, operands: &[Operand], element: Element, scale_at: usize) -> Result<Self> {
        let signed = signed(node, element)?;
        let scale = match scales(node, operands, scale_at)?[..] {
            [scale] => scale,
            _ => return Err(per_tensor_only(node, scale_at)),
        };
        let zero_point = match zero_points(node, operands, scale_at + 1)?[..] {
            [] => 0,
            [zero_point] if (-128..=255).contains(&zero_point) => zero_point,
            [_] => {
                let what = format!("the zero point at input {} is no 8-bit integer", scale_at + 1);
                return Err(Error::new(what).at_node(&node.name));
            }
            _ => return Err(per_tensor_only(node, scale_at + 1)),
        };
        Ok(Self { signed, scale, zero_point })
    }

    /// The integer that a byte stands for, zero point taken off: at most 255 away from 0.
    #[inline(always)]
    fn centred(self, code: u8) -> i16 {
        // Flipping the top bit moves signed bytes by 128.
        let flip: u8 = if self.signed { 0x80 } else { 0 };
        i16::from(code ^ flip) - (self.zero_point as i16 + i16::from(flip))
    }

    /// The first integer of a view, nothing taken off.
    fn whole(self, view: View<'_>) -> i32 {
        match view {
            View::I32(x) => x[0],
            codes => Self { zero_point: 0, ..self }.centred(codes.codes()[0]).into(),
        }
    }

    /// The smallest and largest integer of the type.
    fn bounds(self) -> [i32; 2] {
        if self.signed { [-128, 127] } else { [0, 255] }
    }

    /// Those bounds, narrowed by the activation that [`crate::runtime::lower`] folded into `node`.
    fn clamped_bounds(self, node: &Node) -> [i32; 2] {
        let [low, high] = self.bounds();
        let at = |name, bound| node.int(name, i64::from(bound)) as i32;
        [at(CLAMP_LOW, low).max(low), at(CLAMP_HIGH, high).min(high)]
    }
}

/// Attributes of a lowered node: the bounds of its integers, where an activation was folded in.
pub const CLAMP_LOW: &str = "clamp_low";
/// As [`CLAMP_LOW`], the largest integer.
pub const CLAMP_HIGH: &str = "clamp_high";

/// The same for a node on floats.
pub const FLOAT_LOW: &str = "float_low";
pub const FLOAT_HIGH: &str = "float_high";

/// The bounds that an activation folded into `node` gives its floats.
fn float_bounds(node: &Node) -> [f32; 2] {
    [node.float(FLOAT_LOW, f32::NEG_INFINITY), node.float(FLOAT_HIGH, f32::INFINITY)]
}

/// Attribute of a lowered node: pairs of products saturate at 16 bits, as on x86 without VNNI.
pub const SATURATING: &str = "saturating_pairs";

/// From the sums of a layer on `x`, with weights whose scales are input 4, to `y`'s integers.
fn requantize(
    node: &Node,
    operands: &[Operand],
    [x, y]: [Coding; 2],
    channels: usize,
) -> Result<Requantize> {
    let scales = scales(node, operands, 4)?;
    if scales.len() != 1 && scales.len() != channels {
        return Err(Error::new(format!(
            "its weights have {} scales for {channels} output channels",
            scales.len()
        ))
        .at_node(&node.name));
    }
    // Gemm has it, every other layer 1.
    let alpha = node.float("alpha", 1.0);
    let multipliers = scales.iter().map(|w| alpha * x.scale * w / y.scale).collect();
    Ok(Requantize::new(multipliers, y.zero_point, y.clamped_bounds(node)).spread(channels))
}

fn signed(node: &Node, element: Element) -> Result<bool> {
    match element {
        Element::U8 => Ok(false),
        Element::I8 => Ok(true),
        other => Err(Error::new(format!(
            "`{}` on {} is not supported, only on uint8 and int8",
            node.op,
            other.name()
        ))
        .of_kind(ErrorKind::Unsupported)
        .at_node(&node.name)
        .way_out("Quantize the network to 8 bits.")),
    }
}

fn scales<'a>(node: &Node, operands: &[Operand<'a>], index: usize) -> Result<&'a [f32]> {
    constant(node, operands, index)?.as_f32().ok_or_else(|| {
        Error::new(format!("the scale at input {index} is not float32")).at_node(&node.name)
    })
}

/// Zero points as integers; none when they are left out.
fn zero_points(node: &Node, operands: &[Operand], index: usize) -> Result<Vec<i32>> {
    if node.input(index).is_none() {
        return Ok(Vec::new());
    }
    constant(node, operands, index)?.to_i32().ok_or_else(|| {
        Error::new(format!("the zero point at input {index} is no 8-bit integer"))
            .at_node(&node.name)
    })
}

fn per_tensor_only(node: &Node, index: usize) -> Error {
    Error::new(format!("input {index} of `{}` must be a single value", node.op))
        .at_node(&node.name)
        .way_out("Quantize activations per tensor.")
}

fn integers(node: &Node, operands: &[Operand], index: usize) -> Result<Vec<i32>> {
    constant(node, operands, index)?.to_i32().ok_or_else(|| {
        Error::new(format!("input {index} of `{}` holds no integers", node.op)).at_node(&node.name)
    })
}

fn floats<'a>(node: &Node, operands: &[Operand<'a>], index: usize) -> Result<&'a [f32]> {
    constant(node, operands, index)?.as_f32().ok_or_else(|| {
        Error::new(format!("input {index} of `{}` is not float32", node.op)).at_node(&node.name)
    })
}

/// The element type and shape of an input, which must be there.
fn input<'a>(node: &Node, inputs: &'a [TensorType], index: usize) -> Result<&'a TensorType> {
    inputs.get(index).ok_or_else(|| {
        Error::new(format!("input {index} of `{}` is missing", node.op)).at_node(&node.name)
    })
}

/// A constant that the operator cannot do without.
fn constant<'a>(node: &Node, operands: &[Operand<'a>], index: usize) -> Result<&'a Tensor> {
    operands.get(index).and_then(|o| o.constant).ok_or_else(|| {
        Error::new(format!("input {index} of `{}` must be a constant", node.op))
            .at_node(&node.name)
            .way_out("Export the network with constant weights, scales and zero points.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::operator::{self, Numbers, operator};

    /// Every operator of ours is in the table, on the numbers that it computes on, and whatever is
    /// lowered becomes an operator of ours.
    #[test]
    fn the_table_of_operators_knows_ours() {
        // A reshape that is settled is made of the node when all questions are answered.
        let asked = |kind: &&Kind| !kind.op.starts_with("Settled");
        for kind in OPERATORS.iter().chain(unary::KINDS).filter(asked) {
            let row = operator(kind.op);
            assert_eq!(row.op, kind.op);
            assert!(row.integer.is_none() || row.numbers == Numbers::Floats, "{row:?}");
        }
        for row in operator::OPERATORS {
            let known = row.numbers == Numbers::Floats || kind(row.op).is_some();
            assert!(known || row.op == "DynamicQuantizeLinear", "{row:?}");
            assert!(row.integer.is_none_or(|integer| kind(integer.op).is_some()), "{row:?}");
        }
    }
}
