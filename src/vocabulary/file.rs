//! A file that a person brought or gets.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// A file as it was read: its name (for messages) and its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The name, with its path below the folder it was picked from (`left/0001.png`).
    pub name: String,
    /// Its content.
    pub bytes: ByteBuf,
}

/// A file of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// With its content.
    Here(File),
    /// Opened when its turn comes, at this place of the shelf that the lab is lent.
    Lying {
        /// As [`File::name`].
        name: String,
        /// On the shelf.
        place: u32,
    },
}

impl Source {
    /// With its folders, as it was found.
    pub fn name(&self) -> &str {
        match self {
            Self::Here(file) => &file.name,
            Self::Lying { name, .. } => name,
        }
    }
}

impl From<File> for Source {
    fn from(file: File) -> Self {
        Self::Here(file)
    }
}

impl File {
    /// Whether it is called as networks are.
    pub fn is_network(&self) -> bool {
        is_network_name(&self.name)
    }

    /// This file as one beside `network`: named from its folder; `None` where it lies elsewhere.
    pub fn beside(&self, network: &File) -> Option<File> {
        let folder = network.name.rfind('/').map_or("", |end| &network.name[..=end]);
        let name = self.name.strip_prefix(folder)?.to_owned();
        Some(File { name, bytes: self.bytes.clone() })
    }
}

/// How numpy's files end.
pub const ARRAYS: [&str; 2] = ["npz", "npy"];

/// How archives end.
pub const ARCHIVES: [&str; 1] = ["zip"];

/// How tables end.
pub const TABLES: [&str; 3] = ["csv", "tsv", "txt"];

/// How the parts of Donkeycar's tubs end.
pub const CATALOG: &str = "catalog";

/// Whether a file of this name is a network.
pub fn is_network_name(name: &str) -> bool {
    has_extension(name, &["onnx"])
}

/// Whether a path ends by one of these, in capitals or not.
pub fn has_extension(path: &str, extensions: &[&str]) -> bool {
    let own = path.rsplit_once('.').map(|(_, extension)| extension);
    own.is_some_and(|own| extensions.iter().any(|known| own.eq_ignore_ascii_case(known)))
}
