//! Pictures as they enter: the numbers of OpenCV and numpy, stored by `goldens/prepare.py`; natively and in
//! the browser.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use serde::Deserialize;
use steer8::data::npy::{self, Numbers};
use steer8::data::{Dataset, Preparer};
use steer8::error::Result;
use steer8::progress::unwatched;
use steer8::vocabulary::file::File;
use steer8::vocabulary::preprocessing::{Color, Crop, Preprocessing};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Deserialize)]
struct Golden {
    name: String,
    images: Vec<String>,
    preprocessing: Preprocessing,
    /// Frames, channels, height, width.
    shape: [usize; 4],
    /// Of the numbers that are stored, how far the next is.
    every: usize,
    numbers: String,
}

fn pack() -> BTreeMap<String, Vec<u8>> {
    let archive = Cursor::new(&include_bytes!("../goldens/prepare.zip")[..]);
    let mut archive = zip::ZipArchive::new(archive).expect("a zip");
    let mut parts = BTreeMap::new();
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).expect("a part");
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).expect("the pack is whole");
        parts.insert(part.name().expect("a name").into_owned(), bytes);
    }
    parts
}

fn read(files: &[(&str, &[u8])], preprocessing: &Preprocessing) -> Result<Dataset> {
    let file =
        |(name, bytes): &(&str, &[u8])| File { name: (*name).into(), bytes: bytes.to_vec().into() };
    let files: Vec<File> = files.iter().map(file).collect();
    Dataset::read(&files, &Some(preprocessing.clone()).into(), &mut unwatched)
}

fn numbers(data: &Dataset) -> Vec<f32> {
    let len = data.frame_shape().iter().product();
    let frame = |index| {
        let mut frame = vec![0.0; len];
        data.input(index, &mut frame);
        frame
    };
    (0..data.len()).flat_map(frame).collect()
}

#[test]
fn pictures_enter_as_opencv_and_numpy_have_them() {
    let pack = pack();
    let goldens: Vec<Golden> = serde_json::from_slice(&pack["goldens.json"]).expect("JSON");
    assert!(goldens.len() > 20, "{}", goldens.len());
    for golden in goldens {
        let name = &golden.name;
        let images: Vec<_> = golden.images.iter().map(|name| (&**name, &*pack[name])).collect();
        let data = read(&images, &golden.preprocessing).expect(name);
        assert_eq!([&[data.len()], data.frame_shape()].concat(), golden.shape, "{name}");
        let ours = numbers(&data);
        let ours = ours.iter().step_by(golden.every).map(|&x| f64::from(x));
        let theirs: Vec<f64> = match npy::read(&pack[&golden.numbers]).expect(name).numbers {
            Numbers::Whole(whole) => whole.into_iter().map(|n| n as f64).collect(),
            Numbers::Floats(floats) => floats,
        };
        // To the bit.
        assert!(ours.eq(theirs), "{name}");
    }
}

#[test]
fn arrays_of_pixels_have_colours_but_are_not_cropped_or_resized() {
    let pixels = [10, 20, 30, 40, 50, 60];
    let set = |shape: &[usize]| npy::write("|u1", shape, pixels);
    let npz = |shape: &[usize]| steer8::data::npz::write(&[("x", set(shape))]).expect("an npz");
    let bgr = Preprocessing {
        crop: Some(Crop { top: 5, ..Crop::default() }),
        resize: Some([7, 7]),
        color: Some(Color::Bgr),
        divide: Some(1.0),
        ..Preprocessing::default()
    };
    let data = read(&[("set.npz", &npz(&[2, 1, 1, 3]))], &bgr).expect("pixels");
    assert_eq!(numbers(&data), [30.0, 20.0, 10.0, 60.0, 50.0, 40.0]);
    // People see what a camera saw.
    let picture = data.picture(0).expect("a picture");
    assert_eq!(picture.rgba[..3], [10, 20, 30]);
    let error = read(&[("set.npz", &npz(&[3, 1, 1, 2]))], &bgr).unwrap_err();
    assert!(error.what.contains("2 channels"), "{error}");
}

#[test]
fn what_cannot_enter_says_why() {
    let pack = pack();
    // 29 x 23 and 24 x 18.
    let [first, second] = ["00.png", "01.png"].map(|name| (name, &*pack[name]));
    let says =
        |files: &[(&str, &[u8])], said: Preprocessing| read(files, &said).unwrap_err().to_string();
    let usual = Preprocessing::default;
    let error = says(&[first, second], usual());
    assert!(["00.png", "01.png", "--resize"].iter().all(|part| error.contains(part)), "{error}");
    let one_size = Preprocessing { resize: Some([8, 8]), ..usual() };
    assert_eq!(read(&[first, second], &one_size).expect("one size").len(), 2);
    let crop = Crop { left: 20, right: 9, ..Crop::default() };
    let error = says(&[first], Preprocessing { crop: Some(crop), ..usual() });
    assert!(error.contains("00.png") && error.contains("nothing of a picture of 29x23"), "{error}");
    for size in [[0, 4], [4, 8193]] {
        let error = says(&[first], Preprocessing { resize: Some(size), ..usual() });
        assert!(error.contains(&format!("{}x{}", size[0], size[1])), "{error}");
    }
    let gray = Preprocessing { color: Some(Color::Gray), mean: vec![0.0; 3], ..usual() };
    assert!(says(&[first], gray).contains("the mean has 3 values, the frames have 1"));
    let error = Preprocessing::from_json(br#"{"colour": "red"}"#).unwrap_err();
    assert!(error.what.contains("colour"), "{error}");
}

#[test]
fn a_picture_in_other_colours_is_shown_as_it_was() {
    let mut preparer = Preparer::new(None).expect("nothing to do");
    assert_eq!(preparer.prepare(&[1, 2, 3], [1, 1]).expect("a picture"), [1, 2, 3]);
    let pack = pack();
    let shown = |color| {
        let said = Preprocessing { color, ..Preprocessing::default() };
        let data = read(&[("05.png", &*pack["05.png"])], &said).expect("a picture");
        data.picture(0).expect("it is seen").rgba
    };
    let seen = shown(None);
    assert_eq!(shown(Some(Color::Bgr)), seen);
    let yuv = shown(Some(Color::Yuv));
    let apart = yuv.iter().zip(&seen).map(|(a, b)| f64::from(a.abs_diff(*b)));
    let apart = apart.sum::<f64>() / seen.len() as f64;
    // Bytes of colours that are far from grey are cut off.
    assert!(apart < 1.0, "{apart}");
}
