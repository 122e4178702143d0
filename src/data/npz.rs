//! Frames and labels as numpy saves them: `np.savez("set.npz", x=frames, y=labels)`, or arrays that lie side
//! by side.

use std::io::Read;

use super::archive;
use super::dataset::{Array, Dataset};
use super::npy::{self, Header};
use super::prepare::convert;
use super::tree::Tree;
use crate::error::{Error, Result};
use crate::graph::half;
use crate::progress::Progress;
use crate::vocabulary::frames::FRAMES;
use crate::vocabulary::labelling::Labelling;
use crate::vocabulary::labels::{Column, Labels, MAX_CLASSES, Numbers};
use crate::vocabulary::preprocessing::Preprocessing;
use crate::vocabulary::reading::Reading;

/// An array of more columns than this is something else than labels.
const MOST_COLUMNS: usize = 64;

const LABELS: &str = "y";
pub(super) const SUFFIX: &str = ".npy";

/// Arrays by their names, before they are read.
pub(super) struct Arrays<'t, 'a> {
    tree: &'t mut Tree<'a>,
    names: Vec<String>,
    /// Their entries in the tree.
    places: Vec<usize>,
}

impl<'t, 'a> Arrays<'t, 'a> {
    /// Those in files of these names.
    pub(super) fn new<'n>(
        tree: &'t mut Tree<'a>,
        files: impl Iterator<Item = (&'n str, usize)>,
    ) -> Self {
        let named = files.map(|(name, place)| (name.trim_end_matches(SUFFIX).to_owned(), place));
        let (names, places) = named.unzip();
        Self { tree, names, places }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| own == name)
    }

    /// # Errors
    /// Lists those that there are.
    fn called(&self, name: &str, option: &str) -> Result<usize> {
        self.position(name).ok_or_else(|| {
            Error::new(format!("there is no array `{name}`, only {}", self.names.join(", ")))
                .way_out(format!("Name one of them with {option}."))
        })
    }

    fn open(&mut self, index: usize) -> Result<Box<dyn Read + '_>> {
        self.tree.open(self.places[index])
    }
}

/// Reads `x` and `y`, or without a `y` what other arrays say about each frame. All other arrays stand
/// beside `x`, for a network may have inputs of their names; without an `x` there are those alone. What is
/// said of images, labels and inputs is said of the arrays.
pub(super) fn read(
    arrays: &mut Arrays,
    reading: &Reading,
    progress: &mut Progress,
) -> Result<Dataset> {
    let Reading { preprocessing, labelling, .. } = reading;
    let preprocessing = preprocessing.as_ref();
    let frames = match &labelling.images {
        Some(name) => Some(arrays.called(name, "--images")?),
        None => arrays.position(FRAMES),
    };
    // Labels first: they are small, and wrong ones are told before the frames are decoded.
    let y = chosen_labels(arrays, labelling)?;
    let mut data = match frames {
        None => read_named(arrays, y, preprocessing, progress)?,
        Some(index) => {
            let data = read_frames(arrays, index, y, preprocessing, progress)?;
            let mut others = Vec::new();
            for entry in entries(arrays).into_iter().filter(|entry| entry.index != index) {
                let array = entry.read(arrays, data.len(), preprocessing, progress);
                match array {
                    // Nobody may ask for it.
                    Err(error) if !error.is_cancelled() => {}
                    array => others.push(array?),
                }
            }
            data.with_arrays(FRAMES, others)
        }
    };
    for (input, name) in &labelling.inputs {
        let index = arrays.called(name, "--input")?;
        data.call(&arrays.names[index], input);
    }
    let source = format!("arrays {}", arrays.names.join(", "));
    Ok(data.found_in(source, Vec::new()))
}

/// The labels `y`, or those in the arrays that were named.
fn chosen_labels(arrays: &mut Arrays, labelling: &Labelling) -> Result<Option<Vec<Column>>> {
    if labelling.labels.is_empty() {
        let y = arrays.position(LABELS);
        return y.map(|index| read_columns(arrays, index, LABELS)).transpose();
    }
    let mut columns = Vec::new();
    for name in &labelling.labels {
        let index = arrays.called(name, "--labels")?;
        columns.extend(read_columns(arrays, index, name)?);
    }
    Ok(Some(columns))
}

