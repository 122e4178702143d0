//! The invariants of ARCHITECTURE.md that the compiler does not keep: who may name what.

mod layers;
mod scan;
mod testids;

use scan::{Mention, sources};

/// Words that only some places may use.
struct Rule {
    /// Names, whole; one that ends in `*` stands for every name that starts so.
    names: &'static [&'static str],
    /// Where they may stand: files of `src/`, and folders with a slash at their end.
    allowed: &'static [&'static str],
    /// Whether unit tests may use them anywhere.
    free_in_tests: bool,
    why: &'static str,
}

const SHELLS: &[&str] = &["bin/", "cli.rs", "cli/"];
const BROWSER: &[&str] = &["bin/", "web.rs", "web/", "page.rs", "page/"];

const RULES: &[Rule] = &[
    Rule {
        names: &["unsafe"],
        allowed: &["kernels.rs", "kernels/"],
        free_in_tests: false,
        why: "`unsafe` stays in the kernels",
    },
    Rule {
        names: &["tract_*"],
        allowed: &["runtime/tract*", "onnx.rs", "onnx/"],
        free_in_tests: false,
        why: "tract stays in the runtime, its wire format in onnx",
    },
    Rule {
        names: &["std::panic::catch_unwind"],
        allowed: &["runtime/tract.rs"],
        free_in_tests: true,
        why: "a panic of our own is a fault to be mended",
    },
    Rule {
        names: &["web_sys", "js_sys", "wasm_bindgen*", "serde_wasm_bindgen", "gloo*", "yew*"],
        allowed: BROWSER,
        free_in_tests: false,
        why: "the browser stays in its shell",
    },
    Rule {
        names: &["gloo_net", "web_sys::Request*", "web_sys::XmlHttpRequest", "web_sys::WebSocket"],
        allowed: &["web/fetch.rs"],
        free_in_tests: false,
        why: "only the page asks its host, for what is bundled; its policy admits no other",
    },
    Rule {
        names: &["std::fs", "std::thread", "std::env", "std::process", "std::net"],
        allowed: SHELLS,
        free_in_tests: true,
        why: "the lab and everything below it know no file, thread or environment",
    },
];

/// What the page may know of the rest.
const SEEN_BY_PAGE: &[&str] =
    &["page", "web", "lab::protocol", "vocabulary", "report", "error", "figures", "clock"];

#[test]
fn names_stay_where_they_belong() {
    let mut offences = Vec::new();
    for file in sources() {
        for rule in RULES {
            if rule.allowed.iter().any(|place| file.is_in(place)) {
                continue;
            }
            for Mention { line, path, .. } in file.paths(rule.free_in_tests) {
                if rule.names.iter().any(|name| path.names(name)) {
                    offences.push(format!("{}:{line}: `{}`: {}", file.name, path.text(), rule.why));
                }
            }
        }
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn the_page_sees_messages_and_figures_never_the_runtime() {
    let mut offences = Vec::new();
    for file in sources().into_iter().filter(|file| file.is_in("page.rs") || file.is_in("page/")) {
        for Mention { line, path, .. } in file.paths(false) {
            let Some(inner) = path.text().strip_prefix("crate::").map(str::to_owned) else {
                continue;
            };
            let seen = |place: &&str| inner == **place || inner.starts_with(&format!("{place}::"));
            if !SEEN_BY_PAGE.iter().any(seen) {
                offences.push(format!("src/{}:{line}: `crate::{inner}`", file.name));
            }
        }
    }
    assert!(offences.is_empty(), "src/page knows too much:\n{}", offences.join("\n"));
}
