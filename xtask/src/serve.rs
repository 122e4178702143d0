//! A small file server, for this machine only.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;

use crate::Result;
use crate::dist;
use crate::workspace;

pub(crate) const DEFAULT_PORT: u16 = 8080;

/// With these a page is cross-origin isolated and gets a finer clock.
pub(crate) const ISOLATED: &str = "Cross-Origin-Opener-Policy: same-origin\r\n\
                        Cross-Origin-Embedder-Policy: require-corp\r\n";

pub(crate) fn serve(port: u16) -> Result<()> {
    // Before the build, so that a taken port is known at once.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|why| {
        format!("port {port}: {why}; choose another:\n  cargo xtask serve --port N")
    })?;
    dist::build()?;
    println!("\nSteer8 is at http://localhost:{port}/ (Ctrl-C ends it)");
    Site { folder: workspace::dist(), below: "/".into(), headers: ISOLATED }.answer(&listener);
    Ok(())
}

/// A folder of files as a static host serves it.
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    /// The path that the folder's own address ends in; begins and ends with a slash.
    pub(crate) below: String,
    /// Further header lines of every answer.
    pub(crate) headers: &'static str,
}

impl Site {
    /// Answers for as long as the process lives.
    pub(crate) fn answer(self, listener: &TcpListener) {
        let site = Arc::new(self);
        for stream in listener.incoming().flatten() {
            let site = Arc::clone(&site);
            // A browser that breaks a connection off is nothing to report.
            thread::spawn(move || site.answer_one(stream).ok());
        }
    }

    fn answer_one(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let request = lines.next().transpose()?.unwrap_or_default();
        // The rest of the head has to be read before the connection is closed.
        for line in lines {
            if line?.is_empty() {
                break;
            }
        }
        let mut words = request.split(' ');
        let (method, address) =
            (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let file = self.file(address).and_then(|path| Some((fs::read(&path).ok()?, path)));
        let (status, kind, body) = match (method, &file) {
            ("GET" | "HEAD", Some((bytes, path))) => ("200 OK", content_type(path), &bytes[..]),
            ("GET" | "HEAD", None) => ("404 Not Found", "text/plain", &b"not found\n"[..]),
            _ => ("405 Method Not Allowed", "text/plain", &b"GET or HEAD\n"[..]),
        };
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
             Cache-Control: no-cache\r\nConnection: close\r\n{}\r\n",
            body.len(),
            self.headers
        )?;
        if method != "HEAD" {
            stream.write_all(body)?;
        }
        stream.flush()
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

    #[test]
    fn an_address_means_a_file_below_the_site_or_nothing() {
        let folder = workspace::root().join("xtask");
        let site = Site { folder: folder.clone(), below: "/a/b/".into(), headers: "" };
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
