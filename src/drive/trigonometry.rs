//! Sine and cosine of an f32 as the C library gives them to Box2D: the car is where Gymnasium's is only
//! if their last bits agree.
//!
//! After `sinf.c`, `cosf.c` and `sincosf.h` of Arm's optimized-routines, which glibc has from 2.28 to
//! 2.40. Copyright (c) 2018-2019, Arm Limited; the licence (MIT) stands in `NOTICE.md`.
//!
//! glibc compiles them with fused multiply-add where the machine has it. That shows in one place,
//! [`reduce`], which gives the fused result without: all finite f32 came out as glibc 2.36 has them.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, PI};

/// Of the cosine's polynomial in the square of the angle, but for the leading 1.
const COSINE: [f64; 4] = [
    f64::from_bits(0xbfdf_ffff_fd0c_621c),
    f64::from_bits(0x3fa5_5553_e106_8f19),
    f64::from_bits(0xbf56_c087_e89a_359d),
    f64::from_bits(0x3ef9_9343_027b_f8c3),
];
/// Of the sine's polynomial divided by the angle, but for the leading 1.
const SINE: [f64; 3] = [
    f64::from_bits(0xbfc5_5554_5995_a603),
    f64::from_bits(0x3f81_1076_0523_0bc4),
    f64::from_bits(0xbf29_94eb_3774_cf24),
];
/// 4/pi to 192 bits, eight more in each than in the one before.
const FOUR_OVER_PI: [u32; 24] = [
    0xa2,
    0xa2f9,
    0x00a2_f983,
    0xa2f9_836e,
    0xf983_6e4e,
    0x836e_4e44,
    0x6e4e_4415,
    0x4e44_1529,
    0x4415_29fc,
    0x1529_fc27,
    0x29fc_2757,
    0xfc27_57d1,
    0x2757_d1f5,
    0x57d1_f534,
    0xd1f5_34dd,
    0xf534_ddc0,
    0x34dd_c0db,
    0xddc0_db62,
    0xc0db_6295,
    0xdb62_9599,
    0x6295_993c,
    0x9599_3c43,
    0x993c_4390,
    0x3c43_9041,
];

/// Sine and cosine of `angle` in radians.
pub fn sine_cosine(angle: f32) -> (f32, f32) {
    if angle.abs() < 1.0 / 4096.0 {
        return (angle, 1.0);
    }
    if !angle.is_finite() {
        return (f32::NAN, f32::NAN);
    }
    let (x, quadrant) = if angle.abs() < 120.0 { reduce(angle) } else { reduce_large(angle) };
    let (sine, cosine) = (sine_of(x), cosine_of(x));
    let (sine, cosine) = match quadrant & 3 {
        0 => (sine, cosine),
        1 => (cosine, -sine),
        2 => (-sine, -cosine),
        _ => (-cosine, sine),
    };
    // Large ones are reduced without their sign.
    if angle <= -120.0 { (-sine, cosine) } else { (sine, cosine) }
}

/// What remains of `angle` in -pi/4 to pi/4, and how many right angles are taken off.
fn reduce(angle: f32) -> (f64, i32) {
    /// pi/2 in two parts, of which products with few bits are exact: so only the last difference
    /// rounds, as it does when it is fused.
    const UPPER: f64 = f64::from_bits(0x3ff9_21fb_5440_0000);
    const LOWER: f64 = FRAC_PI_2 - UPPER;
    let x = f64::from(angle);
    let quadrant = ((x * (FRAC_2_PI * (1 << 24) as f64)) as i32 + (1 << 23)) >> 24;
    let turns = f64::from(quadrant);
    (x - turns * UPPER - turns * LOWER, quadrant)
}

/// The same of the absolute of an `angle` of any size, by the product with as many bits of 4/pi as
/// matter.
fn reduce_large(angle: f32) -> (f64, i32) {
    let bits = angle.to_bits();
    let digits = &FOUR_OVER_PI[(bits >> 26) as usize & 15..];
    let mantissa = ((bits & 0x00ff_ffff) | 0x0080_0000) << ((bits >> 23) & 7);
    let product = |digits: u32| u64::from(mantissa) * u64::from(digits);
    let high = u64::from(mantissa.wrapping_mul(digits[0])) << 32;
    let sum = (high | product(digits[8]) >> 32).wrapping_add(product(digits[4]));
    let quadrant = sum.wrapping_add(1 << 61) >> 62;
    let rest = sum.wrapping_sub(quadrant << 62) as i64;
    (rest as f64 * (PI / (1u64 << 63) as f64), quadrant as i32)
}

fn sine_of(x: f64) -> f32 {
    let square = x * x;
    let cube = x * square;
    let tail = SINE[1] + square * SINE[2];
    (x + cube * SINE[0] + cube * square * tail) as f32
}

fn cosine_of(x: f64) -> f32 {
    let square = x * x;
    let fourth = square * square;
    let tail = COSINE[2] + square * COSINE[3];
    let head = 1.0 + square * COSINE[0];
    (head + fourth * COSINE[1] + fourth * square * tail) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits that glibc 2.36 gives; at the last two a reduction that rounds its product gives others.
    #[test]
    fn sine_and_cosine_are_glibcs() {
        for (angle, sine, cosine) in [
            (0.5, 0x3ef5_7744, 0x3f60_a940),
            (-2.0, 0xbf68_c7b7, 0xbed5_1133),
            (3.0, 0x3e10_81c3, 0xbf7d_7026),
            (100.0, 0xbf01_a12e, 0x3f5c_c0ee),
            (1234.5, 0x3e14_e299, 0xbf7d_4796),
            (-1e9, 0xbf0b_bc65, 0x3f56_7fc6),
            (1e30, 0xbf4a_89b0, 0xbf1c_9222),
            (53.422_52, 0xbc7d_08a9, 0xbf7f_f82f),
            (84.725_34, 0x3dc7_b08a, 0xbf7e_c7ba),
        ] {
            let (s, c) = sine_cosine(angle);
            assert_eq!((s.to_bits(), c.to_bits()), (sine, cosine), "{angle}");
        }
        assert_eq!(sine_cosine(-0.0).0.to_bits(), (-0.0_f32).to_bits());
        assert!(sine_cosine(f32::INFINITY).0.is_nan());
    }
}
