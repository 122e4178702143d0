//! Files by their names: those of a folder, or the entries of an archive.

use crate::vocabulary::file::{ARRAYS, CATALOG, TABLES, has_extension};

/// What is read, and what is told apart from stray files only to say that it is not read.
const IMAGES: [&str; 10] =
    ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "avif", "heic"];

/// What Donkeycar calls the file that says which parts a tub has.
const MANIFEST: &str = "manifest.json";

/// A file of a set, before it is read.
pub(super) struct Entry {
    /// With `/` between folders.
    pub(super) path: String,
    /// The name that messages use.
    pub(super) shown: String,
    /// Whether it lies beside the archive that the others are in, and may be for other archives, too.
    pub(super) beside: bool,
}

impl Entry {
    /// `archive`: the name of the zip that holds it.
    pub(super) fn new(path: &str, archive: Option<&str>) -> Self {
        let path = path.replace('\\', "/");
        let shown = archive.map_or_else(|| path.clone(), |archive| format!("{archive}: {path}"));
        Self { path, shown, beside: false }
    }

    /// A file beside an archive, as if it lay at the top of that.
    pub(super) fn beside(path: &str) -> Self {
        let path = file_name(&path.replace('\\', "/")).to_owned();
        Self { shown: path.clone(), path, beside: true }
    }

    /// The folders above the file.
    pub(super) fn folders(&self) -> Vec<&str> {
        let mut folders: Vec<_> = components(&self.path).collect();
        folders.pop();
        folders
    }

    pub(super) fn file_name(&self) -> &str {
        file_name(&self.path)
    }

    pub(super) fn is_image(&self) -> bool {
        is_image_name(&self.path)
    }

    pub(super) fn is_table(&self) -> bool {
        is_table_name(&self.path)
    }

    pub(super) fn is_manifest(&self) -> bool {
        !is_hidden(&self.path) && self.file_name() == MANIFEST
    }

    /// Whether it is of numpy's.
    pub(super) fn is_array(&self) -> bool {
        !is_hidden(&self.path) && has_extension(&self.path, &ARRAYS)
    }
}

pub(super) fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty() && *component != ".")
}

pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A name without its extension.
pub(super) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Whether the name is that of an image: not hidden (`.DS_Store`, `__MACOSX`), not something else.
pub fn is_image_name(path: &str) -> bool {
    !is_hidden(path) && has_extension(path, &IMAGES)
}

/// Whether the name is that of a table.
pub(super) fn is_table_name(path: &str) -> bool {
    !is_hidden(path) && has_extension(path, &TABLES)
}

/// Whether the name is that of a file which says where labels lie, or has them.
pub fn is_record_name(path: &str) -> bool {
    let named = [&TABLES[..], &ARRAYS, &[CATALOG]].concat();
    !is_hidden(path) && (has_extension(path, &named) || file_name(path) == MANIFEST)
}

fn is_hidden(path: &str) -> bool {
    components(path).any(|component| component.starts_with('.') || component == "__MACOSX")
}
