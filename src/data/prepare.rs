//! Pictures before they are kept: cropped, resized, in the colours that the network takes.

mod color;
mod crop;
mod resize;

pub(super) use color::{back, convert};

use crate::error::Result;
use crate::vocabulary::preprocessing::{Color, Crop, Preprocessing};
use crop::{View, cropped};
use resize::Resizer;

/// Prepares one picture after another.
#[derive(Debug)]
pub struct Preparer {
    crop: Crop,
    resizer: Option<Resizer>,
    resize: Option<[usize; 2]>,
    color: Color,
    prepared: Vec<u8>,
}

impl Preparer {
    /// # Errors
    /// What [`Preprocessing::check`] finds.
    pub fn new(preprocessing: Option<&Preprocessing>) -> Result<Self> {
        preprocessing.map_or(Ok(()), Preprocessing::check)?;
        let resize = preprocessing.and_then(|own| own.resize);
        Ok(Self {
            crop: preprocessing.and_then(|own| own.crop).unwrap_or_default(),
            resizer: resize.map(Resizer::new),
            resize,
            color: preprocessing.and_then(|own| own.color).unwrap_or_default(),
            prepared: Vec::new(),
        })
    }

    /// What becomes of a picture of this width and height: channels, height, width.
    ///
    /// # Errors
    /// Nothing is left of it.
    pub fn shape(&self, size: [usize; 2]) -> Result<[usize; 3]> {
        let left = cropped(size, self.crop)?;
        let [width, height] = self.resize.unwrap_or(left);
        Ok([self.color.channels(), height, width])
    }

    /// A picture of this width and height, height x width x red, green, blue, as it is kept: height x width x
    /// channels.
    ///
    /// # Errors
    /// Nothing is left of it.
    pub fn prepare(&mut self, picture: &[u8], size: [usize; 2]) -> Result<&[u8]> {
        let view = View::of(picture, size, self.crop)?;
        self.prepared.clear();
        match &mut self.resizer {
            Some(resizer) => resizer.resize(&view, &mut self.prepared),
            None => (0..view.size[1]).for_each(|y| self.prepared.extend_from_slice(view.row(y))),
        }
        convert(self.color, &mut self.prepared);
        Ok(&self.prepared)
    }
}
