//! What the page bundles, as `models/catalogue.json` lists it.

use serde::Deserialize;

use crate::lab::protocol::{ModelId, Role};

/// The folder of the bundled files, relative to the page.
const FOLDER: &str = "models";

/// The list itself, which the page has in it, and which file of the project it is.
pub const BUNDLED: &[u8] = include_bytes!("../../models/catalogue.json");
pub const FILE: &str = "models/catalogue.json";

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Catalogue {
    pub networks: Vec<Entry>,
    /// int8 files that others made.
    pub examples: Vec<Entry>,
    pub frames: BundledFrames,
    /// The class names of the bundled frames, in order.
    pub classes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Entry {
    pub id: ModelId,
    /// Below the catalogue's folder.
    pub file: String,
    pub title: String,
    pub summary: String,
    /// The float network that an example was made from.
    pub of: Option<ModelId>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct BundledFrames {
    pub validation: Archive,
    pub calibration: Archive,
    /// Each a sample of all: the first few do, too.
    pub training: Vec<Archive>,
    /// Of a frame: channels, height, width.
    pub shape: Vec<usize>,
    /// What is known of all frames besides their classes.
    pub values: Table,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Table {
    pub file: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Archive {
    pub file: String,
    pub count: usize,
}

impl Catalogue {
    pub fn frames(&self, role: Role) -> &[Archive] {
        match role {
            Role::Calibration => std::slice::from_ref(&self.frames.calibration),
            Role::Validation => std::slice::from_ref(&self.frames.validation),
            Role::Training => &self.frames.training,
        }
    }
}

/// Relative, so that the page works below any path of a host.
pub fn url(file: &str) -> String {
    format!("{FOLDER}/{file}")
}
