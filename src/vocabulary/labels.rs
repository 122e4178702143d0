//! What is known about each frame: its class, or values.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::labelling::Labelling;
use crate::error::{Error, Result};

/// More classes than any classifier has; what lies above is not a class index.
pub const MAX_CLASSES: u32 = 1 << 16;

/// Columns of numbers, one of each for a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Labels {
    /// At least one.
    columns: Vec<Column>,
    /// Whether nobody chose them: outputs may leave some of them over then.
    #[serde(default)]
    found: bool,
}

/// Labels of one kind, one for each frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// That of its array, unless that is `y`.
    pub name: Option<String>,
    /// In the order of the frames.
    pub numbers: Numbers,
}

/// Labels as they were stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Numbers {
    /// Whole numbers below [`MAX_CLASSES`] that were stored as such.
    Classes(Vec<u32>),
    /// Any other numbers.
    Values(Vec<f64>),
}

impl Labels {
    /// `None` without columns.
    pub fn new(columns: Vec<Column>) -> Option<Self> {
        (!columns.is_empty()).then_some(Self { columns, found: false })
    }

    /// One column of classes without a name.
    pub fn of_classes(classes: Vec<u32>) -> Self {
        let columns = vec![Column { name: None, numbers: Numbers::Classes(classes) }];
        Self { columns, found: false }
    }

    /// Columns that have usual names and were chosen by nobody.
    #[must_use]
    pub fn found(self) -> Self {
        Self { found: true, ..self }
    }

    /// Whether outputs may leave some of them over.
    pub fn are_found(&self) -> bool {
        self.found
    }

    /// At least one.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Frames that have labels.
    pub fn frames(&self) -> usize {
        self.columns[0].frames()
    }

    /// With a class of each frame in front of columns that have names: frames may have both.
    pub fn beside_classes(&self, classes: Vec<u32>) -> Option<Self> {
        let first = Column { name: None, numbers: Numbers::Classes(classes) };
        let columns = std::iter::once(first).chain(self.columns.iter().cloned()).collect();
        Some(Self { found: self.found, ..Self::new(columns)? })
    }

    /// The classes and the values of frames that have both.
    pub fn parted(&self) -> Option<[&[Column]; 2]> {
        let (classes, values) = self.columns.split_first()?;
        let is_class = classes.name.is_none() && matches!(classes.numbers, Numbers::Classes(_));
        let are_named = !values.is_empty() && values.iter().all(|column| column.name.is_some());
        (is_class && are_named).then_some([std::slice::from_ref(classes), values])
    }

    /// What else than classes is known of each frame.
    pub fn beside(&self) -> &[Column] {
        match (self.parted(), self.classes()) {
            (Some([_, values]), _) => values,
            (None, Some(_)) => &[],
            (None, None) => &self.columns,
        }
    }

    /// The class of each frame, where it has one.
    pub fn classes(&self) -> Option<&[u32]> {
        let columns = self.parted().map_or(&self.columns[..], |[classes, _]| classes);
        match columns {
            [Column { numbers: Numbers::Classes(classes), .. }] => Some(classes),
            _ => None,
        }
    }

    /// Makes values of them as `labelling` says; classes beside values stay.
    pub fn scale(&mut self, labelling: &Labelling) {
        let classes = usize::from(self.parted().is_some());
        for column in self.columns.iter_mut().skip(classes) {
            let (scale, offset) = labelling.scaling(column.name.as_deref());
            if (scale, offset) != (1.0, 0.0) {
                let values = column.values().iter().map(|value| value * scale + offset).collect();
                column.numbers = Numbers::Values(values);
            }
        }
    }

    /// Those of the frames `indices`.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let select = |column: &Column| Column {
            name: column.name.clone(),
            numbers: match &column.numbers {
                Numbers::Classes(own) => {
                    Numbers::Classes(indices.iter().map(|&i| own[i]).collect())
                }
                Numbers::Values(own) => Numbers::Values(indices.iter().map(|&i| own[i]).collect()),
            },
        };
        Self { columns: self.columns.iter().map(select).collect(), found: self.found }
    }

    /// Those in columns that are not called so.
    #[must_use]
    pub fn without(&self, is_called: &dyn Fn(&str) -> bool) -> Option<Self> {
        let stays = |column: &&Column| !column.name.as_deref().is_some_and(is_called);
        let own = Self::new(self.columns.iter().filter(stays).cloned().collect())?;
        Some(Self { found: self.found, ..own })
    }

    /// Adds the labels of further frames; `false` where they have other columns.
    #[must_use]
    pub fn extend(&mut self, other: Self) -> bool {
        let names =
            |labels: &Self| labels.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        if names(self) != names(&other) {
            return false;
        }
        for (own, other) in self.columns.iter_mut().zip(other.columns) {
            match (&mut own.numbers, other.numbers) {
                (Numbers::Classes(own), Numbers::Classes(other)) => own.extend(other),
                (Numbers::Values(own), Numbers::Values(other)) => own.extend(other),
                _ => return false,
            }
        }
        true
    }
}

impl Column {
    /// How many it has labels for.
    pub fn frames(&self) -> usize {
        match &self.numbers {
            Numbers::Classes(classes) => classes.len(),
            Numbers::Values(values) => values.len(),
        }
    }

    /// That of a frame.
    ///
    /// # Panics
    /// If there is no such frame.
    pub fn value(&self, frame: usize) -> f64 {
        match &self.numbers {
            Numbers::Classes(classes) => classes[frame].into(),
            Numbers::Values(values) => values[frame],
        }
    }

    /// All of them as numbers.
    pub fn values(&self) -> Cow<'_, [f64]> {
        match &self.numbers {
            Numbers::Classes(classes) => classes.iter().map(|&class| f64::from(class)).collect(),
            Numbers::Values(values) => values.into(),
        }
    }

    /// As indices of `count` classes, `name` being those that have one.
    ///
    /// # Errors
    /// The first label that is none.
    pub fn classes(
        &self,
        count: usize,
        name: impl Fn(usize) -> Option<String>,
    ) -> Result<Cow<'_, [u32]>> {
        let is_class = |value: f64| value >= 0.0 && value < count as f64 && value.fract() == 0.0;
        let values = self.values();
        if let Some(frame) = values.iter().position(|&value| !is_class(value)) {
            let label = values[frame];
            let called = name(label as usize).filter(|_| label >= 0.0);
            let called = called.map_or_else(String::new, |name| format!(" (`{name}`)"));
            let last = count.saturating_sub(1);
            return Err(match label.fract() == 0.0 {
                true => Error::new(format!(
                    "label {label}{called} of frame {frame} is out of range: the network has {count} \
                     classes, 0 to {last}"
                ))
                .way_out("Labels are the indices of the network's outputs, counted from 0."),
                false => Error::new(format!("label {label} of frame {frame} is no class"))
                    .way_out("Say what the outputs are with --task values, or save class indices."),
            });
        }
        Ok(match &self.numbers {
            Numbers::Classes(classes) => classes.into(),
            Numbers::Values(values) => values.iter().map(|&value| value as u32).collect(),
        })
    }
}
