//! A data set in memory.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::images::is_image_name;
use super::{archive, images, npy, npz};
use crate::error::{Context, Error, Result};
use crate::kernels::order::channels_last;
use crate::progress::Progress;
use crate::random;
use crate::vocabulary::file::File;
use crate::vocabulary::frames::{DataSummary, Normalization, Picture};

/// Frames of one set take at most this many bytes in memory: what a browser tab can still hold.
const MAX_BYTES: usize = i32::MAX as usize;

mod levels {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        levels: &[[f32; 256]],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(levels.iter().map(|levels| &levels[..]))
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(
        from: D,
    ) -> Result<Vec<[f32; 256]>, D::Error> {
        let levels = Vec::<Vec<f32>>::deserialize(from)?;
        let all_of_them = |_| D::Error::custom("a channel has 256 levels");
        levels.into_iter().map(|levels| levels.try_into().map_err(all_of_them)).collect()
    }
}

/// Frames that stand for a set.
const PROBES: usize = 64;

/// Frames of one shape, with or without labels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dataset {
    /// The file that holds all of it, for messages.
    file: Option<String>,
    frames: Frames,
    labels: Option<Vec<u32>>,
    class_names: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Frames {
    Bytes(ByteFrames),
    /// Already in network form: `shape` of one frame, and the frames one after another.
    Floats {
        shape: Vec<usize>,
        values: Vec<f32>,
    },
}

/// uint8 frames as they came, height x width x channels each, one after another.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ByteFrames {
    /// Channels, height, width.
    shape: [usize; 3],
    #[serde(with = "serde_bytes")]
    pixels: Vec<u8>,
    /// Per channel, what each of the 256 pixel values becomes.
    #[serde(with = "levels")]
    levels: Vec<[f32; 256]>,
}

impl Dataset {
    /// Reads one npz, one zip of images, or images; which of them it is, the content says.
    ///
    /// - npz: `x` is uint8 N,H,W,C (divided by 255, normalized, transposed to C,H,W) or float32 or
    ///   float16 with the frames along the first axis (enters as it is); `y`, which may be missing, is N labels of
    ///   any integer type.
    /// - several npz or several zips: their frames one after another.
    /// - images (PNG, JPEG, WebP, BMP): three channels, see [`images::read`] for labels and colours.
    ///
    /// `normalization` is for uint8 frames and images only. Progress counts frames.
    pub fn read(
        files: &[File],
        normalization: Option<&Normalization>,
        progress: &mut Progress,
    ) -> Result<Self> {
        match files {
            [] => Err(Error::new("no file was given")
                .way_out("Give an npz, a zip of class folders, or the images of class folders.")),
            [file] if !is_image_name(&file.name) || archive::is_zip(&file.bytes) => {
                let mut data = Self::read_one(file, normalization, progress).in_file(&file.name)?;
                data.file = Some(file.name.clone());
                Ok(data)
            }
            _ if files.iter().all(|file| archive::is_zip(&file.bytes)) => {
                let mut parts = Vec::with_capacity(files.len());
                for file in files {
                    parts.push(Self::read_one(file, normalization, progress).in_file(&file.name)?);
                }
                Self::join(parts)
            }
            _ => {
                if let Some(file) = files.iter().find(|file| archive::is_zip(&file.bytes)) {
                    return Err(Error::new("an archive among other files")
                        .in_file(&file.name)
                        .way_out("Give one npz or zip at a time, or only images."));
                }
                let entries: Vec<_> =
                    files.iter().map(|file| images::Entry::new(&file.name, None)).collect();
                let mut load = |index: usize| Ok(files[index].bytes.as_slice().into());
                images::read(&entries, &mut load, normalization, progress)
            }
        }
    }

    /// The frames of all parts, one after another.
    ///
    /// # Errors
    /// Parts of other shapes, kinds or classes than the first.
    fn join(parts: Vec<Self>) -> Result<Self> {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else { return Err(Error::new("no file was given")) };
        for part in parts {
            let alike = part.frame_shape() == all.frame_shape()
                && part.class_names == all.class_names
                && part.labels.is_some() == all.labels.is_some();
            match (&mut all.frames, part.frames) {
                (Frames::Bytes(own), Frames::Bytes(other)) if alike => {
                    own.pixels.extend(other.pixels);
                }
                (Frames::Floats { values: own, .. }, Frames::Floats { values, .. }) if alike => {
                    own.extend(values);
                }
                _ => {
                    return Err(Error::new("the archives hold frames of different kinds").way_out(
                        "Archives that are given together need the same frame shape and classes.",
                    ));
                }
            }
            if let (Some(own), Some(other)) = (&mut all.labels, part.labels) {
                own.extend(other);
            }
        }
        Ok(all)
    }

