//! The site as it is published: kept by the browser, asking its own host alone, telling nobody what was opened.

use std::fs;

use e2e::{in_browser, is_chrome, model, own_folder, setting};

/// Once the browser keeps the site.
const KEPT: &str = "const done = arguments[0];
    navigator.serviceWorker.ready.then(() => done(true));";

#[test]
fn opens_and_quantizes_without_its_host_once_it_is_kept() {
    if !is_chrome() {
        println!("skipped: Firefox keeps nothing for a browser that is driven");
        return;
    }
    in_browser(async |page| {
        let home = setting("E2E_LEAVING");
        page.driver.goto(&home).await?;
        page.wait_for("network-assignment[data-status=ready]").await?;
        assert!(page.told::<bool>(KEPT).await?);
        let gone = format!(
            "const done = arguments[0];
             fetch('{home}leave').then(() => fetch('{home}leave')).then(() => done(false), () => done(true));"
        );
        assert!(page.told::<bool>(&gone).await?, "the host still answers");
        page.driver.refresh().await?;
        let figures = page.quantize("assignment").await?;
        assert_eq!(figures.len(), 2);
        // What was not kept cannot be had, and the page says so.
        page.at("drive").await?;
        page.click("network-mobilenet").await?;
        let notice = page.wait_for("notice").await?.text().await?;
        assert!(notice.contains("models/networks/mobilenet.onnx"), "{notice}");
        Ok(())
    });
}

#[test]
fn nobody_hears_what_was_opened() {
    let folder = own_folder();
    let secret = "way-to-grandmother";
    let network = folder.join(format!("{secret}.onnx"));
    fs::copy(model("assignment"), &network).expect("the network can be copied");
    let broken = folder.join(format!("{secret}-torn.onnx"));
    fs::write(&broken, secret).expect("a file can be written");
    in_browser(async move |page| {
        page.wait_for("network-assignment[data-status=ready]").await?;
        for (file, sign) in [(&network, "network-opened-1[data-status=ready]"), (&broken, "notice")]
        {
            page.at("drive").await?;
            page.open_file("open-model", file).await?;
            page.wait_for(sign).await?;
        }
        page.dismiss_notices().await?;
        page.quantize("opened-1").await?;
        for place in ["layers", "frames", "train", "data"] {
            page.at(place).await?;
        }
        let links = "arguments[0]([location.href, document.title, ...Array.from(
            document.querySelectorAll('[href], [src], [action]'),
            (element) => element.getAttribute('href') ?? element.getAttribute('src') ?? '')]);";
        let links: Vec<String> = page.told(links).await?;
        let requests = page.requests().await?;
        let console = page.console().await?;
        let home = setting("E2E_PAGE");
        for address in &requests {
            assert!(address.starts_with(&home), "{address}");
        }
        for said in links.iter().chain(&requests).chain(&console) {
            assert!(!said.contains(secret), "{said}");
        }
        Ok(())
    });
}

#[test]
fn an_address_that_is_none_says_so_and_leads_home() {
    in_browser(async |page| {
        page.visit("no/such/page").await?;
        let text = page.text().await?;
        assert!(text.contains("There is no such page here"), "{text}");
        Ok(())
    });
}
