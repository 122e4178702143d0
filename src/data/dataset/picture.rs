//! Frames to look at: pixels as pictures, other numbers as bars.

use serde_bytes::ByteBuf;

use super::super::prepare::back;
use super::{Dataset, Frames};
use crate::vocabulary::frames::{Axes, Picture};
use crate::vocabulary::labels::Labels;
use crate::vocabulary::preprocessing::Color;

/// Smaller than this nothing is a picture.
const LEAST_SIDE: usize = 4;

/// Of bars, for frames that are no picture.
const BARS: [usize; 2] = [128, 96];
const INK: u8 = 0x50;
const PAPER: u8 = 0xf0;

/// Numbers that can be seen: where they stand, and from which to which they go.
struct Seen<'a> {
    values: &'a [f32],
    channels: usize,
    /// Elements from a channel to the next, and from a pixel to the next.
    strides: [usize; 2],
    height: usize,
    width: usize,
}

impl Dataset {
    /// The picture of a frame in the colours that a camera saw, which of several inputs is the first that can be seen; `None` outside the
    /// set.
    pub fn picture(&self, index: usize) -> Option<Picture> {
        let of_others = || self.parts().find_map(|part| part.own_picture(index));
        let picture = self.own_picture(index).or_else(of_others);
        let picture = picture.or_else(|| self.bars(index))?;
        let label = self.classes().map(|classes| classes[index] as usize);
        let columns = self.labels.iter().flat_map(Labels::beside);
        let values = columns.map(|column| column.value(index) as f32).collect();
        Some(Picture { label, values, ..picture })
    }

    pub(super) fn own_picture(&self, index: usize) -> Option<Picture> {
        if index >= self.len() {
            return None;
        }
        match &self.frames {
            Frames::Bytes(frames) => {
                let [all, height, width] = frames.shape;
                let channels = all / frames.depth;
                let (frame, newest) = (index * all * height * width, all - channels);
                let pixel = |position: usize| &frames.pixels[frame + position * all + newest..];
                let value = |channel: usize, position: usize| match (frames.color, pixel(position))
                {
                    (Color::Bgr | Color::Yuv, &[a, b, c, ..]) if channels == 3 => {
                        back(frames.color, [a, b, c])[channel]
                    }
                    (_, pixel) => pixel[channel],
                };
                let is_picture = [1, 3, 4].contains(&channels);
                is_picture.then(|| picture(index, [channels, height, width], value))
            }
            Frames::Floats { shape, values } => {
                let len: usize = shape.iter().product();
                let seen = Seen::of(shape, values.get(index * len..(index + 1) * len)?)?;
                let level = levels(seen.values);
                let [of_channel, of_pixel] = seen.strides;
                let value = |channel: usize, position: usize| {
                    level(seen.values[channel * of_channel + position * of_pixel])
                };
                Some(picture(index, [seen.channels, seen.height, seen.width], value))
            }
            Frames::Rows { .. } => None,
        }
    }

    /// Numbers that are no picture, each a bar or several together.
    fn bars(&self, index: usize) -> Option<Picture> {
        if index >= self.len() {
            return None;
        }
        let mut values = vec![0.0; self.frame_shape().iter().product()];
        self.input(index, &mut values);
        let bounds = |values: &[f32]| {
            let fold = |[low, high]: [f32; 2], &x: &f32| [low.min(x), high.max(x)];
            values.iter().fold([0.0_f32, 0.0], fold)
        };
        let [low, high] = bounds(&values);
        let [width, height] = BARS;
        // From above, in rows.
        let row = |value: f32| {
            let part = (high - value) / (high - low);
            // What is no number lies at the bottom.
            (part.clamp(0.0, 1.0) * (height - 1) as f32) as usize
        };
        let zero = row(0.0);
        let mut grey = vec![PAPER; width * height];
        for column in 0..width {
            let from = column * values.len() / width;
            let to = ((column + 1) * values.len() / width).max(from + 1);
            let [least, most] = bounds(values.get(from..to).unwrap_or_default());
            for row in row(most).min(zero)..=row(least).max(zero) {
                grey[row * width + column] = INK;
            }
        }
        Some(picture(index, [1, height, width], |_, position| grey[position]))
    }
}

