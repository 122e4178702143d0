//! From sums to 8 bits again.

/// Adding and subtracting 1.5 x 2^23 leaves a float rounded to the nearest integer, ties to even,
/// on every target and without a call; right for magnitudes below 2^22.
const ROUNDER: f32 = 12_582_912.0;

/// Calls a function with as many lanes as divide `len`, which is known where this is compiled.
macro_rules! by_lanes {
    ($len:expr, $($function:ident).+($($argument:expr),*)) => {
        match $len {
            len if len % 16 == 0 => $($function).+::<16>($($argument),*),
            len if len % 8 == 0 => $($function).+::<8>($($argument),*),
            len if len % 4 == 0 => $($function).+::<4>($($argument),*),
            _ => $($function).+::<1>($($argument),*),
        }
    };
}
pub(super) use by_lanes;

/// Rounds half to even; `|x| < 2^22`.
#[inline]
pub fn round_small(x: f32) -> f32 {
    (x + ROUNDER) - ROUNDER
}

/// QuantizeLinear for one element: `saturate(round_half_even(x / scale) + zero_point)`.
///
/// <https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html>
pub fn quantize(x: f32, scale: f32, zero_point: i32, [low, high]: [i32; 2]) -> i32 {
    // Clamped before the cast: infinities are bounds, NaN is the lower one.
    let x = (x / scale).max((low - zero_point) as f32).min((high - zero_point) as f32);
    round_small(x) as i32 + zero_point
}

/// An output's scale per channel, zero point and bounds.
///
/// As ONNX Runtime requantizes: `f32(sum) * multiplier`, clamp, round half to even, then add the
/// zero point.
#[derive(Debug, Clone, PartialEq)]
pub struct Requantize {
    /// One, or one per channel.
    multipliers: Vec<f32>,
    zero_point: i32,
    /// Bounds before the zero point is added.
    low: f32,
    high: f32,
}

impl Requantize {
    /// `bounds` are the smallest and largest output, zero point included: those of the type, or
    /// narrower where an activation is folded in.
    pub fn new(multipliers: Vec<f32>, zero_point: i32, bounds: [i32; 2]) -> Self {
        let [low, high] = bounds.map(|b| (b - zero_point) as f32);
        Self { multipliers, zero_point, low, high }
    }

    #[inline]
    pub fn multiplier(&self, channel: usize) -> f32 {
        if let [one] = self.multipliers[..] { one } else { self.multipliers[channel] }
    }

    /// An integer sum in units of the channel's input scale, to the output's integers.
    #[inline]
    pub fn sum(&self, channel: usize, sum: i32) -> i32 {
        self.real(sum as f32 * self.multiplier(channel))
    }

    /// `sums + bias` of some rows, for the channels from `first` on, to the output's integers: to
    /// rows of `width`, the first of them at the start of `out`.
    ///
    /// # Panics
    /// Without a multiplier for each channel.
    #[inline(always)]
    pub fn sums<const ROWS: usize>(
        &self,
        first: usize,
        sums: [&[i32]; ROWS],
        bias: &[i32],
        out: &mut [u8],
        width: usize,
    ) {
        let multipliers = &self.multipliers[first..][..bias.len()];
        for (r, sums) in sums.into_iter().enumerate() {
            let out = &mut out[r * width..][..bias.len()];
            by_lanes!(bias.len(), self.sums_in_lanes(sums, bias, multipliers, out));
        }
    }

    #[inline(always)]
    fn sums_in_lanes<const LANES: usize>(
        &self,
        sums: &[i32],
        bias: &[i32],
        multipliers: &[f32],
        out: &mut [u8],
    ) {
        let (sums, bias) = (sums.as_chunks::<LANES>().0, bias.as_chunks::<LANES>().0);
        let out = out.as_chunks_mut::<LANES>().0.iter_mut();
        let values = sums.iter().zip(bias).zip(multipliers.as_chunks::<LANES>().0);
        for (out, ((sums, bias), multipliers)) in out.zip(values) {
            let mut reals = [0.0; LANES];
            for i in 0..LANES {
                reals[i] = sums[i].wrapping_add(bias[i]) as f32 * multipliers[i];
            }
            self.reals(&reals, out);
        }
    }

