//! NumPy's array format: the header, read and written, and the elements after it.
//!
//! Source: numpy.lib.format, versions 1.0 to 3.0
//! (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use std::io::Read;

use super::archive::unreadable;
use super::dataset::bounded_vec;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::half;
use crate::progress::{Progress, unwatched};

const MAGIC: &[u8] = b"\x93NUMPY";

/// Far above what numpy writes for a plain array, which is 128 bytes.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// Elements decoded between two reports of progress.
const CHUNK: usize = 16 << 10;

/// Whether the bytes begin like an .npy file.
pub(super) fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// An element type such as `<f4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ElementType {
    pub(super) big_endian: bool,
    /// `f` float, `i` signed, `u` unsigned, …
    pub(super) kind: char,
    /// Bytes per element.
    pub(super) size: usize,
}

/// What precedes the elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    /// As written, for messages.
    pub(super) descr: String,
    pub(super) element: ElementType,
    /// The first axis varies fastest in the file.
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

impl Header {
    /// Reads up to the first element.
    pub(super) fn read(reader: &mut impl Read) -> Result<Self> {
        let mut start = [0; 8];
        reader.read_exact(&mut start).map_err(unreadable)?;
        if !is_npy(&start) {
            return Err(Error::new("not in numpy's format"));
        }
        let length = match start[6] {
            1 => {
                let mut length = [0; 2];
                reader.read_exact(&mut length).map_err(unreadable)?;
                u32::from(u16::from_le_bytes(length))
            }
            2 | 3 => {
                let mut length = [0; 4];
                reader.read_exact(&mut length).map_err(unreadable)?;
                u32::from_le_bytes(length)
            }
            version => {
                return Err(Error::new(format!("version {version} of numpy's format is unknown")));
            }
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_HEADER_BYTES {
            return Err(Error::new(format!("a header of {length} bytes")));
        }
        let mut header = vec![0; length];
        reader.read_exact(&mut header).map_err(unreadable)?;
        Self::parse(&String::from_utf8_lossy(&header))
    }

    /// Parses the dictionary, such as `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
    fn parse(dictionary: &str) -> Result<Self> {
        let broken = |key: &str| Error::new(format!("the header's `{key}` cannot be read"));
        let descr = value_of(dictionary, "descr")
            .and_then(|value| value.strip_prefix('\''))
            .and_then(|value| value.split_once('\''))
            .map(|(descr, _)| descr.to_owned())
            .ok_or_else(|| broken("descr"))?;
        let fortran_order = match value_of(dictionary, "fortran_order") {
            Some(value) if value.starts_with("True") => true,
            Some(value) if value.starts_with("False") => false,
            _ => return Err(broken("fortran_order")),
        };
        let shape = value_of(dictionary, "shape")
            .and_then(|value| value.strip_prefix('('))
            .and_then(|value| value.split_once(')'))
            .and_then(|(axes, _)| {
                let axes = axes.split(',').map(str::trim).filter(|axis| !axis.is_empty());
                axes.map(|axis| axis.parse().ok()).collect()
            })
            .ok_or_else(|| broken("shape"))?;
        let element = ElementType::parse(&descr).ok_or_else(|| broken("descr"))?;
        Ok(Self { descr, element, fortran_order, shape })
    }

    /// The number of elements, unless it is beyond any machine's.
    pub(super) fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |count, &axis| count.checked_mul(axis))
    }
}

impl ElementType {
    fn parse(descr: &str) -> Option<Self> {
        let mut chars = descr.chars();
        let big_endian = match chars.next()? {
            '<' | '|' => false,
            '>' => true,
            _ => return None,
        };
        let kind = chars.next()?;
        // Strings, dates and objects have other suffixes; nobody reads those.
        let size = chars.as_str().parse().unwrap_or(0);
        Some(Self { big_endian, kind, size })
    }
}

/// What follows `'key':` in the dictionary.
fn value_of<'a>(dictionary: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = dictionary.split_once(&format!("'{key}'"))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

/// Reads the elements after the header, in row-major order; `SIZE` is the bytes of one.
///
/// # Errors
/// When there are fewer or more of them than the header says, or too many to hold.
pub(super) fn read_elements<T: Copy, const SIZE: usize>(
    reader: &mut impl Read,
    header: &Header,
    decode: impl Fn([u8; SIZE]) -> T,
    progress: &mut Progress,
) -> Result<Vec<T>> {
    let count = header.count();
    let mut elements = bounded_vec(count)?;
    let count = count.unwrap_or_default();
    let mut bytes = vec![0; SIZE * CHUNK.min(count)];
    while elements.len() < count {
        let chunk = &mut bytes[..SIZE * CHUNK.min(count - elements.len())];
        reader.read_exact(chunk).map_err(unreadable)?;
        // A little-endian file is the rule; the other kind is turned round here.
        if header.element.big_endian {
            chunk.chunks_exact_mut(SIZE).for_each(<[u8]>::reverse);
        }
        elements.extend(chunk.as_chunks::<SIZE>().0.iter().map(|&element| decode(element)));
        progress(elements.len(), count)?;
    }
    // Reading on to the end compares the archive's checksum, too.
    if reader.read(&mut [0]).map_err(unreadable)? != 0 {
        return Err(Error::new("there are more elements than the shape says"));
    }
    Ok(if header.fortran_order { row_major(&elements, &header.shape) } else { elements })
}

