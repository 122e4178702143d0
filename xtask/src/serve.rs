//! A small file server, for this machine only.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::Result;
use crate::compress::{ENCODINGS, Encoding, with_suffix};
use crate::dist;
use crate::workspace;

pub(crate) const DEFAULT_PORT: u16 = 8080;

/// How long a connection is kept for the next request.
const PATIENCE: Duration = Duration::from_secs(20);

/// With these a page is cross-origin isolated and gets a finer clock.
pub(crate) const ISOLATED: &str = "Cross-Origin-Opener-Policy: same-origin\r\n\
                        Cross-Origin-Embedder-Policy: require-corp\r\n";

pub(crate) struct Options {
    port: u16,
    /// Serve the site that is there.
    built: bool,
}

impl Options {
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        let mut options = Self { port: DEFAULT_PORT, built: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--dist" => options.built = true,
                "--port" => options.port = words.next()?.parse().ok()?,
                _ => return None,
            }
        }
        Some(options)
    }
}

pub(crate) fn serve(&Options { port, built }: &Options) -> Result<()> {
    // Before the build, so that a taken port is known at once.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|why| {
        format!("port {port}: {why}; choose another:\n  cargo xtask serve --port N")
    })?;
    match built && !workspace::dist().join("index.html").is_file() {
        true => return Err("no site is in dist/ yet:\n  cargo xtask dist".to_owned()),
        false if !built => dist::build()?,
        false => {}
    }
    println!("\nSteer8 is at http://localhost:{port}/ (Ctrl-C ends it)");
    Site::new(workspace::dist(), "/", ISOLATED).answer(&listener);
    Ok(())
}

/// A folder of files as a static host serves it.
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    /// The path that the folder's own address ends in; begins and ends with a slash.
    pub(crate) below: String,
    /// Further header lines of every answer.
    pub(crate) headers: &'static str,
    /// Somebody asked for `LEAVE`, where that ends it.
    pub(crate) leaves: bool,
    gone: AtomicBool,
}

/// Behind the address of a site that leaves: nothing is answered from then on.
const LEAVE: &str = "/leave";

impl Site {
    pub(crate) fn new(folder: PathBuf, below: &str, headers: &'static str) -> Self {
        let gone = AtomicBool::new(false);
        Self { folder, below: below.to_owned(), headers, leaves: false, gone }
    }

    /// Answers for as long as the process lives.
    pub(crate) fn answer(self, listener: &TcpListener) {
        let site = Arc::new(self);
        for stream in listener.incoming().flatten() {
            let site = Arc::clone(&site);
            // A browser that breaks a connection off is nothing to report.
            thread::spawn(move || site.answer_one(stream).ok());
        }
    }

    /// Answers on one connection until the browser has no more to ask.
    fn answer_one(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        while let Some(request) = lines.next().transpose()? {
            let mut accepted = String::new();
            for line in lines.by_ref() {
                let line = line?;
                if line.is_empty() {
                    break;
                }
                let (name, value) = line.split_once(':').unwrap_or_default();
                if name.eq_ignore_ascii_case("accept-encoding") {
                    accepted = value.to_owned();
                }
            }
            if self.leaves && request.contains(LEAVE) {
                self.gone.store(true, Ordering::Relaxed);
            }
            if self.gone.load(Ordering::Relaxed) {
                break;
            }
            self.answer_request(&mut stream, &request, &accepted)?;
        }
        Ok(())
    }

