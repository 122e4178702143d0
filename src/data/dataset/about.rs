//! Where frames were found, and what they are called.

use serde::{Deserialize, Serialize};

use super::{Array, Dataset};
use crate::data::entry::Entry;
use crate::data::records::Records;
use crate::error::{Error, Result};
use crate::vocabulary::frames::Sample;
use crate::vocabulary::labelling::Labelling;
use crate::vocabulary::labels::Labels;

/// Frames of a summary.
const SAMPLES: usize = 5;

/// What is told of a set beside its frames.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) source: String,
    pub(super) notes: Vec<String>,
    /// The file of each frame; empty where frames have none of their own.
    names: Vec<String>,
}

impl About {
    pub(super) fn extend(&mut self, other: Self) {
        if self.source != other.source {
            self.source = [&*self.source, &*other.source].join("; ");
        }
        self.notes.extend(other.notes);
        self.names.extend(other.names);
    }

    pub(super) fn select(&self, indices: &[usize]) -> Self {
        let name = |&index: &usize| self.names.get(index).cloned();
        let names = indices.iter().filter_map(name).collect();
        Self { source: self.source.clone(), notes: self.notes.clone(), names }
    }
}

impl Dataset {
    /// With all but the images and labels of `records`, which these frames are.
    pub(in crate::data) fn with_records(self, entries: &[Entry], records: Records) -> Result<Self> {
        let Records { source, images, inputs, gaps, notes, .. } = records;
        let names = images.iter().map(|&image| entries[image].path.clone()).collect();
        let mut others = Vec::new();
        for (name, numbers) in inputs {
            let shape = vec![numbers.len()];
            let data = Some(Self::from_floats(Vec::new(), numbers, None));
            others.push(Array { name, shape, data });
        }
        Ok(Self { gaps, others, about: About { source, notes, names }, ..self })
    }

    /// The frames that `source` says.
    pub(in crate::data) fn found_in(mut self, source: String, notes: Vec<String>) -> Self {
        self.about = About { source, notes, ..self.about };
        self
    }

    /// The file of a frame, where it has one of its own.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.about.names.get(index).map(String::as_str)
    }

    /// The files of all frames, where they have some of their own.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.about.names.iter().map(String::as_str)
    }

    /// With labels multiplied and moved.
    ///
    /// # Errors
    /// Columns that are not there, and classes.
    pub(super) fn scaled(mut self, labelling: &Labelling) -> Result<Self> {
        let said = || labelling.scale.iter().chain(&labelling.offset);
        if said().next().is_none() {
            return Ok(self);
        }
        let has_values = self.labels.as_ref().is_some_and(|labels| labels.parted().is_some());
        if !self.class_names.is_empty() && !has_values {
            return Err(Error::new("classes cannot be scaled")
                .way_out("Leave --label-scale and --label-offset out."));
        }
        let Some(labels) = &mut self.labels else {
            return Err(Error::new("the frames have no labels to be scaled"));
        };
        let has = |name: &str| labels.columns().iter().any(|own| own.name.as_deref() == Some(name));
        if let Some(name) = said().filter_map(|one| one.column.as_deref()).find(|name| !has(name)) {
            let names = labels.columns().iter().map(|own| own.name.as_deref().unwrap_or("y"));
            let names = names.collect::<Vec<_>>().join(", ");
            return Err(Error::new(format!("there are no labels `{name}`, only {names}"))
                .way_out("Give a number for one of them, or without a name for all."));
        }
        labels.scale(labelling);
        Ok(self)
    }

    pub(super) fn samples(&self) -> Vec<Sample> {
        let sample = |index: usize| Sample {
            name: self.name(index).map(str::to_owned),
            labels: self.labels.iter().flat_map(Labels::columns).map(|c| c.value(index)).collect(),
        };
        (0..self.len().min(SAMPLES)).map(sample).collect()
    }
}
