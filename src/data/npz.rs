//! Frames and labels as numpy saves them: `np.savez("set.npz", x=frames, y=labels)`.

use std::io::Read;

use super::Dataset;
use super::archive::Archive;
use super::npy::{self, Header};
use crate::error::{Error, Result};
use crate::graph::half;
use crate::progress::Progress;
use crate::vocabulary::frames::Normalization;
use crate::vocabulary::labels::{Column, Labels, MAX_CLASSES, Numbers};

/// An array of more columns than this is something else than labels.
const MOST_COLUMNS: usize = 64;

const FRAMES: &str = "x.npy";
const LABELS: &str = "y.npy";

/// Whether a zip archive is an npz.
pub(super) fn has_arrays(archive: &Archive) -> bool {
    archive.names().iter().any(|name| name.ends_with(".npy"))
}

/// Reads `x` and `y`, or without a `y` what other arrays say about each frame.
pub(super) fn read(
    archive: &mut Archive,
    normalization: Option<&Normalization>,
    progress: &mut Progress,
) -> Result<Dataset> {
    let position = |wanted| archive.names().iter().position(|name| name == wanted);
    let labels = position(LABELS);
    let frames = position(FRAMES).ok_or_else(|| {
        let found: Vec<_> =
            archive.names().iter().map(|name| name.trim_end_matches(".npy")).collect();
        Error::new(format!("no array `x` in the npz, only {}", found.join(", ")))
            .way_out("Save it as np.savez(\"set.npz\", x=frames, y=labels).")
    })?;
    // Labels first: they are small, and wrong ones are told before the frames are decoded.
    let y = labels.map(|index| read_columns(archive, index, "y")).transpose()?;

    let (mut entry, _) = archive.entry(frames)?;
    let header = Header::read(&mut entry).map_err(|error| of_array("x", error))?;
    let Some((&count, frame_shape)) = header.shape.split_first() else {
        return Err(Error::new("`x` is a single number, not frames"));
    };
    if header.shape.contains(&0) {
        return Err(Error::new(format!("`x` is empty: its shape is {:?}", header.shape)));
    }
    if let Some([label, ..]) = y.as_deref()
        && label.frames() != count
    {
        return Err(Error::new(format!("{count} frames in `x`, {} labels in `y`", label.frames())));
    }
    drop(entry);
    let labels = match y {
        Some(columns) => Labels::new(columns),
        None => named_labels(archive, count)?,
    };
    let (mut entry, _) = archive.entry(frames)?;
    Header::read(&mut entry).map_err(|error| of_array("x", error))?;
    let frame_size = header.count().map_or(usize::MAX, |elements| elements / count);
    let mut progress = |elements, _| progress(elements / frame_size, count);

    match (header.element.kind, header.element.size, frame_shape) {
        ('u', 1, &[height, width, channels]) => {
            let pixels = read_frames(&mut entry, &header, u8::from_le_bytes, &mut progress)?;
            let shape = [channels, height, width];
            Dataset::from_bytes(shape, pixels, labels, Vec::new(), normalization)
        }
        ('u', 1, _) => Err(Error::new(format!(
            "uint8 `x` is frames, height, width, channels; this one has the shape {:?}",
            header.shape
        ))
        .way_out("Grey frames need a last axis of one: x[..., None].")),
        ('f', 2 | 4, &[]) => {
            Err(Error::new("float32 `x` needs an axis beside that of the frames"))
        },
        ('f', size @ (2 | 4), _) => {
            let progress = &mut progress;
            let values = match size {
                2 => read_frames(&mut entry, &header, |b| half(u16::from_le_bytes(b)), progress)?,
                _ => read_frames(&mut entry, &header, f32::from_le_bytes, progress)?,
            };
            if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                return Err(Error::new(format!(
                    "frame {} of `x` holds {}",
                    index / frame_size,
                    values[index]
                )));
            }
            Dataset::from_floats(frame_shape.to_vec(), values, labels, normalization)
        }
        _ => Err(Error::new(format!("`x` has the element type {}", header.descr)).way_out(
            "Save it as uint8 (frames, height, width, channels) or as float32 in the network's form.",
        )),
    }
}

fn read_frames<T: Copy, const SIZE: usize>(
    entry: &mut impl Read,
    header: &Header,
    decode: impl Fn([u8; SIZE]) -> T,
    progress: &mut Progress,
) -> Result<Vec<T>> {
    npy::read_elements(entry, header, decode, progress).map_err(|error| of_array("x", error))
}

/// Labels in arrays that have other names: numbers, or short rows of them, for each of `count` frames.
fn named_labels(archive: &mut Archive, count: usize) -> Result<Option<Labels>> {
    let names: Vec<String> = archive.names().to_vec();
    let mut columns = Vec::new();
    for (index, file) in names.iter().enumerate().filter(|(_, file)| *file != FRAMES) {
        let Some(name) = file.strip_suffix(".npy") else { continue };
        let (mut entry, _) = archive.entry(index)?;
        let header = Header::read(&mut entry).map_err(|error| of_array(name, error))?;
        let is_label = matches!(&header.shape[..], &[frames] if frames == count)
            || matches!(&header.shape[..], &[frames, k] if frames == count && k <= MOST_COLUMNS);
        if is_label && matches!(header.element.kind, 'i' | 'u' | 'f' | 'b') {
            drop(entry);
            columns.extend(read_columns(archive, index, name)?);
        }
    }
    Ok(Labels::new(columns))
}

