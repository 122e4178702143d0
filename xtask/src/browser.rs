//! A browser and the WebDriver server that drives it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::Result;
use crate::process::{output, version};
use crate::screen::{self, Screen};
use crate::system;
use crate::tools;
use crate::workspace::{executable, on_path};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Chrome,
    Firefox,
    /// WebKitGTK's small browser.
    WebKit,
}

#[derive(Debug)]
pub(crate) struct Browser {
    family: Family,
    program: PathBuf,
    version: String,
    pub(crate) driver: PathBuf,
    /// For one that cannot be without a window.
    screen: Option<Screen>,
}

impl Browser {
    /// Finds an installed Chrome, Chromium or Firefox with its driver; else installs Chromium.
    pub(crate) fn ready() -> Result<Self> {
        if let Some(chrome) = Self::installed_chrome() {
            return Ok(chrome);
        }
        if let Some(firefox) = Self::installed_firefox()? {
            return Ok(firefox);
        }
        let missing = "no Chrome or Chromium with a ChromeDriver of the same major version, and no \
                       Firefox, is installed; install one";
        if offers_only_snap() {
            return Err(format!(
                "{missing} (Chromium as a snap cannot be driven from here): see \
                 https://www.google.com/chrome/ and https://googlechromelabs.github.io/chrome-for-testing/"
            ));
        }
        if cfg!(target_os = "macos") {
            return Err(format!(
                "{missing}: run\n  brew install --cask google-chrome chromedriver"
            ));
        }
        if cfg!(windows) {
            return Err(format!(
                "{missing}: run\n  winget install Google.Chrome Chromium.ChromeDriver"
            ));
        }
        system::apt_install("a browser to test in", &["chromium", "chromium-driver"])
            .map_err(|why| format!("{missing}: {why}"))?;
        Self::installed_chrome().ok_or_else(|| format!("{missing}: what apt installed is not one"))
    }

    /// A browser of that family and no other.
    pub(crate) fn of(family: Family) -> Result<Self> {
        match family {
            Family::Chrome => Self::installed_chrome().ok_or_else(|| {
                "no Chrome or Chromium with a ChromeDriver of the same major version is installed"
                    .to_owned()
            }),
            Family::Firefox => Self::installed_firefox()?
                .ok_or_else(|| "no Firefox is installed; install one (not as a snap)".to_owned()),
            Family::WebKit => Self::installed_webkit()?
                .ok_or_else(|| "no WebKitGTK with its driver and Xvfb is installed".to_owned()),
        }
    }

    /// A browser of that family, installed by the system's package manager if it is not there.
    pub(crate) fn engine(family: Family) -> Result<Self> {
        let missing = match Self::of(family) {
            Ok(browser) => return Ok(browser),
            Err(missing) => missing,
        };
        let packages: &[&str] = match family {
            Family::Chrome => &["chromium", "chromium-driver"],
            Family::Firefox => &["firefox-esr"],
            Family::WebKit => &["webkit2gtk-driver", "xvfb"],
        };
        system::apt_install("an engine to test in", packages)
            .map_err(|why| format!("{missing}: {why}"))?;
        Self::of(family)
    }

    /// How many of it are driven at once: most of a test is one worker that computes, on one core.
    pub(crate) fn sessions(&self) -> usize {
        match self.family {
            Family::Chrome => 2,
            // Their drivers know but one.
            Family::Firefox | Family::WebKit => 1,
        }
    }

    fn installed_webkit() -> Result<Option<Self>> {
        let (Some(driver), Some(program)) = (on_path("WebKitWebDriver").next(), mini_browser())
        else {
            return Ok(None);
        };
        if on_path(screen::PROGRAM).next().is_none() {
            return Ok(None);
        }
        // It tells its version to whom it shows a window.
        let screen = Screen::start()?;
        let version = output(Command::new(&program).arg("--version").envs(screen.environment()));
        let version = version.and_then(|text| text.split_whitespace().last().map(str::to_owned));
        Ok(Some(Self {
            family: Family::WebKit,
            program,
            version: version.unwrap_or_default(),
            driver,
            screen: Some(screen),
        }))
    }

