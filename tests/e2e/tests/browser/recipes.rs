//! Recipes on the built page: chosen, shared, explained and searched.

use std::fs;

use e2e::{Page, in_browser, is_chrome, model, own_folder, repository, steer8};
use serde_json::{Value, json};
use thirtyfour::error::WebDriverResult;

#[test]
fn a_recipe_is_chosen_carried_out_and_told_from_the_next() {
    in_browser(async |page| {
        page.choose("assignment").await?;
        page.click("preset-w4-adaround").await?;
        page.click("options").await?;
        page.pick("option-weights", "per tensor").await?;
        page.pick("option-rounding", "nearest").await?;
        page.fill("option-samples", "none").await?;
        page.fill("option-samples", "64").await?;
        let chosen = json!({
            "version": 1, "weight_bits": 4, "equalize": true, "bias_correction": true,
            "weights": "per-tensor", "samples": 64,
        });
        assert_eq!(recipe(&page, "recipe").await?, chosen);

        let figures = page.quantize("assignment").await?;
        assert_eq!(figures.len(), 2, "float and quantized");
        page.wait_for("report-w4a8").await?;
        page.wait_for("results[data-current=true]").await?;
        let bytes = page.download().await?;
        assert!(bytes == made_natively("assignment", &chosen), "other bytes than natively");
        assert!(bytes == made_by(&page.exact("copy-command").await?), "other bytes by the command");

        for (button, other) in [("copy-link", "copy-command"), ("copy-command", "copy-link")] {
            page.click(button).await?;
            page.wait_until("confirmation", async || {
                assert_eq!(page.notices().await.ok()?, [""; 0]);
                let says = page.all(button).await.ok()?.first()?.text().await.ok()?;
                (says == "Copied").then_some(())
            })
            .await?;
            assert_ne!(page.wait_for(other).await?.text().await?, "Copied");
        }
        assert_eq!(page.exact("copy-link").await?, page.fragment().await?);

        page.click("preset-int8").await?;
        page.wait_for("short-verdict[data-current=false]").await?;
        page.at("compare").await?;
        page.wait_for("results[data-current=false]").await?;
        page.wait_for("stale").await?;
        page.press_go().await?;
        page.at("compare").await?;
        page.wait_for("results[data-current=true]").await?;
        assert_eq!(page.complaints().await?, [""; 0]);
        page.at("drive").await?;
        if is_chrome() {
            page.fits_screens("options").await?;
        }
        Ok(())
    });
}