/// What becomes of elements of any integer type; i128 holds them all.
pub(super) fn read_integers<T: Copy>(
    reader: &mut impl Read,
    header: &Header,
    of: impl Fn(i128) -> T,
    progress: &mut Progress,
) -> Result<Vec<T>> {
    macro_rules! read {
        ($type:ty) => {
            read_elements(
                reader,
                header,
                |bytes| of(i128::from(<$type>::from_le_bytes(bytes))),
                progress,
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

/// Elements of any type of floats.
pub(super) fn read_floats(reader: &mut impl Read, header: &Header) -> Result<Vec<f64>> {
    let unheard = &mut unwatched;
    match (header.element.kind, header.element.size) {
        ('f', 2) => read_elements(reader, header, |b| half(u16::from_le_bytes(b)).into(), unheard),
        ('f', 4) => read_elements(reader, header, |b| f32::from_le_bytes(b).into(), unheard),
        ('f', 8) => read_elements(reader, header, f64::from_le_bytes, unheard),
        _ => Err(Error::new(format!("the element type is {}, not a number", header.descr))
            .way_out(
                "Save the labels with .astype(\"int64\"), or values with .astype(\"float32\").",
            )),
    }
}

/// An array by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The last axis is the one whose elements lie beside each other.
    pub shape: Vec<usize>,
    /// In row-major order.
    pub numbers: Numbers,
}

/// The elements of an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// Of any integer type.
    Whole(Vec<i128>),
    /// Of any floating-point type.
    Floats(Vec<f64>),
}

/// Reads a whole .npy file.
///
/// # Errors
/// Another file, elements that are no numbers, and a file that was cut short.
pub fn read(bytes: &[u8]) -> Result<Array> {
    let mut reader = bytes;
    if !is_npy(bytes) {
        return Err(Error::new("no array in numpy's format")
            .of_kind(ErrorKind::Unreadable)
            .way_out("Save it with np.save(\"actions.npy\", actions)."));
    }
    let header = Header::read(&mut reader)?;
    let bytes = header.count().and_then(|count| count.checked_mul(header.element.size));
    if bytes != Some(reader.len()) {
        return Err(Error::new("the array is cut short, or longer than it says")
            .of_kind(ErrorKind::Unreadable)
            .way_out("Copy or make the file again."));
    }
    let numbers = match header.element.kind {
        'i' | 'u' | 'b' => {
            Numbers::Whole(read_integers(&mut reader, &header, |own| own, &mut unwatched)?)
        }
        _ => Numbers::Floats(read_floats(&mut reader, &header)?),
    };
    Ok(Array { shape: header.shape, numbers })
}

/// Turns elements whose first axis varies fastest into row-major order.
fn row_major<T: Copy>(elements: &[T], shape: &[usize]) -> Vec<T> {
    let mut strides = vec![1; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    let mut position = vec![0; shape.len()];
    let mut offset = 0;
    let mut out = Vec::with_capacity(elements.len());
    for _ in 0..elements.len() {
        out.push(elements[offset]);
        for axis in (0..shape.len()).rev() {
            position[axis] += 1;
            offset += strides[axis];
            if position[axis] < shape[axis] {
                break;
            }
            offset -= position[axis] * strides[axis];
            position[axis] = 0;
        }
    }
    out
}

/// An .npy file of `rows` x `columns` float32.
pub fn write_f32(values: &[f32], rows: usize, columns: usize) -> Vec<u8> {
    write("<f4", &[rows, columns], values.iter().flat_map(|value| value.to_le_bytes()))
}

/// An .npy file of elements of the type `descr`, whose bytes are given in row-major order.
pub fn write(descr: &str, shape: &[usize], elements: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    // A single axis is followed by a comma, too.
    let comma = if axes.len() == 1 { "," } else { "" };
    let axes = axes.join(", ");
    let mut dictionary =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({axes}{comma}), }}");
    // The elements begin at a multiple of 64 bytes, and a newline ends the header.
    let unpadded = MAGIC.len() + 4 + dictionary.len() + 1;
    let padding = unpadded.next_multiple_of(64) - unpadded;
    dictionary.push_str(&" ".repeat(padding));
    dictionary.push('\n');

    let mut file = MAGIC.to_vec();
    file.extend([1, 0]);
    // A few numbers of at most 20 digits: the length always fits.
    file.extend((dictionary.len() as u16).to_le_bytes());
    file.extend(dictionary.as_bytes());
    file.extend(elements);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_read_as_it_was_written() {
        let floats: Vec<u8> = [1.5_f64, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let file = write("<f8", &[1, 2], floats);
        assert_eq!(file.len(), 128 + 16);
        let array = Array { shape: vec![1, 2], numbers: Numbers::Floats(vec![1.5, -2.0]) };
        assert_eq!(read(&file).unwrap(), array);
        let file = write("|i1", &[3], [0, 4, 255]);
        let array = Array { shape: vec![3], numbers: Numbers::Whole(vec![0, 4, -1]) };
        assert_eq!(read(&file).unwrap(), array);
        for wrong in [&file[..file.len() - 1], &[&file[..], &[0]].concat(), &file[..6], b"PK"] {
            assert!(read(wrong).is_err(), "{} bytes", wrong.len());
        }
        assert!(read(&write("|S3", &[1], *b"gas")).unwrap_err().what.contains("not a number"));
    }
}
