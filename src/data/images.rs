//! Images in class folders.

use std::borrow::Cow;
use std::io::Cursor;

use image::{ImageFormat, ImageReader, RgbImage};

use super::Dataset;
use super::dataset::{Sample, bounded_vec};
use super::prepare::Preparer;
use crate::error::{Context, Error, Result};
use crate::progress::Progress;
use crate::vocabulary::labels::Labels;
use crate::vocabulary::preprocessing::Preprocessing;

/// What is read, and what is told apart from stray files only to say that it is not read.
const EXTENSIONS: [&str; 10] =
    ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "avif", "heic"];
const FORMATS: [ImageFormat; 4] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp];

/// A file that may be an image.
pub(super) struct Entry {
    /// With `/` between folders.
    path: String,
    /// The name that messages use.
    shown: String,
}

impl Entry {
    /// `archive`: the name of the zip that holds it.
    pub(super) fn new(path: &str, archive: Option<&str>) -> Self {
        let path = path.replace('\\', "/");
        let shown = archive.map_or_else(|| path.clone(), |archive| format!("{archive}: {path}"));
        Self { path, shown }
    }

    /// The folders above the file.
    fn folders(&self) -> Vec<&str> {
        let mut folders: Vec<_> = components(&self.path).collect();
        folders.pop();
        folders
    }
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty() && *component != ".")
}

/// Whether the name is that of an image: not hidden (`.DS_Store`, `__MACOSX`), not something else.
pub fn is_image_name(path: &str) -> bool {
    let hidden = |component: &str| component.starts_with('.') || component == "__MACOSX";
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    !components(path).any(hidden) && extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

/// Reads the images among `entries`; `load` gives the content of one.
///
/// Frames are in the order of their paths, byte by byte. Folders above the class folders do not
/// count. The label is the class folder's own number when all of them begin with different ones
/// and one is 0 (`0-nothing`, `3-gas`: a class may be missing), else the folder's place in
/// byte-wise order (as torchvision's `ImageFolder`). Images in a single folder have no labels.
///
/// Three channels, as Pillow's `convert("RGB")`: grey is repeated, opacity left out, a palette
/// looked up; 16 bits are rounded to 8. A camera's note of its orientation is not followed.
pub(super) fn read<'a>(
    entries: &[Entry],
    load: &mut dyn FnMut(usize) -> Result<Cow<'a, [u8]>>,
    preprocessing: Option<&Preprocessing>,
    progress: &mut Progress,
) -> Result<Dataset> {
    let mut order: Vec<_> =
        (0..entries.len()).filter(|&index| is_image_name(&entries[index].path)).collect();
    order.sort_by_key(|&index| &entries[index].path);
    let Some(&first) = order.first() else {
        return Err(Error::new("no image was found").way_out(
            "Data is PNG, JPEG, WebP or BMP images in class folders, or an npz with `x` and `y`.",
        ));
    };

    let (labels, class_names) = match class_folders(entries, &order)? {
        None => (None, Vec::new()),
        Some(folders) => {
            let (labels, class_names) = label(&folders);
            (Some(Labels::of_classes(labels)), class_names)
        }
    };

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
        if index == first {
            let preprocessing = preprocessing.cloned().unwrap_or_default();
            sample = Some(Sample { bytes: bytes.into_owned().into(), preprocessing });
            shape = own;
            pixels = bounded_vec(prepared.len().checked_mul(order.len()))?;
        } else if own != shape {
            return Err(Error::new(format!(
                "this image is {}x{}, but {} is {}x{}",
                own[2], own[1], entries[first].shown, shape[2], shape[1]
            ))
            .in_file(shown)
            .way_out(
                "All frames need one size: `--resize` makes them as large as the network takes them.",
            ));
        }
        pixels.extend_from_slice(prepared);
        progress(done + 1, order.len())?;
    }
    let names: Vec<&str> = order.iter().map(|&index| &*entries[index].path).collect();
    let data = Dataset::from_bytes(shape, pixels, labels, class_names, preprocessing)?;
    Ok(data.with_gaps(gaps(&names)).with_sample(sample))
}

