//! The vectors of x86-64, 8 and 16 lanes wide.

use std::arch::x86_64::{
    __m256, __m256i, __m512, __m512i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm_setr_epi8,
    _mm256_add_epi32, _mm256_add_ps, _mm256_dpwssd_epi32, _mm256_fmadd_ps, _mm256_loadu_ps,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_ps, _mm256_permute2x128_si256,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_storeu_ps,
    _mm256_storeu_si256, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16, _mm512_add_epi32,
    _mm512_add_ps, _mm512_broadcast_i32x4, _mm512_castsi128_si512, _mm512_dpbusd_epi32,
    _mm512_dpwssd_epi32, _mm512_fmadd_ps, _mm512_inserti32x4, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_madd_epi16, _mm512_mul_ps, _mm512_permutexvar_epi32, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setr_epi32, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_shuffle_epi8,
    _mm512_storeu_ps, _mm512_storeu_si512,
};

use super::{ChannelLanes, Lanes, MOST_STEP};

/// Names a kind of lanes by its instructions. Nothing here is called but from functions that have
/// the features enabled, which is what makes the calls sound and lets them be inlined.
macro_rules! lanes {
    (
        $(#[$doc:meta])* $lanes:ident, $element:ty, $sum:ty, $vector:ty, $count:literal,
        $step:literal, $zero:ident, $load:ident, $set1:ident, $word:ty, $store:ident, $product:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $lanes;

        impl Lanes for $lanes {
            type Element = $element;
            type Sum = $sum;
            type Vector = $vector;
            const LANES: usize = $count;
            const STEP: usize = $step;

            #[inline(always)]
            unsafe fn zero() -> $vector {
                // SAFETY: the caller's machine has the instruction.
                unsafe { $zero() }
            }

            #[inline(always)]
            unsafe fn load(from: *const $element) -> $vector {
                // SAFETY: the caller lets a vector be read; this load needs no alignment.
                unsafe { $load(from.cast()) }
            }

            #[inline(always)]
            unsafe fn spread(from: *const $element) -> $vector {
                // SAFETY: the caller lets a word be read, wherever it starts.
                unsafe { $set1(from.cast::<$word>().read_unaligned()) }
            }

            #[inline(always)]
            unsafe fn prefetch(from: *const $element) {
                // SAFETY: every x86-64 has the instruction, which reads nothing that it may not.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
            }

            #[inline(always)]
            unsafe fn add_product(sums: $vector, x: $vector, weights: $vector) -> $vector {
                // SAFETY: the caller's machine has the instructions.
                unsafe { $product(sums, x, weights) }
            }

            #[inline(always)]
            unsafe fn store(sums: $vector, to: *mut $sum) {
                // SAFETY: the caller lets a vector be written; this store needs no alignment.
                unsafe { $store(to.cast(), sums) }
            }
        }
    };
}

macro_rules! floats256 {
    ($(#[$doc:meta])* $lanes:ident, $product:expr) => {
        lanes!(
            $(#[$doc])* $lanes, f32, f32, __m256, 8, 1, _mm256_setzero_ps, _mm256_loadu_ps,
            _mm256_set1_ps, f32, _mm256_storeu_ps, $product
        );

        impl ChannelLanes for $lanes {
            const VECTORS: usize = 2;

            #[inline(always)]
            unsafe fn channels(taps: [*const f32; MOST_STEP]) -> [__m256; 2] {
                // SAFETY: the caller lets 16 elements be read.
                unsafe { [Self::load(taps[0]), Self::load(taps[0].add(8))] }
            }

            #[inline(always)]
            unsafe fn store_channels(sums: [__m256; 2], to: *mut f32) {
                // SAFETY: the caller lets 16 sums be written.
                unsafe {
                    Self::store(sums[0], to);
                    Self::store(sums[1], to.add(8));
                }
            }
        }
    };
}

macro_rules! pairs256 {
    ($(#[$doc:meta])* $lanes:ident, $product:expr) => {
        lanes!(
            $(#[$doc])* $lanes, i16, i32, __m256i, 8, 2, _mm256_setzero_si256, _mm256_loadu_si256,
            _mm256_set1_epi32, i32, _mm256_storeu_si256, $product
        );

        impl ChannelLanes for $lanes {
            const VECTORS: usize = 2;

            #[inline(always)]
            unsafe fn channels(taps: [*const i16; MOST_STEP]) -> [__m256i; 2] {
                // SAFETY: the caller lets 16 elements be read at both places, by loads that need
                // no alignment, and has AVX2.
                unsafe {
                    let [a, b] =
                        [taps[0], taps[1]].map(|tap| _mm256_loadu_si256(tap.cast()));
                    // Halves interleave apart: channels 0-3 and 8-11, then 4-7 and 12-15.
                    [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)]
                }
            }

            #[inline(always)]
            unsafe fn store_channels(sums: [__m256i; 2], to: *mut i32) {
                // SAFETY: the caller lets 16 sums be written, and has AVX2.
                unsafe {
                    let [a, b] = sums;
                    Self::store(_mm256_permute2x128_si256::<0x20>(a, b), to);
                    Self::store(_mm256_permute2x128_si256::<0x31>(a, b), to.add(8));
                }
            }
        }
    };
}

floats256!(
    /// AVX, each product rounded before it is added.
    Floats256,
    |sums, x, w| _mm256_add_ps(sums, _mm256_mul_ps(x, w))
);
floats256!(
    /// FMA: fused, so not the bits of other machines.
    FusedFloats256,
    |sums, x, w| _mm256_fmadd_ps(x, w, sums)
);
lanes!(
    /// AVX-512, each product rounded before it is added.
    Floats512, f32, f32, __m512, 16, 1, _mm512_setzero_ps, _mm512_loadu_ps, _mm512_set1_ps, f32,
    _mm512_storeu_ps, |sums, x, w| _mm512_add_ps(sums, _mm512_mul_ps(x, w))
);
lanes!(
    /// AVX-512, fused.
    FusedFloats512, f32, f32, __m512, 16, 1, _mm512_setzero_ps, _mm512_loadu_ps, _mm512_set1_ps,
    f32, _mm512_storeu_ps, |sums, x, w| _mm512_fmadd_ps(x, w, sums)
);
pairs256!(
    /// AVX2's `vpmaddwd`.
    Pairs256,
    |sums, x, w| _mm256_add_epi32(sums, _mm256_madd_epi16(x, w))
);
pairs256!(
    /// VNNI's `vpdpwssd`, which does not saturate.
    VnniPairs256,
    |sums, x, w| _mm256_dpwssd_epi32(sums, x, w)
);
lanes!(
    /// AVX-512's `vpmaddwd`.
    Pairs512, i16, i32, __m512i, 16, 2, _mm512_setzero_si512, _mm512_loadu_si512,
    _mm512_set1_epi32, i32, _mm512_storeu_si512,
    |sums, x, w| _mm512_add_epi32(sums, _mm512_madd_epi16(x, w))
);
lanes!(
    /// AVX-512 VNNI's `vpdpwssd`, which does not saturate.
    VnniPairs512, i16, i32, __m512i, 16, 2, _mm512_setzero_si512, _mm512_loadu_si512,
    _mm512_set1_epi32, i32, _mm512_storeu_si512, |sums, x, w| _mm512_dpwssd_epi32(sums, x, w)
);
lanes!(
    /// AVX-512 VNNI's `vpdpbusd`, which does not saturate.
    VnniBytes512, u8, i32, __m512i, 16, 4, _mm512_setzero_si512, _mm512_loadu_si512,
    _mm512_set1_epi32, i32, _mm512_storeu_si512, |sums, x, w| _mm512_dpbusd_epi32(sums, x, w)
);

impl ChannelLanes for VnniBytes512 {
    const VECTORS: usize = 1;

    #[inline(always)]
    unsafe fn channels(taps: [*const u8; MOST_STEP]) -> [__m512i; 2] {
        // SAFETY: the caller lets 16 elements be read at each of the four places, by loads that
        // need no alignment, and has AVX-512 with BW.
        unsafe {
            let [a, b, c, d] = taps.map(|tap| _mm_loadu_si128(tap.cast()));
            let taps = _mm512_castsi128_si512(a);
            let taps = _mm512_inserti32x4::<1>(taps, b);
            let taps = _mm512_inserti32x4::<2>(taps, c);
            let taps = _mm512_inserti32x4::<3>(taps, d);
            // Four channels of every tap together, then every channel's taps.
            let fours = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            let apart = _mm512_broadcast_i32x4(_mm_setr_epi8(
                0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15,
            ));
            let words = _mm512_shuffle_epi8(_mm512_permutexvar_epi32(fours, taps), apart);
            [words, _mm512_setzero_si512()]
        }
    }

    #[inline(always)]
    unsafe fn store_channels(sums: [__m512i; 2], to: *mut i32) {
        // SAFETY: the caller lets 16 sums be written.
        unsafe { Self::store(sums[0], to) }
    }
}
