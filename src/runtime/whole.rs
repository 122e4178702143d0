//! Rare operators on whole tensors of any numbers, computed in f64: those that no engine here has, or
//! that it has otherwise than ONNX.
//!
//! Each gets all that it reads at once and makes its tensors new in every run ([`Anew`]): what is run
//! often has an operator in [`operators`]. Formulas: the ONNX page of each.
//!
//! [`Anew`]: super::program
//! [`operators`]: super::operators

use super::operators::{MOST_BYTES, TensorType, place};
use crate::error::{Error, Result};
use crate::graph::{Attribute, Data, Element, Node, Tensor};

mod attention;
mod losses;
mod scans;
mod spatial;

/// An operator: what it makes of its inputs, `None` where one is left out.
pub(super) type Whole = fn(&Node, &[Option<&Tensor>]) -> Result<Vec<Tensor>>;

/// The operator of a node, if it is one of these.
pub(super) fn operator(node: &Node) -> Option<Whole> {
    let known: &[(&str, Whole)] = &[
        ("AffineGrid", spatial::affine_grid),
        ("Attention", attention::attention),
        ("BitShift", scans::bits),
        ("BitwiseAnd", scans::bits),
        ("BitwiseOr", scans::bits),
        ("BitwiseXor", scans::bits),
        ("CausalConvWithState", scans::causal_conv),
        ("CenterCropPad", spatial::center_crop_pad),
        ("Col2Im", spatial::col2im),
        ("CumProd", scans::cumulated),
        ("CumSum", scans::cumulated),
        ("DeformConv", spatial::deform_conv),
        ("Det", spatial::determinant),
        ("LinearAttention", attention::linear),
        ("NegativeLogLikelihoodLoss", losses::likelihood),
        ("OneHot", scans::one_hot),
        ("ReverseSequence", scans::reversed),
        ("RoiAlign", spatial::roi_align),
        ("SpaceToDepth", spatial::channels_first_to_depth),
        ("SoftmaxCrossEntropyLoss", losses::cross_entropy),
        ("TensorScatter", scans::written),
    ];
    // An engine has it where blocks come first.
    let here =
        node.domain.is_empty() && (node.op != "SpaceToDepth" || node.text("mode") == Some("CRD"));
    known.iter().find(|(op, _)| here && *op == node.op).map(|(_, operator)| *operator)
}

/// `node` with what its operator set means by an attribute that is left out, where later ones mean something
/// else.
pub(super) fn dated(node: &Node, opset: i64) -> Option<Node> {
    const MODE: &str = "coordinate_transformation_mode";
    let is_old = node.is("RoiAlign") && opset < 16 && !node.attributes.contains_key(MODE);
    is_old.then(|| node.clone().with(MODE, Attribute::Text(b"output_half_pixel".to_vec())))
}

/// The most products of one of these in a run.
const MOST_WORK: usize = 1 << 28;

/// A tensor's numbers. Integers are exact up to 2^53.
#[derive(Debug, Clone)]
struct Numbers {
    shape: Vec<usize>,
    element: Element,
    values: Vec<f64>,
}

impl Numbers {
    fn of(tensor: &Tensor) -> Result<Self> {
        fn words<const N: usize>(bytes: &[u8], number: fn([u8; N]) -> f64) -> Vec<f64> {
            bytes.as_chunks::<N>().0.iter().map(|&word| number(word)).collect()
        }
        let values = match &tensor.data {
            Data::I64(values) => values.iter().map(|&x| x as f64).collect(),
            Data::Other(Element(4), bytes) => words(bytes, |b| u16::from_le_bytes(b).into()),
            Data::Other(Element(5), bytes) => words(bytes, |b| i16::from_le_bytes(b).into()),
            Data::Other(Element(9), bytes) => words(bytes, |[b]| b.into()),
            Data::Other(Element(11), bytes) => words(bytes, f64::from_le_bytes),
            Data::Other(Element(12), bytes) => words(bytes, |b| u32::from_le_bytes(b).into()),
            Data::Other(Element(13), bytes) => words(bytes, |b| u64::from_le_bytes(b) as f64),
            _ => match (tensor.to_f32(), tensor.to_i32()) {
                (Some(values), _) => values.into_iter().map(f64::from).collect(),
                (_, Some(values)) => values.into_iter().map(f64::from).collect(),
                _ => {
                    let what = format!("{} is not supported here", tensor.element().name());
                    return Err(
                        Error::new(what).way_out("Export the network with float32 in its place.")
                    );
                }
            },
        };
        let (shape, element) = (tensor.shape.clone(), tensor.element());
        Ok(Self { shape, element, values })
    }

