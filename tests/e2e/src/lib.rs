//! A browser on the built page, for the tests beside this file.
//!
//! `cargo xtask test browser` builds and serves the site, starts the browser's driver and says
//! where everything is in `E2E_*` variables.

pub mod files;

use std::env;
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use thirtyfour::Capabilities;
use thirtyfour::cdp::domains::emulation::SetDeviceMetricsOverride;
use thirtyfour::prelude::*;
use tokio::task::{LocalSet, spawn_local};

/// How long the page may stand still before a test gives up on it. Not a limit on how long
/// anything takes: progress that is shown starts it again.
const STANDSTILL: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(100);

/// A setting that xtask makes.
pub fn setting(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set; run these by `cargo xtask test browser`"))
}

pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tests/e2e is below it")
}

/// A new folder, for the files of one test: others run at the same time.
pub fn own_folder() -> PathBuf {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed).to_string();
    let folder = Path::new(&setting("E2E_FILES")).join(number);
    // A run before this one may have left files.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

/// A bundled network's file.
pub fn model(network: &str) -> PathBuf {
    repository().join("models/networks").join(format!("{network}.onnx"))
}

/// What the command line prints.
pub fn steer8(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(setting("E2E_STEER8"))
        .args(arguments)
        .current_dir(repository())
        .output()
        .expect("steer8 starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "steer8 {arguments:?}: {complaint}");
    output.stdout
}

/// Opens the page in a browser of its own, runs the test, and closes the browser however the test
/// ends.
pub fn in_browser<T>(test: impl FnOnce(Rc<Page>) -> T)
where
    T: Future<Output = WebDriverResult<()>> + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    LocalSet::new().block_on(&runtime, async {
        let page = Rc::new(Page::open().await.expect("the page opens"));
        // A task of its own, so that its panic arrives here.
        let outcome = spawn_local(test(Rc::clone(&page))).await;
        page.driver.clone().quit().await.expect("the browser closes");
        match outcome {
            Ok(done) => done.expect("the browser does as it is told"),
            Err(failed) => resume_unwind(failed.into_panic()),
        }
    });
}

/// The page in a browser.
pub struct Page {
    pub driver: WebDriver,
    /// Where this browser writes its files.
    downloads: PathBuf,
}

/// The figures of one network in the table of results.
#[derive(Debug, PartialEq)]
pub struct Figures {
    pub accuracy: f64,
    pub interval: [f64; 2],
    pub agreement: Option<f64>,
}

impl Page {
    async fn open() -> WebDriverResult<Self> {
        let downloads = own_folder();
        let [theirs, own] = [Path::new(&setting("E2E_DOWNLOADS")), &downloads]
            .map(|folder| serde_json::json!(folder).to_string());
        let capabilities: serde_json::Map<_, _> =
            serde_json::from_str(&setting("E2E_CAPABILITIES").replace(&theirs, &own))
                .expect("E2E_CAPABILITIES is a JSON object");
        let capabilities = Capabilities::from(capabilities);
        let driver = WebDriver::new(setting("E2E_WEBDRIVER"), capabilities).await?;
        driver.goto(setting("E2E_PAGE")).await?;
        Ok(Self { driver, downloads })
    }

    /// Opens the page anew by a link; `fragment` stands behind its `#`.
    pub async fn open_link(&self, fragment: &str) -> WebDriverResult<()> {
        self.visit(&format!("#{fragment}")).await
    }

    /// Opens the page anew with this behind its address.
    pub async fn visit(&self, behind: &str) -> WebDriverResult<()> {
        // From the page itself a link would only be another part of the same page.
        self.driver.goto("about:blank").await?;
        self.driver.goto(setting("E2E_PAGE") + behind).await
    }

    /// What stands behind the `#` of the page's address.
    pub async fn fragment(&self) -> WebDriverResult<String> {
        Ok(self.driver.current_url().await?.fragment().unwrap_or_default().to_owned())
    }

    /// The first such element, brought to where the bar with the big button covers nothing.
    async fn reach(&self, what: &str) -> WebDriverResult<WebElement> {
        let element = self.wait_for(what).await?;
        element.scroll_into_view().await?;
        Ok(element)
    }

    /// Clicks the first such element until a click arrives: what the page learns just then may
    /// move it from under the pointer.
    pub async fn click(&self, what: &str) -> WebDriverResult<()> {
        self.wait_until(what, async || self.try_click(what).await.ok()?.then_some(())).await
    }

