//! Layers of integers, whatever arithmetic sums them.

use super::{Coding, Prepared, SATURATING, Scratch, Setting};
use crate::graph::Node;
use crate::kernels::conv::Buffers;
use crate::kernels::{Bytes, Integers, Multiplier, SaturatingIntegers};

/// An arithmetic for quantized layers.
pub(super) trait Quantized: Multiplier<Sum = i32> {
    /// An integer as this arithmetic takes it; one of [`Bytes`] has been moved to where they are.
    fn element(integer: i16) -> Self::Element;

    /// Codes that are such elements as they lie.
    fn as_they_lie(_: Coding, _: &[u8]) -> Option<&[Self::Element]> {
        None
    }

    fn buffers(scratch: &mut Scratch) -> &mut Buffers<Self::Element, i32>;
}

macro_rules! words {
    ($arithmetic:ty) => {
        impl Quantized for $arithmetic {
            #[inline(always)]
            fn element(integer: i16) -> i16 {
                integer
            }

            fn buffers(scratch: &mut Scratch) -> &mut Buffers<i16, i32> {
                &mut scratch.words
            }
        }
    };
}

words!(Integers);
words!(SaturatingIntegers);

impl Quantized for Bytes {
    #[inline(always)]
    fn element(integer: i16) -> u8 {
        integer as u8
    }

    fn as_they_lie(x: Coding, codes: &[u8]) -> Option<&[u8]> {
        (!x.signed).then_some(codes)
    }

    fn buffers(scratch: &mut Scratch) -> &mut Buffers<u8, i32> {
        &mut scratch.bytes
    }
}

/// What every layer has.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) x: Coding,
    /// Less their zero points, `k` for each channel.
    pub(super) weights: Vec<i16>,
    pub(super) k: usize,
    /// One for each channel.
    pub(super) bias: Vec<i32>,
}

/// A layer as an arithmetic takes it.
#[derive(Debug)]
pub(super) struct Parts<A: Multiplier> {
    pub(super) arithmetic: A,
    pub(super) x: Coding,
    /// What stands for 0 in the input.
    pub(super) zero: A::Element,
    pub(super) weights: Vec<A::Element>,
    pub(super) bias: Vec<i32>,
}

/// Makes an operator of a layer's parts.
pub(super) trait Build {
    fn build<A: Quantized + 'static>(self, parts: Parts<A>) -> Prepared;
}

impl Layer {
    /// The operator in the arithmetic that suits the machine; where `pairs` of weights without zero
    /// points are to saturate, in that.
    pub(super) fn prepare(
        self,
        node: &Node,
        setting: &Setting,
        pairs: bool,
        build: impl Build,
    ) -> Prepared {
        let x = self.x;
        let [least, _] = x.bounds();
        let uncentred = Coding { zero_point: least, ..x };
        let zero = (x.zero_point - least) as i16;
        let fits_bytes = || self.weights.iter().all(|&w| i8::try_from(w).is_ok());
        if pairs && node.int(SATURATING, 0) != 0 {
            build.build(self.parts(SaturatingIntegers, uncentred, zero))
        } else if setting.machine.multiplies_bytes() && fits_bytes() {
            build.build(self.parts(Bytes { machine: setting.machine }, uncentred, zero))
        } else {
            build.build(self.parts(Integers { machine: setting.machine }, x, 0))
        }
    }

    /// With what `zero` adds to the sums taken off the bias.
    fn parts<A: Quantized>(self, arithmetic: A, x: Coding, zero: i16) -> Parts<A> {
        let Self { weights, k, mut bias, .. } = self;
        for (bias, weights) in bias.iter_mut().zip(weights.chunks_exact(k.max(1))) {
            let sum: i32 = weights.iter().map(|&w| i32::from(w)).sum();
            *bias = bias.wrapping_sub(i32::from(zero) * sum);
        }
        let weights = weights.into_iter().map(A::element).collect();
        Parts { arithmetic, x, zero: A::element(zero), weights, bias }
    }
}
