//! Folders as driving programs leave them, opened with no option touched.

use std::fs;
use std::path::{Path, PathBuf};

use e2e::files::images_of;
use e2e::{in_browser, is_chrome, own_folder, repository, steer8};
use serde_json::Value;

/// A folder: what it is called, where its images lie, the text files beside them.
type Folder<'a> = (&'a str, Vec<String>, Vec<(&'a str, String)>);

fn numbered(name: impl Fn(usize) -> String) -> Vec<String> {
    (0..12).map(name).collect()
}

/// Angles of twelve frames, which the validation set's pictures get here.
fn angle(i: usize) -> f64 {
    (i as f64 - 5.0) / 8.0
}

fn folders() -> Vec<Folder<'static>> {
    let record = |i| {
        format!(
            "{{\"_index\":{i},\"cam/image_array\":\"{i}_cam.webp\",\"user/angle\":{},\
             \"user/throttle\":0.5}}\n",
            angle(i)
        )
    };
    let manifest = "[\"cam/image_array\",\"user/angle\",\"user/throttle\"]\n\
                    [\"image_array\",\"float\",\"float\"]\n{}\n{}\n\
                    {\"paths\":[\"catalog_0.catalog\"],\"current_index\":12,\"max_len\":1000,\
                    \"deleted_indexes\":[5,6]}\n";
    let logged = |i| {
        let file = |camera| format!("C:\\\\me\\\\IMG\\\\{camera}_{i:03}.webp");
        let [center, left, right] = ["center", "left", "right"].map(file);
        format!("{center}, {left}, {right}, {}, 0.5, 0, 9.7\n", angle(i))
    };
    let cameras = ["center", "left", "right"].iter();
    vec![
        (
            "tub",
            numbered(|i| format!("images/{i}_cam.webp")),
            vec![
                ("manifest.json", manifest.to_owned()),
                ("catalog_0.catalog", (0..12).map(record).collect()),
            ],
        ),
        (
            "udacity",
            cameras.flat_map(|camera| numbered(|i| format!("IMG/{camera}_{i:03}.webp"))).collect(),
            vec![("driving_log.csv", (0..12).map(logged).collect())],
        ),
        (
            "table",
            numbered(|i| format!("{i}.webp")),
            vec![(
                "labels.csv",
                (0..12).fold("file;steering;throttle\n".to_owned(), |rows, i| {
                    format!("{rows}{i}.webp;{};0.5\n", angle(i))
                }),
            )],
        ),
        ("xy", numbered(|i| format!("xy_{:03}_120_{i}.webp", 112 + i)), Vec::new()),
        ("angles", numbered(|i| format!("video01_{i:03}_{:03}.webp", 90 + i)), Vec::new()),
    ]
}

fn write((name, images, texts): &Folder, below: &Path) -> PathBuf {
    let folder = below.join(name);
    let pictures = images_of(&repository().join("models/frames/validation.zip"), images.len());
    for (path, content) in images.iter().zip(pictures) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder");
        fs::write(path, content).expect("an image can be written");
    }
    for (path, content) in texts {
        fs::write(folder.join(path), content).expect("a table can be written");
    }
    folder
}

#[test]
fn folders_of_driving_programs_are_understood_at_once() {
    let below = own_folder();
    let paths: Vec<PathBuf> = folders().iter().map(|folder| write(folder, &below)).collect();
    let network = repository().join("tests/goldens/steering.onnx");
    let [net, tub] = [&network, &paths[0]].map(|path| path.to_string_lossy().into_owned());
    let evaluated = steer8(&["evaluate", &net, "--data", &tub, "--resize", "--json", "--quiet"]);
    let evaluated: Value = serde_json::from_slice(&evaluated).expect("--json gives JSON");
    let native = evaluated["values"]["outputs"][0]["mae"].as_f64().expect("a MAE");
    in_browser(async move |page| {
        page.open_file("open-model", &network).await?;
        page.wait_for("network-opened-1[data-status=ready]").await?;
        page.at("data").await?;
        let known = [
            ("Donkeycar", 10, "user/angle"),
            ("driving_log.csv", 12, "steering"),
            ("labels.csv", 12, "steering"),
            ("names", 12, "x"),
            ("names", 12, "angle"),
        ];
        for (path, (source, frames, column)) in paths.iter().zip(known) {
            page.open_file("open-validation-folder", path).await?;
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            page.wait_until(&name, async || {
                page.wait_for(&format!(
                    "data-validation[data-status=ready][data-value='{frames}']"
                ))
                .await
                .ok()?;
                let found = page.wait_for("found").await.ok()?.text().await.ok()?;
                let rows = page.wait_for("label-rows").await.ok()?.text().await.ok()?;
                (found.contains(source) && rows.contains(column)).then_some(())
            })
            .await?;
            assert_eq!(page.notices().await?, [""; 0], "{name}");
        }
        if is_chrome() {
            page.fits_screens("driving-data").await?;
        }
        for role in ["validation", "calibration"] {
            page.open_file(&format!("open-{role}-folder"), &paths[0]).await?;
            let ready = format!("data-{role}[data-status=ready][data-value='10']");
            page.wait_for(&ready).await?;
        }
        page.click("preprocessing").await?;
        page.click("to-network").await?;
        page.press_go().await?;
        page.at("compare").await?;
        page.wait_for("verdict").await?;
        let shown = page.values("mae[data-name='angle']").await?;
        // Float networks round in other orders on other machines.
        assert!((shown[0] - native).abs() <= 1e-3 * native, "{shown:?}, not {native}");
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}
