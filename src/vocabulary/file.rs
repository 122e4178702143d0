//! A file that a person brought or gets.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// A file as it was read: its name (for messages) and its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// The name, with its path below the folder it was picked from (`left/0001.png`).
    pub name: String,
    pub bytes: ByteBuf,
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

/// Whether a file of this name is a network.
pub fn is_network_name(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".onnx")
}
