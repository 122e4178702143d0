//! A person's own files: picked, or dropped, alone or by the folder.

use gloo_file::futures::read_as_bytes;
use js_sys::{Array, Function, Promise, Reflect};
use serde_bytes::ByteBuf;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, FileList, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry,
};

use super::lending::Lender;
use super::reason;
use crate::error::{Error, Result};
use crate::vocabulary::file::{
    ARCHIVES, ARRAYS, CATALOG, File, Source, TABLES, has_extension, is_network_name,
};

/// How files with frames end, and with what belongs to them; pictures are told by their type.
fn extensions() -> Vec<&'static str> {
    // The manifest of a tub, and how frames enter, are JSON.
    [&ARRAYS[..], &ARCHIVES, &TABLES, &[CATALOG, "json"]].concat()
}

/// What pickers of frames offer, as in `<input accept>`.
pub fn accepted_frames() -> String {
    format!(".{},image/*", extensions().join(",."))
}

/// A file on the person's disk, not read yet.
#[derive(Debug, Clone)]
pub struct Picked {
    /// With its path below the folder that was picked or dropped.
    pub name: String,
    handle: web_sys::File,
}

/// Files, or the content of a folder.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// How to call all of it.
    pub name: String,
    pub files: Vec<Picked>,
}

/// What lies in a drop, before its folders are walked.
#[derive(Debug, Default)]
pub struct Dropped {
    entries: Vec<FileSystemEntry>,
    /// Files that are in no file system, such as a picture dragged from another page.
    loose: Vec<Picked>,
}

impl Selection {
    fn new(folder: Option<&str>, mut files: Vec<Picked>) -> Self {
        files.retain(|file| !is_hidden(&file.name));
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let name = match (folder, &files[..]) {
            (Some(folder), _) => folder.to_owned(),
            (None, [only]) => only.name.clone(),
            (None, files) => format!("{} files", files.len()),
        };
        Self { name, files }
    }

    /// What a file picker holds.
    pub fn from_picker(list: &FileList) -> Self {
        let handles = (0..list.length()).filter_map(|i| list.get(i));
        let mut top = None;
        let files = handles
            .map(|handle| {
                // Empty unless a folder was picked; it starts with that folder's name.
                let path = Reflect::get(&handle, &"webkitRelativePath".into());
                let path = path.ok().and_then(|path| path.as_string()).unwrap_or_default();
                let name = match path.split_once('/') {
                    Some((folder, rest)) => {
                        top = Some(folder.to_owned());
                        rest.to_owned()
                    }
                    None => handle.name(),
                };
                Picked { name, handle }
            })
            .collect();
        Self::new(top.as_deref(), files)
    }

    /// Moves the networks in it out of it, and with them all that does not look like frames: their
    /// weights may be there under any name.
    pub fn take_models(&mut self) -> Self {
        if !self.files.iter().any(|file| is_network_name(&file.name)) {
            return Self::default();
        }
        let is_frames = |file: &Picked| {
            has_extension(&file.name, &extensions()) || file.handle.type_().starts_with("image/")
        };
        let (frames, models) = std::mem::take(&mut self.files).into_iter().partition(is_frames);
        self.files = frames;
        Self { name: self.name.clone(), files: models }
    }
}

impl Dropped {
    /// Has to be called while the drop event is handled: the browser empties it afterwards.
    pub fn new(transfer: &DataTransfer) -> Self {
        let mut dropped = Self::default();
        let items = transfer.items();
        for item in (0..items.length()).filter_map(|i| items.get(i)) {
            if let Ok(Some(entry)) = item.webkit_get_as_entry() {
                dropped.entries.push(entry);
            } else if let Ok(Some(handle)) = item.get_as_file() {
                dropped.loose.push(Picked { name: handle.name(), handle });
            }
        }
        dropped
    }

    pub async fn walk(self) -> Result<Selection> {
        let one_folder = match &self.entries[..] {
            [only] if only.is_directory() => Some(only.name()),
            _ => None,
        };
        // A lone folder is the data set itself; of several, each is a class.
        let below = one_folder.as_ref().map_or(0, |folder| folder.len() + 1);
        let mut files = self.loose;
        let mut folders: Vec<_> =
            self.entries.into_iter().map(|entry| (entry, String::new())).collect();
        while let Some((entry, parent)) = folders.pop() {
            let path = format!("{parent}{}", entry.name());
            match entry.dyn_into::<FileSystemDirectoryEntry>() {
                Ok(folder) => {
                    let inside = list(&folder).await.map_err(|why| unreadable(&path, &why))?;
                    folders.extend(inside.into_iter().map(|entry| (entry, format!("{path}/"))));
                }
                Err(file) => {
                    let handle = open(file.unchecked_into());
                    let handle = handle.await.map_err(|why| unreadable(&path, &why))?;
                    files.push(Picked { name: path[below..].to_owned(), handle });
                }
            }
        }
        Ok(Selection::new(one_folder.as_deref(), files))
    }
}

/// Files that are read when their turn comes.
pub fn lent(files: Vec<Picked>, lender: &Lender) -> Vec<Source> {
    files.into_iter().map(|Picked { name, handle }| lender.lend(name, handle)).collect()
}

pub async fn read_one(file: &Picked) -> Result<File> {
    let bytes = read_as_bytes(&file.handle.clone().into()).await;
    let bytes = bytes.map_err(|why| unreadable(&file.name, &why.to_string().into()))?;
    Ok(File { name: file.name.clone(), bytes: ByteBuf::from(bytes) })
}

async fn open(entry: FileSystemFileEntry) -> std::result::Result<web_sys::File, JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        entry.file_with_callback_and_callback(&resolve, &reject);
    });
    Ok(JsFuture::from(promise).await?.unchecked_into())
}

async fn list(
    folder: &FileSystemDirectoryEntry,
) -> std::result::Result<Vec<FileSystemEntry>, JsValue> {
    let reader = folder.create_reader();
    let mut entries = Vec::new();
    loop {
        let mut read = |resolve: Function, reject: Function| {
            if let Err(why) = reader.read_entries_with_callback_and_callback(&resolve, &reject) {
                reject.call1(&JsValue::NULL, &why).ok();
            }
        };
        // Browsers hand a folder out in portions; an empty one is the end.
        let portion: Array = JsFuture::from(Promise::new(&mut read)).await?.unchecked_into();
        if portion.length() == 0 {
            return Ok(entries);
        }
        entries.extend(portion.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
}

fn unreadable(name: &str, why: &JsValue) -> Error {
    Error::new(format!("it cannot be read: {}", reason(why)))
        .in_file(name)
        .way_out("Check that it still exists and that you may read it.")
}

/// What systems leave in folders and archives beside the data.
fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.') || part == "__MACOSX" || part == "Thumbs.db")
}