    /// Whether there is such an element and a click on it arrived.
    pub async fn try_click(&self, what: &str) -> WebDriverResult<bool> {
        let Some(element) = self.all(what).await?.into_iter().next() else {
            return Ok(false);
        };
        element.scroll_into_view().await?;
        let watch = "window.arrived = false;
            const arrive = () => { window.arrived = true; };
            arguments[0].addEventListener('click', arrive, { once: true, capture: true });";
        self.driver.execute(watch, vec![element.to_json()?]).await?;
        element.click().await?;
        // A click may open another page, which knows nothing of it.
        self.driver.execute("return window.arrived !== false", vec![]).await?.convert()
    }

    /// Chooses an entry of a list by what it says, as soon as it is there.
    pub async fn pick(&self, list: &str, entry: &str) -> WebDriverResult<()> {
        let option = By::XPath(format!("./option[normalize-space()='{entry}']"));
        self.wait_until(list, async || {
            let list = self.reach(list).await.ok()?;
            list.find(option.clone()).await.ok()?.click().await.ok()
        })
        .await
    }

    /// Types over what stands in a field, and leaves it.
    pub async fn fill(&self, field: &str, text: &str) -> WebDriverResult<()> {
        let field = self.reach(field).await?;
        // Clearing it would leave it empty for a moment, which the page may answer.
        field.send_keys(Key::Control + "a").await?;
        field.send_keys(text + Key::Tab).await
    }

    /// What a script of a test gives.
    pub async fn told<T: DeserializeOwned>(&self, script: &str) -> WebDriverResult<T> {
        self.driver.execute_async(script, vec![]).await?.convert()
    }

    /// What an element says exactly.
    pub async fn exact(&self, what: &str) -> WebDriverResult<String> {
        attribute(&self.wait_for(what).await?, "data-value").await
    }

    /// The figures that all such elements say exactly.
    pub async fn values(&self, what: &str) -> WebDriverResult<Vec<f64>> {
        let mut values = Vec::new();
        for element in self.all(what).await? {
            values.push(number(&element, "data-value").await?);
        }
        Ok(values)
    }

    /// The elements with this `data-testid`, and what conditions stand behind it.
    pub async fn all(&self, what: &str) -> WebDriverResult<Vec<WebElement>> {
        self.driver.find_all(By::Css(selector(what))).await
    }

    /// The first such element, as soon as there is one.
    pub async fn wait_for(&self, what: &str) -> WebDriverResult<WebElement> {
        self.wait_until(what, async || self.all(what).await.ok()?.into_iter().next()).await
    }

    /// Waits for a car that moves.
    pub async fn wait_for_a_drive(&self) -> WebDriverResult<()> {
        self.wait_until("a car that moves", async || {
            let drive = self.all("drive").await.ok()?.into_iter().next()?;
            let shown = drive.attr("data-value").await.ok()??.parse::<usize>().ok()?;
            (shown > 0).then_some(())
        })
        .await
    }

    /// What `look` finds, as soon as it finds something.
    pub async fn wait_until<T>(
        &self,
        what: &str,
        look: impl AsyncFn() -> Option<T>,
    ) -> WebDriverResult<T> {
        let (mut shown, mut since) = (String::new(), Instant::now());
        loop {
            if let Some(found) = look().await {
                return Ok(found);
            }
            let now = self.text().await?;
            if now != shown {
                (shown, since) = (now, Instant::now());
            }
            assert!(since.elapsed() < STANDSTILL, "no {what}; the page stands at:\n{shown}");
            tokio::time::sleep(POLL).await;
        }
    }

    /// All that a reader of the page sees, but for the counting of seconds and a drive.
    pub async fn text(&self) -> WebDriverResult<String> {
        let script = "const still = document.body.cloneNode(true);
            for (const moving of still.querySelectorAll('.elapsed, .drive')) moving.remove();
            return still.textContent;";
        self.driver.execute(script, vec![]).await?.convert()
    }

    /// Goes to a place of the page, unless it is there.
    pub async fn at(&self, place: &str) -> WebDriverResult<()> {
        let tab = format!("place-{place}");
        self.wait_for(&tab).await?;
        if self.all(&format!("{tab}[aria-current]")).await?.is_empty() {
            self.click(&tab).await?;
            self.wait_for(&format!("{tab}[aria-current]")).await?;
        }
        Ok(())
    }

    /// Chooses a network and waits until it is read.
    pub async fn choose(&self, network: &str) -> WebDriverResult<()> {
        self.at("drive").await?;
        self.click(&format!("network-{network}")).await?;
        self.wait_for(&format!("network-{network}[data-status=ready]")).await?;
        Ok(())
    }

    /// Presses the big button, as soon as it can be pressed.
    pub async fn press_go(&self) -> WebDriverResult<()> {
        self.at("drive").await?;
        self.click("quantize:not([disabled])").await
    }

