//! A data set in memory.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::archive::{self, Archive};
use super::entry::{Entry, file_name, is_image_name, is_record_name, is_table_name, stem};
use super::records::{self, natural};
use super::sample::Sample;
use super::tree::{Given, Tree};
use super::{images, npy, npz};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::graph::{Element, Graph};
use crate::kernels::order::channels_last;
use crate::progress::Progress;
use crate::random;
use crate::runtime::input_shape;
use crate::shelf::Shelf;
use crate::vocabulary::file::{File, Source};
use crate::vocabulary::frames::{Axes, DataSummary, LabelColumn};
use crate::vocabulary::labels::{Column, Labels, Numbers};
use crate::vocabulary::preprocessing::{Color, Preprocessing};
use crate::vocabulary::reading::Reading;

/// Frames of one set take at most this many bytes in memory: what a browser tab can still hold.
const MAX_BYTES: usize = i32::MAX as usize;

mod about;
mod arrays;
mod picture;
mod shown;
mod stack;
mod steps;

use about::About;

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
    labels: Option<Labels>,
    class_names: Vec<String>,
    /// Frames that do not follow those before them in the drive, ascending.
    gaps: Vec<usize>,
    /// The array of an npz that the frames are, where it is not `x`.
    array: Option<String>,
    /// Its other arrays.
    others: Vec<Array>,
    /// The first image, where they are images.
    sample: Option<Arc<Sample>>,
    about: About,
}

/// An array beside the frames.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Array {
    pub(super) name: String,
    /// In the file.
    pub(super) shape: Vec<usize>,
    /// Its numbers for each frame; `None` where it has none.
    pub(super) data: Option<Dataset>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Frames {
    Bytes(ByteFrames),
    /// Already in network form: `shape` of one frame, and the frames one after another.
    Floats {
        shape: Vec<usize>,
        values: Vec<f32>,
    },
    /// Of each frame the numbers of several arrays, one array after another: what a network with an
    /// input for each takes. `shape` is how many they are.
    Rows {
        shape: Vec<usize>,
        parts: Vec<Dataset>,
    },
}

/// uint8 frames as they came, height x width x channels each, one after another.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ByteFrames {
    /// Channels, height, width.
    shape: [usize; 3],
    /// How many pictures a frame has, one after another along its channels.
    depth: usize,
    /// What the channels of a picture say.
    color: Color,
    /// How a frame enters, and its shape then.
    axes: Axes,
    entering: Vec<usize>,
    /// Shared by sets that enter differently.
    pixels: Arc<ByteBuf>,
    /// Per channel, what each of the 256 pixel values becomes.
    #[serde(with = "levels")]
    levels: Vec<[f32; 256]>,
}

impl Dataset {
    /// Reads files that are at hand: see [`read_from`](Self::read_from).
    ///
    /// # Errors
    /// As [`read_from`](Self::read_from).
    pub fn read(files: &[File], reading: &Reading, progress: &mut Progress) -> Result<Self> {
        Self::read_given(files.iter().map(Given::Here).collect(), reading, progress)
    }

    /// Reads an npz, a zip or the files of a folder; which of them it is, the content says.
    ///
    /// - npz: `x` is uint8 N,H,W,C (divided by 255, normalized, transposed to C,H,W) or floats with the
    ///   frames along the first axis (enters as it is); `y`, which may be missing, is a
    ///   class (any integer type) or a value (or a row of them, of any type) for each frame; without it
    ///   every other array of such a form has labels by its name. Arrays that have numbers for each
    ///   frame may be the inputs of a network by their names, of which it may have several; then `x` may
    ///   be missing, and frames are the first array of pictures, or else of the most axes. The arrays may
    ///   be files of their own, too.
    /// - several npz or several zips: their frames one after another. Tables beside them have labels of the
    ///   images in them; rows may be for images of any, and where those lie in class folders numbered from 0,
    ///   the frames have both, their classes and what the table says.
    /// - images (PNG, JPEG, WebP, BMP): three channels, whose labels may lie in the
    ///   names of folders or files, or in a table.
    ///
    /// Preprocessing is for uint8 frames and images only, cropping and resizing for images. Progress counts
    /// frames. Files on the `shelf` are opened one after another, and images held no longer than it takes to
    /// make a frame of them.
    ///
    /// # Errors
    /// Names the file, the place in it and the way out.
    pub fn read_from(
        sources: &[Source],
        shelf: &dyn Shelf,
        reading: &Reading,
        progress: &mut Progress,
    ) -> Result<Self> {
        let given = sources.iter().map(|source| Given::of(source, shelf)).collect();
        Self::read_given(given, reading, progress)
    }

