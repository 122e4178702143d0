//! What becomes of trunk's output before it is a site: names by content, the first view, the policy.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::Result;
use crate::process::output;
use crate::test::{UNOPTIMIZED, cargo};
use crate::workspace::root;

/// The worker's builds, by what trunk calls their files.
pub(crate) const WORKERS: [(&str, &str); 2] =
    [("everywhere", "worker"), ("relaxed", "worker_relaxed")];

/// Stands before each script that chooses between them.
pub(crate) const RELAXED: &str = "relaxed.js";

/// Of a file's content, as long as trunk's.
fn short_hash(content: &[u8]) -> String {
    sha256(content)[..16].to_owned()
}

/// Hexadecimal SHA-256.
pub(crate) fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes one stylesheet of all that the page links, in their order: one request instead of eleven.
pub(crate) fn join_styles(html: &str, folder: &Path) -> Result<String> {
    const START: &str = "<link rel=\"stylesheet\" href=\"./";
    let mut styles = String::new();
    let mut joined = String::new();
    for line in html.lines() {
        let link = line.strip_prefix(START).and_then(|rest| rest.split('"').next());
        let Some(name) = link else {
            joined += line;
            joined.push('\n');
            continue;
        };
        let path = folder.join(name);
        if styles.is_empty() {
            joined += "STYLES\n";
        }
        styles += &read(&path)?;
        remove(&path)?;
    }
    let name = format!("style-{}.css", short_hash(styles.as_bytes()));
    write(&folder.join(&name), &styles)?;
    Ok(joined.replacen("STYLES", &format!("{START}{name}\">"), 1))
}

/// Names the worker's files by their content, so that a version's page never starts another version's
/// worker and browsers need not ask for them again; gives each build's new name.
pub(crate) fn name_workers(folder: &Path) -> Result<Vec<(&'static str, String)>> {
    let mut builds = Vec::new();
    for (build, name) in WORKERS {
        let module = folder.join(format!("{name}_bg.wasm"));
        let script = folder.join(format!("{name}.js"));
        let new = format!("{name}-{}", short_hash(&[bytes(&module)?, bytes(&script)?].concat()));
        rename(&module, &folder.join(format!("{new}_bg.wasm")))?;
        rename(&script, &folder.join(format!("{new}.js")))?;
        builds.push((build, new));
    }
    Ok(builds)
}

/// Writes the script that starts the worker, and lets the page name it.
pub(crate) fn write_worker_start(
    html: &str,
    builds: &[(&'static str, String)],
    folder: &Path,
) -> Result<String> {
    const NAME: &str = "worker_start.js";
    let known = format!("const BUILDS = {};\n", names(builds));
    let script = [source(RELAXED)?, known, source(NAME)?].concat();
    let new = format!("worker_start-{}.js", short_hash(script.as_bytes()));
    write(&folder.join(&new), &script)?;
    replace_once(html, &format!("./{NAME}"), &format!("./{new}"))
}

/// The builds as an object of JavaScript.
pub(crate) fn names(builds: &[(&'static str, String)]) -> String {
    let object: serde_json::Map<_, _> =
        builds.iter().map(|(build, name)| ((*build).to_owned(), name.as_str().into())).collect();
    serde_json::Value::Object(object).to_string()
}

/// The page as it opens, as HTML.
pub(crate) fn first_view() -> Result<String> {
    let build = ["--locked", "--no-default-features", "--features", "first-view"];
    // It runs for a moment, once.
    let view = output(
        cargo()
            .args(["run", "--quiet"])
            .args(build)
            .args(["--bin", "first_view"])
            .args(UNOPTIMIZED),
    );
    let build = build.join(" ");
    view.ok_or(format!(
        "the first view could not be rendered; see\n  cargo build {build} --bin first_view"
    ))
}

/// Writes the first view into the page's HTML, where it is seen before the program is there.
pub(crate) fn with_first_view(html: &str, view: &str) -> Result<String> {
    replace_once(html, "<body>\n", &format!("<body>\n{view}\n"))
}

/// Adds the Content-Security-Policy as a `<meta>`, because a static host sends no headers of ours:
/// nothing from other hosts, and no script but our files and the inline ones that are in the page
/// now.
pub(crate) fn with_policy(html: &str) -> Result<String> {
    let hashes: String = inline_scripts(html)
        .map(|script| format!(" 'sha256-{}'", BASE64.encode(Sha256::digest(script))))
        .collect();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{hashes}; worker-src 'self'; \
         connect-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; \
         manifest-src 'self'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types default"
    );
    let meta = format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
    replace_once(html, "<head>", &format!("<head>\n{meta}"))
}

/// What stands between `<script ...>` and `</script>`, of the scripts without `src`.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script>")?;
        (!attributes.contains("src=")).then_some(script)
    })
}

fn replace_once(html: &str, what: &str, by: &str) -> Result<String> {
    match html.contains(what) {
        true => Ok(html.replacen(what, by, 1)),
        false => Err(format!("dist/index.html has no `{}`", what.trim_end())),
    }
}

/// A script of www/ that dist puts together.
pub(crate) fn source(name: &str) -> Result<String> {
    read(&root().join("www").join(name))
}

pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))
}

pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|why| format!("{}: {why}", path.display()))
}

pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|why| format!("{}: {why}", path.display()))
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|why| format!("{}: {why}", path.display()))
}

fn rename(path: &Path, to: &Path) -> Result<()> {
    fs::rename(path, to).map_err(|why| format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::target;

    #[test]
    fn the_policy_admits_the_inline_scripts_of_the_page_and_no_others() {
        let html = "<html><head></head><body><script src=\"a.js\"></script>\
                    <script type=\"module\">alert(1)</script></body></html>";
        let page = with_policy(html).unwrap();
        // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        let hash = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='";
        assert!(page.starts_with("<html><head>\n<meta http-equiv="), "{page}");
        assert!(page.contains(&format!("script-src 'self' 'wasm-unsafe-eval' {hash};")), "{page}");
    }

    #[test]
    fn the_styles_are_one_file_in_their_order() {
        let folder = target().join("joined");
        fs::create_dir_all(&folder).unwrap();
        for (name, style) in [("base-1.css", "a {}\n"), ("drive-2.css", "b {}\n")] {
            fs::write(folder.join(name), style).unwrap();
        }
        let link = |name: &str| format!("<link rel=\"stylesheet\" href=\"./{name}\"/>\n");
        let html = format!("<head>\n{}<x>\n{}</head>\n", link("base-1.css"), link("drive-2.css"));
        let html = join_styles(&html, &folder).unwrap();
        let (before, rest) = html.split_once("href=\"./").unwrap();
        let (name, after) = rest.split_once('"').unwrap();
        assert_eq!((before, after), ("<head>\n<link rel=\"stylesheet\" ", ">\n<x>\n</head>\n"));
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), "a {}\nb {}\n");
        assert!(!folder.join("base-1.css").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
