//! Vectors of sums, on every kind of machine: what the kernels are written in.
//!
//! An operand is read in words of 32 bits: one f32, or two i16 or four bytes that are multiplied
//! with as many weights and summed. So one loop serves every arithmetic.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub mod wasm;
#[cfg(target_arch = "x86_64")]
pub mod x86;

/// The most lanes that a vector has.
pub const MOST_LANES: usize = 16;

/// The most elements that a word has.
pub const MOST_STEP: usize = 4;

/// A vector of sums, and how products are added to it.
pub trait Lanes: Copy {
    /// f32, an 8-bit integer held as i16, or its byte.
    type Element: Copy + Default;
    type Sum: Copy + Default;
    type Vector: Copy;
    /// Sums in a vector.
    const LANES: usize;
    /// Elements in a word.
    const STEP: usize;

    /// Every sum 0.
    ///
    /// # Safety
    /// The machine has what the implementation needs, here as in every other function.
    unsafe fn zero() -> Self::Vector;

    /// A word for each lane.
    ///
    /// # Safety
    /// `LANES x STEP` elements can be read at `from`.
    unsafe fn load(from: *const Self::Element) -> Self::Vector;

    /// One word for all lanes.
    ///
    /// # Safety
    /// `STEP` elements can be read at `from`.
    unsafe fn spread(from: *const Self::Element) -> Self::Vector;

    /// Fetches what lies at `from`, which may be anywhere, into the cache.
    ///
    /// # Safety
    /// As [`Lanes::zero`].
    #[inline(always)]
    unsafe fn prefetch(_from: *const Self::Element) {}

    /// `sums + x . weights`, lane by lane.
    ///
    /// # Safety
    /// As [`Lanes::zero`].
    unsafe fn add_product(
        sums: Self::Vector,
        x: Self::Vector,
        weights: Self::Vector,
    ) -> Self::Vector;

    /// # Safety
    /// `LANES` sums can be written at `to`.
    unsafe fn store(sums: Self::Vector, to: *mut Self::Sum);
}

/// Lanes whose operand may differ from lane to lane, as in a depthwise convolution.
pub trait ChannelLanes: Lanes {
    /// Vectors of sums that a block of channels takes.
    const VECTORS: usize;

    /// Words of a block of `VECTORS x LANES` channels under as many taps as a word has elements,
    /// each tap's channels one after the other; in an order of its own, which weights packed by
    /// this function share and [`ChannelLanes::store_channels`] undoes. The first `VECTORS` vectors
    /// count.
    ///
    /// # Safety
    /// `VECTORS x LANES` elements can be read at each of the first `STEP` places.
    unsafe fn channels(taps: [*const Self::Element; MOST_STEP]) -> [Self::Vector; 2];

    /// Stores a block's sums, channel by channel.
    ///
    /// # Safety
    /// `VECTORS x LANES` sums can be written at `to`.
    unsafe fn store_channels(sums: [Self::Vector; 2], to: *mut Self::Sum);
}

/// A block's sums, out of their registers: those of at most two vectors.
///
/// Made of all rows of a tile at once: a loop that did more between them would keep the sums in
/// memory while they grow.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub struct Block<S: Copy>([MaybeUninit<S>; 2 * MOST_LANES]);

impl<S: Copy> Block<S> {
    /// Nothing stored yet.
    pub fn new() -> Self {
        Self([MaybeUninit::uninit(); 2 * MOST_LANES])
    }

    /// Where to store at most two vectors of sums.
    pub fn place(&mut self) -> *mut S {
        self.0.as_mut_ptr().cast()
    }

    /// # Safety
    /// So many sums were stored.
    pub unsafe fn first(&self, len: usize) -> &[S] {
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), len) }
    }
}

/// f32 on any machine. Each product is rounded before it is added: the same bits everywhere.
#[derive(Debug, Clone, Copy)]
pub struct Floats;

const PORTABLE: usize = 8;

impl Lanes for Floats {
    type Element = f32;
    type Sum = f32;
    type Vector = [f32; PORTABLE];
    const LANES: usize = PORTABLE;
    const STEP: usize = 1;