/// The labels in an array: a number for each frame, or a row of them.
fn read_columns(archive: &mut Archive, index: usize, name: &str) -> Result<Vec<Column>> {
    let (mut entry, _) = archive.entry(index)?;
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
        let labels = read_integers(&mut entry, &header).map_err(|error| of_array(name, error))?;
        let class = |&label: &i128| u32::try_from(label).ok().filter(|&class| class < MAX_CLASSES);
        if let (1, Some(classes)) = (width, labels.iter().map(class).collect()) {
            return Ok(vec![column(Numbers::Classes(classes))]);
        }
        let labels: Vec<f64> = labels.into_iter().map(|label| label as f64).collect();
        return Ok(columns(&labels, width).map(column).collect());
    }
    let mut none = crate::progress::unwatched;
    let values: Result<Vec<f64>> = match (header.element.kind, header.element.size) {
        ('f', 2) => npy::read_elements(
            &mut entry,
            &header,
            |b| half(u16::from_le_bytes(b)).into(),
            &mut none,
        ),
        ('f', 4) => {
            npy::read_elements(&mut entry, &header, |b| f32::from_le_bytes(b).into(), &mut none)
        }
        ('f', 8) => npy::read_elements(&mut entry, &header, f64::from_le_bytes, &mut none),
        _ => Err(Error::new(format!("the element type is {}, not a number", header.descr))
            .way_out(
                "Save the labels with .astype(\"int64\"), or values with .astype(\"float32\").",
            )),
    };
    let values = values.map_err(|error| of_array(name, error))?;
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

/// Elements of any integer type; i128 holds them all.
fn read_integers(entry: &mut impl Read, header: &Header) -> Result<Vec<i128>> {
    macro_rules! read {
        ($type:ty) => {
            npy::read_elements(
                entry,
                header,
                |bytes| i128::from(<$type>::from_le_bytes(bytes)),
                &mut crate::progress::unwatched,
            )
        };
    }
    match (header.element.kind, header.element.size) {
        ('i' | 'b', 1) => read!(i8),
        ('i', 2) => read!(i16),
        ('i', 4) => read!(i32),
        ('i', 8) => read!(i64),
        ('u', 1) => read!(u8),
        ('u', 2) => read!(u16),
        ('u', 4) => read!(u32),
        ('u', 8) => read!(u64),
        _ => Err(Error::new(format!("the element type is {}, not an integer", header.descr))
            .way_out("Save the labels with .astype(\"int64\").")),
    }
}

/// Says which array an error is about; being cancelled is about none.
fn of_array(name: &str, error: Error) -> Error {
    if error.cancelled {
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
    use crate::vocabulary::file::File;

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
        Dataset::read(&[file], None, &mut crate::progress::unwatched)
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
        let read = |normalization: &Normalization| {
            Dataset::read(
                std::slice::from_ref(&file),
                Some(normalization),
                &mut crate::progress::unwatched,
            )
        };
        let normalization = Normalization {
            stack: None,
            divide: None,
            mean: vec![0.0, 0.5, 0.25],
            std: vec![1.0, 0.5, 2.0],
        };
        let dataset = read(&normalization).unwrap();
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
            read(&Normalization { stack: None, divide: None, mean: vec![0.5], std: vec![] })
                .unwrap_err();
        assert_eq!(
            error.to_string(),
            "set.npz: the mean has 1 values, the frames have 3 channels."
        );
        assert!(
            read(&Normalization {
                stack: None,
                divide: None,
                mean: vec![],
                std: vec![1.0, 0.0, 1.0]
            })
            .is_err()
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

            let normalization =
                Normalization { stack: None, divide: None, mean: vec![0.5], std: vec![] };
            let read =
                Dataset::read(&[file], Some(&normalization), &mut crate::progress::unwatched);
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

    #[test]
    fn labels_are_checked_against_the_classes() {
        let x = array("|u1", false, "2, 1, 2, 3", &pixels());
        let dataset = read(&[("x", x.clone()), ("y", array("|u1", false, "2,", &[4, 5]))]).unwrap();
        dataset.check_labels(6).unwrap();
        let error = dataset.check_labels(5).unwrap_err();
        assert_eq!(
            error.what,
            "label 5 of frame 1 is out of range: the network has 5 classes, 0 to 4"
        );
        assert_eq!(error.file.as_deref(), Some("set.npz"));
        let unlabelled = read(&[("x", x)]).unwrap();
        assert_eq!(unlabelled.check_labels(5).unwrap_err().what, "the frames have no labels");
    }

    #[test]
    fn each_fault_has_its_own_message() {
        let x = || ("x", array("|u1", false, "2, 1, 2, 3", &pixels()));
        let cases = [
            (
                vec![("images", pixels_array()), ("y", pixels_array())],
                "no array `x` in the npz, only images, y",
            ),
            (
                vec![("x", array("|u1", false, "3, 2, 2", &pixels()))],
                "uint8 `x` is frames, height, width, channels; this one has the shape [3, 2, 2]",
            ),
            (vec![("x", array("<f8", false, "1,", &[0; 8]))], "`x` has the element type <f8"),
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
        Dataset::read(std::slice::from_ref(&file), None, &mut watch).unwrap();
        assert_eq!(seen, [(2, 2)]);
        let error = Dataset::read(&[file], None, &mut |_, _| Err(Error::cancelled())).unwrap_err();
        assert!(error.cancelled);
    }
}
