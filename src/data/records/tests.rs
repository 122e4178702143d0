//! Sets of a few tiny images, as people have them.

use std::io::{Cursor, Write};

use image::{GrayImage, ImageFormat, Luma};
use serde_bytes::ByteBuf;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::graph::{Dim, Element, Value};
use crate::progress::unwatched;
use crate::vocabulary::file::File;
use crate::vocabulary::labelling::{Cameras, ForColumn, Labelling};
use crate::vocabulary::reading::Reading;

/// Images of these names, and files with these texts.
fn set(images: &[&str], texts: &[(&str, &str)]) -> Vec<File> {
    let file = |name: &str, bytes: Vec<u8>| File { name: name.into(), bytes: ByteBuf::from(bytes) };
    let image = |(name, level): (&&str, u8)| {
        let mut bytes = Cursor::new(Vec::new());
        let image = GrayImage::from_pixel(1, 1, Luma([level]));
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        file(name, bytes.into_inner())
    };
    let images = images.iter().zip(0..).map(image);
    images.chain(texts.iter().map(|(name, text)| file(name, text.as_bytes().to_vec()))).collect()
}

fn zipped(files: &[File]) -> File {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        zip.start_file(&*file.name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&file.bytes).unwrap();
    }
    File { name: "set.zip".into(), bytes: ByteBuf::from(zip.finish().unwrap().into_inner()) }
}

fn read(files: &[File], labelling: &Labelling) -> Result<Dataset> {
    let reading = Reading { labelling: labelling.clone(), ..Reading::default() };
    Dataset::read(files, &reading, &mut unwatched)
}

/// The names of columns, and for each frame its file and labels.
fn seen(data: &Dataset) -> (String, Vec<(String, Vec<f64>)>) {
    let columns = || data.labels().into_iter().flat_map(|labels| labels.columns());
    let names: Vec<_> = columns().map(|column| column.name.clone().unwrap_or_default()).collect();
    let frame = |index: usize| {
        let labels = columns().map(|column| column.value(index)).collect();
        (data.name(index).unwrap().to_owned(), labels)
    };
    (names.join(" "), (0..data.len()).map(frame).collect())
}

fn frames(expected: &[(&str, &[f64])]) -> Vec<(String, Vec<f64>)> {
    expected.iter().map(|(name, labels)| ((*name).to_owned(), labels.to_vec())).collect()
}