#[test]
fn a_link_gives_the_bytes_of_the_command_line() {
    let chosen = json!({
        "version": 1, "activations": "i8", "equalize": true, "method": "entropy", "samples": 32,
        "format": "qoperator", "keep_float": [layer("pilotnet", 1)],
        "layers": { layer("pilotnet", 2): { "weight_bits": 5 } },
    });
    in_browser(async move |page| {
        let link = format!("network=pilotnet&recipe={}", escaped(&chosen.to_string()));
        page.open_link(&link).await?;
        page.wait_for("network-pilotnet[data-status=ready]").await?;
        assert_eq!(recipe(&page, "recipe").await?, chosen);
        assert_eq!(page.all("layer-chip").await?.len(), 2);
        page.quantize("pilotnet").await?;
        let bytes = page.download().await?;
        assert!(bytes == made_natively("pilotnet", &chosen), "other bytes than natively");

        for bad in ["network=nobody", "recipe=%7B%22weight_bits%22%3A1%7D", "recipe=%7B"] {
            page.open_link(bad).await?;
            page.wait_for("notice").await?;
            page.wait_for("network-assignment[data-status=ready]").await?;
            assert_eq!(recipe(&page, "recipe").await?, json!({ "version": 1 }));
            println!("{}", page.notices().await?.concat().replace('\n', " "));
        }
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn the_damage_is_explained_and_a_click_takes_it_back() {
    in_browser(async |page| {
        page.open_link(&quick("assignment")).await?;
        page.wait_for("network-assignment[data-status=ready]").await?;
        page.at("layers").await?;
        page.pick("analysis-frames", "200").await?;

        page.click("analyze:not([disabled])").await?;
        page.wait_for("progress").await?;
        page.click("cancel").await?;
        page.click("analyze:not([disabled])").await?;
        let layers = page.exact("analysis").await?;
        assert_eq!(page.all("layer").await?.len().to_string(), layers);
        page.wait_for("by-calibration-frames").await?;

        for (heading, figure, descending) in [
            ("sort-macs", "layer-macs", false),
            ("sort-macs", "layer-macs", true),
            ("sort-quantized-error", "only-quantized-error", false),
            ("sort-quantized-error", "only-quantized-error", true),
        ] {
            page.click(heading).await?;
            let mut figures = Vec::new();
            for cell in page.all(figure).await? {
                let figure = cell.attr("data-value").await?.expect("a figure");
                figures.push(figure.parse::<f64>().expect("a number"));
            }
            let sorted = match descending {
                true => figures.is_sorted_by(|a, b| a >= b),
                false => figures.is_sorted(),
            };
            assert!(figures.len() > 1 && sorted, "{heading}: {figures:?}");
        }
        page.click("layer-open").await?;
        page.wait_for("layer-detail").await?;
        if is_chrome() {
            page.fits_screens("explained").await?;
        }

        // The layer that does the most harm by itself.
        let worst = page.wait_for("layer[data-position='0']").await?.attr("data-node").await?;
        let worst = worst.expect("a layer has a name");
        page.click("keep-float").await?;
        page.wait_for("re-evaluated").await?;
        page.wait_for("stale").await?;
        page.at("drive").await?;
        assert_eq!(recipe(&page, "recipe").await?["keep_float"], json!([worst]));
        page.wait_for(&format!("layer-chip[data-node='{worst}']")).await?;
        page.at("compare").await?;
        let with_it = page.exact("left-in-float").await?.parse::<usize>().expect("a count");
        page.at("layers").await?;

        page.pick("layer:not([data-position='0']) select", "4 bits").await?;
        page.at("drive").await?;
        page.wait_until("other bits", async || {
            let shown = recipe(&page, "recipe").await.ok()?;
            let idle = !page.all("quantize:not([disabled])").await.ok()?.is_empty();
            (idle && shown["layers"].as_object()?.len() == 1).then_some(())
        })
        .await?;
        page.at("layers").await?;
        page.click("layer[data-position='0'] button[aria-pressed=true]").await?;
        page.at("compare").await?;
        page.wait_until("a layer fewer in float", async || {
            let count = page.exact("left-in-float").await.ok()?.parse::<usize>().ok()?;
            (count < with_it).then_some(())
        })
        .await?;
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn a_search_is_stopped_and_its_best_recipe_used() {
    in_browser(async |page| {
        page.open_link(&quick("assignment")).await?;
        page.wait_for("network-assignment[data-status=ready]").await?;
        page.at("layers").await?;
        page.pick("search-frames", "200").await?;
        page.fill("search-limit", "few").await?;
        page.wait_for("search[disabled]").await?;
        page.fill("search-limit", "1.5").await?;
        page.click("search:not([disabled])").await?;
        page.wait_for("trial").await?;
        page.wait_for("search-results[data-status=searching]").await?;
        let best = page.wait_for("use-recipe").await?;
        assert!(best.attr("disabled").await?.is_some(), "the worker is busy");
        page.click("cancel").await?;
        page.wait_for("search-results[data-status=stopped]").await?;
        if is_chrome() {
            page.fits_screens("searched").await?;
        }

        let found = recipe(&page, "use-recipe").await?;
        page.click("use-recipe:not([disabled])").await?;
        page.at("drive").await?;
        assert_eq!(recipe(&page, "recipe").await?, found);
        page.at("compare").await?;
        page.wait_for("results[data-current=true]").await?;
        let bytes = page.download().await?;
        assert!(bytes == made_natively("assignment", &found), "other bytes than natively");
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

/// A link with few calibration frames.
fn quick(network: &str) -> String {
    format!("network={network}&recipe={}", escaped(r#"{"version":1,"samples":32}"#))
}

async fn recipe(page: &Page, what: &str) -> WebDriverResult<Value> {
    let exact = page.exact(what).await?;
    Ok(serde_json::from_str(&exact).expect("a recipe is JSON"))
}

/// As in an address.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The name of a network's n-th layer with weights.
fn layer(network: &str, n: usize) -> String {
    let inspection = steer8(&["inspect", "--json", &model(network).to_string_lossy()]);
    let inspection: Value = serde_json::from_slice(&inspection).expect("--json gives JSON");
    let layers = inspection["layers"].as_array().expect("layers");
    let mut weighty = layers.iter().filter(|layer| layer["macs"].as_u64() > Some(0));
    let layer = weighty.nth(n).expect("so many layers");
    layer["node"].as_str().expect("a name").to_owned()
}

/// The file that `steer8 quantize --recipe` makes.
fn made_natively(network: &str, recipe: &Value) -> Vec<u8> {
    let folder = own_folder();
    let (file, to) = (folder.join("recipe.json"), folder.join("by-recipe.onnx"));
    fs::write(&file, recipe.to_string()).expect("a recipe can be written");
    let [from, file, to_text] =
        [&model(network), &file, &to].map(|path| path.to_string_lossy().into_owned());
    steer8(&["quantize", &from, "-o", &to_text, "--recipe", &file, "--quiet"]);
    fs::read(to).expect("the command line wrote a file")
}

/// The file that a command line of the page makes.
fn made_by(command: &str) -> Vec<u8> {
    let to = own_folder().join("by-command.onnx");
    let to_text = to.to_string_lossy().into_owned();
    let mut words: Vec<_> = command.split(' ').collect();
    assert_eq!(words[..2], ["steer8", "quantize"], "{command}");
    assert!(repository().join(words[2]).is_file(), "{command}");
    let output = words.iter().position(|word| *word == "-o").expect("an output");
    words[output + 1] = &to_text;
    steer8(&[&words[1..], &["--quiet"]].concat());
    fs::read(to).expect("the command line wrote a file")
}