    fn answer_request(&self, to: &mut impl Write, request: &str, accepted: &str) -> io::Result<()> {
        let mut words = request.split(' ');
        let (method, address) =
            (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let found = self.file(address).and_then(|path| Some((read_as(&path, accepted)?, path)));
        let missing = || fs::read(self.folder.join("404.html")).unwrap_or_default();
        let missing = if found.is_none() { missing() } else { Vec::new() };
        let (status, kind, body) = match (method, &found) {
            ("GET" | "HEAD", Some(((bytes, _), path))) => {
                ("200 OK", content_type(path), &bytes[..])
            }
            ("GET" | "HEAD", None) => ("404 Not Found", "text/html; charset=utf-8", &missing[..]),
            _ => ("405 Method Not Allowed", "text/plain", &b"GET or HEAD\n"[..]),
        };
        let encoding = found.as_ref().and_then(|((_, encoding), _)| *encoding);
        let encoding =
            encoding.map_or_else(String::new, |name| format!("Content-Encoding: {name}\r\n"));
        let cached = match &found {
            // Under this name there is never anything else.
            Some((_, path)) if is_hashed(path) => "public, max-age=31536000, immutable",
            _ => "no-cache",
        };
        write!(
            to,
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{encoding}\
             Vary: Accept-Encoding\r\nCache-Control: {cached}\r\n{}\r\n",
            body.len(),
            self.headers
        )?;
        if method != "HEAD" {
            to.write_all(body)?;
        }
        to.flush()
    }

    /// The file that an address means, if it lies in the folder.
    fn file(&self, address: &str) -> Option<PathBuf> {
        let path = address.split(['?', '#']).next()?;
        let inside = path.strip_prefix(&self.below)?;
        if !Path::new(inside).components().all(|part| matches!(part, Component::Normal(_))) {
            return None;
        }
        let file = self.folder.join(inside);
        Some(if file.is_dir() { file.join("index.html") } else { file })
    }
}

/// A file in the smallest form that is there and accepted, and what that is called.
fn read_as(path: &Path, accepted: &str) -> Option<(Vec<u8>, Option<&'static str>)> {
    let accepts = |name: &str| {
        let mut names = accepted.split(',').map(|one| one.split(';').next().unwrap_or(one).trim());
        names.any(|accepted| accepted == name)
    };
    let encoded = |encoding: &Encoding| {
        let bytes = fs::read(with_suffix(path, encoding.suffix)).ok()?;
        Some((bytes, Some(encoding.name)))
    };
    let mut wanted = ENCODINGS.iter().filter(|encoding| accepts(encoding.name));
    wanted.find_map(encoded).or_else(|| Some((fs::read(path).ok()?, None)))
}

/// Whether the name has a hash of the content, as trunk gives it: `page-310885d1d5fb4c9e_bg.wasm`.
fn is_hashed(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let hash = stem.trim_end_matches("_bg").rsplit_once('-').map_or("", |(_, hash)| hash);
    (12..=16).contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("zip") => "application/zip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compress::compress;

    #[test]
    fn files_travel_in_the_form_that_is_accepted_and_hashed_ones_are_kept() {
        let folder = workspace::target().join("served");
        fs::create_dir_all(&folder).unwrap();
        let text = "quantize ".repeat(200);
        for name in ["page-310885d1d5fb4c9e.js", "boot.js", "dataset-with-names.zip"] {
            fs::write(folder.join(name), &text).unwrap();
        }
        compress(&folder).unwrap();
        let site = Site::new(folder.clone(), "/", "");
        let head = |name: &str, accepted: &str| {
            let mut answer = Vec::new();
            let request = format!("HEAD /{name} HTTP/1.1");
            site.answer_request(&mut answer, &request, accepted).unwrap();
            String::from_utf8(answer).unwrap()
        };
        let page = head("page-310885d1d5fb4c9e.js", "gzip, deflate, br, zstd");
        assert!(page.contains("Content-Encoding: br\r\n") && page.contains("immutable"), "{page}");
        let page = head("page-310885d1d5fb4c9e.js", "gzip;q=1.0");
        assert!(page.contains("Content-Encoding: gzip\r\n"), "{page}");
        let plain = head("boot.js", "");
        assert!(plain.contains(&format!("Content-Length: {}\r\n", text.len())), "{plain}");
        assert!(!plain.contains("Content-Encoding") && plain.contains("no-cache"), "{plain}");
        // What is compressed already has no other form.
        assert!(!head("dataset-with-names.zip", "br").contains("Content-Encoding"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_address_means_a_file_below_the_site_or_nothing() {
        let folder = workspace::root().join("xtask");
        let site = Site::new(folder.clone(), "/a/b/", "");
        let cases = [
            ("/a/b/Cargo.toml", Some(folder.join("Cargo.toml"))),
            ("/a/b/Cargo.toml?v=1", Some(folder.join("Cargo.toml"))),
            ("/a/b/", Some(folder.join("index.html"))),
            ("/Cargo.toml", None),
            ("/a/b/../Cargo.toml", None),
            ("/a/b//etc/passwd", None),
        ];
        for (address, expected) in cases {
            assert_eq!(site.file(address), expected, "{address}");
        }
    }
}
