//! Several frames in a row as one, their channels one after another: how networks see motion.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use super::{ByteFrames, Dataset, Frames, bounded_vec};
use crate::error::{Error, Result};

impl Dataset {
    /// For each frame that has enough before it without a gap the last `depth`, the newest last; labels are
    /// the newest's.
    ///
    /// # Errors
    /// Frames in class folders, which have no order; no `depth` of them in a row; more than fits in memory.
    pub(super) fn stacked(self, depth: usize) -> Result<Self> {
        if depth <= 1 {
            return Ok(self);
        }
        if !self.is_ordered() {
            return Err(Error::new(
                "frames in class folders have no order, so none can be stacked",
            )
            .way_out("Give them in one folder, or in an npz, in the order of the drive."));
        }
        let newest =
            self.stretches().flat_map(|(from, to)| from + depth - 1..to.max(from + depth - 1));
        let newest: Vec<usize> = newest.collect();
        if newest.is_empty() {
            return Err(Error::new(format!("nowhere are there {depth} frames in a row"))
                .way_out("Stack fewer, or give more frames."));
        }
        let frames = self.stacked_frames(depth, &newest)?;
        let others = self.others.iter().map(|array| {
            array.changed(|data| match data.own_picture(0) {
                Some(_) => Ok(Self::bare(data.stacked_frames(depth, &newest)?)),
                None => Ok(data.select(&newest)),
            })
        });
        let others = others.collect::<Result<_>>()?;
        let labels = self.labels.as_ref().map(|labels| labels.select(&newest));
        let about = self.about.select(&newest);
        Ok(Self { frames, labels, others, about, gaps: Vec::new(), ..self })
    }

    /// For each frame of `newest` the last `depth`.
    fn stacked_frames(&self, depth: usize, newest: &[usize]) -> Result<Frames> {
        Ok(match &self.frames {
            Frames::Bytes(own) => {
                let [channels, height, width] = own.shape;
                let area = height * width;
                let mut pixels = bounded_vec((own.len() * depth).checked_mul(newest.len()))?;
                for last in newest {
                    for position in 0..area {
                        for frame in last + 1 - depth..=*last {
                            let at = (frame * area + position) * channels;
                            pixels.extend_from_slice(&own.pixels[at..at + channels]);
                        }
                    }
                }
                let shape = [channels * depth, height, width];
                let levels = own.levels.iter().cycle().take(shape[0]).copied().collect();
                let pixels = Arc::new(ByteBuf::from(pixels));
                let depth = own.depth * depth;
                let entering = shape.to_vec();
                Frames::Bytes(ByteFrames { shape, entering, depth, pixels, levels, ..*own })
            }
            Frames::Floats { shape, values } => {
                let len: usize = shape.iter().product();
                let mut stacked = bounded_vec((len * depth).checked_mul(newest.len()))?;
                for last in newest {
                    stacked.extend_from_slice(&values[(last + 1 - depth) * len..(last + 1) * len]);
                }
                let mut shape = shape.clone();
                match shape.first_mut() {
                    Some(channels) => *channels *= depth,
                    None => shape.push(depth),
                }
                Frames::Floats { shape, values: stacked }
            }
            Frames::Rows { .. } => self.select(newest).frames,
        })
    }

    /// Where frames follow one another without a gap: the first, and the one behind the last.
    fn stretches(&self) -> impl Iterator<Item = (usize, usize)> {
        let starts = std::iter::once(0).chain(self.gaps.iter().copied());
        let ends = self.gaps.iter().copied().chain([self.len()]);
        starts.zip(ends)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Dataset;
    use crate::vocabulary::labels::{Column, Labels, Numbers};

    fn input(data: &Dataset, frame: usize) -> Vec<f32> {
        let mut out = vec![0.0; data.frame_shape().iter().product()];
        data.input(frame, &mut out);
        out.iter().map(|x| x * 255.0).map(f32::round).collect()
    }

    /// Frames of two grey pixels, `i` and `100 + i`.
    fn grey(count: u8, gaps: &[usize]) -> Dataset {
        let pixels = (0..count).flat_map(|i| [i, 100 + i]).collect();
        let values = (0..count).map(f64::from).collect();
        let labels = Labels::new(vec![Column { name: None, numbers: Numbers::Values(values) }]);
        let mut data = Dataset::from_bytes([1, 1, 2], pixels, labels, Vec::new(), None).unwrap();
        data.gaps = gaps.to_vec();
        data
    }

    #[test]
    fn frames_are_stacked_the_newest_last_and_never_across_a_gap() {
        let stacked = grey(7, &[2, 3]).stacked(3).unwrap();
        // Of 0 1 | 2 | 3 4 5 6.
        assert_eq!((stacked.len(), stacked.frame_shape()), (2, &[3, 1, 2][..]));
        assert_eq!(input(&stacked, 0), [3.0, 103.0, 4.0, 104.0, 5.0, 105.0]);
        assert_eq!(input(&stacked, 1), [4.0, 104.0, 5.0, 105.0, 6.0, 106.0]);
        assert_eq!(*stacked.labels().unwrap().columns()[0].values(), [5.0, 6.0]);
        // What is seen of it is the newest.
        assert_eq!(stacked.picture(1).unwrap().rgba[..4], [6, 6, 6, 255]);
        assert_eq!(grey(3, &[]).stacked(1).unwrap().len(), 3);
    }

    #[test]
    fn floats_are_stacked_along_their_first_axis() {
        let values = (0..12).map(|i| i as f32 / 255.0).collect();
        let data = Dataset::from_floats(vec![1, 2], values, None);
        let stacked = data.stacked(2).unwrap();
        assert_eq!((stacked.len(), stacked.frame_shape()), (5, &[2, 2][..]));
        assert_eq!(input(&stacked, 4), [8.0, 9.0, 10.0, 11.0]);
    }

    #[test]
    fn what_has_no_order_or_too_few_is_not_stacked() {
        assert!(grey(3, &[]).stacked(4).unwrap_err().what.contains("4 frames in a row"));
        let classes = vec!["a".into(), "b".into()];
        let labels = Some(Labels::of_classes(vec![0, 1]));
        let folders = Dataset::from_bytes([1, 1, 1], vec![1, 2], labels, classes, None).unwrap();
        assert!(folders.stacked(2).unwrap_err().what.contains("no order"));
    }
}
