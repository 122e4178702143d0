//! The way of an image from its file to what is kept of it.

use super::Dataset;
use crate::data::decode::decode;
use crate::data::prepare::Preparer;
use crate::data::sample::Sample;
use crate::error::Result;
use crate::vocabulary::entering::Step;
use crate::vocabulary::frames::Picture;
use crate::vocabulary::preprocessing::Preprocessing;

/// Larger pictures are shown with fewer pixels.
const MOST_SIDE: usize = 640;

impl Dataset {
    /// With the image that shows how they enter.
    #[must_use]
    pub(in crate::data) fn with_sample(self, sample: Option<Sample>) -> Self {
        Self { sample: sample.map(Into::into), ..self }
    }

    /// The first image as it lies in its file, and after each step that makes another of it; none where frames
    /// come from arrays.
    ///
    /// # Errors
    /// As when it was read.
    pub fn steps(&self) -> Result<Vec<Step>> {
        let Some(sample) = &self.sample else { return Ok(Vec::new()) };
        let Sample { bytes, preprocessing } = &**sample;
        let image = decode(bytes)?;
        let (width, height) = image.dimensions();
        let size = [width as usize, height as usize];
        let mut steps = vec![Step {
            what: "as it lies in its file".into(),
            size,
            picture: picture(&image, [3, size[1], size[0]]),
        }];
        let so_far = [
            (preprocessing.crop.is_some(), "cropped"),
            (preprocessing.resize.is_some(), "resized"),
            (preprocessing.color.is_some(), preprocessing.color.unwrap_or_default().name()),
        ];
        for (at, (is_taken, what)) in so_far.into_iter().enumerate() {
            if !is_taken {
                continue;
            }
            let partly = Preprocessing {
                crop: preprocessing.crop,
                resize: preprocessing.resize.filter(|_| at > 0),
                color: preprocessing.color.filter(|_| at > 1),
                ..Preprocessing::default()
            };
            let mut preparer = Preparer::new(Some(&partly))?;
            let shape = preparer.shape(size)?;
            let picture = picture(preparer.prepare(&image, size)?, shape);
            steps.push(Step { what: what.into(), size: [shape[2], shape[1]], picture });
        }
        Ok(steps)
    }
}

/// Pixels of one channel or three to look at, as if they were grey, or red, green and blue.
fn picture(pixels: &[u8], [channels, height, width]: [usize; 3]) -> Picture {
    let step = width.max(height).div_ceil(MOST_SIDE).max(1);
    let mut rgba = Vec::with_capacity(4 * width.div_ceil(step) * height.div_ceil(step));
    for y in (0..height).step_by(step) {
        for x in (0..width).step_by(step) {
            let pixel = &pixels[(y * width + x) * channels..][..channels];
            match *pixel {
                [red, green, blue] => rgba.extend([red, green, blue, u8::MAX]),
                _ => rgba.extend([pixel[0], pixel[0], pixel[0], u8::MAX]),
            }
        }
    }
    let (width, height) = (width.div_ceil(step), height.div_ceil(step));
    Picture { index: 0, width, height, rgba: rgba.into(), label: None, values: Vec::new() }
}
