//! Where a person's labels lie.

use serde::{Deserialize, Serialize};

/// Which columns a table's images and labels are in, and which numbers of a file's name are labels: as far as
/// somebody said it; usual names tell the rest. Arrays of an npz are columns, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Labelling {
    /// The column that names the images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<String>,
    /// The columns of labels, in the order of the network's outputs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Inputs of the network, each with the column that it takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<(String, String)>,
    /// Of a car that has three.
    pub cameras: Cameras,
    /// What the left camera adds to the steering, and the right one takes off.
    pub camera_correction: f64,
    /// A regular expression, whose named groups are labels in the names of files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What labels are multiplied by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scale: Vec<ForColumn>,
    /// What is added then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub offset: Vec<ForColumn>,
}

impl Default for Labelling {
    fn default() -> Self {
        Self {
            images: None,
            labels: Vec::new(),
            inputs: Vec::new(),
            cameras: Cameras::default(),
            camera_correction: 0.2,
            pattern: None,
            scale: Vec::new(),
            offset: Vec::new(),
        }
    }
}

/// Which cameras of a car give frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cameras {
    /// The one in the middle.
    #[default]
    Center,
    /// Left and right, too, as if the car had to steer back.
    All,
}

impl std::str::FromStr for Cameras {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "center" => Ok(Self::Center),
            "all" => Ok(Self::All),
            _ => Err(format!("`{text}` is no choice of cameras: `center` and `all` are")),
        }
    }
}

/// A number for the labels of a column, or without one of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForColumn {
    /// `None`: all.
    pub column: Option<String>,
    /// What its labels are multiplied by, or what is added to them.
    pub number: f64,
}

/// `COLUMN=X`, or `X` for all.
impl std::str::FromStr for ForColumn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (column, number) = match text.rsplit_once('=') {
            Some((name, number)) => (Some(name.to_owned()), number),
            None => (None, text),
        };
        Ok(Self { column, number: finite(number)? })
    }
}

/// An input and the column that feeds it: `NAME=COLUMN`.
///
/// # Errors
/// In words what is expected.
pub fn fed(text: &str) -> Result<(String, String), String> {
    let (name, column) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is no NAME=COLUMN, such as speed=3"))?;
    Ok((name.to_owned(), column.to_owned()))
}

/// # Errors
/// In words that it is no number.
pub fn finite(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("`{text}` is not a number, such as 0.2"))
}

impl Labelling {
    /// Whether it says something that a table, or an array, has to have.
    pub fn names_columns(&self) -> bool {
        self.images.is_some() || !self.labels.is_empty() || !self.inputs.is_empty()
    }

    /// What becomes of labels of this column: `scale * label + offset`.
    pub fn scaling(&self, column: Option<&str>) -> (f64, f64) {
        // What is said of the column itself counts before what is said of all.
        let said = |all: &[ForColumn], default: f64| {
            let own = all
                .iter()
                .rev()
                .find(|one| one.column.is_some() && one.column.as_deref() == column);
            let own = own.or_else(|| all.iter().rev().find(|one| one.column.is_none()));
            own.map_or(default, |one| one.number)
        };
        (said(&self.scale, 1.0), said(&self.offset, 0.0))
    }
}
