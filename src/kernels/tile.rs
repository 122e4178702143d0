//! The tile: dot products of a few rows with eight columns of packed weights.

/// Columns of a tile.
pub const COLUMNS: usize = 8;
/// Rows of a full tile: with 8 columns of 4-lane vectors this fills half of 16 vector registers,
/// which leaves room for operands.
pub const ROWS: usize = 4;

/// What a tile multiplies and sums in.
pub trait Arithmetic {
    type Input: Copy + Default;
    type Sum: Copy + Default;
    /// Consecutive elements along K that one packed step holds.
    const STEP: usize;

    /// `rows[r] . column c` for every row and column.
    ///
    /// `rows` are `k` long, `k` a multiple of [`Self::STEP`]; `packed` is one block of
    /// [`pack`]: `k / STEP` steps of `COLUMNS x STEP` weights.
    fn tile<const R: usize>(
        rows: [&[Self::Input]; R],
        packed: &[Self::Input],
    ) -> [[Self::Sum; COLUMNS]; R];
}

/// Rounds `k` up to whole steps.
pub fn padded_k<A: Arithmetic>(k: usize) -> usize {
    k.next_multiple_of(A::STEP)
}

/// Packs `columns` weight columns of length `k`, read through `weight(column, k)`, into blocks of
/// [`COLUMNS`]: `[block][k / STEP][column][STEP]`, padded with zeros.
pub fn pack<A: Arithmetic>(
    columns: usize,
    k: usize,
    weight: impl Fn(usize, usize) -> A::Input,
) -> Vec<A::Input> {
    let steps = padded_k::<A>(k) / A::STEP;
    let blocks = columns.div_ceil(COLUMNS);
    let mut packed = vec![A::Input::default(); blocks * steps * COLUMNS * A::STEP];
    for column in 0..columns {
        let (block, lane) = (column / COLUMNS, column % COLUMNS);
        for i in 0..k {
            let step = block * steps + i / A::STEP;
            packed[(step * COLUMNS + lane) * A::STEP + i % A::STEP] = weight(column, i);
        }
    }
    packed
}

/// 8-bit operands held as i16, summed in i32.
#[derive(Debug, Clone, Copy)]
pub struct Integer;

impl Arithmetic for Integer {
    type Input = i16;
    type Sum = i32;
    const STEP: usize = 2;

    #[inline]
    fn tile<const R: usize>(rows: [&[i16]; R], packed: &[i16]) -> [[i32; COLUMNS]; R] {
        pairs::tile(rows, packed)
    }
}

/// As [`Integer`], but for the sum of each pair of products, which saturates at 16 bits: what
/// `vpmaddubsw` does to u8 x i8 pairs on x86 without VNNI. For telling what such a machine would lose.
#[derive(Debug, Clone, Copy)]
pub struct SaturatingPairs;

impl Arithmetic for SaturatingPairs {
    type Input = i16;
    type Sum = i32;
    const STEP: usize = 2;

    fn tile<const R: usize>(rows: [&[i16]; R], packed: &[i16]) -> [[i32; COLUMNS]; R] {
        let steps = packed.as_chunks::<{ 2 * COLUMNS }>().0;
        let rows = rows.map(|row| &row.as_chunks::<2>().0[..steps.len()]);
        let mut sums = [[0; COLUMNS]; R];
        for (k, weights) in steps.iter().enumerate() {
            for r in 0..R {
                let [a, b] = rows[r][k].map(i32::from);
                for c in 0..COLUMNS {
                    let pair = a * i32::from(weights[2 * c]) + b * i32::from(weights[2 * c + 1]);
                    sums[r][c] += pair.clamp(i16::MIN.into(), i16::MAX.into());
                }
            }
        }
        sums
    }
}

/// f32 summed along K in order, each product rounded before it is added.
#[derive(Debug, Clone, Copy)]
pub struct Float;

impl Arithmetic for Float {
    type Input = f32;
    type Sum = f32;
    const STEP: usize = 1;

    #[inline]
    fn tile<const R: usize>(rows: [&[f32]; R], packed: &[f32]) -> [[f32; COLUMNS]; R] {
        floats::tile(rows, packed)
    }
}

/// The float tile, with eight lanes where the machine has them: the same products and sums in the
/// same order, so the same bits.
mod floats {
    use super::COLUMNS;

