//! Places, variants beside one another, their chart, the frames, and what outlives a reload.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use e2e::{in_browser, is_chrome, model, own_folder, steer8};

const PLACES: [&str; 6] = ["drive", "compare", "layers", "frames", "train", "data"];

#[test]
fn every_place_has_an_address_and_back_returns() {
    in_browser(async |page| {
        page.choose("assignment").await?;
        for place in &PLACES[1..] {
            page.at(place).await?;
            let fragment = page.fragment().await?;
            assert!(fragment.contains(&format!("place={place}")), "{fragment}");
        }
        for place in PLACES[..5].iter().rev() {
            page.driver.back().await?;
            page.wait_for(&format!("place-{place}[aria-current]")).await?;
        }
        page.driver.forward().await?;
        page.wait_for("place-compare[aria-current]").await?;
        page.open_link("place=data&network=pilotnet").await?;
        page.wait_for("place-data[aria-current]").await?;
        assert_eq!(
            page.wait_for("chosen").await?.prop("value").await?.as_deref(),
            Some("pilotnet")
        );
        page.at("drive").await?;
        page.wait_for("network-pilotnet[data-status=ready]").await?;
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn variants_stand_beside_one_another_and_outlive_a_reload() {
    let theirs = own_folder().join("theirs.onnx");
    let [float, made] =
        [&model("assignment"), &theirs].map(|path| path.to_string_lossy().into_owned());
    steer8(&["quantize", &float, "-o", &made, "--weight-bits", "4", "--quiet"]);
    in_browser(async move |page| {
        page.choose("assignment").await?;
        for preset in ["int8", "symmetric"] {
            page.at("drive").await?;
            page.click(&format!("preset-{preset}")).await?;
            page.press_go().await?;
            page.at("compare").await?;
            page.wait_for("results[data-current=true]").await?;
        }
        page.at("drive").await?;
        page.open_file("open-model", &theirs).await?;
        page.wait_for("network-opened-1[data-status=ready]").await?;
        page.press_go().await?;
        page.at("compare").await?;
        page.wait_for("compare-table[data-value='4']").await?;
        page.wait_for("measure-all:not([disabled])").await?;
        let begun = Instant::now();
        page.click("measure-all:not([disabled])").await?;
        page.wait_for("progress").await?;
        page.wait_for("measure-all:not([disabled])").await?;
        println!("four variants in turns: {:.1} s", begun.elapsed().as_secs_f64());
        assert_eq!(page.values("accuracy").await?.len(), 4);
        assert_eq!(page.all("spot").await?.len(), 4);

        page.click("sort-file-bytes").await?;
        page.click("only-differences").await?;
        assert!(page.all("params").await?.is_empty(), "they have all the same");
        page.click("hide").await?;
        page.wait_for("compare-table[data-value='3']").await?;
        page.click("undo").await?;
        page.wait_for("compare-table[data-value='4']").await?;
        page.click("copy-markdown").await?;
        page.wait_until("confirmation", async || {
            let says = page.all("copy-markdown").await.ok()?.first()?.text().await.ok()?;
            (says == "Copied").then_some(())
        })
        .await?;
        if is_chrome() {
            page.fits_screens("variants").await?;
        }

        let before = page.hashes().await?;
        page.wait_for("kept[data-value='4']").await?;
        page.open_link("place=compare&network=assignment").await?;
        page.wait_for("compare-table[data-value='4']").await?;
        assert_eq!(page.hashes().await?, before);
        let figures = page.figures().await?;
        assert_eq!(figures.len(), 4, "that of the file that was opened, too");
        page.click("forget-kept").await?;
        page.wait_until("nothing kept", async || {
            page.all("kept").await.ok()?.is_empty().then_some(())
        })
        .await?;
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn a_link_makes_the_same_bytes_in_another_browser() {
    let (link, before) = (Rc::new(RefCell::new(String::new())), Rc::new(RefCell::default()));
    in_browser({
        let (link, before) = (link.clone(), before.clone());
        async move |page| {
            page.choose("assignment").await?;
            for preset in ["int8", "symmetric"] {
                page.at("drive").await?;
                page.click(&format!("preset-{preset}")).await?;
                page.press_go().await?;
                page.at("compare").await?;
                page.wait_for("results[data-current=true]").await?;
            }
            page.click("measure-all:not([disabled])").await?;
            page.wait_for("latencies[data-status=timing]").await?;
            page.wait_for("latencies[data-status=timed]").await?;
            assert!(page.values("latency-strip").await?.iter().all(|samples| *samples > 5.0));
            *before.borrow_mut() = page.hashes().await?;
            *link.borrow_mut() = page.exact("copy-link-of-all").await?;
            let report = page.saved_by("save-html", "html").await?;
            assert!(report.starts_with(b"<!doctype html>"));
            page.click("more-formats").await?;
            let overrides = page.saved_by("save-overrides", "json").await?;
            assert!(overrides.starts_with(b"{"));
            page.click("why-accuracy").await?;
            page.wait_for("term-accuracy:popover-open").await?;
            Ok(())
        }
    });
    in_browser(async move |page| {
        let link = link.borrow().clone();
        page.open_link(&link).await?;
        page.wait_for("shared[data-status=same]").await?;
        page.at("compare").await?;
        page.wait_for("compare-table[data-value='3']").await?;
        assert_eq!(page.hashes().await?, *before.borrow());
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

#[test]
fn frames_are_sifted_and_a_matrix_opens_its_own() {
    in_browser(async |page| {
        page.at("frames").await?;
        page.wait_for("grid-frame").await?;
        let shown = page.all("grid-frame").await?.len();
        assert!(shown < 200, "{shown} of 2,000 frames are there at once");
        page.quantize("assignment").await?;
        page.click("confusion-cell[tabindex]").await?;
        page.wait_for("place-frames[aria-current]").await?;
        let cell = page.exact("grid-count").await?.parse::<usize>().expect("a number");
        assert!(cell > 0 && cell < 2000, "{cell} frames");
        page.click("grid-clear").await?;
        page.pick("grid-wanted", "disagreement of").await?;
        page.wait_until("fewer frames", async || {
            let count = page.exact("grid-count").await.ok()?.parse::<usize>().ok()?;
            (count > 0 && count < 100).then_some(())
        })
        .await?;
        page.click("grid-frame").await?;
        page.wait_until("both answers", async || {
            (page.all("opened-answer").await.ok()?.len() == 2).then_some(())
        })
        .await?;
        if is_chrome() {
            page.fits_screens("sifted").await?;
        }
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}
