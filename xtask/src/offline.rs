//! The script by which a browser keeps the site: what belongs to a version, file by file.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::Result;
use crate::site::{RELAXED, bytes, names, read, sha256, source, write};
use crate::workspace::root;

/// The script's name, which stays the same: browsers look there for a newer version.
const NAME: &str = "sw.js";

/// For hosts and for who shares a link, not for the page.
const NOT_OF_THE_PAGE: [&str; 4] = ["404.html", "_headers", ".nojekyll", "preview.png"];

/// Is fetched when somebody chooses it, not with the first visit.
const LATER: [&str; 2] = ["models/networks/", "models/frames/"];

/// Writes the script into the finished site, before it is compressed.
pub(crate) fn write_keeper(builds: &[(&'static str, String)], folder: &Path) -> Result<()> {
    let mut files = Map::new();
    list(folder, "", &mut files)?;
    let wanted_at_once = at_once()?;
    let is_build = |file: &str| builds.iter().any(|(_, name)| file.starts_with(name.as_str()));
    let is_first = |file: &str| {
        let later = LATER.iter().any(|later| file.starts_with(later));
        !is_build(file) && (!later || wanted_at_once.iter().any(|wanted| wanted == file))
    };
    let first: Vec<&String> = files.keys().filter(|file| is_first(file)).collect();
    let first = Value::from(first.into_iter().map(String::as_str).collect::<Vec<_>>());
    let files = Value::Object(files);
    let rest = source(NAME)?;
    let version = sha256(format!("{files}{rest}").as_bytes());
    let known = format!(
        "const VERSION = \"{}\";\nconst FILES = {files};\nconst BUILDS = {};\nconst FIRST = {first};\n",
        &version[..16],
        names(builds)
    );
    write(&folder.join(NAME), &[source(RELAXED)?, known, rest].concat())
}

/// What a first comparison takes: the network that the page opens with, and frames.
fn at_once() -> Result<Vec<String>> {
    let path = root().join("models/catalogue.json");
    let catalogue: Value =
        serde_json::from_str(&read(&path)?).map_err(|why| format!("{}: {why}", path.display()))?;
    let frames = &catalogue["frames"];
    let network = &catalogue["networks"][0];
    let entries = [network, &frames["calibration"], &frames["validation"], &frames["values"]];
    let file = |entry: &Value| Some(format!("models/{}", entry["file"].as_str()?));
    let files: Option<Vec<String>> = entries.into_iter().map(file).collect();
    files.ok_or_else(|| format!("{} lacks a network or frames", path.display()))
}

/// The SHA-256 of every file of the page below `folder`, by its address.
fn list(folder: &Path, below: &str, files: &mut Map<String, Value>) -> Result<()> {
    let failed = |why: std::io::Error| format!("{}: {why}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let address = format!("{below}{name}");
        if path.is_dir() {
            list(&path, &format!("{address}/"), files)?;
        } else if !NOT_OF_THE_PAGE.contains(&&*address) {
            files.insert(address, sha256(&bytes(&path)?).into());
        }
    }
    Ok(())
}