    #[inline(always)]
    pub(super) fn portable<const R: usize>(
        rows: [&[f32]; R],
        packed: &[f32],
    ) -> [[f32; COLUMNS]; R] {
        let mut sums = [[0.0; COLUMNS]; R];
        let steps = packed.as_chunks::<COLUMNS>().0;
        // One bound for all rows lets the compiler drop the checks in the loop.
        let rows = rows.map(|row| &row[..steps.len()]);
        for (k, weights) in steps.iter().enumerate() {
            for r in 0..R {
                let x = rows[r][k];
                for c in 0..COLUMNS {
                    sums[r][c] += x * weights[c];
                }
            }
        }
        sums
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(super) use portable as tile;

    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)]
    #[inline]
    pub(super) fn tile<const R: usize>(rows: [&[f32]; R], packed: &[f32]) -> [[f32; COLUMNS]; R] {
        #[target_feature(enable = "avx")]
        fn avx<const R: usize>(rows: [&[f32]; R], packed: &[f32]) -> [[f32; COLUMNS]; R] {
            portable(rows, packed)
        }
        if is_x86_feature_detected!("avx") {
            // SAFETY: the machine has AVX, as was just asked.
            return unsafe { avx(rows, packed) };
        }
        portable(rows, packed)
    }
}

/// Pairs of i16 multiplied and added to i32, where the target has an instruction for that.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(unsafe_code)]
mod pairs {
    use super::COLUMNS;
    use std::arch::wasm32::{i32x4_add, i32x4_dot_i16x8, i32x4_splat, v128_load, v128_store};

    #[inline]
    pub(super) fn tile<const R: usize>(rows: [&[i16]; R], packed: &[i16]) -> [[i32; COLUMNS]; R] {
        let steps = packed.as_chunks::<{ 2 * COLUMNS }>().0;
        let rows = rows.map(|row| &row.as_chunks::<2>().0[..steps.len()]);
        let mut sums = [[i32x4_splat(0); 2]; R];
        for (k, weights) in steps.iter().enumerate() {
            // SAFETY: `weights` is 16 i16, so both 16-byte loads lie inside it; wasm loads need no
            // alignment.
            let (low, high) = unsafe {
                let p = weights.as_ptr();
                (v128_load(p.cast()), v128_load(p.add(COLUMNS).cast()))
            };
            for r in 0..R {
                let [a, b] = rows[r][k];
                let x = i32x4_splat((i32::from(b) << 16) | i32::from(a as u16));
                sums[r][0] = i32x4_add(sums[r][0], i32x4_dot_i16x8(x, low));
                sums[r][1] = i32x4_add(sums[r][1], i32x4_dot_i16x8(x, high));
            }
        }
        sums.map(|[low, high]| {
            let mut out = [0; COLUMNS];
            // SAFETY: `out` is 8 i32, so both 16-byte stores lie inside it.
            unsafe {
                let p = out.as_mut_ptr();
                v128_store(p.cast(), low);
                v128_store(p.add(4).cast(), high);
            }
            out
        })
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod pairs {
    use super::COLUMNS;
    use std::arch::x86_64::{
        _mm_add_epi32, _mm_loadu_si128, _mm_madd_epi16, _mm_set1_epi32, _mm_setzero_si128,
        _mm_storeu_si128, _mm256_add_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
        _mm256_set1_epi32, _mm256_setzero_si256, _mm256_storeu_si256,
    };

    #[inline]
    pub(super) fn tile<const R: usize>(rows: [&[i16]; R], packed: &[i16]) -> [[i32; COLUMNS]; R] {
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the machine has AVX2, as was just asked.
            return unsafe { avx2(rows, packed) };
        }
        // SAFETY: SSE2 is part of x86-64.
        unsafe { sse2(rows, packed) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn avx2<const R: usize>(rows: [&[i16]; R], packed: &[i16]) -> [[i32; COLUMNS]; R] {
        let steps = packed.as_chunks::<{ 2 * COLUMNS }>().0;
        let rows = rows.map(|row| &row.as_chunks::<2>().0[..steps.len()]);
        let mut sums = [_mm256_setzero_si256(); R];
        for (k, weights) in steps.iter().enumerate() {
            // SAFETY: `weights` is 16 i16, which the unaligned 32-byte load covers.
            let weights = unsafe { _mm256_loadu_si256(weights.as_ptr().cast()) };
            for r in 0..R {
                let [a, b] = rows[r][k];
                let x = _mm256_set1_epi32((i32::from(b) << 16) | i32::from(a as u16));
                sums[r] = _mm256_add_epi32(sums[r], _mm256_madd_epi16(x, weights));
            }
        }
        sums.map(|sums| {
            let mut out = [0; COLUMNS];
            // SAFETY: `out` is 8 i32, which the unaligned 32-byte store covers.
            unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), sums) };
            out
        })
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn sse2<const R: usize>(rows: [&[i16]; R], packed: &[i16]) -> [[i32; COLUMNS]; R] {
        let steps = packed.as_chunks::<{ 2 * COLUMNS }>().0;
        let rows = rows.map(|row| &row.as_chunks::<2>().0[..steps.len()]);
        let mut sums = [[_mm_setzero_si128(); 2]; R];
        for (k, weights) in steps.iter().enumerate() {
            // SAFETY: `weights` is 16 i16, so both unaligned 16-byte loads lie inside it.
            let (low, high) = unsafe {
                let p = weights.as_ptr();
                (_mm_loadu_si128(p.cast()), _mm_loadu_si128(p.add(COLUMNS).cast()))
            };
            for r in 0..R {
                let [a, b] = rows[r][k];
                let x = _mm_set1_epi32((i32::from(b) << 16) | i32::from(a as u16));
                sums[r][0] = _mm_add_epi32(sums[r][0], _mm_madd_epi16(x, low));
                sums[r][1] = _mm_add_epi32(sums[r][1], _mm_madd_epi16(x, high));
            }
        }
        let mut out = [[0; COLUMNS]; R];
        for (out, [low, high]) in out.iter_mut().zip(sums) {
            // SAFETY: `out` is 8 i32, so both unaligned 16-byte stores lie inside it.
            unsafe {
                let p = out.as_mut_ptr();
                _mm_storeu_si128(p.cast(), low);
                _mm_storeu_si128(p.add(4).cast(), high);
            }
        }
        out
    }
}

#[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
mod pairs {
    pub(super) use super::scalar::tile;
}

/// The scalar truth that every other version must equal.
#[cfg(any(
    test,
    not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128")))
))]
mod scalar {
    use super::COLUMNS;