    fn read_given(files: Vec<Given>, reading: &Reading, progress: &mut Progress) -> Result<Self> {
        let preprocessing = reading.preprocessing.as_ref();
        preprocessing.map_or(Ok(()), Preprocessing::check)?;
        let data = Self::read_each(files, reading, progress)?;
        let is_said = preprocessing.is_some_and(Preprocessing::changes_pixels) && !reading.noted;
        if is_said && !matches!(data.frames, Frames::Bytes(_)) {
            let error =
                Error::new("colours, mean and standard deviation do not apply to float32 frames")
                    .way_out(
                        "Leave them out (float32 enters as it is), or save the frames as uint8.",
                    );
            return data.of_file(Err(error));
        }
        let depth = preprocessing.and_then(|own| own.stack).unwrap_or(1);
        let file = data.file.clone();
        let made = data.scaled(&reading.labelling).and_then(|data| data.stacked(depth));
        match file {
            Some(file) => made.in_file(&file),
            None => made,
        }
    }

    /// As [`Dataset::read`], each frame by itself.
    fn read_each(files: Vec<Given>, reading: &Reading, progress: &mut Progress) -> Result<Self> {
        let is_zip =
            |file: &Given| Ok::<_, Error>(archive::is_zip(&file.start().in_file(file.name())?));
        match &files[..] {
            [] => Err(Error::new("no file was given")
                .way_out("Give an npz, a zip, or the images of a folder with their labels.")),
            [file] if !is_image_name(file.name()) || is_zip(file)? => {
                let data = Self::read_one(*file, &[], reading, progress).in_file(file.name())?;
                Ok(Self { file: Some(file.name().to_owned()), ..data })
            }
            _ => {
                let mut zips = Vec::new();
                for file in files.iter().filter(|file| !is_image_name(file.name())) {
                    if is_zip(file)? {
                        zips.push(*file);
                    }
                }
                let tables: Vec<Given> =
                    files.iter().filter(|file| is_table_name(file.name())).copied().collect();
                if !zips.is_empty() && zips.len() + tables.len() == files.len() {
                    let mut parts = Vec::with_capacity(zips.len());
                    for file in zips {
                        let part = Self::read_one(file, &tables, reading, progress);
                        parts.push(part.in_file(file.name())?);
                    }
                    return Self::join(parts);
                }
                if let Some(file) = zips.iter().find(|file| !is_record_name(file.name())) {
                    return Err(Error::new("an archive among other files")
                        .in_file(file.name())
                        .way_out("Give one npz or zip at a time, or only images."));
                }
                Self::read_tree(&mut Tree::Files(files), reading, progress)
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
        parts.try_for_each(|part| all.extend(part))?;
        Ok(all)
    }

    /// Adds the frames of another set.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    fn extend(&mut self, part: Self) -> Result<()> {
        let alike = part.frame_shape() == self.frame_shape()
            && part.class_names == self.class_names
            && part.array == self.array
            && part.labels.is_some() == self.labels.is_some();
        let before = self.len();
        match (&mut self.frames, part.frames) {
            (Frames::Bytes(own), Frames::Bytes(other)) if alike => {
                Arc::make_mut(&mut own.pixels).extend_from_slice(&other.pixels);
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
        self.gaps.push(before);
        self.gaps.extend(part.gaps.iter().map(|gap| before + gap));
        self.extend_others(part.others);
        self.about.extend(part.about);
        if let (Some(own), Some(other)) = (&mut self.labels, part.labels)
            && !own.extend(other)
        {
            return Err(Error::new("the archives hold different labels")
                .way_out("Archives that are given together need the same columns."));
        }
        Ok(())
    }

    /// Tells `hear` what distinguishes this set from others: its labels, and one frame in so many
    /// that sets of any size take about as long.
    pub(crate) fn fingerprint(&self, hear: &mut dyn FnMut(&[u8])) {
        let shape = self.frame_shape();
        let len: usize = shape.iter().product();
        let numbers = shape.iter().copied().chain([self.len()]).map(|n| n as u32);
        numbers.for_each(|n| hear(&n.to_le_bytes()));
        for column in self.labels.iter().flat_map(Labels::columns) {
            match &column.numbers {
                Numbers::Classes(own) => own.iter().for_each(|n| hear(&n.to_le_bytes())),
                Numbers::Values(own) => own.iter().for_each(|n| hear(&n.to_le_bytes())),
            }
        }
        if let Frames::Rows { parts, .. } = &self.frames {
            for part in parts {
                part.fingerprint(hear);
            }
            return;
        }
        for i in (0..self.len()).step_by(self.len().div_ceil(PROBES).max(1)) {
            match &self.frames {
                Frames::Rows { .. } => {}
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

    /// The frames `indices`, in that order, without other arrays.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let len: usize = self.frame_shape().iter().product();
        let frames = match &self.frames {
            Frames::Bytes(frames) => {
                let pixels = indices.iter().flat_map(|i| &frames.pixels[i * len..][..len]);
                let pixels = Arc::new(ByteBuf::from(pixels.copied().collect::<Vec<_>>()));
                Frames::Bytes(ByteFrames { pixels, ..frames.clone() })
            }
            Frames::Floats { shape, values } => {
                let values = indices.iter().flat_map(|i| &values[i * len..][..len]);
                Frames::Floats { shape: shape.clone(), values: values.copied().collect() }
            }
            Frames::Rows { shape, parts } => {
                let parts = parts.iter().map(|part| part.select(indices)).collect();
                Frames::Rows { shape: shape.clone(), parts }
            }
        };
        let labels = self.labels.as_ref().map(|own| own.select(indices));
        let (file, class_names) = (self.file.clone(), self.class_names.clone());
        Self { file, labels, class_names, ..Self::bare(frames) }
    }

    /// The frames as this network takes them: bytes as they are, and pixels as they are where its file notes
    /// that, in its own order of axes; of several arrays those of its inputs.
    ///
    /// # Errors
    /// As [`entering`](Self::entering), [`frames_for`](Self::frames_for) and [`rows_for`](Self::rows_for).
    pub fn taken_by(&self, graph: &Graph) -> Result<Cow<'_, Self>> {
        if !graph.packed.is_empty() {
            return self.rows_for(&graph.packed);
        }
        let takes = |shape: &[usize]| input_shape(graph, Some(shape)).is_ok();
        let plain =
            graph.file_input == Some(Element::U8) || Preprocessing::takes_pixels(&graph.metadata);
        match self.frames_for(&graph.input.name)? {
            Cow::Borrowed(data) => data.entering(takes, plain),
            Cow::Owned(data) => Ok(Cow::Owned(data.entering(takes, plain)?.into_owned())),
        }
    }

    /// The frames as a network takes them that is asked with `takes` for a shape: pixels in the first of
    /// the orders of axes that it takes, and with `plain` as they are, 0 to 255. Frames of floats enter as
    /// they are anyway; so do those that it does not take, which whoever runs it will say.
    ///
    /// # Errors
    /// Frames that were to be normalized where pixels are wanted as they are.
    pub fn entering(&self, takes: impl Fn(&[usize]) -> bool, plain: bool) -> Result<Cow<'_, Self>> {
        let Frames::Bytes(own) = &self.frames else { return Ok(Cow::Borrowed(self)) };
        let as_it_is = || (own.axes, own.entering.clone());
        let (axes, entering) =
            Axes::of(own.shape).find(|(_, shape)| takes(shape)).unwrap_or_else(as_it_is);
        let unscaled: [f32; 256] = std::array::from_fn(|value| value as f32);
        let is_plain = own.levels.iter().all(|levels| *levels == unscaled);
        if axes == own.axes && (is_plain || !plain) {
            return Ok(Cow::Borrowed(self));
        }
        let levels = match plain {
            true if !is_plain && own.levels != levels(own.shape[0], None)? => {
                return Err(Error::new("it takes pixels as they are, from 0 to 255")
                    .way_out("Leave --subtract, --divide, --mean and --std out."));
            }
            true => vec![unscaled; own.shape[0]],
            false => own.levels.clone(),
        };
        let frames = Frames::Bytes(ByteFrames { axes, entering, levels, ..own.clone() });
        Ok(Cow::Owned(Self {
            file: self.file.clone(),
            labels: self.labels.clone(),
            class_names: self.class_names.clone(),
            gaps: self.gaps.clone(),
            sample: self.sample.clone(),
            ..Self::bare(frames)
        }))
    }

    /// `beside`: tables with labels of the images in an archive.
    fn read_one(
        file: Given,
        beside: &[Given],
        reading: &Reading,
        progress: &mut Progress,
    ) -> Result<Self> {
        let start = file.start()?;
        if start.is_empty() {
            return Err(Error::new("the file is empty"));
        }
        if npy::is_npy(&start) {
            let name = stem(file_name(file.name()));
            let mut tree = Tree::Files(vec![file]);
            let mut arrays = npz::Arrays::new(&mut tree, std::iter::once((name, 0)));
            return npz::read(&mut arrays, reading, progress);
        }
        if !archive::is_zip(&start) {
            let entry = Entry::new(file.name(), None);
            return Err(if entry.is_table() || entry.is_manifest() {
                Error::new("labels without the images that they are for")
                    .way_out("Give the folder that has both, or a zip of it.")
            } else {
                Error::new("neither an npz, nor a zip, nor an image").of_kind(ErrorKind::Unreadable).way_out(
                    "Data is an npz with `x` and `y`, or a folder of images with their labels, zipped or not.",
                )
            });
        }
        let (name, archive) = (file.name(), Archive::open(file.open()?)?);
        let mut tree = Tree::Archive { name, archive, beside: beside.to_vec() };
        Self::read_tree(&mut tree, reading, progress)
    }

    /// Images, or arrays where there are none.
    fn read_tree(tree: &mut Tree, reading: &Reading, progress: &mut Progress) -> Result<Self> {
        let entries = tree.entries();
        let is_array = |entry: &&Entry| entry.is_array();
        if entries.iter().any(|entry| entry.is_image()) || !entries.iter().any(|e| is_array(&e)) {
            let mut load = |index| tree.load(index);
            let mut found = records::find(&entries, &mut load, &reading.labelling)?;
            let passed_over = entries.iter().filter(is_array);
            let note = |entry: &Entry| format!("{} is passed over: there are images", entry.shown);
            found.notes.extend(passed_over.map(note));
            let preprocessing = reading.preprocessing.as_ref();
            return images::read(&entries, found, &mut load, preprocessing, progress);
        }
        let (alone, packed) = arrays(tree, &entries);
        let mut parts = Self::read_arrays(tree, &entries, &alone, reading, progress)?;
        for index in packed {
            let shown = &entries[index].shown;
            let mut read = || {
                let bytes = ByteBuf::from(tree.load(index)?.into_owned());
                let file = File { name: shown.clone(), bytes };
                let archive = Archive::open(Given::Here(&file).open()?)?;
                let mut inner = Tree::Archive { name: shown, archive, beside: Vec::new() };
                let entries = inner.entries();
                // An archive in an archive in an archive is nobody's.
                let (alone, _) = arrays(&inner, &entries);
                Self::read_arrays(&mut inner, &entries, &alone, reading, progress)
            };
            parts.extend(read().in_file(shown)?);
        }
        Self::join(parts)
    }

    /// The arrays at these places of a tree: those that lie together belong together.
    fn read_arrays(
        tree: &mut Tree,
        entries: &[Entry],
        places: &[usize],
        reading: &Reading,
        progress: &mut Progress,
    ) -> Result<Vec<Self>> {
        let mut parts = Vec::new();
        for folder in places.chunk_by(|&a, &b| entries[a].folders() == entries[b].folders()) {
            let named = folder.iter().map(|&index| (entries[index].file_name(), index));
            parts.push(npz::read(&mut npz::Arrays::new(tree, named), reading, progress)?);
        }
        Ok(parts)
    }

    /// uint8 frames, N,H,W,C in `pixels`; `shape` is channels, height, width.
    pub(crate) fn from_bytes(
        shape: [usize; 3],
        pixels: Vec<u8>,
        labels: Option<Labels>,
        class_names: Vec<String>,
        preprocessing: Option<&Preprocessing>,
    ) -> Result<Self> {
        let levels = levels(shape[0], preprocessing)?;
        let (axes, entering) = (Axes::default(), shape.to_vec());
        let pixels = Arc::new(ByteBuf::from(pixels));
        let color = preprocessing.and_then(|own| own.color).unwrap_or_default();
        let frames = ByteFrames { shape, depth: 1, color, axes, entering, pixels, levels };
        Ok(Self { labels, class_names, ..Self::bare(Frames::Bytes(frames)) })
    }

    /// float32 frames in network form.
    pub(crate) fn from_floats(shape: Vec<usize>, values: Vec<f32>, labels: Option<Labels>) -> Self {
        Self { labels, ..Self::bare(Frames::Floats { shape, values }) }
    }

    /// Frames of which nothing else is known.
    fn bare(frames: Frames) -> Self {
        Self {
            file: None,
            frames,
            labels: None,
            class_names: Vec::new(),
            gaps: Vec::new(),
            array: None,
            others: Vec::new(),
            sample: None,
            about: About::default(),
        }
    }

    /// The number of frames.
    pub fn len(&self) -> usize {
        match &self.frames {
            Frames::Bytes(frames) => frames.pixels.len() / frames.len(),
            Frames::Floats { shape, values } => values.len() / shape.iter().product::<usize>(),
            Frames::Rows { parts, .. } => parts.first().map_or(0, Self::len),
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
            Frames::Bytes(frames) => &frames.entering,
            Frames::Floats { shape, .. } | Frames::Rows { shape, .. } => shape,
        }
    }

    /// Whether frames are pixels, else numbers that enter as they are.
    pub fn is_pixels(&self) -> bool {
        matches!(self.frames, Frames::Bytes(_))
    }

    /// Whether the axes of a picture enter as channels, height, width.
    pub fn has_channels_first(&self) -> bool {
        match &self.frames {
            Frames::Bytes(frames) => frames.axes == Axes::ChannelsFirst,
            Frames::Floats { .. } | Frames::Rows { .. } => true,
        }
    }

    /// What is known of each frame.
    pub fn labels(&self) -> Option<&Labels> {
        self.labels.as_ref()
    }

    /// Class indices, one per frame.
    pub fn classes(&self) -> Option<&[u32]> {
        self.labels()?.classes()
    }

    /// Whether frames stand in an order that means something, as those of a drive; in class folders they
    /// stand by class.
    pub fn is_ordered(&self) -> bool {
        self.class_names.is_empty()
    }

    /// The file that holds all of it, if it is one.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// What came of looking at it: an error names the file.
    pub(crate) fn of_file<T>(&self, found: Result<T>) -> Result<T> {
        match &self.file {
            Some(file) => found.in_file(file),
            None => found,
        }
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
            Frames::Rows { parts, .. } => {
                let mut rest = out;
                for part in parts {
                    let len = part.frame_shape().iter().product();
                    let (own, others) = rest.split_at_mut(len);
                    part.input(index, own);
                    rest = others;
                }
            }
            Frames::Bytes(ByteFrames { axes: Axes::ChannelsLast, pixels, levels, .. }) => {
                for (out, value) in out.iter_mut().zip(pixels_of(&pixels[range], levels)) {
                    *out = value;
                }
            }
            Frames::Bytes(ByteFrames {
                shape: [channels, height, width], pixels, levels, ..
            }) => {
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
            // They have but one axis.
            Frames::Rows { .. } => self.input(index, out),
            // Its first axis is none of channels.
            Frames::Bytes(ByteFrames {
                axes: Axes::ChannelsLast,
                entering,
                pixels,
                levels,
                ..
            }) => {
                let values: Vec<f32> = pixels_of(&pixels[range], levels).collect();
                channels_last(&values, entering[0], out);
            }
            Frames::Bytes(ByteFrames { pixels, levels, .. }) => {
                for (out, value) in out.iter_mut().zip(pixels_of(&pixels[range], levels)) {
                    *out = value;
                }
            }
        }
    }

    /// `samples` of the frames (`None`, or more than there are: all), ascending.
    ///
    /// The choice depends on the number of frames and the seed alone: see [`random::choose`].
    pub fn subset(&self, samples: Option<usize>, seed: u64) -> Vec<usize> {
        random::choose(self.len(), samples.unwrap_or(usize::MAX), seed)
    }

    /// Frames per class, in class order; empty when there are no classes.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.class_names.len()];
        for &label in self.classes().into_iter().flatten() {
            let label = label as usize;
            if label >= counts.len() {
                counts.resize(label + 1, 0);
            }
            counts[label] += 1;
        }
        counts
    }

    /// What the set holds, in figures and words.
    pub fn summary(&self) -> DataSummary {
        DataSummary {
            frames: self.len(),
            class_counts: self.class_counts(),
            class_names: self.class_names.clone(),
            frame_shape: self.frame_shape().to_vec(),
            pixels: matches!(self.frames, Frames::Bytes(_)),
            arrays: self.array_summaries(),
            label_columns: self.labels.iter().flat_map(Labels::columns).map(label_column).collect(),
            source: self.about.source.clone(),
            notes: self.about.notes.clone(),
            samples: self.samples(),
        }
    }

    /// The labels, where there have to be some.
    ///
    /// # Errors
    /// When there are none.
    pub fn known_labels(&self) -> Result<&Labels> {
        self.of_file(self.labels().ok_or_else(|| {
            Error::new("the frames have no labels")
                .way_out("Add an array `y` to the npz, or sort images into class folders.")
        }))
    }
}

/// The places of arrays in a tree, folder by folder, and those of archives that hold some. In an archive arrays
/// keep their order.
fn arrays(tree: &Tree, entries: &[Entry]) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..entries.len()).filter(|&i| entries[i].is_array()).collect();
    let key = |index: usize| match tree {
        Tree::Files(_) => entries[index].path.clone(),
        Tree::Archive { .. } => entries[index].folders().join("/"),
    };
    order.sort_by(|&a, &b| natural::compare(&key(a), &key(b)));
    order.into_iter().partition(|&index| entries[index].path.ends_with(npz::SUFFIX))
}

