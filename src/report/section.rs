//! What a report is made of, before it is written in any format.

use super::chart::Chart;
use super::rows::{Cell, Difference};

/// Sections under a heading of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub title: String,
    pub sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub title: String,
    pub blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    Text(String),
    List(Vec<String>),
    Table(Table),
    /// A picture of figures that stand in a table, too.
    Chart(Chart),
    /// What is to be copied as it is.
    Code(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub caption: String,
    pub head: Vec<String>,
    /// The first entry of each is its heading.
    pub lines: Vec<Line>,
    /// Whether all but the headings are figures, which are set flush right.
    pub is_figures: bool,
    /// Whether several stand beside one another.
    pub is_small: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Whether it belongs to the line above.
    pub is_part: bool,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    pub text: String,
    pub difference: Option<Difference>,
    /// How dark its ground is, from 0 to 1.
    pub heat: Option<f64>,
}

impl From<String> for Entry {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

impl From<Option<Cell>> for Entry {
    fn from(cell: Option<Cell>) -> Self {
        match cell {
            Some(cell) => Self { text: cell.told(), difference: cell.difference, heat: None },
            None => "-".to_owned().into(),
        }
    }
}

impl Table {
    pub fn new(caption: impl Into<String>, head: Vec<String>, is_figures: bool) -> Self {
        Self { caption: caption.into(), head, lines: Vec::new(), is_figures, is_small: false }
    }

    pub fn push(&mut self, entries: impl IntoIterator<Item = impl Into<Entry>>) {
        let entries = entries.into_iter().map(Into::into).collect();
        self.lines.push(Line { is_part: false, entries });
    }
}

impl Block {
    /// Whether it stands beside others of its kind where there is room.
    pub fn is_small(&self) -> bool {
        match self {
            Self::Chart(_) => true,
            Self::Table(table) => table.is_small,
            _ => false,
        }
    }
}

impl Section {
    pub fn new(title: &str, blocks: Vec<Block>) -> Self {
        Self { title: title.into(), blocks }
    }
}
