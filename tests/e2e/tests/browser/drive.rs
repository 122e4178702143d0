//! The drive on the page: what is watched is what the command line measures.

use std::time::Duration;

use e2e::{Page, in_browser, is_chrome, model, steer8};
use serde_json::Value;
use thirtyfour::Key;
use thirtyfour::prelude::WebDriverResult;

const TRACK: &str = "20003";

/// The return of each network along the track, by the command line.
fn natively(models: &[&str]) -> Vec<f64> {
    let drive = ["drive"].iter().chain(models).chain(&["--tracks", "1", "--from", TRACK]);
    let arguments: Vec<&str> = drive.chain(&["--json", "--quiet"]).copied().collect();
    let drives: Value = serde_json::from_slice(&steer8(&arguments)).expect("--json gives JSON");
    let results = drives["results"].as_array().expect("results");
    let total = |result: &Value| result["tracks"][0]["return"].as_f64().expect("a return");
    results.iter().map(total).collect()
}

/// What the cars come to, once all have arrived.
async fn arrived(page: &Page) -> WebDriverResult<Vec<f64>> {
    page.wait_until("the end of every drive", async || {
        let cars = page.all("car").await.ok()?.len();
        let done = page.all("car:not([data-status=driving])").await.ok()?.len();
        (cars == done && cars > 0).then_some(())
    })
    .await?;
    page.values("car").await
}

#[test]
fn opens_driving_and_two_cars_drive_as_the_command_line_says() {
    let folder = std::env::temp_dir().join(format!("steer8-drive-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let float = model("assignment");
    let int8 = folder.join("int8.onnx");
    let [float, int8] = [&float, &int8].map(|path| path.to_string_lossy().into_owned());
    // The car of few bits ends early, so little time is spent.
    let recipe = ["--weight-bits", "3", "--weights", "per-tensor", "--quiet"];
    steer8(&[&["quantize", &float, "-o", &int8], &recipe[..]].concat());
    let natively = natively(&[&float, &int8]);
    std::fs::remove_dir_all(&folder).expect("it can be removed");

    in_browser(async move |page| {
        // It moves before anything is asked.
        page.wait_for_a_drive().await?;
        let recipe =
            "%7B%22version%22%3A1%2C%22weight_bits%22%3A3%2C%22weights%22%3A%22per-tensor%22%7D";
        let link = format!("network=assignment&recipe={recipe}&track={TRACK}");
        page.open_link(&link).await?;
        page.choose("assignment").await?;
        page.quantize("assignment").await?;
        // Out of sight they stand: this brings them back.
        page.at("drive").await?;
        page.pick("stage-pace", "8×").await?;
        assert_eq!(page.all("car").await?.len(), 2);
        assert_eq!(arrived(&page).await?, natively);
        page.at("compare").await?;
        let sentence = page.wait_for("verdict-drive").await?.text().await?;
        assert!(sentence.contains(&format!("On track {TRACK}, float")), "{sentence}");
        assert!(page.fragment().await?.contains(&format!("track={TRACK}")));

        // One picture: both say something about it.
        page.at("drive").await?;
        page.click("look").await?;
        page.wait_until("both answers", async || {
            (page.all("looked-answer").await.ok()?.len() == 2).then_some(())
        })
        .await?;
        page.click("cover").await?;
        page.wait_for("covered[data-value='64']").await?;
        page.click("add-looked").await?;
        assert_eq!(page.exact("own-frames").await?, "1");
        page.click("close-looked").await?;
        if is_chrome() {
            page.fits_screens("drive").await?;
        }
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

/// Waits until the first car has made more steps than that, and gives how many.
async fn moved(page: &Page, than: usize) -> WebDriverResult<usize> {
    page.wait_until("a car that moves", async || {
        let car = page.all("car").await.ok()?.into_iter().next()?;
        let made = car.attr("data-steps").await.ok()??.parse().ok()?;
        (made > than).then_some(made)
    })
    .await
}

#[test]
fn a_hand_drives_and_what_it_drove_is_trained_on() {
    in_browser(async move |page| {
        // A link brings back the track and both networks.
        let link = format!("network=assignment&track={TRACK}&beside=pilotnet");
        page.open_link(&link).await?;
        page.wait_for(&format!("drive[data-track='{TRACK}']")).await?;
        page.wait_for("car[data-model=assignment]").await?;
        page.wait_for("car[data-model=pilotnet]").await?;
        assert_eq!(page.fragment().await?, link);

        // A comparison that is cancelled leaves the cars alone: they go on from where they were.
        let made = moved(&page, 0).await?;
        page.choose("assignment").await?;
        page.press_go().await?;
        page.click("cancel").await?;
        page.click("stage-step").await?;
        page.click("stage-play").await?;
        moved(&page, made).await?;

        page.click("take-the-wheel").await?;
        page.wait_for("car[data-model=hand]").await?;
        let keys = page.driver.action_chain().key_down(Key::Up).key_down(Key::Left);
        keys.perform().await?;
        page.wait_for("hold-left").await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        page.driver.action_chain().key_up(Key::Up).key_up(Key::Left).perform().await?;
        page.click("take-the-wheel").await?;
        let frames = page.exact("own-frames").await?.parse::<usize>().expect("a number");
        assert!(frames >= 10, "{frames} frames");
        page.click("own-train").await?;
        page.at("data").await?;
        page.wait_for(&format!("data-training[data-status=ready][data-value='{frames}']")).await?;
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}