    #[inline(always)]
    unsafe fn zero() -> Self::Vector {
        [0.0; PORTABLE]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::Vector {
        // SAFETY: the caller lets 8 elements be read, wherever they start.
        unsafe { from.cast::<Self::Vector>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn spread(from: *const f32) -> Self::Vector {
        // SAFETY: the caller lets one element be read.
        [unsafe { *from }; PORTABLE]
    }

    #[inline(always)]
    unsafe fn add_product(
        mut sums: Self::Vector,
        x: Self::Vector,
        weights: Self::Vector,
    ) -> Self::Vector {
        for lane in 0..PORTABLE {
            sums[lane] += x[lane] * weights[lane];
        }
        sums
    }

    #[inline(always)]
    unsafe fn store(sums: Self::Vector, to: *mut f32) {
        // SAFETY: the caller lets 8 sums be written.
        unsafe { to.cast::<Self::Vector>().write_unaligned(sums) }
    }
}

impl ChannelLanes for Floats {
    const VECTORS: usize = 1;

    #[inline(always)]
    unsafe fn channels(taps: [*const f32; MOST_STEP]) -> [Self::Vector; 2] {
        // SAFETY: as the caller promises.
        [unsafe { Self::load(taps[0]) }, [0.0; PORTABLE]]
    }

    #[inline(always)]
    unsafe fn store_channels(sums: [Self::Vector; 2], to: *mut f32) {
        // SAFETY: as the caller promises.
        unsafe { Self::store(sums[0], to) }
    }
}

/// Pairs of i16 on any machine: the scalar truth that every other version equals.
#[derive(Debug, Clone, Copy)]
pub struct Pairs;

/// As [`Pairs`], but for the sum of each pair of products, which saturates at 16 bits: what
/// `vpmaddubsw` does to u8 x i8 pairs on x86 without VNNI. For telling what such a machine loses.
#[derive(Debug, Clone, Copy)]
pub struct SaturatingPairs;

/// Four u8 times the bytes of four i8, on any machine.
#[derive(Debug, Clone, Copy)]
pub struct Bytes;

macro_rules! portable_integers {
    ($lanes:ty, $element:ty, $step:literal, $product:expr) => {
        impl Lanes for $lanes {
            type Element = $element;
            type Sum = i32;
            type Vector = [i32; PORTABLE];
            const LANES: usize = PORTABLE;
            const STEP: usize = $step;

            #[inline(always)]
            unsafe fn zero() -> Self::Vector {
                [0; PORTABLE]
            }

            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self::Vector {
                // SAFETY: the caller lets 8 words be read, wherever they start.
                unsafe { from.cast::<Self::Vector>().read_unaligned() }
            }

            #[inline(always)]
            unsafe fn spread(from: *const $element) -> Self::Vector {
                // SAFETY: the caller lets a word be read, wherever it starts.
                [unsafe { from.cast::<i32>().read_unaligned() }; PORTABLE]
            }

            #[inline(always)]
            unsafe fn add_product(
                mut sums: Self::Vector,
                x: Self::Vector,
                weights: Self::Vector,
            ) -> Self::Vector {
                for lane in 0..PORTABLE {
                    let product: fn(i32, i32) -> i32 = $product;
                    sums[lane] = sums[lane].wrapping_add(product(x[lane], weights[lane]));
                }
                sums
            }

            #[inline(always)]
            unsafe fn store(sums: Self::Vector, to: *mut i32) {
                // SAFETY: the caller lets 8 sums be written.
                unsafe { to.cast::<Self::Vector>().write_unaligned(sums) }
            }
        }

        impl ChannelLanes for $lanes {
            const VECTORS: usize = 1;

            #[inline(always)]
            unsafe fn channels(taps: [*const $element; MOST_STEP]) -> [Self::Vector; 2] {
                let mut words = [[0; $step]; PORTABLE];
                for (channel, word) in words.iter_mut().enumerate() {
                    for (element, tap) in word.iter_mut().zip(taps) {
                        // SAFETY: the caller lets 8 elements be read at each of these places.
                        *element = unsafe { *tap.add(channel) };
                    }
                }
                // SAFETY: 8 words were made.
                [unsafe { Self::load(words.as_ptr().cast()) }, [0; PORTABLE]]
            }

            #[inline(always)]
            unsafe fn store_channels(sums: [Self::Vector; 2], to: *mut i32) {
                // SAFETY: as the caller promises.
                unsafe { Self::store(sums[0], to) }
            }
        }
    };
}

portable_integers!(Pairs, i16, 2, product_of_pairs);
portable_integers!(SaturatingPairs, i16, 2, |x, weights| {
    product_of_pairs(x, weights).clamp(i16::MIN.into(), i16::MAX.into())
});
portable_integers!(Bytes, u8, 4, |x, weights| {
    let products = x.to_ne_bytes().into_iter().zip(weights.to_ne_bytes());
    products.map(|(x, w)| i32::from(x) * i32::from(w as i8)).sum()
});

#[inline(always)]
fn product_of_pairs(x: i32, weights: i32) -> i32 {
    // As they lie in memory.
    let pair = |word: i32| {
        let [a, b, c, d] = word.to_ne_bytes();
        [i32::from(i16::from_ne_bytes([a, b])), i32::from(i16::from_ne_bytes([c, d]))]
    };
    let ([a, b], [v, w]) = (pair(x), pair(weights));
    a * v + b * w
}