impl<'a> Seen<'a> {
    /// Floats of this shape as a picture, channels first or last, if they can be one.
    fn of(shape: &[usize], values: &'a [f32]) -> Option<Self> {
        let is_picture = |channels: usize, height: usize, width: usize| {
            [1, 3, 4].contains(&channels) && height.min(width) >= LEAST_SIDE
        };
        let (axes, [channels, height, width]) = match *shape {
            [c, h, w] if is_picture(c, h, w) => (Axes::ChannelsFirst, [c, h, w]),
            [h, w, c] if is_picture(c, h, w) => (Axes::ChannelsLast, [c, h, w]),
            [h, w] if is_picture(1, h, w) => (Axes::Plane, [1, h, w]),
            _ => return None,
        };
        let strides = match axes {
            Axes::ChannelsLast => [1, channels],
            Axes::ChannelsFirst | Axes::Plane => [height * width, 1],
        };
        Some(Self { values, channels, strides, height, width })
    }
}

/// How bright numbers are: those of 0 to 1 and of 0 to 255 as what they mean, others from the least to
/// the most.
fn levels(values: &[f32]) -> impl Fn(f32) -> u8 {
    let finite = values.iter().filter(|value| value.is_finite());
    let fold = |[low, high]: [f32; 2], &x: &f32| [low.min(x), high.max(x)];
    let [low, high] = finite.fold([f32::INFINITY, f32::NEG_INFINITY], fold);
    let (low, scale) = match (low, high) {
        (0.0..=1.0, ..=1.0) => (0.0, 255.0),
        (0.0..=255.0, ..=255.0) => (0.0, 1.0),
        (low, high) if high > low => (low, 255.0 / (high - low)),
        (low, _) => (low, 1.0),
    };
    // The cast takes care of what lies outside, and of NaN.
    move |value| ((value - low) * scale).round() as u8
}

fn picture(
    index: usize,
    [channels, height, width]: [usize; 3],
    value: impl Fn(usize, usize) -> u8,
) -> Picture {
    let mut rgba = Vec::with_capacity(4 * height * width);
    for position in 0..height * width {
        for channel in 0..3 {
            rgba.push(value(channel.min(channels - 1), position));
        }
        rgba.push(u8::MAX);
    }
    Picture { index, width, height, rgba: ByteBuf::from(rgba), label: None, values: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(shape: &[usize], values: Vec<f32>) -> Picture {
        let frames = Frames::Floats { shape: shape.to_vec(), values };
        Dataset::bare(frames).picture(0).expect("it is seen")
    }

    #[test]
    fn floats_are_pictures_in_any_order_of_axes() {
        let first: Vec<f32> = (0..48).map(|i| i as f32 / 47.0).collect();
        let last: Vec<f32> = (0..48).map(|i| first[i % 3 * 16 + i / 3]).collect();
        let seen = floats(&[3, 4, 4], first.clone());
        assert_eq!((seen.width, seen.height), (4, 4));
        assert_eq!(seen.rgba[..4], [0, 87, 174, 255]);
        assert_eq!(floats(&[4, 4, 3], last.clone()).rgba, seen.rgba);
        let bytes = last.iter().map(|x| x * 255.0).collect();
        assert_eq!(floats(&[4, 4, 3], bytes).rgba, seen.rgba);
        let signed = last.iter().map(|x| 2.0 * x - 1.0).collect();
        assert_eq!(floats(&[4, 4, 3], signed).rgba, seen.rgba);
        assert_eq!(floats(&[4, 4], vec![1.0; 16]).rgba[..4], [255; 4]);
    }

    #[test]
    fn other_numbers_are_bars() {
        let mut ranges = vec![1.0; 256];
        ranges[128..].fill(-1.0);
        let seen = floats(&[256, 1], ranges);
        let ink = |row: usize, column: usize| seen.rgba[4 * (row * seen.width + column)] == INK;
        assert!(ink(0, 0) && !ink(95, 0) && !ink(0, 127) && ink(95, 127));
        let none = floats(&[1], vec![f32::NAN]);
        assert_eq!([none.width, none.height], BARS);
    }
}