/// Where the numbers in the names jump further than they mostly do; none where some name has none.
fn gaps(names: &[&str]) -> Vec<usize> {
    let number = |name: &&str| {
        let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
        let from = name[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
        name[from..end].parse::<u64>().ok()
    };
    let numbers: Option<Vec<u64>> = names.iter().map(number).collect();
    let Some(numbers) = numbers else { return Vec::new() };
    let steps: Vec<Option<u64>> =
        numbers.windows(2).map(|pair| pair[1].checked_sub(pair[0])).collect();
    let mut sorted = steps.clone();
    sorted.sort_unstable();
    let Some(&usual) = sorted.get(sorted.len() / 2) else { return Vec::new() };
    (1..=steps.len()).filter(|&at| steps[at - 1] != usual).collect()
}

/// The class folder of each image, or `None` when all lie in one folder.
fn class_folders<'e>(entries: &'e [Entry], order: &[usize]) -> Result<Option<Vec<&'e str>>> {
    let folders: Vec<_> = order.iter().map(|&index| entries[index].folders()).collect();
    let common = folders.iter().fold(folders[0].as_slice(), |common, folders| {
        let same = common.iter().zip(folders).take_while(|(a, b)| a == b).count();
        &common[..same]
    });
    let below: Vec<_> = folders.iter().map(|folders| &folders[common.len()..]).collect();
    if below.iter().all(|folders| folders.is_empty()) {
        return Ok(None);
    }
    let folder_of = |(place, folders): (usize, &&[&'e str])| match **folders {
        [folder] => Ok(folder),
        [] => Err(Error::new("this image lies beside the class folders, not in one")
            .in_file(&entries[order[place]].shown)
            .way_out("Move it into the folder of its class, or leave it out.")),
        _ => Err(Error::new(format!("class folders lie inside folders: {}", folders.join("/")))
            .in_file(&entries[order[place]].shown)
            .way_out("Give one split at a time: the folder that holds the class folders.")),
    };
    below.iter().enumerate().map(folder_of).collect::<Result<_>>().map(Some)
}

/// A class index per folder mentioned, and the classes' names.
fn label(folders: &[&str]) -> (Vec<u32>, Vec<String>) {
    let mut names = folders.to_vec();
    names.sort_unstable();
    names.dedup();
    let (classes, class_names) = match own_numbers(&names) {
        Some(numbers) => {
            let last = numbers.iter().max().map_or(0, |&last| last as usize);
            let mut class_names: Vec<_> = (0..=last).map(|class| class.to_string()).collect();
            for (name, &number) in names.iter().zip(&numbers) {
                class_names[number as usize] = (*name).to_owned();
            }
            (numbers, class_names)
        }
        None => {
            let class_names = names.iter().map(|&name| name.to_owned()).collect();
            ((0..names.len() as u32).collect(), class_names)
        }
    };
    let class_of = |folder| names.binary_search(folder).map_or(0, |place| classes[place]);
    (folders.iter().map(class_of).collect(), class_names)
}

/// The numbers that the names begin with, if they are different and one of them is 0.
fn own_numbers(names: &[&str]) -> Option<Vec<u32>> {
    let number = |name: &&str| {
        let digits = name.len() - name.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        // Four digits: enough for any classifier, too few for a list of names to grow huge.
        (1..=4).contains(&digits).then(|| name[..digits].parse().ok())?
    };
    let numbers: Vec<u32> = names.iter().map(number).collect::<Option<_>>()?;
    let mut distinct = numbers.clone();
    distinct.sort_unstable();
    distinct.dedup();
    (distinct.len() == numbers.len() && distinct[0] == 0).then_some(numbers)
}

pub(super) fn decode(bytes: &[u8]) -> Result<RgbImage> {
    if bytes.is_empty() {
        return Err(Error::new("the file is empty"));
    }
    let format = image::guess_format(bytes)
        .ok()
        .filter(|format| FORMATS.contains(format))
        .ok_or_else(|| {
            Error::new("not a PNG, JPEG, WebP or BMP image")
                .way_out("Convert it to one of them, or leave it out.")
        })?;
    // The reader's own limits, 512 MiB, keep a lying header from exhausting the memory.
    let image = ImageReader::with_format(Cursor::new(bytes), format)
        .decode()
        .map_err(|error| Error::new(format!("the image cannot be decoded ({error})")))?;
    Ok(image.into_rgb8())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use image::{DynamicImage, GrayImage, Luma, Rgb, Rgba, RgbaImage};
    use serde_bytes::ByteBuf;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;
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
    fn folders_numbered_from_0_say_their_class() {
        let label = |folders: &[&str]| label(folders).0;
        assert_eq!(label(&["0-nothing", "1-right", "3-gas"]), [0, 1, 3]);
        assert_eq!(label(&["0", "10", "2"]), [0, 10, 2]);
        assert_eq!(label(&["00_a", "01_b"]), [0, 1]);
        // Not numbered from 0, numbered twice, or not all numbered: byte-wise order.
        assert_eq!(label(&["1", "2", "10"]), [0, 2, 1]);
        assert_eq!(label(&["0-a", "0-b"]), [0, 1]);
        assert_eq!(label(&["0", "cat"]), [0, 1]);
        assert_eq!(label(&["0", "20261123"]), [0, 1]);
        assert_eq!(super::label(&["0-nothing", "2-left"]).1, ["0-nothing", "1", "2-left"]);
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
    fn a_gap_is_where_numbers_jump() {
        assert_eq!(gaps(&["a/1.png", "a/2.png", "a/3.png", "a/7.png", "a/8.png"]), [3]);
        assert_eq!(gaps(&["f_010.jpg", "f_020.jpg", "f_030.jpg", "f_050.jpg", "f_060.jpg"]), [3]);
        assert_eq!(gaps(&["left.png", "1.png"]), [0; 0]);
        assert_eq!(gaps(&["1.png"]), [0; 0]);
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
                "a single .npy array, which cannot carry labels",
            ),
            (
                vec![file("a.csv", b"1,2".to_vec())],
                Some("a.csv"),
                "neither an npz, nor a zip, nor an image",
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
