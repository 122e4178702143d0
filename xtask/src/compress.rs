//! The files of a site as they travel: beside each its brotli and gzip forms, which static hosts send
//! to browsers that take them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::Result;

/// What gets smaller; pictures, zips and what is compressed already do not.
const KINDS: [&str; 8] = ["html", "js", "css", "wasm", "json", "svg", "webmanifest", "onnx"];
/// A file that saves less than this stands alone: a further form of it is not worth a request's headers.
const SAVED: usize = 200;

/// A form in which a file travels: as an `Accept-Encoding` names it, and how its name ends then.
pub(crate) struct Encoding {
    pub(crate) name: &'static str,
    pub(crate) suffix: &'static str,
    encode: fn(&[u8]) -> std::io::Result<Vec<u8>>,
}

/// The smaller one first.
pub(crate) const ENCODINGS: [Encoding; 2] = [
    Encoding { name: "br", suffix: ".br", encode: brotli },
    Encoding { name: "gzip", suffix: ".gz", encode: gzip },
];

/// Writes the forms of all files below `folder`.
pub(crate) fn compress(folder: &Path) -> Result<()> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    // The largest are last in line, so that they are taken first and nobody waits for one at the end.
    files.sort_by_key(|path| path.metadata().map_or(0, |metadata| metadata.len()));
    let waiting = Mutex::new(files);
    let next = || waiting.lock().ok().and_then(|mut files| files.pop());
    let work = || -> Result<()> {
        while let Some(path) = next() {
            compress_one(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        }
        Ok(())
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let hands: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let ended = |hand: thread::ScopedJoinHandle<'_, Result<()>>| {
            hand.join().unwrap_or_else(|_| Err("a file could not be compressed".to_owned()))
        };
        hands.into_iter().try_for_each(ended)
    })
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |why: std::io::Error| format!("{}: {why}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            list(&path, files)?;
        } else if extension.is_some_and(|extension| KINDS.contains(&extension)) {
            files.push(path);
        }
    }
    Ok(())
}

fn compress_one(path: &Path) -> std::io::Result<()> {
    let bytes = fs::read(path)?;
    for Encoding { suffix, encode, .. } in &ENCODINGS {
        let encoded = encode(&bytes)?;
        if encoded.len() + SAVED < bytes.len() {
            fs::write(with_suffix(path, suffix), encoded)?;
        }
    }
    Ok(())
}

/// The name of a file in another form.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn brotli(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: 11,
        // 16 MiB, the widest that browsers have to take: a module fits.
        lgwin: 24,
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut encoded = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut encoded, &parameters)?;
    Ok(encoded)
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
