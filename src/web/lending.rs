//! Files of the person's disk on their way to the worker: it is lent their handles, and reads them when their
//! turn comes, so that none of them lies in memory before or longer.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use web_sys::File;

use super::reason;
use crate::error::{Error, Result};
use crate::lab::protocol::Request;
use crate::vocabulary::file::Source;

/// The property of a message that has the handles.
const LENT: &str = "lent";

/// The page's files, by their places.
#[derive(Debug, Clone, Default)]
pub struct Lender(Rc<Files>);

#[derive(Debug, Default)]
struct Files {
    next: Cell<u32>,
    handles: RefCell<BTreeMap<u32, File>>,
}

impl Lender {
    /// A file of a data set that is read when its turn comes.
    pub(super) fn lend(&self, name: String, handle: File) -> Source {
        let place = self.0.next.get();
        self.0.next.set(place + 1);
        self.0.handles.borrow_mut().insert(place, handle);
        Source::Lying { name, place }
    }

    /// What the browser has of a file, and its bytes; `None` for what was not lent.
    pub(super) fn content(&self, file: &Source) -> Option<(JsValue, f64)> {
        match file {
            Source::Here(own) => {
                let bytes = Uint8Array::from(&own.bytes[..]);
                Some((bytes.into(), own.bytes.len() as f64))
            }
            Source::Lying { place, .. } => {
                let handle = self.0.handles.borrow().get(place).cloned()?;
                let size = handle.size();
                Some((handle.into(), size))
            }
        }
    }

    /// Puts the handles of the files that the request names beside it.
    pub(super) fn add_to(&self, message: &JsValue, request: &Request) -> Result<()> {
        let Request::LoadData { files, .. } = request else { return Ok(()) };
        let handles = self.0.handles.borrow();
        let lent = Array::new();
        for file in files {
            if let Source::Lying { place, .. } = file
                && let Some(handle) = handles.get(place)
            {
                lent.push(&Array::of2(&(*place).into(), handle));
            }
        }
        let added = Reflect::set(message, &LENT.into(), &lent);
        added.map(drop).map_err(|why| Error::new(reason(&why)))
    }
}

/// The page has one.
impl PartialEq for Lender {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(feature = "core")]
pub(super) use borrowed::Borrowed;

#[cfg(feature = "core")]
mod borrowed {
    use std::cell::RefCell;
    use std::collections::HashMap;
    use std::io::{self, Read, Seek, SeekFrom};

    use js_sys::{Array, Reflect, Uint8Array};
    use wasm_bindgen::{JsCast, JsValue};
    use web_sys::{Blob, File, FileReaderSync};

    use super::{LENT, reason};
    use crate::error::{Error, Result};
    use crate::shelf::{Content, Shelf};

    /// Bytes that are read at once; most images are smaller.
    const PORTION: u64 = 1 << 20;

    /// The worker's shelf: handles that came with messages.
    #[derive(Debug, Default)]
    pub(in crate::web) struct Borrowed(RefCell<HashMap<u32, File>>);

    impl Borrowed {
        /// Keeps those that came with a message.
        pub(in crate::web) fn keep(&self, message: &JsValue) {
            let Ok(lent) = Reflect::get(message, &LENT.into()) else { return };
            let Ok(lent) = lent.dyn_into::<Array>() else { return };
            for pair in lent.iter().map(JsCast::unchecked_into::<Array>) {
                if let (Some(place), Ok(file)) = (pair.get(0).as_f64(), pair.get(1).dyn_into()) {
                    self.0.borrow_mut().insert(place as u32, file);
                }
            }
        }
    }

    impl Shelf for Borrowed {
        fn open(&self, place: u32) -> Result<Box<dyn Content>> {
            let handle = self.0.borrow().get(&place).cloned();
            let handle = handle.ok_or_else(|| Error::new("the file was not handed over"))?;
            let reader = FileReaderSync::new().map_err(|why| Error::new(reason(&why)))?;
            let (len, blob) = (handle.size() as u64, handle.into());
            Ok(Box::new(Opened { reader, blob, len, at: 0, from: 0, portion: Vec::new() }))
        }
    }

    /// A file that is read portion by portion.
    struct Opened {
        reader: FileReaderSync,
        blob: Blob,
        len: u64,
        at: u64,
        /// Where the portion in memory begins.
        from: u64,
        portion: Vec<u8>,
    }

    impl Opened {
        fn fetch(&mut self) -> io::Result<()> {
            let failed = |why: JsValue| io::Error::other(reason(&why));
            let to = (self.at + PORTION).min(self.len);
            let part =
                self.blob.slice_with_f64_and_f64(self.at as f64, to as f64).map_err(failed)?;
            let buffer = self.reader.read_as_array_buffer(&part).map_err(failed)?;
            self.portion = Uint8Array::new(&buffer).to_vec();
            self.from = self.at;
            Ok(())
        }
    }

    impl Read for Opened {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.at >= self.len || out.is_empty() {
                return Ok(0);
            }
            let is_here = (self.from..self.from + self.portion.len() as u64).contains(&self.at);
            if !is_here {
                self.fetch()?;
            }
            let rest = &self.portion[(self.at - self.from) as usize..];
            let count = rest.len().min(out.len());
            out[..count].copy_from_slice(&rest[..count]);
            self.at += count as u64;
            Ok(count)
        }
    }

    impl Seek for Opened {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            let at = match to {
                SeekFrom::Start(at) => Some(at),
                SeekFrom::Current(by) => self.at.checked_add_signed(by),
                SeekFrom::End(by) => self.len.checked_add_signed(by),
            };
            self.at = at.ok_or_else(|| io::Error::other("a place before the file"))?;
            Ok(self.at)
        }
    }
}
