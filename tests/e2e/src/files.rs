//! Files that the page has to refuse, made from good ones.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// A file that is wrong in one way.
pub struct Bad {
    pub path: PathBuf,
    /// The button that opens it.
    pub button: &'static str,
    /// What its message has to mention.
    pub says: &'static str,
}

/// Writes one file of each kind into the folder. `network` is a good one that takes 96x96 frames.
pub fn write_bad_files(folder: &Path, network: &[u8]) -> Vec<Bad> {
    fs::create_dir_all(folder).expect("a folder for bad files can be made");
    let network_file = |name: &str, says, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).expect("a bad file can be written");
        Bad { path, button: "open-model", says }
    };
    let frames = (&[2, 96, 96, 3][..], vec![0; 2 * 96 * 96 * 3]);
    let data_file = |name: &str, says, arrays: &[(&str, &[usize], &[u8])]| {
        let path = folder.join(name);
        write_npz(&path, arrays);
        Bad { path, button: "open-validation", says }
    };
    let unknown_operator = replace(network, b"\x22\x04Relu", b"\x22\x04Rolu");
    vec![
        network_file("empty.onnx", "empty", b""),
        network_file("truncated.onnx", "", &network[..network.len() / 2]),
        network_file("picture.onnx", "", PNG),
        network_file("free-input.onnx", "other", &[network, &second_input()].concat()),
        network_file("unknown-operator.onnx", "Rolu", &unknown_operator),
        data_file("without-labels.npz", "y", &[("x", frames.0, &frames.1)]),
        data_file(
            "labels-out-of-range.npz",
            "7",
            &[("x", frames.0, &frames.1), ("y", &[2], &[1, 7])],
        ),
    ]
}

/// The first images of a zip of frames.
pub fn images_of(archive: &Path, count: usize) -> Vec<Vec<u8>> {
    let file = File::open(archive).expect("the frames are there");
    let mut zip = ZipArchive::new(file).expect("the frames are a zip");
    let image = |i| {
        let mut content = Vec::new();
        let mut entry = zip.by_index(i).expect("there are as many frames");
        entry.read_to_end(&mut content).expect("a frame can be read");
        content
    };
    (0..count).map(image).collect()
}

/// A picture of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\
    \0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xaeB`\x82";

/// Protobuf that, behind a network, gives it a further input, of free sizes: repeated fields of
/// concatenated messages add up.
fn second_input() -> Vec<u8> {
    let free = field(1, &[]);
    let tensor = [&[0x08, 1][..], &field(2, &[&free[..], &free].concat())].concat();
    let value = [field(1, b"other"), field(2, &field(1, &tensor))].concat();
    field(7, &field(11, &value))
}

/// A length-delimited protobuf field; both numbers are small.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("a small message");
    [&[number << 3 | 2, length], content].concat()
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from);
    let at = at.expect("the network has such an operator");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// An npz of uint8 arrays: name, shape, content.
fn write_npz(path: &Path, arrays: &[(&str, &[usize], &[u8])]) {
    let file = File::create(path).expect("a bad file can be written");
    let mut zip = ZipWriter::new(file);
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, shape, content) in arrays {
        zip.start_file(format!("{name}.npy"), stored).expect("an array can be added");
        let dimensions: String = shape.iter().map(|n| format!("{n},")).collect();
        let header =
            format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({dimensions}), }}\n");
        let length = u16::try_from(header.len()).expect("a short header");
        zip.write_all(b"\x93NUMPY\x01\0").expect("an array can be added");
        zip.write_all(&length.to_le_bytes()).expect("an array can be added");
        zip.write_all(header.as_bytes()).expect("an array can be added");
        zip.write_all(content).expect("an array can be added");
    }
    zip.finish().expect("an npz can be finished");
}
