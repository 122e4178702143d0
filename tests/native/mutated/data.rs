//! Changed data: npz, zips of class folders, of tables, tubs and names, and images.

use std::io::{Cursor, Write};

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use steer8::data::Dataset;
use steer8::progress::unwatched;
use steer8::random::SplitMix64;
use steer8::vocabulary::file::File;
use steer8::vocabulary::reading::Reading;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::cases::Outcome;
use super::changes;

const TABLE: &str = "image;note;angle\n1.png;\"a; \"\"b\"\"\n\";0,5\n../IMG/2.png;;-1\n";
const LOG: &str = "C:\\c\\center_1.png,C:\\c\\left_1.png,C:\\c\\right_1.png,0.5,1,0,20\r\n";
const MANIFEST: &str = concat!(
    "[\"cam/image_array\", \"user/angle\"]\n[\"image_array\", \"float\"]\n{}\n{}\n",
    "{\"paths\": [\"a.catalog\"], \"deleted_indexes\": [7]}\n",
);
const CATALOG: &str = concat!(
    "{\"_index\": 0, \"cam/image_array\": \"1.png\", \"user/angle\": 0.5}\n",
    "{\"_index\": 1, \"cam/image_array\": \"1.png\", \"user/angle\": -1, \"_session_id\": \"a\"}\n",
);

/// A file, or the parts of an archive.
pub(super) struct Seed {
    pub(super) name: String,
    parts: Vec<(&'static str, Vec<u8>)>,
    /// `None` for an image, which is its one part.
    method: Option<CompressionMethod>,
}

fn packed(seed: &Seed, names: &[String], parts: &[Vec<u8>]) -> Vec<u8> {
    let Some(method) = seed.method else { return parts[0].clone() };
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in names.iter().zip(parts) {
        let options = SimpleFileOptions::default().compression_method(method);
        archive.start_file(&**name, options).expect("it is in memory");
        archive.write_all(bytes).expect("it is in memory");
    }
    archive.finish().expect("it is in memory").into_inner()
}

fn array(element: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{element}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), bytes].concat()
}

fn image(format: ImageFormat, kind: usize) -> Vec<u8> {
    let shade = |x: u32, y: u32| (x * 40 + y * 9) as u8;
    let image: DynamicImage = match kind {
        0 => RgbImage::from_fn(9, 7, |x, y| Rgb([shade(x, y), shade(y, x), 7])).into(),
        1 => GrayImage::from_fn(9, 7, |x, y| Luma([shade(x, y)])).into(),
        2 => RgbaImage::from_fn(9, 7, |x, y| Rgba([shade(x, y), 3, 7, shade(y, x)])).into(),
        _ => DynamicImage::from(RgbImage::from_pixel(9, 7, Rgb([1, 2, 3]))).to_rgb16().into(),
    };
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("it is in memory");
    bytes.into_inner()
}

/// An npz of each kind that is read, zips of images, and images.
pub(super) fn seeds() -> Vec<Seed> {
    let methods = [CompressionMethod::Stored, CompressionMethod::Deflated];
    let pixels: Vec<u8> = (0..4 * 5 * 6 * 3).map(|i| (i * 7) as u8).collect();
    let floats: Vec<u8> = (0..4 * 10).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let labels: Vec<u8> = (0..4i64).flat_map(i64::to_le_bytes).collect();
    let mut seeds = Vec::new();
    for method in methods.map(Some) {
        let y = || ("y.npy", array("<i8", "4,", &labels));
        let png = || image(ImageFormat::Png, 0);
        let archives = [
            ("pixels.npz", vec![("x.npy", array("|u1", "4, 5, 6, 3", &pixels)), y()]),
            ("floats.npz", vec![("x.npy", array("<f4", "4, 2, 5", &floats)), y()]),
            ("folders.zip", vec![("set/0-a/1.png", png()), ("set/1-b/2.png", png())]),
            (
                "table.zip",
                vec![("IMG/1.png", png()), ("t.csv", TABLE.into()), ("IMG/2.png", png())],
            ),
            ("log.zip", vec![("c/center_1.png", png()), ("driving_log.csv", LOG.into())]),
            (
                "tub.zip",
                vec![
                    ("images/1.png", png()),
                    ("manifest.json", MANIFEST.into()),
                    ("a.catalog", CATALOG.into()),
                ],
            ),
            ("xy.zip", vec![("xy_1_2_a.png", png()), ("xy_-3_40_b.png", png())]),
            ("pair.zip", vec![("frames.npy", array("|u1", "4, 5, 6, 3", &pixels)), y()]),
        ];
        let seed = |(name, parts): (&str, _)| Seed { name: name.into(), parts, method };
        seeds.extend(archives.map(seed));
    }
    let kinds = [
        (ImageFormat::Png, "png", &[0, 1, 2, 3][..]),
        (ImageFormat::Jpeg, "jpg", &[0, 1]),
        (ImageFormat::WebP, "webp", &[0, 2]),
        (ImageFormat::Bmp, "bmp", &[0, 1, 2]),
    ];
    for (format, extension, kinds) in kinds {
        for &kind in kinds {
            let name = format!("{kind}.{extension}");
            seeds.push(Seed { name, parts: vec![("", image(format, kind))], method: None });
        }
    }
    seeds
}

/// Reads case `number`, and looks at its first frame. What is changed is the file, or a part or its name
/// before it is packed, which the checksum then fits.
pub(super) fn read(seeds: &[Seed], number: usize) -> Outcome {
    let seed = &seeds[number % seeds.len()];
    let mut random = SplitMix64::new(number as u64);
    let mut parts: Vec<Vec<u8>> = seed.parts.iter().map(|(_, bytes)| bytes.clone()).collect();
    let mut names: Vec<String> = seed.parts.iter().map(|(name, _)| (*name).to_owned()).collect();
    let bytes = match number / seeds.len() % 3 {
        0 => changes::of_bytes(&packed(seed, &names, &parts), &mut random),
        1 => {
            let at = random.below(parts.len());
            parts[at] = changes::of_bytes(&parts[at], &mut random);
            packed(seed, &names, &parts)
        }
        _ => {
            let at = random.below(names.len());
            let name = changes::of_bytes(names[at].as_bytes(), &mut random);
            // No archive has two of one name.
            let name: String = String::from_utf8_lossy(&name).chars().take(99).collect();
            if !names.contains(&name) {
                names[at] = name;
            }
            packed(seed, &names, &parts)
        }
    };
    let file = File { name: seed.name.clone(), bytes: bytes.into() };
    let Ok(data) = Dataset::read(&[file], &Reading::default(), &mut unwatched) else {
        return Outcome::RefusedOnReading;
    };
    let mut frame = vec![0.0; data.frame_shape().iter().product()];
    data.input(0, &mut frame);
    data.picture(0);
    Outcome::Ran
}
