//! Zip archives, read with bounds.

use std::io::{Cursor, Read, Write};

use zip::ZipArchive;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::dataset::bounded_vec;
use crate::error::{Error, ErrorKind, Result};
use crate::shelf::Content;

/// Whether the bytes begin like a zip archive, an empty one included.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// An archive and the names of its entries, in the order of its directory.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Box<dyn Content + 'a>>,
    names: Vec<String>,
}

impl<'a> Archive<'a> {
    pub(super) fn open(content: Box<dyn Content + 'a>) -> Result<Self> {
        let zip = ZipArchive::new(content).map_err(damaged)?;
        let names = zip
            .file_names_raw()
            // Names are for people and for the class folders; a stray byte in one is no reason to stop.
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        Ok(Self { zip, names })
    }

    /// By index.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// An entry's reader, and the number of bytes it says it holds. Its checksum is compared once
    /// everything has been read.
    pub(super) fn entry(&mut self, index: usize) -> Result<(impl Read, u64)> {
        let entry = self.zip.by_index(index).map_err(damaged)?;
        let size = entry.size();
        Ok((entry, size))
    }

    /// The content of an entry.
    pub(super) fn read(&mut self, index: usize) -> Result<Vec<u8>> {
        let (entry, size) = self.entry(index)?;
        let mut content = bounded_vec(usize::try_from(size).ok())?;
        // An entry may lie about its size.
        entry.take(size + 1).read_to_end(&mut content).map_err(unreadable)?;
        if content.len() as u64 != size {
            return Err(Error::new("an entry of the archive is not as long as it says"));
        }
        Ok(content)
    }
}

/// An archive of these entries, by their names.
///
/// # Errors
/// More than an archive holds.
pub(super) fn write(entries: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Vec<u8>> {
    let written = || {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            archive.start_file(name, SimpleFileOptions::default())?;
            archive.write_all(&content)?;
        }
        Ok(archive.finish()?.into_inner())
    };
    written().map_err(|error: ZipError| Error::new(format!("no archive can be written ({error})")))
}

fn damaged(error: ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            Error::new("the archive is encrypted")
                .of_kind(ErrorKind::Unsupported)
                .way_out("Unpack it, or zip it without a password.")
        }
        ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => {
            Error::new(format!("the archive cannot be read ({error})"))
                .of_kind(ErrorKind::Unsupported)
                .way_out("Zip it anew with the usual method, deflate, or without compression.")
        }
        _ => Error::new(format!("the archive is damaged or cut short ({error})"))
            .of_kind(ErrorKind::Unreadable)
            .way_out("Copy or make the file again."),
    }
}

/// For errors while reading an entry's content.
pub(super) fn unreadable(error: std::io::Error) -> Error {
    Error::new(format!("the archive is damaged or cut short ({error})"))
        .way_out("Copy or make the file again.")
}