#[test]
fn labels_are_found_where_they_lie() {
    let plain = Labelling::default;
    let pattern = |pattern: &str| Labelling { pattern: Some(pattern.into()), ..plain() };
    let (one, two) = (&["1.png", "2.png", "10.png"][..], &["IMG/a.png", "IMG/b.png"][..]);
    let cameras = &["IMG/center_1.png", "IMG/left_1.png", "IMG/right_1.png"];
    let manifest = concat!(
        "[\"cam/image_array\", \"user/angle\", \"user/throttle\"]\n[]\n{}\n{}\n",
        "{\"paths\": [\"c.catalog\"], \"deleted_indexes\": [1]}"
    );
    let catalog = concat!(
        "{\"_index\": 0, \"cam/image_array\": \"1.png\", \"user/angle\": -0.5, \"user/throttle\": 1}\n",
        "{\"_index\": 1, \"cam/image_array\": \"2.png\", \"user/angle\": 0.5, \"user/throttle\": 1}\n",
        "{\"_index\": 2, \"cam/image_array\": \"10.png\", \"user/angle\": 0.75, \"user/throttle\": 0.25}\n",
    );
    let cases = [
        (
            set(one, &[("l.csv", "image,note,angle\n10.png,\"a, b\",1\n2.png,,-0.5")]),
            plain(),
            "angle",
            frames(&[("10.png", &[1.0]), ("2.png", &[-0.5])]),
        ),
        (
            set(two, &[("l.csv", "IMG/a.png;3;0,5\nIMG/b.png;4;1,5")]),
            Labelling { labels: vec!["3".into()], ..plain() },
            "3",
            frames(&[("IMG/a.png", &[0.5]), ("IMG/b.png", &[1.5])]),
        ),
        (
            set(one, &[("data.txt", "1.png 0.000000\n2.png -12.5"), ("README.txt", "No table.")]),
            plain(),
            "2",
            frames(&[("1.png", &[0.0]), ("2.png", &[-12.5])]),
        ),
        (
            set(
                cameras,
                &[(
                    "log.csv",
                    r"C:\x\IMG\center_1.png, C:\x\IMG\left_1.png, C:\x\IMG\right_1.png, 0.5, 1, 0, 3",
                )],
            ),
            Labelling { cameras: Cameras::All, camera_correction: 0.25, ..plain() },
            "steering throttle",
            frames(&[
                ("IMG/center_1.png", &[0.5, 1.0]),
                ("IMG/left_1.png", &[0.75, 1.0]),
                ("IMG/right_1.png", &[0.25, 1.0]),
            ]),
        ),
        (
            set(
                &["t/images/1.png", "t/images/2.png", "t/images/10.png"],
                &[("t/manifest.json", manifest), ("t/c.catalog", catalog)],
            ),
            plain(),
            "user/angle user/throttle",
            frames(&[("t/images/1.png", &[-0.5, 1.0]), ("t/images/10.png", &[0.75, 0.25])]),
        ),
        (
            set(&["a/xy_112_20_x.png", "b/xy_7_120_x.png"], &[]),
            Labelling {
                scale: vec![ForColumn { column: Some("x".into()), number: 0.5 }],
                offset: vec![ForColumn { column: None, number: -1.0 }],
                ..plain()
            },
            "x y",
            frames(&[("a/xy_112_20_x.png", &[55.0, 19.0]), ("b/xy_7_120_x.png", &[2.5, 119.0])]),
        ),
        (
            set(&["video01_000_060.png", "video01_001_111.png"], &[]),
            plain(),
            "angle",
            frames(&[("video01_000_060.png", &[60.0]), ("video01_001_111.png", &[111.0])]),
        ),
        (
            set(&["v_2_-7.5.png", "v_10_0.png", "odd.png"], &[]),
            pattern(r"_(?<angle>-?\d+(\.\d+)?)\.png$"),
            "angle",
            frames(&[("v_2_-7.5.png", &[-7.5]), ("v_10_0.png", &[0.0])]),
        ),
        (
            set(one, &[("l.csv", "image,label\n1.png,left\n2.png,right\n10.png,left")]),
            plain(),
            "",
            frames(&[("1.png", &[0.0]), ("2.png", &[1.0]), ("10.png", &[0.0])]),
        ),
        (set(one, &[]), plain(), "", frames(&[("1.png", &[]), ("2.png", &[]), ("10.png", &[])])),
    ];
    for (files, labelling, columns, expected) in cases {
        for data in [read(&files, &labelling), read(&[zipped(&files)], &labelling)] {
            assert_eq!(seen(&data.unwrap()), (columns.into(), expected.clone()));
        }
    }
}

