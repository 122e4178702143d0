//! The part of a picture that enters.

use crate::error::{Error, Result};
use crate::vocabulary::preprocessing::Crop;

/// Of a decoded picture: red, green, blue.
pub(super) const CHANNELS: usize = 3;

/// A part of a picture, height x width x channels, where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// From the first pixel of the part on.
    pixels: &'a [u8],
    /// Width and height of the part.
    pub(super) size: [usize; 2],
    /// Bytes from a row to the next.
    stride: usize,
}

impl<'a> View<'a> {
    /// The part of a picture of this width and height that `crop` leaves.
    ///
    /// # Errors
    /// Nothing is left.
    pub(super) fn of(pixels: &'a [u8], size: [usize; 2], crop: Crop) -> Result<Self> {
        let left = cropped(size, crop)?;
        let stride = size[0] * CHANNELS;
        let first = crop.top * stride + crop.left * CHANNELS;
        Ok(Self { pixels: &pixels[first..], size: left, stride })
    }

    pub(super) fn row(&self, y: usize) -> &'a [u8] {
        &self.pixels[y * self.stride..][..self.size[0] * CHANNELS]
    }
}

/// Width and height that `crop` leaves.
///
/// # Errors
/// Nothing is left.
pub(super) fn cropped([width, height]: [usize; 2], crop: Crop) -> Result<[usize; 2]> {
    let Crop { top, right, bottom, left } = crop;
    let rest = |side: usize, cut: [usize; 2]| {
        side.checked_sub(cut[0])?.checked_sub(cut[1]).filter(|rest| *rest > 0)
    };
    rest(width, [left, right]).zip(rest(height, [top, bottom])).map(|(w, h)| [w, h]).ok_or_else(|| {
        Error::new(format!(
            "cropping {top} rows above, {bottom} below and {left} columns to the left, {right} to the right \
             leaves nothing of a picture of {width}x{height}"
        ))
        .way_out("Crop less: --crop TOP,RIGHT,BOTTOM,LEFT.")
    })
}
