//! The invariants of ARCHITECTURE.md that the compiler does not keep: who may name what.

use std::fs;
use std::path::{Path, PathBuf};

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
        names: &["web_sys", "js_sys", "wasm_bindgen*", "serde_wasm_bindgen", "gloo*", "yew*"],
        allowed: BROWSER,
        free_in_tests: false,
        why: "the browser stays in its shell",
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
    &["page", "web", "lab::protocol", "measure", "quantize", "train", "error", "figures", "clock"];

#[test]
fn names_stay_where_they_belong() {
    let mut offences = Vec::new();
    for file in sources() {
        for rule in RULES {
            if rule.allowed.iter().any(|place| file.is_in(place)) {
                continue;
            }
            for (line, path) in file.paths(rule.free_in_tests) {
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
        for (line, path) in file.paths(false) {
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

#[test]
fn the_scan_reads_rust_as_it_is_written() {
    let file = File {
        name: "x.rs".into(),
        text: "//! unsafe words\nuse std::{\n    fmt, // unsafe\n    fs::{self, File},\n};\n\
               let unsafe_code = \"unsafe\";\n#[cfg(test)]\nmod tests { use std::env; }\n"
            .into(),
    };
    let found = |free_in_tests| -> Vec<(usize, String)> {
        let paths = file.paths(free_in_tests).into_iter();
        paths.map(|(line, path)| (line, path.text())).filter(|(_, p)| p.contains("::")).collect()
    };
    let outside_tests = [
        (3, "std::fmt".to_owned()),
        (4, "std::fs::self".to_owned()),
        (4, "std::fs::File".to_owned()),
    ];
    assert_eq!(found(true), outside_tests);
    assert_eq!(found(false)[3..], [(8, "std::env".to_owned())]);
    assert!(!file.paths(false).iter().any(|(_, path)| path.names("unsafe")));
}

/// One file of `src/`, named from there with forward slashes.
struct File {
    name: String,
    text: String,
}

/// A path such as `std::fs::File`, by its parts.
#[derive(Clone)]
struct Named(Vec<String>);

impl Named {
    fn text(&self) -> String {
        self.0.join("::")
    }

    fn names(&self, pattern: &str) -> bool {
        let parts: Vec<&str> = pattern.split("::").collect();
        self.0.len() >= parts.len()
            && parts.iter().zip(&self.0).all(|(part, own)| match part.strip_suffix('*') {
                Some(start) => own.starts_with(start),
                None => own == part,
            })
    }
}

impl File {
    fn is_in(&self, place: &str) -> bool {
        match place.strip_suffix('*') {
            Some(start) => self.name.starts_with(start),
            None if place.ends_with('/') => self.name.starts_with(place),
            None => self.name == place,
        }
    }

    /// Every path in the code with the line it ends on: `a::{b, c::d}` gives `a::b` and `a::c::d`.
    fn paths(&self, without_tests: bool) -> Vec<(usize, Named)> {
        let code = code_only(&self.text);
        let end = if without_tests { code.find("#[cfg(test)]\nmod ") } else { None };
        let tokens = tokens(&code[..end.unwrap_or(code.len())]);
        let mut paths = Vec::new();
        // What the braces around the present place have put before it.
        let mut prefixes: Vec<Vec<String>> = vec![Vec::new()];
        let mut path: Vec<String> = Vec::new();
        for (i, (line, token)) in tokens.iter().enumerate() {
            let after = tokens.get(i + 1).map(|(_, token)| token.as_str());
            let joined = i > 0 && tokens[i - 1].1 == "::";
            match token.as_str() {
                "::" => {}
                "{" => {
                    let prefix = if joined { path.clone() } else { Vec::new() };
                    prefixes.push(prefix);
                }
                // A stray brace in a macro's pattern must not end the scan.
                "}" if prefixes.len() > 1 => {
                    prefixes.pop();
                }
                "}" => {}
                word if word.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                    if !joined {
                        path = prefixes.last().cloned().unwrap_or_default();
                    }
                    path.push(word.to_owned());
                    if after != Some("::") {
                        paths.push((*line, Named(path.clone())));
                    }
                }
                _ => {}
            }
        }
        paths
    }
}

/// The text with comments and the insides of strings blanked, line breaks kept.
fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (skipped, kept) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), "")
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), "")
        } else if let Some(hashes) = raw_string(rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            (rest[start..].find(&close).map_or(rest.len(), |end| start + end + close.len()), "\"\"")
        } else if c == '"' {
            (1 + string_length(&rest[1..]), "\"\"")
        } else if rest.starts_with("'\"'") {
            (3, "' '")
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        code.push_str(kept);
        code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
        rest = &rest[skipped..];
    }
    code
}

/// The number of hashes of the raw string that starts here.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r')?;
    let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// The length of a string's inside with its closing quote.
fn string_length(inside: &str) -> usize {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    inside.len()
}

/// Words, `::` and single signs, each with its line.
fn tokens(code: &str) -> Vec<(usize, String)> {
    let mut tokens: Vec<(usize, String)> = Vec::new();
    for (i, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let length = if c.is_alphanumeric() || c == '_' {
                rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                c.len_utf8()
            };
            if !c.is_whitespace() {
                tokens.push((i + 1, rest[..length].to_owned()));
            }
            rest = &rest[length..];
        }
    }
    tokens
}

fn sources() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src can be listed") {
            let path: PathBuf = entry.expect("src can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("below src").to_string_lossy();
                let name = name.replace('\\', "/");
                let text = fs::read_to_string(&path).expect("a source is text");
                files.push(File { name, text });
            }
        }
    }
    assert!(files.len() > 5, "src was not found");
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}
