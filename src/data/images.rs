//! Images as frames.

use std::io::Cursor;

use image::{ImageFormat, RgbImage};

use super::dataset::bounded_vec;
use super::decode::decode;
use super::entry::Entry;
use super::prepare::Preparer;
use super::records::{Load, Records};
use super::sample::Sample;
use super::{Dataset, archive};
use crate::error::{Context, Error, Result};
use crate::progress::Progress;
use crate::vocabulary::preprocessing::Preprocessing;

/// Reads the images of `records` among `entries`; `load` gives the content of one.
///
/// Three channels, as Pillow's `convert("RGB")`: grey is repeated, opacity left out, a palette
/// looked up; 16 bits are rounded to 8. A camera's note of its orientation is not followed.
pub(super) fn read(
    entries: &[Entry],
    records: Records,
    load: &mut Load,
    preprocessing: Option<&Preprocessing>,
    progress: &mut Progress,
) -> Result<Dataset> {
    let order = &records.images;
    let mut preparer = Preparer::new(preprocessing)?;
    let mut shape = [0; 3];
    let mut pixels = Vec::new();
    let mut sample = None;
    for (done, &index) in order.iter().enumerate() {
        let shown = &entries[index].shown;
        let bytes = load(index).in_file(shown)?;
        let image = decode(&bytes).in_file(shown)?;
        let (width, height) = image.dimensions();
        let size = [width as usize, height as usize];
        let own = preparer.shape(size).in_file(shown)?;
        let prepared = preparer.prepare(&image, size).in_file(shown)?;
        if done == 0 {
            let preprocessing = preprocessing.cloned().unwrap_or_default();
            sample = Some(Sample { bytes: bytes.into_owned().into(), preprocessing });
            shape = own;
            pixels = bounded_vec(prepared.len().checked_mul(order.len()))?;
        } else if own != shape {
            return Err(Error::new(format!(
                "this image is {}x{}, but {} is {}x{}",
                own[2], own[1], entries[order[0]].shown, shape[2], shape[1]
            ))
            .in_file(shown)
            .way_out(
                "All frames need one size: `--resize` makes them as large as the network takes them.",
            ));
        }
        pixels.extend_from_slice(prepared);
        progress(done + 1, order.len())?;
    }
    let Records { labels, class_names, .. } = &records;
    let (labels, class_names) = (labels.clone(), class_names.clone());
    let data = Dataset::from_bytes(shape, pixels, labels, class_names, preprocessing)?;
    data.with_records(entries, records).map(|data| data.with_sample(sample))
}