    /// Presses it if that is possible now.
    pub async fn press_go_if_idle(&self) -> WebDriverResult<()> {
        self.at("drive").await?;
        self.try_click("quantize:not([disabled])").await?;
        Ok(())
    }

    /// Presses the button and waits for the comparison of a network, where the page then is; no error may
    /// come up.
    pub async fn quantize(&self, network: &str) -> WebDriverResult<Vec<Figures>> {
        self.choose(network).await?;
        self.press_go().await?;
        self.at("compare").await?;
        let result = format!("accuracy[data-model='{network}']");
        self.wait_until(&result, async || {
            let notices = self.notices().await.ok()?;
            assert!(notices.is_empty(), "{network}: {notices:?}");
            self.all(&result).await.ok()?.into_iter().next()
        })
        .await?;
        self.figures().await
    }

    pub async fn figures(&self) -> WebDriverResult<Vec<Figures>> {
        self.at("compare").await?;
        let mut figures = Vec::new();
        for cell in self.all("accuracy").await? {
            let model = attribute(&cell, "data-model").await?;
            let agreement =
                match self.all(&format!("agreement[data-model='{model}']")).await?.first() {
                    Some(cell) => Some(number(cell, "data-value").await?),
                    None => None,
                };
            figures.push(Figures {
                accuracy: number(&cell, "data-value").await?,
                interval: [number(&cell, "data-low").await?, number(&cell, "data-high").await?],
                agreement,
            });
        }
        Ok(figures)
    }

    /// Presses Download and gives the file that the browser wrote.
    pub async fn download(&self) -> WebDriverResult<Vec<u8>> {
        self.at("drive").await?;
        self.download_by("download").await
    }

    /// Presses this button and gives the file with such an ending that the browser wrote, whose length
    /// nobody knows before.
    pub async fn saved_by(&self, button: &str, ending: &str) -> WebDriverResult<Vec<u8>> {
        self.clear_downloads();
        // A real press: of a script's, browsers take but one to save a file.
        self.click(button).await?;
        let file = self.wait_until("download", async || {
            let is_it = |path: &PathBuf| path.extension().is_some_and(|own| own == ending);
            let bytes = fs::read(self.downloaded().into_iter().find(is_it)?).ok()?;
            (!bytes.is_empty()).then_some(bytes)
        });
        file.await
    }

    /// Presses this button and gives the file that the browser wrote.
    pub async fn download_by(&self, button: &str) -> WebDriverResult<Vec<u8>> {
        self.clear_downloads();
        let length = number(&self.wait_for(button).await?, "data-bytes").await?;
        self.click(button).await?;
        let file = self.wait_until("download", async || {
            // While it is being written it has another name, or not its full length.
            let finished = |path: &PathBuf| path.extension().is_some_and(|e| e == "onnx");
            let file = self.downloaded().into_iter().find(finished)?;
            (fs::metadata(&file).ok()?.len() as f64 == length).then_some(file)
        });
        Ok(fs::read(file.await?).expect("the download can be read"))
    }

