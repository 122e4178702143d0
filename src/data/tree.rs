//! The files of a set as they are given: at hand, on a shelf, or in an archive.

use std::borrow::Cow;
use std::io::{self, Cursor, Read, SeekFrom};

use super::archive::Archive;
use super::dataset::bounded_vec;
use super::entry::Entry;
use crate::error::{Error, Result};
use crate::shelf::{Content, Shelf};
use crate::vocabulary::file::{File, Source};

/// A file that was given.
#[derive(Clone, Copy)]
pub(super) enum Given<'a> {
    Here(&'a File),
    Lying { name: &'a str, place: u32, shelf: &'a dyn Shelf },
}

impl<'a> Given<'a> {
    pub(super) fn of(source: &'a Source, shelf: &'a dyn Shelf) -> Self {
        match source {
            Source::Here(file) => Self::Here(file),
            Source::Lying { name, place } => Self::Lying { name, place: *place, shelf },
        }
    }

    pub(super) fn name(&self) -> &'a str {
        match self {
            Self::Here(file) => &file.name,
            Self::Lying { name, .. } => name,
        }
    }

    pub(super) fn open(&self) -> Result<Box<dyn Content + 'a>> {
        match self {
            Self::Here(file) => Ok(Box::new(Cursor::new(file.bytes.as_slice()))),
            Self::Lying { place, shelf, .. } => Ok(shelf.open(*place)?),
        }
    }

    /// All that is in it.
    fn load(&self) -> Result<Cow<'a, [u8]>> {
        if let Self::Here(file) = self {
            return Ok(file.bytes.as_slice().into());
        }
        let mut content = self.open()?;
        let size = content.seek(SeekFrom::End(0)).map_err(unreadable)?;
        content.rewind().map_err(unreadable)?;
        let mut bytes = bounded_vec(usize::try_from(size).ok())?;
        content.take(size).read_to_end(&mut bytes).map_err(unreadable)?;
        Ok(bytes.into())
    }

    /// The few bytes that say what it is.
    pub(super) fn start(&self) -> Result<Vec<u8>> {
        const LONGEST_SIGNATURE: u64 = 8;
        let mut start = Vec::new();
        self.open()?.take(LONGEST_SIGNATURE).read_to_end(&mut start).map_err(unreadable)?;
        Ok(start)
    }
}

fn unreadable(why: io::Error) -> Error {
    Error::new(format!("the file cannot be read ({why})"))
}

/// Files by their paths.
pub(super) enum Tree<'a> {
    Files(Vec<Given<'a>>),
    /// `beside`: tables that have labels of what is in it.
    Archive {
        name: &'a str,
        archive: Archive<'a>,
        beside: Vec<Given<'a>>,
    },
}

impl<'a> Tree<'a> {
    pub(super) fn entries(&self) -> Vec<Entry> {
        match self {
            Self::Files(files) => files.iter().map(|file| Entry::new(file.name(), None)).collect(),
            Self::Archive { name, archive, beside } => {
                let own = archive.names().iter().map(|own| Entry::new(own, Some(name)));
                own.chain(beside.iter().map(|file| Entry::beside(file.name()))).collect()
            }
        }
    }

    /// The content of an entry.
    pub(super) fn load(&mut self, index: usize) -> Result<Cow<'a, [u8]>> {
        match self {
            Self::Files(files) => files[index].load(),
            Self::Archive { archive, beside, .. } => match index.checked_sub(archive.names().len())
            {
                Some(place) => beside[place].load(),
                None => archive.read(index).map(Cow::Owned),
            },
        }
    }

    /// An entry's content, bit by bit.
    pub(super) fn open(&mut self, index: usize) -> Result<Box<dyn Read + '_>> {
        match self {
            Self::Files(files) => Ok(Box::new(files[index].open()?)),
            Self::Archive { archive, beside, .. } => match index.checked_sub(archive.names().len())
            {
                Some(place) => Ok(Box::new(beside[place].open()?)),
                None => Ok(Box::new(archive.entry(index)?.0)),
            },
        }
    }
}