/// A zip of PNGs by their paths; a picture is rows of red, green and blue, so many pixels wide and high.
///
/// # Errors
/// Pictures of another size; more than an archive holds.
pub fn write_zip<'a>(
    pictures: impl IntoIterator<Item = (String, &'a [u8])>,
    [width, height]: [u32; 2],
) -> Result<Vec<u8>> {
    let encoded = |(path, pixels): (String, &[u8])| {
        let image = RgbImage::from_raw(width, height, pixels.to_vec()).ok_or_else(|| {
            Error::new(format!("it is not {width}x{height} pixels")).in_file(&path)
        })?;
        let mut png = Cursor::new(Vec::new());
        image.write_to(&mut png, ImageFormat::Png).map_err(|error| {
            Error::new(format!("the image cannot be encoded ({error})")).in_file(&path)
        })?;
        Ok((path, png.into_inner()))
    };
    let entries = pictures.into_iter().map(encoded).collect::<Result<Vec<_>>>()?;
    archive::write(entries)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use image::{DynamicImage, GrayImage, Luma, Rgb, Rgba, RgbaImage};
    use serde_bytes::ByteBuf;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;
    use crate::data::decode::FORMATS;
    use crate::vocabulary::file::File;
    use crate::vocabulary::reading::Reading;

    fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// 2 x 1 pixels, all of one level.
    fn grey_level(level: u8) -> Vec<u8> {
        encode(GrayImage::from_pixel(2, 1, Luma([level])), ImageFormat::Png)
    }

    fn file(name: &str, bytes: Vec<u8>) -> File {
        File { name: name.into(), bytes: ByteBuf::from(bytes) }
    }

    fn files(names: &[&str]) -> Vec<File> {
        names.iter().zip(0..).map(|(name, level)| file(name, grey_level(level))).collect()
    }

    fn zipped(files: &[File]) -> File {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for file in files {
            zip.start_file(&*file.name, SimpleFileOptions::default()).unwrap();
            zip.write_all(&file.bytes).unwrap();
        }
        file("set.zip", zip.finish().unwrap().into_inner())
    }

    fn read(files: &[File]) -> Result<Dataset> {
        Dataset::read(files, &Reading::default(), &mut crate::progress::unwatched)
    }

    /// The red level of each frame's first pixel.
    fn levels(dataset: &Dataset) -> Vec<u8> {
        (0..dataset.len()).map(|index| dataset.picture(index).unwrap().rgba[0]).collect()
    }

    #[test]
    fn labels_come_from_the_folders_in_path_order() {
        let files = files(&["set/b/2.png", "set/a/9.png", "set/b/1.png", "set/c/0.png"]);
        for dataset in [read(&files).unwrap(), read(&[zipped(&files)]).unwrap()] {
            assert_eq!(levels(&dataset), [1, 2, 0, 3]);
            assert_eq!(dataset.classes(), Some(&[0, 1, 1, 2][..]));
            assert_eq!(dataset.class_names(), ["a", "b", "c"]);
            assert_eq!(dataset.class_counts(), [1, 2, 1]);
            assert_eq!(dataset.frame_shape(), [3, 1, 2]);
        }
    }

    #[test]
    fn what_is_no_frame_is_passed_over() {
        let mut files = files(&["a/1.png", "b/2.png", "__MACOSX/a/._1.png", "a/.hidden.png"]);
        files.push(file("README.txt", b"about".to_vec()));
        files.push(file("a/Thumbs.db", vec![1, 2, 3]));
        assert_eq!(read(&files).unwrap().len(), 2);
        assert_eq!(read(&[zipped(&files)]).unwrap().len(), 2);
    }

    #[test]
    fn images_of_one_folder_have_no_labels() {
        for names in [&["1.png", "2.png"][..], &["set/1.png", "set/2.png"], &["1.png"]] {
            let dataset = read(&files(names)).unwrap();
            assert_eq!((dataset.len(), dataset.labels()), (names.len(), None));
            assert_eq!(dataset.class_counts(), [0; 0]);
        }
    }

    #[test]
    fn every_kind_of_image_becomes_three_channels() {
        let rgba = RgbaImage::from_fn(2, 1, |x, _| Rgba([10, 20, 30, 255 * x as u8]));
        let rgb = RgbImage::from_pixel(2, 1, Rgb([10, 20, 30]));
        let deep = DynamicImage::from(rgb.clone()).to_rgb16();
        let cases = [
            encode(rgba.clone(), ImageFormat::Png),
            encode(rgba, ImageFormat::WebP),
            encode(rgb.clone(), ImageFormat::WebP),
            encode(rgb, ImageFormat::Bmp),
            encode(deep, ImageFormat::Png),
        ];
        for bytes in cases {
            let picture = read(&[file("1.png", bytes)]).unwrap().picture(0).unwrap();
            assert_eq!(picture.rgba.as_slice(), [10, 20, 30, 255, 10, 20, 30, 255]);
        }
        let jpeg = encode(GrayImage::from_pixel(8, 8, Luma([128])), ImageFormat::Jpeg);
        let picture = read(&[file("1.jpg", jpeg)]).unwrap().picture(0).unwrap();
        assert!(picture.rgba.chunks(4).all(|pixel| pixel == [128, 128, 128, 255]));
    }

    #[test]
    fn each_fault_has_its_own_message() {
        let png = || grey_level(1);
        let wide = encode(GrayImage::new(3, 1), ImageFormat::Png);
        let huge = {
            let mut bytes = encode(GrayImage::new(1, 1), ImageFormat::Bmp);
            bytes[18..26].copy_from_slice(&[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
            bytes
        };
        let cases = [
            (vec![], None, "no file was given"),
            (vec![file("a.npz", vec![])], Some("a.npz"), "the file is empty"),
            (vec![file("a.png", vec![])], Some("a.png"), "the file is empty"),
            (
                vec![file("a.npy", b"\x93NUMPY\x01\x00".to_vec())],
                Some("a.npy"),
                "no array `x` in the npz, only a",
            ),
            (
                vec![file("a.csv", b"1,2".to_vec())],
                Some("a.csv"),
                "labels without the images that they are for",
            ),
            (vec![file("a.txt", vec![1]), file("b.txt", vec![1])], None, "no image was found"),
            (vec![zipped(&[file("a.txt", vec![1])])], Some("set.zip"), "no image was found"),
            (
                vec![file("a/1.png", png()), file("b.zip", b"PK\x05\x06".to_vec())],
                Some("b.zip"),
                "an archive among other files",
            ),
            (
                vec![file("a/1.png", png()), file("b/2.png", wide)],
                Some("b/2.png"),
                "this image is 3x1, but a/1.png is 2x1",
            ),
            (
                vec![file("a/1.png", png()), file("2.png", png())],
                Some("2.png"),
                "this image lies beside the class folders, not in one",
            ),
            (
                vec![file("val/a/1.png", png()), file("train/a/1.png", png())],
                Some("train/a/1.png"),
                "class folders lie inside folders: train/a",
            ),
            (
                vec![zipped(&[file("a/1.gif", b"GIF89a".to_vec())])],
                Some("set.zip: a/1.gif"),
                "not a PNG, JPEG, WebP or BMP image",
            ),
            (
                vec![file("1.bmp", huge)],
                Some("1.bmp"),
                "the image cannot be decoded (Memory limit exceeded)",
            ),
        ];
        for (files, named, expected) in cases {
            let error = read(&files).unwrap_err();
            assert_eq!((error.what.as_str(), error.file.as_deref()), (expected, named));
        }
    }

    #[test]
    fn an_image_cut_short_anywhere_is_an_error() {
        for format in FORMATS {
            let whole = encode(RgbImage::from_fn(9, 7, |x, y| Rgb([x as u8, y as u8, 7])), format);
            for length in 0..whole.len() / 2 {
                let error = read(&[file("a.png", whole[..length].to_vec())]).unwrap_err();
                assert_eq!(error.file.as_deref(), Some("a.png"), "{format:?} cut to {length}");
            }
        }
    }

    #[test]
    fn the_bundled_frames_are_read() {
        let bytes = include_bytes!("../../models/frames/calibration.zip");
        let mut last = (0, 0);
        let mut watch = |done, total| {
            last = (done, total);
            Ok(())
        };
        let dataset = Dataset::read(
            &[file("calibration.zip", bytes.to_vec())],
            &Reading::default(),
            &mut watch,
        )
        .unwrap();
        assert_eq!(last, (512, 512));
        assert_eq!((dataset.len(), dataset.frame_shape()), (512, &[3, 96, 96][..]));
        assert_eq!(dataset.class_names(), ["0-nothing", "1-right", "2-left", "3-gas", "4-brake"]);
        assert_eq!(dataset.class_counts(), [103, 103, 102, 102, 102]);
    }
}