fn label_column(column: &Column) -> LabelColumn {
    let values = column.values();
    let range = values.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &value| {
        [low.min(value), high.max(value)]
    });
    LabelColumn { name: column.name.clone(), range }
}

impl ByteFrames {
    /// Values of a frame.
    fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// What the bytes of a frame become, pixel by pixel.
fn pixels_of<'a>(frame: &'a [u8], levels: &'a [[f32; 256]]) -> impl Iterator<Item = f32> + 'a {
    frame.iter().zip(levels.iter().cycle()).map(|(&value, levels)| levels[usize::from(value)])
}

/// What each pixel value becomes, per channel: `((value - subtract) / divide - mean) / std`, in f32.
fn levels(channels: usize, preprocessing: Option<&Preprocessing>) -> Result<Vec<[f32; 256]>> {
    let unsaid = Preprocessing::default();
    let Preprocessing { subtract, divide, mean, std, .. } = preprocessing.unwrap_or(&unsaid);
    let per_channel = |values: &[f32], name: &str, default: f32| match values.len() {
        0 => Ok(vec![default; channels]),
        count if count == channels => Ok(values.to_vec()),
        count => Err(Error::new(format!(
            "the {name} has {count} values, the frames have {channels} channels"
        ))
        .way_out("Give one for each channel that frames have once they have their colours.")),
    };
    let subtract = match subtract[..] {
        [one] => vec![one; channels],
        _ => per_channel(subtract, "number that is subtracted", 0.0)?,
    };
    let mean = per_channel(mean, "mean", 0.0)?;
    let std = per_channel(std, "standard deviation", 1.0)?;
    let divide = divide.unwrap_or(255.0);
    if !divide.is_normal() {
        return Err(Error::new(format!("pixels can't be divided by {divide}")));
    }
    if !subtract.iter().chain(&mean).chain(&std).all(|value| value.is_finite())
        || std.contains(&0.0)
    {
        return Err(Error::new(
            "what is subtracted, mean and standard deviation must be finite, the last not 0",
        ));
    }
    let table = |channel: usize| {
        std::array::from_fn(|value| {
            ((value as f32 - subtract[channel]) / divide - mean[channel]) / std[channel]
        })
    };
    Ok((0..channels).map(table).collect())
}

/// An empty vector with room for exactly `count` elements.
///
/// # Errors
/// When that is more than [`MAX_BYTES`], or more than there is.
pub(super) fn bounded_vec<T>(count: Option<usize>) -> Result<Vec<T>> {
    let too_large = || {
        Error::new("the data does not fit in memory").of_kind(ErrorKind::TooLarge).way_out(format!(
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
        let labels = Some(Labels::of_classes((0..frames as u32).collect()));
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
        assert_eq!((joined.len(), joined.classes()), (3, Some(&[0, 1, 0][..])));
        assert_eq!(input(&joined, 2, false), input(&bytes(100, 1), 0, false));
        let selected = joined.select(&[2, 0]);
        assert_eq!((selected.len(), selected.classes()), (2, Some(&[0, 0][..])));
        assert_eq!(input(&selected, 0, false), input(&joined, 2, false));
        let labels = Some(Labels::of_classes(vec![0]));
        let floats = Dataset::from_floats(vec![3, 2, 2], vec![0.5; 12], labels);
        let error = Dataset::join(vec![bytes(0, 1), floats]).unwrap_err();
        assert!(error.what.contains("different kinds"), "{error}");
    }

    #[test]
    fn pixels_enter_in_the_order_and_scale_that_a_network_takes() {
        let data = bytes(7, 2);
        let scaled = input(&data, 1, false);
        let pixels: Vec<f32> = (19..31u8).map(f32::from).collect();
        let same = |a: &[f32], b: &[f32], factor: f32| {
            a.iter().zip(b).all(|(a, b)| (a - b * factor).abs() < 1e-4)
        };
        for plain in [false, true] {
            let factor = if plain { 255.0 } else { 1.0 };
            let first = data.entering(|shape| shape == [3, 2, 2], plain).unwrap();
            assert_eq!((first.frame_shape(), first.labels()), (&[3, 2, 2][..], data.labels()));
            assert!(same(&input(&first, 1, false), &scaled, factor));
            let last = data.entering(|shape| shape == [2, 2, 3], plain).unwrap();
            assert_eq!(last.frame_shape(), [2, 2, 3]);
            assert!(same(&input(&last, 1, false), &pixels, factor / 255.0));
            // Its first axis, which the kernels take for channels, comes last.
            let turned = input(&last, 1, true);
            assert!((0..12).all(|i| turned[i] == input(&last, 1, false)[i % 2 * 6 + i / 2]));
            assert_eq!(last.picture(1), data.picture(1));
            // There and back.
            let back = last.entering(|shape| shape == [3, 2, 2], plain).unwrap();
            assert_eq!(input(&back, 1, false), input(&first, 1, false));
        }
        let grey =
            Dataset::from_bytes([1, 2, 2], vec![1, 2, 3, 4], None, Vec::new(), None).unwrap();
        let plane = grey.entering(|shape| shape == [2, 2], true).unwrap();
        assert_eq!(
            (plane.frame_shape(), input(&plane, 0, false)),
            (&[2, 2][..], vec![1.0, 2.0, 3.0, 4.0])
        );
        let read = |divide, mean| {
            let preprocessing = Preprocessing { divide, mean, ..Preprocessing::default() };
            Dataset::from_bytes(
                [1, 2, 2],
                vec![0, 51, 102, 255],
                None,
                Vec::new(),
                Some(&preprocessing),
            )
        };
        assert_eq!(input(&read(Some(1.0), vec![]).unwrap(), 0, false), [0.0, 51.0, 102.0, 255.0]);
        let halves = input(&read(Some(127.5), vec![1.0]).unwrap(), 0, false);
        assert!(same(&halves, &[-1.0, -0.6, -0.2, 1.0], 1.0), "{halves:?}");
        assert!(read(Some(0.0), vec![]).is_err());
        let error = read(None, vec![0.5]).unwrap().entering(|_| true, true).unwrap_err();
        assert!(error.what.contains("pixels as they are"), "{error}");
    }

    #[test]
    fn channels_come_last_where_they_are_wanted_so() {
        let values: Vec<f32> = (0..24).map(|i| i as f32).collect();
        let floats = Dataset::from_floats(vec![3, 2, 4], values, None);
        for data in [bytes(7, 1), floats] {
            let (first, last) = (input(&data, 0, false), input(&data, 0, true));
            let pixels = first.len() / 3;
            for (i, value) in last.iter().enumerate() {
                assert_eq!(*value, first[i % 3 * pixels + i / 3]);
            }
        }
    }
}