/// The place is told, and what is whole stays.
#[test]
fn what_is_wrong_has_its_own_message() {
    let images = &["d/1.png", "d/2.png"][..];
    let two = "\nd/1.png,1\nd/2.png,2";
    let csv = |text: &str| set(images, &[("l.csv", text)]);
    let tub = |listing: &str, catalog: &str| {
        let manifest = format!("[\"cam/image_array\", \"user/angle\"]\n[]\n{{}}\n{{}}\n{listing}");
        set(images, &[("manifest.json", &manifest), ("c.catalog", catalog)])
    };
    let record = |at: usize| {
        format!("{{\"_index\": {at}, \"cam/image_array\": \"{at}.png\", \"user/angle\": 1}}\n")
    };
    let listing = r#"{"paths": ["c.catalog"]}"#;
    let wide =
        (0..2).map(|_| "d/1.png,".to_owned() + &"0,".repeat(10_000) + "\n").collect::<String>();
    let plain = Labelling::default;
    let labels = |name: &str| Labelling { labels: vec![name.into()], ..plain() };
    let pattern = |pattern: &str| Labelling { pattern: Some(pattern.into()), ..plain() };
    // Frames that are left, with what is noted; or the error.
    let cases: [(_, _, Result<usize, ()>, &str); 19] = [
        (
            csv(&format!("image,angle{two}\nd/1.png")),
            plain(),
            Ok(2),
            "1 of 3 rows left out, broken: the first is line 4, which has 1 fields instead of 2",
        ),
        (
            csv(&format!("image,angle{two}\nd/1.png,\"3\n")),
            plain(),
            Ok(2),
            "line 4, which has a quotation mark that is not closed",
        ),
        (
            csv(&format!("image,angle{two}\nd/7.png,3")),
            plain(),
            Ok(2),
            "1 of 3 rows left out, the image is not there: the first is `d/7.png` in line 4",
        ),
        (
            csv(&format!("image,angle{two}\n../../d/7.png,3")),
            plain(),
            Ok(2),
            "the path leaves the folder: the first is `../../d/7.png` in line 4",
        ),
        (
            csv(&format!("image,angle{two}\nd/1.png,nan\nd/1.png,")),
            plain(),
            Ok(2),
            "2 of 4 rows left out, no number: the first is `nan` as angle in line 4",
        ),
        (
            csv("image,angle\nd/7.png,1\nd/8.png,1"),
            plain(),
            Err(()),
            "no frame is left: 2 of 2 rows left out, the image is not there",
        ),
        (csv("image,angle\nd/1.png,fast"), labels("angle"), Err(()), "`fast` as angle"),
        (
            csv("image,angle,speed\nd/1.png,1,1"),
            labels("steer"),
            Err(()),
            "there is no column `steer`, only image, angle, speed",
        ),
        (
            csv("image,a,b\nd/1.png,1,2"),
            plain(),
            Err(()),
            "which of its columns are labels is not clear: image, a, b",
        ),
        (csv("d/1.png:1\nd/2.png:2"), plain(), Err(()), "nothing separates the fields of its rows"),
        (csv(""), plain(), Err(()), "the table is empty"),
        (csv(&wide), plain(), Err(()), "it has more than 4096 columns"),
        (csv("loss,epoch\n9,8"), labels("loss"), Err(()), "no table names the images"),
        (
            tub(listing, &(record(1) + &record(2)[..20])),
            plain(),
            Ok(1),
            "1 lines are no records, the first is line 2 of c.catalog: cut short?",
        ),
        (
            tub(r#"{"paths": ["c.catalog", "../e.catalog"]}"#, &record(1)),
            plain(),
            Ok(1),
            "the catalog ../e.catalog is not there",
        ),
        (tub("", &record(1)), plain(), Err(()), "its fifth line does not list the tub's catalogs"),
        (
            set(images, &[]),
            pattern(r"_(?<x>\d+)_"),
            Err(()),
            r"the pattern `_(?<x>\d+)_` matches none of 2 names, such as `d/1.png`",
        ),
        (set(images, &[]), pattern(r"(\d)"), Err(()), r"the pattern `(\d)` has no named group"),
        (set(images, &[]), pattern(r"(?<x>"), Err(()), r"`(?<x>` is no regular expression"),
    ];
    for (files, labelling, left, message) in cases {
        match (read(&files, &labelling), left) {
            (Ok(data), Ok(left)) => {
                let notes = data.summary().notes;
                assert_eq!(data.len(), left, "{message}");
                assert!(notes.iter().any(|note| note.contains(message)), "{message}: {notes:?}");
            }
            (Err(error), Err(())) => assert!(error.what.contains(message), "{message}: {error}"),
            (other, _) => panic!("{message}: {:?}", other.map(|data| data.len())),
        }
    }
}

#[test]
fn a_table_beside_archives_adds_values_to_their_classes() {
    let archive =
        |name: &str, images: &[&str]| File { name: name.into(), ..zipped(&set(images, &[])) };
    let archives = [
        archive("a.zip", &["0-go/a_1.png", "1-stop/a_2.png"]),
        archive("b.zip", &["0-go/b_1.png", "1-stop/b_3.png"]),
    ];
    let table = "image,steering,gas,brake\n0-go/a_1.png,0.5,1,0\n0-go/b_1.png,-1,1,0\n1-stop/a_2.png,0,0,0.5\n\
                 1-stop/b_3.png,0.25,0,1";
    let beside = |table: &str| {
        let table = File { name: "far/values.csv".into(), bytes: table.as_bytes().to_vec().into() };
        archives.iter().cloned().chain([table]).collect::<Vec<_>>()
    };
    let data = read(&beside(table), &Labelling::default()).unwrap();
    let rows: [(&str, &[f64]); 4] = [
        ("0-go/a_1.png", &[0.0, 0.5, 1.0, 0.0]),
        ("1-stop/a_2.png", &[1.0, 0.0, 0.0, 0.5]),
        ("0-go/b_1.png", &[0.0, -1.0, 1.0, 0.0]),
        ("1-stop/b_3.png", &[1.0, 0.25, 0.0, 1.0]),
    ];
    assert_eq!(seen(&data), (" steering gas brake".into(), frames(&rows)));
    let without = read(&archives, &Labelling::default()).unwrap();
    let alike = |data: &Dataset| {
        (data.classes().map(<[u32]>::to_vec), data.class_counts(), data.is_ordered())
    };
    assert_eq!(alike(&data), alike(&without));
    // Rows are for the images of either archive.
    assert_eq!(data.summary().notes, [""; 0]);
    let picture = data.picture(1).unwrap();
    assert_eq!((picture.label, &picture.values[..]), (Some(1), &[0.0, 0.0, 0.5][..]));
    let lacking = table.replace("0-go/b_1.png,-1", "0-go/b_1.png,left");
    let data = read(&beside(&lacking), &Labelling::default()).unwrap();
    assert_eq!((data.len(), data.summary().notes.len()), (3, 1));
}

#[test]
fn a_column_feeds_an_input() {
    let table = "image,speed,angle\n1.png,3.5,0.25\n2.png,,0\n3.png,4,0.5";
    let files = set(&["1.png", "2.png", "3.png"], &[("l.csv", table)]);
    let inputs = vec![("velocity".to_owned(), "speed".to_owned())];
    let data = read(&files, &Labelling { inputs, ..Labelling::default() }).unwrap();
    let value = |name: &str, shape: &[usize]| Value {
        name: name.into(),
        element: Element::F32,
        shape: Some(shape.iter().map(|&n| Dim::Fixed(n)).collect()),
    };
    let rows =
        data.rows_for(&[value("picture", &[1, 3, 1, 1]), value("velocity", &[1, 1])]).unwrap();
    let mut row = [0.0; 4];
    rows.input(1, &mut row);
    // The third image, as the second row has no speed.
    assert_eq!(row, [2.0 / 255.0, 2.0 / 255.0, 2.0 / 255.0, 4.0]);
    assert_eq!(*rows.labels().unwrap().columns()[0].values(), [0.25, 0.5]);
    let error =
        data.rows_for(&[value("picture", &[1, 3, 1, 1]), value("height", &[1, 1])]).unwrap_err();
    assert!(error.what.contains("`picture`"), "{error}");
}

#[test]
fn frames_of_tubs_and_cameras_are_stacked_within_a_stretch() {
    let record = |at: usize, session: &str| {
        let (image, angle) = (format!("{at}.png"), 0.1 * at as f64);
        format!(
            "{{\"_index\": {at}, \"_session_id\": \"{session}\", \"cam/image_array\": \"{image}\", \"user/angle\": {angle}}}\n"
        )
    };
    let catalog = [(0, "a"), (1, "a"), (2, "b"), (3, "b"), (5, "b"), (6, "b")];
    let catalog: String = catalog.iter().map(|(at, session)| record(*at, session)).collect();
    let manifest =
        "[\"cam/image_array\", \"user/angle\"]\n[]\n{}\n{}\n{\"paths\": [\"c.catalog\"]}";
    let names: Vec<String> = (0..7).map(|at| format!("{at}.png")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let files = set(&names, &[("manifest.json", manifest), ("c.catalog", &catalog)]);
    let stack =
        crate::vocabulary::preprocessing::Preprocessing { stack: Some(2), ..Default::default() };
    let newest = |files: &[File], labelling: Labelling| -> Result<Vec<String>, Error> {
        let reading =
            Reading { preprocessing: Some(stack.clone()), labelling, ..Reading::default() };
        let data = Dataset::read(files, &reading, &mut unwatched)?;
        Ok(data.names().map(str::to_owned).collect())
    };
    assert_eq!(newest(&files, Labelling::default()).unwrap(), ["1.png", "3.png", "6.png"]);
    let cameras =
        ["center_1.png", "center_2.png", "left_1.png", "left_2.png", "right_1.png", "right_2.png"];
    let table = "center,left,right,steering\ncenter_1.png,left_1.png,right_1.png,0\ncenter_2.png,left_2.png,right_2.png,0";
    let files = set(&cameras, &[("driving_log.csv", table)]);
    let all = Labelling { cameras: Cameras::All, ..Labelling::default() };
    assert_eq!(newest(&files, all).unwrap(), ["center_2.png", "left_2.png", "right_2.png"]);
}
