//! The static site: built by trunk, made smaller by wasm-opt, closed to other hosts, compressed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::Result;
use crate::compress::compress;
use crate::module::PROFILE;
use crate::process::{run, say};
use crate::tools;
use crate::wasm::Toolchain;
use crate::wasm_names;
use crate::wasm_opt;
use crate::workspace::{dist, root};

pub(crate) fn build() -> Result<()> {
    let toolchain = Toolchain::ready()?;
    let trunk = tools::page_builder()?;
    say("Building the page (the first time takes some minutes)");
    let mut command = Command::new(trunk);
    command
        .args(["build", "--release", "--cargo-profile", PROFILE, "--locked"])
        // Integrity hashes would be of the modules before wasm-opt; the files come from one host.
        .args(["--no-sri", "true"])
        // trunk takes only `true` and `false` here, others set it to 1.
        .env_remove("NO_COLOR")
        .current_dir(root());
    run(toolchain.prepare(&mut command))?;

    for module in files_ending(&dist(), ".wasm")? {
        wasm_opt::optimize(&module)?;
        strip_names(&module)?;
    }
    let page = dist().join("index.html");
    let html = read(&page)?;
    write(&page, &with_policy(&html)?)?;
    say("Compressing");
    compress(&dist())?;
    eprintln!("\nThe site is in {}", dist().display());
    Ok(())
}

fn strip_names(module: &Path) -> Result<()> {
    let failed = |why: std::io::Error| format!("{}: {why}", module.display());
    let bytes = fs::read(module).map_err(failed)?;
    fs::write(module, wasm_names::without(&bytes)).map_err(failed)
}

/// Adds the Content-Security-Policy as a `<meta>`, because a static host sends no headers of ours:
/// nothing from other hosts, and no script but our files and the inline ones that are in the page
/// now.
fn with_policy(html: &str) -> Result<String> {
    let hashes: String = inline_scripts(html)
        .map(|script| format!(" 'sha256-{}'", BASE64.encode(Sha256::digest(script))))
        .collect();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{hashes}; worker-src 'self'; \
         connect-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; \
         manifest-src 'self'; base-uri 'none'; form-action 'none'"
    );
    let (before, after) =
        html.split_once("<head>").ok_or("dist/index.html has no `<head>` to put the policy in")?;
    Ok(format!(
        "{before}<head>\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">{after}"
    ))
}

/// What stands between `<script ...>` and `</script>`, of the scripts without `src`.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script>")?;
        (!attributes.contains("src=")).then_some(script)
    })
}

fn files_ending(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.to_string_lossy().ends_with(suffix));
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|why| format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