    /// What the driver's environment has to say besides.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        self.screen.as_ref().map_or_else(Vec::new, Screen::environment)
    }

    fn installed_chrome() -> Option<Self> {
        chromes().find_map(Self::with_chromedriver)
    }

    fn installed_firefox() -> Result<Option<Self>> {
        let Some((program, version)) = firefoxes().find_map(with_version) else {
            return Ok(None);
        };
        // Any driver of the last years drives any Firefox of the last years.
        let driver = match drivers("geckodriver", "GECKOWEBDRIVER").next() {
            Some(driver) => driver,
            None => tools::firefox_driver()?,
        };
        Ok(Some(Self { family: Family::Firefox, program, version, driver, screen: None }))
    }

    fn with_chromedriver(program: PathBuf) -> Option<Self> {
        let (program, version) = with_version(program)?;
        let driver = drivers("chromedriver", "CHROMEWEBDRIVER").find(|driver| {
            with_version(driver.clone()).is_some_and(|(_, own)| major(&own) == major(&version))
        })?;
        Some(Self { family: Family::Chrome, program, version, driver, screen: None })
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.program.display(), self.version)
    }

    /// The family and the version, for people.
    pub(crate) fn title(&self) -> String {
        let family = match self.family {
            Family::Chrome => "Chromium",
            Family::Firefox => "Firefox",
            Family::WebKit => "WebKitGTK",
        };
        format!("{family} {}", self.version)
    }

    /// The variable by which wasm-bindgen's test runner is told which driver to start.
    pub(crate) fn driver_variable(&self) -> &'static str {
        match self.family {
            Family::Chrome => "CHROMEDRIVER",
            Family::Firefox => "GECKODRIVER",
            // It speaks as Safari's does.
            Family::WebKit => "SAFARIDRIVER",
        }
    }

    /// What to ask of the driver: this browser, without a window, leaving the network alone.
    /// Downloads go into `downloads`.
    pub(crate) fn capabilities(&self, downloads: &Path) -> Value {
        match self.family {
            Family::Chrome => {
                let mut arguments = vec![
                    "--headless",
                    "--disable-gpu",
                    "--disable-quic",
                    "--disable-dev-shm-usage",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                ];
                if system::is_root() {
                    arguments.push("--no-sandbox");
                }
                json!({
                    "browserName": "chrome",
                    "goog:chromeOptions": {
                        "binary": self.program,
                        "args": arguments,
                        "prefs": { "download.default_directory": downloads },
                    },
                    "goog:loggingPrefs": { "browser": "ALL" },
                })
            }
            Family::Firefox => json!({
                "browserName": "firefox",
                "moz:firefoxOptions": {
                    "binary": self.program,
                    "args": ["-headless"],
                    "prefs": {
                        "browser.download.folderList": 2,
                        "browser.download.dir": downloads,
                    },
                },
            }),
            Family::WebKit => json!({
                "browserName": "MiniBrowser",
                "webkitgtk:browserOptions": {
                    "binary": self.program,
                    "args": ["--automation"],
                },
            }),
        }
    }
}

/// WebKitGTK's browser for those who try it; no distribution has it on PATH.
fn mini_browser() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().filter_map(|entry| entry.ok());
    let folders = folders.map(|entry| entry.path()).chain([PathBuf::from("/usr/libexec")]);
    let programs = folders.map(|folder| folder.join("webkit2gtk-4.1/MiniBrowser"));
    programs.into_iter().find(|program| program.is_file())
}

fn with_version(program: PathBuf) -> Option<(PathBuf, String)> {
    // chrome.exe opens a window instead of telling its version; a folder beside it is named so.
    let version = if cfg!(windows) && program.ends_with("chrome.exe") {
        let beside = fs::read_dir(program.parent()?).ok()?;
        let names = beside.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).max()?
    } else {
        version(&program)?
    };
    Some((program, version))
}

fn major(version: &str) -> Option<&str> {
    version.split('.').next()
}

fn chromes() -> impl Iterator<Item = PathBuf> {
    let names = ["google-chrome", "google-chrome-stable", "chrome", "chromium", "chromium-browser"];
    let places = [
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    ];
    programs(&names, &places)
}

fn firefoxes() -> impl Iterator<Item = PathBuf> {
    let places = [
        "/Applications/Firefox.app/Contents/MacOS/firefox",
        r"C:\Program Files\Mozilla Firefox\firefox.exe",
    ];
    programs(&["firefox", "firefox-esr"], &places)
}

fn programs(names: &[&str], places: &[&str]) -> impl Iterator<Item = PathBuf> + use<> {
    let on_path: Vec<PathBuf> = names.iter().flat_map(|name| on_path(name)).collect();
    let places: Vec<PathBuf> = places.iter().map(PathBuf::from).filter(|p| p.is_file()).collect();
    on_path.into_iter().filter(|program| !is_snap(program)).chain(places)
}

/// Ubuntu's `chromium` and `firefox` are small scripts around a snap, which is closed off from
/// the folders that tests use.
fn is_snap(program: &Path) -> bool {
    let real = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let script = |path: &Path| fs::read(path).ok().filter(|bytes| bytes.starts_with(b"#!"));
    real.starts_with("/snap")
        || real.ends_with("snap")
        || script(&real).is_some_and(|text| String::from_utf8_lossy(&text).contains("/snap/bin/"))
}

fn offers_only_snap() -> bool {
    fs::read_to_string("/etc/os-release").is_ok_and(|text| text.contains("ID=ubuntu"))
}

/// The drivers of that name: in the folder that `variable` names (as on GitHub's machines), then
/// on PATH.
fn drivers(name: &str, variable: &str) -> impl Iterator<Item = PathBuf> {
    let named = env::var_os(variable).map(|folder| Path::new(&folder).join(executable(name)));
    named.into_iter().filter(|path| path.is_file()).chain(on_path(name))
}