/// Reads the array of frames, which is mostly called `x`.
fn read_frames(
    arrays: &mut Arrays,
    index: usize,
    y: Option<Vec<Column>>,
    preprocessing: Option<&Preprocessing>,
    progress: &mut Progress,
) -> Result<Dataset> {
    let name = arrays.names[index].clone();
    let header = Header::read(&mut arrays.open(index)?).map_err(|error| of_array(&name, error))?;
    let Some((&count, frame_shape)) = header.shape.split_first() else {
        return Err(Error::new(format!("`{name}` is a single number, not frames")));
    };
    if header.shape.contains(&0) {
        return Err(Error::new(format!("`{name}` is empty: its shape is {:?}", header.shape)));
    }
    let labels = labels(arrays, y, &name, count)?;
    match (header.element.kind, header.element.size, frame_shape) {
        ('u', 1, [_, _, _]) | ('f', 2 | 4 | 8, [_, ..]) => {}
        ('u', 1, _) => {
            return Err(Error::new(format!(
                "uint8 `{name}` is frames, height, width, channels; this one has the shape {:?}",
                header.shape
            ))
            .way_out("Grey frames need a last axis of one: x[..., None]."));
        }
        ('f', 2 | 4 | 8, _) => {
            return Err(Error::new(format!(
                "float32 `{name}` needs an axis beside that of the frames"
            )));
        }
        _ => {
            return Err(Error::new(format!("`{name}` has the element type {}", header.descr)).way_out(
                "Save it as uint8 (frames, height, width, channels) or as float32 in the network's form.",
            ));
        }
    }
    let entry = Entry { name: name.clone(), index, header };
    let data = entry.read_numbers(arrays, labels, preprocessing, progress)?;
    data.finite(&name)?;
    Ok(data)
}

/// Reads the arrays of an npz without an `x`. The frames, as far as people see them, are the first that
/// holds pictures, or else has the most axes.
fn read_named(
    arrays: &mut Arrays,
    y: Option<Vec<Column>>,
    preprocessing: Option<&Preprocessing>,
    progress: &mut Progress,
) -> Result<Dataset> {
    let entries = entries(arrays);
    let axes = |entry: &&Entry| entry.header.shape.len();
    let Some(most) = entries.iter().filter(|entry| entry.has_numbers()).rev().max_by_key(axes)
    else {
        let names = arrays.names.join(", ");
        return Err(Error::new(format!("no array `x` in the npz, only {names}"))
            .way_out("Save it as np.savez(\"set.npz\", x=frames, y=labels)."));
    };
    let count = most.header.shape[0];
    let labels = labels(arrays, y, &most.name, count)?;
    let is_first = |entry: &&Entry| entry.has_pixels() && entry.header.shape[0] == count;
    let first = entries.iter().find(is_first).unwrap_or(most);
    let data = first.read_numbers(arrays, labels, preprocessing, progress)?;
    let mut others = Vec::new();
    for entry in entries.iter().filter(|entry| entry.index != first.index) {
        others.push(entry.read(arrays, count, preprocessing, progress)?);
    }
    Ok(data.with_arrays(&first.name, others))
}

/// The labels `y`, or those in other arrays, for each of the `count` frames of an array.
fn labels(
    arrays: &mut Arrays,
    y: Option<Vec<Column>>,
    frames: &str,
    count: usize,
) -> Result<Option<Labels>> {
    match y {
        Some(columns) => match &columns[..] {
            [label, ..] if label.frames() != count => {
                let labels = label.frames();
                Err(Error::new(format!("{count} frames in `{frames}`, {labels} labels in `y`")))
            }
            _ => Ok(Labels::new(columns)),
        },
        None => named_labels(arrays, frames, count),
    }
}

/// An array before it is read.
struct Entry {
    name: String,
    index: usize,
    header: Header,
}

/// All arrays but the labels; those that are none after all are passed over.
fn entries(arrays: &mut Arrays) -> Vec<Entry> {
    let mut all = Vec::new();
    for index in 0..arrays.names.len() {
        let name = arrays.names[index].clone();
        let header = arrays.open(index).and_then(|mut entry| Header::read(&mut entry));
        if let (Ok(header), true) = (header, name != LABELS) {
            all.push(Entry { name, index, header });
        }
    }
    all
}

impl Entry {
    /// Whether it has numbers along a first axis.
    fn has_numbers(&self) -> bool {
        let Header { element, shape, .. } = &self.header;
        is_number(element.kind) && !shape.is_empty() && !shape.contains(&0)
    }

    /// Whether it is of uint8, frames, height, width, channels.
    fn has_pixels(&self) -> bool {
        let Header { element, shape, .. } = &self.header;
        (element.kind, element.size, shape.len()) == ('u', 1, 4) && self.has_numbers()
    }

    /// Reads it as one of several arrays of `count` frames.
    fn read(
        &self,
        arrays: &mut Arrays,
        count: usize,
        preprocessing: Option<&Preprocessing>,
        progress: &mut Progress,
    ) -> Result<Array> {
        let (name, shape) = (self.name.clone(), self.header.shape.clone());
        let data = if self.has_numbers() && shape[0] == count {
            let preprocessing = preprocessing.filter(|_| self.has_pixels());
            Some(self.read_numbers(arrays, None, preprocessing, progress)?)
        } else {
            None
        };
        Ok(Array { name, shape, data })
    }

