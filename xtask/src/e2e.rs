//! The built site, driven in a browser by the tests of tests/e2e.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use crate::Result;
use crate::browser::Browser;
use crate::process::run;
use crate::serve::Site;
use crate::test::{cargo, natively};
use crate::webdriver::Driver;
use crate::workspace::{dist, executable, target};

/// The test that is done in every engine.
pub(crate) const MAIN_PATH: [&str; 1] = ["main_path::"];

/// Serves the site as a static host would, below some path, and lets the tests of tests/e2e drive it, or
/// those that cargo's options choose.
pub(crate) fn drive_site(browser: &Browser, tests: &[&str]) -> Result<()> {
    let home = serve(false)?;
    let leaving = serve(true)?;
    let driver = Driver::start(browser)?;
    let downloads = target().join("e2e").join("downloads");
    let files = target().join("e2e").join("files");
    let screenshots = target().join("screenshots");
    for folder in [&files, &screenshots] {
        fs::create_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    }
    // The command line that the page is compared with, as `cargo test` built it: for a part of the
    // workspace cargo would choose other features, and build it anew.
    run(natively("build").args(["--bin", "steer8"]))?;
    run(cargo()
        .args(["test", "--package", "e2e"])
        .args(tests)
        .args(["--", "--show-output"])
        .arg(format!("--test-threads={}", browser.sessions()))
        .env("E2E_PAGE", home)
        .env("E2E_LEAVING", leaving)
        .env("E2E_WEBDRIVER", format!("http://127.0.0.1:{}", driver.port()))
        .env("E2E_CAPABILITIES", browser.capabilities(&downloads).to_string())
        .env("E2E_DOWNLOADS", &downloads)
        .env("E2E_FILES", &files)
        .env("E2E_SCREENSHOTS", &screenshots)
        .env("E2E_STEER8", target().join("debug").join(executable("steer8"))))
}

/// Serves the site for as long as this program runs, or until it is told to leave; gives its address.
fn serve(leaves: bool) -> Result<String> {
    let below = "/some/sub/path/";
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|why| why.to_string())?;
    let port = listener.local_addr().map_err(|why| why.to_string())?.port();
    let mut site = Site::new(dist(), below, "");
    site.leaves = leaves;
    thread::spawn(move || site.answer(&listener));
    Ok(format!("http://127.0.0.1:{port}{below}"))
}
