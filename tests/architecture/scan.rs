//! Rust read as far as names go: the paths that stand in a source, outside comments and strings.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of `src/`, named from there with forward slashes.
pub struct File {
    pub name: String,
    pub text: String,
}

/// A path where it stands.
pub struct Mention {
    /// The line that it ends on.
    pub line: usize,
    pub path: Named,
    /// Whether it is part of a `pub use`.
    pub exported: bool,
}

/// A path such as `std::fs::File`, by its parts.
#[derive(Clone)]
pub struct Named(pub Vec<String>);

impl Named {
    pub fn text(&self) -> String {
        self.0.join("::")
    }

    pub fn names(&self, pattern: &str) -> bool {
        let parts: Vec<&str> = pattern.split("::").collect();
        self.0.len() >= parts.len()
            && parts.iter().zip(&self.0).all(|(part, own)| match part.strip_suffix('*') {
                Some(start) => own.starts_with(start),
                None => own == part,
            })
    }
}

impl File {
    pub fn is_in(&self, place: &str) -> bool {
        match place.strip_suffix('*') {
            Some(start) => self.name.starts_with(start),
            None if place.ends_with('/') => self.name.starts_with(place),
            None => self.name == place,
        }
    }

    /// Every path in the code: `a::{b, c::d}` gives `a::b` and `a::c::d`.
    pub fn paths(&self, without_tests: bool) -> Vec<Mention> {
        let code = code_only(&self.text);
        let end = if without_tests { code.find("#[cfg(test)]\nmod ") } else { None };
        let tokens = tokens(&code[..end.unwrap_or(code.len())]);
        let mut paths = Vec::new();
        // What the braces around the present place have put before it.
        let mut prefixes: Vec<Vec<String>> = vec![Vec::new()];
        let mut path: Vec<String> = Vec::new();
        let mut exported = false;
        for (i, (line, token)) in tokens.iter().enumerate() {
            let after = tokens.get(i + 1).map(|(_, token)| token.as_str());
            let joined = i > 0 && tokens[i - 1].1 == "::";
            match token.as_str() {
                "::" => {}
                "use" => exported = i > 0 && matches!(tokens[i - 1].1.as_str(), "pub" | ")"),
                ";" => exported = false,
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
                    // `a::*` names `a`.
                    let all = tokens.get(i + 2).is_some_and(|(_, token)| token == "*");
                    if after != Some("::") || all {
                        paths.push(Mention { line: *line, path: Named(path.clone()), exported });
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

pub fn sources() -> Vec<File> {
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
        let named = paths.map(|mention| (mention.line, mention.path.text()));
        named.filter(|(_, path)| path.contains("::")).collect()
    };
    let outside_tests = [
        (3, "std::fmt".to_owned()),
        (4, "std::fs::self".to_owned()),
        (4, "std::fs::File".to_owned()),
    ];
    assert_eq!(found(true), outside_tests);
    assert_eq!(found(false)[3..], [(8, "std::env".to_owned())]);
    assert!(!file.paths(false).iter().any(|mention| mention.path.names("unsafe")));
}