    /// Tells `hear` what distinguishes this set from others: its labels, and one frame in so many
    /// that sets of any size take about as long.
    pub(crate) fn fingerprint(&self, hear: &mut dyn FnMut(&[u8])) {
        let shape = self.frame_shape();
        let len: usize = shape.iter().product();
        let numbers = shape.iter().copied().chain([self.len()]).map(|n| n as u32);
        numbers.chain(self.labels.iter().flatten().copied()).for_each(|n| hear(&n.to_le_bytes()));
        for i in (0..self.len()).step_by(self.len().div_ceil(PROBES).max(1)) {
            match &self.frames {
                Frames::Bytes(frames) => hear(&frames.pixels[i * len..][..len]),
                Frames::Floats { values, .. } => {
                    values[i * len..][..len].iter().for_each(|value| hear(&value.to_le_bytes()));
                }
            }
        }
        if let Frames::Bytes(ByteFrames { levels, .. }) = &self.frames {
            levels.iter().flatten().for_each(|level| hear(&level.to_le_bytes()));
        }
    }

    /// The frames `indices`, in that order.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let len: usize = self.frame_shape().iter().product();
        let frames = match &self.frames {
            Frames::Bytes(frames) => {
                let pixels = indices.iter().flat_map(|i| &frames.pixels[i * len..][..len]);
                let (shape, levels) = (frames.shape, frames.levels.clone());
                Frames::Bytes(ByteFrames { shape, pixels: pixels.copied().collect(), levels })
            }
            Frames::Floats { shape, values } => {
                let values = indices.iter().flat_map(|i| &values[i * len..][..len]);
                Frames::Floats { shape: shape.clone(), values: values.copied().collect() }
            }
        };
        let labels = self.labels.as_ref().map(|own| indices.iter().map(|&i| own[i]).collect());
        Self { file: self.file.clone(), frames, labels, class_names: self.class_names.clone() }
    }

    /// The frames with pixels as they are, 0 to 255, and with `channels_last` in their own order of
    /// axes; frames of floats enter as they are anyway.
    ///
    /// # Errors
    /// Frames that were to be normalized.
    pub fn unscaled(&self, channels_last: bool) -> Result<Cow<'_, Self>> {
        let Frames::Bytes(ByteFrames { shape, pixels, levels: own }) = &self.frames else {
            return Ok(Cow::Borrowed(self));
        };
        let channels @ [count, height, width] = *shape;
        let plain: [f32; 256] = std::array::from_fn(|value| value as f32);
        let frames = match own.iter().all(|levels| *levels == plain) {
            true if !channels_last => return Ok(Cow::Borrowed(self)),
            false if *own != levels(count, None)? => {
                return Err(Error::new("it takes pixels as they are, from 0 to 255")
                    .way_out("Leave mean and standard deviation out."));
            }
            _ if channels_last => Frames::Floats {
                shape: vec![height, width, count],
                values: pixels.iter().map(|&value| value.into()).collect(),
            },
            _ => Frames::Bytes(ByteFrames {
                shape: channels,
                pixels: pixels.clone(),
                levels: vec![plain; count],
            }),
        };
        let (file, labels) = (self.file.clone(), self.labels.clone());
        Ok(Cow::Owned(Self { file, frames, labels, class_names: self.class_names.clone() }))
    }

    fn read_one(
        file: &File,
        normalization: Option<&Normalization>,
        progress: &mut Progress,
    ) -> Result<Self> {
        if file.bytes.is_empty() {
            return Err(Error::new("the file is empty"));
        }
        if npy::is_npy(&file.bytes) {
            return Err(Error::new("a single .npy array, which cannot carry labels").way_out(
                "Save frames and labels together: np.savez(\"set.npz\", x=frames, y=labels).",
            ));
        }
        if !archive::is_zip(&file.bytes) {
            return Err(Error::new("neither an npz, nor a zip, nor an image").way_out(
                "Data is an npz with `x` and `y`, or images in class folders, zipped or not.",
            ));
        }
        let mut archive = archive::Archive::open(&file.bytes)?;
        if npz::has_arrays(&archive) {
            return npz::read(&mut archive, normalization, progress);
        }
        let entries: Vec<_> =
            archive.names().iter().map(|name| images::Entry::new(name, Some(&file.name))).collect();
        let mut load = |index: usize| archive.read(index).map(Into::into);
        images::read(&entries, &mut load, normalization, progress)
    }

    /// uint8 frames, N,H,W,C in `pixels`; `shape` is channels, height, width.
    pub(super) fn from_bytes(
        shape: [usize; 3],
        pixels: Vec<u8>,
        labels: Option<Vec<u32>>,
        class_names: Vec<String>,
        normalization: Option<&Normalization>,
    ) -> Result<Self> {
        let levels = levels(shape[0], normalization)?;
        Ok(Self {
            file: None,
            frames: Frames::Bytes(ByteFrames { shape, pixels, levels }),
            labels,
            class_names,
        })
    }

    /// float32 frames in network form.
    pub(crate) fn from_floats(
        shape: Vec<usize>,
        values: Vec<f32>,
        labels: Option<Vec<u32>>,
        normalization: Option<&Normalization>,
    ) -> Result<Self> {
        if normalization.is_some() {
            return Err(Error::new("mean and standard deviation do not apply to float32 frames")
                .way_out(
                    "Leave them out (float32 enters as it is), or save the frames as uint8.",
                ));
        }
        Ok(Self {
            file: None,
            frames: Frames::Floats { shape, values },
            labels,
            class_names: Vec::new(),
        })
    }

    /// The number of frames.
    pub fn len(&self) -> usize {
        match &self.frames {
            Frames::Bytes(frames) => frames.pixels.len() / frames.shape.iter().product::<usize>(),
            Frames::Floats { shape, values } => values.len() / shape.iter().product::<usize>(),
        }
    }

    /// Whether there are no frames; what [`read`](Self::read) gives has some.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of one frame in network form, without the batch: channels, height, width for
    /// pictures.
    pub fn frame_shape(&self) -> &[usize] {
        match &self.frames {
            Frames::Bytes(frames) => &frames.shape,
            Frames::Floats { shape, .. } => shape,
        }
    }

    /// Class indices, one per frame.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// The file that holds all of it, if it is one.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// From the folder names; empty when the labels are bare numbers.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Writes frame `index` in network form: row-major, [`frame_shape`](Self::frame_shape).
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len) or `out` is not exactly one frame.
    pub fn input(&self, index: usize, out: &mut [f32]) {
        let size = out.len();
        assert_eq!(size, self.frame_shape().iter().product::<usize>(), "not one frame");
        let range = index * size..(index + 1) * size;
        match &self.frames {
            Frames::Floats { values, .. } => out.copy_from_slice(&values[range]),
            Frames::Bytes(ByteFrames { shape: [channels, height, width], pixels, levels }) => {
                let frame = &pixels[range];
                for (channel, plane) in out.chunks_exact_mut(height * width).enumerate() {
                    let levels = &levels[channel];
                    let values = frame[channel..].iter().step_by(*channels);
                    for (out, &value) in plane.iter_mut().zip(values) {
                        *out = levels[usize::from(value)];
                    }
                }
            }
        }
    }

    /// Writes frame `index` with the channels last: height, width, channels for pictures.
    ///
    /// # Panics
    /// As [`input`](Self::input).
    pub fn input_channels_last(&self, index: usize, out: &mut [f32]) {
        let size = out.len();
        let shape = self.frame_shape();
        assert_eq!(size, shape.iter().product::<usize>(), "not one frame");
        let range = index * size..(index + 1) * size;
        match &self.frames {
            Frames::Floats { values, .. } => {
                let channels = shape.first().copied().unwrap_or(1);
                channels_last(&values[range], channels, out);
            }
            Frames::Bytes(ByteFrames { pixels, levels, .. }) => {
                let pixels = pixels[range].chunks_exact(levels.len());
                for (out, pixel) in out.chunks_exact_mut(levels.len()).zip(pixels) {
                    for ((out, levels), &value) in out.iter_mut().zip(levels).zip(pixel) {
                        *out = levels[usize::from(value)];
                    }
                }
            }
        }
    }

    /// Frame `index` as a picture, or `None` when there is no such frame or it is no picture (one,
    /// three or four channels; the fourth is taken for opacity and left out; floats clamped to 0..1).
    pub fn picture(&self, index: usize) -> Option<Picture> {
        if index >= self.len() {
            return None;
        }
        let &[channels, height, width] = self.frame_shape() else { return None };
        if ![1, 3, 4].contains(&channels) {
            return None;
        }
        let frame = index * channels * height * width;
        let value = |channel: usize, position: usize| match &self.frames {
            Frames::Bytes(frames) => frames.pixels[frame + position * channels + channel],
            Frames::Floats { values, .. } => {
                // The cast takes care of what lies outside 0..1, and of NaN.
                (values[frame + channel * height * width + position] * 255.0).round() as u8
            }
        };
        let mut rgba = Vec::with_capacity(4 * height * width);
        for position in 0..height * width {
            for channel in 0..3 {
                rgba.push(value(channel.min(channels - 1), position));
            }
            rgba.push(u8::MAX);
        }
        let label = self.labels.as_ref().map(|labels| labels[index] as usize);
        Some(Picture { index, width, height, rgba: ByteBuf::from(rgba), label })
    }

    /// `samples` of the frames (`None`, or more than there are: all), ascending.
    ///
    /// The choice depends on the number of frames and the seed alone: see [`random::choose`].
    pub fn subset(&self, samples: Option<usize>, seed: u64) -> Vec<usize> {
        random::choose(self.len(), samples.unwrap_or(usize::MAX), seed)
    }

    /// Frames per class, in class order; empty when there are no labels.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.class_names.len()];
        for &label in self.labels.iter().flatten() {
            let label = label as usize;
            if label >= counts.len() {
                counts.resize(label + 1, 0);
            }
            counts[label] += 1;
        }
        counts
    }

    pub fn summary(&self) -> DataSummary {
        DataSummary {
            frames: self.len(),
            class_counts: self.class_counts(),
            class_names: self.class_names.clone(),
            frame_shape: self.frame_shape().to_vec(),
        }
    }

    /// The labels, for a network of `classes` outputs.
    ///
    /// # Errors
    /// When there are none, or one of them is no class of the network.
    pub fn check_labels(&self, classes: usize) -> Result<&[u32]> {
        let checked = self.labels_below(classes);
        match &self.file {
            Some(file) => checked.in_file(file),
            None => checked,
        }
    }

    fn labels_below(&self, classes: usize) -> Result<&[u32]> {
        let labels = self.labels().ok_or_else(|| {
            Error::new("the frames have no labels")
                .way_out("Add an array `y` to the npz, or sort images into class folders.")
        })?;
        match labels.iter().position(|&label| label as usize >= classes) {
            None => Ok(labels),
            Some(frame) => Err(Error::new(format!(
                "label {}{} of frame {frame} is out of range: the network has {classes} classes, 0 to {}",
                labels[frame],
                match self.class_names.get(labels[frame] as usize) {
                    Some(name) => format!(" (`{name}`)"),
                    None => String::new(),
                },
                classes.saturating_sub(1),
            ))
            .way_out("Labels are the indices of the network's outputs, counted from 0.")),
        }
    }
}