    /// Reads its numbers; pixels are frames, height, width, channels.
    fn read_numbers(
        &self,
        arrays: &mut Arrays,
        labels: Option<Labels>,
        preprocessing: Option<&Preprocessing>,
        progress: &mut Progress,
    ) -> Result<Dataset> {
        let mut entry = arrays.open(self.index)?;
        let of_array = |error| of_array(&self.name, error);
        let header = Header::read(&mut entry).map_err(of_array)?;
        let (count, frame_shape) = (header.shape[0], &header.shape[1..]);
        let frame_size = header.count().map_or(usize::MAX, |elements| elements / count);
        let mut progress = |elements, _| progress(elements / frame_size, count);
        let progress: &mut Progress = &mut progress;
        if self.has_pixels() {
            let read = npy::read_elements(&mut entry, &header, u8::from_le_bytes, progress);
            let mut pixels = read.map_err(of_array)?;
            let mut shape = [frame_shape[2], frame_shape[0], frame_shape[1]];
            if let Some(color) = preprocessing.and_then(|own| own.color) {
                if shape[0] != 3 {
                    let what = format!("there are {} channels, not red, green and blue", shape[0]);
                    return Err(of_array(Error::new(what).way_out(format!(
                        "Leave `--color {}` out: frames enter as they are then.",
                        color.name()
                    ))));
                }
                convert(color, &mut pixels);
                shape[0] = color.channels();
            }
            return Dataset::from_bytes(shape, pixels, labels, Vec::new(), preprocessing);
        }
        let values = match (header.element.kind, header.element.size) {
            ('f', 2) => {
                let decode = |bytes| half(u16::from_le_bytes(bytes));
                npy::read_elements(&mut entry, &header, decode, progress)
            }
            ('f', 4) => npy::read_elements(&mut entry, &header, f32::from_le_bytes, progress),
            ('f', 8) => {
                let decode = |bytes| f64::from_le_bytes(bytes) as f32;
                npy::read_elements(&mut entry, &header, decode, progress)
            }
            _ => npy::read_integers(&mut entry, &header, |number| number as f32, progress),
        };
        let values = values.map_err(of_array)?;
        Ok(Dataset::from_floats(frame_shape.to_vec(), values, labels))
    }
}

/// Whether elements of this kind are numbers.
fn is_number(kind: char) -> bool {
    matches!(kind, 'i' | 'u' | 'f' | 'b')
}

/// Labels in arrays that have other names: numbers, or short rows of them, for each of `count` frames. Those
/// of `X_train` are `y_train`, where there is one.
fn named_labels(arrays: &mut Arrays, frames: &str, count: usize) -> Result<Option<Labels>> {
    let split = frames.strip_prefix(['x', 'X']);
    let partner = |name: &String| split.is_some() && name.strip_prefix(['y', 'Y']) == split;
    let partner = arrays.names.iter().position(partner);
    let mut columns = Vec::new();
    for index in 0..arrays.names.len() {
        let name = arrays.names[index].clone();
        if name == frames {
            continue;
        }
        let header =
            Header::read(&mut arrays.open(index)?).map_err(|error| of_array(&name, error))?;
        let is_label = matches!(&header.shape[..], &[frames] if frames == count)
            || matches!(&header.shape[..], &[frames, k] if frames == count && k <= MOST_COLUMNS);
        let is_meant = partner.is_none_or(|partner| partner == index);
        if is_label && is_meant && is_number(header.element.kind) {
            columns.extend(read_columns(arrays, index, &name)?);
        }
    }
    Ok(Labels::new(columns))
}

/// The labels in an array: a number for each frame, or a row of them.
fn read_columns(arrays: &mut Arrays, index: usize, name: &str) -> Result<Vec<Column>> {
    let mut entry = arrays.open(index)?;
    let header = Header::read(&mut entry).map_err(|error| of_array(name, error))?;
    let width = match header.shape[..] {
        [_] => 1,
        [_, width] if (1..=MOST_COLUMNS).contains(&width) => width,
        _ => {
            let what = format!(
                "`{name}` is a label for each frame, or a row of values; this one has the shape {:?}",
                header.shape
            );
            return Err(Error::new(what)
                .way_out("Save one class index for each frame, or one row of values."));
        }
    };
    let called = (name != "y").then(|| name.to_owned());
    let column = |numbers| Column { name: called.clone(), numbers };
    if matches!(header.element.kind, 'i' | 'u' | 'b') {
        let unheard = &mut crate::progress::unwatched;
        let labels = npy::read_integers(&mut entry, &header, |label| label, unheard);
        let labels = labels.map_err(|error| of_array(name, error))?;
        let class = |&label: &i128| u32::try_from(label).ok().filter(|&class| class < MAX_CLASSES);
        if let (1, Some(classes)) = (width, labels.iter().map(class).collect()) {
            return Ok(vec![column(Numbers::Classes(classes))]);
        }
        let labels: Vec<f64> = labels.into_iter().map(|label| label as f64).collect();
        return Ok(columns(&labels, width).map(column).collect());
    }
    let values = npy::read_floats(&mut entry, &header).map_err(|error| of_array(name, error))?;
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let what = format!("the label of frame {} is {}", at / width, values[at]);
        return Err(of_array(name, Error::new(what)));
    }
    Ok(columns(&values, width).map(column).collect())
}

