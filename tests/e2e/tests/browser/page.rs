//! The main job on the built page, against the command line.

use std::fs;
use std::path::Path;

use e2e::files::write_bad_files;
use e2e::{Figures, Page, in_browser, is_chrome, model, own_folder, repository, setting, steer8};
use serde_json::Value;
use thirtyfour::prelude::WebDriverResult;

const NETWORKS: [&str; 3] = ["assignment", "pilotnet", "mobilenet"];

/// Behind the page's address: the best build of the worker, and the one for every browser.
const BUILDS: [&str; 2] = ["", "?kernels=simd128"];

#[test]
fn opens_on_the_three_networks_and_asks_no_other_host() {
    in_browser(async |page| {
        for network in NETWORKS {
            page.wait_for(&format!("network-{network}")).await?;
        }
        page.choose("assignment").await?;
        page.at("frames").await?;
        page.wait_for("frame").await?;
        page.wait_for("answer").await?;

        let home = setting("E2E_PAGE");
        let requests = page.requests().await?;
        assert!(requests.iter().any(|address| address.ends_with(".wasm")), "{requests:?}");
        for address in requests {
            assert!(address.starts_with(&home), "{address}");
        }
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn makes_the_same_bytes_and_figures_as_the_command_line() {
    let natively = steer8(&["compare", "--json", "--quiet"]);
    let natively: Value = serde_json::from_slice(&natively).expect("--json gives JSON");
    in_browser(async move |page| {
        for network in NETWORKS {
            let in_page = page.quantize(network).await?;
            assert_eq!(in_page, figures_of(&natively, network), "{network}");
            assert_eq!(in_page.len(), 2, "{network}: float and int8");

            let seconds = page.wait_for("results").await?.attr("data-value").await?;
            println!("{network}: {} s in the page", seconds.unwrap_or_default());

            let bytes = page.download().await?;
            assert!(bytes == quantized_natively(network), "{network}: other bytes than natively");
        }
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn tells_where_the_time_goes_with_every_build_of_the_worker() {
    let network = "assignment";
    let inspected = steer8(&["inspect", &model(network).to_string_lossy(), "--json"]);
    let inspected: Value = serde_json::from_slice(&inspected).expect("--json gives JSON");
    let layers = inspected["layers"].as_array().expect("layers");
    let nodes: Vec<String> = layers
        .iter()
        .filter(|layer| layer["macs"] != 0)
        .map(|layer| layer["node"].as_str().expect("a name").to_owned())
        .collect();
    in_browser(async move |page| {
        let mut made = Vec::new();
        for build in BUILDS {
            page.visit(build).await?;
            let figures = page.quantize(network).await?;
            let kernels = page.exact("kernels").await?;
            match build {
                "" if is_chrome() => assert_eq!(kernels, "relaxed-simd"),
                "" => println!("the best build here: {kernels}"),
                _ => assert_eq!(kernels, "simd128"),
            }
            let mut rows = Vec::new();
            for row in page.all("layer-time").await? {
                rows.push(row.attr("data-node").await?.expect("a layer has a name"));
            }
            assert_eq!(rows, nodes, "{kernels}");
            for row in ["layer-time", "time-rest", "time-total"] {
                for variant in [network.to_owned(), format!("{network}-int8")] {
                    let times = format!("{row} [data-testid=time-ms][data-model={variant}]");
                    let times = page.values(&times).await?;
                    assert_eq!(times.len(), if row == "layer-time" { nodes.len() } else { 1 });
                    // The last layer may be shorter than the browser's clock can tell.
                    let told = times.iter().filter(|&&ms| ms > 0.0).count();
                    assert!(told > 0 && told + 1 >= times.len(), "{kernels}, {row}: {times:?}");
                }
            }
            let speedup = page.values("time-total [data-testid=time-speedup]").await?;
            println!("{kernels}: int8 {speedup:?} times as fast, operator by operator");
            made.push((page.exact("download").await?, figures[1].accuracy));
        }
        assert_eq!(made[0], made[1], "the same file with the same answers");
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn a_worker_that_panics_says_what_and_where() {
    in_browser(async |page| {
        for build in BUILDS {
            let answer = page.confuse_worker(build).await?;
            for part in ["Panicked", "a request that is none", "worker_loop.rs"] {
                assert!(answer.contains(part), "{build}: {answer}");
            }
        }
        Ok(())
    });
}

#[test]
fn refuses_bad_files_in_words_and_goes_on() {
    in_browser(async |page| {
        let folder = own_folder();
        let network = fs::read(model("assignment")).expect("the bundled network can be read");
        page.choose("assignment").await?;
        let mut messages = Vec::new();
        for bad in write_bad_files(&folder, &network) {
            let name = bad.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            page.at(if bad.button == "open-model" { "drive" } else { "data" }).await?;
            page.open_file(bad.button, &bad.path).await?;
            // Some things come out at once, others when they are put to use.
            let message = page
                .wait_until(&format!("message about {name}"), async || {
                    if let Some(notice) = page.notices().await.ok()?.pop() {
                        return Some(notice);
                    }
                    page.press_go_if_idle().await.ok()?;
                    None
                })
                .await?;
            assert!(message.contains(&name), "{name}: {message}");
            assert!(message.contains(bad.says), "{name}: {message}");
            println!("{}", message.replace('\n', " "));
            messages.push(message.replace(&name, ""));
            page.dismiss_notices().await?;
            page.choose("assignment").await?;
        }
        let count = messages.len();
        messages.sort();
        messages.dedup();
        assert_eq!(messages.len(), count, "each has its own message: {messages:#?}");

        page.at("data").await?;
        page.click("bundled-validation").await?;
        // The button may have been pressed once more before the last fault came out.
        page.dismiss_notices().await?;
        page.quantize("assignment").await?;
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn a_run_that_was_cancelled_can_be_started_again() {
    in_browser(async |page| {
        page.choose("assignment").await?;
        page.press_go().await?;
        page.click("cancel").await?;
        page.quantize("assignment").await?;
        Ok(())
    });
}

#[test]
fn fits_wide_and_narrow_screens_in_light_and_dark() {
    if !is_chrome() {
        println!("skipped: only Chrome can be told to be narrow and dark");
        return;
    }
    in_browser(async |page| {
        page.choose("assignment").await?;
        page.fits_screens("opened").await?;
        page.quantize("assignment").await?;
        page.fits_screens("compared").await?;
        for place in ["frames", "data"] {
            page.at(place).await?;
            page.fits_screens(place).await?;
        }
        Ok(())
    });
}

/// The bundled network of values drives, and is measured by the labels that the bundled frames have for it.
#[test]
fn the_bundled_network_of_values_needs_nothing_said() {
    let network = "pilotnet-steering";
    let net = model(network).to_string_lossy().into_owned();
    let compared = steer8(&["compare", &net, "--json", "--quiet"]);
    let compared: Value = serde_json::from_slice(&compared).expect("--json gives JSON");
    let native = compared["results"].as_array().expect("results").clone();
    in_browser(async move |page| {
        page.choose(network).await?;
        page.wait_for(&format!("car[data-model={network}]")).await?;
        page.press_go().await?;
        page.at("compare").await?;
        page.wait_for("verdict").await?;
        assert_eq!(page.all("values").await?.len(), 3, "a picture for each output");
        shows_errors(&page, &["steering", "gas", "brake"], &native).await?;
        let bytes = page.download().await?;
        assert!(bytes == quantized_natively(network), "other bytes than natively");
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

/// The errors of each output on the page are those of `compare --json`, of float and of int8.
async fn shows_errors(page: &Page, names: &[&str], native: &[Value]) -> WebDriverResult<()> {
    for (i, name) in names.iter().enumerate() {
        let shown = page.values(&format!("mae[data-name='{name}']")).await?;
        let of = |report: &Value| report["values"]["outputs"][i]["mae"].as_f64().expect("a MAE");
        let expected: Vec<f64> = native.iter().map(of).collect();
        // Float networks round in other orders on other machines.
        let alike = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-3 * b;
        let all = shown.len() == 2 && shown.iter().zip(&expected).all(alike);
        assert!(all, "{name}: {shown:?}, not the command line's {expected:?}");
    }
    Ok(())
}

fn quantized_natively(network: &str) -> Vec<u8> {
    let to = own_folder().join(format!("{network}-int8.onnx"));
    let (from, to_text) = (model(network), to.to_string_lossy().into_owned());
    steer8(&["quantize", &from.to_string_lossy(), "-o", &to_text, "--quiet"]);
    fs::read(to).expect("the command line wrote a file")
}

/// Float first, then int8, from `compare --json`.
fn figures_of(comparison: &Value, network: &str) -> Vec<Figures> {
    let results = comparison["results"].as_array().expect("results");
    let number = |value: &Value| value.as_f64().expect("a number");
    let of_network = results.iter().filter(|result| {
        let model = result["model"].as_str().expect("a name");
        Path::new(model).file_stem().is_some_and(|stem| stem == network)
    });
    of_network
        .map(|result| {
            let accuracy = &result["accuracy"];
            Figures {
                accuracy: number(&accuracy["top1"]),
                interval: [number(&accuracy["ci95"][0]), number(&accuracy["ci95"][1])],
                agreement: result["agreement_with_float"].as_f64(),
            }
        })
        .collect()
}

/// A network that drives by values, with its own frames, as somebody brings them.
#[test]
fn a_network_of_values_is_measured_in_its_own_units() {
    let folder = repository().join("tests/goldens");
    let [network, frames] = ["steering.onnx", "steering.npz"].map(|name| folder.join(name));
    let [net, data] = [&network, &frames].map(|path| path.to_string_lossy().into_owned());
    let compared =
        steer8(&["compare", &net, "--data", &data, "--calibration", &data, "--json", "--quiet"]);
    let compared: Value = serde_json::from_slice(&compared).expect("--json gives JSON");
    let native = compared["results"].as_array().expect("results").clone();
    in_browser(async move |page| {
        page.open_file("open-model", &network).await?;
        page.wait_for("network-opened-1[data-status=ready]").await?;
        page.at("data").await?;
        for kind in ["open-validation", "open-calibration"] {
            page.open_file(kind, &frames).await?;
        }
        for kind in ["data-validation", "data-calibration"] {
            page.wait_for(&format!("{kind}[data-status=ready][data-value='96']")).await?;
        }
        page.press_go().await?;
        page.at("compare").await?;
        page.wait_for("verdict").await?;
        let verdict = page.wait_for("verdict").await?.text().await?;
        assert!(verdict.contains("angle: MAE") && verdict.contains("throttle: MAE"), "{verdict}");
        assert_eq!(page.all("values").await?.len(), 2, "a picture for each output");
        assert_eq!(page.all("agreement").await?.len(), 0, "no agreement of values");
        shows_errors(&page, &["angle", "throttle"], &native).await?;
        page.wait_for("judged-by-calibration").await?;
        page.click("show-worst").await?;
        page.wait_for("frame").await?;
        let text = page.text().await?;
        assert!(text.contains("The 10 largest errors of int8 in angle"), "{text}");
        if is_chrome() {
            page.fits_screens("values").await?;
        }
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}