/// What each pixel value becomes, per channel: `(value / 255 - mean) / std`, in f32.
fn levels(channels: usize, normalization: Option<&Normalization>) -> Result<Vec<[f32; 256]>> {
    let per_channel = |values: Option<&Vec<f32>>, name: &str, default: f32| match values {
        Some(values) if !values.is_empty() => {
            if values.len() != channels {
                return Err(Error::new(format!(
                    "the {name} has {} values, the frames have {channels} channels",
                    values.len()
                )));
            }
            Ok(values.clone())
        }
        _ => Ok(vec![default; channels]),
    };
    let mean = per_channel(normalization.map(|n| &n.mean), "mean", 0.0)?;
    let std = per_channel(normalization.map(|n| &n.std), "standard deviation", 1.0)?;
    if !mean.iter().chain(&std).all(|value| value.is_finite()) || std.contains(&0.0) {
        return Err(Error::new("mean and standard deviation must be finite, the latter not 0"));
    }
    let table = |(mean, std): (&f32, &f32)| {
        std::array::from_fn(|value| (value as f32 / 255.0 - mean) / std)
    };
    Ok(mean.iter().zip(&std).map(table).collect())
}

/// An empty vector with room for exactly `count` elements.
///
/// # Errors
/// When that is more than [`MAX_BYTES`], or more than there is.
pub(super) fn bounded_vec<T>(count: Option<usize>) -> Result<Vec<T>> {
    let too_large = || {
        Error::new("the data does not fit in memory").way_out(format!(
            "Give fewer or smaller frames: up to {} MiB of pixels.",
            MAX_BYTES >> 20
        ))
    };
    let count = count
        .filter(|count| count.checked_mul(size_of::<T>()).is_some_and(|bytes| bytes <= MAX_BYTES))
        .ok_or_else(too_large)?;
    let mut vec = Vec::new();
    vec.try_reserve_exact(count).map_err(|_| too_large())?;
    Ok(vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(first: u8, frames: usize) -> Dataset {
        let pixels = (0..frames * 12).map(|i| first + i as u8).collect();
        let labels = Some((0..frames as u32).collect());
        Dataset::from_bytes([3, 2, 2], pixels, labels, vec!["a".into(), "b".into()], None).unwrap()
    }

    fn input(data: &Dataset, frame: usize, channels_last: bool) -> Vec<f32> {
        let mut out = vec![0.0; data.frame_shape().iter().product()];
        match channels_last {
            true => data.input_channels_last(frame, &mut out),
            false => data.input(frame, &mut out),
        }
        out
    }

    #[test]
    fn archives_are_joined_and_frames_selected() {
        let joined = Dataset::join(vec![bytes(0, 2), bytes(100, 1)]).unwrap();
        assert_eq!((joined.len(), joined.labels()), (3, Some(&[0, 1, 0][..])));
        assert_eq!(input(&joined, 2, false), input(&bytes(100, 1), 0, false));
        let selected = joined.select(&[2, 0]);
        assert_eq!((selected.len(), selected.labels()), (2, Some(&[0, 0][..])));
        assert_eq!(input(&selected, 0, false), input(&joined, 2, false));
        let floats = Dataset::from_floats(vec![3, 2, 2], vec![0.5; 12], Some(vec![0]), None);
        let error = Dataset::join(vec![bytes(0, 1), floats.unwrap()]).unwrap_err();
        assert!(error.what.contains("different kinds"), "{error}");
    }

    #[test]
    fn pixels_are_left_as_they_are_where_they_are_wanted_so() {
        let data = bytes(7, 2);
        let scaled = input(&data, 1, true);
        for (channels_last, shape) in [(false, [3, 2, 2]), (true, [2, 2, 3])] {
            let plain = data.unscaled(channels_last).unwrap();
            assert_eq!((plain.frame_shape(), plain.labels()), (&shape[..], data.labels()));
            let pixels = input(&plain, 1, !channels_last);
            let same = |(a, b): (&f32, &f32)| (a - b * 255.0).abs() < 1e-4;
            assert!(pixels.iter().zip(&scaled).all(same), "{pixels:?}");
            assert_eq!(
                input(&plain.unscaled(channels_last).unwrap(), 0, false),
                input(&plain, 0, false)
            );
        }
        let normalization = Normalization { mean: vec![0.5; 3], std: vec![1.0; 3] };
        let data =
            Dataset::from_bytes([3, 2, 2], vec![0; 12], None, Vec::new(), Some(&normalization));
        let error = data.unwrap().unscaled(false).unwrap_err();
        assert!(error.what.contains("pixels as they are"), "{error}");
    }

    #[test]
    fn channels_come_last_where_they_are_wanted_so() {
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let floats = Dataset::from_floats(vec![3, 2, 4], values, None, None).unwrap();
        for data in [bytes(7, 1), floats] {
            let (first, last) = (input(&data, 0, false), input(&data, 0, true));
            let pixels = first.len() / 3;
            for (i, value) in last.iter().enumerate() {
                assert_eq!(*value, first[i % 3 * pixels + i / 3]);
            }
        }
    }
}