    pub(super) fn tile<const R: usize>(rows: [&[i16]; R], packed: &[i16]) -> [[i32; COLUMNS]; R] {
        let mut sums = [[0; COLUMNS]; R];
        for (k, weights) in packed.as_chunks::<{ 2 * COLUMNS }>().0.iter().enumerate() {
            for r in 0..R {
                for c in 0..COLUMNS {
                    for i in 0..2 {
                        sums[r][c] += i32::from(rows[r][2 * k + i]) * i32::from(weights[2 * c + i]);
                    }
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_tile_equals_scalar_at_the_extremes() {
        // The widest operands there are: u8 less zero point, and int8 weights.
        let extremes = [-255, 255, -128, 127, 0, 1];
        for k in [2, 4, 34, 130] {
            let rows: Vec<Vec<i16>> =
                (0..ROWS).map(|r| (0..k).map(|i| extremes[(i * 7 + r) % 6]).collect()).collect();
            let packed =
                pack::<Integer>(COLUMNS, k, |c, i| extremes[(i * 5 + c) % 6].clamp(-128, 127));
            let rows = [&rows[0][..], &rows[1], &rows[2], &rows[3]];
            assert_eq!(Integer::tile(rows, &packed), scalar::tile(rows, &packed), "k = {k}");
        }
    }

    #[test]
    fn pairs_saturate_at_sixteen_bits() {
        // 255 x 127 twice is 64,770; with the signs apart, 0; alone, 32,385.
        let packed = pack::<SaturatingPairs>(COLUMNS, 4, |c, i| match (c, i) {
            (0, _) => 127,
            (1, i) => [127, -127][i % 2],
            (2, i) => [127, 0][i % 2],
            _ => -128,
        });
        let [sums] = SaturatingPairs::tile([&[255, 255, 255, 255]], &packed);
        assert_eq!(sums[..4], [2 * 32_767, 0, 2 * 32_385, 2 * -32_768]);
    }

    #[test]
    fn float_tile_sums_in_order() {
        let k = 37;
        let row: Vec<f32> = (0..k).map(|i| (i as f32 * 0.37).sin() * 1e3).collect();
        let weight = |c: usize, i: usize| ((c * 31 + i) as f32 * 0.11).cos();
        let sums = Float::tile([&row[..]], &pack::<Float>(COLUMNS, k, weight));
        assert_eq!(sums, floats::portable([&row[..]], &pack::<Float>(COLUMNS, k, weight)));
        for (c, sum) in sums[0].iter().enumerate() {
            let expected = (0..k).fold(0.0, |sum: f32, i| sum + row[i] * weight(c, i));
            assert_eq!(sum.to_bits(), expected.to_bits());
        }
    }
}
