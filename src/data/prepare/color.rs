//! What the channels of a picture say, with the numbers of OpenCV's `cvtColor`: ITU-R BT.601 in integers.

use super::crop::CHANNELS;
use crate::vocabulary::preprocessing::Color;

/// Bits behind the point of the weights of grey, and of the others.
const GRAY_BITS: u32 = 15;
const BITS: u32 = 14;

/// How bright red, green and blue are.
const GRAY: [i32; 3] = [9798, 19_235, 3735];
const LUMA: [i32; 3] = [4899, 9617, 1868];
/// What the differences are multiplied by: 0.492 and 0.877.
const FROM_BLUE: i32 = 8061;
const FROM_RED: i32 = 14_369;
/// And back: 2.032, -0.395, -0.581 and 1.140.
const TO_BLUE: i32 = 33_292;
const TO_GREEN: [i32; 2] = [-6472, -9519];
const TO_RED: i32 = 18_678;
/// A difference of none.
const MIDDLE: i32 = 128;

/// Gives pixels of red, green and blue, one after another, their colours. There are fewer bytes then, if they
/// are grey.
pub(in crate::data) fn convert(color: Color, pixels: &mut Vec<u8>) {
    let each = pixels.chunks_exact_mut(CHANNELS);
    match color {
        Color::Rgb => {}
        Color::Bgr => each.for_each(|pixel| pixel.swap(0, 2)),
        Color::Yuv => each.for_each(|pixel| pixel.copy_from_slice(&yuv(of(pixel)))),
        Color::Gray => {
            let count = pixels.len() / CHANNELS;
            for at in 0..count {
                pixels[at] = gray(of(&pixels[at * CHANNELS..]));
            }
            pixels.truncate(count);
        }
    }
}

/// Red, green and blue of a pixel that has these colours, as near as bytes are.
pub(in crate::data) fn back(color: Color, pixel: [u8; 3]) -> [u8; 3] {
    let [a, b, c] = pixel;
    match color {
        Color::Rgb | Color::Gray => pixel,
        Color::Bgr => [c, b, a],
        Color::Yuv => {
            let [y, u, v] = pixel.map(i32::from);
            let [u, v] = [u - MIDDLE, v - MIDDLE];
            [
                byte(y + rounded(v * TO_RED, BITS)),
                byte(y + rounded(u * TO_GREEN[0] + v * TO_GREEN[1], BITS)),
                byte(y + rounded(u * TO_BLUE, BITS)),
            ]
        }
    }
}

fn of(pixel: &[u8]) -> [i32; 3] {
    std::array::from_fn(|channel| i32::from(pixel[channel]))
}

fn gray(pixel: [i32; 3]) -> u8 {
    byte(rounded(weighed(pixel, GRAY), GRAY_BITS))
}

fn yuv(pixel: [i32; 3]) -> [u8; 3] {
    let [red, _, blue] = pixel;
    let y = rounded(weighed(pixel, LUMA), BITS);
    let from =
        |difference: i32, factor: i32| byte(rounded(difference * factor + (MIDDLE << BITS), BITS));
    [byte(y), from(blue - y, FROM_BLUE), from(red - y, FROM_RED)]
}

fn weighed(pixel: [i32; 3], weights: [i32; 3]) -> i32 {
    pixel.into_iter().zip(weights).map(|(value, weight)| value * weight).sum()
}

/// Without so many bits behind the point; halves go up.
fn rounded(value: i32, bits: u32) -> i32 {
    (value + (1 << (bits - 1))) >> bits
}

fn byte(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}
