//! The exponential function as a loop over many elements can have it: no call, no branch, the same
//! bits on every target.

/// `e^x` within two units in the last place, for `x` in -87..=88; beyond, the value at the bound.
///
/// Cody and Waite's reduction to `2^n e^r` with `|r| <= ln 2 / 2`, then the Taylor polynomial of
/// degree 7.
#[inline]
pub fn exp(x: f32) -> f32 {
    // Adding and subtracting 1.5 x 2^23 rounds to the nearest integer.
    const ROUNDER: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut sum = 1.0 / 5040.0;
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = sum * r + coefficient;
    }
    // The integer stands in the lowest bits of the shifted number; it goes into the exponent.
    let exponent = shifted.to_bits().wrapping_sub(ROUNDER.to_bits()).wrapping_add(127) << 23;
    sum * f32::from_bits(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_exponential() {
        for i in -87_000..=88_000 {
            let x = i as f32 / 1000.0;
            let (ours, right) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((ours / right - 1.0).abs() < 2.4e-7, "e^{x} = {right}, not {ours}");
        }
        assert_eq!((exp(0.0), exp(-1e9), exp(f32::INFINITY)), (1.0, exp(-87.0), exp(88.0)));
    }
}
