//! Quantization-aware training on the built page, against the command line.

use std::fs;
use std::path::Path;
use std::thread;

use e2e::{Page, in_browser, is_chrome, model, own_folder, steer8};
use thirtyfour::prelude::*;

/// 3-bit weights, one scale per tensor: where static quantization loses and training wins back.
const RECIPE: &str =
    "%7B%22version%22%3A1%2C%22weight_bits%22%3A3%2C%22weights%22%3A%22per-tensor%22%7D";

/// One to be paused behind, one that is kept and lost to a reload, and one to come back for.
const EPOCHS: &str = "3";

/// Opens the page for a training of `assignment`.
async fn open(page: &Page) -> WebDriverResult<()> {
    page.open_link(&format!("network=assignment&recipe={RECIPE}")).await?;
    page.wait_for("network-assignment[data-status=ready]").await?;
    page.at("train").await?;
    page.pick("train-epochs", EPOCHS).await
}

#[test]
fn trains_through_pauses_and_a_reload_to_the_bytes_of_the_command_line() {
    // It takes as long as the page does.
    let natively = thread::spawn(trained_natively);
    in_browser(async move |page| {
        open(&page).await?;
        watch_long_tasks(&page).await?;
        page.click("train").await?;
        page.wait_for("training[data-status=training][data-held-out]").await?;
        page.wait_until("training[data-value='1']", async || {
            page.all("training[data-value='1']").await.ok()?.into_iter().next()
        })
        .await?;
        if is_chrome() {
            page.fits_screens("training").await?;
            println!("longest task of the page: {} ms", longest_task(&page).await?);
        }

        page.click("cancel").await?;
        page.wait_for("training[data-status=paused][data-value='1']").await?;
        page.click("resume-training").await?;
        page.wait_for("training[data-status=training][data-value='2']").await?;
        page.click("cancel").await?;
        // However long the disk takes; from then on a reload does not lose it.
        let later = "training[data-status=paused][data-kept]:not([data-kept='1'])";
        let kept = epochs(&page.wait_for(later).await?, "data-kept").await?;
        page.click("resume-training").await?;
        page.wait_for("training[data-status=training]").await?;
        open(&page).await?;
        let resumed = page.wait_for("training[data-status=paused][data-value]").await?;
        let resumed = epochs(&resumed, "data-value").await?;
        assert!(resumed >= kept && kept >= 2, "{kept} epochs were kept, {resumed} are left");
        page.click("resume-training").await?;
        page.wait_for(&format!("training[data-status=finished][data-value='{EPOCHS}']")).await?;
        page.at("compare").await?;
        page.wait_for("accuracy[data-model=assignment-qat]").await?;

        let figures = page.figures().await?;
        let [float, fixed, trained] = &figures[..] else { panic!("{figures:?}") };
        println!(
            "top-1: {} float, {} static, {} trained",
            float.accuracy, fixed.accuracy, trained.accuracy
        );
        assert!(trained.accuracy > fixed.accuracy + 0.1, "training wins back what was lost");
        assert!(trained.accuracy > float.accuracy - 0.04);
        let bytes = page.download_by("download-qat").await?;
        let natively = natively.join().expect("the command line trains");
        assert!(bytes == natively, "other bytes than natively");
        if is_chrome() {
            page.fits_screens("trained").await?;
        }
        assert_eq!(page.complaints().await?, [""; 0]);

        // What is finished is not offered again.
        open(&page).await?;
        page.wait_for("train:not([disabled])").await?;
        assert!(page.all("training").await?.is_empty());
        Ok(())
    });
}

/// A number of epochs that an element tells.
async fn epochs(training: &WebElement, attribute: &str) -> WebDriverResult<u32> {
    let told = training.attr(attribute).await?;
    Ok(told.and_then(|told| told.parse().ok()).expect("a number of epochs"))
}

#[test]
fn a_training_can_be_stopped_with_the_best_so_far_or_discarded() {
    in_browser(async |page| {
        open(&page).await?;
        page.click("train").await?;
        page.wait_for("training[data-status=training][data-value='1']").await?;
        page.click("finish-training").await?;
        page.wait_for("training[data-status=finished][data-value='1']").await?;
        page.at("compare").await?;
        page.wait_for("accuracy[data-model=assignment-qat]").await?;
        page.at("train").await?;

        page.click("train").await?;
        page.wait_for("training[data-status=training][data-held-out]").await?;
        page.click("cancel").await?;
        page.click("discard-training").await?;
        assert!(page.all("training").await?.is_empty());
        Ok(())
    });
}

/// The bundled network of values at 3 bits: its curve is that of an error, by the loss that was chosen.
#[test]
fn a_network_of_values_trains_by_the_chosen_loss_with_its_curve_in_mae() {
    in_browser(async |page| {
        let network = "pilotnet-steering";
        page.open_link(&format!("network={network}&recipe={RECIPE}")).await?;
        page.wait_for(&format!("network-{network}[data-status=ready]")).await?;
        page.at("train").await?;
        page.pick("train-epochs", "3").await?;
        page.driver.execute("document.querySelector('.train-more').open = true", vec![]).await?;
        page.pick("train-loss-steering", "Huber").await?;
        assert!(page.fragment().await?.contains("losses="), "the link has the loss");
        page.click("train").await?;
        page.wait_for("training[data-status=training][data-value='1']").await?;
        assert!(page.text().await?.contains("a mean absolute error of"));
        if is_chrome() {
            page.fits_screens("training-values").await?;
        }
        page.click("finish-training").await?;
        page.wait_for("training[data-status=finished]").await?;
        page.at("compare").await?;
        page.wait_for(&format!("mae[data-model={network}-qat][data-name=steering]")).await?;
        assert_eq!(page.complaints().await?, [""; 0]);
        Ok(())
    });
}

fn trained_natively() -> Vec<u8> {
    let to = own_folder().join("assignment-qat.onnx");
    let network = model("assignment");
    let frames = network.parent().and_then(Path::parent).expect("networks have a folder");
    let frames = |name: &str| frames.join("frames").join(name).to_string_lossy().into_owned();
    let (training, calibration) = (frames("training-0.zip"), frames("calibration.zip"));
    let (network, into) = (network.to_string_lossy(), to.to_string_lossy());
    steer8(&[
        "train",
        &network,
        "-o",
        &into,
        "--training",
        &training,
        "--calibration",
        &calibration,
        "--epochs",
        EPOCHS,
        "--weight-bits",
        "3",
        "--weights",
        "per-tensor",
        "--quiet",
    ]);
    fs::read(&to).expect("the command line wrote a file")
}

/// Has the page remember its longest task from here on.
async fn watch_long_tasks(page: &Page) -> WebDriverResult<()> {
    let script = "window.longestTask = 0;
        new PerformanceObserver(list => {
          for (const { duration } of list.getEntries())
            window.longestTask = Math.max(window.longestTask, duration);
        }).observe({ type: 'longtask' });";
    page.driver.execute(script, vec![]).await.map(|_| ())
}

/// Milliseconds; 0 if none took 50.
async fn longest_task(page: &Page) -> WebDriverResult<f64> {
    page.driver.execute("return window.longestTask", vec![]).await?.convert()
}
