//! Images as pixels.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, RgbImage};

use crate::error::{Error, ErrorKind, Result};

pub(super) const FORMATS: [ImageFormat; 4] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp];

/// Three channels, as Pillow's `convert("RGB")`.
///
/// # Errors
/// What is no image, or cannot be decoded.
pub(super) fn decode(bytes: &[u8]) -> Result<RgbImage> {
    if bytes.is_empty() {
        return Err(Error::new("the file is empty"));
    }
    let format = image::guess_format(bytes)
        .ok()
        .filter(|format| FORMATS.contains(format))
        .ok_or_else(|| {
            Error::new("not a PNG, JPEG, WebP or BMP image")
                .of_kind(ErrorKind::Unreadable)
                .way_out("Convert it to one of them, or leave it out.")
        })?;
    // The reader's own limits, 512 MiB, keep a lying header from exhausting the memory.
    let image = ImageReader::with_format(Cursor::new(bytes), format).decode().map_err(|error| {
        Error::new(format!("the image cannot be decoded ({error})")).of_kind(ErrorKind::Unreadable)
    })?;
    Ok(image.into_rgb8())
}