    /// Of that shape, all 0.
    fn zeros(shape: impl Into<Vec<usize>>, element: Element) -> Result<Self> {
        let ty = TensorType { element, shape: shape.into() };
        // Each of its numbers has 8 bytes, and there are copies for a while.
        ty.check_size_within(MOST_BYTES / 16)?;
        let len = ty.shape.iter().product();
        Ok(Self { shape: ty.shape, element, values: vec![0.0; len] })
    }

    fn tensor(self) -> Result<Tensor> {
        fn bytes<const N: usize>(values: &[f64], word: fn(f64) -> [u8; N]) -> Vec<u8> {
            values.iter().flat_map(|&x| word(x)).collect()
        }
        let Self { shape, element, values } = self;
        let data = match element {
            Element::F32 => Data::F32(values.iter().map(|&x| x as f32).collect()),
            Element::U8 => Data::U8(values.iter().map(|&x| x as u8).collect()),
            Element::I8 => Data::I8(values.iter().map(|&x| x as i8).collect()),
            Element::I32 => Data::I32(values.iter().map(|&x| x as i32).collect()),
            Element::I64 => Data::I64(values.iter().map(|&x| x as i64).collect()),
            Element(4) => Data::Other(element, bytes(&values, |x| (x as u16).to_le_bytes())),
            Element(5) => Data::Other(element, bytes(&values, |x| (x as i16).to_le_bytes())),
            Element(9) => Data::Other(element, bytes(&values, |x| [u8::from(x != 0.0)])),
            Element(11) => Data::Other(element, bytes(&values, f64::to_le_bytes)),
            Element(12) => Data::Other(element, bytes(&values, |x| (x as u32).to_le_bytes())),
            Element(13) => Data::Other(element, bytes(&values, |x| (x as u64).to_le_bytes())),
            other => return Err(Error::new(format!("{} is not supported here", other.name()))),
        };
        Ok(Tensor::new(shape, data))
    }

    /// As whole numbers that are no size of anything yet.
    fn whole(&self) -> Vec<i64> {
        self.values.iter().map(|&x| x as i64).collect()
    }

    /// As sizes.
    fn sizes(&self) -> Result<Vec<usize>> {
        let size = |&x: &f64| (0.0..MOST_BYTES as f64).contains(&x).then_some(x as usize);
        self.values.iter().map(size).collect::<Option<_>>().ok_or_else(unfit)
    }
}

/// The input at a place, which must be there.
fn input(inputs: &[Option<&Tensor>], at: usize) -> Result<Numbers> {
    optional(inputs, at)?.ok_or_else(|| Error::new(format!("its input {at} is missing")))
}

fn optional(inputs: &[Option<&Tensor>], at: usize) -> Result<Option<Numbers>> {
    inputs.get(at).copied().flatten().map(Numbers::of).transpose()
}

fn unfit() -> Error {
    Error::new("its inputs and attributes do not fit together")
        .way_out("Check that the network runs in ONNX Runtime, or export it again.")
}

/// An error unless it fits.
fn fits(fits: bool) -> Result<()> {
    if fits { Ok(()) } else { Err(unfit()) }
}

/// # Errors
/// More products than are made in one run.
fn check_work(factors: &[usize]) -> Result<()> {
    let work = factors.iter().try_fold(1usize, |work, &n| work.checked_mul(n.max(1)));
    match work {
        Some(work) if work <= MOST_WORK => Ok(()),
        _ => Err(Error::new(format!("it takes more than {MOST_WORK} products"))),
    }
}

/// An axis as the attribute or input has it.
fn axis(axis: i64, rank: usize) -> Result<usize> {
    place(axis, rank).ok_or_else(|| Error::new(format!("its axis {axis} does not fit {rank} axes")))
}

/// An attribute that is a size of at least 1.
fn size(node: &Node, name: &str, usual: i64) -> Result<usize> {
    usize::try_from(node.int(name, usual)).ok().filter(|&n| n > 0).ok_or_else(unfit)
}

/// A tensor as runs along one axis: outer, the axis, inner.
fn around(shape: &[usize], axis: usize) -> [usize; 3] {
    [shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product()]
}