    /// The files that the browser wrote.
    fn downloaded(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.downloads).expect("the downloads can be listed");
        entries.map(|entry| entry.expect("the downloads can be listed").path()).collect()
    }

    fn clear_downloads(&self) {
        for old in self.downloaded() {
            fs::remove_file(old).expect("an old download can be removed");
        }
    }

    /// Gives a file to one of the page's file buttons.
    pub async fn open_file(&self, button: &str, file: &Path) -> WebDriverResult<()> {
        self.wait_for(button).await?.send_keys(file.to_string_lossy()).await
    }

    /// What the errors on show say.
    pub async fn notices(&self) -> WebDriverResult<Vec<String>> {
        let mut texts = Vec::new();
        for notice in self.all("notice").await? {
            texts.push(notice.text().await?);
        }
        Ok(texts)
    }

    /// Closes every error on show.
    pub async fn dismiss_notices(&self) -> WebDriverResult<()> {
        while !self.all("dismiss").await?.is_empty() {
            self.click("dismiss").await?;
        }
        Ok(())
    }

    /// The errors and warnings on the console since the last call. Only Chrome tells them.
    pub async fn complaints(&self) -> WebDriverResult<Vec<String>> {
        if !is_chrome() {
            return Ok(Vec::new());
        }
        let log = self.driver.browser_log().await?;
        let bad = log.into_iter().filter(|entry| matches!(&*entry.level, "SEVERE" | "WARNING"));
        Ok(bad.map(|entry| entry.message).collect())
    }

    /// All that the page has written to the console since the last call. Only Chrome tells it.
    pub async fn console(&self) -> WebDriverResult<Vec<String>> {
        if !is_chrome() {
            return Ok(Vec::new());
        }
        let log = self.driver.browser_log().await?;
        Ok(log.into_iter().map(|entry| entry.message).collect())
    }

    /// The addresses of everything that the page loaded.
    pub async fn requests(&self) -> WebDriverResult<Vec<String>> {
        let script = "return performance.getEntriesByType('resource').map(entry => entry.name)";
        self.driver.execute(script, vec![]).await?.convert()
    }

    /// Runs a script in every page that is opened from now on, before the page's own. Only Chrome can be told so.
    pub async fn before_its_own_scripts(&self, script: &str) -> WebDriverResult<()> {
        let parameters = serde_json::json!({ "source": script });
        let tools = self.driver.cdp();
        tools.send_raw("Page.addScriptToEvaluateOnNewDocument", parameters).await?;
        Ok(())
    }

    /// The hashes of all files that were made, in order.
    pub async fn hashes(&self) -> WebDriverResult<Vec<String>> {
        self.at("compare").await?;
        let mut hashes = Vec::new();
        for cell in self.all("download-of").await? {
            hashes.push(cell.attr("data-value").await?.unwrap_or_default());
        }
        hashes.sort();
        Ok(hashes)
    }

    /// What a worker of its own answers to a message that is no request.
    pub async fn confuse_worker(&self, query: &str) -> WebDriverResult<String> {
        let script = "const [query, done] = arguments;
            const script = document.querySelector('[data-worker]').dataset.worker;
            const worker = new Worker(script + query);
            worker.onmessage = ({ data }) =>
              'Ready' in data ? worker.postMessage('nonsense') : done(JSON.stringify(data));";
        self.driver.execute_async(script, vec![query.into()]).await?.convert()
    }

    /// Takes pictures of the page on a wide and a narrow screen, in light and dark; nothing of it
    /// may be wider than the screen. Only Chrome can be told so.
    pub async fn fits_screens(&self, name: &str) -> WebDriverResult<()> {
        for width in [1440, 390] {
            for scheme in ["light", "dark"] {
                let content = self.picture(name, width, scheme).await?;
                assert!(content <= width, "{name}: {content} px of content on {width}");
            }
        }
        Ok(())
    }

    /// Shows the page at a width and in a colour scheme, takes a picture of the whole of it, and
    /// says how wide its content is.
    async fn picture(&self, name: &str, width: u32, scheme: &str) -> WebDriverResult<u32> {
        let features = serde_json::json!({
            "features": [{ "name": "prefers-color-scheme", "value": scheme }]
        });
        self.driver.cdp().send_raw("Emulation.setEmulatedMedia", features).await?;
        self.resize(width, 900).await?;
        let [content, height] = self.extent().await?;
        self.resize(width, height).await?;
        let folder = PathBuf::from(setting("E2E_SCREENSHOTS"));
        let picture = folder.join(format!("{name}-{width}-{scheme}.png"));
        self.driver.screenshot(&picture).await?;
        self.resize(width, 900).await?;
        Ok(content)
    }

    async fn resize(&self, width: u32, height: u32) -> WebDriverResult<()> {
        let size = SetDeviceMetricsOverride {
            width,
            height,
            device_scale_factor: 1.0,
            mobile: false,
            scale: None,
            screen_orientation: None,
        };
        self.driver.cdp().send(size).await.map(|_| ())
    }

    /// Width and height of the page's content.
    async fn extent(&self) -> WebDriverResult<[u32; 2]> {
        let script = "const all = document.documentElement;
            return [all.scrollWidth, all.scrollHeight]";
        self.driver.execute(script, vec![]).await?.convert()
    }
}

pub fn is_chrome() -> bool {
    setting("E2E_CAPABILITIES").contains("goog:chromeOptions")
}

/// `name[data-x=y]:not(z) w`: the `data-testid`, then any further conditions.
fn selector(what: &str) -> String {
    let end = what.find(['[', ':', ' ']).unwrap_or(what.len());
    let (testid, conditions) = what.split_at(end);
    format!("[data-testid='{testid}']{conditions}")
}

async fn attribute(element: &WebElement, name: &str) -> WebDriverResult<String> {
    let value = element.attr(name).await?;
    Ok(value.unwrap_or_else(|| panic!("an element lacks {name}")))
}

async fn number(element: &WebElement, name: &str) -> WebDriverResult<f64> {
    let value = attribute(element, name).await?;
    Ok(value.parse().unwrap_or_else(|_| panic!("{name}=\"{value}\" is no number")))
}