fn columns(values: &[f64], width: usize) -> impl Iterator<Item = Numbers> {
    (0..width)
        .map(move |at| Numbers::Values(values.iter().skip(at).step_by(width).copied().collect()))
}

/// An npz of arrays by their names, each an .npy file.
///
/// # Errors
/// More than an archive holds.
pub fn write(arrays: &[(&str, Vec<u8>)]) -> Result<Vec<u8>> {
    archive::write(arrays.iter().map(|(name, bytes)| (format!("{name}{SUFFIX}"), bytes.clone())))
}

/// Says which array an error is about; being cancelled is about none.
fn of_array(name: &str, error: Error) -> Error {
    if error.is_cancelled() {
        error
    } else {
        Error { what: format!("`{name}`: {}", error.what), ..error }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use serde_bytes::ByteBuf;
    use zip::CompressionMethod;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;
    use crate::graph::{Dim, Element, Value};
    use crate::vocabulary::file::File;
    use crate::vocabulary::reading::Reading;

    /// An array as numpy writes it.
    fn array(descr: &str, fortran_order: bool, shape: &str, elements: &[u8]) -> Vec<u8> {
        let order = if fortran_order { "True" } else { "False" };
        let mut header =
            format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}");
        header.push_str(&" ".repeat(117 - header.len()));
        header.push('\n');
        let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        file.extend(header.bytes());
        file.extend(elements);
        file
    }

    fn npz(arrays: &[(&str, Vec<u8>)], compression: CompressionMethod) -> File {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in arrays {
            let options = SimpleFileOptions::default().compression_method(compression);
            zip.start_file(format!("{name}.npy"), options).unwrap();
            zip.write_all(content).unwrap();
        }
        let bytes = ByteBuf::from(zip.finish().unwrap().into_inner());
        File { name: "set.npz".into(), bytes }
    }

    fn read(arrays: &[(&str, Vec<u8>)]) -> Result<Dataset> {
        read_file(npz(arrays, CompressionMethod::Deflated))
    }

    fn read_file(file: File) -> Result<Dataset> {
        Dataset::read(&[file], &Reading::default(), &mut crate::progress::unwatched)
    }

    fn frame(dataset: &Dataset, index: usize) -> Vec<f32> {
        let mut out = vec![0.0; dataset.frame_shape().iter().product()];
        dataset.input(index, &mut out);
        out
    }

    /// Two frames of 1 x 2 pixels of 3 channels, numbered in row-major order.
    fn pixels() -> Vec<u8> {
        (0..12).collect()
    }

    #[test]
    fn uint8_is_divided_by_255_and_transposed() {
        let labels = [3_i64, 0].iter().flat_map(|label| label.to_le_bytes()).collect::<Vec<_>>();
        for compression in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let arrays = [
                ("x", array("|u1", false, "2, 1, 2, 3", &pixels())),
                ("y", array("<i8", false, "2,", &labels)),
            ];
            let dataset = read_file(npz(&arrays, compression)).unwrap();
            assert_eq!(dataset.len(), 2);
            assert_eq!(dataset.frame_shape(), [3, 1, 2]);
            assert_eq!(dataset.classes(), Some(&[3, 0][..]));
            assert_eq!(dataset.class_counts(), [1, 0, 0, 1]);
            let expected = [6.0, 9.0, 7.0, 10.0, 8.0, 11.0].map(|value: f32| value / 255.0);
            assert_eq!(frame(&dataset, 1), expected);
            let picture = dataset.picture(1).unwrap();
            assert_eq!(picture.rgba.as_slice(), [6, 7, 8, 255, 9, 10, 11, 255]);
            assert_eq!((picture.width, picture.height, picture.label), (2, 1, Some(0)));
            assert_eq!(dataset.picture(2), None);
        }
    }

    #[test]
    fn normalization_is_per_channel_on_the_unit_scale() {
        let file =
            npz(&[("x", array("|u1", false, "2, 1, 2, 3", &pixels()))], CompressionMethod::Stored);
        let read = |preprocessing: &Preprocessing| {
            Dataset::read(
                std::slice::from_ref(&file),
                &Some(preprocessing.clone()).into(),
                &mut crate::progress::unwatched,
            )
        };
        let preprocessing = Preprocessing {
            mean: vec![0.0, 0.5, 0.25],
            std: vec![1.0, 0.5, 2.0],
            ..Preprocessing::default()
        };
        let dataset = read(&preprocessing).unwrap();
        let value = |pixel: f32, mean: f32, std: f32| (pixel / 255.0 - mean) / std;
        assert_eq!(
            frame(&dataset, 0),
            [
                value(0.0, 0.0, 1.0),
                value(3.0, 0.0, 1.0),
                value(1.0, 0.5, 0.5),
                value(4.0, 0.5, 0.5),
                value(2.0, 0.25, 2.0),
                value(5.0, 0.25, 2.0),
            ]
        );
        let error =
            read(&Preprocessing { mean: vec![0.5], ..Preprocessing::default() }).unwrap_err();
        assert!(error.what.contains("the mean has 1 values, the frames have 3"), "{error}");
        assert!(
            read(&Preprocessing { std: vec![1.0, 0.0, 1.0], ..Preprocessing::default() }).is_err()
        );
    }

    #[test]
    fn fortran_order_gives_the_same_frames() {
        // np.asfortranarray(np.arange(12, dtype="u1").reshape(2, 1, 2, 3)) in file order.
        let fortran = [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11];
        let c = read(&[("x", array("|u1", false, "2, 1, 2, 3", &pixels()))]).unwrap();
        let f = read(&[("x", array("|u1", true, "2, 1, 2, 3", &fortran))]).unwrap();
        for index in 0..2 {
            assert_eq!(frame(&c, index), frame(&f, index));
        }
    }

    #[test]
    fn float32_enters_as_it_is() {
        let values = [-1.5_f32, 0.0, 2.5, 1e-3];
        for big_endian in [false, true] {
            let bytes =
                |value: &f32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
            let elements: Vec<u8> = values.iter().flat_map(bytes).collect();
            let descr = if big_endian { ">f4" } else { "<f4" };
            let file =
                npz(&[("x", array(descr, false, "2, 1, 2", &elements))], CompressionMethod::Stored);
            let dataset = read_file(file.clone()).unwrap();
            assert_eq!(dataset.frame_shape(), [1, 2]);
            assert_eq!(frame(&dataset, 0), values[..2]);
            assert_eq!(frame(&dataset, 1), values[2..]);
            assert_eq!(dataset.labels(), None);

            let preprocessing = Preprocessing { mean: vec![0.5], ..Preprocessing::default() };
            let read = Dataset::read(
                &[file],
                &Some(preprocessing).into(),
                &mut crate::progress::unwatched,
            );
            assert!(read.unwrap_err().what.contains("float32"));
        }
    }

    #[test]
    fn labels_of_any_integer_type() {
        let x = array("|u1", false, "2, 1, 2, 3", &pixels());
        let cases: [(&str, &[u8]); 9] = [
            ("|i1", &[4, 1]),
            ("|u1", &[4, 1]),
            ("<i2", &[4, 0, 1, 0]),
            (">i2", &[0, 4, 0, 1]),
            ("<u2", &[4, 0, 1, 0]),
            ("<i4", &[4, 0, 0, 0, 1, 0, 0, 0]),
            (">u4", &[0, 0, 0, 4, 0, 0, 0, 1]),
            ("<u8", &[4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
            ("<i8", &[4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
        ];
        for (descr, elements) in cases {
            let dataset =
                read(&[("x", x.clone()), ("y", array(descr, false, "2,", elements))]).unwrap();
            assert_eq!(dataset.classes(), Some(&[4, 1][..]), "{descr}");
        }
    }

    #[test]
    fn labels_that_are_no_classes_are_values() {
        let x = || ("x", array("|u1", false, "2, 1, 2, 3", &pixels()));
        let halves =
            [0.5_f64, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        let columns = |arrays: &[(&str, Vec<u8>)]| {
            let dataset = read(arrays).unwrap();
            assert_eq!(dataset.classes(), None);
            let columns = dataset.labels().unwrap().columns().to_vec();
            columns
                .into_iter()
                .map(|c| (c.name.clone(), c.values().into_owned()))
                .collect::<Vec<_>>()
        };
        let named = |name: &str| Some(name.to_owned());
        let float = array("<f8", false, "2,", &halves);
        assert_eq!(columns(&[x(), ("y", float.clone())]), [(None, vec![0.5, -2.0])]);
        let signed = array("|i1", false, "2,", &[0, 255]);
        assert_eq!(columns(&[x(), ("y", signed)]), [(None, vec![0.0, -1.0])]);
        let rows = array("|u1", false, "2, 2", &[1, 2, 3, 4]);
        assert_eq!(columns(&[x(), ("y", rows)]), [(None, vec![1.0, 3.0]), (None, vec![2.0, 4.0])]);
        // Without a `y`, what has a number for each frame; not what has more or other than that.
        let others = [
            ("angle", float),
            ("brake", array("|b1", false, "2,", &[0, 1])),
            ("deleted", array("<i8", false, "1,", &[0; 8])),
            ("names", array("<U1", false, "2,", &[65, 0, 0, 0, 66, 0, 0, 0])),
        ];
        let arrays: Vec<_> = [x()].into_iter().chain(others).collect();
        let expected = [(named("angle"), vec![0.5, -2.0]), (named("brake"), vec![0.0, 1.0])];
        assert_eq!(columns(&arrays), expected);
    }

    /// An input of a network.
    fn input(name: &str, element: Element, shape: &[usize]) -> Value {
        let frame = shape.iter().map(|&n| Dim::Fixed(n));
        let shape = std::iter::once(Dim::Free("N".into())).chain(frame).collect();
        Value { name: name.into(), element, shape: Some(shape) }
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn arrays_are_the_inputs_that_are_called_so() {
        let arrays = [
            ("speed", array("<f4", false, "2, 1", &floats(&[0.5, 2.0]))),
            ("image", pixels_array()),
            (
                "command",
                array(
                    "<i8",
                    false,
                    "2,",
                    &[3, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255],
                ),
            ),
            ("angle", array("<f8", false, "2,", &[0; 16])),
            ("fps", array("<f4", false, "", &[0; 4])),
        ];
        let data = read(&arrays).unwrap();
        // What people see are the pictures.
        assert_eq!((data.len(), data.frame_shape()), (2, &[3, 1, 2][..]));
        assert_eq!(data.picture(1).unwrap().rgba[..4], [6, 7, 8, 255]);
        let columns = |data: &Dataset| {
            let columns = data.labels().unwrap().columns().iter();
            columns.map(|column| column.name.clone().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(columns(&data), ["speed", "command", "angle"]);

        let image = |element, shape: &[usize]| input("image", element, shape);
        let others = || [input("command", Element::I32, &[]), input("speed", Element::F32, &[1])];
        let scaled = |values: [f32; 6]| values.map(|value| value / 255.0);
        for (first, expected) in [
            (image(Element::F32, &[3, 1, 2]), scaled([6.0, 9.0, 7.0, 10.0, 8.0, 11.0])),
            (image(Element::F16, &[1, 2, 3]), scaled([6.0, 7.0, 8.0, 9.0, 10.0, 11.0])),
            (image(Element::U8, &[1, 2, 3]), [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]),
        ] {
            let inputs = [&[first][..], &others()].concat();
            let rows = data.rows_for(&inputs).unwrap();
            assert_eq!((rows.len(), rows.frame_shape()), (2, &[8][..]));
            assert_eq!(frame(&rows, 1), [&expected[..], &[-1.0, 2.0]].concat());
            assert_eq!(columns(&rows), ["angle"]);
            assert_eq!(rows.picture(1).unwrap().rgba, data.picture(1).unwrap().rgba);
            let selected = rows.select(&[1]);
            assert_eq!(frame(&selected, 0), frame(&rows, 1));
            // Rows are rows already.
            assert_eq!(selected.rows_for(&inputs).unwrap().len(), 1);
        }
        let speed = data.frames_for("speed").unwrap();
        assert_eq!(
            (frame(&speed, 1), columns(&speed)),
            (vec![2.0], vec!["command".into(), "angle".into()])
        );

        // An `x` may be an input among others, too.
        let data = read(&[("x", pixels_array()), arrays[0].clone()]).unwrap();
        let inputs = [input("x", Element::F32, &[3, 1, 2]), input("speed", Element::F32, &[1])];
        assert_eq!(data.rows_for(&inputs).unwrap().frame_shape(), [7]);
        assert_eq!(data.frames_for("picture").unwrap().frame_shape(), [3, 1, 2]);
    }

    #[test]
    fn an_input_without_its_array_is_named() {
        let data = read(&[
            ("image", pixels_array()),
            ("speed", array("<f4", false, "3, 1", &[0; 12])),
            ("odd", array("<f4", false, "2, 1, 1", &floats(&[0.0, f32::NAN]))),
        ]);
        let data = data.unwrap();
        let image = || input("image", Element::F32, &[3, 1, 2]);
        for (inputs, what) in [
            (
                vec![image(), input("state", Element::F32, &[1])],
                "there is no array for the network's input `state`, only image [2, 1, 2, 3], speed [3, 1], odd [2, 1, 1]",
            ),
            (
                vec![image(), input("speed", Element::F32, &[1])],
                "the array `speed` of shape [3, 1] has no numbers for each of 2 frames",
            ),
            (
                vec![input("image", Element::F32, &[3, 2, 2]), image()],
                "the network's input `image` is N x 3 x 2 x 2, its array has the shape [2, 1, 2, 3]",
            ),
            (vec![image(), input("odd", Element::F32, &[1])], "frame 1 of `odd` holds NaN"),
        ] {
            let error = data.rows_for(&inputs).unwrap_err();
            assert_eq!((error.what.as_str(), error.file.as_deref()), (what, Some("set.npz")));
        }
        // There is only one that has pictures, whatever it is called.
        assert_eq!(data.frames_for("input_1").unwrap().frame_shape(), [3, 1, 2]);
        let depth = array("|u1", false, "2, 1, 2, 1", &[0; 4]);
        let two = read(&[("image", pixels_array()), ("depth", depth)]).unwrap();
        let error = two.frames_for("input_1").unwrap_err();
        assert!(error.what.contains("no array `x` for the network's input `input_1`"), "{error}");
    }

    #[test]
    fn arrays_may_have_any_names() {
        let doubles =
            |values: &[f64]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
        let halves = array("<f8", false, "2, 1, 2, 3", &doubles(&[0.5; 12]));
        let angles = || array("<f8", false, "2,", &doubles(&[0.25, -1.0]));
        let values = |data: &Dataset| {
            let columns = data.labels().unwrap().columns();
            columns.iter().map(|column| column.values().into_owned()).collect::<Vec<_>>()
        };
        let data = read(&[("labels", angles()), ("images", halves.clone())]).unwrap();
        assert_eq!((data.frame_shape(), values(&data)), (&[1, 2, 3][..], vec![vec![0.25, -1.0]]));
        assert_eq!(data.frames_for("input").unwrap().len(), 2);
        // Of a split that has the same number of frames the labels are told by their name.
        let other = || array("<f8", false, "2,", &doubles(&[7.0; 2]));
        let split = [
            ("X_train", halves.clone()),
            ("y_test", other()),
            ("y_train", angles()),
            ("X_test", pixels_array()),
        ];
        assert_eq!(values(&read(&split[..3]).unwrap()), [[0.25, -1.0]]);
        let labelling = Labelling {
            images: Some("X_test".into()),
            labels: vec!["y_test".into()],
            ..Labelling::default()
        };
        let reading = Reading { labelling, ..Reading::default() };
        let file = npz(&split, CompressionMethod::Stored);
        let chosen = Dataset::read(&[file], &reading, &mut crate::progress::unwatched).unwrap();
        assert_eq!((chosen.frame_shape(), values(&chosen)), (&[3, 1, 2][..], vec![vec![7.0, 7.0]]));
        // Side by side in a folder, as np.save leaves them.
        let file = |name: &str, bytes| File { name: name.into(), bytes: ByteBuf::from(bytes) };
        let pair = [file("set/labels.npy", angles()), file("set/frames.npy", pixels_array())];
        let pair = Dataset::read(&pair, &Reading::default(), &mut crate::progress::unwatched);
        let pair = pair.unwrap();
        assert_eq!((pair.frame_shape(), values(&pair)), (&[3, 1, 2][..], vec![vec![0.25, -1.0]]));
    }

    #[test]
    fn labels_that_are_missing_are_told() {
        let x = array("|u1", false, "2, 1, 2, 3", &pixels());
        let dataset = read(&[("x", x.clone()), ("y", array("|u1", false, "2,", &[4, 5]))]).unwrap();
        dataset.known_labels().unwrap();
        let error = read(&[("x", x)]).unwrap().known_labels().unwrap_err();
        assert_eq!(error.what, "the frames have no labels");
        assert_eq!(error.file.as_deref(), Some("set.npz"));
    }

    #[test]
    fn each_fault_has_its_own_message() {
        let x = || ("x", array("|u1", false, "2, 1, 2, 3", &pixels()));
        let cases = [
            (
                vec![("names", array("<U1", false, "2,", &[65, 0, 0, 0, 66, 0, 0, 0]))],
                "no array `x` in the npz, only names",
            ),
            (
                vec![("images", pixels_array()), ("y", array("|u1", false, "3,", &[0; 3]))],
                "2 frames in `images`, 3 labels in `y`",
            ),
            (
                vec![("x", array("|u1", false, "3, 2, 2", &pixels()))],
                "uint8 `x` is frames, height, width, channels; this one has the shape [3, 2, 2]",
            ),
            (
                vec![("x", array("<f4", false, "1,", &[0; 4]))],
                "float32 `x` needs an axis beside that of the frames",
            ),
            (vec![("x", array("<f4", false, "", &[0; 4]))], "`x` is a single number, not frames"),
            (vec![("x", array("<f4", false, "0, 4", &[]))], "`x` is empty: its shape is [0, 4]"),
            (
                vec![("x", array("<f4", false, "1, 1", &f32::NAN.to_le_bytes()))],
                "frame 0 of `x` holds NaN",
            ),
            (vec![("x", array("|O", false, "1, 1", &[0; 4]))], "`x` has the element type |O"),
            (
                vec![("x", array("|u1", false, "2, 1, 2, 3", &pixels()[1..]))],
                "`x`: the archive is damaged or cut short (failed to fill whole buffer)",
            ),
            (
                vec![("x", array("|u1", false, "2, 1, 1, 3", &pixels()))],
                "`x`: there are more elements than the shape says",
            ),
            (
                vec![("x", array("|u1", false, "9999999, 96, 96, 3", &[]))],
                "`x`: the data does not fit in memory",
            ),
            (
                vec![("x", array("|u1", false, "99999999999, 99999999999, 1, 3", &[]))],
                "`x`: the data does not fit in memory",
            ),
            (
                vec![("x", b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec())],
                "`x`: a header of 4294967295 bytes",
            ),
            (
                vec![("x", array("|u1", false, "-1, 1", &[]))],
                "`x`: the header's `shape` cannot be read",
            ),
            (
                vec![x(), ("y", array("|u1", false, "3,", &[0; 3]))],
                "2 frames in `x`, 3 labels in `y`",
            ),
            (
                vec![x(), ("y", array("|u1", false, "2, 5, 1", &[0; 10]))],
                "`y` is a label for each frame, or a row of values; this one has the shape [2, 5, 1]",
            ),
            (
                vec![x(), ("y", array("<f4", false, "2,", &[0, 0, 0, 0, 0, 0, 192, 127]))],
                "`y`: the label of frame 1 is NaN",
            ),
            (
                vec![x(), ("y", array("<c8", false, "2,", &[0; 16]))],
                "`y`: the element type is <c8, not a number",
            ),
        ];
        for (arrays, expected) in cases {
            let error = read(&arrays).unwrap_err();
            assert_eq!((error.what.as_str(), error.file.as_deref()), (expected, Some("set.npz")));
        }
    }

    fn pixels_array() -> Vec<u8> {
        array("|u1", false, "2, 1, 2, 3", &pixels())
    }

    #[test]
    fn a_file_cut_short_anywhere_is_an_error() {
        let arrays = [("x", pixels_array()), ("y", array("|u1", false, "2,", &[0, 1]))];
        let whole = npz(&arrays, CompressionMethod::Deflated);
        for length in 0..whole.bytes.len() {
            let bytes = ByteBuf::from(&whole.bytes[..length]);
            let error = read_file(File { bytes, ..whole.clone() }).unwrap_err();
            assert_eq!(error.file.as_deref(), Some("set.npz"), "cut to {length}");
        }
    }

    #[test]
    fn a_flipped_bit_is_an_error_or_harmless() {
        let whole = npz(&[("x", pixels_array())], CompressionMethod::Stored);
        let expected = frame(&read_file(whole.clone()).unwrap(), 1);
        for position in 0..whole.bytes.len() {
            for bit in 0..8 {
                let mut file = whole.clone();
                file.bytes[position] ^= 1 << bit;
                if let Ok(dataset) = read_file(file) {
                    assert_eq!(frame(&dataset, 1), expected, "bit {bit} of byte {position}");
                }
            }
        }
    }

    #[test]
    fn what_numpy_would_read_is_what_is_written() {
        let file = npy::write_f32(&[1.0, -2.5, 3.0, 0.0, 0.5, 7.0], 3, 2);
        assert_eq!(file.len() % 64, 6 * 4);
        let header = Header::read(&mut file.as_slice()).unwrap();
        assert_eq!((header.descr.as_str(), header.shape), ("<f4", vec![3, 2]));
        assert!(!header.fortran_order);
        let dataset = read(&[("x", file)]).unwrap();
        assert_eq!((frame(&dataset, 0), frame(&dataset, 2)), (vec![1.0, -2.5], vec![0.5, 7.0]));
    }

    #[test]
    fn progress_counts_frames_and_can_stop() {
        let file = npz(&[("x", pixels_array())], CompressionMethod::Stored);
        let mut seen = Vec::new();
        let mut watch = |done, total| {
            seen.push((done, total));
            Ok(())
        };
        Dataset::read(std::slice::from_ref(&file), &Reading::default(), &mut watch).unwrap();
        assert_eq!(seen, [(2, 2)]);
        let error =
            Dataset::read(&[file], &Reading::default(), &mut |_, _| Err(Error::cancelled()))
                .unwrap_err();
        assert!(error.is_cancelled());
    }
}