    /// [`Requantize::real`] of each element.
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    #[inline(always)]
    pub fn reals<const LANES: usize>(&self, reals: &[f32; LANES], out: &mut [u8; LANES]) {
        // Made apart from where it goes, which the compiler cannot tell from what it reads.
        let mut codes = [0; LANES];
        for i in 0..LANES {
            codes[i] = self.real(reals[i]) as u8;
        }
        *out = codes;
    }

    /// [`Requantize::real`] of each element.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    #[inline(always)]
    pub fn reals<const LANES: usize>(&self, reals: &[f32; LANES], out: &mut [u8; LANES]) {
        let (reals, rest) = reals.as_chunks::<8>();
        let (out, out_rest) = out.as_chunks_mut::<8>();
        for (out, reals) in out.iter_mut().zip(reals) {
            *out = self.eight(reals);
        }
        for (out, &real) in out_rest.iter_mut().zip(rest) {
            *out = self.real(real) as u8;
        }
    }

    /// The compiler would take the vectors apart to narrow them.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    #[inline(always)]
    fn eight(&self, reals: &[f32; 8]) -> [u8; 8] {
        use std::arch::wasm32::{
            f32x4, f32x4_add, f32x4_pmax, f32x4_pmin, f32x4_splat, i16x8_narrow_i32x4, i32x4_add,
            i32x4_splat, i64x2_extract_lane, u8x16_narrow_i16x8, v128_and,
        };
        let [a, b, c, d, e, f, g, h] = *reals;
        let halves = [f32x4(a, b, c, d), f32x4(e, f, g, h)].map(|x| {
            let x = f32x4_pmin(f32x4_splat(self.high), f32x4_pmax(f32x4_splat(self.low), x));
            let offset = self.zero_point.wrapping_sub(ROUNDER.to_bits() as i32);
            let code = i32x4_add(f32x4_add(x, f32x4_splat(ROUNDER)), i32x4_splat(offset));
            // Signed codes as their bytes.
            v128_and(code, i32x4_splat(0xFF))
        });
        let codes = i16x8_narrow_i32x4(halves[0], halves[1]);
        i64x2_extract_lane::<0>(u8x16_narrow_i16x8(codes, codes)).to_le_bytes()
    }

    /// A real number in units of the output scale, to the output's integers.
    #[inline(always)]
    pub fn real(&self, x: f32) -> i32 {
        // The lower bound first: it is what NaN becomes.
        let x = if x > self.low { x } else { self.low };
        let x = if x < self.high { x } else { self.high };
        // The integer stands in the lowest bits of the shifted number.
        let shifted = (x + ROUNDER).to_bits();
        (shifted as i32 - ROUNDER.to_bits() as i32) + self.zero_point
    }

    /// The same with a multiplier for each of `channels`.
    #[must_use]
    pub fn spread(mut self, channels: usize) -> Self {
        if let [one] = self.multipliers[..] {
            self.multipliers = vec![one; channels];
        }
        self
    }

    pub fn bytes(&self) -> usize {
        size_of_val(&self.multipliers[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_to_even_like_the_standard_library() {
        for i in -2000..2000 {
            let x = i as f32 / 8.0;
            assert_eq!(round_small(x), x.round_ties_even(), "{x}");
        }
    }

    #[test]
    fn zero_point_is_added_after_rounding() {
        // 0.5 rounds to 0, then 3 is added; rounding 3.5 would have given 4.
        let requantize = Requantize::new(vec![0.5], 3, [0, 255]);
        assert_eq!(requantize.sum(0, 1), 3);
        assert_eq!(requantize.sum(0, 3), 5);
        assert_eq!(requantize.sum(0, 10_000), 255);
        assert_eq!(requantize.sum(0, -10_000), 0);
    }
}
